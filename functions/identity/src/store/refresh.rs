//! `POST /v1/auth/refresh`: rotates. A token that was used before ends the whole session — unless
//! it was rotated within the last seconds: then its answer was probably lost, and the same
//! successor is given again.

use api::form::Text;
use api::reply::WithCookies;
use api::seal::token_hash;
use api::{Anyone, Body, Fields, Form, Problem, Reply};
use domain::account::Worth;
use http::StatusCode;
use runtime::Call;
use store::Saved;

use crate::App;
use crate::session::{self, Mode, SessionView};

/// The token of an app; browsers send theirs as a cookie.
pub struct Refresh {
    refresh_token: Option<String>,
}

impl std::fmt::Debug for Refresh {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Refresh(…)")
    }
}

impl Form for Refresh {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let refresh_token = fields.optional("refresh_token", Text::between(1, 200));
        Some(Self { refresh_token: refresh_token? })
    }
}

/// Renews a session.
pub async fn handle(
    app: &App,
    call: Call<Anyone, Body<Refresh>>,
) -> Reply<WithCookies<SessionView>> {
    let (token, mode) = if let Some(token) = call.input.0.refresh_token {
        (token, Mode::Token)
    } else {
        let cookie = call.request.cookie("__Host-refresh").ok_or_else(Problem::unauthenticated)?;
        // The cookie is SameSite=Strict; browsers that do not know that say where they are.
        call.guard.same_site(&call.request)?;
        (cookie.to_owned(), Mode::Cookie)
    };
    let id = session::session_of(&token).ok_or_else(revoked)?;
    let session = app.store.session(id).await?.ok_or_else(revoked)?;
    let successor = session::successor(&call.guard, id, &token);
    let session = match session.worth(&token_hash(&token), call.now) {
        Worth::Current => {
            let rotated = session.rotated(token_hash(&successor), call.now);
            match app.store.rotate_session(&session, &rotated).await? {
                // Raced: the twin of this very call was faster; its successor is the same.
                Saved::Yes | Saved::Raced => rotated,
            }
        }
        Worth::JustRotated => session,
        Worth::Reused | Worth::Expired => {
            app.store.end_session(id).await?;
            return Err(revoked());
        }
    };
    let given = session::give(app, &call.guard, &session, successor, mode, call.now).await?;
    let (view, cookies) = given;
    Ok(WithCookies(view, cookies))
}

fn revoked() -> Problem {
    let detail = "The session has ended. Sign in again.";
    Problem::new(StatusCode::UNAUTHORIZED, "session_revoked", detail)
}

#[cfg(test)]
mod tests {
    use api::form::read_value;
    use serde_json::json;

    use super::*;

    fn codes<T: Form>(body: &serde_json::Value) -> Vec<(String, &'static str)> {
        let mut flaws = Vec::new();
        assert_eq!(read_value::<T>(body, "", &mut flaws).is_none(), !flaws.is_empty());
        flaws.into_iter().map(|flaw| (flaw.pointer, flaw.code)).collect()
    }

    #[test]
    fn a_browser_sends_no_body_and_an_app_its_token() {
        assert_eq!(codes::<Refresh>(&json!({})), []);
        assert_eq!(codes::<Refresh>(&json!({"refresh_token": "t"})), []);
        assert_eq!(codes::<Refresh>(&json!({"refresh_token": 1})).len(), 1);
    }
}
