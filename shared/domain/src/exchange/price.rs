//! Prices as rows, one for each SKU, currency and sale.
//!
//! | column | what it says | an empty cell |
//! |---|---|---|
//! | `sku` `currency` | which price | is a flaw |
//! | `price` | the base price, a decimal | it is not sold in this currency any more |
//! | `sale_price` `sale_from` `sale_until` | a reduced price, for a while | has no sale; no end |
//!
//! Where the file has the columns of sales, the sales of each SKU and currency that it names become
//! those of the file; sales that are over stay. Several rows for one SKU and currency are several
//! sales. All rows of one SKU are written together or not at all.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::cells::{self, Cells, Given};
use super::table::{self, Layout, Meaning};
use super::{
    Difference, Entry, Flaw, Format, Plan, Reading, Sheet, Shown, Unit, differences, shopify,
};
use crate::catalog::price::SALES_MAX;
use crate::catalog::{Product, Sale, Sku, Variant};
use crate::currency::Currency;

/// Our columns in the order in which they are written.
pub const COLUMNS: [&str; 6] =
    ["sku", "currency", "price", "sale_price", "sale_from", "sale_until"];

/// What a file says of the prices of a SKU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Which SKU.
    pub sku: Sku,
    /// Its prices.
    pub prices: BTreeMap<Currency, Pricing>,
}

/// What a file says of the price in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pricing {
    /// The row that it begins with.
    pub row: u32,
    /// The base price; `Empty` where it is not sold in the currency any more.
    pub base: Given<i64>,
    /// The reduced prices; none where the file says nothing of them.
    pub sales: Option<Vec<Sale>>,
    /// A reduced price from now on: Shopify's way of saying it.
    pub reduced: Option<i64>,
}

fn meaning(label: &str) -> Meaning {
    let name = label.trim().to_lowercase().replace([' ', '-'], "_");
    if COLUMNS.contains(&name.as_str()) { Meaning::Column(name) } else { Meaning::Unknown }
}

/// Reads a file of prices.
pub(super) fn read(bytes: &[u8], reading: Reading) -> Result<Sheet, Vec<Flaw>> {
    let is_shopify = reading.format == Format::Shopify;
    let theirs = |label: &str| shopify::meaning(reading.kind, label);
    let layout = Layout {
        format: reading.format,
        meaning: if is_shopify { &theirs } else { &meaning },
        required: if is_shopify { &["sku", "price"] } else { &["sku", "currency", "price"] },
        is_personal: false,
    };
    let mut flaws = Vec::new();
    let mut groups: Vec<Group> = Vec::new();
    let mut by_sku: HashMap<Sku, usize> = HashMap::new();
    let outline = table::rows(bytes, &layout, |row| {
        let number = row.number;
        let mut cells = Cells::new(&row, &mut flaws);
        let is_blank = |column| cells.text(column).is_none_or(|text| text.trim().is_empty());
        if is_shopify && is_blank("sku") && is_blank("price") {
            return;
        }
        let read = if is_shopify {
            shopify_row(&mut cells, number, reading.currency)
        } else {
            our_row(&mut cells, number)
        };
        let sku = read.sku.clone();
        let is_good = cells.is_good();
        let Some(sku) = sku else { return };
        let next = groups.len();
        let at = *by_sku.entry(sku.clone()).or_insert(next);
        if at == next {
            groups.push(Group::new(sku));
        }
        let Some(group) = groups.get_mut(at) else { return };
        let is_added = is_good && group.add(&mut cells, number, read);
        if is_added {
            group.rows.push(number);
        } else {
            group.spoiled_by = group.spoiled_by.or(Some(number));
        }
    })?;
    flaws.extend(outline.flaws);
    let mut entries = Vec::new();
    for Group { wanted, rows, spoiled_by } in groups {
        match spoiled_by {
            None => entries.push(Entry { rows, unit: Unit::Price(wanted) }),
            Some(flawed) => flaws.extend(rows.into_iter().map(|row| {
                let detail = format!("Row {flawed} of the same SKU has a flaw.");
                Flaw::of_row(row, "sibling_flawed", detail)
            })),
        }
    }
    Ok(Sheet { entries, flaws, rows: outline.rows, ignored: outline.ignored })
}

/// One row as far as it could be read.
#[expect(clippy::option_option, reason = "absent, none of it, and one are three")]
struct Line {
    sku: Option<Sku>,
    currency: Option<Currency>,
    base: Given<i64>,
    sale: Option<Option<Sale>>,
    reduced: Option<i64>,
}

fn our_row(cells: &mut Cells<'_>, _row: u32) -> Line {
    let sku = cells.required("sku", cells::sku);
    let currency = cells.required("currency", cells::currency);
    let from = cells.given("sale_from", cells::moment);
    let until = cells.given("sale_until", cells::moment);
    let (mut base, mut sale) = (Given::Absent, None);
    if let Some(currency) = currency {
        base = cells.amount("price", currency);
        let amount = cells.amount("sale_price", currency);
        sale = sale_of(cells, currency, amount, from, until);
    }
    Line { sku, currency, base, sale, reduced: None }
}

/// The sale of a row: none where the file knows no sales, `Some(None)` where this row has none.
#[expect(clippy::option_option, reason = "absent, none of it, and one are three")]
fn sale_of(
    cells: &mut Cells<'_>,
    currency: Currency,
    amount: Given<i64>,
    from: Given<Timestamp>,
    until: Given<Timestamp>,
) -> Option<Option<Sale>> {
    let (has_from, has_until) = (from.value(), until.value());
    match (amount, has_from) {
        (Given::Absent, _) => None,
        (Given::Empty, None) => Some(None),
        (Given::Empty, Some(_)) => {
            if cells.is_good() {
                cells.flaw("sale_price", "required", "The sale has a beginning and no price.");
            }
            None
        }
        (Given::Is(_), None) => {
            if cells.is_good() {
                cells.flaw("sale_from", "required", "The sale has a price and no beginning.");
            }
            None
        }
        (Given::Is(amount), Some(from)) => {
            if has_until.is_some_and(|until| until <= from) {
                cells.flaw("sale_until", "out_of_range", "The sale ends before it begins.");
            }
            Some(Some(Sale { currency, amount, from, until: has_until, lowest_30d: None }))
        }
    }
}

fn shopify_row(cells: &mut Cells<'_>, _row: u32, currency: Currency) -> Line {
    let sku = cells.required("sku", |theirs| cells::sku(&shopify::sku_text(theirs)));
    let price = cells.required("price", |text| cells::amount(text, currency, false));
    let compare_at = cells.amount("compare_at", currency).value();
    let (base, reduced) = match price.map(|price| shopify::pricing(price, compare_at)) {
        Some((base, reduced)) => (Given::Is(base), reduced),
        None => (Given::Absent, None),
    };
    Line { sku, currency: Some(currency), base, sale: None, reduced }
}

struct Group {
    wanted: Wanted,
    rows: Vec<u32>,
    spoiled_by: Option<u32>,
}

impl Group {
    fn new(sku: Sku) -> Self {
        let wanted = Wanted { sku, prices: BTreeMap::new() };
        Self { wanted, rows: Vec::new(), spoiled_by: None }
    }

    /// Takes a row in; false where it contradicts an earlier one.
    fn add(&mut self, cells: &mut Cells<'_>, row: u32, line: Line) -> bool {
        let Some(currency) = line.currency else { return false };
        let Some(known) = self.wanted.prices.get_mut(&currency) else {
            let sales = line.sale.map(|sale| sale.into_iter().collect());
            let pricing = Pricing { row, base: line.base, sales, reduced: line.reduced };
            self.wanted.prices.insert(currency, pricing);
            return true;
        };
        let first = known.row;
        let (Some(sales), Some(Some(sale))) = (&mut known.sales, line.sale) else {
            cells.flaw("sku", "duplicate", format!("Row {first} has the same SKU and currency."));
            return false;
        };
        if line.base != known.base {
            cells.flaw("price", "differs", format!("Row {first} has another price."));
        } else if sales.iter().any(|other| other.from == sale.from) {
            let detail = "Another row of the same SKU and currency begins at the same time.";
            cells.flaw("sale_from", "duplicate", detail);
        } else if sales.len() >= SALES_MAX {
            let detail = format!("A variant has at most {SALES_MAX} sales.");
            cells.flaw("sale_from", "too_many", detail);
        } else {
            sales.push(sale);
            return true;
        }
        false
    }
}

impl Wanted {
    /// What becomes of the product that the SKU belongs to.
    pub fn plan(&self, rows: &[u32], before: Option<&Product>, now: Timestamp) -> Plan<Product> {
        let at = before.and_then(|product| {
            product.variants.iter().position(|variant| variant.sku == self.sku)
        });
        let (Some(before), Some(at)) = (before, at) else {
            let flaw =
                |row: &u32| Flaw::of_cell(*row, "sku", "unknown_sku", "There is no such SKU.");
            return Plan::Refused(rows.iter().map(flaw).collect());
        };
        let mut after = before.clone();
        let Some(variant) = after.variants.get_mut(at) else { return Plan::Unchanged };
        for (currency, pricing) in &self.prices {
            price(variant, *currency, pricing, now);
        }
        if variant.sales.len() > SALES_MAX {
            let detail = format!("A variant has at most {SALES_MAX} sales.");
            let row = rows.first().copied().unwrap_or_default();
            return Plan::Refused(vec![Flaw::of_cell(row, "sale_from", "too_many", detail)]);
        }
        let changed = match (before.variants.get(at), after.variants.get(at)) {
            (Some(old), Some(new)) => changes(old, new),
            _ => Vec::new(),
        };
        if changed.is_empty() { Plan::Unchanged } else { Plan::Update(after, changed) }
    }
}

fn price(variant: &mut Variant, currency: Currency, pricing: &Pricing, now: Timestamp) {
    match pricing.base {
        Given::Absent => {}
        Given::Empty => {
            variant.prices.remove(&currency);
            variant.sales.retain(|sale| sale.currency != currency);
            return;
        }
        Given::Is(amount) => {
            variant.prices.insert(currency, amount);
        }
    }
    if let Some(wanted) = &pricing.sales {
        let is_over = |sale: &Sale| sale.until.is_some_and(|until| until <= now);
        let mut sales: Vec<Sale> = Vec::new();
        for sale in std::mem::take(&mut variant.sales) {
            let same = wanted.iter().find(|new| {
                (new.currency, new.amount, new.from, new.until)
                    == (sale.currency, sale.amount, sale.from, sale.until)
            });
            if sale.currency != currency || is_over(&sale) || same.is_some() {
                sales.push(sale);
            }
        }
        for new in wanted {
            let is_there = sales.iter().any(|sale| {
                (sale.currency, sale.from) == (new.currency, new.from)
                    && sale.amount == new.amount
                    && sale.until == new.until
            });
            if !is_there {
                sales.push(new.clone());
            }
        }
        variant.sales = sales;
    }
    if let Some(amount) = pricing.reduced {
        let runs = |sale: &Sale| sale.currency == currency && sale.runs(now);
        if !variant.sales.iter().any(|sale| runs(sale) && sale.amount == amount) {
            variant.sales.retain(|sale| !runs(sale));
            let sale = Sale { currency, amount, from: now, until: None, lowest_30d: None };
            variant.sales.push(sale);
        }
    }
}

/// The rows of a variant as they are written: sales that are over are told by the price log alone.
pub fn shown(variant: &Variant, now: Timestamp) -> Vec<Shown> {
    let mut rows = Vec::new();
    for (currency, amount) in &variant.prices {
        let row = |sale: Option<&Sale>| {
            let price = |amount| cells::decimal(amount, *currency);
            let until = sale.and_then(|sale| sale.until);
            let cells = [
                variant.sku.to_string(),
                currency.to_string(),
                price(*amount),
                sale.map(|sale| price(sale.amount)).unwrap_or_default(),
                sale.map(|sale| sale.from.to_string()).unwrap_or_default(),
                until.map(|until| until.to_string()).unwrap_or_default(),
            ];
            COLUMNS.iter().map(|column| (*column).to_owned()).zip(cells).collect::<Shown>()
        };
        let is_over = |sale: &&Sale| sale.until.is_none_or(|until| until > now);
        let sales: Vec<&Sale> = variant
            .sales
            .iter()
            .filter(|sale| sale.currency == *currency)
            .filter(is_over)
            .collect();
        if sales.is_empty() {
            rows.push(row(None));
        } else {
            rows.extend(sales.into_iter().map(|sale| row(Some(sale))));
        }
    }
    rows
}

/// What differs between two forms of a variant's prices.
fn changes(before: &Variant, after: &Variant) -> Vec<Difference> {
    let cells = |variant: &Variant| {
        let mut cells = Shown::new();
        for (currency, amount) in &variant.prices {
            cells.insert(format!("price_{currency}"), cells::decimal(*amount, *currency));
        }
        for sale in &variant.sales {
            let until = sale.until.map(|until| format!(" until {until}")).unwrap_or_default();
            let text = format!("{}{until}", cells::decimal(sale.amount, sale.currency));
            cells.insert(format!("sale_{}_{}", sale.currency, sale.from), text);
        }
        cells
    };
    differences(Some(after.sku.as_str()), &cells(before), &cells(after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{self, Kind, product};
    use crate::id::Ulid;

    fn now() -> Timestamp {
        "2026-11-02T09:00:00Z".parse().unwrap()
    }

    fn read(text: &str, format: Format) -> Sheet {
        let reading = Reading { kind: Kind::Prices, format, currency: Currency::EUR };
        exchange::read(text.as_bytes(), reading).unwrap()
    }

    fn wanted(sheet: &Sheet, at: usize) -> &Wanted {
        match &sheet.entries[at].unit {
            Unit::Price(wanted) => wanted,
            other => unreachable!("{other:?}"),
        }
    }

    /// A mug for 8 euros.
    fn mug() -> Product {
        let reading =
            Reading { kind: Kind::Products, format: Format::Csv, currency: Currency::EUR };
        let text = b"handle,title,sku,price_EUR\nmug,Mug,MUG-1,8\n";
        let sheet = exchange::read(text, reading).unwrap();
        let Unit::Product(wanted) = &sheet.entries[0].unit else { unreachable!("a product") };
        let (categories, owners) = Default::default();
        let facts = product::Facts { categories: &categories, owners: &owners, now: now() };
        let mut next = 0;
        let plan = wanted.plan(None, facts, &mut || {
            next += 1;
            Ulid::from_parts(1, next)
        });
        let Plan::Create(product) = plan else { panic!("{plan:?}") };
        product
    }

    #[test]
    fn prices_and_sales_of_a_sku_become_those_of_the_file() {
        let text = "sku,currency,price,sale_price,sale_from,sale_until\n\
            MUG-1,EUR,9.00,7.00,2026-11-20T00:00:00Z,2026-11-30T00:00:00Z\n\
            MUG-1,EUR,9.00,6.00,2026-12-20T00:00:00Z,\n\
            MUG-1,JPY,1000,,,\n";
        let sheet = read(text, Format::Csv);
        assert!(sheet.flaws.is_empty(), "{:?}", sheet.flaws);
        assert_eq!(sheet.entries[0].rows, [2, 3, 4]);
        let plan = wanted(&sheet, 0).plan(&[2, 3, 4], Some(&mug()), now());
        let Plan::Update(after, changes) = plan else { panic!("{plan:?}") };
        let variant = &after.variants[0];
        assert_eq!((variant.prices.len(), variant.sales.len()), (2, 2));
        assert_eq!(changes.len(), 4, "{changes:?}");
        // The same file once more, and what is exported of it.
        assert_eq!(wanted(&sheet, 0).plan(&[2], Some(&after), now()), Plan::Unchanged);
        let rows = shown(variant, now());
        assert_eq!(rows.len(), 3);
        let mut file = Vec::new();
        exchange::write::csv_row(COLUMNS, &mut file);
        for row in &rows {
            exchange::write::csv_row(COLUMNS.map(|name| row[name].as_str()), &mut file);
        }
        let again = read(std::str::from_utf8(&file).unwrap(), Format::Csv);
        assert_eq!(wanted(&again, 0).plan(&[2], Some(&after), now()), Plan::Unchanged);
        // Without the columns of sales they stay; an empty price takes all of a currency away.
        let bare = read("sku,currency,price\nMUG-1,EUR,\nMUG-1,JPY,900\n", Format::Csv);
        let plan = wanted(&bare, 0).plan(&[2, 3], Some(&after), now());
        let Plan::Update(less, _) = plan else { panic!("{plan:?}") };
        assert_eq!(less.variants[0].prices.len(), 1);
        assert!(less.variants[0].sales.is_empty());
    }

    #[test]
    fn what_contradicts_itself_is_named_and_keeps_its_sku_out() {
        let text = "sku,currency,price,sale_price,sale_from,sale_until\n\
            MUG-1,EUR,9,,,\nMUG-1,EUR,9,,,\nCUP-1,EUR,5,4,,\nCUP-2,EUR,5,,2026-11-20T00:00:00Z,\n\
            CUP-3,EUR,5,4,2026-11-20T00:00:00Z,2026-11-19T00:00:00Z\nCUP-4,XXX,five,,,\n";
        let sheet = read(text, Format::Csv);
        let named: Vec<_> = sheet.flaws.iter().map(|f| (f.row, &*f.code)).collect();
        assert_eq!(
            named,
            [
                (2, "sibling_flawed"),
                (3, "duplicate"),
                (4, "required"),
                (5, "required"),
                (6, "out_of_range"),
                (7, "malformed"),
            ]
        );
        assert!(sheet.entries.is_empty());
        let unknown = read("sku,currency,price\nCAP-1,EUR,5\n", Format::Csv);
        let plan = wanted(&unknown, 0).plan(&[2], None, now());
        assert!(matches!(plan, Plan::Refused(flaws) if flaws[0].code == "unknown_sku"));
    }

    #[test]
    fn a_price_that_is_compared_is_a_sale_from_now_on() {
        let text =
            "Handle,Variant SKU,Variant Price,Variant Compare At Price\nmug,mug-1,6.00,8.00\n";
        let sheet = read(text, Format::Shopify);
        let plan = wanted(&sheet, 0).plan(&[2], Some(&mug()), now());
        let Plan::Update(after, _) = plan else { panic!("{plan:?}") };
        assert_eq!(after.variants[0].price(Currency::EUR, now()).unwrap().amount(), 600);
        assert_eq!(wanted(&sheet, 0).plan(&[2], Some(&after), now()), Plan::Unchanged);
    }
}
