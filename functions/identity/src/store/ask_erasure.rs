//! `POST /v1/store/me/erasure`: the customer wants to be forgotten, for who has just proven who
//! they are. The account is closed a minute later; orders stay, without whoever bought.

use api::reply::Accepted;
use api::view::privacy::PrivacyRequestView;
use api::{Body, FreshCustomer, Problem, Reply};
use domain::audit::Actor;
use domain::privacy::Kind;
use runtime::Call;

use crate::App;
use crate::privacy::{self, Farewell};

/// Asks for it.
pub async fn handle(
    app: &App,
    call: Call<FreshCustomer, Body<Farewell>>,
) -> Reply<Accepted<PrivacyRequestView>> {
    let id = call.who.0.id;
    app.store.account(id).await?.ok_or_else(Problem::unauthenticated)?;
    let orders = privacy::orders_of(app, id).await?;
    privacy::look(app, id, &orders, &call.input.0).await?;
    let what = (Kind::Erasure, "customer.erase");
    privacy::ask(app, &call, what, id, Actor::Customer(id)).await
}
