//! How refusals of imports are said.

use domain::exchange::import::Refusal;

use crate::problem::Problem;

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let code = refusal.code();
        match refusal {
            Refusal::InvalidTransition { from, to } => {
                let detail = "The import's state does not allow it.";
                Self::conflict(code, detail).member("from", from.code()).member("to", to.code())
            }
            Refusal::FileMissing => {
                let detail = "The file has not come, or is not as long as it was announced.";
                Self::conflict(code, detail)
            }
        }
    }
}
