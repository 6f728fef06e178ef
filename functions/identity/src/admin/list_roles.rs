//! `GET /v1/admin/roles`: the roles, by page; one query.

use api::cursor::{self, List, Page};
use api::view::staff::RoleView;
use api::{Query, Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;

/// Lists the roles.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::StaffRead>, Query<Page>>,
) -> Reply<List<RoleView>> {
    let Query(page) = call.input;
    let scope = format!("roles:{}", call.who.actor());
    let position = page.position(&call.guard.sealer, &scope)?;
    let found = app.store.roles(page.limit, position.as_deref()).await?;
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    Ok(List { data: found.entries.into_iter().map(RoleView::from).collect(), next_cursor })
}
