//! Checkout Sessions: a page on which a customer pays, or does not.

use serde_json::{Value, json};

use crate::bench::{Bench, START_MS, id};

const ONE_POSTER: &str = "mode=payment&success_url=https://shop.test/done\
     &cancel_url=https://shop.test/&client_reference_id=7&metadata[order_id]=7\
     &payment_intent_data[metadata][order_id]=7\
     &line_items[0][quantity]=2&line_items[0][price_data][currency]=eur\
     &line_items[0][price_data][unit_amount]=500\
     &line_items[0][price_data][product_data][name]=Poster";

fn open(bench: &Bench, more: &str) -> Value {
    bench.post("/v1/checkout/sessions", &format!("{ONE_POSTER}{more}")).ok()
}

fn pay(bench: &Bench, session: &Value, card: &str) -> crate::bench::Reply {
    let path = format!("/v1/test_helpers/checkout/sessions/{}/pay", id(session));
    let browser = [("authorization", "Bearer pk_test_bench")];
    bench.send(http::Method::POST, &path, &format!("payment_method={card}"), &browser)
}

fn again(bench: &Bench, session: &Value) -> Value {
    bench.get(&format!("/v1/checkout/sessions/{}", id(session))).ok()
}

fn intent(bench: &Bench, session: &Value) -> Value {
    let session = again(bench, session);
    let id = session["payment_intent"].as_str().unwrap();
    bench.get(&format!("/v1/payment_intents/{id}")).ok()
}

#[test]
fn an_intent_is_made_when_the_customer_confirms_and_not_before() {
    let bench = Bench::new();
    let session = open(&bench, "");
    assert_eq!((&session["status"], &session["amount_total"]), (&json!("open"), &json!(1000)));
    assert_eq!(session["payment_intent"], Value::Null);
    assert!(bench.twin.objects("payment_intent").is_empty());
    assert_eq!(session["expires_at"], START_MS / 1000 + 86_400);
    assert!(session["url"].as_str().unwrap().contains(id(&session)));

    pay(&bench, &session, "pm_card_chargeDeclined").refused(402);
    assert_eq!(again(&bench, &session)["status"], "open");
    let declined = intent(&bench, &session);
    let paid = pay(&bench, &session, "pm_card_visa").ok();
    let is = (&paid["status"], &paid["payment_status"], &paid["url"]);
    assert_eq!(is, (&json!("complete"), &json!("paid"), &Value::Null));
    assert_eq!(paid["payment_intent"], declined["id"]);
    assert_eq!(intent(&bench, &session)["metadata"], json!({"order_id": "7"}));
    assert_eq!(bench.last_event("checkout.session.completed")["data"]["object"], paid);
    pay(&bench, &session, "pm_card_visa").refused(400);
}

#[test]
fn an_open_sessions_intent_is_nobody_elses_and_ends_with_it() {
    let bench = Bench::new();
    let session = open(&bench, "");
    pay(&bench, &session, "pm_card_chargeDeclined").refused(402);
    let path = format!("/v1/payment_intents/{}", id(&intent(&bench, &session)));
    bench.post(&format!("{path}/cancel"), "").refused(400);
    bench.post(&format!("{path}/confirm"), "payment_method=pm_card_visa").refused(400);

    let expire = format!("/v1/checkout/sessions/{}/expire", id(&session));
    assert_eq!(bench.post(&expire, "").ok()["status"], "expired");
    let canceled = intent(&bench, &session);
    let is = (&canceled["status"], &canceled["cancellation_reason"]);
    assert_eq!(is, (&json!("canceled"), &json!("expired")));
    let refusal = bench.post(&expire, "").refused(400);
    assert!(refusal["message"].as_str().unwrap().contains("`expired`"), "{refusal}");
    pay(&bench, &session, "pm_card_visa").refused(400);
}

#[test]
fn a_session_lives_between_half_an_hour_and_a_day() {
    let bench = Bench::new();
    let at = |seconds: i64| format!("{ONE_POSTER}&expires_at={}", START_MS / 1000 + seconds);
    bench.post("/v1/checkout/sessions", &at(1799)).refused(400);
    bench.post("/v1/checkout/sessions", &at(86_401)).refused(400);
    let session = bench.post("/v1/checkout/sessions", &at(1800)).ok();
    bench.wait_seconds(1799);
    assert_eq!(again(&bench, &session)["status"], "open");
    bench.wait_seconds(2);
    assert_eq!(again(&bench, &session)["status"], "expired");
    assert_eq!(bench.told().last().map(String::as_str), Some("checkout.session.expired"));
}

#[test]
fn a_key_gives_the_same_session_and_refuses_another() {
    let bench = Bench::new();
    let send = |body: &str| {
        let key = [("idempotency-key", "pay_1:session:1")];
        bench.send(http::Method::POST, "/v1/checkout/sessions", body, &key)
    };
    let (first, second) = (send(ONE_POSTER).ok(), send(ONE_POSTER).ok());
    assert_eq!(first, second);
    let other = format!("{ONE_POSTER}&expires_at={}", START_MS / 1000 + 3600);
    assert_eq!(send(&other).refused(400)["type"], "idempotency_error");
}

#[test]
fn reserved_money_and_debits_leave_a_session_complete_and_unpaid() {
    let bench = Bench::new();
    let session = open(&bench, "&payment_intent_data[capture_method]=manual");
    let held = pay(&bench, &session, "pm_card_visa").ok();
    assert_eq!((&held["status"], &held["payment_status"]), (&json!("complete"), &json!("unpaid")));
    let intent = intent(&bench, &session);
    assert_eq!(intent["status"], "requires_capture");
    bench.post(&format!("/v1/payment_intents/{}/capture", id(&intent)), "").ok();
    assert_eq!(again(&bench, &session)["payment_status"], "paid");
    assert!(!bench.told().contains(&"checkout.session.async_payment_succeeded".to_owned()));

    let dollars = ONE_POSTER.replace("=eur", "=usd");
    for (bank, told) in [
        ("pm_usBankAccount", "checkout.session.async_payment_succeeded"),
        ("pm_usBankAccount_insufficientFunds", "checkout.session.async_payment_failed"),
    ] {
        let session = bench.post("/v1/checkout/sessions", &dollars).ok();
        let waits = pay(&bench, &session, bank).ok();
        assert_eq!(
            (&waits["status"], &waits["payment_status"]),
            (&json!("complete"), &json!("unpaid"))
        );
        bench.wait_seconds(10);
        assert_eq!(bench.last_event(told)["data"]["object"]["id"], session["id"]);
    }
}

#[test]
fn a_customer_who_authenticates_completes_the_session() {
    let bench = Bench::new();
    let session = open(&bench, "");
    let asked = pay(&bench, &session, "pm_card_threeDSecure2Required").ok();
    assert_eq!(asked["status"], "open");
    let intent = intent(&bench, &session);
    let path = format!("/v1/test_helpers/payment_intents/{}/authenticate", id(&intent));
    bench.post(&path, "outcome=succeed").ok();
    assert_eq!(again(&bench, &session)["status"], "complete");
}

#[test]
fn what_a_session_can_not_be_is_refused() {
    let bench = Bench::new();
    for (from, to) in [
        ("mode=payment", "mode=subscription"),
        ("success_url=https:", "success_url=javascript:"),
        ("[unit_amount]=500", "[unit_amount]=10"),
        ("[quantity]=2", "[quantity]=0"),
        ("line_items[0][quantity]=2&", "line_items[0][price]=price_1&"),
        ("&metadata", "&allow_promotion_codes=true&metadata"),
    ] {
        bench.post("/v1/checkout/sessions", &ONE_POSTER.replace(from, to)).refused(400);
    }
    assert!(bench.twin.objects("checkout.session").is_empty());
    bench.get("/v1/checkout/sessions/cs_test_1").refused(404);
    let browser = [("authorization", "Bearer pk_test_bench")];
    bench.send(http::Method::POST, "/v1/checkout/sessions", ONE_POSTER, &browser).refused(403);
}
