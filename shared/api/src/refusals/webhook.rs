//! How refusals about the merchant's systems are said.

use domain::webhook;

use crate::problem::{Flaw, Problem};

impl From<webhook::Refusal> for Problem {
    fn from(refusal: webhook::Refusal) -> Self {
        let code = refusal.code();
        match refusal {
            webhook::Refusal::TooMany => {
                let detail = "There are as many endpoints as there may be. Delete one first.";
                Self::conflict(code, detail).member("endpoints_max", webhook::ENDPOINTS_MAX)
            }
            // The caller named it in the body: a flaw of the input.
            webhook::Refusal::NotPublic => {
                let detail = "This must be an https:// address on the public internet, \
                              on port 443 or above 1023.";
                Self::invalid(vec![Flaw::new("/url", code, detail)])
            }
            webhook::Refusal::TooOld => {
                Self::conflict(code, "The event is not kept any more, so it can not be sent again.")
            }
        }
    }
}
