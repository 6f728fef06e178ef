//! The end of an order, and its second beginning.

use local::{Outcome, Request, Shop};
use serde_json::{Value, json};
use testkit::goods::TEMPLATE;

use super::{Pace, Round};
use crate::world::{Colleague, Shopper, key, ok};

const SETTINGS: &str = "/v1/admin/settings";

/// The job that completes what is done.
pub(crate) const JOB: &str = "orders.jobs.complete";

/// A paid order that is delivered at once: what is downloaded.
pub(crate) async fn delivered(shop: &Shop, ip: &str) -> Shopper {
    let mut buyer = Shopper::from(shop, ip);
    buyer.open_cart("EUR").await;
    buyer.ready(TEMPLATE, 1).await;
    let answer = buyer.complete().await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    buyer.pay("pm_card_visa");
    shop.settle().await;
    buyer
}

/// A shop takes goods back for so many days; how many they were before.
pub(crate) async fn take_back_for(owner: &Colleague, days: &Value) -> Value {
    let before = ok(owner.get(SETTINGS).await)["return_policy"]["days"].clone();
    let seen = owner.tag(SETTINGS).await;
    let body = json!({"return_policy": {"days": days}});
    ok(owner.call_if(&seen, "PATCH", SETTINGS, &body).await);
    before
}

/// Opens an order again.
pub(crate) async fn reopen(owner: &Colleague, order: &str) -> local::Response {
    let target = format!("/v1/admin/orders/{order}/reopen");
    let request = Request::new("POST", &target).header("idempotency-key", &key());
    owner.send(request.json(&json!({}))).await
}

/// An order that is done is completed by itself, and opened again by somebody.
pub(crate) async fn completion<P: Pace>(pace: &mut P, owner: &Colleague, round: Round) {
    let shop = owner.shop.clone();
    let buyer = delivered(&shop, &format!("198.18.22.{}", round.0)).await;
    // Otherwise weeks would have to go by.
    let before = take_back_for(owner, &json!(0)).await;
    let outcome = pace.call(shop.run_job(JOB)).await;
    assert!(matches!(outcome, Outcome::Answered(_)));
    assert_eq!(buyer.view_order().await["status"], "completed");
    ok(pace.call(reopen(owner, &buyer.order)).await);
    take_back_for(owner, &before).await;
    pace.settle().await;
}
