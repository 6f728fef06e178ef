//! `POST /v1/auth/refresh`: rotates. A token that was used before ends the whole session — unless
//! it was rotated within the last seconds: then its answer was probably lost, and the same
//! successor is given again.

use api::form::Text;
use api::reply::WithCookies;
use api::seal::token_hash;
use api::{Anyone, Body, Fields, Form, Metered, Problem, Reply};
use domain::account::{Subject, Worth};
use domain::audit::Actor;
use runtime::Call;
use store::Saved;

use crate::App;
use crate::session::{self, Cookies, Given, Mode, SessionView};

/// The token of an app; browsers send theirs as a cookie.
pub struct Refresh {
    pub(crate) refresh_token: Option<String>,
}

impl std::fmt::Debug for Refresh {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Refresh(…)")
    }
}

impl Form for Refresh {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let refresh_token = fields.optional("refresh_token", Text::between(1, 300));
        Some(Self { refresh_token: refresh_token? })
    }
}

/// Renews a session.
pub async fn handle(
    app: &App,
    call: Call<Metered<Anyone>, Body<Refresh>>,
) -> Reply<WithCookies<SessionView>> {
    renew(app, &call, call.input.0.refresh_token.as_deref(), Cookies::CUSTOMER, |subject| {
        matches!(subject, Subject::Customer(_))
    })
    .await
}

/// Renews the session of a token from the body or, without one, from a cookie.
pub(crate) async fn renew<I>(
    app: &App,
    call: &Call<Metered<Anyone>, I>,
    sent: Option<&str>,
    cookies: Cookies,
    is_ours: fn(Subject) -> bool,
) -> Reply<WithCookies<SessionView>> {
    let (token, mode) = if let Some(token) = sent {
        (token, Mode::Token)
    } else {
        let cookie = cookies.sent(&call.request).ok_or_else(Problem::unauthenticated)?;
        // The cookie is SameSite=Strict; browsers that do not know that say where they are.
        call.guard.same_site(&call.request)?;
        (cookie, Mode::Cookie)
    };
    let given = Given::read(&call.guard.sealer, token).filter(|given| is_ours(given.subject));
    let given = given.ok_or_else(Problem::session_revoked)?;
    let Given { subject, session: id } = given;
    let session = app.store.session(subject, id, call.now).await?;
    let session = session.ok_or_else(Problem::session_revoked)?;
    let successors = given.successors(&call.guard.sealer, token);
    let (session, successor) = match session.worth(&token_hash(token), call.now) {
        Worth::Current => {
            let successor = successors.into_iter().next().ok_or_else(Problem::internal)?;
            let rotated = session.rotated(token_hash(&successor), call.now);
            if app.store.rotate_session(&session, &rotated).await? == Saved::Raced {
                // Either the twin of this very call was faster, and its successor is the same; or
                // the session was ended meanwhile.
                let now = app.store.session(subject, id, call.now).await?;
                if now.is_none_or(|now| now.current != rotated.current) {
                    return Err(Problem::session_revoked());
                }
            }
            (rotated, successor)
        }
        Worth::JustRotated => {
            let successor = successors.into_iter().find(|s| token_hash(s) == session.current);
            (session, successor.ok_or_else(Problem::session_revoked)?)
        }
        Worth::Reused => {
            let (actor, object) = (actor(subject), Some(id.to_string()));
            let action = "session.token_reused";
            let event = app.doors.audit(&call.request, actor, action, object, Vec::new());
            app.store.end_session_saying(subject, id, &event).await?;
            app.doors.forget(id);
            return Err(Problem::session_revoked());
        }
        Worth::Expired => {
            app.store.end_session(subject, id).await?;
            return Err(Problem::session_revoked());
        }
    };
    let given = session::give(app, &call.guard, &session, successor, mode, call.now).await?;
    let (view, cookies) = given;
    Ok(WithCookies(view, cookies))
}

/// Whose session it is, as the audit log says it.
pub(crate) fn actor(subject: Subject) -> Actor {
    match subject {
        Subject::Customer(id) => Actor::Customer(id),
        Subject::Staff(id) => Actor::Staff(id),
    }
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_browser_sends_no_body_and_an_app_its_token() {
        assert_eq!(flaws_of::<Refresh>(&json!({})), []);
        assert_eq!(flaws_of::<Refresh>(&json!({"refresh_token": "t"})), []);
        assert_eq!(flaws_of::<Refresh>(&json!({"refresh_token": 1})).len(), 1);
    }
}
