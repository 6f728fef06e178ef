//! How refusals to edit an order are said.

use domain::order_edit::{EDITS_MAX, Refusal};

use crate::problem::{Flaw, Problem};

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let code = refusal.code();
        match refusal {
            Refusal::Nothing => {
                let detail = "Nothing is taken off and nothing is added.";
                Self::invalid(vec![Flaw::new("/removals", code, detail)])
            }
            Refusal::NotPlaced { status } => {
                let detail = "Orders are edited that are placed, not held and not over.";
                Self::conflict(code, detail).member("order_status", status.code())
            }
            Refusal::AllSent => {
                let detail = "All of the order has left, or was called off.";
                Self::conflict(code, detail)
            }
            Refusal::Twice { sku } => {
                let detail = "This stands there twice. Say the difference only.";
                Self::conflict(code, detail).member("sku", sku)
            }
            Refusal::OtherCurrency(at) => {
                let pointer = format!("/additions/{at}/unit_price/currency");
                let detail = "The order is priced in another currency.";
                Self::invalid(vec![Flaw::new(pointer, code, detail)])
            }
            Refusal::EditOpen { number } => {
                let detail = "An edit of this order is open. Withdraw it first.";
                Self::conflict(code, detail).member("number", number)
            }
            Refusal::TooOften => {
                let detail = format!("An order is edited at most {EDITS_MAX} times.");
                Self::conflict(code, detail).member("edits_max", EDITS_MAX)
            }
            Refusal::Closed { status } => {
                let detail = "The edit is closed.";
                Self::conflict(code, detail).member("status", status.code())
            }
            Refusal::Late { until } => {
                let detail = "The time in which this could be agreed to is over.";
                Self::conflict(code, detail).member("expired_at", until.to_string())
            }
            Refusal::Superseded => {
                let detail = "The order has become another one since this was proposed.";
                Self::conflict(code, detail)
            }
            Refusal::ApprovalRequired { due } => {
                let detail = "The buyer pays for it: they have to say yes.";
                Self::conflict(code, detail).member("due", due)
            }
            Refusal::TotalChanged { due } => {
                let detail = "It leaves another amount to be paid than was expected.";
                Self::conflict(code, detail).member("due", due)
            }
            Refusal::Removal(refusal) => refusal.into(),
            Refusal::Addition(refusal) => refusal.into(),
            Refusal::Refund(refusal) => refusal.into(),
        }
    }
}
