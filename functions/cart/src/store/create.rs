//! `POST /v1/store/carts`: a customer's cart is theirs; a guest gets a token, stored as its hash.

use api::form::currency;
use api::reply::Created;
use api::seal::token_hash;
use api::view::cart::NewCartView;
use api::who::Shopper;
use api::{Body, Fields, Flaw, Form, Metered, Problem, Reply};
use domain::cart::{Cart, Owner};
use domain::currency::Currency;
use domain::id::CartId;
use runtime::Call;
use store::Saved;
use store::cart::Counted;

use crate::{App, change};

/// What the cart is priced in.
#[derive(Debug)]
pub struct NewCart {
    currency: Option<Currency>,
}

impl Form for NewCart {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let currency = fields.optional("currency", currency());
        Some(Self { currency: currency? })
    }
}

/// Opens a cart.
pub async fn handle(
    app: &App,
    call: Call<Metered<Shopper>, Body<NewCart>>,
) -> Reply<Created<NewCartView>> {
    let Body(NewCart { currency }) = call.input;
    let (owner, cart_token) = if let Some(customer) = call.who.0.0 {
        (Owner::Customer(customer.id), None)
    } else {
        let token = app.ids.token();
        (Owner::Token(token_hash(&token)), Some(token))
    };
    let id = CartId::from_ulid(app.ids.ulid(call.now));
    let mut cart = Cart::open(id, owner, currency.unwrap_or(app.currency), call.now);
    let facts = change::facts(app, &cart, None, call.now).await?;
    let shop = &facts.settings.shop;
    cart.currency = currency.unwrap_or_else(|| shop.currency(app.currency));
    if !shop.offers(cart.currency) {
        let detail = "The shop does not sell in this currency.";
        let flaw = Flaw::new("/currency", "currency_not_offered", detail);
        return Err(Problem::invalid(vec![flaw]));
    }
    let mut toll = call.toll;
    let created = app.store.create_cart(&cart, toll.as_mut(), call.now).await?;
    if let Some(toll) = toll.filter(|_| created == Counted::Yes) {
        call.standing.note(toll.standing(call.now));
    }
    match change::counted(created)? {
        Saved::Yes => {
            cart.version += 1;
            Ok(Created(NewCartView { cart: change::show(&cart, &facts)?, cart_token }))
        }
        // Another cart of the same customer was opened in this very millisecond.
        Saved::Raced => Err(Problem::unavailable()),
    }
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cart_is_opened_in_a_known_currency_or_in_the_shops_own() {
        assert_eq!(flaws_of::<NewCart>(&json!({})), []);
        assert_eq!(flaws_of::<NewCart>(&json!({"currency": "JPY"})), []);
        for wrong in [json!("eur"), json!("XXQ"), json!(1)] {
            assert_eq!(flaws_of::<NewCart>(&json!({"currency": wrong})).len(), 1);
        }
    }
}
