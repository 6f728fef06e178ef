//! What a carrier says: what a parcel costs, which label goes on it, where it is.
//!
//! The words are ours and one carrier's API knows nothing of another's. Amounts come as decimal
//! text and become whole minor units; a weight becomes whole ounces, rounded up, because that is
//! what is weighed at the counter.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::currency::Currency;
use crate::money::Money;
use crate::shipping::CarrierService;

/// Grams of ten thousand million ounces: an ounce is 28.349523125 g (international yard and pound,
/// 1959).
const GRAMS_OF_OUNCES: (u64, u64) = (283_495_231_250, 10_000_000_000);
/// Micrometres of an inch.
const INCH_UM: u64 = 25_400;

/// What is put on the scale, and how large it is where somebody measured it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packed {
    /// Its weight.
    pub weight_grams: u64,
    /// Length, width and height in millimetres.
    pub size_mm: Option<(u32, u32, u32)>,
}

impl Packed {
    /// Its weight in whole ounces, rounded up; at least one.
    pub fn ounces(&self) -> u64 {
        let (grams, ounces) = GRAMS_OF_OUNCES;
        let scaled = u128::from(self.weight_grams) * u128::from(ounces);
        u64::try_from(scaled.div_ceil(u128::from(grams))).unwrap_or(u64::MAX).max(1)
    }

    /// Its size in whole inches, rounded up.
    pub fn inches(&self) -> Option<(u64, u64, u64)> {
        let inches = |mm: u32| (u64::from(mm) * 1_000).div_ceil(INCH_UM).max(1);
        let (length, width, height) = self.size_mm?;
        Some((inches(length), inches(width), inches(height)))
    }
}

/// An amount in decimal text, as APIs write it: `7.9`, `12.00`, `5`.
///
/// None for what is not a plain, non-negative number, has more places than the currency or does
/// not fit. Zeros at the end do not count as places.
pub fn decimal_money(text: &str, currency: Currency) -> Option<Money> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(part) || text.ends_with('.') {
        return None;
    }
    let part = part.trim_end_matches('0');
    let places = usize::from(currency.exponent());
    if part.len() > places {
        return None;
    }
    let digits = format!("{whole}{part:0<places$}");
    Some(Money::new(digits.parse().ok()?, currency))
}

/// What a carrier's service would cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    /// What to buy it by.
    pub id: String,
    /// Which service.
    pub service: CarrierService,
    /// What it costs.
    pub price: Money,
    /// Days until it arrives, where the carrier says so.
    pub days: Option<u8>,
}

/// What a carrier would take for a parcel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// The carrier's name of the parcel, to buy a label for it.
    pub parcel: String,
    /// Its services.
    pub rates: Vec<Rate>,
}

impl Quote {
    /// The price of a service in a currency; the cheapest, where it is named more than once.
    pub fn price(&self, service: &CarrierService, currency: Currency) -> Option<Money> {
        let rates = self.rates.iter().filter(|rate| rate.service == *service);
        let prices = rates.map(|rate| rate.price).filter(|price| price.currency() == currency);
        prices.min_by_key(|price| price.amount())
    }
}

/// A label that was bought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// The carrier's name of the parcel, to give the label back by.
    pub parcel: String,
    /// What is tracked.
    pub tracking_code: String,
    /// Which service.
    pub service: CarrierService,
    /// What it cost.
    pub price: Money,
    /// Where the label is, to print it.
    pub url: String,
}

/// What became of a label that was given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Voided {
    /// The carrier looks whether it was used; the money follows in days.
    Submitted,
    /// The money is back.
    Refunded,
    /// The carrier keeps the money: the label was used, or is too old.
    Rejected,
}

/// Where a parcel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "TrackingStatus")]
pub enum Tracking {
    /// The label exists, the carrier has nothing yet.
    PreTransit,
    /// On its way.
    InTransit,
    /// In the van.
    OutForDelivery,
    /// Arrived.
    Delivered,
    /// It waits to be fetched.
    AvailableForPickup,
    /// It comes back.
    ReturnToSender,
    /// Lost, damaged, or could not be delivered.
    Failed,
    /// The label was given back.
    Canceled,
    /// The carrier does not say.
    Unknown,
}

impl Tracking {
    /// Whether nothing more is to come.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Delivered | Self::Failed | Self::Canceled)
    }
}

/// What a carrier reports of a parcel by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The carrier's id of the report: the same one may come more than once.
    pub id: String,
    /// Whether it is about a real parcel.
    pub is_live: bool,
    /// Which parcel.
    pub tracking_code: String,
    /// Whose.
    pub carrier: String,
    /// Where it is.
    pub status: Tracking,
    /// When the carrier saw it last, to tell a late report from a new one.
    pub seen_at: Option<Timestamp>,
    /// When it is expected.
    pub expected: Option<Date>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decimal_text_becomes_minor_units() {
        let amount = |text, currency| decimal_money(text, currency).map(Money::amount);
        assert_eq!(amount("7.9", Currency::USD), Some(790));
        assert_eq!(amount("7.90", Currency::USD), Some(790));
        assert_eq!(amount("7.9000", Currency::USD), Some(790));
        assert_eq!(amount("12", Currency::USD), Some(1_200));
        assert_eq!(amount("0.05", Currency::EUR), Some(5));
        assert_eq!(amount("950", Currency::JPY), Some(950));
        assert_eq!(amount("950.00", Currency::JPY), Some(950));
        assert_eq!(amount("1.234", Currency::KWD), Some(1_234));
        for wrong in [
            "",
            ".",
            ".5",
            "5.",
            "-1",
            "+1",
            "1,50",
            "1e3",
            "7.905",
            " 7.9",
            "NaN",
            "٣",
            "0x1",
            "99999999999999999999",
        ] {
            assert_eq!(amount(wrong, Currency::USD), None, "{wrong}");
        }
    }

    #[test]
    fn a_weight_is_rounded_up_to_whole_ounces() {
        let ounces = |weight_grams| Packed { weight_grams, size_mm: None }.ounces();
        assert_eq!(ounces(0), 1);
        assert_eq!(ounces(28), 1);
        assert_eq!(ounces(29), 2);
        assert_eq!(ounces(453), 16); // a pound is 453.59 g
        assert_eq!(ounces(454), 17);
        assert_eq!(ounces(28_349_523_125), 1_000_000_000);
        let packed = Packed { weight_grams: 1, size_mm: Some((254, 255, 1)) };
        assert_eq!(packed.inches(), Some((10, 11, 1)));
    }

    #[test]
    fn a_quote_names_the_cheapest_rate_of_a_service_in_the_currency() {
        let service = |name: &str| CarrierService { carrier: "USPS".into(), service: name.into() };
        let rate = |id: &str, name: &str, price| Rate {
            id: id.into(),
            service: service(name),
            price,
            days: None,
        };
        let usd = |amount| Money::new(amount, Currency::USD);
        let quote = Quote {
            parcel: "shp_1".into(),
            rates: vec![
                rate("1", "Priority", usd(900)),
                rate("2", "Priority", usd(790)),
                rate("3", "Express", usd(100)),
            ],
        };
        assert_eq!(quote.price(&service("Priority"), Currency::USD), Some(usd(790)));
        assert_eq!(quote.price(&service("Priority"), Currency::EUR), None);
        assert_eq!(quote.price(&service("Ground"), Currency::USD), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn what_is_written_with_all_places_is_read_as_it_was(amount in 0..i64::MAX) {
            for currency in [Currency::USD, Currency::JPY, Currency::KWD] {
                let money = Money::new(amount, currency);
                let shown = money.to_string();
                let text = shown.split(' ').next().unwrap();
                prop_assert_eq!(decimal_money(text, currency), Some(money));
            }
        }
    }
}
