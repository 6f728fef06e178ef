//! The shop's own decisions, as staff sees and changes them.

use api::form::{
    Fields, Form, Integer, ListOf, Nested, OneOf, Parsed, Text, YesOrNo, country, currency,
};
use api::reply::View;
use domain::address::Country;
use domain::capture;
use domain::catalog::Locale;
use domain::currency::Currency;
use domain::invoice::{self as entity, LegalEntity};
use domain::return_url::{self, ReturnUrl};
use domain::shop::{
    CURRENCIES_MAX, FraudPolicy, LOCALES_MAX, NAME_CHARS_MAX, OrderNumberFormat, PREFIX_CHARS_MAX,
    PaymentMode, PaymentPolicy, RETURN_DAYS_MAX, RETURN_TEXT_CHARS_MAX, ReturnPolicy,
    SENDER_CHARS_MAX, SYMBOLS_MAX, SYMBOLS_MIN, Shop, UnitSystem,
};
use domain::text::TextPolicy;
use schemars::JsonSchema;
use serde::Serialize;

/// The settings.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct SettingsView {
    /// What the shop has decided, and what holds where it has not.
    pub(crate) shop: Shop,
}

impl View for SettingsView {}

/// What is to be changed; what is left out stays.
#[derive(Debug)]
pub struct ShopChange {
    name: Option<String>,
    country: Option<Country>,
    currencies: Option<Vec<Currency>>,
    default_currency: Option<Currency>,
    locales: Option<Vec<Locale>>,
    default_locale: Option<Locale>,
    mail_sender_name: Option<String>,
    return_policy: Option<ReturnPolicy>,
    payments: PaymentChange,
    texts: TextChange,
    order_number: Option<OrderNumberFormat>,
    unit_system: Option<UnitSystem>,
    legal_entity: Option<LegalEntity>,
}

const fn locale() -> Parsed<Locale> {
    Parsed::by(Locale::parse, "a locale such as de or de-AT", 6).pattern("^[a-z]{2,3}(-[A-Z]{2})?$")
}

impl Form for ShopChange {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.optional("name", Text::between(1, NAME_CHARS_MAX));
        let country = fields.optional("country", country());
        let currencies = fields.optional("currencies", ListOf::up_to(CURRENCIES_MAX, currency()));
        let default_currency = fields.optional("default_currency", currency());
        let locales = fields.optional("locales", ListOf::up_to(LOCALES_MAX, locale()));
        let default_locale = fields.optional("default_locale", locale());
        let sender = Parsed::by(sender, "one line without quotes or brackets", SENDER_CHARS_MAX);
        let mail_sender_name = fields.optional("mail_sender_name", sender);
        let policy = fields.optional("return_policy", Nested::<PolicyForm>::form());
        let payments = fields.optional("payments", Nested::<PaymentChange>::form());
        let texts = fields.optional("texts", Nested::<TextChange>::form());
        let number = fields.optional("order_number", Nested::<NumberForm>::form());
        let unit_system = fields.optional("unit_system", OneOf(&UnitSystem::ALL));
        let entity = fields.optional("legal_entity", Nested::<EntityForm>::form());
        Some(Self {
            name: name?,
            country: country?,
            currencies: currencies?,
            default_currency: default_currency?,
            locales: locales?,
            default_locale: default_locale?,
            mail_sender_name: mail_sender_name?,
            return_policy: policy?.map(|form| form.0),
            payments: payments?.unwrap_or_default(),
            texts: texts?.unwrap_or_default(),
            order_number: number?.map(|form| form.0),
            unit_system: unit_system?,
            legal_entity: entity?.map(|form| form.0),
        })
    }
}

/// A name that may stand before the address in a mail's `From`.
fn sender(text: &str) -> Option<String> {
    let is_good = !text.trim().is_empty()
        && !text.chars().any(|c| c.is_control() || matches!(c, '"' | '<' | '>' | '\\' | '@'));
    is_good.then(|| text.trim().to_owned())
}

impl ShopChange {
    /// The shop with what was changed.
    pub(crate) fn apply(&self, shop: &Shop) -> Shop {
        let change = self;
        let or = |new: &Option<String>, old: &String| new.as_ref().unwrap_or(old).clone();
        Shop {
            name: or(&change.name, &shop.name),
            country: change.country.or(shop.country),
            currencies: change.currencies.as_ref().unwrap_or(&shop.currencies).clone(),
            default_currency: change.default_currency.or(shop.default_currency),
            locales: change.locales.as_ref().unwrap_or(&shop.locales).clone(),
            default_locale: change.default_locale.as_ref().unwrap_or(&shop.default_locale).clone(),
            mail_sender_name: change
                .mail_sender_name
                .clone()
                .or_else(|| shop.mail_sender_name.clone()),
            return_policy: change.return_policy.as_ref().unwrap_or(&shop.return_policy).clone(),
            payments: change.payments.apply(&shop.payments),
            texts: change.texts.apply(shop.texts),
            order_number: change.order_number.as_ref().unwrap_or(&shop.order_number).clone(),
            unit_system: change.unit_system.unwrap_or(shop.unit_system),
            legal_entity: change.legal_entity.clone().or_else(|| shop.legal_entity.clone()),
        }
    }
}

/// How money is taken from now on; what is left out stays.
#[derive(Debug, Default)]
struct PaymentChange {
    mode: Option<PaymentMode>,
    success_url: Option<ReturnUrl>,
    cancel_url: Option<ReturnUrl>,
    capture: Option<capture::Mode>,
    capture_deadline: Option<capture::Deadline>,
    fraud_warnings: Option<FraudPolicy>,
}

impl Form for PaymentChange {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let mode = fields.optional("mode", OneOf(&PaymentMode::ALL));
        let success_url = fields.optional("success_url", url());
        let cancel_url = fields.optional("cancel_url", url());
        let capture = fields.optional("capture", OneOf(&capture::Mode::ALL));
        let deadline = fields.optional("capture_deadline", OneOf(&capture::Deadline::ALL));
        let fraud = fields.optional("fraud_warnings", OneOf(&FraudPolicy::ALL));
        Some(Self {
            mode: mode?,
            success_url: success_url?,
            cancel_url: cancel_url?,
            capture: capture?,
            capture_deadline: deadline?,
            fraud_warnings: fraud?,
        })
    }
}

fn url() -> Parsed<ReturnUrl> {
    let wanted = "an address like https://shop.example/thanks, by HTTPS and without a fragment";
    Parsed::by(ReturnUrl::parse, wanted, return_url::CHARS_MAX).pattern(return_url::PATTERN)
}

impl PaymentChange {
    fn apply(&self, policy: &PaymentPolicy) -> PaymentPolicy {
        let or =
            |new: &Option<ReturnUrl>, old: &Option<ReturnUrl>| new.clone().or_else(|| old.clone());
        PaymentPolicy {
            mode: self.mode.unwrap_or(policy.mode),
            success_url: or(&self.success_url, &policy.success_url),
            cancel_url: or(&self.cancel_url, &policy.cancel_url),
            capture: self.capture.unwrap_or(policy.capture),
            capture_deadline: self.capture_deadline.unwrap_or(policy.capture_deadline),
            fraud_warnings: self.fraud_warnings.unwrap_or(policy.fraud_warnings),
        }
    }
}

/// When texts are sent from now on; what is left out stays.
#[derive(Debug, Default)]
struct TextChange {
    is_on: Option<bool>,
    quiet_from: Option<u8>,
    quiet_until: Option<u8>,
}

impl Form for TextChange {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let is_on = fields.optional("is_on", YesOrNo);
        let from = fields.optional("quiet_from", Integer::between(0, 23));
        let until = fields.optional("quiet_until", Integer::between(0, 23));
        let hour = |hour: Option<i64>| hour.and_then(|hour| u8::try_from(hour).ok());
        Some(Self { is_on: is_on?, quiet_from: hour(from?), quiet_until: hour(until?) })
    }
}

impl TextChange {
    fn apply(&self, policy: TextPolicy) -> TextPolicy {
        TextPolicy {
            is_on: self.is_on.unwrap_or(policy.is_on),
            quiet_from: self.quiet_from.unwrap_or(policy.quiet_from),
            quiet_until: self.quiet_until.unwrap_or(policy.quiet_until),
        }
    }
}

struct PolicyForm(ReturnPolicy);

impl Form for PolicyForm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let days = fields.required("days", Integer::between(0, i64::from(RETURN_DAYS_MAX)));
        let text = fields.optional("text", Text::between(0, RETURN_TEXT_CHARS_MAX));
        let (days, text) = (days?, text?.unwrap_or_default());
        Some(Self(ReturnPolicy { days: u16::try_from(days).ok()?, text }))
    }
}

struct NumberForm(OrderNumberFormat);

impl Form for NumberForm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let prefix = Parsed::by(
            |text| OrderNumberFormat::is_prefix(text).then(|| text.to_owned()),
            "capital letters and digits",
            PREFIX_CHARS_MAX,
        );
        let prefix = fields.optional("prefix", prefix.pattern("^[A-Z0-9]{0,8}$"));
        let symbols = Integer::between(i64::from(SYMBOLS_MIN), i64::from(SYMBOLS_MAX));
        let symbols = fields.required("symbols", symbols);
        let (prefix, symbols) = (prefix?.unwrap_or_default(), symbols?);
        Some(Self(OrderNumberFormat { prefix, symbols: u8::try_from(symbols).ok()? }))
    }
}

struct EntityForm(LegalEntity);

fn prefix() -> Parsed<String> {
    let read = |text: &str| LegalEntity::is_prefix(text).then(|| text.to_owned());
    let wanted = "capital letters, digits and hyphens";
    Parsed::by(read, wanted, entity::PREFIX_CHARS_MAX).pattern("^[A-Z0-9-]{0,12}$")
}

impl Form for EntityForm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let code = Parsed::by(
            |text| LegalEntity::is_code(text).then(|| text.to_owned()),
            "small letters, digits and _",
            entity::CODE_CHARS_MAX,
        );
        let code = fields.required("code", code.pattern("^[a-z0-9_]{1,16}$"));
        let line = || Text::between(1, entity::LINE_CHARS_MAX);
        let name = fields.required("name", line());
        let address = ListOf::up_to(entity::ADDRESS_LINES_MAX, line());
        let address = fields.required("address", address);
        let country = fields.required("country", country());
        let vat_id = fields.optional("vat_id", line());
        let tax_number = fields.optional("tax_number", line());
        let registration = fields.optional("registration", line());
        let contact = fields.optional("contact", line());
        let invoice_prefix = fields.optional("invoice_prefix", prefix());
        let credit_note_prefix = fields.required("credit_note_prefix", prefix());
        let (invoice_prefix, credit_note_prefix) =
            (invoice_prefix?.unwrap_or_default(), credit_note_prefix?);
        if invoice_prefix == credit_note_prefix {
            let detail = "Numbers of credit notes begin otherwise than those of invoices.";
            fields.flaw("credit_note_prefix", "duplicate", detail);
        }
        Some(Self(LegalEntity {
            code: code?,
            name: name?,
            address: address?,
            country: country?,
            vat_id: vat_id?,
            tax_number: tax_number?,
            registration: registration?,
            contact: contact?,
            invoice_prefix,
            credit_note_prefix,
        }))
    }
}

#[cfg(test)]
mod tests {
    use api::form::{flaws_of, read_value};
    use serde_json::{Value, json};

    use super::*;

    fn changed(body: &Value) -> Shop {
        let mut flaws = Vec::new();
        let change: Option<ShopChange> = read_value(body, "", &mut flaws);
        change.unwrap_or_else(|| panic!("{flaws:?}")).apply(&Shop::default())
    }

    #[test]
    fn what_is_left_out_stays() {
        assert_eq!(changed(&json!({})), Shop::default());
        let shop = changed(&json!({"name": "Allure", "order_number": {"prefix": "ML",
            "symbols": 8}, "unit_system": "imperial", "return_policy": {"days": 30}}));
        assert_eq!((shop.name.as_str(), shop.return_policy.days), ("Allure", 30));
        assert_eq!(shop.order_number.number(&[0; 8]), "ML-BBB-BBB-BB");
        assert_eq!(shop.locales, Shop::default().locales);
    }

    #[test]
    fn who_sells_has_two_series_of_numbers() {
        let entity = |prefix: &str| {
            json!({"legal_entity": {
                "code": "main", "name": "Allure GmbH", "address": ["Lindenstrasse 1"],
                "country": "DE", "invoice_prefix": "RE-", "credit_note_prefix": prefix,
            }})
        };
        let shop = changed(&entity("GS-"));
        assert_eq!(shop.legal_entity.map(|entity| entity.name), Some("Allure GmbH".to_owned()));
        let flaws = flaws_of::<ShopChange>(&entity("RE-"));
        assert_eq!(flaws, [("/legal_entity/credit_note_prefix".to_owned(), "duplicate")]);
        let flaws = flaws_of::<ShopChange>(&json!({"legal_entity": {"code": "A/B"}}));
        let pointers: Vec<_> = flaws.iter().map(|flaw| flaw.0.as_str()).collect();
        assert_eq!(
            pointers,
            ["code", "name", "address", "country", "credit_note_prefix"]
                .map(|name| format!("/legal_entity/{name}"))
        );
    }

    #[test]
    fn where_buyers_pay_and_return_to_is_changed_one_by_one() {
        let payments = |body: Value| changed(&json!({ "payments": body })).payments;
        let urls = json!({"success_url": "https://shop.example/thanks?a=b",
            "cancel_url": "https://shop.example/cart", "mode": "checkout"});
        let set = payments(urls);
        assert_eq!(set.mode, PaymentMode::Checkout);
        assert!(set.redirect().is_some());
        assert_eq!(payments(json!({"capture": "manual"})).mode, PaymentMode::Element);
        let flaws = flaws_of::<ShopChange>(&json!({"payments": {
            "mode": "popup", "success_url": "http://shop.example/", "cancel_url": "/cart",
            "return_url": "https://shop.example/",
        }}));
        let pointers: Vec<_> = flaws.iter().map(|flaw| flaw.0.as_str()).collect();
        assert_eq!(
            pointers,
            ["mode", "success_url", "cancel_url", "return_url"]
                .map(|name| format!("/payments/{name}"))
        );
    }

    #[test]
    fn every_flaw_of_a_change_is_named() {
        let flaws = flaws_of::<ShopChange>(&json!({
            "name": "", "country": "UK", "currencies": ["EUR", "euro"], "default_locale": "DE_de",
            "mail_sender_name": "Shop\" <x@y>", "return_policy": {"days": 366},
            "order_number": {"prefix": "a-b", "symbols": 3}, "unit_system": "troy", "owner": 1,
        }));
        let pointers: Vec<_> = flaws.iter().map(|flaw| flaw.0.as_str()).collect();
        assert_eq!(
            pointers,
            [
                "/name",
                "/country",
                "/currencies/1",
                "/default_locale",
                "/mail_sender_name",
                "/return_policy/days",
                "/order_number/prefix",
                "/order_number/symbols",
                "/unit_system",
                "/owner"
            ]
        );
    }
}
