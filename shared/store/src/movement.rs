//! Movements of stock: ledger `STK#sku` / id, put in the transaction of the level that they
//! change, and never touched again.

use domain::audit::Actor;
use domain::catalog::Sku;
use domain::event::Event;
use domain::fault::{Fault, Retry};
use domain::id::{MovementId, Ulid};
use domain::movement::{Kind, Movement};
use domain::stock::{Place, StockLevel};
use jiff::Timestamp;

use crate::idempotency::{self, Answer, Claim};
use crate::item::{Item, Key, Page, Range, Saved, document, item, number};
use crate::stock::{self, Level, Row};
use crate::transaction::{Expression, Transaction};
use crate::{Store, Table, cart, outbox};

/// Pages of movements that are added up for one SKU: a hundred thousand of them.
const PAGES_MAX: usize = 100;
/// Movements of a page when they are added up.
const PAGE: i32 = 1000;

fn key(movement: &Movement) -> Key {
    Key::new(format!("STK#{}", movement.sku), movement.id.to_string())
}

/// Appends a movement.
pub(crate) fn append(
    store: &Store,
    transaction: &mut Transaction,
    movement: &Movement,
) -> Result<(), Fault> {
    let row = item(&key(movement), movement)?;
    transaction.put(store, Table::Ledger, row, Expression::absent())
}

/// The movement of what was there from the beginning: one for each place, before all others.
pub(crate) fn opening(place: &Place, on_hand: i64) -> Result<Item, Fault> {
    let random = place.location.ulid().random() ^ u128::from(place.location.ulid().timestamp_ms());
    let movement = Movement {
        id: MovementId::from_ulid(Ulid::from_parts(0, random)),
        sku: place.sku.clone(),
        location: place.location,
        kind: Kind::Opened,
        quantity: on_hand,
        reason: None,
        reference: None,
        actor: Actor::System,
        at: Timestamp::UNIX_EPOCH,
    };
    item(&key(&movement), &movement)
}

/// A change of the units at a place, from what was seen there.
#[derive(Debug, Clone)]
pub struct Change {
    /// What was seen; none where nothing was.
    pub before: Option<Level>,
    /// Where.
    pub place: Place,
    /// Units there from now on.
    pub on_hand: i64,
    /// Why.
    pub movement: Movement,
}

/// Units added to, or taken from, whatever there is at a place.
pub(crate) fn shift(
    store: &Store,
    transaction: &mut Transaction,
    movement: &Movement,
) -> Result<(), Fault> {
    let place = Place::at(movement.sku.clone(), movement.location);
    let quantity = number(movement.quantity.abs());
    if movement.quantity < 0 {
        // What may be sold before it is there can not be sent away.
        let condition = Expression::new("available >= :quantity AND on_hand >= :quantity")
            .value(":quantity", quantity);
        let update = "SET available = available - :quantity, on_hand = on_hand - :quantity";
        transaction.update(store, Table::Inventory, &stock::key(&place), update, condition)?;
    } else {
        // No condition that could fail: what has come is there.
        let condition = Expression::new("attribute_exists(pk) OR attribute_not_exists(pk)")
            .name("#location", "location")
            .value(":quantity", quantity)
            .value(":none", number(0_i64))
            .value(":one", number(1_i64))
            .value(":sku", crate::item::text(place.sku.as_str()))
            .value(":id", crate::item::text(place.location.to_string()))
            .value(":list", crate::item::text(stock::location_key(place.location)));
        let update = "SET available = if_not_exists(available, :none) + :quantity, \
                      on_hand = if_not_exists(on_hand, :none) + :quantity, \
                      reserved = if_not_exists(reserved, :none), \
                      safety = if_not_exists(safety, :none), \
                      version = if_not_exists(version, :one), \
                      sku = :sku, #location = :id, gsi1pk = :list, gsi1sk = :sku";
        transaction.update(store, Table::Inventory, &stock::key(&place), update, condition)?;
    }
    append(store, transaction, movement)
}

impl Store {
    /// Changes the units at several places, all or none: each with its movement, with what the
    /// audit log is told, and with the answer that is remembered. `Raced` where a level is no more
    /// as it was seen, or more is promised than would be left.
    pub async fn change_stock(
        &self,
        changes: &[Change],
        events: &[Event],
        remembered: Option<(&Claim, &Answer)>,
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        for change in changes {
            self.change_level(&mut transaction, change)?;
            append(self, &mut transaction, &change.movement)?;
        }
        for event in events {
            outbox::say(self, &mut transaction, event)?;
        }
        if let Some((claim, answer)) = remembered {
            idempotency::remember_in(self, &mut transaction, claim, answer)?;
        }
        Ok(cart::saved(&transaction.commit(self, "change stock").await?))
    }

    fn change_level(&self, transaction: &mut Transaction, change: &Change) -> Result<(), Fault> {
        let Some(before) = &change.before else {
            let row = Row::new(&change.place, StockLevel::received(change.on_hand)).item()?;
            return transaction.put(self, Table::Inventory, row, Expression::absent());
        };
        let backorder_max = before.units.backorder_max;
        let condition = Expression::new(
            "on_hand = :before AND reserved <= :room AND \
             (backorder_max = :backorder OR attribute_not_exists(backorder_max))",
        )
        .value(":before", number(before.units.on_hand))
        .value(":room", number(change.on_hand + backorder_max))
        .value(":backorder", number(backorder_max))
        .value(":after", number(change.on_hand))
        .value(":more", number(change.on_hand - before.units.on_hand));
        let update = "SET on_hand = :after, available = available + :more";
        let key = stock::key(&change.place);
        transaction.update(self, Table::Inventory, &key, update, condition)
    }

    /// A page of the movements of a SKU, newest first.
    pub async fn movements(
        &self,
        sku: &Sku,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Movement>, Fault> {
        let range = Range { is_descending: true, limit: Some(limit), position, ..Range::default() };
        let page = self.query(Table::Ledger, None, &format!("STK#{sku}"), range).await?;
        let entries = page.entries.into_iter().map(document).collect::<Result<_, _>>()?;
        Ok(Page { entries, next: page.next })
    }

    /// Every movement of a SKU, oldest first.
    pub async fn all_movements(&self, sku: &Sku) -> Result<Vec<Movement>, Fault> {
        let mut all = Vec::new();
        let mut position: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let range =
                Range { limit: Some(PAGE), position: position.as_deref(), ..Range::default() };
            let page = self.query(Table::Ledger, None, &format!("STK#{sku}"), range).await?;
            for row in page.entries {
                all.push(document(row)?);
            }
            position = page.next;
            if position.is_none() {
                return Ok(all);
            }
        }
        Err(Fault::noticed(format!("add up the movements of {sku}"), Retry::Useless))
    }
}
