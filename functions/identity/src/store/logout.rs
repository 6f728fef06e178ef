//! `POST /v1/auth/logout`: ends the session; its refresh token is worth nothing from now on.

use api::reply::WithCookies;
use api::{Customer, NoContent, Reply};
use runtime::Call;

use crate::{App, session};

/// Ends the session.
pub async fn handle(app: &App, call: Call<Customer>) -> Reply<WithCookies<NoContent>> {
    app.store.end_session(call.who.session).await?;
    Ok(WithCookies(NoContent, session::cleared()))
}
