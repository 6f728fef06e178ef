//! Batches of ten messages of which some can not be done, whichever: what can be done is done at
//! once and once, what can not is named, and what comes again changes nothing that was done.

use std::sync::Arc;

use domain::audit;
use domain::order::Status;
use local::{Outcome, Shop, Snapshot, Source};
use serde_json::{Value, json};
use stripe_twin::Faults;
use testkit::goods::{self, SOCKS};
use wire::{FaultKind, Plan};

use crate::queues::entry;
use crate::world::{self, Shopper, facts};

/// Messages of a batch.
const TEN: usize = 10;
/// Two cores: two lanes.
const LANES: u32 = 2;
const AUDIT: &str = "platform.jobs.append_audit";
const STRIPE_EVENTS: &str = "payments.jobs.on_stripe_event";

/// A batch as Lambda hands it over: of each message its number and what it says.
fn batch(messages: &[(u64, String)]) -> Value {
    let record = |(number, body): &(u64, String)| {
        json!({
            "messageId": format!("m{number}"),
            "receiptHandle": format!("r{number}"),
            "body": body,
            "attributes": {"ApproximateReceiveCount": "1"},
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-central-1:000000000000:fluxion-audit",
        })
    };
    json!({"Records": messages.iter().map(record).collect::<Vec<_>>()})
}

/// The messages that are to come again, as the answer names them.
async fn failed(shop: &Shop, handler: &str, event: Value) -> Vec<String> {
    let outcome = shop.invoke(handler, event).await;
    let Outcome::Answered(answer) = outcome else { panic!("{handler}: {outcome:?}") };
    let failures = answer["batchItemFailures"].as_array().expect("the failures");
    let name = |one: &Value| one["itemIdentifier"].as_str().expect("a message").to_owned();
    failures.iter().map(name).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whichever_of_ten_messages_are_poison_the_others_are_done_once() {
    let mut lanes = Vec::new();
    for lane in 0..LANES {
        lanes.push(tokio::spawn(async move {
            let shop = world::open().await;
            let mut wanted = Vec::new();
            for mask in (0..1_u32 << TEN).filter(|mask| mask % LANES == lane) {
                let mut messages = Vec::new();
                let mut poison = Vec::new();
                for place in 0..TEN {
                    let number = u64::from(mask) * 10 + place as u64;
                    if mask & (1 << place) == 0 {
                        messages.push((number, entry(&shop, number)));
                        wanted.push(format!("story.{number}"));
                    } else {
                        messages.push((number, "poison".to_owned()));
                        poison.push(format!("m{number}"));
                    }
                }
                // Poison at each single place comes again three times more, its neighbours too.
                let again = if mask.is_power_of_two() { 4 } else { 1 };
                for _ in 0..again {
                    let named = failed(&shop, AUDIT, batch(&messages)).await;
                    assert_eq!(named, poison, "{mask:010b}");
                }
            }
            let log = shop.audit_log().await.expect("the log");
            audit::verify(log.iter()).expect("a chain");
            let told = log.iter().map(|link| link.entry.action.clone());
            let mut told: Vec<String> = told.filter(|told| told.starts_with("story.")).collect();
            told.sort();
            wanted.sort();
            assert_eq!(told, wanted, "each entry is there, and once");
        }));
    }
    for lane in lanes {
        lane.await.expect("a lane");
    }
}

/// A shop in which ten people have paid, and the ten notices of it wait in one queue.
async fn ten_paid() -> Shop {
    let options = local::Options { sdk_attempts: 1, ..local::Options::default() };
    let shop = world::open_with(options, &goods::small(world::MUGS)).await;
    shop.invoke("orders.jobs.rebuild_search", json!({})).await;
    shop.twin().set_faults(Faults { webhook_hold: true, ..Faults::default() });
    for number in 0..TEN {
        let mut buyer = Shopper::from(&shop, &format!("203.0.113.{}", 20 + number));
        buyer.open_cart("EUR").await;
        buyer.ready(SOCKS, 1).await;
        let answer = buyer.complete().await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        assert_eq!(buyer.pay("pm_card_visa").0, 200);
    }
    shop.settle().await;
    shop.twin().set_faults(Faults::default());
    let webhooks = source(&shop, "webhooks").await;
    shop.pump(&webhooks, false).await;
    shop
}

async fn source(shop: &Shop, handler: &str) -> Source {
    let all = shop.sources().await;
    all.into_iter().find(|one| one.handler == handler).expect("a source")
}

/// Every mask with one failure or two neighbours that fail, and the one in which all fail. (All
/// 1,024 are tried above, where a message costs a hundredth of this.)
fn masks() -> Vec<u32> {
    let one = (0..TEN).map(|place| 1 << place);
    let two = (1..TEN).map(|place| 3 << (place - 1));
    one.chain(two).chain([(1 << TEN) - 1]).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whichever_of_ten_payments_fail_in_the_middle_the_others_are_placed_and_these_follow() {
    let snapshot = Arc::new(Snapshot::of(ten_paid().await).expect("a shop at rest"));
    let goods = Arc::new(goods::small(world::MUGS));
    let mut lanes = Vec::new();
    for lane in 0..LANES as usize {
        let (snapshot, goods) = (Arc::clone(&snapshot), Arc::clone(&goods));
        lanes.push(tokio::spawn(async move {
            for (nth, mask) in masks().into_iter().enumerate().skip(lane).step_by(LANES as usize) {
                let shop = snapshot.open().await.expect("the shop opens again");
                let retrieve = "GET /v1/payment_intents/{id}";
                // By turns Stripe does not answer, and the settlement's transaction is lost.
                let (operation, kind) = match nth % 2 {
                    0 => (retrieve, FaultKind::FailBefore),
                    _ => ("TransactWriteItems", FaultKind::LoseResponse),
                };
                for place in (0..TEN as u64).filter(|place| mask & (1 << place) != 0) {
                    shop.wire().faults().arm(Plan::at_operation(place + 1, kind, operation));
                }
                let queue = source(&shop, STRIPE_EVENTS).await;
                assert!(shop.pump(&queue, false).await, "ten messages wait");
                let fired = shop.wire().faults().fired().len();
                assert_eq!(fired, mask.count_ones() as usize, "{mask:010b}");
                let first = facts(&shop, &goods).await;
                let placed = first.orders.iter().filter(|one| one.status == Status::Placed).count();
                let whole = if kind == FaultKind::LoseResponse { TEN } else { TEN - fired };
                assert_eq!(placed, whole, "{mask:010b}");
                let again = first.queued.values().sum::<u64>();
                assert_eq!(again, fired as u64, "{mask:010b}: they come again, and no others");
                shop.settle_all().await;
                let last = world::sound(&shop, &goods).await;
                assert!(last.orders.iter().all(|one| one.status == Status::Placed), "{mask:010b}");
                assert_eq!((last.entries.len(), last.letters.len()), (TEN, TEN), "{mask:010b}");
            }
        }));
    }
    for lane in lanes {
        lane.await.expect("a lane");
    }
}
