//! Cells as values: every cell of a row is read before the row is given up, so every flaw is named.

use std::borrow::Cow;

use jiff::Timestamp;

use super::Flaw;
use super::table::Row;
use crate::catalog::{Sku, Slug};
use crate::currency::Currency;

/// What a file says of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Given<T> {
    /// Nothing: it has no such column, and the value stays as it is.
    #[default]
    Absent,
    /// That there is none.
    Empty,
    /// This one.
    Is(T),
}

impl<T> Given<T> {
    /// The value, if there is one.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Absent | Self::Empty => None,
        }
    }

    /// The value by reference, if there is one.
    pub const fn as_ref(&self) -> Given<&T> {
        match self {
            Self::Absent => Given::Absent,
            Self::Empty => Given::Empty,
            Self::Is(value) => Given::Is(value),
        }
    }

    /// What becomes of a value that may be missing.
    pub fn onto(self, before: Option<T>) -> Option<T> {
        match self {
            Self::Absent => before,
            Self::Empty => None,
            Self::Is(value) => Some(value),
        }
    }

    /// What becomes of a value that is always there: an empty cell leaves it.
    pub fn or_keep(self, before: T) -> T {
        self.value().unwrap_or(before)
    }

    /// Whether the file has no such column.
    pub const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

/// Why a cell's text is no value: a stable name and a sentence.
pub(super) type Wrong = (&'static str, Cow<'static, str>);

/// The cells of one row while it is read.
pub(super) struct Cells<'a> {
    row: &'a Row,
    flaws: &'a mut Vec<Flaw>,
    before: usize,
}

impl<'a> Cells<'a> {
    pub(super) fn new(row: &'a Row, flaws: &'a mut Vec<Flaw>) -> Self {
        let before = flaws.len();
        Self { row, flaws, before }
    }

    /// Whether nothing was wrong so far.
    pub(super) fn is_good(&self) -> bool {
        self.flaws.len() == self.before
    }

    /// The text of a column; none where the file has no such column.
    pub(super) fn text(&self, column: &str) -> Option<&'a str> {
        let cell = self.row.cells.iter().find(|cell| *cell.column == *column)?;
        Some(cell.text.as_str())
    }

    /// The columns that begin like this.
    pub(super) fn columns(&self, prefix: &str) -> Vec<&'a str> {
        let columns = self.row.cells.iter().map(|cell| &*cell.column);
        columns.filter(|column| column.starts_with(prefix)).collect()
    }

    /// Names a flaw of a column, by the name that the file has for it.
    pub(super) fn flaw(
        &mut self,
        column: &str,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) {
        let label = self.row.cells.iter().find(|cell| *cell.column == *column);
        let label = label.map_or(column, |cell| &*cell.label);
        self.flaws.push(Flaw::of_cell(self.row.number, label, code, detail));
    }

    /// Reads a cell that may be empty or missing.
    pub(super) fn given<T>(
        &mut self,
        column: &str,
        parse: impl FnOnce(&str) -> Result<T, Wrong>,
    ) -> Given<T> {
        match self.text(column) {
            None => Given::Absent,
            Some(text) if text.trim().is_empty() => Given::Empty,
            Some(text) => match parse(text) {
                Ok(value) => Given::Is(value),
                Err((code, detail)) => {
                    self.flaw(column, code, detail);
                    Given::Empty
                }
            },
        }
    }

    /// Reads a cell that must be there.
    pub(super) fn required<T>(
        &mut self,
        column: &str,
        parse: impl FnOnce(&str) -> Result<T, Wrong>,
    ) -> Option<T> {
        let before = self.flaws.len();
        let value = self.given(column, parse).value();
        if value.is_none() && self.flaws.len() == before {
            self.flaw(column, "required", "This must not be empty.");
        }
        value
    }

    /// Reads an amount of a currency.
    pub(super) fn amount(&mut self, column: &str, currency: Currency) -> Given<i64> {
        let has_decimal_commas = self.row.has_decimal_commas;
        self.given(column, |text| amount(text, currency, has_decimal_commas))
    }
}

fn malformed<T>(detail: &'static str) -> Result<T, Wrong> {
    Err(("malformed", detail.into()))
}

/// Minor units of a decimal text: `19.99` with the places of the currency, never a float.
pub(super) fn amount(
    text: &str,
    currency: Currency,
    has_decimal_commas: bool,
) -> Result<i64, Wrong> {
    let text = text.trim();
    let comma = if has_decimal_commas && !text.contains('.') { ',' } else { '.' };
    let (whole, part) = text.split_once(comma).unwrap_or((text, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_decimal = !whole.is_empty()
        && is_digits(whole)
        && is_digits(part)
        && (!part.is_empty() || !text.contains(comma));
    if !is_decimal {
        return malformed("This must be a decimal like 19.99, without a sign or a currency.");
    }
    let places = usize::from(currency.exponent());
    // Zeros behind the last place change nothing: Shopify writes 500.00 for 500 yen.
    let (kept, rest) = part.split_at_checked(places).unwrap_or((part, ""));
    if rest.bytes().any(|byte| byte != b'0') {
        let detail = format!("{currency} has {places} decimal places.");
        return Err(("too_precise", detail.into()));
    }
    let minor = format!("{whole}{kept:0<places$}").parse::<i64>();
    match minor {
        Ok(minor) if minor <= AMOUNT_MAX => Ok(minor),
        _ => Err(("out_of_range", "This is more than anything costs.".into())),
    }
}

/// Ten thousand million of the smallest units: what one costs at most.
const AMOUNT_MAX: i64 = 1_000_000_000_000;

/// A decimal text for minor units: the inverse of [`amount`].
pub(super) fn decimal(minor: i64, currency: Currency) -> String {
    let places = usize::from(currency.exponent());
    let digits = format!("{:0>width$}", minor.unsigned_abs(), width = places + 1);
    let sign = if minor < 0 { "-" } else { "" };
    match digits.split_at_checked(digits.len() - places) {
        Some((whole, part)) if places > 0 => format!("{sign}{whole}.{part}"),
        _ => format!("{sign}{digits}"),
    }
}

/// Grams of a decimal text, rounded up: nothing is sent as lighter than it is.
pub(super) fn grams(text: &str) -> Result<u32, Wrong> {
    let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !is_digits(whole) || !is_digits(part) {
        return malformed("This must be a weight in grams.");
    }
    let is_more = part.bytes().any(|byte| byte != b'0');
    let grams = whole.parse::<u32>().ok().and_then(|grams| grams.checked_add(u32::from(is_more)));
    match grams {
        Some(grams) if grams <= WEIGHT_GRAMS_MAX => Ok(grams),
        _ => Err(("out_of_range", "This is heavier than anything that is sent.".into())),
    }
}

/// Ten tonnes.
const WEIGHT_GRAMS_MAX: u32 = 10_000_000;

/// A whole number within bounds.
pub(super) fn whole(min: i64, max: i64) -> impl FnOnce(&str) -> Result<i64, Wrong> {
    move |text| {
        let text = text.trim();
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return malformed("This must be a whole number.");
        }
        match text.parse::<i64>() {
            Ok(number) if (min..=max).contains(&number) => Ok(number),
            _ => Err(("out_of_range", format!("This must be from {min} to {max}.").into())),
        }
    }
}

/// A line of text.
pub(super) fn line(max: usize) -> impl FnOnce(&str) -> Result<String, Wrong> {
    move |text| bounded(text.trim(), max, char::is_control)
}

/// Text of several lines.
pub(super) fn lines(max: usize) -> impl FnOnce(&str) -> Result<String, Wrong> {
    move |text| {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        bounded(text.trim(), max, |c| c.is_control() && c != '\n' && c != '\t')
    }
}

fn bounded(text: &str, max: usize, is_refused: impl Fn(char) -> bool) -> Result<String, Wrong> {
    if text.chars().any(is_refused) {
        return Err(("not_allowed", "This must not contain control characters.".into()));
    }
    if text.chars().count() > max {
        return Err(("too_long", format!("This must have at most {max} characters.").into()));
    }
    Ok(text.to_owned())
}

/// A stock keeping unit.
pub(super) fn sku(text: &str) -> Result<Sku, Wrong> {
    let wrong = ("malformed", "This must be 3 to 40 of A-Z, 0-9 and dashes.".into());
    Sku::parse(text.trim()).ok_or(wrong)
}

/// A readable name in an address.
pub(super) fn slug(text: &str) -> Result<Slug, Wrong> {
    let wrong = ("malformed", "This must be 2 to 80 of a-z, 0-9 and dashes.".into());
    Slug::parse(text.trim()).ok_or(wrong)
}

/// A list of readable names with bars between them.
pub(super) fn slugs(max: usize) -> impl FnOnce(&str) -> Result<Vec<Slug>, Wrong> {
    move |text| {
        let mut all = Vec::new();
        for part in text.split('|').map(str::trim).filter(|part| !part.is_empty()) {
            let slug = slug(part)?;
            if !all.contains(&slug) {
                all.push(slug);
            }
        }
        if all.len() > max {
            return Err(("too_many", format!("There may be {max} of these.").into()));
        }
        Ok(all)
    }
}

/// A currency's code.
pub(super) fn currency(text: &str) -> Result<Currency, Wrong> {
    let wrong = ("malformed", "This must be the code of a currency, like EUR.".into());
    Currency::parse(text.trim()).ok_or(wrong)
}

/// A yes or a no, as spreadsheets write them.
pub(super) fn yes_or_no(text: &str) -> Result<bool, Wrong> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => Ok(true),
        "false" | "no" | "0" => Ok(false),
        _ => malformed("This must be true or false."),
    }
}

/// A moment.
pub(super) fn moment(text: &str) -> Result<Timestamp, Wrong> {
    let wrong = ("malformed", "This must be a time like 2026-11-21T09:00:00Z.".into());
    text.trim().parse().map_err(|_| wrong)
}

/// One of a few words.
pub(super) fn one_of<T: Copy>(
    words: &'static [(&'static str, T)],
) -> impl FnOnce(&str) -> Result<T, Wrong> {
    move |text| {
        let text = text.trim();
        let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
        found.map(|(_, value)| *value).ok_or_else(|| {
            let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            ("not_allowed", format!("This must be one of: {}.", names.join(", ")).into())
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn minor(text: &str, currency: Currency, commas: bool) -> Result<i64, &'static str> {
        amount(text, currency, commas).map_err(|(code, _)| code)
    }

    #[test]
    fn an_amount_has_the_places_of_its_currency() {
        for (text, currency, expected) in [
            ("19.99", Currency::EUR, Ok(1999)),
            (" 19.9 ", Currency::EUR, Ok(1990)),
            ("19", Currency::EUR, Ok(1900)),
            ("0.05", Currency::EUR, Ok(5)),
            ("19.990", Currency::EUR, Ok(1999)),
            ("19.999", Currency::EUR, Err("too_precise")),
            ("500", Currency::JPY, Ok(500)),
            ("500.00", Currency::JPY, Ok(500)),
            ("500.5", Currency::JPY, Err("too_precise")),
            ("5.12", Currency::KWD, Ok(5120)),
            ("19,99", Currency::EUR, Err("malformed")),
            ("1,999.00", Currency::EUR, Err("malformed")),
            ("-1", Currency::EUR, Err("malformed")),
            ("1e3", Currency::EUR, Err("malformed")),
            (".5", Currency::EUR, Err("malformed")),
            ("5.", Currency::EUR, Err("malformed")),
            ("€5", Currency::EUR, Err("malformed")),
            ("99999999999999999999", Currency::EUR, Err("out_of_range")),
            ("10000000000.01", Currency::EUR, Err("out_of_range")),
        ] {
            assert_eq!(minor(text, currency, false), expected, "{text}");
        }
        assert_eq!(minor("19,99", Currency::EUR, true), Ok(1999));
        assert_eq!(minor("19.99", Currency::EUR, true), Ok(1999));
        assert_eq!(minor("1.999,00", Currency::EUR, true), Err("malformed"));
    }

    #[test]
    fn a_weight_is_rounded_up_to_whole_grams() {
        for (text, expected) in [("500", 500), ("500.0", 500), ("45.36", 46), ("0.01", 1)] {
            assert_eq!(grams(text), Ok(expected), "{text}");
        }
        for wrong in ["-1", "1,5", "1kg", "10000001", "99999999999"] {
            assert!(grams(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn text_keeps_its_lines_and_nothing_that_is_not_seen() {
        assert_eq!(lines(9)(" a\r\nb\rc "), Ok("a\nb\nc".to_owned()));
        assert!(line(9)("a\nb").is_err());
        assert!(lines(9)("a\u{0}b").is_err());
        assert_eq!(lines(3)("abcd").unwrap_err().0, "too_long");
    }

    #[test]
    fn an_empty_cell_clears_what_may_be_missing_and_leaves_what_may_not() {
        assert_eq!(Given::Empty.onto(Some(1)), None);
        assert_eq!(Given::Absent.onto(Some(1)), Some(1));
        assert_eq!(Given::Empty.or_keep(1), 1);
        assert_eq!(Given::Is(2).or_keep(1), 2);
    }

    proptest! {
        #[test]
        fn an_amount_survives_its_decimal_text(minor in 0..=AMOUNT_MAX) {
            for currency in [Currency::EUR, Currency::JPY, Currency::KWD] {
                let text = decimal(minor, currency);
                prop_assert_eq!(super::amount(&text, currency, false), Ok(minor), "{}", text);
            }
        }
    }
}
