//! What people, programs and attackers send instead of what was asked for, and what the contract
//! says about it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use regex_lite::Regex;
use serde_json::{Map, Value};

/// Stands in a body where a raw text goes that no JSON library would write.
const HERE: &str = "@@here@@";

/// A field somewhere in a body.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    /// `/shipping_address/city`.
    pub(crate) pointer: String,
    pub(crate) schema: Value,
}

/// All fields of a schema, those of objects within it included.
pub(crate) fn fields(schema: &Value, pointer: &str) -> Vec<Field> {
    let mut all = Vec::new();
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        let pointer = format!("{pointer}/{name}");
        all.extend(fields(schema, &pointer));
        all.push(Field { pointer, schema: schema.clone() });
    }
    all
}

/// Where a value is not what the schema asks for: the pointers of all flaws.
pub(crate) fn flaws(schema: &Value, value: &Value, pointer: &str) -> BTreeSet<String> {
    let here = || BTreeSet::from([pointer.to_owned()]);
    match schema["type"].as_str() {
        Some("object") => {
            let Some(object) = value.as_object() else { return here() };
            let empty = Map::new();
            let properties = schema["properties"].as_object().unwrap_or(&empty);
            let required: Vec<&str> = schema["required"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            let mut all = BTreeSet::new();
            for name in &required {
                if object.get(*name).is_none_or(Value::is_null) {
                    all.insert(format!("{pointer}/{name}"));
                }
            }
            for (name, value) in object {
                let at = format!("{pointer}/{name}");
                match properties.get(name) {
                    // An optional field that is null is absent.
                    Some(_) if value.is_null() => {}
                    Some(schema) => all.extend(flaws(schema, value, &at)),
                    None if schema["additionalProperties"] == false => drop(all.insert(at)),
                    None => {}
                }
            }
            all.extend(together(schema, object, pointer));
            all
        }
        Some("integer") => {
            let is_whole = value.as_f64().is_some_and(|number| number.fract() == 0.0);
            let number = value.as_f64().unwrap_or_default();
            let least = schema["minimum"].as_f64().unwrap_or(f64::MIN);
            let most = schema["maximum"].as_f64().unwrap_or(f64::MAX);
            if is_whole && (least..=most).contains(&number) { BTreeSet::new() } else { here() }
        }
        Some("string") => {
            let Some(text) = value.as_str() else { return here() };
            let length = text.chars().count() as u64;
            let is_good = schema["minLength"].as_u64().is_none_or(|least| length >= least)
                && schema["maxLength"].as_u64().is_none_or(|most| length <= most)
                && schema["pattern"].as_str().is_none_or(|pattern| fits(pattern, text))
                && schema["enum"].as_array().is_none_or(|words| words.contains(value));
            if is_good { BTreeSet::new() } else { here() }
        }
        Some("boolean") if value.is_boolean() => BTreeSet::new(),
        Some("boolean") => here(),
        Some("array") => {
            let Some(entries) = value.as_array() else { return here() };
            let least = schema["minItems"].as_u64().unwrap_or(0);
            let most = schema["maxItems"].as_u64().unwrap_or(u64::MAX);
            if !(least..=most).contains(&(entries.len() as u64)) {
                return here();
            }
            let each = entries.iter().enumerate();
            each.flat_map(|(at, one)| flaws(&schema["items"], one, &format!("{pointer}/{at}")))
                .collect()
        }
        other => panic!("{pointer}: teach this test the type {other:?}"),
    }
}

/// What is wrong with which optional fields there are: one of some is missing, or two are there
/// that exclude each other.
fn together(schema: &Value, object: &Map<String, Value>, pointer: &str) -> BTreeSet<String> {
    let names = |names: &Value| -> Vec<String> {
        let names = names["required"].as_array().into_iter().flatten();
        names.map(|name| name.as_str().unwrap().to_owned()).collect()
    };
    let is_there = |name: &String| object.get(name).is_some_and(|value| !value.is_null());
    let mut all = BTreeSet::new();
    for rule in schema["allOf"].as_array().into_iter().flatten() {
        if let Some(choices) = rule["anyOf"].as_array() {
            if !choices.iter().any(|choice| names(choice).iter().all(is_there)) {
                all.insert(format!("{pointer}/{}", names(&choices[0])[0]));
            }
        } else {
            let excluded = names(&rule["not"]);
            if excluded.iter().all(is_there) {
                all.insert(format!("{pointer}/{}", excluded[1]));
            }
        }
    }
    all
}

/// Whether the text fits; a pattern is read once.
fn fits(pattern: &str, text: &str) -> bool {
    thread_local! {
        static READ: RefCell<HashMap<String, Regex>> = RefCell::default();
    }
    READ.with_borrow_mut(|read| {
        let known = read.entry(pattern.to_owned());
        known.or_insert_with(|| Regex::new(pattern).unwrap()).is_match(text)
    })
}

/// A body in which every object of the schema is there, and every field that is an example of.
pub(crate) fn complete(schema: &Value, example: &Value) -> Value {
    let mut known = BTreeMap::new();
    collect(schema, example, &mut known);
    fill(schema, example, &known)
}

/// An example for each schema that the example has one for: a billing address is an address.
fn collect(schema: &Value, example: &Value, known: &mut BTreeMap<String, Value>) {
    for item in example.as_array().into_iter().flatten() {
        collect(&schema["items"], item, known);
    }
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(value) = example.get(name).filter(|value| !value.is_null()) {
            known.entry(schema.to_string()).or_insert_with(|| value.clone());
            collect(schema, value, known);
        }
    }
}

fn fill(schema: &Value, example: &Value, known: &BTreeMap<String, Value>) -> Value {
    let mut body = example.as_object().cloned().unwrap_or_default();
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        if schema["type"] == "object" {
            let example = example.get(name).or_else(|| known.get(&schema.to_string()));
            let example = example.unwrap_or_else(|| panic!("give the sample event a {name}"));
            body.insert(name.clone(), fill(schema, example, known));
        }
    }
    Value::Object(body)
}

/// The body with this raw text as the field's value.
pub(crate) fn with(body: &Value, pointer: &str, raw: &str) -> String {
    let mut body = body.clone();
    let (holder, name) = pointer.rsplit_once('/').unwrap();
    let holder = body.pointer_mut(holder).and_then(Value::as_object_mut).unwrap();
    holder.insert(name.to_owned(), Value::from(HERE));
    body.to_string().replace(&format!("\"{HERE}\""), raw)
}

/// The body without the field.
pub(crate) fn without(body: &Value, pointer: &str) -> Value {
    let mut body = body.clone();
    let (holder, name) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(holder).and_then(Value::as_object_mut).unwrap().remove(name);
    body
}

/// Raw texts for any field: every type of JSON, numbers of all kinds, texts of all kinds, and some
/// that are no JSON at all.
pub(crate) fn raw_values() -> Vec<String> {
    const PLAIN: &[&str] = &[
        // Every type.
        "null",
        "true",
        "false",
        "0",
        "\"\"",
        "\"x\"",
        "[]",
        "{}",
        "[1]",
        "[[]]",
        "{\"a\":1}",
        "{\"amount\":1}",
        "[null]",
        // Numbers.
        "-0",
        "1",
        "-1",
        "1.5",
        "0.1",
        "1.0",
        "1e2",
        "100",
        "101",
        "-1e2",
        "2147483648",
        "-2147483649",
        "9007199254740993",
        "999999999999",
        "1000000000000",
        "9223372036854775807",
        "-9223372036854775808",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "1e19",
        "1e30",
        "-1e30",
        "1e308",
        "123456789012345678901234567890",
        // What looks like numbers.
        "\"1\"",
        "\"1e3\"",
        "\"NaN\"",
        "\"-1\"",
        "\"０\"",
        "1e400",
        "-1e400",
        "NaN",
        "Infinity",
        "-Infinity",
        "01",
        ".5",
        "5.",
        "+1",
        "0x10",
        "1_000",
        // Texts with a direction, without a width, put together, of other planes.
        "\"\u{202e}gnp.exe\"",
        "\"\u{2066}a\u{2069}\"",
        "\"a\u{200b}b\"",
        "\"\u{feff}a\"",
        "\"e\u{301}\u{302}\u{303}\u{304}\"",
        "\"\u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f467}\"",
        "\"\u{1f3f4}\u{e0067}\u{e0062}\u{e007f}\"",
        "\"ﬁ\"",
        "\"İ\"",
        "\"ß\"",
        "\"Ω≈ç\"",
        "\"田中\"",
        "\"مرحبا\"",
        "\"\u{fffd}\"",
        "\"\u{ffff}\"",
        "\"\u{10ffff}\"",
        "\" \"",
        "\"\u{a0}\"",
        "\"  x  \"",
        // Control characters, escaped, because raw ones are no JSON.
        "\"a\\u0000b\"",
        "\"\\u0007\"",
        "\"a\\r\\nX-Injected: 1\"",
        "\"\\u001b[31m\"",
        "\"\\u007f\"",
        "\"\\u0085\"",
        "\"\\t\"",
        "\"\\u2028\"",
        // Halves of characters.
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud83d\\ud83d\"",
        "\"\\ud83d\\ude00\"",
        // Texts that mean something elsewhere.
        "\"' OR 1=1 --\"",
        "\"<script>alert(1)</script>\"",
        "\"{{7*7}}\"",
        "\"${jndi:x}\"",
        "\"../../etc/passwd\"",
        "\"%00\"",
        "\"a@b@c\"",
        "\"__proto__\"",
        "\"a\\\\b\\\"c\\/d\"",
        // No JSON.
        "",
        "'x'",
        "undefined",
        "\"a\nb\"",
        "\"\\x41\"",
        "\"\\u12\"",
        "\"open",
        "x",
        "{a:1}",
        "[1,]",
    ];
    let mut all: Vec<String> = PLAIN.iter().map(|raw| (*raw).to_owned()).collect();
    for text in ["x", "é", "\u{1f600}", " ", "9"] {
        all.push(format!("\"{}\"", text.repeat(10_000)));
    }
    for length in [64, 101, 129, 201, 255, 256, 1001] {
        all.push(format!("\"{}\"", "a".repeat(length)));
    }
    all.push(format!("[{}1]", "1,".repeat(5_000)));
    all.push(format!("\"{}@example.org\"", "a".repeat(65)));
    all.push(format!("\"a@{}org\"", "b.".repeat(130)));
    all
}

/// Whole bodies that are no JSON object, or no JSON.
pub(crate) fn raw_bodies() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = [
        "null",
        "true",
        "0",
        "\"text\"",
        "[]",
        "[{}]",
        "{",
        "}",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1,}",
        "{'a':1}",
        "{a:1}",
        "{\"a\":1}{\"a\":1}",
        "{} x",
        "// {}",
        "   ",
        "\u{feff}{}",
        "<a/>",
        "a=1&b=2",
        "--x\r\n\r\n",
        "{\"a\":\"\u{0}\"}",
        "\0",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    all.push(b"{\"a\":\"\xff\xfe\"}".to_vec());
    all.push(b"\xff\xfe{\x00}\x00".to_vec());
    all.push(vec![0x80; 100]);
    all
}

/// Texts for one placeholder of a path, encoded as they are sent.
pub(crate) fn path_values(pattern: &str) -> Vec<String> {
    let prefix = pattern.strip_prefix('^').and_then(|rest| rest.split_once('_')).map(|p| p.0);
    let prefix = prefix.unwrap_or("x");
    let ulid = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let mut all: Vec<String> = [
        "x",
        "0",
        "-1",
        "null",
        "undefined",
        "NaN",
        "%00",
        "%20",
        "..",
        "%2e%2e",
        "..%2f..%2fetc",
        "%F0%9F%98%80",
        "%ff",
        "%",
        "%zz",
        "%E2%80%AE",
        "*",
        "'%20OR%201=1",
        "{id}",
        "a%0d%0ab",
        "%22",
        "<script>",
        "a%2Fb",
    ]
    .iter()
    .map(|text| (*text).to_owned())
    .collect();
    for prefix in ["cart", "ord", "var", "prod", "li", "cus", "CART", ""] {
        all.push(format!("{prefix}_{ulid}"));
    }
    all.push(format!("{prefix}_"));
    all.push(format!("{prefix}_{}", ulid.to_lowercase()));
    all.push(format!("{prefix}_8ZZZZZZZZZZZZZZZZZZZZZZZZZ"));
    all.push(format!("{prefix}_{ulid}0"));
    all.push(format!("{prefix}_{}", &ulid[1..]));
    all.push(format!("{prefix}_01ARZ3NDEKTSV4RRFFQ69G5FAI"));
    all.push(format!("{prefix}_{ulid}%0a"));
    all.push(ulid.to_owned());
    all.push("a".repeat(5_000));
    all
}

/// Texts for one parameter of a query, encoded as they are sent.
pub(crate) fn query_values() -> Vec<String> {
    let mut all: Vec<String> = [
        "",
        "0",
        "-1",
        "1",
        "100",
        "101",
        "1.5",
        "1e2",
        "01",
        "+1",
        "%2B1",
        "NaN",
        "Infinity",
        "99999999999999999999",
        "9223372036854775808",
        "null",
        "true",
        "[]",
        "{}",
        "%00",
        "%0d%0a",
        "%ff",
        "%",
        "%zz",
        "%E2%80%AE",
        "%F0%9F%98%80",
        "'%20OR%201=1",
        "<script>",
        "..",
        "a,b",
        "EUR",
        "eur",
        "EURO",
        "XXX",
        "newest",
        "NEWEST",
        "-newest",
        "goods",
        "Goods",
        "a=b",
        "%20",
        "title%00",
        "1;2",
    ]
    .iter()
    .map(|text| (*text).to_owned())
    .collect();
    all.push("x".repeat(3_000));
    all.push("9".repeat(300));
    all
}
