//! Everything there is to know of a shop at rest, for the ledger of invariants: read from the
//! tables, the mailbox, the queues and the provider's own objects, as the host.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::catalog::Sku;
use domain::fault::{Fault, Retry};
use domain::id::{LocationId, OrderId};
use domain::stock::{FIRST_LOCATION, Place};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use store::Table;
use testkit::ledger::{Facts, Letter, Stock, Uses};

use crate::demo;
use crate::error::Error;
use crate::shop::Shop;

pub(crate) type Item = HashMap<String, AttributeValue>;

/// All facts. `received` says how many units of each SKU ever came in.
pub async fn of(shop: &Shop, received: BTreeMap<String, i64>) -> Result<Facts, Error> {
    let mut facts = in_tables(&shop.place(), shop.clock().now(), received).await?;
    facts.letters = shop.mails().into_iter().map(letter).collect();
    facts.intents = shop.twin().objects("payment_intent");
    facts.refunds = shop.twin().objects("refund");
    facts.disputes = shop.twin().objects("dispute");
    for depth in shop.wire().sqs().depths() {
        facts.queued.insert(depth.queue, depth.visible + depth.in_flight + depth.delayed);
    }
    Ok(facts)
}

/// The facts that lie in the tables of a place.
pub async fn in_tables(
    place: &demo::Place,
    now: Timestamp,
    received: BTreeMap<String, i64>,
) -> Result<Facts, Error> {
    let mut facts = Facts { now, received, ..Facts::default() };
    let mut orders = Vec::new();
    for item in scan(place, Table::Orders).await? {
        let (pk, sk) = (text(&item, "pk"), text(&item, "sk"));
        match (pk.split('#').next(), sk.split('#').next()) {
            (Some("ORD"), Some("META")) => orders.push(order_of(&pk)?),
            (Some("ORD"), Some("PAY")) => facts.payments.push(read(item)?),
            (Some("ORD"), Some("REF")) => facts.paid_back.push(read(item)?),
            (Some("ORD"), Some("FUL")) => facts.parcels.push(read(item)?),
            (Some("ORD"), Some("RET")) => facts.returns.push(read(item)?),
            (Some("ORD"), Some("KEY")) => {
                facts.given_keys.push((order_of(&pk)?, read(item)?));
            }
            (Some("INV"), _) => facts.invoices.push(read(item)?),
            (Some("GC"), _) => facts.gift_cards.push(read(item)?),
            (Some("CREDIT"), _) => facts.credits.push(read(item)?),
            (Some("OBX"), _) => facts.unsent += 1,
            _ => {}
        }
    }
    // What is personal in them is sealed.
    facts.orders = place.store().orders_by_id(&orders).await?;
    for item in scan(place, Table::Ledger).await? {
        match text(&item, "pk").split('#').next() {
            Some("PAY") => facts.entries.push(read(item)?),
            Some("GC" | "CREDIT") => facts.gift_entries.push(read(item)?),
            Some("STK") => facts.movements.push(read(item)?),
            Some("AUD") if text(&item, "pk") == "AUD#log" => facts.audit.push(read(item)?),
            _ => {}
        }
    }
    for item in scan(place, Table::Carts).await? {
        if text(&item, "pk").starts_with("CART#") {
            facts.carts.push(read(item)?);
        }
    }
    let inventory = scan(place, Table::Inventory).await?;
    facts.stock = stock(&inventory)?;
    facts.uses = uses(&inventory);
    for item in inventory {
        if let Some(sku) = text(&item, "pk").strip_prefix("FREE#") {
            let sku = Sku::parse(sku).ok_or_else(|| Error::Setup("keys of no SKU".to_owned()))?;
            facts.free_keys.push((sku, read(item)?));
        }
    }
    Ok(facts)
}

/// The units on hand of each SKU, at all locations and on all shards: what was received, in a shop
/// that ships nothing yet.
pub async fn on_hand(place: &demo::Place) -> Result<BTreeMap<String, i64>, Error> {
    let mut units = BTreeMap::new();
    let inventory = scan(place, Table::Inventory).await?;
    for level in stock(&inventory)? {
        *units.entry(level.place.sku.to_string()).or_insert(0) += level.on_hand;
    }
    Ok(units)
}

fn stock(inventory: &[Item]) -> Result<Vec<Stock>, Error> {
    let level = |item: &Item| -> Result<Stock, Error> {
        let pk = text(item, "pk");
        let number = |name: &str| -> Result<i64, Error> {
            let found = item.get(name).and_then(|value| value.as_n().ok());
            let number = found.and_then(|text| text.parse().ok());
            number.ok_or_else(|| Error::Setup(format!("a stock level has no {name}")))
        };
        // The key says where it lies; what the item says of itself is not asked.
        let malformed = || Error::Setup("a stock level's key is none".to_owned());
        let (sku, shard) = match pk.trim_start_matches("SKU#").split_once('~') {
            Some((sku, shard)) => (sku, Some(shard.parse().map_err(|_| malformed())?)),
            None => (pk.trim_start_matches("SKU#"), None),
        };
        let location = match text(item, "sk").trim_start_matches("LOC#") {
            "default" => FIRST_LOCATION,
            id => LocationId::parse(id).map_err(|_| malformed())?,
        };
        let sku = Sku::parse(sku).ok_or_else(malformed)?;
        Ok(Stock {
            place: Place { sku, location, shard },
            on_hand: number("on_hand")?,
            reserved: number("reserved")?,
            safety: number("safety")?,
            backorder_max: number("backorder_max").unwrap_or(0),
            available: number("available")?,
        })
    };
    // Beside the stock lie transfers, sales by day and the counters of promotions.
    let levels = inventory.iter().filter(|item| text(item, "pk").starts_with("SKU#"));
    levels.map(level).collect()
}

/// The counters of promotions; what has no limit is counted over several rows.
fn uses(inventory: &[Item]) -> BTreeMap<(String, String), Uses> {
    let mut uses: BTreeMap<(String, String), Uses> = BTreeMap::new();
    for item in inventory {
        let (pk, sk) = (text(item, "pk"), text(item, "sk"));
        if !pk.starts_with("PROMO#") && !pk.starts_with("BUYER#") {
            continue;
        }
        let number = |name: &str| -> i64 {
            let found = item.get(name).and_then(|value| value.as_n().ok());
            found.and_then(|text| text.parse().ok()).unwrap_or(0)
        };
        let sk = if sk.starts_with("USES") { "USES".to_owned() } else { sk };
        let sum = uses.entry((pk, sk)).or_default();
        sum.orders += number("orders");
        for name in item.keys() {
            if let Some(currency) = name.strip_prefix("spent_") {
                *sum.spent.entry(currency.to_owned()).or_default() += number(name);
            }
        }
    }
    uses
}

fn order_of(pk: &str) -> Result<OrderId, Error> {
    let order = OrderId::parse(pk.trim_start_matches("ORD#"));
    order.map_err(|_| Error::Setup("a row of no order".to_owned()))
}

fn letter(mail: wire::Mail) -> Letter {
    let tag = |name: &str| mail.tags.get(name).cloned().unwrap_or_default();
    Letter {
        message_id: tag("message"),
        template: tag("template"),
        content: format!("{:?}{:?}", mail.html, mail.text),
        subject: mail.subject,
    }
}

pub(crate) async fn scan(place: &demo::Place, table: Table) -> Result<Vec<Item>, Error> {
    let client = Client::new(&place.aws);
    let table = place.tables.get(&table).cloned().unwrap_or_default();
    let mut items = Vec::new();
    let mut start = None;
    loop {
        let request = client.scan().table_name(&table).set_exclusive_start_key(start);
        let sent = request.send().await;
        let page =
            sent.map_err(|error| Fault::new(format!("look at {table}"), error, Retry::Useless))?;
        items.extend(page.items.unwrap_or_default());
        start = page.last_evaluated_key;
        if start.is_none() {
            return Ok(items);
        }
    }
}

pub(crate) fn text(item: &Item, name: &str) -> String {
    item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default()
}

fn read<T: DeserializeOwned>(item: Item) -> Result<T, Error> {
    let place = text(&item, "pk");
    serde_dynamo::from_item(item)
        .map_err(|error| Fault::new(format!("read {place}"), error, Retry::Useless).into())
}
