//! Papers to look at: long names, many lines, several languages and currencies.

use domain::catalog::Locale;
use domain::invoice::{self, Issue, LegalEntity};
use domain::location::Location;
use domain::order::Order;
use domain::paper::{Paper, picking};
use domain::refund::Refund;
use domain::shop::Shop;
use jiff::Timestamp;
use serde_json::{Value, json};

const ULID: &str = "01ARZ3NDEKTSV4RRFFQ69G5F";

/// Names of goods, the longest that a product may have among them.
const TITLES: [&str; 5] = [
    "Becher „Morgenröte“",
    "Handgefertigte Porzellanschale mit doppelt gebranntem Goldrand, spülmaschinenfest, aus der \
     limitierten Frühjahrskollektion der Manufaktur am Elbufer",
    "Poster",
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaftsausweis",
    "Κούπα / Кружка / Hrneček",
];

/// What is sold: everybody's taxes are rounded like this.
pub(crate) struct Sold {
    /// The currency's code.
    pub(crate) currency: &'static str,
    /// The country that it goes to.
    pub(crate) country: &'static str,
    /// Whether prices contain the tax.
    pub(crate) mode: &'static str,
    /// Rates in parts per million, in turn.
    pub(crate) rates: &'static [u32],
    /// How many lines.
    pub(crate) lines: usize,
}

/// A day.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(1_794_000_000).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A shop that sells from this country in these languages.
pub(crate) fn shop(country: &str, locales: &[&str]) -> Shop {
    let shop = json!({
        "name": "Becherhaus", "country": country, "locales": locales,
        "default_locale": locales.first(), "legal_entity": {
            "code": "main", "name": "Becherhaus Manufaktur GmbH",
            "address": ["Lindenstraße 1", "10969 Berlin"], "country": country,
            "vat_id": "DE123456789", "registration": "Amtsgericht Charlottenburg, HRB 12345 B · \
                Geschäftsführung: Jane Roe",
            "contact": "hallo@becherhaus.example · +49 30 1234567",
            "invoice_prefix": "RE-", "credit_note_prefix": "GS-",
        },
    });
    serde_json::from_value(shop).unwrap_or_default()
}

/// An order: its sums are made as a till makes them, line by line.
pub(crate) fn order(sold: &Sold) -> Option<Order> {
    let money = |amount: i64| json!({"amount": amount, "currency": sold.currency});
    let whole = 1_000_000;
    let tax = |amount: i64, rate: u32| match sold.mode {
        "inclusive" => amount * i64::from(rate) / (whole + i64::from(rate)),
        _ => amount * i64::from(rate) / whole,
    };
    let on_top = |tax: i64| if sold.mode == "inclusive" { 0 } else { tax };
    let (mut subtotal, mut taxes, mut total, mut lines) = (0, 0, 0, Vec::<Value>::new());
    let rate_of = |at: usize| sold.rates.get(at % sold.rates.len()).copied().unwrap_or(0);
    for at in 0..sold.lines {
        let count = i64::try_from(at).ok()?;
        let (unit, quantity, rate) = (12_500 + count * 130, 1 + count % 4, rate_of(at));
        let discount = if at % 5 == 1 { 500 } else { 0 };
        let amount = unit * quantity - discount;
        let tax = tax(amount, rate);
        (subtotal, taxes) = (subtotal + unit * quantity, taxes + tax);
        total += amount + on_top(tax);
        lines.push(json!({
            "id": format!("oli_{ULID}{at:02}"), "variant": format!("var_{ULID}{at:02}"),
            "product": format!("prod_{ULID}{at:02}"), "sku": format!("BECHER-{at:03}"),
            "title": TITLES.get(at % TITLES.len()), "kind": "physical", "quantity": quantity,
            "variant_title": if at % 2 == 0 { "Blau / 0,3 l" } else { "" },
            "unit_price": money(unit), "discount": money(discount), "tax": money(tax),
            "tax_rate": {"name": "MwSt.", "ppm": rate}, "total": money(amount + on_top(tax)),
        }));
    }
    let rate = rate_of(0);
    let shipping_tax = tax(4_900, rate);
    total += 4_900 + on_top(shipping_tax);
    taxes += shipping_tax;
    let order = json!({
        "id": format!("ord_{ULID}AV"), "number": "BH-STH-42T-DMW",
        "cart": format!("cart_{ULID}AV"), "customer": null, "email": "jane@example.org",
        "currency": sold.currency, "lines": lines, "billing_address": null,
        "shipping_address": {
            "name": "Dr. Maximiliane Alexandra von und zu Hohenstein-Württemberg-Schaumburg",
            "line1": "Große Straße zum alten Schifffahrtshafen 123 b", "line2": "3. OG links",
            "city": "Villingen-Schwenningen", "postal_code": "78054", "country": sold.country,
            "region": if sold.country == "US" { "TX" } else { "" },
        },
        "shipping": {"id": "home-standard", "name": "DHL Paket", "price": money(4_900),
            "lead_days": [1, 3]},
        "shipping_rate": {"name": "MwSt.", "ppm": rate}, "price_mode": sold.mode,
        "tax_reason": if rate == 0 { "export" } else { "taxed" },
        "totals": {"subtotal": money(subtotal), "discount": money(0), "shipping": money(4_900),
            "tax": money(taxes), "total": money(total)},
        "tendering": {"is_returned": false, "round": 1, "tenders": [{
            "source": {"gift_card": {"id": format!("gc_{ULID}AV"), "last4": "7KQ2",
                "expires_at": null}},
            "amount": money(2_500),
        }]},
        "status": "placed", "payment_status": "paid", "fulfillment_status": "unfulfilled",
        "reservation": {"state": "committed", "expires_at": now()}, "payment": null,
        "captured": money(total - 2_500), "refunded": money(0), "events": 1, "version": 1,
        "created_at": now(), "placed_at": now(), "ended_at": null, "updated_at": now(),
    });
    serde_json::from_value(order).ok()
}

fn refund(order: &Order) -> Option<Refund> {
    let money = |amount: i64| json!({"amount": amount, "currency": order.currency});
    let first = order.lines.first()?;
    let refund = json!({
        "id": format!("ref_{ULID}AV"), "order": order.id, "payment": null, "status": "succeeded",
        "origin": "staff", "tenders": [], "money": money(first.total.amount() + 1_000),
        "parts": [
            {"type": "line", "line": first.id, "quantity": first.quantity, "amount": first.total},
            {"type": "goodwill", "amount": money(1_000)},
        ],
        "reason": null, "by": "system", "attempt": 1, "asked_at": null, "provider_ref": null,
        "failure": null, "succeeded_at": now(), "version": 1, "created_at": now(),
        "updated_at": now(),
    });
    serde_json::from_value(refund).ok()
}

fn issue<'a>(entity: &'a LegalEntity, locale: &'a Locale) -> Issue<'a> {
    Issue { entity, locale, sequence: 1_042, now: now() }
}

/// An invoice of it.
pub(crate) fn invoice(sold: &Sold, shop: &Shop) -> Option<Paper> {
    let order = order(sold)?;
    let locale = &shop.default_locale;
    invoice::invoice(&order, issue(shop.legal_entity.as_ref()?, locale)).ok().map(|made| made.1)
}

/// Every paper, by its name.
pub(crate) fn every() -> Option<Vec<(&'static str, Vec<Paper>)>> {
    let german = shop("DE", &["de"]);
    let home = Sold {
        currency: "EUR",
        country: "DE",
        mode: "inclusive",
        rates: &[190_000, 70_000],
        lines: 5,
    };
    let long = Sold { lines: 45, ..home };
    let yen =
        Sold { currency: "JPY", country: "JP", mode: "inclusive", rates: &[100_000], lines: 3 };
    let dinar = Sold { currency: "KWD", country: "KW", mode: "exclusive", rates: &[0], lines: 3 };
    let dollar =
        Sold { currency: "USD", country: "US", mode: "exclusive", rates: &[82_500], lines: 3 };
    let order_of = order(&home)?;
    let entity = german.legal_entity.as_ref()?;
    let locale = &german.default_locale;
    let credit =
        invoice::credit_note(&order_of, &refund(&order_of)?, "RE-001042", issue(entity, locale));
    let slips = [order(&home)?, order(&long)?];
    let slips = slips.iter().map(|each| picking::packing_slip(each, &german, locale, now()));
    let mut orders = vec![order(&home)?; 12];
    for (at, order) in orders.iter_mut().enumerate() {
        order.number = format!("BH-STH-42T-{at:03}");
    }
    let list = picking::pick_list(&orders, &[Location::first()], &german, locale, now());
    Some(vec![
        ("invoice-german", vec![invoice(&home, &german)?]),
        ("invoice-45-lines", vec![invoice(&long, &german)?]),
        ("invoice-yen", vec![invoice(&yen, &shop("JP", &["en"]))?]),
        ("invoice-dinar", vec![invoice(&dinar, &shop("KW", &["en"]))?]),
        ("invoice-dollar", vec![invoice(&dollar, &shop("US", &["en-US"]))?]),
        ("credit-note", vec![credit.ok()?.1]),
        ("packing-slips", slips.collect()),
        ("pick-list", vec![list]),
    ])
}
