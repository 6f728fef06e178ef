//! The twin of Stripe behind a loopback port, one address per function.
//!
//! The Stripe client speaks HTTP, so its calls pass here: `/as/<handler>/v1/…`. The address says
//! who calls; recorder and fault plan are those of the emulated AWS, so that "the k-th outgoing
//! call" counts both.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use stripe_twin::{LostResponse, Twin};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use wire::{Call, CallId, FaultKind, Faults, Gate, Recorder, Saboteur, Verdict};

use crate::error::Error;

/// The service's name in recorder and fault plan.
const SERVICE: &str = "stripe";

/// The header of the keys under which what is asked twice is done once.
const KEY: &str = "idempotency-key";

/// What the port leads to.
#[derive(Clone)]
struct Door {
    twin: Twin,
    faults: Faults,
    recorder: Recorder,
    saboteur: Saboteur,
    /// Told after each call, because the twin may now have a webhook to send.
    moved: Arc<Notify>,
}

/// The open port; dropping it closes it.
pub(crate) struct Port {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Port {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Port {
    pub(crate) async fn open(
        twin: Twin,
        wire: &wire::Wire,
        moved: Arc<Notify>,
    ) -> Result<Self, Error> {
        let failed = |error| Error::Io("no loopback port for the Stripe twin".to_owned(), error);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (faults, recorder) = (wire.faults().clone(), wire.recorder().clone());
        let saboteur = wire.saboteur().clone();
        let door = Door { twin, faults, recorder, saboteur, moved };
        let task = tokio::spawn(async move {
            loop {
                // A connection that breaks while it is accepted is its caller's loss alone.
                let Ok((stream, _)) = listener.accept().await else { continue };
                let _ = stream.set_nodelay(true);
                let door = door.clone();
                tokio::spawn(async move {
                    let service = service_fn(move |request| {
                        let door = door.clone();
                        async move { door.serve(request).await }
                    });
                    // An error is a connection that broke or was broken on purpose.
                    let _ =
                        http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Ok(Self { address, task })
    }

    /// The base URL of one function; ends with a slash.
    pub(crate) fn base_url(&self, handler: &str) -> String {
        format!("http://{}/as/{handler}/", self.address)
    }
}

/// The connection is to be dropped.
#[derive(Debug)]
struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is dropped on purpose")
    }
}

impl std::error::Error for Broken {}

impl Door {
    async fn serve(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Broken> {
        let (mut parts, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| Broken)?.to_bytes();
        let (caller, uri) = caller(&parts.uri).ok_or(Broken)?;
        let operation = operation(parts.method.as_str(), uri.path());
        parts.uri = uri;
        let mut call = Call {
            caller: caller.clone(),
            service: SERVICE.to_owned(),
            operation: operation.clone(),
            request_bytes: body.len(),
            ..Call::default()
        };
        let mut request = Request::from_parts(parts, body);
        if let Some(gate) = self.sabotage(&caller, &operation, &mut request) {
            gate.pass().await;
        }
        let verdict = self.faults.verdict(&caller, SERVICE, &operation);
        let response = match verdict {
            Verdict::Pass => Some(self.twin.handle(request)),
            Verdict::Suffer(kind) => match kind {
                FaultKind::FailBefore => Some(refusal(500, "api_error", "injected: a failure")),
                FaultKind::Throttle => Some(refusal(429, "rate_limit", "injected: too many")),
                FaultKind::FailAfter => {
                    self.twin.handle(request);
                    Some(refusal(500, "api_error", "injected: a failure"))
                }
                FaultKind::Timeout => None,
                FaultKind::LoseResponse | FaultKind::TimeoutAfter => {
                    self.twin.handle(request);
                    None
                }
                FaultKind::DieBefore => return self.die(call).await,
                FaultKind::DieAfter => {
                    self.twin.handle(request);
                    return self.die(call).await;
                }
                // Mean something to DynamoDB only; the plan never picks a call of Stripe for them.
                FaultKind::TransactionConflict | FaultKind::ConditionFailed => {
                    Some(self.twin.handle(request))
                }
            },
        };
        self.moved.notify_one();
        let response =
            response.filter(|answer| answer.extensions().get::<LostResponse>().is_none());
        match &response {
            None => call.error_code = Some("connection lost".to_owned()),
            Some(response) => {
                call.status = response.status().as_u16();
                call.response_bytes = response.body().len();
            }
        }
        self.recorder.record(call);
        response.map(|response| response.map(Full::new)).ok_or(Broken)
    }

    /// Changes a request as the saboteur wants it; the gate that it has to wait before.
    fn sabotage(
        &self,
        caller: &str,
        operation: &str,
        request: &mut Request<Bytes>,
    ) -> Option<Gate> {
        let call = CallId {
            caller: caller.to_owned(),
            service: SERVICE.to_owned(),
            operation: operation.to_owned(),
            ..CallId::default()
        };
        let key = request.headers().get(KEY).and_then(|key| key.to_str().ok());
        let shown = json!({
            "method": request.method().as_str(),
            "path": request.uri().to_string(),
            "idempotency_key": key,
        });
        let sabotage = self.saboteur.ask(&call, &shown)?;
        // As it is: an empty key is none, and the same request would be another.
        let wanted = sabotage.requests.first().filter(|wanted| !wanted.is_null());
        let Some(wanted) = wanted else { return sabotage.gate };
        let text = |name: &str| wanted.get(name).and_then(Value::as_str).unwrap_or_default();
        if let Ok(method) = text("method").parse() {
            *request.method_mut() = method;
        }
        if let Ok(uri) = text("path").parse() {
            *request.uri_mut() = uri;
        }
        if let Ok(key) = text("idempotency_key").parse()
            && request.headers().contains_key(KEY)
        {
            request.headers_mut().insert(KEY, key);
        }
        sabotage.gate
    }

    /// The caller dies in the middle of this call: it never gets an answer.
    async fn die<T>(&self, mut call: Call) -> T {
        call.error_code = Some("died".to_owned());
        let (caller, operation) = (call.caller.clone(), call.operation.clone());
        self.recorder.record(call);
        self.moved.notify_one();
        self.faults.died(&caller, SERVICE, &operation);
        std::future::pending().await
    }
}

/// Who calls, and what: `/as/cart.store.create/v1/refunds` is `/v1/refunds` by that function.
fn caller(uri: &Uri) -> Option<(String, Uri)> {
    let text = uri.path_and_query()?.as_str().strip_prefix("/as/")?;
    let slash = text.find('/')?;
    let (handler, rest) = text.split_at(slash);
    Some((handler.to_owned(), rest.parse().ok()?))
}

/// The call's name: the method and the path, with `{id}` for what names one object.
fn operation(method: &str, path: &str) -> String {
    let words: Vec<&str> =
        path.split('/').map(|word| if is_id(word) { "{id}" } else { word }).collect();
    format!("{method} {}", words.join("/"))
}

/// `pi_3Nk…` is an id, `payment_intents` and `v1` are none.
fn is_id(word: &str) -> bool {
    word.rsplit_once('_').is_some_and(|(_, tail)| {
        tail.len() >= 8
            && tail.bytes().any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
    })
}

fn refusal(status: u16, code: &str, message: &str) -> Response<Bytes> {
    let kind = if status == 429 { "invalid_request_error" } else { "api_error" };
    let body = json!({"error": {"type": kind, "code": code, "message": message}}).to_string();
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    let json = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(http::header::CONTENT_TYPE, json);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_says_who_calls() {
        let uri: Uri = "/as/checkout.store.complete/v1/refunds?limit=1".parse().unwrap();
        let (handler, uri) = caller(&uri).unwrap();
        assert_eq!(
            (handler.as_str(), uri.to_string().as_str()),
            ("checkout.store.complete", "/v1/refunds?limit=1")
        );
        assert!(caller(&"/v1/refunds".parse().unwrap()).is_none());
    }

    #[test]
    fn an_operation_names_no_object() {
        assert_eq!(
            operation("POST", "/v1/payment_intents/pi_3NkA81xYz/confirm"),
            "POST /v1/payment_intents/{id}/confirm"
        );
        assert_eq!(operation("GET", "/v1/webhook_endpoints"), "GET /v1/webhook_endpoints");
    }
}
