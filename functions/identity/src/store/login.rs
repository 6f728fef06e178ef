//! `POST /v1/auth/login`: a wrong password, an unknown address and an unconfirmed one are the same
//! 401 after the same work.

use api::form::{OneOf, Text, email};
use api::reply::WithCookies;
use api::{Anyone, Body, Fields, Form, Metered, Problem, Reply};
use domain::account::Subject;
use domain::address::Email;
use domain::audit::Actor;
use http::StatusCode;
use runtime::Call;
use store::Saved;
use store::identity::NOBODYS_PASSWORD;

use crate::session::{self, Cookies, CustomerView, Given, Mode, SessionView};
use crate::{App, gate, password};

/// Who, with which password, and how the session is carried.
pub struct Login {
    pub(crate) email: Email,
    pub(crate) password: String,
    pub(crate) mode: Mode,
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
pub async fn handle(
    app: &App,
    call: Call<Metered<Anyone>, Body<Login>>,
) -> Reply<WithCookies<SessionView>> {
    let Body(Login { email, password, mode }) = &call.input;
    if *mode == Mode::Cookie && call.request.headers.contains_key("origin") {
        // Nobody is signed in from another site's page.
        call.guard.same_site(&call.request)?;
    }
    let buckets = gate::sign_in(app, &call.request, &email.key());
    let passed = gate::pass(app, buckets, &call.standing, call.now).await?;
    let account = app.store.account_by_email(email).await?;
    let hash = account.as_ref().map(|account| account.password.clone());
    let hash = hash.filter(|hash| hash != NOBODYS_PASSWORD);
    let fits = password::is_password(password.clone(), hash).await?;
    let Some(account) = account.filter(|account| fits && account.is_verified) else {
        gate::guessed(app, &call.request, &passed, Actor::Nobody).await?;
        return Err(invalid_credentials());
    };
    gate::give_back(app, &passed).await;
    if password::is_outdated(&account.password) {
        let hash = password::hash(password.clone(), app.ids.salt()).await?;
        app.store.rehash_password(&account, &hash).await?;
    }
    let (session, refresh_token) = session::begin(app, &call, Subject::Customer(account.id));
    let (actor, object) = (Actor::Customer(account.id), Some(session.id.to_string()));
    let event = app.doors.audit(&call.request, actor, "session.begin", object, Vec::new());
    if app.store.begin_session(&session, &[event]).await? == Saved::Raced {
        return Err(Problem::unavailable());
    }
    end_replaced(app, &call, *mode).await?;
    let given = session::give(app, &call.guard, &session, refresh_token, *mode, call.now).await?;
    let (view, cookies) = given;
    let customer = Some(CustomerView::from(account));
    Ok(WithCookies(SessionView { customer, ..view }, cookies))
}

/// Ends the session whose cookies are overwritten: nobody could end it afterwards.
async fn end_replaced<I>(app: &App, call: &Call<Metered<Anyone>, I>, mode: Mode) -> Reply<()> {
    if mode == Mode::Cookie
        && let Some(token) = Cookies::CUSTOMER.sent(&call.request)
        && let Some(given) = Given::read(&call.guard.sealer, token)
    {
        app.store.end_session(given.subject, given.session).await?;
    }
    Ok(())
}

/// The same words whatever was wrong.
pub(crate) fn invalid_credentials() -> Problem {
    let detail = "The address or the password is wrong.";
    Problem::new(StatusCode::UNAUTHORIZED, "invalid_credentials", detail)
}

#[cfg(test)]
mod tests {
    use api::form::{flaws_of, read_value};
    use serde_json::json;

    use super::*;

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
        assert_eq!(flaws_of::<Login>(&body), wanted);
        let body = json!({"email": "jane@example.org", "password": "hunter2hunter2"});
        let login = read_value::<Login>(&body, "", &mut Vec::new()).unwrap();
        assert_eq!(format!("{login:?}"), "Login(Cookie)");
    }
}
