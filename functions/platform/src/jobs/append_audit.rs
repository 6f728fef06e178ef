//! `audit` queue: an entry that was said in the transaction of its cause is appended to the chain.
//!
//! Entries come at least once and in any order; the chain holds each once, in the order in which
//! they arrived. Their own times and ids tell the order in which they happened.

use domain::audit::Entry;
use domain::event::{Event, Fact};
use domain::fault::{Fault, Retry};
use jiff::Timestamp;
use queue::Message;

use crate::App;

/// Appends an entry.
pub async fn handle(app: &App, message: Message, _: Timestamp) -> Result<(), Fault> {
    app.store.append_audit(&entry(&message.body)?).await
}

/// The entry that a message carries.
fn entry(body: &str) -> Result<Entry, Fault> {
    let event: Event = serde_json::from_str(body)
        .map_err(|error| Fault::new("read an entry of the audit log", error, Retry::Useless))?;
    match event.fact {
        Fact::AuditNoted { entry } => Ok(entry),
        fact @ (Fact::OrderPlaced { .. }
        | Fact::OrderRefundedLate { .. }
        | Fact::FulfillmentMoved { .. }
        | Fact::RefundRequested { .. }
        | Fact::DisputeMoved { .. }
        | Fact::DisputeAnswered { .. }
        | Fact::CaptureRequested { .. }
        | Fact::RefundMoved { .. }
        | Fact::PaymentFailed { .. }
        | Fact::ReturnMoved { .. }
        | Fact::OrderMoved { .. }
        | Fact::OrderLinesCanceled { .. }
        | Fact::OrderEditClosed { .. }
        | Fact::OrderReopened { .. }
        | Fact::KeysAdded { .. }
        | Fact::ExchangeDue { .. }
        | Fact::WebhookTest { .. }
        | Fact::WebhookReplay { .. }
        | Fact::MessageRequested { .. }
        | Fact::TextRequested { .. }) => {
            let tried = format!("read an entry of the audit log: it is {}", fact.name());
            Err(Fault::noticed(tried, Retry::Useless))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(fact: &str) -> String {
        format!(
            r#"{{"id":"evt_01ARZ3NDEKTSV4RRFFQ69G5FAV","at":"2026-11-02T09:00:00Z","sequence":1,
            {fact}}}"#
        )
    }

    #[test]
    fn only_an_entry_of_the_log_is_appended_to_it() {
        let placed = r#""type":"order.placed","order_id":"ord_01ARZ3NDEKTSV4RRFFQ69G5FAV""#;
        for body in [event(placed), "{}".to_owned(), String::new()] {
            // What is no entry now is none the next time.
            assert_eq!(entry(&body).unwrap_err().retry(), Retry::Useless);
        }
    }
}
