//! The end of an order: all of it went out, nobody owes anybody anything, and the time in which
//! goods may come back is over.
//!
//! It comes by itself. Whoever opens an order again gets the whole of that time once more, so that
//! what was opened at noon is not closed at one.

use jiff::{SignedDuration, Timestamp};

use crate::dispute;
use crate::order::{FulfillmentStatus, Order, OrderLine, PaymentStatus, Refusal, Status};

/// Hours of a day: the days of a return policy are counted on the clock, not in a calendar.
const DAY_HOURS: i64 = 24;

/// How long after its last unit an order stays open, where goods may come back for so many days.
pub fn window(days: u16) -> SignedDuration {
    SignedDuration::from_hours(i64::from(days) * DAY_HOURS)
}

/// Whether every unit that is wanted went out.
fn is_all_out(lines: &[OrderLine]) -> bool {
    lines.iter().all(|line| line.fulfilled >= line.quantity.saturating_sub(line.canceled))
}

impl Order {
    /// Notes since when all of it is out. What arrives later, or the last of it, starts anew.
    pub(crate) fn follow_way(&mut self, was: FulfillmentStatus, now: Timestamp) {
        if !is_all_out(&self.lines) {
            self.fulfilled_at = None;
        } else if self.fulfilled_at.is_none() || self.fulfillment_status != was {
            self.fulfilled_at = Some(now);
        }
    }

    /// Since when nothing is left to be done but to wait whether something comes back; none while
    /// something is.
    pub fn done_since(&self) -> Option<Timestamp> {
        let is_done = self.status == Status::Placed
            && is_all_out(&self.lines)
            && self.is_quits()
            && !self.return_status.is_open()
            && !self.dispute_status.is_some_and(dispute::Status::is_open);
        if !is_done {
            return None;
        }
        // Orders of before this was noted were last changed when the last of it went out, or later.
        let out = self.fulfilled_at.unwrap_or(self.updated_at);
        Some(self.reopened_at.map_or(out, |reopened| reopened.max(out)))
    }

    /// Whether nobody owes anybody anything. What a dispute took is owed by nobody.
    fn is_quits(&self) -> bool {
        let is_paid = match self.payment_status {
            PaymentStatus::NotRequired
            | PaymentStatus::Paid
            | PaymentStatus::PartiallyRefunded
            | PaymentStatus::Refunded => true,
            PaymentStatus::PartiallyPaid => {
                let kept = self.captured.amount() - self.refunded.amount();
                self.refunds.lost > 0 && kept >= self.payable()
            }
            PaymentStatus::Unpaid
            | PaymentStatus::Voided
            | PaymentStatus::PartiallyAuthorized
            | PaymentStatus::Authorized
            | PaymentStatus::Overpaid => false,
        };
        is_paid && self.refunds.pending == 0
    }

    /// Completes an order of which nothing is left to be done, and nothing may come back; none
    /// where that is not so.
    pub fn complete(mut self, window: SignedDuration, now: Timestamp) -> Option<Self> {
        let over = self.done_since()?.checked_add(window).ok()?;
        if over > now || !self.status.may_become(Status::Completed) {
            return None;
        }
        self.status = Status::Completed;
        self.completed_at = Some(now);
        self.updated_at = now;
        Some(self)
    }

    /// Opens a completed order again: there is something to be done about it after all.
    pub fn reopen(mut self, now: Timestamp) -> Result<Self, Refusal> {
        let (from, to) = (self.status, Status::Placed);
        if from != Status::Completed {
            return Err(Refusal::InvalidTransition { from, to });
        }
        self.status = to;
        self.reopened_at = Some(now);
        self.updated_at = now;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Money;
    use crate::returns::ReturnStatus;

    fn at(day: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + day * 86_400).unwrap()
    }

    /// A paid order of two lines, all of which went out on the first day.
    fn out() -> Order {
        let mut order = crate::invoice::tests::order(2, "EUR", "inclusive", &[190_000, 190_000]);
        order.status = Status::Placed;
        order.payment_status = PaymentStatus::Paid;
        order.captured = order.totals.total;
        order.refunded = Money::zero(order.currency);
        for line in &mut order.lines {
            line.fulfilled = line.quantity;
        }
        order.follow_lines(at(0));
        order
    }

    #[test]
    fn an_order_is_completed_when_nothing_may_come_back_and_not_before() {
        let order = out();
        assert_eq!(order.done_since(), Some(at(0)));
        assert_eq!(order.clone().complete(window(14), at(13)), None);
        let done = order.clone().complete(window(14), at(14)).unwrap();
        assert_eq!((done.status, done.completed_at), (Status::Completed, Some(at(14))));
        assert_eq!(done.done_since(), None, "it is in no queue any more");
        assert_eq!(done.complete(window(14), at(20)), None, "once is enough");
        assert!(order.complete(window(0), at(0)).is_some(), "a shop that takes nothing back");
    }

    #[test]
    fn what_arrives_later_starts_the_time_anew() {
        let mut order = out();
        order.lines[0].delivered = order.lines[0].quantity;
        order.follow_lines(at(2));
        order.lines[1].delivered = order.lines[1].quantity;
        order.follow_lines(at(5));
        assert_eq!(order.fulfillment_status, FulfillmentStatus::Delivered);
        assert_eq!(order.done_since(), Some(at(5)));
        order.follow_lines(at(9));
        assert_eq!(order.done_since(), Some(at(5)), "nothing has happened since");
        order.lines[0].fulfilled -= 1;
        order.follow_lines(at(10));
        assert_eq!((order.done_since(), order.fulfilled_at), (None, None));
    }

    #[test]
    fn while_something_is_owed_or_looked_at_an_order_stays_open() {
        for status in Status::ALL {
            let order = Order { status, ..out() };
            assert_eq!(order.done_since().is_some(), status == Status::Placed, "{status:?}");
        }
        for payment_status in PaymentStatus::ALL {
            let order = Order { payment_status, ..out() };
            let is_quits = matches!(
                payment_status,
                PaymentStatus::NotRequired
                    | PaymentStatus::Paid
                    | PaymentStatus::PartiallyRefunded
                    | PaymentStatus::Refunded
            );
            assert_eq!(order.done_since().is_some(), is_quits, "{payment_status:?}");
        }
        let mut order = out();
        order.refunds.pending = 1;
        assert_eq!(order.done_since(), None, "money is on its way back");
        let mut order = out();
        order.dispute_status = Some(dispute::Status::UnderReview);
        assert_eq!(order.done_since(), None, "a bank decides");
        for return_status in [ReturnStatus::Requested, ReturnStatus::InProgress] {
            let order = Order { return_status, ..out() };
            assert_eq!(order.done_since(), None, "something may come back: {return_status:?}");
        }
        let payment_status = PaymentStatus::PartiallyPaid;
        let mut order = Order { payment_status, ..out() };
        order.refunds.lost = order.captured.amount();
        assert!(order.done_since().is_some(), "what a dispute took is owed by nobody");
        let mut order = out();
        order.lines[1].canceled = order.lines[1].quantity;
        order.lines[1].fulfilled = 0;
        assert!(order.done_since().is_some(), "what was called off is not waited for");
    }

    #[test]
    fn what_is_opened_again_has_the_whole_time_once_more() {
        let done = out().complete(window(14), at(14)).unwrap();
        let open = done.reopen(at(20)).unwrap();
        assert_eq!((open.status, open.done_since()), (Status::Placed, Some(at(20))));
        assert_eq!(open.clone().complete(window(14), at(21)), None);
        assert!(open.clone().complete(window(14), at(34)).is_some());
        let (from, to) = (Status::Placed, Status::Placed);
        assert_eq!(open.reopen(at(21)), Err(Refusal::InvalidTransition { from, to }));
    }
}
