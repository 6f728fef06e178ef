//! `GET /v1/store/orders/{id}/returns/{return_id}`: one return, for whoever bought; one query.

use api::reply::Cache;
use api::view::returns::OrderReturnView;
use api::{Cached, OrderReader, Path, Reply};
use runtime::Call;

use crate::App;
use crate::buyer::load;
use crate::desk::{WhichReturn, find};

/// Shows a return.
pub async fn handle(
    app: &App,
    call: Call<OrderReader, Path<WhichReturn>>,
) -> Reply<Cached<OrderReturnView>> {
    let Path(which) = call.input;
    let file = load(app, which.order, &call.who).await?;
    let returned = find(&file, which.returned)?;
    Ok(Cached(OrderReturnView::from(&returned), Cache::Private))
}
