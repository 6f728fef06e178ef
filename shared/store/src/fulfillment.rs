//! Parcels: they lie with their order, and are written with it.
//!
//! | item | key | index |
//! |---|---|---|
//! | parcel | `ORD#id` / FUL#id | `work`: `WQ#parcel#status` / since#id, until it has arrived |
//! | order with units to send | `ORD#id` / META | `work`: `WQ#fulfill` / placed#id |
//! | parcel of a tracking number | `TRACK#hash of it` / META | |
//!
//! The order's version is the lock of all its parcels. What leaves, leaves the stock in the same
//! transaction, under the counters' own conditions.

use domain::allocation::Allocation;
use domain::event::Event;
use domain::fault::Fault;
use domain::fulfillment::{Fulfillment, Status};
use domain::id::{FulfillmentId, OrderId};
use domain::movement::Movement;
use domain::order::Order;
use domain::privacy::ERASED;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::idempotency::{self, Answer, Claim};
use crate::item::{Item, Key, Page, Range, count, document, item, moment, number, text};
use crate::order::order_item;
use crate::transaction::{Committed, Expression, Transaction};
use crate::{Store, Table, movement, outbox, stock};

/// What became of a parcel that was to move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    /// It is written, and the units with it.
    Yes,
    /// Somebody else changed it, or its order, meanwhile.
    Raced,
    /// Fewer units are there than leave: at these places.
    NotThere(Vec<Allocation>),
}

/// A parcel's step, as it is written.
#[derive(Debug)]
pub struct Move<'a> {
    /// The order as it was loaded, for its version, and as it shall be.
    pub order: &'a Order,
    /// The parcel as it shall be, with the version that it was loaded with; 0 for a new one.
    pub parcel: &'a Fulfillment,
    /// What leaves the stock.
    pub leaving: &'a [Allocation],
    /// The movements that say so.
    pub movements: &'a [Movement],
    /// The tracking number that leads to the parcel from now on: of a label that is new.
    pub followed_by: Option<&'a str>,
    /// What is said of it.
    pub events: &'a [Event],
    /// The answer that is remembered.
    pub remembered: Option<(&'a Claim, &'a Answer)>,
}

/// Whose a tracking number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Followed {
    /// The order.
    pub order: OrderId,
    /// Its parcel.
    pub parcel: FulfillmentId,
}

fn key(parcel: &Fulfillment) -> Key {
    Key::new(format!("ORD#{}", parcel.order), format!("FUL#{}", parcel.id))
}

/// Carriers lead from the number to the addressee: a key holds its hash.
fn tracking_key(tracking_number: &str) -> Key {
    let digest = Sha256::digest(tracking_number.as_bytes());
    let hash: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Key::meta(format!("TRACK#{hash}"))
}

/// As keys were made before.
fn old_tracking_key(tracking_number: &str) -> Key {
    Key::meta(format!("TRACK#{tracking_number}"))
}

/// The tracking number of the label of a parcel's row, if it has one that nobody forgot.
fn tracking_number(row: &Item) -> Option<&String> {
    let label = row.get("postage")?.as_m().ok()?.get("label")?.as_m().ok()?;
    label.get("tracking_code")?.as_s().ok().filter(|number| *number != ERASED)
}

/// Since when a parcel stands in its work queue; none where nobody waits for anything.
const fn waits_since(parcel: &Fulfillment) -> Option<Timestamp> {
    match parcel.status {
        Status::Open => Some(parcel.created_at),
        Status::Packed => parcel.packed_at,
        Status::Shipped => parcel.shipped_at,
        Status::Delivered | Status::Canceled | Status::Lost | Status::ReturnedToSender => None,
    }
}

fn queue(status: Status) -> String {
    format!("WQ#parcel#{}", status.code())
}

fn parcel_item(parcel: &Fulfillment) -> Result<Item, Fault> {
    let mut row = item(&key(parcel), parcel)?;
    if let Some(since) = waits_since(parcel) {
        row.insert("gsi3pk".into(), text(queue(parcel.status)));
        row.insert("gsi3sk".into(), text(format!("{}#{}", moment(since), parcel.id)));
    }
    row.insert("version".into(), count(parcel.version + 1));
    Ok(row)
}

/// Hands promised units to the carrier: only if so many are promised, and there.
fn consume(
    store: &Store,
    transaction: &mut Transaction,
    allocation: &Allocation,
) -> Result<(), Fault> {
    let condition = Expression::new("reserved >= :quantity AND on_hand >= :quantity")
        .value(":quantity", number(i64::from(allocation.quantity)));
    let update = "SET reserved = reserved - :quantity, on_hand = on_hand - :quantity";
    transaction.update(store, Table::Inventory, &stock::key(&allocation.place), update, condition)
}

impl Store {
    /// Writes a parcel with its order, what leaves the stock, and what is said of it: all or
    /// nothing.
    pub async fn move_parcel(&self, step: &Move<'_>) -> Result<Moved, Fault> {
        let mut transaction = Transaction::default();
        let condition = Expression::version(step.order.version);
        transaction.put(self, Table::Orders, order_item(step.order)?, condition)?;
        let condition = match step.parcel.version {
            0 => Expression::absent(),
            version => Expression::version(version),
        };
        transaction.put(self, Table::Orders, parcel_item(step.parcel)?, condition)?;
        let first = transaction.position();
        for allocation in step.leaving {
            consume(self, &mut transaction, allocation)?;
        }
        for each in step.movements {
            movement::append(self, &mut transaction, each)?;
        }
        if let Some(tracking_number) = step.followed_by {
            let of = Followed { order: step.parcel.order, parcel: step.parcel.id };
            let row = item(&tracking_key(tracking_number), &of)?;
            // Carriers use their numbers again, after months: the newest parcel has it.
            let condition = Expression::new("attribute_exists(pk) OR attribute_not_exists(pk)");
            transaction.put(self, Table::Orders, row, condition)?;
        }
        for event in step.events {
            outbox::say(self, &mut transaction, event)?;
        }
        if let Some((claim, answer)) = step.remembered {
            idempotency::remember_in(self, &mut transaction, claim, answer)?;
        }
        Ok(match transaction.commit(self, "move a parcel").await? {
            Committed::Yes => Moved::Yes,
            Committed::Refused(refused) => {
                let is_raced = refused.iter().any(|(position, _)| *position < first);
                let missing: Vec<Allocation> = refused
                    .iter()
                    .filter_map(|(position, _)| step.leaving.get(position.checked_sub(first)?))
                    .cloned()
                    .collect();
                if is_raced || missing.is_empty() { Moved::Raced } else { Moved::NotThere(missing) }
            }
        })
    }

    /// Whose parcel a tracking number is on.
    pub async fn followed(&self, tracking_number: &str) -> Result<Option<Followed>, Fault> {
        match self.get(Table::Orders, &tracking_key(tracking_number), true).await? {
            Some(followed) => Ok(Some(followed)),
            None => self.get(Table::Orders, &old_tracking_key(tracking_number), true).await,
        }
    }

    /// Forgets that the tracking number in a parcel's row leads to its order.
    pub(crate) async fn forget_tracking(&self, order: OrderId, row: &Item) -> Result<(), Fault> {
        let Some(number) = tracking_number(row) else { return Ok(()) };
        for key in [tracking_key(number), old_tracking_key(number)] {
            let of_this = Expression::new("#order = :order")
                .name("#order", "order")
                .value(":order", text(order.to_string()));
            let mut transaction = Transaction::default();
            transaction.delete_if(self, Table::Orders, &key, of_this)?;
            // Refused: it leads nowhere, or to another parcel by now.
            transaction.commit(self, "forget a tracking number").await?;
        }
        Ok(())
    }

    /// A page of the parcels that stand there and wait for the next step, the longest waiting
    /// first.
    pub async fn parcels(
        &self,
        status: Status,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Fulfillment>, Fault> {
        let index = Some(("work", "gsi3pk", Some("gsi3sk")));
        let range = Range { limit: Some(limit), position, ..Range::default() };
        let page = self.query(Table::Orders, index, &queue(status), range).await?;
        let entries = page.entries.into_iter().map(document).collect::<Result<_, _>>()?;
        Ok(Page { entries, next: page.next })
    }

    /// A page of the orders that have units to send, the longest waiting first.
    pub async fn to_fulfill(
        &self,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Order>, Fault> {
        let index = Some(("work", "gsi3pk", Some("gsi3sk")));
        let range = Range { limit: Some(limit), position, ..Range::default() };
        let page = self.query(Table::Orders, index, "WQ#fulfill", range).await?;
        let entries = page.entries.into_iter().map(document).collect::<Result<_, _>>()?;
        Ok(Page { entries, next: page.next })
    }
}
