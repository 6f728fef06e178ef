//! One payment, and three who hear of it at one instant: the provider's webhook with its job, the
//! buyer who comes back and asks to pay again, and the sweeper of unpaid orders. Whoever is first
//! places the order; it is placed once, booked once, and its buyer has one letter.
//!
//! `RACES` says how often they run; the number of a race says who begins how much later.

use std::sync::Arc;

use domain::id::OrderId;
use domain::order::Status;
use domain::payment::EntryKind;
use local::{Options, Shop, Snapshot};
use serde_json::json;
use stripe_twin::Faults;
use testkit::goods::{self, MUG};

use crate::storm::{Dice, number};
use crate::world::{self, Shopper};

/// Races that a change waits for. Every night there are more.
const RACES: u64 = 100;
/// Two cores: two lanes.
const LANES: u64 = 2;
/// Each of the three lets the others go first so often at most.
const LATER_MAX: u64 = 60;
const MINUTE_MS: i64 = 60_000;
const SWEEP: &str = "checkout.jobs.expire_unpaid";
const JOB: &str = "payments.jobs.on_stripe_event";

/// Somebody has paid, and nobody was told: before the order's time is over, or after it.
struct Start {
    snapshot: Snapshot,
    jane: Shopper,
}

impl Start {
    async fn of(is_late: bool) -> Self {
        let options = Options { sdk_attempts: 1, ..Options::default() };
        let shop = world::open_with(options, &goods::small(world::MUGS)).await;
        shop.invoke("orders.jobs.rebuild_search", json!({})).await;
        shop.twin().set_faults(Faults { webhook_hold: true, ..Faults::default() });
        let mut jane = Shopper::guest(&shop).await;
        jane.ready(MUG, 1).await;
        assert_eq!(jane.complete().await.status, 201);
        assert_eq!(jane.pay("pm_card_visa").0, 200);
        shop.settle().await;
        if is_late {
            shop.clock().advance_ms(31 * MINUTE_MS);
        }
        let order = OrderId::parse(&jane.order).expect("an order");
        let file = shop.store().order(order).await.expect("a store").expect("an order");
        assert_eq!(file.order.status, Status::PendingPayment);
        Self { snapshot: Snapshot::of(shop).expect("a shop at rest"), jane }
    }
}

/// Lets others go first, so often.
async fn later(times: u64) {
    for _ in 0..times {
        tokio::task::yield_now().await;
    }
}

/// The provider tells the shop, and the job hears of it.
async fn told(shop: Shop, after: u64) {
    later(after).await;
    let sources = shop.sources().await;
    for handler in ["webhooks", JOB] {
        let source = sources.iter().find(|one| one.handler == handler).expect("a source");
        shop.pump(source, false).await;
    }
}

/// The buyer comes back, does not believe it, and asks to pay again.
async fn comes_back(jane: Shopper, after: u64) {
    later(after).await;
    let path = format!("/v1/store/orders/{}", jane.order);
    jane.get(&path).await;
    let again = jane.call("POST", &format!("{path}/retry_payment"), &json!({})).await;
    // Who lost a race on a single try is asked to come again.
    assert!([200, 409, 503].contains(&again.status), "{}", again.text());
    jane.get(&path).await;
}

async fn swept(shop: Shop, after: u64) {
    later(after).await;
    shop.run_job(SWEEP).await;
}

async fn race(start: &Start, seed: u64) {
    let shop = start.snapshot.open().await.expect("the shop opens again");
    shop.twin().set_faults(Faults::default());
    let jane = Shopper { shop: shop.clone(), ..start.jane.clone() };
    let mut dice = Dice::of(seed);
    let mut after = || dice.below(LATER_MAX);
    let all = [
        tokio::spawn(told(shop.clone(), after())),
        tokio::spawn(comes_back(jane.clone(), after())),
        tokio::spawn(swept(shop.clone(), after())),
    ];
    for one in all {
        one.await.expect("who ends by itself");
    }
    shop.settle_all().await;
    let facts = world::sound(&shop, &goods::small(world::MUGS)).await;
    assert_eq!(facts.orders.len(), 1, "race {seed}");
    assert_eq!(facts.orders[0].status, Status::Placed, "race {seed}");
    let kinds: Vec<EntryKind> = facts.entries.iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [EntryKind::Captured], "race {seed}");
    let letters: Vec<&str> = facts.letters.iter().map(|one| one.template.as_str()).collect();
    assert_eq!(letters, ["order_confirmation"], "race {seed}");
    let taken = facts.intents.iter().filter(|intent| intent["status"] == "succeeded");
    assert_eq!((taken.count(), facts.refunds.len()), (1, 0), "race {seed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhook_buyer_and_sweeper_at_one_instant_place_one_order_once() {
    let count = number("RACES").unwrap_or(RACES);
    let starts = Arc::new([Start::of(false).await, Start::of(true).await]);
    let mut lanes = Vec::new();
    for lane in 0..LANES {
        let starts = Arc::clone(&starts);
        lanes.push(tokio::spawn(async move {
            for seed in (0..count).filter(|seed| seed % LANES == lane) {
                // Three of four after the order's time: only then the sweeper looks at it.
                race(&starts[usize::from(seed % 8 > 1)], seed).await;
            }
        }));
    }
    for lane in lanes {
        lane.await.expect("a lane");
    }
    println!("{count} races of three, one order and one letter each");
}
