//! Stock levels: counters behind conditions.
//!
//! | item | key | index |
//! |---|---|---|
//! | level of a SKU at a location | `SKU#code` / LOC#id | `by_location`, `low` |
//! | one shard of it, while it is armed | `SKU#code~n` / LOC#id | |
//!
//! `available` is kept beside the numbers that it is made of, because conditions compare but do not
//! calculate. Counters are never locked by version: their own condition is the lock; `version` is
//! that of what staff set (safety stock, backorder cap, threshold). The first location's key is
//! `LOC#default`. The indexes hold keys only: what is sold a thousand times a minute is not
//! written to an index a thousand times.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::allocation::Allocation;
use domain::cart::Shortage;
use domain::catalog::Sku;
use domain::fault::Fault;
use domain::id::LocationId;
use domain::stock::{FIRST_LOCATION, Place, Signal, StockLevel};
use serde::{Deserialize, Serialize};

use crate::item::{Item, Key, Page, Range, count, document, item, number, text};
use crate::sales::{self, Noticed};
use crate::transaction::{Expression, Transaction};
use crate::{Store, Table, movement};

/// DynamoDB gives at most this many items in one batch.
const BATCH_GET_MAX: usize = 100;

pub(crate) fn location_key(location: LocationId) -> String {
    if location == FIRST_LOCATION { "LOC#default".to_owned() } else { format!("LOC#{location}") }
}

pub(crate) fn key(place: &Place) -> Key {
    let pk = match place.shard {
        None => format!("SKU#{}", place.sku),
        Some(shard) => format!("SKU#{}~{shard}", place.sku),
    };
    Key::new(pk, location_key(place.location))
}

const fn first_location() -> LocationId {
    FIRST_LOCATION
}

const fn first_version() -> u64 {
    1
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Row {
    #[serde(flatten)]
    pub(crate) level: StockLevel,
    pub(crate) available: i64,
    pub(crate) sku: Sku,
    #[serde(default = "first_location")]
    pub(crate) location: LocationId,
    #[serde(default)]
    pub(crate) shard: Option<u32>,
    #[serde(default)]
    pub(crate) shards: Option<u32>,
    #[serde(default)]
    pub(crate) is_armed: bool,
    #[serde(default)]
    pub(crate) threshold: u32,
    #[serde(default)]
    pub(crate) signal: Signal,
    #[serde(default = "first_version")]
    pub(crate) version: u64,
}

impl Row {
    pub(crate) fn new(place: &Place, level: StockLevel) -> Self {
        Self {
            level,
            available: level.available(),
            sku: place.sku.clone(),
            location: place.location,
            shard: place.shard,
            shards: None,
            is_armed: false,
            threshold: 0,
            signal: Signal::Fine,
            version: 1,
        }
    }

    /// The item, with the key of the list of its location; shards stand in no list.
    pub(crate) fn item(&self) -> Result<Item, Fault> {
        let (sku, location, shard) = (self.sku.clone(), self.location, self.shard);
        let mut row = item(&key(&Place { sku, location, shard }), self)?;
        if self.shard.is_none() {
            row.insert("gsi1pk".into(), text(location_key(self.location)));
            row.insert("gsi1sk".into(), text(self.sku.as_str()));
        }
        Ok(row)
    }
}

/// A level as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// Where.
    pub place: Place,
    /// How many.
    pub units: StockLevel,
    /// Units for sale, as the conditions see them.
    pub available: i64,
    /// Shards that there are beside it.
    pub shards: Option<u32>,
    /// Whether buyers are sent to the shards.
    pub is_armed: bool,
    /// At how many units it is low; 0 for never.
    pub threshold: u32,
    /// What staff were last told of it.
    pub signal: Signal,
    /// Of what staff set.
    pub version: u64,
}

impl From<Row> for Level {
    fn from(row: Row) -> Self {
        let Row { level, available, sku, location, shard, shards, is_armed, .. } = row;
        let Row { threshold, signal, version, .. } = row;
        let place = Place { sku, location, shard };
        Self { place, units: level, available, shards, is_armed, threshold, signal, version }
    }
}

impl Level {
    /// A level of which nothing was ever heard.
    pub fn empty(place: &Place) -> Self {
        Row { version: 0, ..Row::new(place, StockLevel::received(0)) }.into()
    }

    /// The places of its shards.
    pub fn shard_places(&self) -> impl Iterator<Item = Place> + '_ {
        let place = |shard| Place { shard: Some(shard), ..self.place.clone() };
        (0..self.shards.unwrap_or(0)).map(place)
    }
}

/// Units that a hold wanted and did not find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// Where.
    pub place: Place,
    /// Units wanted there.
    pub wanted: u32,
    /// Units for sale there.
    pub available: i64,
    /// Shards that there are beside it: units may be there.
    pub shards: Option<u32>,
}

impl From<Lack> for Shortage {
    fn from(lack: Lack) -> Self {
        let available = u32::try_from(lack.available.max(0)).unwrap_or(u32::MAX);
        Self { sku: lack.place.sku, wanted: lack.wanted, available }
    }
}

/// Holds units: only if so many are for sale there.
pub(crate) fn hold(
    store: &Store,
    transaction: &mut Transaction,
    allocation: &Allocation,
) -> Result<(), Fault> {
    let quantity = i64::from(allocation.quantity);
    let condition = Expression::new("available >= :quantity").value(":quantity", number(quantity));
    let update = "SET available = available - :quantity, reserved = reserved + :quantity";
    transaction.update(store, Table::Inventory, &key(&allocation.place), update, condition)
}

/// Gives held units back: only if so many are reserved.
pub(crate) fn release(
    store: &Store,
    transaction: &mut Transaction,
    allocation: &Allocation,
) -> Result<(), Fault> {
    let quantity = i64::from(allocation.quantity);
    let condition = Expression::new("reserved >= :quantity").value(":quantity", number(quantity));
    let update = "SET available = available + :quantity, reserved = reserved - :quantity";
    transaction.update(store, Table::Inventory, &key(&allocation.place), update, condition)
}

/// What a refused hold says about the stock, from the item as it stood.
pub(crate) fn lack(allocation: &Allocation, item: Option<&Item>) -> Lack {
    let read = |name: &str| match item.and_then(|item| item.get(name)) {
        Some(AttributeValue::N(number)) => number.parse::<i64>().ok(),
        _ => None,
    };
    Lack {
        place: allocation.place.clone(),
        wanted: allocation.quantity,
        available: read("available").unwrap_or(0),
        shards: read("shards").and_then(|shards| u32::try_from(shards).ok()),
    }
}

impl Store {
    /// The stock level of a SKU at the first location.
    pub async fn stock(&self, sku: &Sku) -> Result<Option<StockLevel>, Fault> {
        let place = Place::at(sku.clone(), FIRST_LOCATION);
        Ok(self.level(&place).await?.map(|level| level.units))
    }

    /// The level at a place.
    pub async fn level(&self, place: &Place) -> Result<Option<Level>, Fault> {
        let row: Option<Row> = self.get(Table::Inventory, &key(place), true).await?;
        Ok(row.map(Level::from))
    }

    /// The levels at these places, in any order; one call for each hundred. What is not there is
    /// left out.
    pub async fn levels_at(&self, places: &[Place]) -> Result<Vec<Level>, Fault> {
        let mut levels = Vec::with_capacity(places.len());
        for chunk in places.chunks(BATCH_GET_MAX) {
            let keys: Vec<Key> = chunk.iter().map(key).collect();
            for row in self.batch_get(Table::Inventory, &keys, true).await? {
                levels.push(document::<Row>(row)?.into());
            }
        }
        Ok(levels)
    }

    /// The levels of a SKU at all locations, and those of its shards: one call, or two while there
    /// are shards.
    pub async fn levels_of(&self, sku: &Sku) -> Result<Vec<Level>, Fault> {
        let partition = format!("SKU#{sku}");
        let page = self.query(Table::Inventory, None, &partition, Range::default()).await?;
        let mut levels = Vec::new();
        for row in page.entries {
            levels.push(Level::from(document::<Row>(row)?));
        }
        let shards: Vec<Place> = levels.iter().flat_map(Level::shard_places).collect();
        levels.extend(self.levels_at(&shards).await?);
        Ok(levels)
    }

    /// A page of the levels at a location, by SKU: one query, and one batch.
    pub async fn levels_in(
        &self,
        location: LocationId,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Level>, Fault> {
        let index = ("by_location", "gsi1pk", Some("gsi1sk"));
        self.listed_levels(index, &location_key(location), limit, position).await
    }

    /// A page of the levels at a location that are low or out, by SKU.
    pub async fn low_in(
        &self,
        location: LocationId,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Level>, Fault> {
        let partition = low_key(location);
        self.listed_levels(("low", "gsi2pk", Some("gsi2sk")), &partition, limit, position).await
    }

    async fn listed_levels(
        &self,
        index: (&str, &str, Option<&str>),
        partition: &str,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Level>, Fault> {
        let range = Range { limit: Some(limit), position, ..Range::default() };
        let page = self.query(Table::Inventory, Some(index), partition, range).await?;
        let key = |row: &Item| {
            let text = |name: &str| Some(row.get(name)?.as_s().ok()?.clone());
            Some(Key::new(text("pk")?, text("sk")?))
        };
        let keys: Vec<Key> = page.entries.iter().filter_map(key).collect();
        let mut entries = Vec::with_capacity(keys.len());
        for row in self.batch_get(Table::Inventory, &keys, false).await? {
            entries.push(Level::from(document::<Row>(row)?));
        }
        entries.sort_by(|a, b| a.place.cmp(&b.place));
        Ok(Page { entries, next: page.next })
    }

    /// Writes whole stock levels at the first location, as a seed does, with the movement that
    /// explains each. Existing levels are replaced: never use it on a shop that sells.
    pub async fn import_stock(&self, levels: &[(Sku, StockLevel)]) -> Result<(), Fault> {
        let mut items = Vec::with_capacity(levels.len());
        let mut movements = Vec::with_capacity(levels.len());
        for (sku, level) in levels {
            let place = Place::at(sku.clone(), FIRST_LOCATION);
            items.push(Row::new(&place, *level).item()?);
            movements.push(movement::opening(&place, level.on_hand)?);
        }
        self.batch_put(Table::Inventory, items).await?;
        self.batch_put(Table::Ledger, movements).await
    }

    /// Changes what staff set of a level; the version of what they saw is the lock. What is for
    /// sale follows. None where somebody else was faster.
    pub async fn set_level(
        &self,
        before: &Level,
        after: &Level,
        events: &[domain::event::Event],
    ) -> Result<Option<u64>, Fault> {
        let version = before.version + 1;
        let mut transaction = Transaction::default();
        let more = (after.units.backorder_max - after.units.safety)
            - (before.units.backorder_max - before.units.safety);
        // Levels that were written before there was anything to set have no version.
        let condition = if before.version == first_version() {
            Expression::new("version = :loaded OR attribute_not_exists(version)")
        } else {
            Expression::new("version = :loaded")
        };
        let condition = condition
            .value(":loaded", count(before.version))
            .value(":version", count(version))
            .value(":safety", number(after.units.safety))
            .value(":backorder", number(after.units.backorder_max))
            .value(":threshold", number(i64::from(after.threshold)))
            .value(":more", number(more));
        let update = "SET safety = :safety, backorder_max = :backorder, threshold = :threshold, \
                      version = :version, available = available + :more";
        transaction.update(self, Table::Inventory, &key(&before.place), update, condition)?;
        for event in events {
            crate::outbox::say(self, &mut transaction, event)?;
        }
        let saved = crate::cart::saved(&transaction.commit(self, "set a stock level").await?);
        Ok((saved == crate::Saved::Yes).then_some(version))
    }

    /// Remembers how a level stands to its threshold, for the list of what is low, and writes down
    /// what was noticed; only if it was remembered otherwise before. Who repeats it changes
    /// nothing.
    pub async fn note_signal(
        &self,
        level: &Level,
        after: Signal,
        noticed: &Noticed,
    ) -> Result<(), Fault> {
        let condition = match level.signal {
            Signal::Fine => Expression::new("#signal = :before OR attribute_not_exists(#signal)"),
            Signal::Low | Signal::Out => Expression::new("#signal = :before"),
        };
        let condition = condition
            .name("#signal", "signal")
            .value(":before", text(level.signal.code()))
            .value(":after", text(after.code()));
        let (update, condition) = match after {
            Signal::Fine => ("SET #signal = :after REMOVE gsi2pk, gsi2sk", condition),
            Signal::Low | Signal::Out => (
                "SET #signal = :after, gsi2pk = :list, gsi2sk = :sku",
                condition
                    .value(":list", text(low_key(level.place.location)))
                    .value(":sku", text(level.place.sku.as_str())),
            ),
        };
        let mut transaction = Transaction::default();
        transaction.update(self, Table::Inventory, &key(&level.place), update, condition)?;
        sales::notice(self, &mut transaction, noticed)?;
        transaction.commit(self, "note how stock stands").await.map(drop)
    }
}

fn low_key(location: LocationId) -> String {
    location_key(location).replacen("LOC#", "LOW#", 1)
}

/// What a change of a stock item in the table's stream says; none for other items.
pub fn changed(new_image: HashMap<String, AttributeValue>) -> Result<Option<Level>, Fault> {
    if !matches!(new_image.get("pk"), Some(AttributeValue::S(pk)) if pk.starts_with("SKU#")) {
        return Ok(None);
    }
    let row: Row = document(new_image)?;
    Ok(Some(row.into()))
}
