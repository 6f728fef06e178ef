//! The front door: each request is led to the domain that answers it.

use std::collections::BTreeSet;
use std::path::Path;

use serde_yaml_ng::Value;
use templates::Trigger;

use crate::shop::shop;

/// CloudFront takes no more patterns than these, with the one for the rest.
const BEHAVIORS_MAX: usize = 75;

/// A row of the front door: pattern, origin, whether answers may be kept.
struct Behavior {
    pattern: String,
    origin: String,
    is_kept: bool,
}

fn behaviors() -> Vec<Behavior> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../edge.yaml");
    let edge: Value = serde_yaml_ng::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let door = ["Resources", "Door", "Properties", "DistributionConfig"]
        .iter()
        .fold(&edge, |at, name| at.get(*name).unwrap());
    let list = |name: &str| door.get(name).unwrap().as_sequence().unwrap();
    let text = |row: &Value, name: &str| row.get(name).unwrap().as_str().unwrap().to_owned();
    let origins: BTreeSet<String> =
        list("Origins").iter().map(|origin| text(origin, "Id")).collect();
    let rows = list("CacheBehaviors").iter().map(|row| {
        let origin = text(row, "TargetOriginId");
        assert!(origins.contains(&origin), "there is no origin {origin}");
        // `!Ref Kept`; the policy that keeps nothing is CloudFront's own.
        let policy = row.get("CachePolicyId").unwrap();
        let is_kept = matches!(policy, Value::Tagged(policy) if policy.value == "Kept");
        Behavior { pattern: text(row, "PathPattern"), origin, is_kept }
    });
    rows.collect()
}

/// Whether a path fits a pattern as CloudFront reads it: `*` is anything, slashes, too.
fn fits(pattern: &str, path: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap();
    let Some(mut rest) = path.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    true
}

/// Paths that a route answers: placeholders as ids, and as words that stand in other routes.
fn examples(route: &str) -> Vec<String> {
    ["ord_01ARZ3NDEKTSV4RRFFQ69G5FAV", "MUG-BLUE", "x"]
        .iter()
        .map(|value| {
            let parts =
                route.split('/').map(|part| if part.starts_with('{') { value } else { part });
            parts.collect::<Vec<_>>().join("/")
        })
        .collect()
}

#[test]
fn every_route_is_led_to_its_domain() {
    let behaviors = behaviors();
    let mut used = BTreeSet::new();
    let mut astray = Vec::new();
    for function in shop().functions {
        // Each domain's stack has an API of its own, and identity's two have two.
        let stack = &function.stack;
        for trigger in &function.triggers {
            let Trigger::Http { method, path } = trigger else { continue };
            // The route for all that fits no other.
            if path == "$default" {
                continue;
            }
            for example in examples(path) {
                let row = behaviors.iter().find(|row| fits(&row.pattern, &example));
                used.extend(row.map(|row| row.pattern.clone()));
                let led = row.map_or("nowhere", |row| row.origin.as_str());
                if led != stack {
                    astray.push(format!("{method} {example}: to {led} instead of {stack}"));
                }
            }
        }
    }
    assert_eq!(astray, Vec::<String>::new());
    let idle: Vec<&String> = behaviors
        .iter()
        .map(|row| &row.pattern)
        // The pictures, and what nobody answers: the platform says so.
        .filter(|pattern| !used.contains(*pattern) && pattern.as_str() != "/media/*")
        .collect();
    assert!(idle.is_empty(), "nothing is asked for under {idle:?}");
    assert!(behaviors.len() < BEHAVIORS_MAX, "{} patterns", behaviors.len());
}

/// Answers that are kept are everybody's: nothing of whoever asks is sent along for them.
#[test]
fn kept_are_public_answers_alone() {
    let contract = Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi.json");
    let contract: Value =
        serde_yaml_ng::from_str(&std::fs::read_to_string(contract).unwrap()).unwrap();
    let behaviors = behaviors();
    let mut kept = 0;
    for (path, methods) in contract["paths"].as_mapping().unwrap() {
        let path = path.as_str().unwrap();
        let Some(row) = behaviors.iter().find(|row| fits(&row.pattern, &examples(path)[0])) else {
            panic!("{path} is led nowhere")
        };
        for (method, operation) in methods.as_mapping().unwrap() {
            let asks =
                |credentials: &Value| credentials.as_mapping().is_some_and(|all| !all.is_empty());
            let is_public = !operation["security"].as_sequence().unwrap().iter().any(asks);
            if row.is_kept {
                kept += 1;
                assert!(
                    is_public,
                    "{method:?} {path} asks who it is, and is under {}",
                    row.pattern
                );
            }
        }
    }
    assert!(kept >= 6, "{kept}");
}

#[test]
fn a_star_is_anything() {
    assert!(fits("/v1/store/carts*", "/v1/store/carts"));
    assert!(fits("/v1/store/carts*", "/v1/store/carts/a/lines"));
    assert!(fits("/v1/store/carts/*/complete", "/v1/store/carts/a/complete"));
    assert!(!fits("/v1/store/carts/*/complete", "/v1/store/carts/a/complete/b"));
    assert!(!fits("/v1/hooks/stripe", "/v1/hooks/stripes"));
    assert!(fits("/v1/admin/orders/*/returns*", "/v1/admin/orders/a/returns/b/close"));
}
