//! Invoices and credit notes: who sells, which number, what stands on them.
//!
//! Numbers have no gaps: each legal entity has two series, one for invoices and one for credit
//! notes, and a number is taken in the very transaction that writes what it is the number of.
//! What was issued never changes: it is kept as a [`Paper`], and what has to be put right is put
//! right by a credit note.
//!
//! The sums on the paper are the order's own: its lines, its shipping and its tax, which add up to
//! what is paid by construction.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::address::Country;
use crate::catalog::Locale;
use crate::currency::Currency;
use crate::gift_card::{Source, Tender};
use crate::id::{OrderId, RefundId};
use crate::money::{self, Money, Rounding};
use crate::order::{Order, OrderLine};
use crate::paper::words::{Language, Words};
use crate::paper::{Align, Column, Fact, Kind, Paper, Row, Sheet, Sum, Table, envelope, figures};
use crate::refund::{self, Refund};
use crate::shop::Shop;
use crate::tax::{PPM_MAX, PriceMode, Reason, TaxRate};

/// Characters of the code of a legal entity.
pub const CODE_CHARS_MAX: usize = 16;
/// Characters of its name and of each line about it.
pub const LINE_CHARS_MAX: usize = 120;
/// Lines of its address.
pub const ADDRESS_LINES_MAX: usize = 5;
/// Characters before an invoice's number.
pub const PREFIX_CHARS_MAX: usize = 12;
/// Digits that a number has at least: short ones get zeros in front, so that they sort.
const DIGITS_MIN: usize = 6;

/// Who sells, before the law: what has to stand on every invoice (Directive 2006/112/EC art. 226).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LegalEntity {
    /// Names its series of numbers; another code begins another series. Small letters, digits and
    /// `_`.
    #[schemars(regex(pattern = "^[a-z0-9_]{1,16}$"))]
    pub code: String,
    /// Its name in the register.
    #[schemars(length(min = 1, max = LINE_CHARS_MAX))]
    pub name: String,
    /// Where it is, line by line, without its name and country.
    #[schemars(length(min = 1, max = ADDRESS_LINES_MAX))]
    pub address: Vec<String>,
    /// The country that it is in.
    pub country: Country,
    /// Its VAT ID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vat_id: Option<String>,
    /// Its tax number, where it has no VAT ID or both are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_number: Option<String>,
    /// Where it is registered, who manages it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration: Option<String>,
    /// How it is reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// What stands before the number of an invoice.
    #[schemars(regex(pattern = "^[A-Z0-9-]{0,12}$"))]
    pub invoice_prefix: String,
    /// What stands before the number of a credit note; never what stands before an invoice's.
    #[schemars(regex(pattern = "^[A-Z0-9-]{0,12}$"))]
    pub credit_note_prefix: String,
}

impl LegalEntity {
    /// Whether this may be the code of one.
    pub fn is_code(text: &str) -> bool {
        let is_symbol = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        (1..=CODE_CHARS_MAX).contains(&text.len()) && text.bytes().all(is_symbol)
    }

    /// Whether this may stand before numbers.
    pub fn is_prefix(text: &str) -> bool {
        let is_symbol = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-';
        text.len() <= PREFIX_CHARS_MAX && text.bytes().all(is_symbol)
    }

    /// A number as it stands on paper.
    pub fn number(&self, kind: Issued, sequence: u64) -> String {
        let prefix = match kind {
            Issued::Invoice => &self.invoice_prefix,
            Issued::CreditNote => &self.credit_note_prefix,
        };
        format!("{prefix}{sequence:0>DIGITS_MIN$}")
    }

    fn sender(&self) -> Vec<String> {
        let mut lines = vec![self.name.clone()];
        lines.extend(self.address.iter().cloned());
        lines.push(self.country.code().to_owned());
        lines
    }

    fn footer(&self, words: &Words) -> Vec<String> {
        let numbers = [
            self.vat_id.as_ref().map(|id| format!("{}: {id}", words.vat_id)),
            self.tax_number.as_ref().map(|id| format!("{}: {id}", words.tax_number)),
        ];
        let numbers: Vec<String> = numbers.into_iter().flatten().collect();
        let about = [self.registration.clone(), self.contact.clone()];
        let mut lines = vec![format!("{} · {}", self.name, self.address.join(", "))];
        lines.extend((!numbers.is_empty()).then(|| numbers.join(" · ")));
        lines.extend(about.into_iter().flatten());
        lines
    }
}

/// What has a number of a series.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "IssuedKind")]
pub enum Issued {
    /// An invoice.
    Invoice,
    /// A credit note.
    CreditNote,
}

impl Issued {
    /// The name in keys.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Invoice => "invoice",
            Self::CreditNote => "credit_note",
        }
    }
}

/// What an order is to get: the invoice, the credit note of one of its refunds, or that of what is
/// left because it was called off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// Which order.
    pub order_id: OrderId,
    /// Which refund; none for the invoice itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_id: Option<RefundId>,
    /// Whether it is the credit note of an order that was called off.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_called_off: bool,
}

impl Due {
    /// The invoice of an order.
    pub const fn invoice(order_id: OrderId) -> Self {
        Self { order_id, refund_id: None, is_called_off: false }
    }

    /// The credit note of a refund.
    pub const fn refund(order_id: OrderId, refund: RefundId) -> Self {
        Self { order_id, refund_id: Some(refund), is_called_off: false }
    }

    /// The credit note of an order that was called off.
    pub const fn called_off(order_id: OrderId) -> Self {
        Self { order_id, refund_id: None, is_called_off: true }
    }

    /// What was issued.
    pub fn of(invoice: &Invoice) -> Self {
        let is_called_off = invoice.kind == Issued::CreditNote && invoice.refund_id.is_none();
        Self { order_id: invoice.order_id, refund_id: invoice.refund_id, is_called_off }
    }
}

/// An invoice or a credit note that was issued. It never changes, but for the note that its file
/// is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoice {
    /// Its number: unique in the shop.
    pub number: String,
    /// What it is.
    pub kind: Issued,
    /// Whose series the number is of.
    pub entity: String,
    /// Which of the series, from 1.
    pub sequence: u64,
    /// Of which order.
    pub order_id: OrderId,
    /// What people call the order.
    pub order_number: String,
    /// The refund that a credit note is of; none where the order was called off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_id: Option<RefundId>,
    /// What it comes to; never negative.
    pub total: Money,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When its file was written; none until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored_at: Option<Timestamp>,
}

/// Where a paper comes from, and which number it gets.
#[derive(Debug, Clone, Copy)]
pub struct Issue<'a> {
    /// Who sells.
    pub entity: &'a LegalEntity,
    /// The language and the marks of its figures.
    pub locale: &'a Locale,
    /// Which of the series.
    pub sequence: u64,
    /// When.
    pub now: Timestamp,
}

/// The language of an order's papers: the shop's own, in the way of the country that they go to
/// where the shop speaks that one, too.
pub fn locale_of(order: &Order, shop: &Shop) -> Locale {
    let to = order.billing_address.as_ref().or(order.shipping_address.as_ref());
    let country = to.map(|to| to.country.code()).unwrap_or_default();
    let is_of = |locale: &&Locale| {
        locale.as_str().split_once('-').is_some_and(|(_, region)| region == country)
            || (locale.as_str().len() == 2 && locale.as_str().eq_ignore_ascii_case(country))
    };
    shop.locales.iter().find(is_of).unwrap_or(&shop.default_locale).clone()
}

/// The invoice of an order.
pub fn invoice(order: &Order, issue: Issue<'_>) -> Result<(Invoice, Paper), money::Refusal> {
    let Issue { entity, locale, sequence, now } = issue;
    let number = entity.number(Issued::Invoice, sequence);
    let writer = Writer::of(order, locale);
    let words = writer.words;
    let mut facts = vec![fact(words.invoice_number, &number), writer.day(words.date, now)];
    facts.extend(writer.about_order());
    let mut notes = writer.tax_notes();
    notes.push(words.supply.to_owned());
    let invoice = issued(order, None, (entity, Issued::Invoice, sequence), order.totals.total, now);
    let paper = Paper {
        kind: Kind::Invoice,
        language: writer.language(),
        sheet: Sheet::of(Some(entity.country)),
        dated: now,
        sender: entity.sender(),
        recipient: writer.recipient(entity),
        title: words.invoice.to_owned(),
        name: number,
        barcode: Some(order.number.clone()),
        facts,
        table: writer.goods()?,
        sums: writer.sums()?,
        taxes: Some(writer.tax_table(&writer.charged()?)),
        notes,
        footer: entity.footer(words),
        page: words.page.to_owned(),
    };
    Ok((invoice, paper))
}

/// The credit note of a refund; `of` is the number of the order's invoice.
pub fn credit_note(
    order: &Order,
    refund: &Refund,
    of: &str,
    issue: Issue<'_>,
) -> Result<(Invoice, Paper), money::Refusal> {
    let writer = Writer::of(order, issue.locale);
    let back = writer.given_back(refund)?;
    let by_rate = Writer::taxed(back.iter().map(|part| (part.rate.clone(), part.amount)))?;
    writer.credit((Some(refund.id), of), &back, &by_rate, issue)
}

/// The credit note of an order that was called off: of what no refund gives back, because it was
/// only reserved, not taken yet, or paid by gift cards and credit. None where refunds give it all.
pub fn called_off(
    order: &Order,
    refunds: &[Refund],
    of: &str,
    issue: Issue<'_>,
) -> Result<Option<(Invoice, Paper)>, money::Refusal> {
    let writer = Writer::of(order, issue.locale);
    let given = refunds.iter().filter(|refund| has_credit_note(order, refund));
    let given = given.map(|refund| given_by(refund, order.currency));
    let given = Money::sum(order.currency, given.collect::<Result<Vec<_>, _>>()?)?;
    let left = order.totals.total.sub(given)?;
    if !left.is_positive() {
        return Ok(None);
    }
    let (back, by_rate) = if given.is_zero() {
        (writer.everything()?, writer.charged()?)
    } else {
        let back = writer.shared(writer.words.called_off, left)?;
        let by_rate = Writer::taxed(back.iter().map(|part| (part.rate.clone(), part.amount)))?;
        (back, by_rate)
    };
    writer.credit((None, of), &back, &by_rate, issue).map(Some)
}

/// Whether a refund has a credit note of its own, or gets one when it comes about. One that was
/// asked for because the order was called off is asked for until it does.
fn has_credit_note(order: &Order, refund: &Refund) -> bool {
    // What had paid for a replacement was credited when the goods came back.
    if refund.origin == refund::Origin::Exchange {
        return false;
    }
    let is_of_the_end = Some(refund.created_at) >= order.ended_at;
    match refund.status {
        refund::Status::Failed | refund::Status::Canceled => {
            is_of_the_end || refund.succeeded_at.is_some()
        }
        refund::Status::Requested
        | refund::Status::Processing
        | refund::Status::RequiresAction
        | refund::Status::Succeeded => true,
    }
}

fn issued(
    order: &Order,
    refund_id: Option<RefundId>,
    (entity, kind, sequence): (&LegalEntity, Issued, u64),
    total: Money,
    now: Timestamp,
) -> Invoice {
    Invoice {
        number: entity.number(kind, sequence),
        kind,
        entity: entity.code.clone(),
        sequence,
        order_id: order.id,
        order_number: order.number.clone(),
        refund_id,
        total,
        issued_at: now,
        stored_at: None,
    }
}

fn fact(label: &str, value: &str) -> Fact {
    Fact { label: label.to_owned(), value: value.to_owned() }
}

fn back_columns(words: &Words) -> Vec<Column> {
    vec![
        Column::new(words.item, 560, Align::Left),
        Column::new(words.quantity, 120, Align::Right),
        Column::new(words.tax, 120, Align::Right),
        Column::new(words.amount, 200, Align::Right),
    ]
}

/// An amount of a rate, without and with its tax.
#[derive(Debug, Clone, Copy)]
struct Taxed {
    net: Money,
    tax: Money,
}

/// By rate, the highest first; what has no rate written down comes last.
type ByRate = BTreeMap<(Reverse<Option<u32>>, Option<TaxRate>), Taxed>;

/// A part of what is given back.
struct Back {
    label: String,
    details: Vec<String>,
    quantity: Option<u32>,
    rate: Option<TaxRate>,
    amount: Money,
}

impl Back {
    fn row(&self, writer: &Writer<'_>) -> Row {
        let cells = vec![
            self.label.clone(),
            self.quantity.map(|quantity| quantity.to_string()).unwrap_or_default(),
            writer.rate(self.rate.as_ref()),
            writer.amount(self.amount),
        ];
        Row { details: self.details.clone(), ..Row::of(cells) }
    }
}

/// Writes an order in a language.
struct Writer<'a> {
    order: &'a Order,
    locale: &'a Locale,
    words: &'static Words,
}

impl<'a> Writer<'a> {
    fn of(order: &'a Order, locale: &'a Locale) -> Self {
        Self { order, locale, words: Language::of(locale).words() }
    }

    fn language(&self) -> String {
        Language::of(self.locale).code().to_owned()
    }

    fn amount(&self, money: Money) -> String {
        figures::amount(money, self.locale)
    }

    fn sum(&self, label: &str, money: Money, is_total: bool) -> Sum {
        Sum { label: label.to_owned(), value: self.amount(money), is_total }
    }

    fn day(&self, label: &str, at: Timestamp) -> Fact {
        fact(label, &figures::day(at, self.locale))
    }

    fn rate(&self, rate: Option<&TaxRate>) -> String {
        rate.map(|rate| figures::percent(rate.ppm, self.locale)).unwrap_or_default()
    }

    fn is_exclusive(&self) -> bool {
        self.order.price_mode == PriceMode::Exclusive
    }

    fn about_order(&self) -> Vec<Fact> {
        let placed = self.order.placed_at.unwrap_or(self.order.created_at);
        let mut facts = vec![
            fact(self.words.order, &self.order.number),
            self.day(self.words.order_date, placed),
        ];
        let vat_id = self.order.vat_id.as_ref();
        facts.extend(vat_id.map(|id| fact(self.words.your_vat_id, id.as_str())));
        facts
    }

    /// Who pays: by their address or, where nothing was sent anywhere, by where the letters go.
    fn recipient(&self, entity: &LegalEntity) -> Vec<String> {
        let Order { billing_address, shipping_address, email, .. } = self.order;
        match billing_address.as_ref().or(shipping_address.as_ref()) {
            Some(address) => envelope(address, Some(entity.country)),
            None => vec![email.as_str().to_owned()],
        }
    }

    fn tax_notes(&self) -> Vec<String> {
        let words = self.words;
        let included = (!self.is_exclusive()).then(|| words.includes_tax.to_owned());
        match self.order.tax_reason {
            Reason::ReverseCharge => vec![words.reverse_charge.to_owned()],
            Reason::Export => vec![words.export.to_owned()],
            Reason::Untaxed => vec![words.untaxed.to_owned()],
            Reason::Taxed | Reason::NoAddress => included.into_iter().collect(),
        }
    }

    /// What a line comes to, as the prices are: with their tax, or without.
    fn line_amount(&self, line: &OrderLine) -> Result<Money, money::Refusal> {
        if self.is_exclusive() { line.total.sub(line.tax) } else { Ok(line.total) }
    }

    fn goods(&self) -> Result<Table, money::Refusal> {
        let words = self.words;
        let rows = self.order.lines.iter().map(|line| {
            let mut details = about(line);
            if !line.discount.is_zero() {
                let off = self.amount(line.discount.negate()?);
                details.push(format!("{}: {off}", words.discount));
            }
            let cells = vec![
                line.title.clone(),
                line.quantity.to_string(),
                self.amount(line.unit_price),
                self.rate(line.tax_rate.as_ref()),
                self.amount(self.line_amount(line)?),
            ];
            Ok(Row { details, ..Row::of(cells) })
        });
        let columns = vec![
            Column::new(words.item, 440, Align::Left),
            Column::new(words.quantity, 90, Align::Right),
            Column::new(words.unit_price, 180, Align::Right),
            Column::new(words.tax, 90, Align::Right),
            Column::new(words.amount, 200, Align::Right),
        ];
        Ok(Table { columns, rows: rows.collect::<Result<_, _>>()? })
    }

    fn sums(&self) -> Result<Vec<Sum>, money::Refusal> {
        let (words, order) = (self.words, self.order);
        let amounts: Vec<Money> =
            order.lines.iter().map(|line| self.line_amount(line)).collect::<Result<_, _>>()?;
        let mut sums = vec![self.sum(words.subtotal, Money::sum(order.currency, amounts)?, false)];
        if let Some(option) = &order.shipping {
            let Taxed { net, tax } = self.shipping()?;
            let paid = if self.is_exclusive() { net } else { net.add(tax)? };
            let label = format!("{} ({})", words.shipping, option.name);
            sums.push(self.sum(&label, paid, false));
        }
        if self.is_exclusive() && !order.totals.tax.is_zero() {
            sums.push(self.sum(words.tax, order.totals.tax, false));
        }
        sums.push(self.sum(words.total, order.totals.total, true));
        let tenders = &order.tendering.tenders;
        for Tender { source, amount, .. } in tenders {
            let label = match source {
                Source::GiftCard { is_exchange: true, .. } => words.returned_goods.to_owned(),
                Source::GiftCard { last4, .. } => format!("{} {last4}", words.gift_card),
                Source::StoreCredit { .. } => words.store_credit.to_owned(),
            };
            sums.push(self.sum(&label, amount.negate()?, false));
        }
        if !tenders.is_empty() {
            sums.push(self.sum(words.card, order.charged(), false));
        }
        Ok(sums)
    }

    /// What the shipping costs: what the total is more than its lines.
    fn shipping(&self) -> Result<Taxed, money::Refusal> {
        let Order { currency, lines, totals, .. } = self.order;
        let paid = totals.total.sub(Money::sum(*currency, lines.iter().map(|line| line.total))?)?;
        let tax = totals.tax.sub(Money::sum(*currency, lines.iter().map(|line| line.tax))?)?;
        Ok(Taxed { net: paid.sub(tax)?, tax })
    }

    /// What was charged, by rate: lines and shipping.
    fn charged(&self) -> Result<ByRate, money::Refusal> {
        let mut sums = ByRate::new();
        for line in &self.order.lines {
            let taxed = Taxed { net: line.total.sub(line.tax)?, tax: line.tax };
            count(&mut sums, line.tax_rate.as_ref(), taxed)?;
        }
        let shipping = self.shipping()?;
        if !shipping.net.is_zero() || !shipping.tax.is_zero() {
            count(&mut sums, self.order.shipping_rate.as_ref(), shipping)?;
        }
        Ok(sums)
    }

    /// The tax that amounts contain, by rate.
    fn taxed(
        amounts: impl Iterator<Item = (Option<TaxRate>, Money)>,
    ) -> Result<ByRate, money::Refusal> {
        let mut sums = ByRate::new();
        for (rate, amount) in amounts {
            let (ppm, whole) = (rate.as_ref().map_or(0, |rate| rate.ppm), u64::from(PPM_MAX));
            let tax = amount.ratio(u64::from(ppm), whole + u64::from(ppm), Rounding::HalfUp)?;
            count(&mut sums, rate.as_ref(), Taxed { net: amount.sub(tax)?, tax })?;
        }
        Ok(sums)
    }

    fn tax_table(&self, by_rate: &ByRate) -> Table {
        let words = self.words;
        let rows = by_rate.iter().map(|((_, rate), Taxed { net, tax })| {
            let name = match rate {
                Some(rate) => {
                    let share = figures::percent(rate.ppm, self.locale);
                    format!("{} {share}", rate.name).trim().to_owned()
                }
                None => words.tax.to_owned(),
            };
            // What was added up once adds up again.
            let gross = net.add(*tax).unwrap_or(*net);
            let amounts = [*net, *tax, gross].map(|money| self.amount(money));
            Row::of(std::iter::once(name).chain(amounts).collect())
        });
        let columns = vec![
            Column::new(words.rate, 340, Align::Left),
            Column::new(words.net, 220, Align::Right),
            Column::new(words.tax, 220, Align::Right),
            Column::new(words.gross, 220, Align::Right),
        ];
        Table { columns, rows: rows.collect() }
    }

    /// What a refund gives back, part by part. What is for no line in particular lowers what was
    /// charged at each rate by its share.
    fn given_back(&self, refund: &Refund) -> Result<Vec<Back>, money::Refusal> {
        let words = self.words;
        let mut back = Vec::new();
        for part in &refund.parts {
            let amount = part.amount();
            match part {
                refund::Part::Line { line, quantity, .. } => {
                    let line = self.order.lines.iter().find(|each| each.id == *line);
                    back.push(Back {
                        label: line.map(|line| line.title.clone()).unwrap_or_default(),
                        details: line.map(about).unwrap_or_default(),
                        quantity: Some(*quantity),
                        rate: line.and_then(|line| line.tax_rate.clone()),
                        amount,
                    });
                }
                refund::Part::Shipping { .. } => back.push(Back {
                    label: words.shipping.to_owned(),
                    details: Vec::new(),
                    quantity: None,
                    rate: self.order.shipping_rate.clone(),
                    amount,
                }),
                refund::Part::Amount { .. } => back.extend(self.shared(words.refund, amount)?),
                refund::Part::Goodwill { .. } => back.extend(self.shared(words.goodwill, amount)?),
            }
        }
        let parts = Money::sum(self.order.currency, back.iter().map(|part| part.amount))?;
        let rest = given_by(refund, self.order.currency)?.sub(parts)?;
        if !rest.is_zero() {
            let label = if refund.parts.is_empty() { words.refund } else { words.carried };
            back.extend(self.shared(label, rest)?);
        }
        Ok(back)
    }

    /// All that the invoice charges, as it was sold.
    fn everything(&self) -> Result<Vec<Back>, money::Refusal> {
        let part = |line: &OrderLine| Back {
            label: line.title.clone(),
            details: about(line),
            quantity: Some(line.quantity),
            rate: line.tax_rate.clone(),
            amount: line.total,
        };
        let mut all: Vec<Back> = self.order.lines.iter().map(part).collect();
        let Taxed { net, tax } = self.shipping()?;
        let amount = net.add(tax)?;
        if !amount.is_zero() {
            all.push(Back {
                label: self.words.shipping.to_owned(),
                details: Vec::new(),
                quantity: None,
                rate: self.order.shipping_rate.clone(),
                amount,
            });
        }
        Ok(all)
    }

    /// A credit note of these parts; `of` is the refund that it is of, and the invoice's number.
    fn credit(
        &self,
        (refund, of): (Option<RefundId>, &str),
        back: &[Back],
        by_rate: &ByRate,
        issue: Issue<'_>,
    ) -> Result<(Invoice, Paper), money::Refusal> {
        let Issue { entity, locale: _, sequence, now } = issue;
        let (order, words) = (self.order, self.words);
        let number = entity.number(Issued::CreditNote, sequence);
        let mut facts = vec![
            fact(words.credit_note_number, &number),
            self.day(words.date, now),
            fact(words.of_invoice, of),
        ];
        facts.extend(self.about_order());
        let given = Money::sum(order.currency, back.iter().map(|part| part.amount))?;
        let (rows, columns) = (back.iter().map(|part| part.row(self)), back_columns(words));
        let total = (entity, Issued::CreditNote, sequence);
        let credit = issued(order, refund, total, given, now);
        let paper = Paper {
            kind: Kind::CreditNote,
            language: self.language(),
            sheet: Sheet::of(Some(entity.country)),
            dated: now,
            sender: entity.sender(),
            recipient: self.recipient(entity),
            title: words.credit_note.to_owned(),
            name: number,
            barcode: Some(order.number.clone()),
            facts,
            table: Table { columns, rows: rows.collect() },
            sums: vec![self.sum(words.total_back, given, true)],
            taxes: Some(self.tax_table(by_rate)),
            notes: self.tax_notes(),
            footer: entity.footer(words),
            page: words.page.to_owned(),
        };
        Ok((credit, paper))
    }

    /// An amount over the rates that the order was charged at.
    fn shared(&self, label: &str, amount: Money) -> Result<Vec<Back>, money::Refusal> {
        let charged = self.charged()?;
        let gross = charged.values().map(|Taxed { net, tax }| net.add(*tax));
        let weights = gross.map(|gross| Ok(gross?.amount().unsigned_abs()));
        let weights = weights.collect::<Result<Vec<u64>, money::Refusal>>()?;
        let rates = charged.keys().map(|(_, rate)| rate.clone());
        let parts = amount.allocate(&weights)?.into_iter().zip(rates);
        let part = |(amount, rate)| Back {
            label: label.to_owned(),
            details: Vec::new(),
            quantity: None,
            rate,
            amount,
        };
        Ok(parts.filter(|(amount, _)| !amount.is_zero()).map(part).collect())
    }
}

/// All that a refund gives: to gift cards and credit, for a replacement, and as money.
fn given_by(refund: &Refund, currency: Currency) -> Result<Money, money::Refusal> {
    let exchanged = refund.exchanged.as_ref().map(|exchanged| exchanged.amount);
    let credit = refund.credit.map(|credit| credit.amount).or(exchanged);
    let tenders = refund.tenders.iter().map(|tender| tender.amount);
    Money::sum(currency, tenders.chain(credit).chain([refund.money]))
}

/// The small lines under a line's name.
pub(crate) fn about(line: &OrderLine) -> Vec<String> {
    let variant = Some(line.variant_title.clone()).filter(|title| !title.is_empty());
    variant.into_iter().chain([line.sku.to_string()]).collect()
}

fn count(sums: &mut ByRate, rate: Option<&TaxRate>, by: Taxed) -> Result<(), money::Refusal> {
    let zero = Money::zero(by.net.currency());
    let key = (Reverse(rate.map(|rate| rate.ppm)), rate.cloned());
    let sum = sums.entry(key).or_insert(Taxed { net: zero, tax: zero });
    *sum = Taxed { net: sum.net.add(by.net)?, tax: sum.tax.add(by.tax)? };
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
