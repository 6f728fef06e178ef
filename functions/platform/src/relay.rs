//! Saying what stands in the outbox: send first, forget after. Who dies in between says it twice,
//! and the consumers know it again by its id.

use std::collections::BTreeMap;

use domain::event::Event;
use domain::fault::{Fault, Retry};
use queue::Name;

use crate::App;

/// Sends events and forgets those that their queue has taken.
pub(crate) async fn send(app: &App, events: Vec<Event>) -> Result<(), Fault> {
    let mut by_queue: BTreeMap<Name, Vec<Event>> = BTreeMap::new();
    for event in events {
        by_queue.entry(event.fact.destination().into()).or_default().push(event);
    }
    let mut refused = 0_usize;
    for (name, events) in by_queue {
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
