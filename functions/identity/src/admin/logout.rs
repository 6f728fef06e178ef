//! `POST /v1/auth/staff/logout`: ends the session of a member.

use api::reply::WithCookies;
use api::{Body, Member, NoContent, Perhaps, Reply};
use domain::account::Subject;
use runtime::Call;

use crate::App;
use crate::session::Cookies;
use crate::store::logout::leave;
use crate::store::refresh::Refresh;

/// Ends the session.
pub async fn handle(
    app: &App,
    call: Call<Perhaps<Member>, Body<Refresh>>,
) -> Reply<WithCookies<NoContent>> {
    let signed_in = call.who.0.as_ref().map(|who| (Subject::Staff(who.id), who.session.id));
    let sent = call.input.0.refresh_token.as_deref();
    leave(app, &call, signed_in, sent, Cookies::STAFF).await
}
