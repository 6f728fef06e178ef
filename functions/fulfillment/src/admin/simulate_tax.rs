//! `POST /v1/admin/tax/simulate`: what lines would be taxed at a destination, by which rule and
//! why. Nothing is written.

use api::form::{Integer, ListOf, Nested, VatIdRule, currency};
use api::reply::View;
use api::{Body, Fields, Flaw, Form, Problem, Reply, Staff};
use domain::address::{Country, PostalRange};
use domain::cart::{LINES_MAX, QUANTITY_MAX};
use domain::currency::Currency;
use domain::money::{self, Money};
use domain::permission::grant;
use domain::pricing::{self, Item, Priced, TaxTotal};
use domain::tax::{PriceMode, Reason, TaxCategory, TaxTable};
use domain::vat_id::VatId;
use runtime::Call;
use schemars::JsonSchema;
use serde::Serialize;

use super::simulate_shipping::Place;
use crate::App;
use crate::table::tax_category;

/// The dearest single thing, in minor units.
const PRICE_MAX: i64 = 999_999_999;

#[derive(Debug)]
struct Line {
    unit_price: i64,
    quantity: u32,
    discount: i64,
    category: TaxCategory,
}

impl Form for Line {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let unit_price = fields.required("unit_price", Integer::between(0, PRICE_MAX));
        let quantity = fields.required("quantity", Integer::between(1, i64::from(QUANTITY_MAX)));
        let discount = Integer::between(0, PRICE_MAX * i64::from(QUANTITY_MAX));
        let discount = fields.optional("discount", discount);
        let category = fields.optional("tax_category", tax_category());
        let quantity = u32::try_from(quantity?).ok();
        Some(Self {
            unit_price: unit_price?,
            quantity: quantity?,
            discount: discount?.unwrap_or(0),
            category: category?.unwrap_or_default(),
        })
    }
}

/// What would be sold to whom.
#[derive(Debug)]
pub struct Question {
    to: Option<Place>,
    vat_id: Option<VatId>,
    currency: Currency,
    lines: Vec<Line>,
    shipping: i64,
}

impl Form for Question {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let to = fields.optional("destination", Nested::<Place>::form());
        let vat_id = fields.optional("vat_id", VatIdRule);
        let currency = fields.required("currency", currency());
        let lines = fields.required("items", ListOf::up_to(LINES_MAX, Nested::<Line>::form()));
        let shipping = fields.optional("shipping", Integer::between(0, PRICE_MAX));
        let shipping = shipping?.unwrap_or(0);
        Some(Self { to: to?, vat_id: vat_id?, currency: currency?, lines: lines?, shipping })
    }
}

#[derive(Debug, Serialize, JsonSchema)]
struct RegionView {
    /// The country whose rules hold.
    country: Country,
    /// The state or province.
    region: Option<String>,
    /// The postal codes.
    postal_prefix: Option<String>,
    /// The postal codes.
    postal_range: Option<PostalRange>,
    /// Whether prices contain the tax.
    mode: PriceMode,
}

/// What the table says.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TaxSimulation {
    /// Why it is taxed as it is.
    reason: Reason,
    /// The same as a sentence.
    detail: &'static str,
    /// The rules that hold.
    region: RegionView,
    /// Each line with its rate, the shipping and the sums.
    priced: Priced,
    /// The tax by rate, as on a receipt.
    tax_by_rate: Vec<TaxTotal>,
}

impl View for TaxSimulation {}

/// Asks the table as it is at this moment, for the shop as it is established now.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::SettingsRead>, Body<Question>>,
) -> Reply<TaxSimulation> {
    let Body(question) = &call.input;
    let table =
        app.store.tax_table().await?.ok_or_else(|| {
            Problem::conflict("taxes_missing", "Nobody has written a tax table yet.")
        })?;
    let shop = app.store.shop().await?.value;
    answer(&table.value.for_seller(shop.country), question).map_err(|refusal| match refusal {
        money::Refusal::Negative => {
            let detail = "A discount is more than its line.";
            Problem::invalid(vec![Flaw::new("/items", "discount_too_large", detail)])
        }
        money::Refusal::Overflow
        | money::Refusal::CurrencyMismatch
        | money::Refusal::NothingToAllocateTo
        | money::Refusal::DivisionByZero => {
            Problem::invalid(vec![Flaw::new("/items", "amount_too_large", "The sum is too large.")])
        }
    })
}

fn answer(table: &TaxTable, question: &Question) -> Result<TaxSimulation, money::Refusal> {
    let money = |amount| Money::new(amount, question.currency);
    let to = question.to.as_ref().map(Place::destination);
    let ruling = table.ruling(to.as_ref(), question.vat_id.as_ref());
    let items = question
        .lines
        .iter()
        .map(|line| {
            Ok(Item {
                unit_price: ruling.price(money(line.unit_price), &line.category)?,
                quantity: line.quantity,
                tax_category: line.category.clone(),
                discount: money(line.discount),
            })
        })
        .collect::<Result<Vec<_>, money::Refusal>>()?;
    let main = pricing::main_category(&items, ruling.base(), question.currency)?;
    let shipping = ruling.price(money(question.shipping), &main)?;
    let priced = pricing::price(&items, Some(shipping), &ruling.region, question.currency)?;
    let region = &ruling.region;
    Ok(TaxSimulation {
        reason: ruling.reason,
        detail: sentence(ruling.reason),
        region: RegionView {
            country: region.country,
            region: region.region.clone(),
            postal_prefix: region.postal_prefix.clone(),
            postal_range: region.postal_range.clone(),
            mode: region.mode,
        },
        tax_by_rate: priced.tax_by_rate()?,
        priced,
    })
}

const fn sentence(reason: Reason) -> &'static str {
    match reason {
        Reason::Taxed => "Taxed by the rates of the destination.",
        Reason::ReverseCharge => "The buyer is a business in another state and owes the tax there.",
        Reason::Export => "The goods leave the country, and the shop charges no tax there.",
        Reason::Untaxed => "The shop charges no tax at the destination.",
        Reason::NoAddress => "Nobody knows where the goods go: the rules for everywhere else hold.",
    }
}

#[cfg(test)]
mod tests {
    use api::form::{flaws_of, read_value};
    use serde_json::{Value, json};

    use super::*;

    fn table() -> TaxTable {
        let region = |country: &str, standard: u32, books: u32| {
            json!({"country": country, "mode": "inclusive", "rates": {
                "standard": {"name": "VAT", "ppm": standard},
                "books": {"name": "VAT", "ppm": books}}})
        };
        let table: TaxTable = serde_json::from_value(json!({
            "regions": [region("DE", 190_000, 70_000), region("FR", 200_000, 55_000)],
            "fallback": {"country": "DE", "mode": "inclusive", "rates": {}},
        }))
        .unwrap();
        table.for_seller(Some(Country::DE))
    }

    fn asked(question: &Value) -> Value {
        let mut flaws = Vec::new();
        let question: Option<Question> = read_value(question, "", &mut flaws);
        let question = question.unwrap_or_else(|| panic!("{flaws:?}"));
        serde_json::to_value(answer(&table(), &question).unwrap()).unwrap()
    }

    #[test]
    fn a_line_is_told_its_rate_and_why() {
        let said = asked(&json!({
            "destination": {"country": "FR", "postal_code": "75001"}, "currency": "EUR",
            "items": [
                {"unit_price": 12000, "quantity": 1},
                {"unit_price": 1000, "quantity": 2, "tax_category": "books", "discount": 100},
            ],
            "shipping": 600,
        }));
        assert_eq!((&said["reason"], &said["region"]["country"]), (&json!("taxed"), &json!("FR")));
        assert_eq!(said["priced"]["lines"][0]["tax"]["amount"], 2_000);
        assert_eq!(said["priced"]["lines"][1]["rate"]["ppm"], 55_000);
        assert_eq!(said["priced"]["totals"]["total"]["amount"], 14_500);
    }

    #[test]
    fn a_business_abroad_owes_the_tax_itself() {
        let said = asked(&json!({
            "destination": {"country": "FR"}, "vat_id": "FR 40 303 265 045", "currency": "EUR",
            "items": [{"unit_price": 12000, "quantity": 1}], "shipping": 600,
        }));
        assert_eq!(said["reason"], "reverse_charge");
        assert_eq!(said["priced"]["totals"]["total"]["amount"], 10_500);
        assert_eq!(said["tax_by_rate"][0]["rate"]["name"], "Reverse charge");
    }

    #[test]
    fn the_rest_of_the_world_and_nowhere_have_their_reasons() {
        let reason = |to: Value| {
            let item = json!({"unit_price": 100, "quantity": 1});
            asked(&json!({"destination": to, "currency": "EUR", "items": [item]}))["reason"].clone()
        };
        assert_eq!(reason(json!({"country": "BR"})), "export");
        assert_eq!(reason(json!({"country": "ES"})), "untaxed");
        assert_eq!(reason(json!(null)), "no_address");
    }

    #[test]
    fn every_flaw_of_a_question_is_named() {
        let flaws = flaws_of::<Question>(&json!({
            "destination": {}, "vat_id": "DE136695977", "currency": 1,
            "items": [{"unit_price": 1, "quantity": 101, "tax_category": "Books"}], "shipping": -1,
        }));
        let pointers: Vec<_> = flaws.iter().map(|flaw| flaw.0.as_str()).collect();
        assert_eq!(
            pointers,
            [
                "/destination/country",
                "/vat_id",
                "/currency",
                "/items/0/quantity",
                "/items/0/tax_category",
                "/shipping"
            ]
        );
    }
}
