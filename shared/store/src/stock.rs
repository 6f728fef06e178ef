//! Stock levels: inventory `SKU#code` / LOC#id, a counter behind a condition.
//!
//! `available` is kept beside `on_hand`, `reserved` and `safety`, because conditions compare but
//! do not calculate. Counters are never locked by version: their own condition is the lock.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::cart::Shortage;
use domain::catalog::Sku;
use domain::fault::Fault;
use domain::stock::StockLevel;
use serde::{Deserialize, Serialize};

use crate::item::{Item, Key, document, item, number};
use crate::transaction::{Expression, Transaction};
use crate::{Store, Table};

/// The shop's one location until it opens a second.
const LOCATION: &str = "LOC#default";

pub(crate) fn key(sku: &Sku) -> Key {
    Key::new(format!("SKU#{sku}"), LOCATION)
}

#[derive(Serialize, Deserialize)]
struct Row {
    #[serde(flatten)]
    level: StockLevel,
    available: i64,
    sku: Sku,
}

/// Holds units: only if so many are for sale. Returns the position of the action.
pub(crate) fn hold(
    store: &Store,
    transaction: &mut Transaction,
    sku: &Sku,
    quantity: u32,
) -> Result<usize, Fault> {
    let position = transaction.position();
    let condition =
        Expression::new("available >= :quantity").value(":quantity", number(i64::from(quantity)));
    let update = "SET available = available - :quantity, reserved = reserved + :quantity";
    transaction.update(store, Table::Inventory, &key(sku), update, condition)?;
    Ok(position)
}

/// Gives held units back: only if so many are reserved.
pub(crate) fn release(
    store: &Store,
    transaction: &mut Transaction,
    sku: &Sku,
    quantity: u32,
) -> Result<(), Fault> {
    let condition =
        Expression::new("reserved >= :quantity").value(":quantity", number(i64::from(quantity)));
    let update = "SET available = available + :quantity, reserved = reserved - :quantity";
    transaction.update(store, Table::Inventory, &key(sku), update, condition)
}

/// What a refused hold says about the stock, from the item as it stood.
pub(crate) fn shortage(sku: &Sku, wanted: u32, item: Option<&Item>) -> Shortage {
    let available = match item.and_then(|item| item.get("available")) {
        Some(AttributeValue::N(number)) => number.parse::<i64>().unwrap_or(0),
        _ => 0,
    };
    let available = u32::try_from(available.max(0)).unwrap_or(u32::MAX);
    Shortage { sku: sku.clone(), wanted, available }
}

impl Store {
    /// The stock level of a SKU.
    pub async fn stock(&self, sku: &Sku) -> Result<Option<StockLevel>, Fault> {
        let row: Option<Row> = self.get(Table::Inventory, &key(sku), true).await?;
        Ok(row.map(|row| row.level))
    }

    /// Writes whole stock levels, as a seed or a first import does. Existing levels are replaced:
    /// never use it on a shop that sells.
    pub async fn import_stock(&self, levels: &[(Sku, StockLevel)]) -> Result<(), Fault> {
        let items = levels
            .iter()
            .map(|(sku, level)| {
                let row = Row { level: *level, available: level.available(), sku: sku.clone() };
                item(&key(sku), &row)
            })
            .collect::<Result<_, _>>()?;
        self.batch_put(Table::Inventory, items).await
    }
}

/// What a change of a stock item in the table's stream says: the SKU and what is for sale now.
/// None for other items.
pub fn changed(new_image: HashMap<String, AttributeValue>) -> Result<Option<(Sku, i64)>, Fault> {
    if !matches!(new_image.get("pk"), Some(AttributeValue::S(pk)) if pk.starts_with("SKU#")) {
        return Ok(None);
    }
    let row: Row = document(new_image)?;
    Ok(Some((row.sku, row.available)))
}
