//! `POST /v1/admin/gift_cards/{id}/adjust`: corrects what a gift card is worth, up or down, with a
//! reason. The answer is remembered in the transaction of the correction: said again under its
//! key, it corrects nothing twice.

use api::form::GiftCardPath;
use api::reply::{Answer, Created, Remembered};
use api::view::gift_card::{CorrectedGiftCardView, GiftEntryView};
use api::{Body, KeyRequired, Path, Problem, Reply, Staff};
use domain::permission::grant;
use http::StatusCode;
use runtime::Call;
use runtime::endpoint::stored;
use serde_json::Value;
use store::Saved;
use store::gift_card::Correction;

use crate::App;
use crate::gift_card::{Adjust, RACES_MAX, fresh, note, shown};

type Given = (Path<GiftCardPath>, (KeyRequired, Body<Adjust>));

/// Corrects a gift card.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::GiftCardsIssue>, Given>,
) -> Reply<Remembered<Created<CorrectedGiftCardView>>> {
    let (Path(GiftCardPath { id }), (_, Body(Adjust { amount, reason }))) = &call.input;
    for _ in 0..RACES_MAX {
        let card = app.store.gift_card(*id).await?.ok_or_else(Problem::not_found)?;
        let fresh = fresh(app, &call);
        let (after, entry) = card.clone().adjust(*amount, reason.clone(), fresh)?;
        let states = (Value::Null, shown(*amount));
        let events = [note(app, &call, "gift_card.adjust", id, &states)];
        let gift_card = after.clone().into();
        let view = CorrectedGiftCardView { gift_card, entry: GiftEntryView::from(entry.clone()) };
        let remembered = stored(&Answer::json(StatusCode::CREATED, &view));
        let remembered = call.claim.as_ref().map(|claim| (claim, &remembered));
        let correction = Correction { entry: &entry, events: &events, remembered };
        match app.store.correct_gift_card(&card, &after, &correction).await? {
            Saved::Yes => return Ok(Remembered(Created(view))),
            // It was spent meanwhile.
            Saved::Raced => {}
        }
    }
    Err(Problem::unavailable())
}
