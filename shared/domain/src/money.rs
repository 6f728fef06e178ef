//! Money: an integer number of minor units and the currency that says what they are.
//!
//! There is no float, no silent wrap and no sum of two currencies: every operation that could go
//! wrong answers with a [`Refusal`]. What is split is split exactly, to the last minor unit.

use std::cmp::{Ordering, Reverse};
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::currency::Currency;

/// An amount of money, negative where something is owed back.
///
/// Serialised as `{"amount":1999,"currency":"EUR"}`; printed as `19.99 EUR`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Minor units of the currency: cents for EUR, yen for JPY.
    amount: i64,
    /// The ISO 4217 code.
    currency: Currency,
}

/// Why two amounts can not be combined or one can not be split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The result leaves the range of 64 bits.
    Overflow,
    /// The amounts are in different currencies.
    CurrencyMismatch,
    /// There is nobody to give a share to.
    NothingToAllocateTo,
    /// The denominator of a ratio is zero.
    DivisionByZero,
    /// A price, or what is left of one, would be below zero.
    Negative,
}

impl Refusal {
    /// The stable name callers see.
    pub fn code(self) -> &'static str {
        match self {
            Self::Overflow => "money_overflow",
            Self::CurrencyMismatch => "currency_mismatch",
            Self::NothingToAllocateTo => "nothing_to_allocate_to",
            Self::DivisionByZero => "division_by_zero",
            Self::Negative => "amount_negative",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Overflow => "the amount is too large",
            Self::CurrencyMismatch => "the amounts are in different currencies",
            Self::NothingToAllocateTo => "there is nothing to allocate the amount to",
            Self::DivisionByZero => "the amount can not be divided by zero",
            Self::Negative => "the amount must not be below zero",
        })
    }
}

impl std::error::Error for Refusal {}

/// What happens to the fraction of a minor unit.
///
/// All three treat −x as the mirror image of x, so that a refund undoes what was charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearest, half away from zero: how tax authorities and tills round.
    HalfUp,
    /// To the nearest, half to the even neighbour: no drift over many roundings.
    HalfEven,
    /// Towards zero: never more than the exact share.
    Down,
}

#[allow(clippy::should_implement_trait)] // an operator could not refuse
impl Money {
    /// So many minor units of a currency.
    pub const fn new(amount: i64, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// Nothing, in a currency.
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// Minor units.
    pub const fn amount(self) -> i64 {
        self.amount
    }

    /// The currency the minor units belong to.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Whether this is exactly nothing.
    pub const fn is_zero(self) -> bool {
        self.amount == 0
    }

    /// Whether this is more than nothing.
    pub const fn is_positive(self) -> bool {
        self.amount > 0
    }

    /// Whether this is less than nothing.
    pub const fn is_negative(self) -> bool {
        self.amount < 0
    }

    /// The sum of two amounts of one currency.
    pub fn add(self, other: Self) -> Result<Self, Refusal> {
        self.same_currency(other)?;
        self.with(self.amount.checked_add(other.amount))
    }

    /// What remains of this after taking the other away; negative where more is taken than there
    /// is.
    pub fn sub(self, other: Self) -> Result<Self, Refusal> {
        self.same_currency(other)?;
        self.with(self.amount.checked_sub(other.amount))
    }

    /// This many times over.
    pub fn times(self, quantity: u32) -> Result<Self, Refusal> {
        self.with(self.amount.checked_mul(i64::from(quantity)))
    }

    /// The same amount in the other direction.
    pub fn negate(self) -> Result<Self, Refusal> {
        self.with(self.amount.checked_neg())
    }

    /// How this compares with another amount of the same currency.
    pub fn compare(self, other: Self) -> Result<Ordering, Refusal> {
        self.same_currency(other)?;
        Ok(self.amount.cmp(&other.amount))
    }

    /// The smaller of two amounts of one currency.
    pub fn min(self, other: Self) -> Result<Self, Refusal> {
        Ok(if self.compare(other)?.is_le() { self } else { other })
    }

    /// The sum of any number of amounts of one currency; nothing sums to zero.
    ///
    /// Only the result has to fit: the order of the summands never decides whether it does.
    pub fn sum(
        currency: Currency,
        amounts: impl IntoIterator<Item = Self>,
    ) -> Result<Self, Refusal> {
        let mut total: i128 = 0;
        for money in amounts {
            Self::zero(currency).same_currency(money)?;
            // An i128 holds 2^64 of the largest i64: no iterator gets there.
            total = total.checked_add(i128::from(money.amount)).ok_or(Refusal::Overflow)?;
        }
        Self::zero(currency).with(i64::try_from(total).ok())
    }

    /// Splits the amount in proportion to the weights, without losing or inventing a minor unit.
    ///
    /// Every share is the exact share rounded down or up (towards or away from zero); the units
    /// left over by rounding down go to the largest remainders, ties to the earliest. Where all
    /// weights are zero everybody weighs the same. No weights at all are refused.
    pub fn allocate(self, weights: &[u64]) -> Result<Vec<Self>, Refusal> {
        let mut weights: Vec<u128> = weights.iter().copied().map(u128::from).collect();
        if weights.iter().all(|weight| *weight == 0) {
            weights.fill(1);
        }
        let total: u128 = weights.iter().sum();
        if total == 0 {
            return Err(Refusal::NothingToAllocateTo);
        }
        let amount = u128::from(self.amount.unsigned_abs());
        // amount < 2^64 and weight < 2^64, so their product fits.
        let mut shares: Vec<(u128, u128)> = weights
            .iter()
            .map(|weight| (amount * weight / total, amount * weight % total))
            .collect();
        let given: u128 = shares.iter().map(|(share, _)| share).sum();
        let left = usize::try_from(amount - given).map_err(|_| Refusal::Overflow)?;

        // A stable sort: of equal remainders the earliest stays first. There are always more
        // positive remainders than units left, so a weight of zero never gets one.
        let mut by_remainder: Vec<&mut (u128, u128)> = shares.iter_mut().collect();
        by_remainder.sort_by_key(|share| Reverse(share.1));
        for share in by_remainder.into_iter().take(left) {
            share.0 += 1;
        }
        shares.iter().map(|(share, _)| self.with(signed(*share, self.is_negative()))).collect()
    }

    /// This amount × numerator ÷ denominator, exact in between, rounded once.
    pub fn ratio(
        self,
        numerator: u64,
        denominator: u64,
        rounding: Rounding,
    ) -> Result<Self, Refusal> {
        if denominator == 0 {
            return Err(Refusal::DivisionByZero);
        }
        let product = u128::from(self.amount.unsigned_abs()) * u128::from(numerator);
        let denominator = u128::from(denominator);
        let (down, rest) = (product / denominator, product % denominator);
        let up = match (rounding, (rest * 2).cmp(&denominator)) {
            (Rounding::Down, _) | (_, Ordering::Less) => false,
            (_, Ordering::Greater) | (Rounding::HalfUp, Ordering::Equal) => true,
            (Rounding::HalfEven, Ordering::Equal) => down % 2 == 1,
        };
        self.with(signed(down + u128::from(up), self.is_negative()))
    }

    fn same_currency(self, other: Self) -> Result<(), Refusal> {
        if self.currency == other.currency { Ok(()) } else { Err(Refusal::CurrencyMismatch) }
    }

    fn with(self, amount: Option<i64>) -> Result<Self, Refusal> {
        amount.map(|amount| Self { amount, ..self }).ok_or(Refusal::Overflow)
    }
}

/// A magnitude with its sign, where 64 bits hold it.
fn signed(magnitude: u128, negative: bool) -> Option<i64> {
    let value = i128::try_from(magnitude).ok()?;
    i64::try_from(if negative { -value } else { value }).ok()
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = usize::from(self.currency.exponent());
        let sign = if self.is_negative() { "-" } else { "" };
        let unit = 10_u64.pow(u32::from(self.currency.exponent()));
        let (whole, part) = (self.amount.unsigned_abs() / unit, self.amount.unsigned_abs() % unit);
        match places {
            0 => write!(f, "{sign}{whole} {}", self.currency),
            _ => write!(f, "{sign}{whole}.{part:0places$} {}", self.currency),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn eur(amount: i64) -> Money {
        Money::new(amount, Currency::EUR)
    }

    fn amounts(shares: &[Money]) -> Vec<i64> {
        shares.iter().map(|share| share.amount()).collect()
    }

    #[test]
    fn money_is_printed_with_the_places_of_its_currency() {
        assert_eq!(eur(1999).to_string(), "19.99 EUR");
        assert_eq!(eur(-5).to_string(), "-0.05 EUR");
        assert_eq!(Money::new(500, Currency::JPY).to_string(), "500 JPY");
        assert_eq!(Money::new(5_120, Currency::KWD).to_string(), "5.120 KWD");
        assert_eq!(eur(i64::MIN).to_string(), "-92233720368547758.08 EUR");
    }

    #[test]
    fn money_travels_as_minor_units_and_a_code() {
        let text = serde_json::to_string(&eur(1999)).unwrap();
        assert_eq!(text, r#"{"amount":1999,"currency":"EUR"}"#);
        assert_eq!(serde_json::from_str::<Money>(&text).unwrap(), eur(1999));
        for bad in [
            r#"{"amount":19.99,"currency":"EUR"}"#,
            r#"{"amount":"1999","currency":"EUR"}"#,
            r#"{"amount":1999}"#,
            r#"{"amount":1999,"currency":"EUR","exponent":2}"#,
            r#"{"amount":9223372036854775808,"currency":"EUR"}"#,
        ] {
            assert!(serde_json::from_str::<Money>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn two_currencies_never_mix() {
        let yen = Money::new(1, Currency::JPY);
        assert_eq!(eur(1).add(yen), Err(Refusal::CurrencyMismatch));
        assert_eq!(eur(1).sub(yen), Err(Refusal::CurrencyMismatch));
        assert_eq!(eur(1).compare(yen), Err(Refusal::CurrencyMismatch));
        assert_eq!(Money::sum(Currency::EUR, [eur(1), yen]), Err(Refusal::CurrencyMismatch));
    }

    #[test]
    fn what_does_not_fit_is_refused_and_never_wraps() {
        assert_eq!(eur(i64::MAX).add(eur(1)), Err(Refusal::Overflow));
        assert_eq!(eur(i64::MIN).sub(eur(1)), Err(Refusal::Overflow));
        assert_eq!(eur(i64::MIN).negate(), Err(Refusal::Overflow));
        assert_eq!(eur(i64::MAX).times(2), Err(Refusal::Overflow));
        assert_eq!(eur(i64::MAX).ratio(2, 1, Rounding::HalfUp), Err(Refusal::Overflow));
        assert_eq!(eur(1).ratio(1, 0, Rounding::Down), Err(Refusal::DivisionByZero));
        assert_eq!(Money::sum(Currency::EUR, [eur(i64::MAX), eur(1)]), Err(Refusal::Overflow));
        let around = [eur(i64::MAX), eur(1), eur(-1)];
        assert_eq!(Money::sum(Currency::EUR, around), Ok(eur(i64::MAX)));
    }

    #[test]
    fn left_over_cents_go_to_the_largest_remainders_then_to_the_earliest() {
        assert_eq!(amounts(&eur(100).allocate(&[1, 1, 1]).unwrap()), [34, 33, 33]);
        assert_eq!(amounts(&eur(-100).allocate(&[1, 1, 1]).unwrap()), [-34, -33, -33]);
        assert_eq!(amounts(&eur(5).allocate(&[3, 7]).unwrap()), [2, 3]);
        assert_eq!(amounts(&eur(10).allocate(&[50, 25, 25]).unwrap()), [5, 3, 2]);
        assert_eq!(amounts(&eur(7).allocate(&[0, 1, 0]).unwrap()), [0, 7, 0]);
        assert_eq!(amounts(&eur(5).allocate(&[0, 0]).unwrap()), [3, 2]);
        assert_eq!(amounts(&eur(i64::MIN).allocate(&[1]).unwrap()), [i64::MIN]);
        assert_eq!(eur(5).allocate(&[]), Err(Refusal::NothingToAllocateTo));
    }

    #[test]
    fn a_half_is_rounded_as_asked() {
        let rounded = |amount, rounding| eur(amount).ratio(1, 2, rounding).unwrap().amount();
        assert_eq!([1, 3, -1, -3].map(|a| rounded(a, Rounding::HalfUp)), [1, 2, -1, -2]);
        assert_eq!([1, 3, -1, -3].map(|a| rounded(a, Rounding::HalfEven)), [0, 2, 0, -2]);
        assert_eq!([1, 3, -1, -3].map(|a| rounded(a, Rounding::Down)), [0, 1, 0, -1]);
    }

    fn weights() -> impl Strategy<Value = Vec<u64>> {
        prop::collection::vec(prop_oneof![Just(0), 0..1000_u64, any::<u64>()], 1..12)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn an_allocation_loses_nothing_and_is_within_one_unit_of_fair(
            amount: i64, weights in weights(),
        ) {
            let shares = eur(amount).allocate(&weights).unwrap();
            prop_assert_eq!(Money::sum(Currency::EUR, shares.iter().copied()), Ok(eur(amount)));
            let even = weights.iter().all(|weight| *weight == 0);
            let weights = weights.iter().map(|w| if even { 1 } else { u128::from(*w) });
            let total: u128 = weights.clone().sum();
            for (share, weight) in shares.iter().zip(weights) {
                let exact = u128::from(amount.unsigned_abs()) * weight;
                let given = u128::from(share.amount().unsigned_abs());
                prop_assert!(given == exact / total || given == exact.div_ceil(total));
                prop_assert!(share.is_zero() || share.is_negative() == (amount < 0));
            }
        }

        #[test]
        fn of_equal_weights_the_earlier_never_gets_less(amount: i64, weights in weights()) {
            let shares = eur(amount).allocate(&weights).unwrap();
            for (i, weight) in weights.iter().enumerate() {
                for (j, other) in weights.iter().enumerate().skip(i) {
                    let magnitude = |k: usize| shares[k].amount().unsigned_abs();
                    prop_assert!(weight != other || magnitude(i) >= magnitude(j));
                }
            }
        }

        #[test]
        fn a_refund_mirrors_its_charge(amount in -i64::MAX..=i64::MAX, weights in weights()) {
            let there = eur(amount).allocate(&weights).unwrap();
            let back = eur(-amount).allocate(&weights).unwrap();
            for (a, b) in there.iter().zip(back) {
                prop_assert_eq!(a.negate(), Ok(b));
            }
        }

        #[test]
        fn addition_is_the_integers_or_a_refusal(a: i64, b: i64) {
            let exact = i128::from(a) + i128::from(b);
            match eur(a).add(eur(b)) {
                Ok(sum) => prop_assert_eq!(i128::from(sum.amount()), exact),
                Err(refusal) => {
                    prop_assert_eq!(refusal, Refusal::Overflow);
                    prop_assert!(i64::try_from(exact).is_err());
                }
            }
        }

        #[test]
        fn rounding_is_never_off_by_more_than_it_says(
            amount: i32, numerator: u32, denominator in 1..u32::MAX,
        ) {
            let exact = i128::from(amount) * i128::from(numerator);
            let (n, d) = (u64::from(numerator), u64::from(denominator));
            for rounding in [Rounding::HalfUp, Rounding::HalfEven, Rounding::Down] {
                let rounded = eur(i64::from(amount)).ratio(n, d, rounding).unwrap();
                let off = (i128::from(rounded.amount()) * i128::from(d) - exact).abs();
                match rounding {
                    Rounding::Down => prop_assert!(off < i128::from(d)),
                    Rounding::HalfUp | Rounding::HalfEven => prop_assert!(off * 2 <= i128::from(d)),
                }
            }
        }
    }
}
