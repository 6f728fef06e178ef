//! `POST /v1/admin/customers/{id}/export`: has a customer sent all that the shop knows of them. It
//! goes to the customer's own address: nobody of the staff sees it.

use api::form::CustomerPath;
use api::reply::Accepted;
use api::view::privacy::PrivacyRequestView;
use api::{Path, Problem, Reply, Staff};
use domain::permission::grant;
use domain::privacy::Kind;
use runtime::Call;

use crate::{App, privacy};

/// Asks for it.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::CustomersWrite>, Path<CustomerPath>>,
) -> Reply<Accepted<PrivacyRequestView>> {
    let Path(CustomerPath { id }) = call.input;
    app.store.account(id).await?.ok_or_else(Problem::not_found)?;
    let what = (Kind::Export, "customer.export");
    privacy::ask(app, &call, what, id, call.who.actor()).await
}
