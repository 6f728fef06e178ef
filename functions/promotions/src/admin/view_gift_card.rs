//! `GET /v1/admin/gift_cards/{id}`: a gift card with what happened to it, and the version that a
//! change of it wants. Never its code: nobody knows it.

use api::form::GiftCardPath;
use api::view::gift_card::{GiftCardFileView, GiftEntryView};
use api::{Path, Problem, Reply, Staff, Versioned};
use domain::permission::grant;
use runtime::Call;

use crate::App;

/// Entries that are shown; a card that was used more often is a rare one.
const ENTRIES_MAX: i32 = 100;

/// Shows a gift card.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::PromotionsRead>, Path<GiftCardPath>>,
) -> Reply<Versioned<GiftCardFileView>> {
    let card = app.store.gift_card(call.input.0.id).await?.ok_or_else(Problem::not_found)?;
    let entries = app.store.gift_entries(card.account(), ENTRIES_MAX, None).await?.entries;
    let entries = entries.into_iter().map(GiftEntryView::from).collect();
    let version = card.version;
    Ok(Versioned(GiftCardFileView { gift_card: card.into(), entries }, version))
}
