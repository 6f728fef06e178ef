//! How refusals to take reserved money are said.

use domain::capture;

use crate::problem::Problem;

impl From<capture::Refusal> for Problem {
    fn from(refusal: capture::Refusal) -> Self {
        let code = refusal.code();
        match refusal {
            capture::Refusal::NothingReserved => {
                Self::conflict(code, "No money is reserved for this order.")
            }
            capture::Refusal::OnHold => {
                Self::conflict(code, "The order is on hold: nothing is taken until it is released.")
            }
            capture::Refusal::Asked => Self::conflict(code, "The money is being taken."),
            capture::Refusal::OtherCurrency => {
                Self::conflict(code, "The order is in another currency.")
            }
            capture::Refusal::ExceedsReserved { reserved } => {
                Self::conflict(code, "Less is reserved.").member("authorized", reserved)
            }
            capture::Refusal::ExceedsDue { due } => {
                Self::conflict(code, "Less is due.").member("due", due)
            }
            capture::Refusal::TooSmall { step } => {
                Self::conflict(code, "The payment provider can not move exactly so much.")
                    .member("step", step)
            }
        }
    }
}
