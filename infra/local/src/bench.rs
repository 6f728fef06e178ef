//! Many shoppers at once, for a while: requests per second, how long each kind of request takes,
//! what was bought, and every invariant afterwards.
//!
//! It is no test of time: nothing is asserted about speed. Shoppers are bounded in number and time;
//! who is in the middle of a visit at the end may finish it. Client and shop share the machine.
//!
//! What people set out to do follows from a seed; what comes of it does not, because they meet. How
//! fast the emulator is by itself is measured in the same process: what the shop does can only be
//! judged by that.

use std::time::{Duration, Instant};

use serde_json::json;
use testkit::ledger;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::error::Error;
use crate::facts;
use crate::message::Request;
use crate::serve;
use crate::shop::{Options, Shop};

mod notes;
mod plan;
mod raw;
mod report;
mod shopper;
mod svg;

pub use notes::Second;
pub use plan::Mix;
pub use raw::Raw;
pub use report::{Report, Row, Sweep};

use notes::Notes;
use shopper::Shopper;

/// Loads that are run one after the other, at most.
pub const RUNS_MAX: usize = 8;
/// How long the search index may take to be there.
const INDEX_MAX: Duration = Duration::from_mins(1);
/// How long the queues may take to run empty at the end.
const REST_MAX: Duration = Duration::from_mins(1);
/// Between two looks at the queues, or at the index.
const LOOK: Duration = Duration::from_millis(250);

/// How much is asked of the shop, and by whom.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Shoppers at once.
    pub shoppers: u32,
    /// For how long they begin new visits.
    pub seconds: u64,
    /// Which people they are.
    pub mix: Mix,
    /// What they set out to do follows from it.
    pub seed: u64,
}

/// Opens a shop of its own with the demo goods, in memory, serves it, lets shoppers in, waits until
/// it is at rest and asks every invariant; closes it, and asks the emulator what it does alone.
pub async fn run(load: Load) -> Result<Report, Error> {
    let listener = serve::listen(0).await?;
    let port = listener.local_addr().map_or(0, |address| address.port());
    let clock = Clock::real();
    let options = Options { clock, seed: None, demo: true, port, ..Options::default() };
    let shop = Shop::open(options).await?;
    shop.warm_up()?;
    let (goodbye, closing) = oneshot::channel::<()>();
    let visits = async {
        let report = visited(&shop, load).await;
        // Whatever came of it: nobody waits any more.
        drop(goodbye);
        report
    };
    let served = serve::serve(&shop, listener, async {
        let _ = closing.await;
    });
    let (report, ()) = tokio::join!(visits, served);
    Ok(report?.beside(raw::measure(&shop, load.shoppers).await?))
}

/// What comes of a load in a shop that is served.
async fn visited(shop: &Shop, load: Load) -> Result<Report, Error> {
    index(shop).await?;
    let received = facts::on_hand(&shop.place()).await?;
    let began = Instant::now();
    let end = began + Duration::from_secs(load.seconds);
    let mut shoppers = JoinSet::new();
    for number in 0..load.shoppers {
        let mut shopper = Shopper::new(shop.base_url(), load, number, began);
        shoppers.spawn(async move {
            shopper.shop_until(end).await;
            shopper.notes
        });
    }
    let mut notes = Notes::new(began);
    while let Some(done) = shoppers.join_next().await {
        match done {
            Ok(one) => notes.add(one),
            Err(error) => notes.deviation(format!("a shopper broke down: {error}")),
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    rest(shop).await;
    let facts = facts::of(shop, received).await?;
    let broken = ledger::broken(&facts);
    Ok(Report::of(load, seconds, notes, broken))
}

/// Has the search index built, as a new shop does, and waits until it answers.
async fn index(shop: &Shop) -> Result<(), Error> {
    let began = Instant::now();
    let _ = shop.invoke("catalog.jobs.rebuild_search", json!({})).await;
    let search = Request::new("GET", "/v1/store/products?q=shirt");
    while began.elapsed() < INDEX_MAX {
        if shop.send(search.clone()).await.status == 200 {
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    }
    let seconds = INDEX_MAX.as_secs();
    Err(Error::Setup(format!("nothing can be searched for after {seconds} s")))
}

/// Waits until nothing is in a queue or on its way to one.
async fn rest(shop: &Shop) {
    let began = Instant::now();
    let mut quiet = 0;
    while quiet < 3 && began.elapsed() < REST_MAX {
        tokio::time::sleep(LOOK).await;
        let waiting: u64 = shop
            .wire()
            .sqs()
            .depths()
            .into_iter()
            .map(|depth| depth.visible + depth.in_flight + depth.delayed)
            .sum();
        let is_quiet = waiting == 0 && shop.twin().next_delivery_at_ms().is_none();
        quiet = if is_quiet { quiet + 1 } else { 0 };
    }
}

/// The nearest rank, in milliseconds; 0 of nothing.
pub(crate) fn percentile(sorted: &[u32], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1) - 1;
    sorted.get(rank).map_or(0.0, |micros| f64::from(*micros) / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_time_that_was_measured() {
        let hundred: Vec<u32> = (1..=100).map(|ms| ms * 1000).collect();
        let at = |micros: &[u32], percent| format!("{:.1}", percentile(micros, percent));
        assert_eq!(at(&hundred, 50), "50.0");
        assert_eq!(at(&hundred, 90), "90.0");
        assert_eq!(at(&hundred, 99), "99.0");
        assert_eq!(at(&[1_000, 2_000, 9_000], 50), "2.0");
        assert_eq!(at(&[1_000, 2_000, 9_000], 99), "9.0");
        assert_eq!((at(&[700], 1), at(&[700], 99)), ("0.7".to_owned(), "0.7".to_owned()));
        assert_eq!(at(&[], 50), "0.0");
    }
}
