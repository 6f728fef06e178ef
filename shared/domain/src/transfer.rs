//! Transfers: stock on its way from one of our locations to another.
//!
//! What was sent has left its location and has arrived nowhere; it is counted in as it arrives, in
//! as many parts as the carrier makes of it. What never arrives stays written on the transfer.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalog::Sku;
use crate::id::{LocationId, TransferId};

/// Lines of a transfer: each writes a level and a movement, and a transaction holds 100 actions.
pub const LINES_MAX: usize = 40;

/// Where a transfer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "TransferStatus")]
pub enum Status {
    /// Written down; nothing has moved.
    Draft,
    /// It has left.
    InTransit,
    /// Some of it arrived.
    PartiallyReceived,
    /// All arrived, or nobody waits for the rest any more.
    Received,
    /// It never left, or came back whole.
    Canceled,
}

impl Status {
    /// Every status, for the printed matrix.
    pub const ALL: [Self; 5] =
        [Self::Draft, Self::InTransit, Self::PartiallyReceived, Self::Received, Self::Canceled];

    /// Whether the machine has the edge `self → to`.
    pub const fn may_become(self, to: Self) -> bool {
        match self {
            Self::Draft => matches!(to, Self::InTransit | Self::Canceled),
            Self::InTransit => {
                matches!(to, Self::PartiallyReceived | Self::Received | Self::Canceled)
            }
            Self::PartiallyReceived => matches!(to, Self::PartiallyReceived | Self::Received),
            Self::Received | Self::Canceled => false,
        }
    }

    /// The name in items and answers.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::InTransit => "in_transit",
            Self::PartiallyReceived => "partially_received",
            Self::Received => "received",
            Self::Canceled => "canceled",
        }
    }
}

/// A line: so many of one SKU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "TransferLine")]
pub struct Line {
    /// Of what.
    pub sku: Sku,
    /// Units sent.
    pub quantity: u32,
    /// Units that arrived; more than were sent where somebody had counted wrong.
    #[serde(default)]
    pub received: u32,
}

impl Line {
    /// Units that were sent and have not arrived.
    pub const fn missing(&self) -> u32 {
        self.quantity.saturating_sub(self.received)
    }

    /// Units that arrived and were not sent, as far as was written down.
    pub const fn surplus(&self) -> u32 {
        self.received.saturating_sub(self.quantity)
    }
}

/// A transfer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// Its id.
    pub id: TransferId,
    /// Where it begins.
    pub from: LocationId,
    /// Where it ends.
    pub to: LocationId,
    /// Where it stands.
    pub status: Status,
    /// What it carries, each SKU once.
    pub lines: Vec<Line>,
    /// Rises with every write.
    pub version: u64,
    /// When it was written down.
    pub created_at: Timestamp,
    /// When it left.
    pub shipped_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// Why a transfer stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The machine has no such edge.
    InvalidTransition {
        /// Where it stands.
        from: Status,
        /// Where it was to go.
        to: Status,
    },
    /// It begins where it ends.
    SameLocation,
    /// There is nothing in it.
    Empty,
    /// One SKU stands in two lines.
    Twice(Sku),
    /// Something arrived that is not on it.
    NotOnIt(Sku),
}

impl Refusal {
    /// The name clients match on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidTransition { .. } => "invalid_transition",
            Self::SameLocation => "same_location",
            Self::Empty => "transfer_empty",
            Self::Twice(_) => "duplicate_sku",
            Self::NotOnIt(_) => "not_on_transfer",
        }
    }
}

impl Transfer {
    /// A transfer that is written down.
    pub fn draft(
        id: TransferId,
        from: LocationId,
        to: LocationId,
        units: Vec<(Sku, u32)>,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        if from == to {
            return Err(Refusal::SameLocation);
        }
        if units.is_empty() {
            return Err(Refusal::Empty);
        }
        unique(&units)?;
        let line = |(sku, quantity)| Line { sku, quantity, received: 0 };
        Ok(Self {
            id,
            from,
            to,
            status: Status::Draft,
            lines: units.into_iter().map(line).collect(),
            version: 0,
            created_at: now,
            shipped_at: None,
            ended_at: None,
        })
    }

    /// It leaves.
    pub fn ship(self, now: Timestamp) -> Result<Self, Refusal> {
        let shipped = self.become_(Status::InTransit)?;
        Ok(Self { shipped_at: Some(now), ..shipped })
    }

    /// Some of it arrives. With `is_last` nobody waits for what is missing: it ends.
    pub fn receive(
        mut self,
        units: &[(Sku, u32)],
        is_last: bool,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        unique(units)?;
        for (sku, quantity) in units {
            let line = self.lines.iter_mut().find(|line| line.sku == *sku);
            let line = line.ok_or_else(|| Refusal::NotOnIt(sku.clone()))?;
            line.received = line.received.saturating_add(*quantity);
        }
        let is_whole = self.lines.iter().all(|line| line.missing() == 0);
        if is_whole || is_last {
            let received = self.become_(Status::Received)?;
            return Ok(Self { ended_at: Some(now), ..received });
        }
        self.become_(Status::PartiallyReceived)
    }

    /// It does not happen, or comes back whole. Tells whether it had left.
    pub fn cancel(self, now: Timestamp) -> Result<(Self, bool), Refusal> {
        let had_left = self.status == Status::InTransit;
        let canceled = self.become_(Status::Canceled)?;
        Ok((Self { ended_at: Some(now), ..canceled }, had_left))
    }

    /// Its units as they were sent.
    pub fn units(&self) -> Vec<(Sku, u32)> {
        self.lines.iter().map(|line| (line.sku.clone(), line.quantity)).collect()
    }

    fn become_(self, to: Status) -> Result<Self, Refusal> {
        if !self.status.may_become(to) {
            return Err(Refusal::InvalidTransition { from: self.status, to });
        }
        Ok(Self { status: to, ..self })
    }
}

fn unique(units: &[(Sku, u32)]) -> Result<(), Refusal> {
    let mut seen = std::collections::BTreeSet::new();
    match units.iter().find(|(sku, _)| !seen.insert(sku)) {
        Some((sku, _)) => Err(Refusal::Twice(sku.clone())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect_file;
    use proptest::prelude::*;

    use super::*;
    use crate::id::Ulid;
    use crate::order::tests::matrix;
    use crate::stock::FIRST_LOCATION;

    fn sku(text: &str) -> Sku {
        Sku::parse(text).unwrap()
    }

    fn now() -> Timestamp {
        Timestamp::from_second(1_790_000_000).unwrap()
    }

    fn transfer(units: &[(&str, u32)]) -> Transfer {
        let units = units.iter().map(|(text, quantity)| (sku(text), *quantity)).collect();
        let (id, to) = (Ulid::from_parts(1, 1), LocationId::from_ulid(Ulid::from_parts(1, 2)));
        Transfer::draft(TransferId::from_ulid(id), FIRST_LOCATION, to, units, now()).unwrap()
    }

    #[test]
    fn the_transition_matrix() {
        expect_file!["transfer/matrix.txt"].assert_eq(&matrix(&Status::ALL, Status::may_become));
    }

    #[test]
    fn it_arrives_in_parts_and_short_and_over_are_named() {
        let sent = transfer(&[("MUG", 10), ("SOCKS", 4)]).ship(now()).unwrap();
        let some = sent.receive(&[(sku("MUG"), 6)], false, now()).unwrap();
        assert_eq!(some.status, Status::PartiallyReceived);
        assert_eq!(some.lines[0].missing(), 4);
        let over = some.clone().receive(&[(sku("MUG"), 5)], false, now()).unwrap();
        assert_eq!((over.lines[0].surplus(), over.status), (1, Status::PartiallyReceived));
        let all = over.clone().receive(&[(sku("SOCKS"), 4)], false, now()).unwrap();
        assert_eq!((all.status, all.ended_at), (Status::Received, Some(now())));
        let short = over.receive(&[], true, now()).unwrap();
        assert_eq!((short.lines[1].missing(), short.status), (4, Status::Received));
        let canceled = some.cancel(now());
        assert!(matches!(canceled, Err(Refusal::InvalidTransition { .. })));
    }

    #[test]
    fn what_is_not_on_it_does_not_arrive_by_it() {
        let sent = transfer(&[("MUG", 10)]).ship(now()).unwrap();
        let other = sent.clone().receive(&[(sku("HAT"), 1)], false, now());
        assert_eq!(other, Err(Refusal::NotOnIt(sku("HAT"))));
        let twice = [(sku("MUG"), 1), (sku("MUG"), 1)];
        assert_eq!(sent.receive(&twice, false, now()), Err(Refusal::Twice(sku("MUG"))));
    }

    #[test]
    fn a_draft_that_is_called_off_had_not_left() {
        let draft = transfer(&[("MUG", 1)]);
        assert!(!draft.clone().cancel(now()).unwrap().1);
        assert!(draft.ship(now()).unwrap().cancel(now()).unwrap().1);
    }

    proptest! {
        #[test]
        fn however_it_arrives_no_unit_is_counted_twice(
            sent in 1..50u32, parts in prop::collection::vec(0..20u32, 0..10)
        ) {
            let mut transfer = transfer(&[("MUG", sent)]).ship(now()).unwrap();
            let mut arrived = 0;
            for part in parts {
                if let Ok(after) = transfer.clone().receive(&[(sku("MUG"), part)], false, now()) {
                    arrived += part;
                    transfer = after;
                } else { prop_assert_eq!(transfer.status, Status::Received) }
                prop_assert_eq!(transfer.lines[0].received, arrived);
                let is_done = transfer.status == Status::Received;
                prop_assert_eq!(is_done, arrived >= sent);
            }
        }
    }
}
