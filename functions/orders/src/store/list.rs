//! `GET /v1/store/orders`: the customer's orders, newest first; one query of an index.

use api::cursor::{self, List, Page};
use api::view::order::OrderView;
use api::{Customer, Query, Reply};
use runtime::Call;

use crate::App;

/// Lists the customer's orders.
pub async fn handle(app: &App, call: Call<Customer, Query<Page>>) -> Reply<List<OrderView>> {
    let Query(page) = call.input;
    // The cursor is good for this customer only.
    let scope = format!("orders:{}", call.who.id);
    let position = page.position(&call.guard.sealer, &scope)?;
    let found = app.store.orders_of(call.who.id, page.limit, position.as_deref()).await?;
    let data =
        found.entries.into_iter().map(|order| OrderView::of(order, &[], Vec::new())).collect();
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    Ok(List { data, next_cursor })
}
