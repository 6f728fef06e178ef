//! Edits of orders: they lie with their order, and are applied in one write with it.
//!
//! | item | key | index |
//! |---|---|---|
//! | edit | `ORD#id` / EDIT#number | `work`: `WQ#edit` / until#order#number, while it is open |
//!
//! The next number is put only if absent, after the one before it was closed: of an order at most
//! one edit is open. Whoever applies one has the order's version as their condition and the edit's
//! own; the order of what is added, its stock and the credit between the two are written with them.

use domain::event::Event;
use domain::fault::Fault;
use domain::order::Order;
use domain::order_edit::{Added, Edit, Status};
use jiff::Timestamp;

use crate::idempotency::{self, Answer, Claim};
use crate::item::{Item, Key, Range, Saved, count, document, item, moment, text};
use crate::order::{begun, lacks, numbered_in, order_item, payment_item};
use crate::stock::Lack;
use crate::transaction::{Committed, Expression, Transaction};
use crate::{Store, Table, cart, gift_card, outbox, promotion, refund, stock};

/// Edits that wait for somebody, what ends first in front.
const OPEN: &str = "WQ#edit";

/// An edit that was applied, as it is written: all or nothing.
#[derive(Debug)]
pub struct Application<'a> {
    /// The order that is edited, with the refund of what is taken off where there is one.
    pub step: refund::Move<'a>,
    /// The edit, applied, with the version that it was loaded with.
    pub edit: &'a Edit,
    /// The order of what is added, with the places of its units.
    pub added: Option<(&'a Order, &'a Added)>,
}

/// What became of an edit that was to be applied.
#[derive(Debug)]
pub enum Applied {
    /// It is written.
    Yes,
    /// Somebody else was faster, or less is left: load again and decide again.
    Raced,
    /// Fewer units are for sale than wanted, at these places.
    Short(Vec<Lack>),
}

fn key(edit: &Edit) -> Key {
    Key::new(format!("ORD#{}", edit.order), format!("EDIT#{:04}", edit.number))
}

fn edit_item(edit: &Edit) -> Result<Item, Fault> {
    let mut row = item(&key(edit), edit)?;
    if edit.status == Status::Open {
        let place = format!("{}#{}#{:04}", moment(edit.until), edit.order, edit.number);
        row.insert("gsi3pk".into(), text(OPEN));
        row.insert("gsi3sk".into(), text(place));
    }
    row.insert("version".into(), count(edit.version + 1));
    Ok(row)
}

/// Puts an edit as it shall be: a new one only if there is none, an old one only as it was loaded.
fn put(store: &Store, transaction: &mut Transaction, edit: &Edit) -> Result<(), Fault> {
    let condition = match edit.version {
        0 => Expression::absent(),
        version => Expression::version(version),
    };
    transaction.put(store, Table::Orders, edit_item(edit)?, condition)
}

impl Store {
    /// Writes edits of an order, new or closed, and what is said of them.
    pub async fn save_edits(
        &self,
        edits: &[&Edit],
        events: &[Event],
        remembered: Option<(&Claim, &Answer)>,
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        for edit in edits {
            put(self, &mut transaction, edit)?;
        }
        for event in events {
            outbox::say(self, &mut transaction, event)?;
        }
        if let Some((claim, answer)) = remembered {
            idempotency::remember_in(self, &mut transaction, claim, answer)?;
        }
        Ok(cart::saved(&transaction.commit(self, "write an edit").await?))
    }

    /// Applies an edit: the order, the refund, the order of what is added and its stock, or
    /// nothing.
    pub async fn apply_edit(&self, application: &Application<'_>) -> Result<Applied, Fault> {
        let Application { step, edit, added } = application;
        let mut transaction = Transaction::default();
        self.money_in(&mut transaction, step)?;
        put(self, &mut transaction, edit)?;
        let mut held = Vec::new();
        let mut first_hold = transaction.position();
        if let Some((order, Added { placement, credit })) = added {
            if let Some((card, entries)) = credit {
                gift_card::exchange_in(self, &mut transaction, card, entries)?;
            }
            // A number that is taken is another one at the next attempt.
            numbered_in(self, &mut transaction, order)?;
            let row = order_item(&begun(self, order))?;
            transaction.put(self, Table::Orders, row, Expression::absent())?;
            if let Some(payment) = &placement.payment {
                let payment = payment_item(payment)?;
                transaction.put(self, Table::Orders, payment, Expression::absent())?;
            }
            first_hold = transaction.position();
            held = order.allocations();
            for allocation in &held {
                stock::hold(self, &mut transaction, allocation)?;
            }
            promotion::count_in(self, &mut transaction, order)?;
        }
        let refused = match transaction.commit(self, "apply an edit").await? {
            Committed::Yes => return Ok(Applied::Yes),
            Committed::Refused(refused) => refused,
        };
        if refused.iter().any(|(position, _)| *position < first_hold) {
            return Ok(Applied::Raced);
        }
        let lacks = lacks(&held, first_hold, &refused);
        Ok(if lacks.is_empty() { Applied::Raced } else { Applied::Short(lacks) })
    }

    /// Edits that nobody agreed to in time, the longest over first. The index is a little behind
    /// the table: whoever closes one loads it first.
    pub async fn overdue_edits(&self, now: Timestamp, limit: i32) -> Result<Vec<Edit>, Fault> {
        let index = Some(("work", "gsi3pk", Some("gsi3sk")));
        let due = moment(now);
        let range = Range { up_to: Some(&due), limit: Some(limit), ..Range::default() };
        let page = self.query(Table::Orders, index, OPEN, range).await?;
        page.entries.into_iter().map(document).collect()
    }
}
