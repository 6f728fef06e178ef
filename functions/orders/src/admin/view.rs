//! `GET /v1/admin/orders/{id}`: an order with all that staff may see of it; one query.

use api::form::OrderPath;
use api::view::order_desk::OrderFileView;
use api::{Path, Problem, Reply, Staff, Versioned};
use domain::permission::grant;
use runtime::Call;

use crate::App;

/// Shows an order.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersRead>, Path<OrderPath>>,
) -> Reply<Versioned<OrderFileView>> {
    let file = app.store.order(call.input.0.id).await?.ok_or_else(Problem::not_found)?;
    let version = file.order.version;
    Ok(Versioned(OrderFileView::of(file.order, &file.payments, &file.refunds), version))
}
