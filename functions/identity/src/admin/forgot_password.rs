//! `POST /v1/auth/staff/password/forgot`: 202 whether or not somebody of this address works here.
//!
//! Who has no password yet gets another invitation instead: theirs may be lost or too old. The
//! second factor stays: a mailbox alone opens nothing.

use api::form::email;
use api::reply::{Accepted, View};
use api::seal::token_hash;
use api::{Anyone, Body, Fields, Form, Metered, Reply};
use domain::address::Email;
use domain::audit::Actor;
use domain::event::Letter;
use domain::staff::Status;
use runtime::Call;
use serde::Serialize;
use store::staff::{NewToken, Purpose};

use crate::letter::letter;
use crate::staff::note;
use crate::{App, gate};

/// Whose password.
pub struct Forgot {
    email: Email,
}

impl std::fmt::Debug for Forgot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Forgot(…)")
    }
}

impl Form for Forgot {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let email = fields.required("email", email());
        Some(Self { email: email? })
    }
}

/// What is answered to everybody.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct StaffLetterView {
    /// Always `check_your_email`.
    status: &'static str,
}

impl View for StaffLetterView {}

/// Writes to whoever works here under this address.
pub async fn handle(
    app: &App,
    call: Call<Metered<Anyone>, Body<Forgot>>,
) -> Reply<Accepted<StaffLetterView>> {
    let email = &call.input.0.email;
    let buckets = gate::mails(app, &call.request, &format!("staff {}", email.key()));
    gate::pass(app, buckets, &call.standing, call.now).await?;
    let member = app.store.member_by_email(email).await?;
    let token = app.ids.token();
    let written = member.and_then(|member| match member.status {
        Status::Active => {
            let link = Letter::StaffResetPassword { token: token.clone() };
            Some((member, Purpose::Reset, link))
        }
        Status::Invited => {
            let link = Letter::StaffInvitation { token: token.clone() };
            Some((member, Purpose::Invitation, link))
        }
        Status::Suspended => None,
    });
    let action = "staff.password_forgotten";
    if let Some((member, purpose, link)) = written {
        let events = [
            note(app, &call, Actor::Nobody, action, member.id, Vec::new()),
            letter(app, &member.email, link, call.now),
        ];
        let token = NewToken { hash: &token_hash(&token), purpose, now: call.now };
        app.store.write_staff_token(&member, token, &events).await?;
    } else {
        // A write for nobody, too: time tells little.
        let event = app.doors.audit(&call.request, Actor::Nobody, action, None, Vec::new());
        app.store.say(&event).await?;
    }
    Ok(Accepted(StaffLetterView { status: "check_your_email" }))
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_address_is_needed() {
        assert_eq!(flaws_of::<Forgot>(&json!({})), [("/email".to_owned(), "required")]);
    }
}
