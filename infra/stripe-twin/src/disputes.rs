//! Disputes and early fraud warnings. As in Stripe's test mode, the evidence text
//! `winning_evidence` wins and `losing_evidence` loses; anything else waits for the bank.

use serde_json::{Value, json};

use crate::cards::{self, Aftermath};
use crate::charges;
use crate::files;
use crate::form::Fields;
use crate::lists;
use crate::params;
use crate::refusal::Refusal;
use crate::store::Kind;
use crate::timers::Timer;
use crate::world::World;

/// How long the merchant may answer.
const ANSWER_SECONDS: i64 = 9 * 86_400;
/// The bank of the test mode decides at once, more or less.
const CONCLUDE_SECONDS: i64 = 3;
/// What Stripe takes for a dispute in the United States.
const DISPUTE_FEE: i64 = 1500;

/// The texts and files that a merchant may send as evidence.
const EVIDENCE: [&str; 27] = [
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
];

/// Timer: the cardholder goes to their bank.
pub(crate) fn open(world: &mut World, charge_id: &str) {
    let Some(mut charge) = world.store.get(Kind::Charge, charge_id).cloned() else { return };
    let card = charge["_card"].as_str().and_then(cards::numbered);
    let Some(card) = card else { return };
    let Aftermath::Dispute { reason, is_inquiry } = card.aftermath else { return };
    let amount = charge["amount_captured"].as_i64().unwrap_or_default();
    let mut evidence: Value =
        EVIDENCE.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
    evidence["enhanced_evidence"] = json!({});
    let mut dispute = json!({
        "id": world.chance.id("du_"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge_id,
        "created": world.now(),
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": evidence,
        "evidence_details": {
            "due_by": world.now() + ANSWER_SECONDS,
            "enhanced_eligibility": {},
            "has_evidence": false,
            "past_due": false,
            "submission_count": 0,
        },
        "is_charge_refundable": is_inquiry,
        "livemode": false,
        "metadata": {},
        "network_reason_code": if reason == "fraudulent" { "10.4" } else { "13.1" },
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": card.brand,
                "case_type": if is_inquiry { "inquiry" } else { "chargeback" },
                "network": card.brand,
                "network_reason_code": if reason == "fraudulent" { "10.4" } else { "13.1" },
            },
            "type": "card",
        },
        "reason": reason,
        "status": if is_inquiry { "warning_needs_response" } else { "needs_response" },
    });
    charge["disputed"] = json!(true);
    charge["_is_refundable"] = json!(is_inquiry);
    if !is_inquiry {
        let entry = charges::transaction(world, &dispute, "adjustment", -amount, DISPUTE_FEE);
        dispute["balance_transactions"] = json!([entry]);
    }
    world.save(Kind::Charge, &charge);
    world.save(Kind::Dispute, &dispute);
    world.emit("charge.dispute.created", &dispute, None);
    if !is_inquiry {
        world.emit("charge.dispute.funds_withdrawn", &dispute, None);
    }
    let id = dispute["id"].as_str().unwrap_or_default();
    world.after_seconds(ANSWER_SECONDS, Timer::DisputeDeadline, id);
}

/// Timer: the issuer reports fraud before anybody disputes.
pub(crate) fn warn_of_fraud(world: &mut World, charge_id: &str) {
    let Some(charge) = world.store.get(Kind::Charge, charge_id).cloned() else { return };
    let warning = json!({
        "id": world.chance.id("issfr_"),
        "object": "radar.early_fraud_warning",
        "actionable": charge["refunded"] != true,
        "charge": charge_id,
        "created": world.now(),
        "fraud_type": "made_with_stolen_card",
        "livemode": false,
        "payment_intent": charge["payment_intent"],
    });
    world.save(Kind::FraudWarning, &warning);
    world.emit("radar.early_fraud_warning.created", &warning, None);
}

/// `GET /v1/disputes`.
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
    lists::list(world, form, Kind::Dispute, "/v1/disputes", &equal, |_| true)
}

/// `GET /v1/radar/early_fraud_warnings`.
pub(crate) fn list_warnings(world: &World, form: &Fields) -> Result<Value, Refusal> {
    let url = "/v1/radar/early_fraud_warnings";
    let equal = ["payment_intent", "charge"];
    lists::list(world, form, Kind::FraudWarning, url, &equal, |_| true)
}

/// `POST /v1/disputes/{id}`: evidence, staged with `submit=false` or submitted.
pub(crate) fn update(world: &mut World, form: &Fields, id: &str) -> Result<Value, Refusal> {
    form.only(&["evidence", "metadata", "submit"])?;
    let before = world.find(Kind::Dispute, id, "dispute")?;
    let evidence = form.below("evidence");
    if let Some(evidence) = evidence {
        evidence.only(&EVIDENCE)?;
        files::check(world, evidence)?;
    }
    let submit = form.boolean("submit")?.unwrap_or(evidence.is_some());
    if (submit || evidence.is_some()) && !needs_response(&before) {
        let status = before["status"].as_str().unwrap_or_default();
        return Err(Refusal::invalid(format!(
            "This dispute has a status of {status}; evidence can no longer be changed."
        ))
        .executed());
    }
    let mut dispute = before.clone();
    dispute["metadata"] = params::metadata(form, &before["metadata"])?;
    if let (Some(sent), Some(held)) =
        (evidence.map(Fields::to_json), dispute["evidence"].as_object_mut())
    {
        held.extend(sent.as_object().cloned().unwrap_or_default());
        dispute["evidence_details"]["has_evidence"] = json!(true);
    }
    if submit {
        submit_evidence(world, &mut dispute);
    }
    world.save(Kind::Dispute, &dispute);
    world.emit("charge.dispute.updated", &dispute, Some(&before));
    Ok(dispute)
}

fn needs_response(dispute: &Value) -> bool {
    dispute["status"] == "needs_response" || dispute["status"] == "warning_needs_response"
}

fn is_warning(dispute: &Value) -> bool {
    dispute["status"].as_str().is_some_and(|status| status.starts_with("warning"))
}

fn submit_evidence(world: &mut World, dispute: &mut Value) {
    dispute["evidence_details"]["submission_count"] = json!(1);
    dispute["status"] =
        json!(if is_warning(dispute) { "warning_under_review" } else { "under_review" });
    let text = dispute["evidence"]["uncategorized_text"].as_str();
    if let Some(verdict @ ("winning_evidence" | "losing_evidence")) = text {
        dispute["_is_won"] = json!(verdict == "winning_evidence");
        let id = dispute["id"].as_str().unwrap_or_default();
        world.after_seconds(CONCLUDE_SECONDS, Timer::ConcludeDispute, id);
    }
}

/// `POST /v1/disputes/{id}/close`: the merchant gives in.
pub(crate) fn close(world: &mut World, form: &Fields, id: &str) -> Result<Value, Refusal> {
    form.only(&[])?;
    let before = world.find(Kind::Dispute, id, "dispute")?;
    if !needs_response(&before) {
        return Err(Refusal::invalid("This dispute is already closed").executed());
    }
    let mut dispute = before.clone();
    dispute["status"] = json!(if is_warning(&before) { "warning_closed" } else { "lost" });
    world.save(Kind::Dispute, &dispute);
    world.emit("charge.dispute.closed", &dispute, Some(&before));
    Ok(dispute)
}

/// Timer: the bank decides by the evidence.
pub(crate) fn conclude(world: &mut World, id: &str) {
    let Some(before) = world.store.get(Kind::Dispute, id).cloned() else { return };
    let mut dispute = before.clone();
    let is_won = before["_is_won"] == true;
    if is_warning(&before) {
        dispute["status"] = json!("warning_closed");
    } else if is_won {
        dispute["status"] = json!("won");
        let amount = dispute["amount"].as_i64().unwrap_or_default();
        let entry = charges::transaction(world, &dispute, "adjustment", amount, 0);
        if let Some(entries) = dispute["balance_transactions"].as_array_mut() {
            entries.push(entry);
        }
    } else {
        dispute["status"] = json!("lost");
    }
    world.save(Kind::Dispute, &dispute);
    if is_won && dispute["status"] == "won" {
        world.emit("charge.dispute.funds_reinstated", &dispute, None);
    }
    world.emit("charge.dispute.closed", &dispute, Some(&before));
}

/// Timer: no answer means a lost dispute, or an inquiry that comes to nothing.
pub(crate) fn pass_deadline(world: &mut World, id: &str) {
    let Some(before) = world.store.get(Kind::Dispute, id).cloned() else { return };
    if !needs_response(&before) {
        return;
    }
    let mut dispute = before.clone();
    dispute["evidence_details"]["past_due"] = json!(true);
    dispute["status"] = json!(if is_warning(&before) { "warning_closed" } else { "lost" });
    world.save(Kind::Dispute, &dispute);
    world.emit("charge.dispute.closed", &dispute, Some(&before));
}
