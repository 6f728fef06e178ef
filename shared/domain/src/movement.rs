//! Movements: why the units at a location are as many as they are. Facts that are only ever
//! appended; their sum is the level, and a job proves it every night.
//!
//! Promising units to an order and taking the promise back moves nothing: that is a reservation.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::audit::Actor;
use crate::catalog::Sku;
use crate::id::{LocationId, MovementId};

/// Characters of a reason or a reference.
pub const REASON_CHARS_MAX: usize = 200;
/// Lines of one change: each writes a level and a movement, and a transaction holds 100 actions.
pub const LINES_MAX: usize = 40;

/// What moved units.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "MovementKind")]
pub enum Kind {
    /// There when the shop was opened or taken over.
    Opened,
    /// Came from a supplier.
    Received,
    /// Corrected by somebody, with a reason.
    Adjusted,
    /// Found by counting.
    Counted,
    /// Went to a customer.
    Shipped,
    /// Came back from a customer and is for sale.
    Restocked,
    /// Broken, lost, given away.
    WrittenOff,
    /// Left for another location.
    TransferredOut,
    /// Came from another location.
    TransferredIn,
    /// Split over shards for a flash sale: nothing left the location.
    Sharded,
    /// Taken from shards again: nothing came to the location.
    Merged,
}

/// A movement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Movement {
    /// Its id; later ones sort behind earlier ones.
    pub id: MovementId,
    /// Of what.
    pub sku: Sku,
    /// Where.
    pub location: LocationId,
    /// What moved them.
    pub kind: Kind,
    /// Units that came (or, negative, went).
    pub quantity: i64,
    /// Why, in somebody's words.
    #[serde(default)]
    pub reason: Option<String>,
    /// What it belongs to: a transfer, a delivery note.
    #[serde(default)]
    pub reference: Option<String>,
    /// Who.
    pub actor: Actor,
    /// When.
    pub at: Timestamp,
}

impl Movement {
    /// What it does to the number of units at its location.
    pub const fn effect(&self) -> i64 {
        match self.kind {
            Kind::Opened
            | Kind::Received
            | Kind::Adjusted
            | Kind::Counted
            | Kind::Shipped
            | Kind::Restocked
            | Kind::WrittenOff
            | Kind::TransferredOut
            | Kind::TransferredIn => self.quantity,
            Kind::Sharded | Kind::Merged => 0,
        }
    }
}

/// The units at each location that these movements of one SKU add up to.
pub fn levels<'a>(movements: impl Iterator<Item = &'a Movement>) -> BTreeMap<LocationId, i64> {
    let mut levels = BTreeMap::new();
    for movement in movements {
        *levels.entry(movement.location).or_insert(0) += movement.effect();
    }
    levels
}

/// A location whose units are not what its movements add up to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Of what.
    pub sku: Sku,
    /// Where.
    pub location: LocationId,
    /// What the level says.
    pub on_hand: i64,
    /// What the movements add up to.
    pub moved: i64,
}

/// Where levels and movements of a SKU do not agree. `on_hand` counts each location once, with its
/// shards.
pub fn findings(
    sku: &Sku,
    on_hand: &BTreeMap<LocationId, i64>,
    moved: &BTreeMap<LocationId, i64>,
) -> Vec<Finding> {
    let locations: std::collections::BTreeSet<_> = on_hand.keys().chain(moved.keys()).collect();
    let of = |all: &BTreeMap<LocationId, i64>, id| all.get(id).copied().unwrap_or(0);
    locations
        .into_iter()
        .filter(|id| of(on_hand, id) != of(moved, id))
        .map(|id| Finding {
            sku: sku.clone(),
            location: *id,
            on_hand: of(on_hand, id),
            moved: of(moved, id),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::Ulid;
    use crate::stock::FIRST_LOCATION;

    fn movement(kind: Kind, quantity: i64) -> Movement {
        Movement {
            id: MovementId::from_ulid(Ulid::nil()),
            sku: Sku::parse("MUG").unwrap(),
            location: FIRST_LOCATION,
            kind,
            quantity,
            reason: None,
            reference: None,
            actor: Actor::System,
            at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_level_that_is_not_the_sum_is_found() {
        let sku = Sku::parse("MUG").unwrap();
        let moved = levels([movement(Kind::Received, 10), movement(Kind::Shipped, -3)].iter());
        let right = BTreeMap::from([(FIRST_LOCATION, 7)]);
        assert_eq!(findings(&sku, &right, &moved), []);
        let wrong = BTreeMap::from([(FIRST_LOCATION, 6)]);
        let found = findings(&sku, &wrong, &moved);
        assert_eq!((found[0].on_hand, found[0].moved), (6, 7));
        assert_eq!(findings(&sku, &BTreeMap::new(), &moved).len(), 1);
    }

    proptest! {
        #[test]
        fn splitting_and_merging_moves_nothing(units in prop::collection::vec(-50..50i64, 0..40)) {
            let plain: Vec<_> = units.iter().map(|n| movement(Kind::Adjusted, *n)).collect();
            let mut mixed = plain.clone();
            mixed.extend(units.iter().map(|n| movement(Kind::Sharded, *n)));
            mixed.extend(units.iter().map(|n| movement(Kind::Merged, *n)));
            let sum = units.iter().sum::<i64>();
            prop_assert_eq!(levels(plain.iter()).values().sum::<i64>(), sum);
            prop_assert_eq!(levels(mixed.iter()).values().sum::<i64>(), sum);
        }
    }
}
