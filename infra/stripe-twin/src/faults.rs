//! What can go wrong on purpose. Faults are set as a whole (what is not named is off), live in
//! memory only, and take all their chance from the twin's seed.

use serde::{Deserialize, Serialize};

use crate::chance::Chance;
use crate::refusal::Refusal;

/// The faults in force; the default is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Every webhook is sent this many extra times.
    pub webhook_duplicates: u32,
    /// Every webhook waits so many seconds, or a random time between two bounds.
    pub webhook_delay_seconds: Delay,
    /// Webhooks overtake each other.
    pub webhook_reorder: bool,
    /// The next so many webhooks never arrive and are not retried; their events remain readable.
    pub webhook_drop: u32,
    /// No webhook leaves until this is lifted.
    pub webhook_hold: bool,
    /// The next requests fail.
    pub fail_next: Option<FailNext>,
    /// The next so many requests that may have an effect have it, and their response is lost.
    pub lost_responses_next: u32,
    /// So many requests of a hundred fail, before or after their effect.
    pub error_rate_percent: u8,
}

/// How long webhooks wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Delay {
    /// So many seconds.
    Fixed(u32),
    /// A random number of seconds between these two, both included.
    Between([u32; 2]),
}

impl Default for Delay {
    fn default() -> Self {
        Self::Fixed(0)
    }
}

impl Delay {
    pub(crate) fn draw_ms(self, chance: &mut Chance) -> i64 {
        match self {
            Self::Fixed(seconds) => i64::from(seconds) * 1000,
            Self::Between([from, to]) => {
                let span = u64::from(to.saturating_sub(from)) * 1000 + 1;
                i64::from(from) * 1000 + i64::try_from(chance.below(span)).unwrap_or(0)
            }
        }
    }
}

/// Requests that fail on purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailNext {
    /// How many requests.
    #[serde(default = "one")]
    pub count: u32,
    /// 429, 500 or 503.
    pub status: u16,
    /// Whether they fail before anything happened (the default) or after.
    #[serde(default = "yes")]
    pub before_effect: bool,
}

fn one() -> u32 {
    1
}

fn yes() -> bool {
    true
}

/// How a request fails on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    status: u16,
    pub(crate) before_effect: bool,
}

impl Failure {
    /// Whether the idempotency key keeps the failure instead of the true answer. Stripe keeps a
    /// 500 of an execution; a 429 or 503 comes from in front of it.
    pub(crate) fn is_kept(self) -> bool {
        !self.before_effect && self.status == 500
    }

    /// The response.
    pub(crate) fn refusal(self) -> Refusal {
        match self.status {
            429 => Refusal::invalid(
                "Request rate limit exceeded. You can learn more about rate limits here \
                 https://stripe.com/docs/rate-limits.",
            )
            .status(429)
            .code("rate_limit")
            .should_retry(true),
            status => Refusal::api(
                status,
                "Sorry, something went wrong. We've already been notified of the problem.",
            )
            .should_retry(!self.is_kept()),
        }
    }
}

impl Faults {
    /// Why these faults make no sense, if they do not.
    pub(crate) fn refuse(&self) -> Option<String> {
        if let Some(next) = &self.fail_next
            && !matches!(next.status, 429 | 500 | 503)
        {
            return Some("fail_next.status must be 429, 500 or 503".into());
        }
        if self.error_rate_percent > 100 {
            return Some("error_rate_percent must be at most 100".into());
        }
        if let Delay::Between([from, to]) = self.webhook_delay_seconds
            && from > to
        {
            return Some("webhook_delay_seconds must be [least, most]".into());
        }
        None
    }

    /// How the request at hand fails, if it does.
    pub(crate) fn draw(&mut self, chance: &mut Chance) -> Option<Failure> {
        if let Some(next) = &mut self.fail_next {
            let failure = Failure { status: next.status, before_effect: next.before_effect };
            let was_set = next.count > 0;
            next.count = next.count.saturating_sub(1);
            if next.count == 0 {
                self.fail_next = None;
            }
            if was_set {
                return Some(failure);
            }
        }
        if self.error_rate_percent == 0 || chance.below(100) >= self.error_rate_percent.into() {
            return None;
        }
        let (status, before_effect) = match chance.below(4) {
            0 => (429, true),
            1 => (500, true),
            2 => (500, false),
            _ => (503, false),
        };
        Some(Failure { status, before_effect })
    }

    /// Whether this response is to be lost.
    pub(crate) fn loses_response(&mut self) -> bool {
        let is_lost = self.lost_responses_next > 0;
        self.lost_responses_next = self.lost_responses_next.saturating_sub(1);
        is_lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_from_json() {
        let faults: Faults = serde_json::from_str(
            r#"{"webhook_delay_seconds":[1,3],"fail_next":{"status":503,"before_effect":false}}"#,
        )
        .unwrap();
        assert_eq!(faults.webhook_delay_seconds, Delay::Between([1, 3]));
        assert_eq!(faults.fail_next.unwrap().count, 1);
        assert!(serde_json::from_str::<Faults>(r#"{"webhook_delay":1}"#).is_err());
    }

    #[test]
    fn the_next_requests_fail_and_then_no_more() {
        let mut chance = Chance::resume(1, None);
        let fail_next = Some(FailNext { count: 2, status: 429, before_effect: true });
        let mut faults = Faults { fail_next, ..Faults::default() };
        assert!(faults.draw(&mut chance).is_some());
        assert!(faults.draw(&mut chance).is_some());
        assert!(faults.draw(&mut chance).is_none());
    }

    #[test]
    fn an_error_rate_is_about_what_it_says() {
        let mut chance = Chance::resume(5, None);
        let mut faults = Faults { error_rate_percent: 20, ..Faults::default() };
        let failed = (0..1000).filter(|_| faults.draw(&mut chance).is_some()).count();
        assert!((150..250).contains(&failed), "{failed}");
    }

    #[test]
    fn a_delay_stays_between_its_bounds() {
        let mut chance = Chance::resume(5, None);
        for _ in 0..200 {
            let delay_ms = Delay::Between([2, 4]).draw_ms(&mut chance);
            assert!((2000..=4000).contains(&delay_ms));
        }
    }
}
