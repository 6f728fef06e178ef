//! The state machine of a payment.

use http::Method;
use serde_json::Value;

use crate::bench::{Bench, id};

#[test]
fn a_good_card_succeeds_at_once() {
    let bench = Bench::new();
    let intent = bench.pay("pm_card_visa").ok();
    assert_eq!(intent["status"], "succeeded");
    assert_eq!(intent["amount_received"], 1000);
    assert_eq!(
        bench.told(),
        ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]
    );
    bench.wait_seconds(2);
    assert_eq!(bench.told().last().unwrap(), "charge.updated");
    let charge = bench.twin.objects("charge").remove(0);
    assert!(charge["balance_transaction"].as_str().unwrap().starts_with("txn_"));
    assert_eq!(bench.get("/v1/balance").ok()["pending"][0]["amount"], 941);
}

#[test]
fn an_intent_goes_step_by_step() {
    let bench = Bench::new();
    let intent = bench.intent("");
    assert_eq!(intent["status"], "requires_payment_method");
    let path = format!("/v1/payment_intents/{}", id(&intent));
    let refusal = bench.post(&format!("{path}/confirm"), "").refused(400);
    assert_eq!(refusal["code"], "payment_intent_unexpected_state");
    let intent = bench.post(&path, "payment_method=pm_card_visa").ok();
    assert_eq!(intent["status"], "requires_confirmation");
    let intent = bench.post(&format!("{path}/confirm"), "").ok();
    assert_eq!(intent["status"], "succeeded");
    let refusal = bench.post(&format!("{path}/confirm"), "").refused(400);
    assert_eq!(refusal["code"], "payment_intent_unexpected_state");
    assert_eq!(refusal["payment_intent"]["status"], "succeeded");
}

#[test]
fn a_declined_intent_can_be_paid_with_another_card() {
    let bench = Bench::new();
    let error = bench.pay("pm_card_chargeDeclinedInsufficientFunds").refused(402);
    assert_eq!(error["type"], "card_error");
    assert_eq!(error["code"], "card_declined");
    assert_eq!(error["decline_code"], "insufficient_funds");
    let intent = &error["payment_intent"];
    assert_eq!(intent["status"], "requires_payment_method");
    assert_eq!(intent["payment_method"], Value::Null);
    assert_eq!(intent["last_payment_error"]["charge"], error["charge"]);
    assert_eq!(intent["latest_charge"], error["charge"]);

    let path = format!("/v1/payment_intents/{}/confirm", id(intent));
    let paid = bench.post(&path, "payment_method=pm_card_visa").ok();
    assert_eq!(paid["status"], "succeeded");
    assert_eq!(paid["last_payment_error"], Value::Null);
    assert_eq!(
        bench.told(),
        [
            "payment_intent.created",
            "charge.failed",
            "payment_intent.payment_failed",
            "charge.succeeded",
            "payment_intent.succeeded"
        ]
    );
}

#[test]
fn every_decline_has_its_code() {
    let bench = Bench::new();
    for (card, code, decline_code) in [
        ("chargeDeclined", "card_declined", Some("generic_decline")),
        ("visa_chargeDeclined", "card_declined", Some("generic_decline")),
        ("chargeDeclinedLostCard", "card_declined", Some("lost_card")),
        ("chargeDeclinedExpiredCard", "expired_card", None),
        ("chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
        ("chargeDeclinedProcessingError", "processing_error", None),
    ] {
        let error = bench.pay(&format!("pm_card_{card}")).refused(402);
        assert_eq!(error["code"], code, "{card}");
        assert_eq!(error["decline_code"].as_str(), decline_code, "{card}");
    }
}

#[test]
fn card_numbers_behave_like_their_names() {
    let bench = Bench::new();
    let card = |number: &str| {
        let body = format!(
            "type=card&card[number]={number}&card[exp_month]=12&card[exp_year]=2030&card[cvc]=123"
        );
        bench.post("/v1/payment_methods", &body)
    };
    let method = card("4000000000000002").ok();
    assert_eq!(method["card"]["last4"], "0002");
    assert!(!method.to_string().contains("4000000000000002"));
    assert_eq!(bench.pay(id(&method)).refused(402)["decline_code"], "generic_decline");
    assert_eq!(card("4242424242424241").refused(402)["code"], "incorrect_number");
    assert_eq!(card("4111111111111111").refused(402)["decline_code"], "test_mode_live_card");
    let expired = "type=card&card[number]=4242424242424242&card[exp_month]=1&card[exp_year]=2026";
    let error = bench.post("/v1/payment_methods", expired).refused(402);
    assert_eq!(error["code"], "invalid_expiry_year");

    let body = "amount=500&currency=usd&confirm=true&payment_method_data[type]=card\
                &payment_method_data[card][number]=4242424242424242\
                &payment_method_data[card][exp_month]=1&payment_method_data[card][exp_year]=30";
    assert_eq!(bench.post("/v1/payment_intents", body).ok()["status"], "succeeded");
}

#[test]
fn a_spent_payment_method_pays_no_second_time() {
    let bench = Bench::new();
    let intent = bench.pay("pm_card_visa").ok();
    let again = bench.pay(intent["payment_method"].as_str().unwrap());
    assert!(again.refused(400)["message"].as_str().unwrap().contains("previously used"));
}

#[test]
fn authentication_succeeds_fails_or_is_abandoned() {
    let bench = Bench::new();
    let ask = || {
        let body = "amount=1000&currency=eur&confirm=true&return_url=https://shop.test/back\
                    &payment_method=pm_card_threeDSecure2Required";
        bench.post("/v1/payment_intents", body).ok()
    };
    let settle = |intent: &Value, outcome: &str| {
        let path = format!("/v1/test_helpers/payment_intents/{}/authenticate", id(intent));
        bench.post(&path, &format!("outcome={outcome}"))
    };
    let intent = ask();
    assert_eq!(intent["status"], "requires_action");
    assert_eq!(intent["next_action"]["type"], "redirect_to_url");
    let target = &intent["next_action"]["redirect_to_url"];
    assert_eq!(target["return_url"], "https://shop.test/back");
    assert_eq!(settle(&intent, "abandon").ok()["status"], "requires_action");
    let failed = settle(&intent, "fail").ok();
    assert_eq!(failed["status"], "requires_payment_method");
    let code = &failed["last_payment_error"]["code"];
    assert_eq!(code, "payment_intent_authentication_failure");
    assert_eq!(settle(&intent, "succeed").refused(400)["code"], "payment_intent_unexpected_state");

    let paid = settle(&ask(), "succeed").ok();
    assert_eq!(paid["status"], "succeeded");
    assert_eq!(paid["next_action"], Value::Null);
    let charge = bench.twin.objects("charge").pop().unwrap();
    let card = &charge["payment_method_details"]["card"];
    assert_eq!(card["three_d_secure"]["result"], "authenticated");
    assert_eq!(bench.told().iter().filter(|kind| kind.contains("requires_action")).count(), 2);
}

#[test]
fn without_a_return_url_the_sdk_shows_the_bank() {
    let bench = Bench::new();
    let intent = bench.pay("pm_card_authenticationRequired").ok();
    assert_eq!(intent["next_action"]["type"], "use_stripe_sdk");
}

#[test]
fn off_session_a_bank_that_wants_the_customer_declines() {
    let bench = Bench::new();
    let pay = |card: &str| {
        let body = format!(
            "amount=1000&currency=eur&confirm=true&off_session=true&payment_method=pm_card_{card}"
        );
        bench.post("/v1/payment_intents", &body)
    };
    let error = pay("authenticationRequired").refused(402);
    assert_eq!(error["code"], "authentication_required");
    assert_eq!(error["payment_intent"]["status"], "requires_payment_method");
    assert_eq!(pay("authenticationRequiredOnSetup").status, 402);
    assert_eq!(pay("authenticationRequiredSetupForOffSession").ok()["status"], "succeeded");
}

#[test]
fn a_decline_after_authentication_shows_in_the_intent() {
    let bench = Bench::new();
    let intent = bench.pay("pm_card_threeDSecureRequiredChargeDeclined").ok();
    let path = format!("/v1/test_helpers/payment_intents/{}/authenticate", id(&intent));
    let intent = bench.post(&path, "outcome=succeed").ok();
    assert_eq!(intent["status"], "requires_payment_method");
    assert_eq!(intent["last_payment_error"]["code"], "card_declined");
}

#[test]
fn confirmed_by_hand_an_authenticated_intent_waits_for_the_server() {
    let bench = Bench::new();
    let body =
        "confirmation_method=manual&confirm=true&payment_method=pm_card_threeDSecure2Required";
    let intent = bench.intent(body);
    let path = format!("/v1/test_helpers/payment_intents/{}/authenticate", id(&intent));
    let intent = bench.post(&path, "outcome=succeed").ok();
    assert_eq!(intent["status"], "requires_confirmation");
    let path = format!("/v1/payment_intents/{}/confirm", id(&intent));
    assert_eq!(bench.post(&path, "").ok()["status"], "succeeded");
}

#[test]
fn what_has_succeeded_is_not_canceled() {
    let bench = Bench::new();
    let intent = bench.pay("pm_card_visa").ok();
    let path = format!("/v1/payment_intents/{}/cancel", id(&intent));
    let error = bench.post(&path, "").refused(400);
    assert_eq!(error["code"], "payment_intent_unexpected_state");
    assert_eq!(error["payment_intent"]["status"], "succeeded");
}

#[test]
fn what_is_canceled_stays_canceled() {
    let bench = Bench::new();
    let intent = bench.intent("");
    let path = format!("/v1/payment_intents/{}", id(&intent));
    let canceled = bench.post(&format!("{path}/cancel"), "cancellation_reason=abandoned").ok();
    assert_eq!(canceled["status"], "canceled");
    assert_eq!(canceled["cancellation_reason"], "abandoned");
    for action in ["cancel", "confirm", "capture"] {
        let error = bench.post(&format!("{path}/{action}"), "").refused(400);
        assert_eq!(error["code"], "payment_intent_unexpected_state", "{action}");
    }
}

#[test]
fn a_capture_may_be_partial_and_releases_the_rest() {
    let bench = Bench::new();
    let intent = bench.intent("capture_method=manual&confirm=true&payment_method=pm_card_visa");
    assert_eq!(intent["status"], "requires_capture");
    assert_eq!(intent["amount_capturable"], 1000);
    let charge = bench.twin.objects("charge").remove(0);
    assert_eq!(charge["captured"], false);
    assert_eq!(
        charge["payment_method_details"]["card"]["capture_before"],
        charge["created"].as_i64().unwrap() + 7 * 86_400
    );
    let path = format!("/v1/payment_intents/{}/capture", id(&intent));
    let error = bench.post(&path, "amount_to_capture=1001").refused(400);
    assert_eq!(error["code"], "amount_too_large");
    let intent = bench.post(&path, "amount_to_capture=600").ok();
    assert_eq!(intent["status"], "succeeded");
    assert_eq!(intent["amount_received"], 600);
    let charge = bench.twin.objects("charge").remove(0);
    assert_eq!(charge["amount_captured"], 600);
    assert_eq!(charge["amount_refunded"], 400);
    let event = bench.last_event("charge.captured");
    assert_eq!(event["data"]["previous_attributes"]["captured"], false);
    assert_eq!(bench.post(&path, "").refused(400)["code"], "payment_intent_unexpected_state");
    let form = format!("payment_intent={}&amount=601", id(&intent));
    assert_eq!(bench.post("/v1/refunds", &form).status, 400);
}

#[test]
fn an_authorization_runs_out_after_seven_days() {
    let bench = Bench::new();
    let intent = bench.intent("capture_method=manual&confirm=true&payment_method=pm_card_visa");
    bench.wait_seconds(7 * 86_400);
    let intent = bench.get(&format!("/v1/payment_intents/{}", id(&intent))).ok();
    assert_eq!(intent["status"], "canceled");
    assert_eq!(intent["cancellation_reason"], "automatic");
    assert_eq!(bench.told()[3..], ["charge.expired", "payment_intent.canceled"]);
}

#[test]
fn canceling_an_authorization_gives_it_back() {
    let bench = Bench::new();
    let intent = bench.intent("capture_method=manual&confirm=true&payment_method=pm_card_visa");
    let path = format!("/v1/payment_intents/{}/cancel", id(&intent));
    assert_eq!(bench.post(&path, "").ok()["status"], "canceled");
    assert_eq!(bench.told()[3..], ["charge.refunded", "payment_intent.canceled"]);
    bench.wait_seconds(8 * 86_400);
    assert!(!bench.told().contains(&"charge.expired".to_owned()));
}

#[test]
fn bank_debits_take_their_time() {
    let bench = Bench::new();
    let pay = |method: &str| {
        let body = format!("amount=1000&currency=usd&confirm=true&payment_method={method}");
        bench.post("/v1/payment_intents", &body).ok()
    };
    let (good, bad) = (pay("pm_usBankAccount_success"), pay("pm_usBankAccount_insufficientFunds"));
    assert_eq!(good["status"], "processing");
    let path = format!("/v1/payment_intents/{}/cancel", id(&good));
    assert_eq!(bench.post(&path, "").status, 400);
    bench.wait_seconds(5);
    let status = |intent: &Value| bench.get(&format!("/v1/payment_intents/{}", id(intent))).ok();
    assert_eq!(status(&good)["status"], "succeeded");
    assert_eq!(status(&bad)["status"], "requires_payment_method");
    assert_eq!(bench.last_event("payment_intent.processing")["livemode"], false);
    let euros = "amount=1000&currency=eur&confirm=true&payment_method=pm_usBankAccount_success";
    let error = bench.post("/v1/payment_intents", euros).refused(400);
    assert_eq!(error["code"], "payment_intent_incompatible_payment_method");
}

#[test]
fn amounts_below_the_minimum_are_refused() {
    let bench = Bench::new();
    let refused = |form: &str| bench.post("/v1/payment_intents", form).refused(400);
    assert_eq!(refused("amount=49&currency=jpy")["code"], "amount_too_small");
    assert_eq!(refused("amount=49&currency=usd")["code"], "amount_too_small");
    assert_eq!(refused("amount=10.5&currency=usd")["code"], "parameter_invalid_integer");
    assert_eq!(refused("amount=1001&currency=kwd")["code"], "invalid_charge_amount");
    assert_eq!(refused("currency=usd")["code"], "parameter_missing");
    assert_eq!(refused("amount=100&currency=xxx")["param"], "currency");
    assert_eq!(refused("amount=100&currency=usd&amout=5")["code"], "parameter_unknown");
    let yen = bench.post("/v1/payment_intents", "amount=50&currency=jpy").ok();
    assert_eq!(yen["currency"], "jpy");
    assert_eq!(bench.twin.objects("payment_intent").len(), 1);
}

#[test]
fn the_amount_changes_until_the_payment_is_made() {
    let bench = Bench::new();
    let intent = bench.intent("metadata[a]=1");
    let path = format!("/v1/payment_intents/{}", id(&intent));
    assert_eq!(bench.post(&path, "amount=20").refused(400)["code"], "amount_too_small");
    let intent = bench.post(&path, "amount=2000&metadata[b]=2").ok();
    assert_eq!(intent["amount"], 2000);
    assert_eq!(intent["metadata"], serde_json::json!({ "a": "1", "b": "2" }));
    bench.post(&format!("{path}/confirm"), "payment_method=pm_card_visa").ok();
    let error = bench.post(&path, "amount=3000").refused(400);
    assert_eq!(error["code"], "payment_intent_unexpected_state");
    assert_eq!(bench.post(&path, "metadata[a]=").ok()["metadata"]["b"], "2");
}

#[test]
fn a_new_amount_asks_the_customer_anew() {
    let bench = Bench::new();
    let intent = bench.pay("pm_card_threeDSecure2Required").ok();
    let path = format!("/v1/payment_intents/{}", id(&intent));
    let intent = bench.post(&path, "amount=9000").ok();
    assert_eq!(intent["status"], "requires_confirmation");
    assert_eq!(intent["next_action"], Value::Null);
}

#[test]
fn lists_are_paged_newest_first() {
    let bench = Bench::new();
    let mut ids: Vec<String> = (0..5).map(|_| id(&bench.intent("")).to_owned()).collect();
    ids.reverse();
    let page = |query: &str| {
        let list = bench.get(&format!("/v1/payment_intents?{query}")).ok();
        let ids: Vec<String> =
            list["data"].as_array().unwrap().iter().map(|item| id(item).to_owned()).collect();
        (ids, list["has_more"].as_bool().unwrap())
    };
    assert_eq!(page("limit=2"), (ids[0..2].to_vec(), true));
    assert_eq!(page(&format!("limit=3&starting_after={}", ids[1])), (ids[2..5].to_vec(), false));
    assert_eq!(page(&format!("limit=2&ending_before={}", ids[3])), (ids[1..3].to_vec(), true));
    let now = crate::bench::START_MS / 1000;
    assert_eq!(page(&format!("created[gt]={now}")).0.len(), 0);
    assert_eq!(page(&format!("created[gte]={now}&created[lt]={}", now + 1)).0.len(), 5);
    assert_eq!(
        bench.get("/v1/payment_intents?starting_after=pi_no").refused(400)["code"],
        "resource_missing"
    );
    assert_eq!(bench.get("/v1/payment_intents?limit=101").status, 400);
}

#[test]
fn an_order_finds_its_payment() {
    let bench = Bench::new();
    bench.intent("metadata[order_id]=7");
    let eight = bench.intent("metadata[order_id]=8");
    let query = "metadata%5B%27order_id%27%5D%3A%278%27";
    let found = bench.get(&format!("/v1/payment_intents/search?query={query}")).ok();
    assert_eq!(found["object"], "search_result");
    assert_eq!(found["data"].as_array().unwrap().len(), 1);
    assert_eq!(found["data"][0]["id"], eight["id"]);
}

#[test]
fn expansions_put_the_object_for_its_id() {
    let bench = Bench::new();
    let body = "amount=1000&currency=eur&payment_method=pm_card_visa&confirm=true\
                &capture_method=automatic\
                &expand[]=latest_charge.balance_transaction&expand[]=payment_method";
    let intent = bench.post("/v1/payment_intents", body).ok();
    assert_eq!(intent["latest_charge"]["object"], "charge");
    assert_eq!(intent["latest_charge"]["balance_transaction"]["net"], 941);
    assert_eq!(intent["payment_method"]["card"]["brand"], "visa");
    let list = bench.get("/v1/payment_intents?expand[]=data.latest_charge.refunds").ok();
    assert_eq!(list["data"][0]["latest_charge"]["refunds"]["object"], "list");
    assert_eq!(bench.get("/v1/payment_intents?expand[]=data.amount").status, 400);
}

#[test]
fn a_browser_pays_only_with_the_client_secret() {
    let bench = Bench::new();
    let intent = bench.intent("metadata[order_id]=7");
    let browser = [("authorization", "Bearer pk_test_bench")];
    let path = format!("/v1/payment_intents/{}", id(&intent));
    let secret = intent["client_secret"].as_str().unwrap();
    let get = |query: &str| bench.send(Method::GET, &format!("{path}?{query}"), "", &browser);
    assert_eq!(get("").refused(400)["param"], "client_secret");
    assert_eq!(get("client_secret=wrong").refused(400)["param"], "client_secret");
    let seen = get(&format!("client_secret={secret}")).ok();
    assert_eq!(seen["status"], "requires_payment_method");
    assert_eq!(seen.get("metadata"), None);
    assert_eq!(seen.get("latest_charge"), None);

    let form = format!("client_secret={secret}&payment_method=pm_card_chargeDeclined&referrer=x");
    let confirm = format!("{path}/confirm");
    let error = bench.send(Method::POST, &confirm, &form, &browser).refused(402);
    assert_eq!(error["payment_intent"].get("metadata"), None);
    let form = format!("client_secret={secret}&payment_method=pm_card_visa");
    let paid = bench.send(Method::POST, &confirm, &form, &browser).ok();
    assert_eq!(paid["status"], "succeeded");

    let error = bench.send(Method::POST, "/v1/refunds", "", &browser).refused(403);
    assert_eq!(error["code"], "secret_key_required");
    assert_eq!(bench.send(Method::GET, "/v1/payment_intents", "", &browser).status, 403);
}

#[test]
fn keys_are_asked_for() {
    let bench = Bench::new();
    let with = |key: &str| bench.send(Method::GET, "/v1/balance", "", &[("authorization", key)]);
    assert_eq!(with("").status, 401);
    assert_eq!(with("Bearer sk_live_1").status, 401);
    assert_eq!(with("Bearer sk_test_1").status, 200);
    let error = bench.get("/v1/nothing").refused(404);
    assert!(error["message"].as_str().unwrap().starts_with("Unrecognized request URL"));
}

#[test]
fn the_same_seed_tells_the_same_story() {
    let story = || {
        let bench = Bench::new();
        bench.pay("pm_card_visa").ok();
        bench.pay("pm_card_createDispute").ok();
        bench.wait_seconds(60);
        serde_json::to_string(&bench.twin.objects("event")).unwrap()
    };
    assert_eq!(story(), story());
}
