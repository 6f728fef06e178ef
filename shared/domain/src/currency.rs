//! The currencies a shop can trade in: ISO 4217, each with the number of its decimal places.
//!
//! A [`Currency`] exists only for a code in the table, so whoever holds one never asks whether it
//! is real. Precious metals, test codes and units of account (XAU, XTS, CLF, CHE …) are left out:
//! nobody pays for a mug with them. What Stripe does differently from ISO is data here too, so
//! that no caller multiplies by a hundred on its own.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A currency of the ISO 4217 table. Sorts by its code; serialised as `"EUR"`.
#[derive(Copy, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency(Iso);

/// Why an amount can not be exchanged with Stripe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The amount leaves the range of 64 bits.
    Overflow,
    /// Stripe does not charge such a small fraction of this currency.
    NotChargeable,
}

impl Refusal {
    /// The stable name callers see.
    pub fn code(self) -> &'static str {
        match self {
            Self::Overflow => "money_overflow",
            Self::NotChargeable => "amount_not_chargeable",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Overflow => "the amount is too large",
            Self::NotChargeable => "the amount has a fraction that can not be charged",
        })
    }
}

impl std::error::Error for Refusal {}

impl Currency {
    /// The currency of an upper-case ISO 4217 code; `None` for everything else.
    pub fn parse(code: &str) -> Option<Self> {
        let at = Self::TABLE.binary_search_by(|currency| currency.code().cmp(code)).ok()?;
        Self::TABLE.get(at).copied()
    }

    /// Stripe's minimum charge in minor units, where Stripe publishes one.
    ///
    /// `None` means that Stripe converts to the settlement currency and applies that one's minimum.
    /// Source: <https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts>.
    pub fn stripe_minimum(&self) -> Option<i64> {
        STRIPE_MINIMUMS.iter().find(|(currency, _)| currency == self).map(|(_, minimum)| *minimum)
    }

    /// The smallest step, in minor units, in which Stripe charges this currency.
    ///
    /// Ten for three-decimal currencies, whose last digit must be 0; a hundred for the ariary,
    /// which ISO gives two decimals and Stripe none; one for all others.
    /// Source: <https://docs.stripe.com/currencies#three-decimal> and `#zero-decimal`.
    pub fn stripe_step(&self) -> i64 {
        match *self {
            Self::MGA => 100,
            _ if self.exponent() == 3 => 10,
            _ => 1,
        }
    }

    /// The integer Stripe expects for this many minor units.
    ///
    /// The króna and the Uganda shilling have no decimals, and Stripe still wants two of them
    /// (`#special-cases`); an amount between two steps of [`stripe_step`](Self::stripe_step) is
    /// refused, never rounded: the customer pays what the order says or does not pay.
    pub fn stripe_amount(&self, minor: i64) -> Result<i64, Refusal> {
        if minor % self.stripe_step() != 0 {
            return Err(Refusal::NotChargeable);
        }
        match *self {
            Self::ISK | Self::UGX => minor.checked_mul(100).ok_or(Refusal::Overflow),
            Self::MGA => Ok(minor / 100),
            _ => Ok(minor),
        }
    }

    /// Whether Stripe charges so many minor units at once: a multiple of its step, of eight digits
    /// at most as it is told. The minimum is asked for by itself.
    pub fn is_chargeable(&self, minor: i64) -> bool {
        self.stripe_amount(minor).is_ok_and(|stripe| stripe <= STRIPE_MAXIMUM)
    }

    /// The minor units of an integer that came from Stripe: the inverse of
    /// [`stripe_amount`](Self::stripe_amount).
    pub fn from_stripe_amount(&self, stripe: i64) -> Result<i64, Refusal> {
        match *self {
            Self::ISK | Self::UGX if stripe % 100 != 0 => Err(Refusal::NotChargeable),
            Self::ISK | Self::UGX => Ok(stripe / 100),
            Self::MGA => stripe.checked_mul(100).ok_or(Refusal::Overflow),
            _ => Ok(stripe),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Code;
        impl de::Visitor<'_> for Code {
            type Value = Currency;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an ISO 4217 currency code such as EUR")
            }

            fn visit_str<E: de::Error>(self, code: &str) -> Result<Currency, E> {
                Currency::parse(code)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Str(code), &self))
            }
        }
        deserializer.deserialize_str(Code)
    }
}

impl JsonSchema for Currency {
    fn schema_name() -> Cow<'static, str> {
        "Currency".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::Currency").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "An ISO 4217 currency code.",
            "pattern": "^[A-Z]{3}$",
            "examples": ["EUR"],
        })
    }
}

/// The most that Stripe charges at once, as it is told: eight digits, whatever the currency.
/// Source: <https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts>.
const STRIPE_MAXIMUM: i64 = 99_999_999;

/// Stripe's published minimum charges, in minor units.
const STRIPE_MINIMUMS: [(Currency, i64); 23] = [
    (Currency::AED, 200),
    (Currency::AUD, 50),
    (Currency::BRL, 50),
    (Currency::CAD, 50),
    (Currency::CHF, 50),
    (Currency::CZK, 1_500),
    (Currency::DKK, 250),
    (Currency::EUR, 50),
    (Currency::GBP, 30),
    (Currency::HKD, 400),
    (Currency::HUF, 17_500),
    (Currency::INR, 50),
    (Currency::JPY, 50),
    (Currency::MXN, 1_000),
    (Currency::MYR, 200),
    (Currency::NOK, 300),
    (Currency::NZD, 50),
    (Currency::PLN, 200),
    (Currency::RON, 200),
    (Currency::SEK, 300),
    (Currency::SGD, 50),
    (Currency::THB, 1_000),
    (Currency::USD, 50),
];

/// One row per currency: the private enum keeps the lookups total, without an index that could
/// miss, and its declaration order is the sort order.
macro_rules! currencies {
    ($($code:ident $exponent:literal $name:literal,)*) => {
        #[allow(clippy::upper_case_acronyms)] // the names are ISO's
        #[derive(Copy, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        enum Iso { $($code,)* }

        impl Currency {
            $(#[doc = $name] pub const $code: Self = Self(Iso::$code);)*

            /// Every currency, sorted by code. (`ALL` is the Albanian lek.)
            pub const TABLE: &'static [Self] = &[$(Self::$code,)*];

            /// The upper-case ISO 4217 code.
            pub const fn code(&self) -> &'static str {
                match self.0 { $(Iso::$code => stringify!($code),)* }
            }

            /// The number of decimal places: 0, 2 or 3.
            pub const fn exponent(&self) -> u8 {
                match self.0 { $(Iso::$code => $exponent,)* }
            }

            /// ISO's English name.
            pub const fn name(&self) -> &'static str {
                match self.0 { $(Iso::$code => $name,)* }
            }
        }
    };
}

// As of ISO 4217 in 2026 (no lev, no kuna, XCG for the Antilles).
currencies! {
    AED 2 "UAE Dirham",
    AFN 2 "Afghani",
    ALL 2 "Lek",
    AMD 2 "Armenian Dram",
    AOA 2 "Kwanza",
    ARS 2 "Argentine Peso",
    AUD 2 "Australian Dollar",
    AWG 2 "Aruban Florin",
    AZN 2 "Azerbaijan Manat",
    BAM 2 "Convertible Mark",
    BBD 2 "Barbados Dollar",
    BDT 2 "Taka",
    BHD 3 "Bahraini Dinar",
    BIF 0 "Burundi Franc",
    BMD 2 "Bermudian Dollar",
    BND 2 "Brunei Dollar",
    BOB 2 "Boliviano",
    BRL 2 "Brazilian Real",
    BSD 2 "Bahamian Dollar",
    BTN 2 "Ngultrum",
    BWP 2 "Pula",
    BYN 2 "Belarusian Ruble",
    BZD 2 "Belize Dollar",
    CAD 2 "Canadian Dollar",
    CDF 2 "Congolese Franc",
    CHF 2 "Swiss Franc",
    CLP 0 "Chilean Peso",
    CNY 2 "Yuan Renminbi",
    COP 2 "Colombian Peso",
    CRC 2 "Costa Rican Colon",
    CUP 2 "Cuban Peso",
    CVE 2 "Cabo Verde Escudo",
    CZK 2 "Czech Koruna",
    DJF 0 "Djibouti Franc",
    DKK 2 "Danish Krone",
    DOP 2 "Dominican Peso",
    DZD 2 "Algerian Dinar",
    EGP 2 "Egyptian Pound",
    ERN 2 "Nakfa",
    ETB 2 "Ethiopian Birr",
    EUR 2 "Euro",
    FJD 2 "Fiji Dollar",
    FKP 2 "Falkland Islands Pound",
    GBP 2 "Pound Sterling",
    GEL 2 "Lari",
    GHS 2 "Ghana Cedi",
    GIP 2 "Gibraltar Pound",
    GMD 2 "Dalasi",
    GNF 0 "Guinean Franc",
    GTQ 2 "Quetzal",
    GYD 2 "Guyana Dollar",
    HKD 2 "Hong Kong Dollar",
    HNL 2 "Lempira",
    HTG 2 "Gourde",
    HUF 2 "Forint",
    IDR 2 "Rupiah",
    ILS 2 "New Israeli Sheqel",
    INR 2 "Indian Rupee",
    IQD 3 "Iraqi Dinar",
    IRR 2 "Iranian Rial",
    ISK 0 "Iceland Krona",
    JMD 2 "Jamaican Dollar",
    JOD 3 "Jordanian Dinar",
    JPY 0 "Yen",
    KES 2 "Kenyan Shilling",
    KGS 2 "Som",
    KHR 2 "Riel",
    KMF 0 "Comorian Franc",
    KPW 2 "North Korean Won",
    KRW 0 "Won",
    KWD 3 "Kuwaiti Dinar",
    KYD 2 "Cayman Islands Dollar",
    KZT 2 "Tenge",
    LAK 2 "Lao Kip",
    LBP 2 "Lebanese Pound",
    LKR 2 "Sri Lanka Rupee",
    LRD 2 "Liberian Dollar",
    LSL 2 "Loti",
    LYD 3 "Libyan Dinar",
    MAD 2 "Moroccan Dirham",
    MDL 2 "Moldovan Leu",
    MGA 2 "Malagasy Ariary",
    MKD 2 "Denar",
    MMK 2 "Kyat",
    MNT 2 "Tugrik",
    MOP 2 "Pataca",
    MRU 2 "Ouguiya",
    MUR 2 "Mauritius Rupee",
    MVR 2 "Rufiyaa",
    MWK 2 "Malawi Kwacha",
    MXN 2 "Mexican Peso",
    MYR 2 "Malaysian Ringgit",
    MZN 2 "Mozambique Metical",
    NAD 2 "Namibia Dollar",
    NGN 2 "Naira",
    NIO 2 "Cordoba Oro",
    NOK 2 "Norwegian Krone",
    NPR 2 "Nepalese Rupee",
    NZD 2 "New Zealand Dollar",
    OMR 3 "Rial Omani",
    PAB 2 "Balboa",
    PEN 2 "Sol",
    PGK 2 "Kina",
    PHP 2 "Philippine Peso",
    PKR 2 "Pakistan Rupee",
    PLN 2 "Zloty",
    PYG 0 "Guarani",
    QAR 2 "Qatari Rial",
    RON 2 "Romanian Leu",
    RSD 2 "Serbian Dinar",
    RUB 2 "Russian Ruble",
    RWF 0 "Rwanda Franc",
    SAR 2 "Saudi Riyal",
    SBD 2 "Solomon Islands Dollar",
    SCR 2 "Seychelles Rupee",
    SDG 2 "Sudanese Pound",
    SEK 2 "Swedish Krona",
    SGD 2 "Singapore Dollar",
    SHP 2 "Saint Helena Pound",
    SLE 2 "Leone",
    SOS 2 "Somali Shilling",
    SRD 2 "Surinam Dollar",
    SSP 2 "South Sudanese Pound",
    STN 2 "Dobra",
    SVC 2 "El Salvador Colon",
    SYP 2 "Syrian Pound",
    SZL 2 "Lilangeni",
    THB 2 "Baht",
    TJS 2 "Somoni",
    TMT 2 "Turkmenistan New Manat",
    TND 3 "Tunisian Dinar",
    TOP 2 "Pa’anga",
    TRY 2 "Turkish Lira",
    TTD 2 "Trinidad and Tobago Dollar",
    TWD 2 "New Taiwan Dollar",
    TZS 2 "Tanzanian Shilling",
    UAH 2 "Hryvnia",
    UGX 0 "Uganda Shilling",
    USD 2 "US Dollar",
    UYU 2 "Peso Uruguayo",
    UZS 2 "Uzbekistan Sum",
    VED 2 "Bolívar Digital",
    VES 2 "Bolívar Soberano",
    VND 0 "Dong",
    VUV 0 "Vatu",
    WST 2 "Tala",
    XAF 0 "CFA Franc BEAC",
    XCD 2 "East Caribbean Dollar",
    XCG 2 "Caribbean Guilder",
    XOF 0 "CFA Franc BCEAO",
    XPF 0 "CFP Franc",
    YER 2 "Yemeni Rial",
    ZAR 2 "Rand",
    ZMW 2 "Zambian Kwacha",
    ZWG 2 "Zimbabwe Gold",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_so_that_every_code_finds_itself() {
        assert!(Currency::TABLE.is_sorted_by(|a, b| a.code() < b.code()));
        for currency in Currency::TABLE {
            assert_eq!(Currency::parse(currency.code()), Some(*currency));
            assert!(matches!(currency.exponent(), 0 | 2 | 3));
        }
    }

    #[test]
    fn an_unknown_or_lower_case_code_is_no_currency() {
        for code in ["", "eur", "EURO", "XXX", "XAU", "DEM", "EU", "€"] {
            assert_eq!(Currency::parse(code), None, "{code}");
        }
    }

    #[test]
    fn a_currency_travels_as_its_code_and_an_unknown_code_is_refused() {
        assert_eq!(serde_json::to_string(&Currency::EUR).unwrap(), "\"EUR\"");
        assert_eq!(serde_json::from_str::<Currency>("\"JPY\"").unwrap(), Currency::JPY);
        assert!(serde_json::from_str::<Currency>("\"eur\"").is_err());
        assert!(serde_json::from_str::<Currency>("978").is_err());
    }

    #[test]
    fn a_currency_can_key_a_map() {
        let map = std::collections::BTreeMap::from([(Currency::USD, 1), (Currency::EUR, 2)]);
        let text = serde_json::to_string(&map).unwrap();
        assert_eq!(text, r#"{"EUR":2,"USD":1}"#);
        assert_eq!(
            serde_json::from_str::<std::collections::BTreeMap<Currency, i32>>(&text).unwrap(),
            map
        );
    }

    #[test]
    fn stripes_special_cases_are_known() {
        assert_eq!(Currency::EUR.stripe_amount(1999), Ok(1999));
        assert_eq!(Currency::JPY.stripe_amount(500), Ok(500));
        assert_eq!(Currency::ISK.stripe_amount(5), Ok(500));
        assert_eq!(Currency::UGX.stripe_amount(7), Ok(700));
        assert_eq!(Currency::UGX.stripe_amount(i64::MAX), Err(Refusal::Overflow));
        assert_eq!(Currency::KWD.stripe_amount(5120), Ok(5120));
        assert_eq!(Currency::KWD.stripe_amount(5124), Err(Refusal::NotChargeable));
        assert_eq!(Currency::MGA.stripe_amount(1200), Ok(12));
        assert_eq!(Currency::MGA.stripe_amount(1201), Err(Refusal::NotChargeable));
    }

    #[test]
    fn more_than_eight_digits_are_not_charged_at_once() {
        for (currency, most) in [
            (Currency::EUR, 99_999_999),
            (Currency::JPY, 99_999_999),
            (Currency::KWD, 99_999_990),
            (Currency::ISK, 999_999),
        ] {
            assert!(currency.is_chargeable(most), "{currency}");
            assert!(!currency.is_chargeable(most + currency.stripe_step()), "{currency}");
        }
        assert!(!Currency::KWD.is_chargeable(5124));
    }

    #[test]
    fn what_goes_to_stripe_comes_back_the_same() {
        for currency in Currency::TABLE {
            let minor = 12_300;
            let stripe = currency.stripe_amount(minor).unwrap();
            assert_eq!(currency.from_stripe_amount(stripe), Ok(minor), "{currency}");
        }
        assert_eq!(Currency::ISK.from_stripe_amount(501), Err(Refusal::NotChargeable));
    }

    #[test]
    fn every_minimum_is_itself_chargeable() {
        assert_eq!(Currency::EUR.stripe_minimum(), Some(50));
        assert_eq!(Currency::KWD.stripe_minimum(), None);
        for (currency, minimum) in STRIPE_MINIMUMS {
            assert!(minimum > 0 && currency.stripe_amount(minimum).is_ok(), "{currency}");
        }
    }
}
