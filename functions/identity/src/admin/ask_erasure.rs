//! `POST /v1/admin/customers/{id}/erasure`: has a customer forgotten, also one who has closed their
//! account and left orders behind.

use api::form::CustomerPath;
use api::reply::Accepted;
use api::view::privacy::PrivacyRequestView;
use api::{Body, Path, Problem, Reply, Staff};
use domain::permission::grant;
use domain::privacy::Kind;
use runtime::Call;

use crate::App;
use crate::privacy::{self, Farewell};

/// Asks for it.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::CustomersErase>, (Path<CustomerPath>, Body<Farewell>)>,
) -> Reply<Accepted<PrivacyRequestView>> {
    let (Path(CustomerPath { id }), Body(farewell)) = &call.input;
    let account = app.store.account(*id).await?;
    let orders = privacy::orders_of(app, *id).await?;
    if account.is_none() && orders.is_empty() {
        return Err(Problem::not_found());
    }
    privacy::look(app, *id, &orders, farewell).await?;
    let what = (Kind::Erasure, "customer.erase");
    privacy::ask(app, &call, what, *id, call.who.actor()).await
}
