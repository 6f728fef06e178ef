//! `PUT /v1/store/carts/{id}/addresses`: where the goods and the letters go.

use api::form::{CartPath, Nested, VatIdRule, email};
use api::view::cart::CartView;
use api::{Body, CartOwner, Fields, Form, Metered, Path, Reply};
use domain::address::{Address, Email};
use domain::cart::Cart;
use domain::vat_id::VatId;
use runtime::Call;

use crate::App;
use crate::change::{self, Turn};

/// Addresses.
#[derive(Debug)]
pub struct Addresses {
    email: Email,
    shipping: Option<Address>,
    billing: Option<Address>,
    vat_id: Option<VatId>,
}

impl Form for Addresses {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let email = fields.required("email", email());
        let shipping = fields.optional("shipping_address", Nested::form());
        let billing = fields.optional("billing_address", Nested::form());
        let vat_id = fields.optional("vat_id", VatIdRule);
        Some(Self { email: email?, shipping: shipping?, billing: billing?, vat_id: vat_id? })
    }
}

/// Says where the goods and the letters go. Without a `shipping_address` the goods can only be
/// fetched or downloaded. With a `vat_id` a business buys: its number decides, with the places, who
/// owes the tax.
pub async fn handle(
    app: &App,
    call: Call<Metered<CartOwner>, (Path<CartPath>, Body<Addresses>)>,
) -> Reply<CartView> {
    let (Path(CartPath { id }), Body(to)) = &call.input;
    // Promotions ask who buys: they see the new address.
    let decide = |cart: Cart| {
        let cart = cart.address(to.email.clone(), to.shipping.clone(), to.billing.clone());
        Ok(cart.for_business(to.vat_id.clone()))
    };
    change::edit(app, Turn::of(&call, *id), decide, |_| Ok(())).await
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_flaw_of_every_address_is_named_at_its_place() {
        let body = json!({
            "email": "nobody",
            "shipping_address": {"name": "", "line1": "Way 1", "city": "Bonn", "country": "de"},
            "billing_address": {"name": "Jane", "planet": "Mars"},
            "vat_id": "DE136695977",
        });
        let flaws = flaws_of::<Addresses>(&body);
        for place in [
            ("/email", "malformed"),
            ("/shipping_address/postal_code", "required"),
            ("/billing_address/line1", "required"),
            ("/billing_address/planet", "unknown_field"),
            ("/vat_id", "vat_check_digit"),
        ] {
            assert!(flaws.contains(&(place.0.to_owned(), place.1)), "{place:?}: {flaws:?}");
        }
        let at = |pointer: &str| flaws.iter().any(|(place, _)| place == pointer);
        assert!(at("/shipping_address/name") && at("/shipping_address/country"), "{flaws:?}");
    }
}
