//! Time, as an input.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

/// Tells the time. In the cloud it is the system's; in tests and in the local shop it is theirs.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        #[allow(clippy::disallowed_methods, reason = "the one place where time comes in")]
        Self(Arc::new(Timestamp::now))
    }

    /// A clock that somebody else moves.
    pub fn of(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}
