//! Saying what stands in the outbox: send first, forget after. Who dies in between says it twice,
//! and the consumers know it again by its id.

use std::collections::{BTreeMap, BTreeSet};

use domain::event::Event;
use domain::fault::{Fault, Retry};
use queue::Name;

use crate::App;

/// Sends events to the queues that carry them and forgets those that all of these have taken.
pub(crate) async fn send(app: &App, events: Vec<Event>) -> Result<(), Fault> {
    let mut left: BTreeSet<usize> = (0..events.len()).collect();
    let mut refused = BTreeSet::new();
    for (name, carried) in by_queue(&events) {
        let bodies = carried
            .iter()
            .map(|(_, event)| {
                serde_json::to_string(event)
                    .map_err(|error| Fault::new("write an event", error, Retry::Useless))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let taken = app.queues.send_all(name, &bodies).await?;
        let untaken = carried.iter().zip(taken).filter(|(_, is_taken)| !is_taken);
        refused.extend(untaken.map(|((index, _), _)| *index));
    }
    left.retain(|index| !refused.contains(index));
    for event in left.iter().filter_map(|index| events.get(*index)) {
        app.store.sent(event).await?;
    }
    if refused.is_empty() {
        return Ok(());
    }
    let refused = refused.len();
    Err(Fault::noticed(format!("send {refused} events: their queue refused them"), Retry::Helps))
}

/// The events of each queue, in their order, with their places among all. What the merchant's
/// systems are told of is carried twice: to whom it concerns here, and to them.
fn by_queue(events: &[Event]) -> BTreeMap<Name, Vec<(usize, &Event)>> {
    let mut by_queue: BTreeMap<Name, Vec<(usize, &Event)>> = BTreeMap::new();
    for (index, event) in events.iter().enumerate() {
        let mut names = BTreeSet::from([Name::from(event.fact.destination())]);
        if event.fact.topic().is_some() {
            names.insert(Name::Webhooks);
        }
        for name in names {
            by_queue.entry(name).or_default().push((index, event));
        }
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
        let sent = by_queue(&events);
        assert_eq!(sent[&Name::Mail].len(), 1);
        // The merchant's systems are told of orders, too, and not of letters.
        for name in [Name::OrderEvents, Name::Webhooks] {
            let ids: Vec<_> = sent[&name].iter().map(|(_, e)| e.id.to_string()).collect();
            assert!(ids[0].ends_with('V') && ids[1].ends_with('X'), "{ids:?}");
            assert_eq!(sent[&name].iter().map(|(at, _)| *at).collect::<Vec<_>>(), [0, 2]);
        }
    }
}
