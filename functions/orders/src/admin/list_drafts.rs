//! `GET /v1/admin/draft_orders`: the draft orders, newest first, by page; one query.

use api::cursor::{self, List, Page};
use api::view::draft::DraftEntryView;
use api::{Query, Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;

/// Lists draft orders.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersRead>, Query<Page>>,
) -> Reply<List<DraftEntryView>> {
    let Query(page) = call.input;
    let scope = format!("draft_orders:{}", call.who.actor());
    let position = page.position(&call.guard.sealer, &scope)?;
    let found = app.store.drafts(page.limit, position.as_deref()).await?;
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    Ok(List { data: found.entries.into_iter().map(DraftEntryView::from).collect(), next_cursor })
}
