//! `GET /v1/admin/refunds`: the refunds that failed and wait for somebody, longest ago first; one
//! query of their work queue.

use api::cursor::{self, List, Page};
use api::view::refund::RefundView;
use api::{Query, Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;

/// Lists the refunds that failed.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersRead>, Query<Page>>,
) -> Reply<List<RefundView>> {
    let Query(page) = call.input;
    let scope = format!("failed_refunds:{}", call.who.actor());
    let position = page.position(&call.guard.sealer, &scope)?;
    let found = app.store.failed_refunds(page.limit, position.as_deref()).await?;
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    Ok(List { data: found.entries.iter().map(RefundView::from).collect(), next_cursor })
}
