//! `GET /v1/admin/gift_cards`: the gift cards, newest first, by page; one query.

use api::cursor::{self, List, Page};
use api::view::gift_card::GiftCardView;
use api::{Query, Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;

/// Lists the gift cards.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::PromotionsRead>, Query<Page>>,
) -> Reply<List<GiftCardView>> {
    let Query(page) = call.input;
    let scope = format!("gift_cards:{}", call.who.actor());
    let position = page.position(&call.guard.sealer, &scope)?;
    let found = app.store.gift_cards(page.limit, position.as_deref()).await?;
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    Ok(List { data: found.entries.into_iter().map(GiftCardView::from).collect(), next_cursor })
}
