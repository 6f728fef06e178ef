//! Words that do not belong into a repository that strangers read.

use super::Violation;
use crate::repository::Repository;

/// Paths that exist on somebody's machine only. Written in two halves, so that this file may be
/// read, too.
const PRIVATE: [&str; 4] =
    [concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/Us", "ers/"), concat!("/wo", "rk/")];

/// Notes to oneself: a thing is done, or it is an issue.
const NOTES: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];

/// Kinds of files in which a note to oneself would be one.
const SOURCES: [&str; 6] = [".rs", ".yaml", ".yml", ".toml", ".py", ".sh"];

pub(super) fn check(repository: &Repository) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in repository.texts("") {
        let is_source = SOURCES.iter().any(|end| path.ends_with(end));
        for (at, line) in text.lines().enumerate() {
            for word in PRIVATE.iter().filter(|word| has_path(line, word)) {
                let says = format!("`{word}` is a path of somebody's machine");
                violations.push(Violation::new(path, at + 1, says));
            }
            for word in NOTES.iter().filter(|word| is_source && line.contains(**word)) {
                let says = format!("`{word}`: do it, or file an issue");
                violations.push(Violation::new(path, at + 1, says));
            }
        }
    }
    violations
}

/// Whether an absolute path begins so; a web address or a longer path may have such a part.
fn has_path(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        !before.is_some_and(|c| c.is_alphanumeric() || "_-.}~".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_a_machine_are_named() {
        let [home, ..] = PRIVATE;
        let text = format!("cd {home}me\nsee https://shop.example{home}page\n../{home}\n");
        let repository = Repository::of(&[("README.md", &text)]);
        let lines: Vec<usize> = check(&repository).iter().map(|v| v.line).collect();
        assert_eq!(lines, [1, 3]);
    }

    #[test]
    fn notes_to_oneself_are_named_in_sources_only() {
        let [note, _] = NOTES;
        let text = format!("// {note} later\n");
        let files = [("shared/a.rs", text.as_str()), ("docs/a.md", text.as_str())];
        assert_eq!(check(&Repository::of(&files)).len(), 1);
    }
}
