//! SQS: standard and FIFO queues with visibility timeouts, delays, retention and dead letters.
//!
//! Invariants: time is the world's clock, never the machine's; an acknowledged send or delete is
//! committed; a message is handed out only while visible, and at most one receipt of it is valid;
//! within a FIFO group nothing overtakes a message that is in flight.
//!
//! Known absences: a long poll answers at once (its wait would be real time), a queue is made with
//! `create` and not over the wire, and there is no limit on messages in flight.

mod api;
mod digest;
mod entry;
mod store;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::NowMs;
use crate::error::Error;
use crate::message::{Incoming, Refusal, Reply, Service};
use crate::sql::Sql;
use entry::Entry;
use store::Store;

pub(crate) use api::queue_of;

/// The largest body with its attributes, and the largest batch, in bytes (AWS: 1 MiB).
pub const MESSAGE_BYTES_MAX: usize = 1_048_576;

/// What a queue promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueAttributes {
    /// How long a received message stays hidden, 0 to 43 200 s.
    pub visibility_seconds: i64,
    /// How long a sent message stays hidden, 0 to 900 s.
    pub delay_seconds: i64,
    /// How long an unread message is kept, 60 to 1 209 600 s.
    pub retention_seconds: i64,
    /// Whether order within a group and deduplication hold; the name then ends in `.fifo`.
    pub fifo: bool,
    /// Whether the body's digest stands in for a missing deduplication id.
    pub content_based_dedup: bool,
    /// The dead-letter queue and after how many receives a message goes there.
    pub redrive: Option<(String, u32)>,
}

impl Default for QueueAttributes {
    /// AWS's own defaults.
    fn default() -> Self {
        Self {
            visibility_seconds: 30,
            delay_seconds: 0,
            retention_seconds: 345_600,
            fifo: false,
            content_based_dedup: false,
            redrive: None,
        }
    }
}

/// A received message.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The same for every delivery of this message.
    pub id: String,
    /// The claim on this delivery; the next receive makes it worthless.
    pub receipt: String,
    /// As sent.
    pub body: String,
    /// Lower-case hexadecimal.
    pub md5_of_body: String,
    /// System attributes, `SentTimestamp` and the like.
    pub attributes: BTreeMap<String, String>,
    /// As sent: name → `{DataType, StringValue | BinaryValue}`.
    pub message_attributes: BTreeMap<String, Value>,
    /// How often it was handed out, this time included.
    pub receive_count: u32,
    /// When it was accepted.
    pub sent_at_ms: i64,
    /// Name of the queue it was received from.
    pub queue: String,
    /// ARN of that queue.
    pub queue_arn: String,
    /// Region of that queue.
    pub region: String,
}

impl Message {
    /// This message as a record of the Lambda event `{"Records": […]}`.
    pub fn lambda_record(&self) -> Value {
        let attributes: serde_json::Map<String, Value> = self
            .message_attributes
            .iter()
            .map(|(name, value)| {
                let member = |key| value.get(key).cloned().unwrap_or(Value::Null);
                let record = json!({
                    "dataType": member("DataType"),
                    "stringValue": member("StringValue"),
                    "binaryValue": member("BinaryValue"),
                    "stringListValues": [],
                    "binaryListValues": [],
                });
                (name.clone(), record)
            })
            .collect();
        json!({
            "messageId": self.id,
            "receiptHandle": self.receipt,
            "body": self.body,
            "md5OfBody": self.md5_of_body,
            "attributes": self.attributes,
            "messageAttributes": attributes,
            "eventSource": "aws:sqs",
            "eventSourceARN": self.queue_arn,
            "awsRegion": self.region,
        })
    }
}

/// How full a queue is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Depth {
    /// Name of the queue.
    pub queue: String,
    /// Ready to be received.
    pub visible: u64,
    /// Received and not yet deleted, released or timed out.
    pub in_flight: u64,
    /// Sent with a delay that is not over.
    pub delayed: u64,
    /// Whether some queue names it as its dead-letter queue.
    pub is_dlq: bool,
}

/// The emulated SQS. Cheap to clone.
#[derive(Clone)]
pub struct Sqs {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    now_ms: NowMs,
    region: String,
    account: String,
}

impl Sqs {
    pub(crate) fn open(
        path: Option<&Path>,
        now_ms: NowMs,
        seed: u64,
        region: &str,
        account: &str,
    ) -> Result<Self, Error> {
        let store = Store::open(path, seed)?;
        let (region, account) = (region.to_owned(), account.to_owned());
        Ok(Self { inner: Arc::new(Inner { store, now_ms, region, account }) })
    }

    /// Makes the queue, or gives an existing one these attributes and keeps its messages.
    pub fn create(&self, name: &str, attributes: &QueueAttributes) -> Result<(), Error> {
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let stem = name.strip_suffix(".fifo").unwrap_or(name);
        if stem.is_empty() || name.len() > 80 || !stem.chars().all(legal) {
            return Err(Error::Invalid(format!("{name:?} is no queue name")));
        }
        if attributes.fifo != is_fifo(name) {
            return Err(Error::Invalid(format!("{name}: only a FIFO queue ends in .fifo")));
        }
        self.inner.store.create(name, attributes)
    }

    /// Names of all queues, sorted.
    pub fn queues(&self) -> Vec<String> {
        self.told(self.inner.store.queues())
    }

    /// The URL clients address the queue by.
    pub fn url(&self, queue: &str) -> String {
        format!("https://sqs.{}.amazonaws.com/{}/{queue}", self.inner.region, self.inner.account)
    }

    /// The ARN policies and redrives address the queue by.
    pub fn arn(&self, queue: &str) -> String {
        format!("arn:aws:sqs:{}:{}:{queue}", self.inner.region, self.inner.account)
    }

    /// Sends a message from the host itself, past faults and policies; returns its id.
    pub fn send(&self, queue: &str, body: &str) -> Result<String, Error> {
        let entry = Entry { body: body.to_owned(), ..Entry::default() };
        let sent = self.inner.store.send(queue, entry, self.now());
        sent.map(|sent| sent.id).map_err(|refusal| Error::Invalid(refusal.message))
    }

    /// Receives up to `max` messages; each is hidden for the queue's visibility timeout.
    pub fn receive(&self, queue: &str, max: usize) -> Vec<Message> {
        self.receive_hidden_for(queue, max, None)
    }

    /// As `receive`, but hidden for so many seconds when given (a Lambda event source uses the
    /// queue's own timeout).
    pub fn receive_hidden_for(
        &self,
        queue: &str,
        max: usize,
        seconds: Option<i64>,
    ) -> Vec<Message> {
        match self.inner.store.receive(queue, max, seconds, self.now()) {
            Ok(rows) => rows.into_iter().map(|row| self.message(queue, row)).collect(),
            Err(refusal) => {
                tracing::error!(queue, code = refusal.code, "{}", refusal.message);
                Vec::new()
            }
        }
    }

    /// Deletes the message of this receipt; false when the receipt is no longer the valid one.
    pub fn delete(&self, receipt: &str) -> bool {
        self.told(self.inner.store.delete(receipt))
    }

    /// Makes the message of this receipt visible after so many seconds; false when the receipt is
    /// not valid any more.
    pub fn release(&self, receipt: &str, seconds: i64) -> bool {
        self.told(self.inner.store.hide(receipt, seconds, self.now()))
    }

    /// How full each queue is, sorted by name.
    pub fn depths(&self) -> Vec<Depth> {
        self.told(self.inner.store.depths(self.now()))
    }

    /// Moves the visible messages of a dead-letter queue (or of the one this queue names) back to
    /// the queues they came from, as new messages; returns how many.
    pub fn redrive(&self, queue: &str) -> usize {
        self.told(self.inner.store.redrive(queue, None, self.now()))
    }

    /// The next instant at which a hidden message becomes visible, dead-letter queues aside.
    /// What is visible already is in `depths`.
    pub fn next_visible_at_ms(&self) -> Option<i64> {
        self.told(self.inner.store.next_visible_at_ms(self.now()))
    }

    /// Throws every message away; the queues stay.
    pub fn clear(&self) {
        self.told(self.inner.store.clear());
    }

    pub(crate) fn serve(&self, incoming: &Incoming) -> Reply {
        match self.answer(&incoming.operation, &incoming.json) {
            Ok(value) => Reply::json(200, &value),
            Err(refusal) => refusal.reply(&Service::Sqs),
        }
    }

    pub(crate) fn sql(&self) -> &Sql {
        &self.inner.store.sql
    }

    fn now(&self) -> i64 {
        (self.inner.now_ms)()
    }

    /// The pumps have nobody to pass a storage error to: it is logged and nothing is handed out.
    fn told<T: Default>(&self, result: Result<T, impl Into<Refusal>>) -> T {
        result.unwrap_or_else(|error| {
            let refusal: Refusal = error.into();
            tracing::error!(region = self.inner.region, code = refusal.code, "{}", refusal.message);
            T::default()
        })
    }

    fn message(&self, queue: &str, row: store::Received) -> Message {
        let mut attributes = BTreeMap::from([
            ("SenderId".to_owned(), "AIDAEXAMPLE".to_owned()),
            ("SentTimestamp".to_owned(), row.sent_at_ms.to_string()),
            ("ApproximateReceiveCount".to_owned(), row.receive_count.to_string()),
            ("ApproximateFirstReceiveTimestamp".to_owned(), row.first_received_at_ms.to_string()),
        ]);
        if let Some(source) = &row.source {
            attributes.insert("DeadLetterQueueSourceArn".to_owned(), self.arn(source));
        }
        if let Some(trace) = row.trace {
            attributes.insert("AWSTraceHeader".to_owned(), trace);
        }
        if let Some(group) = row.group {
            attributes.insert("MessageGroupId".to_owned(), group);
        }
        if let Some(dedup) = row.dedup {
            attributes.insert("MessageDeduplicationId".to_owned(), dedup);
        }
        if is_fifo(queue) {
            attributes.insert("SequenceNumber".to_owned(), store::sequence_number(row.seq));
        }
        Message {
            id: row.id,
            receipt: row.receipt,
            md5_of_body: digest::of_body(&row.body),
            body: row.body,
            attributes,
            message_attributes: row.message_attributes,
            receive_count: row.receive_count,
            sent_at_ms: row.sent_at_ms,
            queue: queue.to_owned(),
            queue_arn: self.arn(queue),
            region: self.inner.region.clone(),
        }
    }
}

/// SQS tells the two kinds of queue apart by this suffix.
fn is_fifo(queue: &str) -> bool {
    queue.strip_suffix(".fifo").is_some()
}
