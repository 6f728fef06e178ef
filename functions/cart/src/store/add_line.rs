//! `POST /v1/store/carts/{id}/lines`: equal variants become one line. Stock is not asked for here:
//! a cart promises nothing.

use api::form::{Integer, variant_id};
use api::view::cart::CartView;
use api::{Body, CartOwner, Fields, Form, Path, Reply};
use domain::cart::{QUANTITY_MAX, Quantity, Refusal};
use domain::id::{LineId, VariantId};
use runtime::Call;

use crate::App;
use crate::change::{self, Which};

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
    call: Call<CartOwner, (Path<Which>, Body<AddLine>)>,
) -> Reply<CartView> {
    let (Path(Which { id }), Body(AddLine { variant_id, quantity })) = call.input;
    let line_id = LineId::from_ulid(app.ids.ulid(call.now));
    change::change(app, id, &call.who, call.now, Some(variant_id), |cart, facts| {
        match facts.offers.get(&variant_id) {
            Some(offer) => cart.add(offer, quantity, line_id),
            None => Err(Refusal::UnknownVariant),
        }
    })
    .await
}
