//! The twin's memory, written through to SQLite.
//!
//! Every object is a JSON value under its kind and id. Reads come from memory; a change is noted
//! and `flush` writes all changes of a request in one transaction before its response leaves, so
//! that what was acknowledged survives a killed process. Keys that begin with `_` are the twin's
//! own notes on an object and are never shown.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use rusqlite::{Connection, params};
use serde_json::Value;

use crate::Error;

/// What kind of object a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    PaymentIntent,
    PaymentMethod,
    Charge,
    Refund,
    Dispute,
    File,
    BalanceTransaction,
    FraudWarning,
    CheckoutSession,
    Event,
    WebhookEndpoint,
    Delivery,
    Timer,
    Idempotency,
    Meta,
}

impl Kind {
    const ALL: [Self; 15] = [
        Self::PaymentIntent,
        Self::PaymentMethod,
        Self::Charge,
        Self::Refund,
        Self::Dispute,
        Self::File,
        Self::BalanceTransaction,
        Self::FraudWarning,
        Self::CheckoutSession,
        Self::Event,
        Self::WebhookEndpoint,
        Self::Delivery,
        Self::Timer,
        Self::Idempotency,
        Self::Meta,
    ];

    /// Stripe's name of the object, ours for the twin's own records.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PaymentIntent => "payment_intent",
            Self::PaymentMethod => "payment_method",
            Self::Charge => "charge",
            Self::Refund => "refund",
            Self::Dispute => "dispute",
            Self::File => "file",
            Self::BalanceTransaction => "balance_transaction",
            Self::FraudWarning => "radar.early_fraud_warning",
            Self::CheckoutSession => "checkout.session",
            Self::Event => "event",
            Self::WebhookEndpoint => "webhook_endpoint",
            Self::Delivery => "_delivery",
            Self::Timer => "_timer",
            Self::Idempotency => "_idempotency",
            Self::Meta => "_meta",
        }
    }

    /// The kind by its name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it is a record of the twin's own and no object of Stripe's.
    pub(crate) fn is_internal(self) -> bool {
        self.name().starts_with('_')
    }

    /// The kind by the prefix of an id.
    pub(crate) fn of_id(id: &str) -> Option<Self> {
        match id.split_once('_')?.0 {
            "pi" => Some(Self::PaymentIntent),
            "pm" => Some(Self::PaymentMethod),
            "ch" | "py" => Some(Self::Charge),
            "re" => Some(Self::Refund),
            "du" => Some(Self::Dispute),
            "file" => Some(Self::File),
            "txn" => Some(Self::BalanceTransaction),
            "issfr" => Some(Self::FraudWarning),
            "cs" => Some(Self::CheckoutSession),
            "evt" => Some(Self::Event),
            "we" => Some(Self::WebhookEndpoint),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Shelf {
    by_id: HashMap<String, (u64, Value)>,
    by_age: BTreeMap<u64, String>,
}

/// All objects, newest last.
#[derive(Debug)]
pub(crate) struct Store {
    database: Option<Connection>,
    shelves: HashMap<Kind, Shelf>,
    next: u64,
    dirty: BTreeSet<(Kind, String)>,
}

impl Store {
    /// Opens the file, or keeps everything in memory when there is none.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, Error> {
        let mut store =
            Self { database: None, shelves: HashMap::new(), next: 1, dirty: BTreeSet::new() };
        let Some(path) = path else { return Ok(store) };
        let database = Connection::open(path)?;
        database.busy_timeout(std::time::Duration::from_secs(5))?;
        database.execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = NORMAL;
             CREATE TABLE IF NOT EXISTS objects (
                 kind TEXT NOT NULL, id TEXT NOT NULL, age INTEGER NOT NULL, body TEXT NOT NULL,
                 PRIMARY KEY (kind, id)
             ) WITHOUT ROWID;",
        )?;
        store.load(&database)?;
        store.database = Some(database);
        Ok(store)
    }

    /// The same objects, in memory only.
    pub(crate) fn copy(&self) -> Self {
        let (shelves, next) = (self.shelves.clone(), self.next);
        Self { database: None, shelves, next, dirty: BTreeSet::new() }
    }

    fn load(&mut self, database: &Connection) -> Result<(), Error> {
        let mut statement = database.prepare("SELECT kind, id, age, body FROM objects")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (kind, id): (String, String) = (row.get(0)?, row.get(1)?);
            let (age, body): (i64, String) = (row.get(2)?, row.get(3)?);
            let kind = Kind::named(&kind).ok_or_else(|| Error::Damaged(format!("kind {kind}")))?;
            let value = serde_json::from_str(&body)
                .map_err(|error| Error::Damaged(format!("{id}: {error}")))?;
            let age = age.unsigned_abs();
            self.next = self.next.max(age + 1);
            let place = self.shelves.entry(kind).or_default();
            place.by_age.insert(age, id.clone());
            place.by_id.insert(id, (age, value));
        }
        Ok(())
    }

    pub(crate) fn get(&self, kind: Kind, id: &str) -> Option<&Value> {
        self.shelves.get(&kind)?.by_id.get(id).map(|(_, value)| value)
    }

    /// The place of an object in the order of creation.
    pub(crate) fn age(&self, kind: Kind, id: &str) -> Option<u64> {
        self.shelves.get(&kind)?.by_id.get(id).map(|(age, _)| *age)
    }

    /// Adds or replaces; a replaced object keeps its place.
    pub(crate) fn put(&mut self, kind: Kind, id: &str, value: Value) {
        let place = self.shelves.entry(kind).or_default();
        if let Some((_, old)) = place.by_id.get_mut(id) {
            *old = value;
        } else {
            place.by_age.insert(self.next, id.to_owned());
            place.by_id.insert(id.to_owned(), (self.next, value));
            self.next += 1;
        }
        self.dirty.insert((kind, id.to_owned()));
    }

    pub(crate) fn remove(&mut self, kind: Kind, id: &str) -> Option<Value> {
        let place = self.shelves.get_mut(&kind)?;
        let (age, value) = place.by_id.remove(id)?;
        place.by_age.remove(&age);
        self.dirty.insert((kind, id.to_owned()));
        Some(value)
    }

    /// Oldest first.
    pub(crate) fn oldest(&self, kind: Kind) -> impl Iterator<Item = &Value> {
        self.between(kind, 0, u64::MAX)
    }

    /// Oldest first, only those with `from <= age < to`; reversible.
    pub(crate) fn between(
        &self,
        kind: Kind,
        from: u64,
        to: u64,
    ) -> Box<dyn DoubleEndedIterator<Item = &Value> + '_> {
        match self.shelves.get(&kind) {
            None => Box::new(std::iter::empty()),
            Some(place) => Box::new(
                place
                    .by_age
                    .range(from..to.max(from))
                    .filter_map(|(_, id)| place.by_id.get(id).map(|(_, value)| value)),
            ),
        }
    }

    /// Writes what has changed, in one transaction. Nothing is forgotten when it fails.
    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        if self.dirty.is_empty() {
            return Ok(());
        }
        if let Some(database) = &mut self.database {
            let transaction = database.transaction()?;
            {
                let mut write = transaction.prepare_cached(
                    "INSERT OR REPLACE INTO objects (kind, id, age, body) VALUES (?1, ?2, ?3, ?4)",
                )?;
                let mut erase = transaction
                    .prepare_cached("DELETE FROM objects WHERE kind = ?1 AND id = ?2")?;
                for (kind, id) in &self.dirty {
                    let found = self.shelves.get(kind).and_then(|place| place.by_id.get(id));
                    match found {
                        Some((age, value)) => {
                            let age = i64::try_from(*age).unwrap_or(i64::MAX);
                            write.execute(params![kind.name(), id, age, value.to_string()])?
                        }
                        None => erase.execute(params![kind.name(), id])?,
                    };
                }
            }
            transaction.commit()?;
        }
        self.dirty.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_replaced_object_keeps_its_place() {
        let mut store = Store::open(None).unwrap();
        store.put(Kind::Charge, "ch_1", json!({ "id": "ch_1", "n": 1 }));
        store.put(Kind::Charge, "ch_2", json!({ "id": "ch_2" }));
        store.put(Kind::Charge, "ch_1", json!({ "id": "ch_1", "n": 2 }));
        let ids: Vec<_> = store.oldest(Kind::Charge).map(|charge| charge["id"].clone()).collect();
        assert_eq!(ids, ["ch_1", "ch_2"]);
        assert_eq!(store.get(Kind::Charge, "ch_1").unwrap()["n"], 2);
    }

    #[test]
    fn every_kind_has_its_own_name() {
        for kind in Kind::ALL {
            assert_eq!(Kind::named(kind.name()), Some(kind));
        }
    }
}
