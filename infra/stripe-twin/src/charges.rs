//! Charges: one per attempt that reached a bank, and what becomes of it by itself: settlement,
//! clearing of bank debits, expiry of authorizations. Balance transactions live here too.

use serde_json::{Value, json};

use crate::cards::{Aftermath, Card, Decline};
use crate::checkout;
use crate::form::Fields;
use crate::lists;
use crate::refusal::Refusal;
use crate::store::Kind;
use crate::timers::Timer;
use crate::world::World;

/// The balance transaction of an asynchronous capture appears after this.
const SETTLE_SECONDS: i64 = 2;
/// Disputes and warnings of the special test cards come after this.
const AFTERMATH_SECONDS: i64 = 3;
/// A bank debit clears after days in life, soon in test mode.
const CLEAR_SECONDS: i64 = 5;
/// Card authorizations are good for seven days.
pub(crate) const AUTHORIZED_SECONDS: i64 = 7 * 86_400;
/// Stripe pays charges out after two days.
const AVAILABLE_SECONDS: i64 = 2 * 86_400;

/// `GET /v1/charges`.
pub(crate) fn list(world: &World, form: &Fields) -> Result<Value, Refusal> {
    form.only(&[
        "limit",
        "starting_after",
        "ending_before",
        "created",
        "payment_intent",
        "customer",
        "transfer_group",
    ])?;
    let equal = ["payment_intent", "customer", "transfer_group"];
    lists::list(world, form, Kind::Charge, "/v1/charges", &equal, |_| true)
}

/// What is charged with what.
pub(crate) struct Attempt<'a> {
    pub(crate) intent: &'a Value,
    pub(crate) method: &'a Value,
    pub(crate) is_authenticated: bool,
}

/// A charge that the bank approved, captured or not.
pub(crate) fn approved(
    world: &mut World,
    attempt: &Attempt<'_>,
    card: &Card,
    is_captured: bool,
) -> Value {
    let mut charge = new(world, attempt, Some(card));
    let amount = charge["amount"].clone();
    charge["status"] = json!("succeeded");
    charge["paid"] = json!(true);
    charge["captured"] = json!(is_captured);
    charge["outcome"] = json!({
        "advice_code": null, "network_advice_code": null, "network_decline_code": null,
        "network_status": "approved_by_network", "reason": null, "risk_level": "normal",
        "risk_score": 20, "seller_message": "Payment complete.", "type": "authorized",
    });
    let details = &mut charge["payment_method_details"]["card"];
    details["authorization_code"] = json!(world.chance.letters("", 6).to_ascii_uppercase());
    if is_captured {
        charge["amount_captured"] = amount;
    } else {
        details["capture_before"] = json!(world.now() + AUTHORIZED_SECONDS);
    }
    charge
}

/// A charge that the bank declined, or that Radar blocked before it came to the bank.
pub(crate) fn declined(
    world: &mut World,
    attempt: &Attempt<'_>,
    card: &Card,
    decline: &Decline,
) -> Value {
    let mut charge = new(world, attempt, Some(card));
    charge["status"] = json!("failed");
    charge["failure_code"] = json!(decline.code);
    charge["failure_message"] = json!(decline.message);
    charge["outcome"] = if card.is_blocked {
        json!({
            "network_status": "not_sent_to_network", "reason": "highest_risk_level",
            "risk_level": "highest", "risk_score": 90,
            "seller_message": "Stripe blocked this payment as too risky.", "type": "blocked",
        })
    } else {
        json!({
            "advice_code": decline.advice, "network_decline_code": "01",
            "network_status": "declined_by_network", "reason": decline.reason,
            "risk_level": "normal", "risk_score": 20,
            "seller_message": "The bank did not return any further details with this decline.",
            "type": "issuer_declined",
        })
    };
    charge
}

/// A bank debit under way.
pub(crate) fn pending(world: &mut World, attempt: &Attempt<'_>) -> Value {
    let mut charge = new(world, attempt, None);
    charge["status"] = json!("pending");
    charge["captured"] = json!(true);
    charge["amount_captured"] = charge["amount"].clone();
    let id = charge["id"].as_str().unwrap_or_default();
    if charge["_debit"] != "stays_processing" {
        world.after_seconds(CLEAR_SECONDS, Timer::ClearDebit, id);
    }
    charge
}

fn new(world: &mut World, attempt: &Attempt<'_>, card: Option<&Card>) -> Value {
    let Attempt { intent, method, is_authenticated } = attempt;
    let kind = method["type"].as_str().unwrap_or("card");
    let id = world.chance.id(if card.is_some() { "ch_" } else { "py_" });
    let details = match card {
        Some(card) => card_details(intent, method, card, *is_authenticated),
        None => json!({
            "account_holder_type": "individual", "account_type": "checking",
            "bank_name": method[kind]["bank_name"], "fingerprint": method[kind]["fingerprint"],
            "last4": method[kind]["last4"], "mandate": null,
            "routing_number": method[kind]["routing_number"],
        }),
    };
    json!({
        "id": id,
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "application": null,
        "application_fee": null,
        "application_fee_amount": null,
        "balance_transaction": null,
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": "FLUXION",
        "captured": false,
        "created": world.now(),
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": false,
        "failure_balance_transaction": null,
        "failure_code": null,
        "failure_message": null,
        "fraud_details": {},
        "livemode": false,
        "metadata": intent["metadata"],
        "on_behalf_of": null,
        "outcome": null,
        "paid": false,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": { kind: details, "type": kind },
        "radar_options": {},
        "receipt_email": intent["receipt_email"],
        "receipt_number": null,
        "receipt_url": format!("https://pay.stripe.com/receipts/payment/{id}"),
        "refunded": false,
        "review": null,
        "shipping": intent["shipping"],
        "source": null,
        "source_transfer": null,
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "pending",
        "transfer_data": null,
        "transfer_group": intent["transfer_group"],
        "_card": method["_card"],
        "_debit": method["_debit"],
        "_refunds": [],
    })
}

fn card_details(intent: &Value, method: &Value, card: &Card, is_authenticated: bool) -> Value {
    let mut checks = method["card"]["checks"].clone();
    if checks["cvc_check"] == "unchecked" {
        let is_wrong = card.decline.is_some_and(|decline| decline.code == "incorrect_cvc");
        checks["cvc_check"] = json!(if is_wrong { "fail" } else { "pass" });
    }
    let three_d_secure = if is_authenticated {
        json!({
            "authentication_flow": "challenge", "electronic_commerce_indicator": "05",
            "result": "authenticated", "result_reason": null, "version": "2.2.0",
        })
    } else {
        Value::Null
    };
    json!({
        "amount_authorized": intent["amount"],
        "authorization_code": null,
        "brand": card.brand,
        "checks": checks,
        "country": card.country,
        "exp_month": method["card"]["exp_month"],
        "exp_year": method["card"]["exp_year"],
        "extended_authorization": { "status": "disabled" },
        "fingerprint": method["card"]["fingerprint"],
        "funding": card.funding,
        "incremental_authorization": { "status": "unavailable" },
        "installments": null,
        "last4": card.last4(),
        "mandate": null,
        "multicapture": { "status": "unavailable" },
        "network": card.brand,
        "network_token": { "used": false },
        "overcapture": { "maximum_amount_capturable": intent["amount"], "status": "unavailable" },
        "regulated_status": "unregulated",
        "three_d_secure": three_d_secure,
        "wallet": null,
    })
}

/// After the money is captured: settlement, and what the special test cards bring about.
pub(crate) fn after_capture(world: &mut World, charge: &Value) {
    let id = charge["id"].as_str().unwrap_or_default();
    if charge["balance_transaction"].is_null() {
        world.after_seconds(SETTLE_SECONDS, Timer::SettleCharge, id);
    }
    let card = charge["_card"].as_str().and_then(crate::cards::numbered);
    match card.map(|card| card.aftermath) {
        Some(Aftermath::Dispute { .. }) => {
            world.after_seconds(AFTERMATH_SECONDS, Timer::OpenDispute, id);
        }
        Some(Aftermath::FraudWarning) => {
            world.after_seconds(AFTERMATH_SECONDS, Timer::WarnOfFraud, id);
        }
        Some(Aftermath::Nothing | Aftermath::RefundFails | Aftermath::RefundPends) | None => {}
    }
}

/// Enters the captured amount into the balance.
pub(crate) fn book(world: &mut World, charge: &mut Value) {
    let amount = charge["amount_captured"].as_i64().unwrap_or_default();
    // 2.9 % + 30, Stripe's list price in the United States.
    let fee = ((amount * 29 + 500) / 1000 + 30).min(amount);
    let entry = transaction(world, charge, "charge", amount, fee);
    charge["balance_transaction"] = entry["id"].clone();
}

/// Timer: the balance transaction of an asynchronous capture.
pub(crate) fn settle(world: &mut World, id: &str) {
    let Some(before) = world.store.get(Kind::Charge, id).cloned() else { return };
    let mut charge = before.clone();
    book(world, &mut charge);
    world.save(Kind::Charge, &charge);
    world.emit("charge.updated", &charge, Some(&before));
}

/// A line of the balance. `source` is the charge, refund or dispute it stems from.
pub(crate) fn transaction(
    world: &mut World,
    source: &Value,
    kind: &str,
    amount: i64,
    fee: i64,
) -> Value {
    let currency = &source["currency"];
    let fees = if fee == 0 {
        json!([])
    } else {
        json!([{ "amount": fee, "application": null, "currency": currency,
                 "description": "Stripe processing fees", "type": "stripe_fee" }])
    };
    let category = if kind == "adjustment" { "dispute" } else { kind };
    let entry = json!({
        "id": world.chance.id("txn_"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": world.now() + AVAILABLE_SECONDS,
        "balance_type": "payments",
        "created": world.now(),
        "currency": currency,
        "description": source["description"],
        "exchange_rate": null,
        "fee": fee,
        "fee_details": fees,
        "net": amount - fee,
        "reporting_category": category,
        "source": source["id"],
        "status": "pending",
        "type": kind,
    });
    world.save(Kind::BalanceTransaction, &entry);
    world.balance(&entry);
    entry
}

/// Timer: a bank debit clears, or comes back.
pub(crate) fn clear_debit(world: &mut World, id: &str) {
    let Some(mut charge) = world.store.get(Kind::Charge, id).cloned() else { return };
    let intent_id = charge["payment_intent"].as_str().unwrap_or_default().to_owned();
    let Some(mut intent) = world.store.get(Kind::PaymentIntent, &intent_id).cloned() else {
        return;
    };
    intent["processing"] = Value::Null;
    if charge["_debit"] == "succeeds" {
        charge["status"] = json!("succeeded");
        charge["paid"] = json!(true);
        book(world, &mut charge);
        intent["status"] = json!("succeeded");
        intent["amount_received"] = charge["amount"].clone();
        world.save(Kind::Charge, &charge);
        world.save(Kind::PaymentIntent, &intent);
        world.emit("charge.succeeded", &charge, None);
        world.emit("payment_intent.succeeded", &intent, None);
        checkout::follow(world, &intent);
        return;
    }
    let message = "The customer's account has insufficient funds to cover this payment.";
    let refusal = Refusal::card(message)
        .code("payment_method_provider_decline")
        .with("decline_code", "insufficient_funds")
        .with("charge", id);
    charge["status"] = json!("failed");
    charge["captured"] = json!(false);
    charge["amount_captured"] = json!(0);
    charge["failure_code"] = json!("insufficient_funds");
    charge["failure_message"] = json!(message);
    intent["status"] = json!("requires_payment_method");
    intent["payment_method"] = Value::Null;
    intent["last_payment_error"] = Value::Object(refusal.error);
    world.save(Kind::Charge, &charge);
    world.save(Kind::PaymentIntent, &intent);
    world.emit("charge.failed", &charge, None);
    world.emit("payment_intent.payment_failed", &intent, None);
    checkout::follow(world, &intent);
}

/// Gives the whole of an uncaptured authorization back to the card.
pub(crate) fn release(charge: &mut Value) {
    charge["amount_refunded"] = charge["amount"].clone();
    charge["refunded"] = json!(true);
}

/// Timer: nobody captured in time.
pub(crate) fn expire(world: &mut World, id: &str) {
    let Some(before) = world.store.get(Kind::Charge, id).cloned() else { return };
    let intent_id = before["payment_intent"].as_str().unwrap_or_default().to_owned();
    let Some(mut intent) = world.store.get(Kind::PaymentIntent, &intent_id).cloned() else {
        return;
    };
    if intent["status"] != "requires_capture" {
        return;
    }
    let mut charge = before.clone();
    release(&mut charge);
    intent["status"] = json!("canceled");
    intent["amount_capturable"] = json!(0);
    intent["canceled_at"] = json!(world.now());
    intent["cancellation_reason"] = json!("automatic");
    world.save(Kind::Charge, &charge);
    world.save(Kind::PaymentIntent, &intent);
    world.emit("charge.expired", &charge, Some(&before));
    world.emit("payment_intent.canceled", &intent, None);
}
