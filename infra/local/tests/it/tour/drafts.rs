//! Orders that staff put together: begun, changed, sent, looked at, paid, and one called off.

use local::{Request, Shop};
use serde_json::{Value, json};
use testkit::goods::SOCKS;

use super::{Pace, text};
use crate::world::{self, Colleague, Shopper, key, ok};

const DRAFTS: &str = "/v1/admin/draft_orders";
const TO: &str = "draft@example.org";

fn content() -> Value {
    json!({
        "currency": "EUR",
        "lines": [{"variant_id": SOCKS.variant(), "quantity": 1}],
        "email": TO,
        "shipping_address": world::address(),
        "shipping_option_id": "home-standard",
    })
}

fn post(target: &str, body: &Value) -> Request {
    Request::new("POST", target).header("idempotency-key", &key()).json(body)
}

/// Staff agree with a buyer, who pays by the link.
pub(crate) async fn drafts<P: Pace>(pace: &mut P, owner: &Colleague, shop: &Shop) {
    let made = ok(pace.call(owner.send(post(DRAFTS, &content()))).await);
    let draft = format!("{DRAFTS}/{}", text(&made, "id"));
    ok(pace.call(owner.get(&format!("{DRAFTS}?limit=1"))).await);
    ok(pace.call(owner.get(&draft)).await);
    let send = format!("{draft}/send");
    ok(owner.send(post(&send, &json!({"message": "As we said."}))).await);
    let seen = owner.tag(&draft).await;
    ok(pace.call(owner.call_if(&seen, "PUT", &draft, &content())).await);
    ok(owner.send(post(&send, &json!({}))).await);
    let sent = ok(pace.call(owner.send(post(&send, &json!({})))).await);
    pace.settle().await;

    let mut jane = Shopper::from(shop, "198.18.30.7");
    jane.cart = text(&sent, "cart_id");
    jane.cart_token = jane.mailed_token(TO);
    let link = format!("/v1/store/pay_links/{}", jane.cart);
    let link = ok(pace.call(jane.get(&link)).await);
    let bought = jane.complete_at(&key(), &link["totals"]["total"]).await;
    assert_eq!(bought.status, 201, "{}", bought.text());
    assert_eq!(jane.pay("pm_card_visa").0, 200);
    pace.settle().await;

    let made = ok(owner.send(post(DRAFTS, &content())).await);
    let draft = format!("{DRAFTS}/{}", text(&made, "id"));
    ok(owner.send(post(&format!("{draft}/send"), &json!({}))).await);
    ok(pace.call(owner.send(post(&format!("{draft}/cancel"), &json!({})))).await);
    pace.settle().await;
}
