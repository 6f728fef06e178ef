//! `PUT /v1/store/carts/{id}/shipping`: chooses how the parcel goes, or where it waits.

use api::form::{CartPath, Parsed};
use api::view::cart::CartView;
use api::{Body, CartOwner, Fields, Form, Metered, Path, Reply};
use domain::shipping::{PickupPointId, ShippingOptionId};
use runtime::Call;

use crate::App;
use crate::change::{self, Turn};

/// Which way.
#[derive(Debug)]
pub struct Choice {
    option: ShippingOptionId,
    pickup_point: Option<PickupPointId>,
}

impl Form for Choice {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let id = Parsed::by(ShippingOptionId::parse, "the id of a shipping option", 60);
        let option = fields.required("shipping_option_id", id);
        let point = Parsed::by(PickupPointId::parse, "the id of a pickup point", 60);
        let pickup_point = fields.optional("pickup_point_id", point);
        Some(Self { option: option?, pickup_point: pickup_point? })
    }
}

/// Chooses how the parcel goes. An option of the kind `pickup` wants a `pickup_point_id`.
pub async fn handle(
    app: &App,
    call: Call<Metered<CartOwner>, (Path<CartPath>, Body<Choice>)>,
) -> Reply<CartView> {
    let (Path(CartPath { id }), Body(Choice { option, pickup_point })) = &call.input;
    change::change(app, Turn::of(&call, *id), None, |cart, facts| {
        let offers = facts.offers_of(&cart);
        let table = &facts.settings.shipping;
        cart.ship_by(option, pickup_point.as_ref(), &offers, table, facts.now)
    })
    .await
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_option_is_named_by_its_id() {
        assert_eq!(flaws_of::<Choice>(&json!({"shipping_option_id": "de-standard"})), []);
        let body = json!({"shipping_option_id": "de-pickup", "pickup_point_id": "berlin"});
        assert_eq!(flaws_of::<Choice>(&body), []);
        for wrong in [json!(""), json!("a b"), json!(7)] {
            assert_eq!(flaws_of::<Choice>(&json!({"shipping_option_id": wrong})).len(), 1);
        }
    }
}
