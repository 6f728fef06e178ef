//! API Gateway's HTTP API on a laptop: routes from the templates, events of payload version 2.0.
//!
//! Invariants: what the templates do not route is not reachable; of two routes that fit the one
//! with the earlier literal segment wins, and a named method beats `ANY`; a function that fails
//! tells its caller nothing but `Internal Server Error`.
//!
//! Known absence: `{greedy+}` segments, which no template has; the shop does not open with one.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use templates::{Stack, Trigger};

use crate::error::Error;
use crate::message::{Request, Response, decoded};

/// The largest body that API Gateway takes.
pub(crate) const BODY_BYTES_MAX: usize = 10 * 1024 * 1024;
/// The route that takes what no other does.
const DEFAULT: &str = "$default";
/// The domain that answers for paths of nobody.
const NOBODYS: &str = "platform";
/// Hop-by-hop headers end at the gateway (RFC 9110 §7.6.1).
const HOP_BY_HOP: [&str; 7] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The routes of all domains.
#[derive(Debug, Default)]
pub(crate) struct Router {
    routes: Vec<Route>,
    /// By domain.
    unknown: BTreeMap<String, String>,
}

#[derive(Debug)]
struct Route {
    method: String,
    path: String,
    segments: Vec<Segment>,
    handler: String,
}

#[derive(Debug)]
enum Segment {
    Literal(String),
    Placeholder(String),
}

/// Where a request goes.
#[derive(Debug, PartialEq)]
pub(crate) struct Target {
    pub(crate) handler: String,
    /// `GET /v1/store/products/{id_or_slug}`, or `$default`.
    key: String,
    parameters: Map<String, Value>,
}

impl Router {
    pub(crate) fn new(stack: &Stack) -> Result<Self, Error> {
        let mut router = Self::default();
        for function in &stack.functions {
            for trigger in &function.triggers {
                let Trigger::Http { method, path } = trigger else { continue };
                if path == DEFAULT {
                    let domain = domain(&function.handler).to_owned();
                    router.unknown.insert(domain, function.handler.clone());
                    continue;
                }
                if path.contains("+}") {
                    let text = format!("{}: the route {path} is greedy", function.handler);
                    return Err(Error::Setup(text));
                }
                router.routes.push(Route {
                    method: method.clone(),
                    path: path.clone(),
                    segments: path.split('/').map(Segment::read).collect(),
                    handler: function.handler.clone(),
                });
            }
        }
        Ok(router)
    }

    /// The function that takes this request, if any does.
    pub(crate) fn target(&self, method: &str, path: &str) -> Option<Target> {
        let given: Vec<&str> = path.split('/').collect();
        let fitting = || self.routes.iter().filter(|route| route.fits(&given));
        // HEAD is GET whose body is not sent (RFC 9110 §9.3.2).
        let wanted = if method == "HEAD" { "GET" } else { method };
        let chosen = fitting()
            .filter(|route| route.method == wanted || route.method == "ANY")
            .min_by_key(|route| (route.placeholders(), route.method == "ANY"));
        if let Some(route) = chosen {
            return Some(Target {
                handler: route.handler.clone(),
                key: format!("{} {}", route.method, route.path),
                parameters: route.parameters(&given),
            });
        }
        let owner = fitting().map(|route| domain(&route.handler)).next().unwrap_or(NOBODYS);
        let handler = self.unknown.get(owner)?.clone();
        Some(Target { handler, key: DEFAULT.to_owned(), parameters: Map::new() })
    }
}

impl Segment {
    fn read(text: &str) -> Self {
        match text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => Self::Placeholder(name.to_owned()),
            None => Self::Literal(text.to_owned()),
        }
    }
}

impl Route {
    fn fits(&self, given: &[&str]) -> bool {
        self.segments.len() == given.len()
            && self.segments.iter().zip(given).all(|(segment, given)| match segment {
                Segment::Literal(text) => text == given,
                Segment::Placeholder(_) => !given.is_empty(),
            })
    }

    fn placeholders(&self) -> Vec<bool> {
        let is_placeholder = |segment: &Segment| matches!(segment, Segment::Placeholder(_));
        self.segments.iter().map(is_placeholder).collect()
    }

    fn parameters(&self, given: &[&str]) -> Map<String, Value> {
        self.segments
            .iter()
            .zip(given)
            .filter_map(|(segment, given)| match segment {
                Segment::Literal(_) => None,
                Segment::Placeholder(name) => Some((name.clone(), json!(decoded(given)))),
            })
            .collect()
    }
}

pub(crate) fn domain(handler: &str) -> &str {
    handler.split('.').next().unwrap_or_default()
}

/// What an event says of the moment and the place.
pub(crate) struct Facts<'a> {
    pub(crate) now: Timestamp,
    pub(crate) request_id: &'a str,
    pub(crate) host: &'a str,
}

/// The trace that the gateway begins: its first half says when, its second which request.
fn trace(facts: &Facts<'_>) -> String {
    let digest = Sha256::digest(facts.request_id.as_bytes());
    let random: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("Root=1-{:08x}-{random}", facts.now.as_second())
}

/// The event of payload version 2.0.
/// Source: API Gateway developer guide, "AWS Lambda proxy integrations for HTTP APIs".
pub(crate) fn event(request: &Request, target: &Target, facts: &Facts<'_>) -> Value {
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    let mut cookies = Vec::new();
    for (name, value) in &request.headers {
        let name = name.to_ascii_lowercase();
        if name == "cookie" {
            cookies.extend(value.split(';').map(|cookie| json!(cookie.trim())));
        } else if !HOP_BY_HOP.contains(&name.as_str()) {
            join(&mut headers, name, value);
        }
    }
    join(&mut headers, "x-forwarded-for".to_owned(), &request.source_ip);
    for (name, value) in [
        ("host", facts.host.to_owned()),
        ("x-forwarded-port", "443".to_owned()),
        ("x-forwarded-proto", "https".to_owned()),
        ("x-amzn-trace-id", trace(facts)),
        ("content-length", request.body.len().to_string()),
    ] {
        headers.entry(name.to_owned()).or_insert(value);
    }
    let agent = headers.get("user-agent").cloned().unwrap_or_default();
    let mut queries: BTreeMap<String, String> = BTreeMap::new();
    for pair in request.query().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let plain = |text: &str| decoded(&text.replace('+', " "));
        join(&mut queries, plain(name), &plain(value));
    }
    // A function sees HEAD as the GET that it is.
    let method = if request.method == "HEAD" { "GET" } else { request.method.as_str() };
    let (body, is_base64) = match std::str::from_utf8(&request.body) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (STANDARD.encode(&request.body), true),
    };
    let mut event = json!({
        "version": "2.0",
        "routeKey": target.key,
        "rawPath": request.path(),
        "rawQueryString": request.query(),
        "headers": headers,
        "requestContext": {
            "accountId": templates::ACCOUNT,
            "apiId": "local",
            "domainName": facts.host,
            "domainPrefix": "local",
            "http": {
                "method": method,
                "path": request.path(),
                "protocol": "HTTP/1.1",
                "sourceIp": request.source_ip,
                "userAgent": agent,
            },
            "requestId": facts.request_id,
            "routeKey": target.key,
            "stage": "$default",
            "time": facts.now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "timeEpoch": facts.now.as_millisecond(),
        },
        "isBase64Encoded": is_base64,
    });
    // What is empty is left out, as in the cloud.
    let mut put = |name: &str, value: Value| {
        if let Some(members) = event.as_object_mut() {
            members.insert(name.to_owned(), value);
        }
    };
    if !cookies.is_empty() {
        put("cookies", Value::Array(cookies));
    }
    if !queries.is_empty() {
        put("queryStringParameters", json!(queries));
    }
    if !target.parameters.is_empty() {
        put("pathParameters", Value::Object(target.parameters.clone()));
    }
    if !request.body.is_empty() {
        put("body", json!(body));
    }
    event
}

/// Lines of one name become one value (RFC 9110 §5.3).
fn join(into: &mut BTreeMap<String, String>, name: String, value: &str) {
    into.entry(name)
        .and_modify(|present| {
            present.push(',');
            present.push_str(value);
        })
        .or_insert_with(|| value.to_owned());
}

/// A function's answer as HTTP.
pub(crate) fn response(answer: &Value, request_id: &str) -> Response {
    let Some(status) = answer.get("statusCode").and_then(Value::as_u64) else {
        // An answer in no format is the body itself.
        return with_id(Response::json(200, answer), request_id);
    };
    let mut headers: Vec<(String, String)> = Vec::new();
    for (name, value) in answer.get("headers").and_then(Value::as_object).into_iter().flatten() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        headers.push((name.to_ascii_lowercase(), value));
    }
    for cookie in answer.get("cookies").and_then(Value::as_array).into_iter().flatten() {
        headers.push(("set-cookie".to_owned(), cookie.as_str().unwrap_or_default().to_owned()));
    }
    let text = answer.get("body").and_then(Value::as_str).unwrap_or_default();
    let body = if answer.get("isBase64Encoded").and_then(Value::as_bool) == Some(true) {
        match STANDARD.decode(text) {
            Ok(bytes) => Bytes::from(bytes),
            Err(_) => return failure(500, request_id),
        }
    } else {
        Bytes::from(text.to_owned())
    };
    let Ok(status) = u16::try_from(status) else { return failure(500, request_id) };
    if !body.is_empty() && !headers.iter().any(|(name, _)| name == "content-type") {
        headers.push(("content-type".to_owned(), "text/plain; charset=utf-8".to_owned()));
    }
    with_id(Response { status, headers, body }, request_id)
}

/// What the gateway itself says.
pub(crate) fn failure(status: u16, request_id: &str) -> Response {
    let message = match status {
        404 => "Not Found",
        413 => "Request Entity Too Large",
        502 => "Bad Gateway",
        504 => "Gateway Timeout",
        _ => "Internal Server Error",
    };
    with_id(Response::json(status, &json!({"message": message})), request_id)
}

fn with_id(mut response: Response, request_id: &str) -> Response {
    response.headers.push(("apigw-requestid".to_owned(), request_id.to_owned()));
    response
}

#[cfg(test)]
mod tests {
    use templates::Function;

    use super::*;

    fn router(routes: &[(&str, &str, &str)]) -> Router {
        let functions = routes
            .iter()
            .map(|(handler, method, path)| Function {
                handler: (*handler).to_owned(),
                logical_id: String::new(),
                stack: String::new(),
                file: String::new(),
                binary: String::new(),
                timeout_seconds: 3,
                memory_mb: 128,
                environment: BTreeMap::new(),
                statements: Vec::new(),
                triggers: vec![Trigger::Http {
                    method: (*method).to_owned(),
                    path: (*path).to_owned(),
                }],
            })
            .collect();
        Router::new(&Stack { functions, ..Stack::default() }).unwrap()
    }

    fn shop() -> Router {
        router(&[
            ("catalog.view", "GET", "/p/{id}"),
            ("catalog.new", "GET", "/p/new"),
            ("cart.view", "GET", "/c/{id}/lines"),
            ("cart.unknown", "ANY", "$default"),
            ("platform.unknown", "ANY", "$default"),
        ])
    }

    fn handler(method: &str, path: &str) -> Option<String> {
        shop().target(method, path).map(|target| target.handler)
    }

    #[test]
    fn the_exact_route_beats_the_placeholder() {
        assert_eq!(handler("GET", "/p/new").unwrap(), "catalog.new");
        let target = shop().target("GET", "/p/a%2Fb%20c").unwrap();
        assert_eq!(target.handler, "catalog.view");
        assert_eq!(target.parameters["id"], "a/b c");
        assert_eq!(handler("HEAD", "/p/new").unwrap(), "catalog.new");
    }

    #[test]
    fn what_is_not_routed_goes_to_the_domain_that_has_the_path() {
        assert_eq!(handler("DELETE", "/c/1/lines").unwrap(), "cart.unknown");
        assert_eq!(handler("OPTIONS", "/c/1/lines").unwrap(), "cart.unknown");
        for path in ["/", "/x", "/c//lines", "/c/1/lines/"] {
            assert_eq!(handler("GET", path).unwrap(), "platform.unknown", "{path}");
        }
        assert_eq!(handler("POST", "/p/new"), None);
    }

    #[test]
    fn an_event_has_the_shape_of_payload_two() {
        let request = Request::new("POST", "/c/1/lines?a=1&a=2&b=x+y%21")
            .header("Content-Type", "application/json")
            .header("X-A", "1")
            .header("x-a", "2")
            .header("Cookie", "a=1; b=2")
            .header("Connection", "close");
        let request = Request { body: Bytes::from_static(b"{}"), ..request };
        let target =
            router(&[("cart.add", "POST", "/c/{id}/lines")]).target("POST", "/c/1/lines").unwrap();
        let now = Timestamp::from_second(1_793_610_000).unwrap();
        let facts = Facts { now, request_id: "r1", host: "shop.test" };
        expect_test::expect![[r#"
            {
              "headers": {
                "content-length": "2",
                "content-type": "application/json",
                "host": "shop.test",
                "x-a": "1,2",
                "x-amzn-trace-id": "Root=1-6ae85110-82f3e9c695dc6b8d1b11818d",
                "x-forwarded-for": "203.0.113.7",
                "x-forwarded-port": "443",
                "x-forwarded-proto": "https"
              },
              "rawPath": "/c/1/lines",
              "rawQueryString": "a=1&a=2&b=x+y%21",
              "routeKey": "POST /c/{id}/lines",
              "version": "2.0"
            }"#]]
        .assert_eq(&{
            let event = event(&request, &target, &facts);
            assert_eq!(event["cookies"], json!(["a=1", "b=2"]));
            assert_eq!(event["queryStringParameters"], json!({"a": "1,2", "b": "x y!"}));
            assert_eq!(event["pathParameters"], json!({"id": "1"}));
            assert_eq!(event["body"], "{}");
            let context = &event["requestContext"];
            assert_eq!(context["http"]["sourceIp"], "203.0.113.7");
            assert_eq!(context["time"], "02/Nov/2026:09:00:00 +0000");
            let shown = ["version", "routeKey", "rawPath", "rawQueryString", "headers"];
            let shown: Map<String, Value> =
                shown.iter().map(|name| ((*name).to_owned(), event[*name].clone())).collect();
            serde_json::to_string_pretty(&shown).unwrap()
        });
    }

    #[test]
    fn bytes_that_are_no_text_travel_as_base64() {
        let request =
            Request { body: Bytes::from_static(&[0xff, 0]), ..Request::new("POST", "/p/1") };
        let target = Target { handler: String::new(), key: "k".into(), parameters: Map::new() };
        let now = Timestamp::UNIX_EPOCH;
        let event = event(&request, &target, &Facts { now, request_id: "", host: "" });
        assert_eq!((&event["isBase64Encoded"], &event["body"]), (&json!(true), &json!("/wA=")));
    }

    #[test]
    fn an_answer_becomes_http_with_one_line_per_cookie() {
        let answer = json!({"statusCode": 201, "headers": {"X-A": "1"}, "body": "/wA=",
            "cookies": ["a=1", "b=2"], "isBase64Encoded": true});
        let response = response(&answer, "r1");
        assert_eq!((response.status, &response.body[..]), (201, &[0xff_u8, 0][..]));
        assert_eq!(response.all("set-cookie").collect::<Vec<_>>(), ["a=1", "b=2"]);
        assert_eq!(response.header("x-a"), Some("1"));
        assert_eq!(response.header("apigw-requestid"), Some("r1"));
    }
}
