//! Idempotency keys: ephemeral `IDEM#hash` / META, for a day; the hash is of principal, route and
//! key.
//!
//! Answers hold tokens and addresses. They are sealed under a key made of the caller's own, which
//! is not written down: who repeats the request opens the answer, who reads the table does not.
//!
//! A key is claimed before the work; the claim is a lease, so that who dies does not lock the
//! caller out. The first result is remembered and answered to every repetition. Each claim has a
//! holder of its own: who is told nothing of a claim that was made, and makes it again, knows it.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::fault::{Fault, Retry};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::item::{Item, Key, document, number, text};
use crate::transaction::{Expression, Transaction, Updated};
use crate::{Store, Table};

/// How long a repetition is answered with the first result.
const KEPT: SignedDuration = SignedDuration::from_hours(24);
/// How long the work may take before another may take over: above every function's time-out.
const LEASE: SignedDuration = SignedDuration::from_secs(30);

/// An answer as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Headers worth repeating.
    pub headers: Vec<(String, String)>,
    /// The body, as text.
    pub body: String,
}

/// A claimed key.
#[derive(Clone)]
pub struct Claim {
    key: String,
    seal: [u8; 32],
    lease: i64,
}

/// What became of a claim.
#[derive(Debug)]
pub enum Claimed {
    /// Do the work.
    Ours(Claim),
    /// It was done: answer this.
    Done(Answer),
    /// It is being done.
    InProgress,
    /// The key was used for something else.
    OtherRequest,
}

#[derive(Deserialize)]
struct Row {
    fingerprint: String,
    lease_until: i64,
    /// Who claims.
    holder: Option<i64>,
}

/// Without what opens its answer.
impl std::fmt::Debug for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.key)
    }
}

impl Claim {
    fn new(scope: &str, lease: i64) -> Self {
        let hash = |purpose: &str| -> [u8; 32] {
            let mut hash = Sha256::new();
            hash.update(purpose.as_bytes());
            hash.update(scope.as_bytes());
            hash.finalize().into()
        };
        let hex: String = hash("key of ").iter().map(|byte| format!("{byte:02x}")).collect();
        Self { key: format!("IDEM#{hex}"), seal: hash("answer to "), lease }
    }

    /// The answer, sealed. A lease is never given twice, so no nonce is used twice under a key.
    fn seal(&self, answer: &Answer) -> Result<AttributeValue, Fault> {
        let mut bytes = serde_json::to_vec(answer)
            .map_err(|error| Fault::new("write an answer down", error, Retry::Useless))?;
        let (key, nonce) = self.cipher(self.lease)?;
        key.seal_in_place_append_tag(nonce, Aad::empty(), &mut bytes)
            .map_err(|_| Fault::noticed("seal an answer", Retry::Useless))?;
        Ok(AttributeValue::B(Blob::new(bytes)))
    }

    fn open(&self, lease: i64, sealed: &Blob) -> Result<Answer, Fault> {
        let mut bytes = sealed.as_ref().to_vec();
        let (key, nonce) = self.cipher(lease)?;
        let opened = key
            .open_in_place(nonce, Aad::empty(), &mut bytes)
            .map_err(|_| Fault::noticed("open a remembered answer", Retry::Useless))?;
        serde_json::from_slice(opened)
            .map_err(|error| Fault::new("read a remembered answer", error, Retry::Useless))
    }

    fn cipher(&self, lease: i64) -> Result<(LessSafeKey, Nonce), Fault> {
        let key = UnboundKey::new(&AES_256_GCM, &self.seal)
            .map_err(|_| Fault::noticed("make a key for an answer", Retry::Useless))?;
        let mut nonce = [0_u8; NONCE_LEN];
        for (slot, byte) in nonce.iter_mut().zip(lease.to_be_bytes()) {
            *slot = byte;
        }
        Ok((LessSafeKey::new(key), Nonce::assume_unique_for_key(nonce)))
    }

    /// Tells this request from every other one: the same principal, route and key again have the
    /// same name. It opens nothing.
    pub fn name(&self) -> &str {
        self.key.strip_prefix("IDEM#").unwrap_or(&self.key)
    }

    fn key(&self) -> Key {
        Key::meta(self.key.clone())
    }

    fn condition(&self) -> Expression {
        Expression::new("lease_until = :lease").value(":lease", number(self.lease))
    }
}

impl Store {
    /// Claims a key for a request with this fingerprint.
    pub async fn claim(
        &self,
        scope: &str,
        fingerprint: &str,
        now: Timestamp,
    ) -> Result<Claimed, Fault> {
        // Milliseconds tell one lease from the next.
        let lease = now.as_millisecond().saturating_add(LEASE.as_secs() * 1000);
        let claim = Claim::new(scope, lease);
        let holder = holder()?;
        let condition = Expression::new(
            "attribute_not_exists(pk) OR expires < :seconds OR (attribute_not_exists(answer) \
             AND lease_until < :now AND fingerprint = :fingerprint)",
        )
        .value(":now", number(now.as_millisecond()))
        .value(":seconds", number(now.as_second()))
        .value(":fingerprint", text(fingerprint))
        .value(":lease", number(lease))
        .value(":holder", number(holder))
        .value(":expires", number(now.as_second().saturating_add(KEPT.as_secs())));
        let update = "SET fingerprint = :fingerprint, lease_until = :lease, holder = :holder, \
                      expires = :expires REMOVE answer";
        match self.update_if(Table::Ephemeral, &claim.key(), update, condition).await? {
            Updated::Yes(_) => Ok(Claimed::Ours(claim)),
            Updated::Refused(Some(item)) => read(claim, item, fingerprint, holder),
            Updated::Refused(None) => Ok(Claimed::InProgress),
        }
    }

    /// Remembers the answer of claimed work. Who lost the lease to another leaves the other's.
    pub async fn remember(&self, claim: &Claim, answer: &Answer) -> Result<(), Fault> {
        let condition = claim.condition().value(":answer", claim.seal(answer)?);
        let update = "SET answer = :answer";
        match self.update_if(Table::Ephemeral, &claim.key(), update, condition).await? {
            Updated::Yes(_) | Updated::Refused(_) => Ok(()),
        }
    }

    /// Gives a claim up: the work failed on our side and may be tried again at once. Where the work
    /// was done and only its answer was lost, what is remembered stays as it is: it opens under its
    /// lease alone.
    pub async fn forget(&self, claim: &Claim) -> Result<(), Fault> {
        let unanswered = "lease_until = :lease AND attribute_not_exists(answer)";
        let condition = Expression::new(unanswered)
            .value(":lease", number(claim.lease))
            .value(":none", number(0_i64));
        let update = "SET lease_until = :none";
        match self.update_if(Table::Ephemeral, &claim.key(), update, condition).await? {
            Updated::Yes(_) | Updated::Refused(_) => Ok(()),
        }
    }
}

/// Remembers the answer in the transaction of its effect.
pub(crate) fn remember_in(
    store: &Store,
    transaction: &mut Transaction,
    claim: &Claim,
    answer: &Answer,
) -> Result<(), Fault> {
    let condition = claim.condition().value(":answer", claim.seal(answer)?);
    transaction.update(store, Table::Ephemeral, &claim.key(), "SET answer = :answer", condition)
}

/// A number that no other claim has.
fn holder() -> Result<i64, Fault> {
    let mut bytes = [0_u8; 8];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| Fault::noticed("make a number up", Retry::Useless))?;
    Ok(i64::from_be_bytes(bytes))
}

fn read(claim: Claim, mut item: Item, fingerprint: &str, holder: i64) -> Result<Claimed, Fault> {
    let answer = item.remove("answer");
    let row: Row = document(item)?;
    if row.fingerprint != fingerprint {
        return Ok(Claimed::OtherRequest);
    }
    match answer {
        Some(AttributeValue::B(sealed)) => claim.open(row.lease_until, &sealed).map(Claimed::Done),
        // The SDK asked twice: the first time it was done, and no answer came.
        _ if row.holder == Some(holder) && row.lease_until == claim.lease => {
            Ok(Claimed::Ours(claim))
        }
        _ => Ok(Claimed::InProgress),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_told_nothing_of_a_claim_knows_it_again() {
        let row = |holder: Option<i64>, lease: i64| {
            let mut item = Item::from([
                ("fingerprint".to_owned(), text("one")),
                ("lease_until".to_owned(), number(lease)),
            ]);
            item.extend(holder.map(|holder| ("holder".to_owned(), number(holder))));
            read(Claim::new("scope", 7), item, "one", 4).unwrap()
        };
        assert!(matches!(row(Some(4), 7), Claimed::Ours(_)));
        assert!(matches!(row(Some(5), 7), Claimed::InProgress));
        // Given up meanwhile; and written by a release that knew no holders.
        assert!(matches!(row(Some(4), 0), Claimed::InProgress));
        assert!(matches!(row(None, 7), Claimed::InProgress));
    }

    #[test]
    fn an_answer_opens_for_its_own_scope_and_lease_alone() {
        let answer = Answer { status: 201, headers: Vec::new(), body: "a token".to_owned() };
        let claim = Claim::new("ip:192.0.2.1#op#key", 7);
        let AttributeValue::B(sealed) = claim.seal(&answer).unwrap() else { panic!("no bytes") };
        assert!(!String::from_utf8_lossy(sealed.as_ref()).contains("token"));
        assert_eq!(claim.open(7, &sealed).unwrap(), answer);
        assert!(claim.open(8, &sealed).is_err());
        assert!(Claim::new("ip:192.0.2.2#op#key", 7).open(7, &sealed).is_err());
        assert!(!format!("{claim:?}").contains("192.0.2.1"));
    }
}
