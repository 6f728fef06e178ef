//! `GET /v1/admin/promotions/{id}`: a promotion with its uses so far.

use api::form::PromotionPath;
use api::view::promotion::{PromotionView, UsesView};
use api::{Path, Reply, Staff, Versioned};
use domain::money::Money;
use domain::permission::grant;
use runtime::Call;
use store::promotion::Tally;

use crate::App;
use crate::promotion::load;

/// Shows a promotion.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::PromotionsRead>, Path<PromotionPath>>,
) -> Reply<Versioned<PromotionView>> {
    let Path(PromotionPath { id }) = call.input;
    let promotion = load(app, id).await?;
    let Tally { orders, spent } = app.store.promotion_uses(id).await?;
    let version = promotion.version;
    let spent = spent.into_iter().map(|(currency, amount)| Money::new(amount, currency)).collect();
    let uses = Some(UsesView { orders, spent });
    Ok(Versioned(PromotionView { uses, ..promotion.into() }, version))
}
