//! API Gateway's HTTP API events, payload version 2.0, as requests and answers.
//!
//! The event is read leniently: a header that is none is left out, because a function that fails on
//! a strange header answers 500 to it.

use std::collections::BTreeMap;

use api::Request;
use api::reply::Answer;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::fault::{Fault, Retry};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    raw_path: String,
    #[serde(default)]
    raw_query_string: String,
    #[serde(default)]
    cookies: Option<Vec<String>>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    request_context: Context,
    #[serde(default)]
    path_parameters: Option<BTreeMap<String, String>>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    #[serde(default)]
    request_id: String,
    http: Http,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Http {
    method: String,
    #[serde(default)]
    source_ip: String,
}

/// Reads an event.
pub fn request(event: Value, now: Timestamp) -> Result<Request, Fault> {
    let event: Event = serde_json::from_value(event)
        .map_err(|error| Fault::new("read an HTTP API event", error, Retry::Useless))?;
    let method = Method::from_bytes(event.request_context.http.method.as_bytes())
        .map_err(|error| Fault::new("read a method", error, Retry::Useless))?;
    let mut headers = HeaderMap::new();
    for (name, value) in &event.headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
            headers.append(name, value);
        }
    }
    let text = event.body.unwrap_or_default();
    let body = if event.is_base64_encoded {
        let decoded = STANDARD
            .decode(&text)
            .map_err(|error| Fault::new("decode a body", error, Retry::Useless))?;
        Bytes::from(decoded)
    } else {
        Bytes::from(text)
    };
    Ok(Request {
        method,
        path: event.raw_path,
        path_parameters: event.path_parameters.unwrap_or_default().into_iter().collect(),
        raw_query: event.raw_query_string,
        headers,
        cookies: event.cookies.unwrap_or_default(),
        body,
        source_ip: event.request_context.http.source_ip,
        id: event.request_context.request_id,
        now,
    })
}

/// Writes an answer.
pub fn response(answer: Answer) -> Result<Value, Fault> {
    let mut headers = Map::new();
    for (name, value) in &answer.headers {
        let value = value.to_str().unwrap_or_default();
        // The format has one value per name: several are joined as RFC 9110 §5.3 allows.
        match headers.get_mut(name.as_str()) {
            Some(Value::String(present)) => {
                present.push_str(", ");
                present.push_str(value);
            }
            _ => {
                headers.insert(name.as_str().to_owned(), json!(value));
            }
        }
    }
    let (body, is_base64) = match String::from_utf8(answer.body) {
        Ok(text) => (text, false),
        Err(error) => (STANDARD.encode(error.as_bytes()), true),
    };
    // Not with `json!`, which would write all of it a second time.
    let members = [
        ("statusCode", json!(answer.status.as_u16())),
        ("headers", Value::Object(headers)),
        ("cookies", Value::Array(answer.cookies.into_iter().map(Value::String).collect())),
        ("body", Value::String(body)),
        ("isBase64Encoded", Value::Bool(is_base64)),
    ];
    Ok(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// Whether a path fits a route with placeholders.
pub fn fits(route: &str, path: &str) -> bool {
    agree(route, path, |wanted, given| {
        (wanted.starts_with('{') && !given.is_empty()) || wanted == given
    })
}

/// Whether there may be a path that fits both routes.
pub fn may_meet(one: &str, other: &str) -> bool {
    agree(one, other, |one, other| one.starts_with('{') || other.starts_with('{') || one == other)
}

/// Whether two paths have as many segments, and each agrees with the other's.
fn agree(one: &str, other: &str, does: impl Fn(&str, &str) -> bool) -> bool {
    let (mut one, mut other) = (one.split('/'), other.split('/'));
    loop {
        match (one.next(), other.next()) {
            (None, None) => return true,
            (Some(one), Some(other)) if does(one, other) => {}
            (Some(_), _) | (None, Some(_)) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(headers: &Value) -> Value {
        json!({
            "version": "2.0", "rawPath": "/v1/x", "rawQueryString": "a=b", "headers": headers,
            "requestContext": {"requestId": "r", "http": {"method": "GET", "sourceIp": "::1"}},
            "isBase64Encoded": false,
        })
    }

    #[test]
    fn a_strange_header_costs_itself_only() {
        let now = Timestamp::from_second(1_790_000_000).unwrap();
        let strange = json!({"host": "[::1", "x y": "1", "x-a": "b\nc", "x-b": "ü", "x-ok": "1"});
        let request = request(event(&strange), now).unwrap();
        assert_eq!(request.header("x-ok"), Some("1"));
        assert_eq!(request.header("x-a"), None);
    }

    #[test]
    fn a_route_fits_its_paths_alone() {
        assert!(fits("/v1/carts/{id}/lines", "/v1/carts/c/lines"));
        for path in ["/v1/carts//lines", "/v1/carts/c", "/v1/carts/c/lines/", "/v1/carts/c/x"] {
            assert!(!fits("/v1/carts/{id}/lines", path), "{path}");
        }
    }

    #[test]
    fn routes_meet_where_neither_has_another_word() {
        let route = "/v1/carts/{id}/{what}";
        for other in ["/v1/carts/{id}/lines", "/v1/carts/mine/{what}", "/v1/{kind}/a/b", route] {
            assert!(may_meet(route, other) && may_meet(other, route), "{other}");
        }
        for other in ["/v1/carts/{id}", "/v1/orders/{id}/{what}", "/v1/carts/{id}/a/b"] {
            assert!(!may_meet(route, other) && !may_meet(other, route), "{other}");
        }
    }
}
