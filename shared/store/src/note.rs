//! What staff write about an order, and letters that they ask for once more.
//!
//! | item | key |
//! |---|---|
//! | note | `ORD#id` / NOTE#id |
//!
//! A note is put once and never changed.

use domain::event::Event;
use domain::fault::Fault;
use domain::id::OrderId;
use domain::timeline::Note;

use crate::idempotency::{self, Answer, Claim};
use crate::item::{Key, Page, Range, Saved, document, item};
use crate::transaction::{Expression, Transaction};
use crate::{Store, Table, cart, outbox};

fn key(note: &Note) -> Key {
    Key::new(format!("ORD#{}", note.order), format!("NOTE#{}", note.id))
}

impl Store {
    /// Writes a note, with what is said of it and the answer that is remembered.
    pub async fn add_note(
        &self,
        note: &Note,
        events: &[Event],
        remembered: Option<(&Claim, &Answer)>,
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        transaction.put(self, Table::Orders, item(&key(note), note)?, Expression::absent())?;
        self.finish(transaction, events, remembered, "add a note").await
    }

    /// A page of the notes about an order, newest first.
    pub async fn notes(
        &self,
        order: OrderId,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Note>, Fault> {
        let begins_with = Some("NOTE#");
        let limit = Some(limit);
        let range = Range { begins_with, is_descending: true, limit, position, ..Range::default() };
        let page = self.query(Table::Orders, None, &format!("ORD#{order}"), range).await?;
        let entries = page.entries.into_iter().map(document).collect::<Result<_, _>>()?;
        Ok(Page { entries, next: page.next })
    }

    /// Says events that belong together, with the answer that is remembered.
    pub async fn say_together(
        &self,
        events: &[Event],
        remembered: Option<(&Claim, &Answer)>,
    ) -> Result<Saved, Fault> {
        self.finish(Transaction::default(), events, remembered, "say events together").await
    }

    async fn finish(
        &self,
        mut transaction: Transaction,
        events: &[Event],
        remembered: Option<(&Claim, &Answer)>,
        tried: &str,
    ) -> Result<Saved, Fault> {
        for event in events {
            outbox::say(self, &mut transaction, event)?;
        }
        if let Some((claim, answer)) = remembered {
            idempotency::remember_in(self, &mut transaction, claim, answer)?;
        }
        Ok(cart::saved(&transaction.commit(self, tried).await?))
    }
}
