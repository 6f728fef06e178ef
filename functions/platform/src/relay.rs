//! Saying what stands in the outbox: send first, forget after. Who dies in between says it twice,
//! and the consumers know it again by its id.

use std::collections::{BTreeMap, BTreeSet};

use domain::fault::{Fault, Retry};
use queue::Name;
use store::outbox::Said;

use crate::App;

/// Sends events to the queues that carry them, each in the trace that it was said in, and forgets
/// those that all of these have taken.
pub(crate) async fn send(app: &App, events: Vec<Said>) -> Result<(), Fault> {
    let mut left: BTreeSet<usize> = (0..events.len()).collect();
    let mut refused = BTreeSet::new();
    for (name, carried) in by_queue(&events) {
        let bodies = carried
            .iter()
            .map(|(_, said)| {
                serde_json::to_string(&said.event)
                    .map_err(|error| Fault::new("write an event", error, Retry::Useless))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let traces = carried.iter().map(|(_, said)| said.trace);
        let messages: Vec<_> = bodies.iter().map(String::as_str).zip(traces).collect();
        let taken = app.queues.send_traced(name, &messages).await?;
        let untaken = carried.iter().zip(taken).filter(|(_, is_taken)| !is_taken);
        refused.extend(untaken.map(|((index, _), _)| *index));
    }
    left.retain(|index| !refused.contains(index));
    for said in left.iter().filter_map(|index| events.get(*index)) {
        app.store.sent(&said.event).await?;
    }
    if refused.is_empty() {
        return Ok(());
    }
    let refused = refused.len();
    Err(Fault::noticed(format!("send {refused} events: their queue refused them"), Retry::Helps))
}

/// The events of each queue, in their order, with their places among all. What the merchant's
/// systems are told of is carried twice: to whom it concerns here, and to them.
fn by_queue(events: &[Said]) -> BTreeMap<Name, Vec<(usize, &Said)>> {
    let mut by_queue: BTreeMap<Name, Vec<(usize, &Said)>> = BTreeMap::new();
    for (index, said) in events.iter().enumerate() {
        let fact = &said.event.fact;
        let mut names = BTreeSet::from([Name::from(fact.destination())]);
        if fact.topic().is_some() {
            names.insert(Name::Webhooks);
        }
        for name in names {
            by_queue.entry(name).or_default().push((index, said));
        }
    }
    by_queue
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_goes_to_its_queue_in_its_order() {
        let event = |id: &str, fact: &str| -> Said {
            let text = format!(
                r#"{{"id":"evt_01ARZ3NDEKTSV4RRFFQ69G5FA{id}","at":"2026-11-02T09:00:00Z",
                "sequence":1,{fact}}}"#
            );
            Said { event: serde_json::from_str(&text).unwrap(), trace: None }
        };
        let placed = r#""type":"order.placed","order_id":"ord_01ARZ3NDEKTSV4RRFFQ69G5FAV""#;
        let letter = r#""type":"message.requested","message":{"letter":"already_registered",
            "id":"msg_01ARZ3NDEKTSV4RRFFQ69G5FAV","to":"jane@example.org"}"#;
        let events = vec![event("V", placed), event("W", letter), event("X", placed)];
        let sent = by_queue(&events);
        assert_eq!(sent[&Name::Mail].len(), 1);
        // The merchant's systems are told of orders, too, and not of letters.
        for name in [Name::OrderEvents, Name::Webhooks] {
            let ids: Vec<_> = sent[&name].iter().map(|(_, e)| e.event.id.to_string()).collect();
            assert!(ids[0].ends_with('V') && ids[1].ends_with('X'), "{ids:?}");
            assert_eq!(sent[&name].iter().map(|(at, _)| *at).collect::<Vec<_>>(), [0, 2]);
        }
    }
}
