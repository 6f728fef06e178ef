//! A file to import, read as everything that a file may be.

use std::collections::BTreeSet;

use domain::currency::Currency;
use domain::exchange::{self, Format, Kind, Reading};

/// Larger files say nothing that smaller ones do not.
const BYTES_MAX: usize = 64 * 1024;

/// Reads the bytes as each kind of file in each format.
pub fn sheet(bytes: &[u8]) {
    if bytes.len() > BYTES_MAX {
        return;
    }
    for kind in Kind::ALL {
        for format in [Format::Csv, Format::Ndjson, Format::Shopify] {
            check(bytes, Reading { kind, format, currency: Currency::EUR });
        }
    }
}

fn check(bytes: &[u8], reading: Reading) {
    let read = exchange::read(bytes, reading);
    // A job that goes on where another one stopped remembers a number, and nothing else.
    assert_eq!(read, exchange::read(bytes, reading), "a file is read in two ways");
    let sheet = match read {
        Ok(sheet) => sheet,
        Err(flaws) => {
            assert!(!flaws.is_empty(), "a file is refused without a reason");
            assert!(flaws.iter().all(|flaw| flaw.row >= 1), "rows are counted from one");
            return;
        }
    };
    assert!(sheet.flaws.is_sorted_by_key(|flaw| flaw.row), "flaws are told by row");
    let flawed = sheet.flawed_rows();
    let mut seen = BTreeSet::new();
    for entry in &sheet.entries {
        assert!(!entry.rows.is_empty(), "something is wanted by no row");
        for row in &entry.rows {
            assert!(*row >= 1 && !flawed.contains(row), "row {row} has a flaw and is wanted");
            seen.insert(*row);
        }
    }
    let rows = usize::try_from(sheet.rows).unwrap_or(usize::MAX);
    assert!(seen.len() <= rows, "more rows are wanted than there are");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(kind: Kind, format: Format, bytes: &[u8]) -> usize {
        let currency = Currency::EUR;
        let read = exchange::read(bytes, Reading { kind, format, currency });
        read.map_or(0, |sheet| sheet.entries.len())
    }

    #[test]
    fn the_corpus_has_a_good_file_of_each_kind() {
        let csv: [(Kind, &[u8]); 4] = [
            (Kind::Stock, include_bytes!("../../../fuzz/corpus/sheet/stock.csv")),
            (Kind::Prices, include_bytes!("../../../fuzz/corpus/sheet/prices.csv")),
            (Kind::Customers, include_bytes!("../../../fuzz/corpus/sheet/customers.csv")),
            (Kind::Products, include_bytes!("../../../fuzz/corpus/sheet/products.csv")),
        ];
        for (kind, bytes) in csv {
            assert!(entries(kind, Format::Csv, bytes) > 0, "{kind:?}");
        }
        let lines = include_bytes!("../../../fuzz/corpus/sheet/prices.ndjson");
        assert_eq!(entries(Kind::Prices, Format::Ndjson, lines), 2);
        let theirs = include_bytes!("../../../fuzz/corpus/sheet/shopify.csv");
        assert_eq!(entries(Kind::Products, Format::Shopify, theirs), 1);
    }
}
