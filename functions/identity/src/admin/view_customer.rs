//! `GET /v1/admin/customers/{id}`: a customer with the address book; one query.

use api::form::CustomerPath;
use api::view::customer::CustomerFileView;
use api::{Path, Problem, Reply, Staff};
use domain::permission::grant;
use runtime::Call;
use store::identity::CustomerFile;

use crate::App;

/// Shows a customer.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::CustomersRead>, Path<CustomerPath>>,
) -> Reply<CustomerFileView> {
    let file = app.store.customer(call.input.0.id).await?.ok_or_else(Problem::not_found)?;
    let CustomerFile { account, book, addresses } = file;
    Ok(CustomerFileView::of(account, &book, addresses))
}
