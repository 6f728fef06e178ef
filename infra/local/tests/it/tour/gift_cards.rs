//! Gift cards and store credit, through all that becomes of them.

use domain::currency::Currency;
use domain::id::CustomerId;
use domain::money::Money;
use jiff::SignedDuration;
use local::{Outcome, Shop};
use serde_json::json;
use testkit::goods::TEMPLATE;

use super::{Customer, Pace, Plain, text};
use crate::gift_cards;
use crate::world::{Colleague, Shopper, key, ok};

fn eur(amount: i64) -> Money {
    Money::new(amount, Currency::EUR)
}

/// A customer's cart that a gift card and store credit pay, but for some euros.
async fn cart<P: Pace>(pace: &mut P, jane: &mut Shopper) {
    jane.open_cart("EUR").await;
    jane.ready(TEMPLATE, 1).await;
    presented(pace, jane).await;
}

/// The cart that a customer has is paid with a gift card and store credit, and then it is not.
pub(crate) async fn pay_in_part<P: Pace>(pace: &mut P, jane: &Shopper) {
    presented(pace, jane).await;
    let shown = jane.view_cart().await;
    let id = text(&shown["gift_cards"][0], "id");
    let path = format!("/v1/store/carts/{}/gift_cards/{id}", jane.cart);
    ok(pace.call(jane.call("DELETE", &path, &json!({}))).await);
    let path = format!("/v1/store/carts/{}/store_credit", jane.cart);
    ok(pace.call(jane.call("POST", &path, &json!({"use": false}))).await);
}

/// A gift card and store credit are presented to a customer's cart.
async fn presented<P: Pace>(pace: &mut P, jane: &Shopper) {
    let shop = jane.shop.clone();
    let me = ok(jane.get("/v1/auth/me").await);
    let customer = CustomerId::parse(&text(&me, "id")).unwrap();
    gift_cards::credit(&shop, customer, eur(400)).await;
    let (_, code) = gift_cards::card(&shop, eur(500), None).await;
    ok(pace.call(gift_cards::present(jane, &code)).await);
    let path = format!("/v1/store/carts/{}/store_credit", jane.cart);
    ok(pace.call(jane.call("POST", &path, &json!({"use": true}))).await);
}

/// A cart is paid with a gift card and store credit, and then it is not.
pub(crate) async fn change_of_mind<P: Pace>(pace: &mut P, jane: &mut Customer) {
    let jane = &mut jane.who;
    cart(pace, jane).await;
    let shown = pace.call(jane.view_cart()).await;
    let id = text(&shown["gift_cards"][0], "id");
    let path = format!("/v1/store/carts/{}/gift_cards/{id}", jane.cart);
    ok(pace.call(jane.call("DELETE", &path, &json!({}))).await);
}

/// An order of such a cart.
async fn order(pace: &mut Plain, jane: &mut Shopper) {
    cart(pace, jane).await;
    let answer = pace.call(jane.complete()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.value()["order"]["tenders"].as_array().map(Vec::len), Some(2));
}

/// Orders that are paid, called off, never paid, and paid when it was too late.
pub(crate) async fn orders(shop: &Shop, jane: &mut Customer) {
    let (mut pace, jane) = (Plain(shop.clone()), &mut jane.who);
    order(&mut pace, jane).await;
    jane.pay("pm_card_visa");
    shop.settle().await;
    order(&mut pace, jane).await;
    let path = format!("/v1/store/orders/{}/cancel", jane.order);
    ok(jane.call("POST", &path, &json!({})).await);
    order(&mut pace, jane).await;
    gift_cards::end_behind_the_provider(shop, &jane.order).await;
    jane.pay("pm_card_visa");
    shop.settle().await;
    assert_eq!(jane.view_order().await["status"], "placed");
    order(&mut pace, jane).await;
    shop.clock().advance_ms(31 * 60 * 1000);
    let outcome = shop.run_job("checkout.jobs.expire_unpaid").await;
    assert!(matches!(outcome, Outcome::Answered(_)));
    shop.settle().await;
}

const CARDS: &str = "/v1/admin/gift_cards";

/// What the merchant does with gift cards and store credit, and what becomes of it.
pub(crate) async fn merchant<P: Pace>(pace: &mut P, owner: &Colleague, jane: &mut Customer) {
    let shop = owner.shop.clone();
    let jane = &jane.who;
    let amount = json!({"amount": 1500, "currency": "EUR"});
    let soon = shop.clock().now().saturating_add(SignedDuration::from_secs(1)).unwrap();
    let body = json!({"amount": amount, "expires_at": soon.to_string()});
    let issued = pace.call(owner.call("POST", CARDS, &body)).await;
    assert_eq!(issued.status, 201, "{}", issued.text());
    let issued = issued.value();
    let body = json!({"count": 2, "amount": amount});
    let many = pace.call(owner.call("POST", &format!("{CARDS}/bulk"), &body)).await;
    assert_eq!(many.status, 201, "{}", many.text());
    let listed = ok(pace.call(owner.get(&format!("{CARDS}?limit=1"))).await);
    let next = format!("{CARDS}?limit=1&cursor={}", text(&listed, "next_cursor"));
    ok(pace.call(owner.get(&next)).await);
    let at = format!("{CARDS}/{}", text(&issued, "id"));
    let seen = pace.call(owner.get(&at)).await.header("etag").expect("a tag").to_owned();
    let stop = json!({"status": "disabled"});
    ok(pace.call(owner.call_if(&seen, "PATCH", &at, &stop)).await);
    let code = json!({"code": text(&many.value()["data"][0], "code")});
    ok(pace.call(under_a_key(jane, "/v1/store/gift_cards/balance", &code)).await);

    let more = json!({"amount": amount, "reason": "Goodwill"});
    let key = key();
    let adjust = format!("{at}/adjust");
    let me = ok(jane.get("/v1/auth/me").await);
    let credit = format!("/v1/admin/customers/{}/store_credit", text(&me, "id"));
    for target in [&adjust, &credit] {
        let answer = pace.call(gift_cards::keyed(owner, &key, target, &more)).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
    ok(pace.call(owner.get(&credit)).await);
    ok(pace.call(jane.get("/v1/store/me/store_credit")).await);
    pace.settle().await;
    shop.clock().advance_ms(2_000);
    let outcome = pace.call(shop.run_job("promotions.jobs.expire_gift_cards")).await;
    assert!(matches!(outcome, Outcome::Answered(_)));
    pace.settle().await;
}

/// A request under a key of its own.
async fn under_a_key(who: &Shopper, target: &str, body: &serde_json::Value) -> local::Response {
    let request = local::Request::new("POST", target).header("idempotency-key", &key());
    who.send(request.json(body)).await
}
