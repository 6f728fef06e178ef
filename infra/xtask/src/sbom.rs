//! The bill of materials of a release, in CycloneDX 1.6: every crate of the deployed functions with
//! its version, checksum and licence, who uses whom, and the packages that came of it.
//!
//! Invariants: the same tree gives the same document; each reference leads to a component; nothing
//! that only builds or tests is in it (see `shipped`).

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::shipped::Crate;

/// A package that was made: its name and the SHA-256 of its zip, in hex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Made {
    /// The binary's name, which is the domain's.
    pub(crate) binary: String,
    /// Of the zip.
    pub(crate) sha256: String,
}

/// The document. `at` is the time of the commit (RFC 3339), if it is known.
pub(crate) fn document(
    crates: &[Crate],
    packages: &[Made],
    version: &str,
    at: Option<&str>,
) -> Value {
    let release = format!("fluxion@{version}");
    let own = json!({"license": {"id": "Apache-2.0"}});
    let mut metadata = json!({
        "component": {"type": "application", "bom-ref": release, "name": "fluxion",
            "version": version, "licenses": [own]},
        "tools": {"components": [
            {"type": "application", "name": "cargo xtask package", "version": version},
        ]},
    });
    if let (Some(at), Some(metadata)) = (at, metadata.as_object_mut()) {
        metadata.insert("timestamp".to_owned(), json!(at));
    }
    let made = packages.iter().map(|one| {
        json!({"type": "application", "bom-ref": package_ref(&one.binary),
            "name": format!("{}.zip", one.binary), "version": version,
            "hashes": [{"alg": "SHA-256", "content": one.sha256}], "licenses": [own]})
    });
    let components: Vec<Value> = made.chain(crates.iter().map(component)).collect();
    let mut dependencies = vec![json!({
        "ref": release,
        "dependsOn": packages.iter().map(|one| package_ref(&one.binary)).collect::<Vec<_>>(),
    })];
    for one in packages {
        let domain = crates.iter().find(|each| each.is_ours && each.name == one.binary);
        let uses: Vec<String> = domain.map(reference).into_iter().collect();
        dependencies.push(json!({"ref": package_ref(&one.binary), "dependsOn": uses}));
    }
    for one in crates {
        let uses: Vec<String> = one
            .uses
            .iter()
            .filter_map(|used| crates.iter().find(|each| (&each.name, &each.version) == pair(used)))
            .map(reference)
            .collect();
        dependencies.push(json!({"ref": reference(one), "dependsOn": uses}));
    }
    let mut document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": metadata,
        "components": components,
        "dependencies": dependencies,
    });
    let number = serial_number(&document.to_string());
    if let Some(document) = document.as_object_mut() {
        document.insert("serialNumber".to_owned(), json!(number));
    }
    document
}

fn pair((name, version): &(String, String)) -> (&String, &String) {
    (name, version)
}

fn package_ref(binary: &str) -> String {
    format!("{binary}.zip")
}

/// What others call a crate by: its address in the registry, or its place with us.
fn reference(one: &Crate) -> String {
    let Crate { name, version, is_ours, .. } = one;
    if *is_ours { format!("fluxion/{name}@{version}") } else { purl(name, version) }
}

fn purl(name: &str, version: &str) -> String {
    // Of all that versions of crates hold, a package URL only wants `+` written otherwise.
    format!("pkg:cargo/{name}@{}", version.replace('+', "%2B"))
}

fn component(one: &Crate) -> Value {
    let Crate { name, version, licence, repository, checksum, is_ours, .. } = one;
    let mut component = json!({"type": "library", "bom-ref": reference(one), "name": name,
        "version": version, "licenses": [{"expression": licence}]});
    let Some(fields) = component.as_object_mut() else { return component };
    if !is_ours {
        fields.insert("purl".to_owned(), json!(purl(name, version)));
    }
    if let Some(checksum) = checksum {
        fields.insert("hashes".to_owned(), json!([{"alg": "SHA-256", "content": checksum}]));
    }
    if let Some(address) = repository.as_deref().filter(|at| at.starts_with("https://")) {
        let vcs = json!([{"type": "vcs", "url": address}]);
        fields.insert("externalReferences".to_owned(), vcs);
    }
    component
}

/// A number that follows from the document, in the form of a UUID of one's own making (version 8).
fn serial_number(text: &str) -> String {
    let hex: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default().to_owned();
    let (head, tail) = ((part(0, 8), part(8, 12)), (part(17, 20), part(20, 32)));
    format!("urn:uuid:{}-{}-8{}-8{}-{}", head.0, head.1, part(13, 16), tail.0, tail.1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::shipped;

    fn of(name: &str, is_ours: bool, uses: &[&str]) -> Crate {
        Crate {
            name: name.to_owned(),
            version: "1.0.0+a".to_owned(),
            licence: "MIT OR Apache-2.0".to_owned(),
            repository: Some("https://example.org/x".to_owned()),
            folder: PathBuf::new(),
            is_ours,
            checksum: (!is_ours).then(|| "ab".repeat(32)),
            uses: uses.iter().map(|name| ((*name).to_owned(), "1.0.0+a".to_owned())).collect(),
        }
    }

    fn cart() -> Made {
        Made { binary: "cart".to_owned(), sha256: "cd".repeat(32) }
    }

    /// What the schema of CycloneDX 1.6 asks of what we write, and that references lead somewhere.
    fn assert_valid(document: &Value) {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let is_hex = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        assert_eq!(document["bomFormat"], "CycloneDX");
        assert_eq!(document["specVersion"], "1.6");
        assert!(document["version"].as_u64().unwrap() >= 1);
        let number = text(&document["serialNumber"]);
        let number = number.strip_prefix("urn:uuid:").unwrap();
        let parts: Vec<usize> = number.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
        assert!(number.split('-').all(is_hex));
        let mut refs = BTreeSet::from([text(&document["metadata"]["component"]["bom-ref"])]);
        for one in document["components"].as_array().unwrap() {
            assert!(["application", "library"].contains(&one["type"].as_str().unwrap()));
            assert!(!text(&one["name"]).is_empty() && !text(&one["version"]).is_empty());
            assert!(refs.insert(text(&one["bom-ref"])), "{one} stands twice");
            for licence in one["licenses"].as_array().unwrap() {
                let is_one = licence["expression"].is_string() ^ licence["license"].is_object();
                assert!(is_one && licence["expression"] != "", "{one}");
            }
            for hash in one["hashes"].as_array().into_iter().flatten() {
                let content = text(&hash["content"]);
                assert!(hash["alg"] == "SHA-256" && content.len() == 64 && is_hex(&content));
            }
            if let Some(purl) = one.get("purl") {
                assert!(text(purl).starts_with("pkg:cargo/") && !text(purl).contains('+'));
                assert!(one["hashes"].is_array(), "{one} was fetched, so its checksum is known");
            }
        }
        let mut told = BTreeSet::new();
        for one in document["dependencies"].as_array().unwrap() {
            assert!(refs.contains(&text(&one["ref"])), "{one}");
            assert!(told.insert(text(&one["ref"])), "{one} stands twice");
            let uses: Vec<String> = one["dependsOn"].as_array().unwrap().iter().map(text).collect();
            assert!(uses.iter().all(|used| refs.contains(used)), "{one}");
            assert_eq!(uses.iter().collect::<BTreeSet<_>>().len(), uses.len(), "{one}");
        }
        assert_eq!(told, refs);
    }

    #[test]
    fn a_bill_names_what_is_in_it_and_who_uses_whom() {
        let crates = [of("cart", true, &["serde"]), of("serde", false, &[])];
        let bill = document(&crates, &[cart()], "0.1.0", Some("2026-11-22T10:00:00+01:00"));
        assert_valid(&bill);
        let uses = |at: usize| bill["dependencies"][at]["dependsOn"].to_string();
        assert_eq!(uses(0), r#"["cart.zip"]"#);
        assert_eq!(uses(1), r#"["fluxion/cart@1.0.0+a"]"#);
        assert_eq!(uses(2), r#"["pkg:cargo/serde@1.0.0%2Ba"]"#);
    }

    #[test]
    fn the_same_tree_has_the_same_number_and_another_has_another() {
        let crates = [of("cart", true, &[])];
        let bill = |version| document(&crates, &[cart()], version, None);
        assert_eq!(bill("1.0.0"), bill("1.0.0"));
        assert_ne!(bill("1.0.0")["serialNumber"], bill("1.0.1")["serialNumber"]);
    }

    #[test]
    fn the_bill_of_this_tree_is_valid_and_every_crate_says_its_licence() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let crates = shipped::read(&root).unwrap();
        assert!(crates.len() > 100, "{}", crates.len());
        let bill = document(&crates, &[cart()], "0.1.0", None);
        assert_valid(&bill);
        assert!(crates.iter().all(|one| !one.licence.is_empty()));
        assert!(crates.iter().any(|one| one.name == "aws-sdk-dynamodb"));
        assert!(crates.iter().all(|one| !["proptest", "local"].contains(&one.name.as_str())));
    }
}
