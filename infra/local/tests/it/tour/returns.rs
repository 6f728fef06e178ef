//! What comes back, in every way: asked for, agreed to or not, sent, looked at, and settled with
//! money, with credit and with nothing.

use domain::currency::Currency;
use domain::id::CustomerId;
use domain::money::Money;
use local::{Request, Response, Shop};
use serde_json::{Value, json};
use testkit::goods::{Good, SOCKS, SOCKS_L};

use super::{Customer, Pace, parcels, tag, text};
use crate::gift_cards;
use crate::world::{Colleague, Shopper, key, ok};

/// Who waits this long for goods that were to be sent back waits no longer.
const SENT_WITHIN_MS: i64 = 30 * 24 * 3_600_000;

/// Where the returns of an order are, for staff.
pub(crate) fn at(order: &str) -> String {
    format!("/v1/admin/orders/{order}/returns")
}

/// Where they are for the buyer.
pub(crate) fn own(order: &str) -> String {
    format!("/v1/store/orders/{order}/returns")
}

/// So many units of a line.
pub(crate) fn wish(line: &Value, quantity: u32) -> Value {
    json!({"items": [{"order_line_id": line, "quantity": quantity, "reason": "does_not_fit",
        "note": "A size too small."}]})
}

/// So many units of a line, and what is wished for instead.
pub(crate) fn wishing(line: &Value, quantity: u32, good: Good, units: u32) -> Value {
    let mut wish = wish(line, quantity);
    wish["wish"] = json!([{"sku": good.sku, "quantity": units}]);
    wish
}

/// What was found of a line.
pub(crate) fn look(line: &Value, quantity: u32, reception: &str, disposition: &str) -> Value {
    let mut item = json!({"order_line_id": line, "quantity": quantity, "reception": reception});
    if !disposition.is_empty() {
        item["disposition"] = json!(disposition);
    }
    json!({"location_id": domain::stock::FIRST_LOCATION, "items": [item]})
}

/// A buyer says something, under a key.
pub(crate) async fn tell(buyer: &Shopper, target: &str, body: &Value) -> Response {
    let request = Request::new("POST", target).header("idempotency-key", &key());
    buyer.send(request.json(body)).await
}

/// Staff ask for a return.
pub(crate) async fn ask(clerk: &Colleague, order: &str, body: &Value) -> Response {
    let request = Request::new("POST", &at(order)).header("idempotency-key", &key());
    clerk.send(request.json(body)).await
}

/// All units of the order go out and arrive.
pub(crate) async fn deliver(owner: &Colleague, order: &str, line: &Value, units: u32) {
    let made = parcels::open(owner, order, line, units).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let here = format!("{}/{}", parcels::at(order), text(&made.value(), "id"));
    let mut seen = made.header("etag").expect("a tag").to_owned();
    for way in ["ship", "deliver"] {
        let body = if way == "ship" { json!({}) } else { Value::Null };
        seen = tag(&parcels::go(owner, &seen, &format!("{here}/{way}"), &body).await);
    }
    owner.shop.settle().await;
}

/// A customer's order of socks, that a gift card and store credit pay in part; all of it went out.
async fn ordered(owner: &Colleague, jane: &mut Shopper, units: u32) -> Value {
    let shop = owner.shop.clone();
    let me = ok(jane.get("/v1/auth/me").await);
    let customer = CustomerId::parse(&text(&me, "id")).expect("an id");
    // What is left of earlier credit goes: it would pay for everything.
    let credit = format!("/v1/admin/customers/{customer}/store_credit");
    for balance in ok(owner.get(&credit).await)["balances"].as_array().unwrap() {
        let left = balance["amount"].as_i64().unwrap();
        if left > 0 {
            let take = json!({"amount": -left, "currency": balance["currency"]});
            let body = json!({"amount": take, "reason": "Used up"});
            let request = Request::new("POST", &credit).header("idempotency-key", &key());
            ok(owner.send(request.json(&body)).await);
        }
    }
    let eur = |amount| Money::new(amount, Currency::EUR);
    gift_cards::credit(&shop, customer, eur(300)).await;
    let (_, code) = gift_cards::card(&shop, eur(200), None).await;
    jane.open_cart("EUR").await;
    jane.ready(SOCKS, units).await;
    ok(gift_cards::present(jane, &code).await);
    let path = format!("/v1/store/carts/{}/store_credit", jane.cart);
    ok(jane.call("POST", &path, &json!({"use": true})).await);
    let answer = jane.complete().await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    jane.pay("pm_card_visa");
    shop.settle().await;
    let line = json!(parcels::line_of(jane).await);
    deliver(owner, &jane.order, &line, units).await;
    line
}

/// Staff ask for a return and move it on by these steps.
async fn walk<P: Pace>(
    pace: &mut P,
    owner: &Colleague,
    order: &str,
    line: &Value,
    steps: &[(&str, Value)],
) {
    let made = pace.call(ask(owner, order, &wish(line, 1))).await;
    assert_eq!(made.status, 201, "{}", made.text());
    pace.settle().await;
    let here = format!("{}/{}", at(order), text(&made.value(), "id"));
    let mut seen = tag(&pace.call(owner.get(&here)).await);
    for (step, body) in steps {
        let target = format!("{here}/{step}");
        seen = tag(&pace.call(parcels::go(owner, &seen, &target, body)).await);
        pace.settle().await;
    }
}

/// Everything that may become of what comes back.
pub(crate) async fn returns<P: Pace>(pace: &mut P, owner: &Colleague, jane: &mut Customer) {
    let jane = &mut jane.who;
    let line = ordered(owner, jane, 5).await;
    let order = jane.order.clone();
    ok(pace.call(jane.get(&own(&order))).await);
    let made = pace.call(tell(jane, &own(&order), &wish(&line, 1))).await;
    assert_eq!(made.status, 201, "{}", made.text());
    pace.settle().await;
    let path = format!("{}/{}/cancel", own(&order), text(&made.value(), "id"));
    ok(pace.call(tell(jane, &path, &Value::Null)).await);
    let made = pace.call(tell(jane, &own(&order), &wish(&line, 1))).await;
    let id = text(&made.value(), "id");
    ok(pace.call(jane.get(&format!("{}/{id}", own(&order)))).await);
    ok(pace.call(owner.get("/v1/admin/returns?limit=1")).await);
    ok(pace.call(owner.get(&at(&order))).await);
    let here = format!("{}/{id}", at(&order));
    let seen = tag(&owner.get(&here).await);
    let told = json!({"instructions": "Pack it well."});
    tag(&pace.call(parcels::go(owner, &seen, &format!("{here}/approve"), &told)).await);
    pace.settle().await;
    let sent = json!({"carrier": "DHL"});
    ok(pace.call(tell(jane, &format!("{}/{id}/send", own(&order)), &sent)).await);
    pace.settle().await;
    let mut seen = tag(&owner.get(&here).await);
    for (step, body) in [("receive", look(&line, 1, "received", "restock")), ("refund", json!({}))]
    {
        seen = tag(&pace.call(parcels::go(owner, &seen, &format!("{here}/{step}"), &body)).await);
        pace.settle().await;
    }
    let (told, why) = (json!({}), json!({"reason": "It was worn."}));
    let short = look(&line, 1, "short", "");
    walk(pace, owner, &order, &line, &[("reject", why.clone())]).await;
    walk(pace, owner, &order, &line, &[("cancel", Value::Null)]).await;
    let steps = [("approve", told.clone()), ("receive", short), ("close", why)];
    walk(pace, owner, &order, &line, &steps).await;
    // What gift cards and credit paid goes back to them, what the card paid becomes credit; the
    // second time there is nothing left of them.
    let line = ordered(owner, jane, 2).await;
    let order = jane.order.clone();
    let gone = look(&line, 1, "damaged", "write_off");
    let steps = [("approve", told), ("receive", gone), ("credit", json!({}))];
    for _ in 0..2 {
        walk(pace, owner, &order, &line, &steps).await;
    }
    exchanged(pace, owner, jane).await;
}

/// Other goods for what came back, of which gift cards and credit had paid a part: the rest has to
/// be paid, is not, and what the card had paid goes back.
async fn exchanged<P: Pace>(pace: &mut P, owner: &Colleague, jane: &mut Shopper) {
    let line = ordered(owner, jane, 1).await;
    let order = jane.order.clone();
    let made = pace.call(ask(owner, &order, &wishing(&line, 1, SOCKS_L, 1))).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let here = format!("{}/{}", at(&order), text(&made.value(), "id"));
    let mut seen = tag(&owner.get(&here).await);
    for (step, body) in [("approve", json!({})), ("receive", look(&line, 1, "received", "restock"))]
    {
        seen = tag(&pace.call(parcels::go(owner, &seen, &format!("{here}/{step}"), &body)).await);
        pace.settle().await;
    }
    let preview = Request::new("POST", &format!("{here}/exchange/preview"));
    let preview = preview.header("idempotency-key", &key()).json(&json!({}));
    let preview = ok(pace.call(owner.send(preview)).await);
    let given = json!({"expected_total": preview["total"], "reason": "Too small"});
    tag(&pace.call(parcels::go(owner, &seen, &format!("{here}/exchange"), &given)).await);
    pace.settle().await;
    let shown = ok(owner.get(&here).await);
    let replacement = text(&shown["resolution"]["exchange"], "order_id");
    let path = format!("/v1/store/orders/{replacement}/cancel");
    ok(pace.call(tell(jane, &path, &Value::Null)).await);
    pace.settle().await;
    owner.shop.run_job("returns.jobs.pay_out").await;
    pace.settle().await;
}

/// Goods that may come back and are never sent.
pub(crate) async fn never_sent(shop: &Shop, owner: &Colleague) {
    let buyer = parcels::socks(shop, "198.18.21.1", 1).await;
    let line = json!(parcels::line_of(&buyer).await);
    deliver(owner, &buyer.order, &line, 1).await;
    let made = ask(owner, &buyer.order, &wish(&line, 1)).await;
    let here = format!("{}/{}", at(&buyer.order), text(&made.value(), "id"));
    let seen = tag(&owner.get(&here).await);
    tag(&parcels::go(owner, &seen, &format!("{here}/approve"), &json!({})).await);
    shop.settle().await;
    shop.clock().advance_ms(SENT_WITHIN_MS + 1);
    shop.run_job("returns.jobs.expire").await;
    shop.settle().await;
}
