//! `cargo xtask audit-verify`: whether the audit log is what it was when it was written.
//!
//! Reads one link a line, as JSON, oldest or newest first: what `cargo run -- audit` prints, or
//! the entries of `GET /v1/admin/audit`. Says the first broken link and why. A log whose end was
//! cut off is whole by itself: give a head that was noted earlier to see that it is still there.

use std::error::Error;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};

use domain::audit::{Head, Link};

use crate::Outcome;
use crate::repository;

/// Verifies what the arguments name; prints the verdict.
pub(crate) fn verify(arguments: &[&str]) -> Outcome<bool> {
    let mut source = None;
    let mut noted = None;
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} wants a value"))?;
        match *word {
            "--file" if source.is_none() => source = Some(read_file(value)?),
            "--data-dir" if source.is_none() => source = Some(read_shop(Path::new(value))?),
            "--head" => noted = Some(head(value)?),
            _ => return Err(format!("audit-verify does not know {word} here").into()),
        }
    }
    let text = source.ok_or("audit-verify wants --file FILE (- for stdin) or --data-dir DIR")?;
    match check(&text, noted.as_ref()) {
        Ok(head) => {
            println!("the audit log is whole: {} links", head.sequence);
            println!("note its head elsewhere: --head {}:{}", head.sequence, head.hash);
            Ok(true)
        }
        Err(broken) => {
            println!("{broken}");
            Ok(false)
        }
    }
}

fn read_file(name: &str) -> Outcome<String> {
    if name == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    std::fs::read_to_string(name).map_err(|error| format!("cannot read {name}: {error}").into())
}

/// What the local shop's own folder holds; the shop must not be open meanwhile.
fn read_shop(folder: &Path) -> Outcome<String> {
    let folder = std::path::absolute(folder)?;
    let output = Command::new(repository::cargo())
        .args(["run", "--quiet", "--package", "local", "--", "audit", "--data-dir"])
        .arg(folder)
        .current_dir(repository::root()?)
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err("the local shop's audit log could not be read".into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// `12:` and the hash of link 12.
fn head(text: &str) -> Outcome<Head> {
    let parts = text.split_once(':').and_then(|(sequence, hash)| {
        let is_hash = hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit());
        is_hash.then_some(Head { sequence: sequence.parse().ok()?, hash: hash.to_owned() })
    });
    parts.ok_or_else(|| Box::<dyn Error>::from("--head wants a sequence, a colon and a hash"))
}

/// The head of the chain in this text, or what breaks it first.
fn check(text: &str, noted: Option<&Head>) -> Result<Head, String> {
    let mut links = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let link: Link = serde_json::from_str(line)
            .map_err(|error| format!("line {} is no link of the audit log: {error}", index + 1))?;
        links.push(link);
    }
    let order = |link: Option<&Link>| link.map_or(0, |link| link.sequence);
    if order(links.first()) > order(links.last()) {
        links.reverse();
    }
    let mut head = Head::default();
    let mut is_there = noted.is_none_or(|noted| *noted == head);
    for link in &links {
        head = head.follow(link).map_err(|broken| broken.to_string())?;
        is_there |= noted.is_some_and(|noted| *noted == head);
    }
    match noted {
        Some(noted) if !is_there => Err(format!(
            "link {} of the audit log is not the one that was noted: \
             the log was cut off or written anew",
            noted.sequence
        )),
        _ => Ok(head),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn chain(count: usize) -> Vec<String> {
        let mut head = Head::default();
        let lines = (0..count).map(|number| {
            let entry = json!({"id": format!("aud_01ARZ3NDEKTSV4RRFFQ69G5FA{number}"),
                "at": "2026-11-21T09:00:00Z", "actor": "system", "action": "keys.rotate",
                "changes": [{"field": "status", "before": "old", "after": number}]});
            let link = head.link(serde_json::from_value(entry).unwrap());
            head = link.head();
            serde_json::to_string(&link).unwrap()
        });
        lines.collect()
    }

    fn broken(lines: &[String]) -> String {
        check(&lines.join("\n"), None).unwrap_err()
    }

    #[test]
    fn a_whole_log_is_whole_in_either_order() {
        let mut lines = chain(5);
        assert_eq!(check(&lines.join("\n"), None).unwrap().sequence, 5);
        lines.reverse();
        assert_eq!(check(&lines.join("\n"), None).unwrap().sequence, 5);
        assert_eq!(check("", None).unwrap(), Head::default());
    }

    #[test]
    fn the_first_link_that_was_changed_or_taken_is_named() {
        let mut lines = chain(5);
        lines[3] = lines[3].replace("system", "nobody");
        lines[2] = lines[2].replace("\"old\"", "\"new\"");
        assert!(broken(&lines).starts_with("link 3 of the audit log was changed"));
        let mut lines = chain(5);
        lines.remove(1);
        assert_eq!(broken(&lines), "link 2 of the audit log is missing");
        let mut lines = chain(5);
        lines.insert(2, "{}".to_owned());
        assert!(broken(&lines).starts_with("line 3 is no link of the audit log: missing field"));
    }

    #[test]
    fn a_link_forged_with_a_good_hash_is_named() {
        let mut lines = chain(4);
        let mut link: Link = serde_json::from_str(&lines[1]).unwrap();
        link.entry.action = "keys.lose".into();
        link.hash = link.computed_hash();
        lines[1] = serde_json::to_string(&link).unwrap();
        assert!(broken(&lines).starts_with("link 2 of the audit log was replaced"));
    }

    #[test]
    fn a_log_that_was_cut_off_shows_by_the_head_that_was_noted() {
        let mut lines = chain(5);
        let last: Value = serde_json::from_str(&lines[4]).unwrap();
        let noted = head(&format!("5:{}", last["hash"].as_str().unwrap())).unwrap();
        assert!(check(&lines.join("\n"), Some(&noted)).is_ok());
        lines.pop();
        assert!(check(&lines.join("\n"), None).is_ok());
        assert!(check(&lines.join("\n"), Some(&noted)).unwrap_err().starts_with("link 5 of"));
    }

    #[test]
    fn what_is_no_head_is_refused() {
        for text in ["", "5", "5:", "x:y", ":0000"] {
            assert!(head(text).is_err(), "{text}");
        }
    }
}
