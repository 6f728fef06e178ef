//! Every hour: returns that were approved and never sent come to nothing, and their orders to an
//! end. One that can not be ended does not hold the others up.

use domain::fault::{Fault, Retry};
use domain::id::{OrderId, ReturnId};
use jiff::Timestamp;
use runtime::Tick;
use store::Saved;
use store::returns::Move;

use crate::App;
use crate::desk::{ATTEMPTS_MAX, said};

/// Returns that one beat takes; what is left over comes an hour later.
const RETURNS_MAX: i32 = 100;

/// Ends what was not sent in time.
pub async fn handle(app: &App, tick: Tick) -> Result<(), Fault> {
    let mut failed = 0_usize;
    for overdue in app.store.overdue_returns(tick.now, RETURNS_MAX).await? {
        if let Err(fault) = end(app, overdue.order, overdue.id, tick.now).await {
            failed += 1;
            tracing::error!(return_id = %overdue.id, fault = %fault, "a return did not end");
        }
    }
    ended(failed)
}

/// Ends one, if it is still overdue: the index is a little behind the table.
async fn end(app: &App, order: OrderId, id: ReturnId, now: Timestamp) -> Result<(), Fault> {
    for _ in 0..ATTEMPTS_MAX {
        let Some(file) = app.store.order(order).await? else { return Ok(()) };
        let Some(returned) = file.returns.iter().find(|one| one.id == id) else { return Ok(()) };
        let Ok(mut step) = returned.clone().expire(&file.order, &file.returns, now) else {
            return Ok(());
        };
        let events = said(&mut step, now);
        let moved = Move {
            order: &step.order,
            returned: &step.returned,
            restocked: &[],
            written_off: &[],
            events: &events,
            remembered: None,
        };
        if app.store.move_return(&moved).await? == Saved::Yes {
            tracing::info!(op = "returns.jobs.expire", return_id = %id, "expired");
            return Ok(());
        }
    }
    Err(Fault::noticed(format!("end {id}: others were faster every time"), Retry::Helps))
}

/// The beat failed where a return did; the next one tries again.
fn ended(failed: usize) -> Result<(), Fault> {
    if failed == 0 {
        return Ok(());
    }
    Err(Fault::noticed(format!("end {failed} of the overdue returns"), Retry::Helps))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beat_fails_where_a_return_did_and_is_worth_another() {
        assert!(ended(0).is_ok());
        assert_eq!(ended(2).unwrap_err().retry(), Retry::Helps);
    }
}
