//! What merchants' systems are promised: one that wants everything hears of every kind of event at
//! least once on the ways that people walk through the shop. A kind that nothing sends is found
//! here.

use std::collections::BTreeSet;

use domain::webhook::Topic;
use local::{Options, Request, Shop, Snapshot};
use serde_json::{Value, json};
use testkit::goods::{MUG, POSTER};

use crate::receiver::Receiver;
use crate::refunds::at_stripe;
use crate::tour::parcels::{self, Carriers};
use crate::tour::returns::{ask, at, deliver, look, wish};
use crate::tour::{self, People, Plain, Round};
use crate::webhooks::ENDPOINTS;
use crate::world::{Colleague, Shopper, key, ok};

/// A bank decides, and the provider settles what is pending, within so many seconds.
const SECONDS: u64 = 10;

async fn post(owner: &Colleague, target: &str, body: &Value) -> Value {
    let request = Request::new("POST", target).header("idempotency-key", &key());
    ok(owner.send(request.json(body)).await)
}

/// Somebody who paid for a mug with this card.
async fn bought(shop: &Shop, card: &str) -> Shopper {
    let mut jane = Shopper::guest(shop).await;
    jane.ready(MUG, 1).await;
    assert_eq!(jane.complete().await.status, 201);
    assert_eq!(jane.pay(card).0, 200);
    shop.settle().await;
    jane
}

/// A refund is under way, and somebody calls it off at the provider.
async fn refund_called_off(shop: &Shop, owner: &Colleague) {
    let jane = bought(shop, "pm_card_pendingRefund").await;
    let body = json!({"amount": {"amount": 700, "currency": "EUR"}});
    post(owner, &format!("/v1/admin/orders/{}/refunds", jane.order), &body).await;
    shop.settle().await;
    let refund = shop.twin().objects("refund")[0]["id"].as_str().expect("an id").to_owned();
    let (status, said) = at_stripe(shop, &format!("/v1/refunds/{refund}/cancel"), &[]);
    assert_eq!(status, 200, "{said}");
    shop.settle().await;
}

/// A dispute is won.
async fn dispute_won(shop: &Shop, owner: &Colleague) {
    let jane = bought(shop, "pm_card_createDisputeProductNotReceived").await;
    shop.advance(SECONDS).await;
    shop.settle().await;
    let all = ok(owner.get("/v1/admin/disputes").await);
    let id = all["data"][0]["id"].as_str().expect("a dispute").to_owned();
    let path = format!("/v1/admin/orders/{}/disputes/{id}/submit", jane.order);
    post(owner, &path, &json!({"uncategorized_text": "winning_evidence"})).await;
    shop.settle().await;
    shop.advance(SECONDS).await;
    shop.settle().await;
}

/// Of two units that may come back one comes.
async fn part_returned(shop: &Shop, owner: &Colleague) {
    let jane = parcels::socks(shop, "198.18.40.1", 2).await;
    let line = json!(parcels::line_of(&jane).await);
    deliver(owner, &jane.order, &line, 2).await;
    let made = ask(owner, &jane.order, &wish(&line, 2)).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let id = made.value()["id"].as_str().expect("an id").to_owned();
    let here = format!("{}/{id}", at(&jane.order));
    let came = look(&line, 1, "received", "restock");
    for (step, body) in [("approve", json!({})), ("receive", came)] {
        let seen = owner.tag(&here).await;
        let moved = parcels::go(owner, &seen, &format!("{here}/{step}"), &body).await;
        assert_eq!(moved.status, 200, "{}", moved.text());
    }
    shop.settle().await;
}

/// A payment comes after the order's time, and somebody else has the goods.
async fn paid_late(shop: &Shop) {
    let mut jane = Shopper::guest(shop).await;
    jane.ready(POSTER, 1).await;
    assert_eq!(jane.complete().await.status, 201);
    shop.clock().advance_ms(31 * 60_000);
    let mut joe = Shopper::from(shop, "203.0.113.8");
    joe.open_cart("EUR").await;
    joe.ready(POSTER, 1).await;
    let answer = joe.complete().await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    joe.pay("pm_card_visa");
    shop.settle().await;
    assert_eq!(jane.pay("pm_card_visa").1["status"], "succeeded");
    shop.settle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_that_is_promised_is_heard() {
    let (receiver, carriers) = (Receiver::new(), Carriers::open().await);
    let options = Options { webhooks_to_loopback: true, ..Options::default() };
    let busy = carriers.shop(options).await;
    let people = People::new(&mut Plain(busy.clone()), &busy).await;
    let body = json!({"url": receiver.url("/ok"), "events": ["*"], "description": "ERP"});
    let made = people.owner.call("POST", ENDPOINTS, &body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let endpoint = made.value()["endpoint"]["id"].as_str().expect("an id").to_owned();
    let test = format!("{ENDPOINTS}/{endpoint}/test");
    assert_eq!(people.owner.call("POST", &test, &json!({})).await.status, 202);
    busy.settle().await;
    // Each way begins in a shop of its own, in which the same people are signed in.
    let busy = Snapshot::of(busy).expect("a shop at rest");
    let begin = async || {
        let shop = busy.open().await.expect("the shop opens again");
        let people = people.in_shop(&shop);
        (shop, people)
    };
    let (shop, mut there) = begin().await;
    tour::refunds::desk(&mut Plain(shop), &there.owner, &mut there.jane).await;
    let (shop, mut there) = begin().await;
    tour::returns::returns(&mut Plain(shop), &there.owner, &mut there.jane).await;
    let (shop, there) = begin().await;
    tour::returns::never_sent(&shop, &there.owner).await;
    let (shop, there) = begin().await;
    tour::parcels::parcels(&mut Plain(shop), &there.owner, Round(1)).await;
    let (shop, there) = begin().await;
    tour::completion::completion(&mut Plain(shop), &there.owner, Round(1)).await;
    let (shop, there) = begin().await;
    tour::disputes::disputes(&mut Plain(shop), &there.owner, Round(1)).await;
    let (shop, there) = begin().await;
    refund_called_off(&shop, &there.owner).await;
    dispute_won(&shop, &there.owner).await;
    part_returned(&shop, &there.owner).await;
    paid_late(&shop).await;

    let said = |value: Value| value["type"].as_str().expect("a kind").to_owned();
    let heard: BTreeSet<String> = receiver.take().iter().map(|one| said(one.value())).collect();
    let promised: BTreeSet<String> =
        Topic::ALL.iter().map(|topic| topic.name().to_owned()).collect();
    let missing: Vec<&String> = promised.difference(&heard).collect();
    assert!(missing.is_empty(), "nobody heard of {missing:?}");
    let other: Vec<&String> = heard.difference(&promised).collect();
    assert!(other.is_empty(), "not promised: {other:?}");
}
