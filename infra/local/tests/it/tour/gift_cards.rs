//! Gift cards and store credit, through all that becomes of them.

use domain::currency::Currency;
use domain::id::CustomerId;
use domain::money::Money;
use local::{Outcome, Shop};
use serde_json::json;
use testkit::goods::TEMPLATE;

use super::{Customer, Pace, Plain, text};
use crate::gift_cards;
use crate::world::{Shopper, ok};

fn eur(amount: i64) -> Money {
    Money::new(amount, Currency::EUR)
}

/// A customer's cart that a gift card and store credit pay, but for ten euros.
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
    assert_eq!(shown["due"]["amount"], 1000);
    let id = text(&shown["gift_cards"][0], "id");
    let path = format!("/v1/store/carts/{}/gift_cards/{id}", jane.cart);
    ok(pace.call(jane.call("DELETE", &path, &json!({}))).await);
}

/// An order of such a cart.
async fn order(pace: &mut Plain, jane: &mut Shopper) {
    cart(pace, jane).await;
    let answer = pace.call(jane.complete()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.value()["order"]["due"]["amount"], 1000);
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
