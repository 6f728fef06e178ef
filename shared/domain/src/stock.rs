//! Stock of one SKU at one location.
//!
//! `available = on_hand − reserved − safety` is kept as a number of its own, because the store's
//! conditions can compare but not calculate. Every change here has its counterpart as one
//! conditional write in the store; this module is the meaning, and the proof by property tests.

use serde::{Deserialize, Serialize};

/// What lies where, in units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockLevel {
    /// Units physically there.
    pub on_hand: i64,
    /// Units promised to orders that are not shipped yet.
    pub reserved: i64,
    /// Units kept back from sale.
    pub safety: i64,
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
}

impl StockLevel {
    /// A level with nothing reserved.
    pub const fn received(on_hand: i64) -> Self {
        Self { on_hand, reserved: 0, safety: 0 }
    }

    /// Units for sale; never negative for a level made by this module.
    pub const fn available(&self) -> i64 {
        self.on_hand - self.reserved - self.safety
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
        Ok(Self { on_hand: self.on_hand - i64::from(quantity), ..released })
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
        let level = StockLevel { on_hand: 5, reserved: 0, safety: 3 };
        assert_eq!(level.hold(3), Err(Refusal::Insufficient { available: 2 }));
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
            let mut level = StockLevel { on_hand: on_hand + safety, reserved: 0, safety };
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
        fn releasing_a_hold_restores_the_level(on_hand in 0..100i64, quantity in 0..100u32) {
            let level = StockLevel::received(on_hand);
            if let Ok(held) = level.hold(quantity) {
                prop_assert_eq!(held.release(quantity), Ok(level));
            }
        }
    }
}
