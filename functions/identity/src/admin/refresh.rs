//! `POST /v1/auth/staff/refresh`: as for customers, with the staff's cookies and shorter lives.

use api::reply::WithCookies;
use api::{Anyone, Body, Metered, Reply};
use domain::account::Subject;
use runtime::Call;

use crate::App;
use crate::session::{Cookies, SessionView};
use crate::store::refresh::{Refresh, renew};

/// Renews a session.
pub async fn handle(
    app: &App,
    call: Call<Metered<Anyone>, Body<Refresh>>,
) -> Reply<WithCookies<SessionView>> {
    renew(app, &call, call.input.0.refresh_token.as_deref(), Cookies::STAFF, |subject| {
        matches!(subject, Subject::Staff(_))
    })
    .await
}
