//! Rows of cells out of the bytes of a file.
//!
//! Our own reader of CSV, because a lenient one guesses: a quote that nobody closed swallows the
//! rest of a file without a word. This one is strict (RFC 4180), names the row, and goes on with
//! the next line. Separators (`,` `;` tab) are found out, and a byte order mark, CRLF, LF and lone
//! CR are taken for what they are.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::Value;

use super::write::unguarded;
use super::{COLUMNS_MAX, FLAWED_ROWS_MAX, Flaw, Format, ROW_BYTES_MAX, ROWS_MAX};

/// Characters of a column's name that are repeated.
const LABEL_CHARS_MAX: usize = 64;

/// What a column's name means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A column of ours.
    Column(String),
    /// A column that is known and of no use here.
    Ignored,
    /// Nothing that we know.
    Unknown,
}

/// What the columns of a kind of file are.
pub(super) struct Layout<'a> {
    /// How the file is written.
    pub(super) format: Format,
    /// What a name means.
    pub(super) meaning: &'a dyn Fn(&str) -> Meaning,
    /// Columns without which no row makes sense.
    pub(super) required: &'a [&'a str],
    /// Whether names of columns may be repeated: without a header, the first row is somebody.
    pub(super) is_personal: bool,
}

/// A cell with the names of its column: ours and the file's.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    pub(super) column: Arc<str>,
    pub(super) label: Arc<str>,
    pub(super) text: String,
}

/// One row.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// As a spreadsheet counts.
    pub(super) number: u32,
    /// Its cells in columns of ours.
    pub(super) cells: Vec<Cell>,
    /// Whether `19,99` is a decimal: where cells are not separated by commas.
    pub(super) has_decimal_commas: bool,
}

/// What was found beside the rows.
#[derive(Debug, Default)]
pub(super) struct Outline {
    pub(super) flaws: Vec<Flaw>,
    pub(super) rows: u32,
    pub(super) ignored: Vec<String>,
}

/// Reads all rows, handing over each that is whole; or says why there are none.
pub(super) fn rows(
    bytes: &[u8],
    layout: &Layout<'_>,
    mut take: impl FnMut(Row),
) -> Result<Outline, Vec<Flaw>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return refused("not_utf8", "The file is UTF-16: save it as UTF-8.");
    }
    match layout.format {
        Format::Csv | Format::Shopify => csv(bytes, layout, &mut take),
        Format::Ndjson => ndjson(bytes, layout, &mut take),
    }
}

fn refused<T>(code: &'static str, detail: &'static str) -> Result<T, Vec<Flaw>> {
    Err(vec![Flaw::of_row(1, code, detail)])
}

/// A column of a header.
struct Head {
    column: Option<Arc<str>>,
    label: Arc<str>,
}

fn csv(
    bytes: &[u8],
    layout: &Layout<'_>,
    take: &mut impl FnMut(Row),
) -> Result<Outline, Vec<Flaw>> {
    let delimiter = delimiter(bytes);
    let mut records = Records { bytes, at: 0, row: 0, delimiter };
    let names = match records.next() {
        None => return refused("empty", "The file has no rows."),
        Some(Err(flaw)) => return Err(vec![flaw]),
        Some(Ok(record)) => record,
    };
    let mut outline = Outline::default();
    let head = header(&names, layout, &mut outline)?;
    for record in records {
        let record = match record {
            Ok(record) => record,
            Err(flaw) => {
                outline.rows += 1;
                outline.flaws.push(flaw);
                check_flaws(&outline)?;
                continue;
            }
        };
        // What spreadsheets leave behind where a row was cleared.
        if record.cells.iter().all(Vec::is_empty) {
            continue;
        }
        outline.rows += 1;
        if outline.rows > ROWS_MAX {
            return Err(too_many_rows());
        }
        if let Some(row) = csv_row(&record, &head, layout, delimiter, &mut outline.flaws) {
            take(row);
        } else {
            check_flaws(&outline)?;
        }
    }
    Ok(outline)
}

fn csv_row(
    record: &Record,
    head: &[Head],
    layout: &Layout<'_>,
    delimiter: u8,
    flaws: &mut Vec<Flaw>,
) -> Option<Row> {
    let number = record.row;
    let (has, wants) = (record.cells.len(), head.len());
    if has != wants {
        let detail = format!("The row has {has} cells and the header {wants}.");
        flaws.push(Flaw::of_row(number, "wrong_cell_count", detail));
        return None;
    }
    let before = flaws.len();
    let mut cells = Vec::with_capacity(wants);
    for (head, bytes) in head.iter().zip(&record.cells) {
        let Some(column) = &head.column else { continue };
        let Ok(text) = str::from_utf8(bytes) else {
            let detail = "These bytes are not UTF-8: save the file as UTF-8.";
            flaws.push(Flaw::of_cell(number, &*head.label, "not_utf8", detail));
            continue;
        };
        let text = if layout.format == Format::Csv { unguarded(text) } else { text };
        let (column, label) = (Arc::clone(column), Arc::clone(&head.label));
        cells.push(Cell { column, label, text: text.to_owned() });
    }
    let has_decimal_commas = delimiter != b',';
    (flaws.len() == before).then_some(Row { number, cells, has_decimal_commas })
}

/// What the columns mean; the flaws instead where a column is missing, unknown or there twice.
fn header(
    names: &Record,
    layout: &Layout<'_>,
    outline: &mut Outline,
) -> Result<Vec<Head>, Vec<Flaw>> {
    let row = names.row;
    if names.cells.len() > COLUMNS_MAX {
        let detail = format!("A file may have {COLUMNS_MAX} columns.");
        return Err(vec![Flaw::of_row(row, "too_many_columns", detail)]);
    }
    let mut flaws = Vec::new();
    let mut head: Vec<Head> = Vec::with_capacity(names.cells.len());
    for (at, bytes) in names.cells.iter().enumerate() {
        let name = str::from_utf8(bytes).unwrap_or_default().trim();
        let meaning = (layout.meaning)(name);
        let label = shown(name, at, meaning != Meaning::Unknown, layout.is_personal);
        let column = match meaning {
            Meaning::Column(column) => Some(Arc::from(column)),
            Meaning::Ignored => {
                outline.ignored.push(label.clone());
                None
            }
            Meaning::Unknown => {
                let detail = "No column of this name is known here.";
                flaws.push(Flaw::of_cell(row, &label, "unknown_column", detail));
                None
            }
        };
        if column.is_some() && head.iter().any(|other| other.column == column) {
            let detail = "Another column of the file means the same.";
            flaws.push(Flaw::of_cell(row, &label, "duplicate_column", detail));
        }
        head.push(Head { column, label: label.into() });
    }
    for wanted in layout.required {
        if !head.iter().any(|head| head.column.as_deref() == Some(*wanted)) {
            let detail = "The file needs this column.";
            flaws.push(Flaw::of_cell(row, *wanted, "missing_column", detail));
        }
    }
    if flaws.is_empty() { Ok(head) } else { Err(flaws) }
}

/// A column's name as it may be repeated: one that is known, or looks like a name.
fn shown(name: &str, at: usize, is_known: bool, is_personal: bool) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || " _-./():".contains(c);
    let looks_like_one =
        !is_personal && !name.is_empty() && name.chars().count() <= LABEL_CHARS_MAX;
    if is_known || (looks_like_one && name.chars().all(is_plain)) {
        name.to_owned()
    } else {
        format!("#{}", at + 1)
    }
}

fn check_flaws(outline: &Outline) -> Result<(), Vec<Flaw>> {
    if outline.flaws.len() <= FLAWED_ROWS_MAX {
        return Ok(());
    }
    let detail = format!("More than {FLAWED_ROWS_MAX} rows have flaws: is it the right file?");
    Err(vec![Flaw::of_row(1, "too_many_flaws", detail)])
}

fn too_many_rows() -> Vec<Flaw> {
    let detail = format!("A file may have {ROWS_MAX} rows: divide it.");
    vec![Flaw::of_row(ROWS_MAX, "too_many_rows", detail)]
}

/// What separates the cells of the first line: whichever of the three stands there most often,
/// outside of quotes.
fn delimiter(bytes: &[u8]) -> u8 {
    let mut counts = [(b',', 0_usize), (b';', 0), (b'\t', 0)];
    let mut is_quoted = false;
    for byte in bytes.iter().take(ROW_BYTES_MAX) {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'\n' | b'\r' if !is_quoted => break,
            byte if !is_quoted => {
                for (delimiter, count) in &mut counts {
                    *count += usize::from(byte == delimiter);
                }
            }
            _ => {}
        }
    }
    // Of equal counts the last wins, so the comma stands there.
    let most = counts.iter().rev().max_by_key(|(_, count)| *count);
    most.map_or(b',', |(delimiter, _)| *delimiter)
}

/// The cells of a row.
struct Record {
    row: u32,
    cells: Vec<Vec<u8>>,
}

/// The rows of a CSV.
struct Records<'a> {
    bytes: &'a [u8],
    at: usize,
    row: u32,
    delimiter: u8,
}

/// What ended a cell.
enum End {
    Cell,
    Row,
}

impl Records<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Steps over the end of a line, if there is one here.
    fn line_end(&mut self) -> bool {
        match self.peek() {
            Some(b'\r') => {
                self.at += 1;
                if self.peek() == Some(b'\n') {
                    self.at += 1;
                }
                true
            }
            Some(b'\n') => {
                self.at += 1;
                true
            }
            _ => false,
        }
    }

    /// Reads one cell; why not, where it can not be one.
    fn cell(&mut self, start: usize, cell: &mut Vec<u8>) -> Result<End, (&'static str, String)> {
        let is_quoted = self.peek() == Some(b'"');
        if is_quoted {
            self.at += 1;
            self.quoted(start, cell)?;
        }
        loop {
            if self.at - start > ROW_BYTES_MAX {
                return Err(too_long());
            }
            match self.peek() {
                None => return Ok(End::Row),
                Some(b'\r' | b'\n') => {
                    self.line_end();
                    return Ok(End::Row);
                }
                Some(byte) if byte == self.delimiter => {
                    self.at += 1;
                    return Ok(End::Cell);
                }
                Some(_) if is_quoted => {
                    let detail = "Something stands between a closing quote and the next cell.";
                    return Err(("misplaced_quote", detail.to_owned()));
                }
                Some(b'"') => {
                    let detail = "A quote stands in a cell that does not begin with one.";
                    return Err(("misplaced_quote", detail.to_owned()));
                }
                Some(byte) => cell.push(byte),
            }
            self.at += 1;
        }
    }

    /// Reads up to the closing quote.
    fn quoted(&mut self, start: usize, cell: &mut Vec<u8>) -> Result<(), (&'static str, String)> {
        loop {
            if self.at - start > ROW_BYTES_MAX {
                return Err(too_long());
            }
            let Some(byte) = self.peek() else {
                let detail = "A quote is opened and never closed.";
                return Err(("open_quote", detail.to_owned()));
            };
            self.at += 1;
            if byte == b'"' {
                if self.peek() != Some(b'"') {
                    return Ok(());
                }
                self.at += 1;
            }
            cell.push(byte);
        }
    }
}

fn too_long() -> (&'static str, String) {
    let detail = format!("A row may have {ROW_BYTES_MAX} bytes. Is a quote not closed?");
    ("row_too_long", detail)
}

impl Iterator for Records<'_> {
    type Item = Result<Record, Flaw>;

    fn next(&mut self) -> Option<Self::Item> {
        self.row += 1;
        while self.line_end() {
            self.row += 1;
        }
        self.peek()?;
        let (row, start) = (self.row, self.at);
        let mut cells = Vec::new();
        loop {
            let mut cell = Vec::new();
            let end = self.cell(start, &mut cell);
            cells.push(cell);
            match end {
                Ok(End::Cell) if cells.len() <= COLUMNS_MAX => {}
                Ok(End::Cell | End::Row) => return Some(Ok(Record { row, cells })),
                Err((code, detail)) => {
                    // On with the next line: whatever is wrong here is not wrong there.
                    self.at = start;
                    while self.peek().is_some() && !self.line_end() {
                        self.at += 1;
                    }
                    return Some(Err(Flaw::of_row(row, code, detail)));
                }
            }
        }
    }
}

/// The members of a JSON object in their order, equal names included.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

fn ndjson(
    bytes: &[u8],
    layout: &Layout<'_>,
    take: &mut impl FnMut(Row),
) -> Result<Outline, Vec<Flaw>> {
    let mut outline = Outline::default();
    for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        outline.rows += 1;
        if outline.rows > ROWS_MAX {
            return Err(too_many_rows());
        }
        let number = u32::try_from(at).unwrap_or(u32::MAX).saturating_add(1);
        if let Some(row) = json_row(number, line, layout, &mut outline) {
            take(row);
        } else {
            check_flaws(&outline)?;
        }
    }
    if outline.rows == 0 {
        return refused("empty", "The file has no rows.");
    }
    Ok(outline)
}

fn json_row(number: u32, line: &[u8], layout: &Layout<'_>, outline: &mut Outline) -> Option<Row> {
    let flaws = &mut outline.flaws;
    if line.len() > ROW_BYTES_MAX {
        let detail = format!("A row may have {ROW_BYTES_MAX} bytes.");
        flaws.push(Flaw::of_row(number, "row_too_long", detail));
        return None;
    }
    let Ok(Members(members)) = serde_json::from_slice(line) else {
        flaws.push(Flaw::of_row(number, "malformed_json", "The line is not one JSON object."));
        return None;
    };
    if members.len() > COLUMNS_MAX {
        let detail = format!("A row may have {COLUMNS_MAX} members.");
        flaws.push(Flaw::of_row(number, "too_many_columns", detail));
        return None;
    }
    let before = flaws.len();
    let mut cells: Vec<Cell> = Vec::with_capacity(members.len());
    for (at, (name, value)) in members.into_iter().enumerate() {
        let meaning = (layout.meaning)(&name);
        let label = shown(&name, at, meaning != Meaning::Unknown, layout.is_personal);
        let mut flaw = |code, detail: &'static str| {
            flaws.push(Flaw::of_cell(number, label.clone(), code, detail));
        };
        let column = match meaning {
            Meaning::Column(column) => column,
            Meaning::Ignored => {
                if !outline.ignored.contains(&label) {
                    outline.ignored.push(label);
                }
                continue;
            }
            Meaning::Unknown => {
                flaw("unknown_column", "No column of this name is known here.");
                continue;
            }
        };
        if cells.iter().any(|cell| *cell.column == *column) {
            flaw("duplicate_column", "Another member of the object means the same.");
            continue;
        }
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text,
            Value::Bool(yes) => yes.to_string(),
            Value::Number(number) if number.is_i64() || number.is_u64() => number.to_string(),
            Value::Number(_) => {
                flaw("fraction", "Write decimals as a text: \"19.99\".");
                continue;
            }
            Value::Array(_) | Value::Object(_) => {
                flaw("not_flat", "This must be a text, a whole number, true, false or null.");
                continue;
            }
        };
        cells.push(Cell { column: column.into(), label: label.into(), text });
    }
    (flaws.len() == before).then_some(Row { number, cells, has_decimal_commas: false })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::exchange::write;

    fn meaning(name: &str) -> Meaning {
        match name {
            "a" | "b" | "c" => Meaning::Column(name.to_owned()),
            "skip" => Meaning::Ignored,
            _ => Meaning::Unknown,
        }
    }

    fn layout(format: Format) -> Layout<'static> {
        Layout { format, meaning: &meaning, required: &["a"], is_personal: false }
    }

    type Found = (Vec<(u32, Vec<String>)>, Vec<(u32, String)>);

    fn found(bytes: &[u8], format: Format) -> Result<Found, Vec<String>> {
        let mut all = Vec::new();
        let outline = rows(bytes, &layout(format), |row| {
            all.push((row.number, row.cells.into_iter().map(|cell| cell.text).collect()));
        });
        let outline = outline.map_err(|flaws| {
            flaws.into_iter().map(|flaw| flaw.code.into_owned()).collect::<Vec<_>>()
        })?;
        Ok((all, outline.flaws.into_iter().map(|f| (f.row, f.code.into_owned())).collect()))
    }

    fn texts(bytes: &str) -> Vec<(u32, Vec<String>)> {
        found(bytes.as_bytes(), Format::Csv).unwrap().0
    }

    fn row(number: u32, cells: &[&str]) -> (u32, Vec<String>) {
        (number, cells.iter().map(|cell| (*cell).to_owned()).collect())
    }

    #[test]
    fn quotes_newlines_and_marks_are_taken_for_what_they_are() {
        let text = "\u{feff}a,b\r\n1,\"x, \"\"y\"\"\r\nz\"\r\n\r\n2,\r\n";
        assert_eq!(texts(text), [row(2, &["1", "x, \"y\"\r\nz"]), row(4, &["2", ""])]);
    }

    #[test]
    fn separators_and_line_ends_are_found_out() {
        assert_eq!(texts("a;b\n1;2,5\n"), [row(2, &["1", "2,5"])]);
        assert_eq!(texts("a\tb\r1\t2"), [row(2, &["1", "2"])]);
        assert_eq!(texts("\"a\",b\n1,2"), [row(2, &["1", "2"])]);
        assert_eq!(texts("a\n1\n\n\n2\n"), [row(2, &["1"]), row(5, &["2"])]);
    }

    #[test]
    fn rows_that_were_cleared_are_passed_over() {
        assert_eq!(texts("a,b\n,\n1,2\n,\n"), [row(3, &["1", "2"])]);
    }

    #[test]
    fn a_broken_row_is_named_and_the_next_one_is_read() {
        let text = "a,b\n1,\"open\n2,x\"y\n3,\"z\"w\n4,5\n6\n7,8,9\n10,11\n";
        let (rows, flaws) = found(text.as_bytes(), Format::Csv).unwrap();
        // The open quote closes in the next row, in the middle of a cell.
        assert_eq!(
            flaws,
            [
                (2, "misplaced_quote".to_owned()),
                (3, "misplaced_quote".to_owned()),
                (4, "misplaced_quote".to_owned()),
                (6, "wrong_cell_count".to_owned()),
                (7, "wrong_cell_count".to_owned()),
            ]
        );
        assert_eq!(rows, [row(5, &["4", "5"]), row(8, &["10", "11"])]);
        let (rows, flaws) = found(b"a,b\n1,\"open\n2,3\n", Format::Csv).unwrap();
        assert_eq!(flaws, [(2, "open_quote".to_owned())]);
        assert_eq!(rows, [row(3, &["2", "3"])]);
    }

    #[test]
    fn what_is_too_much_is_refused() {
        let long = format!("a,b\n1,\"{}\n2,3\n", "x".repeat(ROW_BYTES_MAX));
        let (rows, flaws) = found(long.as_bytes(), Format::Csv).unwrap();
        assert_eq!(flaws, [(2, "row_too_long".to_owned())]);
        assert_eq!(rows, [row(3, &["2", "3"])]);
        let wide = ",".repeat(COLUMNS_MAX);
        assert_eq!(found(wide.as_bytes(), Format::Csv).unwrap_err(), ["too_many_columns"]);
        let broken = format!("a\n{}", "\"\"x\n".repeat(FLAWED_ROWS_MAX + 1));
        assert_eq!(found(broken.as_bytes(), Format::Csv).unwrap_err(), ["too_many_flaws"]);
        let many = format!("a\n{}", "1\n".repeat(ROWS_MAX as usize + 1));
        assert_eq!(found(many.as_bytes(), Format::Csv).unwrap_err(), ["too_many_rows"]);
    }

    #[test]
    fn a_header_must_make_sense() {
        assert_eq!(found(b"", Format::Csv).unwrap_err(), ["empty"]);
        let flaws = found(b"b,x,b,skip\n", Format::Csv).unwrap_err();
        assert_eq!(flaws, ["unknown_column", "duplicate_column", "missing_column"]);
        assert_eq!(found(&[0xff, 0xfe, b'a', 0], Format::Csv).unwrap_err(), ["not_utf8"]);
    }

    #[test]
    fn no_name_that_may_be_a_person_is_repeated() {
        let layout = Layout { is_personal: true, ..layout(Format::Csv) };
        let flaws = rows(b"a,Jane Doe\n", &layout, |_| ()).unwrap_err();
        assert_eq!(flaws[0].column.as_deref(), Some("#2"));
        let layout = Layout { is_personal: false, ..layout };
        let flaws = rows(b"a,jane@example.com,Colour\n", &layout, |_| ()).unwrap_err();
        let columns: Vec<_> = flaws.iter().map(|flaw| flaw.column.as_deref().unwrap()).collect();
        assert_eq!(columns, ["#2", "Colour"]);
    }

    #[test]
    fn bytes_of_another_encoding_are_named_by_their_cell() {
        let (rows, flaws) = found(b"a,b\n1,caf\xe9\n2,ok\n", Format::Csv).unwrap();
        assert_eq!(flaws, [(2, "not_utf8".to_owned())]);
        assert_eq!(rows.len(), 1);
    }

    #[test]
    fn lines_of_json_are_flat_objects_without_fractions() {
        let text = "{\"a\":\"1\",\"b\":2,\"c\":null}\r\n\n{\"a\":true}\n[1]\n{\"a\":1.5}\n\
            {\"a\":[1]}\n{\"a\":1,\"a\":2}\n{\"x\":1}\nnonsense";
        let (rows, flaws) = found(text.as_bytes(), Format::Ndjson).unwrap();
        assert_eq!(rows, [row(1, &["1", "2"]), row(3, &["true"])]);
        let codes: Vec<_> = flaws.iter().map(|(row, code)| (*row, code.as_str())).collect();
        assert_eq!(
            codes,
            [
                (4, "malformed_json"),
                (5, "fraction"),
                (6, "not_flat"),
                (7, "duplicate_column"),
                (8, "unknown_column"),
                (9, "malformed_json"),
            ]
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(all in prop::collection::vec(("\\PC*", "[ -~\r\n\t]*"), 1..8)) {
            let mut file = Vec::new();
            write::csv_row(["a", "b"], &mut file);
            for (a, b) in &all {
                write::csv_row([a.as_str(), b.as_str()], &mut file);
            }
            let (rows, flaws) = found(&file, Format::Csv).unwrap();
            prop_assert!(flaws.is_empty());
            let read: Vec<_> = rows.into_iter().map(|(_, cells)| cells).collect();
            let full = all.iter().filter(|(a, b)| !(a.is_empty() && b.is_empty()));
            let written: Vec<_> = full.map(|(a, b)| vec![a.clone(), b.clone()]).collect();
            prop_assert_eq!(read, written);
        }

        #[test]
        fn no_bytes_make_it_stumble(bytes: Vec<u8>) {
            for format in [Format::Csv, Format::Ndjson, Format::Shopify] {
                let mut file = b"a,b\n".to_vec();
                file.extend(&bytes);
                let _whatever = rows(&file, &layout(format), |_| ());
            }
        }
    }
}
