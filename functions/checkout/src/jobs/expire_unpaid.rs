//! Every minute: orders that nobody paid in time end.
//!
//! The PaymentIntent is canceled before the stock is given back; where that shows that money came,
//! the order is placed instead. One order that can not be ended does not hold the others up.

use domain::fault::{Fault, Retry};
use domain::order::Status;
use runtime::Tick;
use settlement::{Desk, Ended};

use crate::App;

/// Orders that one beat takes; what is left over comes a minute later.
const ORDERS_MAX: i32 = 50;

/// Ends what nobody pays.
pub async fn handle(app: &App, tick: Tick) -> Result<(), Fault> {
    let gateway = app.till.gateway(tick.now).await?;
    let desk = Desk { store: &app.store, gateway: &gateway, now: tick.now };
    let mut failed = 0_usize;
    for order in app.store.overdue(tick.now, ORDERS_MAX).await? {
        match Box::pin(settlement::end_unpaid(&desk, order.id, Status::Expired)).await {
            Ok(Ended::Yes(_)) => {
                tracing::info!(op = "checkout.jobs.expire_unpaid", order_id = %order.id, "expired");
            }
            Ok(Ended::NotWaiting(_) | Ended::Undecided) => {}
            Err(fault) => {
                failed += 1;
                tracing::error!(order_id = %order.id, fault = %fault, "an order did not end");
            }
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
