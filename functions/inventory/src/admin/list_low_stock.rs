//! `GET /v1/admin/inventory/low_stock`: what is low or out at a location; a query of a sparse index
//! and a batch.

use api::cursor::{self, List};
use api::view::inventory::LevelView;
use api::{Query, Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use super::list_levels::AtLocation;
use crate::App;
use crate::which::shown;

/// Lists what is low.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::InventoryRead>, Query<AtLocation>>,
) -> Reply<List<LevelView>> {
    let Query(AtLocation { location, page }) = call.input;
    let scope = format!("low:{location}:{}", call.who.actor());
    let position = page.position(&call.guard.sealer, &scope)?;
    let found = app.store.low_in(location, page.limit, position.as_deref()).await?;
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    Ok(List { data: found.entries.into_iter().map(shown).collect(), next_cursor })
}
