//! `POST /v1/store/carts/{id}/lines`: equal variants become one line. Stock is not asked for here:
//! a cart promises nothing.

use api::form::{CartPath, Integer, variant_id};
use api::view::cart::CartView;
use api::{Body, CartOwner, Fields, Form, Metered, Path, Reply};
use domain::cart::{QUANTITY_MAX, Quantity, Refusal};
use domain::id::{LineId, VariantId};
use runtime::Call;

use crate::App;
use crate::change::{self, Turn};

/// What is added, and how many of it.
#[derive(Debug)]
pub struct AddLine {
    variant_id: VariantId,
    quantity: Quantity,
}

impl Form for AddLine {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let variant_id = fields.required("variant_id", variant_id());
        let quantity = fields.required("quantity", Integer::between(1, i64::from(QUANTITY_MAX)));
        let quantity = quantity.and_then(|q| Quantity::new(u32::try_from(q).ok()?));
        Some(Self { variant_id: variant_id?, quantity: quantity? })
    }
}

/// Puts units of a variant into a cart.
pub async fn handle(
    app: &App,
    call: Call<Metered<CartOwner>, (Path<CartPath>, Body<AddLine>)>,
) -> Reply<CartView> {
    let (Path(CartPath { id }), Body(AddLine { variant_id, quantity })) = &call.input;
    let line_id = LineId::from_ulid(app.ids.ulid(call.now));
    let turn = Turn::of(&call, *id);
    change::change(app, turn, Some(*variant_id), |cart, facts| match facts.offers.get(variant_id) {
        Some(offer) => cart.add(offer, *quantity, line_id, facts.now),
        None => Err(Refusal::UnknownVariant),
    })
    .await
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_variant_and_a_quantity_are_all_it_takes() {
        let body = json!({"variant_id": "var_01ARZ3NDEKTSV4RRFFQ69G5FAV", "quantity": 100});
        assert_eq!(flaws_of::<AddLine>(&body), []);
    }

    #[test]
    fn every_flaw_of_a_line_is_named() {
        let body = json!({"variant_id": "var_1", "quantity": 101, "price": 1});
        let wanted = [
            ("/variant_id".to_owned(), "malformed_id"),
            ("/quantity".to_owned(), "out_of_range"),
            ("/price".to_owned(), "unknown_field"),
        ];
        assert_eq!(flaws_of::<AddLine>(&body), wanted);
        for quantity in [json!(0), json!(-1), json!(i64::MAX)] {
            let variant = "var_01ARZ3NDEKTSV4RRFFQ69G5FAV";
            let body = json!({"variant_id": variant, "quantity": quantity});
            assert_eq!(flaws_of::<AddLine>(&body), [("/quantity".to_owned(), "out_of_range")]);
        }
    }
}
