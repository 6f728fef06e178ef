//! `GET /v1/admin/promotions`: the promotions, by page, newest first; one query.

use api::cursor::{self, List, Page};
use api::view::promotion::PromotionView;
use api::{Query, Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;

/// Lists the promotions.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::PromotionsRead>, Query<Page>>,
) -> Reply<List<PromotionView>> {
    let Query(page) = call.input;
    let scope = format!("promotions:{}", call.who.actor());
    let position = page.position(&call.guard.sealer, &scope)?;
    let found = app.store.promotions(page.limit, position.as_deref()).await?;
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    Ok(List { data: found.entries.into_iter().map(PromotionView::from).collect(), next_cursor })
}
