//! What a caller gets.

use http::{HeaderName, HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::openapi::Operation;
use crate::problem::Problem;
use crate::request::Request;

/// The answer of an endpoint.
pub type Reply<T> = Result<T, Problem>;

/// An answer as it leaves: status, headers, body.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The endpoint's own headers; those that every answer carries are added later.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Cookies to set.
    pub cookies: Vec<String>,
    /// The body.
    pub body: Vec<u8>,
    /// Whether the endpoint has itself remembered this answer under the idempotency key.
    pub is_remembered: bool,
}

impl Answer {
    /// A JSON answer. What can not be written as JSON is a bug of ours.
    pub fn json(status: StatusCode, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => Self {
                status,
                headers: vec![(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))],
                cookies: Vec::new(),
                body,
                is_remembered: false,
            },
            Err(_) => Self::empty(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    /// An answer without a body.
    pub fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: Vec::new(),
            cookies: Vec::new(),
            body: Vec::new(),
            is_remembered: false,
        }
    }

    /// The answer of a problem.
    pub fn problem(problem: &Problem, request_id: &str) -> Self {
        let mut answer = Self::json(problem.status, &problem.to_json(request_id));
        answer.headers =
            vec![(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"))];
        for (name, value) in &problem.headers {
            answer = answer.header(name, value);
        }
        answer
    }

    /// Adds a header; a value that can not stand in one is left out.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
            self.headers.push((name, value));
        }
        self
    }

    /// A header's value.
    pub fn header_value(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.as_str() == name).and_then(|(_, v)| v.to_str().ok())
    }
}

/// Something an endpoint may answer with.
pub trait Output {
    /// Makes the answer.
    fn answer(self, request: &Request) -> Answer;
    /// Adds itself to the contract.
    fn describe(operation: &mut Operation);
    /// Whether a request that is repeated under its idempotency key is done again, because the
    /// answer is not written down: it shows a secret, or is a file for which nothing was changed.
    const IS_DONE_ANEW: bool = false;
}

/// A view: 200 with a JSON body.
pub trait View: Serialize + JsonSchema {}

impl<T: View> Output for T {
    fn answer(self, _: &Request) -> Answer {
        Answer::json(StatusCode::OK, &self)
    }
    fn describe(operation: &mut Operation) {
        operation.answers::<T>(200);
    }
}

/// 201 with a JSON body.
#[derive(Debug)]
pub struct Created<T>(pub T);

impl<T: View> Output for Created<T> {
    fn answer(self, _: &Request) -> Answer {
        Answer::json(StatusCode::CREATED, &self.0)
    }
    fn describe(operation: &mut Operation) {
        operation.answers::<T>(201);
    }
}

/// 202 with a JSON body.
#[derive(Debug)]
pub struct Accepted<T>(pub T);

impl<T: View> Output for Accepted<T> {
    fn answer(self, _: &Request) -> Answer {
        Answer::json(StatusCode::ACCEPTED, &self.0)
    }
    fn describe(operation: &mut Operation) {
        operation.answers::<T>(202);
    }
}

/// 204.
#[derive(Debug)]
pub struct NoContent;

impl Output for NoContent {
    fn answer(self, _: &Request) -> Answer {
        Answer::empty(StatusCode::NO_CONTENT)
    }
    fn describe(operation: &mut Operation) {
        operation.response(204, None);
    }
}

/// An output that must never be written down, not even to be repeated: it shows a secret, once.
#[derive(Debug)]
pub struct Secret<T>(pub T);

impl<T: Output> Output for Secret<T> {
    const IS_DONE_ANEW: bool = true;
    fn answer(self, request: &Request) -> Answer {
        self.0.answer(request)
    }
    fn describe(operation: &mut Operation) {
        T::describe(operation);
    }
}

/// An output with cookies.
#[derive(Debug)]
pub struct WithCookies<T>(pub T, pub Vec<String>);

impl<T: Output> Output for WithCookies<T> {
    const IS_DONE_ANEW: bool = true;
    fn answer(self, request: &Request) -> Answer {
        Answer { cookies: self.1, ..self.0.answer(request) }
    }
    fn describe(operation: &mut Operation) {
        T::describe(operation);
    }
}

/// An output that the endpoint has already remembered under the caller's idempotency key, in the
/// transaction of its effect.
#[derive(Debug)]
pub struct Remembered<T>(pub T);

impl<T: Output> Output for Remembered<T> {
    fn answer(self, request: &Request) -> Answer {
        Answer { is_remembered: true, ..self.0.answer(request) }
    }
    fn describe(operation: &mut Operation) {
        T::describe(operation);
    }
}

/// A redirection to somewhere else, for a moment.
#[derive(Debug)]
pub struct Found {
    /// Where to.
    pub location: String,
}

impl Output for Found {
    fn answer(self, _: &Request) -> Answer {
        Answer::empty(StatusCode::FOUND).header("location", &self.location)
    }
    fn describe(operation: &mut Operation) {
        operation.response(302, None);
    }
}

/// What was asked for, or where it went for good.
#[derive(Debug)]
pub enum OrMoved<T> {
    /// Here it is.
    Is(T),
    /// It has this address now.
    Moved(String),
}

impl<T: Output> Output for OrMoved<T> {
    fn answer(self, request: &Request) -> Answer {
        match self {
            Self::Is(output) => output.answer(request),
            Self::Moved(location) => Answer::empty(StatusCode::MOVED_PERMANENTLY)
                .header("location", &location)
                .header("cache-control", PUBLIC),
        }
    }
    fn describe(operation: &mut Operation) {
        T::describe(operation);
        operation.response(301, None);
    }
}

/// A file to keep.
#[derive(Debug)]
pub struct File {
    /// The name that the customer sees: ASCII, without quotes.
    pub name: String,
    /// The media type.
    pub media_type: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Output for File {
    /// Bytes are no text, and may be more than an item holds.
    const IS_DONE_ANEW: bool = true;
    fn answer(self, _: &Request) -> Answer {
        let mut answer = Answer::empty(StatusCode::OK);
        answer.body = self.bytes;
        let disposition = format!("attachment; filename=\"{}\"", self.name);
        answer.header("content-type", self.media_type).header("content-disposition", &disposition)
    }
    fn describe(operation: &mut Operation) {
        operation.response(200, None);
    }
}

const PUBLIC: &str = "public, s-maxage=60, stale-while-revalidate=300";

/// How long an answer may be kept by whom.
#[derive(Debug, Clone, Copy)]
pub enum Cache {
    /// Public catalog: a minute at the edge, five more while it is renewed.
    Public,
    /// Personal, but the client may ask whether it changed.
    Private,
}

/// A single resource with a strong ETag: 304 where the caller has it.
#[derive(Debug)]
pub struct Cached<T>(pub T, pub Cache);

impl<T: View> Output for Cached<T> {
    fn answer(self, request: &Request) -> Answer {
        let answer = Answer::json(StatusCode::OK, &self.0);
        let etag = etag(&answer.body);
        let is_known = request.header("if-none-match").is_some_and(|known| {
            known
                .split(',')
                .map(str::trim)
                .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
        });
        let answer = if is_known { Answer::empty(StatusCode::NOT_MODIFIED) } else { answer };
        let answer = answer.header("etag", &etag);
        match self.1 {
            Cache::Public => answer.header("cache-control", PUBLIC),
            Cache::Private => answer,
        }
    }
    fn describe(operation: &mut Operation) {
        operation.answers::<T>(200);
        operation.response(304, None);
    }
}

/// A single resource that is changed by version: its ETag is what `If-Match` wants.
#[derive(Debug)]
pub struct Versioned<T>(pub T, pub u64);

impl<T: View> Output for Versioned<T> {
    fn answer(self, request: &Request) -> Answer {
        let tag = crate::input::version_tag(self.1);
        let is_known = request.is_safe()
            && request
                .header("if-none-match")
                .is_some_and(|known| known.split(',').any(|known| known.trim() == tag));
        let answer = if is_known {
            Answer::empty(StatusCode::NOT_MODIFIED)
        } else {
            Answer::json(StatusCode::OK, &self.0)
        };
        answer.header("etag", &tag)
    }
    fn describe(operation: &mut Operation) {
        operation.answers::<T>(200);
        operation.response(304, None);
    }
}

/// A new resource that is changed by version.
#[derive(Debug)]
pub struct CreatedVersion<T>(pub T, pub u64);

impl<T: View> Output for CreatedVersion<T> {
    fn answer(self, _: &Request) -> Answer {
        let tag = crate::input::version_tag(self.1);
        Answer::json(StatusCode::CREATED, &self.0).header("etag", &tag)
    }
    fn describe(operation: &mut Operation) {
        operation.answers::<T>(201);
    }
}

/// A strong ETag: the hash of the very bytes.
fn etag(body: &[u8]) -> String {
    let digest = Sha256::digest(body);
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}
