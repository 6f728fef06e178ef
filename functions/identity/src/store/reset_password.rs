//! `POST /v1/auth/password/reset`: another password by a mailed token, good once and for half an
//! hour. All sessions end: whoever knew the old password is out.

use api::form::Text;
use api::seal::token_hash;
use api::{Anyone, Body, Fields, Form, Metered, NoContent, Reply};
use domain::audit::Actor;
use domain::event::Letter;
use runtime::Call;
use store::Saved;

use super::verify_email::invalid_token;
use crate::letter::letter;
use crate::{App, gate, password};

/// The token and the new password.
pub struct Reset {
    pub(crate) token: String,
    pub(crate) password: String,
}

/// It holds a password.
impl std::fmt::Debug for Reset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reset(…)")
    }
}

impl Form for Reset {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let token = fields.required("token", Text::between(1, 200));
        let password = password::new_password(fields, "password");
        Some(Self { token: token?, password: password? })
    }
}

/// Chooses another password.
pub async fn handle(app: &App, call: Call<Metered<Anyone>, Body<Reset>>) -> Reply<NoContent> {
    let Body(Reset { token, password: text }) = &call.input;
    let hash = token_hash(token);
    let buckets = gate::mailed_tokens(app, &call.request);
    let passed = gate::pass(app, buckets, &call.standing, call.now).await?;
    let account = app.store.account_to_reset(&hash, call.now).await?;
    let account = account.ok_or_else(invalid_token)?;
    // Somebody with a good token does not guess.
    gate::give_back(app, &passed).await;
    password::fits_account(text, &account.email)?;
    let new = password::hash(text.clone(), app.ids.salt()).await?;
    let object = Some(account.id.to_string());
    let actor = Actor::Customer(account.id);
    let events = [
        letter(app, &account.email, Letter::PasswordChanged, call.now),
        app.doors.audit(&call.request, actor, "password.reset", object, Vec::new()),
    ];
    match app.store.reset_password(&account, &hash, &new, call.now, &events).await? {
        Saved::Yes => Ok(NoContent),
        // The twin of this very call was faster, or the account has changed.
        Saved::Raced => Err(invalid_token()),
    }
}

#[cfg(test)]
mod tests {
    use api::form::{flaws_of, read_value};
    use serde_json::json;

    use super::*;

    #[test]
    fn every_flaw_and_every_unmet_rule_is_named() {
        let flaws = flaws_of::<Reset>(&json!({"password": "abc"}));
        for flaw in [("/token", "required"), ("/password", "password_too_short")] {
            assert!(flaws.contains(&(flaw.0.to_owned(), flaw.1)), "{flaws:?}");
        }
    }

    #[test]
    fn a_good_form_is_read_and_shows_nothing() {
        let body = json!({"token": "t", "password": "a quiet river stone"});
        let reset = read_value::<Reset>(&body, "", &mut Vec::new()).unwrap();
        assert_eq!(format!("{reset:?}"), "Reset(…)");
    }
}
