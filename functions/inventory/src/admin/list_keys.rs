//! `GET /v1/admin/inventory/key_pools/{sku}/keys`: what became of each key; one query, and no key.

use api::cursor::{self, List, Page};
use api::view::key_pool::PoolKeyView;
use api::{Path, Query, Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::key_pool;
use crate::which::WhichSku;

/// Lists the keys of a pool, in the order of their ids.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::InventoryRead>, (Path<WhichSku>, Query<Page>)>,
) -> Reply<List<PoolKeyView>> {
    let (Path(WhichSku { sku }), Query(page)) = &call.input;
    let scope = format!("keys:{sku}:{}", call.who.actor());
    let position = page.position(&call.guard.sealer, &scope)?;
    let found = app.store.pool_register(sku, page.limit, position.as_deref()).await?;
    if found.entries.is_empty() && position.is_none() {
        key_pool::load(app, sku).await?;
    }
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    Ok(List { data: found.entries.into_iter().map(PoolKeyView::from).collect(), next_cursor })
}
