//! `GET /v1/admin/imports/{id}/flaws`: the rows that have flaws, in their order, each with all that
//! is wrong with it. No flaw repeats what a cell holds.

use api::cursor::{self, List, Page};
use api::view::exchange::FlawedRowView;
use api::{Path, Problem, Query, Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::admin::WhichImport;

/// Lists the flaws.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ImportsCreate>, (Path<WhichImport>, Query<Page>)>,
) -> Reply<List<FlawedRowView>> {
    let (Path(WhichImport { id }), Query(page)) = call.input;
    let scope = format!("import_flaws:{id}:{}", call.who.actor());
    let position = page.position(&call.guard.sealer, &scope)?;
    if app.store.import(id).await?.is_none() {
        return Err(Problem::not_found());
    }
    let found = app.store.flawed_rows(id, page.limit, position.as_deref()).await?;
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    let rows = found.entries.into_iter();
    let data = rows.map(|row| FlawedRowView { row: row.row, flaws: row.flaws }).collect();
    Ok(List { data, next_cursor })
}
