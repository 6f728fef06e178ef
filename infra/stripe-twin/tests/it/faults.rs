//! Faults on demand.

use http::Method;

use crate::bench::{Bench, Reply};

const FORM: &str = "amount=1000&currency=eur&confirm=true&payment_method=pm_card_visa";

fn pay(bench: &Bench, key: &str) -> Reply {
    bench.send(Method::POST, "/v1/payment_intents", FORM, &[("idempotency-key", key)])
}

#[test]
fn faults_are_set_over_http_without_a_key() {
    let bench = Bench::new();
    let set = |body: &str| bench.send(Method::POST, "/faults", body, &[]);
    assert_eq!(set(r#"{"webhook_duplicates":2}"#).ok()["webhook_duplicates"], 2);
    assert_eq!(bench.get("/faults").ok()["webhook_duplicates"], 2);
    assert_eq!(set("{}").ok()["webhook_duplicates"], 0);
    assert_eq!(set(r#"{"webhook_dups":2}"#).status, 400);
    assert_eq!(set(r#"{"fail_next":{"status":418}}"#).status, 400);
}

#[test]
fn before_the_effect_nothing_happens_and_the_key_stays_free() {
    let bench = Bench::new();
    bench.post("/faults", r#"{"fail_next":{"count":2,"status":429}}"#);
    let limited = pay(&bench, "k");
    assert_eq!(limited.headers["stripe-should-retry"], "true");
    assert_eq!(limited.refused(429)["code"], "rate_limit");
    assert_eq!(pay(&bench, "k").status, 429);
    assert!(bench.twin.objects("payment_intent").is_empty());
    assert_eq!(pay(&bench, "k").status, 200);
}

#[test]
fn after_the_effect_a_500_is_kept_and_a_503_is_not() {
    let bench = Bench::new();
    bench.post("/faults", r#"{"fail_next":{"status":500,"before_effect":false}}"#);
    assert_eq!(pay(&bench, "a").refused(500)["type"], "api_error");
    let again = pay(&bench, "a");
    assert_eq!(again.headers["stripe-should-retry"], "false");
    assert_eq!(again.status, 500);
    assert_eq!(bench.twin.objects("payment_intent").len(), 1);

    bench.post("/faults", r#"{"fail_next":{"status":503,"before_effect":false}}"#);
    assert_eq!(pay(&bench, "b").status, 503);
    assert_eq!(pay(&bench, "b").ok()["status"], "succeeded");
    assert_eq!(bench.twin.objects("payment_intent").len(), 2);
}

#[test]
fn a_lost_response_has_had_its_effect() {
    let bench = Bench::new();
    bench.post("/faults", r#"{"lost_responses_next":1}"#);
    assert!(!bench.get("/v1/balance").is_lost);
    assert!(pay(&bench, "k").is_lost);
    let again = pay(&bench, "k");
    assert!(!again.is_lost);
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(bench.twin.objects("charge").len(), 1);
}

#[test]
fn the_tests_own_levers_never_fail() {
    let bench = Bench::new();
    let intent = bench.pay("pm_card_threeDSecure2Required").ok();
    bench.post("/faults", r#"{"error_rate_percent":100}"#);
    let id = intent["id"].as_str().unwrap();
    let path = format!("/v1/test_helpers/payment_intents/{id}/authenticate");
    assert_eq!(bench.post(&path, "outcome=succeed").ok()["status"], "succeeded");
    assert_ne!(bench.get("/v1/balance").status, 200);
}
