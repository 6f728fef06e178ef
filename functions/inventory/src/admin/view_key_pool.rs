//! `GET /v1/admin/inventory/key_pools/{sku}`: how many keys there are, and who waits for some.

use api::view::key_pool::{PoolView, WaitingView};
use api::{Path, Reply, Staff};
use domain::permission::grant;
use domain::stock::{KEY_POOL, Place};
use runtime::Call;

use crate::which::WhichSku;
use crate::{App, key_pool};

/// Shows a pool.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::InventoryRead>, Path<WhichSku>>,
) -> Reply<PoolView> {
    let Path(WhichSku { sku }) = call.input;
    let pool = key_pool::load(app, &sku).await?;
    let level = app.store.level(&Place::at(sku.clone(), KEY_POOL)).await?;
    let waiting = app.store.waiting_for_keys(&sku, None).await?;
    let (free, promised, for_sale) = level.map_or((0, 0, 0), |level| {
        (level.units.on_hand, level.units.reserved, level.available.max(0))
    });
    // What came and is neither here nor withdrawn is with the buyers.
    let here = pool.withdrawn.saturating_add(u64::try_from(free).unwrap_or(0));
    Ok(PoolView {
        sku,
        free,
        promised,
        for_sale,
        given: pool.added.saturating_sub(here),
        withdrawn: pool.withdrawn,
        waiting: waiting.entries.into_iter().map(WaitingView::from).collect(),
    })
}
