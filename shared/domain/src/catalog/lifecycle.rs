//! Where a product stands between an idea and the archive.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Product;

/// Where a product stands.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ProductStatus")]
pub enum Status {
    /// In the making: nobody but staff sees it.
    Draft,
    /// In the store. What was written before there were drafts is.
    #[default]
    Active,
    /// Not sold any more. Orders that hold it stay as they are.
    Archived,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Draft, Self::Active, Self::Archived];

    /// Whether the machine has the edge `self → to`. What is not listed is refused.
    pub const fn may_become(self, to: Self) -> bool {
        match self {
            Self::Draft => matches!(to, Self::Active | Self::Archived),
            Self::Active => matches!(to, Self::Draft | Self::Archived),
            Self::Archived => matches!(to, Self::Draft),
        }
    }

    /// The name in keys and queries.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Active => "active",
            Self::Archived => "archived",
        }
    }
}

/// Why a product stays where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The machine has no such edge.
    InvalidTransition {
        /// Where it stands.
        from: Status,
        /// Where it was to go.
        to: Status,
    },
    /// There is nothing to sell of it: no variant with a price.
    NothingToSell,
    /// Only a draft waits for its day.
    NotADraft,
    /// It was in the store and may have been sold: it can be archived, not deleted.
    WasInStore,
}

impl Refusal {
    /// The name clients match on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidTransition { .. } => "invalid_transition",
            Self::NothingToSell => "nothing_to_sell",
            Self::NotADraft => "not_a_draft",
            Self::WasInStore => "was_in_store",
        }
    }
}

impl Product {
    /// Moves it: into the store, out of it, into the archive.
    pub fn become_status(mut self, to: Status, now: Timestamp) -> Result<Self, Refusal> {
        if !self.status.may_become(to) {
            return Err(Refusal::InvalidTransition { from: self.status, to });
        }
        match to {
            Status::Active => {
                if self.variants.iter().all(|variant| variant.prices.is_empty()) {
                    return Err(Refusal::NothingToSell);
                }
                self.published_at = self.published_at.or(Some(now));
            }
            Status::Draft | Status::Archived => {}
        }
        self.publish_at = None;
        self.status = to;
        Ok(self)
    }

    /// Says when a draft goes into the store by itself, or that it does not.
    pub fn schedule(mut self, at: Option<Timestamp>) -> Result<Self, Refusal> {
        if at.is_some() && self.status != Status::Draft {
            return Err(Refusal::NotADraft);
        }
        self.publish_at = at;
        Ok(self)
    }

    /// Whether it is a draft whose day has come.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.status == Status::Draft && self.publish_at.is_some_and(|at| at <= now)
    }

    /// Refuses unless it never was in the store.
    pub fn may_be_deleted(&self) -> Result<(), Refusal> {
        match (self.status, self.published_at) {
            (Status::Draft, None) => Ok(()),
            (Status::Draft | Status::Active | Status::Archived, _) => Err(Refusal::WasInStore),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::samples;

    #[test]
    fn the_machine_is_the_one_in_the_document() {
        let lines = Status::ALL.map(|from| {
            let to: Vec<_> = Status::ALL.into_iter().filter(|to| from.may_become(*to)).collect();
            format!("{from:?} -> {to:?}")
        });
        assert_eq!(
            lines,
            ["Draft -> [Active, Archived]", "Active -> [Draft, Archived]", "Archived -> [Draft]",]
        );
    }

    #[test]
    fn a_draft_goes_into_the_store_when_there_is_something_to_sell() {
        let (mug, now) = (samples::product(), samples::now());
        let mut bare = mug.clone();
        bare.variants[0].prices.clear();
        assert_eq!(bare.become_status(Status::Active, now), Err(Refusal::NothingToSell));
        let sold = mug.become_status(Status::Active, now).unwrap();
        assert_eq!(sold.published_at, Some(now));
        assert_eq!(sold.may_be_deleted(), Err(Refusal::WasInStore));
        let again = sold.become_status(Status::Draft, now).unwrap();
        assert_eq!(again.may_be_deleted(), Err(Refusal::WasInStore), "it may have been sold");
    }

    #[test]
    fn only_a_draft_waits_for_its_day() {
        let (mug, now) = (samples::product(), samples::now());
        let waiting = mug.clone().schedule(Some(now)).unwrap();
        assert!(waiting.is_due(now) && !mug.is_due(now));
        let sold = waiting.become_status(Status::Active, now).unwrap();
        assert_eq!(sold.publish_at, None);
        assert_eq!(sold.schedule(Some(now)), Err(Refusal::NotADraft));
    }
}
