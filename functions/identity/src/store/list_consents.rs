//! `GET /v1/store/me/consents`: what the customer agreed to, refused and took back; one query.

use api::cursor::{self, List, Page};
use api::view::privacy::ConsentView;
use api::{Customer, Query, Reply};
use runtime::Call;

use crate::App;

/// Lists the customer's consents.
pub async fn handle(app: &App, call: Call<Customer, Query<Page>>) -> Reply<List<ConsentView>> {
    let Query(page) = call.input;
    // The cursor is good for this customer only.
    let scope = format!("consents:{}", call.who.id);
    let position = page.position(&call.guard.sealer, &scope)?;
    let found = app.store.consents(call.who.id, page.limit, position.as_deref()).await?;
    let data = found.entries.into_iter().map(ConsentView::from).collect();
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    Ok(List { data, next_cursor })
}
