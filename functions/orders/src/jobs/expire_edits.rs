//! Every five minutes: edits to which nobody agreed in time are closed, and those who proposed them
//! are told. Nothing was held for them, so nothing else is waited for: what is late is refused
//! before it is closed.
//!
//! Only whoever closes an edit says so; one that can not be closed does not hold the others up.

use domain::fault::{Fault, Retry};
use runtime::Tick;

use crate::App;
use crate::edits::expire;

/// Edits that one beat takes; what is left over comes five minutes later.
const EDITS_MAX: i32 = 100;

/// Closes what is late.
pub async fn handle(app: &App, tick: Tick) -> Result<(), Fault> {
    let mut failed = 0_usize;
    for listed in app.store.overdue_edits(tick.now, EDITS_MAX).await? {
        let order_id = listed.order;
        match expire(app, &listed, tick.now).await {
            Ok(true) => tracing::info!(op = "orders.jobs.expire_edits", %order_id, "expired"),
            Ok(false) => {}
            Err(fault) => {
                failed += 1;
                tracing::error!(%order_id, %fault, "an edit was not closed");
            }
        }
    }
    closed(failed)
}

/// The beat failed where an edit did; the next one tries again.
fn closed(failed: usize) -> Result<(), Fault> {
    if failed == 0 {
        return Ok(());
    }
    Err(Fault::noticed(format!("close {failed} of the late edits"), Retry::Helps))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beat_fails_where_an_edit_did_and_is_worth_another() {
        assert!(closed(0).is_ok());
        assert_eq!(closed(2).unwrap_err().retry(), Retry::Helps);
    }
}
