//! Payment methods: cards and bank debits. The test methods (`pm_card_visa`) make a fresh payment
//! method each time they are named, as at Stripe. The number of a card never leaves the twin.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::cards::{self, Card};
use crate::form::Fields;
use crate::hex;
use crate::params;
use crate::refusal::Refusal;
use crate::store::Kind;
use crate::world::World;

/// Bank accounts of Stripe's test mode: their test names and numbers, and what becomes of a debit.
const DEBITS: [(&[&str], &str, &str); 3] = [
    (&["pm_usBankAccount", "pm_usBankAccount_success"], "000123456789", "succeeds"),
    (&["pm_usBankAccount_insufficientFunds"], "000222222227", "insufficient_funds"),
    (&["pm_usBankAccount_processing"], "000000000009", "stays_processing"),
];

/// `POST /v1/payment_methods`.
pub(crate) fn create(world: &mut World, form: &Fields) -> Result<Value, Refusal> {
    let mut method = match form.filled("type") {
        Some("card") => from_card(world, form.below("card").unwrap_or(&Fields::default()))?,
        Some("us_bank_account") => {
            let account =
                form.below("us_bank_account").and_then(|bank| bank.filled("account_number"));
            let account =
                account.ok_or_else(|| Refusal::missing("us_bank_account[account_number]"))?;
            let known = DEBITS.iter().find(|(_, number, _)| *number == account);
            let (_, number, fate) = known.ok_or_else(|| {
                Refusal::invalid("You must use a test bank account number in test mode.")
                    .code("account_number_invalid")
                    .param("us_bank_account[account_number]")
            })?;
            bank_account(world, number, fate)
        }
        Some(other) => {
            return Err(Refusal::invalid(format!(
                "The payment method type \"{other}\" is invalid. Please ensure the provided type \
                 is activated in your dashboard \
                 (https://dashboard.stripe.com/account/payments/settings)."
            ))
            .param("type"));
        }
        None => return Err(Refusal::missing("type")),
    };
    method["billing_details"] = params::billing_details(form.below("billing_details"));
    method["metadata"] = params::metadata(form, &json!({}))?;
    world.save(Kind::PaymentMethod, &method);
    Ok(method)
}

/// `GET /v1/payment_methods/{id}`.
pub(crate) fn retrieve(world: &mut World, id: &str) -> Result<Value, Refusal> {
    named(world, id)
}

/// The payment method that a payment names or describes, made where need be.
pub(crate) fn resolve(world: &mut World, form: &Fields) -> Result<Option<Value>, Refusal> {
    if let Some(data) = form.below("payment_method_data") {
        return create(world, data).map(Some);
    }
    let Some(id) = form.filled("payment_method") else { return Ok(None) };
    let method = named(world, id).map_err(|refusal| refusal.status(400))?;
    if method["_is_spent"] == true && method["customer"].is_null() {
        return Err(Refusal::invalid(
            "The provided PaymentMethod was previously used with a PaymentIntent without Customer \
             attachment, shared with a connected account without Customer attachment, or was \
             detached from a Customer. It may not be used again. To use a PaymentMethod multiple \
             times, you must attach it to a Customer first.",
        ));
    }
    Ok(Some(method))
}

fn named(world: &mut World, id: &str) -> Result<Value, Refusal> {
    if let Some(card) = cards::named(id) {
        let year = year(world.now()) + 1;
        let method = card_method(world, &card, 12, year, "unchecked");
        world.save(Kind::PaymentMethod, &method);
        return Ok(method);
    }
    if let Some((_, number, fate)) = DEBITS.iter().find(|(names, ..)| names.contains(&id)) {
        let method = bank_account(world, number, fate);
        world.save(Kind::PaymentMethod, &method);
        return Ok(method);
    }
    let found = world.store.get(Kind::PaymentMethod, id).cloned();
    found.ok_or_else(|| Refusal::not_found("PaymentMethod", id, "payment_method"))
}

fn from_card(world: &mut World, form: &Fields) -> Result<Value, Refusal> {
    if let Some(token) = form.filled("token") {
        let name = token.strip_prefix("tok_").map(|name| format!("pm_card_{name}"));
        let card = name.and_then(|name| cards::named(&name));
        let card = card.ok_or_else(|| Refusal::not_found("token", token, "card[token]"))?;
        let year = year(world.now()) + 1;
        return Ok(card_method(world, &card, 12, year, "unchecked"));
    }
    form.only(&["number", "exp_month", "exp_year", "cvc", "networks"])?;
    let number = form.filled("number").ok_or_else(|| Refusal::missing("card[number]"))?;
    let number: String = number.chars().filter(|letter| *letter != ' ').collect();
    if let Some(decline) = cards::refuse_number(&number) {
        let refusal = Refusal::card(decline.message).code(decline.code).param("number");
        let is_declined = decline.code == "card_declined";
        return Err(if is_declined {
            refusal.with("decline_code", decline.reason)
        } else {
            refusal
        });
    }
    let wrong =
        |code: &str, param: &str, message: &str| Refusal::card(message).code(code).param(param);
    let month = form.integer("exp_month")?.ok_or_else(|| Refusal::missing("card[exp_month]"))?;
    let year = form.integer("exp_year")?.ok_or_else(|| Refusal::missing("card[exp_year]"))?;
    let year = if year < 100 { year + 2000 } else { year };
    if !(1..=12).contains(&month) {
        let message = "Your card's expiration month is invalid.";
        return Err(wrong("invalid_expiry_month", "exp_month", message));
    }
    let (this_year, this_month) = year_and_month(world.now());
    if (year, month) < (this_year, this_month) || year > this_year + 50 {
        let message = "Your card's expiration year is invalid.";
        return Err(wrong("invalid_expiry_year", "exp_year", message));
    }
    let cvc = form.filled("cvc");
    let is_cvc =
        |cvc: &str| (3..=4).contains(&cvc.len()) && cvc.bytes().all(|digit| digit.is_ascii_digit());
    if cvc.is_some_and(|cvc| !is_cvc(cvc)) {
        return Err(wrong("invalid_cvc", "cvc", "Your card's security code is invalid."));
    }
    let card = cards::numbered(&number)
        .ok_or_else(|| Refusal::not_found("card", "number", "card[number]"))?;
    Ok(card_method(
        world,
        &card,
        month,
        year,
        if cvc.is_some() { "unchecked" } else { "unavailable" },
    ))
}

fn card_method(world: &mut World, card: &Card, month: i64, year: i64, cvc: &str) -> Value {
    let is_secure = card.authentication != cards::Authentication::NotSupported;
    let details = json!({
        "brand": card.brand,
        "checks": {
            "address_line1_check": null, "address_postal_code_check": null, "cvc_check": cvc,
        },
        "country": card.country,
        "display_brand": card.brand,
        "exp_month": month,
        "exp_year": year,
        "fingerprint": mark(&world.account, card.number),
        "funding": card.funding,
        "generated_from": null,
        "last4": card.last4(),
        "networks": { "available": [card.brand], "preferred": null },
        "regulated_status": "unregulated",
        "three_d_secure_usage": { "supported": is_secure },
        "wallet": null,
    });
    let mut method = method(world, "card", &details);
    method["_card"] = json!(card.number);
    // This test card stands for one that the customer has set up before.
    method["_is_set_up"] = json!(card.authentication == cards::Authentication::OnSession);
    method
}

fn bank_account(world: &mut World, number: &str, fate: &str) -> Value {
    let details = json!({
        "account_holder_type": "individual",
        "account_type": "checking",
        "bank_name": "STRIPE TEST BANK",
        "financial_connections_account": null,
        "fingerprint": mark(&world.account, number),
        "last4": number.get(number.len().saturating_sub(4)..),
        "networks": { "preferred": "ach", "supported": ["ach"] },
        "routing_number": "110000000",
        "status_details": {},
    });
    let mut method = method(world, "us_bank_account", &details);
    method["_debit"] = json!(fate);
    method
}

fn method(world: &mut World, kind: &str, details: &Value) -> Value {
    json!({
        "id": world.chance.id("pm_"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": params::billing_details(None),
        kind: details,
        "created": world.now(),
        "customer": null,
        "livemode": false,
        "metadata": {},
        "type": kind,
    })
}

/// Tells two cards apart without telling the number.
fn mark(account: &str, number: &str) -> String {
    let hash = Sha256::digest(format!("{account}:{number}").as_bytes());
    hex::digits(&hash).chars().take(16).collect()
}

fn year(now: i64) -> i64 {
    year_and_month(now).0
}

/// The civil date of a Unix time: days to years by the 400-year cycle of the calendar.
fn year_and_month(now: i64) -> (i64, i64) {
    let days = now.div_euclid(86_400) + 719_468;
    let era = days.div_euclid(146_097);
    let day = days.rem_euclid(146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year + i64::from(month <= 2), month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_civil() {
        assert_eq!(year_and_month(0), (1970, 1));
        assert_eq!(year_and_month(951_782_400), (2000, 2));
        assert_eq!(year_and_month(1_798_761_599), (2026, 12));
        assert_eq!(year_and_month(1_798_761_600), (2027, 1));
    }
}
