//! `GET /v1/admin/orders/{id}/returns`: the returns of an order, and what of it is in none; one
//! query.

use api::form::OrderPath;
use api::view::returns::ReturnsView;
use api::{Path, Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::desk::load;

/// Lists the returns of an order.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ReturnsRead>, Path<OrderPath>>,
) -> Reply<ReturnsView> {
    let file = load(app, call.input.0.id).await?;
    Ok(ReturnsView::of(&file.order, &file.parcels, &file.returns))
}
