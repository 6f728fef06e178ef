//! `GET /v1/store/me/addresses`: the customer's address book, oldest first.

use api::cursor::{self, List, Page};
use api::view::account::AddressView;
use api::{Customer, Query, Reply};
use runtime::Call;

use crate::App;

/// Lists the customer's addresses.
pub async fn handle(app: &App, call: Call<Customer, Query<Page>>) -> Reply<List<AddressView>> {
    let Query(page) = call.input;
    // The cursor is good for this customer only.
    let scope = format!("addresses:{}", call.who.id);
    let position = page.position(&call.guard.sealer, &scope)?;
    let book = app.store.book(call.who.id).await?;
    let found = app.store.addresses(call.who.id, page.limit, position.as_deref()).await?;
    let data = found.entries.into_iter().map(|kept| AddressView::of(kept, &book)).collect();
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    Ok(List { data, next_cursor })
}
