//! `GET /v1/admin/orders/{id}/messages`: which letters were written about an order and what became
//! of each, oldest first. Addresses are masked.

use api::cursor::{self, List, Page};
use api::form::OrderPath;
use api::view::letter::LetterView;
use api::{Path, Problem, Query, Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;

/// Lists the letters.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersRead>, (Path<OrderPath>, Query<Page>)>,
) -> Reply<List<LetterView>> {
    let (Path(OrderPath { id }), Query(page)) = &call.input;
    let scope = format!("messages:{id}:{}", call.who.actor());
    let position = page.position(&call.guard.sealer, &scope)?;
    let found = app.store.messages_about(*id, page.limit, position.as_deref()).await?;
    // An order without a letter is one thing, no order another.
    if found.entries.is_empty() && app.store.order(*id).await?.is_none() {
        return Err(Problem::not_found());
    }
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    Ok(List { data: found.entries.into_iter().map(LetterView::from).collect(), next_cursor })
}
