//! `POST /v1/admin/promotions/{id}/pause`: stops an active promotion for a while.

use api::form::PromotionPath;
use api::view::promotion::PromotionView;
use api::{Path, Reply, Staff, Versioned};
use domain::permission::grant;
use domain::promotion::Status;
use runtime::Call;

use crate::App;
use crate::promotion::turn;

/// Stops an active promotion for a while.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::PromotionsWrite>, Path<PromotionPath>>,
) -> Reply<Versioned<PromotionView>> {
    turn(app, &call, call.input.0.id, Status::Paused, "promotion.pause").await
}
