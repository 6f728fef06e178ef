//! An export on its way: asked for, written page by page, put together.
//!
//! A job writes one page of rows at a time as a part of its own and notes how far it came, under
//! the condition that nobody else did. A part that is written twice is the same part.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Format, Kind};
use crate::audit::Actor;
use crate::catalog::Status;
use crate::id::{ExportId, StaffId};

/// How long an exported file can be fetched; the store of files forgets it after as long.
pub const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Things that are read in one step: a page of a list.
pub const READ_AT_ONCE: i32 = 100;
/// Rows of one export: as many as can be imported again.
pub const ROWS_MAX: u32 = super::ROWS_MAX;

/// Where an export stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ExportState")]
pub enum State {
    /// It is being written.
    Running,
    /// The file can be fetched.
    Done,
    /// There are more rows than one file may have: narrow it down.
    TooLarge,
}

impl State {
    /// Its name.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::TooLarge => "too_large",
        }
    }
}

/// Which rows are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Filter {
    /// Products, or the prices of products, of this status only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
}

/// An export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    /// Its id.
    pub id: ExportId,
    /// What the rows are about.
    pub kind: Kind,
    /// How they are written.
    pub format: Format,
    /// Which rows.
    #[serde(default)]
    pub filter: Filter,
    /// Where it stands.
    pub state: State,
    /// Who asked for it, and alone may fetch it.
    pub actor: Actor,
    /// The member of the staff who is responsible.
    pub by: StaffId,
    /// Where the next page begins, for the store's own use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
    /// Parts that are written.
    #[serde(default)]
    pub parts: u32,
    /// Rows in them.
    #[serde(default)]
    pub rows: u32,
    /// Whether the last page was read: only putting together is left.
    #[serde(default)]
    pub is_read: bool,
    /// Bytes of the file.
    #[serde(default)]
    pub bytes: u64,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last came further.
    pub updated_at: Timestamp,
    /// Rises with every write.
    pub version: u64,
}

impl Export {
    /// A new one.
    pub fn new(
        (id, kind, format, filter): (ExportId, Kind, Format, Filter),
        (actor, by): (Actor, StaffId),
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            kind,
            format,
            filter,
            state: State::Running,
            actor,
            by,
            position: None,
            parts: 0,
            rows: 0,
            is_read: false,
            bytes: 0,
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }

    /// When its file, and its record, may go.
    pub fn expires_at(&self) -> Timestamp {
        self.created_at.saturating_add(KEPT).unwrap_or(Timestamp::MAX)
    }

    /// Whether this caller may fetch it: nobody else does, whatever they may read.
    pub fn is_of(&self, actor: Actor, now: Timestamp) -> bool {
        self.actor == actor && now < self.expires_at()
    }

    fn step(&self, now: Timestamp) -> Self {
        Self { updated_at: now, version: self.version + 1, ..self.clone() }
    }

    /// A page with so many rows was written as the next part; where the next one begins.
    #[must_use]
    pub fn wrote(&self, rows: u32, next: Option<String>, now: Timestamp) -> Self {
        let rows = self.rows.saturating_add(rows);
        let is_read = next.is_none();
        let state = if rows > ROWS_MAX { State::TooLarge } else { State::Running };
        let parts = self.parts + 1;
        Self { state, parts, rows, position: next, is_read, ..self.step(now) }
    }

    /// The parts were put together to a file of so many bytes.
    #[must_use]
    pub fn finish(&self, bytes: u64, now: Timestamp) -> Self {
        Self { state: State::Done, bytes, position: None, ..self.step(now) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{KeyId, Ulid};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).unwrap()
    }

    fn export() -> Export {
        let by = StaffId::from_ulid(Ulid::from_parts(1, 2));
        let id = ExportId::from_ulid(Ulid::from_parts(1, 1));
        let what = (id, Kind::Stock, Format::Csv, Filter::default());
        Export::new(what, (Actor::Staff(by), by), at(0))
    }

    #[test]
    fn it_is_of_whoever_asked_for_it_and_for_a_week() {
        let export = export();
        assert!(export.is_of(export.actor, at(0)));
        assert!(!export.is_of(export.actor, at(7 * 86_400)));
        let key = Actor::Key(KeyId::from_ulid(Ulid::from_parts(1, 3)));
        assert!(!export.is_of(key, at(0)) && !export.is_of(Actor::System, at(0)));
    }

    #[test]
    fn pages_are_counted_and_too_many_rows_end_it() {
        let first = export().wrote(100, Some("next".into()), at(1));
        assert_eq!((first.parts, first.rows, first.is_read), (1, 100, false));
        let last = first.wrote(5, None, at(2));
        assert!(last.is_read && last.state == State::Running);
        let done = last.finish(9, at(3));
        assert_eq!((done.state, done.bytes, done.version), (State::Done, 9, 4));
        assert_eq!(first.wrote(ROWS_MAX, None, at(2)).state, State::TooLarge);
    }
}
