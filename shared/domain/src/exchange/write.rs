//! Rows as bytes: CSV that no spreadsheet takes for a program, and lines of JSON.
//!
//! A cell that begins with `=`, `+`, `-`, `@`, a tab or a line's end is a formula to a spreadsheet,
//! and a formula can send the neighbouring cells to somebody. Such a cell gets an apostrophe in
//! front, plain numbers excepted, and so does a cell whose own apostrophes would be taken for ours.
//! Reading takes exactly one of them away again, so that text survives the round trip. (OWASP, CSV
//! injection.)

use serde_json::{Map, Value};

/// What Excel wants to see before it believes in UTF-8.
pub const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Whether a spreadsheet would reckon instead of showing the text.
fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n'])
}

/// Digits with at most one sign and one point: nothing to be reckoned.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    is_digits(whole) && is_digits(part)
}

/// The text as it may stand in a cell.
pub fn guarded(text: &str) -> std::borrow::Cow<'_, str> {
    let bare = text.trim_start_matches('\'');
    let is_plain_number = bare.len() == text.len() && is_number(text);
    if is_formula(bare) && !is_plain_number { format!("'{text}").into() } else { text.into() }
}

/// The text that a cell stands for: without the apostrophe that [`guarded`] has put before it.
pub fn unguarded(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if is_formula(text.trim_start_matches('\'')) => text,
        _ => cell,
    }
}

/// Writes a row of CSV (RFC 4180).
pub fn csv_row<'a>(cells: impl IntoIterator<Item = &'a str>, out: &mut Vec<u8>) {
    for (at, text) in cells.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        let text = guarded(text);
        if text.contains([',', ';', '\t', '"', '\r', '\n']) {
            out.push(b'"');
            out.extend(text.replace('"', "\"\"").bytes());
            out.push(b'"');
        } else {
            out.extend(text.bytes());
        }
    }
    out.extend(b"\r\n");
}

/// Writes a line of JSON. What is empty is left out, but for what a row can not be without.
pub fn json_row<'a>(columns: impl IntoIterator<Item = (&'a str, &'a str)>, out: &mut Vec<u8>) {
    let members: Map<String, Value> =
        columns.into_iter().map(|(name, text)| (name.to_owned(), Value::from(text))).collect();
    out.extend(Value::Object(members).to_string().bytes());
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_formula_gets_an_apostrophe_and_a_number_none() {
        for formula in
            ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "--1", "-"]
        {
            assert_eq!(guarded(formula), format!("'{formula}"));
        }
        for plain in ["-5", "+49", "-19.99", "0", "", "a=b", "'tis", "it's", "1-2"] {
            assert_eq!(guarded(plain), plain);
            assert_eq!(unguarded(plain), plain);
        }
    }

    #[test]
    fn a_row_is_quoted_where_it_must_be() {
        let mut out = Vec::new();
        csv_row(["a", "b,c", "d\"e", "f\ng", "=h"], &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), "a,\"b,c\",\"d\"\"e\",\"f\ng\",'=h\r\n");
    }

    proptest! {
        #[test]
        fn every_text_comes_back_and_none_is_a_formula(text in "[-'=+@\t\r\n0-9a.]{0,8}") {
            let cell = guarded(&text);
            prop_assert!(!is_formula(&cell) || is_number(&cell), "{cell:?}");
            prop_assert_eq!(unguarded(&cell), text.as_str());
        }
    }
}
