//! How refusals about draft orders are said.

use domain::draft;

use crate::problem::{Flaw, Problem};

impl From<draft::Refusal> for Problem {
    fn from(refusal: draft::Refusal) -> Self {
        let code = refusal.code();
        match refusal {
            draft::Refusal::Ordered { order_id } => {
                Self::conflict(code, "An order was made of this draft.")
                    .member("order_id", order_id)
            }
            draft::Refusal::Canceled => Self::conflict(code, "This draft was called off."),
            // The caller named it in the body: a flaw of the input.
            draft::Refusal::UnknownVariant { at } => {
                let detail = "There is no such variant.";
                let pointer = format!("/lines/{at}/variant_id");
                Self::invalid(vec![Flaw::new(pointer, code, detail)])
            }
            draft::Refusal::VariantTwice { at } => {
                Self::conflict(code, "Equal variants are one line.").member("line", at)
            }
            draft::Refusal::OtherCurrency { at } => {
                let detail = "A draft is priced in one currency.";
                Self::conflict(code, detail).member("line", at)
            }
            draft::Refusal::DiscountTooLarge { at, most } => {
                let detail = "No more is taken off a line than it costs.";
                Self::conflict(code, detail).member("line", at).member("discount_max", most)
            }
            draft::Refusal::Cart(refusal) => refusal.into(),
        }
    }
}
