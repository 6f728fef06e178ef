//! Idempotency keys: ephemeral `IDEM#principal#route#key` / META, for a day.
//!
//! A key is claimed before the work; the claim is a lease, so that who dies does not lock the
//! caller out. The first result is remembered and answered to every repetition.

use domain::fault::{Fault, Retry};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

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
#[derive(Debug, Clone)]
pub struct Claim {
    key: String,
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
    answer: Option<String>,
}

impl Claim {
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
        let claim = Claim { key: format!("IDEM#{scope}"), lease };
        let condition = Expression::new(
            "attribute_not_exists(pk) OR expires < :seconds OR (attribute_not_exists(answer) \
             AND lease_until < :now AND fingerprint = :fingerprint)",
        )
        .value(":now", number(now.as_millisecond()))
        .value(":seconds", number(now.as_second()))
        .value(":fingerprint", text(fingerprint))
        .value(":lease", number(lease))
        .value(":expires", number(now.as_second().saturating_add(KEPT.as_secs())));
        let update = "SET fingerprint = :fingerprint, lease_until = :lease, expires = :expires \
                      REMOVE answer";
        match self.update_if(Table::Ephemeral, &claim.key(), update, condition).await? {
            Updated::Yes(_) => Ok(Claimed::Ours(claim)),
            Updated::Refused(Some(item)) => read(item, fingerprint),
            Updated::Refused(None) => Ok(Claimed::InProgress),
        }
    }

    /// Remembers the answer of claimed work. Who lost the lease to another leaves the other's.
    pub async fn remember(&self, claim: &Claim, answer: &Answer) -> Result<(), Fault> {
        let condition = claim.condition().value(":answer", text(json(answer)?));
        let update = "SET answer = :answer";
        match self.update_if(Table::Ephemeral, &claim.key(), update, condition).await? {
            Updated::Yes(_) | Updated::Refused(_) => Ok(()),
        }
    }

    /// Gives a claim up: the work failed on our side and may be tried again at once.
    pub async fn forget(&self, claim: &Claim) -> Result<(), Fault> {
        let condition = claim.condition().value(":none", number(0_i64));
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
    let condition = claim.condition().value(":answer", text(json(answer)?));
    transaction.update(store, Table::Ephemeral, &claim.key(), "SET answer = :answer", condition)
}

fn read(item: Item, fingerprint: &str) -> Result<Claimed, Fault> {
    let row: Row = document(item)?;
    if row.fingerprint != fingerprint {
        return Ok(Claimed::OtherRequest);
    }
    let Some(answer) = row.answer else { return Ok(Claimed::InProgress) };
    serde_json::from_str(&answer)
        .map(Claimed::Done)
        .map_err(|error| Fault::new("read a remembered answer", error, Retry::Useless))
}

fn json(answer: &Answer) -> Result<String, Fault> {
    serde_json::to_string(answer)
        .map_err(|error| Fault::new("write an answer down", error, Retry::Useless))
}
