//! Every minute: orders that nobody paid in time end.
//!
//! The PaymentIntent is canceled before the stock is given back; where that shows that money came,
//! the order is placed instead. Orders that can not be ended do not hold the others up: they are
//! passed over, and those whose bank is at it still wait an hour for the next look.

use domain::fault::{Fault, Retry};
use domain::order::Status;
use runtime::Tick;
use settlement::{Desk, Ended};

use crate::App;

const OP: &str = "checkout.jobs.expire_unpaid";
/// Orders of a page.
const PAGE: i32 = 50;
/// Orders that one beat ends; what is left over comes a minute later.
const ENDED_MAX: usize = 50;
/// Pages that one beat looks at, in its 50 s: each order may be asked for at the provider.
const PAGES_MAX: usize = 4;

/// Ends what nobody pays.
pub async fn handle(app: &App, tick: Tick) -> Result<(), Fault> {
    let gateway = app.till.gateway(tick.now).await?;
    let desk = Desk { store: &app.store, gateway: &gateway, now: tick.now };
    let (mut position, mut taken, mut failed) = (None::<String>, 0_usize, 0_usize);
    for _ in 0..PAGES_MAX {
        let page = app.store.overdue(tick.now, PAGE, position.as_deref()).await?;
        for order in &page.entries {
            if taken == ENDED_MAX {
                return ended(failed);
            }
            match Box::pin(settlement::end_unpaid(&desk, order.id, Status::Expired)).await {
                Ok(Ended::Yes(_)) => {
                    taken += 1;
                    tracing::info!(op = OP, order_id = %order.id, "expired");
                }
                Ok(Ended::NotWaiting(_)) => taken += 1,
                Ok(Ended::Undecided) => {}
                Err(fault) => {
                    failed += 1;
                    tracing::error!(order_id = %order.id, fault = %fault, "an order did not end");
                }
            }
        }
        position = page.next;
        if position.is_none() {
            break;
        }
    }
    ended(failed)
}

/// The beat failed where an order did; the next one tries again.
fn ended(failed: usize) -> Result<(), Fault> {
    if failed == 0 {
        return Ok(());
    }
    Err(Fault::noticed(format!("end {failed} of the overdue orders"), Retry::Helps))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beat_fails_where_an_order_did_and_is_worth_another() {
        assert!(ended(0).is_ok());
        assert_eq!(ended(2).unwrap_err().retry(), Retry::Helps);
    }
}
