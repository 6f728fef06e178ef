//! Decisions are numbered from one without gaps, so that "decision 7" is found in ten years.

use super::Violation;
use crate::repository::Repository;

/// Where they are.
const FOLDER: &str = "docs/decisions/";

pub(super) fn check(repository: &Repository) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut expected = 1;
    for path in repository.paths() {
        let Some(name) = path.strip_prefix(FOLDER).filter(|name| *name != "README.md") else {
            continue;
        };
        let Some(number) = number(name) else {
            violations.push(Violation::new(path, 1, "decisions are named NNNN-words-like-this.md"));
            continue;
        };
        if number != expected {
            let says = format!("number {number:04} where {expected:04} comes next");
            violations.push(Violation::new(path, 1, says));
        }
        expected = number + 1;
        let text = repository.text(path).unwrap_or_default();
        if !text.starts_with("# ") {
            violations.push(Violation::new(path, 1, "begins without its decision as a heading"));
        }
    }
    violations
}

fn number(name: &str) -> Option<u32> {
    let (digits, words) = name.strip_suffix(".md")?.split_once('-')?;
    let is_kebab = words.split('-').all(|word| {
        !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    });
    let is_number = digits.len() == 4 && digits.chars().all(|digit| digit.is_ascii_digit());
    digits.parse().ok().filter(|_| is_kebab && is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(names: &[&str]) -> usize {
        let paths: Vec<String> = names.iter().map(|name| format!("{FOLDER}{name}")).collect();
        let files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), "# A\n")).collect();
        check(&Repository::of(&files)).len()
    }

    #[test]
    fn numbers_begin_at_one_and_have_no_gaps() {
        assert_eq!(broken(&["0001-fake-the-wire.md", "0002-one-binary.md", "README.md"]), 0);
        assert_eq!(broken(&["0002-one-binary.md"]), 1);
        assert_eq!(broken(&["0001-a.md", "0003-b.md", "0004-c.md"]), 1);
        assert_eq!(broken(&["0001-a.md", "0001-b.md"]), 1);
    }

    #[test]
    fn names_are_four_digits_and_kebab() {
        for name in ["1-a.md", "0001_a.md", "0001-A.md", "0001-a--b.md", "0001-a.txt"] {
            assert_eq!(broken(&[name]), 1, "{name}");
        }
    }
}
