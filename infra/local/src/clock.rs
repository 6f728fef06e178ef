//! The shop's clock: real time that can be shifted forward, or time that only moves when told.
//!
//! Every part of the shop (functions, emulated AWS, the Stripe twin, schedules) reads this one
//! clock, so that a shift is the same shift for all. It never goes back.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

/// 2026-11-02T09:00:00Z, a Monday morning: when stories begin.
pub const STORY_BEGINS_MS: i64 = 1_793_610_000_000;

/// The clock. Clones share it.
#[derive(Clone)]
pub struct Clock(Arc<Inner>);

struct Inner {
    /// Added to the system's time; a manual clock's whole time.
    shift_ms: AtomicI64,
    is_manual: bool,
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}

impl Clock {
    /// The system's time.
    pub fn real() -> Self {
        Self(Arc::new(Inner { shift_ms: AtomicI64::new(0), is_manual: false }))
    }

    /// A clock that stands until it is moved.
    pub fn manual(now_ms: i64) -> Self {
        Self(Arc::new(Inner { shift_ms: AtomicI64::new(now_ms), is_manual: true }))
    }

    /// A manual clock at the time when stories begin.
    pub fn story() -> Self {
        Self::manual(STORY_BEGINS_MS)
    }

    /// Whether it only moves when told.
    pub fn is_manual(&self) -> bool {
        self.0.is_manual
    }

    /// Milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        let shift = self.0.shift_ms.load(Ordering::SeqCst);
        if self.0.is_manual { shift } else { Timestamp::now().as_millisecond() + shift }
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.now_ms()).unwrap_or(Timestamp::MAX)
    }

    /// Moves it forward; what is negative does not move it.
    pub fn advance_ms(&self, ms: i64) {
        self.0.shift_ms.fetch_add(ms.max(0), Ordering::SeqCst);
    }

    /// Moves it forward to this time, if that lies ahead.
    pub fn advance_to_ms(&self, at_ms: i64) {
        self.advance_ms(at_ms - self.now_ms());
    }

    /// How far it is ahead of the system's time; for a manual clock, since 1970.
    pub fn shift_ms(&self) -> i64 {
        self.0.shift_ms.load(Ordering::SeqCst)
    }

    pub(crate) fn function_clock(&self) -> runtime::Clock {
        let clock = self.clone();
        runtime::Clock::of(move || clock.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_stands_until_it_is_moved_and_never_goes_back() {
        let clock = Clock::manual(1_000);
        clock.advance_ms(500);
        clock.advance_ms(-700);
        clock.advance_to_ms(1_200);
        assert_eq!(clock.now_ms(), 1_500);
        clock.advance_to_ms(2_000);
        assert_eq!(clock.now_ms(), 2_000);
    }
}
