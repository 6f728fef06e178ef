//! `POST /v1/store/gift_cards/balance`: what is on a gift card, for whoever has its code. A POST,
//! because a code has no business in an address. Tries are counted by address; what can not be
//! spent is refused in one way.

use api::form::gift_card_code;
use api::view::gift_card::BalanceView;
use api::who::Anyone;
use api::{Body, Fields, Form, Metered, Reply};
use domain::gift_card::{Code, Refusal};
use runtime::Call;

use crate::App;
use crate::gift_card::count_try;

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

/// Shows what is on a gift card.
pub async fn handle(app: &App, call: Call<Metered<Anyone>, Body<CodeForm>>) -> Reply<BalanceView> {
    count_try(app, &call).await?;
    let Body(CodeForm { code }) = &call.input;
    let card = app.store.gift_card_by_code(&code.hash()).await?;
    let card = card.filter(|card| card.is_usable(call.now)).ok_or(Refusal::Unusable)?;
    let (last4, balance, expires_at) = (card.last4, card.balance, card.expires_at);
    Ok(BalanceView { last4, balance, expires_at })
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
        assert_eq!(flaws_of::<CodeForm>(&json!({"code": &good[1..]})).len(), 1);
    }
}
