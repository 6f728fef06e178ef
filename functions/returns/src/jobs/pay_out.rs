//! Every five minutes: what came back onto the credits of exchanges goes the way on which their
//! first orders were paid. A replacement was not paid in time, was called off or came back itself.
//!
//! The credit and the refund are one transaction: whoever comes twice finds nothing on the credit.
//! One that can not be paid out does not hold the others up.

use domain::audit::Actor;
use domain::fault::{Fault, Retry};
use domain::gift_card::{self, GiftCard};
use domain::id::{GiftEntryId, RefundId};
use domain::refund;
use jiff::Timestamp;
use runtime::Tick;
use settlement::say_changed;
use store::Saved;
use store::refund::Move;

use crate::App;
use crate::desk::ATTEMPTS_MAX;

/// Credits that one beat takes; what is left over comes five minutes later.
const CREDITS_MAX: i32 = 50;

/// Pays out what came back.
pub async fn handle(app: &App, tick: Tick) -> Result<(), Fault> {
    let mut failed = 0_usize;
    for listed in app.store.unspent_exchanges(CREDITS_MAX).await? {
        if let Err(fault) = pay_out(app, &listed, tick.now).await {
            failed += 1;
            tracing::error!(gift_card_id = %listed.id, %fault, "a credit was not paid out");
        }
    }
    paid_out(failed)
}

/// Pays one out, if something is on it still: the index is a little behind the table.
async fn pay_out(app: &App, listed: &GiftCard, now: Timestamp) -> Result<(), Fault> {
    for _ in 0..ATTEMPTS_MAX {
        let Some(card) = app.store.gift_card(listed.id).await? else { return Ok(()) };
        let entry = GiftEntryId::from_ulid(app.ids.ulid(now));
        let fresh = gift_card::Fresh { entry, by: None, now };
        let amount = card.balance;
        let (Some(of), Some((after, entry))) = (card.exchange_of, card.clone().pay_out(fresh))
        else {
            return Ok(());
        };
        let missing = || Fault::noticed(format!("find the payment of {of}"), Retry::Useless);
        let file = app.store.order(of).await?.ok_or_else(missing)?;
        let payment = file.payment().ok_or_else(missing)?;
        let id = RefundId::from_ulid(app.ids.ulid(now));
        let fresh = refund::Fresh { id, by: Actor::System, reason: None, now };
        let mut changed = file.order.pay_back(payment, amount, fresh);
        let events = say_changed(&mut changed, now);
        let step = Move {
            before: &file.order,
            order: &changed.order,
            payment: changed.payment.as_ref(),
            refund: Some(&changed.refund),
            entry: changed.entry.as_ref(),
            events: events.as_slice(),
            remembered: None,
        };
        if app.store.pay_out(&step, (&card, &after), &entry).await? == Saved::Yes {
            tracing::info!(op = "returns.jobs.pay_out", refund_id = %id, "paid out");
            return Ok(());
        }
    }
    let tried = format!("pay {} out: others were faster every time", listed.id);
    Err(Fault::noticed(tried, Retry::Helps))
}

/// The beat failed where a credit did; the next one tries again.
fn paid_out(failed: usize) -> Result<(), Fault> {
    if failed == 0 {
        return Ok(());
    }
    Err(Fault::noticed(format!("pay {failed} of the credits out"), Retry::Helps))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beat_fails_where_a_credit_did_and_is_worth_another() {
        assert!(paid_out(0).is_ok());
        assert_eq!(paid_out(2).unwrap_err().retry(), Retry::Helps);
    }
}
