//! `PATCH /v1/store/carts/{id}/lines/{line_id}`: sets the units of a line.

use api::form::Integer;
use api::view::cart::CartView;
use api::{Body, CartOwner, Fields, Form, Metered, Path, Reply};
use domain::cart::{QUANTITY_MAX, Quantity};
use runtime::Call;

use crate::App;
use crate::change::{self, Turn, WhichLine};

/// How many.
#[derive(Debug)]
pub struct ChangeLine {
    quantity: Quantity,
}

impl Form for ChangeLine {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let quantity = fields.required("quantity", Integer::between(1, i64::from(QUANTITY_MAX)));
        let quantity = quantity.and_then(|q| Quantity::new(u32::try_from(q).ok()?));
        Some(Self { quantity: quantity? })
    }
}

/// Sets the units of a line.
pub async fn handle(
    app: &App,
    call: Call<Metered<CartOwner>, (Path<WhichLine>, Body<ChangeLine>)>,
) -> Reply<CartView> {
    let (Path(which), Body(ChangeLine { quantity })) = &call.input;
    let turn = Turn::of(&call, which.id);
    change::change(app, turn, None, |cart, facts| {
        let limit = |variant| facts.offers.get(&variant).map(|offer| offer.quantity_max);
        cart.change(which.line_id, *quantity, limit)
    })
    .await
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_holds_one_to_a_hundred_units() {
        for quantity in [1, 100] {
            assert_eq!(flaws_of::<ChangeLine>(&json!({"quantity": quantity})), []);
        }
        for quantity in [json!(0), json!(101), json!(-5)] {
            let flaws = flaws_of::<ChangeLine>(&json!({"quantity": quantity}));
            assert_eq!(flaws, [("/quantity".to_owned(), "out_of_range")]);
        }
        let flaws = flaws_of::<ChangeLine>(&json!({}));
        assert_eq!(flaws, [("/quantity".to_owned(), "required")]);
    }
}
