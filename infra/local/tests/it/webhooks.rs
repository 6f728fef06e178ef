//! Webhooks to the merchant's own systems: told once, signed, again until they are taken, never
//! where a webhook has no business.

use domain::id::{EventId, WebhookId};
use domain::permission::Permission;
use domain::webhook::{Secret, Secrets};
use jiff::Timestamp;
use local::{Options, Outcome, Request, Shop};
use serde_json::{Value, json};
use testkit::goods::{self, MUG};

use crate::receiver::{Heard, Receiver};
use crate::world::{self, Colleague, Shopper, ok, refusal};

pub(crate) const ENDPOINTS: &str = "/v1/admin/webhook_endpoints";
const SWEEP: &str = "webhooks.jobs.sweep";

async fn open() -> Shop {
    let options = Options { webhooks_to_loopback: true, ..Options::default() };
    world::open_with(options, &goods::small(world::MUGS)).await
}

async fn keeper(shop: &Shop) -> Colleague {
    let may = [Permission::WebhooksManage, Permission::WebhooksRead];
    Colleague::of(shop, "keeper", &may).await
}

/// Another endpoint: where it is, and its secret.
async fn add(keeper: &Colleague, url: &str, events: &Value) -> (String, String) {
    let body = json!({"url": url, "events": events, "description": "ERP"});
    let made = keeper.call("POST", ENDPOINTS, &body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.value();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    (format!("{ENDPOINTS}/{}", text(&made["endpoint"]["id"])), text(&made["secret"]))
}

/// Somebody buys a mug.
async fn buy(shop: &Shop) -> Shopper {
    let mut jane = Shopper::guest(shop).await;
    jane.ready(MUG, 1).await;
    assert_eq!(jane.complete().await.status, 201);
    assert_eq!(jane.pay("pm_card_visa").0, 200);
    shop.settle().await;
    jane
}

async fn sweep(shop: &Shop) {
    assert!(matches!(shop.run_job(SWEEP).await, Outcome::Answered(_)));
    shop.settle().await;
}

async fn deliveries(keeper: &Colleague, at: &str) -> Vec<Value> {
    let list = ok(keeper.get(&format!("{at}/deliveries")).await);
    list["data"].as_array().expect("a list").clone()
}

/// What a receiver is told to do: the signature over id, time and body, by the standard.
fn is_signed(heard: &Heard, secret: &str) -> bool {
    let secret: Secret = serde_json::from_value(json!(secret)).expect("a secret");
    let at: i64 = heard.header("webhook-timestamp").parse().expect("seconds");
    let at = Timestamp::from_second(at).expect("a time");
    let expected = Secrets::new(secret).signature(heard.header("webhook-id"), at, &heard.body);
    heard.header("webhook-signature").split(' ').any(|one| one == expected)
}

#[tokio::test]
async fn a_system_is_told_of_an_order_once_signed_and_without_anybody_in_it() {
    let shop = open().await;
    let (keeper, receiver) = (keeper(&shop).await, Receiver::new());
    let (at, secret) = add(&keeper, &receiver.url("/ok"), &json!(["order.placed"])).await;
    assert!(secret.starts_with("whsec_"));
    let shown = keeper.get(&at).await;
    assert!(!shown.text().contains("whsec_"), "a secret is shown once");
    let jane = buy(&shop).await;
    let heard = receiver.take();
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert!(is_signed(&heard[0], &secret));
    let told = heard[0].value();
    assert_eq!((&told["type"], &told["sequence"]), (&json!("order.placed"), &json!(1)));
    assert_eq!(told["data"]["order"]["id"], json!(jane.order));
    assert_eq!(told["data"]["order"]["lines"][0]["sku"], MUG.sku);
    assert_eq!(told["data"]["order"]["status"], "placed");
    for personal in ["jane", "Roe", "Lindenstrasse", "10969", "@"] {
        assert!(!heard[0].body.contains(personal), "{personal} in {}", heard[0].body);
    }
    let list = deliveries(&keeper, &at).await;
    assert_eq!((list.len(), &list[0]["state"]), (1, &json!("delivered")));
    assert_eq!(list[0]["id"], heard[0].header("webhook-id"));
    assert_eq!(list[0]["attempts"][0]["status"], 200);
    // The same event, as often as it comes: one delivery, and nothing is said again.
    let event = EventId::parse(list[0]["id"].as_str().unwrap()).unwrap();
    let body = json!({"id": event, "at": told["timestamp"], "sequence": 1,
        "type": "order.placed", "order_id": jane.order})
    .to_string();
    let queues = shop.wire().sqs();
    let queue = queues.queues().into_iter().find(|name| name.ends_with("-webhooks")).unwrap();
    for _ in 0..3 {
        queues.send(&queue, &body).unwrap();
        shop.settle().await;
        sweep(&shop).await;
    }
    assert_eq!(receiver.take().len(), 0);
    assert_eq!(deliveries(&keeper, &at).await.len(), 1);
    world::sound(&shop, &goods::small(world::MUGS)).await;
}

/// What was told of an order, in its sequence, however it arrived.
fn told_of(heard: &[Heard], jane: &Shopper) -> Vec<String> {
    let told = heard.iter().map(Heard::value);
    let mut of: Vec<(u64, String)> = told
        .filter(|one| one["data"]["order"]["id"] == json!(jane.order))
        .map(|one| (one["sequence"].as_u64().unwrap(), one["type"].as_str().unwrap().to_owned()))
        .collect();
    of.sort();
    of.into_iter().map(|(_, kind)| kind).collect()
}

/// Letters about an order whose subject has these words.
async fn letters(jane: &Shopper, words: &str) -> usize {
    let number = jane.view_order().await["number"].as_str().unwrap().to_owned();
    let about = |mail: &wire::Mail| mail.subject.contains(words) && mail.subject.contains(&number);
    jane.shop.mails().into_iter().filter(about).count()
}

#[tokio::test]
async fn an_order_that_ends_unpaid_is_told_of_once_also_where_it_is_asked_twice() {
    let shop = open().await;
    let (keeper, receiver) = (keeper(&shop).await, Receiver::new());
    add(&keeper, &receiver.url("/ok"), &json!(["*"])).await;
    let waiting = async || {
        let mut jane = Shopper::guest(&shop).await;
        jane.ready(MUG, 1).await;
        assert_eq!(jane.complete().await.status, 201);
        jane
    };
    let (left, called_off) = (waiting().await, waiting().await);
    let path = format!("/v1/store/orders/{}/cancel", called_off.order);
    for _ in 0..2 {
        ok(called_off.call("POST", &path, &json!({})).await);
        shop.settle().await;
    }
    shop.clock().advance_ms(32 * 60_000);
    for _ in 0..2 {
        let swept = shop.run_job("checkout.jobs.expire_unpaid").await;
        assert!(matches!(swept, Outcome::Answered(_)), "{swept:?}");
        shop.settle().await;
    }
    let heard = receiver.take();
    assert_eq!(told_of(&heard, &called_off), ["order.canceled"]);
    assert_eq!(told_of(&heard, &left), ["order.expired"]);
    // Who called it off is told that it is so; who just left is not written to.
    assert_eq!(letters(&called_off, "was canceled").await, 1);
    assert_eq!(letters(&left, "").await, 0);
    world::sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn every_step_of_a_refund_is_told_and_its_buyer_is_written_to_once() {
    let shop = open().await;
    let (keeper, receiver) = (keeper(&shop).await, Receiver::new());
    add(&keeper, &receiver.url("/ok"), &json!(["*"])).await;
    let may = [Permission::OrdersRead, Permission::OrdersRefund];
    let clerk = Colleague::of(&shop, "clerk", &may).await;
    for (card, steps) in [
        ("pm_card_pendingRefund", ["refund.updated", "refund.succeeded"].as_slice()),
        ("pm_card_refundFail", &["refund.succeeded", "refund.failed", "refund.succeeded"]),
    ] {
        let mut jane = Shopper::guest(&shop).await;
        jane.ready(MUG, 1).await;
        assert_eq!(jane.complete().await.status, 201);
        assert_eq!(jane.pay(card).0, 200);
        shop.settle().await;
        let refunds = format!("/v1/admin/orders/{}/refunds", jane.order);
        let post = |target: &str, body: &Value| {
            let request = Request::new("POST", target).header("idempotency-key", &world::key());
            clerk.send(request.json(body))
        };
        let body = json!({"amount": {"amount": 700, "currency": "EUR"}});
        let made = ok(post(&refunds, &body).await);
        shop.settle().await;
        // The provider settles what is pending, and fails what it does, within seconds.
        shop.advance(30).await;
        shop.settle().await;
        if steps.contains(&"refund.failed") {
            let again = format!("{refunds}/{}/retry", made["id"].as_str().unwrap());
            ok(post(&again, &json!({})).await);
            shop.settle().await;
        }
        let told = told_of(&receiver.take(), &jane);
        assert_eq!(told[0], "order.placed", "{card}");
        assert_eq!(told[1..], *steps, "{card}");
        assert_eq!(letters(&jane, "A refund for your order").await, 1, "{card}");
        world::sound(&shop, &goods::small(world::MUGS)).await;
    }
}

#[tokio::test]
async fn what_is_not_taken_comes_again_under_the_same_id_until_it_is_or_the_tries_are_over() {
    let shop = open().await;
    let (mut keeper, receiver) = (keeper(&shop).await, Receiver::new());
    let (at, _) = add(&keeper, &receiver.url("/busy"), &json!(["order.placed"])).await;
    buy(&shop).await;
    let first = receiver.take();
    assert_eq!(first.len(), 1);
    sweep(&shop).await;
    assert_eq!(receiver.take().len(), 0, "not before its time");
    let mut calls = 1;
    for _ in 0..60 {
        shop.clock().advance_ms(2 * 3600 * 1000);
        sweep(&shop).await;
        for heard in receiver.take() {
            calls += 1;
            assert_eq!(heard.header("webhook-id"), first[0].header("webhook-id"));
            assert_eq!(heard.body, first[0].body, "the very same bytes");
            assert_ne!(heard.header("webhook-timestamp"), first[0].header("webhook-timestamp"));
        }
    }
    keeper.sign_in().await;
    let list = deliveries(&keeper, &at).await;
    assert_eq!((calls, &list[0]["state"]), (10, &json!("failed")));
    assert_eq!(list[0]["attempts"][0]["answer"], "busy");

    // It is mended, and the event is sent again by hand.
    let tag = keeper.tag(&at).await;
    let body = json!({"url": receiver.url("/ok")});
    ok(keeper.call_if(&tag, "PATCH", &at, &body).await);
    let id = list[0]["id"].as_str().unwrap();
    let again = format!("{at}/deliveries/{id}/redeliver");
    assert_eq!(keeper.call("POST", &again, &json!({})).await.status, 202);
    sweep(&shop).await;
    let heard = receiver.take();
    assert_eq!((heard.len(), heard[0].header("webhook-id")), (1, id));
    assert_eq!(deliveries(&keeper, &at).await[0]["state"], "delivered");
}

#[tokio::test]
async fn an_endpoint_that_fails_for_days_or_is_gone_is_switched_off_and_missed_events_are_replayed()
{
    let shop = open().await;
    let (mut keeper, receiver) = (keeper(&shop).await, Receiver::new());
    let (gone, _) = add(&keeper, &receiver.url("/gone"), &json!(["*"])).await;
    let (failing, _) = add(&keeper, &receiver.url("/busy"), &json!(["*"])).await;
    let began = shop.clock().now();
    buy(&shop).await;
    let shown = ok(keeper.get(&gone).await);
    assert_eq!((&shown["status"], &shown["disabled_reason"]), (&json!("disabled"), &json!("gone")));
    assert_eq!(ok(keeper.get(&failing).await)["status"], "active");
    for _ in 0..40 {
        shop.clock().advance_ms(2 * 3600 * 1000);
        sweep(&shop).await;
    }
    buy(&shop).await;
    for _ in 0..40 {
        shop.clock().advance_ms(2 * 3600 * 1000);
        sweep(&shop).await;
    }
    keeper.sign_in().await;
    let shown = ok(keeper.get(&failing).await);
    assert_eq!(shown["disabled_reason"], "failing", "{shown}");
    receiver.take();
    // While it is off it is told of nothing; a test reaches it all the same.
    let jane = buy(&shop).await;
    assert_eq!(receiver.take().len(), 0);
    let sent = keeper.call("POST", &format!("{failing}/test"), &json!({})).await;
    assert_eq!(sent.status, 202, "{}", sent.text());
    shop.settle().await;
    let heard = receiver.take();
    assert_eq!((heard.len(), &heard[0].value()["type"]), (1, &json!("webhook.test")));
    // Switched on again, it asks for what it missed.
    let tag = keeper.tag(&failing).await;
    let body = json!({"url": receiver.url("/ok"), "is_active": true});
    ok(keeper.call_if(&tag, "PATCH", &failing, &body).await);
    let span = json!({"from": began, "until": shop.clock().now()});
    let replay = keeper.call("POST", &format!("{failing}/replay"), &span).await;
    assert_eq!(replay.status, 202, "{}", replay.text());
    shop.settle().await;
    let heard = receiver.take();
    let placed = heard.iter().filter(|one| one.value()["type"] == "order.placed");
    let orders: Vec<Value> = placed.map(|one| one.value()["data"]["order"]["id"].clone()).collect();
    assert_eq!(orders.len(), 3, "{heard:?}");
    assert!(orders.contains(&json!(jane.order)));
}

#[tokio::test]
async fn while_a_secret_is_replaced_both_are_good() {
    let shop = open().await;
    let (keeper, receiver) = (keeper(&shop).await, Receiver::new());
    let (at, first) = add(&keeper, &receiver.url("/ok"), &json!(["order.placed"])).await;
    let rotated = ok(keeper.call("POST", &format!("{at}/rotate_secret"), &json!({})).await);
    let second = rotated["secret"].as_str().unwrap().to_owned();
    assert!(rotated["previous_secret_expires_at"].is_string() && second != first);
    buy(&shop).await;
    let heard = receiver.take().remove(0);
    assert!(is_signed(&heard, &first) && is_signed(&heard, &second));
    shop.clock().advance_ms(25 * 3600 * 1000);
    buy(&shop).await;
    let heard = receiver.take().remove(0);
    assert!(!is_signed(&heard, &first) && is_signed(&heard, &second));
}

#[tokio::test]
async fn a_webhook_goes_to_the_public_internet_and_nowhere_else() {
    // Not even to this machine, unless its shop was opened so.
    let shop = world::open().await;
    let keeper = keeper(&shop).await;
    for url in [
        "http://127.0.0.1:8000/",
        "https://localhost/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[fd00:ec2::254]/",
        "https://erp.example:22/",
    ] {
        let body = json!({"url": url, "events": ["*"]});
        let answer = keeper.call("POST", ENDPOINTS, &body).await;
        assert_eq!(answer.status, 400, "{url}");
        assert_eq!(answer.value()["errors"][0]["code"], "not_public", "{url}");
    }
    for url in ["http://erp.example/", "https://2130706433/", "https://jane@erp.example/"] {
        let body = json!({"url": url, "events": ["*"]});
        let answer = keeper.call("POST", ENDPOINTS, &body).await;
        assert_eq!(answer.value()["errors"][0]["code"], "malformed", "{url}");
    }
    // A redirect is an answer like another: nobody is sent into the house by one.
    let shop = open().await;
    let (keeper, receiver) = (self::keeper(&shop).await, Receiver::new());
    let (at, _) = add(&keeper, &receiver.url("/moved"), &json!(["*"])).await;
    buy(&shop).await;
    assert_eq!(receiver.take().len(), 1);
    let list = deliveries(&keeper, &at).await;
    assert_eq!(list[0]["attempts"][0]["outcome"], "redirected");
}

#[tokio::test]
async fn no_template_lets_webhooks_into_the_house() {
    let shop = world::open().await;
    for function in &shop.stack().functions {
        let is_set = function.environment.contains_key("WEBHOOK_LOOPBACK");
        assert!(!is_set, "{}", function.handler);
    }
}

#[tokio::test]
async fn in_the_cloud_nothing_starts_that_would_call_its_own_house() {
    for stage in ["staging", "production"] {
        let parameters = [("Stage".to_owned(), stage.to_owned())].into();
        let options = Options { webhooks_to_loopback: true, parameters, ..Options::default() };
        let shop = world::open_with(options, &goods::small(1)).await;
        for handler in ["webhooks.jobs.deliver", "webhooks.admin.create_endpoint"] {
            let said = shop.start(handler).await.expect_err(handler).to_string();
            assert!(said.contains("WEBHOOK_LOOPBACK has no place in the cloud"), "{said}");
        }
    }
}

#[tokio::test]
async fn a_token_in_an_address_is_shown_to_whoever_may_change_it_and_to_nobody_else() {
    let shop = open().await;
    let (keeper, receiver) = (keeper(&shop).await, Receiver::new());
    let reader = Colleague::of(&shop, "reader", &[Permission::WebhooksRead]).await;
    let url = receiver.url("/ok?token=s3cret");
    let (at, _) = add(&keeper, &url, &json!(["*"])).await;
    for path in [at.as_str(), ENDPOINTS] {
        let shown = ok(keeper.get(path).await).to_string();
        assert!(shown.contains(&url), "{path}: {shown}");
        let shown = ok(reader.get(path).await).to_string();
        assert!(!shown.contains("s3cret"), "{path}: {shown}");
        assert!(shown.contains(&receiver.url("/ok?token=***")), "{path}: {shown}");
    }
}

#[tokio::test]
async fn an_endpoint_is_made_changed_and_deleted_and_every_refusal_is_said() {
    let shop = open().await;
    let (keeper, receiver) = (keeper(&shop).await, Receiver::new());
    let (at, _) = add(&keeper, &receiver.url("/ok"), &json!(["order.placed"])).await;
    let tag = keeper.tag(&at).await;
    let patch = json!({"is_active": false});
    assert_eq!(keeper.call("PATCH", &at, &patch).await.status, 428);
    ok(keeper.call_if(&tag, "PATCH", &at, &patch).await);
    assert_eq!(keeper.call_if(&tag, "PATCH", &at, &patch).await.status, 412, "it has changed");
    buy(&shop).await;
    assert_eq!(receiver.take().len(), 0, "it is paused");
    let nobody = WebhookId::from_ulid(domain::id::Ulid::nil());
    for target in [format!("{ENDPOINTS}/{nobody}"), format!("{ENDPOINTS}/{nobody}/deliveries")] {
        assert_eq!(keeper.get(&target).await.status, 404);
    }
    let event = EventId::from_ulid(domain::id::Ulid::nil());
    let again = format!("{at}/deliveries/{event}/redeliver");
    assert_eq!(keeper.call("POST", &again, &json!({})).await.status, 404);
    let early = json!({"from": "2020-01-01T00:00:00Z", "until": "2020-01-02T00:00:00Z"});
    let answer = keeper.call("POST", &format!("{at}/replay"), &early).await;
    assert_eq!(refusal(&answer), (409, "event_not_kept".into()));

    let tag = keeper.tag(&at).await;
    assert_eq!(keeper.call_if(&tag, "DELETE", &at, &Value::Null).await.status, 204);
    assert_eq!(keeper.get(&at).await.status, 404);
    for _ in 0..20 {
        add(&keeper, &receiver.url("/ok"), &json!(["*"])).await;
    }
    let body = json!({"url": receiver.url("/ok"), "events": ["*"]});
    let answer = keeper.call("POST", ENDPOINTS, &body).await;
    assert_eq!(refusal(&answer), (409, "too_many_webhook_endpoints".into()));
    let list = ok(keeper.get(ENDPOINTS).await);
    assert_eq!(list["data"].as_array().unwrap().len(), 20);

    let reader = Colleague::of(&shop, "reader", &[Permission::WebhooksRead]).await;
    ok(reader.get(ENDPOINTS).await);
    assert_eq!(reader.call("POST", ENDPOINTS, &body).await.status, 403);
    shop.settle().await;
    let log = shop.audit_log().await.unwrap();
    let actions: Vec<_> = log.iter().map(|link| link.entry.action.as_str()).collect();
    for action in ["webhook.create", "webhook.change", "webhook.delete"] {
        assert!(actions.contains(&action), "{action} in {actions:?}");
    }
    assert!(!log.iter().any(|link| format!("{link:?}").contains("whsec_")));
}
