//! `GET /v1/admin/customers/{id}/consents`: what a customer agreed to, refused and took back, with
//! the proof; also of one who was forgotten since. One query, and a second one where there is
//! nothing.

use api::cursor::{self, List, Page};
use api::form::CustomerPath;
use api::view::privacy::ConsentView;
use api::{Path, Problem, Query, Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;

/// Lists a customer's consents.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::CustomersRead>, (Path<CustomerPath>, Query<Page>)>,
) -> Reply<List<ConsentView>> {
    let (Path(CustomerPath { id }), Query(page)) = call.input;
    let scope = format!("consents of:{id}:{}", call.who.actor());
    let position = page.position(&call.guard.sealer, &scope)?;
    let found = app.store.consents(id, page.limit, position.as_deref()).await?;
    if found.entries.is_empty() && position.is_none() {
        app.store.customer(id).await?.ok_or_else(Problem::not_found)?;
    }
    let data = found.entries.into_iter().map(ConsentView::from).collect();
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    Ok(List { data, next_cursor })
}
