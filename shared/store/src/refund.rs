//! Refunds: they lie with their order, and are written with it.
//!
//! | item | key | index |
//! |---|---|---|
//! | refund | `ORD#id` / REF#id | `work`: `WQ#refund_failed` / since#id, while it has failed |
//!
//! The order's version is the lock of all its refunds. Whoever asks for money has one condition
//! more: `refundable`, kept with the order, is at least that much. A refund of the provider's own
//! has an id that follows from the provider's, and is put only if absent: it counts once.

use domain::event::Event;
use domain::fault::Fault;
use domain::order::{self, Order};
use domain::payment::{Entry, Payment};
use domain::refund::{Origin, Refund, Status};

use crate::idempotency::{self, Answer, Claim};
use crate::item::{Item, Key, Page, Range, Saved, count, document, item, moment, number, text};
use crate::order::{order_item, payment_item};
use crate::transaction::{Committed, Expression, Transaction};
use crate::{Store, Table, gift_card, outbox, promotion};

/// Refunds that failed, longest ago first.
const FAILED: &str = "WQ#refund_failed";

/// What moves the money of an order, as it is written: all or nothing.
#[derive(Debug)]
pub struct Move<'a> {
    /// The order as it was loaded.
    pub before: &'a Order,
    /// The order as it shall be; stock, gift cards and promotions follow from the difference.
    pub order: &'a Order,
    /// Its payment as it shall be, where it changes.
    pub payment: Option<&'a Payment>,
    /// The refund as it shall be, where there is one.
    pub refund: Option<&'a Refund>,
    /// The ledger's entry, where money moved.
    pub entry: Option<&'a Entry>,
    /// What is said of it.
    pub events: &'a [Event],
    /// The answer that is remembered.
    pub remembered: Option<(&'a Claim, &'a Answer)>,
}

fn key(refund: &Refund) -> Key {
    Key::new(format!("ORD#{}", refund.order), format!("REF#{}", refund.id))
}

fn refund_item(refund: &Refund) -> Result<Item, Fault> {
    let mut row = item(&key(refund), refund)?;
    if refund.status == Status::Failed {
        row.insert("gsi3pk".into(), text(FAILED));
        row.insert("gsi3sk".into(), text(format!("{}#{}", moment(refund.updated_at), refund.id)));
    }
    row.insert("version".into(), count(refund.version + 1));
    Ok(row)
}

/// Puts a refund as it shall be: a new one only if there is none, an old one only as it was loaded.
/// What a new one gives to gift cards and store credit is on them with it.
pub(crate) fn put(
    store: &Store,
    transaction: &mut Transaction,
    refund: &Refund,
) -> Result<(), Fault> {
    let condition = match refund.version {
        0 => Expression::absent(),
        version => Expression::version(version),
    };
    transaction.put(store, Table::Orders, refund_item(refund)?, condition)?;
    if refund.version == 0 {
        gift_card::refund_in(store, transaction, refund)?;
    }
    Ok(())
}

impl Store {
    /// Writes what moves the money of an order. `Raced` where somebody wrote meanwhile — or where
    /// less is left to be given back than is asked for: load again and decide again. The cart of an
    /// order that waited for its payment and ends is open again.
    pub async fn move_money(&self, step: &Move<'_>) -> Result<Saved, Fault> {
        let waited = step.before.status == order::Status::PendingPayment;
        let ends = matches!(step.order.status, order::Status::Expired | order::Status::Canceled);
        // A cart that is gone does not keep an order open.
        for with_cart in [waited && ends, false] {
            let mut transaction = Transaction::default();
            self.money_in(&mut transaction, step)?;
            let cart_position = transaction.position();
            if with_cart {
                self.reopen_cart(&mut transaction, step.order)?;
            }
            match transaction.commit(self, "move the money of an order").await? {
                Committed::Yes => return Ok(Saved::Yes),
                Committed::Refused(refused)
                    if with_cart
                        && refused.iter().all(|(position, _)| *position == cart_position) => {}
                Committed::Refused(_) => return Ok(Saved::Raced),
            }
        }
        Ok(Saved::Raced)
    }

    /// Moves the money of an order in a transaction. Money that becomes store credit is asked for
    /// as money is that goes back.
    pub(crate) fn money_in(
        &self,
        transaction: &mut Transaction,
        step: &Move<'_>,
    ) -> Result<(), Fault> {
        let taken = |order: &Order| order.refunds.pending + order.refunds.credited;
        let asked = taken(step.order) - taken(step.before);
        // What somebody did at the provider is a fact, and so is money that has just come.
        let is_fact = step.order.captured != step.before.captured
            || step.refund.is_some_and(|refund| refund.origin == Origin::Provider);
        let condition = if asked > 0 && !is_fact {
            Expression::new("version = :loaded AND refundable >= :asked")
                .value(":loaded", count(step.before.version))
                .value(":asked", number(asked))
        } else {
            Expression::version(step.before.version)
        };
        transaction.put(self, Table::Orders, order_item(step.order)?, condition)?;
        if let Some(payment) = step.payment {
            let condition = Expression::version(payment.version);
            transaction.put(self, Table::Orders, payment_item(payment)?, condition)?;
        }
        if let Some(refund) = step.refund {
            put(self, transaction, refund)?;
        }
        if let Some(entry) = step.entry {
            self.append(transaction, entry)?;
        }
        for event in step.events {
            outbox::say(self, transaction, event)?;
        }
        self.close(transaction, step.order)?;
        self.give_back(transaction, step.before, step.order)?;
        gift_card::tender_in(self, transaction, Some(step.before), step.order)?;
        promotion::give_back_in(self, transaction, step.before, step.order)?;
        if let Some((claim, answer)) = step.remembered {
            idempotency::remember_in(self, transaction, claim, answer)?;
        }
        Ok(())
    }

    /// Writes a refund of which nothing is known anew but that the provider is being asked.
    pub async fn save_refund(&self, refund: &Refund) -> Result<Saved, Fault> {
        let condition = Expression::version(refund.version);
        self.put_if(Table::Orders, refund_item(refund)?, condition).await
    }

    /// A page of the refunds that failed, longest ago first.
    pub async fn failed_refunds(
        &self,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Refund>, Fault> {
        let index = Some(("work", "gsi3pk", Some("gsi3sk")));
        let range = Range { limit: Some(limit), position, ..Range::default() };
        let page = self.query(Table::Orders, index, FAILED, range).await?;
        let entries = page.entries.into_iter().map(document).collect::<Result<_, _>>()?;
        Ok(Page { entries, next: page.next })
    }
}
