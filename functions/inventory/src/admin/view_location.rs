//! `GET /v1/admin/inventory/locations/{id}`: one of them, with the tag that a change wants.

use api::view::inventory::LocationView;
use api::{Path, Problem, Reply, Staff, Versioned};
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::which::WhichLocation;

/// Shows a location.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::InventoryRead>, Path<WhichLocation>>,
) -> Reply<Versioned<LocationView>> {
    let Path(WhichLocation { id }) = call.input;
    let locations = app.store.locations_now().await?;
    let location = locations.get(id).cloned().ok_or_else(Problem::not_found)?;
    let version = location.version;
    Ok(Versioned(location.into(), version))
}
