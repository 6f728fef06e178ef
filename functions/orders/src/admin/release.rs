//! `POST /v1/admin/orders/{id}/release`: what was held goes on.

use api::form::OrderPath;
use api::reply::Remembered;
use api::view::order_desk::OrderFileView;
use api::{Path, Reply, Staff, Versioned};
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::desk::turn;

/// Lets an order go on.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersWrite>, Path<OrderPath>>,
) -> Reply<Remembered<Versioned<OrderFileView>>> {
    let Path(OrderPath { id }) = &call.input;
    let now = call.now;
    turn(app, &call, *id, "order.release", |order| order.release(now)).await
}
