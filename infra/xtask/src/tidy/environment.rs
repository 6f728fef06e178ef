//! `.env.example` names every environment variable, and only what is one.
//!
//! What a function's template sets must be there; what is there must be read somewhere.

use std::collections::BTreeSet;

use super::Violation;
use crate::repository::Repository;
use crate::source::{self, Kind};

const EXAMPLE: &str = ".env.example";

pub(super) fn check(repository: &Repository) -> Vec<Violation> {
    let mut violations = Vec::new();
    let example = repository.text(EXAMPLE).unwrap_or_default();
    let mut named = BTreeSet::new();
    let mut explained = false;
    let read = read(repository);
    for (at, line) in example.lines().enumerate() {
        if let Some((name, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) {
            if !value.is_empty() {
                violations.push(Violation::new(EXAMPLE, at + 1, "names only: a value is a leak"));
            }
            if !explained {
                let says = format!("`{name}` needs a comment above it");
                violations.push(Violation::new(EXAMPLE, at + 1, says));
            }
            if !read.contains(name) {
                let says = format!("nothing reads `{name}`");
                violations.push(Violation::new(EXAMPLE, at + 1, says));
            }
            named.insert(name);
        }
        explained = line.starts_with('#');
    }
    let templates = repository.texts(".yaml").filter(|(path, _)| path.starts_with("functions/"));
    for (path, text) in templates {
        for (line, name) in set(text) {
            if !named.contains(name) {
                violations.push(Violation::new(path, line, format!("{EXAMPLE} lacks `{name}`")));
            }
        }
    }
    violations
}

/// What a template sets: the keys under `Variables:`, with their lines.
fn set(template: &str) -> Vec<(usize, &str)> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut set = Vec::new();
    let mut under: Option<usize> = None;
    for (at, line) in template.lines().enumerate() {
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        if line.trim() == "Variables:" {
            under = Some(indent(line));
            continue;
        }
        match under {
            Some(depth) if indent(line) > depth => {
                set.extend(line.trim().split_once(':').map(|(name, _)| (at + 1, name)));
            }
            _ => under = None,
        }
    }
    set
}

/// Every string in our sources that could be a variable's name.
fn read(repository: &Repository) -> BTreeSet<&str> {
    let is_name = |text: &&str| {
        text.len() > 2 && text.chars().all(|c| c.is_ascii_uppercase() || "_0123456789".contains(c))
    };
    repository
        .texts(".rs")
        .flat_map(|(_, text)| source::tokens(text))
        .filter(|token| token.kind == Kind::Text)
        .map(|token| token.text.trim_matches('"'))
        .filter(is_name)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::said;

    const CODE: (&str, &str) = ("shared/a.rs", "let a = text(\"STAGE\");");
    const TEMPLATE: (&str, &str) = (
        "functions/cart/template.yaml",
        "Environment:\n  Variables:\n    STAGE: !Ref Stage\nResources:\n  Api: x\n",
    );

    fn all(example: &str) -> Vec<String> {
        said(&check(&Repository::of(&[CODE, TEMPLATE, (EXAMPLE, example)])))
    }

    #[test]
    fn a_variable_is_named_and_explained() {
        assert!(all("# Which deployment this is.\nSTAGE=\n").is_empty());
    }

    #[test]
    fn a_missing_one_is_named_where_it_is_set() {
        assert_eq!(all(""), ["functions/cart/template.yaml:3: .env.example lacks `STAGE`"]);
    }

    #[test]
    fn a_second_template_of_a_domain_is_read_as_well() {
        let second = ("functions/cart/admin.yaml", TEMPLATE.1);
        assert_eq!(
            said(&check(&Repository::of(&[CODE, second]))),
            ["functions/cart/admin.yaml:3: .env.example lacks `STAGE`"]
        );
    }

    #[test]
    fn values_bare_names_and_unread_names_are_refused() {
        assert_eq!(all("# A.\nSTAGE=local\n").len(), 1);
        assert_eq!(all("STAGE=\n").len(), 1);
        assert_eq!(all("# A.\nSTAGE=\n# B.\nOLD_NAME=\n").len(), 1);
    }
}
