//! `GET /v1/admin/products/{id}/price_log`: all that was ever asked for, newest first. It only
//! grows.

use api::cursor::{self, List, Page};
use api::view::catalog::PriceEntryView;
use api::{Path, Query, Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::change::load;
use crate::form::WhichProduct;

/// Lists a product's prices in time. An entry of the log may hold several variants.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ProductsRead>, (Path<WhichProduct>, Query<Page>)>,
) -> Reply<List<PriceEntryView>> {
    let (Path(WhichProduct { id }), Query(page)) = call.input;
    let scope = format!("prices:{}:{id}", call.who.actor());
    let position = page.position(&call.guard.sealer, &scope)?;
    let found = app.store.price_log(id, page.limit, position.as_deref()).await?;
    if found.entries.is_empty() && position.is_none() {
        load(app, id).await?;
    }
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    Ok(List { data: found.entries.into_iter().map(PriceEntryView::from).collect(), next_cursor })
}
