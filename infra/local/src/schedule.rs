//! Schedules in the shop's own time.
//!
//! When the clock is moved over several beats of a schedule, it fires once: what was missed is not
//! made up for, as if the machine had slept.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::json;
use templates::{Stack, Trigger};

use crate::shop::{Outcome, Shop};

/// When each schedule fires next.
pub(crate) struct Beats(Mutex<Vec<Beat>>);

#[derive(Clone)]
struct Beat {
    handler: String,
    every_ms: i64,
    due_ms: i64,
}

impl Beats {
    /// The first beat of each comes one period after the start.
    pub(crate) fn new(stack: &Stack, now_ms: i64) -> Self {
        let mut beats = Vec::new();
        for function in &stack.functions {
            for trigger in &function.triggers {
                if let Trigger::Schedule { seconds } = trigger {
                    let every_ms = i64::try_from(*seconds).unwrap_or(i64::MAX / 2000) * 1000;
                    let due_ms = now_ms + every_ms;
                    beats.push(Beat { handler: function.handler.clone(), every_ms, due_ms });
                }
            }
        }
        Self(Mutex::new(beats))
    }

    /// The same beats, for a copy of the shop.
    pub(crate) fn copy(&self) -> Self {
        Self(Mutex::new(self.beats().clone()))
    }

    /// The functions that are due, in the order of their times; each is due again in the future.
    fn take_due(&self, now_ms: i64) -> Vec<String> {
        let mut beats = self.beats();
        let mut due = Vec::new();
        for beat in beats.iter_mut().filter(|beat| beat.due_ms <= now_ms) {
            due.push((beat.due_ms, beat.handler.clone()));
            beat.due_ms += ((now_ms - beat.due_ms) / beat.every_ms + 1) * beat.every_ms;
        }
        due.sort();
        due.into_iter().map(|(_, handler)| handler).collect()
    }

    /// When the next one fires.
    pub(crate) fn next_ms(&self) -> Option<i64> {
        self.beats().iter().map(|beat| beat.due_ms).min()
    }

    fn beats(&self) -> MutexGuard<'_, Vec<Beat>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shop {
    /// Moves the clock, then runs the schedules that became due, each once. Returns their Handlers.
    pub async fn advance(&self, seconds: u64) -> Vec<String> {
        let ms = i64::try_from(seconds).unwrap_or(i64::MAX / 1000).saturating_mul(1000);
        self.move_to(self.0.clock.now_ms().saturating_add(ms)).await
    }

    pub(crate) async fn move_to(&self, at_ms: i64) -> Vec<String> {
        self.0.clock.advance_to_ms(at_ms);
        self.keep_shift();
        let fired = self.run_due().await;
        self.0.moved.notify_one();
        fired
    }

    /// Runs the schedules that are due.
    pub(crate) async fn run_due(&self) -> Vec<String> {
        let due = self.0.beats.take_due(self.0.clock.now_ms());
        for handler in &due {
            self.run_job(handler).await;
        }
        due
    }

    /// Runs a scheduled function now.
    pub async fn run_job(&self, handler: &str) -> Outcome {
        let event = json!({
            "version": "0",
            "id": "00000000-0000-0000-0000-000000000000",
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": templates::ACCOUNT,
            "region": templates::REGION,
            "time": self.0.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "resources": [],
            "detail": {},
        });
        self.invoke(handler, event).await
    }

    /// When the next schedule fires.
    pub(crate) fn next_beat_ms(&self) -> Option<i64> {
        self.0.beats.next_ms()
    }

    /// The Handlers of all scheduled functions, in the order of the templates.
    pub fn jobs(&self) -> Vec<String> {
        self.0.beats.beats().iter().map(|beat| beat.handler.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slept_over_schedule_fires_once_and_keeps_its_beat() {
        let beat = |handler: &str, every_ms| Beat {
            handler: handler.to_owned(),
            every_ms,
            due_ms: every_ms,
        };
        let beats = Beats(Mutex::new(vec![beat("hourly", 3_600_000), beat("minutely", 60_000)]));
        assert!(beats.take_due(59_999).is_empty());
        assert_eq!(beats.take_due(60_000), ["minutely"]);
        assert_eq!(beats.next_ms(), Some(120_000));
        assert_eq!(beats.take_due(3_630_000), ["minutely", "hourly"]);
        assert_eq!(beats.next_ms(), Some(3_660_000));
    }
}
