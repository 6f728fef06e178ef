//! Moving an account to another mail address: whoever reads the old one and whoever reads the new
//! one must both agree, each by the link that was mailed there.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::address::Email;
use crate::id::CustomerId;

/// A change that waits for its two readers.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailChange {
    /// Whose account.
    pub customer: CustomerId,
    /// The address that the account has.
    pub from: Email,
    /// The address that it shall have.
    pub to: Email,
    /// The link that was mailed to the old address.
    pub old: Link,
    /// The link that was mailed to the new address.
    pub new: Link,
    /// When both links end.
    pub ends_at: Timestamp,
    /// Rises with every write.
    pub version: u64,
}

/// One of the two links.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// SHA-256 (hex) of its token.
    pub token_hash: String,
    /// Whether it was opened.
    pub is_agreed: bool,
}

/// Only whose it is: the rest is personal or secret.
impl fmt::Debug for EmailChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EmailChange({})", self.customer)
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Link({})", self.is_agreed)
    }
}

/// What an opened link does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Agreement {
    /// This side had agreed already.
    Again,
    /// This side agrees now; the other one is waited for.
    Waits(EmailChange),
    /// Both agree: the account moves.
    Moves,
}

impl EmailChange {
    /// What it does to open the link with this token's hash; none where it is no link of this
    /// change, or too old.
    pub fn agree(&self, token_hash: &str, now: Timestamp) -> Option<Agreement> {
        if now >= self.ends_at {
            return None;
        }
        let agreed = Link { token_hash: token_hash.to_owned(), is_agreed: true };
        let version = self.version + 1;
        let (mine, other, after) = if self.old.token_hash == token_hash {
            (&self.old, &self.new, Self { old: agreed, version, ..self.clone() })
        } else if self.new.token_hash == token_hash {
            (&self.new, &self.old, Self { new: agreed, version, ..self.clone() })
        } else {
            return None;
        };
        Some(match (mine.is_agreed, other.is_agreed) {
            (_, true) => Agreement::Moves,
            (true, false) => Agreement::Again,
            (false, false) => Agreement::Waits(after),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Ulid;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + second).unwrap()
    }

    fn change() -> EmailChange {
        let link = |hash: &str| Link { token_hash: hash.to_owned(), is_agreed: false };
        EmailChange {
            customer: CustomerId::from_ulid(Ulid::from_parts(1, 1)),
            from: Email::parse("old@example.org").unwrap(),
            to: Email::parse("new@example.org").unwrap(),
            old: link("a"),
            new: link("b"),
            ends_at: at(100),
            version: 1,
        }
    }

    #[test]
    fn the_account_moves_when_both_have_agreed_in_either_order() {
        for (first, second) in [("a", "b"), ("b", "a")] {
            let Some(Agreement::Waits(waiting)) = change().agree(first, at(0)) else {
                panic!("{first} did not wait for {second}");
            };
            assert_eq!(waiting.version, 2);
            assert_eq!(waiting.agree(first, at(1)), Some(Agreement::Again));
            assert_eq!(waiting.agree(second, at(1)), Some(Agreement::Moves));
        }
    }

    #[test]
    fn a_foreign_or_late_link_agrees_to_nothing() {
        assert_eq!(change().agree("c", at(0)), None);
        assert_eq!(change().agree("a", at(100)), None);
    }

    #[test]
    fn it_shows_no_address_and_no_token() {
        assert!(!format!("{:?}", change()).contains('@'));
        assert_eq!(format!("{:?}", change().old), "Link(false)");
    }
}
