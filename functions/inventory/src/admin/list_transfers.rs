//! `GET /v1/admin/inventory/transfers`: newest first, by page; one query.

use api::cursor::{self, List, Page};
use api::view::inventory::TransferView;
use api::{Query, Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;

/// Lists transfers.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::InventoryRead>, Query<Page>>,
) -> Reply<List<TransferView>> {
    let Query(page) = call.input;
    let scope = format!("transfers:{}", call.who.actor());
    let position = page.position(&call.guard.sealer, &scope)?;
    let found = app.store.transfers(page.limit, position.as_deref()).await?;
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    Ok(List { data: found.entries.into_iter().map(TransferView::from).collect(), next_cursor })
}
