//! Orders end by themselves, once, when nothing may come back any more; and are opened again.

use domain::id::OrderId;
use domain::permission::Permission;
use local::{Options, Outcome, Shop};
use serde_json::json;
use testkit::goods;
use wire::{FaultKind, Plan};

use crate::tour::completion::{JOB, delivered, reopen};
use crate::tour::parcels::{at, go, line_of, open, socks};
use crate::world::{self, Colleague, Shopper, ok, refusal, sound};

/// What a job writes with.
const TRANSACTION: &str = "TransactWriteItems";
const MAY: [Permission; 3] =
    [Permission::OrdersRead, Permission::OrdersWrite, Permission::OrdersFulfill];

fn days_later(shop: &Shop, days: i64) {
    shop.clock().advance_ms(days * 24 * 3_600_000);
}

async fn beat(shop: &Shop) -> bool {
    matches!(shop.run_job(JOB).await, Outcome::Answered(_))
}

/// How often something happened to an order.
async fn times(desk: &Colleague, order: &str, what: &str) -> usize {
    let all = ok(desk.get(&format!("/v1/admin/orders/{order}/timeline")).await);
    let all = all["data"].as_array().expect("a list");
    all.iter().filter(|moment| moment["type"] == what).count()
}

#[tokio::test]
async fn an_order_is_completed_once_when_the_time_for_returns_is_over_and_opened_again() {
    let shop = world::open().await;
    let jane = delivered(&shop, "203.0.113.7").await;
    // Sent, and nobody has said that it arrived.
    let packer = Colleague::of(&shop, "packer", &MAY).await;
    let joe = socks(&shop, "203.0.113.8", 1).await;
    let still = socks(&shop, "203.0.113.9", 2).await;
    for (buyer, units) in [(&joe, 1), (&still, 1)] {
        let line = json!(line_of(buyer).await);
        let made = open(&packer, &buyer.order, &line, units).await;
        let here = format!("{}/{}", at(&buyer.order), made.value()["id"].as_str().unwrap());
        let seen = made.header("etag").unwrap().to_owned();
        ok(go(&packer, &seen, &format!("{here}/ship"), &json!({})).await);
    }
    let early = reopen(&packer, &jane.order).await;
    assert_eq!(refusal(&early), (409, "invalid_transition".into()));
    shop.settle().await;
    days_later(&shop, 13);
    assert!(beat(&shop).await);
    assert_eq!(jane.view_order().await["status"], "placed", "a day is left");
    days_later(&shop, 1);
    for _ in 0..2 {
        assert!(beat(&shop).await);
        shop.settle().await;
    }
    for buyer in [&jane, &joe] {
        assert_eq!(buyer.view_order().await["status"], "completed");
    }
    assert_eq!(still.view_order().await["status"], "placed", "a unit of it is here");
    let desk = Colleague::of(&shop, "desk", &MAY).await;
    assert_eq!(times(&desk, &jane.order, "order.completed").await, 1);
    let shown = ok(desk.get(&format!("/v1/admin/orders/{}", jane.order)).await);
    assert!(shown["completed_at"].is_string(), "{shown}");

    let open = ok(reopen(&desk, &jane.order).await);
    assert_eq!((&open["status"], &open["completed_at"]), (&json!("placed"), &json!(null)));
    let again = reopen(&desk, &jane.order).await;
    assert_eq!(refusal(&again), (409, "invalid_transition".into()));
    days_later(&shop, 13);
    assert!(beat(&shop).await);
    assert_eq!(jane.view_order().await["status"], "placed", "it has the whole time once more");
    days_later(&shop, 1);
    assert!(beat(&shop).await);
    assert_eq!(jane.view_order().await["status"], "completed");
    shop.settle().await;
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn an_order_that_is_not_completed_holds_no_other_up_and_is_completed_an_hour_later() {
    let options = Options { sdk_attempts: 1, ..Options::default() };
    let shop = world::open_with(options, &goods::small(world::MUGS)).await;
    let jane = delivered(&shop, "203.0.113.7").await;
    let joe = delivered(&shop, "203.0.113.8").await;
    days_later(&shop, 14);
    shop.wire().faults().arm(Plan::at_operation(1, FaultKind::FailBefore, "TransactWriteItems"));
    assert!(!beat(&shop).await, "somebody hears of it");
    assert_eq!(shop.wire().faults().fired().len(), 1);
    let done = [jane.view_order().await, joe.view_order().await];
    assert_eq!(done.iter().filter(|order| order["status"] == "completed").count(), 1);
    assert!(beat(&shop).await);
    shop.settle().await;
    let desk = Colleague::of(&shop, "desk", &MAY).await;
    for buyer in [&jane, &joe] {
        assert_eq!(buyer.view_order().await["status"], "completed");
        assert_eq!(times(&desk, &buyer.order, "order.completed").await, 1);
    }
}

/// Two orders that are done, in a shop whose job does not hear that it has completed the first.
async fn unheard(kind: FaultKind, sdk_attempts: u32) -> (Shop, [Shopper; 2], bool) {
    let options = Options { sdk_attempts, ..Options::default() };
    let shop = world::open_with(options, &goods::small(world::MUGS)).await;
    let jane = delivered(&shop, "203.0.113.7").await;
    let joe = delivered(&shop, "203.0.113.8").await;
    days_later(&shop, 14);
    let mut plan = Plan::at(1, kind);
    plan.filter = Some(Box::new(|call| call.caller == JOB && call.operation == TRANSACTION));
    shop.wire().faults().arm(plan);
    let is_done = beat(&shop).await;
    shop.wire().faults().disarm();
    assert_eq!(shop.wire().faults().fired().len(), 1, "{kind:?} of {sdk_attempts}");
    (shop, [jane, joe], is_done)
}

#[tokio::test]
async fn an_order_whose_completion_was_not_heard_of_is_completed_once() {
    for sdk_attempts in [1, 3] {
        for kind in [
            FaultKind::LoseResponse,
            FaultKind::TimeoutAfter,
            FaultKind::FailAfter,
            FaultKind::DieAfter,
        ] {
            let (shop, buyers, is_done) = unheard(kind, sdk_attempts).await;
            let tried = format!("{kind:?} of {sdk_attempts}");
            // Who asks again is told that it is written; otherwise somebody hears of it.
            assert_eq!(is_done, sdk_attempts > 1 && kind != FaultKind::DieAfter, "{tried}");
            let mut versions = Vec::new();
            for _ in 0..2 {
                assert!(beat(&shop).await, "{tried}");
                shop.settle().await;
                let store = shop.store();
                for buyer in &buyers {
                    let id = OrderId::parse(&buyer.order).unwrap();
                    versions.push(store.order(id).await.unwrap().unwrap().order.version);
                }
            }
            let (first, second) = versions.split_at(buyers.len());
            assert_eq!(first, second, "{tried}: what is completed is not touched again");
            let desk = Colleague::of(&shop, "desk", &MAY).await;
            for buyer in &buyers {
                assert_eq!(buyer.view_order().await["status"], "completed", "{tried}");
                let completed = times(&desk, &buyer.order, "order.completed").await;
                assert_eq!(completed, 1, "{tried}");
            }
            sound(&shop, &goods::small(world::MUGS)).await;
        }
    }
}

#[tokio::test]
async fn an_order_that_is_opened_before_the_job_hears_that_it_was_completed_stays_open() {
    let (shop, buyers, _) = unheard(FaultKind::DieAfter, 1).await;
    shop.settle().await;
    let desk = Colleague::of(&shop, "desk", &MAY).await;
    let mut opened = None;
    for buyer in &buyers {
        if buyer.view_order().await["status"] == "completed" {
            assert!(opened.replace(buyer).is_none(), "it died after the first");
            ok(reopen(&desk, &buyer.order).await);
        }
    }
    let opened = opened.expect("one is completed");
    assert!(beat(&shop).await);
    shop.settle().await;
    for buyer in &buyers {
        let status = if buyer.order == opened.order { "placed" } else { "completed" };
        assert_eq!(buyer.view_order().await["status"], status);
        assert_eq!(times(&desk, &buyer.order, "order.completed").await, 1);
    }
    sound(&shop, &goods::small(world::MUGS)).await;
}
