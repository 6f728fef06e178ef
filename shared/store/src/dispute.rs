//! Disputes: they lie with their order, and are written with it.
//!
//! | item | key | index |
//! |---|---|---|
//! | dispute | `ORD#id` / DSP#id | `by_status`: `DSP#all` / opened#id |
//! | | | `work`: `WQ#dispute_due` / due#id, while somebody has to answer it |
//!
//! The order's version is the lock of all its disputes. The id of a dispute follows from the
//! provider's, and a new one is put only if absent: it counts once.

use domain::dispute::Dispute;
use domain::event::Event;
use domain::fault::Fault;
use domain::order::Order;
use domain::payment::Entry;

use crate::idempotency::{self, Answer, Claim};
use crate::item::{Item, Key, Page, Range, Saved, count, document, item, moment, text};
use crate::order::order_item;
use crate::transaction::{Expression, Transaction};
use crate::{Store, Table, cart, outbox};

/// All there are, by the time that they were opened.
const ALL: &str = "DSP#all";
/// Those that somebody has to answer, the most urgent first.
const DUE: &str = "WQ#dispute_due";

/// What becomes of a dispute, as it is written: all or nothing.
#[derive(Debug)]
pub struct Step<'a> {
    /// The order as it was loaded.
    pub before: &'a Order,
    /// The order as it shall be.
    pub order: &'a Order,
    /// The dispute as it shall be.
    pub dispute: &'a Dispute,
    /// The ledger's entry, where money was lost or came back.
    pub entry: Option<&'a Entry>,
    /// What is said of it.
    pub events: &'a [Event],
    /// The answer that is remembered.
    pub remembered: Option<(&'a Claim, &'a Answer)>,
}

fn dispute_item(dispute: &Dispute) -> Result<Item, Fault> {
    let key = Key::new(format!("ORD#{}", dispute.order), format!("DSP#{}", dispute.id));
    let mut row = item(&key, dispute)?;
    let placed = |at| text(format!("{}#{}", moment(at), dispute.id));
    row.insert("gsi2pk".into(), text(ALL));
    row.insert("gsi2sk".into(), placed(dispute.opened_at));
    if dispute.waits() {
        row.insert("gsi3pk".into(), text(DUE));
        row.insert("gsi3sk".into(), placed(dispute.due_by.unwrap_or(dispute.opened_at)));
    }
    row.insert("version".into(), count(dispute.version + 1));
    Ok(row)
}

impl Store {
    /// Writes what becomes of a dispute and of its order. `Raced` where somebody wrote meanwhile:
    /// load again and decide again.
    pub async fn move_dispute(&self, step: &Step<'_>) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        let condition = Expression::version(step.before.version);
        transaction.put(self, Table::Orders, order_item(step.order)?, condition)?;
        let condition = match step.dispute.version {
            0 => Expression::absent(),
            version => Expression::version(version),
        };
        transaction.put(self, Table::Orders, dispute_item(step.dispute)?, condition)?;
        if let Some(entry) = step.entry {
            self.append(&mut transaction, entry)?;
        }
        for event in step.events {
            outbox::say(self, &mut transaction, event)?;
        }
        if let Some((claim, answer)) = step.remembered {
            idempotency::remember_in(self, &mut transaction, claim, answer)?;
        }
        Ok(cart::saved(&transaction.commit(self, "move a dispute").await?))
    }

    /// A page of all disputes, newest first.
    pub async fn disputes(
        &self,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Dispute>, Fault> {
        let index = Some(("by_status", "gsi2pk", Some("gsi2sk")));
        let range = Range { is_descending: true, limit: Some(limit), position, ..Range::default() };
        self.disputes_in(index, ALL, range).await
    }

    /// A page of the disputes that somebody has to answer, the most urgent first.
    pub async fn disputes_due(
        &self,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Dispute>, Fault> {
        let index = Some(("work", "gsi3pk", Some("gsi3sk")));
        let range = Range { limit: Some(limit), position, ..Range::default() };
        self.disputes_in(index, DUE, range).await
    }

    async fn disputes_in(
        &self,
        index: Option<(&str, &str, Option<&str>)>,
        partition: &str,
        range: Range<'_>,
    ) -> Result<Page<Dispute>, Fault> {
        let page = self.query(Table::Orders, index, partition, range).await?;
        let entries = page.entries.into_iter().map(document).collect::<Result<_, _>>()?;
        Ok(Page { entries, next: page.next })
    }
}
