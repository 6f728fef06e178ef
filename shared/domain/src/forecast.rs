//! How long stock lasts: from what was sold on each of the last days, in whole numbers.
//!
//! A day's weight is its age: the newest of [`DAYS`] counts [`DAYS`] times as much as the oldest (a
//! linearly weighted moving average). Velocity is in thousandths of a unit a day.

use serde::Serialize;

/// Days that are looked at: four weeks, so that each day of the week counts four times.
pub const DAYS: usize = 28;

/// What the last days say of the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Forecast {
    /// Units sold in [`DAYS`] days.
    pub sold: u64,
    /// Thousandths of a unit that go on an ordinary day.
    pub daily_milli: u64,
    /// Whole days that the available units last; none where nothing is sold.
    pub days_left: Option<u64>,
}

/// The forecast of a SKU: units sold on each day, oldest first (those before the last [`DAYS`] are
/// passed over, missing ones sold nothing), and the units for sale.
pub fn forecast(sold: &[u32], available: i64) -> Forecast {
    let days: Vec<u64> = sold.iter().rev().take(DAYS).map(|units| u64::from(*units)).collect();
    let full = DAYS as u64;
    // Newest first: its weight is the largest.
    let weighted: u64 =
        days.iter().zip((1..=full).rev()).map(|(units, weight)| units * weight).sum();
    let weights = full * (full + 1) / 2;
    let daily_milli = weighted * 1000 / weights;
    let available = u64::try_from(available.max(0)).unwrap_or(0);
    let days_left = (available * 1000).checked_div(daily_milli);
    Forecast { sold: days.iter().sum(), daily_milli, days_left }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_even_month_is_its_own_average() {
        let forecast = forecast(&[3; DAYS], 30);
        assert_eq!((forecast.daily_milli, forecast.days_left), (3000, Some(10)));
        assert_eq!(forecast.sold, 84);
    }

    #[test]
    fn what_does_not_sell_lasts_for_ever() {
        assert_eq!(forecast(&[], 5).days_left, None);
        assert_eq!(forecast(&[0; 40], 0).days_left, None);
        assert_eq!(forecast(&[2; 28], -4).days_left, Some(0));
    }

    #[test]
    fn what_was_sold_lately_counts_more() {
        let (mut early, mut late) = ([0; DAYS], [0; DAYS]);
        (early[0], late[DAYS - 1]) = (28, 28);
        let (early, late) = (forecast(&early, 100), forecast(&late, 100));
        assert_eq!(early.sold, late.sold);
        assert_eq!(early.daily_milli * 28, late.daily_milli / 28 * 28);
        assert!(early.days_left > late.days_left);
    }

    proptest! {
        #[test]
        fn more_sales_never_last_longer(
            sold in prop::collection::vec(0..1000u32, 0..60),
            at in 0..60usize,
            available in 0..10_000i64
        ) {
            let mut more = sold.clone();
            if let Some(day) = more.get_mut(at) {
                *day += 1;
            }
            let (before, after) = (forecast(&sold, available), forecast(&more, available));
            prop_assert!(after.daily_milli >= before.daily_milli);
            let days = |forecast: Forecast| forecast.days_left.unwrap_or(u64::MAX);
            prop_assert!(days(after) <= days(before));
        }
    }
}
