//! `cargo xtask holes`: are the tests worth something? Each planted hole opens one defence in a
//! copy of the tree; a test must fail, or the chore names the hole that nobody noticed.
//!
//! Invariants: the tree itself is never touched; a hole whose text is not found exactly once, or
//! that does not compile, is a mistake of the list and not a hole that was caught. The copy has a
//! build folder of its own: cargo tells two copies of a tree apart by the times of their files
//! alone, and nobody shall go on working with a library that has a hole.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::Outcome;
use crate::repository;

/// Where the holes stand, relative to the root.
const LIST: &str = "infra/xtask/holes.json";
/// Where the copy of the tree lies, relative to the root.
const COPY: &str = "target/holes";
/// Where the copy is built, relative to the root. It stays, so that only the first run is long.
const BUILD: &str = "target/holes-build";

/// A defence that is opened.
#[derive(Debug, PartialEq, Eq)]
struct Hole {
    name: String,
    file: String,
    find: String,
    replace: String,
    /// The crate whose own tests are asked first.
    package: String,
    /// The stories that are asked next: filters of their names.
    stories: Vec<String>,
}

/// What became of a hole.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// These tests failed.
    Caught(String),
    /// All tests passed.
    Missed,
}

/// Plants the holes whose names contain one of the words, or all, and says who caught each.
pub(crate) fn plant(words: &[&str]) -> Outcome<bool> {
    let root = repository::root()?;
    let text = fs::read_to_string(root.join(LIST))?;
    let holes = read(&serde_json::from_str(&text)?)?;
    let wanted: Vec<&Hole> = holes
        .iter()
        .filter(|hole| words.is_empty() || words.iter().any(|word| hole.name.contains(word)))
        .collect();
    let copy = root.join(COPY);
    fresh_copy(&root, &copy)?;
    let mut missed = 0_usize;
    for hole in &wanted {
        let verdict = try_hole(&root, &copy, hole)?;
        match verdict {
            Verdict::Caught(by) => println!("caught  {:<28} by {by}", hole.name),
            Verdict::Missed => {
                missed += 1;
                println!("MISSED  {}", hole.name);
            }
        }
    }
    println!("{} holes, {missed} missed", wanted.len());
    Ok(missed == 0)
}

fn read(list: &Value) -> Outcome<Vec<Hole>> {
    let entries = list.as_array().ok_or("the list of holes is no list")?;
    entries
        .iter()
        .map(|entry| {
            let text = |name: &str| -> Outcome<String> {
                let found = entry.get(name).and_then(Value::as_str);
                found.map(str::to_owned).ok_or_else(|| format!("a hole without {name}").into())
            };
            let stories = entry.get("stories").and_then(Value::as_array);
            let stories = stories.into_iter().flatten().filter_map(Value::as_str);
            Ok(Hole {
                name: text("name")?,
                file: text("file")?,
                find: text("find")?,
                replace: text("replace")?,
                package: text("package")?,
                stories: stories.map(str::to_owned).collect(),
            })
        })
        .collect()
}

/// The committed tree, in a folder of its own.
fn fresh_copy(root: &Path, copy: &Path) -> Outcome<()> {
    let git = |arguments: &[&str]| Command::new("git").args(arguments).current_dir(root).output();
    let place = copy.display().to_string();
    // What a killed run left behind.
    let _left = git(&["worktree", "remove", "--force", &place])?;
    let made = git(&["worktree", "add", "--detach", "--force", &place, "HEAD"])?;
    if made.status.success() {
        return Ok(());
    }
    Err(format!("no copy of the tree: {}", String::from_utf8_lossy(&made.stderr)).into())
}

fn try_hole(root: &Path, copy: &Path, hole: &Hole) -> Outcome<Verdict> {
    let path = copy.join(&hole.file);
    let sound = fs::read_to_string(&path)?;
    if sound.matches(&hole.find).count() != 1 {
        return Err(format!("{}: its text is not once in {}", hole.name, hole.file).into());
    }
    fs::write(&path, sound.replace(&hole.find, &hole.replace))?;
    let verdict = ask(root, copy, hole);
    fs::write(&path, sound)?;
    verdict
}

/// Asks the crate's own tests, then the stories.
fn ask(root: &Path, copy: &Path, hole: &Hole) -> Outcome<Verdict> {
    let own = run(root, copy, &["--package", &hole.package, "--lib"], &[])?;
    if let Some(by) = failed(&hole.name, &own)? {
        return Ok(Verdict::Caught(by));
    }
    if hole.stories.is_empty() {
        return Ok(Verdict::Missed);
    }
    let filters: Vec<&str> = hole.stories.iter().map(String::as_str).collect();
    let stories = run(root, copy, &["--package", "local", "--test", "it"], &filters)?;
    Ok(failed(&hole.name, &stories)?.map_or(Verdict::Missed, Verdict::Caught))
}

fn run(root: &Path, copy: &Path, what: &[&str], filters: &[&str]) -> Outcome<Output> {
    Ok(Command::new(repository::cargo())
        .arg("test")
        .args(what)
        .arg("--")
        .args(filters)
        .env("CARGO_TARGET_DIR", root.join(BUILD))
        .current_dir(copy)
        .output()?)
}

/// The tests that failed, if any did. A build that failed is no test that failed.
fn failed(name: &str, output: &Output) -> Outcome<Option<String>> {
    let text = String::from_utf8_lossy(&output.stdout);
    if output.status.success() {
        let ran = text.lines().any(|line| line.starts_with("test result: ok."));
        return if ran { Ok(None) } else { Err(format!("{name}: no test ran").into()) };
    }
    let by = names_of_failed(&text);
    if by.is_empty() {
        let said = String::from_utf8_lossy(&output.stderr);
        let last: Vec<&str> = said.lines().filter(|line| line.starts_with("error")).collect();
        return Err(format!("{name}: the tests did not run: {}", last.join("; ")).into());
    }
    let more = by.len().saturating_sub(2);
    let first: Vec<&str> = by.into_iter().take(2).collect();
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    Ok(Some(format!("{}{more}", first.join(", "))))
}

/// The tests that a run of tests says have failed.
fn names_of_failed(text: &str) -> Vec<&str> {
    text.lines()
        .filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_hole_is_planted_where_its_text_stands_once() {
        let root = repository::root().unwrap();
        let text = fs::read_to_string(root.join(LIST)).unwrap();
        let holes = read(&serde_json::from_str(&text).unwrap()).unwrap();
        assert!(holes.len() >= 15, "{} holes", holes.len());
        let names: BTreeSet<&str> = holes.iter().map(|hole| hole.name.as_str()).collect();
        assert_eq!(names.len(), holes.len());
        for hole in &holes {
            let file = fs::read_to_string(root.join(&hole.file)).unwrap_or_default();
            assert_eq!(file.matches(&hole.find).count(), 1, "{} in {}", hole.name, hole.file);
            assert_ne!(hole.find, hole.replace, "{}", hole.name);
        }
    }

    #[test]
    fn a_failed_test_is_told_from_a_failed_build() {
        let text = "test a::b ... ok\ntest c::d ... FAILED\ntest result: FAILED. 1 passed";
        assert_eq!(names_of_failed(text), ["c::d"]);
        assert!(names_of_failed("error: could not compile").is_empty());
    }
}
