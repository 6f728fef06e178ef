//! `GET /v1/admin/imports`: the imports of the last ninety days, newest first; one query.

use api::cursor::{self, List, Page};
use api::view::exchange::ImportView;
use api::{Query, Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;

/// Lists the imports.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ImportsCreate>, Query<Page>>,
) -> Reply<List<ImportView>> {
    let Query(page) = call.input;
    let scope = format!("imports:{}", call.who.actor());
    let position = page.position(&call.guard.sealer, &scope)?;
    let found = app.store.imports(page.limit, position.as_deref()).await?;
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    Ok(List { data: found.entries.into_iter().map(ImportView::from).collect(), next_cursor })
}
