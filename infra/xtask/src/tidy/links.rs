//! Links between our own pages lead somewhere: to a file, and to a heading in it.

use super::Violation;
use crate::repository::Repository;

pub(super) fn check(repository: &Repository) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in repository.texts(".md") {
        for (line, target) in targets(text) {
            if let Some(says) = flaw(repository, path, target) {
                violations.push(Violation::new(path, line, says));
            }
        }
    }
    violations
}

/// The targets of a page's links and images with their lines; code is left out.
fn targets(text: &str) -> Vec<(usize, &str)> {
    let mut targets = Vec::new();
    for (at, line) in prose(text) {
        let bare: Vec<&str> = line.split('`').step_by(2).collect();
        for (opening, closing) in
            [("](", [')', ' ']), ("src=\"", ['"', '"']), ("href=\"", ['"', '"'])]
        {
            for part in &bare {
                let links = part.split(opening).skip(1);
                targets.extend(links.filter_map(|rest| Some((at, rest.split(closing).next()?))));
            }
        }
        if let Some((name, target)) = line.split_once("]: ")
            && name.starts_with('[')
        {
            targets.push((at, target.split(' ').next().unwrap_or(target)));
        }
    }
    targets
}

/// The lines outside of fences, with their numbers.
fn prose(text: &str) -> Vec<(usize, &str)> {
    let mut is_code = false;
    let mut prose = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            prose.push((at + 1, line));
        }
    }
    prose
}

/// Why a link leads nowhere, if it does not.
pub(super) fn flaw(repository: &Repository, page: &str, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (file, heading) = target.split_once('#').unwrap_or((target, ""));
    let path = if file.is_empty() { page.to_owned() } else { resolve(page, file) };
    if !repository.has(&path) {
        return Some(format!("`{target}` leads nowhere: there is no {path}"));
    }
    let is_page = repository.texts(".md").any(|(other, _)| other == path);
    let text = repository.text(&path).filter(|_| !heading.is_empty() && is_page)?;
    let is_there = prose(text)
        .iter()
        .filter_map(|(_, line)| line.strip_prefix('#'))
        .any(|title| slug(title.trim_start_matches('#')) == heading);
    (!is_there).then(|| format!("`{target}` leads nowhere: {path} has no such heading"))
}

/// A link's path from the root.
fn resolve(page: &str, file: &str) -> String {
    if let Some(from_root) = file.strip_prefix('/') {
        return from_root.trim_end_matches('/').to_owned();
    }
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in file.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// A heading's anchor as GitHub makes it.
fn slug(title: &str) -> String {
    title
        .trim()
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::said;

    fn readme(text: &str) -> Vec<String> {
        let page = ("docs/decisions/0001-a.md", "# A choice: *two* words\n");
        said(&check(&Repository::of(&[("docs/README.md", text), page, ("LICENSE", "")])))
    }

    #[test]
    fn links_to_files_folders_and_headings_are_followed() {
        let text = "# Top\n[a](decisions/0001-a.md) [b](../LICENSE) [c](decisions/) [`d`](#top)
            [e](decisions/0001-a.md#a-choice-two-words) [f](https://aws.amazon.com/x)
            <img src=\"../LICENSE\">";
        assert_eq!(readme(text), Vec::<String>::new());
    }

    #[test]
    fn what_leads_nowhere_is_named() {
        assert_eq!(
            readme("# Top\n[a](b.md)"),
            ["docs/README.md:2: `b.md` leads nowhere: there is no docs/b.md"]
        );
        assert_eq!(readme("[`a`](#b)").len(), 1);
        assert_eq!(readme("[a](decisions/0001-a.md#b)").len(), 1);
        assert_eq!(readme("![a](b.svg \"title\")").len(), 1);
        assert_eq!(readme("[a]: b.md").len(), 1);
        assert_eq!(readme("<img src=\"b.svg\">").len(), 1);
    }

    #[test]
    fn code_has_no_links() {
        assert!(readme("```\n[a](b)\n```\n`[c](d)`").is_empty());
    }
}
