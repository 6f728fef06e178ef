//! What only the local shop has: mailbox, queues, clock, jobs, metrics, the Stripe twin, pictures.

use bytes::Bytes;
use http::HeaderName;
use serde::Deserialize;
use serde_json::{Value, json};
use stripe_twin::LostResponse;

use crate::message::{Request, Response, decoded};
use crate::shop::{Outcome, S3_MOUNT, Shop};
use crate::{demo, pages};

/// The clock is moved by at most ten years at once.
const ADVANCE_SECONDS_MAX: u64 = 10 * 365 * 86_400;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_seconds: u64,
}

impl Shop {
    pub(crate) async fn surface(&self, request: &Request) -> Response {
        if !is_for_this_machine(request) {
            return problem(
                421,
                "the local shop's own pages answer to 127.0.0.1 and localhost only",
            );
        }
        let path = request.path().strip_prefix("/_local").unwrap_or_default();
        if let Some(rest) = path.strip_prefix("/stripe") {
            return self.stripe(request, rest);
        }
        if path.starts_with("/s3/") {
            return self.s3(request);
        }
        let words: Vec<String> =
            path.split('/').filter(|word| !word.is_empty()).map(decoded).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let method = if request.method == "HEAD" { "GET" } else { request.method.as_str() };
        match (method, words.as_slice()) {
            ("GET", []) => pages::index(self),
            ("GET", ["style.css"]) => pages::style(),
            ("GET", ["mail"]) => pages::mailbox(&self.mails()),
            ("GET", ["mail.json"]) => Response::json(200, &json!({"data": self.mails()})),
            ("DELETE", ["mail.json"]) => match self.wire().ses().clear() {
                Ok(()) => Response::json(200, &json!({"data": []})),
                Err(error) => problem(500, &error.to_string()),
            },
            ("POST", ["mail", message, what]) => self.tell(message, what),
            ("GET", ["texts"]) => pages::texts(&self.texts()),
            ("GET", ["texts.json"]) => Response::json(200, &json!({"data": self.texts()})),
            ("POST", ["texts", "answers"]) => self.answer_text(request),
            ("GET", ["queues.json"]) => Response::json(200, &self.queues()),
            ("POST", ["queues", name, "redrive"]) => self.redrive(name),
            ("GET", ["clock"]) => self.time(&[]),
            ("POST", ["clock"]) => match serde_json::from_slice::<Advance>(&request.body) {
                Ok(wanted) if wanted.advance_seconds <= ADVANCE_SECONDS_MAX => {
                    let ran = self.advance(wanted.advance_seconds).await;
                    self.time(&ran)
                }
                Ok(_) => problem(400, "advance_seconds is more than ten years"),
                Err(error) => problem(400, &format!("{{\"advance_seconds\": N}}: {error}")),
            },
            ("GET", ["jobs"]) => Response::json(200, &json!({"data": self.jobs()})),
            ("POST", ["jobs", handler]) => self.job(handler).await,
            ("GET", ["metrics.json"]) => Response::json(200, &json!({"functions": self.metrics()})),
            ("GET", ["media", file]) => self.picture(file),
            _ => problem(404, "the local shop has no such page; /_local/ lists them"),
        }
    }

    fn queues(&self) -> Value {
        let queues: Vec<Value> = self
            .wire()
            .sqs()
            .depths()
            .into_iter()
            .map(|depth| {
                let dead = self.stack().queue(&depth.queue).and_then(|q| q.redrive.clone());
                json!({
                    "name": depth.queue,
                    "visible": depth.visible,
                    "in_flight": depth.in_flight,
                    "delayed": depth.delayed,
                    "is_dlq": depth.is_dlq,
                    "dlq": dead.map(|(name, _)| name),
                })
            })
            .collect();
        json!({"data": queues})
    }

    fn redrive(&self, name: &str) -> Response {
        if self.stack().queue(name).is_none() {
            return problem(404, "there is no such queue; /_local/queues.json lists them");
        }
        let moved = self.wire().sqs().redrive(name);
        self.0.moved.notify_one();
        Response::json(200, &json!({"moved": moved}))
    }

    fn time(&self, ran: &[String]) -> Response {
        let now = self.clock().now();
        Response::json(
            200,
            &json!({
                "now": now.to_string(),
                "now_ms": now.as_millisecond(),
                "is_manual": self.clock().is_manual(),
                "jobs_run": ran,
            }),
        )
    }

    async fn job(&self, handler: &str) -> Response {
        if !self.jobs().iter().any(|job| job == handler) {
            return problem(404, "there is no such scheduled function; /_local/jobs lists them");
        }
        let outcome = match Box::pin(self.run_job(handler)).await {
            Outcome::Answered(_) => "done",
            Outcome::Failed => "failed",
            Outcome::Died => "died",
            Outcome::TimedOut => "timed_out",
        };
        let status = if outcome == "done" { 200 } else { 500 };
        Response::json(status, &json!({"job": handler, "outcome": outcome}))
    }

    fn picture(&self, file: &str) -> Response {
        let read = demo::picture(&self.0.root, file).and_then(|path| std::fs::read(path).ok());
        let Some(bytes) = read else { return problem(404, "there is no such picture") };
        let mut response = Response::of(200, "image/svg+xml", bytes);
        for (name, value) in [
            ("cache-control", "public, max-age=3600"),
            ("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox"),
            ("x-content-type-options", "nosniff"),
        ] {
            response.headers.push((name.to_owned(), value.to_owned()));
        }
        response
    }

    /// The buckets, for browsers with a signed address or form.
    fn s3(&self, request: &Request) -> Response {
        let mut headers = request.headers.clone();
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            let host = self.base_url().trim_start_matches("http://").to_owned();
            headers.push(("host".to_owned(), host));
        }
        let reply = self.wire().s3_web(wire::WebRequest {
            method: request.method.clone(),
            path: request.path().to_owned(),
            mount: S3_MOUNT.to_owned(),
            query: request.query().to_owned(),
            headers,
            body: request.body.clone(),
        });
        let mut response =
            Response { status: reply.status, headers: reply.headers, body: reply.body };
        // What somebody uploaded is never a page of this machine's own address.
        for (name, value) in
            [("content-security-policy", "sandbox"), ("x-content-type-options", "nosniff")]
        {
            response.headers.push((name.to_owned(), value.to_owned()));
        }
        response
    }

    /// The public pictures, as the content delivery network serves them: by key, to everybody.
    pub(crate) fn media(&self, request: &Request) -> Response {
        if !["GET", "HEAD"].contains(&request.method.as_str()) {
            return problem(405, "pictures are only looked at");
        }
        let key = decoded(request.path().trim_start_matches('/'));
        let bucket = self.stack().buckets.first().map(|bucket| bucket.name.as_str());
        let found = bucket.and_then(|bucket| self.wire().s3().object(bucket, &key));
        let Some(object) = found else { return problem(404, "there is no such picture") };
        let mut response = Response::of(200, &object.content_type, object.bytes);
        for (name, value) in [
            ("cache-control", object.cache_control.as_deref().unwrap_or("no-store")),
            ("content-security-policy", "default-src 'none'; sandbox"),
            ("cross-origin-resource-policy", "cross-origin"),
            ("etag", &object.etag),
            ("x-content-type-options", "nosniff"),
        ] {
            response.headers.push((name.to_owned(), value.to_owned()));
        }
        if request.method == "HEAD" {
            response.headers.push(("content-length".to_owned(), response.body.len().to_string()));
            response.body = Bytes::new();
        }
        response
    }

    /// The twin, for whoever pays or plays the provider: not a function, so never faulted here.
    fn stripe(&self, request: &Request, rest: &str) -> Response {
        let target = match request.query() {
            "" => rest.to_owned(),
            query => format!("{rest}?{query}"),
        };
        let mut builder = http::Request::builder().method(request.method.as_str()).uri(target);
        for (name, value) in &request.headers {
            if HeaderName::from_bytes(name.as_bytes()).is_ok() {
                builder = builder.header(name, value);
            }
        }
        let Ok(asked) = builder.body(request.body.clone()) else {
            return problem(400, "this is no request");
        };
        let answer = self.twin().handle(asked);
        self.0.moved.notify_one();
        if answer.extensions().get::<LostResponse>().is_some() {
            return Response { status: 0, headers: Vec::new(), body: Bytes::new() };
        }
        let (parts, body) = answer.into_parts();
        let headers = parts.headers.iter().filter_map(|(name, value)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        });
        Response { status: parts.status.as_u16(), headers: headers.collect(), body }
    }
}

/// A page elsewhere whose name was pointed at this machine (DNS rebinding) still sends its own
/// name.
fn is_for_this_machine(request: &Request) -> bool {
    let host = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("host"));
    host.is_none_or(|(_, host)| {
        let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
        ["127.0.0.1", "localhost", "[::1]"].contains(&name)
    })
}

fn problem(status: u16, detail: &str) -> Response {
    Response::json(status, &json!({"status": status, "detail": detail}))
}
