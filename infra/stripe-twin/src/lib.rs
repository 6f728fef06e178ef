//! A twin of Stripe's REST API: stateful, deterministic, and as unforgiving as the original.
//!
//! Purpose: the local shop and all tests speak to it with the unmodified Stripe client, so that
//! what works here works there: idempotency keys, declines, 3-D Secure, captures, refunds,
//! disputes, events and signed webhooks, and every fault of a network on demand.
//!
//! Invariants:
//! - A request's effects, its events, its deliveries and its idempotency record are written in one
//!   transaction before `handle` returns: what was acknowledged survives a killed process.
//! - Time is `Options::now_ms` and chance is `Options::seed`; with both given, a story replays
//!   exactly.
//! - The twin does nothing by itself. Whenever it is asked something, it first lets time pass:
//!   what was due in between happens then, in order, each at its own moment.
//! - Money never leaves a payment twice: refunds never exceed the charge.
//!
//! Deviations from Stripe: the account takes cards and US bank debits only, hence a return URL is
//! never demanded; customers are not objects, their ids are taken as given; search has no delay;
//! injected faults do not touch `test_helpers`.
#![recursion_limit = "256"] // `json!` counts every field of a charge as a level
#![allow(
    clippy::indexing_slicing,
    reason = "reading a field of a JSON value gives null where there is none; only values that \
              were made here as objects are written to"
)]

mod agenda;
mod auth;
mod cards;
mod chance;
mod charges;
mod checkout;
mod disputes;
mod endpoints;
mod events;
mod faults;
mod files;
mod form;
mod hex;
mod idempotency;
mod lists;
mod money;
mod params;
mod payment_intents;
mod payment_methods;
mod refunds;
mod refusal;
mod render;
mod request;
mod router;
mod search;
mod store;
mod timers;
mod webhooks;
mod world;

use std::collections::HashSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde_json::Value;

pub use faults::{Delay, FailNext, Faults};
pub use webhooks::Delivery;

use store::{Kind, Store};
use world::World;

/// How a twin is opened.
pub struct Options {
    /// The SQLite file that keeps the state; memory only when there is none.
    pub data: Option<PathBuf>,
    /// The clock, in milliseconds since the Unix epoch.
    pub now_ms: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// Where all ids, delays and random faults come from.
    pub seed: u64,
    /// The id of the account, `acct_…`.
    pub account: String,
    /// The signing secret of the default webhook endpoint, `whsec_…`.
    pub webhook_secret: String,
    /// The URL of the default webhook endpoint, which listens to everything.
    pub webhook_url: String,
}

impl fmt::Debug for Options {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The secret stays out of logs.
        out.debug_struct("Options")
            .field("data", &self.data)
            .field("seed", &self.seed)
            .field("account", &self.account)
            .field("webhook_url", &self.webhook_url)
            .finish_non_exhaustive()
    }
}

/// Why a twin cannot be opened, or its state not be written.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// SQLite refused.
    Database(rusqlite::Error),
    /// The file does not hold what a twin writes.
    Damaged(String),
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database(error) => write!(out, "the twin's database refused: {error}"),
            Self::Damaged(what) => write!(out, "the twin's database is damaged: {what}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Database(error) => Some(error),
            Self::Damaged(_) => None,
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

/// An extension of a response that must not reach the client: whoever serves the twin drops the
/// connection instead. The effects have taken place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LostResponse;

/// The twin. Clones share one state.
#[derive(Clone)]
pub struct Twin {
    shared: Arc<Shared>,
}

struct Shared {
    now_ms: Arc<dyn Fn() -> i64 + Send + Sync>,
    world: Mutex<World>,
    /// The idempotency keys of requests that are being executed right now.
    keys_in_use: Mutex<HashSet<String>>,
}

impl fmt::Debug for Twin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Twin").finish_non_exhaustive()
    }
}

impl Twin {
    /// Opens the twin and makes its default webhook endpoint.
    pub fn open(options: Options) -> Result<Self, Error> {
        let store = Store::open(options.data.as_deref())?;
        let now_ms = (options.now_ms)();
        let mut world = World::resume(store, now_ms, options.seed, options.account);
        world.ensure_default_endpoint(&options.webhook_url, &options.webhook_secret);
        world.flush()?;
        Ok(Self {
            shared: Arc::new(Shared {
                now_ms: options.now_ms,
                world: Mutex::new(world),
                keys_in_use: Mutex::new(HashSet::new()),
            }),
        })
    }

    /// A twin in memory with the same objects, chance and account, and a clock of its own. What was
    /// handed out and not reported, and faults that are set, stay behind.
    #[must_use]
    pub fn copy(&self, now_ms: Arc<dyn Fn() -> i64 + Send + Sync>) -> Self {
        let world = self.lock();
        let (seed, account) = (world.chance.seed(), world.account.clone());
        let copy = World::resume(world.store.copy(), now_ms(), seed, account);
        drop(world);
        let (world, keys_in_use) = (Mutex::new(copy), Mutex::new(HashSet::new()));
        Self { shared: Arc::new(Shared { now_ms, world, keys_in_use }) }
    }

    /// Answers a request whose path begins with `/v1/` or is `/faults`. A response with the
    /// extension [`LostResponse`] must not be sent.
    #[allow(clippy::needless_pass_by_value, reason = "a server gives its request away")]
    pub fn handle(&self, request: http::Request<Bytes>) -> http::Response<Bytes> {
        request::handle(self, &request)
    }

    /// The webhook deliveries whose time has come, in the order in which they shall be sent. Each
    /// is handed out once; say with [`Twin::delivered`] what became of it, else it counts as
    /// failed after half a minute.
    pub fn deliveries_due(&self) -> Vec<Delivery> {
        self.with_world(World::take_deliveries)
    }

    /// Reports the answer to a delivery, `None` when there was none. Everything but 2xx is tried
    /// again, with exponential back-off, for three days.
    pub fn delivered(&self, id: &str, status: Option<u16>) {
        self.with_world(|world| world.settle_delivery(id, status));
    }

    /// When the twin has something to do next: a delivery, or something of its own that takes
    /// seconds (settlements, test disputes). What takes days, such as an authorization that runs
    /// out, is not announced.
    pub fn next_delivery_at_ms(&self) -> Option<i64> {
        self.with_world(|world| world.next_ms())
    }

    /// All objects of a kind, oldest first: `payment_intent`, `charge`, `refund`, `dispute`,
    /// `event`, `payment_method`, `balance_transaction`, `webhook_endpoint`, `checkout.session`.
    /// For invariants in tests; empty for anything else.
    pub fn objects(&self, kind: &str) -> Vec<Value> {
        let Some(kind) = Kind::named(kind).filter(|kind| !kind.is_internal()) else {
            return Vec::new();
        };
        self.with_world(|world| world.store.oldest(kind).map(render::public).collect())
    }

    /// Sends an event once more to every endpoint that listens to it.
    pub fn redeliver(&self, event_id: &str) {
        self.with_world(|world| world.resend(event_id));
    }

    /// Forgets an object, as if it had been made in another account; whether there was one.
    pub fn forget(&self, id: &str) -> bool {
        let Some(kind) = Kind::of_id(id) else { return false };
        self.with_world(|world| world.store.remove(kind, id).is_some())
    }

    /// Sets all faults; `Faults::default()` ends them.
    pub fn set_faults(&self, faults: Faults) {
        self.with_world(|world| world.faults = faults);
    }

    /// Lets time pass, does the work and writes it through.
    fn with_world<T>(&self, work: impl FnOnce(&mut World) -> T) -> T {
        let mut world = self.lock();
        world.advance((self.shared.now_ms)());
        let outcome = work(&mut world);
        // What could not be written now stays marked as changed and is written with the next
        // change; nothing was acknowledged to a client here.
        let _ = world.flush();
        outcome
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.shared.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Marks a key as being executed until the guard falls; `None` when it is already.
    fn hold_key(&self, key: &str) -> Option<KeyGuard<'_>> {
        let mut keys = self.shared.keys_in_use.lock().unwrap_or_else(PoisonError::into_inner);
        keys.insert(key.to_owned()).then(|| KeyGuard { shared: &self.shared, key: key.to_owned() })
    }
}

struct KeyGuard<'a> {
    shared: &'a Shared,
    key: String,
}

impl Drop for KeyGuard<'_> {
    fn drop(&mut self) {
        let mut keys = self.shared.keys_in_use.lock().unwrap_or_else(PoisonError::into_inner);
        keys.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_in_use_is_refused_until_it_is_free() {
        let twin = Twin::open(Options {
            data: None,
            now_ms: Arc::new(|| 0),
            seed: 1,
            account: "acct_twin".into(),
            webhook_secret: "whsec_test".into(),
            webhook_url: "http://127.0.0.1/".into(),
        })
        .unwrap();
        let create = || {
            let request = http::Request::post("/v1/payment_intents")
                .header("authorization", "Bearer sk_test_1")
                .header("idempotency-key", "k")
                .body(Bytes::from("amount=1000&currency=eur"));
            twin.handle(request.unwrap())
        };
        let guard = twin.hold_key("k");
        let refused = create();
        assert_eq!(refused.status(), 409);
        assert_eq!(refused.headers()["stripe-should-retry"], "true");
        drop(guard);
        assert_eq!(create().status(), 200);
    }
}
