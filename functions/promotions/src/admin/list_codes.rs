//! `GET /v1/admin/promotions/{id}/codes`: the codes with how often each was used, by page.

use api::cursor::{self, List, Page};
use api::form::PromotionPath;
use api::view::promotion::CodeView;
use api::{Path, Query, Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::promotion::load;

/// Lists the codes of a promotion.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::PromotionsRead>, (Path<PromotionPath>, Query<Page>)>,
) -> Reply<List<CodeView>> {
    let (Path(PromotionPath { id }), Query(page)) = call.input;
    let scope = format!("codes:{id}:{}", call.who.actor());
    let position = page.position(&call.guard.sealer, &scope)?;
    load(app, id).await?;
    let found = app.store.codes(id, page.limit, position.as_deref()).await?;
    let uses = app.store.uses_of_codes(&found.entries).await?;
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    let of = |code: &domain::promotion::Code| uses.get(code).copied().unwrap_or(0);
    let data = found
        .entries
        .into_iter()
        .map(|entry| {
            let uses = of(&entry.code);
            CodeView::of(entry, uses)
        })
        .collect();
    Ok(List { data, next_cursor })
}
