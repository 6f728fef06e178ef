//! `DELETE /v1/store/carts/{id}/gift_cards/{gift_card_id}`: does not pay with a gift card after
//! all.

use api::form::{Fields, Form, cart_id, gift_card_id};
use api::view::cart::CartView;
use api::{CartOwner, Metered, Path, Reply};
use domain::id::{CartId, GiftCardId};
use runtime::Call;

use crate::App;
use crate::change::{self, Turn};

/// Which gift card of which cart.
#[derive(Debug)]
pub struct WhichGiftCard {
    id: CartId,
    gift_card_id: GiftCardId,
}

impl Form for WhichGiftCard {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let id = fields.required("id", cart_id());
        let gift_card_id = fields.required("gift_card_id", gift_card_id());
        Some(Self { id: id?, gift_card_id: gift_card_id? })
    }
}

/// Takes a gift card out of a cart.
pub async fn handle(
    app: &App,
    call: Call<Metered<CartOwner>, Path<WhichGiftCard>>,
) -> Reply<CartView> {
    let Path(WhichGiftCard { id, gift_card_id }) = &call.input;
    let decide = |cart: domain::cart::Cart, _: &_| Ok(cart.drop_gift_card(*gift_card_id)?);
    change::change(app, Turn::of(&call, *id), None, decide).await
}

#[cfg(test)]
mod tests {
    use api::form::read_value;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_gift_card_is_named_by_its_id_and_never_by_its_code() {
        let reads = |id: &str| {
            let path = json!({"id": "cart_01ARZ3NDEKTSV4RRFFQ69G5FAV", "gift_card_id": id});
            read_value::<WhichGiftCard>(&path, "/path", &mut Vec::new()).is_some()
        };
        assert!(reads("gc_01ARZ3NDEKTSV4RRFFQ69G5FAV"));
        assert!(!reads("0000-0000-0000-0000-0") && !reads("gce_01ARZ3NDEKTSV4RRFFQ69G5FAV"));
    }
}
