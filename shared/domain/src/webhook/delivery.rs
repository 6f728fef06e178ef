//! One event on its way to one endpoint.
//!
//! Tries follow a schedule that grows from seconds to a day and ends after some three days. Whoever
//! tries takes a lease first, so that two who meet send once; who dies with a lease leaves it to
//! lapse, and the event is sent again: at least once, under the same id.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Endpoint, Topic};
use crate::id::{EventId, WebhookId};

/// How long events and deliveries are kept: what may be sent again by hand.
pub const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How long whoever sends has for it: longer than a call may take.
pub const LEASE: SignedDuration = SignedDuration::from_secs(60);
/// Tries that are remembered of a delivery.
pub const ATTEMPTS_KEPT: usize = 20;
/// Characters that are kept of an answer.
pub const ANSWER_CHARS_MAX: usize = 256;
/// Seconds between two tries. The sum is a little over three days.
const WAITS: [i64; 9] =
    [5, 60, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 12 * 3600, 24 * 3600, 30 * 3600];
/// A wait is stretched by up to so many thousandths of itself: many that failed together do not
/// come again together.
const JITTER: i64 = 250;

/// An event as it is told: the very bytes that are sent, to whomever, however often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// The event, which is the `webhook-id`.
    pub event: EventId,
    /// What happened.
    pub topic: Topic,
    /// When.
    pub at: Timestamp,
    /// What is sent.
    pub body: String,
    /// The one endpoint that it is meant for; none where it is for all who want it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<WebhookId>,
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "WebhookDeliveryState")]
pub enum State {
    /// It is tried, or tried again.
    Pending,
    /// The endpoint has taken it.
    Delivered,
    /// All tries were in vain.
    Failed,
    /// The endpoint was switched off or deleted meanwhile.
    Skipped,
}

/// What became of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "WebhookOutcome")]
pub enum Outcome {
    /// The endpoint answered 2xx.
    Taken,
    /// It answered something else.
    Refused,
    /// It answered that it is somewhere else, which is not followed.
    Redirected,
    /// It did not answer in time.
    TimedOut,
    /// There was no connection, or it broke.
    Unreachable,
    /// Its name stands for an address that is not on the public internet.
    Blocked,
}

/// A try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When.
    pub at: Timestamp,
    /// What became of it.
    pub outcome: Outcome,
    /// The status of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How the answer begins.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub answer: String,
}

impl Attempt {
    /// A try whose answer had this status and began like this.
    pub fn answered(at: Timestamp, status: u16, answer: &str) -> Self {
        let outcome = match status {
            200..300 => Outcome::Taken,
            300..400 => Outcome::Redirected,
            _ => Outcome::Refused,
        };
        let answer = answer.chars().filter(|c| !c.is_control()).take(ANSWER_CHARS_MAX).collect();
        Self { at, outcome, status: Some(status), answer }
    }

    /// A try that nobody answered.
    pub const fn unanswered(at: Timestamp, outcome: Outcome) -> Self {
        Self { at, outcome, status: None, answer: String::new() }
    }

    /// Whether the endpoint says that it is gone for good (Standard Webhooks: 410).
    pub fn says_gone(&self) -> bool {
        self.status == Some(410)
    }
}

/// One event on its way to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// To whom.
    pub endpoint: WebhookId,
    /// Of what.
    pub event: EventId,
    /// What happened.
    pub topic: Topic,
    /// When it happened.
    pub at: Timestamp,
    /// Where it stands.
    pub state: State,
    /// When it is tried next; none where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// Tries since it was begun, or begun again by hand.
    pub tries: u32,
    /// The last tries, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
    /// Of this document.
    #[serde(default)]
    pub version: u64,
}

impl Delivery {
    /// An event that an endpoint is to be told of.
    pub const fn new(endpoint: WebhookId, announced: &Announcement, now: Timestamp) -> Self {
        Self {
            endpoint,
            event: announced.event,
            topic: announced.topic,
            at: announced.at,
            state: State::Pending,
            due_at: Some(now),
            tries: 0,
            attempts: Vec::new(),
            version: 0,
        }
    }

    /// Whether it is time to try.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.state == State::Pending && self.due_at.is_some_and(|due| due <= now)
    }

    /// As it is while somebody tries: nobody else does until the lease is over.
    #[must_use]
    pub fn leased(&self, now: Timestamp) -> Self {
        let due_at = Some(now.checked_add(LEASE).unwrap_or(now));
        Self { due_at, ..self.clone() }
    }

    /// As it is after a try. `chance` spreads the next one.
    #[must_use]
    pub fn after(&self, attempt: Attempt, chance: u64) -> Self {
        let (at, is_taken) = (attempt.at, attempt.outcome == Outcome::Taken);
        let mut attempts = self.attempts.clone();
        attempts.push(attempt);
        let surplus = attempts.len().saturating_sub(ATTEMPTS_KEPT);
        attempts.drain(..surplus);
        let tries = self.tries.saturating_add(1);
        let next = wait(tries, chance).and_then(|wait| at.checked_add(wait).ok());
        let (state, due_at) = match (is_taken, next) {
            (true, _) => (State::Delivered, None),
            (false, Some(next)) => (State::Pending, Some(next)),
            (false, None) => (State::Failed, None),
        };
        Self { state, due_at, tries, attempts, ..self.clone() }
    }

    /// As it is once its endpoint wants it no more.
    #[must_use]
    pub fn skipped(&self) -> Self {
        Self { state: State::Skipped, due_at: None, ..self.clone() }
    }

    /// Begun again, whatever became of it: the same event under the same id.
    #[must_use]
    pub fn again(&self, now: Timestamp) -> Self {
        Self { state: State::Pending, due_at: Some(now), tries: 0, ..self.clone() }
    }

    /// Whether the endpoint is to be told at all, as it stands now.
    pub fn is_for(&self, endpoint: &Endpoint) -> bool {
        endpoint.takes(self.topic)
    }

    /// Until when it is kept.
    pub fn kept_until(&self) -> Timestamp {
        kept_until(self.due_at.map_or(self.at, |due| due.max(self.at)))
    }
}

impl Announcement {
    /// Until when it is kept.
    pub fn kept_until(&self) -> Timestamp {
        kept_until(self.at)
    }
}

fn kept_until(at: Timestamp) -> Timestamp {
    at.checked_add(KEPT).unwrap_or(Timestamp::MAX)
}

/// How long is waited after so many tries; none after the last.
fn wait(tries: u32, chance: u64) -> Option<SignedDuration> {
    let index = usize::try_from(tries).ok()?.checked_sub(1)?;
    let base = *WAITS.get(index)?;
    let share = i64::try_from(chance % 1000).unwrap_or(0);
    // In milliseconds: thousandths of so many seconds, of which a quarter at most.
    let extra = base * JITTER * share / 1000;
    Some(SignedDuration::from_millis(base * 1000 + extra))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::Ulid;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).unwrap()
    }

    fn fresh() -> Delivery {
        let announced = Announcement {
            event: EventId::from_ulid(Ulid::from_parts(1, 2)),
            topic: Topic::OrderPlaced,
            at: at(0),
            body: "{}".into(),
            only: None,
        };
        Delivery::new(WebhookId::from_ulid(Ulid::from_parts(3, 4)), &announced, at(0))
    }

    #[test]
    fn an_endpoint_that_never_answers_is_tried_ten_times_over_three_days() {
        let (mut delivery, mut gaps) = (fresh(), Vec::new());
        while let Some(due) = delivery.due_at {
            assert!(delivery.is_due(due) && delivery.state == State::Pending);
            delivery = delivery.after(Attempt::unanswered(due, Outcome::TimedOut), 0);
            gaps.extend(delivery.due_at.map(|next| next.duration_since(due).as_secs()));
        }
        assert_eq!(
            (delivery.state, delivery.tries, delivery.attempts.len()),
            (State::Failed, 10, 10)
        );
        assert_eq!(gaps, WAITS);
        let days = gaps.iter().sum::<i64>() / 86_400;
        assert_eq!(days, 3);
    }

    #[test]
    fn only_a_success_is_taken_and_a_redirect_is_none() {
        for (status, state) in [
            (200, State::Delivered),
            (204, State::Delivered),
            (301, State::Pending),
            (400, State::Pending),
            (410, State::Pending),
            (503, State::Pending),
        ] {
            let attempt = Attempt::answered(at(0), status, "x");
            assert_eq!(attempt.says_gone(), status == 410);
            assert_eq!(fresh().after(attempt, 1).state, state, "{status}");
        }
        let long = "a\u{7}".repeat(1000);
        assert_eq!(Attempt::answered(at(0), 500, &long).answer.len(), ANSWER_CHARS_MAX);
    }

    #[test]
    fn who_tries_has_it_alone_for_a_while_and_a_lapsed_lease_is_tried_again() {
        let leased = fresh().leased(at(0));
        assert!(!leased.is_due(at(LEASE.as_secs() - 1)));
        assert!(leased.is_due(at(LEASE.as_secs())), "who died leaves it to others");
        assert!(!leased.skipped().is_due(at(1_000_000)));
    }

    #[test]
    fn what_is_sent_again_by_hand_begins_anew_and_remembers() {
        let taken = fresh().after(Attempt::answered(at(1), 200, ""), 0);
        assert!(!taken.is_due(at(9)));
        let again = taken.again(at(9));
        assert!(again.is_due(at(9)));
        assert_eq!((again.tries, again.attempts.len(), again.event), (0, 1, taken.event));
    }

    proptest! {
        #[test]
        fn chance_stretches_a_wait_by_a_quarter_at_most(
            tries in 1_u32..12,
            chance in any::<u64>(),
        ) {
            let (shortest, this) = (wait(tries, 0), wait(tries, chance));
            prop_assert_eq!(shortest.is_some(), this.is_some());
            if let (Some(shortest), Some(this)) = (shortest, this) {
                prop_assert!(this >= shortest && this <= shortest * 5 / 4);
            }
        }

        #[test]
        fn a_delivery_remembers_a_bounded_number_of_tries(rounds in 1_usize..6) {
            let mut delivery = fresh();
            for _ in 0..rounds {
                delivery = delivery.again(at(0));
                while let Some(due) = delivery.due_at {
                    let attempt = Attempt::unanswered(due, Outcome::Unreachable);
                    delivery = delivery.after(attempt, 7);
                }
            }
            prop_assert!(delivery.attempts.len() <= ATTEMPTS_KEPT);
            prop_assert_eq!(delivery.state, State::Failed);
        }
    }
}
