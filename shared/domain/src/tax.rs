//! Tax per destination, as data: who charges how much of what kind of goods.
//!
//! Nothing here knows a country's law. A [`TaxTable`] holds regions that the shop declares; the
//! most specific one that contains the destination decides, and where none does the declared
//! fallback. Tax is rounded half up, once per line: the sum of the lines is the tax of the order.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::address::{Address, Country, Destination, postal_key};
use crate::money::{self, Money, Rounding};

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
        let prefix = self.postal_prefix.as_deref().map(postal_key).unwrap_or_default();
        postal.starts_with(&prefix).then_some((prefix.len(), self.region.is_some()))
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
        if regions.len() > REGIONS_MAX {
            return Err(Refusal::TooManyRegions);
        }
        let mut places = BTreeSet::new();
        for region in &regions {
            check(region)?;
            let state = region.region.as_deref().map(str::to_ascii_uppercase);
            let postal = region.postal_prefix.as_deref().map(postal_key);
            if !places.insert((region.country, state, postal)) {
                return Err(Refusal::DuplicateRegion { country: region.country });
            }
        }
        check(&fallback)?;
        Ok(Self { regions, fallback })
    }

    /// The declared regions.
    pub fn regions(&self) -> &[TaxRegion] {
        &self.regions
    }

    /// The rules for everywhere else.
    pub fn fallback(&self) -> &TaxRegion {
        &self.fallback
    }

    /// The rules for an address; the fallback's while there is none.
    pub fn region(&self, address: Option<&Address>) -> &TaxRegion {
        address.map_or(&self.fallback, |address| self.region_for(&address.destination()))
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

fn check(region: &TaxRegion) -> Result<(), Refusal> {
    let country = region.country;
    if let Some((category, _)) = region.rates.iter().find(|(_, rate)| rate.ppm > PPM_MAX) {
        return Err(Refusal::RateTooHigh { category: category.clone() });
    }
    if !region.rates.is_empty() && !region.rates.contains_key(&TaxCategory::STANDARD) {
        return Err(Refusal::StandardRateMissing { country });
    }
    if region.postal_prefix.as_deref().is_some_and(|prefix| postal_key(prefix).is_empty()) {
        return Err(Refusal::EmptyPostalPrefix { country });
    }
    Ok(())
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
        assert_eq!(table.region(None), table.fallback());
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
