//! `cargo xtask package`: everything that a deployment uploads, in one folder.
//!
//! One zip per domain, with its binary as `bootstrap`; the templates, led to those zips; the bill
//! of materials; and `packages.json`, which says what each is and for which processor. What was
//! packaged once goes to staging, is tried there, and goes to production: nothing is built twice.
//! See `docs/decisions/0072-built-once-and-deployed-as-it-was-tried.md`.
//!
//! Invariants: the same sources and compiler make the same zips; a binary that would not start in
//! the cloud, or a zip that is too large, ends the chore with a failure, and `packages.json` says
//! so: `.ci/deploy` refuses them. A rehearsal on this machine takes them nevertheless.

mod elf;
mod zip;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::repository::{self, Repository};
use crate::sbom::{self, Made};
use crate::{Outcome, shipped};

/// Where all of it lies, relative to the root.
const FOLDER: &str = "target/package";
/// Where the templates look for code, as they stand in the tree: `sam build` would want that.
const CODE: &str = "    CodeUri: ../../\n";
/// A third more than the largest has: what is larger grew by something that nobody looked at. What
/// is small loads sooner when somebody waits for a cold start; three megabytes were hoped for
/// (docs/performance.md says what there is).
const ZIP_MAX: usize = 18 * 1024 * 1024;

const HELP: &str = "package takes nothing, `--arm64` or `--x86-64` for another processor than \
    this one's, `--plain` to build with cargo alone, or `--built FOLDER` for binaries that are \
    there already";

/// How the binaries are made.
#[derive(Debug, PartialEq, Eq)]
enum Build<'a> {
    /// By cargo-lambda, which links against an old C library; with these words of its own.
    Lambda(Option<&'a str>),
    /// By cargo alone: right on Amazon Linux 2023, and for measuring.
    Plain,
    /// They lie there: as `FOLDER/<binary>`.
    Built(&'a str),
}

impl<'a> Build<'a> {
    fn of(arguments: &[&'a str]) -> Outcome<Self> {
        match arguments {
            [] => Ok(Self::Lambda(None)),
            [target @ ("--arm64" | "--x86-64")] => Ok(Self::Lambda(Some(target))),
            ["--plain"] => Ok(Self::Plain),
            ["--built", folder] => Ok(Self::Built(folder)),
            other => Err(format!("{HELP}, not {other:?}").into()),
        }
    }

    /// The words after `cargo` that build them: no package is named, because a crate of the
    /// registry may have the name of one of ours. Who is left out turns on features that nobody
    /// ships.
    fn words(&self, binaries: &[String], left_out: &[String]) -> Option<Vec<String>> {
        let mut words: Vec<String> = match self {
            // cargo-lambda would set link-time optimisation and `panic = "abort"` by itself: the
            // profile in Cargo.toml is what was measured.
            Self::Lambda(_) => vec!["lambda".into(), "build".into()],
            Self::Plain => vec!["build".into()],
            Self::Built(_) => return None,
        };
        words.extend(["--release".to_owned(), "--locked".to_owned()]);
        if let Self::Lambda(target) = self {
            words.push("--disable-optimizations".to_owned());
            words.extend(target.map(str::to_owned));
        }
        words.push("--workspace".to_owned());
        for package in left_out {
            words.extend(["--exclude".to_owned(), package.clone()]);
        }
        for binary in binaries {
            words.extend(["--bin".to_owned(), binary.clone()]);
        }
        Some(words)
    }

    /// Where a binary lies then.
    fn place(&self, root: &Path, binary: &str) -> std::path::PathBuf {
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| root.join("target"), |folder| root.join(folder));
        match self {
            Self::Lambda(_) => target.join("lambda").join(binary).join("bootstrap"),
            Self::Plain => target.join("release").join(binary),
            Self::Built(folder) => root.join(folder).join(binary),
        }
    }
}

/// A zip, and what is in it.
#[derive(Debug, PartialEq, Eq)]
struct Package {
    binary: String,
    architecture: &'static str,
    bytes: usize,
    zip_bytes: usize,
    sha256: String,
    /// Why it would not start in the cloud.
    flaw: Option<String>,
}

/// Builds and packs; prints what came of it.
pub(crate) fn package(arguments: &[&str]) -> Outcome<bool> {
    let build = Build::of(arguments)?;
    let root = repository::root()?;
    let templates = templates(&Repository::read(&root)?)?;
    let binaries = templates.binaries();
    if let Some(words) = build.words(&binaries, &tools(&root)?) {
        let status = Command::new(repository::cargo()).args(words).current_dir(&root).status()?;
        if !status.success() {
            return Err("the binaries could not be built".into());
        }
    }
    let folder = root.join(FOLDER);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    for (path, text) in &templates.texts {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap_or(&folder))?;
        fs::write(path, text)?;
    }
    let mut packages = Vec::new();
    for binary in binaries {
        let place = build.place(&root, &binary);
        let content = fs::read(&place).map_err(|error| format!("{}: {error}", place.display()))?;
        let (package, zip) = pack(&binary, &content)?;
        fs::write(folder.join(format!("{binary}.zip")), zip)?;
        packages.push(package);
    }
    let commit = git(&root, &["rev-parse", "HEAD"]);
    let at = git(&root, &["log", "-1", "--format=%cI"]);
    let made: Vec<Made> = packages
        .iter()
        .map(|one| Made { binary: one.binary.clone(), sha256: one.sha256.clone() })
        .collect();
    let version = env!("CARGO_PKG_VERSION");
    let bill = sbom::document(&shipped::read(&root)?, &made, version, at.as_deref());
    write(&folder.join("sbom.cdx.json"), &bill)?;
    write(&folder.join("packages.json"), &list(&packages, version, commit.as_deref())?)?;
    print!("{}", table(&packages));
    let flaws = flaws(&packages);
    for flaw in &flaws {
        println!("{flaw}");
    }
    println!("package: {} zips, templates and bill of materials in {FOLDER}", packages.len());
    Ok(flaws.is_empty())
}

/// The packages that play the cloud or keep the house: each is called like its folder.
fn tools(root: &Path) -> Outcome<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root.join("infra"))? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").exists() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn write(path: &Path, value: &Value) -> Outcome<()> {
    Ok(fs::write(path, format!("{}\n", serde_json::to_string_pretty(value)?))?)
}

/// What git says, if it is there.
fn git(root: &Path, words: &[&str]) -> Option<String> {
    let output = Command::new("git").args(words).current_dir(root).output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !said.is_empty()).then_some(said)
}

fn pack(binary: &str, content: &[u8]) -> Outcome<(Package, Vec<u8>)> {
    let needs = elf::read(content).map_err(|flaw| format!("{binary}: {flaw}"))?;
    let zip = zip::of_one("bootstrap", content)?;
    let sha256 = Sha256::digest(&zip).iter().map(|byte| format!("{byte:02x}")).collect();
    let package = Package {
        binary: binary.to_owned(),
        architecture: needs.architecture,
        bytes: content.len(),
        zip_bytes: zip.len(),
        sha256,
        flaw: needs.flaw(),
    };
    Ok((package, zip))
}

/// What `packages.json` says. All functions of a deployment are for one processor.
fn list(packages: &[Package], version: &str, commit: Option<&str>) -> Outcome<Value> {
    let architecture = packages.first().map(|one| one.architecture).ok_or("nothing was packed")?;
    if let Some(other) = packages.iter().find(|one| one.architecture != architecture) {
        let Package { binary, architecture: its, .. } = other;
        return Err(format!("{binary} is for {its}, the others are for {architecture}").into());
    }
    let each = packages.iter().map(|one| {
        json!({"binary": one.binary, "zip": format!("{}.zip", one.binary), "bytes": one.bytes,
            "zip_bytes": one.zip_bytes, "sha256": one.sha256})
    });
    Ok(json!({"version": version, "commit": commit, "architecture": architecture,
        "packages": each.collect::<Vec<_>>(), "flaws": flaws(packages)}))
}

fn table(packages: &[Package]) -> String {
    let mut text = format!("{:<16} {:>12} {:>12}\n", "package", "binary", "zip");
    for one in packages {
        let _ = writeln!(text, "{:<16} {:>12} {:>12}", one.binary, one.bytes, one.zip_bytes);
    }
    let sum = |of: fn(&Package) -> usize| packages.iter().map(of).sum::<usize>();
    let (bytes, zips) = (sum(|one| one.bytes), sum(|one| one.zip_bytes));
    let _ = writeln!(text, "{:<16} {bytes:>12} {zips:>12}", "together");
    text
}

fn flaws(packages: &[Package]) -> Vec<String> {
    let large = packages.iter().filter(|one| one.zip_bytes > ZIP_MAX);
    let large = large
        .map(|one| format!("{}.zip: {} bytes, more than {ZIP_MAX}", one.binary, one.zip_bytes));
    let stillborn = packages.iter().filter_map(|one| {
        let flaw = one.flaw.as_ref()?;
        Some(format!("{}: {flaw}", one.binary))
    });
    large.chain(stillborn).collect()
}

/// The templates as they are deployed, and which binary each of them runs.
#[derive(Debug, Default)]
struct Templates {
    texts: BTreeMap<String, String>,
    binaries: BTreeMap<String, String>,
}

impl Templates {
    /// Each once; a domain may have several templates.
    fn binaries(&self) -> Vec<String> {
        let mut binaries: Vec<String> = self.binaries.values().cloned().collect();
        binaries.sort();
        binaries.dedup();
        binaries
    }
}

/// Every template of the tree, with the code of functions led to the zips beside them.
fn templates(repository: &Repository) -> Outcome<Templates> {
    let mut templates = Templates::default();
    for (path, text) in repository.texts(".yaml") {
        if !text.starts_with("AWSTemplateFormatVersion") {
            continue;
        }
        let Some(binary) = binary(path, text)? else {
            templates.texts.insert(path.to_owned(), text.to_owned());
            continue;
        };
        if text.matches("CodeUri:").count() != 1 || !text.contains(CODE) {
            let says = "its functions share one `CodeUri: ../../`, under Globals";
            return Err(format!("{path}: {says}").into());
        }
        let code = format!("    CodeUri: ../../{binary}.zip\n");
        templates.texts.insert(path.to_owned(), text.replace(CODE, &code));
        templates.binaries.insert(path.to_owned(), binary);
    }
    if templates.binaries.is_empty() {
        return Err("no template has functions".into());
    }
    Ok(templates)
}

/// The one binary that the functions of a template run, if it has any.
fn binary(path: &str, text: &str) -> Outcome<Option<String>> {
    let names = text.lines().filter_map(|line| line.trim().strip_prefix("Binary: "));
    let mut names: Vec<&str> = names.collect();
    let functions = text.matches("Type: AWS::Serverless::Function\n").count();
    if names.len() != functions {
        return Err(format!("{path}: {functions} functions, {} name a binary", names.len()).into());
    }
    names.dedup();
    match names.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some((*one).to_owned())),
        several => Err(format!("{path}: its functions run several binaries: {several:?}").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CART: &str = "AWSTemplateFormatVersion: 2010-09-09\nGlobals:\n  Function:\n\
        \x20   CodeUri: ../../\nResources:\n  View:\n    Type: AWS::Serverless::Function\n\
        \x20   Metadata:\n      BuildProperties:\n        Binary: cart\n";
    const ROOT: &str = "AWSTemplateFormatVersion: 2010-09-09\nResources: {}\n";

    fn of(files: &[(&str, &str)]) -> Outcome<Templates> {
        templates(&Repository::of(files))
    }

    fn made(binary: &str, architecture: &'static str, zip_bytes: usize) -> Package {
        let (binary, sha256) = (binary.to_owned(), "ab".repeat(32));
        Package { binary, architecture, bytes: 2 * zip_bytes, zip_bytes, sha256, flaw: None }
    }

    #[test]
    fn templates_are_led_to_the_zip_of_their_binary() {
        let more = CART.replace("View", "Add");
        let files = [
            ("template.yaml", ROOT),
            ("functions/cart/template.yaml", CART),
            ("functions/cart/more.yaml", more.as_str()),
            (".github/dependabot.yaml", "version: 2\n"),
        ];
        let templates = of(&files).unwrap();
        assert_eq!(templates.binaries(), ["cart"]);
        assert_eq!(templates.texts.len(), 3);
        assert_eq!(templates.texts["template.yaml"], ROOT);
        assert!(templates.texts["functions/cart/more.yaml"].contains("CodeUri: ../../cart.zip\n"));
    }

    #[test]
    fn a_template_that_would_be_deployed_with_the_wrong_code_is_refused() {
        for (find, replace, says) in [
            ("    CodeUri: ../../\n", "    CodeUri: ../\n", "its functions share one `CodeUri"),
            ("    CodeUri: ../../\n", "", "its functions share one `CodeUri"),
            ("        Binary: cart\n", "", "1 functions, 0 name a binary"),
        ] {
            let text = CART.replace(find, replace);
            let refusal = of(&[("functions/cart/template.yaml", &text)]).unwrap_err().to_string();
            assert!(refusal.contains(says), "{refusal}");
        }
        let two = format!("{CART}{}", CART.split_once("Resources:\n").unwrap().1).replacen(
            "Binary: cart",
            "Binary: orders",
            1,
        );
        let refusal = of(&[("functions/cart/template.yaml", &two)]).unwrap_err().to_string();
        assert!(refusal.contains("several binaries"), "{refusal}");
        assert_eq!(of(&[("a.yaml", ROOT)]).unwrap_err().to_string(), "no template has functions");
    }

    #[test]
    fn every_domain_of_this_tree_can_be_packaged() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let templates = templates(&Repository::read(&root).unwrap()).unwrap();
        let mut domains: Vec<String> = fs::read_dir(root.join("functions"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        domains.sort();
        assert_eq!(templates.binaries(), domains);
        assert!(templates.texts.contains_key("template.yaml"));
        assert!(templates.texts.contains_key("infra/storage.yaml"));
    }

    #[test]
    fn a_zip_that_is_too_large_is_named() {
        let packages = [made("cart", "arm64", ZIP_MAX), made("orders", "arm64", ZIP_MAX + 1)];
        assert_eq!(flaws(&packages), ["orders.zip: 18874369 bytes, more than 18874368"]);
        assert!(table(&packages).ends_with("together             75497474     37748737\n"));
    }

    #[test]
    fn packages_for_two_processors_are_no_deployment() {
        let refusal = list(&[made("cart", "arm64", 1), made("orders", "x86_64", 1)], "0.1.0", None)
            .unwrap_err()
            .to_string();
        assert_eq!(refusal, "orders is for x86_64, the others are for arm64");
        let said = list(&[made("cart", "arm64", 1)], "0.1.0", Some("abc")).unwrap();
        assert_eq!((&said["architecture"], &said["commit"]), (&json!("arm64"), &json!("abc")));
    }

    #[test]
    fn packages_with_a_binary_that_would_not_start_say_so() {
        let mut binary = b"\x7fELF\x02\x01\x01".to_vec();
        binary.resize(18, 0);
        binary.extend([0xb7, 0]);
        let (package, zip) = pack("cart", &binary).unwrap();
        assert_eq!((package.architecture, package.zip_bytes), ("arm64", zip.len()));
        binary.extend(b"GLIBC_2.38\0");
        let (package, _) = pack("cart", &binary).unwrap();
        let said = list(&[package], "0.1.0", None).unwrap();
        let flaw = said["flaws"][0].as_str().unwrap();
        assert!(flaw.starts_with("cart: it asks for glibc 2.38"), "{flaw}");
        let refusal = pack("cart", b"#!/bin/sh").unwrap_err().to_string();
        assert_eq!(refusal, "cart: it is no 64-bit Linux binary");
    }

    #[test]
    fn binaries_are_built_with_the_measured_profile_all_at_once() {
        let both = ["cart".to_owned(), "orders".to_owned()];
        let words = |arguments: &[&str]| {
            let left_out = ["local".to_owned()];
            Build::of(arguments).unwrap().words(&both, &left_out).map(|words| words.join(" "))
        };
        let each = "--workspace --exclude local --bin cart --bin orders";
        let lambda = "lambda build --release --locked --disable-optimizations";
        assert_eq!(words(&[]).unwrap(), format!("{lambda} {each}"));
        assert_eq!(words(&["--arm64"]).unwrap(), format!("{lambda} --arm64 {each}"));
        assert_eq!(words(&["--plain"]).unwrap(), format!("build --release --locked {each}"));
        assert_eq!(words(&["--built", "x"]), None);
        assert!(Build::of(&["--target"]).is_err());
    }

    #[test]
    fn what_plays_the_cloud_is_left_out_of_what_is_shipped() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let names = tools(&root).unwrap();
        assert!(names.contains(&"local".to_owned()) && names.contains(&"xtask".to_owned()));
        for name in names {
            let manifest = root.join("infra").join(&name).join("Cargo.toml");
            let text = fs::read_to_string(manifest).unwrap();
            assert!(text.contains(&format!("name = \"{name}\"\n")), "{name}");
        }
    }
}
