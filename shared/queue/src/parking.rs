//! Where a message goes that has used up its tries: to the dead letters of its queue, with the
//! reason, which SQS itself would not know.

use std::sync::OnceLock;

use aws_config::SdkConfig;
use aws_sdk_sqs::types::MessageAttributeValue;
use aws_sdk_sqs::{Client, Config};
use domain::fault::{Fault, Retry};

use super::{HANDLER, Message, REASON, dead_url, fault, trace_attributes};

/// Tries that a message has; each queue's redrive policy says the same.
pub const RECEIVES_MAX: u32 = 5;
/// Characters of a reason.
const REASON_CHARS_MAX: usize = 1000;

/// The way to the dead letters of whatever queue a message came from.
#[derive(Debug, Clone)]
pub struct Parking {
    config: Config,
    /// Made when the first message is parked: hardly any is.
    client: OnceLock<Client>,
}

impl Parking {
    /// A way there.
    pub fn new(aws: &SdkConfig) -> Self {
        Self { config: Config::new(aws), client: OnceLock::new() }
    }

    /// Parks a message with the reason why the function of this Handler could not do it.
    pub async fn park(&self, message: &Message, handler: &str, reason: &str) -> Result<(), Fault> {
        let url = dead_url(&message.queue)?;
        let client = self.client.get_or_init(|| Client::from_conf(self.config.clone()));
        let mut sent = client.send_message().queue_url(&url).message_body(&message.body);
        if url.strip_suffix(".fifo").is_some() {
            let group = message.group.as_deref().unwrap_or("parked");
            // Parked twice within minutes it is one.
            sent = sent.message_group_id(group).message_deduplication_id(&message.id);
        }
        sent.set_message_system_attributes(message.trace.and_then(trace_attributes))
            .message_attributes(REASON, word(reason)?)
            .message_attributes(HANDLER, word(handler)?)
            .send()
            .await
            .map(drop)
            .map_err(|error| fault("park a message", error))
    }
}

/// A text of an attribute, which is never empty and holds no control characters.
fn word(text: &str) -> Result<MessageAttributeValue, Fault> {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let text: String = text.chars().map(plain).take(REASON_CHARS_MAX).collect();
    let text = if text.is_empty() { "unknown".to_owned() } else { text };
    MessageAttributeValue::builder()
        .data_type("String")
        .string_value(text)
        .build()
        .map_err(|error| Fault::new("write why a message is parked", error, Retry::Useless))
}
