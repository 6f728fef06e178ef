//! A customer's account, and the session of whoever is signed in.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::address::{Email, PersonName};
use crate::id::{CustomerId, Malformed, SessionId, StaffId};
use crate::staff::{STAFF_SESSION_ABSOLUTE, STAFF_SESSION_IDLE, STEP_UP_LIFETIME};

/// How long a mailed link to confirm an address is good.
pub const VERIFICATION_LIFETIME: SignedDuration = SignedDuration::from_hours(24);
/// How long a mailed link to choose another password is good.
pub const RESET_LIFETIME: SignedDuration = SignedDuration::from_mins(30);
/// How long the two links that move an account to another address are good.
pub const EMAIL_CHANGE_LIFETIME: SignedDuration = SignedDuration::from_hours(24);
/// How long a customer's session lives without being used.
pub const SESSION_IDLE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long a customer's session lives at most.
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

/// Whose session it is. Its text form is the id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A customer's.
    Customer(CustomerId),
    /// A member of the staff's.
    Staff(StaffId),
}

impl Subject {
    /// How long their sessions live without being used.
    pub const fn idle(self) -> SignedDuration {
        match self {
            Self::Customer(_) => SESSION_IDLE,
            Self::Staff(_) => STAFF_SESSION_IDLE,
        }
    }

    /// How long their sessions live at most.
    pub const fn absolute(self) -> SignedDuration {
        match self {
            Self::Customer(_) => SESSION_ABSOLUTE,
            Self::Staff(_) => STAFF_SESSION_ABSOLUTE,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Customer(id) => fmt::Display::fmt(id, f),
            Self::Staff(id) => fmt::Display::fmt(id, f),
        }
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Subject {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        CustomerId::parse(text)
            .map(Self::Customer)
            .or_else(|_| StaffId::parse(text).map(Self::Staff))
    }
}

impl Serialize for Subject {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A signed-in session: a family of refresh tokens of which one is good at a time.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub subject: Subject,
    /// SHA-256 (hex) of the refresh token that is good now.
    pub current: String,
    /// SHA-256 (hex) of the one before.
    pub previous: Option<String>,
    /// When it was last rotated.
    pub rotated_at: Timestamp,
    /// When it began.
    pub created_at: Timestamp,
    /// When its holder last proved who they are.
    pub authenticated_at: Timestamp,
    /// What the browser or app called itself, so that its holder knows it again in a list.
    pub device: Option<String>,
    /// The network it began in: an IPv4 /24 or an IPv6 /48.
    pub network: Option<String>,
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
    /// Whether it has neither rested too long nor lived too long.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        now.duration_since(self.rotated_at) <= self.subject.idle()
            && now.duration_since(self.created_at) <= self.subject.absolute()
    }

    /// Whether its holder proved who they are a moment ago, as what can not be undone wants.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        now.duration_since(self.authenticated_at) <= STEP_UP_LIFETIME
    }

    /// What a refresh token with this hash is worth now.
    pub fn worth(&self, token_hash: &str, now: Timestamp) -> Worth {
        if !self.is_alive(now) {
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
            subject: Subject::Customer(CustomerId::from_ulid(Ulid::from_parts(1, 2))),
            current: "a".into(),
            previous: None,
            rotated_at: at(0),
            created_at: at(0),
            authenticated_at: at(0),
            device: None,
            network: None,
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
    fn the_staffs_session_ends_after_an_hour_of_rest_and_after_twelve() {
        const HOUR: i64 = 3600;
        let subject = Subject::Staff(StaffId::from_ulid(Ulid::from_parts(1, 3)));
        let session = Session { subject, ..session() };
        assert_eq!(session.worth("a", at(HOUR)), Worth::Current);
        assert_eq!(session.worth("a", at(HOUR + 1)), Worth::Expired);
        let busy = Session { rotated_at: at(12 * HOUR), ..session };
        assert_eq!(busy.worth("a", at(12 * HOUR)), Worth::Current);
        assert_eq!(busy.worth("a", at(12 * HOUR + 1)), Worth::Expired);
    }

    #[test]
    fn a_proof_of_identity_is_fresh_for_ten_minutes() {
        assert!(session().is_fresh(at(600)));
        assert!(!session().is_fresh(at(601)));
    }

    #[test]
    fn a_subject_is_written_as_its_id_and_no_other_kind_is_one() {
        let subject = Subject::Customer(CustomerId::from_ulid(Ulid::from_parts(1, 2)));
        let text = serde_json::to_string(&subject).unwrap();
        assert_eq!(serde_json::from_str::<Subject>(&text).unwrap(), subject);
        assert!("ord_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse::<Subject>().is_err());
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
