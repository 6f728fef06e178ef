//! How refusals about letters are said.

use domain::{letter_template, message};
use http::StatusCode;

use crate::problem::Problem;

impl From<letter_template::Refusal> for Problem {
    fn from(refusal: letter_template::Refusal) -> Self {
        let code = refusal.code();
        match refusal {
            letter_template::Refusal::UnknownVersion => {
                Self::new(StatusCode::NOT_FOUND, code, "There is no such version.")
            }
            letter_template::Refusal::AlreadyPublished => {
                Self::conflict(code, "This version is sent already.")
            }
            letter_template::Refusal::NothingPublished => {
                let detail = "The shop's own words are sent: there is nothing before them.";
                Self::conflict(code, detail)
            }
            letter_template::Refusal::TooManyVersions => {
                let max = letter_template::VERSIONS_MAX;
                Self::conflict(code, format!("A letter has at most {max} versions."))
                    .member("versions_max", max)
            }
        }
    }
}

impl From<message::Refusal> for Problem {
    fn from(refusal: message::Refusal) -> Self {
        let code = refusal.code();
        match refusal {
            message::Refusal::NotAboutAnOrder => {
                let detail = "This letter carried a link or a code of its own, which nobody keeps. \
                              Its reader asks for another one.";
                Self::conflict(code, detail)
            }
            message::Refusal::Underway(status) => {
                Self::conflict(code, "This letter is on its way.").member("letter_status", status)
            }
            message::Refusal::RepeatedTooOften => {
                let max = message::RESENDS_MAX;
                Self::conflict(code, format!("A letter is repeated at most {max} times."))
                    .member("resends_max", max)
            }
        }
    }
}
