//! `POST /v1/admin/orders/{id}/reopen`: a completed order is open again, for the whole of the time
//! in which goods may come back. After that it is completed by itself, as before.

use api::form::OrderPath;
use api::reply::Remembered;
use api::view::order_desk::OrderFileView;
use api::{Path, Reply, Staff, Versioned};
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::desk::turn;

/// Opens a completed order again.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersWrite>, Path<OrderPath>>,
) -> Reply<Remembered<Versioned<OrderFileView>>> {
    let Path(OrderPath { id }) = &call.input;
    let now = call.now;
    turn(app, &call, *id, "order.reopen", |order| order.reopen(now)).await
}
