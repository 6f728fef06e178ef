//! Through the stockroom: everything that staff do with stock, a flash sale, and somebody who waits
//! for what is sold out.

use aws_sdk_dynamodb::types::AttributeValue;
use local::{Outcome, Request, Response, Shop};
use serde_json::{Value, json};
use testkit::goods::{Good, MUG, POSTER, SOCKS, SOCKS_L};

use super::{Pace, Round, done, tag, text};
use crate::world::{Colleague, Shopper, key, ok};

const AT: &str = "/v1/admin/inventory";

/// A POST of staff under a key of its own.
pub(crate) async fn post(who: &Colleague, path: &str, body: &Value) -> Response {
    let request = Request::new("POST", &format!("{AT}{path}"));
    who.send(request.header("idempotency-key", &key()).json(body)).await
}

fn line(good: Good, location: &str, quantity: i64) -> Value {
    json!({"sku": good.sku, "location_id": location, "quantity": quantity})
}

/// The shop's first location.
pub(crate) fn first() -> String {
    domain::stock::FIRST_LOCATION.to_string()
}

/// Everything, once.
pub(crate) async fn stockroom<P: Pace>(pace: &mut P, owner: &Colleague, round: Round) {
    let lyon = locations(pace, owner, round).await;
    taking_stock(pace, owner, &lyon).await;
    levels(pace, owner).await;
    transfers(pace, owner, &lyon).await;
    let demand = json!({"country": "DE", "postal_code": "10969",
        "lines": [{"sku": MUG.sku, "quantity": 2}, {"sku": SOCKS.sku, "quantity": 1}]});
    ok(pace.call(post(owner, "/allocate", &demand)).await);
    flash_sale(pace, owner, round).await;
    waiting(pace, owner, round).await;
    pace.call(owner.shop.run_job("inventory.jobs.send_digest")).await;
    pace.call(owner.shop.run_job("inventory.jobs.prove")).await;
    ok(pace.call(owner.get(&format!("{AT}/findings"))).await);
    pace.settle().await;
}

/// A location is opened, shown and changed, and sells no more, so that all else is as before.
async fn locations<P: Pace>(pace: &mut P, owner: &Colleague, round: Round) -> String {
    let body = json!({"name": format!("Lyon {}", round.0), "country": "FR",
        "postal_code": "69001", "serves": ["FR"]});
    let made = pace.call(post(owner, "/locations", &body)).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let lyon = text(&made.value(), "id");
    ok(pace.call(owner.get(&format!("{AT}/locations"))).await);
    let at = format!("{AT}/locations/{lyon}");
    let seen = tag(&pace.call(owner.get(&at)).await);
    let body = json!({"is_active": false});
    ok(pace.call(owner.call_if(&seen, "PATCH", &at, &body)).await);
    lyon
}

/// Received, corrected, counted: what was there, and what was not.
async fn taking_stock<P: Pace>(pace: &mut P, owner: &Colleague, lyon: &str) {
    let here = &first();
    let body = json!({"lines": [line(SOCKS, here, 20), line(SOCKS, lyon, 20)]});
    assert_eq!(pace.call(post(owner, "/receipts", &body)).await.status, 201);
    let (mut some, mut more) = (line(SOCKS, here, -1), line(SOCKS_L, lyon, 5));
    some["mode"] = json!("delta");
    more["mode"] = json!("set");
    let body = json!({"reason": "Moths", "lines": [some, more]});
    assert_eq!(pace.call(post(owner, "/adjustments", &body)).await.status, 201);
    let body = json!({"lines": [line(SOCKS_L, here, 40), line(MUG, lyon, 3)]});
    assert_eq!(pace.call(post(owner, "/counts", &body)).await.status, 201);
    pace.settle().await;
}

/// Levels, by location and by SKU; one of them becomes low and is seen to be.
async fn levels<P: Pace>(pace: &mut P, owner: &Colleague) {
    let page = ok(pace.call(owner.get(&format!("{AT}/levels?limit=1"))).await);
    let next = format!("{AT}/levels?limit=1&cursor={}", text(&page, "next_cursor"));
    ok(pace.call(owner.get(&next)).await);
    ok(pace.call(owner.get(&format!("{AT}/levels/{}", SOCKS.sku))).await);
    let at = format!("{AT}/levels/{}/{}", SOCKS_L.sku, first());
    for threshold in [1000, 0, 1000] {
        let seen = tag(&pace.call(owner.get(&at)).await);
        let body = json!({"safety": 2, "backorder_max": 1, "threshold": threshold});
        ok(pace.call(owner.call_if(&seen, "PATCH", &at, &body)).await);
        pace.settle().await;
    }
    let low = ok(pace.call(owner.get(&format!("{AT}/low_stock"))).await);
    assert!(low["data"].as_array().unwrap().iter().any(|one| one["sku"] == SOCKS_L.sku), "{low}");
    ok(pace.call(owner.get(&format!("{AT}/events"))).await);
    let movements = format!("{AT}/movements?sku={}&limit=1", SOCKS.sku);
    let page = ok(pace.call(owner.get(&movements)).await);
    let next = format!("{movements}&cursor={}", text(&page, "next_cursor"));
    ok(pace.call(owner.get(&next)).await);
}

/// One arrives in two parts, one comes back.
async fn transfers<P: Pace>(pace: &mut P, owner: &Colleague, lyon: &str) {
    let body = json!({"from_location_id": first(), "to_location_id": lyon,
        "lines": [{"sku": SOCKS.sku, "quantity": 4}]});
    for is_canceled in [false, true] {
        let made = pace.call(post(owner, "/transfers", &body)).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let at = format!("/transfers/{}", text(&made.value(), "id"));
        ok(pace.call(owner.get(&format!("{AT}/transfers?limit=1"))).await);
        ok(pace.call(owner.get(&format!("{AT}{at}"))).await);
        ok(pace.call(post(owner, &format!("{at}/ship"), &json!({}))).await);
        if is_canceled {
            ok(pace.call(post(owner, &format!("{at}/cancel"), &json!({}))).await);
            continue;
        }
        for quantity in [1, 3] {
            let body = json!({"lines": [{"sku": SOCKS.sku, "quantity": quantity}]});
            ok(pace.call(post(owner, &format!("{at}/receive"), &body)).await);
        }
    }
    pace.settle().await;
}

/// A sale over four shards: somebody buys, it ends, they change their mind, all comes back.
async fn flash_sale<P: Pace>(pace: &mut P, owner: &Colleague, round: Round) {
    let shop = owner.shop.clone();
    let armed = pace.call(post(owner, &format!("/{}/arm", SOCKS.sku), &json!({"shards": 4}))).await;
    assert_eq!(armed.status, 201, "{}", armed.text());
    ok(pace.call(owner.get(&format!("{AT}/levels/{}", SOCKS.sku))).await);
    ok(pace.call(owner.get(&format!("{AT}/forecast?sku={}", SOCKS.sku))).await);
    let mut buyer = Shopper::from(&shop, &round.ip(90));
    buyer.open_cart("EUR").await;
    buyer.ready(SOCKS, 1).await;
    let bought = buyer.complete().await;
    assert_eq!(bought.status, 201, "{}", bought.text());
    pace.settle().await;
    let path = format!("/{}/disarm", SOCKS.sku);
    let over = ok(pace.call(post(owner, &path, &json!({}))).await);
    assert_eq!(over["held"], 1);
    pace.call(shop.run_job("inventory.jobs.merge_shards")).await;
    ok(buyer.call("POST", &format!("/v1/store/orders/{}/cancel", buyer.order), &json!({})).await);
    for _ in 0..2 {
        pace.call(shop.run_job("inventory.jobs.merge_shards")).await;
    }
    pace.settle().await;
}

/// The poster is out; somebody waits, is told, waits again, and wants to no more.
async fn waiting<P: Pace>(pace: &mut P, owner: &Colleague, round: Round) {
    let shop = owner.shop.clone();
    let jane = Shopper::from(&shop, &round.ip(91));
    let poster = ok(jane.get("/v1/store/products/the-poster").await);
    let (product, variant) = (text(&poster, "id"), POSTER.variant());
    let path = format!("/v1/store/products/{product}/variants/{variant}/back_in_stock");
    let email = round.email("waits");
    for is_back in [true, false] {
        let body = json!({"lines": [line(POSTER, &first(), 0)]});
        assert_eq!(post(owner, "/counts", &body).await.status, 201);
        pace.settle().await;
        let waits = pace.call(jane.call("POST", &path, &json!({"email": email}))).await;
        assert_eq!(waits.status, 202, "{}", waits.text());
        if is_back {
            let body = json!({"lines": [line(POSTER, &first(), 1)]});
            assert_eq!(post(owner, "/counts", &body).await.status, 201);
            pace.settle().await;
            pace.call(shop.run_job("inventory.jobs.send_back_in_stock")).await;
            pace.settle().await;
        }
    }
    let token = json!({"token": jane.mailed_token(&email).expect("a letter with a way out")});
    done(&pace.call(jane.call("POST", "/v1/store/back_in_stock/unsubscribe", &token)).await);
    let body = json!({"lines": [line(POSTER, &first(), 1)]});
    assert_eq!(post(owner, "/counts", &body).await.status, 201);
    pace.settle().await;
}

/// Somebody changes a level by hand, past all of this: the proof finds it. Then it is put right.
pub(crate) async fn unexplained(shop: &Shop) {
    shift(shop, POSTER, 1).await;
    let outcome = shop.run_job("inventory.jobs.prove").await;
    assert!(matches!(outcome, Outcome::Answered(_)));
    shift(shop, POSTER, -1).await;
    shop.settle().await;
}

/// Adds units to a level that nothing explains.
pub(crate) async fn shift(shop: &Shop, good: Good, units: i64) {
    let client = aws_sdk_dynamodb::Client::new(&shop.sdk_config());
    let text = |value: String| AttributeValue::S(value);
    let update = client
        .update_item()
        .table_name("fluxion-inventory")
        .key("pk", text(format!("SKU#{}", good.sku)))
        .key("sk", text("LOC#default".to_owned()))
        .update_expression("SET on_hand = on_hand + :units, available = available + :units")
        .expression_attribute_values(":units", AttributeValue::N(units.to_string()));
    update.send().await.unwrap();
}
