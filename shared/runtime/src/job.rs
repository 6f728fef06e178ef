//! Functions that nobody waits for: queues, schedules, streams, new objects.

use std::collections::HashMap;
use std::future::Future;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::fault::{Fault, Retry};
use jiff::Timestamp;
use lambda_http::aws_lambda_events::sqs::SqsEvent;
use serde_json::{Value, json};

use crate::meter::{self, Meter};

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

/// A message that could not be done, and why.
#[derive(Debug)]
pub struct Failed {
    /// The message.
    pub message: queue::Message,
    /// Why, for whoever looks for it.
    pub reason: String,
}

/// Runs a job for each message of a batch; those that could not be done. Each message stands alone:
/// the failure of one does not touch its neighbours.
pub async fn run_queue<A: 'static, F>(
    app: &A,
    messages: Vec<queue::Message>,
    now: Timestamp,
    op: &'static str,
    job: F,
) -> Vec<Failed>
where
    F: for<'a> OnMessage<'a, A>,
{
    let mut failed = Vec::new();
    let own = meter::trace();
    for message in messages {
        if let Some(trace) = message.trace.or(own) {
            meter::go_on_in(trace);
        }
        if let Err(fault) = job(app, message.clone(), now).await {
            let id = &message.id;
            tracing::error!(op, message = id, fault = %fault, "a message failed and comes again");
            meter::of_call(Meter::failed);
            failed.push(Failed { message, reason: fault.to_string() });
        }
    }
    failed
}

/// Runs a job for all messages of a batch at once: they succeed together or come again together,
/// as the order of a FIFO queue wants it.
pub async fn run_batch<A: 'static, F>(
    app: &A,
    messages: Vec<queue::Message>,
    now: Timestamp,
    op: &'static str,
    job: F,
) -> Vec<Failed>
where
    F: for<'a> OnEvent<'a, A, Batch>,
{
    let Err(fault) = job(app, Batch { messages: messages.clone(), now }).await else {
        return Vec::new();
    };
    let count = messages.len();
    tracing::error!(op, messages = count, fault = %fault, "a batch failed and comes again");
    meter::of_call(Meter::failed);
    let reason = fault.to_string();
    messages.into_iter().map(|message| Failed { message, reason: reason.clone() }).collect()
}

/// The messages of an event.
pub(crate) fn messages(event: Value) -> Result<Vec<queue::Message>, Fault> {
    let event: SqsEvent = serde_json::from_value(event)
        .map_err(|error| Fault::new("read a batch of messages", error, Retry::Useless))?;
    Ok(queue::messages(event))
}

/// The answer to a batch: it names the messages that are to come again. One that has used up its
/// tries is parked among the dead letters with its reason, and is done; where that fails, SQS will
/// put it there without one.
pub(crate) async fn answer(
    parking: &queue::Parking,
    op: &'static str,
    failed: Vec<Failed>,
) -> Result<Value, Fault> {
    let mut again = Vec::new();
    for Failed { message, reason } in failed {
        if message.receives < queue::RECEIVES_MAX {
            again.push(message.id);
            continue;
        }
        match parking.park(&message, op, &reason).await {
            Ok(()) => {
                tracing::error!(op, message = message.id, alarm = "message_parked", "given up");
            }
            Err(fault) => {
                tracing::error!(op, message = message.id, fault = %fault, "it is not parked");
                again.push(message.id);
            }
        }
    }
    serde_json::to_value(queue::response(again))
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

/// DynamoDB's JSON as the SDK's value; sets do not occur in our items.
fn attribute(value: &Value) -> Option<AttributeValue> {
    let (kind, value) = value.as_object()?.iter().next()?;
    Some(match (kind.as_str(), value) {
        ("S", Value::String(text)) => AttributeValue::S(text.clone()),
        ("N", Value::String(number)) => AttributeValue::N(number.clone()),
        ("B", Value::String(text)) => AttributeValue::B(Blob::new(STANDARD.decode(text).ok()?)),
        ("BOOL", Value::Bool(yes)) => AttributeValue::Bool(*yes),
        ("NULL", _) => AttributeValue::Null(true),
        ("L", Value::Array(list)) => AttributeValue::L(list.iter().filter_map(attribute).collect()),
        ("M", Value::Object(map)) => AttributeValue::M(
            map.iter().filter_map(|(k, v)| Some((k.clone(), attribute(v)?))).collect(),
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    /// Ten messages, and which of them can not be done: bit by bit.
    struct Broken(u32);

    fn ten() -> Vec<queue::Message> {
        let records: Vec<Value> = (0..10)
            .map(|at: u32| {
                json!({
                    "messageId": format!("m{at}"), "receiptHandle": "r", "body": at.to_string(),
                    "attributes": {"ApproximateReceiveCount": "1"}, "messageAttributes": {},
                    "eventSourceARN": "arn:aws:sqs:eu-central-1:1:shop-mail",
                })
            })
            .collect();
        messages(json!({"Records": records})).unwrap()
    }

    async fn job(app: &Broken, message: queue::Message, _: Timestamp) -> Result<(), Fault> {
        let bit: u32 = message.body.parse().unwrap();
        if app.0 & (1 << bit) == 0 {
            return Ok(());
        }
        Err(Fault::noticed(format!("do {bit}"), Retry::Useless))
    }

    fn answered(failed: Vec<Failed>) -> Vec<String> {
        let ids = failed.into_iter().map(|failed| failed.message.id);
        let answer = serde_json::to_value(queue::response(ids)).unwrap();
        let again = answer["batchItemFailures"].as_array().unwrap();
        again.iter().map(|one| one["itemIdentifier"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn of_ten_messages_exactly_those_that_failed_come_again_whichever_they_are() {
        let now = Timestamp::UNIX_EPOCH;
        for mask in 0..1_u32 << 10 {
            let app = Broken(mask);
            let failed = run_queue(&app, ten(), now, "test", job).now_or_never().unwrap();
            for failed in &failed {
                assert_eq!(failed.reason, format!("do {}", failed.message.body));
            }
            let expected: Vec<String> =
                (0..10).filter(|bit| mask & (1 << bit) != 0).map(|bit| format!("m{bit}")).collect();
            assert_eq!(answered(failed), expected, "{mask:010b}");
        }
    }

    #[test]
    fn the_image_of_a_change_is_read_with_what_is_sealed_in_it() {
        let record = json!({"dynamodb": {"NewImage": {
            "pk": {"S": "OBX#0"}, "version": {"N": "3"}, "is_new": {"BOOL": true},
            "~event": {"B": "AP8B"}, "broken": {"B": "not base64"}, "set": {"SS": ["a"]},
            "of": {"M": {"list": {"L": [{"S": "a"}, {"NULL": true}]}}},
        }}});
        let image = image(&record, "/dynamodb/NewImage").unwrap();
        assert_eq!(image["~event"], AttributeValue::B(Blob::new([0_u8, 255, 1])));
        assert_eq!(image["pk"], AttributeValue::S("OBX#0".to_owned()));
        let list = vec![AttributeValue::S("a".to_owned()), AttributeValue::Null(true)];
        let inner = HashMap::from([("list".to_owned(), AttributeValue::L(list))]);
        assert_eq!(image["of"], AttributeValue::M(inner));
        assert_eq!(image.len(), 5, "{image:?}");
    }

    #[test]
    fn a_batch_that_goes_together_comes_again_together() {
        async fn all(app: &Broken, batch: Batch) -> Result<(), Fault> {
            assert_eq!(batch.messages.len(), 10);
            if app.0 == 0 { Ok(()) } else { Err(Fault::noticed("do them", Retry::Helps)) }
        }
        let now = Timestamp::UNIX_EPOCH;
        for (mask, count) in [(0, 0), (1, 10), (512, 10)] {
            let failed = run_batch(&Broken(mask), ten(), now, "test", all).now_or_never().unwrap();
            assert_eq!(answered(failed).len(), count);
        }
    }
}
