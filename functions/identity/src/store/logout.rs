//! `POST /v1/auth/logout`: ends the session; its refresh token is worth nothing from now on.
//!
//! An access token is enough, and so is the refresh token: who comes back after a quarter of an
//! hour to sign out has no other.

use api::reply::WithCookies;
use api::{Body, Customer, NoContent, Perhaps, Problem, Reply};
use domain::account::Subject;
use domain::id::SessionId;
use runtime::Call;

use super::refresh::Refresh;
use crate::App;
use crate::session::{Cookies, Given};

/// Ends the session.
pub async fn handle(
    app: &App,
    call: Call<Perhaps<Customer>, Body<Refresh>>,
) -> Reply<WithCookies<NoContent>> {
    let signed_in = call.who.0.map(|who| (Subject::Customer(who.id), who.session));
    let sent = call.input.0.refresh_token.as_deref();
    leave(app, &call, signed_in, sent, Cookies::CUSTOMER).await
}

/// Ends the session of the caller, or else the one whose refresh token they hold.
pub(crate) async fn leave<W, I>(
    app: &App,
    call: &Call<W, I>,
    signed_in: Option<(Subject, SessionId)>,
    sent: Option<&str>,
    cookies: Cookies,
) -> Reply<WithCookies<NoContent>> {
    let (subject, session) = if let Some(signed_in) = signed_in {
        signed_in
    } else {
        let token = match (sent, cookies.sent(&call.request)) {
            (Some(token), _) => token,
            (None, Some(cookie)) => {
                call.guard.same_site(&call.request)?;
                cookie
            }
            (None, None) => return Err(Problem::unauthenticated()),
        };
        let given = Given::read(&call.guard.sealer, token);
        let given = given.ok_or_else(Problem::unauthenticated)?;
        (given.subject, given.session)
    };
    app.store.end_session(subject, session).await?;
    app.doors.forget(session);
    Ok(WithCookies(NoContent, cookies.cleared()))
}
