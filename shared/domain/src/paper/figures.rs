//! Amounts, shares and days as a language writes them.
//!
//! The code of the currency stands behind the amount in every language, as in our letters: `$` is
//! the money of two dozen countries. Days have their month in letters, so that no reader takes one
//! for the other.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::catalog::Locale;
use crate::money::Money;
use crate::paper::words::Language;

/// Between digits and unit: they are never torn apart.
const NO_BREAK: char = '\u{a0}';
/// Between groups of digits where a language puts a space there (ISO 80000-1).
const NARROW: char = '\u{202f}';

/// How digits are grouped, and what stands before the fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Marks {
    group: char,
    decimal: char,
}

impl Marks {
    /// As in CLDR, for the languages and countries that differ from `1,234.50`.
    fn of(locale: &Locale) -> Self {
        let (language, region) = match locale.as_str().split_once('-') {
            Some((language, region)) => (language, region),
            None => (locale.as_str(), ""),
        };
        let (group, decimal) = match (language, region) {
            ("de" | "fr" | "it", "CH" | "LI") => ('’', '.'),
            ("es", "MX" | "US" | "GT" | "HN" | "NI" | "SV" | "PA" | "PE" | "DO" | "PR") => {
                (',', '.')
            }
            (
                "de" | "es" | "it" | "nl" | "da" | "pt" | "tr" | "id" | "el" | "ro" | "hr" | "sl",
                _,
            ) => ('.', ','),
            (
                "fr" | "sv" | "nb" | "nn" | "no" | "fi" | "cs" | "sk" | "pl" | "hu" | "uk" | "ru"
                | "bg" | "et" | "lv" | "lt",
                _,
            ) => (NARROW, ','),
            _ => (',', '.'),
        };
        Self { group, decimal }
    }

    /// Whole digits in groups of three.
    fn grouped(self, digits: &str) -> String {
        let mut text = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                text.push(self.group);
            }
            text.push(digit);
        }
        text
    }
}

/// An amount with its currency: `1.234,50 EUR`, `1,234 JPY`, `-0.500 KWD`.
pub fn amount(money: Money, locale: &Locale) -> String {
    let marks = Marks::of(locale);
    let exponent = usize::from(money.currency().exponent());
    let digits = format!("{:0>width$}", money.amount().unsigned_abs(), width = exponent + 1);
    let (whole, fraction) = digits.split_at(digits.len() - exponent);
    let mut text = if money.is_negative() { "-".to_owned() } else { String::new() };
    text.push_str(&marks.grouped(whole));
    if !fraction.is_empty() {
        text.push(marks.decimal);
        text.push_str(fraction);
    }
    text.push(NO_BREAK);
    text.push_str(money.currency().code());
    text
}

/// A share of parts per million as per cent: `19 %`, `5,5 %`, `8.875%`.
pub fn percent(ppm: u32, locale: &Locale) -> String {
    let marks = Marks::of(locale);
    let (whole, rest) = (ppm / 10_000, ppm % 10_000);
    let mut text = whole.to_string();
    let fraction = format!("{rest:04}");
    let fraction = fraction.trim_end_matches('0');
    if !fraction.is_empty() {
        text.push(marks.decimal);
        text.push_str(fraction);
    }
    let is_close = matches!(locale.as_str().split('-').next(), Some("en" | "it" | "nl" | "pt"));
    if !is_close {
        text.push(NO_BREAK);
    }
    text.push('%');
    text
}

/// The day that UTC has then: `22. November 2026`, `November 22, 2026`.
pub fn day(at: Timestamp, locale: &Locale) -> String {
    let date = at.to_zoned(TimeZone::UTC).date();
    let language = Language::of(locale);
    let month = usize::try_from(date.month() - 1).unwrap_or(0);
    let month = language.months().get(month).copied().unwrap_or_default();
    let (day, year) = (date.day(), date.year());
    match language {
        Language::English if locale.as_str() == "en-US" => format!("{month} {day}, {year}"),
        Language::French if day == 1 => format!("1er {month} {year}"),
        Language::English | Language::French | Language::Italian => {
            format!("{day} {month} {year}")
        }
        Language::German => format!("{day}. {month} {year}"),
        Language::Spanish => format!("{day} de {month} de {year}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::currency::Currency;

    fn locale(text: &str) -> Locale {
        Locale::parse(text).unwrap()
    }

    fn plain(text: &str) -> String {
        text.replace([NO_BREAK, NARROW], " ")
    }

    #[test]
    fn amounts_have_the_marks_of_their_language_and_the_decimals_of_their_currency() {
        let table = [
            ("en", 1_234_567, Currency::EUR, "12,345.67 EUR"),
            ("de", 1_234_567, Currency::EUR, "12.345,67 EUR"),
            ("de-CH", 1_234_567, Currency::CHF, "12’345.67 CHF"),
            ("fr", 1_234_567, Currency::EUR, "12 345,67 EUR"),
            ("es-MX", 1_234_567, Currency::MXN, "12,345.67 MXN"),
            ("ja", 1_234_567, Currency::JPY, "1,234,567 JPY"),
            ("en", 1_234_567, Currency::KWD, "1,234.567 KWD"),
            ("en", -5, Currency::KWD, "-0.005 KWD"),
            ("de", -5, Currency::EUR, "-0,05 EUR"),
            ("de", 0, Currency::JPY, "0 JPY"),
            ("en", i64::MIN, Currency::JPY, "-9,223,372,036,854,775,808 JPY"),
        ];
        for (language, minor, currency, written) in table {
            let text = amount(Money::new(minor, currency), &locale(language));
            assert_eq!(plain(&text), written, "{language}");
        }
    }

    #[test]
    fn rates_are_written_without_idle_digits() {
        let table = [
            ("de", 190_000, "19 %"),
            ("fr", 55_000, "5,5 %"),
            ("en-US", 88_750, "8.875%"),
            ("en", 0, "0%"),
            ("en", 1_000_000, "100%"),
        ];
        for (language, ppm, written) in table {
            assert_eq!(plain(&percent(ppm, &locale(language))), written);
        }
    }

    #[test]
    fn a_day_has_its_month_in_letters() {
        let at = Timestamp::from_second(1_794_000_000).unwrap();
        let table = [
            ("en", "6 November 2026"),
            ("en-US", "November 6, 2026"),
            ("de-AT", "6. November 2026"),
            ("fr", "6 novembre 2026"),
            ("es", "6 de noviembre de 2026"),
            ("it", "6 novembre 2026"),
            ("ja", "6 November 2026"),
        ];
        for (language, written) in table {
            assert_eq!(day(at, &locale(language)), written);
        }
    }
}
