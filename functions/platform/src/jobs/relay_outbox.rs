//! The orders table's stream: new rows of the outbox are said at once.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::fault::Fault;
use runtime::Records;
use store::outbox::{self, Said};

use crate::{App, relay};

/// Says new events. A failed batch comes again; what was sent by then is sent again.
pub async fn handle(app: &App, records: Records) -> Result<(), Fault> {
    relay::send(app, events(records.new_images)?).await
}

/// The events of a batch. One that can not be read holds its batch up, and is cut out of it by the
/// stream's own bisecting.
fn events(images: Vec<HashMap<String, AttributeValue>>) -> Result<Vec<Said>, Fault> {
    images.into_iter().map(outbox::said).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(event: &str) -> HashMap<String, AttributeValue> {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let row =
            [("pk", "OBX#0"), ("sk", "evt"), ("at", "2026-11-02T09:00:00Z"), ("event", event)];
        row.into_iter().map(|(name, value)| (name.to_owned(), text(value))).collect()
    }

    #[test]
    fn rows_are_read_in_their_order_and_an_unreadable_one_fails_the_batch() {
        let event = |last: char| {
            format!(
                r#"{{"id":"evt_01ARZ3NDEKTSV4RRFFQ69G5FA{last}","at":"2026-11-02T09:00:00Z",
                "sequence":1,"type":"order.placed","order_id":"ord_01ARZ3NDEKTSV4RRFFQ69G5FAV"}}"#
            )
        };
        let read = events(vec![image(&event('W')), image(&event('V'))]).unwrap();
        let ids: Vec<String> = read.iter().map(|said| said.event.id.to_string()).collect();
        assert!(ids[0].ends_with('W') && ids[1].ends_with('V'), "{ids:?}");
        assert!(events(vec![image(&event('W')), image("{}")]).is_err());
    }
}
