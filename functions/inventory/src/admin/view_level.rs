//! `GET /v1/admin/inventory/levels/{sku}/{location_id}`: one level, with the tag that a change of
//! what staff set wants. Counters change with every sale; the tag does not.

use api::view::inventory::LevelView;
use api::{Path, Problem, Reply, Staff, Versioned};
use domain::permission::grant;
use domain::stock::Place;
use runtime::Call;

use crate::App;
use crate::which::{WhichLevel, shown};

/// Shows a level.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::InventoryRead>, Path<WhichLevel>>,
) -> Reply<Versioned<LevelView>> {
    let Path(WhichLevel { sku, location }) = call.input;
    let level = app.store.level(&Place::at(sku, location)).await?;
    let level = level.ok_or_else(Problem::not_found)?;
    let version = level.version;
    Ok(Versioned(shown(level), version))
}
