//! Returns: they lie with their order, and are written with it.
//!
//! | item | key | index |
//! |---|---|---|
//! | return | `ORD#id` / RET#id | `work`: `WQ#return#status` / since#id, until it is over |
//!
//! The order's version is the lock of all its returns. What comes back into stock, and what is
//! thrown away, is written in the transaction that says so; what the buyer gets for it is a refund,
//! in one transaction with the return that it settles, behind the condition of all refunds. Where
//! it is other goods, their order and the hold of them are written with it, too.

use domain::event::{Counted, Event};
use domain::fault::Fault;
use domain::gift_card::{Entry, GiftCard, StoreCredit};
use domain::movement::Movement;
use domain::order::Order;
use domain::payment::Payment;
use domain::returns::{Return, Status};
use jiff::Timestamp;

use crate::idempotency::{self, Answer, Claim};
use crate::item::{Item, Key, Page, Range, Saved, count, document, item, moment, text};
use crate::order::{begun, lacks, numbered_in, order_item, payment_item};
use crate::stock::Lack;
use crate::transaction::{Committed, Expression, Transaction};
use crate::{Store, Table, cart, gift_card, movement, outbox, promotion, refund, stock};

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

/// Other goods that are given for what came back, as they are written.
#[derive(Debug)]
pub struct Exchange<'a> {
    /// The refund of what came back, with its order.
    pub step: refund::Move<'a>,
    /// The return, settled.
    pub returned: &'a Return,
    /// The order of the replacement, with its payment where something is due.
    pub order: &'a Order,
    /// That payment.
    pub payment: Option<&'a Payment>,
    /// The credit between both.
    pub card: &'a GiftCard,
    /// That it was given, and that it was spent.
    pub entries: &'a [Entry],
}

/// What became of an exchange.
#[derive(Debug)]
pub enum Exchanged {
    /// It is written.
    Yes,
    /// Somebody else was faster, or less is left: load again and decide again.
    Raced,
    /// Fewer units are for sale than wanted, at these places.
    Short(Vec<Lack>),
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

    /// Writes an exchange: all of it or nothing, and no unit of the first order twice.
    pub async fn exchange_return(&self, exchange: &Exchange<'_>) -> Result<Exchanged, Fault> {
        let Exchange { step, returned, order, payment, card, entries } = exchange;
        let mut transaction = Transaction::default();
        self.money_in(&mut transaction, step)?;
        put(self, &mut transaction, returned)?;
        gift_card::exchange_in(self, &mut transaction, card, entries)?;
        // A number that is taken is another one at the next attempt.
        numbered_in(self, &mut transaction, order)?;
        let row = order_item(&begun(self, order))?;
        transaction.put(self, Table::Orders, row, Expression::absent())?;
        transaction.count(Counted::OrderPlaced);
        if let Some(payment) = payment {
            transaction.put(self, Table::Orders, payment_item(payment)?, Expression::absent())?;
        }
        let first_hold = transaction.position();
        let held = order.allocations();
        for allocation in &held {
            stock::hold(self, &mut transaction, allocation)?;
        }
        promotion::count_in(self, &mut transaction, order)?;
        let refused = match transaction.commit(self, "exchange a return").await? {
            Committed::Yes => return Ok(Exchanged::Yes),
            Committed::Refused(refused) => refused,
        };
        if refused.iter().any(|(position, _)| *position < first_hold) {
            return Ok(Exchanged::Raced);
        }
        let lacks = lacks(&held, first_hold, &refused);
        Ok(if lacks.is_empty() { Exchanged::Raced } else { Exchanged::Short(lacks) })
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
