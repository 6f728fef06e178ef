//! Papers: invoices, credit notes, packing slips and pick lists, as plain data.
//!
//! A [`Paper`] holds every word and figure that stands on the sheet, already written in its
//! language; whoever typesets it decides nothing but where it stands. It is made by pure functions
//! from an order and the shop's settings, and what was issued is kept as it was: the same paper
//! gives the same file, byte for byte, years later.

pub mod figures;
pub mod picking;
pub mod words;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::address::{Address, Country};

/// What a paper is.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PaperKind")]
pub enum Kind {
    /// What is owed, and what of it is tax.
    Invoice,
    /// What of an invoice is given back.
    CreditNote,
    /// What is in a parcel.
    PackingSlip,
    /// What is fetched from the shelves.
    PickList,
}

/// The sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sheet {
    /// 210 × 297 mm (ISO 216).
    A4,
    /// 8½ × 11 inches.
    Letter,
}

impl Sheet {
    /// What printers hold in a country.
    pub fn of(country: Option<Country>) -> Self {
        match country.map(Country::code) {
            Some("US" | "CA" | "MX" | "PH" | "CL" | "CO" | "VE") => Self::Letter,
            Some(_) | None => Self::A4,
        }
    }
}

/// Something to be printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paper {
    /// What it is.
    pub kind: Kind,
    /// The language of its words (BCP 47).
    pub language: String,
    /// What it is printed on.
    pub sheet: Sheet,
    /// The day it is of; the file says so, too.
    pub dated: Timestamp,
    /// Whose paper it is: the first line stands out.
    pub sender: Vec<String>,
    /// To whom.
    pub recipient: Vec<String>,
    /// What it is, in large letters.
    pub title: String,
    /// Its number, or what else tells it from others; stands on every page.
    pub name: String,
    /// What a scanner reads off it: ASCII.
    pub barcode: Option<String>,
    /// Numbers, dates.
    pub facts: Vec<Fact>,
    /// The goods.
    pub table: Table,
    /// What they come to.
    pub sums: Vec<Sum>,
    /// The tax, rate by rate.
    pub taxes: Option<Table>,
    /// Sentences.
    pub notes: Vec<String>,
    /// What stands at the foot of every page.
    pub footer: Vec<String>,
    /// `Page {page} of {pages}`.
    pub page: String,
}

/// A word and what it is here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// The word.
    pub label: String,
    /// What it is.
    pub value: String,
}

/// A row of the sums.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    /// Of what.
    pub label: String,
    /// How much.
    pub value: String,
    /// Whether it is what the reader looks for.
    pub is_total: bool,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its columns, from the left.
    pub columns: Vec<Column>,
    /// Its rows.
    pub rows: Vec<Row>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its head.
    pub title: String,
    /// What it gets of the table's width, in thousandths; those of all columns come to 1000.
    pub share: u16,
    /// Where its cells stand.
    pub align: Align,
}

impl Column {
    pub(crate) fn new(title: &str, share: u16, align: Align) -> Self {
        Self { title: title.to_owned(), share, align }
    }
}

/// Where something stands in its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Align {
    /// At the left.
    Left,
    /// At the right: figures.
    Right,
    /// An empty box to tick, whatever the cell says.
    Box,
}

/// A row of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// A cell for each column.
    pub cells: Vec<String>,
    /// Small lines under the first column that stands at the left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
    /// Whether it is a heading of the rows that follow: its first cell takes the whole width.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_heading: bool,
}

impl Row {
    pub(crate) fn of(cells: Vec<String>) -> Self {
        Self { cells, details: Vec::new(), is_heading: false }
    }

    fn heading(text: String) -> Self {
        Self { cells: vec![text], details: Vec::new(), is_heading: true }
    }
}

/// An address as it stands on an envelope. The country stands in capitals, by its code,
/// and only where the letter crosses a border.
pub fn envelope(to: &Address, from: Option<Country>) -> Vec<String> {
    let mut lines = vec![to.name.as_str().to_owned(), to.line1.clone()];
    lines.extend(to.line2.clone());
    let (code, city) = (&to.postal_code, &to.city);
    let is_code_last = matches!(to.country.code(), "US" | "CA" | "AU" | "GB" | "IE" | "IN");
    let region = to.region.as_deref().unwrap_or_default();
    let place =
        if is_code_last { format!("{city} {region} {code}") } else { format!("{code} {city}") };
    lines.push(place.split_whitespace().collect::<Vec<_>>().join(" "));
    if !is_code_last && !region.is_empty() {
        lines.push(region.to_owned());
    }
    if from != Some(to.country) {
        lines.push(to.country.code().to_owned());
    }
    lines
}
