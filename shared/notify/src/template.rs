//! The letters' templates: a subject, a text and an HTML form each, with automatic escaping in
//! HTML.
//!
//! A token stands behind the `#` of its link: what stands there is sent to no server, so that no
//! log, proxy or `Referer` has it. No subject holds personal data or a token: subjects are shown on
//! locked screens.

use std::fmt::Write as _;

use domain::catalog::Locale;
use domain::event::{DigestLine, Letter};
use domain::fault::{Fault, Retry};
use domain::gift_card::{self, Tender};
use domain::letter_template::Source;
use domain::line_cancel::Units;
use domain::money::Money;
use domain::order::{Order, OrderLine};
use domain::paper::figures;
use jiff::Timestamp;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Output, State, UndefinedBehavior, Value, context};
use serde::Serialize;

use crate::edited::Edited;
use crate::parcel::Parcel;
use crate::returned::Returned;

/// A letter, written.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// Its subject.
    pub subject: String,
    /// For those who read HTML.
    pub html: String,
    /// For all others.
    pub text: String,
}

/// Its content is personal.
impl std::fmt::Debug for Rendered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rendered(…)")
    }
}

/// What a letter is written from.
#[derive(Debug)]
pub struct Facts<'a> {
    /// What it says.
    pub letter: &'a Letter,
    /// Where the shop's pages are, without a slash at the end.
    pub shop_url: &'a str,
    /// The language of its words: amounts are written in that way.
    pub locale: Locale,
    /// The order it is about.
    pub order: Option<&'a Order>,
    /// The parcel it is about.
    pub parcel: Option<Parcel>,
    /// The return it is about.
    pub returned: Option<Returned>,
    /// The edit of the order it is about.
    pub edit: Option<Edited>,
    /// Links to the order's digital goods: name and address.
    pub downloads: Vec<Link>,
}

/// A link in a letter.
#[derive(Debug, Clone, Serialize)]
pub struct Link {
    /// What is behind it.
    pub title: String,
    /// Where it leads.
    pub url: String,
}

/// The templates, compiled once.
#[derive(Debug, Default)]
pub struct Templates(Environment<'static>);

#[derive(Serialize)]
struct OrderFacts {
    id: String,
    number: String,
    lines: Vec<LineFacts>,
    subtotal: String,
    discount: Option<String>,
    shipping: Option<String>,
    tax: String,
    total: String,
    tenders: Vec<TenderFacts>,
    due: String,
    refunded: String,
    is_tax_included: bool,
    address: Option<Vec<String>>,
    shipping_name: Option<String>,
    keys: Vec<KeyFacts>,
}

/// How many keys of a line are there; never what they say. They stand on the order's page.
#[derive(Serialize)]
struct KeyFacts {
    title: String,
    ready: u32,
    following: u32,
}

impl KeyFacts {
    fn of(line: &OrderLine) -> Self {
        let wanted = line.quantity.saturating_sub(line.canceled);
        let following = wanted.saturating_sub(line.fulfilled);
        Self { title: line.title.clone(), ready: line.fulfilled, following }
    }
}

#[derive(Serialize)]
struct TenderFacts {
    name: String,
    amount: String,
}

impl TenderFacts {
    fn of(tender: &Tender, locale: &Locale) -> Self {
        let name = match &tender.source {
            gift_card::Source::GiftCard { is_exchange: true, .. } => "Exchanged goods".to_owned(),
            gift_card::Source::GiftCard { last4, .. } => format!("Gift card ending in {last4}"),
            gift_card::Source::StoreCredit { .. } => "Store credit".to_owned(),
        };
        Self { name, amount: format!("-{}", amount(tender.amount, locale)) }
    }
}

#[derive(Serialize)]
struct GiftCardFacts {
    code: String,
    amount: String,
    expires_on: Option<String>,
}

impl GiftCardFacts {
    fn of(letter: &Letter, locale: &Locale) -> Option<Self> {
        let Letter::GiftCard { code, amount: worth, expires_at } = letter else { return None };
        // The day that UTC has then, with its month in letters: no country reads it wrongly.
        let expires_on = expires_at.map(|at| at.strftime("%-d %B %Y").to_string());
        Some(Self { code: code.clone(), amount: amount(*worth, locale), expires_on })
    }
}

#[derive(Serialize)]
struct LineFacts {
    title: String,
    variant: String,
    quantity: u32,
    total: String,
}

/// What all letters stand in and are made of.
pub(crate) const SHARED: [(&str, &str); 2] = [
    ("frame.html", include_str!("../templates/frame.html")),
    ("parts.html", include_str!("../templates/parts.html")),
];

macro_rules! templates {
    ($($name:literal),*) => {
        [$(
            (concat!($name, ".subject"), include_str!(concat!("../templates/", $name, ".subject"))),
            (concat!($name, ".html"), include_str!(concat!("../templates/", $name, ".html"))),
            (concat!($name, ".txt"), include_str!(concat!("../templates/", $name, ".txt"))),
        )*]
    };
}

impl Templates {
    /// The built-in templates. One that does not compile is a bug that a test finds.
    pub fn built_in() -> Result<Self, Fault> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|name| match name.rsplit_once('.') {
            Some((_, "html")) => AutoEscape::Html,
            _ => AutoEscape::None,
        });
        environment.set_formatter(escaped);
        let letters = templates![
            "verify_email",
            "already_registered",
            "reset_password",
            "password_changed",
            "confirm_email_change",
            "email_changed",
            "account_closed",
            "data_exported",
            "data_erased",
            "staff_invitation",
            "staff_reset_password",
            "second_factor_changed",
            "gift_card",
            "order_confirmation",
            "late_payment_refunded",
            "payment_failed",
            "order_shipped",
            "order_delivered",
            "order_refunded",
            "order_canceled",
            "order_lines_canceled",
            "exchange_to_pay",
            "order_edit_to_approve",
            "order_edited",
            "order_edit_closed",
            "order_link",
            "pay_link",
            "return_requested",
            "return_approved",
            "return_rejected",
            "return_received",
            "return_resolved",
            "keys_ready",
            "back_in_stock",
            "stock_digest",
            "dispute_opened",
            "capture_due"
        ];
        for (name, source) in SHARED.into_iter().chain(letters) {
            environment.add_template(name, source).map_err(broken)?;
        }
        Ok(Self(environment))
    }

    /// The letters that there are templates for, sorted by name.
    pub fn letters(&self) -> Vec<&str> {
        let mut names: Vec<&str> =
            self.0.templates().filter_map(|(name, _)| name.strip_suffix(".subject")).collect();
        names.sort_unstable();
        names
    }

    /// The template of a letter, as it is written.
    pub fn source(&self, letter: &str) -> Option<Source> {
        let form = |form: &str| {
            let template = self.0.get_template(&format!("{letter}.{form}")).ok()?;
            Some(template.source().to_owned())
        };
        Some(Source { subject: form("subject")?, html: form("html")?, text: form("txt")? })
    }

    /// Writes a letter.
    pub fn render(&self, facts: &Facts<'_>) -> Result<Rendered, Fault> {
        let context = context_of(facts);
        let name = facts.letter.template();
        let write = |form: &str| {
            let template = self.0.get_template(&format!("{name}.{form}")).map_err(broken)?;
            template.render(&context).map_err(broken)
        };
        let subject = write("subject")?.trim().to_owned();
        Ok(Rendered { subject, html: write("html")?, text: write("txt")? })
    }
}

/// What templates know.
pub(crate) fn context_of(facts: &Facts<'_>) -> Value {
    let (token, is_new) = match facts.letter {
        Letter::VerifyEmail { token }
        | Letter::ResetPassword { token }
        | Letter::DataExported { token }
        | Letter::StaffInvitation { token }
        | Letter::StaffResetPassword { token }
        | Letter::PaymentFailed { token, .. }
        | Letter::ExchangeToPay { token, .. }
        | Letter::OrderEditToApprove { token, .. }
        | Letter::OrderEdited { token: Some(token), .. }
        | Letter::OrderLink { token, .. }
        | Letter::PayLink { token, .. }
        | Letter::BackInStock { token, .. } => (Some(token), None),
        Letter::ConfirmEmailChange { token, is_new } => (Some(token), Some(is_new)),
        Letter::AlreadyRegistered
        | Letter::PasswordChanged
        | Letter::EmailChanged
        | Letter::AccountClosed
        | Letter::DataErased
        | Letter::SecondFactorChanged
        | Letter::GiftCard { .. }
        | Letter::OrderConfirmation { .. }
        | Letter::LatePaymentRefunded { .. }
        | Letter::OrderShipped { .. }
        | Letter::OrderDelivered { .. }
        | Letter::OrderRefunded { .. }
        | Letter::OrderCanceled { .. }
        | Letter::OrderLinesCanceled { .. }
        | Letter::OrderEdited { token: None, .. }
        | Letter::OrderEditClosed { .. }
        | Letter::ReturnRequested { .. }
        | Letter::ReturnApproved { .. }
        | Letter::ReturnRejected { .. }
        | Letter::ReturnReceived { .. }
        | Letter::ReturnResolved { .. }
        | Letter::KeysReady { .. }
        | Letter::TemplateTest { .. }
        | Letter::DisputeOpened { .. }
        | Letter::CaptureDue { .. }
        | Letter::StockDigest { .. } => (None, None),
    };
    context! {
        shop_url => facts.shop_url,
        token => token,
        is_new => is_new,
        gift_card => Value::from(Serde(GiftCardFacts::of(facts.letter, &facts.locale))),
        order => Value::from(Serde(facts.order.map(|order| OrderFacts::of(order, &facts.locale)))),
        parcel => Value::from(Serde(&facts.parcel)),
        returned => Value::from(Serde(&facts.returned)),
        edit => Value::from(Serde(&facts.edit)),
        edit_closed => Value::from(Serde(EditClosedFacts::of(facts.letter))),
        refund => refund_of(facts.letter, &facts.locale),
        canceled => Value::from(Serde(canceled_of(facts.letter, facts.order))),
        downloads => Value::from(Serde(&facts.downloads)),
        stock => Value::from(Serde(StockFacts::of(facts.letter))),
        money => Value::from(Serde(MoneyFacts::of(facts.letter, &facts.locale))),
        pay_link => Value::from(Serde(PayLinkFacts::of(facts.letter, &facts.locale))),
    }
}

/// What the letter that asks for money tells.
#[derive(Serialize)]
struct PayLinkFacts {
    cart_id: String,
    total: String,
    expires_on: String,
    message: Option<String>,
}

impl PayLinkFacts {
    fn of(letter: &Letter, locale: &Locale) -> Option<Self> {
        let Letter::PayLink { cart_id, total, expires_at, message, .. } = letter else {
            return None;
        };
        Some(Self {
            cart_id: cart_id.to_string(),
            total: amount(*total, locale),
            // The day that UTC has then, with its month in letters.
            expires_on: expires_at.strftime("%-d %B %Y").to_string(),
            message: message.clone(),
        })
    }
}

/// What the letter to the staff about an edit that came to nothing tells.
#[derive(Default, Serialize)]
struct EditClosedFacts {
    order_number: String,
    status: String,
    answer: Option<String>,
}

impl EditClosedFacts {
    fn of(letter: &Letter) -> Self {
        let Letter::OrderEditClosed { order_number, status, answer } = letter else {
            return Self::default();
        };
        let status = status.code().to_owned();
        Self { order_number: order_number.clone(), status, answer: answer.clone() }
    }
}

/// What a letter to the staff about money tells.
#[derive(Default, Serialize)]
struct MoneyFacts {
    order_number: String,
    amount: String,
    reason: String,
    is_inquiry: bool,
    due: Option<String>,
}

impl MoneyFacts {
    fn of(letter: &Letter, locale: &Locale) -> Self {
        // The time that UTC has then, with its month in letters.
        let at = |at: Timestamp| at.strftime("%-d %B %Y, %H:%M UTC").to_string();
        if let Letter::DisputeOpened { order_number, amount: sum, reason, is_inquiry, due_by } =
            letter
        {
            return Self {
                order_number: order_number.clone(),
                amount: amount(*sum, locale),
                reason: reason.replace('_', " "),
                is_inquiry: *is_inquiry,
                due: due_by.map(at),
            };
        }
        if let Letter::CaptureDue { order_number, amount: sum, capture_before } = letter {
            return Self {
                order_number: order_number.clone(),
                amount: amount(*sum, locale),
                due: Some(at(*capture_before)),
                ..Self::default()
            };
        }
        Self::default()
    }
}

/// What a letter about stock tells.
#[derive(Default, Serialize)]
struct StockFacts {
    title: String,
    slug: String,
    lines: Vec<StockLine>,
    more: u32,
}

#[derive(Serialize)]
struct StockLine {
    sku: String,
    location: String,
    available: i64,
    days: String,
}

impl StockFacts {
    fn of(letter: &Letter) -> Self {
        match letter {
            Letter::BackInStock { title, slug, .. } => {
                Self { title: title.clone(), slug: slug.to_string(), ..Self::default() }
            }
            Letter::StockDigest { lines, more } => {
                let line = |line: &DigestLine| StockLine {
                    sku: line.sku.to_string(),
                    location: line.location.clone(),
                    available: line.available,
                    days: line.days_left.map_or_else(|| "–".to_owned(), |days| days.to_string()),
                };
                Self { lines: lines.iter().map(line).collect(), more: *more, ..Self::default() }
            }
            Letter::VerifyEmail { .. }
            | Letter::AlreadyRegistered
            | Letter::ResetPassword { .. }
            | Letter::PasswordChanged
            | Letter::ConfirmEmailChange { .. }
            | Letter::EmailChanged
            | Letter::AccountClosed
            | Letter::DataExported { .. }
            | Letter::DataErased
            | Letter::StaffInvitation { .. }
            | Letter::StaffResetPassword { .. }
            | Letter::SecondFactorChanged
            | Letter::OrderConfirmation { .. }
            | Letter::LatePaymentRefunded { .. }
            | Letter::OrderShipped { .. }
            | Letter::OrderDelivered { .. }
            | Letter::OrderRefunded { .. }
            | Letter::OrderCanceled { .. }
            | Letter::OrderLinesCanceled { .. }
            | Letter::PaymentFailed { .. }
            | Letter::ExchangeToPay { .. }
            | Letter::OrderEditToApprove { .. }
            | Letter::OrderEdited { .. }
            | Letter::OrderEditClosed { .. }
            | Letter::OrderLink { .. }
            | Letter::PayLink { .. }
            | Letter::ReturnRequested { .. }
            | Letter::ReturnApproved { .. }
            | Letter::ReturnRejected { .. }
            | Letter::ReturnReceived { .. }
            | Letter::ReturnResolved { .. }
            | Letter::KeysReady { .. }
            | Letter::TemplateTest { .. }
            | Letter::DisputeOpened { .. }
            | Letter::CaptureDue { .. }
            | Letter::GiftCard { .. } => Self::default(),
        }
    }
}

/// What goes back, in the letter that says so.
fn refund_of(letter: &Letter, locale: &Locale) -> Option<String> {
    let Letter::OrderRefunded { amount: sum, .. } = letter else { return None };
    Some(amount(*sum, locale))
}

#[derive(Serialize)]
struct CanceledFacts {
    title: String,
    variant: String,
    quantity: u32,
}

/// Which units were called off, in the letter that says so.
fn canceled_of(letter: &Letter, order: Option<&Order>) -> Vec<CanceledFacts> {
    let (Letter::OrderLinesCanceled { number, .. }, Some(order)) = (letter, order) else {
        return Vec::new();
    };
    let at = usize::try_from(*number).unwrap_or(usize::MAX).saturating_sub(1);
    let units = order.cancellations.get(at).map(|one| one.units.as_slice()).unwrap_or_default();
    let of = |one: &Units| {
        let line = order.lines.iter().find(|line| line.id == one.line)?;
        let (title, variant) = (line.title.clone(), line.variant_title.clone());
        Some(CanceledFacts { title, variant, quantity: one.quantity })
    };
    units.iter().filter_map(of).collect()
}

impl OrderFacts {
    fn of(order: &Order, locale: &Locale) -> Self {
        let sum = |money: Money| amount(money, locale);
        let lines = order
            .lines
            .iter()
            .map(|line| LineFacts {
                title: line.title.clone(),
                variant: line.variant_title.clone(),
                quantity: line.quantity,
                total: sum(line.total),
            })
            .collect();
        let address = order.shipping_address.as_ref().map(|to| {
            let mut lines = vec![to.name.as_str().to_owned(), to.line1.clone()];
            lines.extend(to.line2.clone());
            lines.push(format!("{} {}", to.postal_code, to.city).trim().to_owned());
            lines.extend(to.region.clone());
            lines.push(to.country.code().to_owned());
            lines
        });
        let tenders = order.tendering.tenders.iter();
        Self {
            id: order.id.to_string(),
            number: order.number.clone(),
            lines,
            subtotal: sum(order.totals.subtotal),
            discount: (!order.totals.discount.is_zero())
                .then(|| format!("-{}", sum(order.totals.discount))),
            shipping: order.shipping.as_ref().map(|_| sum(order.totals.shipping)),
            tax: sum(order.totals.tax),
            total: sum(order.totals.total),
            tenders: tenders.map(|tender| TenderFacts::of(tender, locale)).collect(),
            due: sum(order.charged()),
            refunded: sum(order.captured),
            is_tax_included: order.price_mode == domain::tax::PriceMode::Inclusive,
            address,
            shipping_name: order.shipping.as_ref().map(|option| option.name.clone()),
            keys: order.lines.iter().filter(|line| line.has_keys).map(KeyFacts::of).collect(),
        }
    }
}

/// An amount as the words' language writes it: `1,234.50 EUR`, as on papers, but with a plain space
/// before the currency, which can be searched for and copied.
pub(crate) fn amount(money: Money, locale: &Locale) -> String {
    figures::amount(money, locale).replace('\u{a0}', " ")
}

/// As the engine escapes by itself, but for the slash: it does no harm in HTML, and addresses with
/// `&#x2f;` in them look like hiding to filters against spam.
fn escaped(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), minijinja::Error> {
    if *state.auto_escape() == AutoEscape::None {
        return Ok(out.write_str(&value.to_string())?);
    }
    write_escaped(out, value)
}

/// Writes a value into HTML.
pub(crate) fn write_escaped(out: &mut Output<'_>, value: &Value) -> Result<(), minijinja::Error> {
    let text = value.to_string();
    if value.is_safe() {
        return Ok(out.write_str(&text)?);
    }
    for c in text.chars() {
        match c {
            '&' => out.write_str("&amp;")?,
            '<' => out.write_str("&lt;")?,
            '>' => out.write_str("&gt;")?,
            '"' => out.write_str("&quot;")?,
            '\'' => out.write_str("&#39;")?,
            c => out.write_char(c)?,
        }
    }
    Ok(())
}

/// The engine's message names template and line; values do not stand in it.
#[allow(clippy::needless_pass_by_value, reason = "it stands where map_err hands over")]
fn broken(error: minijinja::Error) -> Fault {
    Fault::noticed(
        format!(
            "write a letter: {:?} in {} line {}",
            error.kind(),
            error.name().unwrap_or("?"),
            error.line().unwrap_or(0)
        ),
        Retry::Useless,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{self, SHOP_URL, TOKEN};

    fn every_letter() -> Vec<(&'static str, Letter, Rendered)> {
        let templates = Templates::built_in().unwrap();
        let order = samples::order().unwrap();
        let letters = samples::letters(order.id).into_iter();
        letters
            .map(|(name, letter)| {
                let rendered = templates.render(&samples::facts(&letter, &order));
                let rendered = rendered.unwrap_or_else(|fault| panic!("{name}: {fault}"));
                (name, letter, rendered)
            })
            .collect()
    }

    fn letter(name: &str) -> Rendered {
        let found = every_letter().into_iter().find(|(each, ..)| *each == name);
        found.map(|(_, _, rendered)| rendered).unwrap()
    }

    /// The addresses that a letter's HTML leads to.
    fn links(html: &str) -> Vec<&str> {
        html.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
    }

    #[test]
    fn every_template_is_the_form_of_a_letter_that_has_a_sample() {
        let templates = Templates::built_in().unwrap();
        let mut expected = vec!["frame.html".to_owned(), "parts.html".to_owned()];
        for (_, letter, _) in every_letter() {
            for form in ["subject", "html", "txt"] {
                expected.push(format!("{}.{form}", letter.template()));
            }
        }
        expected.sort_unstable();
        expected.dedup();
        let mut compiled: Vec<_> = templates.0.templates().map(|(name, _)| name).collect();
        compiled.sort_unstable();
        assert_eq!(compiled, expected);
    }

    #[test]
    fn a_letter_has_no_gaps() {
        for (name, _, Rendered { subject, html, text }) in every_letter() {
            assert!(!subject.is_empty() && subject.len() < 78, "{name}: {subject}");
            assert!(!subject.contains(['\r', '\n']), "{name}: {subject}");
            for form in [&subject, &html, &text] {
                for mark in ["{{", "{%", "{#", "}}", "%}", "#}"] {
                    assert!(!form.contains(mark), "{name}: {mark} in {form}");
                }
                assert!(!form.split(' ').any(|word| word == "none"), "{name}: {form}");
            }
            assert!(!text.contains("\n\n\n"), "{name}: {text}");
        }
    }

    #[test]
    fn no_subject_tells_a_token_or_a_person() {
        for (name, _, Rendered { subject, .. }) in every_letter() {
            for secret in [TOKEN, "Jane", "jane", "@", "Berlin"] {
                assert!(!subject.contains(secret), "{name}: {subject}");
            }
        }
    }

    #[test]
    fn each_token_stands_behind_the_hash_of_its_own_page() {
        let pages = [
            ("verify_email", "/verify"),
            ("reset_password", "/reset"),
            ("confirm_new_email", "/email"),
            ("confirm_old_email", "/email"),
            ("staff_invitation", "/admin/invitation"),
            ("staff_reset_password", "/admin/reset"),
            ("data_exported", "/account/export"),
            ("back_in_stock", "/back-in-stock"),
            ("exchange_to_pay", "/orders/ord_01ARZ3NDEKTSV4RRFFQ69G5FAV"),
            ("payment_failed", "/orders/ord_01ARZ3NDEKTSV4RRFFQ69G5FAV"),
            ("order_edit_to_approve", "/orders/ord_01ARZ3NDEKTSV4RRFFQ69G5FAV/edit"),
            ("order_edited", "/orders/ord_01ARZ3NDEKTSV4RRFFQ69G5FAV"),
            ("order_link", "/orders/ord_01ARZ3NDEKTSV4RRFFQ69G5FAV"),
            ("pay_link", "/pay/cart_01ARZ3NDEKTSV4RRFFQ69G5FAV"),
        ];
        for (name, letter, Rendered { html, text, .. }) in every_letter() {
            let page = pages.iter().find(|(each, _)| *each == name).map(|(_, page)| page);
            let link = page.map(|page| format!("{SHOP_URL}{page}#token={TOKEN}"));
            let about_order = matches!(letter, Letter::OrderConfirmation { .. });
            assert!(
                about_order || link.is_some() == (html.contains(TOKEN) || text.contains(TOKEN)),
                "{name}"
            );
            let Some(link) = link else { continue };
            // The button, and the same address to read.
            let found = links(&html).into_iter().filter(|each| *each == link).count();
            assert_eq!(found, 2, "{name}: {html}");
            assert_eq!(html.matches(TOKEN).count(), 3, "{name}: {html}");
            assert!(text.lines().any(|line| line == link), "{name}: {text}");
            assert_eq!(text.matches(TOKEN).count(), 1, "{name}: {text}");
        }
    }

    #[test]
    fn a_link_of_the_html_is_in_the_text_and_leads_to_the_shop() {
        for (name, _, Rendered { html, text, .. }) in every_letter() {
            for link in links(&html) {
                // But for the parcel, which is followed where its carrier is.
                let is_ours = link.starts_with(SHOP_URL) || link == samples::TRACKING_URL;
                assert!(is_ours, "{name}: {link}");
                assert!(link == SHOP_URL || text.contains(link), "{name}: {link} in {text}");
            }
        }
    }

    #[test]
    fn a_letter_says_how_long_its_link_is_good() {
        let spans = [
            ("verify_email", "24 hours"),
            ("reset_password", "30 minutes"),
            ("confirm_new_email", "24 hours"),
            ("confirm_old_email", "24 hours"),
            ("staff_invitation", "72 hours"),
            ("staff_reset_password", "30 minutes"),
            ("exchange_to_pay", "48 hours"),
            ("payment_failed", "48 hours"),
            ("order_edit_to_approve", "28 November 2026"),
            ("order_edited", "48 hours"),
            ("order_link", "60 minutes"),
            ("pay_link", "28 November 2026"),
        ];
        for (name, span) in spans {
            let Rendered { html, text, .. } = letter(name);
            assert!(html.contains(span) && text.contains(span), "{name}");
        }
    }

    #[test]
    fn a_notice_says_what_to_do_at_once_if_it_was_not_the_reader() {
        let notices = [
            "password_changed",
            "email_changed",
            "account_closed",
            "second_factor_changed",
            "confirm_old_email",
        ];
        for name in notices {
            let Rendered { html, text, .. } = letter(name);
            assert!(html.contains("It was not you?") && html.contains("at once"), "{name}");
            assert!(text.contains("f it was not you") && text.contains("t once"), "{name}");
        }
    }

    #[test]
    fn a_name_can_not_write_the_letter() {
        let Rendered { html, text, .. } = letter("order_confirmation");
        assert!(html.contains("Mug &lt;b&gt;&quot;Blue &amp; White&quot;&lt;/b&gt;"), "{html}");
        assert!(html.contains("1 &lt;i&gt;Long&lt;/i&gt; Street"), "{html}");
        assert!(!html.contains("<b>") && !html.contains("<i>"), "{html}");
        assert!(text.contains("Mug <b>\"Blue & White\"</b>"), "{text}");
    }

    #[test]
    fn a_token_can_not_write_the_letter() {
        let letters = [
            Letter::VerifyEmail { token: "a\"b<c>'&".into() },
            Letter::ResetPassword { token: "a\"b<c>'&".into() },
            Letter::ConfirmEmailChange { token: "a\"b<c>'&".into(), is_new: true },
            Letter::ConfirmEmailChange { token: "a\"b<c>'&".into(), is_new: false },
            Letter::StaffInvitation { token: "a\"b<c>'&".into() },
            Letter::StaffResetPassword { token: "a\"b<c>'&".into() },
        ];
        for letter in letters {
            let order = samples::order().unwrap();
            let templates = Templates::built_in().unwrap();
            let rendered = templates.render(&samples::facts(&letter, &order)).unwrap();
            assert!(!rendered.html.contains("a\"b"), "{letter:?}");
            assert!(rendered.html.contains("#token=a&quot;b&lt;c&gt;&#39;&amp;\""), "{letter:?}");
            assert!(rendered.text.contains("#token=a\"b<c>'&\n"), "{letter:?}");
        }
    }

    #[test]
    fn a_letter_about_an_order_is_not_written_without_it() {
        let order_id = samples::order().unwrap().id;
        let letter = Letter::OrderConfirmation { order_id };
        let facts = Facts {
            letter: &letter,
            shop_url: SHOP_URL,
            locale: Locale::default(),
            order: None,
            parcel: None,
            returned: None,
            edit: None,
            downloads: vec![],
        };
        let fault = Templates::built_in().unwrap().render(&facts).unwrap_err();
        assert_eq!(fault.retry(), Retry::Useless);
    }

    #[test]
    fn an_order_s_sums_add_up_to_the_eye() {
        let Rendered { html, text, .. } = letter("order_confirmation");
        for line in [
            "2 x Mug <b>\"Blue & White\"</b> (Blue, 300 ml): 22.50 EUR",
            "Subtotal: 1,234,592.89 EUR",
            "Discount: -2.50 EUR",
            "Shipping (Standard): 4.90 EUR",
            "Total: 1,234,595.29 EUR (tax included: 197,120.25 EUR)",
        ] {
            assert!(text.lines().any(|each| each == line), "{line} in {text}");
        }
        for amount in ["1,234,592.89 EUR", "-2.50 EUR", "4.90 EUR", "1,234,595.29 EUR"] {
            assert!(html.contains(amount), "{amount}");
        }
    }

    #[test]
    fn an_amount_is_written_as_the_letter_s_language_does() {
        let order = samples::order().unwrap();
        let letter = Letter::OrderConfirmation { order_id: order.id };
        let german = Locale::parse("de").unwrap();
        let facts = samples::facts_in(&letter, &order, &german);
        let Rendered { text, .. } = Templates::built_in().unwrap().render(&facts).unwrap();
        assert!(text.contains("1.234.595,29 EUR"), "{text}");
    }

    #[test]
    fn a_letter_tells_how_many_keys_there_are_and_none_of_them() {
        let lines = |quantity, fulfilled| {
            let mut order = samples::order().unwrap();
            (order.lines[1].quantity, order.lines[1].fulfilled) = (quantity, fulfilled);
            let letter = Letter::OrderConfirmation { order_id: order.id };
            let rendered = Templates::built_in().unwrap().render(&samples::facts(&letter, &order));
            let Rendered { html, text, .. } = rendered.unwrap();
            (html.replace('’', "'"), text)
        };
        for (quantity, fulfilled, wanted) in [
            (2, 2, ": on your order's page"),
            (2, 0, ": 2 to follow"),
            (3, 1, ": 1 on your order's page, 2 to follow"),
        ] {
            let (html, text) = lines(quantity, fulfilled);
            assert!(html.contains(&format!("{wanted}</li>")), "{wanted}: {html}");
            assert!(text.lines().any(|line| line.ends_with(wanted)), "{wanted}: {text}");
        }
    }

    #[test]
    fn a_letter_can_be_read_by_ear_and_by_night() {
        for (name, _, Rendered { html, .. }) in every_letter() {
            assert!(html.starts_with("<!doctype html>"), "{name}");
            assert!(html.contains("<html lang=\"en\" dir=\"ltr\">"), "{name}");
            assert!(html.contains("prefers-color-scheme: dark"), "{name}");
            assert_eq!(html.matches("<h1").count(), 1, "{name}");
            assert!(!html.contains("<img"), "{name}: a picture needs an alternative text");
            // A table either lays out or has heads.
            let tables = html.matches("<table").count();
            let layout = html.matches("role=\"presentation\"").count();
            assert_eq!(tables - layout, html.matches("<thead>").count(), "{name}");
        }
    }
}
