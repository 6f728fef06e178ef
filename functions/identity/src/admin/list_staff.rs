//! `GET /v1/admin/staff`: who works here, by page; one query.

use api::cursor::{self, List, Page};
use api::view::staff::MemberView;
use api::{Query, Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;

/// Lists the members.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::StaffRead>, Query<Page>>,
) -> Reply<List<MemberView>> {
    let Query(page) = call.input;
    let scope = format!("staff:{}", call.who.actor());
    let position = page.position(&call.guard.sealer, &scope)?;
    let found = app.store.members(page.limit, position.as_deref()).await?;
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    Ok(List { data: found.entries.into_iter().map(MemberView::from).collect(), next_cursor })
}
