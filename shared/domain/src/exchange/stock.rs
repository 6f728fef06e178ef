//! Stock as rows, one for each SKU and location: what was counted there.
//!
//! | column | what it says | an empty cell |
//! |---|---|---|
//! | `sku` | which SKU | is a flaw |
//! | `location` | the id of a location | is the shop's only one that sells |
//! | `on_hand` | units that are there | is a flaw |
//!
//! A row says how many there are, never how many came: a file that is read twice says the same.

use std::collections::HashMap;

use super::cells::{self, Cells};
use super::table::{self, Layout, Meaning};
use super::{Entry, Flaw, Format, Reading, Sheet, Unit, shopify};
use crate::catalog::Sku;
use crate::id::LocationId;

/// Our columns in the order in which they are written.
pub const COLUMNS: [&str; 3] = ["sku", "location", "on_hand"];
/// Units at one place at most: far beyond any warehouse, far below what could overflow a sum.
const UNITS_MAX: i64 = 1_000_000_000;

/// What a file says of the stock of a SKU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Which SKU.
    pub sku: Sku,
    /// Where; none for the shop's only location.
    pub location: Option<LocationId>,
    /// Units that are there.
    pub on_hand: i64,
}

fn meaning(label: &str) -> Meaning {
    let name = label.trim().to_lowercase().replace([' ', '-'], "_");
    if COLUMNS.contains(&name.as_str()) { Meaning::Column(name) } else { Meaning::Unknown }
}

/// Reads a file of stock.
pub(super) fn read(bytes: &[u8], reading: Reading) -> Result<Sheet, Vec<Flaw>> {
    let is_shopify = reading.format == Format::Shopify;
    let theirs = |label: &str| shopify::meaning(reading.kind, label);
    let layout = Layout {
        format: reading.format,
        meaning: if is_shopify { &theirs } else { &meaning },
        required: &["sku", "on_hand"],
        is_personal: false,
    };
    let (mut flaws, mut entries) = (Vec::new(), Vec::new());
    let mut places: HashMap<(Sku, Option<LocationId>), u32> = HashMap::new();
    let outline = table::rows(bytes, &layout, |row| {
        let number = row.number;
        let mut cells = Cells::new(&row, &mut flaws);
        let is_blank = |column| cells.text(column).is_none_or(|text| text.trim().is_empty());
        if is_shopify && is_blank("sku") && is_blank("on_hand") {
            return;
        }
        let sku = cells.required("sku", |text| {
            if is_shopify { cells::sku(&shopify::sku_text(text)) } else { cells::sku(text) }
        });
        let location = cells.given("location", |text| {
            let wrong = ("malformed_id", "This must be the id of a location.".into());
            LocationId::parse(text.trim()).map_err(|_| wrong)
        });
        let location = location.value();
        let on_hand = cells.required("on_hand", cells::whole(0, UNITS_MAX));
        let (true, Some(sku), Some(on_hand)) = (cells.is_good(), sku, on_hand) else { return };
        if let Some(first) = places.get(&(sku.clone(), location)) {
            let detail = format!("Row {first} has the same SKU and location.");
            cells.flaw("sku", "duplicate", detail);
            return;
        }
        places.insert((sku.clone(), location), number);
        let unit = Unit::Stock(Wanted { sku, location, on_hand });
        entries.push(Entry { rows: vec![number], unit });
    })?;
    flaws.extend(outline.flaws);
    Ok(Sheet { entries, flaws, rows: outline.rows, ignored: outline.ignored })
}

/// A row as it is written.
pub fn shown(sku: &Sku, location: LocationId, on_hand: i64) -> super::Shown {
    let cells = [sku.to_string(), location.to_string(), on_hand.to_string()];
    COLUMNS.iter().map(|column| (*column).to_owned()).zip(cells).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::currency::Currency;
    use crate::exchange::{self, Kind};

    fn read(text: &str, format: Format) -> Result<Sheet, Vec<Flaw>> {
        let reading = Reading { kind: Kind::Stock, format, currency: Currency::EUR };
        exchange::read(text.as_bytes(), reading)
    }

    #[test]
    fn every_wrong_cell_is_named_and_the_others_are_read() {
        let loc = "loc_01ARZ3NDEKTSV4RRFFQ69G5FAV";
        let text = format!(
            "sku,location,on_hand\nMUG-1,,5\nmug,here,many\nMUG-2,{loc},1000000001\nMUG-1,,6\n\
             MUG-1,{loc},7\n,,\n-5,,-5\n"
        );
        let sheet = read(&text, Format::Csv).unwrap();
        let flaws: Vec<_> = sheet
            .flaws
            .iter()
            .map(|flaw| (flaw.row, flaw.column.as_deref().unwrap(), &*flaw.code))
            .collect();
        assert_eq!(
            flaws,
            [
                (3, "sku", "malformed"),
                (3, "location", "malformed_id"),
                (3, "on_hand", "malformed"),
                (4, "on_hand", "out_of_range"),
                (5, "sku", "duplicate"),
                (8, "sku", "malformed"),
                (8, "on_hand", "out_of_range"),
            ]
        );
        assert_eq!((sheet.rows, sheet.entries.len(), sheet.flawed_rows().len()), (6, 2, 4));
    }

    #[test]
    fn shopifys_file_of_products_is_one_of_stock_too() {
        let text = "Handle,Title,Variant SKU,Variant Inventory Qty,Image Src\n\
            mug,Mug,mug blue,4,https://example.com/a.png\nmug,,,,https://example.com/b.png\n";
        let sheet = read(text, Format::Shopify).unwrap();
        let sku = Sku::parse("MUG-BLUE").unwrap();
        let wanted = Wanted { sku, location: None, on_hand: 4 };
        assert_eq!(sheet.entries, [Entry { rows: vec![2], unit: Unit::Stock(wanted) }]);
        assert!(sheet.flaws.is_empty());
    }
}
