//! Shipping: which methods serve a destination, and what each costs for this parcel.
//!
//! All of it is data. The most specific zone that contains the destination decides (a postal prefix
//! beats its country); of a method's tiers the first that takes the parcel sets the price. A shop's
//! tiers may refuse a parcel on purpose; where they do it by accident, in the middle of what they
//! cover, [`ShippingTable::gaps`] says so.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::address::{Country, postal_key};
use crate::currency::Currency;
use crate::money::Money;

/// Zones in one table: every country on its own, with room for islands.
pub const ZONES_MAX: usize = 300;
/// Methods in one table; options are computed on every cart view.
pub const METHODS_MAX: usize = 300;
/// Tiers of one method in one currency; [`ShippingTable::gaps`] looks at their square.
pub const TIERS_MAX: usize = 50;
/// Characters in the id of a zone or method.
pub const ID_CHARS_MAX: usize = 40;

/// The shop's own name of a method: `standard`, `express-eu`. Lower case letters, digits, `-` and
/// `_`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct ShippingOptionId(
    #[schemars(length(min = 1, max = ID_CHARS_MAX), regex(pattern = "^[a-z0-9_-]+$"))] String,
);

impl ShippingOptionId {
    /// The id of that text, if it is one.
    pub fn parse(id: &str) -> Option<Self> {
        is_id(id).then(|| Self(id.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ShippingOptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl<'de> Deserialize<'de> for ShippingOptionId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&id).ok_or_else(|| de::Error::custom("is not a shipping option id"))
    }
}

fn is_id(id: &str) -> bool {
    (1..=ID_CHARS_MAX).contains(&id.len())
        && id
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'))
}

/// Places that cost the same to send to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    /// What methods call it.
    pub id: String,
    /// What staff call it.
    pub name: String,
    /// Where it is.
    pub countries: Vec<ZoneCountry>,
}

/// A country, or the parts of it whose postal codes start in one of these ways.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ZoneCountry {
    /// The country.
    pub country: Country,
    /// None: all of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub postal_prefixes: Vec<String>,
}

/// A way to send a parcel to a zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Method {
    /// What a cart remembers.
    pub id: ShippingOptionId,
    /// What the shopper reads.
    pub name: String,
    /// The zone's id.
    pub zone: String,
    /// Per currency, what it costs; the first tier that takes the parcel counts. A currency that is
    /// missing is not offered.
    pub tiers: BTreeMap<Currency, Vec<Tier>>,
    /// Per currency, the subtotal in minor units from which it costs nothing. A parcel that no tier
    /// takes is not sent for free either.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub free_over: BTreeMap<Currency, i64>,
    /// Fewest and most working days until it arrives.
    pub lead_days: (u8, u8),
}

/// A price for parcels up to a weight, worth at least one amount and less than another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// The heaviest parcel it takes; any where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_weight_grams: Option<u64>,
    /// The least subtotal it takes, in minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_subtotal: Option<i64>,
    /// The first subtotal it takes no more, in minor units, so that one tier's end is the next
    /// one's beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_subtotal: Option<i64>,
    /// What it costs, in minor units.
    pub price: i64,
}

impl Tier {
    fn takes(&self, weight_grams: u64, subtotal: i64) -> bool {
        self.max_weight_grams.is_none_or(|max| weight_grams <= max)
            && self.min_subtotal.is_none_or(|min| subtotal >= min)
            && self.max_subtotal.is_none_or(|max| subtotal < max)
    }
}

/// What is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parcel {
    /// Its weight, of the physical goods alone.
    pub weight_grams: u64,
    /// What the goods cost; its currency is the one the shopper pays in.
    pub subtotal: Money,
}

/// A method that takes the parcel, with its price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShippingOption {
    /// What to choose it by.
    pub id: ShippingOptionId,
    /// What the shopper reads.
    pub name: String,
    /// What it costs, with or without tax as all prices of the destination.
    pub price: Money,
    /// Fewest and most working days until it arrives.
    pub lead_days: (u8, u8),
}

/// Why zones and methods are no table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// More zones, methods or tiers than the limits allow.
    TooMany,
    /// An id that is empty, too long or not made of `a-z0-9-_`.
    InvalidId(String),
    /// Two zones or two methods of one id.
    DuplicateId(String),
    /// A method to a zone that does not exist.
    UnknownZone(String),
    /// Two zones claim the same place; which would win is an accident.
    DuplicatePlace {
        /// Where.
        country: Country,
    },
    /// A postal prefix without a letter or digit.
    EmptyPostalPrefix {
        /// Where.
        country: Country,
    },
    /// A price or threshold below zero.
    Negative(ShippingOptionId),
    /// A tier that takes no parcel, or lead days that end before they begin.
    EmptyRange(ShippingOptionId),
}

impl Refusal {
    /// The stable name callers see.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooMany => "too_many",
            Self::InvalidId(_) => "invalid_id",
            Self::DuplicateId(_) => "duplicate_id",
            Self::UnknownZone(_) => "unknown_zone",
            Self::DuplicatePlace { .. } => "duplicate_place",
            Self::EmptyPostalPrefix { .. } => "empty_postal_prefix",
            Self::Negative(_) => "negative_price",
            Self::EmptyRange(_) => "empty_range",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany => write!(
                f,
                "at most {ZONES_MAX} zones, {METHODS_MAX} methods and {TIERS_MAX} tiers each"
            ),
            Self::InvalidId(id) => write!(f, "{id:?} is not an id"),
            Self::DuplicateId(id) => write!(f, "{id} is there twice"),
            Self::UnknownZone(id) => write!(f, "there is no zone {id}"),
            Self::DuplicatePlace { country } => {
                write!(f, "two zones are the same part of {country}")
            }
            Self::EmptyPostalPrefix { country } => {
                write!(f, "a zone of {country} has an empty postal prefix")
            }
            Self::Negative(id) => write!(f, "{id} has a price or threshold below zero"),
            Self::EmptyRange(id) => write!(f, "{id} has a range without anything in it"),
        }
    }
}

impl std::error::Error for Refusal {}

/// A parcel that a method does not take although it takes lighter or heavier, cheaper and dearer
/// ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Gap {
    /// Whose.
    pub method: ShippingOptionId,
    /// The weight of one parcel in the gap.
    pub weight_grams: u64,
    /// Its subtotal.
    pub subtotal: Money,
}

/// Everything the shop knows about sending.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Unchecked", deny_unknown_fields)]
pub struct ShippingTable {
    zones: Vec<Zone>,
    methods: Vec<Method>,
}

/// A table as it arrives, before anybody looked at it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ShippingTable")]
struct Unchecked {
    zones: Vec<Zone>,
    methods: Vec<Method>,
}

impl TryFrom<Unchecked> for ShippingTable {
    type Error = Refusal;

    fn try_from(table: Unchecked) -> Result<Self, Refusal> {
        Self::new(table.zones, table.methods)
    }
}

impl ShippingTable {
    /// A table of zones and the methods that serve them.
    pub fn new(zones: Vec<Zone>, methods: Vec<Method>) -> Result<Self, Refusal> {
        if zones.len() > ZONES_MAX || methods.len() > METHODS_MAX {
            return Err(Refusal::TooMany);
        }
        let mut zone_ids = BTreeSet::new();
        let mut places = BTreeSet::new();
        for zone in &zones {
            if !is_id(&zone.id) {
                return Err(Refusal::InvalidId(zone.id.clone()));
            }
            if !zone_ids.insert(zone.id.as_str()) {
                return Err(Refusal::DuplicateId(zone.id.clone()));
            }
            check_places(zone, &mut places)?;
        }
        let mut method_ids = BTreeSet::new();
        for method in &methods {
            if !method_ids.insert(&method.id) {
                return Err(Refusal::DuplicateId(method.id.as_str().to_owned()));
            }
            if !zone_ids.contains(method.zone.as_str()) {
                return Err(Refusal::UnknownZone(method.zone.clone()));
            }
            check_method(method)?;
        }
        Ok(Self { zones, methods })
    }

    /// The zones, as declared.
    pub fn zones(&self) -> &[Zone] {
        &self.zones
    }

    /// The methods, as declared.
    pub fn methods(&self) -> &[Method] {
        &self.methods
    }

    /// The ways to send a parcel to a destination, cheapest first, then fastest, then by id. None
    /// where the shop does not send to, or not such a parcel, or not in its currency.
    pub fn options(
        &self,
        country: Country,
        postal_code: &str,
        parcel: &Parcel,
    ) -> Vec<ShippingOption> {
        let Some(zone) = self.zone(country, postal_code) else {
            return Vec::new();
        };
        let mut options: Vec<ShippingOption> = self
            .methods
            .iter()
            .filter(|method| method.zone == zone.id)
            .filter_map(|method| {
                Some(ShippingOption {
                    id: method.id.clone(),
                    name: method.name.clone(),
                    price: method.price(parcel)?,
                    lead_days: method.lead_days,
                })
            })
            .collect();
        options.sort_by(|a, b| {
            let key = |o: &ShippingOption| (o.price.amount(), o.lead_days.1, o.lead_days.0);
            key(a).cmp(&key(b)).then_with(|| a.id.cmp(&b.id))
        });
        options
    }

    /// The zone of a destination: the one with the longest matching postal prefix, else the one
    /// with the whole country.
    pub fn zone(&self, country: Country, postal_code: &str) -> Option<&Zone> {
        let postal = postal_key(postal_code);
        // Two zones of one fit would claim the same place, which `new` refuses.
        self.zones
            .iter()
            .filter_map(|zone| zone.fit(country, &postal).map(|fit| (fit, zone)))
            .max_by_key(|(fit, _)| *fit)
            .map(|(_, zone)| zone)
    }

    /// Parcels that fall between the tiers, one for every hole: for the shop's owner to look at.
    ///
    /// A method's tiers are meant to cover everything from their least to their greatest subtotal
    /// and up to their greatest weight. Beyond that they refuse on purpose.
    pub fn gaps(&self) -> Vec<Gap> {
        let mut gaps = Vec::new();
        for method in &self.methods {
            for (currency, tiers) in &method.tiers {
                gaps.extend(corners(tiers).into_iter().map(|(weight_grams, subtotal)| Gap {
                    method: method.id.clone(),
                    weight_grams,
                    subtotal: Money::new(subtotal, *currency),
                }));
            }
        }
        gaps
    }
}

impl Zone {
    /// The length of the longest postal prefix that matches; zero for the whole country.
    fn fit(&self, country: Country, postal: &str) -> Option<usize> {
        self.countries
            .iter()
            .filter(|part| part.country == country)
            .filter_map(|part| part.fit(postal))
            .max()
    }
}

impl ZoneCountry {
    fn fit(&self, postal: &str) -> Option<usize> {
        if self.postal_prefixes.is_empty() {
            return Some(0);
        }
        let prefixes = self.postal_prefixes.iter().map(|prefix| postal_key(prefix));
        prefixes.filter(|prefix| postal.starts_with(prefix)).map(|prefix| prefix.len()).max()
    }
}

impl Method {
    fn price(&self, parcel: &Parcel) -> Option<Money> {
        let (subtotal, currency) = (parcel.subtotal.amount(), parcel.subtotal.currency());
        let tiers = self.tiers.get(&currency)?;
        let tier = tiers.iter().find(|tier| tier.takes(parcel.weight_grams, subtotal))?;
        let is_free = self.free_over.get(&currency).is_some_and(|least| subtotal >= *least);
        Some(Money::new(if is_free { 0 } else { tier.price }, currency))
    }
}

/// The corners of what the tiers cover that no tier takes.
///
/// Whether a parcel is taken changes only just above a tier's weight and at the ends of its
/// subtotals, so a hole that has a parcel in it has one of these corners.
fn corners(tiers: &[Tier]) -> Vec<(u64, i64)> {
    let heaviest = tiers.iter().map(|t| t.max_weight_grams.unwrap_or(u64::MAX)).max();
    let least = tiers.iter().map(|t| t.min_subtotal.unwrap_or(0)).min();
    let greatest = tiers.iter().map(|t| t.max_subtotal.unwrap_or(i64::MAX)).max();
    let (Some(heaviest), Some(least), Some(greatest)) = (heaviest, least, greatest) else {
        return Vec::new();
    };
    let above = tiers.iter().filter_map(|t| t.max_weight_grams?.checked_add(1));
    let weights: BTreeSet<u64> = above.chain([0]).filter(|weight| *weight <= heaviest).collect();
    let ends = tiers.iter().flat_map(|t| [t.min_subtotal, t.max_subtotal]).flatten();
    let subtotals: BTreeSet<i64> =
        ends.chain([least]).filter(|s| (least..greatest).contains(s)).collect();

    let mut corners = Vec::new();
    for weight in &weights {
        for subtotal in &subtotals {
            if !tiers.iter().any(|tier| tier.takes(*weight, *subtotal)) {
                corners.push((*weight, *subtotal));
            }
        }
    }
    corners
}

fn check_places(zone: &Zone, places: &mut BTreeSet<(Country, String)>) -> Result<(), Refusal> {
    for part in &zone.countries {
        let country = part.country;
        let keys: Vec<String> = match part.postal_prefixes.as_slice() {
            [] => vec![String::new()],
            prefixes => prefixes.iter().map(|prefix| postal_key(prefix)).collect(),
        };
        if !part.postal_prefixes.is_empty() && keys.iter().any(String::is_empty) {
            return Err(Refusal::EmptyPostalPrefix { country });
        }
        for key in keys {
            if !places.insert((country, key)) {
                return Err(Refusal::DuplicatePlace { country });
            }
        }
    }
    Ok(())
}

fn check_method(method: &Method) -> Result<(), Refusal> {
    if method.tiers.values().any(|tiers| tiers.len() > TIERS_MAX) {
        return Err(Refusal::TooMany);
    }
    let id = || method.id.clone();
    if method.lead_days.0 > method.lead_days.1 {
        return Err(Refusal::EmptyRange(id()));
    }
    if method.free_over.values().any(|least| *least < 0) {
        return Err(Refusal::Negative(id()));
    }
    for tier in method.tiers.values().flatten() {
        let least = tier.min_subtotal.unwrap_or(0);
        if tier.price < 0 || least < 0 {
            return Err(Refusal::Negative(id()));
        }
        if tier.max_subtotal.is_some_and(|end| end <= least) {
            return Err(Refusal::EmptyRange(id()));
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::needless_raw_string_hashes)] // expect-test writes them
mod tests {
    use expect_test::expect;
    use proptest::prelude::*;

    use super::*;

    fn id(text: &str) -> ShippingOptionId {
        ShippingOptionId::parse(text).unwrap()
    }

    fn tier(max_weight_grams: Option<u64>, price: i64) -> Tier {
        Tier { max_weight_grams, min_subtotal: None, max_subtotal: None, price }
    }

    fn method(name: &str, zone: &str, tiers: &[Tier], lead_days: (u8, u8)) -> Method {
        Method {
            id: id(name),
            name: name.to_owned(),
            zone: zone.to_owned(),
            tiers: BTreeMap::from([(Currency::EUR, tiers.to_vec())]),
            free_over: BTreeMap::new(),
            lead_days,
        }
    }

    fn zone(id: &str, parts: &[(Country, &[&str])]) -> Zone {
        let part = |(country, prefixes): &(Country, &[&str])| ZoneCountry {
            country: *country,
            postal_prefixes: prefixes.iter().map(|prefix| (*prefix).to_owned()).collect(),
        };
        Zone { id: id.into(), name: id.into(), countries: parts.iter().map(part).collect() }
    }

    fn sample() -> ShippingTable {
        let zones = vec![
            zone("home", &[(Country::DE, &[])]),
            zone("islands", &[(Country::DE, &["25946", "26548", "2754"])]),
            zone("uk", &[(Country::GB, &[])]),
            zone("highlands", &[(Country::GB, &["IV", "KW"])]),
            zone("eu", &[(Country::FR, &[]), (Country::AT, &[])]),
        ];
        let light_heavy = [tier(Some(2_000), 4_90), tier(Some(31_500), 9_90)];
        let mut standard = method("standard", "home", &light_heavy, (2, 4));
        standard.free_over = BTreeMap::from([(Currency::EUR, 50_00)]);
        let methods = vec![
            method("express", "home", &[tier(Some(10_000), 14_90)], (1, 1)),
            standard,
            method("pickup", "home", &[tier(None, 0)], (0, 1)),
            method("ferry", "islands", &[tier(Some(31_500), 18_90)], (3, 6)),
            method("eu", "eu", &light_heavy, (3, 7)),
            method("uk", "uk", &light_heavy, (4, 8)),
            method("highlands", "highlands", &[tier(None, 29_00)], (6, 12)),
        ];
        ShippingTable::new(zones, methods).unwrap()
    }

    fn parcel(weight_grams: u64, subtotal: i64) -> Parcel {
        Parcel { weight_grams, subtotal: Money::new(subtotal, Currency::EUR) }
    }

    fn offered(country: Country, postal: &str, parcel: Parcel) -> String {
        let options = sample().options(country, postal, &parcel);
        let texts: Vec<_> = options.iter().map(|o| format!("{} {}", o.id, o.price)).collect();
        texts.join(", ")
    }

    #[test]
    fn the_options_are_what_the_price_list_says() {
        let mut report = String::new();
        for (country, postal, grams, subtotal) in [
            (Country::DE, "10117", 500, 20_00),
            (Country::DE, "10117", 2_000, 49_99),
            (Country::DE, "10117", 2_001, 49_99),
            (Country::DE, "10117", 2_001, 50_00),
            (Country::DE, "10117", 31_501, 99_00),
            (Country::DE, "27541", 500, 20_00),
            (Country::GB, "SW1A 1AA", 500, 20_00),
            (Country::GB, "iv1 1aa", 500, 20_00),
            (Country::AT, "1010", 500, 20_00),
            (Country::US, "94103", 500, 20_00),
        ] {
            let offered = offered(country, postal, parcel(grams, subtotal));
            let line = format!("{country} {postal:8} {grams:>6} g {subtotal:>5}: {offered}");
            report += line.trim_end();
            report.push('\n');
        }
        expect![[r#"
            DE 10117       500 g  2000: pickup 0.00 EUR, standard 4.90 EUR, express 14.90 EUR
            DE 10117      2000 g  4999: pickup 0.00 EUR, standard 4.90 EUR, express 14.90 EUR
            DE 10117      2001 g  4999: pickup 0.00 EUR, standard 9.90 EUR, express 14.90 EUR
            DE 10117      2001 g  5000: pickup 0.00 EUR, standard 0.00 EUR, express 14.90 EUR
            DE 10117     31501 g  9900: pickup 0.00 EUR
            DE 27541       500 g  2000: ferry 18.90 EUR
            GB SW1A 1AA    500 g  2000: uk 4.90 EUR
            GB iv1 1aa     500 g  2000: highlands 29.00 EUR
            AT 1010        500 g  2000: eu 4.90 EUR
            US 94103       500 g  2000:
        "#]]
        .assert_eq(&report);
    }

    #[test]
    fn a_currency_without_a_price_is_not_offered() {
        let dollars = Parcel { weight_grams: 1, subtotal: Money::new(1, Currency::USD) };
        assert!(sample().options(Country::DE, "10117", &dollars).is_empty());
    }

    #[test]
    fn what_is_too_heavy_is_not_sent_for_free() {
        assert!(!offered(Country::DE, "10117", parcel(31_501, 99_00)).contains("standard"));
    }

    #[test]
    fn a_hole_in_the_tiers_is_noticed() {
        let steps = |least: Option<i64>, end: Option<i64>, price| Tier {
            max_weight_grams: Some(1_000),
            min_subtotal: least,
            max_subtotal: end,
            price,
        };
        let whole = [steps(None, Some(20_00), 5_00), steps(Some(20_00), None, 3_00)];
        assert!(corners(&whole).is_empty());
        let holed = [steps(None, Some(20_00), 5_00), steps(Some(20_01), None, 3_00)];
        assert_eq!(corners(&holed), [(0, 20_00)]);
        let uneven = [tier(Some(1_000), 5_00), Tier { max_weight_grams: None, ..whole[1] }];
        assert_eq!(corners(&uneven), [(1_001, 0)]);
        assert!(sample().gaps().is_empty());
    }

    #[test]
    fn a_table_with_a_mistake_is_no_table() {
        let home = || zone("home", &[(Country::DE, &[])]);
        let simple = || method("standard", "home", &[tier(None, 4_90)], (1, 2));
        let refusal = |zones, methods| ShippingTable::new(zones, methods).unwrap_err().code();
        assert_eq!(refusal(vec![home(), home()], vec![]), "duplicate_id");
        let twin = zone("twin", &[(Country::DE, &[])]);
        assert_eq!(refusal(vec![home(), twin], vec![]), "duplicate_place");
        assert_eq!(refusal(vec![zone("Home", &[])], vec![]), "invalid_id");
        let blank = zone("home", &[(Country::DE, &["-"])]);
        assert_eq!(refusal(vec![blank], vec![]), "empty_postal_prefix");
        assert_eq!(refusal(vec![], vec![simple()]), "unknown_zone");
        assert_eq!(refusal(vec![home()], vec![simple(), simple()]), "duplicate_id");
        let gift = method("standard", "home", &[tier(None, -1)], (1, 2));
        assert_eq!(refusal(vec![home()], vec![gift]), "negative_price");
        let backwards = Method { lead_days: (2, 1), ..simple() };
        assert_eq!(refusal(vec![home()], vec![backwards]), "empty_range");
        let nobody = Tier { max_subtotal: Some(0), ..tier(None, 1) };
        let nobody = method("standard", "home", &[nobody], (1, 2));
        assert_eq!(refusal(vec![home()], vec![nobody]), "empty_range");
    }

    #[test]
    fn a_table_travels_and_is_checked_on_arrival() {
        let table = sample();
        let text = serde_json::to_string(&table).unwrap();
        assert_eq!(serde_json::from_str::<ShippingTable>(&text).unwrap(), table);
        let broken = text.replace("\"zone\":\"eu\"", "\"zone\":\"mars\"");
        assert!(serde_json::from_str::<ShippingTable>(&broken).is_err());
        assert!(serde_json::from_str::<ShippingOptionId>("\"Express!\"").is_err());
    }

    fn tiers() -> impl Strategy<Value = Vec<Tier>> {
        let tier = (
            prop::option::of(0..6_u64),
            prop::option::of(0..6_i64),
            prop::option::of(1..6_i64),
            0..9_i64,
        )
            .prop_filter_map("an empty range", |(weight, least, length, price)| {
                Some(Tier {
                    max_weight_grams: weight,
                    min_subtotal: least,
                    max_subtotal: length.map(|length| least.unwrap_or(0) + length),
                    price,
                })
            });
        prop::collection::vec(tier, 1..5)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn no_parcel_falls_between_the_tiers_unnoticed(tiers in tiers()) {
            let heaviest =
                tiers.iter().map(|t| t.max_weight_grams.unwrap_or(u64::MAX)).max().unwrap();
            let least = tiers.iter().map(|t| t.min_subtotal.unwrap_or(0)).min().unwrap();
            let end = tiers.iter().map(|t| t.max_subtotal.unwrap_or(i64::MAX)).max().unwrap();
            let is_taken = |w, s| tiers.iter().any(|tier| tier.takes(w, s));
            let has_hole = (0..=heaviest.min(8))
                .any(|w| (least..end.min(14)).any(|s| !is_taken(w, s)));
            prop_assert_eq!(has_hole, !corners(&tiers).is_empty());
            for (w, s) in corners(&tiers) {
                prop_assert!(!is_taken(w, s));
            }
        }

        #[test]
        fn the_options_do_not_depend_on_the_order_of_the_table(
            tiers in prop::collection::vec(tiers(), 1..6),
            weight in 0..8_u64,
            subtotal in 0..14_i64,
        ) {
            let zones = vec![zone("home", &[(Country::DE, &[])])];
            let mut methods: Vec<_> = tiers
                .iter()
                .enumerate()
                .map(|(i, tiers)| method(&format!("m{i}"), "home", tiers, (1, 2)))
                .collect();
            let parcel = parcel(weight, subtotal);
            let there = ShippingTable::new(zones.clone(), methods.clone()).unwrap();
            methods.reverse();
            let back = ShippingTable::new(zones, methods).unwrap();
            let options = there.options(Country::DE, "10117", &parcel);
            prop_assert!(options.is_sorted_by_key(|option| option.price.amount()));
            prop_assert_eq!(options, back.options(Country::DE, "10117", &parcel));
        }
    }
}
