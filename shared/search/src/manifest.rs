//! What one generation of an index is made of, and what becomes of the files of the one before.
//!
//! Files are named by the SHA-256 of their bytes: an update brings new names and keeps the rest.
//! What no generation uses any more is retired, and deleted after a while in which readers may
//! still be on their way with the manifest that named it.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Lexicon;

/// Rises with every change of what is indexed how; an index of another format is built anew.
pub const FORMAT: u32 = 2;

/// How long the files of an old generation stay: far longer than a reader needs to fetch them.
const GRACE: SignedDuration = SignedDuration::from_mins(10);

/// One generation of an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// How it is written.
    pub format: u32,
    /// Rises by one with every manifest.
    pub generation: u64,
    /// When it was written.
    pub written_at: Timestamp,
    /// When everything was indexed anew.
    pub rebuilt_at: Timestamp,
    /// How many things are in it.
    pub documents: u64,
    /// The engine's own description of its segments.
    pub meta: String,
    /// The files of the segments.
    pub files: Vec<File>,
    /// Files that it does not use and that are not deleted yet.
    pub retired: Vec<Retired>,
    /// Synonyms and categories.
    pub lexicon: Lexicon,
}

/// A file of a segment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct File {
    /// What the engine calls it.
    pub name: String,
    /// SHA-256 of its bytes, in lower-case hexadecimal: what it is kept under.
    pub hash: String,
    /// Its length in bytes.
    pub bytes: u64,
}

/// A file that is not used any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retired {
    /// What it is kept under.
    pub hash: String,
    /// Since when nothing uses it.
    pub since: Timestamp,
}

impl Manifest {
    /// Bytes of all its files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// The names under which its files are kept.
    pub fn hashes(&self) -> BTreeSet<&str> {
        self.files.iter().map(|file| file.hash.as_str()).collect()
    }

    /// The files that this one has and the other, if there is one, has not: what is to be
    /// uploaded, or fetched.
    pub fn beyond(&self, other: Option<&Self>) -> Vec<&File> {
        let known = other.map(Self::hashes).unwrap_or_default();
        let mut seen = BTreeSet::new();
        let is_new = |file: &&File| !known.contains(file.hash.as_str());
        self.files.iter().filter(is_new).filter(|file| seen.insert(&file.hash)).collect()
    }

    /// Takes the retired files out whose grace is over: they are to be deleted. Or all that are
    /// retired are: those stay in the list, so that a writer that dies before it has deleted them
    /// finds them again.
    pub(crate) fn retire_over(&mut self, now: Timestamp, is_all: bool) -> Vec<String> {
        let (rest, mut over) = self.due(now);
        self.retired = rest;
        if is_all {
            over.extend(self.retired.iter().map(|one| one.hash.clone()));
        }
        over
    }

    /// The files that are still retired, and those whose grace is over at this time.
    pub fn due(&self, now: Timestamp) -> (Vec<Retired>, Vec<String>) {
        let is_over = |retired: &Retired| now.duration_since(retired.since) >= GRACE;
        let (over, rest): (Vec<_>, Vec<_>) = self.retired.iter().cloned().partition(is_over);
        (rest, over.into_iter().map(|retired| retired.hash).collect())
    }
}

/// What is retired once `files` take the place of `before`: what was retired already and is not
/// used again, and what `before` alone has used.
pub(crate) fn retire(before: &Manifest, files: &[File], now: Timestamp) -> Vec<Retired> {
    let used: BTreeSet<&str> = files.iter().map(|file| file.hash.as_str()).collect();
    let mut retired: Vec<Retired> = before
        .retired
        .iter()
        .filter(|retired| !used.contains(retired.hash.as_str()))
        .cloned()
        .collect();
    let known: BTreeSet<String> = retired.iter().map(|retired| retired.hash.clone()).collect();
    let is_left = |hash: &&str| !used.contains(*hash) && !known.contains(*hash);
    let left = before.hashes().into_iter().filter(is_left);
    retired.extend(left.map(|hash| Retired { hash: hash.to_owned(), since: now }));
    retired
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn file(name: &str) -> File {
        File { name: name.into(), hash: format!("hash of {name}"), bytes: 1 }
    }

    fn manifest(names: &[&str]) -> Manifest {
        Manifest {
            format: FORMAT,
            generation: 1,
            written_at: at(0),
            rebuilt_at: at(0),
            documents: 0,
            meta: String::new(),
            files: names.iter().map(|name| file(name)).collect(),
            retired: Vec::new(),
            lexicon: Lexicon::default(),
        }
    }

    #[test]
    fn an_update_moves_new_files_only() {
        let (old, new) = (manifest(&["a", "b"]), manifest(&["b", "c"]));
        let names = |files: Vec<&File>| files.iter().map(|f| f.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(new.beyond(Some(&old))), ["c"]);
        assert_eq!(names(new.beyond(None)), ["b", "c"]);
    }

    #[test]
    fn what_is_not_used_is_retired_once_and_comes_back_when_it_is_used_again() {
        let mut old = manifest(&["a", "b"]);
        old.retired = vec![Retired { hash: file("z").hash, since: at(1) }];
        let hashes = |retired: &[Retired]| -> Vec<(String, Timestamp)> {
            retired.iter().map(|one| (one.hash.clone(), one.since)).collect()
        };
        let retired = retire(&old, &[file("b")], at(5));
        assert_eq!(hashes(&retired), [(file("z").hash, at(1)), (file("a").hash, at(5))]);
        let retired = retire(&old, &[file("a"), file("b"), file("z")], at(5));
        assert_eq!(retired, []);
    }

    #[test]
    fn retired_files_are_deleted_after_their_grace() {
        let mut old = manifest(&[]);
        old.retired = vec![
            Retired { hash: "old".into(), since: at(0) },
            Retired { hash: "young".into(), since: at(500) },
        ];
        let (rest, over) = old.due(at(600));
        assert_eq!(rest.len(), 1);
        assert_eq!(over, ["old"]);
    }
}
