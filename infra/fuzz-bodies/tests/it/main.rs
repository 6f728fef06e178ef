//! The fuzz targets without a fuzzer: every file of the corpus, and what becomes of it when bytes
//! are changed at random, under one seed, for a while.
//!
//! What a fuzzer finds goes into `fuzz/corpus`, and is tried here with every change from then on.
//!
//! `FUZZ_SECONDS` says for how long each corpus is changed, `FUZZ_SEED` what the changes follow
//! from.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that meets something else than it expects shall panic"
)]
#![allow(clippy::disallowed_methods, reason = "a test that ends in time looks at the clock")]

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use fuzz_bodies::{TARGETS, Target};

/// For how long a corpus is changed; `FUZZ_SECONDS` says otherwise.
const SECONDS: u64 = 2;
/// What the changes follow from; `FUZZ_SEED` says otherwise.
const SEED: u64 = 1;
/// How often a corpus is changed in a second, at most.
const CHANGES_MAX: u64 = 150_000;
/// Between two looks at the clock.
const AT_ONCE: u64 = 16;
/// Changes of one kind that are made to one file, at most.
const STEPS_MAX: usize = 4;
/// Files do not grow beyond it.
const BYTES_MAX: usize = 16 * 1024;

/// Bytes that have a meaning somewhere.
const TELLING: [u8; 16] = *b"\0\xff\x7f\x80\n\r\t \"\\,;.={}";

/// A number of the environment, or ours.
fn number(name: &str, ours: u64) -> u64 {
    std::env::var(name).map_or(ours, |text| text.parse().expect("a number"))
}

fn folder(of: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz").join(of)
}

fn target(name: &str) -> Target {
    TARGETS.into_iter().find(|target| target.name == name).unwrap()
}

/// The files of a target's corpus, by name.
fn corpus(target: &Target) -> Vec<(String, Vec<u8>)> {
    let folder = folder("corpus").join(target.name);
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

fn names(of: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(folder(of)).unwrap();
    let stem = |path: PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
    entries.map(|entry| stem(entry.unwrap().path())).collect()
}

/// Does with the bytes what the target does, and says which bytes they were where it panics.
fn attempt(target: &Target, from: &str, bytes: &[u8]) {
    let done = catch_unwind(AssertUnwindSafe(|| (target.body)(bytes)));
    assert!(done.is_ok(), "{} breaks, from {from}: {}", target.name, bytes.escape_ascii());
}

/// splitmix64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let wide = u128::from(mixed ^ (mixed >> 31)) * sides.max(1) as u128;
        usize::try_from(wide >> 64).unwrap()
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.roll(256)).unwrap()
    }
}

/// The bytes with a few changes, some of them out of another file.
fn changed(dice: &mut Dice, bytes: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=dice.roll(STEPS_MAX) {
        let at = dice.roll(bytes.len() + 1);
        let end = at + dice.roll(bytes.len() - at + 1);
        match dice.roll(9) {
            0 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << dice.roll(8);
                }
            }
            1 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = TELLING[dice.roll(TELLING.len())];
                }
            }
            2 => bytes.insert(at, TELLING[dice.roll(TELLING.len())]),
            3 => bytes.insert(at, dice.byte()),
            4 => drop(bytes.drain(at..end)),
            5 => {
                let again = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, again));
            }
            6 => bytes.truncate(at),
            7 => {
                // A number becomes another one.
                if let Some(byte) = bytes.get_mut(at).filter(|byte| byte.is_ascii_digit()) {
                    *byte = b'0' + u8::try_from(dice.roll(10)).unwrap();
                }
            }
            _ => {
                let from = dice.roll(other.len() + 1);
                let to = from + dice.roll(other.len() - from + 1);
                drop(bytes.splice(at..end, other[from..to].iter().copied()));
            }
        }
        bytes.truncate(BYTES_MAX);
    }
    bytes
}

/// Tries a corpus, and as many changes of it as there is time for.
fn holds(name: &str) {
    let target = target(name);
    let corpus = corpus(&target);
    assert!(corpus.len() >= 3, "{name} has no corpus");
    for (file, bytes) in &corpus {
        attempt(&target, file, bytes);
    }
    let (seconds, seed) = (number("FUZZ_SECONDS", SECONDS), number("FUZZ_SEED", SEED));
    let (span, changes_max) = (Duration::from_secs(seconds), seconds * CHANGES_MAX);
    let (began, mut dice, mut tried) = (Instant::now(), Dice(seed), 0_u64);
    while tried < changes_max && (!tried.is_multiple_of(AT_ONCE) || began.elapsed() < span) {
        let (file, bytes) = &corpus[dice.roll(corpus.len())];
        let (_, other) = &corpus[dice.roll(corpus.len())];
        let bytes = changed(&mut dice, bytes, other);
        attempt(&target, &format!("{file}, change {tried}"), &bytes);
        tried += 1;
    }
    println!("{name}: {} files, {tried} changes, seed {seed}", corpus.len());
}

#[test]
fn no_cursor_that_nobody_gave_out_is_believed() {
    holds("cursor");
}

#[test]
fn no_event_of_the_gateway_makes_a_function_stumble() {
    holds("event");
}

#[test]
fn no_token_is_believed_that_is_not_ours_and_good_now() {
    holds("jwt");
}

#[test]
fn no_picture_breaks_what_looks_at_it() {
    holds("picture");
}

#[test]
fn every_file_to_import_is_read_in_one_way_or_refused_with_reasons() {
    holds("sheet");
}

#[test]
fn no_forged_event_of_the_provider_is_believed() {
    holds("webhook");
}

#[test]
fn every_target_has_a_file_and_a_corpus_and_nothing_else_has() {
    let all: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(names("corpus"), all);
    assert_eq!(names("fuzz_targets"), all);
    let manifest = fs::read_to_string(folder("Cargo.toml")).unwrap();
    for name in &all {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
}

#[test]
fn the_same_seed_makes_the_same_changes() {
    let changes = |seed| {
        let mut dice = Dice(seed);
        let all = (0..1_000).map(|_| changed(&mut dice, b"a,b\n1,2\n", b"{\"a\": 1}"));
        all.collect::<Vec<_>>()
    };
    assert_eq!(changes(1), changes(1));
    assert_ne!(changes(1), changes(2));
    assert!(changes(1).iter().collect::<BTreeSet<_>>().len() > 500);
}
