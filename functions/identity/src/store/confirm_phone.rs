//! `POST /v1/store/me/phone/confirm`: the code that was texted. With it the number is the
//! customer's, and that they agreed to be texted about their orders is written down, with the words
//! that they were shown when they asked.
//!
//! A guess is counted before it is looked at; after five there is nothing to guess any more.

use api::form::Parsed;
use api::{Body, Customer, Fields, Form, Reply};
use domain::audit::Actor;
use domain::consent::{Consent, Purpose, Said};
use domain::text::{CODE_DIGITS, Confirmed, Refusal};
use runtime::Call;
use store::Saved;

use crate::App;
use crate::phone::{PhoneView, is_code};

/// How often a lost race is run again before the caller is asked to.
const RACES_MAX: usize = 5;

/// The code.
pub struct Code {
    code: String,
}

/// It opens something.
impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Code(…)")
    }
}

impl Form for Code {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let rule = Parsed::by(digits, "six digits", CODE_DIGITS).pattern("^[0-9]{6}$");
        let code = fields.required("code", rule);
        Some(Self { code: code? })
    }
}

fn digits(text: &str) -> Option<String> {
    let is_code = text.len() == CODE_DIGITS && text.bytes().all(|b| b.is_ascii_digit());
    is_code.then(|| text.to_owned())
}

/// Confirms the number.
pub async fn handle(app: &App, call: Call<Customer, Body<Code>>) -> Reply<PhoneView> {
    let (customer, now) = (call.who.id, call.now);
    let pending = app.store.guess_phone(customer, now).await?;
    let pending = pending.ok_or(Refusal::NothingToConfirm)?;
    if !is_code(&call.guard.sealer, &pending, &call.input.0.code) {
        return Err(Refusal::WrongCode.into());
    }
    let confirmed = Confirmed { phone: pending.phone.clone(), confirmed_at: now };
    let (purpose, request) = (Purpose::OrderSms, call.request.id.as_str());
    let said = Said { purpose, is_given: true, text: &pending.text, request, at: now };
    for _ in 0..RACES_MAX {
        let before = app.store.last_consent(customer, purpose).await?;
        let agreed = Consent::after(before.as_ref(), customer, said)?;
        let (actor, object) = (Actor::Customer(customer), Some(customer.to_string()));
        let event = app.doors.audit(&call.request, actor, "phone.confirm", object, Vec::new());
        let (agreed, events) = (agreed.as_ref(), [event]);
        let saved = app.store.confirm_phone(&pending, &confirmed, agreed, &events);
        if saved.await? == Saved::Yes {
            return Ok(PhoneView::of(Some(confirmed), true));
        }
    }
    // Another number waits by now, or the account is gone.
    Err(Refusal::NothingToConfirm.into())
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_code_is_six_digits() {
        assert_eq!(flaws_of::<Code>(&json!({"code": "012345"})), []);
        for wrong in ["", "12345", "1234567", "12345a", "１２３４５６"] {
            assert_eq!(flaws_of::<Code>(&json!({"code": wrong})).len(), 1, "{wrong}");
        }
    }
}
