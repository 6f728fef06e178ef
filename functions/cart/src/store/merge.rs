//! `POST /v1/store/carts/{id}/merge`: a guest who signs in keeps what they had chosen.
//!
//! `{id}` is the guest's cart and its token goes into the body. Its lines go into the customer's
//! active cart, or become one. Called again after a lost answer, it shows the customer's cart.

use api::form::{CartPath, Text};
use api::seal::token_hash;
use api::view::cart::{CartView, MergedCartView};
use api::{Body, Customer, Fields, Form, Path, Problem, Reply};
use domain::cart::{Cart, Owner, Phase, Status};
use domain::id::CartId;
use runtime::Call;
use store::Saved;

use crate::{App, change};

/// How often a lost race is run again before the caller is asked to.
const RACES_MAX: usize = 5;

/// The guest's proof.
#[derive(Debug)]
pub struct Proof {
    cart_token: String,
}

impl Form for Proof {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let cart_token = fields.required("cart_token", Text::between(1, 200));
        Some(Self { cart_token: cart_token? })
    }
}

/// Takes a guest's cart over.
pub async fn handle(
    app: &App,
    call: Call<Customer, (Path<CartPath>, Body<Proof>)>,
) -> Reply<MergedCartView> {
    let (Path(CartPath { id }), Body(Proof { cart_token })) = call.input;
    let owner = Owner::Token(token_hash(&cart_token));
    for _ in 0..RACES_MAX {
        let guest = app.store.cart(id).await?.filter(|cart| cart.owner == owner);
        let guest = guest.ok_or_else(Problem::not_found)?;
        if let Status::Merged { into } = guest.status {
            // The first answer was lost.
            let cart = app.store.cart(into).await?.ok_or_else(Problem::not_found)?;
            if cart.owner != Owner::Customer(call.who.id) {
                return Err(Problem::not_found());
            }
            let facts = change::facts(app, &cart, None, call.now).await?;
            let cart = CartView::of(&cart, facts.price(&cart)?);
            return Ok(MergedCartView { cart, trimmed: Vec::new() });
        }
        let guest = guest.changeable(call.now)?;
        let active = app.store.active_cart(call.who.id).await?;
        let own = active.filter(|cart| {
            matches!(cart.status.phase(), Phase::Active | Phase::Abandoned)
                && cart.currency == guest.currency
        });
        let own = if let Some(own) = own {
            own.changeable(call.now)?
        } else {
            let id = CartId::from_ulid(app.ids.ulid(call.now));
            Cart::open(id, Owner::Customer(call.who.id), guest.currency, call.now)
        };
        let (mut cart, trimmed) = own.merge(&guest);
        let facts = change::facts(app, &cart, None, call.now).await?;
        // A cart that can not be priced is not saved.
        facts.price(&cart)?;
        if app.store.merge_carts(&mut cart, &guest).await? == Saved::Yes {
            let cart = CartView::of(&cart, facts.price(&cart)?);
            return Ok(MergedCartView { cart, trimmed });
        }
    }
    Err(Problem::unavailable())
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_guests_token_is_the_proof() {
        assert_eq!(flaws_of::<Proof>(&json!({"cart_token": "t"})), []);
        assert_eq!(flaws_of::<Proof>(&json!({})), [("/cart_token".to_owned(), "required")]);
        assert_eq!(flaws_of::<Proof>(&json!({"cart_token": "x".repeat(201)})).len(), 1);
    }
}
