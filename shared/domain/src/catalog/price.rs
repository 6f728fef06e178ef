//! Prices in time: a base price per currency, sales that go below it for a while, and what a
//! reduced price is compared with.
//!
//! Who shows a reduced price in the EU shows with it the lowest price of the thirty days before the
//! reduction began (Directive 98/6/EC, article 6a). The price log holds a variant's whole pricing
//! at each change, so the price of any moment can be told afterwards; the lowest one is computed
//! when a sale is written, and again with every later price as long as the sale has not begun.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Prices;
use crate::currency::Currency;
use crate::id::VariantId;
use crate::money::Money;

/// How far back a reduced price is compared.
pub const COMPARED: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Sales of one variant, over and to come: enough for a year of weekly ones in a few currencies,
/// and small beside the texts of a product.
pub const SALES_MAX: usize = 20;

/// A reduced price, for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sale {
    /// In which currency.
    pub currency: Currency,
    /// What one costs meanwhile, in minor units.
    pub amount: i64,
    /// From this moment on.
    pub from: Timestamp,
    /// Until before this moment; without it, until it is taken away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The lowest price of the thirty days before it began, in minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lowest_30d: Option<i64>,
}

impl Sale {
    /// Whether it runs at this moment.
    pub fn runs(&self, now: Timestamp) -> bool {
        self.from <= now && self.until.is_none_or(|until| now < until)
    }
}

/// A price as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// What one costs.
    pub price: Money,
    /// What it costs when nothing is reduced; only with a reduced price.
    pub compare_at: Option<Money>,
    /// The lowest price of the thirty days before the reduction; only with a reduced price.
    pub lowest_30d: Option<Money>,
}

/// The price at a moment: the lowest of the base price and of the sales that run. Without a base
/// price in this currency nothing is sold in it.
pub fn shown(prices: &Prices, sales: &[Sale], currency: Currency, now: Timestamp) -> Option<Shown> {
    let base = *prices.get(&currency)?;
    let sale = sales
        .iter()
        .filter(|sale| sale.currency == currency && sale.amount < base && sale.runs(now))
        .min_by_key(|sale| sale.amount);
    let money = |amount| Money::new(amount, currency);
    Some(match sale {
        None => Shown { price: money(base), compare_at: None, lowest_30d: None },
        Some(sale) => Shown {
            price: money(sale.amount),
            compare_at: Some(money(base)),
            lowest_30d: Some(money(sale.lowest_30d.unwrap_or(base))),
        },
    })
}

/// The next moment after this one at which a sale begins or ends.
pub fn next_change(sales: &[Sale], now: Timestamp) -> Option<Timestamp> {
    sales
        .iter()
        .flat_map(|sale| [Some(sale.from), sale.until])
        .flatten()
        .filter(|at| *at > now)
        .min()
}

/// A variant's whole pricing from a moment on: an entry of the price log, which only grows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Since when.
    pub at: Timestamp,
    /// Of which variant.
    pub variant: VariantId,
    /// Its base prices.
    pub prices: Prices,
    /// Its sales.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sales: Vec<Sale>,
}

/// The lowest price that was asked for in the thirty days before a moment. The log is in any
/// order; none where there was no price yet.
pub fn lowest_before(log: &[Entry], currency: Currency, end: Timestamp) -> Option<i64> {
    let begin = end.saturating_sub(COMPARED).unwrap_or(Timestamp::MIN);
    let mut log: Vec<&Entry> = log.iter().filter(|entry| entry.at < end).collect();
    log.sort_by_key(|entry| entry.at);
    let mut lowest: Option<i64> = None;
    for (at, entry) in log.iter().enumerate() {
        let from = entry.at.max(begin);
        let until = log.get(at + 1).map_or(end, |next| next.at);
        // Within an entry's time the price changes only where a sale begins or ends.
        let turns = entry.sales.iter().flat_map(|sale| [Some(sale.from), sale.until]).flatten();
        let moments = turns.chain([from]).filter(|moment| (from..until).contains(moment));
        let asked = moments.filter_map(|moment| {
            shown(&entry.prices, &entry.sales, currency, moment).map(|shown| shown.price.amount())
        });
        lowest = asked.chain(lowest).min();
    }
    lowest
}

/// Writes into each sale what it is compared with. A sale that has begun keeps what it was begun
/// with. `log` holds what was asked for in the thirty days before now, `prices` what is asked for
/// from now on.
#[must_use]
pub fn compared(
    sales: &[Sale],
    before: &[Sale],
    log: &[Entry],
    variant: VariantId,
    prices: &Prices,
    now: Timestamp,
) -> Vec<Sale> {
    let pricing = |sales: &[Sale]| {
        let entry = Entry { at: now, variant, prices: prices.clone(), sales: sales.to_vec() };
        log.iter().cloned().chain([entry]).collect::<Vec<_>>()
    };
    let log = pricing(sales);
    let has_begun = |sale: &Sale| {
        before
            .iter()
            .find(|old| (old.currency, old.from) == (sale.currency, sale.from) && old.from <= now)
    };
    sales
        .iter()
        .map(|sale| {
            let kept = has_begun(sale).and_then(|old| old.lowest_30d);
            let lowest = kept.or_else(|| lowest_before(&log, sale.currency, sale.from));
            let base = prices.get(&sale.currency).copied();
            Sale { lowest_30d: lowest.or(base), ..sale.clone() }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::Ulid;

    const DAY: i64 = 86_400;
    const START: i64 = 1_780_000_000;

    fn day(number: i64) -> Timestamp {
        Timestamp::from_second(START + number * DAY).unwrap()
    }

    fn sale(amount: i64, from: i64, until: i64) -> Sale {
        let until = Some(day(until));
        Sale { currency: Currency::EUR, amount, from: day(from), until, lowest_30d: None }
    }

    fn entry(at: i64, base: i64, sales: &[Sale]) -> Entry {
        Entry {
            at: day(at),
            variant: VariantId::from_ulid(Ulid(1)),
            prices: Prices::from([(Currency::EUR, base)]),
            sales: sales.to_vec(),
        }
    }

    #[test]
    fn a_sale_runs_from_its_first_moment_until_before_its_last() {
        let prices = Prices::from([(Currency::EUR, 1000)]);
        let sales = [sale(800, 1, 2)];
        let at = |second: i64| {
            let now = Timestamp::from_second(START + second).unwrap();
            shown(&prices, &sales, Currency::EUR, now).unwrap()
        };
        assert_eq!(at(DAY - 1).price.amount(), 1000);
        assert_eq!(at(DAY - 1).compare_at, None);
        assert_eq!(at(DAY).price.amount(), 800);
        assert_eq!(at(DAY).compare_at.unwrap().amount(), 1000);
        assert_eq!(at(2 * DAY - 1).price.amount(), 800);
        assert_eq!(at(2 * DAY).price.amount(), 1000);
        assert_eq!(shown(&prices, &sales, Currency::JPY, day(1)), None);
    }

    #[test]
    fn of_two_sales_the_lower_runs_and_none_raises_a_price() {
        let prices = Prices::from([(Currency::EUR, 1000)]);
        let sales = [sale(800, 0, 9), sale(700, 1, 2), sale(2000, 0, 9)];
        let at = |n| shown(&prices, &sales, Currency::EUR, day(n)).unwrap().price.amount();
        assert_eq!([at(0), at(1), at(2)], [800, 700, 800]);
        let dear = [sale(1000, 0, 9)];
        assert_eq!(shown(&prices, &dear, Currency::EUR, day(1)).unwrap().compare_at, None);
    }

    /// Golden cases: the log, when the sale begins, the lowest price of the thirty days before.
    #[test]
    fn a_reduced_price_is_compared_with_the_lowest_of_the_thirty_days_before() {
        let cases: &[(&str, Vec<Entry>, i64, Option<i64>)] = &[
            ("one price for months", vec![entry(0, 1000, &[])], 100, Some(1000)),
            ("nothing before", vec![], 100, None),
            ("raised just before", vec![entry(0, 800, &[]), entry(99, 1000, &[])], 100, Some(800)),
            (
                "raised exactly thirty days before",
                vec![entry(0, 800, &[]), entry(70, 1000, &[])],
                100,
                Some(1000),
            ),
            (
                "raised within the thirty days",
                vec![entry(0, 800, &[]), entry(71, 1000, &[])],
                100,
                Some(800),
            ),
            (
                "a dip in between",
                vec![entry(0, 1000, &[]), entry(80, 600, &[]), entry(81, 1000, &[])],
                100,
                Some(600),
            ),
            (
                "a dip long ago",
                vec![entry(0, 1000, &[]), entry(60, 600, &[]), entry(61, 1000, &[])],
                100,
                Some(1000),
            ),
            (
                "an earlier sale in the log",
                vec![entry(0, 1000, &[sale(700, 80, 85)])],
                100,
                Some(700),
            ),
            (
                "an earlier sale that was over",
                vec![entry(0, 1000, &[sale(700, 60, 70)])],
                100,
                Some(1000),
            ),
            (
                "a sale that was taken away before it began",
                vec![entry(0, 1000, &[sale(700, 80, 85)]), entry(79, 1000, &[])],
                100,
                Some(1000),
            ),
            ("a new product", vec![entry(95, 1000, &[])], 100, Some(1000)),
            ("written after the beginning", vec![entry(101, 500, &[])], 100, None),
        ];
        for (name, log, begin, wanted) in cases {
            assert_eq!(lowest_before(log, Currency::EUR, day(*begin)), *wanted, "{name}");
            let backwards: Vec<_> = log.iter().rev().cloned().collect();
            assert_eq!(lowest_before(&backwards, Currency::EUR, day(*begin)), *wanted, "{name}");
        }
    }

    #[test]
    fn a_sale_that_has_begun_keeps_what_it_is_compared_with_and_one_to_come_is_looked_at_again() {
        let variant = VariantId::from_ulid(Ulid(1));
        let prices = Prices::from([(Currency::EUR, 1000)]);
        let log = [entry(0, 900, &[])];
        let first = compared(&[sale(700, 50, 60)], &[], &log, variant, &prices, day(40));
        assert_eq!(first[0].lowest_30d, Some(900));
        // The price falls before the sale begins.
        let lower = Prices::from([(Currency::EUR, 850)]);
        let log = [entry(0, 900, &[]), entry(40, 1000, &first)];
        let again = compared(&first, &first, &log, variant, &lower, day(45));
        assert_eq!(again[0].lowest_30d, Some(850));
        // And after it has begun.
        let kept = compared(&first, &first, &log, variant, &lower, day(55));
        assert_eq!(kept[0].lowest_30d, Some(900));
    }

    proptest! {
        /// The answer by looking at every hour agrees with the answer by turning points.
        #[test]
        fn the_lowest_price_is_the_lowest_of_all_hours(
            changes in prop::collection::vec((0_i64..60, 1_i64..5_000), 1..6),
            sales in prop::collection::vec((0_i64..60, 1_i64..10, 1_i64..5_000), 0..4),
            begin in 1_i64..61,
        ) {
            let sales: Vec<Sale> =
                sales.iter().map(|(from, days, price)| sale(*price, *from, from + days)).collect();
            let mut log: Vec<Entry> =
                changes.iter().map(|(at, base)| entry(*at, *base, &sales)).collect();
            log.sort_by_key(|entry| entry.at);
            log.dedup_by_key(|entry| entry.at);
            let asked = |hour: i64| {
                let now = Timestamp::from_second(START + hour * 3_600).unwrap();
                let entry = log.iter().rev().find(|entry| entry.at <= now)?;
                Some(shown(&entry.prices, &entry.sales, Currency::EUR, now)?.price.amount())
            };
            let slow = ((begin - 30) * 24..begin * 24).filter_map(asked).min();
            prop_assert_eq!(lowest_before(&log, Currency::EUR, day(begin)), slow);
        }
    }
}
