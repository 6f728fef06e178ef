//! `GET /v1/store/orders/{id}/returns`: the returns of an order, and what of it may still come
//! back.

use api::form::OrderPath;
use api::reply::Cache;
use api::view::returns::OrderReturnsView;
use api::{Cached, OrderReader, Path, Reply};
use runtime::Call;

use crate::App;
use crate::buyer::load;

/// Lists the returns of an order.
pub async fn handle(
    app: &App,
    call: Call<OrderReader, Path<OrderPath>>,
) -> Reply<Cached<OrderReturnsView>> {
    let file = load(app, call.input.0.id, &call.who).await?;
    let days = app.store.shop().await?.value.return_policy.days;
    let view = OrderReturnsView::of(&file.order, &file.parcels, &file.returns, days, call.now);
    Ok(Cached(view, Cache::Private))
}
