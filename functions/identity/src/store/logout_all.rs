//! `POST /v1/auth/logout_all`: signs the customer out everywhere, here as well.

use api::reply::WithCookies;
use api::{Customer, NoContent, Reply};
use domain::account::Subject;
use domain::audit::Actor;
use runtime::Call;

use crate::App;
use crate::session::Cookies;

/// Ends all sessions of the customer.
pub async fn handle(app: &App, call: Call<Customer>) -> Reply<WithCookies<NoContent>> {
    let (actor, object) = (Actor::Customer(call.who.id), Some(call.who.id.to_string()));
    let event = app.doors.audit(&call.request, actor, "session.end_all", object, Vec::new());
    let subject = Subject::Customer(call.who.id);
    app.store.end_sessions(subject, None, call.now, &[event]).await?;
    app.doors.forget_all();
    Ok(WithCookies(NoContent, Cookies::CUSTOMER.cleared()))
}
