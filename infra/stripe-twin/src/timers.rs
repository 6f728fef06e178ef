//! What Stripe does by itself after a while: settlements, the consequences of special test cards,
//! authorizations and disputes that run out. When the caller's clock has jumped, the timers run in
//! the order of their time, each at its own moment.

use serde_json::json;

use crate::store::Kind;
use crate::world::{Origin, World};
use crate::{charges, checkout, disputes, refunds};

/// What a timer does to its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// The balance transaction of an asynchronous capture appears.
    SettleCharge,
    /// A bank debit succeeds or fails.
    ClearDebit,
    /// The cardholder disputes the charge.
    OpenDispute,
    /// The issuer reports the charge as fraud.
    WarnOfFraud,
    /// A refund gets its reference, or succeeds.
    SettleRefund,
    /// A refund comes back.
    FailRefund,
    /// The bank decides a dispute.
    ConcludeDispute,
    /// An uncaptured authorization runs out.
    ExpireCharge,
    /// Nobody answered a dispute in time.
    DisputeDeadline,
    /// Nobody finished a Checkout Session in time.
    ExpireSession,
}

impl Timer {
    const ALL: [Self; 10] = [
        Self::SettleCharge,
        Self::ClearDebit,
        Self::OpenDispute,
        Self::WarnOfFraud,
        Self::SettleRefund,
        Self::FailRefund,
        Self::ConcludeDispute,
        Self::ExpireCharge,
        Self::DisputeDeadline,
        Self::ExpireSession,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::SettleCharge => "settle_charge",
            Self::ClearDebit => "clear_debit",
            Self::OpenDispute => "open_dispute",
            Self::WarnOfFraud => "warn_of_fraud",
            Self::SettleRefund => "settle_refund",
            Self::FailRefund => "fail_refund",
            Self::ConcludeDispute => "conclude_dispute",
            Self::ExpireCharge => "expire_charge",
            Self::DisputeDeadline => "dispute_deadline",
            Self::ExpireSession => "expire_session",
        }
    }

    /// Whether it takes long. Who waits for the twin to come to rest does not wait for these.
    fn is_later(self) -> bool {
        matches!(self, Self::ExpireCharge | Self::DisputeDeadline | Self::ExpireSession)
    }

    fn run(self, world: &mut World, id: &str) {
        match self {
            Self::SettleCharge => charges::settle(world, id),
            Self::ClearDebit => charges::clear_debit(world, id),
            Self::OpenDispute => disputes::open(world, id),
            Self::WarnOfFraud => disputes::warn_of_fraud(world, id),
            Self::SettleRefund => refunds::settle(world, id),
            Self::FailRefund => refunds::fail(world, id),
            Self::ConcludeDispute => disputes::conclude(world, id),
            Self::ExpireCharge => charges::expire(world, id),
            Self::DisputeDeadline => disputes::pass_deadline(world, id),
            Self::ExpireSession => checkout::pass_time(world, id),
        }
    }
}

impl World {
    /// Sets a timer on an object.
    pub(crate) fn after_seconds(&mut self, seconds: i64, timer: Timer, target: &str) {
        let id = self.chance.id("timer_");
        let due_ms = self.now_ms + seconds * 1000;
        let record = json!({
            "id": id, "timer": timer.name(), "target": target, "due_ms": due_ms,
        });
        self.save(Kind::Timer, &record);
        self.enter_timer(timer, due_ms, &id);
    }

    fn enter_timer(&mut self, timer: Timer, due_ms: i64, id: &str) {
        let order = self.store.age(Kind::Timer, id).unwrap_or_default();
        let agenda = if timer.is_later() { &mut self.later } else { &mut self.soon };
        agenda.add(due_ms, order, id);
    }

    /// Enters the stored timers into the agendas.
    pub(crate) fn resume_timers(&mut self) {
        let stored: Vec<_> = self.store.oldest(Kind::Timer).cloned().collect();
        for record in stored {
            let timer = Timer::ALL.into_iter().find(|timer| record["timer"] == timer.name());
            if let (Some(timer), Some(id)) = (timer, record["id"].as_str()) {
                self.enter_timer(timer, record["due_ms"].as_i64().unwrap_or_default(), id);
            }
        }
    }

    /// Lets time pass until `now_ms`.
    pub(crate) fn advance(&mut self, now_ms: i64) {
        self.origin = Origin::default();
        while let Some((due_ms, id)) = self.take_timer(now_ms) {
            let Some(record) = self.store.remove(Kind::Timer, &id) else { continue };
            let timer = Timer::ALL.into_iter().find(|timer| record["timer"] == timer.name());
            if let (Some(timer), Some(target)) = (timer, record["target"].as_str()) {
                self.now_ms = due_ms;
                timer.run(self, target);
            }
        }
        self.now_ms = now_ms;
        self.prune_idempotency_keys();
    }

    fn take_timer(&mut self, now_ms: i64) -> Option<(i64, String)> {
        let soon = self.soon.next_ms().unwrap_or(i64::MAX);
        let later = self.later.next_ms().unwrap_or(i64::MAX);
        let agenda = if later < soon { &mut self.later } else { &mut self.soon };
        agenda.take_due(now_ms)
    }
}
