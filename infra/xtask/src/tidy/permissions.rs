//! The permissions that clients are told of are those of the registry, word by word.
//!
//! The registry is code (`domain::permission`), the page is for people; nobody compares nineteen
//! rows by eye.

use domain::permission::Permission;

use super::Violation;
use crate::repository::Repository;

const PAGE: &str = "docs/api.md";
const HEAD: &str = "| permission | step-up | for keys | allows to |";

pub(super) fn check(repository: &Repository) -> Vec<Violation> {
    let Some(page) = repository.text(PAGE) else { return Vec::new() };
    let mut lines = page.lines().enumerate().map(|(at, line)| (at + 1, line));
    let Some((head, _)) = lines.find(|(_, line)| *line == HEAD) else {
        return vec![Violation::new(PAGE, 1, format!("has no table of permissions: {HEAD}"))];
    };
    let rows: Vec<_> = lines.skip(1).take_while(|(_, line)| line.starts_with('|')).collect();
    let wanted: Vec<String> = Permission::ALL.iter().copied().map(row).collect();
    let mut violations = Vec::new();
    for (at, (line, row)) in rows.iter().enumerate() {
        if wanted.get(at).map(String::as_str) != Some(*row) {
            let says = wanted.get(at).map_or("no permission stands here", String::as_str);
            violations.push(Violation::new(PAGE, *line, format!("the registry says: {says}")));
        }
    }
    for row in wanted.iter().skip(rows.len()) {
        violations.push(Violation::new(PAGE, head, format!("the table lacks: {row}")));
    }
    violations
}

/// A permission's row.
fn row(permission: Permission) -> String {
    let word = |yes| if yes { "yes" } else { "no" };
    let (name, description) = (permission.name(), permission.description());
    let (step_up, keys) = (word(permission.needs_step_up()), word(permission.is_for_keys()));
    format!("| `{name}` | {step_up} | {keys} | {description} |")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(rows: &[String]) -> usize {
        let text = format!("# A\n{HEAD}\n|---|---|---|---|\n{}\n\nText.\n", rows.join("\n"));
        check(&Repository::of(&[(PAGE, text.as_str())])).len()
    }

    #[test]
    fn the_table_is_the_registry() {
        let rows: Vec<String> = Permission::ALL.iter().copied().map(row).collect();
        assert_eq!(page(&rows), 0);
        assert_eq!(page(&rows[1..]), rows.len());
        assert_eq!(page(&rows[..rows.len() - 1]), 1);
        let mut wrong = rows.clone();
        wrong[3] = wrong[3].replace("yes", "no");
        assert_eq!(page(&wrong), 1);
        let more = [rows.as_slice(), &["| `tea.make` | no | no | Make tea. |".to_owned()]].concat();
        assert_eq!(page(&more), 1);
        assert_eq!(check(&Repository::of(&[(PAGE, "# A\n")])).len(), 1);
    }
}
