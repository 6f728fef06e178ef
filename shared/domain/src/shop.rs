//! What the merchant has decided for the whole shop: its name, its currencies and languages, where
//! it is established, what it promises about returns, what its order numbers look like.
//!
//! A new shop has none of this written down: [`Shop::default`] is what holds until it has.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::address::Country;
use crate::capture;
use crate::catalog::Locale;
use crate::currency::Currency;
use crate::invoice::LegalEntity;
use crate::payment::Redirect;
use crate::return_url::ReturnUrl;
use crate::text::TextPolicy;

/// Characters of the shop's name.
pub const NAME_CHARS_MAX: usize = 80;
/// Characters of the name that mails come from.
pub const SENDER_CHARS_MAX: usize = 60;
/// Currencies that a shop offers: each has its own price of everything.
pub const CURRENCIES_MAX: usize = 30;
/// Languages of a shop.
pub const LOCALES_MAX: usize = 30;
/// The longest time in which goods may come back.
pub const RETURN_DAYS_MAX: u16 = 365;
/// Characters of what is said about returns.
pub const RETURN_TEXT_CHARS_MAX: usize = 2_000;
/// Characters before an order's number.
pub const PREFIX_CHARS_MAX: usize = 8;
/// The fewest symbols of an order's number: 24⁸ are a hundred thousand million.
pub const SYMBOLS_MIN: u8 = 8;
/// The most symbols of an order's number.
pub const SYMBOLS_MAX: u8 = 15;

/// Symbols of an order's number: no vowels, so that no word appears, and nothing that is misread
/// on the phone.
const NUMBER_SYMBOLS: &[u8; 24] = b"BCDFGHJKMNPQRSTVWXZ23456";

/// The shop's own decisions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Shop {
    /// What it is called.
    pub name: String,
    /// Where it is established: decides between reverse charge, export and home sales.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<Country>,
    /// What carts may be priced in; none is the default one only.
    pub currencies: Vec<Currency>,
    /// What a cart is priced in that asks for nothing; the deployment's own where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_currency: Option<Currency>,
    /// The languages of its texts.
    pub locales: Vec<Locale>,
    /// The language of the texts that are not translated.
    pub default_locale: Locale,
    /// The name that its mails come from; the shop's own where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail_sender_name: Option<String>,
    /// What it promises about returns.
    pub return_policy: ReturnPolicy,
    /// How it takes money.
    pub payments: PaymentPolicy,
    /// When it sends texts to telephones, if at all.
    pub texts: TextPolicy,
    /// What its order numbers look like.
    pub order_number: OrderNumberFormat,
    /// How it shows weights and lengths.
    pub unit_system: UnitSystem,
    /// Who sells, before the law; a shop that has not said so issues no invoices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_entity: Option<LegalEntity>,
}

/// What a shop promises about returns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnPolicy {
    /// Days after the delivery in which goods may come back.
    #[schemars(range(max = RETURN_DAYS_MAX))]
    pub days: u16,
    /// What shoppers read about it.
    pub text: String,
}

/// How a shop takes money.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PaymentPolicy {
    /// Where a buyer pays.
    pub mode: PaymentMode,
    /// Where a buyer's browser goes who has paid on the provider's page; the order's id is put into
    /// its query as `order_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success_url: Option<ReturnUrl>,
    /// Where a buyer's browser goes who turned back on the provider's page; with `order_id`, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancel_url: Option<ReturnUrl>,
    /// When the money of an order is taken.
    pub capture: capture::Mode,
    /// What becomes of reserved money that nobody took, half a day before its time is over.
    pub capture_deadline: capture::Deadline,
    /// What is done when the card's issuer warns of fraud.
    pub fraud_warnings: FraudPolicy,
}

/// Where a buyer pays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentMode {
    /// In a form of the provider's inside the shop's own page.
    #[default]
    Element,
    /// On a page of the provider's own, which the browser is sent to and returns from.
    Checkout,
}

impl PaymentMode {
    /// Every choice, by its name.
    pub const ALL: [(&'static str, Self); 2] =
        [("element", Self::Element), ("checkout", Self::Checkout)];
}

impl PaymentPolicy {
    /// The way over the provider's page, as it is set now; none where the buyer stays.
    pub fn redirect(&self) -> Option<Redirect> {
        match (self.mode, &self.success_url, &self.cancel_url) {
            (PaymentMode::Checkout, Some(success_url), Some(cancel_url)) => Some(Redirect {
                success_url: success_url.clone(),
                cancel_url: cancel_url.clone(),
                session: None,
            }),
            (PaymentMode::Element | PaymentMode::Checkout, _, _) => None,
        }
    }
}

/// What is done when the card's issuer warns of fraud, before anybody disputes the payment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FraudPolicy {
    /// Nothing.
    Ignore,
    /// The order is put on hold.
    #[default]
    Hold,
    /// The order is put on hold and all of its money goes back: that is cheaper than a dispute.
    Refund,
}

impl FraudPolicy {
    /// Every choice, by its name.
    pub const ALL: [(&'static str, Self); 3] =
        [("ignore", Self::Ignore), ("hold", Self::Hold), ("refund", Self::Refund)];
}

/// How weights and lengths are shown; they are kept in grams and millimetres.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnitSystem {
    /// Kilograms and centimetres.
    #[default]
    Metric,
    /// Pounds and inches.
    Imperial,
}

impl UnitSystem {
    /// Every system, by its name.
    pub const ALL: [(&'static str, Self); 2] =
        [("metric", Self::Metric), ("imperial", Self::Imperial)];
}

/// What an order's number looks like: a prefix, then groups of symbols of three.
///
/// The symbols are random: numbers that count tell everybody how much a shop sells, and whose
/// order came next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderNumberFormat {
    /// Capital letters and digits in front, without the hyphen that follows; may be empty.
    #[schemars(regex(pattern = "^[A-Z0-9]{0,8}$"))]
    pub prefix: String,
    /// How many symbols.
    #[schemars(range(min = SYMBOLS_MIN, max = SYMBOLS_MAX))]
    pub symbols: u8,
}

impl Default for OrderNumberFormat {
    fn default() -> Self {
        Self { prefix: String::new(), symbols: 9 }
    }
}

impl OrderNumberFormat {
    /// A number like `FLX-STH-42T-DMW`; the bytes are random, one for each symbol.
    pub fn number(&self, random: &[u8]) -> String {
        let mut number = self.prefix.clone();
        for (at, byte) in random.iter().take(usize::from(self.symbols)).enumerate() {
            if at % 3 == 0 && !number.is_empty() {
                number.push('-');
            }
            let index = usize::from(*byte) % NUMBER_SYMBOLS.len();
            number.push(char::from(NUMBER_SYMBOLS.get(index).copied().unwrap_or(b'X')));
        }
        number
    }

    /// Whether such a prefix may stand in front of numbers.
    pub fn is_prefix(prefix: &str) -> bool {
        prefix.len() <= PREFIX_CHARS_MAX
            && prefix.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    }
}

impl Default for Shop {
    fn default() -> Self {
        let english = Locale::default();
        Self {
            name: "Shop".to_owned(),
            country: None,
            currencies: Vec::new(),
            default_currency: None,
            locales: vec![english.clone()],
            default_locale: english,
            mail_sender_name: None,
            // What the Consumer Rights Directive (2011/83/EU art. 9) gives every buyer at least.
            return_policy: ReturnPolicy { days: 14, text: String::new() },
            payments: PaymentPolicy::default(),
            texts: TextPolicy::default(),
            order_number: OrderNumberFormat::default(),
            unit_system: UnitSystem::Metric,
            legal_entity: None,
        }
    }
}

/// Why decisions do not go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The default currency is none that is offered.
    DefaultCurrencyNotOffered,
    /// The default language is none of the shop's.
    DefaultLocaleNotOffered,
    /// A currency or a language is there twice.
    Duplicate(&'static str),
    /// Buyers pay on the provider's page, and nobody said where they return to.
    ReturnMissing(&'static str),
}

impl Refusal {
    /// The stable name callers see.
    pub const fn code(self) -> &'static str {
        match self {
            Self::DefaultCurrencyNotOffered | Self::DefaultLocaleNotOffered => "not_offered",
            Self::Duplicate(_) => "duplicate",
            Self::ReturnMissing(_) => "required",
        }
    }

    /// The field that it is about.
    pub const fn field(self) -> &'static str {
        match self {
            Self::DefaultCurrencyNotOffered => "default_currency",
            Self::DefaultLocaleNotOffered => "default_locale",
            Self::Duplicate(field) | Self::ReturnMissing(field) => field,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DefaultCurrencyNotOffered => f.write_str("This is none of the currencies."),
            Self::DefaultLocaleNotOffered => f.write_str("This is none of the locales."),
            Self::Duplicate(_) => f.write_str("One of these is there twice."),
            Self::ReturnMissing(_) => {
                f.write_str("Buyers who pay on the provider's page have to return somewhere.")
            }
        }
    }
}

impl std::error::Error for Refusal {}

impl Shop {
    /// What a cart is priced in that asks for nothing; `own` is the deployment's currency.
    pub fn currency(&self, own: Currency) -> Currency {
        self.default_currency.or_else(|| self.currencies.first().copied()).unwrap_or(own)
    }

    /// What carts may be priced in. A shop that has not said so lets its prices decide.
    pub fn offers(&self, currency: Currency) -> bool {
        self.currencies.is_empty() || self.currencies.contains(&currency)
    }

    /// The name that mails come from.
    pub fn sender_name(&self) -> &str {
        self.mail_sender_name.as_deref().unwrap_or(&self.name)
    }

    /// Everything that does not go together.
    pub fn check(&self) -> Result<(), Vec<Refusal>> {
        let mut refusals = Vec::new();
        if self.default_currency.is_some_and(|currency| !self.offers(currency)) {
            refusals.push(Refusal::DefaultCurrencyNotOffered);
        }
        if !self.locales.contains(&self.default_locale) {
            refusals.push(Refusal::DefaultLocaleNotOffered);
        }
        if has_twice(&self.currencies) {
            refusals.push(Refusal::Duplicate("currencies"));
        }
        if has_twice(&self.locales) {
            refusals.push(Refusal::Duplicate("locales"));
        }
        if self.payments.mode == PaymentMode::Checkout {
            let urls = [
                ("payments/success_url", &self.payments.success_url),
                ("payments/cancel_url", &self.payments.cancel_url),
            ];
            let missing = urls.into_iter().filter(|(_, url)| url.is_none());
            refusals.extend(missing.map(|(field, _)| Refusal::ReturnMissing(field)));
        }
        if refusals.is_empty() { Ok(()) } else { Err(refusals) }
    }
}

fn has_twice<T: PartialEq>(all: &[T]) -> bool {
    all.iter().enumerate().any(|(at, one)| all.iter().skip(at + 1).any(|other| other == one))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_a_prefix_and_groups_of_three() {
        let random: Vec<u8> = (0..20).collect();
        let number = |prefix: &str, symbols| {
            OrderNumberFormat { prefix: prefix.into(), symbols }.number(&random)
        };
        assert_eq!(number("", 9), "BCD-FGH-JKM");
        assert_eq!(number("FLX", 9), "FLX-BCD-FGH-JKM");
        assert_eq!(number("A1", 8), "A1-BCD-FGH-JK");
        assert_eq!(number("", 15), "BCD-FGH-JKM-NPQ-RST");
        assert!(OrderNumberFormat::is_prefix("FLX") && OrderNumberFormat::is_prefix(""));
        for wrong in ["flx", "F-X", "ABCDEFGHI", "Ä"] {
            assert!(!OrderNumberFormat::is_prefix(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_new_shop_has_decisions_that_go_together() {
        let shop = Shop::default();
        assert_eq!(shop.check(), Ok(()));
        assert!(shop.offers(Currency::JPY));
        assert_eq!(shop.currency(Currency::CHF), Currency::CHF);
        assert_eq!(shop.sender_name(), "Shop");
        let none: Shop = serde_json::from_str("{}").unwrap();
        assert_eq!(none, shop);
    }

    #[test]
    fn what_does_not_go_together_is_named_at_once() {
        let locale = |text| Locale::parse(text).unwrap();
        let shop = Shop {
            currencies: vec![Currency::EUR, Currency::CHF, Currency::EUR],
            default_currency: Some(Currency::USD),
            locales: vec![locale("de"), locale("de")],
            default_locale: locale("fr"),
            ..Shop::default()
        };
        let fields: Vec<_> = shop.check().unwrap_err().iter().map(|r| r.field()).collect();
        assert_eq!(fields, ["default_currency", "default_locale", "currencies", "locales"]);
        assert!(!shop.offers(Currency::USD));
        assert_eq!(shop.currency(Currency::GBP), Currency::USD);
    }

    #[test]
    fn who_sends_buyers_away_says_where_they_return_to() {
        let url = |text| ReturnUrl::parse(text);
        let mut shop = Shop::default();
        shop.payments.mode = PaymentMode::Checkout;
        shop.payments.cancel_url = url("https://shop.example/cart");
        let refusals = shop.check().unwrap_err();
        assert_eq!(refusals, [Refusal::ReturnMissing("payments/success_url")]);
        assert_eq!(shop.payments.redirect(), None);
        shop.payments.success_url = url("https://shop.example/thanks");
        assert_eq!(shop.check(), Ok(()));
        assert!(shop.payments.redirect().is_some_and(|it| it.session.is_none()));
        shop.payments.mode = PaymentMode::Element;
        assert_eq!((shop.check(), shop.payments.redirect()), (Ok(()), None));
        let old: PaymentPolicy = serde_json::from_str(r#"{"capture":"manual"}"#).unwrap();
        assert_eq!(old.mode, PaymentMode::Element);
    }
}
