//! `GET /v1/auth/me`: who is signed in.

use api::{Customer, Problem, Reply};
use runtime::Call;

use crate::App;
use crate::session::CustomerView;

/// Says who is signed in.
pub async fn handle(app: &App, call: Call<Customer>) -> Reply<CustomerView> {
    let account = app.store.account(call.who.id).await?;
    account.map(CustomerView::from).ok_or_else(Problem::unauthenticated)
}
