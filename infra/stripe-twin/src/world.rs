//! Everything behind the lock: the objects, the clock's present, chance, the faults and the two
//! agendas. The endpoints are functions over a `&mut World`; nothing else changes state.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::Error;
use crate::agenda::Agenda;
use crate::chance::Chance;
use crate::faults::Faults;
use crate::refusal::Refusal;
use crate::store::{Kind, Store};

/// The API version that the twin speaks and stamps on its events.
pub(crate) const API_VERSION: &str = "2026-09-30.endive";

const COUNTERS: &str = "counters";

/// The request in whose course something happens; events name it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    pub(crate) request_id: Option<String>,
    pub(crate) idempotency_key: Option<String>,
}

/// The state of the twin.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) store: Store,
    /// The present, set from the caller's clock whenever the twin is asked something; while a
    /// timer runs, the moment at which it was due.
    pub(crate) now_ms: i64,
    pub(crate) chance: Chance,
    pub(crate) faults: Faults,
    pub(crate) account: String,
    pub(crate) origin: Origin,
    /// Webhook deliveries that wait for their time.
    pub(crate) deliveries: Agenda,
    /// Deliveries handed out and not yet reported back, with the time of handing out.
    pub(crate) in_flight: HashMap<String, i64>,
    /// Timers of seconds: settlements, test disputes, refunds.
    pub(crate) soon: Agenda,
    /// Timers of days: authorizations and disputes that run out.
    pub(crate) later: Agenda,
    /// What came in and went out, by currency, in minor units.
    pub(crate) balances: BTreeMap<String, i64>,
    saved_chance: Option<Value>,
}

impl World {
    /// Takes up where the store left off.
    pub(crate) fn resume(store: Store, now_ms: i64, seed: u64, account: String) -> Self {
        let saved_chance = store.get(Kind::Meta, COUNTERS).cloned();
        let mut world = Self {
            now_ms,
            chance: Chance::resume(seed, saved_chance.as_ref()),
            faults: Faults::default(),
            account,
            origin: Origin::default(),
            deliveries: Agenda::default(),
            in_flight: HashMap::new(),
            soon: Agenda::default(),
            later: Agenda::default(),
            balances: BTreeMap::new(),
            saved_chance,
            store,
        };
        let entries: Vec<Value> = world.store.oldest(Kind::BalanceTransaction).cloned().collect();
        for entry in &entries {
            world.balance(entry);
        }
        world.resume_deliveries();
        world.resume_timers();
        world
    }

    /// The present in seconds, as Stripe's timestamps are.
    pub(crate) fn now(&self) -> i64 {
        self.now_ms.div_euclid(1000)
    }

    /// A copy of an object, or the refusal that Stripe gives for an unknown id.
    pub(crate) fn find(&self, kind: Kind, id: &str, param: &str) -> Result<Value, Refusal> {
        let found = self.store.get(kind, id).cloned();
        found.ok_or_else(|| Refusal::not_found(kind.name(), id, param))
    }

    /// Stores an object under its own id.
    pub(crate) fn save(&mut self, kind: Kind, object: &Value) {
        let id = object["id"].as_str().unwrap_or_default();
        self.store.put(kind, id, object.clone());
    }

    /// Counts a balance transaction into the balance.
    pub(crate) fn balance(&mut self, entry: &Value) {
        let currency = entry["currency"].as_str().unwrap_or_default().to_owned();
        *self.balances.entry(currency).or_default() += entry["net"].as_i64().unwrap_or_default();
    }

    /// Writes everything through; to be called before anything is acknowledged.
    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        let chance = self.chance.saved();
        if self.saved_chance.as_ref().is_none_or(|saved| saved["objects"] != chance["objects"]) {
            self.store.put(Kind::Meta, COUNTERS, chance.clone());
            self.saved_chance = Some(chance);
        }
        self.store.flush()
    }
}
