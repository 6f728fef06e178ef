//! `cargo xtask licences`: what the deployed functions are made of by others, and the words under
//! which those let us: `THIRD-PARTY-LICENCES.txt`, written from `Cargo.lock` and from the packages
//! themselves.
//!
//! Where a crate leaves a choice and Apache-2.0 is in it, that is what we take: its text stands
//! once, as our own does. Of all others each text of their package is given, equal ones once.
//! Notices are given in any case.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::Outcome;
use crate::repository;
use crate::shipped::{self, Crate};

/// Where the file lies, from the root.
const FILE: &str = "THIRD-PARTY-LICENCES.txt";
/// Our own licence, from the root: the text of Apache-2.0.
const APACHE: &str = "LICENSE";
const CHOSEN: &str = "Apache-2.0";

/// How files are called that hold such a text, at their beginning.
const NAMES: [&str; 6] = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "UNLICENSE", "PATENTS"];
const NOTICE: &str = "NOTICE";

/// Crates that bring the work of somebody else along, under another licence than their own: the
/// folder in their package where that one's text lies.
const WITHIN: [(&str, &str); 1] = [("libwebp-sys", "vendor")];

/// Where we keep, from the root, a text that a package should have brought and did not: the fonts
/// say it themselves, in their table of names; those of tantivy lie in one repository with it; the
/// others say MIT and no more.
fn kept(name: &str) -> Option<&'static str> {
    match name {
        "dejavu" => Some("infra/xtask/licences/dejavu-fonts.txt"),
        "base64-simd" | "libwebp-sys" | "vsimd" => Some("infra/xtask/licences/mit.txt"),
        "ownedbytes" => Some("infra/xtask/licences/tantivy.txt"),
        _ => name.starts_with("tantivy-").then_some("infra/xtask/licences/tantivy.txt"),
    }
}

const HEAD: &str = "\
What the functions of Fluxion contain of others, and under which words.

Written by `cargo xtask licences` from Cargo.lock; do not change it by hand. Where a choice is left,
Apache-2.0 is taken, whose text is in the file LICENSE. Other texts follow below, by number.
";

const RULE: &str =
    "--------------------------------------------------------------------------------";

/// Writes the file, or with `--check` says whether it is what would be written.
pub(crate) fn licences(arguments: &[&str]) -> Outcome<bool> {
    let root = repository::root()?;
    let crates: Vec<Crate> = shipped::read(&root)?.into_iter().filter(|one| !one.is_ours).collect();
    let mut words = Vec::new();
    for one in &crates {
        words.push(texts(&root, one)?);
    }
    let silent: Vec<&str> = crates
        .iter()
        .zip(&words)
        .filter(|(one, words)| !is_chosen(&one.licence) && words.is_empty())
        .map(|(one, _)| one.name.as_str())
        .collect();
    let written = page(&crates, &words);
    match arguments {
        [] => {
            fs::write(root.join(FILE), &written)?;
            println!("licences: {} crates, {} bytes in {FILE}", crates.len(), written.len());
        }
        ["--check"] => {
            if fs::read_to_string(root.join(FILE)).unwrap_or_default() != written {
                println!("{FILE}: is not up to date; `cargo xtask licences` writes it anew");
                return Ok(false);
            }
            println!("licences: {} crates, as {FILE} says", crates.len());
        }
        other => return Err(format!("licences takes nothing or `--check`, not {other:?}").into()),
    }
    for name in &silent {
        println!("{name}: its package holds no licence, and Apache-2.0 is not offered");
    }
    Ok(silent.is_empty())
}

/// The texts that go with a crate.
fn texts(root: &Path, one: &Crate) -> Outcome<Vec<String>> {
    let mut wanted: Vec<&str> = vec![NOTICE];
    if !is_chosen(&one.licence) {
        wanted.extend(NAMES);
    }
    let mut found = within(&one.folder, &wanted)?;
    for (_, folder) in WITHIN.iter().filter(|(name, _)| *name == one.name) {
        found.extend(within(&one.folder.join(folder), &NAMES)?);
    }
    if let Some(file) = kept(&one.name) {
        found.push(plain(&fs::read_to_string(root.join(file))?));
    }
    let apache = plain(&fs::read_to_string(root.join(APACHE))?);
    found.retain(|text| *text != apache);
    found.dedup();
    Ok(found)
}

/// The texts of a folder whose files are called so.
fn within(folder: &Path, names: &[&str]) -> Outcome<Vec<String>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().to_uppercase();
        if entry.file_type()?.is_file() && names.iter().any(|one| name.starts_with(one)) {
            files.push((name, entry.path()));
        }
    }
    files.sort();
    let read = |(_, path): &(String, PathBuf)| {
        let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(plain(&String::from_utf8_lossy(&bytes)))
    };
    files.iter().map(read).collect()
}

/// A text without what differs between two copies of it: ends of lines and empty ones around it.
fn plain(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

/// Whether Apache-2.0 alone is enough: one of the words between `OR`, outside of brackets.
fn is_chosen(licence: &str) -> bool {
    let is_one_choice = !licence.contains(['(', ')']) && !licence.contains(" AND ");
    is_one_choice && licence.split(" OR ").any(|one| one.trim() == CHOSEN)
}

fn page(crates: &[Crate], words: &[Vec<String>]) -> String {
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut texts: Vec<(&str, Vec<String>)> = Vec::new();
    let mut page = format!("{HEAD}\n");
    for (one, words) in crates.iter().zip(words) {
        let name = format!("{} {}", one.name, one.version);
        let mut said = Vec::new();
        for text in words {
            let at = *numbers.entry(text).or_insert_with(|| {
                texts.push((text, Vec::new()));
                texts.len()
            });
            if let Some((_, of)) = texts.get_mut(at - 1) {
                of.push(name.clone());
            }
            said.push(at.to_string());
        }
        let taken = if is_chosen(&one.licence) { CHOSEN } else { &one.licence };
        let _ = write!(page, "{name}: {taken}");
        if !said.is_empty() {
            let _ = write!(page, " [{}]", said.join(", "));
        }
        page.push('\n');
    }
    for (at, (text, of)) in texts.iter().enumerate() {
        let _ = write!(page, "\n{RULE}\n[{}] {}\n\n{text}\n", at + 1, of.join(", "));
    }
    page
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn of(name: &str, licence: &str) -> Crate {
        Crate {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            licence: licence.to_owned(),
            repository: None,
            folder: PathBuf::new(),
            is_ours: false,
            checksum: None,
            uses: Vec::new(),
        }
    }

    #[test]
    fn apache_is_taken_where_it_is_offered_alone() {
        assert!(is_chosen("Apache-2.0"));
        assert!(is_chosen("MIT OR Apache-2.0"));
        assert!(is_chosen("MIT OR Zlib OR Apache-2.0"));
        assert!(!is_chosen("MIT"));
        assert!(!is_chosen("ISC AND (Apache-2.0 OR ISC)"));
        assert!(!is_chosen("Apache-2.0 AND MIT"));
    }

    #[test]
    fn equal_texts_stand_once_and_name_whose_they_are() {
        let crates = [of("a", "MIT"), of("b", "MIT OR Apache-2.0"), of("c", "MIT")];
        let mit = plain("\nWith these words \r\nmay everybody.\n\n");
        assert_eq!(mit, "With these words\nmay everybody.");
        let page = page(&crates, &[vec![mit.clone()], vec![], vec!["Other.".into(), mit]]);
        let (list, texts) = page.split_once(RULE).unwrap();
        assert!(list.ends_with("a 1.0.0: MIT [1]\nb 1.0.0: Apache-2.0\nc 1.0.0: MIT [2, 1]\n\n"));
        assert!(texts.starts_with("\n[1] a 1.0.0, c 1.0.0\n\nWith these words\nmay everybody.\n"));
        assert!(texts.ends_with("[2] c 1.0.0\n\nOther.\n"));
    }

    #[test]
    fn every_crate_of_this_tree_that_leaves_no_choice_brings_its_text() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for one in shipped::read(&root).unwrap().iter().filter(|one| !one.is_ours) {
            let words = texts(&root, one).unwrap();
            assert!(is_chosen(&one.licence) || !words.is_empty(), "{} {}", one.name, one.licence);
            if one.name == "dejavu" {
                assert!(words.iter().any(|text| text.contains("Bitstream Vera")));
            }
        }
    }
}
