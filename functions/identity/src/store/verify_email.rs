//! `POST /v1/auth/email/verify`: the token of a mailed link, good once and for a day.

use api::form::Text;
use api::seal::token_hash;
use api::{Anyone, Body, Fields, Form, NoContent, Problem, Reply};
use http::StatusCode;
use runtime::Call;
use store::Saved;

use crate::App;

/// The token.
pub struct Verify {
    pub(crate) token: String,
}

impl std::fmt::Debug for Verify {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Verify(…)")
    }
}

impl Form for Verify {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let token = fields.required("token", Text::between(1, 200));
        Some(Self { token: token? })
    }
}

/// Confirms an address.
pub async fn handle(app: &App, call: Call<Anyone, Body<Verify>>) -> Reply<NoContent> {
    let hash = token_hash(&call.input.0.token);
    match app.store.verify_email(&hash, call.now).await? {
        Saved::Yes => Ok(NoContent),
        Saved::Raced => Err(invalid_token()),
    }
}

/// The same words whatever is wrong with a mailed token.
pub(crate) fn invalid_token() -> Problem {
    let detail = "The link is unknown, used or too old. Ask for another.";
    Problem::new(StatusCode::BAD_REQUEST, "invalid_token", detail)
}

#[cfg(test)]
mod tests {
    use api::form::{flaws_of, read_value};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_token_is_needed_and_never_shows() {
        assert_eq!(flaws_of::<Verify>(&json!({})), [("/token".to_owned(), "required")]);
        let verify = read_value::<Verify>(&json!({"token": "abc"}), "", &mut Vec::new()).unwrap();
        assert_eq!(format!("{verify:?}"), "Verify(…)");
    }
}
