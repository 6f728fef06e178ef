//! `POST /v1/auth/password/forgot`: 202 whether or not the address is known, after the same work.
//!
//! An address that was never confirmed gets the same letter: whoever reads it chooses the
//! password, and the one of whoever registered it dies. (A letter that merely confirms would open
//! the account with a password that perhaps somebody else chose.)

use api::form::email;
use api::reply::{Accepted, View};
use api::seal::token_hash;
use api::{Anyone, Body, Fields, Form, Metered, Reply};
use domain::address::Email;
use domain::event::Letter;
use runtime::Call;
use serde::Serialize;

use crate::letter::letter;
use crate::{App, gate};

/// Whose password.
#[derive(Debug)]
pub struct Forgotten {
    pub(crate) email: Email,
}

impl Form for Forgotten {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let email = fields.required("email", email());
        Some(Self { email: email? })
    }
}

/// What is answered to everybody whose letter may be on its way.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct Mailed {
    /// Always `check_your_email`.
    status: &'static str,
}

impl View for Mailed {}

/// The answer to everybody.
pub(crate) const MAILED: Accepted<Mailed> = Accepted(Mailed { status: "check_your_email" });

/// Mails a link by which another password is chosen.
pub async fn handle(
    app: &App,
    call: Call<Metered<Anyone>, Body<Forgotten>>,
) -> Reply<Accepted<Mailed>> {
    let Body(Forgotten { email }) = &call.input;
    let buckets = gate::mails(app, &call.request, &email.key());
    gate::pass(app, buckets, &call.standing, call.now).await?;
    let token = app.ids.token();
    let hash = token_hash(&token);
    match app.store.account_by_email(email).await? {
        Some(account) => {
            let link = Letter::ResetPassword { token };
            let letter = letter(app, &account.email, link, call.now);
            app.store.issue_reset(&account, &hash, &letter).await?;
        }
        None => app.store.issue_nothing(&hash, None, call.now).await?,
    }
    Ok(MAILED)
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_address_is_needed_and_nothing_else_is_taken() {
        assert_eq!(flaws_of::<Forgotten>(&json!({})), [("/email".to_owned(), "required")]);
        let body = json!({"email": "jane@example.org", "link": "https://evil.example"});
        assert_eq!(flaws_of::<Forgotten>(&body), [("/link".to_owned(), "unknown_field")]);
    }

    #[test]
    fn the_answer_says_nothing_about_the_address() {
        let body = serde_json::to_value(&MAILED.0).unwrap();
        assert_eq!(body, json!({"status": "check_your_email"}));
    }
}
