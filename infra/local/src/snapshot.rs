//! A shop at rest, from which any number of shops go on, each in a memory of its own.
//!
//! Invariants: a copy has everything that was in tables, queues, mailbox, secrets and with the
//! provider, the positions of its pumps and the same time; what it does is never seen in the
//! original or in another copy. Its functions start cold, and its ids are others than those that
//! the original has made. Nothing may happen in the original while it is kept.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;
use wire::Wire;

use crate::clock::Clock;
use crate::error::Error;
use crate::metrics::{Kept, Meter};
use crate::scratch::Scratch;
use crate::shop::{Inner, Shop};
use crate::stripe;

/// A shop at rest.
#[derive(Debug)]
pub struct Snapshot {
    shop: Shop,
    folder: PathBuf,
    /// Whose streams, queues and objects nobody reads in the copies.
    left_out: Vec<String>,
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        // What is left of it is the system's to clean up, like everything else in there.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Snapshot {
    /// Takes a shop at rest.
    pub fn of(shop: Shop) -> Result<Self, Error> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("fluxion-snapshot-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        // Somebody of the same number was killed.
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder)
            .map_err(|error| Error::Io(format!("cannot make {}", folder.display()), error))?;
        let snapshot = Self { shop, folder, left_out: Vec::new() };
        snapshot.shop.wire().save(&snapshot.folder)?;
        Ok(snapshot)
    }

    /// In the copies these functions do not get what waits for them in streams and queues: for who
    /// asks nothing of what they do, and opens many.
    #[must_use]
    pub fn without(mut self, handlers: &[&str]) -> Self {
        self.left_out = handlers.iter().map(|handler| (*handler).to_owned()).collect();
        self
    }

    /// A shop that goes on from here. Needs a running Tokio runtime.
    pub async fn open(&self) -> Result<Shop, Error> {
        let original = &self.shop.0;
        let clock = Clock::manual(original.clock.now_ms());
        let now = clock.clone();
        let now_ms: wire::NowMs = Arc::new(move || now.now_ms());
        let options = wire::Options {
            data_dir: None,
            now_ms: Arc::clone(&now_ms),
            seed: original.chance.seed("wire"),
            region: templates::REGION.to_owned(),
            account: templates::ACCOUNT.to_owned(),
        };
        let wire = Wire::start_from(options, &self.folder).await?;
        wire.iam().set_as(original.wire.iam());
        let twin = original.twin.copy(now_ms);
        let moved = Arc::new(Notify::new());
        let stripe = stripe::Port::open(twin.clone(), &wire, Arc::clone(&moved)).await?;
        Ok(Shop(Arc::new(Inner {
            stack: Arc::clone(&original.stack),
            wire,
            twin,
            clock,
            root: original.root.clone(),
            data_dir: None,
            pumps: original.pumps.copy(&self.left_out).await,
            beats: original.beats.copy(),
            moved,
            keys: original.keys.clone(),
            factors: original.factors.clone(),
            base_url: original.base_url.clone(),
            chance: original.chance,
            ids: original.chance.other_ids(),
            sdk_attempts: original.sdk_attempts,
            router: Arc::clone(&original.router),
            stripe,
            carrier_base: original.carrier_base.clone(),
            webhooks_to_loopback: original.webhooks_to_loopback,
            warm: Mutex::default(),
            meter: Meter::default(),
            lines: Kept::default(),
            requests: AtomicU64::new(0),
            runs: AtomicU64::new(0),
            scratch: Scratch::new(),
            _lock: None,
        })))
    }
}
