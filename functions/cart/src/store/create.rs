//! `POST /v1/store/carts`: a customer's cart is theirs; a guest gets a token, stored as its hash.

use api::form::currency;
use api::reply::Created;
use api::seal::token_hash;
use api::view::cart::NewCartView;
use api::who::Shopper;
use api::{Body, Fields, Form, Problem, Reply};
use domain::cart::{Cart, Owner};
use domain::currency::Currency;
use domain::id::CartId;
use runtime::Call;
use store::Saved;

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
pub async fn handle(app: &App, call: Call<Shopper, Body<NewCart>>) -> Reply<Created<NewCartView>> {
    let Body(NewCart { currency }) = call.input;
    let (owner, cart_token) = match call.who.0 {
        Some(customer) => (Owner::Customer(customer.id), None),
        None => {
            let token = app.ids.token();
            (Owner::Token(token_hash(&token)), Some(token))
        }
    };
    let id = CartId::from_ulid(app.ids.ulid(call.now));
    let mut cart = Cart::open(id, owner, currency.unwrap_or(app.currency), call.now);
    let facts = change::facts(app, &cart, None, call.now).await?;
    match app.store.create_cart(&cart).await? {
        Saved::Yes => {
            cart.version += 1;
            Ok(Created(NewCartView { cart: change::show(&cart, &facts)?, cart_token }))
        }
        // Another cart of the same customer was opened in this very millisecond.
        Saved::Raced => Err(Problem::unavailable()),
    }
}
