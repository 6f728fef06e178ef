//! Texts to telephones: agreed to with a code, sent with what matters of an order, stopped by one
//! word, and left for the morning.

use domain::permission::Permission::{
    CustomersRead, NotificationsWrite, OrdersFulfill, OrdersRead,
};
use local::{Options, Shop};
use serde_json::{Value, json};
use testkit::goods;
use wire::{FaultKind, Plan};

use crate::listen;
use crate::tour::parcels::{at, go, line_of, open};
use crate::tour::texts::{CONFIRM, PHONE, answer, buys, code, switch};
use crate::world::{self, Colleague, Shopper, ok, refusal};

const NUMBER: &str = "+4915198765432";
const DELIVER: &str = "notifications.jobs.deliver_text";
const MINUTE_MS: i64 = 60_000;

async fn clerk(shop: &Shop) -> Colleague {
    let may = [CustomersRead, NotificationsWrite, OrdersFulfill, OrdersRead];
    Colleague::of(shop, "mary", &may).await
}

async fn asks(jane: &Shopper, phone: &str) -> local::Response {
    jane.call("PUT", PHONE, &json!({"phone": phone, "text": "order-sms-1"})).await
}

/// Jane has a confirmed number, and nobody is to be left alone.
async fn agreed(shop: &Shop) -> Shopper {
    switch(shop, true, (0, 0)).await;
    let jane = Shopper::customer(shop, "jane@example.org").await;
    assert_eq!(asks(&jane, NUMBER).await.status, 202);
    shop.settle().await;
    ok(jane.call("POST", CONFIRM, &json!({"code": code(shop, NUMBER)})).await);
    jane
}

fn told(shop: &Shop) -> Vec<String> {
    shop.texts().into_iter().filter(|one| one.to == NUMBER).map(|one| one.text).collect()
}

/// The texts about somebody's order, as staff sees them.
async fn log(mary: &Colleague, jane: &Shopper) -> Vec<Value> {
    let log = ok(mary.get(&format!("/v1/admin/orders/{}/messages", jane.order)).await);
    let all = log["data"].as_array().unwrap().clone();
    all.into_iter().filter(|one| one["channel"] == "sms").collect()
}

#[tokio::test]
async fn who_agreed_is_texted_when_the_order_leaves_until_they_say_stop() {
    let shop = world::open().await;
    let heard = listen::begin();
    let mary = clerk(&shop).await;
    let mut jane = agreed(&shop).await;
    let consents = ok(jane.get("/v1/store/me/consents").await);
    let consent = &consents["data"][0];
    assert_eq!(
        (&consent["purpose"], &consent["text"]),
        (&json!("order_sms"), &json!("order-sms-1"))
    );
    assert_eq!(consent["is_given"], true);

    jane.open_cart("EUR").await;
    jane.ready(goods::SOCKS, 1).await;
    assert_eq!(jane.complete().await.status, 201);
    jane.pay("pm_card_visa");
    shop.settle().await;
    assert!(told(&shop).pop().unwrap().contains("Thank you for your order"));

    shop.clock().advance_ms(1000);
    let line = json!(line_of(&jane).await);
    let made = open(&mary, &jane.order, &line, 1).await;
    let here = format!("{}/{}", at(&jane.order), made.value()["id"].as_str().unwrap());
    let url = "https://www.dhl.example/follow?piececode=0034";
    let said = json!({"carrier": "DHL", "tracking_number": "0034", "tracking_url": url});
    let gone = go(&mary, made.header("etag").unwrap(), &format!("{here}/ship"), &said).await;
    assert_eq!(gone.status, 200, "{}", gone.text());
    shop.settle().await;
    let text = told(&shop).pop().unwrap();
    assert!(text.contains("on its way") && text.contains(url), "{text}");
    let one = shop.texts().pop().unwrap();
    assert_eq!(one.attributes["AWS.SNS.SMS.SMSType"], "Transactional");
    assert_eq!(one.attributes["AWS.SNS.SMS.MaxPrice"], "0.20");
    let shown = log(&mary, &jane).await;
    let states: Vec<_> = shown.iter().map(|one| (&one["letter"], &one["status"])).collect();
    let sent = json!("sent");
    assert_eq!(states, [(&json!("order_confirmation"), &sent), (&json!("order_shipped"), &sent)]);
    assert_eq!(shown[0]["to"], "+49•••32");

    // STOP, in another language, and what comes then.
    answer(&shop, NUMBER, " Abmelden! ", "one").await;
    shop.settle().await;
    let before = told(&shop).len();
    let there = format!("{here}/deliver");
    let gone = go(&mary, gone.header("etag").unwrap(), &there, &Value::Null).await;
    assert_eq!(gone.status, 200);
    shop.settle().await;
    assert_eq!(told(&shop).len(), before);
    let last = log(&mary, &jane).await.pop().unwrap();
    assert_eq!(last["status"], "suppressed");
    assert_eq!(last["reason"], "address_suppressed");
    let again = format!("/v1/admin/messages/{}/resend", last["id"].as_str().unwrap());
    let refused = mary.call("POST", &again, &Value::Null).await;
    assert_eq!(refusal(&refused), (409, "address_suppressed".into()));
    assert_eq!(refused.value()["cause"], "stop");
    let kept = format!("/v1/admin/suppressions/{}", last["suppression_id"].as_str().unwrap());
    let kept = mary.call("DELETE", &kept, &Value::Null).await;
    assert_eq!(refusal(&kept), (409, "stopped_by_reader".into()));

    // START; the STOP of before comes once more, and changes nothing.
    answer(&shop, NUMBER, "Start", "two").await;
    shop.settle().await;
    answer(&shop, NUMBER, "STOP", "one").await;
    shop.settle().await;
    let sent = mary.call("POST", &again, &Value::Null).await;
    assert_eq!(sent.status, 202, "{}", sent.text());
    shop.settle().await;
    assert_eq!(told(&shop).len(), before + 1);
    assert!(told(&shop).pop().unwrap().contains("was delivered"));

    // Nothing of it stands in a log.
    let heard = heard.end();
    assert!(!heard.contains("98765432"), "{heard}");
    assert!(heard.contains("texted no more"));
}

#[tokio::test]
async fn a_code_is_guessed_five_times_and_belongs_to_the_last_number_that_was_asked_for() {
    let shop = world::open().await;
    let jane = Shopper::customer(&shop, "jane@example.org").await;
    assert_eq!(refusal(&asks(&jane, NUMBER).await), (409, "texts_off".into()));
    switch(&shop, true, (0, 0)).await;
    let guess = |code: String| {
        let jane = &jane;
        async move { jane.call("POST", CONFIRM, &json!({"code": code})).await }
    };
    let nothing = (409, "nothing_to_confirm".to_owned());
    assert_eq!(refusal(&guess("000000".into()).await), nothing);
    assert_eq!(asks(&jane, NUMBER).await.status, 202);
    shop.settle().await;
    let first = code(&shop, NUMBER);
    let other = "+4915198765433";
    assert_eq!(asks(&jane, other).await.status, 202);
    shop.settle().await;
    let second = code(&shop, other);
    assert_eq!(refusal(&guess(first).await), (409, "wrong_code".into()));
    let confirmed = ok(guess(second.clone()).await);
    assert_eq!((&confirmed["phone"], &confirmed["is_texted"]), (&json!(other), &json!(true)));
    assert_eq!(refusal(&guess(second).await), nothing, "it is used up");

    assert_eq!(asks(&jane, NUMBER).await.status, 202);
    shop.settle().await;
    let right = code(&shop, NUMBER);
    let wrong = if right == "111111" { "222222" } else { "111111" };
    for _ in 0..5 {
        assert_eq!(refusal(&guess(wrong.into()).await), (409, "wrong_code".into()));
    }
    assert_eq!(refusal(&guess(right).await), nothing);
    assert_eq!(ok(jane.get(PHONE).await)["phone"], other);
    // Five in a day are enough.
    assert_eq!(asks(&jane, NUMBER).await.status, 202);
    assert_eq!(asks(&jane, NUMBER).await.status, 202);
    assert_eq!(asks(&jane, NUMBER).await.status, 429);
}

#[tokio::test]
async fn a_text_of_the_night_waits_for_the_morning_and_a_change_of_mind_counts() {
    let shop = world::open().await;
    let mary = clerk(&shop).await;
    let mut jane = agreed(&shop).await;
    let hour =
        shop.clock().now().to_zoned(jiff::tz::TimeZone::get("Europe/Berlin").unwrap()).hour();
    let hour = u8::try_from(hour).unwrap();
    switch(&shop, true, (hour, (hour + 1) % 24)).await;
    let before = told(&shop).len();
    buys(&mut jane).await;
    shop.settle().await;
    assert_eq!(told(&shop).len(), before);
    let waits = log(&mary, &jane).await;
    assert_eq!((waits.len(), &waits[0]["status"]), (1, &json!("queued")));
    // An hour, in quarters.
    for _ in 0..5 {
        shop.clock().advance_ms(15 * MINUTE_MS + 1);
        shop.settle().await;
    }
    assert_eq!(told(&shop).len(), before + 1);
    let mut mary = mary;
    mary.sign_in().await;
    assert_eq!(log(&mary, &jane).await[0]["status"], "sent");

    // Who takes their number out while a text waits is not texted in the morning.
    let hour = (hour + 2) % 24;
    switch(&shop, true, ((hour + 20) % 24, (hour + 4) % 24)).await;
    jane.bearer = None;
    let session = jane.login("jane@example.org").await.value();
    jane.bearer = session["access_token"].as_str().map(str::to_owned);
    buys(&mut jane).await;
    shop.settle().await;
    assert_eq!(log(&mary, &jane).await[0]["status"], "queued");
    assert_eq!(jane.call("DELETE", PHONE, &Value::Null).await.status, 204);
    shop.clock().advance_ms(15 * MINUTE_MS + 1);
    shop.settle().await;
    assert_eq!(told(&shop).len(), before + 1);
    mary.sign_in().await;
    let last = &log(&mary, &jane).await[0];
    assert_eq!(
        (&last["status"], &last["reason"]),
        (&json!("suppressed"), &json!("nobody_to_text"))
    );
}

#[tokio::test]
async fn what_comes_twice_is_texted_once_and_what_fails_is_tried_again() {
    for kind in [FaultKind::Throttle, FaultKind::FailBefore] {
        let options = Options { sdk_attempts: 1, ..Options::default() };
        let shop = world::open_with(options, &goods::small(world::MUGS)).await;
        let mut jane = agreed(&shop).await;
        let before = told(&shop).len();
        shop.wire().faults().arm(Plan {
            at: 1,
            kind,
            filter: Some(Box::new(|call| call.caller == DELIVER && call.service == "sns")),
        });
        buys(&mut jane).await;
        shop.settle().await;
        assert_eq!(shop.wire().faults().fired().len(), 1);
        assert_eq!(told(&shop).len(), before, "{kind:?}");
        shop.clock().advance_ms(10 * MINUTE_MS);
        shop.settle().await;
        assert_eq!(told(&shop).len(), before + 1, "{kind:?}");
        // The queue brings it once more.
        let order = domain::id::OrderId::parse(&jane.order).unwrap();
        let sent = shop.store().messages_about(order, 10, None).await.unwrap().entries;
        let sent = sent.iter().find(|one| one.channel == domain::message::Channel::Sms).unwrap();
        let file = shop.store().order(order).await.unwrap().unwrap();
        let body = json!({
            "id": "evt_01ARZ3NDEKTSV4RRFFQ69G5FAV", "at": "2026-11-21T12:00:00Z", "sequence": 1,
            "type": "text.requested", "text": {"id": sent.id, "customer": file.order.customer,
            "says": {"says": "about", "letter": {"letter": "order_confirmation",
            "order_id": order}}},
        });
        let queue = shop.stack().queues.iter().find(|one| one.name.ends_with("-texts")).unwrap();
        shop.wire().sqs().send(&queue.name, &body.to_string()).unwrap();
        shop.settle().await;
        assert_eq!(told(&shop).len(), before + 1, "{kind:?}");
        let dead = shop.wire().sqs().depths();
        assert!(dead.iter().filter(|one| one.is_dlq).all(|one| one.visible == 0));
    }
}

#[tokio::test]
async fn who_takes_their_word_back_their_number_out_or_their_leave_is_not_texted() {
    let shop = world::open().await;
    let mut jane = agreed(&shop).await;
    let before = told(&shop).len();
    let back = json!({"is_given": false, "text": "order-sms-1"});
    ok(jane.call("PUT", "/v1/store/me/consents/order_sms", &back).await);
    buys(&mut jane).await;
    shop.settle().await;
    assert_eq!(told(&shop).len(), before);
    assert_eq!(ok(jane.get(PHONE).await)["is_texted"], false);
    let given = json!({"is_given": true, "text": "order-sms-2"});
    ok(jane.call("PUT", "/v1/store/me/consents/order_sms", &given).await);
    buys(&mut jane).await;
    shop.settle().await;
    assert_eq!(told(&shop).len(), before + 1);
    for _ in 0..2 {
        assert_eq!(jane.call("DELETE", PHONE, &Value::Null).await.status, 204);
    }
    buys(&mut jane).await;
    shop.settle().await;
    assert_eq!(told(&shop).len(), before + 1);
    assert_eq!(
        ok(jane.get(PHONE).await),
        json!({"phone": null, "confirmed_at": null,
        "is_texted": false})
    );
    let last = ok(jane.get("/v1/store/me/consents?limit=1").await);
    assert_eq!(last["data"][0]["is_given"], false);

    // A closed account has no number.
    assert_eq!(asks(&jane, NUMBER).await.status, 202);
    shop.settle().await;
    ok(jane.call("POST", CONFIRM, &json!({"code": code(&shop, NUMBER)})).await);
    assert_eq!(asks(&jane, "+4915198765433").await.status, 202);
    let me = ok(jane.get("/v1/auth/me").await);
    let id = domain::id::CustomerId::parse(me["id"].as_str().unwrap()).unwrap();
    assert!(shop.store().phone(id).await.unwrap().is_some());
    assert_eq!(jane.call("DELETE", "/v1/store/me", &Value::Null).await.status, 204);
    assert!(shop.store().phone(id).await.unwrap().is_none());
    assert!(shop.store().pending_phone(id).await.unwrap().is_none());
}

#[tokio::test]
async fn the_switch_stops_all_texts_and_the_log_says_so() {
    let shop = world::open().await;
    let mary = clerk(&shop).await;
    let mut jane = agreed(&shop).await;
    let before = told(&shop).len();
    switch(&shop, false, (0, 0)).await;
    buys(&mut jane).await;
    shop.settle().await;
    assert_eq!(told(&shop).len(), before);
    let shown = log(&mary, &jane).await;
    assert_eq!(shown[0]["status"], "suppressed");
    assert_eq!(shown[0]["reason"], "texts_off");
}
