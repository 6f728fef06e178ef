//! No drawer without a label: a file named `utils` collects what nobody placed.

use super::Violation;
use crate::repository::Repository;

/// Names that say nothing of what is inside.
const DRAWERS: [&str; 6] = ["util", "utils", "helper", "helpers", "common", "misc"];

pub(super) fn check(repository: &Repository) -> Vec<Violation> {
    let mut violations = Vec::new();
    for path in repository.paths() {
        for part in path.split('/') {
            // Folders and sources; a list of common passwords may be called what it is.
            let (stem, end) = part.split_once('.').unwrap_or((part, ""));
            if !["", "rs", "py", "sh"].contains(&end) {
                continue;
            }
            if DRAWERS.contains(&stem.to_lowercase().as_str()) {
                let says = format!("`{stem}` says nothing: name it by what it does");
                violations.push(Violation::new(path, 1, says));
            }
        }
        if path.ends_with("/mod.rs") {
            violations.push(Violation::new(path, 1, "write `cart.rs` beside `cart/`, no `mod.rs`"));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::said;

    #[test]
    fn drawers_and_mod_files_are_named() {
        let repository = Repository::of(&[
            ("shared/store/src/utils.rs", ""),
            ("shared/store/src/cart/mod.rs", ""),
            ("functions/cart/src/helpers/money.rs", ""),
            ("shared/domain/src/commonwealth.rs", ""),
            ("shared/domain/src/password/common.txt", ""),
        ]);
        assert_eq!(
            said(&check(&repository)),
            [
                "functions/cart/src/helpers/money.rs:1: `helpers` says nothing: \
             name it by what it does",
                "shared/store/src/cart/mod.rs:1: write `cart.rs` beside `cart/`, no `mod.rs`",
                "shared/store/src/utils.rs:1: `utils` says nothing: name it by what it does",
            ]
        );
    }
}
