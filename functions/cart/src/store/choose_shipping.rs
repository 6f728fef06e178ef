//! `PUT /v1/store/carts/{id}/shipping`: chooses how the parcel goes, or where it waits.

use api::form::{CartPath, Parsed};
use api::view::cart::CartView;
use api::{Body, CartOwner, Fields, Form, Metered, Path, Reply};
use domain::carrier::Quote;
use domain::id::CartId;
use domain::shipping::{PickupPointId, ShippingOptionId};
use runtime::Call;

use crate::change::{self, Turn};
use crate::{App, quotes};

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
    let quote = quote(app, &call, *id).await?;
    change::change(app, Turn::of(&call, *id), None, |cart, facts| {
        let offers = facts.offers_of(&cart);
        let table = &facts.settings.shipping;
        let cart = cart.ship_by(option, pickup_point.as_ref(), &offers, table, facts.now)?;
        match &quote {
            Some(quote) => cart.keep_quote(quote, &offers, table, facts.now),
            None => Ok(cart),
        }
    })
    .await
}

/// What carriers ask for this cart's parcel now, if the chosen way is one of theirs: the price that
/// is kept for the shopper.
async fn quote<I>(
    app: &App,
    call: &Call<Metered<CartOwner>, I>,
    id: CartId,
) -> Reply<Option<Quote>> {
    let believed = app.store.fresh_settings(call.now);
    if believed.is_some_and(|settings| !settings.shipping.has_carriers()) {
        return Ok(None);
    }
    let cart = change::load(app, id, &call.who.0).await?;
    let facts = change::facts(app, &cart, None, call.now).await?;
    Ok(quotes::ask(app, &cart, &facts).await)
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
