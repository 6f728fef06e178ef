//! The reservation of an order's stock: one state for all of the order's lines, kept on the order,
//! with the places where its units are held.
//!
//! A hold has a deadline, but its end is a fact of its own: only the write that gives the units
//! back says `released` or `expired`. A hold past its deadline may be taken over by the next
//! buyer, by giving it back first; correctness never waits for a sweeper.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::allocation::Allocation;

/// Where the units of an order stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ReservationState")]
pub enum State {
    /// The order has no goods that lie anywhere.
    NotRequired,
    /// Promised until the payment deadline.
    Held,
    /// Promised for good: the order is placed.
    Committed,
    /// Shipped.
    Consumed,
    /// Given back: the order was canceled.
    Released,
    /// Given back: nobody paid in time.
    Expired,
    /// Came back from the customer and is for sale again.
    Restocked,
    /// Came back from the customer and is not for sale.
    WrittenOff,
}

impl State {
    /// Every state, for the printed matrix.
    pub const ALL: [Self; 8] = [
        Self::NotRequired,
        Self::Held,
        Self::Committed,
        Self::Consumed,
        Self::Released,
        Self::Expired,
        Self::Restocked,
        Self::WrittenOff,
    ];

    /// Whether the machine has the edge `self → to`.
    ///
    /// `Expired → Committed` and `Released → Committed` are the late payment that found its units
    /// again: they are held and committed in one write.
    pub const fn may_become(self, to: Self) -> bool {
        matches!(
            (self, to),
            (Self::Held, Self::Committed | Self::Released | Self::Expired)
                | (Self::Committed, Self::Consumed | Self::Released)
                | (Self::Expired | Self::Released, Self::Committed)
                | (Self::Consumed, Self::Restocked | Self::WrittenOff)
        )
    }

    /// Whether units are promised in the stock level because of this reservation.
    pub const fn counts_as_reserved(self) -> bool {
        matches!(self, Self::Held | Self::Committed)
    }
}

/// A reservation with its deadline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// Where it stands.
    pub state: State,
    /// When a hold may be given back.
    pub expires_at: Timestamp,
    /// Where how many units are held, each place once. Empty in orders of the days of one location:
    /// their units lie at the first one.
    #[serde(default)]
    pub allocations: Vec<Allocation>,
}

impl Reservation {
    /// Whether the next buyer may have the units.
    pub fn may_be_taken_over(&self, now: Timestamp) -> bool {
        self.state == State::Held && self.expires_at < now
    }
}
