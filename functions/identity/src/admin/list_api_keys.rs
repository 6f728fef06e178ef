//! `GET /v1/admin/api_keys`: the keys, by page, those that have ended, too; one query.

use api::cursor::{self, List, Page};
use api::view::staff::ApiKeyView;
use api::{Query, Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;

/// Lists the keys.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::StaffRead>, Query<Page>>,
) -> Reply<List<ApiKeyView>> {
    let Query(page) = call.input;
    let scope = format!("api_keys:{}", call.who.actor());
    let position = page.position(&call.guard.sealer, &scope)?;
    let found = app.store.api_keys(page.limit, position.as_deref()).await?;
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    let data = found.entries.into_iter().map(|key| ApiKeyView::of(key, call.now)).collect();
    Ok(List { data, next_cursor })
}
