//! What happens to a paid order before it leaves: units are called off, and its buyer, who has
//! nothing but the number and the mailbox, looks at it.

use local::Request;
use serde_json::json;

use super::{Pace, text};
use crate::world::{Colleague, Shopper, key, ok, refusal};

/// Staff calls a unit off; the buyer looks the order up. A gift card and store credit paid less
/// than the unit costs.
pub(crate) async fn changes<P: Pace>(pace: &mut P, owner: &Colleague, jane: &Shopper) {
    let order = format!("/v1/admin/orders/{}", jane.order);
    let before = ok(owner.get(&order).await);
    let line = json!({"line_id": before["lines"][0]["id"], "quantity": 1});
    let body = json!({"lines": [line], "reason": "Out of stock"});
    let request = Request::new("POST", &format!("{order}/lines/cancel"));
    let request = request.header("idempotency-key", &key()).json(&body);
    let off = ok(pace.call(owner.send(request)).await);
    assert_eq!(off["lines"][0]["canceled_quantity"], 1);
    pace.settle().await;

    let guest = Shopper::from(&jane.shop, "198.18.30.1");
    let email = text(&before, "email");
    let body = json!({"number": before["number"], "email": email});
    let request = Request::new("POST", "/v1/store/orders/lookup");
    let request = request.header("idempotency-key", &key()).json(&body);
    ok(pace.call(guest.send(request)).await);
    pace.settle().await;
    let order_token = guest.mailed_token(&email);
    let guest = Shopper { order_token, order: jane.order.clone(), ..guest };
    let here = format!("/v1/store/orders/{}", jane.order);
    // Not counted: whoever has the order's own token costs one read less.
    ok(guest.get(&here).await);
    let invoice = guest.get(&format!("{here}/invoice")).await;
    assert_ne!(refusal(&invoice).1, "not_found");

    super::drafts::drafts(pace, owner, &jane.shop).await;
}
