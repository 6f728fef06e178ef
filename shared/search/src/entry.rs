//! What is known of a thing to find it by: a product, an order, a customer.

use domain::catalog::Sku;
use domain::currency::Currency;
use domain::id::Ulid;
use jiff::Timestamp;

use crate::Language;

/// Bytes of the words that titles are sorted by: what is alike so far is alike.
const SORT_BYTES_MAX: usize = 120;

/// A thing as it is indexed.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Which one: all things of an index are of one kind, so what stands before the ULID in their
    /// ids is left out.
    pub id: Ulid,
    /// What names this very thing: its number, its id, an address of mail. Whoever asks for the
    /// whole of one finds it first; whoever asks for its beginning finds it, too.
    pub keys: Vec<String>,
    /// What it is called and said to be, once per language at most.
    pub texts: Vec<Texts>,
    /// Its stock keeping units.
    pub skus: Vec<Sku>,
    /// What it can be filtered and counted by.
    pub tags: Vec<Tag>,
    /// What it costs; what costs nothing is not found by a price.
    pub prices: Vec<Price>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether something of it can be bought now: of equals it comes first.
    pub is_available: bool,
    /// What a list shows of it, as its owner wrote it.
    pub card: Vec<u8>,
}

/// What it says in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texts {
    /// The language.
    pub language: Language,
    /// Its name.
    pub title: String,
    /// Words that name what it is: colours, sizes, categories.
    pub names: String,
    /// Everything else that is said of it.
    pub text: String,
}

/// A value of a facet: `category` is `shirts`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag {
    /// The facet; without a colon.
    pub facet: String,
    /// The value.
    pub value: String,
}

impl Tag {
    /// A value of a facet.
    pub fn new(facet: impl Into<String>, value: impl Into<String>) -> Self {
        Self { facet: facet.into(), value: value.into() }
    }

    pub(crate) fn text(&self) -> String {
        format!("{}:{}", self.facet, self.value)
    }

    pub(crate) fn of(text: &str) -> Option<Self> {
        text.split_once(':').map(|(facet, value)| Self::new(facet, value))
    }
}

/// A price of one of its variants, and when it holds. The lowest that holds is what counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// The currency.
    pub currency: Currency,
    /// In minor units.
    pub amount: i64,
    /// Since when it holds; always, where there is none.
    pub from: Option<Timestamp>,
    /// Until when, which is not included; for ever, where there is none.
    pub until: Option<Timestamp>,
}

/// Bits of an amount: 2.8 × 10^14 minor units.
const AMOUNT_BITS: u32 = 48;
const AMOUNT_MAX: u64 = (1 << AMOUNT_BITS) - 1;

impl Price {
    /// Currency and amount in one number, and the span in another: two columns of equal length.
    pub(crate) fn packed(&self) -> (u64, u64) {
        let amount = u64::try_from(self.amount).unwrap_or(0).min(AMOUNT_MAX);
        let from = self.from.map_or(0, seconds);
        let until = self.until.map_or(u32::MAX, seconds);
        (
            (currency(self.currency) << AMOUNT_BITS) | amount,
            u64::from(from) << 32 | u64::from(until),
        )
    }
}

/// The seconds since 1970, up to 2106.
pub(crate) fn seconds(at: Timestamp) -> u32 {
    u32::try_from(at.as_second().max(0)).unwrap_or(u32::MAX)
}

/// The milliseconds since 1970: what things are sorted by that were made one after the other.
pub(crate) fn milliseconds(at: Timestamp) -> u64 {
    u64::try_from(at.as_millisecond()).unwrap_or(0)
}

/// A currency's three letters as a number.
pub(crate) fn currency(currency: Currency) -> u64 {
    currency
        .code()
        .bytes()
        .fold(0, |number, letter| number * 26 + u64::from(letter.saturating_sub(b'A').min(25)))
}

/// The amount in a packed price, if it is in this currency and holds at that second.
pub(crate) fn holding(packed: u64, span: u64, wanted: u64, second: u32) -> Option<u64> {
    let (from, until) = (span >> 32, span & u64::from(u32::MAX));
    let second = u64::from(second);
    let holds = packed >> AMOUNT_BITS == wanted && from <= second && second < until;
    holds.then_some(packed & AMOUNT_MAX)
}

/// A key as it is indexed and asked for: nobody types the case of a number or an address.
pub(crate) fn key_text(text: &str) -> String {
    text.trim().to_lowercase()
}

/// What titles are sorted by.
pub(crate) fn sort_text(title: &str) -> String {
    let mut text = crate::analysis::words(title).join(" ");
    let mut end = SORT_BYTES_MAX.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_packed_price_holds_in_its_currency_and_its_time() {
        let sale = Price {
            currency: Currency::EUR,
            amount: 1_999,
            from: Some(at(100)),
            until: Some(at(200)),
        };
        let (packed, span) = sale.packed();
        let eur = currency(Currency::EUR);
        assert_eq!(
            [99, 100, 199, 200].map(|s| holding(packed, span, eur, s)),
            [None, Some(1_999), Some(1_999), None]
        );
        assert_eq!(holding(packed, span, currency(Currency::parse("USD").unwrap()), 150), None);
        let always = Price { from: None, until: None, ..sale };
        let (packed, span) = always.packed();
        assert_eq!(holding(packed, span, eur, 0), Some(1_999));
    }

    #[test]
    fn a_tag_is_read_from_its_text() {
        let tag = Tag::new("attribute.fit", "a:b");
        assert_eq!(Tag::of(&tag.text()), Some(tag));
    }

    #[test]
    fn titles_are_sorted_by_their_words() {
        assert_eq!(sort_text("  Äpfel & Birnen "), "apfel birnen");
        assert!(sort_text(&"é".repeat(500)).len() <= SORT_BYTES_MAX);
    }
}
