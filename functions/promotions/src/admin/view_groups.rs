//! `GET /v1/admin/customers/{id}/groups`: the groups that promotions can ask for.

use api::form::CustomerPath;
use api::view::promotion::CustomerGroupsView;
use api::{Path, Problem, Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;

/// Shows a customer's groups.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::CustomersRead>, Path<CustomerPath>>,
) -> Reply<CustomerGroupsView> {
    let Path(CustomerPath { id }) = call.input;
    app.store.account(id).await?.ok_or_else(Problem::not_found)?;
    Ok(CustomerGroupsView::of(id, app.store.customer_facts(id).await?))
}
