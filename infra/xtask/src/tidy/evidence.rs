//! What is said to be met is shown: every entry of `docs/asvs.csv` leads to a test, a step of
//! `.ci/run` or a page, and so does every test that a page names in its column "shown by".
//!
//! A test that was renamed or taken away takes its claim along; one that is ignored shows nothing.

use std::collections::BTreeMap;

use super::{Violation, links};
use crate::repository::Repository;

const TABLE: &str = "docs/asvs.csv";
const COLUMNS: &str = "id,level,applies,status,about,how,evidence";
const STEPS: &str = ".ci/run";
/// The column of a page's table that names tests.
const SHOWN_BY: &str = "shown by";

pub(super) fn check(repository: &Repository) -> Vec<Violation> {
    let tests = tests(repository);
    let mut violations = table(repository, &tests);
    for (path, text) in repository.texts(".md").filter(|(path, _)| path.starts_with("docs/")) {
        for (line, name) in shown_by(text) {
            if !tests.contains_key(name) {
                violations.push(Violation::new(path, line, format!("no test is called `{name}`")));
            }
        }
    }
    violations
}

/// The files in which a test of each name stands.
type Tests<'a> = BTreeMap<&'a str, Vec<&'a str>>;

fn table(repository: &Repository, tests: &Tests<'_>) -> Vec<Violation> {
    let Some(text) = repository.text(TABLE) else { return Vec::new() };
    let mut violations = Vec::new();
    let mut before = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let mut say = |says: String| violations.push(Violation::new(TABLE, at + 1, says));
        if at == 0 {
            if line != COLUMNS {
                say(format!("the columns are {COLUMNS}"));
            }
            continue;
        }
        let cells = cells(line);
        let [id, level, applies, status, about, how, evidence] = cells.as_slice() else {
            say(format!("a row has seven cells, this one {}", cells.len()));
            continue;
        };
        match number(id) {
            Some(number) if number > before => before = number,
            Some(_) => say(format!("{id} stands after a later one, or twice")),
            None => say(format!("`{id}` is no id like V1.2.3")),
        }
        if !matches!(level.as_str(), "1" | "2") {
            say(format!("{id}: levels are 1 and 2"));
        }
        if about.is_empty() || how.is_empty() {
            say(format!("{id}: say what it is about, and how it is met or why not"));
        }
        let evidence: Vec<&str> = evidence.split("; ").filter(|entry| !entry.is_empty()).collect();
        match (applies.as_str(), status.as_str()) {
            ("yes", "met") if evidence.is_empty() => {
                say(format!("{id}: met, but nothing shows it"));
            }
            ("yes", "met" | "planned" | "operator" | "deviation") => {}
            ("no", "") if evidence.is_empty() => {}
            ("no", _) => say(format!("{id}: what does not apply has neither status nor evidence")),
            _ => say(format!(
                "{id}: applies is yes or no, status met, planned, operator or deviation"
            )),
        }
        for entry in evidence {
            if let Some(flaw) = flaw(repository, tests, entry) {
                say(format!("{id}: {flaw}"));
            }
        }
    }
    violations
}

/// Why an entry shows nothing, if it does not.
fn flaw(repository: &Repository, tests: &Tests<'_>, entry: &str) -> Option<String> {
    if let Some(step) = entry.strip_prefix(".ci/run ") {
        let is_there = steps(repository.text(STEPS).unwrap_or_default()).any(|name| name == step);
        return (!is_there).then(|| format!("{STEPS} has no step `{step}`"));
    }
    let Some((place, name)) = entry.rsplit_once("::") else {
        return links::flaw(repository, TABLE, &format!("/{entry}"));
    };
    let files = tests.get(name).map(Vec::as_slice).unwrap_or_default();
    let is_there = files.iter().any(|file| stands_in(place, file));
    (!is_there).then(|| format!("there is no test `{entry}`"))
}

/// Whether a test's place, `api::token` or `infra/local/tests/it/staff`, is this file.
fn stands_in(place: &str, file: &str) -> bool {
    if place.contains('/') {
        // A file that grew has become a folder of the same name.
        return file.strip_prefix(place).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'));
    }
    let mut parts = place.split("::");
    let krate = parts.next().unwrap_or_default();
    let mut folders = file.split('/');
    let is_crate = folders.nth(1) == Some(krate);
    // A module's tests may stand in its own file, or in a file of their own beside it.
    is_crate && parts.all(|part| folders.any(|folder| folder.trim_end_matches(".rs") == part))
}

/// Every test of the tree that is not ignored.
fn tests(repository: &Repository) -> Tests<'_> {
    let mut tests: Tests<'_> = BTreeMap::new();
    for (path, text) in repository.texts(".rs") {
        let (mut is_test, mut is_ignored, mut are_listed) = (false, false, false);
        for line in text.lines().map(str::trim) {
            if line.starts_with("#[") {
                is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
                is_ignored |= line.starts_with("#[ignore");
            } else if let Some(name) = function(line) {
                if is_test && !is_ignored {
                    tests.entry(name).or_default().push(path);
                    are_listed |= name == "$name";
                }
                (is_test, is_ignored) = (false, false);
            } else if let Some(name) = listed(line).filter(|_| are_listed) {
                tests.entry(name).or_default().push(path);
            }
        }
    }
    tests
}

/// The name of the function that a line begins.
fn function(line: &str) -> Option<&str> {
    let line = line.strip_prefix("pub ").unwrap_or(line);
    let line = line.strip_prefix("async ").unwrap_or(line);
    line.strip_prefix("fn ")?.split(['(', '<']).next()
}

/// The name that stands in a list from which a macro makes tests: `a_name: what, ever;`.
fn listed(line: &str) -> Option<&str> {
    let (name, _) = line.strip_suffix(';')?.split_once(": ")?;
    is_name(name).then_some(name)
}

/// The names of the steps, as the script lists them.
fn steps(script: &str) -> impl Iterator<Item = &str> {
    let list = script.split_once("STEPS=(").and_then(|(_, rest)| rest.split_once(')'));
    list.map_or("", |(list, _)| list).split_whitespace()
}

/// The tests that a page's tables name, with their lines.
fn shown_by(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut column = None;
    for (at, line) in text.lines().enumerate() {
        if !line.starts_with('|') {
            column = None;
            continue;
        }
        let cells: Vec<&str> = line.split('|').collect();
        if let Some(at) = cells.iter().position(|cell| cell.trim() == SHOWN_BY) {
            column = Some(at);
            continue;
        }
        let cell = column.and_then(|column| cells.get(column)).copied().unwrap_or_default();
        let names = cell.split('`').skip(1).step_by(2).filter(|name| is_name(name));
        found.extend(names.map(|name| (at + 1, name)));
    }
    found
}

/// Whether it could be the name of a test; a path or a step is none.
fn is_name(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// The numbers of an id.
fn number(id: &str) -> Option<Vec<u32>> {
    let numbers: Option<Vec<u32>> =
        id.strip_prefix('V')?.split('.').map(|part| part.parse().ok()).collect();
    numbers.filter(|numbers| numbers.len() == 3)
}

/// The cells of a row; one with commas stands in quotes, and quotes in it are doubled.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut is_quoted = false;
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        let cell = cells.last_mut();
        match (c, is_quoted, cell) {
            ('"', true, Some(cell)) if rest.peek() == Some(&'"') => {
                rest.next();
                cell.push('"');
            }
            ('"', _, _) => is_quoted = !is_quoted,
            (',', false, _) => cells.push(String::new()),
            (c, _, Some(cell)) => cell.push(c),
            (_, _, None) => {}
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::said;

    const SOURCE: &str = "
        #[test]
        fn a_key_fits() {}
        #[tokio::test]
        #[allow(clippy::x, reason = \"y\")]
        async fn a_shop_opens() {}
        #[test]
        #[ignore = \"prints\"]
        fn it_prints() {}
        fn a_helper() {}
        proptest! {
            #[test]
            fn any_key_fits(key in any::<u8>()) {}
        }
        not_yet: Listed;
        macro_rules! doors { ($($name:ident: $door:ident;)*) => {$(
            #[tokio::test]
            async fn $name() {}
        )*}; }
        doors! {
            a_door_opens: Front;
        }";

    fn says(rows: &str) -> Vec<String> {
        let table = format!("{COLUMNS}\n{rows}\n");
        said(&check(&Repository::of(&[
            (TABLE, table.as_str()),
            ("shared/keys/src/lock.rs", SOURCE),
            (".ci/run", "readonly STEPS=(\n  format tidy\n)"),
            ("docs/page.md", "# A page\n## Some keys\n"),
        ])))
    }

    #[test]
    fn what_is_met_is_shown_by_tests_steps_and_pages() {
        let good = "V1.1.1,1,yes,met,a,b,keys::lock::a_key_fits; keys::a_door_opens\n\
            V1.1.2,2,yes,met,\"a, \"\"b\"\"\",c,shared/keys/src/lock::any_key_fits; .ci/run tidy\n\
            V1.1.9,2,yes,met,a,b,shared/keys/src::any_key_fits\n\
            V1.1.10,2,yes,met,a,b,docs/page.md#some-keys; .ci/run\n\
            V1.2.1,1,yes,planned,a,b,\nV2.1.1,1,yes,operator,a,b,\nV10.1.1,1,no,,a,b,";
        assert_eq!(says(good), Vec::<String>::new());
    }

    #[test]
    fn what_shows_nothing_is_named() {
        for (evidence, flaw) in [
            ("keys::lock::a_key_fits_not", "there is no test `keys::lock::a_key_fits_not`"),
            ("keys::lock::it_prints", "there is no test `keys::lock::it_prints`"),
            ("keys::lock::not_yet", "there is no test `keys::lock::not_yet`"),
            ("keys::lock::a_helper", "there is no test `keys::lock::a_helper`"),
            ("keys::door::a_key_fits", "there is no test `keys::door::a_key_fits`"),
            ("locks::lock::a_key_fits", "there is no test `locks::lock::a_key_fits`"),
            ("shared/keys/lock::a_key_fits", "there is no test `shared/keys/lock::a_key_fits`"),
            (".ci/run test", ".ci/run has no step `test`"),
            ("docs/gone.md", "`/docs/gone.md` leads nowhere: there is no docs/gone.md"),
            ("docs/page.md#x", "`/docs/page.md#x` leads nowhere: docs/page.md has no such heading"),
            ("", "met, but nothing shows it"),
        ] {
            let row = format!("V1.1.1,1,yes,met,a,b,{evidence}");
            assert_eq!(says(&row), [format!("{TABLE}:2: V1.1.1: {flaw}")]);
        }
    }

    #[test]
    fn rows_are_whole_and_in_order() {
        for rows in [
            "V1.1.2,1,no,,a,b,\nV1.1.1,1,no,,a,b,",
            "V1.1.1,1,no,,a,b,\nV1.1.1,1,no,,a,b,",
            "V1.1,1,no,,a,b,",
            "1.1.1,1,no,,a,b,",
            "V1.1.1,3,no,,a,b,",
            "V1.1.1,1,no,,a,,",
            "V1.1.1,1,no,met,a,b,",
            "V1.1.1,1,no,,a,b,.ci/run tidy",
            "V1.1.1,1,yes,,a,b,",
            "V1.1.1,1,yes,almost,a,b,",
            "V1.1.1,1,maybe,met,a,b,.ci/run tidy",
            "V1.1.1,1,yes,planned,a,b",
        ] {
            assert_eq!(says(rows).len(), 1, "{rows}");
        }
    }

    #[test]
    fn a_page_names_tests_that_are_there() {
        let page = "| what | shown by |\n|---|---|\n| `a_row` | `a_key_fits`, `.ci/run tidy` |\n\
            | b | `nothing_of_the_kind` |\n\n| what | where |\n| a | `a_word` |\n";
        let files = [("docs/x.md", page), ("shared/keys/src/lib.rs", SOURCE)];
        let says = said(&check(&Repository::of(&files)));
        assert_eq!(says, ["docs/x.md:4: no test is called `nothing_of_the_kind`"]);
    }
}
