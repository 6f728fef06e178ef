//! Saying what stands in the outbox: send first, forget after. Who dies in between says it twice,
//! and the consumers know it again by its id.

use std::collections::BTreeMap;

use domain::event::Event;
use domain::fault::{Fault, Retry};
use queue::Name;

use crate::App;

/// Sends events and forgets those that their queue has taken.
pub(crate) async fn send(app: &App, events: Vec<Event>) -> Result<(), Fault> {
    let mut refused = 0_usize;
    for (name, events) in by_queue(events) {
        let bodies = events
            .iter()
            .map(|event| {
                serde_json::to_string(event)
                    .map_err(|error| Fault::new("write an event", error, Retry::Useless))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let taken = app.queues.send_all(name, &bodies).await?;
        for (event, is_taken) in events.iter().zip(taken) {
            if is_taken {
                app.store.sent(event).await?;
            } else {
                refused += 1;
            }
        }
    }
    if refused == 0 {
        return Ok(());
    }
    Err(Fault::noticed(format!("send {refused} events: their queue refused them"), Retry::Helps))
}

/// The events of each queue, in their order.
fn by_queue(events: Vec<Event>) -> BTreeMap<Name, Vec<Event>> {
    let mut by_queue: BTreeMap<Name, Vec<Event>> = BTreeMap::new();
    for event in events {
        by_queue.entry(event.fact.destination().into()).or_default().push(event);
    }
    by_queue
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_goes_to_its_queue_in_its_order() {
        let event = |id: &str, fact: &str| -> Event {
            let text = format!(
                r#"{{"id":"evt_01ARZ3NDEKTSV4RRFFQ69G5FA{id}","at":"2026-11-02T09:00:00Z",
                "sequence":1,{fact}}}"#
            );
            serde_json::from_str(&text).unwrap()
        };
        let placed = r#""type":"order.placed","order_id":"ord_01ARZ3NDEKTSV4RRFFQ69G5FAV""#;
        let letter = r#""type":"message.requested","message":{"letter":"already_registered",
            "id":"msg_01ARZ3NDEKTSV4RRFFQ69G5FAV","to":"jane@example.org"}"#;
        let events = vec![event("V", placed), event("W", letter), event("X", placed)];
        let sent = by_queue(events);
        assert_eq!(sent[&Name::Mail].len(), 1);
        let ids: Vec<_> = sent[&Name::OrderEvents].iter().map(|e| e.id.to_string()).collect();
        assert!(ids[0].ends_with('V') && ids[1].ends_with('X'), "{ids:?}");
    }
}
