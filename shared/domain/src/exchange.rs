//! Files that come and go: products, prices, stock and customers as rows.
//!
//! Reading a file finds everything that is wrong with it, not the first thing: each [`Flaw`] names
//! the row as a spreadsheet numbers it, the column as the file calls it, and the reason. A flaw
//! never repeats what a cell holds: it may be somebody's address.
//!
//! A file is read as a whole, in the same way each time: its [`Entry`]s have the same order and the
//! same rows whenever it is read, so that the number of an entry is all that a job must remember to
//! go on where another one stopped.

use std::borrow::Cow;
use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::currency::Currency;
use crate::id::{ExportId, ImportId};
use crate::permission::Permission;

mod cells;
pub mod customer;
pub mod export;
mod html;
pub mod import;
pub mod price;
pub mod product;
mod shopify;
pub mod stock;
mod table;
pub mod write;

pub use cells::Given;

/// Bytes of a file.
pub const FILE_BYTES_MAX: u64 = 50 * 1024 * 1024;
/// Bytes of one row: a description has far fewer, and a quote that nobody closed far more.
pub const ROW_BYTES_MAX: usize = 64 * 1024;
/// Columns of a file; a shop with many markets exports some dozens.
pub const COLUMNS_MAX: usize = 200;
/// Rows of a file, its header not counted.
pub const ROWS_MAX: u32 = 200_000;
/// Rows with flaws that are named. Who has more has the wrong file, or a wrong column in it.
pub const FLAWED_ROWS_MAX: usize = 10_000;

/// What the rows are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "TransferKind")]
pub enum Kind {
    /// Products, one row for each variant.
    Products,
    /// Prices, one row for each SKU and currency.
    Prices,
    /// Stock, one row for each SKU and location.
    Stock,
    /// Customers, one row each.
    Customers,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Products, Self::Prices, Self::Stock, Self::Customers];

    /// Its name in the API and in the audit log.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Products => "products",
            Self::Prices => "prices",
            Self::Stock => "stock",
            Self::Customers => "customers",
        }
    }

    /// What somebody must be allowed to do by hand before they may do it by a file.
    pub const fn permission_to_import(self) -> Permission {
        match self {
            Self::Products | Self::Prices => Permission::ProductsWrite,
            Self::Stock => Permission::InventoryAdjust,
            Self::Customers => Permission::CustomersWrite,
        }
    }

    /// What somebody must be allowed to read before they may take it away as a file.
    pub const fn permission_to_export(self) -> Permission {
        match self {
            Self::Products | Self::Prices => Permission::ProductsRead,
            Self::Stock => Permission::InventoryRead,
            Self::Customers => Permission::CustomersRead,
        }
    }

    /// Whether the rows are about people: then nothing is said of what they hold.
    pub const fn is_personal(self) -> bool {
        match self {
            Self::Customers => true,
            Self::Products | Self::Prices | Self::Stock => false,
        }
    }
}

/// How the rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "TransferFormat")]
pub enum Format {
    /// Comma-separated values (RFC 4180) with our own columns; semicolons and tabs are read, too.
    Csv,
    /// One flat JSON object on each line, with our own columns as names.
    Ndjson,
    /// The product CSV of Shopify, in its older and its newer spelling. Only read, never written.
    Shopify,
}

impl Format {
    /// Its name in the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
            Self::Shopify => "shopify",
        }
    }
}

/// An import or an export that waits for its next steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// An import.
    Import(ImportId),
    /// An export.
    Export(ExportId),
}

/// What is wrong at one place of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ImportFlaw")]
pub struct Flaw {
    /// The row, as a spreadsheet counts: the header of a CSV is row 1.
    pub row: u32,
    /// The column, as the file calls it; none where the whole row is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The stable name of the reason.
    pub code: Cow<'static, str>,
    /// The reason in a sentence. It never repeats what the cell holds.
    pub detail: Cow<'static, str>,
}

impl Flaw {
    /// A flaw of a whole row.
    pub fn of_row(row: u32, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { row, column: None, code: code.into(), detail: detail.into() }
    }

    /// A flaw of one cell.
    pub fn of_cell(
        row: u32,
        column: impl Into<String>,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        let column = Some(column.into());
        Self { row, column, code: code.into(), detail: detail.into() }
    }
}

/// How a file is to be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// What it is about.
    pub kind: Kind,
    /// How it is written.
    pub format: Format,
    /// The currency of prices that name none, as Shopify's do.
    pub currency: Currency,
}

/// What a file wants of one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unit {
    /// A product with the variants that the file names.
    Product(Box<product::Wanted>),
    /// A price.
    Price(price::Wanted),
    /// A stock level.
    Stock(stock::Wanted),
    /// A customer.
    Customer(Box<customer::Wanted>),
}

/// One thing that a file wants, and the rows that say so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The rows, in their order; at least one.
    pub rows: Vec<u32>,
    /// What is wanted.
    pub unit: Unit,
}

impl Entry {
    /// The row that it begins with.
    pub fn row(&self) -> u32 {
        self.rows.first().copied().unwrap_or_default()
    }
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// What it wants, in its own order. Whatever a flaw touches is not among it.
    pub entries: Vec<Entry>,
    /// All that is wrong with it, by row.
    pub flaws: Vec<Flaw>,
    /// Its rows that are not blank, the header not counted.
    pub rows: u32,
    /// Columns that are known and of no use here.
    pub ignored: Vec<String>,
}

impl Sheet {
    /// Rows that have a flaw.
    pub fn flawed_rows(&self) -> BTreeSet<u32> {
        self.flaws.iter().map(|flaw| flaw.row).collect()
    }
}

/// Reads a file; the flaws instead, where nothing can be made of it.
pub fn read(bytes: &[u8], reading: Reading) -> Result<Sheet, Vec<Flaw>> {
    let mut sheet = match reading.kind {
        Kind::Products => product::read(bytes, reading)?,
        Kind::Prices => price::read(bytes, reading)?,
        Kind::Stock => stock::read(bytes, reading)?,
        Kind::Customers => customer::read(bytes, reading)?,
    };
    // Stable: the flaws of one row stay in the order in which they were found.
    sheet.flaws.sort_by_key(|flaw| flaw.row);
    if sheet.flawed_rows().len() > FLAWED_ROWS_MAX {
        let detail = format!("More than {FLAWED_ROWS_MAX} rows have flaws: is it the right file?");
        return Err(vec![Flaw::of_row(1, "too_many_flaws", detail)]);
    }
    Ok(sheet)
}

/// One value that is not what it was. For people no values are shown: they stay `None`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The SKU of the variant, where one is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// The column.
    pub field: String,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What it becomes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// The cells of a row of ours, by column.
pub type Shown = std::collections::BTreeMap<String, String>;

/// What differs between two forms of one row.
pub fn differences(sku: Option<&str>, before: &Shown, after: &Shown) -> Vec<Difference> {
    let fields: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let cell = |of: &Shown, field: &String| of.get(field).filter(|text| !text.is_empty()).cloned();
    fields
        .into_iter()
        .filter_map(|field| {
            let (before, after) = (cell(before, field), cell(after, field));
            let sku = sku.map(str::to_owned);
            (before != after).then(|| Difference { sku, field: field.clone(), before, after })
        })
        .collect()
}

/// What an entry of a file comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan<T> {
    /// It is new.
    Create(T),
    /// It is there, and these fields change.
    Update(T, Vec<Difference>),
    /// It is there, and is as wanted.
    Unchanged,
    /// It can not be.
    Refused(Vec<Flaw>),
}

impl<T> Plan<T> {
    /// What it will come to.
    pub const fn outcome(&self) -> import::Outcome {
        match self {
            Self::Create(_) => import::Outcome::Created,
            Self::Update(..) => import::Outcome::Updated,
            Self::Unchanged => import::Outcome::Unchanged,
            Self::Refused(_) => import::Outcome::Refused,
        }
    }
}
