//! What is in the deployed functions: every crate that a binary of `functions/` links, as
//! `Cargo.lock` has it, for both processors that they are built for.
//!
//! What only builds, only tests, or only runs on a laptop is no part of it. Crates that build
//! scripts use are none either; what macros are made of is: to cargo it is a plain dependency.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::Outcome;
use crate::repository;

/// The machines that functions run on. Asked for both, the answer is the same wherever one asks.
const TARGETS: [&str; 2] = ["aarch64-unknown-linux-gnu", "x86_64-unknown-linux-gnu"];

/// A crate that is deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Crate {
    /// Its name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// Its licence as it says itself, in SPDX's words.
    pub(crate) licence: String,
    /// Where its source is kept.
    pub(crate) repository: Option<String>,
    /// Where its files lie on this machine.
    pub(crate) folder: PathBuf,
    /// Whether it is one of the workspace.
    pub(crate) is_ours: bool,
    /// The SHA-256 of what the registry sent, in hex; ours have none.
    pub(crate) checksum: Option<String>,
    /// The names and versions of what it uses, in order.
    pub(crate) uses: Vec<(String, String)>,
}

/// All of them, by name and version.
pub(crate) fn read(root: &Path) -> Outcome<Vec<Crate>> {
    let mut command = Command::new(repository::cargo());
    command.args(["metadata", "--format-version", "1", "--locked", "--quiet"]);
    for target in TARGETS {
        command.args(["--filter-platform", target]);
    }
    let output = command.current_dir(root).output()?;
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let lock = std::fs::read_to_string(root.join("Cargo.lock"))?;
    of(&metadata, &lock).ok_or_else(|| "cargo metadata is not shaped as expected".into())
}

fn of(metadata: &Value, lock: &str) -> Option<Vec<Crate>> {
    let checksums = checksums(lock);
    let by_id = |list: &'static str| {
        move |within: &'_ Value| -> Option<BTreeMap<String, Value>> {
            let each = within.get(list)?.as_array()?.iter();
            each.map(|one| Some((one.get("id")?.as_str()?.to_owned(), one.clone()))).collect()
        }
    };
    let packages = by_id("packages")(metadata)?;
    let nodes = by_id("nodes")(metadata.get("resolve")?)?;
    let mut wanted: Vec<String> = packages
        .iter()
        .filter(|(_, package)| is_function(package))
        .map(|(id, _)| id.clone())
        .collect();
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    while let Some(id) = wanted.pop() {
        if !seen.insert(id.clone()) {
            continue;
        }
        let needed = linked(nodes.get(&id)?)?;
        let mut uses: Vec<(String, String)> =
            needed.iter().map(|id| name_of(packages.get(id)?)).collect::<Option<_>>()?;
        uses.sort();
        wanted.extend(needed);
        let package = packages.get(&id)?;
        let (name, version) = name_of(package)?;
        let text = |key: &str| package.get(key).and_then(Value::as_str).map(str::to_owned);
        found.push(Crate {
            checksum: checksums.get(&(name.clone(), version.clone())).cloned(),
            licence: text("license").unwrap_or_default().replace('/', " OR "),
            repository: text("repository"),
            folder: Path::new(package.get("manifest_path")?.as_str()?).parent()?.to_path_buf(),
            is_ours: package.get("source")?.is_null(),
            name,
            version,
            uses,
        });
    }
    found.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    Some(found)
}

/// Whether it is a crate of `functions/`.
fn is_function(package: &Value) -> bool {
    let manifest = package.get("manifest_path").and_then(Value::as_str).unwrap_or_default();
    let is_ours = package.get("source").is_some_and(Value::is_null);
    is_ours
        && Path::new(manifest)
            .components()
            .rev()
            .nth(2)
            .is_some_and(|folder| folder.as_os_str() == "functions")
}

/// The ids of what a node links: plain dependencies, not those of tests and build scripts.
fn linked(node: &Value) -> Option<Vec<String>> {
    let mut ids = Vec::new();
    for one in node.get("deps")?.as_array()? {
        let kinds = one.get("dep_kinds")?.as_array()?;
        if kinds.iter().any(|kind| kind.get("kind").is_some_and(Value::is_null)) {
            ids.push(one.get("pkg")?.as_str()?.to_owned());
        }
    }
    Some(ids)
}

fn name_of(package: &Value) -> Option<(String, String)> {
    let text = |key: &str| Some(package.get(key)?.as_str()?.to_owned());
    Some((text("name")?, text("version")?))
}

/// The checksums of the lock file, by name and version.
fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let mut found = BTreeMap::new();
    for block in lock.split("[[package]]").skip(1) {
        let value = |key: &str| {
            let line = block.lines().find_map(|line| line.strip_prefix(key))?;
            Some(line.strip_prefix(" = \"")?.strip_suffix('"')?.to_owned())
        };
        if let (Some(name), Some(version), Some(checksum)) =
            (value("name"), value("version"), value("checksum"))
        {
            found.insert((name, version), checksum);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(name: &str, folder: &str, source: &Value) -> Value {
        json!({"id": name, "name": name, "version": "1.0.0", "license": "MIT/Apache-2.0",
            "repository": null, "source": source,
            "manifest_path": format!("/x/{folder}/Cargo.toml")})
    }

    fn node(name: &str, uses: &[(&str, Value)]) -> Value {
        let deps: Vec<Value> = uses
            .iter()
            .map(|(name, kind)| json!({"pkg": name, "dep_kinds": [{"kind": kind}]}))
            .collect();
        json!({"id": name, "deps": deps})
    }

    fn tree() -> Value {
        let away = json!("registry+https://example.org");
        let plain = Value::Null;
        json!({
            "packages": [
                package("cart", "functions/cart", &plain), package("local", "infra/local", &plain),
                package("serde", "r/serde-1.0.0", &away), package("cc", "r/cc-1.0.0", &away),
                package("proptest", "r/proptest-1.0.0", &away), package("clap", "r/clap", &away),
            ],
            "resolve": {"nodes": [
                node("cart", &[("serde", plain.clone()), ("proptest", json!("dev"))]),
                node("local", &[("clap", plain.clone()), ("cart", plain.clone())]),
                node("serde", &[("cc", json!("build"))]),
                node("cc", &[]), node("proptest", &[]), node("clap", &[]),
            ]},
        })
    }

    const LOCK: &str = "[[package]]\nname = \"cart\"\nversion = \"1.0.0\"\n\n[[package]]\n\
        name = \"serde\"\nversion = \"1.0.0\"\nsource = \"x\"\nchecksum = \"abc\"\n";

    #[test]
    fn what_functions_link_is_shipped_and_nothing_else() {
        let crates = of(&tree(), LOCK).unwrap();
        let names: Vec<&str> = crates.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["cart", "serde"]);
        let [cart, serde] = crates.as_slice() else { panic!("two") };
        assert!(cart.is_ours && !serde.is_ours);
        assert_eq!(cart.uses, [("serde".to_owned(), "1.0.0".to_owned())]);
        assert_eq!((cart.checksum.as_deref(), serde.checksum.as_deref()), (None, Some("abc")));
        assert_eq!(serde.licence, "MIT OR Apache-2.0");
    }
}
