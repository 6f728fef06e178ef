//! What a queue can not do: it hurts nobody beside it, is given up with its reason, and can be
//! tried again as often as somebody likes.

use domain::audit::{Actor, Entry};
use domain::event::{Event, Fact};
use domain::id::{AuditId, EventId, Ulid};
use domain::order::Status;
use domain::permission::Permission;
use local::Shop;
use queue::{Name, RECEIVES_MAX};
use serde_json::json;
use testkit::goods::{self, MUG};
use testkit::ledger::{self, Facts};

use crate::tour::queues::plant;
use crate::world::{self, Colleague, Shopper, facts, ok};

/// An entry of the audit log, on its way there.
pub(crate) fn entry(shop: &Shop, number: u64) -> String {
    let (ulid, at) = (Ulid::from_parts(7, number.into()), shop.clock().now());
    let entry = Entry {
        id: AuditId::from_ulid(ulid),
        at,
        actor: Actor::System,
        action: format!("story.{number}"),
        object: None,
        network: None,
        request_id: None,
        changes: Vec::new(),
    };
    let fact = Fact::AuditNoted { entry };
    serde_json::to_string(&Event { id: EventId::from_ulid(ulid), at, sequence: 1, fact }).unwrap()
}

/// The stories that the audit log tells, in their order.
async fn told(shop: &Shop) -> Vec<String> {
    let log = shop.audit_log().await.unwrap();
    let actions = log.iter().map(|link| link.entry.action.clone());
    let mut told: Vec<String> = actions.filter(|action| action.starts_with("story.")).collect();
    told.sort();
    told
}

async fn tries(shop: &Shop) {
    for _ in 0..=RECEIVES_MAX {
        shop.settle().await;
        shop.clock().advance_ms(181_000);
    }
}

#[tokio::test]
async fn poison_at_any_place_of_a_batch_is_given_up_alone_and_told_why() {
    let shop = world::open().await;
    let may = [Permission::QueuesManage, Permission::SettingsRead];
    let mut keeper = Colleague::of(&shop, "keeper", &may).await;
    shop.settle().await;
    let mut good = 0;
    for position in 0..10 {
        for place in 0..10 {
            if place == position {
                shop.wire().sqs().send("fluxion-audit", "poison").unwrap();
            } else {
                good += 1;
                shop.wire().sqs().send("fluxion-audit", &entry(&shop, good)).unwrap();
            }
        }
        shop.settle().await;
        assert_eq!(told(&shop).await.len() as u64, good, "its neighbours are done at once");
        tries(&shop).await;
    }
    keeper.sign_in().await;
    let dead = ok(keeper.get("/v1/admin/queues/audit/dead").await);
    let dead = dead["data"].as_array().unwrap();
    assert_eq!(dead.len(), 10);
    for letter in dead {
        let reason = letter["reason"].as_str().unwrap();
        assert!(reason.starts_with("read an entry of the audit log"), "{letter}");
        assert_eq!(letter["handler"], "platform.jobs.append_audit");
        assert!(!letter.to_string().contains("poison"), "what it says is not shown");
    }
    let list = ok(keeper.get("/v1/admin/queues").await);
    let queues = list["data"].as_array().unwrap();
    let audit = queues.iter().find(|queue| queue["name"] == "audit").unwrap();
    assert_eq!((&audit["dead"], &audit["waiting"]), (&json!(10), &json!(0)));
    // Looking changed nothing.
    let again = ok(keeper.get("/v1/admin/queues/audit/dead").await);
    assert_eq!(again["data"].as_array().unwrap().len(), 10);
}

#[tokio::test]
async fn what_was_done_is_not_done_again_however_often_it_is_brought_back() {
    let shop = world::open().await;
    let mut keeper = Colleague::of(&shop, "keeper", &[Permission::QueuesManage]).await;
    // Both were done, and lie among the dead letters all the same: a function died too late.
    for number in 1..=2 {
        shop.wire().sqs().send("fluxion-audit", &entry(&shop, number)).unwrap();
    }
    shop.settle().await;
    let before = told(&shop).await;
    assert_eq!(before, ["story.1", "story.2"]);
    for round in 0..3 {
        for number in 1..=2 {
            plant(&shop, Name::Audit, &entry(&shop, number)).await;
        }
        plant(&shop, Name::Audit, "poison").await;
        let moved = keeper.call("POST", "/v1/admin/queues/audit/redrive", &json!({})).await;
        // What could not be done the last times lies there, too.
        assert_eq!(ok(moved)["moved"], 3 + round);
        tries(&shop).await;
        assert_eq!(told(&shop).await, before);
        keeper.sign_in().await;
    }
    let log = shop.audit_log().await.unwrap();
    let redrives = log.iter().filter(|link| link.entry.action == "queue.redrive");
    assert_eq!(redrives.count(), 3);
}

/// Everything but this function does its work, until there is none.
async fn settle_but(shop: &Shop, handler: &str) {
    loop {
        let mut did = false;
        for source in shop.sources().await.iter().filter(|one| one.handler != handler) {
            did |= shop.pump(source, false).await;
        }
        if !did {
            return;
        }
    }
}

/// How often money was booked, the buyer told of it, and money given back.
fn done(facts: &Facts) -> (usize, usize, usize) {
    let told = facts.letters.iter().filter(|letter| letter.template == "order_confirmation");
    (facts.entries.len(), told.count(), facts.refunds.len())
}

/// A purchase of which this function always dies when it has done its work, until its queue gives
/// the message up; three times it is brought back, beside poison.
async fn brought_back_three_times(handler: &str, name: Name) {
    let goods = goods::small(world::MUGS);
    let shop = world::open().await;
    let may = [Permission::QueuesManage, Permission::SettingsRead];
    let mut keeper = Colleague::of(&shop, "keeper", &may).await;
    shop.settle_all().await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 1).await;
    assert_eq!(jane.complete().await.status, 201);
    assert_eq!(jane.pay("pm_card_visa").0, 200);
    settle_but(&shop, handler).await;
    let source = shop.sources().await.into_iter().find(|one| one.handler == handler);
    let source = source.expect("a source");
    plant(&shop, name, "poison").await;
    let queue = format!("/v1/admin/queues/{}", name.word());
    for round in 1..=3 {
        for _ in 0..=RECEIVES_MAX {
            // The news that it was done is lost.
            shop.pump(&source, true).await;
            settle_but(&shop, handler).await;
            shop.clock().advance_ms(181_000);
        }
        keeper.sign_in().await;
        settle_but(&shop, handler).await;
        let moved = ok(keeper.call("POST", &format!("{queue}/redrive"), &json!({})).await);
        let moved = moved["moved"].as_u64().unwrap_or_default();
        assert!(moved >= 2, "{name:?}, round {round}: {moved} had been given up");
        let facts = facts(&shop, &goods).await;
        assert_eq!(facts.orders[0].status, Status::Placed, "{name:?}, round {round}");
        assert_eq!(done(&facts), (1, 1, 0), "{name:?}, round {round}: booked once, told once");
    }
    tries(&shop).await;
    shop.settle_all().await;
    let facts = facts(&shop, &goods).await;
    assert_eq!(done(&facts), (1, 1, 0), "{name:?}");
    // Poison stays poison; nothing else is broken, and nothing else is given up.
    let broken = ledger::broken(&facts);
    assert!(broken.len() == 1 && broken[0].contains("-dlq: "), "{name:?}: {broken:?}");
}

#[tokio::test]
async fn a_payment_that_is_brought_back_three_times_is_booked_once() {
    brought_back_three_times("payments.jobs.on_stripe_event", Name::StripeEvents).await;
}

#[tokio::test]
async fn a_letter_that_is_brought_back_three_times_is_sent_once() {
    brought_back_three_times("notifications.jobs.deliver", Name::Mail).await;
}

#[tokio::test]
async fn who_may_not_manage_queues_sees_how_full_they_are_and_no_more() {
    let shop = world::open().await;
    let reader = Colleague::of(&shop, "reader", &[Permission::SettingsRead]).await;
    ok(reader.get("/v1/admin/queues").await);
    assert_eq!(reader.get("/v1/admin/queues/audit/dead").await.status, 403);
    let redrive = reader.call("POST", "/v1/admin/queues/audit/redrive", &json!({})).await;
    assert_eq!(redrive.status, 403);
    let keeper = Colleague::of(&shop, "keeper", &[Permission::QueuesManage]).await;
    assert_eq!(keeper.get("/v1/admin/queues/tea/dead").await.status, 400);
    let moved = keeper.call("POST", "/v1/admin/queues/mail/redrive", &json!({})).await;
    assert_eq!(ok(moved)["moved"], 0);
}

#[tokio::test]
async fn every_queue_gives_up_where_its_dead_letters_are_looked_for() {
    let shop = world::open().await;
    for queue in &shop.stack().queues {
        let Some((dead, tries)) = &queue.redrive else { continue };
        assert_eq!(*dead, queue::dead_of(&queue.name), "{}", queue.name);
        assert_eq!(*tries, u64::from(RECEIVES_MAX), "{}", queue.name);
    }
}
