//! Idempotency keys.

use http::Method;

use crate::bench::{Bench, Reply, id};

fn post(bench: &Bench, key: &str, path: &str, body: &str) -> Reply {
    bench.send(Method::POST, path, body, &[("idempotency-key", key)])
}

const FORM: &str = "amount=1000&currency=eur&metadata[a]=1&metadata[b]=2";

#[test]
fn the_same_request_gets_the_same_answer() {
    let bench = Bench::new();
    let first = post(&bench, "k", "/v1/payment_intents", FORM);
    let reordered = "metadata[b]=2&amount=1000&currency=eur&metadata[a]=1";
    let second = post(&bench, "k", "/v1/payment_intents", reordered);
    assert_eq!(second.headers["idempotent-replayed"], "true");
    assert_eq!(second.headers["original-request"], first.headers["request-id"]);
    assert!(!first.headers.contains_key("idempotent-replayed"));
    assert_eq!(first.ok(), second.ok());
    assert_eq!(bench.twin.objects("payment_intent").len(), 1);
    let event = &bench.twin.objects("event")[0];
    assert_eq!(event["request"]["idempotency_key"], "k");
}

#[test]
fn another_request_with_the_key_is_refused() {
    let bench = Bench::new();
    let intent = post(&bench, "k", "/v1/payment_intents", FORM).ok();
    let error = post(&bench, "k", "/v1/payment_intents", "amount=1001&currency=eur").refused(400);
    assert_eq!(error["type"], "idempotency_error");
    let path = format!("/v1/payment_intents/{}/cancel", id(&intent));
    assert_eq!(post(&bench, "k", &path, "").refused(400)["type"], "idempotency_error");
    assert_eq!(post(&bench, &"k".repeat(256), &path, "").refused(400)["type"], "idempotency_error");
}

#[test]
fn a_decline_is_a_result_and_kept() {
    let bench = Bench::new();
    let form = "amount=1000&currency=eur&confirm=true&payment_method=pm_card_chargeDeclined";
    let first = post(&bench, "k", "/v1/payment_intents", form).refused(402);
    let second = post(&bench, "k", "/v1/payment_intents", form).refused(402);
    assert_eq!(first, second);
    assert_eq!(bench.twin.objects("charge").len(), 1);
}

#[test]
fn refused_input_leaves_the_key_free() {
    let bench = Bench::new();
    post(&bench, "k", "/v1/payment_intents", "amount=1&currency=eur").refused(400);
    post(&bench, "k", "/v1/payment_intents", FORM).ok();
}

#[test]
fn a_key_is_forgotten_after_a_day() {
    let bench = Bench::new();
    let first = post(&bench, "k", "/v1/payment_intents", FORM).ok();
    bench.wait_seconds(86_400);
    assert_eq!(post(&bench, "k", "/v1/payment_intents", FORM).ok(), first);
    bench.wait_seconds(1);
    assert_ne!(post(&bench, "k", "/v1/payment_intents", FORM).ok(), first);
}

#[test]
fn many_at_once_make_one_payment() {
    let bench = Bench::new();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| post(&bench, "k", "/v1/payment_intents", FORM).status))
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(statuses.iter().all(|status| [200, 409].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&200));
    assert_eq!(bench.twin.objects("payment_intent").len(), 1);
}
