//! Stock of one SKU at one location, or of one shard of it.
//!
//! `available = on_hand − reserved − safety + backorder_max` is kept as a number of its own,
//! because the store's conditions can compare but not calculate. Every change here has its
//! counterpart as one conditional write in the store; this module is the meaning, and the proof by
//! property tests.

use serde::{Deserialize, Serialize};

use crate::catalog::Sku;
use crate::id::{LocationId, Ulid};

/// The location that every shop has. It has a name of its own, so that stock could be counted
/// before there were others.
pub const FIRST_LOCATION: LocationId = LocationId::from_ulid(Ulid::nil());
/// Where the keys of key pools are counted: the free ones are the units on hand there. It is in no
/// list of locations: nothing is sent from it, and nobody counts or moves what lies there by hand.
pub const KEY_POOL: LocationId = LocationId::from_ulid(Ulid(1));
/// Shards that the stock of a SKU is split over, at most: one order's transaction may have to hold
/// units on each of them.
pub const SHARDS_MAX: u32 = 32;
/// Units of one change, or kept at one place, at most: far beyond any warehouse, far below what
/// could overflow a sum.
pub const UNITS_MAX: i64 = 1_000_000_000;

/// Where units lie: a SKU at a location or, while it is armed for a flash sale, on one of its
/// shards there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// Of what.
    pub sku: Sku,
    /// Where.
    pub location: LocationId,
    /// On which shard, counted from 0; none for the location's own count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<u32>,
}

impl Place {
    /// The place of a SKU at a location.
    pub const fn at(sku: Sku, location: LocationId) -> Self {
        Self { sku, location, shard: None }
    }
}

/// What lies where, in units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StockLevel {
    /// Units physically there.
    pub on_hand: i64,
    /// Units promised to orders that are not shipped yet.
    pub reserved: i64,
    /// Units kept back from sale.
    pub safety: i64,
    /// Units that may be sold before they are there.
    #[serde(default)]
    pub backorder_max: i64,
}

/// Why stock can not change as asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Fewer units are for sale than were asked for.
    Insufficient {
        /// Units that could be had.
        available: i64,
    },
    /// More was to be released or shipped than is reserved.
    NotReserved,
    /// More was to be shipped than is there.
    NotThere,
    /// A count of fewer units than are promised to orders.
    BelowReserved {
        /// Units promised.
        reserved: i64,
    },
}

impl Refusal {
    /// The name clients match on.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Insufficient { .. } => "insufficient_stock",
            Self::NotReserved => "not_reserved",
            Self::NotThere => "not_there",
            Self::BelowReserved { .. } => "below_reserved",
        }
    }
}

/// How a level stands to its threshold: what staff are told, and shoppers who wait.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "StockSignal")]
pub enum Signal {
    /// Enough.
    #[default]
    Fine,
    /// No more than the threshold.
    Low,
    /// Nothing for sale.
    Out,
}

impl Signal {
    /// What so many available units mean with this threshold; 0 for none.
    pub const fn of(available: i64, threshold: u32) -> Self {
        if available <= 0 {
            Self::Out
        } else if available <= threshold as i64 {
            Self::Low
        } else {
            Self::Fine
        }
    }

    /// The name in items and answers.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Low => "low",
            Self::Out => "out",
        }
    }
}

/// What happened between two signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "StockCrossing")]
pub enum Crossing {
    /// It went down to the threshold.
    LowStock,
    /// The last one is gone.
    OutOfStock,
    /// There is some again, though no more than the threshold or none is set.
    BackInStock,
    /// There is more than the threshold again, and it was never out.
    Replenished,
}

/// What a change of signal means; nothing where it stays.
pub const fn crossing(before: Signal, after: Signal) -> Option<Crossing> {
    match (before, after) {
        (Signal::Fine, Signal::Fine) | (Signal::Low, Signal::Low) | (Signal::Out, Signal::Out) => {
            None
        }
        (Signal::Fine, Signal::Low) => Some(Crossing::LowStock),
        (Signal::Fine | Signal::Low, Signal::Out) => Some(Crossing::OutOfStock),
        (Signal::Out, Signal::Fine | Signal::Low) => Some(Crossing::BackInStock),
        (Signal::Low, Signal::Fine) => Some(Crossing::Replenished),
    }
}

/// How many units each of so many shards gets: as even as whole units are, the first ones more.
/// None for a number of shards that is not allowed.
pub fn split(units: u32, shards: u32) -> Option<Vec<u32>> {
    if !(2..=SHARDS_MAX).contains(&shards) {
        return None;
    }
    let (each, more) = (units / shards, units % shards);
    Some((0..shards).map(|shard| each + u32::from(shard < more)).collect())
}

/// Two different shards of so many, for two throws of the dice: of two, the fuller one is taken
/// (Mitzenmacher 2001, “The Power of Two Choices in Randomized Load Balancing”).
pub const fn two_of(shards: u32, throws: (u32, u32)) -> (u32, u32) {
    if shards < 2 {
        return (0, 0);
    }
    let first = throws.0 % shards;
    let second = throws.1 % (shards - 1);
    (first, if second >= first { second + 1 } else { second })
}

impl StockLevel {
    /// A level with nothing reserved.
    pub const fn received(on_hand: i64) -> Self {
        Self { on_hand, reserved: 0, safety: 0, backorder_max: 0 }
    }

    /// Units for sale; negative only after a safety stock was raised, or a backorder cap cut, below
    /// what is promised.
    pub const fn available(&self) -> i64 {
        self.on_hand - self.reserved - self.safety + self.backorder_max
    }

    /// Promises `quantity` units to an order.
    pub fn hold(self, quantity: u32) -> Result<Self, Refusal> {
        let available = self.available();
        if available < i64::from(quantity) {
            return Err(Refusal::Insufficient { available: available.max(0) });
        }
        Ok(Self { reserved: self.reserved + i64::from(quantity), ..self })
    }

    /// Takes a promise back.
    pub fn release(self, quantity: u32) -> Result<Self, Refusal> {
        if self.reserved < i64::from(quantity) {
            return Err(Refusal::NotReserved);
        }
        Ok(Self { reserved: self.reserved - i64::from(quantity), ..self })
    }

    /// Hands promised units to the carrier.
    pub fn ship(self, quantity: u32) -> Result<Self, Refusal> {
        let released = self.release(quantity)?;
        if self.on_hand < i64::from(quantity) {
            return Err(Refusal::NotThere);
        }
        Ok(Self { on_hand: self.on_hand - i64::from(quantity), ..released })
    }

    /// The level after a count or a correction: never fewer units than are promised, but for those
    /// that may be sold before they are there.
    pub fn counted(self, on_hand: i64) -> Result<Self, Refusal> {
        let after = Self { on_hand, ..self };
        if on_hand < 0 || after.on_hand + after.backorder_max < after.reserved {
            return Err(Refusal::BelowReserved { reserved: self.reserved });
        }
        Ok(after)
    }

    /// Takes units back into stock.
    #[must_use]
    pub fn restock(self, quantity: u32) -> Self {
        Self { on_hand: self.on_hand + i64::from(quantity), ..self }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_last_mug_is_held_once() {
        let held = StockLevel::received(1).hold(1).unwrap();
        assert_eq!(held.hold(1), Err(Refusal::Insufficient { available: 0 }));
    }

    #[test]
    fn safety_stock_is_not_for_sale() {
        let level = StockLevel { safety: 3, ..StockLevel::received(5) };
        assert_eq!(level.hold(3), Err(Refusal::Insufficient { available: 2 }));
    }

    #[test]
    fn what_may_be_sold_early_is_for_sale_and_no_more() {
        let level = StockLevel { backorder_max: 2, ..StockLevel::received(1) };
        let held = level.hold(3).unwrap();
        assert_eq!(held.hold(1), Err(Refusal::Insufficient { available: 0 }));
        assert_eq!(held.ship(3), Err(Refusal::NotThere));
        assert_eq!(held.counted(0), Err(Refusal::BelowReserved { reserved: 3 }));
        assert_eq!(held.counted(4).unwrap().available(), 3);
    }

    #[test]
    fn every_crossing_has_a_name_and_staying_has_none() {
        use Signal::{Fine, Low, Out};
        assert_eq!([Signal::of(0, 5), Signal::of(5, 5), Signal::of(6, 5)], [Out, Low, Fine]);
        assert_eq!([Signal::of(1, 0), Signal::of(-3, 0)], [Fine, Out]);
        let all = [Fine, Low, Out];
        for (before, after) in all.iter().flat_map(|b| all.iter().map(move |a| (*b, *a))) {
            assert_eq!(crossing(before, after).is_none(), before == after);
        }
        assert_eq!(crossing(Out, Low), Some(Crossing::BackInStock));
        assert_eq!(crossing(Fine, Out), Some(Crossing::OutOfStock));
    }

    #[derive(Debug, Clone)]
    enum Change {
        Hold(u32),
        Release(u32),
        Ship(u32),
        Restock(u32),
    }

    fn change() -> impl Strategy<Value = Change> {
        prop_oneof![
            (0..20u32).prop_map(Change::Hold),
            (0..20u32).prop_map(Change::Release),
            (0..20u32).prop_map(Change::Ship),
            (0..20u32).prop_map(Change::Restock),
        ]
    }

    proptest! {
        #[test]
        fn no_sequence_of_changes_sells_what_is_not_there(
            on_hand in 0..100i64,
            safety in 0..5i64,
            changes in prop::collection::vec(change(), 0..60),
        ) {
            let mut level = StockLevel { safety, ..StockLevel::received(on_hand + safety) };
            for change in changes {
                let next = match change {
                    Change::Hold(q) => level.hold(q),
                    Change::Release(q) => level.release(q),
                    Change::Ship(q) => level.ship(q),
                    Change::Restock(q) => Ok(level.restock(q)),
                };
                level = next.unwrap_or(level);
                prop_assert!(level.reserved >= 0);
                prop_assert!(level.reserved <= level.on_hand);
                prop_assert!(level.available() >= 0);
            }
        }

        #[test]
        fn a_split_loses_no_unit_and_is_even(units in 0..10_000u32, shards in 2..=SHARDS_MAX) {
            let parts = split(units, shards).unwrap();
            prop_assert_eq!(parts.iter().sum::<u32>(), units);
            prop_assert_eq!(parts.len(), shards as usize);
            prop_assert!(parts.iter().max().unwrap() - parts.iter().min().unwrap() <= 1);
        }

        #[test]
        fn two_shards_are_two_and_are_there(shards in 2..=SHARDS_MAX, a: u32, b: u32) {
            let (first, second) = two_of(shards, (a, b));
            prop_assert!(first != second && first < shards && second < shards);
        }

        #[test]
        fn releasing_a_hold_restores_the_level(on_hand in 0..100i64, quantity in 0..100u32) {
            let level = StockLevel::received(on_hand);
            if let Ok(held) = level.hold(quantity) {
                prop_assert_eq!(held.release(quantity), Ok(level));
            }
        }
    }
}
