//! S3: buckets of objects, conditional writes, signed addresses and forms, and the announcement of
//! what was put.
//!
//! Invariants: time is the world's clock; an acknowledged write is committed together with its
//! announcement; an object is there as a whole or not at all; a condition is looked at in the
//! transaction of the write it guards; what comes from outside, past the SDK, is believed by its
//! signature alone, and may do what the signer's own policy grants.
//!
//! Own code, as for the other services: of a stand-in we need exactly what nobody may get wrong
//! here, the refusals: signatures, expiry, the conditions of a form's policy, 403 instead of 404
//! for whoever may not list.
//!
//! Known absences: versions, multipart uploads, access control lists, tags and CORS; a body that is
//! a stream; the signature of the SDK's own calls (the caller is known). A bucket is made with
//! [`S3::create`] and not over the wire.

mod api;
mod form;
mod sign;
mod store;
mod web;

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use crate::NowMs;
use crate::error::Error;
use crate::message::{Incoming, Reply};
use crate::sql::Sql;
use store::Store;

pub(crate) use api::{Target, copy_source, operation, refused, target};
pub use web::{WebReply, WebRequest};

/// What a bucket does by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BucketAttributes {
    /// Whether each new object is announced to EventBridge.
    pub announces: bool,
    /// What expires: objects whose keys begin so, after so many days.
    pub expiry: Vec<(String, u64)>,
}

/// An object, as whoever looks from outside sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its type.
    pub content_type: String,
    /// How long others may keep it.
    pub cache_control: Option<String>,
    /// Its tag, with quotes.
    pub etag: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// An announcement on its way to one function.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// Its number; deliveries are confirmed by it.
    pub number: i64,
    /// The Handler it goes to.
    pub handler: String,
    /// The event, as EventBridge hands it to a function.
    pub event: Value,
    /// How often the function has failed with it.
    pub failures: u32,
}

/// The emulated S3. Cheap to clone.
#[derive(Clone)]
pub struct S3 {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    now_ms: NowMs,
    region: String,
    account: String,
}

impl S3 {
    pub(crate) fn open(
        path: Option<&Path>,
        now_ms: NowMs,
        region: &str,
        account: &str,
    ) -> Result<Self, Error> {
        let store = Store::open(path)?;
        let (region, account) = (region.to_owned(), account.to_owned());
        Ok(Self { inner: Arc::new(Inner { store, now_ms, region, account }) })
    }

    /// Makes the bucket, or gives an existing one these attributes and keeps its objects.
    pub fn create(&self, bucket: &str, attributes: &BucketAttributes) -> Result<(), Error> {
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !(3..=63).contains(&bucket.len()) || !bucket.chars().all(legal) {
            return Err(Error::Invalid(format!("{bucket:?} is no bucket name")));
        }
        Ok(self.inner.store.create(bucket, attributes)?)
    }

    /// The names of all buckets, sorted.
    pub fn buckets(&self) -> Vec<String> {
        self.told(self.inner.store.buckets())
    }

    /// The keys of a bucket that begin so, sorted: for whoever looks from outside.
    pub fn keys(&self, bucket: &str, prefix: &str) -> Vec<String> {
        let found = self.inner.store.list(bucket, prefix, None, usize::MAX);
        self.told(found).into_iter().map(|entry| entry.key).collect()
    }

    /// An object, past signatures and policies.
    pub fn object(&self, bucket: &str, key: &str) -> Option<Object> {
        let found = self.told(self.inner.store.object(bucket, key))?;
        let header = |name: &str| found.header(name).map(str::to_owned);
        let content_type = header("content-type").unwrap_or_else(|| api::BINARY.to_owned());
        let cache_control = header("cache-control");
        Some(Object { content_type, cache_control, etag: found.etag, bytes: found.body })
    }

    /// Loses an object: for whoever wants to know what becomes of those who need it.
    pub fn lose(&self, bucket: &str, key: &str) {
        self.told(self.inner.store.delete(bucket, key, |_| Ok::<_, rusqlite::Error>(())));
    }

    /// Announcements that no function was chosen for yet, oldest first.
    pub fn unrouted(&self) -> Vec<(i64, Value)> {
        self.told(self.inner.store.unrouted())
    }

    /// Says which functions an announcement goes to; with none it is forgotten.
    pub fn route(&self, number: i64, handlers: &[&str]) {
        self.told(self.inner.store.route(number, handlers, self.now()));
    }

    /// Announcements that are due now, oldest first.
    pub fn due(&self) -> Vec<Notice> {
        self.told(self.inner.store.due(self.now()))
    }

    /// When the next announcement is due, if one waits.
    pub fn next_due_at_ms(&self) -> Option<i64> {
        self.told(self.inner.store.next_due_at_ms())
    }

    /// The announcement was taken, or is given up.
    pub fn done(&self, number: i64) {
        self.told(self.inner.store.done(number));
    }

    /// The function failed: the announcement comes again after so long.
    pub fn again(&self, number: i64, after_ms: i64) {
        self.told(self.inner.store.again(number, self.now() + after_ms));
    }

    /// Deletes what has expired by its bucket's rules; returns how many objects.
    pub fn sweep(&self) -> usize {
        self.told(self.inner.store.sweep(self.now()))
    }

    pub(crate) fn serve(&self, incoming: &Incoming, may_list: &dyn Fn() -> bool) -> Reply {
        api::serve(&self.inner, incoming, may_list)
    }

    pub(crate) fn sql(&self) -> &Sql {
        &self.inner.store.sql
    }

    fn now(&self) -> i64 {
        (self.inner.now_ms)()
    }

    /// Whoever asks from outside has nobody to pass a storage error to.
    fn told<T: Default>(&self, result: rusqlite::Result<T>) -> T {
        result.unwrap_or_else(|error| {
            tracing::error!(region = self.inner.region, %error, "the emulated S3 has no storage");
            T::default()
        })
    }
}
