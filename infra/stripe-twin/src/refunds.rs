//! Refunds. The sum of what is given back never exceeds the charge.
//!
//! One deviation: a `pending` card refund can be canceled through the API, as it can be in the
//! Dashboard; Stripe's API cancels only `requires_action`, which no test card reaches.

use serde_json::{Value, json};

use crate::cards::{self, Aftermath};
use crate::charges;
use crate::form::Fields;
use crate::lists;
use crate::money;
use crate::params;
use crate::refusal::Refusal;
use crate::store::Kind;
use crate::timers::Timer;
use crate::world::World;

/// The card network's reference, and the fate of the special test cards, come after this.
const SETTLE_SECONDS: i64 = 5;

const REASONS: [&str; 3] = ["duplicate", "fraudulent", "requested_by_customer"];

/// `POST /v1/refunds`.
pub(crate) fn create(world: &mut World, form: &Fields) -> Result<Value, Refusal> {
    form.only(&[
        "amount",
        "charge",
        "payment_intent",
        "reason",
        "metadata",
        "instructions_email",
        "refund_application_fee",
        "reverse_transfer",
        "currency",
        "customer",
        "origin",
    ])?;
    let reason = form.one_of("reason", &REASONS)?.map(ToOwned::to_owned);
    let metadata = params::metadata(form, &json!({}))?;
    let asked = form.integer("amount")?;
    if asked.is_some_and(|amount| amount < 1) {
        return Err(Refusal::invalid("This value must be greater than or equal to 1.")
            .code("parameter_invalid_integer")
            .param("amount"));
    }
    let before = refundable_charge(world, form)?;
    let amount = refundable_amount(&before, asked)?;

    let mut charge = before.clone();
    let mut refund = new(world, &charge, amount);
    refund["reason"] = json!(reason);
    refund["metadata"] = metadata;
    let card = charge["_card"].as_str().and_then(cards::numbered);
    let aftermath = card.map_or(Aftermath::RefundPends, |card| card.aftermath);
    let is_pending = aftermath == Aftermath::RefundPends;
    refund["status"] = json!(if is_pending { "pending" } else { "succeeded" });
    if is_pending {
        refund["pending_reason"] = json!("processing");
    } else {
        let entry = charges::transaction(world, &refund, "refund", -amount, 0);
        refund["balance_transaction"] = entry["id"].clone();
    }
    give_back(&mut charge, amount);
    if let Some(refunds) = charge["_refunds"].as_array_mut() {
        refunds.push(refund["id"].clone());
    }
    world.save(Kind::Refund, &refund);
    world.save(Kind::Charge, &charge);
    world.emit("refund.created", &refund, None);
    world.emit("charge.refunded", &charge, Some(&before));
    let is_failing = aftermath == Aftermath::RefundFails;
    let timer = if is_failing { Timer::FailRefund } else { Timer::SettleRefund };
    world.after_seconds(SETTLE_SECONDS, timer, refund["id"].as_str().unwrap_or_default());
    Ok(refund)
}

fn refundable_charge(world: &World, form: &Fields) -> Result<Value, Refusal> {
    let intent = form
        .filled("payment_intent")
        .map(|id| world.find(Kind::PaymentIntent, id, "payment_intent"))
        .transpose()?;
    let charge = match (form.filled("charge"), &intent) {
        (Some(id), _) => Some(world.find(Kind::Charge, id, "charge")?),
        (None, Some(intent)) => {
            let id = intent["latest_charge"].as_str();
            id.and_then(|id| world.store.get(Kind::Charge, id).cloned())
        }
        (None, None) => {
            return Err(Refusal::invalid(
                "One of the following params should be provided for this request: \
                 payment_intent or charge.",
            )
            .code("parameter_missing"));
        }
    };
    let is_paid = |charge: &Value| charge["paid"] == true && charge["captured"] == true;
    match (charge.filter(is_paid), &intent) {
        (Some(charge), Some(intent)) if charge["payment_intent"] != intent["id"] => {
            Err(Refusal::invalid("The charge does not belong to the PaymentIntent.")
                .param("charge"))
        }
        (Some(charge), _) => Ok(charge),
        (None, Some(intent)) => {
            let id = intent["id"].as_str().unwrap_or_default();
            let message =
                format!("This PaymentIntent ({id}) does not have a successful charge to refund.");
            Err(Refusal::invalid(message)
                .code("payment_intent_unexpected_state")
                .param("payment_intent")
                .executed())
        }
        (None, None) => Err(Refusal::invalid("This charge cannot be refunded.")
            .code("charge_not_refundable")
            .param("charge")
            .executed()),
    }
}

fn refundable_amount(charge: &Value, asked: Option<i64>) -> Result<i64, Refusal> {
    let id = charge["id"].as_str().unwrap_or_default();
    if charge["disputed"] == true && charge["_is_refundable"] != true {
        return Err(Refusal::invalid(format!(
            "Charge {id} has been charged back; cannot issue a refund."
        ))
        .code("charge_disputed")
        .executed());
    }
    let total = charge["amount"].as_i64().unwrap_or_default();
    let left = total - charge["amount_refunded"].as_i64().unwrap_or_default();
    if left <= 0 {
        return Err(Refusal::invalid(format!("Charge {id} has already been refunded."))
            .code("charge_already_refunded")
            .executed());
    }
    let amount = asked.unwrap_or(left);
    if amount <= left {
        return Ok(amount);
    }
    let currency = charge["currency"].as_str().unwrap_or_default();
    let name = if left == total { "charge amount" } else { "unrefunded amount on charge" };
    let (amount, left) = (money::shown(amount, currency), money::shown(left, currency));
    Err(Refusal::invalid(format!("Refund amount ({amount}) is greater than {name} ({left})"))
        .param("amount")
        .executed())
}

fn new(world: &mut World, charge: &Value, amount: i64) -> Value {
    json!({
        "id": world.chance.id("re_"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": null,
        "charge": charge["id"],
        "created": world.now(),
        "currency": charge["currency"],
        "destination_details": {
            "card": { "reference_status": "pending", "reference_type": "acquirer_reference_number",
                      "type": "refund" },
            "type": "card",
        },
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": null,
        "receipt_number": null,
        "source_transfer_reversal": null,
        "status": "pending",
        "transfer_reversal": null,
    })
}

fn give_back(charge: &mut Value, amount: i64) {
    let refunded = charge["amount_refunded"].as_i64().unwrap_or_default() + amount;
    charge["amount_refunded"] = json!(refunded);
    charge["refunded"] = json!(charge["amount"].as_i64() == Some(refunded));
}

/// The refund did not come about: the charge stands as before.
fn take_back(world: &mut World, refund: &Value) {
    let id = refund["charge"].as_str().unwrap_or_default();
    let Some(mut charge) = world.store.get(Kind::Charge, id).cloned() else { return };
    give_back(&mut charge, -refund["amount"].as_i64().unwrap_or_default());
    world.save(Kind::Charge, &charge);
}

/// `POST /v1/refunds/{id}`: only metadata can change.
pub(crate) fn update(world: &mut World, form: &Fields, id: &str) -> Result<Value, Refusal> {
    form.only(&["metadata"])?;
    let before = world.find(Kind::Refund, id, "id")?;
    let mut refund = before.clone();
    refund["metadata"] = params::metadata(form, &before["metadata"])?;
    save_update(world, &refund, &before);
    Ok(refund)
}

/// `POST /v1/refunds/{id}/cancel`.
pub(crate) fn cancel(world: &mut World, form: &Fields, id: &str) -> Result<Value, Refusal> {
    form.only(&[])?;
    let before = world.find(Kind::Refund, id, "id")?;
    if before["status"] != "pending" && before["status"] != "requires_action" {
        let status = before["status"].as_str().unwrap_or_default();
        return Err(Refusal::invalid(format!(
            "You cannot cancel this refund because it has a status of {status}."
        ))
        .executed());
    }
    let mut refund = before.clone();
    refund["status"] = json!("canceled");
    refund["pending_reason"] = Value::Null;
    take_back(world, &refund);
    save_update(world, &refund, &before);
    Ok(refund)
}

fn save_update(world: &mut World, refund: &Value, before: &Value) {
    world.save(Kind::Refund, refund);
    world.emit("refund.updated", refund, Some(before));
    world.emit("charge.refund.updated", refund, Some(before));
}

/// `GET /v1/refunds`.
pub(crate) fn list(world: &World, form: &Fields) -> Result<Value, Refusal> {
    form.only(&[
        "limit",
        "starting_after",
        "ending_before",
        "created",
        "payment_intent",
        "charge",
    ])?;
    let equal = ["payment_intent", "charge"];
    lists::list(world, form, Kind::Refund, "/v1/refunds", &equal, |_| true)
}

/// Timer: the network gives its reference, and a pending refund succeeds.
pub(crate) fn settle(world: &mut World, id: &str) {
    let Some(before) = world.store.get(Kind::Refund, id).cloned() else { return };
    if before["status"] != "succeeded" && before["status"] != "pending" {
        return;
    }
    let mut refund = before.clone();
    if refund["status"] == "pending" {
        let amount = refund["amount"].as_i64().unwrap_or_default();
        let entry = charges::transaction(world, &refund, "refund", -amount, 0);
        refund["balance_transaction"] = entry["id"].clone();
        refund["status"] = json!("succeeded");
        refund["pending_reason"] = Value::Null;
    }
    refund["destination_details"]["card"]["reference"] = json!(world.chance.letters("", 23));
    refund["destination_details"]["card"]["reference_status"] = json!("available");
    save_update(world, &refund, &before);
}

/// Timer: the customer's bank sends the money back.
pub(crate) fn fail(world: &mut World, id: &str) {
    let Some(before) = world.store.get(Kind::Refund, id).cloned() else { return };
    let mut refund = before.clone();
    let amount = refund["amount"].as_i64().unwrap_or_default();
    let entry = charges::transaction(world, &refund, "refund_failure", amount, 0);
    refund["status"] = json!("failed");
    refund["failure_reason"] = json!("expired_or_canceled_card");
    refund["failure_balance_transaction"] = entry["id"].clone();
    take_back(world, &refund);
    save_update(world, &refund, &before);
    world.emit("refund.failed", &refund, Some(&before));
}
