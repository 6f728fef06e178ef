//! The audit log: ledger `AUD#log` / sequence, a chain in which each entry's hash covers the one
//! before. `AUD#seen` / id makes an entry count once, however often it is said.
//!
//! Nothing here updates or deletes: the functions may put and query, no more.

use domain::audit::{Entry, Link};
use domain::fault::{Fault, Retry};
use serde::{Deserialize, Serialize};

use crate::item::{Key, Range, document, item};
use crate::transaction::{Committed, Expression, Transaction};
use crate::{Store, Table};

const LOG: &str = "AUD#log";
/// Appending is tried again while others append.
const ATTEMPTS_MAX: usize = 10;

/// Where an entry stands in the chain.
#[derive(Serialize, Deserialize)]
struct Seen {
    sequence: u64,
}

fn link_key(sequence: u64) -> Key {
    // Twelve digits: text sorts as numbers do.
    Key::new(LOG, format!("{sequence:012}"))
}

impl Store {
    /// Appends an entry to the chain; one that stands there already changes nothing.
    pub async fn append_audit(&self, entry: &Entry) -> Result<(), Fault> {
        for _ in 0..ATTEMPTS_MAX {
            let last = self.last_audit().await?;
            let link = Link::next(last.as_ref(), entry.clone());
            let mut transaction = Transaction::default();
            let seen = item(
                &Key::new(format!("AUD#seen#{}", entry.id), "META"),
                &Seen { sequence: link.sequence },
            )?;
            transaction.put(self, Table::Ledger, seen, Expression::absent())?;
            let row = item(&link_key(link.sequence), &link)?;
            transaction.put(self, Table::Ledger, row, Expression::absent())?;
            match transaction.commit(self, "append to the audit log").await? {
                Committed::Yes => return Ok(()),
                Committed::Refused(refused) if refused.iter().any(|(at, _)| *at == 0) => {
                    return Ok(());
                }
                // Somebody else's entry came first: ours links to it.
                Committed::Refused(_) => {}
            }
        }
        Err(Fault::noticed("append to a log that never stands still", Retry::Helps))
    }

    async fn last_audit(&self) -> Result<Option<Link>, Fault> {
        let range = Range { is_descending: true, limit: Some(1), ..Range::default() };
        let page = self.query(Table::Ledger, None, LOG, range).await?;
        page.entries.into_iter().next().map(document).transpose()
    }

    /// Links of the chain after this one, newest or oldest first. Behind the last there are none.
    pub async fn audit(
        &self,
        is_descending: bool,
        limit: i32,
        after: Option<u64>,
    ) -> Result<Vec<Link>, Fault> {
        let position = after.map(|sequence| {
            let Key { pk, sk } = link_key(sequence);
            serde_json::json!({"pk": pk, "sk": sk}).to_string()
        });
        let position = position.as_deref();
        let range = Range { is_descending, limit: Some(limit), position, ..Range::default() };
        let page = self.query(Table::Ledger, None, LOG, range).await?;
        page.entries.into_iter().map(document).collect()
    }
}
