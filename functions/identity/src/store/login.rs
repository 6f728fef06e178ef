//! `POST /v1/auth/login`: a wrong password, an unknown address and an unconfirmed one are the same
//! 401 after the same work.

use api::form::{OneOf, Text, email};
use api::reply::WithCookies;
use api::seal::token_hash;
use api::{Anyone, Body, Fields, Form, Problem, Reply};
use domain::account::Session;
use domain::address::Email;
use domain::id::SessionId;
use http::StatusCode;
use runtime::Call;
use store::Saved;

use crate::session::{self, CustomerView, Mode, SessionView};
use crate::{App, password};

/// Who, with which password, and how the session is carried.
pub struct Login {
    email: Email,
    password: String,
    mode: Mode,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Login({:?})", self.mode)
    }
}

impl Form for Login {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let email = fields.required("email", email());
        let password = fields.required("password", Text::between(1, 128));
        let modes = OneOf(&[("cookie", Mode::Cookie), ("token", Mode::Token)]);
        let mode = fields.optional("mode", modes);
        let mode = mode?.unwrap_or(Mode::Cookie);
        Some(Self { email: email?, password: password?, mode })
    }
}

/// Signs a customer in.
pub async fn handle(app: &App, call: Call<Anyone, Body<Login>>) -> Reply<WithCookies<SessionView>> {
    let Body(Login { email, password, mode }) = call.input;
    if mode == Mode::Cookie && call.request.headers.contains_key("origin") {
        // Nobody is signed in from another site's page.
        call.guard.same_site(&call.request)?;
    }
    let account = app.store.account_by_email(&email).await?;
    let hash = account.as_ref().map(|account| account.password.clone());
    let fits = password::is_password(password.clone(), hash).await?;
    let Some(account) = account.filter(|account| fits && account.is_verified) else {
        let detail = "The address or the password is wrong.";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "invalid_credentials", detail));
    };
    if password::is_outdated(&account.password) {
        let hash = password::hash(password, app.ids.salt()).await?;
        app.store.rehash_password(&account, &hash).await?;
    }
    let id = SessionId::from_ulid(app.ids.ulid(call.now));
    let refresh_token = session::refresh_token(id, &app.ids.token());
    let session = Session {
        id,
        customer: account.id,
        current: token_hash(&refresh_token),
        previous: None,
        rotated_at: call.now,
        created_at: call.now,
    };
    if app.store.begin_session(&session).await? == Saved::Raced {
        return Err(Problem::unavailable());
    }
    let given = session::give(app, &call.guard, &session, refresh_token, mode, call.now).await?;
    let (view, cookies) = given;
    let customer = Some(CustomerView::from(account));
    Ok(WithCookies(SessionView { customer, ..view }, cookies))
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
    fn the_session_is_carried_by_cookies_unless_said_otherwise() {
        let read = |body| read_value::<Login>(&body, "", &mut Vec::new()).unwrap().mode;
        let body = json!({"email": "jane@example.org", "password": "x"});
        assert_eq!(read(body), Mode::Cookie);
        let body = json!({"email": "jane@example.org", "password": "x", "mode": "token"});
        assert_eq!(read(body), Mode::Token);
    }

    #[test]
    fn every_flaw_is_named_and_no_password_shows() {
        let body = json!({"email": "jane", "password": "", "mode": "carrier pigeon"});
        let wanted = [
            ("/email".to_owned(), "malformed"),
            ("/password".to_owned(), "too_short"),
            ("/mode".to_owned(), "not_allowed"),
        ];
        assert_eq!(codes::<Login>(&body), wanted);
        let body = json!({"email": "jane@example.org", "password": "hunter2hunter2"});
        let login = read_value::<Login>(&body, "", &mut Vec::new()).unwrap();
        assert_eq!(format!("{login:?}"), "Login(Cookie)");
    }
}
