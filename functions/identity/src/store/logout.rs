//! `POST /v1/auth/logout`: ends the session; its refresh token is worth nothing from now on.
//!
//! An access token is enough, and so is the refresh token: who comes back after a quarter of an
//! hour to sign out has no other.

use api::reply::WithCookies;
use api::seal::Sealer;
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
        let given = given(&call.guard.sealer, token)?;
        // Customers and staff leave by their own doors.
        if !cookies.are_of(given.subject) {
            return Err(Problem::unauthenticated());
        }
        (given.subject, given.session)
    };
    app.store.end_session(subject, session).await?;
    app.doors.forget(session);
    Ok(WithCookies(NoContent, cookies.cleared()))
}

/// The session of a refresh token that this shop has given out.
fn given(sealer: &Sealer, token: &str) -> Reply<Given> {
    Given::read(sealer, token).ok_or_else(Problem::unauthenticated)
}

#[cfg(test)]
mod tests {
    use domain::id::{CustomerId, Ulid};

    use super::*;

    #[test]
    fn a_session_is_named_by_its_own_token_alone() {
        let sealer = Sealer::new([7; 32]);
        let body = format!(
            "{}.{}.secret",
            CustomerId::from_ulid(Ulid::from_parts(1, 1)),
            SessionId::from_ulid(Ulid::from_parts(1, 2)),
        );
        // Whoever has merely seen a session's id can not end it.
        for token in [body.clone(), format!("{body}."), format!("{body}.{}", "A".repeat(43))] {
            assert!(given(&sealer, &token).is_err(), "{token}");
        }
    }

    #[test]
    fn signing_out_takes_both_cookies_away() {
        let cleared = Cookies::CUSTOMER.cleared();
        assert_eq!(cleared.len(), 2);
        assert!(cleared.iter().all(|cookie| cookie.contains("=;") && cookie.contains("Max-Age=0")));
    }
}
