//! What stands on invoices and credit notes adds up, and numbers have no gaps.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::id::Ulid;
use crate::pricing::{Freight, Item, price_with};
use crate::tax::{TaxCategory, TaxRegion};

fn now() -> Timestamp {
    Timestamp::from_second(1_794_000_000).unwrap()
}

pub(crate) fn german() -> Shop {
    Shop {
        name: "Becherhaus".into(),
        country: Some(Country::DE),
        locales: vec![Locale::parse("de").unwrap(), Locale::parse("en").unwrap()],
        default_locale: Locale::parse("de").unwrap(),
        legal_entity: Some(entity()),
        ..Shop::default()
    }
}

fn entity() -> LegalEntity {
    LegalEntity {
        code: "main".into(),
        name: "Becherhaus GmbH".into(),
        address: vec!["Lindenstraße 1".into(), "10969 Berlin".into()],
        country: Country::DE,
        vat_id: Some("DE123456789".into()),
        tax_number: None,
        registration: None,
        contact: None,
        invoice_prefix: "RE-".into(),
        credit_note_prefix: "GS-".into(),
    }
}

/// An order of so many lines, the n-th of n + 1 units, at these rates in turn; with shipping.
pub(crate) fn order(lines: usize, currency: &str, mode: &str, rates: &[u32]) -> Order {
    priced(lines, currency, mode, rates, &|_| 0)
}

fn priced(
    count: usize,
    currency: &str,
    mode: &str,
    rates: &[u32],
    discount: &dyn Fn(usize) -> i64,
) -> Order {
    let code = Currency::parse(currency).unwrap();
    let money = |amount: i64| Money::new(amount, code);
    let category = |at: usize| TaxCategory::parse(&format!("c{}", at % rates.len())).unwrap();
    let rate = |at: usize| TaxRate::new("MwSt.", rates[at % rates.len()]);
    let mut region = TaxRegion {
        country: Country::DE,
        region: None,
        postal_prefix: None,
        postal_range: None,
        mode: serde_json::from_value(json!(mode)).unwrap(),
        rates: (0..rates.len()).map(|at| (category(at), rate(at))).collect(),
    };
    region.rates.insert(TaxCategory::STANDARD, rate(0));
    let items: Vec<Item> = (0..count)
        .map(|at| Item {
            unit_price: money(990 + i64::try_from(at).unwrap() * 10),
            quantity: u32::try_from(at + 1).unwrap(),
            tax_category: category(at),
            discount: money(discount(at)),
        })
        .collect();
    let freight = Freight { price: money(490), discount: money(0) };
    let sums = price_with(&items, freight, &region, code).unwrap();
    let ulid = |n: usize| Ulid::from_parts(1, n as u128);
    let lines: Vec<Value> = sums
        .lines
        .iter()
        .enumerate()
        .map(|(at, line)| {
            json!({
                "id": format!("oli_{}", ulid(at)), "variant": format!("var_{}", ulid(at)),
                "product": format!("prod_{}", ulid(at)), "sku": format!("SKU-{at}"),
                "title": format!("Becher {at}"), "variant_title": "", "kind": "physical",
                "quantity": line.quantity, "unit_price": line.unit_price, "discount": line.discount,
                "tax": line.tax, "tax_rate": line.rate, "total": line.total,
            })
        })
        .collect();
    let address = json!({
        "name": "Jane Roe", "line1": "Rue de la Paix 1", "city": "Paris", "postal_code": "75002",
        "country": "FR",
    });
    let order = json!({
        "id": format!("ord_{}", ulid(7)), "number": "FLX-BCD-FGH",
        "cart": format!("cart_{}", ulid(1)),
        "customer": null, "email": "jane@example.org", "currency": currency, "lines": lines,
        "shipping_address": address, "billing_address": null,
        "shipping": {"id": "home-standard", "name": "DHL", "price": sums.shipping.price,
            "lead_days": [1, 3]},
        "shipping_rate": sums.shipping.rate,
        "price_mode": mode, "totals": sums.totals,
        "status": "placed", "payment_status": "paid", "fulfillment_status": "unfulfilled",
        "reservation": {"state": "committed", "expires_at": now()}, "payment": null,
        "captured": sums.totals.total, "refunded": money(0), "events": 1, "version": 1,
        "created_at": now(), "placed_at": now(), "ended_at": null, "updated_at": now(),
    });
    serde_json::from_value(order).unwrap()
}

fn refund(parts: &[refund::Part], money: Money) -> Refund {
    let refund = json!({
        "id": format!("ref_{}", Ulid::from_parts(1, 9)),
        "order": format!("ord_{}", Ulid::from_parts(1, 7)), "payment": null, "status": "succeeded",
        "origin": "staff", "parts": parts, "tenders": [], "money": money, "reason": null,
        "by": crate::audit::Actor::System, "attempt": 1, "asked_at": null, "provider_ref": null,
        "failure": null, "succeeded_at": now(), "version": 1, "created_at": now(),
        "updated_at": now(),
    });
    serde_json::from_value(refund).unwrap()
}

fn written(order: &Order, language: &str) -> Paper {
    let (entity, locale) = (entity(), Locale::parse(language).unwrap());
    let issue = Issue { entity: &entity, locale: &locale, sequence: 12, now: now() };
    invoice(order, issue).unwrap().1
}

fn plain(text: &str) -> String {
    text.replace(['\u{a0}', '\u{202f}'], " ")
}

fn sums(paper: &Paper) -> Vec<String> {
    paper.sums.iter().map(|sum| plain(&format!("{}: {}", sum.label, sum.value))).collect()
}

fn rows(table: &Table) -> Vec<String> {
    table.rows.iter().map(|row| plain(&row.cells.join(" | "))).collect()
}

#[test]
fn an_invoice_says_all_that_the_law_wants() {
    let paper = written(&order(2, "EUR", "inclusive", &[190_000, 70_000]), "de");
    assert_eq!((paper.title.as_str(), paper.name.as_str()), ("Rechnung", "RE-000012"));
    assert_eq!(paper.recipient, ["Jane Roe", "Rue de la Paix 1", "75002 Paris", "FR"]);
    assert_eq!(
        rows(&paper.table),
        ["Becher 0 | 1 | 9,90 EUR | 19 % | 9,90 EUR", "Becher 1 | 2 | 10,00 EUR | 7 % | 20,00 EUR",]
    );
    assert_eq!(
        sums(&paper),
        ["Zwischensumme: 29,90 EUR", "Versand (DHL): 4,90 EUR", "Gesamtbetrag: 34,80 EUR",]
    );
    assert_eq!(
        rows(paper.taxes.as_ref().unwrap()),
        [
            "MwSt. 19 % | 8,32 EUR | 1,58 EUR | 9,90 EUR",
            "MwSt. 7 % | 23,27 EUR | 1,63 EUR | 24,90 EUR",
        ]
    );
    assert!(paper.footer.iter().any(|line| line.contains("USt-IdNr.: DE123456789")));
}

#[test]
fn where_the_tax_comes_on_top_it_is_a_row_of_its_own() {
    let paper = written(&order(1, "USD", "exclusive", &[88_750]), "en-US");
    assert_eq!(
        sums(&paper),
        ["Subtotal: 9.90 USD", "Shipping (DHL): 4.90 USD", "Tax: 1.31 USD", "Total: 16.11 USD",]
    );
    assert_eq!(rows(&paper.table), ["Becher 0 | 1 | 9.90 USD | 8.875% | 9.90 USD"]);
}

#[test]
fn a_buyer_who_owes_the_tax_is_told_so() {
    let mut order = order(1, "EUR", "exclusive", &[0]);
    order.tax_reason = Reason::ReverseCharge;
    let paper = written(&order, "de");
    assert!(paper.notes.iter().any(|note| note.contains("Steuerschuldnerschaft")));
}

#[test]
fn the_language_is_one_of_the_shops_and_suits_the_country() {
    let mut order = order(1, "EUR", "inclusive", &[0]);
    let mut shop = german();
    assert_eq!(locale_of(&order, &shop).as_str(), "de");
    shop.locales.push(Locale::parse("fr").unwrap());
    assert_eq!(locale_of(&order, &shop).as_str(), "fr");
    shop.locales.push(Locale::parse("en-GB").unwrap());
    order.billing_address = serde_json::from_value(json!({
        "name": "J", "line1": "1", "city": "London", "postal_code": "N1 1AA", "country": "GB",
    }))
    .unwrap();
    assert_eq!(locale_of(&order, &shop).as_str(), "en-GB");
}

#[test]
fn what_is_given_back_lowers_the_tax_of_its_rate() {
    let order = order(2, "EUR", "inclusive", &[190_000, 70_000]);
    let eur = |amount| Money::new(amount, Currency::EUR);
    let parts = vec![
        refund::Part::Line { line: order.lines[1].id, quantity: 1, amount: eur(1000) },
        refund::Part::Goodwill { amount: eur(500) },
    ];
    let (entity, locale) = (entity(), Locale::parse("de").unwrap());
    let issue = Issue { entity: &entity, locale: &locale, sequence: 3, now: now() };
    let (note, paper) = credit_note(&order, &refund(&parts, eur(1500)), "RE-1", issue).unwrap();
    assert_eq!((note.number.as_str(), note.total), ("GS-000003", eur(1500)));
    assert_eq!(
        rows(&paper.table),
        [
            "Becher 1 | 1 | 7 % | 10,00 EUR",
            "Kulanz |  | 19 % | 1,42 EUR",
            "Kulanz |  | 7 % | 3,58 EUR",
        ]
    );
    assert_eq!(sums(&paper), ["Erstattungsbetrag: 15,00 EUR"]);
    assert_eq!(rows(paper.taxes.as_ref().unwrap()).len(), 2);
    // Made in the provider's own dashboard: nobody said for what.
    let (note, paper) = credit_note(&order, &refund(&[], eur(348)), "RE-1", issue).unwrap();
    assert_eq!((note.total, rows(&paper.table).len()), (eur(348), 2));
}

#[test]
fn an_order_that_was_called_off_gets_a_credit_note_of_what_no_refund_gives_back() {
    let mut order = order(2, "EUR", "inclusive", &[190_000, 70_000]);
    order.ended_at = Some(now());
    let eur = |amount| Money::new(amount, Currency::EUR);
    let (entity, locale) = (entity(), Locale::parse("de").unwrap());
    let issue = Issue { entity: &entity, locale: &locale, sequence: 3, now: now() };
    let of = |refunds: &[Refund]| called_off(&order, refunds, "RE-1", issue).unwrap();
    // Reserved, and let go: it says what the invoice says.
    let (note, paper) = of(&[]).unwrap();
    assert_eq!((note.number.as_str(), note.total), ("GS-000003", order.totals.total));
    assert_eq!((note.kind, note.refund_id), (Issued::CreditNote, None));
    assert_eq!(Due::of(&note), Due::called_off(order.id));
    assert_eq!(
        rows(&paper.table),
        [
            "Becher 0 | 1 | 19 % | 9,90 EUR",
            "Becher 1 | 2 | 7 % | 20,00 EUR",
            "Versand |  | 7 % | 4,90 EUR",
        ]
    );
    let charged = written(&order, "de");
    assert_eq!(rows(paper.taxes.as_ref().unwrap()), rows(charged.taxes.as_ref().unwrap()));
    // A part was taken and goes back; of another one nothing came.
    let mut back = refund(&[], eur(2000));
    let mut failed = refund(&[], eur(500));
    failed.status = refund::Status::Failed;
    failed.succeeded_at = None;
    failed.created_at = Timestamp::from_second(1_793_000_000).unwrap();
    let (note, paper) = of(&[back.clone(), failed.clone()]).unwrap();
    assert_eq!(note.total, eur(1480));
    assert!(rows(&paper.table).iter().all(|row| row.starts_with("Bestellung storniert")));
    // What was asked for with the end is asked for until it comes about.
    for status in refund::Status::ALL {
        back.status = status;
        back.succeeded_at = None;
        assert_eq!(of(&[back.clone()]).unwrap().0.total, eur(1480), "{status:?}");
    }
    // What failed after it had come about has its note.
    failed.succeeded_at = Some(now());
    assert_eq!(of(&[failed]).unwrap().0.total, eur(2980));
    // All of it goes back: each refund has its own.
    assert!(of(&[refund(&[], order.totals.total)]).is_none());
}

#[test]
fn what_asks_for_a_paper_survives_its_text_form() {
    let order = OrderId::from_ulid(Ulid::from_parts(1, 7));
    let refund = RefundId::from_ulid(Ulid::from_parts(1, 9));
    for due in [Due::invoice(order), Due::refund(order, refund), Due::called_off(order)] {
        let text = serde_json::to_string(&due).unwrap();
        assert_eq!(serde_json::from_str::<Due>(&text).unwrap(), due, "{text}");
    }
}

#[test]
fn codes_and_prefixes_fit_into_keys_and_names_of_files() {
    assert!(LegalEntity::is_code("main_2") && LegalEntity::is_prefix("RE-2026-"));
    assert!(LegalEntity::is_prefix(""));
    for wrong in ["", "Main", "a#b", "seventeen_letters"] {
        assert!(!LegalEntity::is_code(wrong), "{wrong}");
    }
    for wrong in ["re", "R/E", "R E", "THIRTEENCHARS"] {
        assert!(!LegalEntity::is_prefix(wrong), "{wrong}");
    }
    assert_eq!(entity().number(Issued::Invoice, 1_234_567), "RE-1234567");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn net_and_tax_by_rate_are_what_is_paid(
        count in 1..40_usize, is_exclusive: bool, off in 0..900_i64, rates in
        proptest::collection::vec(0..250_000_u32, 1..4)
    ) {
        let mode = if is_exclusive { "exclusive" } else { "inclusive" };
        let order = priced(count, "EUR", mode, &rates, &|at| off * i64::from(at % 3 == 0));
        let locale = Locale::default();
        let writer = Writer::of(&order, &locale);
        let charged = writer.charged().unwrap();
        let all = charged.values().flat_map(|taxed| [taxed.net, taxed.tax]);
        prop_assert_eq!(Money::sum(Currency::EUR, all), Ok(order.totals.total));
        let tax = charged.values().map(|taxed| taxed.tax);
        prop_assert_eq!(Money::sum(Currency::EUR, tax), Ok(order.totals.tax));
        // Given back in full, by no part in particular: to the last cent what was paid.
        let back = writer.shared("", order.totals.total).unwrap();
        let back = Money::sum(Currency::EUR, back.iter().map(|part| part.amount));
        prop_assert_eq!(back, Ok(order.totals.total));
    }

    /// Ten thousand issues in all: workers that read the counter, die before or after they write,
    /// are told twice, and overtake each other; the write is the store's one transaction.
    #[test]
    fn numbers_have_no_gap_and_no_twin(
        steps in proptest::collection::vec((0..8_usize, 0..50_u64, 0..4_u8), 50)
    ) {
        let (mut counter, mut issued) = (0_u64, BTreeMap::<u64, u64>::new());
        let mut seen = [None::<(u64, u64)>; 8];
        for (worker, order, step) in steps {
            match (step, seen[worker]) {
                // It reads what was issued last and what it was asked for.
                (0 | 1, _) | (_, None) => seen[worker] = Some((order, counter)),
                // It writes: the counter as it was read, and no invoice of this order.
                (2, Some((order, read))) => {
                    if read == counter && !issued.contains_key(&order) {
                        counter = read + 1;
                        issued.insert(order, read + 1);
                    }
                    seen[worker] = None;
                }
                // Its answer is lost: it will do the same again.
                (_, Some((order, read))) => {
                    if read == counter && !issued.contains_key(&order) {
                        counter = read + 1;
                        issued.insert(order, read + 1);
                    }
                }
            }
        }
        let numbers: BTreeSet<u64> = issued.values().copied().collect();
        prop_assert_eq!(numbers.len(), issued.len());
        prop_assert!(numbers.into_iter().eq(1..=counter));
    }
}
