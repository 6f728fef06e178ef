//! The Handler is the address: endpoint file, template and sample event go by one name.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Violation;
use crate::repository::Repository;

/// The folders of a domain crate in which every file is an endpoint.
const ENTRANCES: [&str; 4] = ["store", "admin", "hooks", "jobs"];

/// Where each Handler was seen.
type Seen = BTreeMap<String, (String, usize)>;

pub(super) fn check(repository: &Repository) -> Vec<Violation> {
    let mut violations = Vec::new();
    let files = files(repository);
    let stanzas = stanzas(repository, &mut violations);
    let events = events(repository, &mut violations);
    for (handler, (path, line)) in &files {
        if !stanzas.contains_key(handler) {
            let domain = handler.split('.').next().unwrap_or_default();
            let says = format!("functions/{domain}/template.yaml has no `Handler: {handler}`");
            violations.push(Violation::new(path, *line, says));
        }
    }
    for (handler, (path, line)) in &stanzas {
        // `<domain>.unknown` answers what no route fits: the runtime's own code, in no file here.
        let is_unknown = handler.split_once('.').is_some_and(|(_, rest)| rest == "unknown");
        if !files.contains_key(handler) && !is_unknown {
            let says = format!("`{handler}` has no file {}", file_of(handler));
            violations.push(Violation::new(path, *line, says));
        }
        if !events.contains_key(handler) {
            let says = format!("`{handler}` has no sample events/{handler}.json");
            violations.push(Violation::new(path, *line, says));
        }
    }
    for (handler, (path, line)) in &events {
        if !stanzas.contains_key(handler) {
            let says = format!("no template has a `Handler: {handler}`");
            violations.push(Violation::new(path, *line, says));
        }
    }
    violations
}

/// The endpoint files.
fn files(repository: &Repository) -> Seen {
    let handler = |path: &str| match path.split('/').collect::<Vec<_>>().as_slice() {
        ["functions", domain, "src", entrance, file] if ENTRANCES.contains(entrance) => {
            Some(format!("{domain}.{entrance}.{}", file.strip_suffix(".rs")?))
        }
        _ => None,
    };
    repository.paths().filter_map(|path| Some((handler(path)?, (path.to_owned(), 1)))).collect()
}

/// The Handlers in the templates, each in its own domain's.
fn stanzas(repository: &Repository, violations: &mut Vec<Violation>) -> Seen {
    let mut seen = Seen::new();
    for (path, text) in repository.texts(".yaml") {
        for (at, line) in text.lines().enumerate() {
            let Some(handler) = line.trim_start().strip_prefix("Handler:") else { continue };
            let handler = handler.split(" #").next().unwrap_or_default().trim();
            let domain = handler.split('.').next().unwrap_or_default();
            // A domain that one stack cannot hold has a second template beside the first.
            let folder = path.strip_prefix("functions/").and_then(|rest| rest.split_once('/'));
            if folder.is_none_or(|(folder, _)| folder != domain) {
                let says = format!("`{handler}` belongs in functions/{domain}/template.yaml");
                violations.push(Violation::new(path, at + 1, says));
            }
            if seen.insert(handler.to_owned(), (path.to_owned(), at + 1)).is_some() {
                let says = format!("`{handler}` is there twice");
                violations.push(Violation::new(path, at + 1, says));
            }
        }
    }
    seen
}

/// The sample events, each of which is JSON.
fn events(repository: &Repository, violations: &mut Vec<Violation>) -> Seen {
    let mut seen = Seen::new();
    for path in repository.paths() {
        let Some(name) = path.strip_prefix("events/") else { continue };
        let Some(handler) = name.strip_suffix(".json") else {
            violations.push(Violation::new(path, 1, "samples are named `<Handler>.json`"));
            continue;
        };
        if let Err(flaw) = serde_json::from_str::<Value>(repository.text(path).unwrap_or_default())
        {
            violations.push(Violation::new(path, flaw.line().max(1), format!("no JSON: {flaw}")));
        }
        seen.insert(handler.to_owned(), (path.to_owned(), 1));
    }
    seen
}

fn file_of(handler: &str) -> String {
    match handler.split('.').collect::<Vec<_>>().as_slice() {
        [domain, entrance, name] => format!("functions/{domain}/src/{entrance}/{name}.rs"),
        _ => "of the form <domain>.<entrance>.<endpoint>".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::said;

    const FILE: (&str, &str) = ("functions/cart/src/store/view.rs", "");
    const STANZA: (&str, &str) =
        ("functions/cart/template.yaml", "Resources:\n  Handler: cart.store.view # why\n");
    const EVENT: (&str, &str) = ("events/cart.store.view.json", "{}");

    fn all(files: &[(&str, &str)]) -> Vec<String> {
        said(&check(&Repository::of(files)))
    }

    #[test]
    fn three_of_a_name_are_well() {
        assert!(all(&[FILE, STANZA, EVENT]).is_empty());
    }

    #[test]
    fn each_miss_is_named() {
        assert_eq!(
            all(&[FILE]),
            ["functions/cart/src/store/view.rs:1: \
             functions/cart/template.yaml has no `Handler: cart.store.view`"]
        );
        assert_eq!(
            all(&[STANZA]),
            [
                "functions/cart/template.yaml:2: \
             `cart.store.view` has no file functions/cart/src/store/view.rs",
                "functions/cart/template.yaml:2: \
             `cart.store.view` has no sample events/cart.store.view.json",
            ]
        );
        assert_eq!(
            all(&[EVENT]),
            ["events/cart.store.view.json:1: no template has a `Handler: cart.store.view`"]
        );
    }

    #[test]
    fn a_handler_lives_in_its_domain_once() {
        let twice = "Handler: cart.store.view\nHandler: cart.store.view\n";
        let template = ("functions/orders/template.yaml", twice);
        assert_eq!(all(&[FILE, template, EVENT]).len(), 3);
    }

    #[test]
    fn a_domain_may_have_two_templates() {
        assert!(all(&[FILE, ("functions/cart/admin.yaml", STANZA.1), EVENT]).is_empty());
        assert_eq!(all(&[FILE, STANZA, ("functions/cart/admin.yaml", STANZA.1), EVENT]).len(), 1);
    }

    #[test]
    fn a_sample_that_is_no_json_is_named() {
        assert_eq!(all(&[FILE, STANZA, ("events/cart.store.view.json", "{")]).len(), 1);
    }

    #[test]
    fn other_files_of_a_crate_are_no_endpoints() {
        let others = [("functions/cart/src/price.rs", ""), ("functions/cart/src/lib.rs", "")];
        assert!(all(&others).is_empty());
    }
}
