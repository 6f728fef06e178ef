//! Buckets: ephemeral `RL#limit#holder` / META, whose one number is when the bucket is full again.
//!
//! Taking a token is one conditional update. Which of the two it is depends on whether the bucket
//! is full; a wrong guess is told by the refused condition and costs a second update.
//! The holder (an address, an account) is hashed: keys end up in metrics and access logs.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::fault::{Fault, Retry};
use domain::limit::{Limit, Quota, Standing};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::item::{Item, Key, number};
use crate::transaction::{Expression, Transaction, Updated};
use crate::{Store, Table};

/// A bucket may have to be looked at this often while others take from it.
const ATTEMPTS_MAX: usize = 4;

/// Somebody's bucket.
#[derive(Debug, Clone)]
pub struct Bucket {
    limit: Limit,
    holder: String,
    quota: Quota,
    /// When it is full again, as far as is known.
    full_at_ms: Option<i64>,
    /// Whether that was read from the table: a guess refuses nobody.
    is_seen: bool,
}

/// What became of taking tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// They are taken.
    Yes(Standing),
    /// They were not there; nothing is taken.
    No(Standing),
}

impl Bucket {
    /// The bucket of a holder.
    pub fn new(limit: Limit, holder: &str, quota: Quota) -> Self {
        let digest = Sha256::digest(holder.as_bytes());
        let holder = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Self { limit, holder, quota, full_at_ms: None, is_seen: false }
    }

    /// Guesses from what its holder wrote last: so many writes since then, the last one then. A
    /// good guess saves a round trip; a bad one costs one.
    pub fn guess(&mut self, writes: u64, first: Timestamp, last: Timestamp) {
        let tokens = u32::try_from(writes).unwrap_or(u32::MAX).min(self.quota.capacity());
        let burst = first.as_millisecond() + self.quota.cost_ms(tokens);
        self.full_at_ms = Some(burst.max(last.as_millisecond() + self.quota.cost_ms(1)));
    }

    /// The holder, hashed.
    pub fn holder(&self) -> &str {
        &self.holder
    }

    fn key(&self) -> Key {
        Key::meta(format!("RL#{}#{}", self.limit.name(), self.holder))
    }

    /// How it stands, as far as was seen.
    pub fn standing(&self, now: Timestamp) -> Standing {
        let now_ms = now.as_millisecond();
        self.quota.standing(self.full_at_ms.unwrap_or(now_ms), now_ms)
    }

    /// The update that takes tokens from a bucket that is full, or from one that is not, as it
    /// was last seen; or how it stands where they are not there.
    fn update(&self, tokens: u32, now_ms: i64) -> Result<(&'static str, Expression), Standing> {
        let known = match self.quota.take(self.full_at_ms, tokens, now_ms) {
            Ok(_) => self.full_at_ms,
            Err(standing) if self.is_seen => return Err(standing),
            Err(_) => None,
        };
        let expires = number(self.quota.latest_ms(now_ms) / 1000 + 1);
        Ok(if known.is_none_or(|full_at| full_at <= now_ms) {
            let after = self.quota.take(None, tokens, now_ms)?;
            let condition = Expression::new("attribute_not_exists(full_at) OR full_at <= :now")
                .value(":now", number(now_ms))
                .value(":after", number(after))
                .value(":expires", expires);
            ("SET full_at = :after, expires = :expires", condition)
        } else {
            let cost = self.quota.cost_ms(tokens);
            let condition = Expression::new("full_at BETWEEN :now AND :latest")
                .value(":now", number(now_ms))
                .value(":latest", number(self.quota.latest_ms(now_ms) - cost))
                .value(":cost", number(cost))
                .value(":expires", expires);
            ("SET full_at = full_at + :cost, expires = :expires", condition)
        })
    }

    /// Takes note of the item as it stands.
    pub(crate) fn see(&mut self, item: Option<&Item>) {
        self.full_at_ms = item.and_then(|item| match item.get("full_at") {
            Some(AttributeValue::N(text)) => text.parse().ok(),
            _ => None,
        });
        self.is_seen = true;
    }

    /// Takes a token in a transaction, or says that there is none as far as was seen.
    pub(crate) fn take_in(
        &self,
        store: &Store,
        transaction: &mut Transaction,
        now: Timestamp,
    ) -> Result<Result<(), Standing>, Fault> {
        let (update, condition) = match self.update(1, now.as_millisecond()) {
            Ok(update) => update,
            Err(standing) => return Ok(Err(standing)),
        };
        transaction.update(store, Table::Ephemeral, &self.key(), update, condition).map(Ok)
    }

    /// Takes note of a token that a transaction took.
    pub(crate) fn took(&mut self, now: Timestamp) {
        let after = self.quota.take(self.full_at_ms, 1, now.as_millisecond());
        self.full_at_ms = after.ok().or(self.full_at_ms);
    }
}

impl Store {
    /// Takes tokens from a bucket, all or none.
    pub async fn take(
        &self,
        bucket: &mut Bucket,
        tokens: u32,
        now: Timestamp,
    ) -> Result<Taken, Fault> {
        let now_ms = now.as_millisecond();
        for _ in 0..ATTEMPTS_MAX {
            let (update, condition) = match bucket.update(tokens, now_ms) {
                Ok(update) => update,
                Err(standing) => return Ok(Taken::No(standing)),
            };
            let key = bucket.key();
            match self.update_if(Table::Ephemeral, &key, update, condition).await? {
                Updated::Yes(item) => {
                    bucket.see(Some(&item));
                    return Ok(Taken::Yes(bucket.standing(now)));
                }
                Updated::Refused(item) => bucket.see(item.as_ref()),
            }
        }
        Err(Fault::noticed("take from a bucket that never stands still", Retry::Helps))
    }

    /// Gives tokens back that were taken in advance.
    pub async fn return_tokens(&self, bucket: &Bucket, tokens: u32) -> Result<(), Fault> {
        let condition = Expression::new("attribute_exists(full_at)")
            .value(":cost", number(bucket.quota.cost_ms(tokens)));
        let update = "SET full_at = full_at - :cost";
        // A bucket that is gone is full.
        self.update_if(Table::Ephemeral, &bucket.key(), update, condition).await.map(drop)
    }
}
