//! DynamoDB: what lies under which key, and which write is allowed when.
//!
//! Every write is conditional. A failed condition is an outcome that the caller reads, not an
//! error; only what could not be done at all is a [`Fault`]. Nothing is decided here: the domain
//! says what shall be, this crate says it in items and conditions.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::Client;
use domain::event::Counted;
use domain::fault::{Fault, Retry};
use domain::location::Locations;
use domain::promotion::Promotion;
use domain::trace::TraceId;
use jiff::Timestamp;

pub mod address_book;
pub mod audit;
pub mod cart;
pub mod catalog;
pub mod consent;
pub mod data_key;
pub mod dispute;
pub mod draft;
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
pub mod order_edit;
pub mod order_link;
pub mod outbox;
pub mod outgoing;
pub mod phone;
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

/// The eight tables. A function is told the names of those that it may touch.
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
    /// What opens the personal parts of identity and orders; no backup keeps it for long.
    Keys,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 8] = [
        Self::Identity,
        Self::Catalog,
        Self::Inventory,
        Self::Carts,
        Self::Orders,
        Self::Ledger,
        Self::Ephemeral,
        Self::Keys,
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
            Self::Keys => "TABLE_KEYS",
        }
    }
}

/// Who runs the call that the store is asked in: it says what the call belongs to, and is told what
/// came of it.
#[derive(Debug, Clone, Copy)]
pub struct Watch {
    /// The trace of the call.
    pub trace: fn() -> Option<TraceId>,
    /// The call goes on with what another one began.
    pub follow: fn(TraceId),
    /// Something that is counted is written, for good.
    pub counted: fn(Counted),
}

impl Default for Watch {
    /// Nobody.
    fn default() -> Self {
        Self { trace: || None, follow: |_| (), counted: |_| () }
    }
}

/// Opens the way to DynamoDB before anybody waits for it.
#[derive(Debug, Clone)]
pub struct Knocker(Client);

/// The shop's memory.
#[derive(Debug)]
pub struct Store {
    watch: Watch,
    client: Client,
    names: BTreeMap<Table, String>,
    settings: Mutex<Option<(Timestamp, Arc<Settings>)>>,
    running: Mutex<Option<(Timestamp, Arc<Vec<Promotion>>)>>,
    locations: Mutex<Option<(Timestamp, Locations)>>,
}

impl Knocker {
    /// Says a word to DynamoDB that needs no permission and reads nothing, so that the first call
    /// finds a connection that is open. What it answers is of no interest.
    pub async fn knock(&self) {
        let knocked = self.0.describe_endpoints().customize().mutate_request(|request| {
            // Its page for load balancers: "healthy".
            let _is_known = request.set_method("GET");
            *request.body_mut() = Vec::<u8>::new().into();
            for name in ["x-amz-target", "content-type", "content-length"] {
                request.headers_mut().remove(name);
            }
        });
        drop(knocked.send().await);
    }
}

impl Store {
    /// A store that knows these tables.
    pub fn new(client: Client, names: BTreeMap<Table, String>) -> Self {
        let (settings, running, locations) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { watch: Watch::default(), client, names, settings, running, locations }
    }

    /// The same, watched by whoever runs its calls.
    #[must_use]
    pub fn watched(mut self, watch: Watch) -> Self {
        self.watch = watch;
        self
    }

    /// Goes on in the trace that something was begun in, where nobody waits for the present call.
    pub fn follow(&self, trace: Option<TraceId>) {
        if let Some(trace) = trace {
            (self.watch.follow)(trace);
        }
    }

    /// Who knocks for it; nobody for a store that knows no table.
    pub fn knocker(&self) -> Option<Knocker> {
        (!self.names.is_empty()).then(|| Knocker(self.client.clone()))
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
