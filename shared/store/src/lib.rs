//! DynamoDB: what lies under which key, and which write is allowed when.
//!
//! Every write is conditional. A failed condition is an outcome that the caller reads, not an
//! error; only what could not be done at all is a [`Fault`]. Nothing is decided here: the domain
//! says what shall be, this crate says it in items and conditions.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::Client;
use domain::fault::{Fault, Retry};
use domain::location::Locations;
use domain::promotion::Promotion;
use jiff::Timestamp;

pub mod address_book;
pub mod audit;
pub mod cart;
pub mod catalog;
pub mod consent;
pub mod dispute;
pub mod exchange;
pub mod flash;
pub mod fulfillment;
pub mod gift_card;
pub mod idempotency;
pub mod identity;
pub mod invoice;
mod item;
pub mod key_pool;
pub mod letter_template;
pub mod limit;
pub mod location;
pub mod media;
pub mod message;
pub mod movement;
pub mod note;
pub mod order;
pub mod order_link;
pub mod outbox;
pub mod outgoing;
pub mod privacy;
pub mod product;
pub mod promotion;
pub mod reconciliation;
pub mod refund;
pub mod returns;
pub mod sales;
pub mod search;
pub mod session;
pub mod settings;
pub mod shelves;
pub mod staff;
pub mod stock;
pub mod subscription;
mod transaction;
pub mod transfer;
pub mod webhook;

pub use catalog::CartFacts;
pub use item::{Page, Saved};
pub use settings::Settings;

/// The seven tables. A function is told the names of those that it may touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Customers and staff: personal data.
    Identity,
    /// Products, prices, settings.
    Catalog,
    /// Stock: hot counters.
    Inventory,
    /// Carts; they expire.
    Carts,
    /// Orders, payments, and the outbox of the whole shop.
    Orders,
    /// Facts about money; append-only.
    Ledger,
    /// Idempotency keys, sessions, one-time tokens; they expire.
    Ephemeral,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 7] = [
        Self::Identity,
        Self::Catalog,
        Self::Inventory,
        Self::Carts,
        Self::Orders,
        Self::Ledger,
        Self::Ephemeral,
    ];

    /// The environment variable that holds the table's name.
    pub const fn variable(self) -> &'static str {
        match self {
            Self::Identity => "TABLE_IDENTITY",
            Self::Catalog => "TABLE_CATALOG",
            Self::Inventory => "TABLE_INVENTORY",
            Self::Carts => "TABLE_CARTS",
            Self::Orders => "TABLE_ORDERS",
            Self::Ledger => "TABLE_LEDGER",
            Self::Ephemeral => "TABLE_EPHEMERAL",
        }
    }
}

/// The shop's memory.
#[derive(Debug)]
pub struct Store {
    client: Client,
    names: BTreeMap<Table, String>,
    settings: Mutex<Option<(Timestamp, Settings)>>,
    running: Mutex<Option<(Timestamp, Arc<Vec<Promotion>>)>>,
    locations: Mutex<Option<(Timestamp, Locations)>>,
}

impl Store {
    /// A store that knows these tables.
    pub fn new(client: Client, names: BTreeMap<Table, String>) -> Self {
        let (settings, running, locations) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { client, names, settings, running, locations }
    }

    /// The name of a table; touching one that the function was not told of is our own mistake.
    fn name(&self, table: Table) -> Result<&str, Fault> {
        self.names.get(&table).map(String::as_str).ok_or_else(|| {
            let tried = format!("touch a table without {}", table.variable());
            Fault::noticed(tried, Retry::Useless)
        })
    }

    /// Whether every known table answers; names the first that does not.
    pub async fn probe(&self) -> Result<(), Fault> {
        for (table, name) in &self.names {
            self.client
                .describe_table()
                .table_name(name)
                .send()
                .await
                .map_err(|error| item::fault(format!("describe {table:?}"), error))?;
        }
        Ok(())
    }
}
