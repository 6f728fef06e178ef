//! What Stripe answers when it does not do what was asked.
//!
//! A refusal knows whether the request had begun to execute: only then is it kept under the
//! request's idempotency key.

use serde_json::{Map, Value};

/// An error response in the making.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The fields of `error`.
    pub(crate) error: Map<String, Value>,
    /// Whether execution had begun, so that the idempotency key keeps this answer.
    pub(crate) executed: bool,
    /// The `Stripe-Should-Retry` header, where Stripe sends one.
    pub(crate) should_retry: Option<bool>,
}

impl Refusal {
    fn new(status: u16, kind: &str, message: impl Into<String>) -> Self {
        let mut error = Map::new();
        error.insert("message".into(), Value::String(message.into()));
        error.insert("type".into(), Value::String(kind.into()));
        Self { status, error, executed: false, should_retry: None }
    }

    /// 400 `invalid_request_error`.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "invalid_request_error", message)
    }

    /// 400 for a required parameter that is not there.
    pub(crate) fn missing(param: &str) -> Self {
        Self::invalid(format!("Missing required param: {param}."))
            .code("parameter_missing")
            .param(param)
    }

    /// 404 for an object that is not there.
    pub(crate) fn not_found(object: &str, id: &str, param: &str) -> Self {
        Self::invalid(format!("No such {object}: '{id}'"))
            .status(404)
            .code("resource_missing")
            .param(param)
    }

    /// 401 for a key that is missing or wrong.
    pub(crate) fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(401, "invalid_request_error", message)
    }

    /// 402: the bank said no. Always a result of execution.
    pub(crate) fn card(message: impl Into<String>) -> Self {
        Self::new(402, "card_error", message).executed()
    }

    /// 400 or 409 about the idempotency key.
    pub(crate) fn idempotency(status: u16, message: impl Into<String>) -> Self {
        Self::new(status, "idempotency_error", message)
    }

    /// 5xx: Stripe itself failed.
    pub(crate) fn api(status: u16, message: impl Into<String>) -> Self {
        Self::new(status, "api_error", message)
    }

    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn code(self, code: &str) -> Self {
        let page = format!("https://stripe.com/docs/error-codes/{}", code.replace('_', "-"));
        self.with("code", code).with("doc_url", page)
    }

    pub(crate) fn param(self, param: &str) -> Self {
        self.with("param", param)
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.error.insert(name.into(), value.into());
        self
    }

    pub(crate) fn executed(mut self) -> Self {
        self.executed = true;
        self
    }

    pub(crate) fn should_retry(mut self, should: bool) -> Self {
        self.should_retry = Some(should);
        self
    }
}
