//! `GET /v1/admin/orders/{id}/invoice`: the invoice of an order, for the staff; one query.

use api::form::OrderPath;
use api::view::invoice::OrderInvoicesView;
use api::{Path, Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::{App, papers};

/// Lends the invoice and its credit notes.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersRead>, Path<OrderPath>>,
) -> Reply<OrderInvoicesView> {
    papers::of_order(app, call.input.0.id, call.now).await
}
