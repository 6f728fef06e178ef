//! The order desk: money back in every way, orders called off, held and written about.

use domain::currency::Currency;
use domain::id::CustomerId;
use domain::money::Money;
use local::{Request, Response, Shop};
use serde_json::{Value, json};
use testkit::goods::MUG;

use super::{Customer, Pace, text};
use crate::gift_cards;
use crate::world::{Colleague, Shopper, key, ok};

/// The provider fails refunds of one card within these seconds.
const AFTERMATH_SECONDS: u64 = 30;

/// A customer's order of mugs, that a gift card and store credit pay in part; it waits for the
/// rest.
pub(crate) async fn ordered(shop: &Shop, owner: &Colleague, jane: &mut Shopper) {
    let me = ok(jane.get("/v1/auth/me").await);
    // What is left of earlier credit goes: it would pay for everything.
    let credit = format!("/v1/admin/customers/{}/store_credit", text(&me, "id"));
    for balance in ok(owner.get(&credit).await)["balances"].as_array().unwrap() {
        let left = balance["amount"].as_i64().unwrap();
        if left > 0 {
            let take = json!({"amount": -left, "currency": balance["currency"]});
            let body = json!({"amount": take, "reason": "Used up"});
            ok(post(owner, &credit, &body).await);
        }
    }
    let customer = CustomerId::parse(&text(&me, "id")).expect("an id");
    let eur = |amount| Money::new(amount, Currency::EUR);
    gift_cards::credit(shop, customer, eur(400)).await;
    let (_, code) = gift_cards::card(shop, eur(500), None).await;
    jane.open_cart("EUR").await;
    jane.ready(MUG, 3).await;
    ok(gift_cards::present(jane, &code).await);
    let path = format!("/v1/store/carts/{}/store_credit", jane.cart);
    ok(jane.call("POST", &path, &json!({"use": true})).await);
    let answer = jane.complete().await;
    assert_eq!(answer.status, 201, "{}", answer.text());
}

fn at(jane: &Shopper, rest: &str) -> String {
    format!("/v1/admin/orders/{}{rest}", jane.order)
}

async fn post(owner: &Colleague, target: &str, body: &Value) -> Response {
    let request = Request::new("POST", target).header("idempotency-key", &key());
    owner.send(request.json(body)).await
}

/// Staff calls an order off.
pub(crate) async fn call_off<P: Pace>(pace: &mut P, owner: &Colleague, jane: &Shopper) {
    let why = json!({"reason": "Out of stock"});
    let off = ok(pace.call(post(owner, &at(jane, "/cancel"), &why)).await);
    assert_eq!(off["status"], "canceled");
    pace.settle().await;
}

/// Everything that staff does with an order that is paid, and with one that is not.
pub(crate) async fn desk<P: Pace>(pace: &mut P, owner: &Colleague, jane: &mut Customer) {
    let (shop, jane) = (owner.shop.clone(), &mut jane.who);
    ordered(&shop, owner, jane).await;
    jane.pay("pm_card_refundFail");
    pace.settle().await;
    let order = ok(owner.get(&at(jane, "")).await);
    let line = json!({"lines": [{"line_id": order["lines"][0]["id"], "quantity": 3}]});
    ok(pace.call(post(owner, &at(jane, "/refunds/preview"), &line)).await);
    let told = json!({"lines": line["lines"], "reason": "She says that it is broken"});
    let made = ok(pace.call(post(owner, &at(jane, "/refunds"), &told)).await);
    pace.settle().await;
    shop.advance(AFTERMATH_SECONDS).await;
    pace.settle().await;
    let all = ok(pace.call(owner.get(&at(jane, "/refunds"))).await);
    let failed = ok(pace.call(owner.get("/v1/admin/refunds")).await);
    let mut listed = failed["data"].as_array().unwrap().iter();
    assert!(listed.any(|refund| refund["id"] == made["id"]), "{all}\n{failed}");
    let retry = at(jane, &format!("/refunds/{}/retry", text(&made, "id")));
    ok(pace.call(post(owner, &retry, &json!({}))).await);
    pace.settle().await;

    let why = json!({"reason": "Asked for another address"});
    ok(pace.call(post(owner, &at(jane, "/hold"), &why)).await);
    ok(pace.call(post(owner, &at(jane, "/release"), &json!({}))).await);
    let note = json!({"text": "Called; calls back tomorrow."});
    ok(pace.call(post(owner, &at(jane, "/notes"), &note)).await);
    ok(pace.call(owner.get(&at(jane, "/notes?limit=1"))).await);
    ok(pace.call(owner.get(&at(jane, "/timeline"))).await);
    let again = pace.call(post(owner, &at(jane, "/resend_confirmation"), &json!({}))).await;
    assert_eq!(again.status, 204, "{}", again.text());
    pace.settle().await;

    ordered(&shop, owner, jane).await;
    jane.pay("pm_card_visa");
    pace.settle().await;
    super::order_changes::changes(pace, owner, jane).await;
    ordered(&shop, owner, jane).await;
    call_off(pace, owner, jane).await;
    // Paid, and the shop has not heard of it.
    ordered(&shop, owner, jane).await;
    jane.pay("pm_card_visa");
    call_off(pace, owner, jane).await;
}
