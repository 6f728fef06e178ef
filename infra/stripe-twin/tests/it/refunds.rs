//! Refunds and their limits.

use serde_json::Value;

use crate::bench::{Bench, id};

fn paid(bench: &Bench, card: &str) -> Value {
    bench.pay(card).ok()
}

fn charge(bench: &Bench) -> Value {
    bench.twin.objects("charge").pop().unwrap()
}

#[test]
fn more_than_was_charged_is_never_given_back() {
    let bench = Bench::new();
    let intent = paid(&bench, "pm_card_visa");
    let refund = |amount: &str| {
        bench.post("/v1/refunds", &format!("payment_intent={}{amount}", id(&intent)))
    };
    let error = refund("&amount=1001").refused(400);
    assert_eq!(error["param"], "amount");
    assert_eq!(refund("&amount=400").ok()["status"], "succeeded");
    assert_eq!(refund("&amount=601").refused(400)["param"], "amount");
    assert_eq!(refund("").ok()["amount"], 600);
    assert_eq!(refund("").refused(400)["code"], "charge_already_refunded");
    assert_eq!(refund("&amount=1").refused(400)["code"], "charge_already_refunded");
    let charge = charge(&bench);
    assert_eq!(charge["amount_refunded"], 1000);
    assert_eq!(charge["refunded"], true);
    let event = bench.last_event("charge.refunded");
    assert_eq!(
        event["data"]["previous_attributes"],
        serde_json::json!({ "amount_refunded": 400, "refunded": false })
    );
    assert_eq!(
        bench.get(&format!("/v1/refunds?payment_intent={}", id(&intent))).ok()["data"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn nothing_paid_is_nothing_to_refund() {
    let bench = Bench::new();
    let open = bench.intent("");
    let held = bench.intent("capture_method=manual&confirm=true&payment_method=pm_card_visa");
    for intent in [open, held] {
        let form = format!("payment_intent={}", id(&intent));
        let error = bench.post("/v1/refunds", &form).refused(400);
        assert_eq!(error["code"], "payment_intent_unexpected_state");
    }
    assert_eq!(bench.post("/v1/refunds", "").refused(400)["code"], "parameter_missing");
    let error = bench.post("/v1/refunds", "charge=ch_no").refused(404);
    assert_eq!(error["code"], "resource_missing");
}

#[test]
fn a_refund_can_come_back() {
    let bench = Bench::new();
    let intent = paid(&bench, "pm_card_refundFail");
    let refund = bench.post("/v1/refunds", &format!("payment_intent={}", id(&intent))).ok();
    assert_eq!(refund["status"], "succeeded");
    bench.wait_seconds(5);
    let refund = bench.get(&format!("/v1/refunds/{}", id(&refund))).ok();
    assert_eq!(refund["status"], "failed");
    assert_eq!(refund["failure_reason"], "expired_or_canceled_card");
    assert_eq!(charge(&bench)["amount_refunded"], 0);
    let told = bench.told();
    assert_eq!(
        told[told.len() - 3..],
        ["refund.updated", "charge.refund.updated", "refund.failed"]
    );
}

#[test]
fn a_pending_refund_succeeds_or_is_canceled() {
    let bench = Bench::new();
    let refund = || {
        let intent = paid(&bench, "pm_card_pendingRefund");
        bench.post("/v1/refunds", &format!("payment_intent={}", id(&intent))).ok()
    };
    let (kept, stopped) = (refund(), refund());
    assert_eq!(kept["status"], "pending");
    let path = format!("/v1/refunds/{}/cancel", id(&stopped));
    assert_eq!(bench.post(&path, "").ok()["status"], "canceled");
    assert_eq!(charge(&bench)["amount_refunded"], 0);
    bench.wait_seconds(5);
    assert_eq!(bench.get(&format!("/v1/refunds/{}", id(&kept))).ok()["status"], "succeeded");
    assert_eq!(bench.get(&format!("/v1/refunds/{}", id(&stopped))).ok()["status"], "canceled");
    assert_eq!(bench.post(&path, "").status, 400);
}
