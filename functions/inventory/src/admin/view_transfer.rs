//! `GET /v1/admin/inventory/transfers/{id}`: one of them.

use api::view::inventory::TransferView;
use api::{Path, Problem, Reply, Staff, Versioned};
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::which::WhichTransfer;

/// Shows a transfer.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::InventoryRead>, Path<WhichTransfer>>,
) -> Reply<Versioned<TransferView>> {
    let Path(WhichTransfer { id }) = call.input;
    let transfer = app.store.transfer(id).await?.ok_or_else(Problem::not_found)?;
    let version = transfer.version;
    Ok(Versioned(transfer.into(), version))
}
