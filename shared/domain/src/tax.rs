//! Tax per destination, as data: who charges how much of what kind of goods.
//!
//! Nothing here knows a country's law. A [`TaxTable`] holds regions that the shop declares; the
//! most specific one that contains the destination decides, and where none does the declared
//! fallback. Tax is rounded half up, once per line: the sum of the lines is the tax of the order.
//!
//! Two rules are not data, because they are the same in every shop of the European Union: a
//! business of another state owes the tax itself (reverse charge), and what leaves the Union is
//! untaxed. A [`Ruling`] says which of them holds, and its reason goes on the order.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::address::{Country, Destination, Places, PostalRange, postal_key};
use crate::money::{self, Money, Rounding};
use crate::vat_id::{VatId, is_in_eu};

/// Characters in a category's name.
pub const CATEGORY_CHARS_MAX: usize = 32;
/// Regions in one table: every US ZIP3 and every country still fit.
pub const REGIONS_MAX: usize = 2_000;
/// The highest rate that is one: 100 %, in parts per million.
pub const PPM_MAX: u32 = 1_000_000;

/// How a kind of goods is taxed: `standard`, `reduced`, `books`, `digital`, `zero`, or whatever
/// else the shop's regions name. Lower case letters, digits and `_`, starting with a letter.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct TaxCategory(Cow<'static, str>);

impl TaxCategory {
    /// What is not anything else. Every region that taxes at all has a rate for it.
    pub const STANDARD: Self = Self(Cow::Borrowed("standard"));
    /// Food and other necessities.
    pub const REDUCED: Self = Self(Cow::Borrowed("reduced"));
    /// Printed books.
    pub const BOOKS: Self = Self(Cow::Borrowed("books"));
    /// Downloads and other services supplied electronically.
    pub const DIGITAL: Self = Self(Cow::Borrowed("digital"));
    /// What is taxed nowhere: gift cards, donations. Zero wherever no region says otherwise.
    pub const ZERO: Self = Self(Cow::Borrowed("zero"));

    /// The category of that name, if it is one.
    pub fn parse(name: &str) -> Option<Self> {
        let is_name = name.len() <= CATEGORY_CHARS_MAX
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        is_name.then(|| Self(Cow::Owned(name.to_owned())))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for TaxCategory {
    fn default() -> Self {
        Self::STANDARD
    }
}

impl fmt::Display for TaxCategory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for TaxCategory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for TaxCategory {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&name).ok_or_else(|| {
            de::Error::invalid_value(de::Unexpected::Str(&name), &"a tax category such as standard")
        })
    }
}

impl JsonSchema for TaxCategory {
    fn schema_name() -> Cow<'static, str> {
        "TaxCategory".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::TaxCategory").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[a-z][a-z0-9_]*$",
            "maxLength": CATEGORY_CHARS_MAX,
            "examples": ["standard", "reduced", "books", "digital", "zero"],
        })
    }
}

/// Whether the prices of a region contain their tax.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PriceMode {
    /// The price on the shelf is what is paid; the tax is part of it.
    Inclusive,
    /// The tax comes on top at the till.
    Exclusive,
}

/// A tax rate and the name a receipt gives it.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct TaxRate {
    /// As on the receipt: `MwSt.`, `VAT`, `Sales tax`.
    pub name: String,
    /// Parts per million of the net price: 190 000 is 19 %.
    #[schemars(range(max = PPM_MAX))]
    pub ppm: u32,
}

impl TaxRate {
    /// A rate of so many parts per million.
    pub fn new(name: impl Into<String>, ppm: u32) -> Self {
        Self { name: name.into(), ppm }
    }

    /// No tax at all.
    pub fn none() -> Self {
        Self::new("", 0)
    }
}

/// One place and what it charges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TaxRegion {
    /// The country.
    pub country: Country,
    /// Only this state or province of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Only postal codes that start like this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_prefix: Option<String>,
    /// Only postal codes of this range; instead of a prefix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_range: Option<PostalRange>,
    /// Whether prices contain the tax.
    pub mode: PriceMode,
    /// The rate of each category. None at all is a place where the shop charges no tax.
    pub rates: BTreeMap<TaxCategory, TaxRate>,
}

impl TaxRegion {
    /// The rate for a category: its own, else none for `zero`, else the standard one.
    ///
    /// A category nobody thought of is taxed in full: too little tax is the shop's own loss and is
    /// noticed by the auditor, too much by the first customer.
    pub fn rate(&self, category: &TaxCategory) -> TaxRate {
        let standard = || match category {
            zero if *zero == TaxCategory::ZERO => None,
            _ => self.rates.get(&TaxCategory::STANDARD),
        };
        self.rates.get(category).or_else(standard).cloned().unwrap_or_else(TaxRate::none)
    }

    /// How exactly this region is the destination's; `None` where it is not at all. A longer
    /// postal prefix beats a state, a state beats the country.
    fn fit(&self, to: &Destination<'_>, postal: &str) -> Option<(usize, bool)> {
        if self.country != to.country {
            return None;
        }
        if let Some(region) = &self.region
            && !to.region.is_some_and(|other| other.eq_ignore_ascii_case(region))
        {
            return None;
        }
        let length = self.range().map_or(Some(0), |range| range.fit(postal))?;
        Some((length, self.region.is_some()))
    }

    /// The postal codes that it is narrowed to.
    fn range(&self) -> Option<Cow<'_, PostalRange>> {
        let prefix = || self.postal_prefix.as_deref().map(PostalRange::prefix).map(Cow::Owned);
        self.postal_range.as_ref().map(Cow::Borrowed).or_else(prefix)
    }

    /// Whether anything is taxed there.
    fn is_taxed(&self) -> bool {
        self.rates.values().any(|rate| rate.ppm > 0)
    }

    /// What takes the place of a region where the buyer owes the tax.
    fn reverse_charge(&self) -> Self {
        let rate = TaxRate::new("Reverse charge", 0);
        Self {
            mode: PriceMode::Exclusive,
            rates: BTreeMap::from([(TaxCategory::STANDARD, rate)]),
            ..self.clone()
        }
    }
}

/// Why regions are no table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// More than [`REGIONS_MAX`].
    TooManyRegions,
    /// Two regions claim the same place; which would win is an accident.
    DuplicateRegion {
        /// The country of both.
        country: Country,
    },
    /// A rate above 100 %.
    RateTooHigh {
        /// Of which category.
        category: TaxCategory,
    },
    /// A region taxes something and says nothing about the rest.
    StandardRateMissing {
        /// In which country.
        country: Country,
    },
    /// A postal prefix without a letter or digit would match everything.
    EmptyPostalPrefix {
        /// In which country.
        country: Country,
    },
    /// A postal range that no code is in, or one beside a prefix.
    InvalidPostalRange {
        /// In which country.
        country: Country,
    },
}

/// A refusal and where in the table its reason is, as a JSON pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// Where.
    pub pointer: String,
    /// What.
    pub refusal: Refusal,
}

impl Refusal {
    /// The stable name callers see.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooManyRegions => "too_many_regions",
            Self::DuplicateRegion { .. } => "duplicate_region",
            Self::RateTooHigh { .. } => "rate_too_high",
            Self::StandardRateMissing { .. } => "standard_rate_missing",
            Self::EmptyPostalPrefix { .. } => "empty_postal_prefix",
            Self::InvalidPostalRange { .. } => "invalid_postal_range",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyRegions => write!(f, "there may be at most {REGIONS_MAX} tax regions"),
            Self::DuplicateRegion { country } => {
                write!(f, "two tax regions of {country} are the same place")
            }
            Self::RateTooHigh { category } => write!(f, "the rate of {category} is above 100 %"),
            Self::StandardRateMissing { country } => {
                write!(f, "a tax region of {country} has rates and no standard rate")
            }
            Self::EmptyPostalPrefix { country } => {
                write!(f, "a tax region of {country} has an empty postal prefix")
            }
            Self::InvalidPostalRange { country } => {
                write!(f, "a tax region of {country} has a postal range that is none")
            }
        }
    }
}

impl std::error::Error for Refusal {}

/// Everything the shop knows about tax.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Unchecked", deny_unknown_fields)]
pub struct TaxTable {
    regions: Vec<TaxRegion>,
    fallback: TaxRegion,
    /// Where the shop is established: a setting of the shop, not of its taxes.
    #[serde(skip)]
    seller: Option<Country>,
}

/// A table as it arrives, before anybody looked at it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TaxTable")]
struct Unchecked {
    regions: Vec<TaxRegion>,
    fallback: TaxRegion,
}

impl TryFrom<Unchecked> for TaxTable {
    type Error = Refusal;

    fn try_from(table: Unchecked) -> Result<Self, Refusal> {
        Self::new(table.regions, table.fallback)
    }
}

impl TaxTable {
    /// A table of regions, and the one whose rules hold everywhere else (its place is not looked
    /// at): the shop's own for one that charges its home tax abroad, one without rates for one that
    /// exports untaxed.
    pub fn new(regions: Vec<TaxRegion>, fallback: TaxRegion) -> Result<Self, Refusal> {
        let table = Self { regions, fallback, seller: None };
        match table.flaws().into_iter().next() {
            Some(flaw) => Err(flaw.refusal),
            None => Ok(table),
        }
    }

    /// A table, or everything that is wrong with it.
    pub fn checked(regions: Vec<TaxRegion>, fallback: TaxRegion) -> Result<Self, Vec<Flaw>> {
        let table = Self { regions, fallback, seller: None };
        let flaws = table.flaws();
        if flaws.is_empty() { Ok(table) } else { Err(flaws) }
    }

    fn flaws(&self) -> Vec<Flaw> {
        let at = |pointer: String| move |refusal| Flaw { pointer: pointer.clone(), refusal };
        if self.regions.len() > REGIONS_MAX {
            return vec![Flaw { pointer: "/regions".into(), refusal: Refusal::TooManyRegions }];
        }
        let mut flaws = Vec::new();
        let mut places = Places::default();
        for (index, region) in self.regions.iter().enumerate() {
            let pointer = format!("/regions/{index}");
            flaws.extend(check(region).into_iter().map(at(pointer.clone())));
            let range = region.range();
            if range.as_ref().is_some_and(|range| !range.is_range()) {
                continue;
            }
            if !places.claim(region.country, region.region.as_deref(), range.as_deref()) {
                let refusal = Refusal::DuplicateRegion { country: region.country };
                flaws.push(Flaw { pointer, refusal });
            }
        }
        flaws.extend(check(&self.fallback).into_iter().map(at("/fallback".to_owned())));
        flaws
    }

    /// The same table for a shop that is established there; nowhere means that neither reverse
    /// charge nor export is known.
    #[must_use]
    pub fn for_seller(self, seller: Option<Country>) -> Self {
        Self { seller, ..self }
    }

    /// The declared regions.
    pub fn regions(&self) -> &[TaxRegion] {
        &self.regions
    }

    /// The rules for everywhere else.
    pub fn fallback(&self) -> &TaxRegion {
        &self.fallback
    }

    /// How a sale is taxed, and why. `vat_id` is the buyer's, where they buy as a business.
    ///
    /// A reverse charge needs a seller in one state of the Union, goods that go to another where
    /// they are taxed, and a number of any state but the seller's (Directive 2006/112/EC art. 138).
    pub fn ruling(&self, to: Option<&Destination<'_>>, vat_id: Option<&VatId>) -> Ruling<'_> {
        let Some(to) = to else {
            return Ruling::by(&self.fallback, Reason::NoAddress);
        };
        let region = self.region_for(to);
        let abroad = self.seller.filter(|seller| *seller != to.country);
        let is_within = |seller: Country| is_in_eu(seller) && is_in_eu(to.country);
        if !region.is_taxed() {
            let is_export = abroad.is_some_and(|seller| !is_within(seller));
            let reason = if is_export { Reason::Export } else { Reason::Untaxed };
            return Ruling::by(region, reason);
        }
        let buyer = vat_id.and_then(VatId::country).filter(|country| is_in_eu(*country));
        match (abroad.filter(|seller| is_within(*seller)), buyer) {
            (Some(seller), Some(buyer)) if buyer != seller => Ruling {
                region: Cow::Owned(region.reverse_charge()),
                reason: Reason::ReverseCharge,
                contained: Some(region),
            },
            _ => Ruling::by(region, Reason::Taxed),
        }
    }

    /// The rules for a destination.
    pub fn region_for(&self, to: &Destination<'_>) -> &TaxRegion {
        let postal = postal_key(to.postal_code);
        // Two regions of one fit would be the same place, which `new` refuses: the order of the
        // table never decides.
        self.regions
            .iter()
            .filter_map(|region| region.fit(to, &postal).map(|fit| (fit, region)))
            .max_by_key(|(fit, _)| *fit)
            .map_or(&self.fallback, |(_, region)| region)
    }
}

fn check(region: &TaxRegion) -> Vec<Refusal> {
    let country = region.country;
    let too_high = region.rates.iter().filter(|(_, rate)| rate.ppm > PPM_MAX);
    let mut refusals: Vec<Refusal> =
        too_high.map(|(category, _)| Refusal::RateTooHigh { category: category.clone() }).collect();
    if !region.rates.is_empty() && !region.rates.contains_key(&TaxCategory::STANDARD) {
        refusals.push(Refusal::StandardRateMissing { country });
    }
    if region.postal_prefix.as_deref().is_some_and(|prefix| postal_key(prefix).is_empty()) {
        refusals.push(Refusal::EmptyPostalPrefix { country });
    }
    let is_twice = region.postal_prefix.is_some() && region.postal_range.is_some();
    if is_twice || region.postal_range.as_ref().is_some_and(|range| !range.is_range()) {
        refusals.push(Refusal::InvalidPostalRange { country });
    }
    refusals
}

/// Why a sale is taxed as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "TaxReason")]
pub enum Reason {
    /// By the rates of the destination.
    #[default]
    Taxed,
    /// The buyer is a business in another state of the Union and owes the tax there.
    ReverseCharge,
    /// The goods leave the Union, or the shop's country, and the shop charges no tax there.
    Export,
    /// The shop charges no tax at the destination.
    Untaxed,
    /// Nobody knows yet where the goods go: the rules for everywhere else.
    NoAddress,
}

/// How a sale is taxed, and why.
#[derive(Debug, Clone)]
pub struct Ruling<'a> {
    /// The rules that hold.
    pub region: Cow<'a, TaxRegion>,
    /// Why.
    pub reason: Reason,
    /// Whose tax the shop's prices contain although it is not charged.
    contained: Option<&'a TaxRegion>,
}

impl<'a> Ruling<'a> {
    fn by(region: &'a TaxRegion, reason: Reason) -> Self {
        Self { region: Cow::Borrowed(region), reason, contained: None }
    }

    /// The rules that the shop's prices were made for.
    pub fn base(&self) -> &TaxRegion {
        self.contained.unwrap_or(&self.region)
    }

    /// A price of the shop as this buyer pays it, before any tax on top: where the buyer owes the
    /// tax, what the shop would have kept of the price, and else the price itself.
    pub fn price(&self, price: Money, category: &TaxCategory) -> Result<Money, money::Refusal> {
        match self.contained {
            Some(region) if region.mode == PriceMode::Inclusive => {
                let net = tax_of(price, &region.rate(category), PriceMode::Inclusive)?.net;
                // What is paid can be charged: see `tax_of`.
                let step = net.currency().stripe_step();
                let steps = net.ratio(1, step.unsigned_abs(), Rounding::HalfUp)?;
                steps.times(u32::try_from(step).map_err(|_| money::Refusal::Overflow)?)
            }
            Some(_) | None => Ok(price),
        }
    }
}

/// One amount, taken apart: always net + tax = gross.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineTax {
    /// Without tax.
    pub net: Money,
    /// The tax.
    pub tax: Money,
    /// With tax.
    pub gross: Money,
}

/// The tax of an amount, contained in it or on top of it, rounded half up.
///
/// On top, the tax is rounded to what can be charged: to ten fils of a dinar, to an ariary (see
/// [`stripe_step`](crate::currency::Currency::stripe_step)); otherwise a price that can be paid
/// would become a total that can not.
pub fn tax_of(amount: Money, rate: &TaxRate, mode: PriceMode) -> Result<LineTax, money::Refusal> {
    let (ppm, whole) = (u64::from(rate.ppm), u64::from(PPM_MAX));
    match mode {
        PriceMode::Inclusive => {
            let tax = amount.ratio(ppm, whole + ppm, Rounding::HalfUp)?;
            Ok(LineTax { net: amount.sub(tax)?, tax, gross: amount })
        }
        PriceMode::Exclusive => {
            let step = amount.currency().stripe_step();
            let steps = amount.ratio(ppm, whole * step.unsigned_abs(), Rounding::HalfUp)?;
            let tax = steps.times(u32::try_from(step).map_err(|_| money::Refusal::Overflow)?)?;
            Ok(LineTax { net: amount, tax, gross: amount.add(tax)? })
        }
    }
}

#[cfg(test)]
#[allow(clippy::needless_raw_string_hashes)] // expect-test writes them
pub(crate) mod tests {
    mod golden;

    use expect_test::expect;
    use proptest::prelude::*;

    use super::*;
    use crate::currency::Currency;

    /// Real rates of 2026, as sample data: the product ships none.
    pub(crate) fn sample() -> TaxTable {
        use PriceMode::{Exclusive, Inclusive};
        let region =
            |country, region: &str, postal: &str, mode, name: &str, rates: &[(_, _)]| TaxRegion {
                country,
                region: (!region.is_empty()).then(|| region.to_owned()),
                postal_prefix: (!postal.is_empty()).then(|| postal.to_owned()),
                postal_range: None,
                mode,
                rates: rates
                    .iter()
                    .map(|(category, ppm): &(TaxCategory, u32)| {
                        (category.clone(), TaxRate::new(name, *ppm))
                    })
                    .collect(),
            };
        let rates = |standard, reduced, books| {
            [
                (TaxCategory::STANDARD, standard),
                (TaxCategory::REDUCED, reduced),
                (TaxCategory::BOOKS, books),
            ]
        };
        let regions = vec![
            region(Country::DE, "", "", Inclusive, "MwSt.", &rates(190_000, 70_000, 70_000)),
            region(Country::DE, "", "78266", Inclusive, "", &[]), // Büsingen
            region(Country::FR, "", "", Inclusive, "TVA", &rates(200_000, 55_000, 55_000)),
            region(Country::AT, "", "", Inclusive, "USt.", &rates(200_000, 100_000, 100_000)),
            region(Country::CH, "", "", Inclusive, "MWST", &rates(81_000, 26_000, 26_000)),
            region(Country::GB, "", "", Inclusive, "VAT", &rates(200_000, 50_000, 0)),
            region(Country::ES, "", "", Inclusive, "IVA", &rates(210_000, 100_000, 40_000)),
            region(Country::ES, "", "35", Inclusive, "", &[]), // outside the VAT area
            region(Country::US, "", "", Exclusive, "", &[]),
            region(Country::US, "CA", "", Exclusive, "Sales tax", &rates(72_500, 0, 72_500)),
            region(Country::US, "CA", "94103", Exclusive, "Sales tax", &rates(86_250, 0, 86_250)),
            region(Country::JP, "", "", Inclusive, "消費税", &rates(100_000, 80_000, 100_000)),
        ];
        let abroad = region(Country::DE, "", "", Exclusive, "", &[]);
        TaxTable::new(regions, abroad).unwrap()
    }

    fn to<'a>(country: Country, region: &'a str, postal_code: &'a str) -> Destination<'a> {
        Destination { country, region: (!region.is_empty()).then_some(region), postal_code }
    }

    #[test]
    fn receipts_around_the_world_are_what_the_till_prints() {
        let table = sample();
        let mut report = String::new();
        for (place, to, price) in [
            ("DE", to(Country::DE, "", "10117"), Money::new(19_99, Currency::EUR)),
            ("DE Büsingen", to(Country::DE, "", "78266"), Money::new(19_99, Currency::EUR)),
            ("FR", to(Country::FR, "", "75001"), Money::new(19_99, Currency::EUR)),
            ("AT", to(Country::AT, "", "1010"), Money::new(19_99, Currency::EUR)),
            ("ES Canaries", to(Country::ES, "", "35001"), Money::new(19_99, Currency::EUR)),
            ("CH", to(Country::CH, "", "8001"), Money::new(19_95, Currency::CHF)),
            ("GB", to(Country::GB, "", "EC1A 1BB"), Money::new(14_99, Currency::GBP)),
            ("US-NV", to(Country::US, "NV", "89101"), Money::new(19_99, Currency::USD)),
            ("US-CA", to(Country::US, "CA", "90012"), Money::new(19_99, Currency::USD)),
            ("US-CA SF", to(Country::US, "ca", "94103-1234"), Money::new(19_99, Currency::USD)),
            ("JP", to(Country::JP, "", "100-0001"), Money::new(1_999, Currency::JPY)),
            ("BR", to(Country::BR, "SP", "01001-000"), Money::new(19_99, Currency::USD)),
        ] {
            let region = table.region_for(&to);
            for category in [TaxCategory::STANDARD, TaxCategory::BOOKS, TaxCategory::ZERO] {
                let rate = region.rate(&category);
                let LineTax { net, tax, gross } = tax_of(price, &rate, region.mode).unwrap();
                let line = format!(
                    "{place:12}{category:9}{ppm:>7} {net:>14} + {tax:>11} = {gross}",
                    ppm = rate.ppm,
                    net = net.to_string(),
                    tax = tax.to_string(),
                );
                report += line.trim_end();
                report.push('\n');
            }
        }
        expect![[r#"
            DE          standard  190000      16.80 EUR +    3.19 EUR = 19.99 EUR
            DE          books      70000      18.68 EUR +    1.31 EUR = 19.99 EUR
            DE          zero           0      19.99 EUR +    0.00 EUR = 19.99 EUR
            DE Büsingen standard       0      19.99 EUR +    0.00 EUR = 19.99 EUR
            DE Büsingen books          0      19.99 EUR +    0.00 EUR = 19.99 EUR
            DE Büsingen zero           0      19.99 EUR +    0.00 EUR = 19.99 EUR
            FR          standard  200000      16.66 EUR +    3.33 EUR = 19.99 EUR
            FR          books      55000      18.95 EUR +    1.04 EUR = 19.99 EUR
            FR          zero           0      19.99 EUR +    0.00 EUR = 19.99 EUR
            AT          standard  200000      16.66 EUR +    3.33 EUR = 19.99 EUR
            AT          books     100000      18.17 EUR +    1.82 EUR = 19.99 EUR
            AT          zero           0      19.99 EUR +    0.00 EUR = 19.99 EUR
            ES Canaries standard       0      19.99 EUR +    0.00 EUR = 19.99 EUR
            ES Canaries books          0      19.99 EUR +    0.00 EUR = 19.99 EUR
            ES Canaries zero           0      19.99 EUR +    0.00 EUR = 19.99 EUR
            CH          standard   81000      18.46 CHF +    1.49 CHF = 19.95 CHF
            CH          books      26000      19.44 CHF +    0.51 CHF = 19.95 CHF
            CH          zero           0      19.95 CHF +    0.00 CHF = 19.95 CHF
            GB          standard  200000      12.49 GBP +    2.50 GBP = 14.99 GBP
            GB          books          0      14.99 GBP +    0.00 GBP = 14.99 GBP
            GB          zero           0      14.99 GBP +    0.00 GBP = 14.99 GBP
            US-NV       standard       0      19.99 USD +    0.00 USD = 19.99 USD
            US-NV       books          0      19.99 USD +    0.00 USD = 19.99 USD
            US-NV       zero           0      19.99 USD +    0.00 USD = 19.99 USD
            US-CA       standard   72500      19.99 USD +    1.45 USD = 21.44 USD
            US-CA       books      72500      19.99 USD +    1.45 USD = 21.44 USD
            US-CA       zero           0      19.99 USD +    0.00 USD = 19.99 USD
            US-CA SF    standard   86250      19.99 USD +    1.72 USD = 21.71 USD
            US-CA SF    books      86250      19.99 USD +    1.72 USD = 21.71 USD
            US-CA SF    zero           0      19.99 USD +    0.00 USD = 19.99 USD
            JP          standard  100000       1817 JPY +     182 JPY = 1999 JPY
            JP          books     100000       1817 JPY +     182 JPY = 1999 JPY
            JP          zero           0       1999 JPY +       0 JPY = 1999 JPY
            BR          standard       0      19.99 USD +    0.00 USD = 19.99 USD
            BR          books          0      19.99 USD +    0.00 USD = 19.99 USD
            BR          zero           0      19.99 USD +    0.00 USD = 19.99 USD
        "#]]
        .assert_eq(&report);
    }

    #[test]
    fn a_category_nobody_thought_of_is_taxed_in_full() {
        let table = sample();
        let germany = table.region_for(&to(Country::DE, "", "10117"));
        assert_eq!(germany.rate(&TaxCategory::DIGITAL).ppm, 190_000);
        assert_eq!(germany.rate(&TaxCategory::parse("unheard_of").unwrap()).ppm, 190_000);
        assert_eq!(germany.rate(&TaxCategory::ZERO).ppm, 0);
    }

    #[test]
    fn without_an_address_the_fallback_decides() {
        let table = sample();
        let ruling = table.ruling(None, None);
        assert_eq!((ruling.region.as_ref(), ruling.reason), (table.fallback(), Reason::NoAddress));
    }

    #[test]
    fn a_table_with_a_mistake_is_no_table() {
        let good = sample();
        let germany = || good.regions[0].clone();
        let refusal = |regions| TaxTable::new(regions, germany()).unwrap_err().code();
        assert_eq!(refusal(vec![germany(), germany()]), "duplicate_region");
        let mut high = germany();
        high.rates.insert(TaxCategory::BOOKS, TaxRate::new("", PPM_MAX + 1));
        assert_eq!(refusal(vec![high]), "rate_too_high");
        let mut lacking = germany();
        lacking.rates.remove(&TaxCategory::STANDARD);
        assert_eq!(refusal(vec![lacking]), "standard_rate_missing");
        let everywhere = TaxRegion { postal_prefix: Some(" -".into()), ..germany() };
        assert_eq!(refusal(vec![everywhere]), "empty_postal_prefix");
        let range = |from: &str, to: &str| PostalRange { from: from.into(), to: to.into() };
        let backwards = TaxRegion { postal_range: Some(range("2", "1")), ..germany() };
        assert_eq!(refusal(vec![backwards.clone()]), "invalid_postal_range");
        let twice = TaxRegion {
            postal_prefix: Some("1".into()),
            postal_range: Some(range("1", "2")),
            ..germany()
        };
        assert_eq!(refusal(vec![twice.clone()]), "invalid_postal_range");
        let inside = TaxRegion { postal_prefix: Some("15".into()), ..germany() };
        let around = TaxRegion { postal_range: Some(range("10", "19")), ..germany() };
        assert_eq!(refusal(vec![inside, around]), "duplicate_region");
        let flaws = TaxTable::checked(vec![backwards, germany(), twice], germany()).unwrap_err();
        let pointers: Vec<_> = flaws.iter().map(|flaw| flaw.pointer.as_str()).collect();
        assert_eq!(pointers, ["/regions/0", "/regions/2"]);
    }

    #[test]
    fn a_postal_range_has_its_own_rates_and_a_longer_prefix_its_own_again() {
        let mut table = sample();
        let germany = table.regions[0].clone();
        let range = PostalRange { from: "27".into(), to: "29".into() };
        table.regions.push(TaxRegion {
            postal_range: Some(range),
            mode: PriceMode::Exclusive,
            ..germany.clone()
        });
        table.regions.push(TaxRegion {
            postal_prefix: Some("27498".into()),
            rates: BTreeMap::new(),
            ..germany
        });
        assert!(table.flaws().is_empty());
        let ruled = |postal| table.region_for(&to(Country::DE, "", postal));
        assert_eq!(ruled("28195").mode, PriceMode::Exclusive);
        assert_eq!(ruled("30159").mode, PriceMode::Inclusive);
        assert!(ruled("27498").rates.is_empty()); // Heligoland
    }

    #[test]
    fn who_owes_the_tax_is_decided_by_three_places() {
        let vat = |id: &str| VatId::parse(id).unwrap();
        let (german, french, swiss) =
            (vat("DE136695976"), vat("FR40303265045"), vat("CHE107787577"));
        let ruled = |seller, place: (Country, &'static str), vat_id: Option<&VatId>| {
            let table = sample().for_seller(seller);
            let ruling = table.ruling(Some(&to(place.0, "", place.1)), vat_id);
            ruling.reason
        };
        let (de, fr) = ((Country::DE, "10117"), (Country::FR, "75001"));
        let shop = Some(Country::DE);
        assert_eq!(ruled(shop, fr, Some(&french)), Reason::ReverseCharge);
        assert_eq!(ruled(shop, fr, Some(&vat("ATU13585627"))), Reason::ReverseCharge);
        assert_eq!(ruled(shop, fr, Some(&german)), Reason::Taxed, "the seller's own state");
        assert_eq!(ruled(shop, fr, Some(&swiss)), Reason::Taxed, "no state of the Union");
        assert_eq!(ruled(shop, fr, None), Reason::Taxed, "a consumer");
        assert_eq!(ruled(shop, de, Some(&french)), Reason::Taxed, "nothing crosses a border");
        assert_eq!(ruled(None, fr, Some(&french)), Reason::Taxed, "nobody said where we are");
        assert_eq!(ruled(Some(Country::CH), fr, Some(&french)), Reason::Taxed);
        assert_eq!(ruled(shop, (Country::BR, "01001"), None), Reason::Export);
        assert_eq!(ruled(shop, (Country::ES, "35001"), Some(&french)), Reason::Untaxed);
        assert_eq!(ruled(shop, (Country::DE, "78266"), None), Reason::Untaxed);
        assert_eq!(ruled(shop, (Country::CH, "8001"), None), Reason::Taxed, "registered there");
    }

    #[test]
    fn a_business_abroad_pays_what_the_shop_would_have_kept() {
        let table = sample().for_seller(Some(Country::DE));
        let vat_id = VatId::parse("FR40303265045").unwrap();
        let ruling = table.ruling(Some(&to(Country::FR, "", "75001")), Some(&vat_id));
        let price = |amount, category| {
            ruling.price(Money::new(amount, Currency::EUR), &category).unwrap().amount()
        };
        assert_eq!(price(12_000, TaxCategory::STANDARD), 10_000);
        assert_eq!(price(19_99, TaxCategory::STANDARD), 16_66);
        assert_eq!(price(19_99, TaxCategory::BOOKS), 18_95);
        assert_eq!(price(19_99, TaxCategory::ZERO), 19_99);
        assert_eq!(ruling.region.mode, PriceMode::Exclusive);
        assert_eq!(ruling.region.rate(&TaxCategory::BOOKS), TaxRate::new("Reverse charge", 0));
        let dinars = ruling.price(Money::new(1_230, Currency::KWD), &TaxCategory::STANDARD);
        assert_eq!(dinars.unwrap().amount(), 1_030); // 1 025 fils exactly, which nobody can charge
    }

    #[test]
    fn a_table_travels_and_is_checked_on_arrival() {
        let table = sample();
        let text = serde_json::to_string(&table).unwrap();
        assert_eq!(serde_json::from_str::<TaxTable>(&text).unwrap(), table);
        assert!(serde_json::from_str::<TaxTable>(&text.replace("190000", "1900000")).is_err());
        assert!(serde_json::from_str::<TaxTable>(&text.replace("\"books\"", "\"Books\"")).is_err());
    }

    #[test]
    fn tax_on_top_never_makes_a_total_that_can_not_be_charged() {
        let price = Money::new(5_120, Currency::BHD);
        let rate = TaxRate::new("VAT", 100_000);
        let sums = tax_of(price, &rate, PriceMode::Exclusive).unwrap();
        assert_eq!(sums.tax.amount(), 510); // 512 fils exactly
        assert!(Currency::BHD.stripe_amount(sums.gross.amount()).is_ok());
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let price = Money::new(i64::MAX, Currency::EUR);
        let rate = TaxRate::new("VAT", 190_000);
        assert!(tax_of(price, &rate, PriceMode::Inclusive).is_ok());
        assert_eq!(tax_of(price, &rate, PriceMode::Exclusive), Err(money::Refusal::Overflow));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn net_and_tax_are_gross_and_tax_is_within_half_a_unit_of_exact(
            amount in -1_000_000_000_000..1_000_000_000_000_i64,
            ppm in 0..=PPM_MAX,
            currency in prop::sample::select(vec![Currency::EUR, Currency::JPY, Currency::KWD]),
            mode in prop::sample::select(vec![PriceMode::Inclusive, PriceMode::Exclusive]),
        ) {
            let price = Money::new(amount, currency);
            let LineTax { net, tax, gross } = tax_of(price, &TaxRate::new("", ppm), mode).unwrap();
            prop_assert_eq!(net.add(tax), Ok(gross));
            prop_assert!(tax.amount().abs() <= amount.abs() + currency.stripe_step() / 2);
            prop_assert!(tax.is_zero() || tax.is_negative() == (amount < 0));
            let (given, base, unit) = match mode {
                PriceMode::Inclusive => (gross, i128::from(PPM_MAX + ppm), 1),
                PriceMode::Exclusive => (net, i128::from(PPM_MAX), currency.stripe_step()),
            };
            prop_assert_eq!(given, price);
            let off = i128::from(tax.amount()) * base - i128::from(amount) * i128::from(ppm);
            prop_assert!(off.abs() * 2 <= base * i128::from(unit));
        }
    }
}
