//! A merchant's own systems: one that takes what it is told, one that does not, one that is gone.

use local::{Outcome, Shop};
use serde_json::{Value, json};

use super::{Pace, done, tag, text};
use crate::receiver::Receiver;
use crate::webhooks::ENDPOINTS;
use crate::world::{Colleague, ok};

async fn add<P: Pace>(pace: &mut P, owner: &Colleague, url: &str) -> String {
    let body = json!({"url": url, "events": ["*"]});
    let made = pace.call(owner.call("POST", ENDPOINTS, &body)).await;
    assert_eq!(made.status, 201, "{}", made.text());
    format!("{ENDPOINTS}/{}", text(&made.value()["endpoint"], "id"))
}

async fn ask<P: Pace>(pace: &mut P, owner: &Colleague, at: &str, body: &Value) {
    let asked = pace.call(owner.call("POST", at, body)).await;
    assert_eq!(asked.status, 202, "{}", asked.text());
    pace.follow().await;
}

/// All that is done with endpoints.
pub(crate) async fn endpoints<P: Pace>(pace: &mut P, shop: &Shop, owner: &Colleague) {
    let receiver = Receiver::new();
    let from = shop.clock().now();
    let fine = add(pace, owner, &receiver.url("/ok")).await;
    let busy = add(pace, owner, &receiver.url("/busy")).await;
    let gone = add(pace, owner, &receiver.url("/gone")).await;
    ok(pace.call(owner.get(ENDPOINTS)).await);
    ok(pace.call(owner.get(&fine)).await);
    ok(pace.call(owner.call("POST", &format!("{fine}/rotate_secret"), &json!({}))).await);
    for at in [&fine, &busy, &gone] {
        ask(pace, owner, &format!("{at}/test"), &json!({})).await;
    }
    assert_eq!(receiver.take().len(), 3);
    let list = ok(pace.call(owner.get(&format!("{busy}/deliveries?limit=1"))).await);
    // A try that is still to come is put forward.
    let again = format!("{busy}/deliveries/{}/redeliver", text(&list["data"][0], "id"));
    shop.clock().advance_ms(1);
    ask(pace, owner, &again, &json!({})).await;
    assert!(matches!(shop.run_job("webhooks.jobs.sweep").await, Outcome::Answered(_)));
    pace.settle().await;
    let span = json!({"from": from, "until": shop.clock().now()});
    ask(pace, owner, &format!("{busy}/replay"), &span).await;
    let shown = pace.call(owner.get(&gone)).await;
    assert_eq!(shown.value()["status"], "disabled");
    let body = json!({"is_active": true});
    ok(pace.call(owner.call_if(&tag(&shown), "PATCH", &gone, &body)).await);
    for at in [&fine, &busy, &gone] {
        let seen = tag(&pace.call(owner.get(at)).await);
        done(&pace.call(owner.call_if(&seen, "DELETE", at, &Value::Null)).await);
    }
    pace.settle().await;
}
