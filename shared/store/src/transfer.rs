//! Transfers: inventory `TRF#all` / id. They are few, written by people: one partition holds all of
//! them, so that a list is one query.

use domain::event::Event;
use domain::fault::Fault;
use domain::id::TransferId;
use domain::movement::Movement;
use domain::transfer::Transfer;

use crate::idempotency::{self, Answer, Claim};
use crate::item::{Key, Page, Range, count, document, item};
use crate::transaction::{Committed, Expression, Transaction};
use crate::{Store, Table, movement, outbox};

const ALL: &str = "TRF#all";

fn key(id: TransferId) -> Key {
    Key::new(ALL, format!("TRF#{id}"))
}

/// What became of a transfer that was to move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    /// It is written, and the units with it.
    Yes,
    /// Somebody else changed it meanwhile.
    Raced,
    /// Fewer units can leave than it carries: the positions of these movements.
    Short(Vec<usize>),
}

impl Store {
    /// A transfer by its id.
    pub async fn transfer(&self, id: TransferId) -> Result<Option<Transfer>, Fault> {
        self.get(Table::Inventory, &key(id), true).await
    }

    /// A page of the transfers, newest first.
    pub async fn transfers(
        &self,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Transfer>, Fault> {
        let range = Range { is_descending: true, limit: Some(limit), position, ..Range::default() };
        let page = self.query(Table::Inventory, None, ALL, range).await?;
        let entries = page.entries.into_iter().map(document).collect::<Result<_, _>>()?;
        Ok(Page { entries, next: page.next })
    }

    /// Writes a transfer as it shall be (a new one has version 0), with the movements of its units,
    /// all or nothing.
    pub async fn move_transfer(
        &self,
        transfer: &Transfer,
        movements: &[Movement],
        events: &[Event],
        remembered: Option<(&Claim, &Answer)>,
    ) -> Result<Moved, Fault> {
        let mut transaction = Transaction::default();
        let mut row = item(&key(transfer.id), transfer)?;
        row.insert("version".into(), count(transfer.version + 1));
        let condition = match transfer.version {
            0 => Expression::absent(),
            version => Expression::version(version),
        };
        transaction.put(self, Table::Inventory, row, condition)?;
        for each in movements {
            movement::shift(self, &mut transaction, each)?;
        }
        for event in events {
            outbox::say(self, &mut transaction, event)?;
        }
        if let Some((claim, answer)) = remembered {
            idempotency::remember_in(self, &mut transaction, claim, answer)?;
        }
        Ok(match transaction.commit(self, "move a transfer").await? {
            Committed::Yes => Moved::Yes,
            Committed::Refused(refused) => {
                // Behind the transfer, each movement is two actions: its level, and itself.
                let short: Vec<usize> = refused
                    .iter()
                    .filter_map(|(position, _)| Some(position.checked_sub(1)? / 2))
                    .filter(|at| *at < movements.len())
                    .collect();
                let is_raced = refused.iter().any(|(position, _)| *position == 0);
                if is_raced || short.is_empty() { Moved::Raced } else { Moved::Short(short) }
            }
        })
    }
}
