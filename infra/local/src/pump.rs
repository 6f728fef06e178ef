//! What runs between requests: webhooks, streams, queues and announced objects, one batch at a
//! time.
//!
//! Invariants: nothing is lost by a failure or a death, everything may come twice; a stream is read
//! in order, and a batch that fails holds up what follows until it passes or its tries are used up;
//! a message that fails stays hidden until its queue's timeout, as in Lambda.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};
use serde_json::{Value, json};
use templates::{Stack, Trigger, filter_matches};
use wire::{StreamCursor, Wire};

use crate::error::Error;
use crate::message::Request;
use crate::shop::{Outcome, Shop, replace};

/// Where readers of streams have come.
const CURSORS_FILE: &str = "cursors.json";
/// Steps until `settle` gives up: far more than any story needs, less than forever.
const STEPS_MAX: usize = 10_000;
/// Times `settle_all` moves the clock before it gives up.
const JUMPS_MAX: usize = 500;
/// How far `settle_all` moves the clock at most: Stripe gives a webhook up after three days.
const HORIZON_MS: i64 = 4 * 86_400_000;
/// The time between two rounds of the schedules in `settle_all`.
const ROUND_MS: i64 = 60_000;
/// In a shop that is in use: webhooks sent, and batches of one queue worked on, at the same time.
/// Lambda begins with five pollers of a queue.
const AT_ONCE: usize = 5;
/// One of the addresses that Stripe's webhooks come from.
const STRIPE_ADDRESS: &str = "3.18.12.63";
/// After its first and its second failure an event comes again so much later, then no more: what
/// Lambda does by default with what nobody waits for.
const EVENT_RETRIES_MS: [i64; 2] = [60_000, 120_000];
/// A shop in use waits this long, doubled with each failure, before a batch comes again.
const BACKOFF_FIRST: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(10);
/// Records read from the end of a stream at once, for a reader that begins there.
const SKIP: usize = 1_000;

/// Every source that is pumped.
pub(crate) struct Pumps {
    streams: Vec<tokio::sync::Mutex<Stream>>,
    queues: Vec<Queue>,
    uploads: Vec<Uploads>,
    /// Held while announcements are handed out.
    announcing: tokio::sync::Mutex<()>,
    cursors: Cursors,
}

/// One of the sources that are pumped, for whoever pumps them one by one, in an order of their own.
#[derive(Debug, Clone)]
pub struct Source {
    /// Who works on it; `webhooks` for what the payment provider sends.
    pub handler: String,
    kind: Kind,
}

impl Source {
    /// A stream has one reader: a second has to wait until the first is done.
    pub fn is_stream(&self) -> bool {
        matches!(self.kind, Kind::Stream(_))
    }
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Webhooks,
    Stream(usize),
    Queue(usize),
}

/// Who wants to know of new objects, and of which.
#[derive(Clone)]
struct Uploads {
    handler: String,
    bucket: String,
    prefix: String,
}

impl Uploads {
    fn fits(&self, event: &Value) -> bool {
        let text = |place: &str| event.pointer(place).and_then(Value::as_str).unwrap_or_default();
        text("/detail/bucket/name") == self.bucket
            && text("/detail/object/key").starts_with(&self.prefix)
    }
}

#[derive(Clone)]
struct Stream {
    handler: String,
    table: String,
    batch_size: usize,
    filters: Vec<Value>,
    report_partial: bool,
    bisect: bool,
    retries_max: Option<u64>,
    cursor: StreamCursor,
    /// How often its table was written to when nothing more was to be read.
    read_up_to: Option<u64>,
    /// What was read and is not done.
    waiting: VecDeque<Batch>,
}

impl Stream {
    /// A batch, or what is left of it, comes again, unless its tries are used up.
    fn again(&mut self, mut batch: Batch, done: usize) {
        // Progress within a batch, as Lambda sees it, makes what is left a new one.
        if done > 0 {
            batch.failures = 0;
        }
        if self.retries_max.is_some_and(|max| batch.failures > max) {
            let (op, records) = (&self.handler, batch.records.len());
            tracing::error!(op, records, "records of a stream are given up");
            return;
        }
        if self.bisect && batch.records.len() > 1 && done == 0 {
            let (failures, failed_at) = (batch.failures, batch.failed_at);
            let second = batch.records.split_off(batch.records.len() / 2);
            self.waiting.push_front(Batch { records: second, failures, failed_at });
        }
        self.waiting.push_front(batch);
    }
}

#[derive(Clone)]
struct Batch {
    records: Vec<Value>,
    failures: u64,
    /// When it failed last, in real time.
    failed_at: Option<Instant>,
}

impl Batch {
    fn is_resting(&self) -> bool {
        let doublings = u32::try_from(self.failures.saturating_sub(1)).unwrap_or(u32::MAX);
        let factor = 2_u32.checked_pow(doublings).unwrap_or(u32::MAX);
        let rest = BACKOFF_FIRST.saturating_mul(factor).min(BACKOFF_MAX);
        self.failed_at.is_some_and(|at| at.elapsed() < rest)
    }
}

#[derive(Clone)]
struct Queue {
    handler: String,
    name: String,
    batch_size: usize,
    report_partial: bool,
}

/// The cursors on disk: only moved when all that lies before is done.
struct Cursors {
    file: Option<PathBuf>,
    kept: Mutex<BTreeMap<String, StreamCursor>>,
}

impl Cursors {
    fn open(folder: Option<&Path>) -> Self {
        let file = folder.map(|folder| folder.join(CURSORS_FILE));
        let text = file.as_ref().and_then(|file| std::fs::read_to_string(file).ok());
        let kept = text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        Self { file, kept: Mutex::new(kept) }
    }

    fn kept(&self, handler: &str) -> Option<StreamCursor> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(handler).cloned()
    }

    fn keep(&self, handler: &str, cursor: &StreamCursor) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(handler.to_owned(), cursor.clone());
        let Some(file) = &self.file else { return };
        let text = serde_json::to_string(&*kept).unwrap_or_default();
        if let Err(error) = replace(file, &text) {
            tracing::error!(%error, "the position in a stream is not kept");
        }
    }
}

/// A batch size is small; what is larger than the machine's words is as good as unlimited.
fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX).max(1)
}

impl Pumps {
    pub(crate) fn new(stack: &Stack, wire: &Wire, folder: Option<&Path>) -> Result<Self, Error> {
        let cursors = Cursors::open(folder);
        let (mut streams, mut queues, mut uploads) = (Vec::new(), Vec::new(), Vec::new());
        for function in &stack.functions {
            for trigger in &function.triggers {
                match trigger {
                    Trigger::Http { .. } | Trigger::Schedule { .. } => {}
                    Trigger::Upload { bucket, prefix } => uploads.push(Uploads {
                        handler: function.handler.clone(),
                        bucket: bucket.clone(),
                        prefix: prefix.clone(),
                    }),
                    Trigger::Queue { queue, batch_size, report_partial } => {
                        if stack.queue(queue).is_none() {
                            let text = format!("{}: no queue {queue}", function.handler);
                            return Err(Error::Setup(text));
                        }
                        queues.push(Queue {
                            handler: function.handler.clone(),
                            name: queue.clone(),
                            batch_size: size(*batch_size),
                            report_partial: *report_partial,
                        });
                    }
                    Trigger::Stream {
                        table,
                        batch_size,
                        filters,
                        starting_position,
                        report_partial,
                        bisect,
                        retries_max,
                    } => {
                        if stack.table(table).is_none_or(|table| table.stream.is_none()) {
                            let text = format!("{}: no stream of {table}", function.handler);
                            return Err(Error::Setup(text));
                        }
                        let cursor = cursors.kept(&function.handler).unwrap_or_else(|| {
                            let mut cursor = StreamCursor::default();
                            while starting_position == "LATEST"
                                && !wire.stream(table, &mut cursor, SKIP).is_empty()
                            {
                            }
                            cursor
                        });
                        streams.push(tokio::sync::Mutex::new(Stream {
                            handler: function.handler.clone(),
                            table: table.clone(),
                            batch_size: size(*batch_size),
                            filters: filters.clone(),
                            report_partial: *report_partial,
                            bisect: *bisect,
                            retries_max: *retries_max,
                            cursor,
                            read_up_to: None,
                            waiting: VecDeque::new(),
                        }));
                    }
                }
            }
        }
        let announcing = tokio::sync::Mutex::default();
        Ok(Self { streams, queues, uploads, announcing, cursors })
    }

    /// The same sources at the same positions, but for those of some functions, for a copy of the
    /// shop in memory.
    pub(crate) async fn copy(&self, left_out: &[String]) -> Self {
        let mut streams = Vec::new();
        for stream in &self.streams {
            let stream = Stream { read_up_to: None, ..stream.lock().await.clone() };
            if !left_out.contains(&stream.handler) {
                streams.push(tokio::sync::Mutex::new(stream));
            }
        }
        let queues = self.queues.iter().filter(|queue| !left_out.contains(&queue.handler));
        Self {
            streams,
            queues: queues.cloned().collect(),
            uploads: self.uploads.clone(),
            announcing: tokio::sync::Mutex::default(),
            cursors: Cursors::open(None),
        }
    }

    /// Passes over what lies in the streams: what was written to begin with is no news.
    pub(crate) async fn skip(&self, wire: &Wire) {
        for stream in &self.streams {
            let mut stream = stream.lock().await;
            let table = stream.table.clone();
            while !wire.stream(&table, &mut stream.cursor, SKIP).is_empty() {}
            self.cursors.keep(&stream.handler, &stream.cursor);
        }
    }
}

impl Shop {
    /// Does what can be done now, one batch of each source, in a fixed order: webhooks, streams,
    /// queues, new objects. False when there was nothing to do.
    pub async fn step(&self) -> bool {
        let mut did = self.pump_webhooks(1).await;
        for stream in &self.0.pumps.streams {
            did |= self.pump_stream(stream, false).await;
        }
        for queue in &self.0.pumps.queues {
            did |= self.pump_queue(queue, false).await;
        }
        did | self.pump_uploads(1).await
    }

    /// The payment provider's webhooks, the streams and the queues, in a fixed order.
    pub async fn sources(&self) -> Vec<Source> {
        let mut all = vec![Source { handler: "webhooks".to_owned(), kind: Kind::Webhooks }];
        for (at, stream) in self.0.pumps.streams.iter().enumerate() {
            let handler = stream.lock().await.handler.clone();
            all.push(Source { handler, kind: Kind::Stream(at) });
        }
        let queues = self.0.pumps.queues.iter().enumerate();
        all.extend(queues.map(|(at, queue)| {
            let handler = queue.handler.clone();
            Source { handler, kind: Kind::Queue(at) }
        }));
        all
    }

    /// Does one batch of a source; false when there was nothing to do. Where the news that it was
    /// done `is_lost`, webhooks and messages come again, as they may; streams do not lose it.
    pub async fn pump(&self, source: &Source, is_lost: bool) -> bool {
        match source.kind {
            Kind::Webhooks => {
                let due = self.0.twin.deliveries_due();
                let did = !due.is_empty();
                for one in due {
                    self.send_webhook(one, is_lost).await;
                }
                did
            }
            Kind::Stream(at) => match self.0.pumps.streams.get(at) {
                Some(stream) => self.pump_stream(stream, false).await,
                None => false,
            },
            Kind::Queue(at) => match self.0.pumps.queues.get(at) {
                Some(queue) => self.pump_queue(queue, is_lost).await,
                None => false,
            },
        }
    }

    /// As [`Shop::step`], all sources at once: for a shop that is in use.
    pub(crate) async fn step_at_once(&self) -> bool {
        let streams = join_all(self.0.pumps.streams.iter().map(|one| self.pump_stream(one, true)));
        let pollers = self.0.pumps.queues.iter().flat_map(|one| std::iter::repeat_n(one, AT_ONCE));
        let queues = join_all(pollers.map(|one| self.pump_queue(one, false)));
        let webhooks = self.pump_webhooks(AT_ONCE);
        let uploads = self.pump_uploads(AT_ONCE);
        let (webhooks, streams, queues, uploads) = tokio::join!(webhooks, streams, queues, uploads);
        webhooks || uploads || streams.into_iter().chain(queues).any(|did| did)
    }

    /// Steps until nothing happens; time stands (as far as the clock does). Returns the number of
    /// steps that did something.
    pub async fn settle(&self) -> usize {
        for steps in 0..STEPS_MAX {
            if !self.step().await {
                return steps;
            }
        }
        tracing::error!(steps = STEPS_MAX, "the shop does not settle");
        STEPS_MAX
    }

    /// Settles, and where something waits for its time (a hidden message, a webhook's next try)
    /// moves the clock there, until nothing waits and a round of all schedules changes nothing.
    /// What only waits in days or in a deadline of the shop is not waited for.
    pub async fn settle_all(&self) {
        let horizon = self.0.clock.now_ms() + HORIZON_MS;
        for _ in 0..JUMPS_MAX {
            self.settle().await;
            if let Some(at) = self.next_at_ms() {
                if at > horizon {
                    return;
                }
                self.move_to(at).await;
                continue;
            }
            let mut activity = self.0.wire.activity();
            activity.mark_unchanged();
            self.move_to(self.0.clock.now_ms() + ROUND_MS).await;
            let is_quiet = !activity.has_changed().unwrap_or(false);
            if is_quiet && self.next_at_ms().is_none() && self.settle().await == 0 {
                return;
            }
        }
        tracing::error!(jumps = JUMPS_MAX, "the shop does not settle");
    }

    /// When the next hidden message, webhook or announcement is due, if one waits.
    pub(crate) fn next_at_ms(&self) -> Option<i64> {
        let message = self.0.wire.sqs().next_visible_at_ms();
        let object = self.0.wire.s3().next_due_at_ms();
        message.into_iter().chain(object).chain(self.0.twin.next_delivery_at_ms()).min()
    }

    /// So many at the same time; one after the other keeps their order.
    async fn pump_webhooks(&self, at_once: usize) -> bool {
        let due = self.0.twin.deliveries_due();
        let did = !due.is_empty();
        let sent =
            stream::iter(due).for_each_concurrent(at_once, |one| self.send_webhook(one, false));
        sent.await;
        did
    }

    async fn send_webhook(&self, delivery: stripe_twin::Delivery, is_lost: bool) {
        let Some(path) = delivery.url.strip_prefix(self.base_url()) else {
            // An endpoint elsewhere: nothing leaves this machine.
            tracing::warn!(url = delivery.url, "a webhook for another host is not sent");
            self.0.twin.delivered(&delivery.id, None);
            return;
        };
        let mut request = Request::new("POST", path).from_ip(STRIPE_ADDRESS);
        request.headers = delivery.headers;
        request.body = delivery.body;
        let response = Box::pin(self.send(request)).await;
        let heard = Some(response.status).filter(|_| !is_lost);
        self.0.twin.delivered(&delivery.id, heard);
    }

    async fn pump_stream(&self, stream: &tokio::sync::Mutex<Stream>, is_patient: bool) -> bool {
        let mut stream = stream.lock().await;
        if is_patient && stream.waiting.front().is_some_and(Batch::is_resting) {
            return false;
        }
        if stream.waiting.is_empty() && !self.read_stream(&mut stream) {
            return false;
        }
        let Some(mut batch) = stream.waiting.pop_front() else { return true };
        let event = json!({"Records": batch.records});
        let failed_from = match self.invoke(&stream.handler, event).await {
            Outcome::Answered(answer) if stream.report_partial => first_failure(&answer, &batch),
            Outcome::Answered(_) => None,
            Outcome::Failed | Outcome::Died | Outcome::TimedOut => Some(0),
        };
        if let Some(from) = failed_from {
            let rest = batch.records.split_off(from);
            let failures = batch.failures + 1;
            let failed_at = Some(Instant::now());
            stream.again(Batch { records: rest, failures, failed_at }, from);
        }
        if stream.waiting.is_empty() {
            self.0.pumps.cursors.keep(&stream.handler, &stream.cursor);
        }
        true
    }

    /// Reads the next records. False when there are none; records that no filter lets through
    /// are behind us then.
    fn read_stream(&self, stream: &mut Stream) -> bool {
        let (table, size) = (stream.table.clone(), stream.batch_size);
        let writes = self.0.wire.writes(&table);
        if writes.is_some() && stream.read_up_to == writes {
            return false;
        }
        let mut records = self.0.wire.stream(&table, &mut stream.cursor, size);
        if records.is_empty() {
            stream.read_up_to = writes;
            return false;
        }
        let filters = &stream.filters;
        records.retain(|record| {
            filters.is_empty() || filters.iter().any(|pattern| filter_matches(pattern, record))
        });
        if records.is_empty() {
            self.0.pumps.cursors.keep(&stream.handler, &stream.cursor);
        } else {
            stream.waiting.push_back(Batch { records, failures: 0, failed_at: None });
        }
        true
    }

    /// Hands new objects to the functions that want to know of them.
    async fn pump_uploads(&self, at_once: usize) -> bool {
        let Ok(_handing_out) = self.0.pumps.announcing.try_lock() else { return false };
        let s3 = self.0.wire.s3();
        for (number, event) in s3.unrouted() {
            let wanted = self.0.pumps.uploads.iter().filter(|one| one.fits(&event));
            let handlers: Vec<&str> = wanted.map(|one| one.handler.as_str()).collect();
            s3.route(number, &handlers);
        }
        let due = s3.due();
        let did = !due.is_empty();
        let handed = stream::iter(due).for_each_concurrent(at_once, |one| self.announce(one));
        handed.await;
        did
    }

    async fn announce(&self, notice: wire::Notice) {
        let outcome = self.invoke(&notice.handler, notice.event).await;
        let s3 = self.0.wire.s3();
        if outcome.answer().is_some() {
            s3.done(notice.number);
            return;
        }
        let tried = usize::try_from(notice.failures).unwrap_or(usize::MAX);
        if let Some(after_ms) = EVENT_RETRIES_MS.get(tried) {
            s3.again(notice.number, *after_ms);
        } else {
            tracing::error!(op = notice.handler, "the event of a new object is given up");
            s3.done(notice.number);
        }
    }

    async fn pump_queue(&self, source: &Queue, is_lost: bool) -> bool {
        let messages = self.0.wire.sqs().receive(&source.name, source.batch_size);
        if messages.is_empty() {
            return false;
        }
        let records: Vec<Value> = messages.iter().map(wire::Message::lambda_record).collect();
        let outcome = self.invoke(&source.handler, json!({"Records": records})).await;
        let Some(answer) = outcome.answer() else { return true };
        let ids: BTreeSet<&str> = messages.iter().map(|message| message.id.as_str()).collect();
        let Some(failed) = failed_messages(&answer, &ids, source.report_partial) else {
            tracing::error!(op = source.handler, "an answer to a batch is not understood");
            return true;
        };
        if is_lost {
            return true;
        }
        for message in messages.iter().filter(|message| !failed.contains(&message.id)) {
            self.0.wire.sqs().delete(&message.receipt);
        }
        true
    }
}

/// Where a stream's batch goes on, by its answer; `None` when all is done. An answer that is not
/// understood fails the batch, as in Lambda.
fn first_failure(answer: &Value, batch: &Batch) -> Option<usize> {
    let failures = match answer.get("batchItemFailures") {
        None | Some(Value::Null) => return None,
        Some(Value::Array(failures)) => failures,
        Some(_) => return Some(0),
    };
    failures
        .iter()
        .map(|failure| {
            let wanted = failure.get("itemIdentifier").and_then(Value::as_str)?;
            batch.records.iter().position(|record| {
                record.pointer("/dynamodb/SequenceNumber").and_then(Value::as_str) == Some(wanted)
            })
        })
        .map(|position| position.unwrap_or(0))
        .min()
}

/// The messages that an answer names as failed; `None` fails the whole batch.
fn failed_messages(
    answer: &Value,
    ids: &BTreeSet<&str>,
    report_partial: bool,
) -> Option<BTreeSet<String>> {
    if !report_partial {
        return Some(BTreeSet::new());
    }
    match answer.get("batchItemFailures") {
        None | Some(Value::Null) => Some(BTreeSet::new()),
        Some(Value::Array(failures)) => failures
            .iter()
            .map(|failure| {
                let id = failure.get("itemIdentifier").and_then(Value::as_str)?;
                ids.contains(id).then(|| id.to_owned())
            })
            .collect(),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(numbers: &[&str]) -> Batch {
        let record = |number: &&str| json!({"dynamodb": {"SequenceNumber": number}});
        Batch { records: numbers.iter().map(record).collect(), failures: 0, failed_at: None }
    }

    #[test]
    fn a_stream_goes_on_from_the_first_failure() {
        let batch = batch(&["1", "2", "3"]);
        let answer = |ids: &[&str]| {
            let failures: Vec<Value> = ids.iter().map(|id| json!({"itemIdentifier": id})).collect();
            json!({"batchItemFailures": failures})
        };
        assert_eq!(first_failure(&answer(&[]), &batch), None);
        assert_eq!(first_failure(&answer(&["3", "2"]), &batch), Some(1));
        assert_eq!(first_failure(&answer(&["9"]), &batch), Some(0));
        assert_eq!(first_failure(&json!({"batchItemFailures": "x"}), &batch), Some(0));
        assert_eq!(first_failure(&Value::Null, &batch), None);
    }

    #[test]
    fn an_unknown_message_fails_the_whole_batch() {
        let ids = BTreeSet::from(["a", "b"]);
        let answer = |id: &str| json!({"batchItemFailures": [{"itemIdentifier": id}]});
        assert_eq!(failed_messages(&answer("a"), &ids, true), Some(["a".to_owned()].into()));
        assert_eq!(failed_messages(&answer("x"), &ids, true), None);
        assert_eq!(failed_messages(&answer("x"), &ids, false), Some(BTreeSet::new()));
        assert_eq!(failed_messages(&json!({}), &ids, true), Some(BTreeSet::new()));
    }
}
