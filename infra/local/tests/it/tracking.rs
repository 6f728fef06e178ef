//! What carriers report: believed where they signed it, taken over where it is news.

use carrier_twin::{Webhook, webhook};
use domain::permission::Permission;
use local::{Options, Shop};
use serde_json::{Value, json};
use testkit::goods;

use crate::tour::parcels::{
    CARRIER_SECRETS, Carriers, at, go, line_of, open, report, socks, words,
};
use crate::world::{self, Colleague, Shopper, ok, refusal, sound};

const MAY: [Permission; 2] = [Permission::OrdersFulfill, Permission::OrdersRead];
const HOOK: &str = "/v1/hooks/easypost";

/// A parcel with a label.
struct Parcel {
    packer: Colleague,
    buyer: Shopper,
    here: String,
    code: String,
}

impl Parcel {
    async fn labelled(shop: &Shop) -> Self {
        let packer = Colleague::of(shop, "packer", &MAY).await;
        let buyer = socks(shop, "203.0.113.7", 1).await;
        let line = json!(line_of(&buyer).await);
        let made = open(&packer, &buyer.order, &line, 1).await;
        let here = format!("{}/{}", at(&buyer.order), made.value()["id"].as_str().unwrap());
        let seen = made.header("etag").unwrap().to_owned();
        let body = json!({"weight_grams": 400});
        let bought = ok(go(&packer, &seen, &format!("{here}/label"), &body).await);
        let code = bought["tracking_number"].as_str().unwrap().to_owned();
        Self { packer, buyer, here, code }
    }

    async fn step(&self, way: &str) -> Value {
        let seen = self.packer.tag(&self.here).await;
        ok(go(&self.packer, &seen, &format!("{}/{way}", self.here), &json!({})).await)
    }

    async fn shown(&self) -> Value {
        ok(self.packer.get(&self.here).await)
    }
}

/// What a carrier has said so many minutes ago, and says only now.
fn late(shop: &Shop, minutes: i64, code: &str, status: &str) -> Webhook {
    let (now, then) = (shop.clock().now(), shop.clock().now().as_second() - minutes * 60);
    let then = jiff::Timestamp::from_second(then).unwrap();
    let body = words(shop, code, status).body;
    let body = body.replace(&now.to_string(), &then.to_string());
    resigned(shop, body)
}

/// Other words, signed all the same.
fn resigned(shop: &Shop, body: String) -> Webhook {
    use aws_lc_rs::hmac;
    let timestamp = shop.clock().now().to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA256, CARRIER_SECRETS[1].as_bytes());
    let sign = |text: &str| {
        let tag = hmac::sign(&key, text.as_bytes());
        let scheme = "hmac-sha256-hex=".to_owned();
        tag.as_ref().iter().fold(scheme, |header, byte| header + &format!("{byte:02x}"))
    };
    Webhook {
        signature: sign(&body),
        signature_v2: sign(&format!("{timestamp}POST{HOOK}{body}")),
        timestamp,
        path: HOOK.to_owned(),
        body,
    }
}

#[tokio::test]
async fn a_parcel_arrives_when_its_carrier_says_so_and_its_buyer_is_told_once() {
    let carriers = Carriers::open().await;
    let shop = carriers.shop(Options::default()).await;
    let parcel = Parcel::labelled(&shop).await;
    parcel.step("ship").await;
    shop.clock().advance_ms(60_000);
    let on_its_way = words(&shop, &parcel.code, "in_transit");
    for _ in 0..2 {
        assert_eq!(ok(report(&shop, &on_its_way).await), json!({"received": true}));
    }
    let shown = parcel.shown().await;
    assert_eq!(
        (&shown["status"], &shown["tracking_status"]),
        (&json!("shipped"), &json!("in_transit"))
    );
    let version = shown["version"].clone();
    // An hour old, and come late.
    ok(report(&shop, &late(&shop, 60, &parcel.code, "pre_transit")).await);
    assert_eq!(parcel.shown().await["version"], version, "older than what is known");
    shop.clock().advance_ms(60_000);
    let arrived = words(&shop, &parcel.code, "delivered");
    for _ in 0..10 {
        ok(report(&shop, &arrived).await);
    }
    ok(report(&shop, &on_its_way).await);
    shop.settle().await;
    let order = parcel.buyer.view_order().await;
    assert_eq!(order["fulfillment_status"], "delivered");
    assert_eq!(order["parcels"][0]["status"], "delivered");
    let shown = parcel.shown().await;
    assert_eq!(shown["tracking_status"], "delivered");
    let letters = shop.mails().into_iter().filter(|mail| mail.subject.contains("arrived")).count();
    assert_eq!(letters, 1);
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn what_comes_back_is_returned_and_what_is_not_ours_is_acknowledged() {
    let carriers = Carriers::open().await;
    let shop = carriers.shop(Options::default()).await;
    let parcel = Parcel::labelled(&shop).await;
    // Faster than whoever should have said that it left.
    shop.clock().advance_ms(60_000);
    ok(report(&shop, &words(&shop, &parcel.code, "in_transit")).await);
    assert_eq!(parcel.shown().await["status"], "open");
    parcel.step("ship").await;
    shop.clock().advance_ms(60_000);
    ok(report(&shop, &words(&shop, &parcel.code, "return_to_sender")).await);
    assert_eq!(parcel.shown().await["status"], "returned_to_sender");
    // Nobody's parcel, and what is not about parcels.
    ok(report(&shop, &words(&shop, "9400110898825nobody", "delivered")).await);
    let refund = json!({"id": "evt_2", "mode": "test", "description": "refund.successful",
        "result": {"id": "rfnd_1"}});
    ok(report(&shop, &resigned(&shop, refund.to_string())).await);
    shop.settle().await;
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn a_label_that_was_given_back_says_nothing_of_its_parcel() {
    let carriers = Carriers::open().await;
    let shop = carriers.shop(Options::default()).await;
    let parcel = Parcel::labelled(&shop).await;
    let seen = parcel.packer.tag(&parcel.here).await;
    let target = format!("{}/label", parcel.here);
    ok(parcel.packer.call_if(&seen, "DELETE", &target, &Value::Null).await);
    shop.clock().advance_ms(60_000);
    ok(report(&shop, &words(&shop, &parcel.code, "delivered")).await);
    assert_eq!(parcel.shown().await["tracking_status"], Value::Null);
    let shipped = parcel.step("ship").await;
    assert_eq!(
        (&shipped["status"], &shipped["tracking_number"]),
        (&json!("shipped"), &json!(null))
    );
}

#[tokio::test]
async fn only_what_carriers_have_signed_lately_is_believed() {
    let carriers = Carriers::open().await;
    let shop = carriers.shop(Options::default()).await;
    let parcel = Parcel::labelled(&shop).await;
    parcel.step("ship").await;
    shop.clock().advance_ms(60_000);
    let now = shop.clock().now();
    let by = |secret: &str, at: jiff::Timestamp| {
        webhook(secret, HOOK, &at.to_string(), &parcel.code, "delivered")
    };
    let good = by(CARRIER_SECRETS[1], now);
    let old = jiff::Timestamp::from_second(now.as_second() - 301).unwrap();
    let bad = [
        by("a secret of somebody else", now),
        by("", now),
        by(CARRIER_SECRETS[1], old),
        Webhook { body: format!("{} ", good.body), ..good.clone() },
        Webhook { signature_v2: String::new(), ..good.clone() },
        Webhook { path: "/v1/hooks/stripe".into(), ..good.clone() },
    ];
    for said in bad {
        let answer = report(&shop, &said).await;
        assert_eq!(refusal(&answer), (400, "invalid_signature".into()), "{said:?}");
    }
    let live = good.body.replace("\"mode\":\"test\"", "\"mode\":\"production\"");
    assert_ne!(live, good.body);
    let answer = report(&shop, &resigned(&shop, live)).await;
    assert_eq!(refusal(&answer), (400, "livemode_mismatch".into()));
    assert_eq!(parcel.shown().await["status"], "shipped");
    // The one that is being replaced is good for a while.
    ok(report(&shop, &by(CARRIER_SECRETS[0], now)).await);
    assert_eq!(parcel.shown().await["status"], "delivered");
}

#[tokio::test]
async fn money_is_taken_for_a_parcel_whose_carrier_was_faster_than_its_packer() {
    let carriers = Carriers::open().await;
    let shop = carriers.shop(Options::default()).await;
    let store = shop.store();
    let shipping = store.shipping_table().await.unwrap().value;
    let mut goods = goods::small(world::MUGS);
    goods.shop.payments = serde_json::from_value(json!({"capture": "on_shipment"})).unwrap();
    let settings = store::Settings::new(shipping, goods.tax.clone(), goods.shop.clone());
    store.import_settings(&settings).await.unwrap();
    let parcel = Parcel::labelled(&shop).await;
    assert_eq!(parcel.buyer.view_order().await["payment_status"], "authorized");
    shop.clock().advance_ms(60_000);
    ok(report(&shop, &words(&shop, &parcel.code, "delivered")).await);
    assert_eq!(parcel.step("ship").await["status"], "delivered");
    shop.settle().await;
    assert_eq!(parcel.buyer.view_order().await["payment_status"], "paid");
    sound(&shop, &goods).await;
}
