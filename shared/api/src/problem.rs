//! RFC 9457 problems: the one shape of every answer that is not what was asked for.

use std::sync::Arc;

use domain::fault::Fault;
use domain::limit::Standing;
use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// One thing wrong with an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Flaw {
    /// A JSON pointer into the body, or `/query/…`, `/path/…`, `/headers/…`.
    pub pointer: String,
    /// What kind of flaw.
    pub code: &'static str,
    /// A sentence that says how to mend it, without repeating the input.
    pub detail: String,
}

impl Flaw {
    /// A flaw at a place.
    pub fn new(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code, detail: detail.into() }
    }
}

/// An answer that says no, or that we could not.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The HTTP status.
    pub status: StatusCode,
    /// What clients match on.
    pub code: &'static str,
    /// What happened, for a person.
    pub detail: Box<str>,
    /// Every flaw of an invalid input.
    pub errors: Vec<Flaw>,
    /// Further members: what a client needs to do better next time.
    pub members: Map<String, Value>,
    /// Further headers: `Retry-After`, `Allow`.
    pub headers: Vec<(&'static str, String)>,
    /// What failed, where it was our fault: for the log, never for the caller.
    pub fault: Option<Arc<Fault>>,
}

impl Problem {
    /// A problem with a status, a code and a sentence.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into().into_boxed_str(),
            errors: Vec::new(),
            members: Map::new(),
            headers: Vec::new(),
            fault: None,
        }
    }

    /// The input has these flaws.
    pub fn invalid(errors: Vec<Flaw>) -> Self {
        let detail = match errors.len() {
            1 => "The request has one flaw.".to_owned(),
            n => format!("The request has {n} flaws."),
        };
        Self { errors, ..Self::new(StatusCode::BAD_REQUEST, "invalid_request", detail) }
    }

    /// There is no such thing, or it is not the caller's.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is no such thing here.")
    }

    /// Nobody we know.
    pub fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "Sign in first.")
            .header("WWW-Authenticate", "Bearer")
    }

    /// The session was ended, by its holder or for them.
    pub fn session_revoked() -> Self {
        let detail = "The session has ended. Sign in again.";
        Self::new(StatusCode::UNAUTHORIZED, "session_revoked", detail)
            .header("WWW-Authenticate", "Bearer")
    }

    /// Too often, for now.
    pub fn too_many(standing: &Standing) -> Self {
        let detail = "Too many requests. Wait, then try again.";
        let wait = standing.retry_after.unwrap_or(1);
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", detail)
            .header("Retry-After", wait.to_string())
    }

    /// We could not; details are in our logs under the request id.
    pub fn internal() -> Self {
        let detail = "Something went wrong on our side. Nothing needs to be changed by you.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// There is no index to search yet; it is being made.
    pub fn search_not_ready() -> Self {
        let detail = "All that can be found is being indexed. Search again in a moment.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "search_not_ready", detail)
            .header("Retry-After", "5")
    }

    /// The order has no invoice yet, or never will: it was not placed, or nobody said who sells.
    pub fn invoice_not_ready() -> Self {
        let detail = "There is no invoice of this order yet. It follows within a minute of the \
                      payment, where the shop has said who sells.";
        Self::new(StatusCode::NOT_FOUND, "invoice_not_ready", detail)
    }

    /// We could not now; trying again helps.
    pub fn unavailable() -> Self {
        let detail = "The shop is busy for a moment. Try again.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail).header("Retry-After", "1")
    }

    /// The state does not allow it.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// Adds a member.
    #[must_use]
    pub fn member(mut self, name: &str, value: impl Serialize) -> Self {
        // A value that can not be written as JSON is left out rather than hiding the problem.
        if let Ok(value) = serde_json::to_value(value) {
            self.members.insert(name.to_owned(), value);
        }
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The body as it is sent.
    pub fn to_json(&self, request_id: &str) -> Value {
        let mut body = json!({
            "type": format!("/problems/{}", self.code),
            "title": self.status.canonical_reason().unwrap_or("Problem"),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "code": self.code,
            "request_id": request_id,
        });
        if let Value::Object(body) = &mut body {
            if !self.errors.is_empty() {
                body.insert("errors".into(), json!(self.errors));
            }
            for (name, value) in &self.members {
                body.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        body
    }
}
