//! `DELETE /v1/admin/promotions/{id}`: a draft goes.

use api::form::PromotionPath;
use api::input::no_match;
use api::{IfMatch, NoContent, Path, Reply, Staff};
use domain::permission::grant;
use runtime::Call;
use store::Saved;

use crate::App;
use crate::promotion::{load, note, promotion_changes};

/// Deletes a draft.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::PromotionsWrite>, (Path<PromotionPath>, IfMatch)>,
) -> Reply<NoContent> {
    let (Path(PromotionPath { id }), seen) = &call.input;
    let promotion = load(app, *id).await?;
    seen.check(promotion.version)?;
    promotion.may_be_deleted()?;
    let changed = promotion_changes(Some(&promotion), None);
    let events = [note(app, &call, "promotion.delete", *id, changed)];
    match app.store.delete_promotion(&promotion, &events).await? {
        Saved::Yes => Ok(NoContent),
        Saved::Raced => Err(no_match()),
    }
}
