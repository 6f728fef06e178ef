//! `POST /v1/admin/promotions`: a new promotion, as a draft.

use api::reply::CreatedVersion;
use api::view::promotion::PromotionView;
use api::{Body, Reply, Staff};
use domain::id::PromotionId;
use domain::permission::grant;
use domain::promotion::{Promotion, Terms};
use runtime::Call;

use crate::App;
use crate::promotion::{note, promotion_changes};

/// Makes a promotion.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::PromotionsWrite>, Body<Terms>>,
) -> Reply<CreatedVersion<PromotionView>> {
    let Body(terms) = &call.input;
    let id = PromotionId::from_ulid(app.ids.ulid(call.now));
    let promotion = Promotion::draft(id, terms.clone(), call.now);
    let changed = promotion_changes(None, Some(&promotion));
    let events = [note(app, &call, "promotion.create", id, changed)];
    let version = app.store.create_promotion(&promotion, &events).await?;
    let promotion = Promotion { version, ..promotion };
    Ok(CreatedVersion(promotion.into(), version))
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_promotion_needs_a_name_a_trigger_and_an_action() {
        let flaws: Vec<_> = flaws_of::<Terms>(&json!({})).into_iter().map(|flaw| flaw.0).collect();
        assert_eq!(flaws, ["/name", "/trigger", "/actions"]);
        let body = json!({"name": "x", "trigger": "code", "actions": [{"type": "free_shipping"}]});
        assert_eq!(flaws_of::<Terms>(&body), []);
    }
}
