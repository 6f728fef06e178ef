//! Queues, as staff see them: how full they are, and what they could not do.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cursor::List;
use crate::reply::View;

/// A queue.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Queue")]
pub struct QueueView {
    /// What it is called: `order_events`.
    pub name: String,
    /// Messages that wait, roughly.
    pub waiting: u64,
    /// Messages that are worked on, roughly.
    pub in_work: u64,
    /// Messages that were given up, roughly.
    pub dead: u64,
    /// When the oldest that was looked at was given up; null where none was.
    #[schemars(with = "Option<String>")]
    pub oldest_dead_at: Option<Timestamp>,
}

impl View for List<QueueView> {}

/// A message that was given up. What it says is not shown: it may hold an address or a token.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DeadMessage")]
pub struct DeadMessageView {
    /// The queue's id of it.
    pub id: String,
    /// What kind of event it is; null where it can not be read.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The event's own id; null where it has none.
    pub event_id: Option<String>,
    /// When it was given up.
    #[schemars(with = "Option<String>")]
    pub at: Option<Timestamp>,
    /// Why, in the words of the log; null where nobody lived to say so.
    pub reason: Option<String>,
    /// The function that gave it up.
    pub handler: Option<String>,
    /// How long it is, in bytes.
    pub bytes: usize,
}

impl View for List<DeadMessageView> {}

/// What was brought back.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RedrivenQueue")]
pub struct RedrivenView {
    /// The queue.
    pub name: String,
    /// Messages that are tried again.
    pub moved: usize,
}

impl View for RedrivenView {}
