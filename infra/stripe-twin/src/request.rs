//! The way of a request: key, parameters, faults, idempotency, execution, storage, response.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use crate::auth::{self, Key};
use crate::faults::{Failure, Faults};
use crate::files;
use crate::form::{self, Fields};
use crate::idempotency::{self, Replay};
use crate::refusal::Refusal;
use crate::render;
use crate::router;
use crate::world::{API_VERSION, Origin, World};
use crate::{LostResponse, Twin};

/// Far more than any request of the API needs.
const BODY_MAX: usize = 1024 * 1024;

/// What a request asks for, understood but not yet executed.
struct Asked<'a> {
    method: &'a Method,
    path: &'a str,
    segments: Vec<&'a str>,
    pairs: Vec<(String, String)>,
    form: Fields,
    key: Key,
}

impl<'a> Asked<'a> {
    fn of(request: &'a Request<Bytes>) -> Result<Self, Refusal> {
        let path = request.uri().path();
        let mut pairs = form::pairs(request.uri().query().unwrap_or_default())?;
        pairs.extend(body_pairs(request)?);
        let form = Fields::from_pairs(&pairs)?;
        let key = auth::key(request.headers(), &form)?;
        let segments = path.split('/').filter(|piece| !piece.is_empty()).skip(1).collect();
        render::check_expansions(&form)?;
        Ok(Self { method: request.method(), path, segments, pairs, form, key })
    }

    fn has_effect(&self) -> bool {
        self.method == Method::POST || self.method == Method::DELETE
    }

    /// Faults are for the shop; the tests' own levers always work.
    fn may_fail(&self) -> bool {
        self.segments.first() != Some(&"test_helpers")
    }
}

fn body_pairs(request: &Request<Bytes>) -> Result<Vec<(String, String)>, Refusal> {
    let body = request.body();
    let kind = header(request.headers(), "content-type").unwrap_or_default();
    let is_file = kind.starts_with("multipart/form-data");
    if body.len() > if is_file { files::BYTES_MAX + BODY_MAX } else { BODY_MAX } {
        return Err(Refusal::invalid("The request is too large.").status(413));
    }
    if is_file {
        return files::pairs(kind, body);
    }
    if kind.starts_with("application/json") && !body.is_empty() {
        return Err(Refusal::invalid(
            "Invalid request (check that your POST content type is \
             application/x-www-form-urlencoded). If you have questions, we can help at \
             https://support.stripe.com/.",
        ));
    }
    let text =
        std::str::from_utf8(body).map_err(|_| Refusal::invalid("Invalid UTF-8 in the request."))?;
    form::pairs(text)
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok()).filter(|value| !value.is_empty())
}

/// An answer on its way out.
struct Answer {
    status: u16,
    body: Bytes,
    should_retry: Option<bool>,
    original_request: Option<String>,
    is_lost: bool,
}

impl Answer {
    fn of_refusal(refusal: &Refusal, key: Key) -> Self {
        let body = json!({ "error": render::public(&Value::Object(refusal.error.clone())) });
        let body = shown(body, key);
        let should_retry = refusal.should_retry.or(Some(false).filter(|_| refusal.executed));
        Self {
            status: refusal.status,
            body: Bytes::from(body.to_string()),
            should_retry,
            original_request: None,
            is_lost: false,
        }
    }

    fn of_replay(replay: Replay) -> Self {
        Self {
            status: replay.status,
            body: replay.body,
            should_retry: Some(false).filter(|_| replay.status >= 400),
            original_request: Some(replay.request_id),
            is_lost: false,
        }
    }
}

fn shown(body: Value, key: Key) -> Value {
    match key {
        Key::Secret => body,
        Key::Publishable => render::publishable(&body),
    }
}

/// Answers a request.
pub(crate) fn handle(twin: &Twin, request: &Request<Bytes>) -> Response<Bytes> {
    if request.method() == Method::OPTIONS {
        return preflight();
    }
    if request.uri().path() == "/faults" {
        return faults(twin, request);
    }
    // The key is held before the lock is waited for: that is what "concurrent" means.
    let sent_key =
        header(request.headers(), "idempotency-key").filter(|_| request.method() == Method::POST);
    let guard = sent_key.map(|key| twin.hold_key(key));
    let is_in_use = matches!(guard, Some(None));

    let mut world = twin.lock();
    world.advance((twin.shared.now_ms)());
    let request_id = world.chance.request_id();
    world.origin = Origin {
        request_id: Some(request_id.clone()),
        idempotency_key: sent_key.map(ToOwned::to_owned),
    };
    let mut answer = match Asked::of(request) {
        Err(refusal) => Answer::of_refusal(&refusal, Key::Secret),
        Ok(asked) => match sent_key.filter(|_| is_in_use) {
            Some(key) => Answer::of_refusal(&idempotency::in_use(key), asked.key),
            None => answer(&mut world, &asked, sent_key),
        },
    };
    world.origin = Origin::default();
    if let Err(error) = world.flush() {
        // Nothing is acknowledged that is not written.
        let refusal = Refusal::api(500, format!("The twin could not store its state: {error}"));
        answer = Answer::of_refusal(&refusal, Key::Secret);
    }
    drop(world);
    respond(answer, &request_id, sent_key)
}

fn answer(world: &mut World, asked: &Asked<'_>, sent_key: Option<&str>) -> Answer {
    let fingerprint = idempotency::fingerprint(&asked.pairs);
    let failure = if asked.may_fail() { world.faults.draw(&mut world.chance) } else { None };
    if let Some(failure) = failure.filter(|failure| failure.before_effect) {
        return Answer::of_refusal(&failure.refusal(), asked.key);
    }
    let kept = match sent_key {
        None => Ok(None),
        Some(key) => {
            idempotency::check_key(key).and_then(|()| world.replay(key, asked.path, &fingerprint))
        }
    };
    let mut answer = match kept {
        Err(refusal) => return Answer::of_refusal(&refusal, asked.key),
        Ok(Some(replay)) => Answer::of_replay(replay),
        Ok(None) => {
            let keep = sent_key.map(|key| (key, fingerprint.as_str()));
            execute(world, asked, failure, keep)
        }
    };
    if let Some(failure) = failure {
        // The effect stands and the answer is another; a retry of what was kept meets it again.
        answer = Answer::of_refusal(&failure.refusal(), asked.key);
    }
    answer.is_lost = asked.may_fail() && asked.has_effect() && world.faults.loses_response();
    answer
}

/// Executes, and keeps under the idempotency key what Stripe keeps: results, not refused input.
fn execute(
    world: &mut World,
    asked: &Asked<'_>,
    failure: Option<Failure>,
    keep: Option<(&str, &str)>,
) -> Answer {
    let outcome = router::route(world, asked.key, asked.method, &asked.segments, &asked.form);
    let (answer, is_executed) = match outcome {
        Ok(mut value) => {
            for path in asked.form.list("expand") {
                render::expand(&world.store, &mut value, path);
            }
            let body = shown(render::public(&value), asked.key).to_string();
            let answer = Answer {
                status: 200,
                body: Bytes::from(body),
                should_retry: None,
                original_request: None,
                is_lost: false,
            };
            (answer, true)
        }
        Err(refusal) => (Answer::of_refusal(&refusal, asked.key), refusal.executed),
    };
    if let Some((key, fingerprint)) = keep.filter(|_| is_executed) {
        let failed = failure
            .filter(|failure| failure.is_kept())
            .map(|failure| Answer::of_refusal(&failure.refusal(), asked.key));
        let kept = failed.as_ref().unwrap_or(&answer);
        let body = String::from_utf8_lossy(&kept.body);
        world.keep(key, asked.path, fingerprint, kept.status, &body);
    }
    answer
}

fn respond(answer: Answer, request_id: &str, sent_key: Option<&str>) -> Response<Bytes> {
    let mut response = Response::new(answer.body);
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let retry = answer.should_retry.map(|should| if should { "true" } else { "false" });
    let unauthorized = (answer.status == 401).then_some(r#"Bearer realm="Stripe""#);
    let replayed = answer.original_request.as_ref().map(|_| "true");
    let headers = [
        ("access-control-allow-origin", Some("*")),
        ("access-control-expose-headers", Some("Request-Id, Stripe-Should-Retry")),
        ("cache-control", Some("no-cache, no-store")),
        ("content-type", Some("application/json")),
        ("idempotency-key", sent_key),
        ("idempotent-replayed", replayed),
        ("original-request", answer.original_request.as_deref()),
        ("request-id", Some(request_id)),
        ("stripe-should-retry", retry),
        ("stripe-version", Some(API_VERSION)),
        ("www-authenticate", unauthorized),
    ];
    for (name, value) in headers {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    if answer.is_lost {
        response.extensions_mut().insert(LostResponse);
    }
    response
}

/// Browsers ask before they send an `Authorization` header to another origin.
fn preflight() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    for (name, value) in [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-methods", "GET, POST, DELETE"),
        (
            "access-control-allow-headers",
            "Authorization, Content-Type, Idempotency-Key, Stripe-Version",
        ),
        ("access-control-max-age", "300"),
    ] {
        response
            .headers_mut()
            .insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

/// `GET /faults` shows the faults in force, `POST /faults` sets all of them.
fn faults(twin: &Twin, request: &Request<Bytes>) -> Response<Bytes> {
    let refuse = |message: String| (400, json!({ "error": { "message": message } }).to_string());
    let current = |twin: &Twin| match serde_json::to_string(&twin.lock().faults) {
        Ok(faults) => (200, faults),
        Err(error) => refuse(error.to_string()),
    };
    let (status, body) = match *request.method() {
        Method::GET => current(twin),
        Method::POST => match serde_json::from_slice::<Faults>(request.body()) {
            Err(error) => refuse(error.to_string()),
            Ok(faults) => faults.refuse().map_or_else(
                || {
                    twin.set_faults(faults);
                    current(twin)
                },
                refuse,
            ),
        },
        _ => (405, json!({ "error": { "message": "GET or POST" } }).to_string()),
    };
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(http::header::CONTENT_TYPE, json);
    response
}
