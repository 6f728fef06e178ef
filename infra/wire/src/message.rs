//! A request as the services see it and the reply they give, independent of the HTTP library.

use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::s3::Target;

/// Which emulator answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Service {
    DynamoDb,
    Sqs,
    Ses,
    Sns,
    Secrets,
    S3,
    /// A host nobody here answers for: its first label.
    Unknown(String),
}

impl Service {
    /// From an endpoint such as `sqs.eu-central-1.amazonaws.com`.
    fn of_host(host: &str) -> Self {
        // `bucket.s3.…` and `s3.…` alike; a bucket may have any name.
        if host.starts_with("s3.") || host.contains(".s3.") {
            return Self::S3;
        }
        let mut labels = host.split('.');
        match labels.next().unwrap_or_default() {
            // `streams.dynamodb.…` and the account-based `123456789012.ddb.…` too.
            "dynamodb" | "streams" => Self::DynamoDb,
            "sqs" => Self::Sqs,
            "email" => Self::Ses,
            "sns" => Self::Sns,
            "secretsmanager" => Self::Secrets,
            other if labels.next() == Some("ddb") && !other.is_empty() => Self::DynamoDb,
            other => Self::Unknown(other.to_owned()),
        }
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::DynamoDb => "dynamodb",
            Self::Sqs => "sqs",
            Self::Ses => "ses",
            Self::Sns => "sns",
            Self::Secrets => "secretsmanager",
            Self::S3 => "s3",
            Self::Unknown(label) => label,
        }
    }
}

/// One request, read completely.
pub(crate) struct Incoming {
    pub(crate) service: Service,
    pub(crate) operation: String,
    pub(crate) method: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
    /// The body of the JSON protocols, parsed; `Null` for the others.
    pub(crate) json: Value,
    /// What an S3 request is about; empty for the others.
    pub(crate) target: Target,
}

impl Incoming {
    /// The error is for a body that is a stream: no operation of these services has one.
    pub(crate) fn read(request: &HttpRequest) -> Result<Self, &'static str> {
        let host = host_of(request.uri());
        let service = Service::of_host(host);
        let headers: Vec<(String, String)> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let body = request.body().bytes().ok_or("a streaming body cannot be emulated")?;
        let body = Bytes::copy_from_slice(body);
        let method = request.method().to_owned();
        if service == Service::S3 {
            let target = crate::s3::target(host, path_of(request.uri()), query_of(request.uri()));
            let header = |name: &str| request.headers().get(name).map(str::to_owned);
            let operation = crate::s3::operation(&method, &target, header);
            return Ok(Self {
                service,
                operation,
                method,
                headers,
                body,
                json: Value::Null,
                target,
            });
        }
        let target = request.headers().get("x-amz-target").and_then(|t| t.rsplit('.').next());
        let operation = match target {
            Some(operation) => operation.to_owned(),
            None => form(&body)
                .into_iter()
                .find_map(|(name, value)| (name == "Action").then_some(value))
                .unwrap_or_else(|| format!("{} {}", request.method(), path_of(request.uri()))),
        };
        let json = match target {
            Some(_) => serde_json::from_slice(&body).unwrap_or(Value::Null),
            None => Value::Null,
        };
        let target = Target::default();
        Ok(Self { service, operation, method, headers, body, json, target })
    }

    /// The same call with another body of its JSON protocol.
    pub(crate) fn saying(&self, json: Value) -> Self {
        let is_of_body = |name: &str| name == "content-length" || name == "x-amz-content-sha256";
        let headers = self.headers.iter().filter(|(name, _)| !is_of_body(name));
        Self {
            service: self.service.clone(),
            operation: self.operation.clone(),
            method: self.method.clone(),
            headers: headers.cloned().collect(),
            body: json.to_string().into(),
            json,
            target: self.target.clone(),
        }
    }

    /// The first header of this name, which is in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A string member of a JSON body, empty when absent.
    pub(crate) fn text(&self, member: &str) -> &str {
        self.json.get(member).and_then(Value::as_str).unwrap_or_default()
    }
}

fn host_of(uri: &str) -> &str {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    rest.split(['/', '?', ':']).next().unwrap_or_default()
}

fn path_of(uri: &str) -> &str {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let path = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/");
    path.split('?').next().unwrap_or(path)
}

fn query_of(uri: &str) -> &str {
    uri.split_once('?').map_or("", |(_, query)| query)
}

/// The pairs of an `application/x-www-form-urlencoded` body, decoded, in order.
pub(crate) fn form(body: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(body);
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

pub(crate) fn decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let hex: Vec<u8> = bytes.by_ref().take(2).collect();
                let digits = std::str::from_utf8(&hex).unwrap_or_default();
                out.push(u8::from_str_radix(digits, 16).unwrap_or(b'?'));
            }
            other => out.push(other),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A response, complete.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn json(status: u16, value: &Value) -> Self {
        let content = ("content-type".to_owned(), "application/x-amz-json-1.0".to_owned());
        Self { status, headers: vec![content], body: value.to_string().into() }
    }

    pub(crate) fn xml(status: u16, text: String) -> Self {
        Self::of(status, "text/xml", text)
    }

    pub(crate) fn of(status: u16, kind: &str, body: impl Into<Bytes>) -> Self {
        let content = ("content-type".to_owned(), kind.to_owned());
        Self { status, headers: vec![content], body: body.into() }
    }

    /// The error code a client would read from this reply, if it is an error.
    pub(crate) fn error_code(&self) -> Option<String> {
        if self.status < 400 {
            return None;
        }
        if let Ok(value) = serde_json::from_slice::<Value>(&self.body) {
            let kind = value.get("__type").and_then(Value::as_str).unwrap_or_default();
            return Some(kind.rsplit('#').next().unwrap_or(kind).to_owned());
        }
        let text = String::from_utf8_lossy(&self.body);
        let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
        Some(code.map_or_else(|| self.status.to_string(), |(code, _)| code.to_owned()))
    }

    pub(crate) fn into_http(self) -> HttpResponse {
        let status = StatusCode::try_from(self.status).unwrap_or_else(|_| fallback_status());
        let mut response = HttpResponse::new(status, SdkBody::from(self.body));
        for (name, value) in self.headers {
            // A header the SDK cannot hold carries nothing it reads.
            let _ = response.headers_mut().try_append(name, value);
        }
        response
    }
}

fn fallback_status() -> StatusCode {
    // 100..=1000 is all the type accepts, and 500 lies within.
    StatusCode::try_from(500).unwrap_or_else(|_| unreachable!("500 is a status code"))
}

/// An error in the words of its service.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: 400, code, message: message.into() }
    }

    /// The reply that the SDK of this service understands as this error.
    pub(crate) fn reply(&self, service: &Service) -> Reply {
        match service {
            Service::DynamoDb => self.as_json("com.amazonaws.dynamodb.v20120810#"),
            Service::Secrets => self.as_json(""),
            Service::Sqs => {
                let mut reply = self.as_json("com.amazonaws.sqs#");
                let blame = if self.status < 500 { "Sender" } else { "Receiver" };
                let query = format!("{};{blame}", query_code(self.code));
                reply.headers.push(("x-amzn-query-error".to_owned(), query));
                reply
            }
            Service::S3 => crate::s3::refused(self),
            Service::Ses | Service::Sns | Service::Unknown(_) => {
                let namespace = if *service == Service::Sns {
                    "http://sns.amazonaws.com/doc/2010-03-31/"
                } else {
                    "http://ses.amazonaws.com/doc/2010-12-01/"
                };
                let blame = if self.status < 500 { "Sender" } else { "Receiver" };
                Reply::xml(
                    self.status,
                    format!(
                        "<ErrorResponse xmlns=\"{namespace}\"><Error>\
                         <Type>{blame}</Type><Code>{}</Code><Message>{}</Message></Error>\
                         <RequestId>00000000-0000-0000-0000-000000000000</RequestId>\
                         </ErrorResponse>",
                        self.code,
                        escape(&self.message)
                    ),
                )
            }
        }
    }

    fn as_json(&self, namespace: &str) -> Reply {
        let kind = format!("{namespace}{}", self.code);
        Reply::json(self.status, &json!({ "__type": kind, "message": self.message }))
    }
}

/// SQLite failing inside an emulator: the service is broken, and says so.
impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        tracing::error!(%error, "an emulated service could not reach its storage");
        Self { status: 500, code: "InternalFailure", message: format!("storage: {error}") }
    }
}

/// SQS kept the codes of its older query protocol for some shapes.
fn query_code(code: &str) -> String {
    match code {
        "QueueDoesNotExist" => "AWS.SimpleQueueService.NonExistentQueue".to_owned(),
        "MessageNotInflight"
        | "BatchEntryIdsNotDistinct"
        | "EmptyBatchRequest"
        | "TooManyEntriesInBatchRequest"
        | "BatchRequestTooLong"
        | "InvalidBatchEntryId"
        | "UnsupportedOperation" => format!("AWS.SimpleQueueService.{code}"),
        other => other.to_owned(),
    }
}

pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
    out
}
