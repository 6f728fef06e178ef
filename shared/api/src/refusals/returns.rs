//! How refusals of returns are said.

use domain::returns::exchange;
use domain::returns::{RETURNS_MAX, Refusal};

use crate::problem::{Flaw, Problem};

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let code = refusal.code();
        let flaw = |at: usize, field: &str, detail: &str| {
            Self::invalid(vec![Flaw::new(format!("/items/{at}/{field}"), code, detail)])
        };
        match refusal {
            Refusal::InvalidTransition { from, to } => {
                let detail = "The return's status does not allow it.";
                Self::conflict(code, detail).member("from", from.code()).member("to", to.code())
            }
            Refusal::OrderNotPlaced { status } => {
                let detail = "The order is not placed: nothing of it can come back.";
                Self::conflict(code, detail).member("order_status", status.code())
            }
            Refusal::Empty => Self::invalid(vec![Flaw::new("/items", code, "No line is named.")]),
            Refusal::Twice(at) => flaw(at, "order_line_id", "This line is named twice."),
            Refusal::UnknownLine(at) => flaw(at, "order_line_id", "There is no such line."),
            Refusal::Digital(at) => {
                flaw(at, "order_line_id", "This is downloaded; it does not come back.")
            }
            Refusal::TooManyUnits { line, left } => {
                let detail = "Fewer units of this line went out and may come back.";
                Self::conflict(code, detail).member("order_line_id", line).member("left", left)
            }
            Refusal::WindowOver { line, until } => {
                let detail = "The time in which this line may come back is over.";
                Self::conflict(code, detail)
                    .member("order_line_id", line)
                    .member("until", until.to_string())
            }
            Refusal::TooMany => {
                let detail = format!("An order has at most {RETURNS_MAX} returns.");
                Self::conflict(code, detail).member("returns_max", RETURNS_MAX)
            }
            Refusal::NotAwaited { line, awaiting } => {
                let detail = "Fewer units of this line are awaited.";
                Self::conflict(code, detail)
                    .member("order_line_id", line)
                    .member("awaiting", awaiting)
            }
            Refusal::DispositionMissing(at) => {
                flaw(at, "disposition", "Say what becomes of the units that came.")
            }
            Refusal::NothingCame(at) => {
                flaw(at, "disposition", "Nothing becomes of units that did not come.")
            }
            Refusal::NotBack { line, came_back } => {
                let detail = "Fewer units of this line came back.";
                Self::conflict(code, detail)
                    .member("order_line_id", line)
                    .member("returned", came_back)
            }
            Refusal::NotOver { until } => {
                let detail = "It is still awaited.";
                Self::conflict(code, detail).member("until", until.to_string())
            }
        }
    }
}

impl From<exchange::Refusal> for Problem {
    fn from(refusal: exchange::Refusal) -> Self {
        let code = refusal.code();
        match refusal {
            exchange::Refusal::NothingWanted => {
                let detail = "Say what is given for it: the buyer has not.";
                Self::conflict(code, detail)
            }
            exchange::Refusal::NothingToCredit => {
                let detail = "Nothing of it was paid by card: gift cards and store credit get \
                              theirs back. Refund it.";
                Self::conflict(code, detail)
            }
            exchange::Refusal::Refund(refusal) => refusal.into(),
            exchange::Refusal::Order(refusal) => refusal.into(),
        }
    }
}
