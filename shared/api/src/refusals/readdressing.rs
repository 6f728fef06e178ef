//! How refusals to send an order elsewhere are said.

use domain::readdressing::Refusal;

use crate::problem::Problem;

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let code = refusal.code();
        match refusal {
            Refusal::NotPlaced { status } => {
                let detail = "Orders are sent elsewhere that are placed and not over.";
                Self::conflict(code, detail).member("order_status", status.code())
            }
            Refusal::NotSent => Self::conflict(code, "Nothing of the order is sent to an address."),
            Refusal::AllSent => {
                Self::conflict(code, "All of the order has left, or was called off.")
            }
            Refusal::HasParcels => {
                let detail = "A parcel of the order is open or packed. Call that off first.";
                Self::conflict(code, detail)
            }
            Refusal::OtherTerms => {
                let detail = "Another price or another tax would hold there.";
                Self::conflict(code, detail)
            }
        }
    }
}
