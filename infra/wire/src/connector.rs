//! The HTTP client the AWS SDK is given: it reads the host, asks the fault plan and the IAM check,
//! and hands the call to the emulator of that service.
//!
//! Invariants: every attempt is judged, then recorded exactly once; a refused call has no effect;
//! a host nobody answers for gets an error at once, never silence.

use std::fmt;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::dynamodb;
use crate::error::Error;
use crate::faults::{CallId, FaultKind, LOCAL, Verdict};
use crate::message::{Incoming, Refusal, Reply, Service};
use crate::recorder::Call;
use crate::saboteur::Sabotage;
use crate::{Inner, Wire};

/// The member of a request of DynamoDB that says on what it depends.
const CONDITION: &str = "ConditionExpression";

/// One caller's way to the services.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) inner: Arc<Inner>,
    pub(crate) caller: Arc<str>,
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").field("caller", &self.caller).finish_non_exhaustive()
    }
}

impl HttpClient for Door {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Door {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let door = self.clone();
        HttpConnectorFuture::new(async move { door.carry(&request).await })
    }
}

impl Wire {
    /// Answers a call that came to this machine over HTTP: from a caller that is a process of its
    /// own. For which service it is stands in its signature, because the host is this machine.
    pub async fn answer(
        &self,
        caller: &str,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, Error> {
        let invalid = |text: &str| Error::Invalid(format!("a call of {caller}: {text}"));
        let (mut parts, body) = request.into_parts();
        let service = signed_for(&parts.headers).ok_or_else(|| invalid("it is not signed"))?;
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        parts.uri = format!("https://{service}.{}.amazonaws.com{path}", self.inner.region)
            .parse()
            .map_err(|_| invalid("its address is none"))?;
        let request = http::Request::from_parts(parts, SdkBody::from(body));
        let request = HttpRequest::try_from(request).map_err(|_| invalid("it can not be read"))?;
        let door = Door { inner: Arc::clone(&self.inner), caller: caller.into() };
        let response = door.carry(&request).await.map_err(|error| invalid(&error.to_string()))?;
        let response =
            response.try_into_http1x().map_err(|_| invalid("its answer can not be sent"))?;
        Ok(response.map(|body| Bytes::copy_from_slice(body.bytes().unwrap_or_default())))
    }
}

/// The first label of the host of the service that a signature is for.
/// Source: "Create a signed AWS API request", the credential scope.
fn signed_for(headers: &http::HeaderMap) -> Option<&str> {
    let said = headers.get(http::header::AUTHORIZATION)?.to_str().ok()?;
    let (_, credential) = said.split_once("Credential=")?;
    let service = credential.split(',').next()?.split('/').nth(3)?;
    Some(if service == "ses" { "email" } else { service })
}

impl Door {
    async fn carry(&self, request: &HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let incoming = Incoming::read(request).map_err(|text| ConnectorError::user(text.into()))?;
        let service = incoming.service.name();
        let operation = &incoming.operation;
        let is_conditional = is_conditional(&incoming);
        let (verdict, id) =
            self.inner.faults.judge(&self.caller, service, operation, is_conditional);
        let sabotage = (&*self.caller != LOCAL)
            .then(|| self.inner.saboteur.ask(&id, &incoming.json))
            .flatten();
        if let Some(gate) = sabotage.as_ref().and_then(|sabotage| sabotage.gate.clone()) {
            gate.pass().await;
        }
        let reply = match verdict {
            Verdict::Pass => self.serve_as(&incoming, sabotage, usize::MAX).await,
            Verdict::Suffer(kind) => match kind {
                FaultKind::FailBefore => internal(&incoming.service).reply(&incoming.service),
                FaultKind::Throttle => throttled(&incoming.service).reply(&incoming.service),
                FaultKind::FailAfter => {
                    self.serve_as(&incoming, sabotage, 1).await;
                    internal(&incoming.service).reply(&incoming.service)
                }
                FaultKind::TransactionConflict => conflict(&incoming.json),
                FaultKind::ConditionFailed => {
                    self.serve_as(&incoming, sabotage, 1).await;
                    let message = "The conditional request failed";
                    Refusal::new("ConditionalCheckFailedException", message)
                        .reply(&incoming.service)
                }
                FaultKind::Timeout => {
                    self.record(&incoming, Err("Timeout"));
                    return Err(ConnectorError::timeout("injected: no answer in time".into()));
                }
                FaultKind::TimeoutAfter => {
                    self.serve_as(&incoming, sabotage, 1).await;
                    self.record(&incoming, Err("TimeoutAfter"));
                    return Err(ConnectorError::timeout("injected: no answer in time".into()));
                }
                FaultKind::LoseResponse => {
                    self.serve_as(&incoming, sabotage, 1).await;
                    self.record(&incoming, Err("LoseResponse"));
                    return Err(ConnectorError::io("injected: the response was lost".into()));
                }
                FaultKind::DieBefore => {
                    self.record(&incoming, Err("DieBefore"));
                    return self.die(id).await;
                }
                FaultKind::DieAfter => {
                    self.serve_as(&incoming, sabotage, 1).await;
                    self.record(&incoming, Err("DieAfter"));
                    return self.die(id).await;
                }
            },
        };
        self.record(&incoming, Ok(&reply));
        Ok(reply.into_http())
    }

    async fn die(&self, id: CallId) -> Result<HttpResponse, ConnectorError> {
        self.inner.faults.announce(id);
        std::future::pending().await
    }

    /// Serves a call, or what the saboteur made of it, the first so many parts of it.
    async fn serve_as(
        &self,
        incoming: &Incoming,
        sabotage: Option<Sabotage>,
        most: usize,
    ) -> Reply {
        let Some(Sabotage { requests, afterwards, gate: _ }) = sabotage else {
            return self.serve(incoming).await;
        };
        let mut reply = Reply::json(200, &json!({}));
        let is_whole = requests.len() <= most;
        for request in requests.into_iter().take(most) {
            // What is not of a JSON protocol can be held and swallowed, not changed.
            reply = match request {
                Value::Null => self.serve(incoming).await,
                request if request == incoming.json => self.serve(incoming).await,
                request => self.serve(&incoming.saying(request)).await,
            };
            if reply.status >= 300 {
                return reply;
            }
        }
        if let Some(afterwards) = afterwards.filter(|_| is_whole && most > 1) {
            afterwards();
        }
        reply
    }

    async fn serve(&self, incoming: &Incoming) -> Reply {
        if &*self.caller != LOCAL
            && let Err(refusal) = self.inner.authorize(&self.caller, incoming)
        {
            return refusal.reply(&incoming.service);
        }
        let reply = self.dispatch(incoming).await;
        if reply.status < 300 && changes_something(incoming) {
            let is_of_tables = incoming.service == Service::DynamoDb;
            let tables = if is_of_tables { dynamodb::tables_of(&incoming.json) } else { vec![] };
            self.inner.changed(tables);
        }
        reply
    }

    async fn dispatch(&self, incoming: &Incoming) -> Reply {
        match &incoming.service {
            Service::DynamoDb => {
                let under_way = self.inner.under_way();
                let reply = self.inner.dynamo.forward(incoming).await;
                under_way.end();
                reply
            }
            Service::Sqs => self.inner.sqs.serve(incoming),
            Service::Ses => self.inner.ses.serve(incoming),
            Service::Sns => self.inner.sns.serve(incoming),
            Service::Secrets => self.inner.secrets.serve(incoming),
            Service::S3 => {
                self.inner.s3.serve(incoming, &|| self.inner.may_list(&self.caller, incoming))
            }
            Service::Unknown(label) => Refusal {
                status: 501,
                code: "NotImplemented",
                message: format!("no emulator answers for the service '{label}'"),
            }
            .reply(&incoming.service),
        }
    }

    fn record(&self, incoming: &Incoming, outcome: Result<&Reply, &str>) {
        let mut call = Call {
            caller: self.caller.to_string(),
            service: incoming.service.name().to_owned(),
            operation: incoming.operation.clone(),
            request_bytes: incoming.body.len(),
            ..Call::default()
        };
        match incoming.service {
            Service::DynamoDb => {
                call.tables = dynamodb::tables_of(&incoming.json);
                call.written = dynamodb::written_by(&incoming.json);
                call.index = Some(incoming.text("IndexName").to_owned()).filter(|i| !i.is_empty());
            }
            Service::Sqs => call.tables.extend(crate::sqs::queue_of(&incoming.json)),
            Service::S3 => call.tables.push(incoming.target.bucket.clone()),
            Service::Ses | Service::Sns | Service::Secrets | Service::Unknown(_) => {}
        }
        match outcome {
            Err(fault) => call.error_code = Some(fault.to_owned()),
            Ok(reply) => {
                call.status = reply.status;
                call.response_bytes = reply.body.len();
                call.error_code = reply.error_code();
                if incoming.service == Service::DynamoDb
                    && incoming.json.get("ReturnConsumedCapacity").is_some()
                {
                    let units = dynamodb::units_of(&incoming.operation, &reply.body);
                    (call.read_units, call.write_units) = units;
                }
            }
        }
        self.inner.recorder.record(call);
    }
}

/// Whether a pump of queues, streams or announcements may have work after this call.
fn changes_something(incoming: &Incoming) -> bool {
    const WORDS: [&str; 8] =
        ["Put", "Update", "Delete", "Write", "Send", "Change", "StartMessageMove", "Copy"];
    let pumped = matches!(incoming.service, Service::DynamoDb | Service::Sqs | Service::S3);
    pumped && WORDS.iter().any(|word| incoming.operation.contains(word))
}

/// Whether a call writes one item of DynamoDB under a condition.
fn is_conditional(incoming: &Incoming) -> bool {
    let writes = ["PutItem", "UpdateItem", "DeleteItem"].contains(&incoming.operation.as_str());
    writes && incoming.service == Service::DynamoDb && !incoming.text(CONDITION).is_empty()
}

fn internal(service: &Service) -> Refusal {
    let code = match service {
        Service::DynamoDb => "InternalServerError",
        Service::Secrets => "InternalServiceError",
        Service::S3 | Service::Sns => "InternalError",
        Service::Sqs | Service::Ses | Service::Unknown(_) => "InternalFailure",
    };
    Refusal { status: 500, code, message: "injected: internal error".to_owned() }
}

fn throttled(service: &Service) -> Refusal {
    let code = match service {
        Service::DynamoDb => "ProvisionedThroughputExceededException",
        Service::Sqs => "RequestThrottled",
        Service::Ses => "Throttling",
        Service::Sns => "Throttled",
        Service::S3 => {
            let message = "injected: Please reduce your request rate.".to_owned();
            return Refusal { status: 503, code: "SlowDown", message };
        }
        Service::Secrets | Service::Unknown(_) => "ThrottlingException",
    };
    Refusal::new(code, "injected: rate exceeded")
}

/// Each item of the transaction met another transaction on the same item.
fn conflict(request: &Value) -> Reply {
    let items = request.get("TransactItems").and_then(Value::as_array).map_or(1, Vec::len);
    let reason = json!({
        "Code": "TransactionConflict",
        "Message": "Transaction is ongoing for the item",
    });
    let codes = vec!["TransactionConflict"; items].join(", ");
    Reply::json(
        400,
        &json!({
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            "Message": format!(
                "Transaction cancelled, please refer cancellation reasons for specific reasons \
                 [{codes}]"
            ),
            "CancellationReasons": vec![reason; items],
        }),
    )
}
