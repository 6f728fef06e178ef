//! How refusals to call units off are said.

use domain::line_cancel::{CANCELLATIONS_MAX, Refusal};

use crate::problem::{Flaw, Problem};

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let code = refusal.code();
        let flaw = |at: usize, detail: &str| {
            let pointer = format!("/lines/{at}/line_id");
            Self::invalid(vec![Flaw::new(pointer, code, detail)])
        };
        match refusal {
            Refusal::NotPlaced { status } => {
                let detail = "Units are called off of orders that are placed and not over.";
                Self::conflict(code, detail).member("order_status", status.code())
            }
            Refusal::UnknownLine(at) => flaw(at, "The order has no such line."),
            Refusal::LineTwice(at) => flaw(at, "This line stands there twice."),
            Refusal::TooMany { line, left } => {
                let detail = "Fewer units of this line have neither left nor been called off.";
                Self::conflict(code, detail).member("line_id", line).member("left", left)
            }
            Refusal::InParcel { line, free } => {
                let detail = "Units of this line are in a parcel. Call that off first.";
                Self::conflict(code, detail).member("line_id", line).member("free", free)
            }
            Refusal::EntireOrder => {
                let detail = "Nothing of the order would be left. Call the order off instead.";
                Self::conflict(code, detail)
            }
            Refusal::CaptureUnderway => {
                let detail = "The order's money is being taken at this moment. Try again.";
                Self::conflict(code, detail)
            }
            Refusal::MoneyUndecided => {
                let detail = "Money of the order is with a bank or on its way back, and without it \
                              too little is left for these units. Wait until that is decided.";
                Self::conflict(code, detail)
            }
            Refusal::TooOften => {
                let max = CANCELLATIONS_MAX;
                let detail = format!("Units of an order are called off at most {max} times.");
                Self::conflict(code, detail).member("cancellations_max", max)
            }
            Refusal::Refund(refusal) => refusal.into(),
        }
    }
}
