//! An import on its way: uploaded, checked, applied.
//!
//! What is not in [`State::may_become`] is refused. A job works on one *stretch* of entries at a
//! time and writes down how far it came, under the condition that nobody else did. Before it
//! changes anything it writes down what each entry of the stretch will come to ([`Stretch`]); one
//! that is killed afterwards leaves that note, and its successor does the stretch again. The change
//! of an entry that was made already is found unchanged and not made twice, and the note keeps the
//! count: whoever looks at the end can not tell how often the job was killed.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Flaw, Format, Kind};
use crate::audit::Actor;
use crate::currency::Currency;
use crate::id::{ImportId, StaffId};

/// How long a record of an import is kept, with all that was found.
pub const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);
/// How long an address to send the file to is good.
pub const UPLOAD_LIFETIME: SignedDuration = SignedDuration::from_mins(15);
/// Without a step for so long, a job is believed dead and may be started again.
pub const STALLED_AFTER: SignedDuration = SignedDuration::from_mins(15);
/// Entries that are looked at in one step.
pub const CHECKED_AT_ONCE: u32 = 250;
/// Entries that are written in one step: a stretch is what a killed job does twice.
pub const WRITTEN_AT_ONCE: u32 = 50;

/// Where an import stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ImportState")]
pub enum State {
    /// Its file is awaited.
    Created,
    /// Each row is read and compared with what is there. Nothing is changed.
    Checking,
    /// All rows were looked at; it waits for a word to be run.
    Checked,
    /// It is being done.
    Running,
    /// All rows that had no flaw are in.
    Done,
    /// It could not be done: the reason says why.
    Failed,
    /// Somebody stopped it. What was written until then stays.
    Canceled,
}

impl State {
    /// Every state, for the printed matrix.
    pub const ALL: [Self; 7] = [
        Self::Created,
        Self::Checking,
        Self::Checked,
        Self::Running,
        Self::Done,
        Self::Failed,
        Self::Canceled,
    ];

    /// Its name.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Checking => "checking",
            Self::Checked => "checked",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }

    /// Whether the machine has the edge `self → to`.
    pub const fn may_become(self, to: Self) -> bool {
        matches!(
            (self, to),
            (Self::Created, Self::Checking)
                | (Self::Checking, Self::Checked | Self::Running)
                | (Self::Checked, Self::Running)
                | (Self::Running, Self::Done)
                | (Self::Created | Self::Checking | Self::Checked | Self::Running, Self::Canceled)
                | (Self::Checking | Self::Running, Self::Failed)
        )
    }

    /// Whether nothing will happen to it any more.
    pub const fn is_over(self) -> bool {
        match self {
            Self::Done | Self::Failed | Self::Canceled => true,
            Self::Created | Self::Checking | Self::Checked | Self::Running => false,
        }
    }
}

/// Why an import failed as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ImportFailure")]
pub enum Failure {
    /// The file can not be read: its flaws say why.
    Unreadable,
    /// The file is gone, or is not the one that was checked.
    FileChanged,
}

/// What an entry comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It was not there.
    #[serde(rename = "c")]
    Created,
    /// It was there and is different now.
    #[serde(rename = "u")]
    Updated,
    /// It was there, just so.
    #[serde(rename = "n")]
    Unchanged,
    /// It has a flaw.
    #[serde(rename = "r")]
    Refused,
}

/// How many rows came to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ImportCounts")]
pub struct Counts {
    /// Rows of what is new.
    pub created: u32,
    /// Rows of what changes.
    pub updated: u32,
    /// Rows of what is there already.
    pub unchanged: u32,
    /// Rows that have a flaw, or belong to what has one.
    pub refused: u32,
}

impl Counts {
    fn add(&mut self, outcome: Outcome, rows: u32) {
        let count = match outcome {
            Outcome::Created => &mut self.created,
            Outcome::Updated => &mut self.updated,
            Outcome::Unchanged => &mut self.unchanged,
            Outcome::Refused => &mut self.refused,
        };
        *count = count.saturating_add(rows);
    }
}

/// A stretch of entries that is being written, with what each comes to and how many rows it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// What became of each entry, in their order.
    pub outcomes: Vec<(Outcome, u32)>,
}

/// An import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// Its id.
    pub id: ImportId,
    /// What the rows are about.
    pub kind: Kind,
    /// How they are written.
    pub format: Format,
    /// The currency of prices that name none.
    pub currency: Currency,
    /// Whether it rests when all rows were checked.
    pub is_dry_run: bool,
    /// Where it stands.
    pub state: State,
    /// Who asked for it.
    pub actor: Actor,
    /// The member of the staff who is responsible.
    pub by: StaffId,
    /// Bytes of the file, as they were announced.
    pub bytes: u64,
    /// What the store of files calls this content; the file must stay the same to the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Rows of the file; none before it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u32>,
    /// Rows that have a flaw of their own, or belong to one that has: no entry counts them.
    #[serde(default)]
    pub unread: u32,
    /// Things that the other rows are about.
    #[serde(default)]
    pub entries: u32,
    /// How many of them this phase is through with.
    #[serde(default)]
    pub cursor: u32,
    /// What checking found.
    #[serde(default)]
    pub checked: Counts,
    /// What was done.
    #[serde(default)]
    pub applied: Counts,
    /// What is being written at this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stretch: Option<Stretch>,
    /// Columns of the file that are of no use here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored_columns: Vec<String>,
    /// The first flaws of the file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub first_flaws: Vec<Flaw>,
    /// Rows that have flaws.
    #[serde(default)]
    pub flawed_rows: u32,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last came further.
    pub updated_at: Timestamp,
    /// When it was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Rises with every write.
    pub version: u64,
}

/// Flaws that the record itself repeats; all of them have a list of their own.
pub const FIRST_FLAWS_MAX: usize = 20;

/// Why something can not be done to an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The machine has no such edge.
    InvalidTransition {
        /// Where it stands.
        from: State,
        /// Where it was to go.
        to: State,
    },
    /// Its file has not come, or not as it was announced.
    FileMissing,
}

impl Refusal {
    /// The stable name callers see.
    pub const fn code(self) -> &'static str {
        match self {
            Self::InvalidTransition { .. } => "invalid_transition",
            Self::FileMissing => "file_missing",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidTransition { from, to } => {
                write!(f, "an import that is {} does not become {}", from.code(), to.code())
            }
            Self::FileMissing => f.write_str("the import's file has not come"),
        }
    }
}

impl std::error::Error for Refusal {}

/// What a new import is made of.
#[derive(Debug, Clone, Copy)]
pub struct New {
    /// Its id.
    pub id: ImportId,
    /// What the rows are about.
    pub kind: Kind,
    /// How they are written.
    pub format: Format,
    /// The currency of prices that name none.
    pub currency: Currency,
    /// Whether it rests when all rows were checked.
    pub is_dry_run: bool,
    /// Who asks for it.
    pub actor: Actor,
    /// The member of the staff who is responsible.
    pub by: StaffId,
    /// Bytes of the file.
    pub bytes: u64,
    /// When.
    pub now: Timestamp,
}

impl Import {
    /// A new one, whose file is awaited.
    pub fn new(new: New) -> Self {
        Self {
            id: new.id,
            kind: new.kind,
            format: new.format,
            currency: new.currency,
            is_dry_run: new.is_dry_run,
            state: State::Created,
            actor: new.actor,
            by: new.by,
            bytes: new.bytes,
            etag: None,
            rows: None,
            unread: 0,
            entries: 0,
            cursor: 0,
            checked: Counts::default(),
            applied: Counts::default(),
            stretch: None,
            ignored_columns: Vec::new(),
            first_flaws: Vec::new(),
            flawed_rows: 0,
            failure: None,
            created_at: new.now,
            updated_at: new.now,
            ended_at: None,
            version: 1,
        }
    }

    /// When its record may go.
    pub fn expires_at(&self) -> Timestamp {
        self.created_at.saturating_add(KEPT).unwrap_or(Timestamp::MAX)
    }

    fn to(&self, state: State, now: Timestamp) -> Result<Self, Refusal> {
        if !self.state.may_become(state) {
            return Err(Refusal::InvalidTransition { from: self.state, to: state });
        }
        let ended_at = state.is_over().then_some(now);
        Ok(Self { state, ended_at, updated_at: now, version: self.version + 1, ..self.clone() })
    }

    fn step(&self, now: Timestamp) -> Self {
        Self { updated_at: now, version: self.version + 1, ..self.clone() }
    }

    /// Begins to check, or to run what was checked; starts again what has stalled. `found` is the
    /// size of the file that came and the name of its content.
    pub fn start(&self, found: Option<(u64, &str)>, now: Timestamp) -> Result<Self, Refusal> {
        match self.state {
            State::Created => {
                let (bytes, etag) = found.ok_or(Refusal::FileMissing)?;
                if bytes != self.bytes {
                    return Err(Refusal::FileMissing);
                }
                let started = self.to(State::Checking, now)?;
                Ok(Self { etag: Some(etag.to_owned()), ..started })
            }
            State::Checked => {
                Ok(Self { cursor: 0, is_dry_run: false, ..self.to(State::Running, now)? })
            }
            State::Checking | State::Running if self.has_stalled(now) => Ok(self.step(now)),
            State::Checking | State::Running | State::Done | State::Failed | State::Canceled => {
                Err(Refusal::InvalidTransition { from: self.state, to: State::Checking })
            }
        }
    }

    fn has_stalled(&self, now: Timestamp) -> bool {
        now.duration_since(self.updated_at) > STALLED_AFTER
    }

    /// Stops it.
    pub fn cancel(&self, now: Timestamp) -> Result<Self, Refusal> {
        self.to(State::Canceled, now)
    }

    /// Gives it up.
    pub fn fail(&self, failure: Failure, flaws: &[Flaw], now: Timestamp) -> Result<Self, Refusal> {
        let failed = self.to(State::Failed, now)?;
        let first_flaws = first(flaws);
        Ok(Self { failure: Some(failure), first_flaws, stretch: None, ..failed })
    }

    /// The file was read: so many rows, so many entries, and these flaws.
    #[must_use]
    pub fn read(&self, sheet: &super::Sheet, now: Timestamp) -> Self {
        let flawed = u32::try_from(sheet.flawed_rows().len()).unwrap_or(u32::MAX);
        let mut checked = Counts::default();
        checked.add(Outcome::Refused, flawed);
        Self {
            rows: Some(sheet.rows),
            unread: flawed,
            entries: u32::try_from(sheet.entries.len()).unwrap_or(u32::MAX),
            ignored_columns: sheet.ignored.clone(),
            first_flaws: first(&sheet.flaws),
            flawed_rows: flawed,
            checked,
            ..self.step(now)
        }
    }

    /// Entries were compared with what is there: what each would come to, and the flaws that
    /// showed.
    #[must_use]
    pub fn compared(&self, outcomes: &[(Outcome, u32)], flaws: &[Flaw], now: Timestamp) -> Self {
        let mut next = self.step(now);
        for (outcome, rows) in outcomes {
            next.checked.add(*outcome, *rows);
        }
        next.cursor = next.cursor.saturating_add(length(outcomes));
        next.note(flaws);
        next
    }

    fn note(&mut self, flaws: &[Flaw]) {
        let room = FIRST_FLAWS_MAX.saturating_sub(self.first_flaws.len());
        self.first_flaws.extend(flaws.iter().take(room).cloned());
        let rows: std::collections::BTreeSet<u32> = flaws.iter().map(|flaw| flaw.row).collect();
        let rows = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        self.flawed_rows = self.flawed_rows.saturating_add(rows);
    }

    /// All entries were compared: it rests, or goes on to be done.
    pub fn finish_checking(&self, now: Timestamp) -> Result<Self, Refusal> {
        let state = if self.is_dry_run { State::Checked } else { State::Running };
        Ok(Self { cursor: 0, ..self.to(state, now)? })
    }

    /// Notes what the next entries will come to, before the first of them is written.
    #[must_use]
    pub fn begin(&self, outcomes: Vec<(Outcome, u32)>, now: Timestamp) -> Self {
        Self { stretch: Some(Stretch { outcomes }), ..self.step(now) }
    }

    /// The noted entries are written. `late` are the places of those that could not be, after all.
    #[must_use]
    pub fn advance(&self, late: &[usize], now: Timestamp) -> Self {
        let mut next = self.step(now);
        let Some(Stretch { outcomes }) = next.stretch.take() else { return next };
        for (at, (outcome, rows)) in outcomes.iter().enumerate() {
            let outcome = if late.contains(&at) { Outcome::Refused } else { *outcome };
            next.applied.add(outcome, *rows);
        }
        next.cursor = next.cursor.saturating_add(length(&outcomes));
        next
    }

    /// All entries are written.
    pub fn finish(&self, now: Timestamp) -> Result<Self, Refusal> {
        let mut done = self.to(State::Done, now)?;
        done.applied.add(Outcome::Refused, done.unread);
        done.flawed_rows = done.applied.refused;
        Ok(done)
    }

    /// How much of the present phase is done, in whole percent.
    pub fn percent(&self) -> u32 {
        match self.state {
            State::Created | State::Failed | State::Canceled => 0,
            State::Checked | State::Done => 100,
            State::Checking | State::Running => {
                let share = u64::from(self.cursor) * 100 / u64::from(self.entries.max(1));
                u32::try_from(share).unwrap_or(100).min(100)
            }
        }
    }
}

fn first(flaws: &[Flaw]) -> Vec<Flaw> {
    flaws.iter().take(FIRST_FLAWS_MAX).cloned().collect()
}

fn length(outcomes: &[(Outcome, u32)]) -> u32 {
    u32::try_from(outcomes.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::exchange::Sheet;
    use crate::id::Ulid;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).unwrap()
    }

    fn import(is_dry_run: bool) -> Import {
        let by = StaffId::from_ulid(Ulid::from_parts(1, 2));
        Import::new(New {
            id: ImportId::from_ulid(Ulid::from_parts(1, 1)),
            kind: Kind::Products,
            format: Format::Csv,
            currency: Currency::EUR,
            is_dry_run,
            actor: Actor::Staff(by),
            by,
            bytes: 10,
            now: at(0),
        })
    }

    fn sheet() -> Sheet {
        let flaws = vec![
            Flaw::of_cell(3, "sku", "malformed", "No."),
            Flaw::of_cell(3, "title", "required", "No."),
        ];
        Sheet { entries: Vec::new(), flaws, rows: 4, ignored: vec![] }
    }

    #[test]
    fn the_machine_is_as_printed() {
        let mut printed = String::new();
        for from in State::ALL {
            let to: Vec<_> =
                State::ALL.into_iter().filter(|to| from.may_become(*to)).map(State::code).collect();
            writeln!(printed, "{} -> {}", from.code(), to.join(" ")).unwrap();
        }
        expect_test::expect![[r"
            created -> checking canceled
            checking -> checked running failed canceled
            checked -> running canceled
            running -> done failed canceled
            done -> 
            failed -> 
            canceled -> 
        "]]
        .assert_eq(&printed);
    }

    #[test]
    fn it_starts_with_the_file_that_was_announced_and_no_other() {
        let new = import(true);
        assert_eq!(new.start(None, at(1)), Err(Refusal::FileMissing));
        assert_eq!(new.start(Some((11, "e")), at(1)), Err(Refusal::FileMissing));
        let started = new.start(Some((10, "e")), at(1)).unwrap();
        assert_eq!((started.state, started.etag.as_deref()), (State::Checking, Some("e")));
        assert!(started.start(None, at(2)).is_err());
        assert!(started.start(None, at(1_000)).is_ok());
    }

    #[test]
    fn a_dry_run_rests_and_can_be_run() {
        let checking = import(true).start(Some((10, "e")), at(1)).unwrap();
        let checked = checking.finish_checking(at(2)).unwrap();
        assert_eq!(checked.state, State::Checked);
        let running = checked.start(None, at(3)).unwrap();
        assert_eq!((running.state, running.is_dry_run), (State::Running, false));
        let other = import(false).start(Some((10, "e")), at(1)).unwrap();
        assert_eq!(other.finish_checking(at(2)).unwrap().state, State::Running);
    }

    #[test]
    fn what_was_noted_is_counted_once_whoever_does_it() {
        let start = import(false).start(Some((10, "e")), at(1)).unwrap().read(&sheet(), at(2));
        assert_eq!((start.checked.refused, start.flawed_rows), (1, 1));
        let running = start.finish_checking(at(3)).unwrap();
        let noted = running.begin(vec![(Outcome::Created, 1), (Outcome::Updated, 2)], at(4));
        // Killed here; the successor finds the note and does the stretch again.
        let advanced = noted.advance(&[], at(5)).finish(at(6)).unwrap();
        let applied = Counts { created: 1, updated: 2, unchanged: 0, refused: 1 };
        assert_eq!((advanced.applied, advanced.stretch.clone()), (applied, None));
        let late = noted.advance(&[1], at(5));
        assert_eq!((late.applied.updated, late.applied.refused, late.cursor), (0, 2, 2));
    }

    #[test]
    fn what_is_over_stays_over() {
        let canceled = import(false).cancel(at(1)).unwrap();
        assert_eq!(canceled.ended_at, Some(at(1)));
        assert!(canceled.cancel(at(2)).is_err() && canceled.start(None, at(9_999)).is_err());
    }
}
