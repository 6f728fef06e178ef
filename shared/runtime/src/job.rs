//! Functions that nobody waits for: queues, schedules, streams, new objects.

use std::collections::HashMap;
use std::future::Future;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::fault::{Fault, Retry};
use jiff::Timestamp;
use lambda_http::aws_lambda_events::sqs::SqsEvent;
use serde_json::{Value, json};

/// A schedule's beat.
#[derive(Debug, Clone, Copy)]
pub struct Tick {
    /// When it is.
    pub now: Timestamp,
}

/// What somebody who may invoke functions hands over by hand.
#[derive(Debug)]
pub struct Errand<T> {
    /// What they hand over.
    pub input: T,
    /// When it is.
    pub now: Timestamp,
}

/// An object that somebody put into the bucket.
#[derive(Debug, Clone)]
pub struct Upload {
    /// Its key.
    pub key: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it is.
    pub now: Timestamp,
}

/// The messages of a queue that are worked on together, in their order.
#[derive(Debug)]
pub struct Batch {
    /// The messages.
    pub messages: Vec<queue::Message>,
    /// When it is.
    pub now: Timestamp,
}

/// New images of a table's stream, oldest first.
#[derive(Debug)]
pub struct Records {
    /// The items as they are now.
    pub new_images: Vec<Image>,
    /// The changes one by one, for those who look at what was, too.
    pub changes: Vec<Changed>,
    /// When it is.
    pub now: Timestamp,
}

/// An item as a stream shows it.
pub type Image = HashMap<String, AttributeValue>;

/// What happened to an item.
#[derive(Debug)]
pub struct Changed {
    /// Names this change among all of the stream.
    pub sequence: String,
    /// The keys of the item.
    pub keys: Image,
    /// As it was, where the stream shows it; none where there was none.
    pub before: Option<Image>,
    /// As it is; none where it is gone.
    pub after: Option<Image>,
}

/// A job over a queue's messages: `async fn(&App, Message, Timestamp)`.
pub trait OnMessage<'a, A: 'static>:
    Fn(&'a A, queue::Message, Timestamp) -> Self::Future + Send + Sync
{
    /// What it returns.
    type Future: Future<Output = Result<(), Fault>> + Send + 'a;
}

impl<'a, A: 'static, F, R> OnMessage<'a, A> for F
where
    F: Fn(&'a A, queue::Message, Timestamp) -> R + Send + Sync,
    R: Future<Output = Result<(), Fault>> + Send + 'a,
{
    type Future = R;
}

/// Runs a job for each message of a batch; the answer names those that are to come again. Each
/// message stands alone: the failure of one does not touch its neighbours.
pub async fn run_queue<A: 'static, F>(
    app: &A,
    event: Value,
    now: Timestamp,
    op: &'static str,
    job: F,
) -> Result<Value, Fault>
where
    F: for<'a> OnMessage<'a, A>,
{
    let event: SqsEvent = serde_json::from_value(event)
        .map_err(|error| Fault::new("read a batch of messages", error, Retry::Useless))?;
    let mut failed = Vec::new();
    for message in queue::messages(event) {
        let id = message.id.clone();
        if let Err(fault) = job(app, message, now).await {
            tracing::error!(op, message = id, fault = %fault, "a message failed and comes again");
            failed.push(id);
        }
    }
    serde_json::to_value(queue::response(failed))
        .map_err(|error| Fault::new("answer a batch of messages", error, Retry::Useless))
}

/// Runs a job for all messages of a batch at once: they succeed together or come again together,
/// as the order of a FIFO queue wants it.
pub async fn run_batch<A: 'static, F>(
    app: &A,
    event: Value,
    now: Timestamp,
    op: &'static str,
    job: F,
) -> Result<Value, Fault>
where
    F: for<'a> OnEvent<'a, A, Batch>,
{
    let event: SqsEvent = serde_json::from_value(event)
        .map_err(|error| Fault::new("read a batch of messages", error, Retry::Useless))?;
    let messages = queue::messages(event);
    let ids: Vec<String> = messages.iter().map(|message| message.id.clone()).collect();
    let mut failed = Vec::new();
    if let Err(fault) = job(app, Batch { messages, now }).await {
        tracing::error!(op, messages = ids.len(), fault = %fault, "a batch failed and comes again");
        failed = ids;
    }
    serde_json::to_value(queue::response(failed))
        .map_err(|error| Fault::new("answer a batch of messages", error, Retry::Useless))
}

/// A job over a schedule's beat or a stream's records: `async fn(&App, T) -> Result<(), Fault>`.
pub trait OnEvent<'a, A: 'static, T>: Fn(&'a A, T) -> Self::Future + Send + Sync {
    /// What it returns.
    type Future: Future<Output = Result<(), Fault>> + Send + 'a;
}

impl<'a, A: 'static, T, F, R> OnEvent<'a, A, T> for F
where
    F: Fn(&'a A, T) -> R + Send + Sync,
    R: Future<Output = Result<(), Fault>> + Send + 'a,
{
    type Future = R;
}

/// Runs a job for a schedule's beat.
pub async fn run_schedule<A: 'static, F>(app: &A, now: Timestamp, job: F) -> Result<Value, Fault>
where
    F: for<'a> OnEvent<'a, A, Tick>,
{
    job(app, Tick { now }).await.map(|()| Value::Null)
}

/// Runs a job for what it was invoked with. What is wrong with that is said without repeating it:
/// it may be personal.
pub async fn run_invoked<A: 'static, T, F>(
    app: &A,
    event: Value,
    now: Timestamp,
    job: F,
) -> Result<Value, Fault>
where
    T: serde::de::DeserializeOwned,
    F: for<'a> OnEvent<'a, A, Errand<T>>,
{
    let input = serde_json::from_value(event)
        .map_err(|_| Fault::noticed("read what it was invoked with", Retry::Useless))?;
    job(app, Errand { input, now }).await.map(|()| Value::Null)
}

/// Runs a job for a new object. A failure brings the event again, twice.
pub async fn run_upload<A: 'static, F>(
    app: &A,
    event: &Value,
    now: Timestamp,
    job: F,
) -> Result<Value, Fault>
where
    F: for<'a> OnEvent<'a, A, Upload>,
{
    let object = event.pointer("/detail/object");
    let key = object.and_then(|object| object.get("key")?.as_str());
    let size = object.and_then(|object| object.get("size")?.as_u64());
    let (Some(key), Some(size)) = (key, size) else {
        return Err(Fault::noticed("read the event of a new object", Retry::Useless));
    };
    job(app, Upload { key: key.to_owned(), size, now }).await.map(|()| Value::Null)
}

/// Runs a job for a batch of a stream. A failure brings the whole batch again.
pub async fn run_stream<A: 'static, F>(
    app: &A,
    event: &Value,
    now: Timestamp,
    job: F,
) -> Result<Value, Fault>
where
    F: for<'a> OnEvent<'a, A, Records>,
{
    let changes: Vec<Changed> = event
        .get("Records")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
        .map(|record| Changed {
            sequence: record
                .pointer("/dynamodb/SequenceNumber")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            keys: image(record, "/dynamodb/Keys").unwrap_or_default(),
            before: image(record, "/dynamodb/OldImage"),
            after: image(record, "/dynamodb/NewImage"),
        })
        .collect();
    let new_images = changes.iter().filter_map(|changed| changed.after.clone()).collect();
    job(app, Records { new_images, changes, now }).await?;
    Ok(json!({"batchItemFailures": []}))
}

fn image(record: &Value, pointer: &str) -> Option<Image> {
    let image = record.pointer(pointer)?.as_object()?;
    Some(image.iter().filter_map(|(k, v)| Some((k.clone(), attribute(v)?))).collect())
}

/// DynamoDB's JSON as the SDK's value; binary sets and the like do not occur in our items.
fn attribute(value: &Value) -> Option<AttributeValue> {
    let (kind, value) = value.as_object()?.iter().next()?;
    Some(match (kind.as_str(), value) {
        ("S", Value::String(text)) => AttributeValue::S(text.clone()),
        ("N", Value::String(number)) => AttributeValue::N(number.clone()),
        ("BOOL", Value::Bool(yes)) => AttributeValue::Bool(*yes),
        ("NULL", _) => AttributeValue::Null(true),
        ("L", Value::Array(list)) => AttributeValue::L(list.iter().filter_map(attribute).collect()),
        ("M", Value::Object(map)) => AttributeValue::M(
            map.iter().filter_map(|(k, v)| Some((k.clone(), attribute(v)?))).collect(),
        ),
        _ => return None,
    })
}
