//! `POST /v1/admin/promotions/{id}/activate`: lets a draft or paused promotion apply.

use api::form::PromotionPath;
use api::view::promotion::PromotionView;
use api::{Path, Reply, Staff, Versioned};
use domain::permission::grant;
use domain::promotion::Status;
use runtime::Call;

use crate::App;
use crate::promotion::turn;

/// Lets a draft or paused promotion apply.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::PromotionsWrite>, Path<PromotionPath>>,
) -> Reply<Versioned<PromotionView>> {
    turn(app, &call, call.input.0.id, Status::Active, "promotion.activate").await
}
