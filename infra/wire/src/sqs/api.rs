//! The JSON protocol of SQS: one function per operation, from a request's members to a response's.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::entry::Entry;
use super::store::{Sent, sequence_number};
use super::{MESSAGE_BYTES_MAX, Message, Sqs, digest, is_fifo};
use crate::message::Refusal;

/// Entries in one batch, and messages in one receive (AWS limit).
const BATCH_MAX: usize = 10;

/// The queue a request addresses, by URL or name.
pub(crate) fn queue_of(request: &Value) -> Option<String> {
    let text = |member| request.get(member).and_then(Value::as_str);
    if let Some(url) = text("QueueUrl") {
        return url.rsplit('/').next().map(str::to_owned);
    }
    if let Some(arn) = text("SourceArn") {
        return arn.rsplit(':').next().map(str::to_owned);
    }
    text("QueueName").map(str::to_owned)
}

impl Sqs {
    pub(super) fn answer(&self, operation: &str, request: &Value) -> Result<Value, Refusal> {
        match operation {
            "SendMessage" => self.send_message(request),
            "SendMessageBatch" => self.send_message_batch(request),
            "ReceiveMessage" => self.receive_message(request),
            "DeleteMessage" => self.delete_message(request),
            "DeleteMessageBatch" => batch(request, |entry| self.delete_message(entry)),
            "ChangeMessageVisibility" => self.change_message_visibility(request),
            "ChangeMessageVisibilityBatch" => {
                batch(request, |entry| self.change_message_visibility(entry))
            }
            "GetQueueUrl" => self.get_queue_url(request),
            "GetQueueAttributes" => self.get_queue_attributes(request),
            "ListQueues" => self.list_queues(request),
            "PurgeQueue" => {
                self.inner.store.purge(&queue(request)?)?;
                Ok(json!({}))
            }
            "StartMessageMoveTask" => self.start_message_move_task(request),
            other => Err(Refusal {
                status: 501,
                code: "UnsupportedOperation",
                message: format!("the emulated SQS has no operation {other}"),
            }),
        }
    }

    fn send_message(&self, request: &Value) -> Result<Value, Refusal> {
        let queue = queue(request)?;
        let entry = entry(request)?;
        let digests = Digests::of(&entry);
        let sent = self.inner.store.send(&queue, entry, self.now())?;
        Ok(Value::Object(sent_members(&queue, &sent, digests)))
    }

    fn send_message_batch(&self, request: &Value) -> Result<Value, Refusal> {
        let queue = queue(request)?;
        let entries = batch_entries(request)?;
        let parsed: Vec<_> = entries.iter().map(|(_, value)| entry(value)).collect();
        let total: usize = parsed.iter().flatten().map(Entry::bytes).sum();
        if total > MESSAGE_BYTES_MAX {
            return Err(Refusal::new(
                "BatchRequestTooLong",
                format!(
                    "Batch requests cannot be longer than {MESSAGE_BYTES_MAX} bytes. \
                     You have sent {total} bytes."
                ),
            ));
        }
        let digests: Vec<_> = parsed.iter().map(|e| e.as_ref().ok().map(Digests::of)).collect();
        let results = self.inner.store.send_batch(&queue, parsed, self.now())?;
        let mut outcome = Outcome::default();
        for (((id, _), digests), result) in entries.iter().zip(digests).zip(results) {
            let members =
                result.map(|sent| sent_members(&queue, &sent, digests.unwrap_or_default()));
            outcome.add(id, members);
        }
        Ok(outcome.into_value())
    }

    fn receive_message(&self, request: &Value) -> Result<Value, Refusal> {
        let queue = queue(request)?;
        let max = integer(request, "MaxNumberOfMessages").unwrap_or(1);
        let max = usize::try_from(max).ok().filter(|max| (1..=BATCH_MAX).contains(max));
        let max = max.ok_or_else(|| {
            Refusal::new(
                "InvalidParameterValue",
                "Value for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 \
                 and 10, if provided.",
            )
        })?;
        let hidden = integer(request, "VisibilityTimeout");
        let rows = self.inner.store.receive(&queue, max, hidden, self.now())?;
        let system =
            [names(request, "AttributeNames"), names(request, "MessageSystemAttributeNames")]
                .concat();
        let custom = names(request, "MessageAttributeNames");
        let messages: Vec<Value> = rows
            .into_iter()
            .map(|row| received_members(self.message(&queue, row), &system, &custom))
            .collect();
        // AWS leaves the member out of an empty answer.
        Ok(if messages.is_empty() { json!({}) } else { json!({ "Messages": messages }) })
    }

    /// A receipt that is no longer the valid one is accepted without effect, as in AWS.
    fn delete_message(&self, request: &Value) -> Result<Value, Refusal> {
        self.inner.store.delete(receipt(request)?)?;
        Ok(json!({}))
    }

    fn change_message_visibility(&self, request: &Value) -> Result<Value, Refusal> {
        let seconds =
            integer(request, "VisibilityTimeout").ok_or_else(|| missing("VisibilityTimeout"))?;
        if self.inner.store.hide(receipt(request)?, seconds, self.now())? {
            return Ok(json!({}));
        }
        Err(Refusal::new("MessageNotInflight", "The message referred to is not in flight."))
    }

    fn get_queue_url(&self, request: &Value) -> Result<Value, Refusal> {
        let queue = queue(request)?;
        self.inner.store.attributes(&queue)?;
        Ok(json!({ "QueueUrl": self.url(&queue) }))
    }

    fn get_queue_attributes(&self, request: &Value) -> Result<Value, Refusal> {
        let queue = queue(request)?;
        let attributes = self.inner.store.attributes(&queue)?;
        let depths = self.inner.store.depths(self.now())?;
        let depth = depths.into_iter().find(|depth| depth.queue == queue);
        let (visible, in_flight, delayed) =
            depth.map_or((0, 0, 0), |depth| (depth.visible, depth.in_flight, depth.delayed));
        let mut all = BTreeMap::from([
            ("QueueArn", self.arn(&queue)),
            ("ApproximateNumberOfMessages", visible.to_string()),
            ("ApproximateNumberOfMessagesNotVisible", in_flight.to_string()),
            ("ApproximateNumberOfMessagesDelayed", delayed.to_string()),
            ("VisibilityTimeout", attributes.visibility_seconds.to_string()),
            ("DelaySeconds", attributes.delay_seconds.to_string()),
            ("MessageRetentionPeriod", attributes.retention_seconds.to_string()),
            ("MaximumMessageSize", MESSAGE_BYTES_MAX.to_string()),
            ("ReceiveMessageWaitTimeSeconds", "0".to_owned()),
        ]);
        if attributes.fifo {
            all.insert("FifoQueue", "true".to_owned());
            let dedup = attributes.content_based_dedup;
            all.insert("ContentBasedDeduplication", dedup.to_string());
        }
        if let Some((dlq, receives_max)) = &attributes.redrive {
            let policy = json!({
                "deadLetterTargetArn": self.arn(dlq),
                "maxReceiveCount": receives_max,
            });
            all.insert("RedrivePolicy", policy.to_string());
        }
        let wanted = names(request, "AttributeNames");
        let is_wanted = |name: &str| wanted.iter().any(|wish| wish == "All" || wish == name);
        all.retain(|name, _| is_wanted(name));
        Ok(if all.is_empty() { json!({}) } else { json!({ "Attributes": all }) })
    }

    fn list_queues(&self, request: &Value) -> Result<Value, Refusal> {
        let prefix = request.get("QueueNamePrefix").and_then(Value::as_str).unwrap_or_default();
        let queues = self.inner.store.queues()?;
        let urls: Vec<String> = queues
            .iter()
            .filter(|name| name.starts_with(prefix))
            .map(|name| self.url(name))
            .collect();
        Ok(if urls.is_empty() { json!({}) } else { json!({ "QueueUrls": urls }) })
    }

    /// The task is finished before the answer: there is nothing to list or cancel afterwards.
    fn start_message_move_task(&self, request: &Value) -> Result<Value, Refusal> {
        let source = queue(request)?;
        let target = request.get("DestinationArn").and_then(Value::as_str);
        let target = target.and_then(|arn| arn.rsplit(':').next());
        let unknown = |refusal: Refusal| match refusal.code {
            "QueueDoesNotExist" => Refusal {
                status: 404,
                code: "ResourceNotFoundException",
                message: "The resource that you specified doesn't exist.".to_owned(),
            },
            _ => refusal,
        };
        self.inner.store.redrive(&source, target, self.now()).map_err(unknown)?;
        Ok(json!({ "TaskHandle": format!("task-of-{source}-at-{}", self.now()) }))
    }
}

#[derive(Default)]
struct Digests {
    body: String,
    attributes: Option<String>,
}

impl Digests {
    fn of(entry: &Entry) -> Self {
        Self {
            body: digest::of_body(&entry.body),
            attributes: digest::of_attributes(&entry.message_attributes),
        }
    }
}

/// What a batch came to, entry by entry.
#[derive(Default)]
struct Outcome {
    successful: Vec<Value>,
    failed: Vec<Value>,
}

impl Outcome {
    fn add(&mut self, id: &str, result: Result<Map<String, Value>, Refusal>) {
        match result {
            Ok(mut members) => {
                members.insert("Id".to_owned(), json!(id));
                self.successful.push(Value::Object(members));
            }
            Err(refusal) => self.failed.push(json!({
                "Id": id,
                "SenderFault": refusal.status < 500,
                "Code": refusal.code,
                "Message": refusal.message,
            })),
        }
    }

    fn into_value(self) -> Value {
        json!({ "Successful": self.successful, "Failed": self.failed })
    }
}

fn batch(
    request: &Value,
    mut each: impl FnMut(&Value) -> Result<Value, Refusal>,
) -> Result<Value, Refusal> {
    queue(request)?;
    let mut outcome = Outcome::default();
    for (id, entry) in batch_entries(request)? {
        outcome.add(&id, each(entry).map(|_| Map::new()));
    }
    Ok(outcome.into_value())
}

/// The entries with their ids: one to ten, distinct, well-formed.
fn batch_entries(request: &Value) -> Result<Vec<(String, &Value)>, Refusal> {
    let entries = request.get("Entries").and_then(Value::as_array);
    let entries = entries.map(Vec::as_slice).unwrap_or_default();
    if entries.is_empty() {
        let text = "There should be at least one entry in the request.";
        return Err(Refusal::new("EmptyBatchRequest", text));
    }
    if entries.len() > BATCH_MAX {
        return Err(Refusal::new(
            "TooManyEntriesInBatchRequest",
            format!(
                "Maximum number of entries per request are {BATCH_MAX}. You have sent {}.",
                entries.len()
            ),
        ));
    }
    let mut seen = BTreeSet::new();
    let mut out = Vec::new();
    for entry in entries {
        let id = entry.get("Id").and_then(Value::as_str).unwrap_or_default();
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if id.is_empty() || id.len() > 80 || !id.chars().all(legal) {
            return Err(Refusal::new(
                "InvalidBatchEntryId",
                "A batch entry id can only contain alphanumeric characters, hyphens and \
                 underscores. It can be at most 80 letters long.",
            ));
        }
        if !seen.insert(id) {
            return Err(Refusal::new("BatchEntryIdsNotDistinct", format!("Id {id} repeated.")));
        }
        out.push((id.to_owned(), entry));
    }
    Ok(out)
}

fn entry(request: &Value) -> Result<Entry, Refusal> {
    let text = |member| request.get(member).and_then(Value::as_str).map(str::to_owned);
    let attributes = request.get("MessageAttributes").cloned().unwrap_or_else(|| json!({}));
    let message_attributes = serde_json::from_value(attributes)
        .map_err(|_| Refusal::new("InvalidParameterValue", "MessageAttributes is not a map."))?;
    let trace = request
        .pointer("/MessageSystemAttributes/AWSTraceHeader/StringValue")
        .and_then(Value::as_str)
        .map(str::to_owned);
    Ok(Entry {
        body: text("MessageBody").unwrap_or_default(),
        message_attributes,
        trace,
        delay_seconds: integer(request, "DelaySeconds"),
        group: text("MessageGroupId"),
        dedup: text("MessageDeduplicationId"),
    })
}

fn sent_members(queue: &str, sent: &Sent, digests: Digests) -> Map<String, Value> {
    let mut members = Map::new();
    members.insert("MessageId".to_owned(), json!(sent.id));
    members.insert("MD5OfMessageBody".to_owned(), json!(digests.body));
    if let Some(digest) = digests.attributes {
        members.insert("MD5OfMessageAttributes".to_owned(), json!(digest));
    }
    if is_fifo(queue) {
        members.insert("SequenceNumber".to_owned(), json!(sequence_number(sent.seq)));
    }
    members
}

fn received_members(message: Message, system: &[String], custom: &[String]) -> Value {
    let mut members = json!({
        "MessageId": message.id,
        "ReceiptHandle": message.receipt,
        "MD5OfBody": message.md5_of_body,
        "Body": message.body,
    });
    let Some(object) = members.as_object_mut() else { return members };
    let attributes: BTreeMap<_, _> = message
        .attributes
        .into_iter()
        .filter(|(name, _)| system.iter().any(|wish| wish == "All" || wish == name))
        .collect();
    if !attributes.is_empty() {
        object.insert("Attributes".to_owned(), json!(attributes));
    }
    let attributes: BTreeMap<_, _> = message
        .message_attributes
        .into_iter()
        .filter(|(name, _)| custom.iter().any(|wish| asks_for(wish, name)))
        .collect();
    if let Some(digest) = digest::of_attributes(&attributes) {
        object.insert("MD5OfMessageAttributes".to_owned(), json!(digest));
        object.insert("MessageAttributes".to_owned(), json!(attributes));
    }
    members
}

/// `All`, `.*`, a name, or a prefix followed by `.*`.
fn asks_for(wish: &str, name: &str) -> bool {
    wish == "All"
        || wish == name
        || wish.strip_suffix(".*").is_some_and(|prefix| name.starts_with(prefix))
}

fn queue(request: &Value) -> Result<String, Refusal> {
    queue_of(request).filter(|name| !name.is_empty()).ok_or_else(|| missing("QueueUrl"))
}

fn receipt(request: &Value) -> Result<&str, Refusal> {
    let receipt = request.get("ReceiptHandle").and_then(Value::as_str);
    receipt.ok_or_else(|| missing("ReceiptHandle"))
}

fn integer(request: &Value, member: &str) -> Option<i64> {
    request.get(member).and_then(Value::as_i64)
}

fn names(request: &Value, member: &str) -> Vec<String> {
    let list = request.get(member).and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn missing(parameter: &str) -> Refusal {
    let text = format!("The request must contain the parameter {parameter}.");
    Refusal::new("MissingParameter", text)
}
