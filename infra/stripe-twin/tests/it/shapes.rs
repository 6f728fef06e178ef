//! Everything the twin returns is understood by the types of the real client library.

use miniserde::Deserialize;
use serde_json::Value;
use stripe_shared::{
    BalanceTransaction, Charge, CheckoutSession, Dispute, Event, PaymentIntent, PaymentMethod,
    Refund,
};

use crate::bench::Bench;

#[track_caller]
fn understood<T: Deserialize>(value: &Value) -> T {
    miniserde::json::from_str(&value.to_string()).unwrap_or_else(|_| panic!("{value:#}"))
}

#[track_caller]
fn all_understood<T: Deserialize>(bench: &Bench, kind: &str) {
    let objects = bench.twin.objects(kind);
    assert!(!objects.is_empty(), "{kind}");
    for object in &objects {
        understood::<T>(object);
    }
}

fn world_of_objects() -> Bench {
    let bench = Bench::new();
    for card in ["visa", "refundFail", "pendingRefund", "createDispute", "createDisputeInquiry"] {
        let intent = bench.pay(&format!("pm_card_{card}")).ok();
        if !card.starts_with("createDispute") {
            let form = format!("payment_intent={}&amount=300", intent["id"].as_str().unwrap());
            bench.post("/v1/refunds", &form).ok();
        }
    }
    for card in ["chargeDeclined", "chargeDeclinedExpiredCard", "radarBlock"] {
        bench.pay(&format!("pm_card_{card}")).refused(402);
    }
    bench.pay("pm_card_threeDSecure2Required").ok();
    let returning = "confirm=true&return_url=https://shop.test/&shipping[name]=A\
                     &shipping[address][line1]=B&payment_method=pm_card_threeDSecure2Required";
    bench.intent(returning);
    bench.intent("capture_method=manual&confirm=true&payment_method=pm_card_visa");
    let debit = "amount=900&currency=usd&confirm=true&payment_method=pm_usBankAccount";
    bench.post("/v1/payment_intents", debit).ok();
    for card in ["pm_card_visa", "pm_card_threeDSecure2Required"] {
        let session = "mode=payment&success_url=https://shop.test/&line_items[0][quantity]=1\
                       &line_items[0][price_data][currency]=eur\
                       &line_items[0][price_data][unit_amount]=500\
                       &line_items[0][price_data][product_data][name]=Mug";
        let session = bench.post("/v1/checkout/sessions", session).ok();
        let path =
            format!("/v1/test_helpers/checkout/sessions/{}/pay", session["id"].as_str().unwrap());
        bench.post(&path, &format!("payment_method={card}")).ok();
    }
    bench.wait_seconds(10);
    bench
}

#[test]
fn every_object_is_understood() {
    let bench = world_of_objects();
    all_understood::<PaymentIntent>(&bench, "payment_intent");
    all_understood::<PaymentMethod>(&bench, "payment_method");
    all_understood::<Charge>(&bench, "charge");
    all_understood::<Refund>(&bench, "refund");
    all_understood::<Dispute>(&bench, "dispute");
    all_understood::<Event>(&bench, "event");
    all_understood::<BalanceTransaction>(&bench, "balance_transaction");
    all_understood::<CheckoutSession>(&bench, "checkout.session");
    understood::<stripe_shared::Account>(&bench.get("/v1/account").ok());
}

#[test]
fn the_objects_inside_events_are_understood() {
    for event in world_of_objects().twin.objects("event") {
        let object = &event["data"]["object"];
        match object["object"].as_str().unwrap() {
            "payment_intent" => drop(understood::<PaymentIntent>(object)),
            "charge" => drop(understood::<Charge>(object)),
            "refund" => drop(understood::<Refund>(object)),
            "dispute" => drop(understood::<Dispute>(object)),
            "checkout.session" => drop(understood::<CheckoutSession>(object)),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn errors_and_their_intents_are_understood() {
    let bench = Bench::new();
    let body = bench.pay("pm_card_chargeDeclined").body;
    let error = understood::<stripe_shared::Error>(&body).error;
    assert!(error.payment_intent.is_some() && error.payment_method.is_some());
    understood::<stripe_shared::Error>(&bench.get("/v1/nothing").body);
}
