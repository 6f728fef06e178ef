//! `GET /v1/admin/orders/{id}/notes`: what staff wrote about an order, newest first, by page; one
//! query, and a second one where there are none.

use api::cursor::{self, List, Page};
use api::form::OrderPath;
use api::view::timeline::NoteView;
use api::{Path, Query, Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::desk::load;

/// Lists the notes about an order.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersRead>, (Path<OrderPath>, Query<Page>)>,
) -> Reply<List<NoteView>> {
    let (Path(OrderPath { id }), Query(page)) = call.input;
    let scope = format!("notes:{id}:{}", call.who.actor());
    let position = page.position(&call.guard.sealer, &scope)?;
    let found = app.store.notes(id, page.limit, position.as_deref()).await?;
    if found.entries.is_empty() && position.is_none() {
        load(app, id).await?;
    }
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    Ok(List { data: found.entries.iter().map(NoteView::from).collect(), next_cursor })
}
