//! Which crate may use which, and that every crate follows the workspace's lints.
//!
//! Arrows point towards `domain`. Cargo refuses circles; this refuses shortcuts.

use super::Violation;
use crate::repository::{Package, Repository, Use};

/// The crates that know one outside thing each, and `domain`, but not each other.
const EDGES: [&str; 12] = [
    "api",
    "carrier",
    "courier",
    "documents",
    "files",
    "gateway",
    "notify",
    "queue",
    "search",
    "secrets",
    "store",
    "texts",
];

/// Crates for tests and laptops, which must not know the code whose outside they play: a fake
/// that shares code with what it checks agrees with its mistakes.
const EMULATORS: [&str; 4] =
    ["infra/carrier-twin", "infra/stripe-twin", "infra/templates", "infra/wire"];

/// What is done with the bytes of strangers under a fuzzer: it knows whoever reads such bytes.
const FUZZED: &str = "infra/fuzz-bodies";

/// The crates of builders and invariants that only tests see.
const TESTKIT: &str = "shared/testkit";

pub(super) fn check(repository: &Repository, packages: &[Package]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for package in packages {
        let path = format!("{}/Cargo.toml", package.folder);
        let manifest = repository.text(&path).unwrap_or_default();
        if !manifest.contains("[lints]\nworkspace = true") {
            violations.push(Violation::new(&path, 1, "the workspace's lints are not inherited"));
        }
        for arrow in package.uses.iter().filter(|arrow| !is_allowed(package, arrow)) {
            let name = arrow.folder.rsplit('/').next().unwrap_or_default();
            let line = manifest
                .lines()
                .position(|line| line.starts_with(name))
                .map_or(1, |above| above + 1);
            let scope = if arrow.is_for_tests { " even in its tests" } else { "" };
            let says = format!("`{}` may not use `{}`{scope}", package.name, arrow.folder);
            violations.push(Violation::new(&path, line, says));
        }
    }
    violations
}

fn is_allowed(package: &Package, arrow: &Use) -> bool {
    let (from, to) = (package.folder.as_str(), arrow.folder.as_str());
    // Nothing stands on the two programs for people.
    if to == "infra/local" || to == "infra/xtask" {
        return false;
    }
    let is_shared = to.strip_prefix("shared/").is_some_and(|name| name != "testkit");
    let is_edge = to.strip_prefix("shared/").is_some_and(|name| EDGES.contains(&name));
    let is_for_tests = to == TESTKIT || EMULATORS.contains(&to);
    match from.split_once('/') {
        Some(("infra", "local" | "xtask")) => to != FUZZED,
        Some(("infra", "fuzz-bodies")) => is_shared || to.starts_with("functions/"),
        Some(("infra", _)) if EMULATORS.contains(&from) => EMULATORS.contains(&to),
        Some(("shared", "testkit")) => is_shared || EMULATORS.contains(&to),
        Some(("shared" | "functions", _)) if arrow.is_for_tests && is_for_tests => true,
        Some(("shared", "domain")) => false,
        Some(("shared", "runtime")) => to == "shared/domain" || is_edge,
        Some(("shared", name)) if EDGES.contains(&name) => to == "shared/domain",
        // Money and orders, brought together for the three functions that do so, and the papers
        // that tell a bank of both.
        Some(("shared", "settlement")) => {
            ["shared/domain", "shared/files", "shared/gateway", "shared/store"].contains(&to)
        }
        // The engine, the bucket and the queue, brought together for all that is searched.
        Some(("shared", "snapshots")) => {
            ["shared/domain", "shared/files", "shared/queue", "shared/search"].contains(&to)
        }
        Some(("functions", _)) => is_shared,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::said;

    fn allowed(from: &str, to: &str) -> bool {
        is(from, to, false)
    }

    fn is(from: &str, to: &str, is_for_tests: bool) -> bool {
        let arrow = Use { folder: to.to_owned(), is_for_tests };
        let name = from.rsplit('/').next().unwrap().to_owned();
        is_allowed(&Package { name, folder: from.to_owned(), uses: vec![] }, &arrow)
    }

    #[test]
    fn everything_but_the_domain_may_use_the_domain() {
        assert!(allowed("shared/store", "shared/domain"));
        assert!(allowed("functions/cart", "shared/domain"));
        assert!(!allowed("shared/domain", "shared/store"));
        assert!(!allowed("infra/wire", "shared/domain"));
    }

    #[test]
    fn edges_do_not_know_each_other() {
        assert!(!allowed("shared/store", "shared/api"));
        assert!(!allowed("shared/notify", "shared/queue"));
        assert!(!allowed("shared/api", "shared/runtime"));
        assert!(allowed("shared/runtime", "shared/gateway"));
    }

    #[test]
    fn functions_stand_side_by_side() {
        assert!(allowed("functions/cart", "shared/runtime"));
        assert!(!allowed("functions/cart", "functions/orders"));
        assert!(!is("functions/cart", "functions/orders", true));
    }

    #[test]
    fn what_is_for_tests_is_not_shipped() {
        for tool in ["shared/testkit", "infra/wire", "infra/stripe-twin", "infra/templates"] {
            assert!(!allowed("functions/cart", tool), "{tool}");
            assert!(!allowed("shared/runtime", tool), "{tool}");
            assert!(is("functions/cart", tool, true), "{tool}");
        }
    }

    #[test]
    fn nothing_uses_the_local_shop() {
        for from in ["shared/testkit", "functions/cart", "infra/wire", "infra/xtask"] {
            assert!(!is(from, "infra/local", true), "{from}");
        }
        assert!(allowed("infra/local", "functions/cart"));
    }

    #[test]
    fn what_is_fuzzed_knows_the_shop_and_nobody_knows_it() {
        assert!(allowed(FUZZED, "shared/api"));
        assert!(allowed(FUZZED, "functions/media"));
        assert!(!allowed(FUZZED, "infra/wire"));
        for from in ["infra/local", "infra/xtask", "functions/media", "shared/testkit"] {
            assert!(!is(from, FUZZED, true), "{from}");
        }
    }

    #[test]
    fn an_unknown_crate_must_be_given_its_place() {
        assert!(!allowed("shared/newcomer", "shared/domain"));
    }

    #[test]
    fn a_wrong_arrow_is_named_with_its_line() {
        let manifest = "[lints]\nworkspace = true\n[dependencies]\norders.workspace = true\n";
        let repository = Repository::of(&[("functions/cart/Cargo.toml", manifest)]);
        let arrow = Use { folder: "functions/orders".to_owned(), is_for_tests: false };
        let cart =
            Package { name: "cart".into(), folder: "functions/cart".into(), uses: vec![arrow] };
        assert_eq!(
            said(&check(&repository, &[cart])),
            ["functions/cart/Cargo.toml:4: `cart` may not use `functions/orders`"]
        );
    }
}
