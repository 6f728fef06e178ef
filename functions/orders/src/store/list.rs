//! `GET /v1/store/orders`: the customer's orders, newest first; one query of an index.

use api::cursor::{self, List, Page};
use api::view::order::OrderView;
use api::{Customer, Query, Reply};
use domain::id::CustomerId;
use runtime::Call;

use crate::App;

/// Lists the customer's orders.
pub async fn handle(app: &App, call: Call<Customer, Query<Page>>) -> Reply<List<OrderView>> {
    let Query(page) = call.input;
    let scope = scope(call.who.id);
    let position = page.position(&call.guard.sealer, &scope)?;
    let found = app.store.orders_of(call.who.id, page.limit, position.as_deref()).await?;
    let data =
        found.entries.into_iter().map(|order| OrderView::of(order, &[], Vec::new())).collect();
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    Ok(List { data, next_cursor })
}

/// A cursor is good for its own customer only.
fn scope(customer: CustomerId) -> String {
    format!("orders:{customer}")
}

#[cfg(test)]
mod tests {
    use api::seal::Sealer;
    use domain::id::Ulid;

    use super::*;

    #[test]
    fn a_cursor_opens_nobody_elses_orders() {
        let (sealer, jane) = (Sealer::new([7; 32]), CustomerId::from_ulid(Ulid(1)));
        let page = |cursor| Page { limit: 20, cursor };
        let cursor = cursor::cursor(&sealer, &scope(jane), Some("2026-11"));
        let position = page(cursor.clone()).position(&sealer, &scope(jane)).unwrap();
        assert_eq!(position.as_deref(), Some("2026-11"));
        let other = CustomerId::from_ulid(Ulid(2));
        assert!(page(cursor).position(&sealer, &scope(other)).is_err());
    }
}
