//! `PATCH /v1/admin/gift_cards/{id}`: stops a gift card, or lets it be spent again. What was spent
//! stays spent; what an unpaid order holds comes back to it all the same.

use api::form::{GiftCardPath, OneOf};
use api::input::no_match;
use api::view::gift_card::GiftCardView;
use api::{Body, Fields, Form, IfMatch, Path, Problem, Reply, Staff, Versioned};
use domain::gift_card::Status;
use domain::permission::grant;
use runtime::Call;
use serde_json::json;

use crate::App;
use crate::gift_card::note;

/// Where it shall stand.
#[derive(Debug)]
pub struct Change {
    status: Status,
}

impl Form for Change {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let words = &[("active", Status::Active), ("disabled", Status::Disabled)];
        let status = fields.required("status", OneOf(words));
        Some(Self { status: status? })
    }
}

/// Which gift card, as it was seen, and the change.
type Given = (Path<GiftCardPath>, (IfMatch, Body<Change>));

/// Disables or enables a gift card.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::PromotionsWrite>, Given>,
) -> Reply<Versioned<GiftCardView>> {
    let (Path(GiftCardPath { id }), (seen, Body(Change { status }))) = &call.input;
    let card = app.store.gift_card(*id).await?.ok_or_else(Problem::not_found)?;
    seen.check(card.version)?;
    let after = card.clone().switch(*status, call.now)?;
    let states = (json!({"status": card.status}), json!({"status": after.status}));
    let events = [note(app, &call, "gift_card.change", id, &states)];
    let version = app.store.switch_gift_card(&card, &after, &events).await?.ok_or_else(no_match)?;
    Ok(Versioned(after.into(), version))
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;

    use super::*;

    #[test]
    fn nobody_expires_a_gift_card_by_hand() {
        assert_eq!(flaws_of::<Change>(&json!({"status": "disabled"})), []);
        assert_eq!(flaws_of::<Change>(&json!({"status": "active"})), []);
        assert_eq!(flaws_of::<Change>(&json!({"status": "expired"})).len(), 1);
    }
}
