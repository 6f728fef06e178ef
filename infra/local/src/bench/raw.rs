//! What the emulated DynamoDB does by itself, in the same process and over the same SDK: the
//! transaction that places an order, again and again, and nothing else.
//!
//! The rows are those of an order that was placed in the run before, under other keys: what is
//! written is of the size that a completion writes, and every index has its part. It is asked after
//! the books were compared, in a shop that is closed: nobody reads what is written here.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{
    AttributeValue, Put, ReturnConsumedCapacity, TransactWriteItem, Update,
};
use domain::fault::{Fault, Retry};
use serde::Serialize;
use store::Table;
use tokio::task::JoinSet;

use super::percentile;
use crate::demo::Place;
use crate::error::Error;
use crate::facts::{Item, scan, text};
use crate::shop::Shop;

/// For how long transactions are begun.
const SPAN: Duration = Duration::from_secs(3);
/// What one of them writes besides the rows of the order: what was held of the stock, the buyer's
/// limit, and the count of orders that wait for their payment.
const COUNTERS: usize = 3;
/// Stock that each one holds units of, one after the other.
const LEVELS: u64 = 16;
/// More units than are ever held.
const UNITS: &str = "1000000000000";

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Raw {
    /// Transactions at once.
    pub at_once: u32,
    /// Writes in each of them.
    pub actions: usize,
    /// Bytes of the rows that each of them puts, names included.
    pub bytes: usize,
    /// Transactions that were written.
    pub transactions: usize,
    /// The same, per second.
    pub per_second: f64,
    /// Half of them took at most so long, in milliseconds.
    pub p50_ms: f64,
    /// 99 of 100 took at most so long, in milliseconds.
    pub p99_ms: f64,
}

/// The rows that one completion writes, and where.
#[derive(Clone, Debug)]
struct Rows(Vec<(&'static str, Item)>);

/// Measures it, so many at once; none where no order was placed.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2⁵³")]
pub(super) async fn measure(shop: &Shop, at_once: u32) -> Result<Option<Raw>, Error> {
    let client = Client::new(&shop.sdk_config());
    let Some(rows) = rows(&shop.place()).await? else { return Ok(None) };
    for worker in 0..at_once {
        for level in 0..LEVELS {
            stock(&client, worker, level).await?;
        }
    }
    let (actions, bytes) = (rows.0.len() + COUNTERS, rows.bytes());
    let began = Instant::now();
    let mut workers = JoinSet::new();
    for worker in 0..at_once {
        let (client, rows) = (client.clone(), rows.clone());
        workers.spawn(async move {
            let mut took = Vec::new();
            let mut number = 0;
            while began.elapsed() < SPAN {
                let asked = Instant::now();
                write(&client, &rows, worker, number).await?;
                took.push(u32::try_from(asked.elapsed().as_micros()).unwrap_or(u32::MAX));
                number += 1;
            }
            Ok::<_, Error>(took)
        });
    }
    let mut took = Vec::new();
    while let Some(done) = workers.join_next().await {
        took.extend(done.map_err(|error| Error::setup("a writer broke down", error))??);
    }
    let seconds = began.elapsed().as_secs_f64();
    took.sort_unstable();
    Ok(Some(Raw {
        at_once,
        actions,
        bytes,
        transactions: took.len(),
        per_second: took.len() as f64 / seconds,
        p50_ms: percentile(&took, 50),
        p99_ms: percentile(&took, 99),
    }))
}

/// The rows of an order that was paid: itself, its payment, its number, its cart and its key.
async fn rows(place: &Place) -> Result<Option<Rows>, Error> {
    let orders = scan(place, Table::Orders).await?;
    let is = |item: &Item, pk: &str, sk: &str| {
        text(item, "pk").starts_with(pk) && text(item, "sk").starts_with(sk)
    };
    let Some(payment) = orders.iter().find(|item| is(item, "ORD#", "PAY#")) else {
        return Ok(None);
    };
    let partition = text(payment, "pk");
    let order = orders.iter().find(|item| is(item, &partition, "META"));
    let number = orders.iter().find(|item| is(item, "ORDNO#", ""));
    let carts = scan(place, Table::Carts).await?;
    let cart = order.map(|order| format!("CART#{}", text(order, "cart")));
    let cart = carts.iter().find(|item| cart.as_ref() == Some(&text(item, "pk")));
    let keys = scan(place, Table::Keys).await?;
    let key = keys.iter().find(|item| text(item, "pk") == partition);
    let found = [
        ("fluxion-carts", cart),
        ("fluxion-orders", number),
        ("fluxion-orders", order),
        ("fluxion-orders", Some(payment)),
        ("fluxion-keys", key),
    ];
    let rows = found.into_iter().map(|(table, item)| Some((table, item?.clone())));
    let rows: Option<Vec<_>> = rows.collect();
    let missing = || Error::Setup("an order that was paid has not all of its rows".to_owned());
    rows.map(|rows| Some(Rows(rows))).ok_or_else(missing)
}

impl Rows {
    fn bytes(&self) -> usize {
        self.0.iter().map(|(_, item)| bytes_of(item)).sum()
    }
}

fn bytes_of(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + bytes(value)).sum()
}

/// About what DynamoDB counts.
fn bytes(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) | AttributeValue::N(text) => text.len(),
        AttributeValue::B(blob) => blob.as_ref().len(),
        AttributeValue::L(values) => values.iter().map(bytes).sum(),
        AttributeValue::M(item) => bytes_of(item),
        AttributeValue::Ss(texts) | AttributeValue::Ns(texts) => {
            texts.iter().map(String::len).sum()
        }
        _ => 1,
    }
}

fn level_key(worker: u32, level: u64) -> Item {
    key(&format!("RAW#{worker}#{level}"))
}

fn key(pk: &str) -> Item {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    HashMap::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text("META"))])
}

fn number(value: &str) -> AttributeValue {
    AttributeValue::N(value.to_owned())
}

/// A level of stock that never runs out.
async fn stock(client: &Client, worker: u32, level: u64) -> Result<(), Error> {
    let mut item = level_key(worker, level);
    for (name, units) in [("available", UNITS), ("on_hand", UNITS), ("reserved", "0")] {
        item.insert(name.to_owned(), number(units));
    }
    let put = client.put_item().table_name("fluxion-inventory").set_item(Some(item));
    let sent = put.send().await;
    sent.map_err(|error| Fault::new("write stock", error, Retry::Useless))?;
    Ok(())
}

/// One transaction. Nobody else writes any of its rows.
async fn write(client: &Client, rows: &Rows, worker: u32, nth: u64) -> Result<(), Error> {
    let built = actions(rows, worker, nth);
    let built = built.map_err(|error| Error::setup("a transaction can not be built", error))?;
    let sent = client
        .transact_write_items()
        .set_transact_items(Some(built))
        .return_consumed_capacity(ReturnConsumedCapacity::Total)
        .send()
        .await;
    sent.map_err(|error| Fault::new("write a transaction", error, Retry::Useless))?;
    Ok(())
}

fn actions(rows: &Rows, worker: u32, nth: u64) -> Result<Vec<TransactWriteItem>, BuildError> {
    let mut actions = Vec::with_capacity(rows.0.len() + COUNTERS);
    for (at, (table, item)) in rows.0.iter().enumerate() {
        let mut item = item.clone();
        item.extend(key(&format!("RAW#{worker}#{nth}#{at}")));
        let put = Put::builder()
            .table_name(*table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .build()?;
        actions.push(TransactWriteItem::builder().put(put).build());
    }
    let own = key(&format!("RAW#{worker}#{nth}"));
    let counters = [
        (
            "fluxion-inventory",
            level_key(worker, nth % LEVELS),
            "SET available = available - :one, reserved = reserved + :one",
            "available >= :one",
        ),
        (
            "fluxion-ephemeral",
            own.clone(),
            "SET full_at = :one",
            "attribute_not_exists(full_at) OR full_at < :one",
        ),
        (
            "fluxion-orders",
            own,
            "SET orders = :one",
            "attribute_not_exists(orders) OR orders < :one",
        ),
    ];
    for (table, key, update, condition) in counters {
        let update = Update::builder()
            .table_name(table)
            .set_key(Some(key))
            .update_expression(update)
            .condition_expression(condition)
            .expression_attribute_values(":one", number("1"))
            .build()?;
        actions.push(TransactWriteItem::builder().update(update).build());
    }
    Ok(actions)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some_rows() -> Rows {
        let mut order = key("ORD#1");
        order.insert("number".to_owned(), AttributeValue::S("F-1".to_owned()));
        order.insert("lines".to_owned(), AttributeValue::L(vec![number("12")]));
        Rows(vec![("fluxion-orders", order), ("fluxion-carts", key("CART#1"))])
    }

    /// The table and the key of each action.
    fn places(actions: &[TransactWriteItem]) -> Vec<(String, String)> {
        let place = |action: &TransactWriteItem| match (&action.put, &action.update) {
            (Some(put), _) => (put.table_name.clone(), text(&put.item, "pk")),
            (None, Some(update)) => (update.table_name.clone(), text(&update.key, "pk")),
            (None, None) => (String::new(), String::new()),
        };
        actions.iter().map(place).collect()
    }

    #[test]
    fn no_two_transactions_write_the_same_row_but_of_the_stock_of_one_writer() {
        let rows = some_rows();
        let mut seen = std::collections::BTreeSet::new();
        for (worker, nth) in [(0, 0), (0, 1), (1, 0), (11, 0), (1, 1)] {
            let actions = actions(&rows, worker, nth).unwrap();
            assert_eq!(actions.len(), rows.0.len() + COUNTERS);
            for place in places(&actions) {
                assert!(seen.insert(place.clone()), "{place:?}");
            }
        }
        let later = actions(&rows, 0, LEVELS).unwrap();
        let again: Vec<_> =
            places(&later).into_iter().filter(|place| seen.contains(place)).collect();
        assert_eq!(again, [("fluxion-inventory".to_owned(), "RAW#0#0".to_owned())]);
    }

    #[test]
    fn what_is_put_keeps_all_but_its_key() {
        let rows = some_rows();
        let actions = actions(&rows, 3, 4).unwrap();
        let put = actions[0].put.as_ref().unwrap();
        assert_eq!(text(&put.item, "number"), "F-1");
        assert_eq!(text(&put.item, "pk"), "RAW#3#4#0");
        // pk, ORD#1, sk, META, number, F-1, lines, 12; and pk, CART#1, sk, META of the cart.
        assert_eq!(rows.bytes(), (2 + 5 + 2 + 4 + 6 + 3 + 5 + 2) + (2 + 6 + 2 + 4));
    }
}
