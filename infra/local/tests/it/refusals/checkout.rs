//! The completion: what is missing is named, and what became an order stays one.

use domain::currency::Currency;
use local::{Options, Request};
use serde_json::json;
use stripe_twin::Faults;
use testkit::goods;
use testkit::goods::{MUG, POSTER, TEMPLATE};

use super::{at, changed, euros};
use crate::world;
use crate::world::{Shopper, key, ok, refusal, sound};

#[tokio::test]
async fn a_completion_says_what_is_still_missing_one_thing_after_the_other() {
    let shop = world::open().await;
    let mut jane = Shopper::guest(&shop).await;
    let mut missing = Vec::new();
    missing.push(refusal(&jane.complete_at(&key(), &euros(0)).await));
    jane.add(MUG, 1).await;
    missing.push(refusal(&jane.complete().await));
    let wanted = json!({"shipping_option_id": "home-standard"});
    missing.push(refusal(&jane.call("PUT", &at(&jane, "/shipping"), &wanted).await));
    missing.push(refusal(&jane.get(&at(&jane, "/shipping_options")).await));
    jane.addresses().await;
    missing.push(refusal(&jane.complete().await));
    jane.ship_by("home-standard").await;
    let codes: Vec<String> = missing
        .into_iter()
        .map(|(status, code)| {
            assert_eq!(status, 409, "{code}");
            code
        })
        .collect();
    assert_eq!(
        codes,
        ["cart_empty", "email_missing", "address_missing", "address_missing", "shipping_missing"]
    );
    assert_eq!(jane.complete().await.status, 201);
}

#[tokio::test]
async fn less_than_the_provider_takes_is_refused_before_anything_is_placed() {
    let goods = changed(TEMPLATE, |offer| {
        offer.prices.insert(Currency::EUR, 49);
    });
    let shop = world::open_with(Options::default(), &goods).await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(TEMPLATE, 1).await;
    let answer = jane.complete().await;
    assert_eq!(refusal(&answer), (409, "amount_too_small".into()));
    assert_eq!(answer.value()["minimum"], euros(50));
    assert!(sound(&shop, &goods).await.orders.is_empty());
}

#[tokio::test]
async fn exactly_what_the_provider_takes_at_least_is_taken() {
    let goods = changed(TEMPLATE, |offer| {
        offer.prices.insert(Currency::EUR, 50);
    });
    let shop = world::open_with(Options::default(), &goods).await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(TEMPLATE, 1).await;
    let answer = jane.complete().await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(jane.pay("pm_card_visa").0, 200);
    shop.settle().await;
    let order = jane.view_order().await;
    assert_eq!((&order["status"], &order["totals"]["total"]), (&json!("placed"), &euros(50)));
    assert_eq!(shop.twin().objects("payment_intent")[0]["amount_received"], 50);
    sound(&shop, &goods).await;
}

#[tokio::test]
async fn what_was_paid_for_stays_as_it_is_until_the_webhook_comes() {
    let shop = world::open().await;
    let hold = Faults { webhook_hold: true, ..Faults::default() };
    shop.twin().set_faults(hold);
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 1).await;
    assert_eq!(jane.complete().await.status, 201);
    let total = jane.view_order().await["totals"]["total"].clone();
    assert_eq!(jane.pay("pm_card_visa").0, 200);
    // The money is there, and nobody has told the shop.
    shop.settle().await;
    assert_eq!(jane.view_order().await["status"], "pending_payment");
    let to = json!({"email": "joe@example.org", "shipping_address": world::address()});
    let lines = jane.view_cart().await["lines"].clone();
    let line = format!("/lines/{}", lines[0]["id"].as_str().unwrap());
    for (method, rest, body) in [
        ("POST", "/lines", json!({"variant_id": MUG.variant(), "quantity": 1})),
        ("PATCH", line.as_str(), json!({"quantity": 2})),
        ("DELETE", line.as_str(), json!({})),
        ("PUT", "/addresses", to),
        ("PUT", "/shipping", json!({"shipping_option_id": "home-express"})),
        ("POST", "/complete", json!({"expected_total": euros(1)})),
    ] {
        let request = Request::new(method, &at(&jane, rest)).header("idempotency-key", &key());
        let request = if method == "DELETE" { request } else { request.json(&body) };
        let answer = jane.send(request).await;
        assert_eq!(refusal(&answer), (409, "cart_completed".into()), "{method} {rest}");
    }
    assert_eq!(jane.view_order().await["totals"]["total"], total);
    shop.twin().set_faults(Faults::default());
    shop.settle_all().await;
    let order = jane.view_order().await;
    assert_eq!((&order["status"], &order["payment_status"]), (&json!("placed"), &json!("paid")));
    assert_eq!(order["totals"]["total"], total);
    let intents = shop.twin().objects("payment_intent");
    assert_eq!((intents.len(), &intents[0]["amount_received"]), (1, &total["amount"]));
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn a_cart_that_became_an_order_stays_as_it_is() {
    let shop = world::open().await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 1).await;
    jane.complete().await;
    let to = json!({"email": "jane@example.org", "shipping_address": world::address()});
    for (method, rest, body) in [
        ("POST", "/lines", json!({"variant_id": MUG.variant(), "quantity": 1})),
        ("PUT", "/addresses", to),
        ("PUT", "/shipping", json!({"shipping_option_id": "home-express"})),
    ] {
        let answer = jane.call(method, &at(&jane, rest), &body).await;
        assert_eq!(refusal(&answer), (409, "cart_completed".into()), "{rest}");
        assert_eq!(answer.value()["order_id"], json!(jane.order), "{rest}");
    }
}

#[tokio::test]
async fn a_lapsed_hold_is_taken_over_by_the_next_buyer_before_any_sweep() {
    let shop = world::open().await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(POSTER, 1).await;
    assert_eq!(jane.complete().await.status, 201);
    let mut joe = Shopper::from(&shop, "203.0.113.8");
    joe.open_cart("EUR").await;
    joe.ready(POSTER, 1).await;
    shop.clock().advance_ms(30 * 60 * 1000 - 1);
    assert_eq!(refusal(&joe.complete().await), (409, "insufficient_stock".into()));
    shop.clock().advance_ms(2);
    let answer = joe.complete().await;
    assert_eq!(answer.status, 201, "{}", answer.text());

    // The first buyer is too late, and hears it before paying.
    let path = format!("/v1/store/orders/{}/retry_payment", jane.order);
    let answer = jane.call("POST", &path, &json!({})).await;
    assert_eq!(refusal(&answer), (409, "nothing_to_pay".into()));
    joe.pay("pm_card_visa");
    shop.settle_all().await;
    assert_eq!(joe.view_order().await["status"], "placed");
    assert_eq!(jane.view_order().await["status"], "expired");
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn nothing_is_paid_again_after_the_payment_window() {
    let shop = world::open().await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 1).await;
    jane.complete().await;
    jane.pay("pm_card_chargeDeclined");
    shop.settle().await;
    let path = format!("/v1/store/orders/{}/retry_payment", jane.order);
    shop.clock().advance_ms(30 * 60 * 1000 - 1);
    ok(jane.call("POST", &path, &json!({})).await);
    shop.clock().advance_ms(1);
    let answer = jane.call("POST", &path, &json!({})).await;
    assert_eq!(refusal(&answer), (409, "nothing_to_pay".into()));
    shop.settle_all().await;
    assert_eq!(jane.view_order().await["status"], "expired");
    assert_eq!(
        refusal(&jane.call("POST", &path, &json!({})).await),
        (409, "nothing_to_pay".into())
    );
    sound(&shop, &goods::small(world::MUGS)).await;
}
