//! `PUT /v1/store/carts/{id}/shipping`: chooses how the parcel goes.

use api::form::{CartPath, Parsed};
use api::view::cart::CartView;
use api::{Body, CartOwner, Fields, Form, Metered, Path, Reply};
use domain::shipping::ShippingOptionId;
use runtime::Call;

use crate::App;
use crate::change::{self, Turn};

/// Which way.
#[derive(Debug)]
pub struct Choice {
    option: ShippingOptionId,
}

impl Form for Choice {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let id = Parsed::by(ShippingOptionId::parse, "the id of a shipping option", 60);
        let option = fields.required("shipping_option_id", id);
        Some(Self { option: option? })
    }
}

/// Chooses how the parcel goes.
pub async fn handle(
    app: &App,
    call: Call<Metered<CartOwner>, (Path<CartPath>, Body<Choice>)>,
) -> Reply<CartView> {
    let (Path(CartPath { id }), Body(Choice { option })) = &call.input;
    change::change(app, Turn::of(&call, *id), None, |cart, facts| {
        let offers = facts.offers_of(&cart);
        cart.ship_by(option, &offers, &facts.settings.shipping)
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
        for wrong in [json!(""), json!("a b"), json!(7)] {
            assert_eq!(flaws_of::<Choice>(&json!({"shipping_option_id": wrong})).len(), 1);
        }
    }
}
