//! What a caller brings: path, query, body, raw bytes.

use serde_json::{Map, Value, json};

use crate::form::{self, Form};
use crate::openapi::Operation;
use crate::problem::{Flaw, Problem};
use crate::request::Request;

/// Bytes of a body; the gateways of the field take more, no endpoint of ours needs more.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Objects within objects; deeper is nobody's order.
pub const JSON_DEPTH_MAX: usize = 32;

/// Something that is read from a request.
pub trait Input: Sized {
    /// Reads it, or collects why not.
    fn read(request: &Request, flaws: &mut Vec<Flaw>) -> Option<Self>;
    /// Adds itself to the contract.
    fn describe(operation: &mut Operation);
    /// Whether a JSON body belongs to it.
    const TAKES_JSON: bool = false;
}

impl Input for () {
    fn read(_: &Request, _: &mut Vec<Flaw>) -> Option<Self> {
        Some(())
    }
    fn describe(_: &mut Operation) {}
}

impl<A: Input, B: Input> Input for (A, B) {
    const TAKES_JSON: bool = A::TAKES_JSON || B::TAKES_JSON;
    fn read(request: &Request, flaws: &mut Vec<Flaw>) -> Option<Self> {
        let (first, second) = (A::read(request, flaws), B::read(request, flaws));
        Some((first?, second?))
    }
    fn describe(operation: &mut Operation) {
        A::describe(operation);
        B::describe(operation);
    }
}

/// A JSON body.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: Form> Input for Body<T> {
    const TAKES_JSON: bool = true;
    fn read(request: &Request, flaws: &mut Vec<Flaw>) -> Option<Self> {
        // A body that may be empty altogether (all fields optional) is an empty object.
        let bytes = if request.body.is_empty() { b"{}".as_slice() } else { &request.body };
        if depth(bytes) > JSON_DEPTH_MAX {
            let detail = format!("The body is nested deeper than {JSON_DEPTH_MAX} levels.");
            flaws.push(Flaw::new("", "too_deep", detail));
            return None;
        }
        match crate::json::read(bytes, flaws) {
            Ok(value) => form::read_value(&value, "", flaws).map(Self),
            Err(error) => {
                let (line, column) = (error.line(), error.column());
                let detail = format!("The body is not JSON at line {line}, column {column}.");
                flaws.push(Flaw::new("", "malformed_json", detail));
                None
            }
        }
    }
    fn describe(operation: &mut Operation) {
        operation.body(form::schema_of::<T>());
    }
}

/// How deep brackets nest, outside of strings.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut is_escaped) = (0_usize, 0, false, false);
    for byte in json {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_string => is_escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// The query's parameters.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: Form> Input for Query<T> {
    fn read(request: &Request, flaws: &mut Vec<Flaw>) -> Option<Self> {
        let mut object = Map::new();
        let mut is_single = true;
        for (name, value) in request.query() {
            if object.insert(name.clone(), json!(value)).is_some() {
                let pointer = format!("/query/{}", crate::json::token(&name));
                let detail = "This parameter may stand once.";
                flaws.push(Flaw::new(pointer, "duplicate", detail));
                is_single = false;
            }
        }
        let form = form::read_texts(&object, "/query", flaws)?;
        is_single.then_some(Self(form))
    }
    fn describe(operation: &mut Operation) {
        operation.parameters("query", &form::schema_of::<T>());
    }
}

/// The route's placeholders.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<T: Form> Input for Path<T> {
    fn read(request: &Request, flaws: &mut Vec<Flaw>) -> Option<Self> {
        let object: Map<String, Value> = request
            .path_parameters
            .iter()
            .map(|(name, value)| (name.clone(), json!(value)))
            .collect();
        form::read_texts(&object, "/path", flaws).map(Self)
    }
    fn describe(operation: &mut Operation) {
        operation.parameters("path", &form::schema_of::<T>());
    }
}

/// The bytes as they came, for signatures.
#[derive(Debug)]
pub struct Raw;

impl Input for Raw {
    fn read(_: &Request, _: &mut Vec<Flaw>) -> Option<Self> {
        Some(Self)
    }
    fn describe(operation: &mut Operation) {
        operation.body(json!({"type": "object"}));
    }
}

/// The caller must send an `Idempotency-Key`.
#[derive(Debug)]
pub struct KeyRequired;

impl Input for KeyRequired {
    fn read(request: &Request, flaws: &mut Vec<Flaw>) -> Option<Self> {
        if request.headers.contains_key("idempotency-key") {
            return Some(Self);
        }
        let detail = "Send an Idempotency-Key, so that this can be repeated safely.";
        flaws.push(Flaw::new("/headers/Idempotency-Key", KEY_REQUIRED, detail));
        None
    }
    fn describe(operation: &mut Operation) {
        operation.key_is_required();
    }
}

const KEY_REQUIRED: &str = "idempotency_key_required";

/// The version that the caller has seen, of what they are about to change: `If-Match: "v3"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IfMatch(pub u64);

impl Input for IfMatch {
    fn read(request: &Request, flaws: &mut Vec<Flaw>) -> Option<Self> {
        let pointer = "/headers/If-Match";
        if !request.headers.contains_key("if-match") {
            let detail = "Send the ETag that you have seen as If-Match.";
            flaws.push(Flaw::new(pointer, MATCH_REQUIRED, detail));
            return None;
        }
        let version = request.header("if-match").and_then(version_of);
        if version.is_none() {
            let detail = "This is not one of our ETags.";
            flaws.push(Flaw::new(pointer, NO_MATCH, detail));
        }
        version.map(Self)
    }
    fn describe(operation: &mut Operation) {
        operation.match_is_required();
    }
}

impl IfMatch {
    /// Refuses to change what has changed since the caller has seen it.
    pub fn check(self, version: u64) -> Result<(), Problem> {
        if self.0 == version { Ok(()) } else { Err(no_match()) }
    }
}

/// Somebody else changed it meanwhile.
pub fn no_match() -> Problem {
    let detail = "It has changed since you have seen it. Load it again.";
    Problem::new(http::StatusCode::PRECONDITION_FAILED, NO_MATCH, detail)
}

/// The strong ETag of a version.
pub fn version_tag(version: u64) -> String {
    format!("\"v{version}\"")
}

fn version_of(tag: &str) -> Option<u64> {
    let digits = tag.trim().strip_prefix("\"v")?.strip_suffix('"')?;
    let version = digits.parse().ok()?;
    (version_tag(version) == tag.trim()).then_some(version)
}

const MATCH_REQUIRED: &str = "if_match_required";
const NO_MATCH: &str = "if_match_failed";

/// Reads an endpoint's input after the checks that hold for all.
pub fn read<I: Input>(request: &Request) -> Result<I, Problem> {
    if request.body.len() > BODY_BYTES_MAX {
        let detail = format!("A body may have {BODY_BYTES_MAX} bytes.");
        return Err(Problem::new(http::StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail));
    }
    if I::TAKES_JSON && !request.body.is_empty() && !is_json(request) {
        let detail = "Send the body as application/json.";
        return Err(Problem::new(
            http::StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            detail,
        ));
    }
    let mut flaws = Vec::new();
    if request.method == http::Method::POST
        && let Some(key) = request.headers.get("idempotency-key")
    {
        let is_good = request.header("idempotency-key").is_some()
            && (1..=255).contains(&key.len())
            && key.as_bytes().iter().all(u8::is_ascii_graphic);
        if !is_good {
            let detail = "This must be one value of 1 to 255 visible ASCII characters.";
            flaws.push(Flaw::new("/headers/Idempotency-Key", "malformed", detail));
        }
    }
    match I::read(request, &mut flaws) {
        Some(input) if flaws.is_empty() => Ok(input),
        _ => {
            let has = |code: &str| flaws.iter().any(|flaw| flaw.code == code);
            let is_key_missing = has(KEY_REQUIRED);
            // What is wrong with the input comes first: it would be refused in any version.
            let is_only_match = flaws.len() == 1 && (has(MATCH_REQUIRED) || has(NO_MATCH));
            let is_match_missing = has(MATCH_REQUIRED);
            let problem = Problem::invalid(flaws);
            Err(match (is_only_match, is_match_missing) {
                (true, true) => Problem {
                    status: http::StatusCode::PRECONDITION_REQUIRED,
                    code: MATCH_REQUIRED,
                    ..problem
                },
                (true, false) => no_match(),
                (false, _) if is_key_missing => Problem { code: KEY_REQUIRED, ..problem },
                (false, _) => problem,
            })
        }
    }
}

fn is_json(request: &Request) -> bool {
    let media = request.header("content-type").unwrap_or("").split(';').next().unwrap_or("").trim();
    media.eq_ignore_ascii_case("application/json")
        || (media.len() > 5 && media.to_ascii_lowercase().ends_with("+json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_from_our_own_tags_alone() {
        assert_eq!(version_of("\"v12\""), Some(12));
        for wrong in ["v12", "W/\"v12\"", "\"v012\"", "\"v-1\"", "\"12\"", "*", ""] {
            assert_eq!(version_of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn depth_counts_brackets_outside_of_strings() {
        assert_eq!(depth(br#"{"a":[1,{"b":2}]}"#), 3);
        assert_eq!(depth(br#"{"a":"[[[[{{\"[["}"#), 1);
        assert_eq!(depth("[".repeat(100).as_bytes()), 100);
    }
}
