//! `GET /v1/admin/suppressions`: the addresses that are not written to, newest first. Masked: who
//! looks for one asks the log of letters, which names it.

use api::cursor::{self, List, Page};
use api::view::letter::SuppressionView;
use api::{Query, Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;

/// Lists the addresses.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::CustomersRead>, Query<Page>>,
) -> Reply<List<SuppressionView>> {
    let Query(page) = call.input;
    let scope = format!("suppressions:{}", call.who.actor());
    let position = page.position(&call.guard.sealer, &scope)?;
    let found = app.store.suppressions(page.limit, position.as_deref()).await?;
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    Ok(List { data: found.entries.into_iter().map(SuppressionView::from).collect(), next_cursor })
}
