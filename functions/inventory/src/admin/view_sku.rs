//! `GET /v1/admin/inventory/levels/{sku}`: all that there is of a SKU, wherever it lies.

use api::cursor::List;
use api::view::inventory::LevelView;
use api::{Path, Problem, Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::which::{WhichSku, shown};

/// Shows a SKU's levels.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::InventoryRead>, Path<WhichSku>>,
) -> Reply<List<LevelView>> {
    let Path(WhichSku { sku }) = call.input;
    let levels = app.store.levels_of(&sku).await?;
    if levels.is_empty() {
        return Err(Problem::not_found());
    }
    Ok(List { data: levels.into_iter().map(shown).collect(), next_cursor: None })
}
