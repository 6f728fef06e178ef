//! Returns: they lie with their order, and are written with it.
//!
//! | item | key | index |
//! |---|---|---|
//! | return | `ORD#id` / RET#id | `work`: `WQ#return#status` / since#id, until it is over |
//!
//! The order's version is the lock of all its returns. What comes back into stock, and what is
//! thrown away, is written in the transaction that says so; what the buyer gets for it is a refund,
//! in one transaction with the return that it settles, behind the condition of all refunds.

use domain::event::Event;
use domain::fault::Fault;
use domain::gift_card::{Entry, StoreCredit};
use domain::movement::Movement;
use domain::order::Order;
use domain::returns::{Return, Status};
use jiff::Timestamp;

use crate::idempotency::{self, Answer, Claim};
use crate::item::{Item, Key, Page, Range, Saved, count, document, item, moment, text};
use crate::order::order_item;
use crate::transaction::{Expression, Transaction};
use crate::{Store, Table, cart, gift_card, movement, outbox, refund};

/// A return's step, as it is written.
#[derive(Debug)]
pub struct Move<'a> {
    /// The order as it shall be, with the version that it was loaded with.
    pub order: &'a Order,
    /// The return as it shall be, with the version that it was loaded with; 0 for a new one.
    pub returned: &'a Return,
    /// What is for sale again: each place once.
    pub restocked: &'a [Movement],
    /// What came and was thrown away: pairs that move nothing together.
    pub written_off: &'a [Movement],
    /// What is said of it.
    pub events: &'a [Event],
    /// The answer that is remembered.
    pub remembered: Option<(&'a Claim, &'a Answer)>,
}

/// Store credit that is given for what came back.
#[derive(Debug)]
pub struct Credited<'a> {
    /// What the account was worth when it was loaded; none where there was none.
    pub before: Option<domain::money::Money>,
    /// The account as it shall be.
    pub after: &'a StoreCredit,
    /// The entry that says so.
    pub entry: &'a Entry,
}

fn key(returned: &Return) -> Key {
    Key::new(format!("ORD#{}", returned.order), format!("RET#{}", returned.id))
}

fn queue(status: Status) -> String {
    format!("WQ#return#{}", status.code())
}

/// Since when a return stands in its work queue, or until when, where time is what is waited for;
/// none where nobody waits for anything.
fn waits_since(returned: &Return) -> Option<Timestamp> {
    match returned.status {
        Status::Requested => Some(returned.created_at),
        Status::Approved => returned.expires_at,
        Status::InTransit => returned.sent_at,
        Status::PartiallyReceived => Some(returned.updated_at),
        Status::Received => returned.received_at,
        Status::Resolved | Status::Rejected | Status::Canceled | Status::Expired => None,
    }
}

fn return_item(returned: &Return) -> Result<Item, Fault> {
    let mut row = item(&key(returned), returned)?;
    if let Some(since) = waits_since(returned) {
        row.insert("gsi3pk".into(), text(queue(returned.status)));
        row.insert("gsi3sk".into(), text(format!("{}#{}", moment(since), returned.id)));
    }
    row.insert("version".into(), count(returned.version + 1));
    Ok(row)
}

/// Puts a return as it shall be: a new one only if there is none, an old one only as it was loaded.
fn put(store: &Store, transaction: &mut Transaction, returned: &Return) -> Result<(), Fault> {
    let condition = match returned.version {
        0 => Expression::absent(),
        version => Expression::version(version),
    };
    transaction.put(store, Table::Orders, return_item(returned)?, condition)
}

impl Store {
    /// Writes a return with its order, what comes into stock, and what is said of it: all or
    /// nothing.
    pub async fn move_return(&self, step: &Move<'_>) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        let condition = Expression::version(step.order.version);
        transaction.put(self, Table::Orders, order_item(step.order)?, condition)?;
        put(self, &mut transaction, step.returned)?;
        for each in step.restocked {
            movement::shift(self, &mut transaction, each)?;
        }
        for each in step.written_off {
            movement::append(self, &mut transaction, each)?;
        }
        for event in step.events {
            outbox::say(self, &mut transaction, event)?;
        }
        if let Some((claim, answer)) = step.remembered {
            idempotency::remember_in(self, &mut transaction, claim, answer)?;
        }
        Ok(cart::saved(&transaction.commit(self, "move a return").await?))
    }

    /// Writes the refund that settles a return, with the return, and with the store credit where
    /// that is what the buyer gets. `Raced` as for every refund.
    pub async fn resolve_return(
        &self,
        step: &refund::Move<'_>,
        returned: &Return,
        credited: Option<&Credited<'_>>,
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        self.money_in(&mut transaction, step)?;
        put(self, &mut transaction, returned)?;
        if let Some((Credited { before, after, entry }, refund)) = credited.zip(step.refund) {
            let given = (*before, *after, *entry);
            gift_card::credit_besides(self, &mut transaction, refund, given)?;
        }
        Ok(cart::saved(&transaction.commit(self, "resolve a return").await?))
    }

    /// A page of the returns that stand there and wait for somebody, the longest waiting first.
    pub async fn returns(
        &self,
        status: Status,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Return>, Fault> {
        let index = Some(("work", "gsi3pk", Some("gsi3sk")));
        let range = Range { limit: Some(limit), position, ..Range::default() };
        let page = self.query(Table::Orders, index, &queue(status), range).await?;
        let entries = page.entries.into_iter().map(document).collect::<Result<_, _>>()?;
        Ok(Page { entries, next: page.next })
    }

    /// Returns that were approved and not sent in time, the longest over first. The index is a
    /// little behind the table: whoever ends one loads it first.
    pub async fn overdue_returns(&self, now: Timestamp, limit: i32) -> Result<Vec<Return>, Fault> {
        let index = Some(("work", "gsi3pk", Some("gsi3sk")));
        let due = moment(now);
        let range = Range { up_to: Some(&due), limit: Some(limit), ..Range::default() };
        let page = self.query(Table::Orders, index, &queue(Status::Approved), range).await?;
        page.entries.into_iter().map(document).collect()
    }
}
