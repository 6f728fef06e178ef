//! A customer's account.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::address::{Email, PersonName};
use crate::id::{CustomerId, SessionId};

/// How long a mailed link to confirm an address is good.
pub const VERIFICATION_LIFETIME: SignedDuration = SignedDuration::from_hours(24);
/// How long a session lives without being used.
pub const SESSION_IDLE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long a session lives at most.
pub const SESSION_ABSOLUTE: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How long a refresh token that was just rotated still answers its successor: the answer may
/// have been lost on its way.
pub const ROTATION_GRACE: SignedDuration = SignedDuration::from_secs(10);

/// An account.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its id.
    pub id: CustomerId,
    /// The address that letters go to.
    pub email: Email,
    /// What the customer is called.
    pub name: PersonName,
    /// The password's hash, as a PHC string that carries its own parameters.
    pub password: String,
    /// Whether the address was confirmed; nobody signs in before.
    pub is_verified: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// Rises with every write.
    pub version: u64,
}

/// Only the id: the rest is personal or secret.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Account({})", self.id)
    }
}

/// A signed-in session: a family of refresh tokens of which one is good at a time.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub customer: CustomerId,
    /// SHA-256 (hex) of the refresh token that is good now.
    pub current: String,
    /// SHA-256 (hex) of the one before.
    pub previous: Option<String>,
    /// When it was last rotated.
    pub rotated_at: Timestamp,
    /// When it began.
    pub created_at: Timestamp,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({})", self.id)
    }
}

/// What a refresh token is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worth {
    /// It is the current one: rotate.
    Current,
    /// It was rotated a moment ago: its successor is answered again.
    JustRotated,
    /// It was used before, or never ours: the family ends.
    Reused,
    /// The session is too old.
    Expired,
}

impl Session {
    /// What a refresh token with this hash is worth now.
    pub fn worth(&self, token_hash: &str, now: Timestamp) -> Worth {
        let is_idle = now.duration_since(self.rotated_at) > SESSION_IDLE;
        let is_old = now.duration_since(self.created_at) > SESSION_ABSOLUTE;
        if is_idle || is_old {
            return Worth::Expired;
        }
        if self.current == token_hash {
            return Worth::Current;
        }
        let is_recent = now.duration_since(self.rotated_at) <= ROTATION_GRACE;
        if is_recent && self.previous.as_deref() == Some(token_hash) {
            Worth::JustRotated
        } else {
            Worth::Reused
        }
    }

    /// The session after a rotation.
    #[must_use]
    pub fn rotated(&self, successor: String, now: Timestamp) -> Self {
        let previous = Some(self.current.clone());
        Self { current: successor, previous, rotated_at: now, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Ulid;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).unwrap()
    }

    fn session() -> Session {
        Session {
            id: SessionId::from_ulid(Ulid::from_parts(1, 1)),
            customer: CustomerId::from_ulid(Ulid::from_parts(1, 2)),
            current: "a".into(),
            previous: None,
            rotated_at: at(0),
            created_at: at(0),
        }
    }

    #[test]
    fn a_used_token_is_good_for_ten_more_seconds_and_then_ends_the_family() {
        let rotated = session().rotated("b".into(), at(100));
        assert_eq!(rotated.worth("b", at(100)), Worth::Current);
        assert_eq!(rotated.worth("a", at(110)), Worth::JustRotated);
        assert_eq!(rotated.worth("a", at(111)), Worth::Reused);
        assert_eq!(rotated.worth("never ours", at(101)), Worth::Reused);
    }

    #[test]
    fn a_session_ends_after_a_week_of_rest_and_after_thirty_days() {
        const DAY: i64 = 24 * 3600;
        assert_eq!(session().worth("a", at(7 * DAY)), Worth::Current);
        assert_eq!(session().worth("a", at(7 * DAY + 1)), Worth::Expired);
        let busy = Session { rotated_at: at(30 * DAY), ..session() };
        assert_eq!(busy.worth("a", at(30 * DAY + 1)), Worth::Expired);
    }
}
