//! Pools of keys.
//!
//! | item | table | key |
//! |---|---|---|
//! | pool | inventory | `POOL#sku` / META |
//! | what is known of a key, without its text | inventory | `POOL#sku` / KEY#id |
//! | free key, with its text | inventory | `FREE#sku` / id |
//! | key of a unit, with its text | orders | `ORD#id` / KEY#line#unit |
//! | order whose keys follow | inventory | `OWED#sku` / placed#order |
//! | free keys, counted | inventory | `SKU#code` / LOC#pool |
//!
//! A key's text lies in one place: with the free ones until it is given, then with the order of its
//! buyer, and nowhere once it was withdrawn. Lists are read from partitions that hold no text.

use std::collections::{BTreeMap, BTreeSet};

use domain::audit::Actor;
use domain::catalog::Sku;
use domain::event::Event;
use domain::fault::Fault;
use domain::id::{OrderId, OrderLineId, PoolKeyId};
use domain::key_pool::{FreeKey, GivenKey, Giving, Pool, Registered, State, Waiting};
use domain::movement::Movement;
use domain::order::Order;
use domain::stock::{KEY_POOL, Place};
use jiff::Timestamp;

use crate::item::{Item, Key, Page, Range, Saved, count, document, item, moment, number, text};
use crate::transaction::{Committed, Expression, Transaction};
use crate::{Store, Table, cart, movement, order, outbox, stock};

/// Orders that wait and are looked at together.
const WAITING_PAGE: i32 = 25;

fn pool_key(sku: &Sku) -> Key {
    Key::meta(register(sku))
}

fn register(sku: &Sku) -> String {
    format!("POOL#{sku}")
}

fn registered_key(sku: &Sku, id: PoolKeyId) -> Key {
    Key::new(register(sku), format!("KEY#{id}"))
}

fn free_partition(sku: &Sku) -> String {
    format!("FREE#{sku}")
}

fn free_key(sku: &Sku, id: PoolKeyId) -> Key {
    Key::new(free_partition(sku), id.to_string())
}

fn waiting_partition(sku: &Sku) -> String {
    format!("OWED#{sku}")
}

fn waiting_key(waiting: &Waiting) -> Key {
    let Waiting { order, sku, since } = waiting;
    Key::new(waiting_partition(sku), format!("{}#{order}", moment(*since)))
}

pub(crate) fn given_key(order: OrderId, line: OrderLineId, unit: u32) -> Key {
    Key::new(format!("ORD#{order}"), format!("KEY#{line}#{unit:04}"))
}

/// Keys that are added together, with what goes with them.
#[derive(Debug)]
pub struct Adding<'a> {
    /// Which.
    pub keys: &'a [FreeKey],
    /// With which request they come.
    pub batch: &'a str,
    /// Who adds them.
    pub actor: Actor,
    /// That so many more are there.
    pub movement: &'a Movement,
    /// What is said of it.
    pub events: &'a [Event],
}

/// What became of keys that were to be withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withdrawn {
    /// They are out of the pool.
    Yes,
    /// One of them was given or withdrawn meanwhile: look again.
    Raced,
    /// Orders hold so many that too few would be left.
    Promised,
}

impl Store {
    /// The pool of a SKU, as it is now.
    pub async fn key_pool(&self, sku: &Sku) -> Result<Option<Pool>, Fault> {
        self.get(Table::Inventory, &pool_key(sku), true).await
    }

    /// Opens a pool; the one that is there already stays as it is.
    pub async fn open_key_pool(&self, pool: &Pool) -> Result<Saved, Fault> {
        let row = item(&pool_key(&pool.sku), pool)?;
        self.put_if(Table::Inventory, row, Expression::absent()).await
    }

    /// What the register says of these keys.
    pub async fn registered(
        &self,
        sku: &Sku,
        ids: &BTreeSet<PoolKeyId>,
    ) -> Result<BTreeMap<PoolKeyId, Registered>, Fault> {
        let keys: Vec<Key> = ids.iter().map(|id| registered_key(sku, *id)).collect();
        let mut found = BTreeMap::new();
        for row in self.batch_get(Table::Inventory, &keys, true).await? {
            let row: Registered = document(row)?;
            found.insert(row.id, row);
        }
        Ok(found)
    }

    /// A page of a pool's register, by the keys' ids.
    pub async fn pool_register(
        &self,
        sku: &Sku,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Registered>, Fault> {
        let begins_with = Some("KEY#");
        let range = Range { begins_with, limit: Some(limit), position, ..Range::default() };
        let page = self.query(Table::Inventory, None, &register(sku), range).await?;
        let entries = page.entries.into_iter().map(document).collect::<Result<_, _>>()?;
        Ok(Page { entries, next: page.next })
    }

    /// Adds keys to a pool, all or none; `Raced` where one of them is there meanwhile.
    pub async fn add_keys(&self, sku: &Sku, adding: &Adding<'_>) -> Result<Saved, Fault> {
        let Adding { keys, batch, actor, movement, events } = adding;
        let mut transaction = Transaction::default();
        for key in *keys {
            let row = Registered {
                id: key.id,
                ending: key.text.ending(),
                state: State::Free,
                batch: (*batch).to_owned(),
                added_by: *actor,
                added_at: movement.at,
                order: None,
                ended_at: None,
            };
            let condition = Expression::new("attribute_not_exists(pk) OR #state = :withdrawn")
                .name("#state", "state")
                .value(":withdrawn", text(State::Withdrawn.code()));
            let row = item(&registered_key(sku, key.id), &row)?;
            transaction.put(self, Table::Inventory, row, condition)?;
            let row = item(&free_key(sku, key.id), key)?;
            transaction.put(self, Table::Inventory, row, Expression::absent())?;
        }
        let condition = Expression::new("attribute_exists(pk)")
            .value(":more", count(u64::try_from(keys.len()).unwrap_or(u64::MAX)));
        let update = "SET added = added + :more";
        transaction.update(self, Table::Inventory, &pool_key(sku), update, condition)?;
        movement::shift(self, &mut transaction, movement)?;
        for event in *events {
            outbox::say(self, &mut transaction, event)?;
        }
        Ok(cart::saved(&transaction.commit(self, "add keys").await?))
    }

    /// Takes free keys out of a pool, all or none. Their texts are forgotten.
    pub async fn withdraw_keys(
        &self,
        sku: &Sku,
        ids: &[PoolKeyId],
        movement: &Movement,
        events: &[Event],
    ) -> Result<Withdrawn, Fault> {
        let mut transaction = Transaction::default();
        for id in ids {
            let exists = Expression::new("attribute_exists(pk)");
            transaction.delete_if(self, Table::Inventory, &free_key(sku, *id), exists)?;
            self.end_key(&mut transaction, (sku, *id), State::Withdrawn, None, movement.at)?;
        }
        let condition = Expression::new("attribute_exists(pk)")
            .value(":more", count(u64::try_from(ids.len()).unwrap_or(u64::MAX)));
        let update = "SET withdrawn = withdrawn + :more";
        transaction.update(self, Table::Inventory, &pool_key(sku), update, condition)?;
        let level = transaction.position();
        movement::shift(self, &mut transaction, movement)?;
        for event in events {
            outbox::say(self, &mut transaction, event)?;
        }
        Ok(match transaction.commit(self, "withdraw keys").await? {
            Committed::Yes => Withdrawn::Yes,
            Committed::Refused(refused) if refused.iter().all(|(at, _)| *at == level) => {
                Withdrawn::Promised
            }
            Committed::Refused(_) => Withdrawn::Raced,
        })
    }

    /// Free keys of a SKU, at most so many: from the beginning, or from a place in the middle on,
    /// so that those who met at the beginning part.
    pub async fn free_keys(
        &self,
        sku: &Sku,
        from: Option<PoolKeyId>,
        limit: i32,
    ) -> Result<Vec<FreeKey>, Fault> {
        let partition = free_partition(sku);
        let position = from.map(|id| Position { pk: &partition, sk: id.to_string() }.text());
        let position = position.as_deref();
        let range = Range { limit: Some(limit), position, ..Range::default() };
        let page = self.query(Table::Inventory, None, &partition, range).await?;
        let mut rows = page.entries;
        let found = i32::try_from(rows.len()).unwrap_or(i32::MAX);
        if from.is_some() && found < limit {
            let range = Range { limit: Some(limit - found), ..Range::default() };
            rows.extend(self.query(Table::Inventory, None, &partition, range).await?.entries);
        }
        let mut seen = BTreeSet::new();
        let keys = rows.into_iter().map(document).collect::<Result<Vec<FreeKey>, _>>()?;
        Ok(keys.into_iter().filter(|key| seen.insert(key.id)).collect())
    }

    /// Gives keys to units of an order: the keys leave the pool, the units have them, and the order
    /// says so, in one transaction. The order's version is the guard of its units, the free key's
    /// row that of the key.
    pub async fn give_keys(
        &self,
        before: &Order,
        giving: &Giving,
        movement: &Movement,
        events: &[Event],
    ) -> Result<Saved, Fault> {
        let Giving { order, sku, keys, is_held, is_last } = giving;
        let mut transaction = Transaction::default();
        let condition = Expression::version(before.version);
        transaction.put(self, Table::Orders, order::order_item(order)?, condition)?;
        for key in keys {
            let exists = Expression::new("attribute_exists(pk)");
            transaction.delete_if(self, Table::Inventory, &free_key(sku, key.id), exists)?;
            let row = item(&given_key(order.id, key.line, key.unit), key)?;
            transaction.put(self, Table::Orders, row, Expression::absent())?;
            let given = (sku, key.id);
            self.end_key(&mut transaction, given, State::Given, Some(order.id), key.given_at)?;
        }
        if *is_held {
            let condition = Expression::new("reserved >= :quantity AND on_hand >= :quantity")
                .value(":quantity", number(movement.quantity.abs()));
            let update = "SET reserved = reserved - :quantity, on_hand = on_hand - :quantity";
            let level = stock::key(&Place::at(sku.clone(), KEY_POOL));
            transaction.update(self, Table::Inventory, &level, update, condition)?;
            movement::append(self, &mut transaction, movement)?;
        } else {
            movement::shift(self, &mut transaction, movement)?;
            if *is_last {
                let waiting = waiting(order, sku);
                transaction.delete(self, Table::Inventory, &waiting_key(&waiting))?;
            }
        }
        for event in events {
            outbox::say(self, &mut transaction, event)?;
        }
        Ok(cart::saved(&transaction.commit(self, "give keys").await?))
    }

    /// Writes into the register that a key is free no more.
    fn end_key(
        &self,
        transaction: &mut Transaction,
        (sku, id): (&Sku, PoolKeyId),
        state: State,
        order: Option<OrderId>,
        at: Timestamp,
    ) -> Result<(), Fault> {
        let condition = Expression::new("#state = :free")
            .name("#state", "state")
            .value(":free", text(State::Free.code()))
            .value(":state", text(state.code()))
            .value(":at", text(at.to_string()));
        let (update, condition) = match order {
            None => ("SET #state = :state, ended_at = :at", condition),
            Some(order) => (
                "SET #state = :state, ended_at = :at, #order = :order",
                condition.name("#order", "order").value(":order", text(order.to_string())),
            ),
        };
        transaction.update(self, Table::Inventory, &registered_key(sku, id), update, condition)
    }

    /// Remembers that an order's keys of a SKU follow; `Raced` where that is remembered already.
    pub async fn await_keys(&self, waiting: &Waiting) -> Result<Saved, Fault> {
        let row = item(&waiting_key(waiting), waiting)?;
        self.put_if(Table::Inventory, row, Expression::absent()).await
    }

    /// Forgets that an order waits for keys.
    pub async fn await_no_keys(&self, waiting: &Waiting) -> Result<(), Fault> {
        self.delete(Table::Inventory, &waiting_key(waiting)).await
    }

    /// Orders that wait for keys of a SKU, longest waiting first.
    pub async fn waiting_for_keys(
        &self,
        sku: &Sku,
        position: Option<&str>,
    ) -> Result<Page<Waiting>, Fault> {
        let range = Range { limit: Some(WAITING_PAGE), position, ..Range::default() };
        let page = self.query(Table::Inventory, None, &waiting_partition(sku), range).await?;
        let entries = page.entries.into_iter().map(document).collect::<Result<_, _>>()?;
        Ok(Page { entries, next: page.next })
    }
}

/// How an order waits for keys of a SKU: since it was placed.
pub fn waiting(order: &Order, sku: &Sku) -> Waiting {
    let since = order.placed_at.unwrap_or(order.created_at);
    Waiting { order: order.id, sku: sku.clone(), since }
}

/// The key of a unit in the rows of its order.
pub(crate) fn given(row: Item) -> Result<GivenKey, Fault> {
    document(row)
}

/// A place between two items of a partition.
struct Position<'a> {
    pk: &'a str,
    sk: String,
}

impl Position<'_> {
    fn text(&self) -> String {
        serde_json::json!({"pk": self.pk, "sk": self.sk}).to_string()
    }
}
