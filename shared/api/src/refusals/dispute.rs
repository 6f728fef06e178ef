//! How refusals about disputes are said.

use domain::dispute;
use serde_json::json;

use crate::problem::Problem;

impl From<dispute::Refusal> for Problem {
    fn from(refusal: dispute::Refusal) -> Self {
        let code = refusal.code();
        match refusal {
            dispute::Refusal::InvalidTransition { from, to } => {
                let detail = "The dispute's status does not allow it.";
                Self::conflict(code, detail).member("from", json!(from)).member("to", json!(to))
            }
            dispute::Refusal::Answered => {
                Self::conflict(code, "The dispute was answered. A bank takes one answer.")
            }
            dispute::Refusal::TooLate { due_by } => {
                Self::conflict(code, "The time for an answer is over.")
                    .member("due_by", due_by.to_string())
            }
        }
    }
}
