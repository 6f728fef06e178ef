//! A message to be sent, and what SQS refuses about one.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{MESSAGE_BYTES_MAX, QueueAttributes};
use crate::message::Refusal;

/// AWS's limit for one delay.
const DELAY_SECONDS_MAX: i64 = 900;

/// A message to be sent.
#[derive(Default)]
pub(super) struct Entry {
    pub(super) body: String,
    pub(super) message_attributes: BTreeMap<String, Value>,
    pub(super) trace: Option<String>,
    pub(super) delay_seconds: Option<i64>,
    pub(super) group: Option<String>,
    pub(super) dedup: Option<String>,
}

impl Entry {
    /// What counts against the size limit: the body and every attribute's name, type and value.
    pub(super) fn bytes(&self) -> usize {
        let attributes = self.message_attributes.iter().map(|(name, value)| {
            let length = |member| value.get(member).and_then(Value::as_str).map_or(0, str::len);
            name.len() + length("DataType") + length("StringValue") + length("BinaryValue") / 4 * 3
        });
        self.body.len() + attributes.sum::<usize>()
    }

    /// What one message alone can be refused for; within a batch it fails alone.
    pub(super) fn check(&self, attributes: &QueueAttributes) -> Result<(), Refusal> {
        let refuse = |text: String| Err(Refusal::new("InvalidParameterValue", text));
        if self.body.is_empty() {
            return Err(Refusal::new(
                "MissingParameter",
                "The request must contain the parameter MessageBody.",
            ));
        }
        if self.bytes() > MESSAGE_BYTES_MAX {
            return refuse(format!(
                "One or more parameters are invalid. Reason: Message must be shorter than \
                 {MESSAGE_BYTES_MAX} bytes."
            ));
        }
        let legal = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
        if !self.body.chars().all(legal) {
            return Err(Refusal::new(
                "InvalidMessageContents",
                "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to \
                 #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF.",
            ));
        }
        if self.message_attributes.len() > 10 {
            return refuse(
                "Number of message attributes exceeds the allowed maximum [10].".to_owned(),
            );
        }
        let malformed = self.message_attributes.iter().find(|(_, value)| {
            let data_type = value.get("DataType").and_then(Value::as_str).unwrap_or_default();
            let member = match data_type.split('.').next() {
                Some("String" | "Number") => "StringValue",
                Some("Binary") => "BinaryValue",
                _ => return true,
            };
            value.get(member).and_then(Value::as_str).is_none_or(str::is_empty)
        });
        if let Some((name, _)) = malformed {
            return refuse(format!(
                "The message attribute '{name}' must contain a non-empty value."
            ));
        }
        if let Some(delay) = self.delay_seconds {
            if !(0..=DELAY_SECONDS_MAX).contains(&delay) {
                return refuse(format!(
                    "Value {delay} for parameter DelaySeconds is invalid. Reason: \
                     DelaySeconds must be >= 0 and <= {DELAY_SECONDS_MAX}."
                ));
            }
            if attributes.fifo {
                return refuse(
                    "DelaySeconds cannot be set per message on a FIFO queue.".to_owned(),
                );
            }
        }
        if attributes.fifo && self.group.is_none() {
            return Err(Refusal::new(
                "MissingParameter",
                "The request must contain the parameter MessageGroupId.",
            ));
        }
        if attributes.fifo && self.dedup.is_none() && !attributes.content_based_dedup {
            return refuse(
                "The queue should either have ContentBasedDeduplication enabled or \
                 MessageDeduplicationId provided explicitly"
                    .to_owned(),
            );
        }
        if !attributes.fifo && self.dedup.is_some() {
            return refuse("MessageDeduplicationId is valid for FIFO queues only.".to_owned());
        }
        Ok(())
    }
}
