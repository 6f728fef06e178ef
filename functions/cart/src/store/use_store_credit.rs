//! `POST /v1/store/carts/{id}/store_credit`: pays with the customer's store credit, or does not.

use api::form::{CartPath, YesOrNo};
use api::view::cart::CartView;
use api::{Body, CartOwner, Fields, Form, Metered, Path, Reply};
use domain::cart::Cart;
use domain::gift_card::Refusal;
use domain::money::Money;
use runtime::Call;

use crate::App;
use crate::change::{self, Turn};

/// Whether it is to be used.
#[derive(Debug)]
pub struct Use {
    is_wanted: bool,
}

impl Form for Use {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let is_wanted = fields.required("use", YesOrNo);
        Some(Self { is_wanted: is_wanted? })
    }
}

/// Pays with store credit.
pub async fn handle(
    app: &App,
    call: Call<Metered<CartOwner>, (Path<CartPath>, Body<Use>)>,
) -> Reply<CartView> {
    let (Path(CartPath { id }), Body(Use { is_wanted })) = &call.input;
    let balance = if *is_wanted { Some(credit(app, &call, *id).await?) } else { None };
    let decide = |cart: Cart, _: &_| Ok(cart.use_store_credit(balance)?);
    change::change(app, Turn::of(&call, *id), None, decide).await
}

/// What the customer has of the cart's currency.
async fn credit<I>(
    app: &App,
    call: &Call<Metered<CartOwner>, I>,
    id: domain::id::CartId,
) -> Reply<Money> {
    let cart = change::load(app, id, &call.who.0).await?;
    let customer = call.who.0.customer.ok_or(Refusal::NoAccount)?;
    let credit = app.store.store_credit(customer.id, cart.currency).await?;
    Ok(credit.map_or(Money::zero(cart.currency), |credit| credit.balance))
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn it_is_a_yes_or_a_no() {
        assert_eq!(flaws_of::<Use>(&json!({"use": true})), []);
        assert_eq!(flaws_of::<Use>(&json!({"use": "yes"})), [("/use".to_owned(), "wrong_type")]);
        assert_eq!(flaws_of::<Use>(&json!({})), [("/use".to_owned(), "required")]);
    }
}
