//! `audit` queue: an entry that was said in the transaction of its cause is appended to the chain.
//!
//! Entries come at least once and in any order; the chain holds each once, in the order in which
//! they arrived. Their own times and ids tell the order in which they happened.

use domain::event::{Event, Fact};
use domain::fault::{Fault, Retry};
use jiff::Timestamp;
use queue::Message;

use crate::App;

/// Appends an entry.
pub async fn handle(app: &App, message: Message, _: Timestamp) -> Result<(), Fault> {
    let event: Event = serde_json::from_str(&message.body)
        .map_err(|error| Fault::new("read an entry of the audit log", error, Retry::Useless))?;
    match event.fact {
        Fact::AuditNoted { entry } => app.store.append_audit(&entry).await,
        fact @ (Fact::OrderPlaced { .. }
        | Fact::OrderRefundedLate { .. }
        | Fact::MessageRequested { .. }) => {
            let tried = format!("read an entry of the audit log: it is {}", fact.name());
            Err(Fault::noticed(tried, Retry::Useless))
        }
    }
}
