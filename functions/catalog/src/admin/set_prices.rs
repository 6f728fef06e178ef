//! `PUT /v1/admin/products/{id}/variants/{variant_id}/prices`: what one costs, and what it costs
//! for a while. What was asked for before stays in the price log; of a reduced price it says the
//! lowest price of the thirty days before.

use api::form::{ListOf, Nested};
use api::input::no_match;
use api::view::catalog::AdminProductView;
use api::{Body, Fields, Flaw, Form, IfMatch, Path, Problem, Reply, Staff, Versioned};
use domain::catalog::price::{COMPARED, SALES_MAX, compared};
use domain::catalog::{Prices, Sale};
use domain::permission::grant;
use jiff::Timestamp;
use runtime::Call;

use crate::App;
use crate::change::{load, save};
use crate::form::{PriceList, SaleForm, WhichVariant};

/// All that is asked for of a variant.
#[derive(Debug)]
pub struct Pricing {
    prices: Prices,
    sales: Vec<Sale>,
}

impl Form for Pricing {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let prices = fields.required("prices", PriceList::rule());
        let sale = Nested::<SaleForm>::form();
        let sales = fields.optional("sales", ListOf::up_to(SALES_MAX, sale));
        let prices = PriceList::of(prices?, fields);
        let sales = sales?.unwrap_or_default().into_iter().map(|form| form.sale).collect();
        Some(Self { prices: prices?, sales })
    }
}

/// Which variant, its product as it was seen, and the prices.
type Given = (Path<WhichVariant>, (IfMatch, Body<Pricing>));

/// Sets a variant's prices.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ProductsWrite>, Given>,
) -> Reply<Versioned<AdminProductView>> {
    let (Path(WhichVariant { id, variant_id }), (seen, Body(form))) = &call.input;
    reduced(form)?;
    let before = load(app, *id).await?;
    seen.check(before.version)?;
    let mut variant = before.variant(*variant_id)?.clone();
    let since = call.now.saturating_sub(COMPARED).unwrap_or(Timestamp::MIN);
    let log = app.store.prices_since(*id, *variant_id, since).await?;
    let sales = form.sales.clone();
    variant.sales = compared(&sales, &variant.sales, &log, *variant_id, &form.prices, call.now);
    variant.prices = form.prices.clone();
    let after = before.clone().put_variant(variant)?;
    let shelves = app.store.shelves().await?;
    let saved = save(app, &call, Some(&before), after, &shelves, "product.set_prices").await?;
    let product = saved.ok_or_else(no_match)?;
    let version = product.version;
    Ok(Versioned(product.into(), version))
}

/// A sale is lower than the price that it reduces.
fn reduced(form: &Pricing) -> Result<(), Problem> {
    let flaws: Vec<Flaw> = form
        .sales
        .iter()
        .enumerate()
        .filter(|(_, sale)| form.prices.get(&sale.currency).is_none_or(|base| sale.amount >= *base))
        .map(|(at, _)| {
            let detail = "This must be less than the price in the same currency.";
            Flaw::new(format!("/sales/{at}/price"), "not_reduced", detail)
        })
        .collect();
    if flaws.is_empty() { Ok(()) } else { Err(Problem::invalid(flaws)) }
}

#[cfg(test)]
mod tests {
    use api::form::{flaws_of, read_value};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_sale_is_lower_than_the_price_it_reduces() {
        let euros = |amount: i64| json!({"amount": amount, "currency": "EUR"});
        let pricing = |sale: serde_json::Value| {
            let sale = json!({"price": sale, "from": "2026-11-21T09:00:00Z"});
            let body = json!({"prices": [euros(1000)], "sales": [sale]});
            let mut flaws = Vec::new();
            let form: Pricing = read_value(&body, "", &mut flaws).unwrap();
            reduced(&form)
        };
        assert!(pricing(euros(999)).is_ok());
        let refused = pricing(euros(1000)).unwrap_err();
        assert_eq!(refused.errors[0].pointer, "/sales/0/price");
        assert!(pricing(json!({"amount": 1, "currency": "JPY"})).is_err());
    }

    #[test]
    fn prices_are_written_whole() {
        let flaw = [("/prices".to_owned(), "required")];
        assert_eq!(flaws_of::<Pricing>(&json!({"sales": []})), flaw);
        assert_eq!(flaws_of::<Pricing>(&json!({"prices": []})), []);
    }
}
