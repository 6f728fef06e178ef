//! `GET /v1/admin/orders/{id}/fulfillments`: the parcels of an order, how far each of its lines is,
//! and where what has not left lies; one query.

use api::form::OrderPath;
use api::view::fulfillment::FulfillmentsView;
use api::{Path, Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::parcel::load;

/// Lists the parcels of an order.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersRead>, Path<OrderPath>>,
) -> Reply<FulfillmentsView> {
    let Path(OrderPath { id }) = call.input;
    let file = load(app, id).await?;
    Ok(FulfillmentsView::of(&file.order, &file.parcels))
}
