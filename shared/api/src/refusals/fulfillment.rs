//! How refusals of parcels are said.

use domain::fulfillment::{PARCELS_MAX, Refusal};

use crate::problem::{Flaw, Problem};

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let code = refusal.code();
        let flaw = |at: usize, detail: &str| {
            let pointer = format!("/lines/{at}/order_line_id");
            Self::invalid(vec![Flaw::new(pointer, code, detail)])
        };
        match refusal {
            Refusal::InvalidTransition { from, to } => {
                let detail = "The parcel's status does not allow it.";
                Self::conflict(code, detail).member("from", from.code()).member("to", to.code())
            }
            Refusal::OrderNotPlaced { status } => {
                let detail = "The order is not placed, or somebody looks at it.";
                Self::conflict(code, detail).member("order_status", status.code())
            }
            Refusal::NotPaid { status } => {
                let detail = "The order's money is not there: nothing unpaid is sent.";
                Self::conflict(code, detail).member("payment_status", status.code())
            }
            Refusal::Empty => {
                let detail = "There is nothing in the parcel.";
                Self::invalid(vec![Flaw::new("/lines", code, detail)])
            }
            Refusal::Twice(at) => flaw(at, "This line stands in the parcel twice."),
            Refusal::UnknownLine(at) => flaw(at, "The order has no such line."),
            Refusal::Digital(at) => flaw(at, "This is downloaded; it is in no parcel."),
            Refusal::TooMany { line, left } => {
                let detail = "Fewer units of this line are left to be sent.";
                Self::conflict(code, detail).member("order_line_id", line).member("left", left)
            }
            Refusal::ChooseLocation { locations } => {
                let detail = "Say from which location it leaves: no single one has all of it, or \
                              several have.";
                Self::conflict(code, detail).member("location_ids", locations)
            }
            Refusal::NotHere { sku, held } => {
                let detail = "The order holds fewer units at this location.";
                Self::conflict(code, detail).member("sku", sku).member("held", held)
            }
            Refusal::TooScattered => {
                let detail = "Its units lie at too many places for one parcel. Make two of it.";
                Self::conflict(code, detail)
            }
            Refusal::TooManyParcels => {
                let detail = format!("An order has at most {PARCELS_MAX} parcels.");
                Self::conflict(code, detail).member("parcels_max", PARCELS_MAX)
            }
            Refusal::HasLabel => {
                let detail = "The parcel has a label, or may have one. Give that back first.";
                Self::conflict(code, detail)
            }
            Refusal::NoLabel => Self::conflict(code, "The parcel has no label."),
        }
    }
}
