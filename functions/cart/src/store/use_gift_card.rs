//! `POST /v1/store/carts/{id}/gift_cards`: pays with a gift card, by its code.
//!
//! A code is money to whoever guesses it. Tries are counted by address and by cart before anything
//! is looked up, and a code that is unknown, empty, stopped or too old is refused in one way, after
//! the same reads.

use api::form::{CartPath, gift_card_code};
use api::view::cart::CartView;
use api::{Body, CartOwner, Fields, Form, Metered, Path, Problem, Reply};
use domain::gift_card::{Code, Refusal};
use domain::limit::Limit;
use runtime::Call;
use store::limit::{Bucket, Taken};

use crate::App;
use crate::change::{self, Turn};

/// The code.
#[derive(Debug)]
pub struct CodeForm {
    code: Code,
}

impl Form for CodeForm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let code = fields.required("code", gift_card_code());
        Some(Self { code: code? })
    }
}

/// Pays with a gift card.
pub async fn handle(
    app: &App,
    call: Call<Metered<CartOwner>, (Path<CartPath>, Body<CodeForm>)>,
) -> Reply<CartView> {
    let (Path(CartPath { id }), Body(CodeForm { code })) = &call.input;
    // Strangers use none of the cart's tries up.
    change::load(app, *id, &call.who.0).await?;
    let by_address = app.doors.address_bucket(Limit::GiftCardAddress, &call.request);
    let by_cart = app.doors.bucket(Limit::GiftCard, &id.to_string());
    for mut bucket in [by_address, by_cart] {
        count(app, &mut bucket, &call).await?;
    }
    let card = app.store.gift_card_by_code(&code.hash()).await?;
    change::change(app, Turn::of(&call, *id), None, |cart, _| {
        let card = card.as_ref().ok_or(Refusal::Unusable)?;
        Ok(cart.use_gift_card(card, call.now)?)
    })
    .await
}

async fn count<I>(app: &App, bucket: &mut Bucket, call: &Call<Metered<CartOwner>, I>) -> Reply<()> {
    match app.store.take(bucket, 1, call.now).await? {
        Taken::Yes(_) => Ok(()),
        Taken::No(standing) => Err(api::headers::limited(Problem::too_many(&standing), &standing)),
    }
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_mistyped_code_is_noticed_before_anything_is_read() {
        let good = Code::issue([3; 10]).reveal();
        assert_eq!(flaws_of::<CodeForm>(&json!({"code": good})), []);
        let mistyped = good.replacen(['0', '1', '2', '3', '4', '5', '6', '7'], "Z", 1);
        for wrong in [json!(mistyped), json!(""), json!(good.repeat(2)), json!(5)] {
            assert_eq!(flaws_of::<CodeForm>(&json!({"code": wrong})).len(), 1, "{wrong}");
        }
    }
}
