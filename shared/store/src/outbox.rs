//! The outbox: events in the orders table, `OBX#shard` / id, written in the transaction of the
//! fact they tell of, deleted once they are sent.
//!
//! A letter's row is sealed under the key of whoever it goes to: what is on its way when a backup
//! is made opens for nobody once they are forgotten. Who was forgotten before their letter was
//! sent gets none.
//!
//! The table's stream hands new rows to the relay; a sweep says again what stayed unsaid.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::event::{Event, Fact};
use domain::fault::{Fault, Retry};
use domain::trace::TraceId;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::data_key::{self, Reading};
use crate::item::{Item, Key, Range, document, item};
use crate::transaction::{Committed, Expression, Transaction};
use crate::{Store, Table};

/// Partitions of the outbox: one takes about 500 transactional writes a second.
pub const SHARDS: u8 = 8;
/// Rows of a shard that one sweep takes.
const SWEEP_MAX: i32 = 100;
/// Younger rows are the stream's business.
const SWEEP_AGE: SignedDuration = SignedDuration::from_secs(30);

#[derive(Serialize, Deserialize)]
struct Row {
    // As text: the queue carries the same bytes.
    event: String,
    at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trace: Option<TraceId>,
}

/// An event that is to be sent, and the trace that it was said in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The event.
    pub event: Event,
    /// The trace of who said it.
    pub trace: Option<TraceId>,
}

fn key(event: &Event) -> Key {
    let random = event.id.ulid().random();
    // The remainder of a division by SHARDS fits a byte.
    let shard = u8::try_from(random % u128::from(SHARDS)).unwrap_or(0);
    Key::new(format!("OBX#{shard}"), event.id.to_string())
}

/// Says an event in a transaction.
pub(crate) fn say(
    store: &Store,
    transaction: &mut Transaction,
    event: &Event,
) -> Result<(), Fault> {
    let text = serde_json::to_string(event)
        .map_err(|error| Fault::new("write an event", error, Retry::Useless))?;
    let row = Row { event: text, at: event.at, trace: (store.watch.trace)() };
    let row = item(&key(event), &row)?;
    if let Some(counted) = event.fact.counted() {
        transaction.count(counted);
    }
    if let Fact::MessageRequested { message } = &event.fact {
        transaction.writes_to(message.to.as_str());
    }
    transaction.put(store, Table::Orders, row, Expression::absent())
}

/// The event in a row of the outbox that is open.
fn said(row: Item) -> Result<Said, Fault> {
    let row: Row = document(row)?;
    let event = serde_json::from_str(&row.event)
        .map_err(|error| Fault::new("read an event", error, Retry::Useless))?;
    Ok(Said { event, trace: row.trace })
}

impl Store {
    /// The events in rows of the outbox, as the table's stream shows them.
    pub async fn said(
        &self,
        rows: Vec<HashMap<String, AttributeValue>>,
    ) -> Result<Vec<Said>, Fault> {
        let of = |row: &Item| row.get("sk")?.as_s().ok().cloned();
        let sealed = rows.iter().filter(|row| data_key::is_sealed(row));
        let sealed: Vec<Key> = sealed
            .filter_map(|row| Some(Key::new(row.get("pk")?.as_s().ok()?, of(row)?)))
            .collect();
        let rows = rows.into_iter().map(|row| (Table::Orders, row)).collect();
        let open = self.opened(rows, Reading::One).await?;
        let left: BTreeSet<String> = open.iter().filter_map(of).collect();
        for key in sealed.iter().filter(|key| !left.contains(&key.sk)) {
            tracing::info!(event = key.sk, "a letter to somebody who is forgotten is not sent");
            self.delete(Table::Orders, key).await?;
        }
        open.into_iter().map(said).collect()
    }

    /// Says events that no other write belongs to, together.
    pub async fn say_alone(&self, events: &[Event]) -> Result<(), Fault> {
        let mut transaction = Transaction::default();
        events.iter().try_for_each(|event| say(self, &mut transaction, event))?;
        match transaction.commit(self, "say events").await? {
            Committed::Yes => Ok(()),
            Committed::Refused(_) => {
                Err(Fault::noticed("say an event under an id that is taken", Retry::Useless))
            }
        }
    }

    /// Forgets an event that was sent.
    pub async fn sent(&self, event: &Event) -> Result<(), Fault> {
        self.delete(Table::Orders, &key(event)).await
    }

    /// Events of a shard that should have been sent by now, oldest first.
    pub async fn unsent(&self, shard: u8, now: Timestamp) -> Result<Vec<Said>, Fault> {
        let range = Range { limit: Some(SWEEP_MAX), ..Range::default() };
        let page = self.query_raw(Table::Orders, None, &format!("OBX#{shard}"), range).await?;
        let mut events = Vec::new();
        for said in self.said(page.entries).await? {
            if now.duration_since(said.event.at) >= SWEEP_AGE {
                events.push(said);
            }
        }
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::text;

    fn row(event: &str) -> Item {
        let row =
            [("pk", "OBX#0"), ("sk", "evt"), ("at", "2026-11-02T09:00:00Z"), ("event", event)];
        row.into_iter().map(|(name, value)| (name.to_owned(), text(value))).collect()
    }

    #[test]
    fn a_row_is_read_as_it_was_said_and_an_unreadable_one_is_a_fault() {
        let event = r#"{"id":"evt_01ARZ3NDEKTSV4RRFFQ69G5FAV","at":"2026-11-02T09:00:00Z",
            "sequence":1,"type":"order.placed","order_id":"ord_01ARZ3NDEKTSV4RRFFQ69G5FAV"}"#;
        let read = said(row(event)).unwrap();
        assert_eq!(read.event.id.to_string(), "evt_01ARZ3NDEKTSV4RRFFQ69G5FAV");
        assert!(said(row("{}")).is_err());
        // Sealed, and not opened.
        let mut closed = row(event);
        let seal = closed.remove("event").unwrap();
        closed.insert("~event".to_owned(), seal);
        assert!(said(closed).is_err());
    }
}
