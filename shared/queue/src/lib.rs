//! SQS: sending envelopes, reading batches, answering which messages of a batch failed.

use std::collections::{BTreeMap, HashMap};

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::SdkError;
use aws_sdk_sqs::types::{
    MessageSystemAttributeNameForSends, MessageSystemAttributeValue, QueueAttributeName,
    SendMessageBatchRequestEntry,
};
use domain::fault::{Fault, Retry};
use domain::trace::TraceId;
use jiff::Timestamp;

mod dead;
mod parking;

pub use dead::{Dead, Depths, HANDLER, REASON, dead_of, dead_url};
pub use parking::{Parking, RECEIVES_MAX};

/// Messages that SQS takes in one batch.
const BATCH_MAX: usize = 10;
/// The longest delay of a message: a quarter of an hour.
pub const DELAY_SECONDS_MAX: i32 = 900;

/// The queues of the shop. A function is told the addresses of those that it may send to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    /// What the payment provider says, stored and acknowledged, to be processed; and what it is to
    /// be asked for.
    StripeEvents,
    /// Facts about orders.
    OrderEvents,
    /// Letters.
    Mail,
    /// What became of letters.
    MailFeedback,
    /// Texts to telephones.
    Texts,
    /// What people answer to them.
    TextAnswers,
    /// Entries of the audit log, on their way into its chain.
    Audit,
    /// Products that changed, on their way into the search index: FIFO, one group per index.
    Search,
    /// Orders that changed, on their way into the staff's index of them: FIFO.
    SearchOrders,
    /// Customers that changed, on their way into the staff's index of them: FIFO.
    SearchCustomers,
    /// Imports and exports that have something to do.
    Exchange,
    /// Orders that get an invoice, refunds that get a credit note: FIFO, one group.
    Invoices,
    /// What the merchant's systems are to be told of.
    Webhooks,
    /// Who of them is to be told of what, one by one.
    WebhookDeliveries,
}

impl Name {
    /// Every queue.
    pub const ALL: [Self; 14] = [
        Self::StripeEvents,
        Self::OrderEvents,
        Self::Mail,
        Self::MailFeedback,
        Self::Texts,
        Self::TextAnswers,
        Self::Audit,
        Self::Search,
        Self::SearchOrders,
        Self::SearchCustomers,
        Self::Exchange,
        Self::Invoices,
        Self::Webhooks,
        Self::WebhookDeliveries,
    ];

    /// Its name in the API: `order_events`.
    pub fn word(self) -> String {
        let name = self.variable().trim_start_matches("QUEUE_").trim_end_matches("_URL");
        name.to_lowercase()
    }

    /// The queue of this name.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.word() == word)
    }

    /// The environment variable that holds the queue's address.
    pub const fn variable(self) -> &'static str {
        match self {
            Self::StripeEvents => "QUEUE_STRIPE_EVENTS_URL",
            Self::OrderEvents => "QUEUE_ORDER_EVENTS_URL",
            Self::Mail => "QUEUE_MAIL_URL",
            Self::MailFeedback => "QUEUE_MAIL_FEEDBACK_URL",
            Self::Texts => "QUEUE_TEXTS_URL",
            Self::TextAnswers => "QUEUE_TEXT_ANSWERS_URL",
            Self::Audit => "QUEUE_AUDIT_URL",
            Self::Search => "QUEUE_SEARCH_URL",
            Self::SearchOrders => "QUEUE_SEARCH_ORDERS_URL",
            Self::SearchCustomers => "QUEUE_SEARCH_CUSTOMERS_URL",
            Self::Exchange => "QUEUE_EXCHANGE_URL",
            Self::Invoices => "QUEUE_INVOICES_URL",
            Self::Webhooks => "QUEUE_WEBHOOKS_URL",
            Self::WebhookDeliveries => "QUEUE_WEBHOOK_DELIVERIES_URL",
        }
    }
}

impl From<domain::event::Destination> for Name {
    fn from(destination: domain::event::Destination) -> Self {
        match destination {
            domain::event::Destination::OrderEvents => Self::OrderEvents,
            domain::event::Destination::Payments => Self::StripeEvents,
            domain::event::Destination::Mail => Self::Mail,
            domain::event::Destination::Texts => Self::Texts,
            domain::event::Destination::Audit => Self::Audit,
            domain::event::Destination::Exchange => Self::Exchange,
            domain::event::Destination::Webhooks => Self::Webhooks,
        }
    }
}

/// The way into the queues.
#[derive(Debug)]
pub struct Queues {
    client: Client,
    urls: BTreeMap<Name, String>,
}

impl Queues {
    /// Queues at these addresses.
    pub fn new(client: Client, urls: BTreeMap<Name, String>) -> Self {
        Self { client, urls }
    }

    fn url(&self, name: Name) -> Result<&str, Fault> {
        self.urls.get(&name).map(String::as_str).ok_or_else(|| {
            Fault::noticed(format!("send without {}", name.variable()), Retry::Useless)
        })
    }

    /// Sends one message.
    pub async fn send(&self, name: Name, body: &str) -> Result<(), Fault> {
        let sent = self.client.send_message().queue_url(self.url(name)?).message_body(body);
        let sent = sent.send().await;
        sent.map(drop).map_err(|error| fault(format!("send to {name:?}"), error))
    }

    /// Sends one message that nobody sees for so many seconds; SQS takes up to
    /// [`DELAY_SECONDS_MAX`].
    pub async fn send_later(&self, name: Name, body: &str, seconds: i32) -> Result<(), Fault> {
        let sent = self.client.send_message().queue_url(self.url(name)?).message_body(body);
        let sent = sent.delay_seconds(seconds.clamp(0, DELAY_SECONDS_MAX)).send().await;
        sent.map(drop).map_err(|error| fault(format!("send to {name:?}"), error))
    }

    /// Sends one message to a FIFO queue: nothing of a group overtakes what was sent before. Of two
    /// equal bodies within five minutes the second is swallowed.
    pub async fn send_in_group(&self, name: Name, group: &str, body: &str) -> Result<(), Fault> {
        let sent = self.client.send_message().queue_url(self.url(name)?).message_body(body);
        let sent = sent.message_group_id(group).send().await;
        sent.map(drop).map_err(|error| fault(format!("send to {name:?}"), error))
    }

    /// Lets messages that failed come again after so many seconds, rather than after the queue's
    /// own, which is as long as work may take.
    pub async fn give_back(
        &self,
        name: Name,
        messages: &[Message],
        seconds: i32,
    ) -> Result<(), Fault> {
        for message in messages {
            let request = self.client.change_message_visibility().queue_url(self.url(name)?);
            let request = request.receipt_handle(&message.receipt).visibility_timeout(seconds);
            let sent = request.send().await;
            sent.map_err(|error| fault(format!("give back to {name:?}"), error))?;
        }
        Ok(())
    }

    /// How many messages wait, or are being worked on. SQS counts roughly.
    pub async fn waiting(&self, name: Name) -> Result<u64, Fault> {
        let counts = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let request = self.client.get_queue_attributes().queue_url(self.url(name)?);
        let asked = request.set_attribute_names(Some(counts.to_vec())).send().await;
        let asked =
            asked.map_err(|error| fault(format!("ask {name:?} for its attributes"), error))?;
        let found = asked.attributes.unwrap_or_default();
        let count = |name| found.get(name).and_then(|count| count.parse::<u64>().ok());
        Ok(counts.iter().filter_map(count).sum())
    }

    /// Sends many messages in batches of ten; answers for each whether it was taken.
    pub async fn send_all(&self, name: Name, bodies: &[String]) -> Result<Vec<bool>, Fault> {
        let traced: Vec<_> = bodies.iter().map(|body| (body.as_str(), None)).collect();
        self.send_traced(name, &traced).await
    }

    /// As [`Queues::send_all`], each message in the trace that it follows from; in that of the
    /// present call where none is named.
    pub async fn send_traced(
        &self,
        name: Name,
        bodies: &[(&str, Option<TraceId>)],
    ) -> Result<Vec<bool>, Fault> {
        let mut taken = vec![false; bodies.len()];
        for (start, chunk) in bodies.chunks(BATCH_MAX).enumerate() {
            let mut entries = Vec::with_capacity(chunk.len());
            for (index, (body, trace)) in chunk.iter().enumerate() {
                let entry = SendMessageBatchRequestEntry::builder()
                    .id((start * BATCH_MAX + index).to_string())
                    .message_body(*body)
                    .set_message_system_attributes(trace.and_then(trace_attributes))
                    .build()
                    .map_err(|error| Fault::new("build a batch", error, Retry::Useless))?;
                entries.push(entry);
            }
            let output = self
                .client
                .send_message_batch()
                .queue_url(self.url(name)?)
                .set_entries(Some(entries))
                .send()
                .await
                .map_err(|error| fault(format!("send a batch to {name:?}"), error))?;
            for entry in output.successful {
                let index: Option<usize> = entry.id.parse().ok();
                if let Some(slot) = index.and_then(|index| taken.get_mut(index)) {
                    *slot = true;
                }
            }
        }
        Ok(taken)
    }

    /// Whether every known queue answers.
    pub async fn probe(&self) -> Result<(), Fault> {
        for (name, url) in &self.urls {
            let asked = self.client.get_queue_attributes().queue_url(url).send().await;
            asked.map_err(|error| fault(format!("ask {name:?} for its attributes"), error))?;
        }
        Ok(())
    }
}

/// What is sent beside a message.
pub type SystemAttributes =
    HashMap<MessageSystemAttributeNameForSends, MessageSystemAttributeValue>;

/// What tells SQS, and whoever reads the message, of which trace it is.
pub fn trace_attributes(trace: TraceId) -> Option<SystemAttributes> {
    let value = MessageSystemAttributeValue::builder()
        .data_type("String")
        .string_value(trace.xray())
        .build()
        // It has its data type: without one alone it can not be built.
        .ok()?;
    Some(HashMap::from([(MessageSystemAttributeNameForSends::AwsTraceHeader, value)]))
}

fn fault<E, R>(tried: impl Into<String>, error: SdkError<E, R>) -> Fault
where
    E: std::error::Error + aws_sdk_sqs::error::ProvideErrorMetadata + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let retry = match error.as_service_error().and_then(|service| service.code()) {
        Some(
            "AccessDenied" | "AccessDeniedException" | "AWS.SimpleQueueService.NonExistentQueue",
        ) => Retry::Useless,
        _ => Retry::Helps,
    };
    Fault::new(tried, error, retry)
}

/// A message as a job gets it.
#[derive(Debug, Clone)]
pub struct Message {
    /// The queue's id of the message.
    pub id: String,
    /// The claim on this delivery of it.
    pub receipt: String,
    /// What it says.
    pub body: String,
    /// How often it was handed out, this time included.
    pub receives: u32,
    /// The queue that it came from, by its ARN.
    pub queue: String,
    /// In a FIFO queue, what it is in line with.
    pub group: Option<String>,
    /// What it follows from, if that is known.
    pub trace: Option<TraceId>,
    /// When it was sent.
    pub sent_at: Option<Timestamp>,
}

/// The messages of an event. One without id or body can not be one of ours and is passed over.
pub fn messages(event: SqsEvent) -> Vec<Message> {
    event
        .records
        .into_iter()
        .filter_map(|record| {
            let said = |name: &str| record.attributes.get(name);
            let receives = said("ApproximateReceiveCount").and_then(|count| count.parse().ok());
            let sent_ms = said("SentTimestamp").and_then(|ms| ms.parse().ok());
            Some(Message {
                receives: receives.unwrap_or(1),
                group: said("MessageGroupId").cloned(),
                trace: said("AWSTraceHeader").and_then(|header| TraceId::of_xray(header)),
                sent_at: sent_ms.and_then(|ms| Timestamp::from_millisecond(ms).ok()),
                receipt: record.receipt_handle.unwrap_or_default(),
                queue: record.event_source_arn.unwrap_or_default(),
                id: record.message_id?,
                body: record.body?,
            })
        })
        .collect()
}

/// The answer that tells SQS which messages to deliver again.
pub fn response(failed: impl IntoIterator<Item = String>) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = failed
        .into_iter()
        .map(|id| {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = id;
            failure
        })
        .collect();
    response
}
