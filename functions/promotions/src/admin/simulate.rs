//! `POST /v1/admin/promotions/simulate`: what the promotions would do to a basket, line by line,
//! with the reason for everything that is not taken off.
//!
//! Looked at are the automatic promotions that run, those of the codes that are sent, and one that
//! is not saved yet, as if it were active and automatic. Nothing is written.

use std::collections::BTreeMap;

use api::form::{Integer, ListOf, Nested, Parsed, currency, time, variant_id};
use api::view::promotion::{
    CustomerForm, SimulatedLine, SimulatedPart, SimulatedPromotion, SimulationView, code,
};
use api::{Body, Fields, Form, Problem, Reply, Staff};
use domain::address::Country;
use domain::cart::{LINES_MAX, QUANTITY_MAX};
use domain::catalog::Offer;
use domain::currency::Currency;
use domain::id::{PromotionId, Ulid, VariantId};
use domain::money::Money;
use domain::permission::grant;
use domain::promotion::code::AppliedCode;
use domain::promotion::engine::{self, Used};
use domain::promotion::{
    Basket, BasketLine, CODES_PER_CART_MAX, Candidate, Code, Outcome, Promotion, Status, Terms,
    Trigger,
};
use jiff::Timestamp;
use runtime::Call;
use store::promotion::Wanted;

use crate::App;

/// A line of the basket.
#[derive(Debug)]
pub struct Line {
    variant: VariantId,
    quantity: u32,
}

impl Form for Line {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let variant = fields.required("variant_id", variant_id());
        let quantity = fields.required("quantity", Integer::between(1, i64::from(QUANTITY_MAX)));
        Some(Self { variant: variant?, quantity: u32::try_from(quantity?).ok()? })
    }
}

/// The basket, and who it is for.
#[derive(Debug)]
pub struct Simulation {
    currency: Currency,
    lines: Vec<Line>,
    shipping: Option<Money>,
    country: Option<Country>,
    codes: Vec<Code>,
    customer: CustomerForm,
    at: Option<Timestamp>,
    promotion: Option<Terms>,
}

impl Form for Simulation {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let country = Parsed::by(Country::parse, "an ISO 3166-1 country code", 2);
        let currency = fields.required("currency", currency());
        let lines = fields.required("lines", ListOf::up_to(LINES_MAX, Nested::form()));
        let shipping = fields.optional("shipping", Nested::form());
        let country = fields.optional("country", country.pattern("^[A-Z]{2}$"));
        let codes = fields.optional("codes", ListOf::up_to(CODES_PER_CART_MAX, code()));
        let customer = fields.optional("customer", Nested::form());
        let at = fields.optional("at", time());
        let promotion = fields.optional("promotion", Nested::form());
        let (currency, shipping): (Currency, Option<Money>) = (currency?, shipping?);
        if shipping.is_some_and(|price| price.currency() != currency) {
            fields.flaw("shipping/currency", "currency_mismatch", "This is the basket's currency.");
            return None;
        }
        Some(Self {
            currency,
            lines: lines?,
            shipping,
            country: country?,
            codes: codes?.unwrap_or_default(),
            customer: customer?.unwrap_or_default(),
            at: at?,
            promotion: promotion?,
        })
    }
}

/// Simulates a basket.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::PromotionsRead>, Body<Simulation>>,
) -> Reply<SimulationView> {
    let Body(simulation) = &call.input;
    let at = simulation.at.unwrap_or(call.now);
    let mut codes = Vec::with_capacity(simulation.codes.len());
    for (place, code) in simulation.codes.iter().enumerate() {
        let entry =
            app.store.code(code).await?.ok_or_else(|| unknown(&format!("/codes/{place}")))?;
        codes.push(AppliedCode { code: entry.code, promotion: entry.promotion });
    }
    let units = summed(&simulation.lines);
    let variants: Vec<VariantId> = units.keys().copied().collect();
    let wanted = Wanted { codes: &codes, buyer: None };
    let facts = app.store.cart_facts(&variants, &wanted, call.now).await?;
    let mut sold: Vec<(&Offer, Money, u32)> = Vec::with_capacity(units.len());
    for (place, line) in simulation.lines.iter().enumerate() {
        let offer = facts.offers.get(&line.variant);
        let price = offer.and_then(|offer| offer.price(simulation.currency, at));
        let (Some(offer), Some(price)) = (offer, price) else {
            return Err(unknown(&format!("/lines/{place}/variant_id")));
        };
        let is_first = sold.iter().all(|(other, ..)| other.variant != offer.variant);
        if let (true, Some(units)) = (is_first, units.get(&line.variant)) {
            sold.push((offer, price, *units));
        }
    }
    let draft = simulation.promotion.as_ref().map(|terms| unsaved(terms, call.now));
    let mut candidates = facts.on_offer.candidates(simulation.currency);
    candidates.extend(draft.iter().map(|promotion| {
        let used = Used::default();
        Candidate { promotion, code: None, used }
    }));
    let lines = sold.iter().map(|(offer, price, quantity)| line(offer, *price, *quantity));
    let basket = Basket {
        currency: simulation.currency,
        country: simulation.country,
        lines: lines.collect(),
        shipping: simulation.shipping,
    };
    let outcome = engine::evaluate(&candidates, &basket, &simulation.customer.0, at);
    let shown = outcome.and_then(|outcome| show(&sold, &basket, &outcome));
    shown.map_err(|refusal| domain::cart::Refusal::from(refusal).into())
}

/// Equal variants are one line, as in a cart.
fn summed(lines: &[Line]) -> BTreeMap<VariantId, u32> {
    let mut units = BTreeMap::new();
    for line in lines {
        *units.entry(line.variant).or_insert(0) += line.quantity;
    }
    units
}

fn unknown(pointer: &str) -> Problem {
    let detail = "There is no such thing, or it has no price in this currency.";
    Problem::invalid(vec![api::problem::Flaw::new(pointer, "unknown", detail)])
}

/// A promotion that is not saved, as if it ran. No saved one has this id.
fn unsaved(terms: &Terms, now: Timestamp) -> Promotion {
    let terms = Terms { trigger: Trigger::Automatic, ..terms.clone() };
    let id = PromotionId::from_ulid(Ulid::nil());
    Promotion { status: Status::Active, ..Promotion::draft(id, terms, now) }
}

fn line(offer: &Offer, price: Money, quantity: u32) -> BasketLine<'_> {
    let base = offer.prices.get(&price.currency());
    BasketLine {
        variant: offer.variant,
        product: offer.product,
        categories: &offer.categories,
        unit_price: price,
        quantity,
        is_reduced: base.is_some_and(|base| price.amount() < *base),
    }
}

fn show(
    sold: &[(&Offer, Money, u32)],
    basket: &Basket<'_>,
    outcome: &Outcome,
) -> Result<SimulationView, domain::money::Refusal> {
    let saved = |id: PromotionId| (id.ulid() != Ulid::nil()).then_some(id);
    let mut lines = Vec::with_capacity(sold.len());
    for (place, (offer, price, quantity)) in sold.iter().enumerate() {
        let zero = Money::zero(basket.currency);
        let (subtotal, discount) =
            (price.times(*quantity)?, outcome.lines.get(place).copied().unwrap_or(zero));
        let promotions = outcome
            .explanations
            .iter()
            .filter_map(|one| {
                let verdict = one.lines.get(place)?;
                Some(SimulatedPart {
                    promotion_id: saved(one.promotion),
                    name: one.name.clone(),
                    amount: verdict.amount,
                    reason: verdict.why,
                })
            })
            .collect();
        lines.push(SimulatedLine {
            variant_id: offer.variant,
            sku: offer.sku.clone(),
            title: offer.product_title.clone(),
            quantity: *quantity,
            unit_price: *price,
            subtotal,
            discount,
            total: subtotal.sub(discount)?,
            promotions,
        });
    }
    let shipping = basket.shipping.unwrap_or(Money::zero(basket.currency));
    let subtotal = Money::sum(basket.currency, lines.iter().map(|line| line.subtotal))?;
    let discount = Money::sum(basket.currency, outcome.lines.iter().copied())?;
    let discount = discount.add(outcome.shipping)?;
    let promotions = outcome
        .explanations
        .iter()
        .map(|one| SimulatedPromotion {
            promotion_id: saved(one.promotion),
            name: one.name.clone(),
            code: one.code.clone(),
            is_applied: one.is_applied(),
            amount: one.amount,
            shipping_amount: one.shipping,
            reason: one.why,
        })
        .collect();
    let total = subtotal.add(shipping)?.sub(discount)?;
    Ok(SimulationView { lines, promotions, subtotal, discount, shipping, total })
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_basket_has_a_currency_and_lines_and_its_shipping_is_of_that_currency() {
        let variant = "var_01ARZ3NDEKTSV4RRFFQ69G5FAV";
        let mut body = json!({
            "currency": "EUR",
            "lines": [{"variant_id": variant, "quantity": 2}],
            "shipping": {"amount": 490, "currency": "EUR"},
            "customer": {"groups": ["vip"], "orders": 0},
            "at": "2026-12-24T00:00:00Z",
        });
        assert_eq!(flaws_of::<Simulation>(&body), []);
        body["shipping"]["currency"] = json!("USD");
        body["promotion"] = json!({"name": "x", "trigger": "code", "actions": []});
        let flaws: Vec<_> = flaws_of::<Simulation>(&body).into_iter().map(|f| f.0).collect();
        assert_eq!(flaws, ["/promotion/actions", "/shipping/currency"]);
        body["promotion"] = json!(null);
        assert_eq!(
            flaws_of::<Simulation>(&body),
            [("/shipping/currency".to_owned(), "currency_mismatch")]
        );
    }

    #[test]
    fn equal_variants_are_one_line() {
        let variant = VariantId::from_ulid(Ulid::from_parts(1, 1));
        let lines = [Line { variant, quantity: 2 }, Line { variant, quantity: 3 }];
        assert_eq!(summed(&lines), BTreeMap::from([(variant, 5)]));
    }
}
