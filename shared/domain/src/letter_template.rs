//! A merchant's own words for a letter: versions that are only ever added, and which of them is
//! sent.
//!
//! What is sent is a pointer with a history: to publish moves it on, to roll back moves it to where
//! it was before, in the end to the words that the shop came with.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::audit::Actor;
use crate::catalog::Locale;

/// Characters of a subject's template; what is written from it is cut to what mail readers show.
pub const SUBJECT_CHARS_MAX: usize = 300;
/// Characters of the HTML form's template. With the text far below DynamoDB's 400 KiB.
pub const HTML_CHARS_MAX: usize = 60_000;
/// Characters of the text form's template.
pub const TEXT_CHARS_MAX: usize = 20_000;
/// Versions of one letter in one language: more are no history any more.
pub const VERSIONS_MAX: u32 = 500;
/// Steps that can be rolled back.
const HISTORY_MAX: usize = 20;

/// Letters that nobody gives other words: a link of theirs makes a member of the staff, and whoever
/// writes letters is not to become one more, or another one.
const FIXED: [&str; 3] = ["staff_invitation", "staff_reset_password", "second_factor_changed"];

/// Whether a letter is always written in the shop's own words.
pub fn is_fixed(letter: &str) -> bool {
    FIXED.contains(&letter)
}

/// The three forms of a letter, as somebody wrote them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "LetterTemplateSource")]
pub struct Source {
    /// Its subject.
    pub subject: String,
    /// For those who read HTML.
    pub html: String,
    /// For all others.
    pub text: String,
}

/// A version; it never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Counted from 1.
    pub number: u32,
    /// What it says.
    #[serde(flatten)]
    pub source: Source,
    /// Who wrote it.
    pub author: Actor,
    /// When.
    pub created_at: Timestamp,
}

/// Which version of a letter is sent in a language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointer {
    /// Which letter.
    pub letter: String,
    /// In which language.
    pub locale: Locale,
    /// The number of the newest version.
    pub latest: u32,
    /// The version that is sent; the shop's own words where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<u32>,
    /// What was sent before, the oldest first; 0 for the shop's own words.
    #[serde(default)]
    pub before: Vec<u32>,
    /// Rises with every change.
    pub version: u64,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Why a template stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There is no version with this number.
    UnknownVersion,
    /// This is the version that is sent.
    AlreadyPublished,
    /// The shop's own words are sent: there is nothing before them.
    NothingPublished,
    /// It has [`VERSIONS_MAX`] versions.
    TooManyVersions,
}

impl Refusal {
    /// The code that clients match on.
    pub const fn code(self) -> &'static str {
        match self {
            Self::UnknownVersion => "unknown_version",
            Self::AlreadyPublished => "already_published",
            Self::NothingPublished => "nothing_published",
            Self::TooManyVersions => "too_many_versions",
        }
    }
}

impl Pointer {
    /// A letter that nobody has written other words for.
    pub fn new(letter: &str, locale: Locale, now: Timestamp) -> Self {
        let letter = letter.to_owned();
        let (latest, published, before) = (0, None, Vec::new());
        Self { letter, locale, latest, published, before, version: 0, updated_at: now }
    }

    /// One more version, and the pointer that knows of it.
    ///
    /// # Errors
    ///
    /// Refused where there are too many.
    pub fn write(
        &self,
        source: Source,
        author: Actor,
        now: Timestamp,
    ) -> Result<(Self, Version), Refusal> {
        if self.latest >= VERSIONS_MAX {
            return Err(Refusal::TooManyVersions);
        }
        let number = self.latest + 1;
        let after = self.changed(now);
        let version = Version { number, source, author, created_at: now };
        Ok((Self { latest: number, ..after }, version))
    }

    /// Sends this version from now on.
    ///
    /// # Errors
    ///
    /// Refused where it does not exist or is sent already.
    pub fn publish(&self, number: u32, now: Timestamp) -> Result<Self, Refusal> {
        if !(1..=self.latest).contains(&number) {
            return Err(Refusal::UnknownVersion);
        }
        if self.published == Some(number) {
            return Err(Refusal::AlreadyPublished);
        }
        let mut after = self.changed(now);
        after.before.push(self.published.unwrap_or(0));
        if after.before.len() > HISTORY_MAX {
            after.before.remove(0);
        }
        after.published = Some(number);
        Ok(after)
    }

    /// Sends again what was sent before.
    ///
    /// # Errors
    ///
    /// Refused where the shop's own words are sent.
    pub fn roll_back(&self, now: Timestamp) -> Result<Self, Refusal> {
        if self.published.is_none() {
            return Err(Refusal::NothingPublished);
        }
        let mut after = self.changed(now);
        after.published = after.before.pop().filter(|number| *number > 0);
        Ok(after)
    }

    fn changed(&self, now: Timestamp) -> Self {
        Self { version: self.version + 1, updated_at: now, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointer(versions: u32) -> Pointer {
        let locale = Locale::parse("en").unwrap();
        let mut pointer = Pointer::new("gift_card", locale, Timestamp::UNIX_EPOCH);
        for _ in 0..versions {
            let source = Source { subject: "s".into(), html: "h".into(), text: "t".into() };
            let written = pointer.write(source, Actor::System, Timestamp::UNIX_EPOCH);
            pointer = written.unwrap().0;
        }
        pointer
    }

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn to_roll_back_leads_step_by_step_to_the_shop_s_own_words() {
        let sent = pointer(3).publish(1, NOW).unwrap().publish(3, NOW).unwrap();
        let sent = sent.publish(2, NOW).unwrap();
        assert_eq!((sent.published, sent.version), (Some(2), 6));
        let mut seen = Vec::new();
        let mut at = sent;
        while let Ok(before) = at.roll_back(NOW) {
            at = before;
            seen.push(at.published);
        }
        assert_eq!(seen, [Some(3), Some(1), None]);
        assert_eq!(at.roll_back(NOW), Err(Refusal::NothingPublished));
        assert_eq!(at.latest, 3);
    }

    #[test]
    fn what_is_not_there_or_sent_already_is_not_published() {
        let sent = pointer(2).publish(2, NOW).unwrap();
        assert_eq!(sent.publish(2, NOW), Err(Refusal::AlreadyPublished));
        for number in [0, 3, u32::MAX] {
            assert_eq!(sent.publish(number, NOW), Err(Refusal::UnknownVersion));
        }
    }

    #[test]
    fn history_is_bounded_and_ends_at_the_shop_s_own_words() {
        let mut sent = pointer(2);
        for turn in 0..50 {
            sent = sent.publish(turn % 2 + 1, NOW).unwrap();
        }
        assert_eq!(sent.before.len(), HISTORY_MAX);
        for _ in 0..=HISTORY_MAX {
            sent = sent.roll_back(NOW).unwrap();
        }
        assert_eq!(sent.published, None);
    }

    #[test]
    fn there_are_only_so_many_versions() {
        let full = Pointer { latest: VERSIONS_MAX, ..pointer(0) };
        let source = Source { subject: "s".into(), html: "h".into(), text: "t".into() };
        assert_eq!(full.write(source, Actor::System, NOW), Err(Refusal::TooManyVersions));
    }
}
