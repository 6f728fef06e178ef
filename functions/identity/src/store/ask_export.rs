//! `POST /v1/store/me/export`: the customer wants all that the shop knows of them, for who has just
//! proven who they are. A letter tells when it is there; once a day at most.

use api::reply::Accepted;
use api::view::privacy::PrivacyRequestView;
use api::{FreshCustomer, Problem, Reply};
use domain::audit::Actor;
use domain::privacy::Kind;
use runtime::Call;

use crate::{App, privacy};

/// Asks for it.
pub async fn handle(app: &App, call: Call<FreshCustomer>) -> Reply<Accepted<PrivacyRequestView>> {
    let id = call.who.0.id;
    app.store.account(id).await?.ok_or_else(Problem::unauthenticated)?;
    let what = (Kind::Export, "customer.export");
    privacy::ask(app, &call, what, id, Actor::Customer(id)).await
}
