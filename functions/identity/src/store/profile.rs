//! `GET /v1/store/me`: the customer's own account.

use api::reply::Cache;
use api::{Cached, Customer, Problem, Reply};
use runtime::Call;

use crate::App;
use crate::session::CustomerView;

/// Shows the account.
pub async fn handle(app: &App, call: Call<Customer>) -> Reply<Cached<CustomerView>> {
    let account = app.store.account(call.who.id).await?;
    let account = account.ok_or_else(Problem::unauthenticated)?;
    Ok(Cached(CustomerView::from(account), Cache::Private))
}
