//! What a cart costs: lines, shipping and tax, to the last minor unit.
//!
//! Every line carries its own discount and tax, and every total is the sum of its parts, so an
//! order's total is what its lines say and what the payment provider charges. Where prices contain
//! their tax, the total is subtotal − discount + shipping and the tax is part of it; where they do
//! not, the tax comes on top. The result does not depend on the order of the lines.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::currency::Currency;
use crate::money::{Money, Refusal};
use crate::tax::{self, LineTax, PriceMode, TaxCategory, TaxRate, TaxRegion};

/// Something to be priced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What one costs, with or without tax as the region says; not negative.
    pub unit_price: Money,
    /// How many.
    pub quantity: u32,
    /// How it is taxed.
    pub tax_category: TaxCategory,
    /// What is taken off all of them together; at most what they cost, not negative.
    pub discount: Money,
}

/// Everything a cart costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Priced {
    /// Whether the prices contain the tax.
    pub mode: PriceMode,
    /// One per item, in their order.
    pub lines: Vec<PricedLine>,
    /// The shipping; zero where there is none.
    pub shipping: PricedShipping,
    /// The sums.
    pub totals: Totals,
}

/// What a line costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PricedLine {
    /// What one costs.
    pub unit_price: Money,
    /// How many.
    pub quantity: u32,
    /// What they cost before the discount, with or without tax as the prices.
    pub subtotal: Money,
    /// What is taken off.
    pub discount: Money,
    /// What remains for the shop: without discount and without tax.
    pub net: Money,
    /// The tax, contained or on top.
    pub tax: Money,
    /// What is paid: net + tax.
    pub total: Money,
    /// The rate behind the tax.
    pub rate: TaxRate,
}

/// What the shipping costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PricedShipping {
    /// The price as offered, with or without tax as all prices.
    pub price: Money,
    /// What is taken off.
    pub discount: Money,
    /// What remains for the shop: without discount and without tax.
    pub net: Money,
    /// The tax, contained or on top.
    pub tax: Money,
    /// What is paid: net + tax.
    pub total: Money,
    /// The rate behind the tax.
    pub rate: TaxRate,
}

/// The sums of a cart or order.
///
/// `total` is subtotal − discount + shipping where prices contain the tax, and that + tax where
/// they do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// All lines before discounts.
    pub subtotal: Money,
    /// All that is taken off, that off the shipping included.
    pub discount: Money,
    /// The price of the shipping, before what is taken off.
    pub shipping: Money,
    /// All tax, that on shipping included.
    pub tax: Money,
    /// What is paid.
    pub total: Money,
}

impl Totals {
    /// The totals of nothing.
    pub const fn zero(currency: Currency) -> Self {
        let zero = Money::zero(currency);
        Self { subtotal: zero, discount: zero, shipping: zero, tax: zero, total: zero }
    }
}

/// What a receipt says about one rate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TaxTotal {
    /// The rate.
    pub rate: TaxRate,
    /// What it was charged on, without tax.
    pub net: Money,
    /// What was charged.
    pub tax: Money,
}

/// Prices a cart for a region, with nothing taken off the shipping: see [`price_with`].
pub fn price(
    items: &[Item],
    shipping: Option<Money>,
    region: &TaxRegion,
    currency: Currency,
) -> Result<Priced, Refusal> {
    let zero = Money::zero(currency);
    let freight = Freight { price: shipping.unwrap_or(zero), discount: zero };
    price_with(items, freight, region, currency)
}

/// What the shipping is to cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freight {
    /// The price as offered; zero where nothing is shipped.
    pub price: Money,
    /// What is taken off; at most the price, not negative.
    pub discount: Money,
}

/// Prices a cart for a region.
///
/// Discounts come before tax: what is taken off is not charged, and so it is not taxed. Shipping is
/// an ancillary service and shares the fate of the main goods: it is taxed at the rate of the
/// category that makes up most of the order's value (after discounts), on a tie the one with the
/// higher rate, and at the standard rate where there are no goods.
///
/// Refused are amounts in another currency, negative prices, discounts that are negative or more
/// than their line, and sums that do not fit.
pub fn price_with(
    items: &[Item],
    freight: Freight,
    region: &TaxRegion,
    currency: Currency,
) -> Result<Priced, Refusal> {
    let lines = items
        .iter()
        .map(|item| price_line(item, region, currency))
        .collect::<Result<Vec<_>, _>>()?;
    let rate = region.rate(&main_category(items, region, currency)?);
    let shipping = price_shipping(freight, rate, region, currency)?;

    let sum = |part: fn(&PricedLine) -> Money| Money::sum(currency, lines.iter().map(part));
    let totals = Totals {
        subtotal: sum(|line| line.subtotal)?,
        discount: sum(|line| line.discount)?.add(shipping.discount)?,
        shipping: shipping.price,
        tax: sum(|line| line.tax)?.add(shipping.tax)?,
        total: sum(|line| line.total)?.add(shipping.total)?,
    };
    Ok(Priced { mode: region.mode, lines, shipping, totals })
}

fn price_line(item: &Item, region: &TaxRegion, currency: Currency) -> Result<PricedLine, Refusal> {
    let unit_price = not_negative(item.unit_price, currency)?;
    let discount = not_negative(item.discount, currency)?;
    let subtotal = unit_price.times(item.quantity)?;
    let price = not_negative(subtotal.sub(discount)?, currency)?;
    let rate = region.rate(&item.tax_category);
    let LineTax { net, tax, gross } = tax::tax_of(price, &rate, region.mode)?;
    Ok(PricedLine {
        unit_price,
        quantity: item.quantity,
        subtotal,
        discount,
        net,
        tax,
        total: gross,
        rate,
    })
}

fn price_shipping(
    freight: Freight,
    rate: TaxRate,
    region: &TaxRegion,
    currency: Currency,
) -> Result<PricedShipping, Refusal> {
    let price = not_negative(freight.price, currency)?;
    let discount = not_negative(freight.discount, currency)?;
    let paid = not_negative(price.sub(discount)?, currency)?;
    let LineTax { net, tax, gross } = tax::tax_of(paid, &rate, region.mode)?;
    Ok(PricedShipping { price, discount, net, tax, total: gross, rate })
}

/// The category worth most, whose fate the shipping shares; on a tie the one with the higher rate.
/// Names break the last tie, so that the order of the lines never does.
pub fn main_category(
    items: &[Item],
    region: &TaxRegion,
    currency: Currency,
) -> Result<TaxCategory, Refusal> {
    let mut worth: BTreeMap<&TaxCategory, Money> = BTreeMap::new();
    for item in items {
        let sum = worth.entry(&item.tax_category).or_insert(Money::zero(currency));
        *sum = sum.add(item.unit_price.times(item.quantity)?)?.sub(item.discount)?;
    }
    let main = worth
        .into_iter()
        .map(|(category, worth)| (worth.amount(), region.rate(category).ppm, Reverse(category)))
        .max();
    Ok(main.map_or(TaxCategory::STANDARD, |(_, _, Reverse(category))| category.clone()))
}

fn not_negative(money: Money, currency: Currency) -> Result<Money, Refusal> {
    if money.currency() != currency {
        return Err(Refusal::CurrencyMismatch);
    }
    if money.is_negative() { Err(Refusal::Negative) } else { Ok(money) }
}

impl Priced {
    /// The tax by rate, shipping included, highest rate first: what an invoice has to show. What is
    /// not taxed has its row too; a rate that nothing was charged for has none.
    pub fn tax_by_rate(&self) -> Result<Vec<TaxTotal>, Refusal> {
        let currency = self.totals.total.currency();
        let lines = self.lines.iter().map(|line| (&line.rate, line.net, line.tax));
        let shipping = (&self.shipping.rate, self.shipping.net, self.shipping.tax);
        let mut sums: BTreeMap<(Reverse<u32>, &TaxRate), (Money, Money)> = BTreeMap::new();
        for (rate, net, tax) in lines.chain([shipping]) {
            if net.is_zero() && tax.is_zero() {
                continue;
            }
            let zero = Money::zero(currency);
            let sum = sums.entry((Reverse(rate.ppm), rate)).or_insert((zero, zero));
            *sum = (sum.0.add(net)?, sum.1.add(tax)?);
        }
        let row = |((_, rate), (net, tax)): (_, _)| {
            let rate: &TaxRate = rate;
            TaxTotal { rate: rate.clone(), net, tax }
        };
        Ok(sums.into_iter().map(row).collect())
    }
}

#[cfg(test)]
#[allow(clippy::needless_raw_string_hashes)] // expect-test writes them
mod tests {
    use expect_test::expect;
    use proptest::prelude::*;

    use super::*;
    use crate::address::{Country, Destination};
    use crate::tax::tests::sample;

    fn item(unit_price: Money, quantity: u32, category: TaxCategory) -> Item {
        let discount = Money::zero(unit_price.currency());
        Item { unit_price, quantity, tax_category: category, discount }
    }

    fn region(country: Country, region: Option<&str>) -> TaxRegion {
        sample().region_for(&Destination { country, region, postal_code: "" }).clone()
    }

    fn receipt(priced: &Priced) -> String {
        let line = |line: &PricedLine| {
            let PricedLine { quantity, unit_price, discount, total, tax, .. } = line;
            format!("{quantity} × {unit_price} − {discount} = {total} (tax {tax})")
        };
        let rate = |TaxTotal { rate, net, tax }: &TaxTotal| {
            format!("{} {} ppm on {net}: {tax}", rate.name, rate.ppm)
        };
        let mut text: Vec<String> = priced.lines.iter().map(line).collect();
        text.push(format!("shipping {} (tax {})", priced.shipping.total, priced.shipping.tax));
        text.extend(priced.tax_by_rate().unwrap().iter().map(rate));
        let Totals { subtotal, discount, shipping, tax, total } = priced.totals;
        text.push(format!("{subtotal} − {discount} + {shipping}, tax {tax}, total {total}\n"));
        text.join("\n")
    }

    #[test]
    fn a_german_receipt_contains_its_tax() {
        let eur = |amount| Money::new(amount, Currency::EUR);
        let mut mug = item(eur(19_99), 3, TaxCategory::STANDARD);
        mug.discount = eur(6_00);
        let items = [mug, item(eur(12_90), 1, TaxCategory::BOOKS)];
        let region = region(Country::DE, None);
        let priced = price(&items, Some(eur(4_90)), &region, Currency::EUR).unwrap();
        expect![[r#"
            3 × 19.99 EUR − 6.00 EUR = 53.97 EUR (tax 8.62 EUR)
            1 × 12.90 EUR − 0.00 EUR = 12.90 EUR (tax 0.84 EUR)
            shipping 4.90 EUR (tax 0.78 EUR)
            MwSt. 190000 ppm on 49.47 EUR: 9.40 EUR
            MwSt. 70000 ppm on 12.06 EUR: 0.84 EUR
            72.87 EUR − 6.00 EUR + 4.90 EUR, tax 10.24 EUR, total 71.77 EUR
        "#]]
        .assert_eq(&receipt(&priced));
    }

    #[test]
    fn a_californian_receipt_adds_it() {
        let usd = |amount| Money::new(amount, Currency::USD);
        let items =
            [item(usd(19_99), 3, TaxCategory::STANDARD), item(usd(8_49), 2, TaxCategory::REDUCED)];
        let region = region(Country::US, Some("CA"));
        let priced = price(&items, Some(usd(5_00)), &region, Currency::USD).unwrap();
        expect![[r#"
            3 × 19.99 USD − 0.00 USD = 64.32 USD (tax 4.35 USD)
            2 × 8.49 USD − 0.00 USD = 16.98 USD (tax 0.00 USD)
            shipping 5.36 USD (tax 0.36 USD)
            Sales tax 72500 ppm on 64.97 USD: 4.71 USD
            Sales tax 0 ppm on 16.98 USD: 0.00 USD
            76.95 USD − 0.00 USD + 5.00 USD, tax 4.71 USD, total 86.66 USD
        "#]]
        .assert_eq(&receipt(&priced));
    }

    #[test]
    fn a_japanese_receipt_knows_no_decimals() {
        let jpy = |amount| Money::new(amount, Currency::JPY);
        let items =
            [item(jpy(1_980), 1, TaxCategory::STANDARD), item(jpy(498), 7, TaxCategory::REDUCED)];
        let priced =
            price(&items, Some(jpy(550)), &region(Country::JP, None), Currency::JPY).unwrap();
        expect![[r#"
            1 × 1980 JPY − 0 JPY = 1980 JPY (tax 180 JPY)
            7 × 498 JPY − 0 JPY = 3486 JPY (tax 258 JPY)
            shipping 550 JPY (tax 41 JPY)
            消費税 100000 ppm on 1800 JPY: 180 JPY
            消費税 80000 ppm on 3737 JPY: 299 JPY
            5466 JPY − 0 JPY + 550 JPY, tax 479 JPY, total 6016 JPY
        "#]]
        .assert_eq(&receipt(&priced));
    }

    #[test]
    fn shipping_shares_the_fate_of_the_goods_worth_most() {
        let gbp = |amount| Money::new(amount, Currency::GBP);
        let region = region(Country::GB, None);
        let rate = |items: &[Item]| {
            price(items, Some(gbp(3_00)), &region, Currency::GBP).unwrap().shipping.rate.ppm
        };
        let books = item(gbp(10_00), 2, TaxCategory::BOOKS);
        let mug = item(gbp(15_00), 1, TaxCategory::STANDARD);
        assert_eq!(rate(&[books.clone(), mug.clone()]), 0);
        assert_eq!(rate(&[books.clone(), mug.clone(), mug.clone()]), 200_000);
        let tie = item(gbp(20_00), 1, TaxCategory::STANDARD);
        assert_eq!(rate(&[books.clone(), tie.clone()]), 200_000);
        assert_eq!(rate(&[tie, books]), 200_000);
        assert_eq!(rate(&[]), 200_000);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let eur = |amount| Money::new(amount, Currency::EUR);
        let region = region(Country::DE, None);
        let refusal =
            |item: Item, shipping| price(&[item], shipping, &region, Currency::EUR).unwrap_err();
        let mug = || item(eur(10_00), 2, TaxCategory::STANDARD);
        let too_much = Item { discount: eur(20_01), ..mug() };
        assert_eq!(refusal(too_much, None), Refusal::Negative);
        assert_eq!(refusal(Item { discount: eur(-1), ..mug() }, None), Refusal::Negative);
        assert_eq!(refusal(Item { unit_price: eur(-1), ..mug() }, None), Refusal::Negative);
        assert_eq!(refusal(mug(), Some(eur(-1))), Refusal::Negative);
        let yen = Money::new(1, Currency::JPY);
        assert_eq!(refusal(mug(), Some(yen)), Refusal::CurrencyMismatch);
        assert_eq!(refusal(Item { unit_price: yen, ..mug() }, None), Refusal::CurrencyMismatch);
        let dear = Item { unit_price: eur(i64::MAX), ..mug() };
        assert_eq!(refusal(dear.clone(), None), Refusal::Overflow);
        let dear = Item { quantity: 1, ..dear };
        assert_eq!(refusal(dear, Some(eur(1))), Refusal::Overflow);
    }

    #[test]
    fn what_is_taken_off_the_shipping_is_not_taxed() {
        let eur = |amount| Money::new(amount, Currency::EUR);
        let region = region(Country::DE, None);
        let mug = item(eur(19_99), 1, TaxCategory::STANDARD);
        let with = |discount| {
            let freight = Freight { price: eur(4_90), discount: eur(discount) };
            price_with(std::slice::from_ref(&mug), freight, &region, Currency::EUR)
        };
        let totals = with(4_90).unwrap().totals;
        assert_eq!((totals.shipping, totals.discount), (eur(4_90), eur(4_90)));
        assert_eq!((totals.total, totals.tax), (eur(19_99), eur(3_19)));
        assert_eq!(with(4_91).unwrap_err(), Refusal::Negative);
        assert_eq!(with(-1).unwrap_err(), Refusal::Negative);
    }

    #[test]
    fn an_empty_cart_costs_nothing() {
        let priced = price(&[], None, &region(Country::DE, None), Currency::EUR).unwrap();
        assert_eq!(priced.totals, Totals::zero(Currency::EUR));
        assert!(priced.tax_by_rate().unwrap().is_empty());
    }

    #[test]
    fn totals_travel_as_five_amounts() {
        let text = serde_json::to_string(&Totals::zero(Currency::JPY)).unwrap();
        let zero = r#"{"amount":0,"currency":"JPY"}"#;
        let fields = ["subtotal", "discount", "shipping", "tax", "total"];
        let fields = fields.map(|field| format!("\"{field}\":{zero}")).join(",");
        assert_eq!(text, format!("{{{fields}}}"));
    }

    /// A cart in a currency of each exponent, with discounts that fit and prices that Stripe takes.
    fn carts() -> impl Strategy<Value = (Currency, Vec<Item>, Option<Money>)> {
        let currency =
            prop::sample::select(vec![Currency::EUR, Currency::JPY, Currency::KWD, Currency::MGA]);
        let categories = vec![
            TaxCategory::STANDARD,
            TaxCategory::REDUCED,
            TaxCategory::BOOKS,
            TaxCategory::DIGITAL,
            TaxCategory::ZERO,
        ];
        let line = (0..100_000_i64, 1..100_u32, prop::sample::select(categories), 0..=1_000_i64);
        let lines = prop::collection::vec(line, 0..12);
        (currency, lines, prop::option::of(0..10_000_i64)).prop_map(
            |(currency, lines, shipping)| {
                let step = currency.stripe_step();
                let money = |steps: i64| Money::new(steps * step, currency);
                let items = lines
                    .into_iter()
                    .map(|(price, quantity, tax_category, permille)| {
                        let discount = price * i64::from(quantity) * permille / 1_000;
                        let (unit_price, discount) = (money(price), money(discount));
                        Item { unit_price, quantity, tax_category, discount }
                    })
                    .collect();
                (currency, items, shipping.map(money))
            },
        )
    }

    fn regions() -> impl Strategy<Value = TaxRegion> {
        let regions = sample().regions().to_vec();
        (prop::sample::select(regions), any::<bool>()).prop_map(|(region, is_inclusive)| {
            let mode = if is_inclusive { PriceMode::Inclusive } else { PriceMode::Exclusive };
            TaxRegion { mode, ..region }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn every_total_is_the_sum_of_its_parts(
            (currency, items, shipping) in carts(),
            region in regions(),
        ) {
            let priced = price(&items, shipping, &region, currency).unwrap();
            let Totals { subtotal, discount, shipping, tax, total } = priced.totals;
            let lines = priced.lines.iter().map(|line| line.total);
            let parts = lines.chain([priced.shipping.total]);
            prop_assert_eq!(Money::sum(currency, parts), Ok(total));
            let prices = subtotal.amount() - discount.amount() + shipping.amount();
            match region.mode {
                PriceMode::Inclusive => prop_assert_eq!(total.amount(), prices),
                PriceMode::Exclusive => prop_assert_eq!(total.amount(), prices + tax.amount()),
            }
            prop_assert!(currency.stripe_amount(total.amount()).is_ok());
            let by_rate = priced.tax_by_rate().unwrap();
            prop_assert_eq!(Money::sum(currency, by_rate.iter().map(|row| row.tax)), Ok(tax));
            let net = by_rate.iter().map(|row| row.net).chain([tax]);
            prop_assert_eq!(Money::sum(currency, net), Ok(total));
        }

        #[test]
        fn no_line_is_below_zero_and_no_tax_is_more_than_its_price(
            (currency, items, shipping) in carts(),
            region in regions(),
        ) {
            let priced = price(&items, shipping, &region, currency).unwrap();
            for (item, line) in items.iter().zip(&priced.lines) {
                prop_assert_eq!(line.unit_price, item.unit_price);
                prop_assert!(!line.net.is_negative() && !line.tax.is_negative());
                prop_assert_eq!(line.net.add(line.tax), Ok(line.total));
                prop_assert!(line.tax.compare(line.total).unwrap().is_le());
            }
        }

        #[test]
        fn the_order_of_the_lines_does_not_matter(
            (currency, items, shipping) in carts(),
            region in regions(),
        ) {
            let there = price(&items, shipping, &region, currency).unwrap();
            let backwards: Vec<_> = items.into_iter().rev().collect();
            let mut back = price(&backwards, shipping, &region, currency).unwrap();
            back.lines.reverse();
            prop_assert_eq!(there, back);
        }

        #[test]
        fn a_cart_of_any_prices_is_priced_or_refused(
            prices in prop::collection::vec((any::<i64>(), any::<u32>()), 0..6),
            region in regions(),
        ) {
            let items: Vec<_> = prices
                .iter()
                .map(|(amount, quantity)| {
                    item(Money::new(*amount, Currency::EUR), *quantity, TaxCategory::STANDARD)
                })
                .collect();
            let exact: i128 =
                prices.iter().map(|(amount, n)| i128::from(*amount) * i128::from(*n)).sum();
            match price(&items, None, &region, Currency::EUR) {
                Ok(priced) => prop_assert_eq!(i128::from(priced.totals.subtotal.amount()), exact),
                Err(refusal) => {
                    prop_assert!(matches!(refusal, Refusal::Overflow | Refusal::Negative));
                }
            }
        }
    }
}
