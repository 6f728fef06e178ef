//! `GET /v1/admin/fulfillments/due`: the orders that have units to send, the longest waiting first.
//! What is unpaid or on hold is not among them.

use api::cursor::{self, List, Page};
use api::view::fulfillment::DueOrderView;
use api::{Query, Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;

/// Lists orders.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersRead>, Query<Page>>,
) -> Reply<List<DueOrderView>> {
    let Query(page) = call.input;
    let scope = format!("fulfillments-due:{}", call.who.actor());
    let position = page.position(&call.guard.sealer, &scope)?;
    let found = app.store.to_fulfill(page.limit, position.as_deref()).await?;
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    Ok(List { data: found.entries.iter().map(DueOrderView::from).collect(), next_cursor })
}
