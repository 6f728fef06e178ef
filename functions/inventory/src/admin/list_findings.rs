//! `GET /v1/admin/inventory/findings`: levels that their movements do not explain; one query.

use api::cursor::{self, List, Page};
use api::view::inventory::FindingView;
use api::{Query, Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;

/// Lists what the proof found, newest first.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::InventoryRead>, Query<Page>>,
) -> Reply<List<FindingView>> {
    let Query(page) = call.input;
    let scope = format!("findings:{}", call.who.actor());
    let position = page.position(&call.guard.sealer, &scope)?;
    let found = app.store.findings(page.limit, position.as_deref()).await?;
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    let data = found.entries.into_iter().map(|(finding, at)| FindingView::of(finding, at));
    Ok(List { data: data.collect(), next_cursor })
}
