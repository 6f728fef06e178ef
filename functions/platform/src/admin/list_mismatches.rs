//! `GET /v1/admin/reconciliation`: what differs between the shop's books and the payment
//! provider's, each with its cause and what to do; one query.

use api::cursor::{self, List, Page};
use api::view::reconciliation::MismatchView;
use api::{Query, Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;

/// Lists what differs.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersRead>, Query<Page>>,
) -> Reply<List<MismatchView>> {
    let Query(page) = call.input;
    let scope = format!("reconciliation:{}", call.who.actor());
    let position = page.position(&call.guard.sealer, &scope)?;
    let found = app.store.mismatches(page.limit, position.as_deref()).await?;
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    Ok(List { data: found.entries.into_iter().map(MismatchView::from).collect(), next_cursor })
}
