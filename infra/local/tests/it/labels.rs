//! Labels: bought once, whatever gets lost on the way; given back before the parcel leaves.

use carrier_twin::Accident;
use domain::permission::Permission;
use local::{Options, Request, Response, Shop};
use serde_json::{Value, json};
use testkit::goods;
use wire::{FaultKind, Plan};

use crate::tour::parcels::{Carriers, at, go, line_of, open, socks};
use crate::world::{self, Colleague, key, ok, refusal, sound};

const MAY: [Permission; 2] = [Permission::OrdersFulfill, Permission::OrdersRead];

/// A parcel that may get a label: who packs it, where it is, its tag.
async fn parcel(shop: &Shop) -> (Colleague, String, String) {
    let packer = Colleague::of(shop, "packer", &MAY).await;
    let (here, seen) = another(&packer, "203.0.113.7").await;
    (packer, here, seen)
}

/// One more parcel: where it is, its tag.
async fn another(packer: &Colleague, ip: &str) -> (String, String) {
    let jane = socks(&packer.shop, ip, 1).await;
    let line = json!(line_of(&jane).await);
    let made = open(packer, &jane.order, &line, 1).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let here = format!("{}/{}", at(&jane.order), made.value()["id"].as_str().unwrap());
    (here, made.header("etag").unwrap().to_owned())
}

async fn buy(packer: &Colleague, here: &str, seen: &str) -> Response {
    go(packer, seen, &format!("{here}/label"), &json!({"weight_grams": 400})).await
}

async fn void(packer: &Colleague, here: &str, seen: &str) -> Response {
    let request = Request::new("DELETE", &format!("{here}/label")).header("if-match", seen);
    packer.send(request).await
}

#[tokio::test]
async fn a_label_is_bought_and_says_how_the_parcel_is_followed() {
    let carriers = Carriers::open().await;
    let shop = carriers.shop(Options::default()).await;
    let (packer, here, seen) = parcel(&shop).await;
    let key = key();
    let ask = || {
        let request = Request::new("POST", &format!("{here}/label"))
            .header("idempotency-key", &key)
            .header("if-match", &seen);
        packer.send(request.json(&json!({"weight_grams": 400})))
    };
    let bought = ask().await;
    assert_eq!(bought.status, 200, "{}", bought.text());
    assert_eq!(ask().await.header("idempotent-replayed"), Some("true"));
    let view = bought.value();
    // The cheapest: 15 ounces by ground.
    assert_eq!(view["label"]["price"], json!({"amount": 580, "currency": "USD"}));
    assert_eq!(carriers.twin.labels(), 1);
    let seen = bought.header("etag").unwrap().to_owned();
    let again = buy(&packer, &here, &seen).await;
    assert_eq!(refusal(&again), (409, "label_exists".into()));
    let off = go(&packer, &seen, &format!("{here}/cancel"), &Value::Null).await;
    assert_eq!(refusal(&off), (409, "label_exists".into()));
    let sent = ok(go(&packer, &seen, &format!("{here}/ship"), &json!({})).await);
    assert_eq!(sent["tracking_number"], view["tracking_number"]);
    assert_eq!(sent["carrier"], "USPS");
    let tag = format!("\"v{}\"", sent["version"]);
    let late = void(&packer, &here, &tag).await;
    assert_eq!(refusal(&late), (409, "invalid_transition".into()));
    shop.settle().await;
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn whatever_is_lost_on_the_way_a_label_is_bought_once() {
    let carriers = Carriers::open().await;
    let shop = carriers.shop(Options::default()).await;
    let (packer, here, seen) = parcel(&shop).await;
    // Sold, and nobody heard of it, nor of what became of it.
    carriers.twin.arm("buy", &[Accident::LostAnswer]);
    carriers.twin.arm("look", &[Accident::Dropped; 3]);
    let lost = buy(&packer, &here, &seen).await;
    assert_eq!(lost.status, 503, "{}", lost.text());
    assert_eq!(carriers.twin.labels(), 1);
    let off = go(&packer, &packer.tag(&here).await, &format!("{here}/cancel"), &Value::Null).await;
    assert_eq!(refusal(&off), (409, "label_exists".into()), "it may have one");
    // The very same request once more.
    let bought = buy(&packer, &here, &seen).await;
    assert_eq!(bought.status, 200, "{}", bought.text());
    assert_eq!(carriers.twin.labels(), 1, "the one that was sold");
    let seen = bought.header("etag").unwrap().to_owned();
    // Given back, and nobody heard of it.
    carriers.twin.arm("refund", &[Accident::LostAnswer]);
    let back = void(&packer, &here, &seen).await;
    assert_eq!(back.status, 200, "{}", back.text());
    assert_eq!(back.value()["label"], Value::Null);
    let seen = back.header("etag").unwrap().to_owned();
    let nothing = void(&packer, &here, &seen).await;
    assert_eq!(refusal(&nothing), (409, "no_label".into()));
    let off = go(&packer, &seen, &format!("{here}/cancel"), &Value::Null).await;
    assert_eq!(off.status, 200, "{}", off.text());
    shop.settle().await;
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn a_label_that_was_sold_and_not_written_down_is_found_again() {
    let carriers = Carriers::open().await;
    let shop = carriers.shop(Options { sdk_attempts: 1, ..Options::default() }).await;
    let packer = Colleague::of(&shop, "packer", &MAY).await;
    // The choice, and then what was bought: each is a transaction.
    let accidents = [(1, FaultKind::FailBefore), (2, FaultKind::FailBefore)];
    let lost = [(1, FaultKind::LoseResponse), (2, FaultKind::LoseResponse)];
    for (number, (at, kind)) in (1..).zip(accidents.into_iter().chain(lost)) {
        let (here, seen) = another(&packer, &format!("203.0.113.{number}")).await;
        let key = key();
        let ask = || {
            let request = Request::new("POST", &format!("{here}/label"))
                .header("idempotency-key", &key)
                .header("if-match", &seen);
            packer.send(request.json(&json!({"weight_grams": 400})))
        };
        shop.wire().faults().arm(Plan::at_operation(at, kind, "TransactWriteItems"));
        let first = ask().await;
        assert_eq!(first.status, 503, "{kind:?} at {at}: {}", first.text());
        let again = ask().await;
        assert_eq!(again.status, 200, "{kind:?} at {at}: {}", again.text());
        assert_eq!(carriers.twin.labels(), number, "{kind:?} at {at}");
    }
    shop.settle().await;
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn without_an_account_or_a_service_there_is_no_label() {
    let shop = world::open().await;
    let (packer, here, seen) = parcel(&shop).await;
    let none = buy(&packer, &here, &seen).await;
    assert_eq!(refusal(&none), (409, "no_carrier_account".into()));
    let carriers = Carriers::open().await;
    let shop = carriers.shop(Options::default()).await;
    let (packer, here, seen) = parcel(&shop).await;
    let body = json!({"weight_grams": 400, "service": {"carrier": "USPS", "service": "Owl"}});
    let none = go(&packer, &seen, &format!("{here}/label"), &body).await;
    assert_eq!(refusal(&none), (409, "no_rate".into()));
    assert_eq!(carriers.twin.labels(), 0);
}
