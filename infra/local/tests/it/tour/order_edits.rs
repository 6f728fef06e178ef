//! Edits of an order: looked at, proposed, withdrawn, declined, applied by staff, agreed to by its
//! buyer who pays the rest, and one to which nobody says anything.

use local::{Outcome, Request, Shop};
use serde_json::{Value, json};
use testkit::goods::{SOCKS, SOCKS_L};

use super::refunds::ordered;
use super::{Pace, parcels, text};
use crate::world::{self, Colleague, Shopper, key, ok};

const TO: &str = "jane@example.org";
const JOB: &str = "orders.jobs.expire_edits";
/// Longer than an edit is good that staff propose for a day.
const LATE_MS: i64 = 25 * 60 * 60 * 1000;

fn post(target: &str, body: &Value) -> Request {
    Request::new("POST", target).header("idempotency-key", &key()).json(body)
}

/// Units of a line go, pairs of socks come.
fn body(line: &Value, units: u32, due: i64) -> Value {
    json!({
        "removals": [{"line_id": line, "quantity": units}],
        "additions": [{"sku": SOCKS_L.sku, "quantity": 1}],
        "expected_due": {"amount": due, "currency": "EUR"},
        "reason": "Called",
        "days": 1,
    })
}

/// A paid order of a customer, of which a gift card and store credit paid a part: where its edits
/// are, and its line.
async fn bought<P: Pace>(pace: &mut P, owner: &Colleague, jane: &mut Shopper) -> (String, Value) {
    ordered(&owner.shop, owner, jane).await;
    jane.pay("pm_card_visa");
    pace.settle().await;
    let order = format!("/v1/admin/orders/{}", jane.order);
    let line = ok(owner.get(&order).await)["lines"][0]["id"].clone();
    (format!("{order}/edits"), line)
}

/// Staff change what somebody has bought.
pub(crate) async fn edits<P: Pace>(pace: &mut P, owner: &Colleague, jane: &mut Shopper) {
    let (edits, line) = bought(pace, owner, jane).await;
    let order = format!("/v1/admin/orders/{}", jane.order);
    let seen = owner.tag(&order).await;
    let there = format!("{order}/shipping_address");
    let elsewhere = json!({"address": world::address(), "reason": "Misspelt"});
    let there = Request::new("PUT", &there).header("if-match", &seen);
    let there = there.header("idempotency-key", &key()).json(&elsewhere);
    ok(pace.call(owner.send(there)).await);
    let wanted = json!({"additions": [{"sku": SOCKS_L.sku, "quantity": 1}]});
    ok(pace.call(owner.send(post(&format!("{edits}/preview"), &wanted))).await);
    // Of a mug's 12.50 gift card and credit get nine back; the rest pays for a part of the socks.
    let made = pace.call(owner.send(post(&edits, &body(&line, 1, 450)))).await;
    assert_eq!(made.status, 201, "{}", made.text());
    ok(pace.call(owner.get(&edits)).await);
    let back = post(&format!("{edits}/1/withdraw"), &json!({}));
    ok(pace.call(owner.send(back)).await);
    pace.settle().await;

    let here = format!("/v1/store/orders/{}/edit", jane.order);
    assert_eq!(owner.send(post(&edits, &body(&line, 1, 450))).await.status, 201);
    pace.settle().await;
    let no = json!({"number": 2, "reason": "Too dear"});
    ok(pace.call(jane.send(post(&format!("{here}/decline"), &no))).await);
    pace.settle().await;

    assert_eq!(owner.send(post(&edits, &body(&line, 2, 0))).await.status, 201);
    ok(pace.call(owner.send(post(&format!("{edits}/3/apply"), &json!({})))).await);
    pace.settle().await;

    let (edits, line) = bought(pace, owner, jane).await;
    assert_eq!(owner.send(post(&edits, &body(&line, 1, 450))).await.status, 201);
    pace.settle().await;
    let here = format!("/v1/store/orders/{}/edit", jane.order);
    // By the link, as somebody who is not signed in.
    let mut guest = Shopper::from(&jane.shop, "198.18.31.7");
    guest.order_token = jane.mailed_token(TO);
    guest.order.clone_from(&jane.order);
    ok(pace.call(guest.get(&here)).await);
    let yes = post(&format!("{here}/approve"), &json!({"number": 1}));
    let done = ok(pace.call(guest.send(yes)).await);
    pace.settle().await;
    guest.order_token = Some(text(&done, "order_token"));
    guest.order = text(&done["edit"], "added_order_id");
    let path = format!("/v1/store/orders/{}/retry_payment", guest.order);
    let way = ok(guest.send(Request::new("POST", &path)).await);
    guest.intent = text(&way["payment"], "payment_intent_id");
    guest.client_secret = text(&way["payment"], "client_secret");
    assert_eq!(guest.pay("pm_card_visa").0, 200);
    pace.settle().await;
    let beat = pace.call(owner.shop.run_job(JOB)).await;
    assert!(matches!(beat, Outcome::Answered(_)));
}

/// An edit to which nobody says anything.
pub(crate) async fn never_agreed(shop: &Shop, owner: &Colleague) {
    let jane = parcels::socks(shop, "198.18.31.8", 1).await;
    let edits = format!("/v1/admin/orders/{}/edits", jane.order);
    let wanted = json!({
        "additions": [{"sku": SOCKS.sku, "quantity": 1}],
        "expected_due": {"amount": 800, "currency": "EUR"},
        "reason": "Called",
        "days": 1,
    });
    let made = owner.send(post(&edits, &wanted)).await;
    assert_eq!(made.status, 201, "{}", made.text());
    shop.settle().await;
    shop.clock().advance_ms(LATE_MS);
    assert!(matches!(shop.run_job(JOB).await, Outcome::Answered(_)));
    shop.settle().await;
}
