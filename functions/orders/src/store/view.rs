//! `GET /v1/store/orders/{id}`: one query.

use api::reply::Cache;
use api::view::order::OrderView;
use api::{Cached, OrderReader, Path, Problem, Reply, download};
use runtime::Call;

use crate::App;
use crate::which::{self, Which};

/// Shows an order to its buyer.
pub async fn handle(app: &App, call: Call<OrderReader, Path<Which>>) -> Reply<Cached<OrderView>> {
    let file = which::load(app, call.input.0.id, &call.who).await?;
    let shop_url = app.shop_url.as_deref().ok_or_else(Problem::internal)?;
    let used = |line| file.downloads.iter().find(|d| d.line == line).map_or(0, |d| d.used);
    let links = download::links(&file.order, &call.guard.sealer, shop_url, call.now, used);
    Ok(Cached(OrderView::of(file.order, &file.payments, links), Cache::Private))
}
