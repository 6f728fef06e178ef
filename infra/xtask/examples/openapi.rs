//! `cargo xtask openapi`: the contract of the whole API, written from the code.
//!
//! Every domain's table of endpoints goes in; `infra/openapi.json` comes out, with sorted keys, so
//! that the same code writes the same bytes. It is an example and not part of the xtask's binary:
//! only this links every function, and `cargo xtask tidy` runs while one of them does not compile.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use api::openapi::Entry;
use runtime::Endpoint;
use serde_json::{Map, Value};

/// Where the contract lies, from the root.
const CONTRACT: &str = "infra/openapi.json";

/// How many differences are worth reading before one writes the file anew.
const DIFFERENCES_MAX: usize = 20;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        [] => write(),
        ["--check"] => check(),
        other => Err(format!("openapi takes nothing or `--check`, not {other:?}").into()),
    };
    match outcome {
        Ok(differences) if differences.is_empty() => ExitCode::SUCCESS,
        Ok(differences) => {
            for difference in differences.iter().take(DIFFERENCES_MAX) {
                println!("{CONTRACT}: {difference}");
            }
            let many = differences.len();
            println!("openapi: {many} differences; `cargo xtask openapi` writes it anew");
            ExitCode::from(1)
        }
        Err(reason) => {
            eprintln!("xtask: {reason}");
            ExitCode::from(2)
        }
    }
}

fn write() -> Result<Vec<String>, Box<dyn Error>> {
    let contract = contract();
    let text = format!("{}\n", serde_json::to_string_pretty(&contract)?);
    let paths = contract.get("paths").and_then(Value::as_object).map_or(0, Map::len);
    fs::write(file(), &text)?;
    println!("openapi: {paths} paths, {} bytes in {CONTRACT}", text.len());
    Ok(Vec::new())
}

fn check() -> Result<Vec<String>, Box<dyn Error>> {
    let contract = contract();
    let text = fs::read_to_string(file())?;
    let mut differences = Vec::new();
    compare(&serde_json::from_str(&text)?, &contract, "", &mut differences);
    if differences.is_empty() && text != format!("{}\n", serde_json::to_string_pretty(&contract)?) {
        differences.push("says the same, but was not written by this chore".to_owned());
    }
    Ok(differences)
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(CONTRACT)
}

/// The contract as the code has it.
fn contract() -> Value {
    let entries: Vec<Entry> = [
        of(cart::ENDPOINTS),
        of(catalog::ENDPOINTS),
        of(fulfillment::ENDPOINTS),
        of(checkout::ENDPOINTS),
        of(identity::ENDPOINTS),
        of(inventory::ENDPOINTS),
        of(media::ENDPOINTS),
        of(notifications::ENDPOINTS),
        of(orders::ENDPOINTS),
        of(payments::ENDPOINTS),
        of(platform::ENDPOINTS),
        of(promotions::ENDPOINTS),
        of(returns::ENDPOINTS),
        of(webhooks::ENDPOINTS),
    ]
    .concat();
    sorted(api::openapi::document(&entries))
}

fn of<A>(endpoints: &[Endpoint<A>]) -> Vec<Entry> {
    endpoints.iter().filter_map(Endpoint::entry).collect()
}

/// The same with sorted keys: whether `serde_json` keeps their order is a feature that any
/// dependency may switch on.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let map: BTreeMap<String, Value> = map.into_iter().collect();
            Value::Object(map.into_iter().map(|(key, value)| (key, sorted(value))).collect())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(sorted).collect()),
        plain => plain,
    }
}

/// Where the file and the code differ, as JSON pointers.
fn compare(file: &Value, code: &Value, at: &str, differences: &mut Vec<String>) {
    let (Value::Object(file_map), Value::Object(code_map)) = (file, code) else {
        if file != code {
            differences.push(format!("{at}: {} here, {} in the code", brief(file), brief(code)));
        }
        return;
    };
    for (key, inner) in file_map {
        let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        match code_map.get(key) {
            Some(wanted) => compare(inner, wanted, &at, differences),
            None => differences.push(format!("{at}: not in the code")),
        }
    }
    for key in code_map.keys().filter(|key| !file_map.contains_key(*key)) {
        differences.push(format!("{at}/{}: missing", key.replace('~', "~0").replace('/', "~1")));
    }
}

/// A value in the width of a line.
fn brief(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", text.split_at(end).0),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// As snapshots are: with `UPDATE_EXPECT=1` it is written anew, by what is built already.
    #[test]
    fn the_contract_on_disk_is_what_the_code_says() {
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            write().unwrap();
        }
        assert_eq!(check().unwrap(), Vec::<String>::new(), "`cargo xtask openapi` writes it anew");
    }

    #[test]
    fn differences_are_named_by_pointer() {
        let mut differences = Vec::new();
        let (file, code) =
            (json!({"a/b": 1, "c": [1], "d": 0}), json!({"a/b": 2, "c": [1], "e": 0}));
        compare(&file, &code, "", &mut differences);
        assert_eq!(
            differences,
            ["/a~1b: 1 here, 2 in the code", "/d: not in the code", "/e: missing"]
        );
    }

    #[test]
    fn every_operation_has_an_id_of_its_own_and_is_described() {
        let contract = contract();
        let mut seen = std::collections::BTreeSet::new();
        for (path, methods) in contract["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let id = operation["operationId"].as_str().unwrap();
                assert!(seen.insert(id.to_owned()), "{id} is there twice");
                assert!(operation["summary"].as_str().is_some_and(|s| s.ends_with('.')), "{id}");
                let has_success = operation["responses"]
                    .as_object()
                    .unwrap()
                    .keys()
                    .any(|status| status.starts_with(['2', '3']));
                assert!(has_success, "{method} {path} answers nothing good");
            }
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let contract = contract();
        let mut values = vec![&contract];
        while let Some(value) = values.pop() {
            match value {
                Value::Object(map) => {
                    if let Some(target) = map.get("$ref").and_then(Value::as_str) {
                        let pointer = target.strip_prefix('#').unwrap();
                        assert!(contract.pointer(pointer).is_some(), "{target} leads nowhere");
                    }
                    values.extend(map.values());
                }
                Value::Array(list) => values.extend(list),
                _ => {}
            }
        }
    }
}
