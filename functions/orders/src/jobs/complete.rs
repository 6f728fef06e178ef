//! Every hour: orders of which nothing is left to be done are completed, once nothing of them may
//! come back any more.
//!
//! Who stands in the queue is done; for how long it has to stand there is the shop's return policy
//! of this hour. One order that can not be completed does not hold the others up.

use domain::completion::window;
use domain::fault::{Fault, Retry};
use domain::id::OrderId;
use jiff::{SignedDuration, Timestamp};
use runtime::Tick;
use store::Saved;
use store::refund::Move;

use crate::App;

/// Orders of one page.
const PAGE: i32 = 100;
/// Pages of one beat: what is left over comes an hour later.
const PAGES_MAX: usize = 50;
/// How often a lost race is run again.
const RACES_MAX: usize = 5;

/// Completes what is done.
pub async fn handle(app: &App, tick: Tick) -> Result<(), Fault> {
    let window = window(app.store.shop().await?.value.return_policy.days);
    // A clock that is so wrong has seen no order come.
    let Ok(then) = tick.now.checked_sub(window) else { return Ok(()) };
    let (mut position, mut failed) = (None::<String>, 0_usize);
    for _ in 0..PAGES_MAX {
        let page = app.store.done(then, PAGE, position.as_deref()).await?;
        for order in page.entries {
            match complete(app, order.id, window, tick.now).await {
                Ok(true) => {
                    tracing::info!(op = "orders.jobs.complete", order_id = %order.id, "completed");
                }
                Ok(false) => {}
                Err(fault) => {
                    failed += 1;
                    let order_id = order.id;
                    tracing::error!(%order_id, fault = %fault, "an order was not completed");
                }
            }
        }
        position = page.next;
        if position.is_none() {
            break;
        }
    }
    completed(failed)
}

/// Whether it is completed now; not where something is left to be done after all.
async fn complete(
    app: &App,
    id: OrderId,
    window: SignedDuration,
    now: Timestamp,
) -> Result<bool, Fault> {
    for _ in 0..RACES_MAX {
        let Some(file) = app.store.order(id).await? else { return Ok(false) };
        let before = file.order;
        let Some(mut order) = before.clone().complete(window, now) else { return Ok(false) };
        let fact = order.say_moved();
        let events = [settlement::event(&order, fact, now)];
        let step = Move {
            before: &before,
            order: &order,
            payment: None,
            refund: None,
            entry: None,
            events: &events,
            remembered: None,
        };
        if app.store.move_money(&step).await? == Saved::Yes {
            return Ok(true);
        }
    }
    Err(Fault::noticed(format!("complete {id}: others were faster every time"), Retry::Helps))
}

/// The beat failed where an order did; the next one tries again.
fn completed(failed: usize) -> Result<(), Fault> {
    if failed == 0 {
        return Ok(());
    }
    Err(Fault::noticed(format!("complete {failed} of the orders that are done"), Retry::Helps))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beat_fails_where_an_order_did_and_is_worth_another() {
        assert!(completed(0).is_ok());
        assert_eq!(completed(2).unwrap_err().retry(), Retry::Helps);
    }
}
