//! A twin with a clock in the test's hand.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use serde_json::Value;
use stripe_twin::{Delivery, Options, Twin};

pub(crate) const SECRET: &str = "whsec_test";
/// 2026-11-14T00:00:00Z
pub(crate) const START_MS: i64 = 1_794_614_400_000;

pub(crate) struct Bench {
    pub(crate) twin: Twin,
    pub(crate) clock: Arc<AtomicI64>,
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
    pub(crate) is_lost: bool,
}

impl Reply {
    /// The body of a success.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body
    }

    /// The `error` of a refusal with this status.
    #[track_caller]
    pub(crate) fn refused(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body["error"].clone()
    }
}

pub(crate) fn id(value: &Value) -> &str {
    value["id"].as_str().unwrap()
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::open(None, Arc::new(AtomicI64::new(START_MS)))
    }

    pub(crate) fn open(data: Option<PathBuf>, clock: Arc<AtomicI64>) -> Self {
        let reader = Arc::clone(&clock);
        let twin = Twin::open(Options {
            data,
            now_ms: Arc::new(move || reader.load(Ordering::SeqCst)),
            seed: 7,
            account: "acct_twin".into(),
            webhook_secret: SECRET.into(),
            webhook_url: "http://127.0.0.1:1/v1/hooks/stripe".into(),
        });
        Self { twin: twin.unwrap(), clock }
    }

    pub(crate) fn wait_seconds(&self, seconds: i64) {
        self.clock.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    pub(crate) fn send(
        &self,
        method: Method,
        path: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "authorization") {
            request = request.header("authorization", "Bearer sk_test_bench");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Bytes::from(body.to_owned())).unwrap();
        let response = self.twin.handle(request);
        Reply {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            is_lost: response.extensions().get::<stripe_twin::LostResponse>().is_some(),
            body: serde_json::from_slice(response.body()).unwrap(),
        }
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Reply {
        self.send(Method::POST, path, body, &[])
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, "", &[])
    }

    /// An intent over ten euros, confirmed with a test card.
    pub(crate) fn pay(&self, card: &str) -> Reply {
        let body = format!("amount=1000&currency=eur&payment_method={card}&confirm=true");
        self.post("/v1/payment_intents", &body)
    }

    pub(crate) fn intent(&self, form: &str) -> Value {
        self.post("/v1/payment_intents", &format!("amount=1000&currency=eur&{form}")).ok()
    }

    /// The types of all events so far, oldest first.
    pub(crate) fn told(&self) -> Vec<String> {
        let events = self.twin.objects("event");
        events.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) fn last_event(&self, kind: &str) -> Value {
        let mut events = self.twin.objects("event");
        events.retain(|event| event["type"] == kind);
        events.pop().unwrap_or_else(|| panic!("no {kind}"))
    }

    /// Takes what is due and answers 200.
    pub(crate) fn deliver_all(&self) -> Vec<Delivery> {
        let due = self.twin.deliveries_due();
        for delivery in &due {
            self.twin.delivered(&delivery.id, Some(200));
        }
        due
    }
}
