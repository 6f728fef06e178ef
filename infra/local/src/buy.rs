//! A purchase over HTTP, from the first look to the letter: what a shopper's browser does, step by
//! step, with the time that each step takes.

use std::fmt;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Serialize;
use serde_json::{Value, json};

use crate::message::Request;

/// How long one answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// How long the order may take to be placed, and the letter to arrive.
const WAIT_MAX: Duration = Duration::from_secs(20);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);
/// The card that always pays.
const CARD: &str = "pm_card_visa";

/// What was done, and how long it took.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// In words.
    pub step: &'static str,
    /// The last answer's status.
    pub status: u16,
    /// From the request to the answer; for what is waited for, the whole wait.
    pub ms: u64,
}

/// A purchase that went through.
#[derive(Clone, Debug, Serialize)]
pub struct Bought {
    /// What was done.
    pub steps: Vec<Step>,
    /// The order's id.
    pub order_id: String,
    /// What people call the order.
    pub order_number: String,
    /// What was paid, in minor units.
    pub amount: i64,
    /// And in which currency.
    pub currency: String,
    /// From the first look to the letter.
    pub total_ms: u64,
}

/// A step that went wrong.
#[derive(Clone, Debug, Serialize)]
pub struct Deviation {
    /// What was done before.
    pub steps: Vec<Step>,
    /// What went wrong.
    pub step: &'static str,
    /// How.
    pub detail: String,
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.step, self.detail)
    }
}

impl std::error::Error for Deviation {}

struct Buyer {
    http: Client<HttpConnector, Full<Bytes>>,
    base: String,
    steps: Vec<Step>,
}

struct Answer {
    status: u16,
    value: Value,
}

/// Buys two of the first thing that can be shipped. `base` is the shop's address without a slash
/// at the end; `tell` hears of each step as it is done.
pub async fn buy(base: &str, mut tell: impl FnMut(&Step)) -> Result<Bought, Deviation> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let http = Client::builder(TokioExecutor::new()).build(connector);
    let mut buyer = Buyer { http, base: base.to_owned(), steps: Vec::new() };
    match buyer.purchase(&mut tell).await {
        Ok(bought) => Ok(Bought { steps: buyer.steps, ..bought }),
        Err((step, detail)) => Err(Deviation { steps: buyer.steps, step, detail }),
    }
}

type Failed = (&'static str, String);

impl Buyer {
    async fn purchase(&mut self, tell: &mut impl FnMut(&Step)) -> Result<Bought, Failed> {
        let began = Instant::now();
        let unique = jiff::Timestamp::now().as_microsecond();
        let email = format!("buyer-{unique}@buy.fluxion.example");
        let key = |step: &str| format!("buy-{unique}-{step}");

        let ask = Request::new("GET", "/v1/store/products?limit=100");
        let list = self.step(tell, "browse the catalog", 200, ask).await?;
        let (slug, variant) = pick(&list).ok_or_else(|| {
            ("browse the catalog", "nothing that can be shipped is for sale".to_owned())
        })?;

        let ask = Request::new("GET", &format!("/v1/store/products/{slug}"));
        self.step(tell, "look at a product", 200, ask).await?;

        let ask = Request::new("POST", "/v1/store/carts")
            .header("idempotency-key", &key("cart"))
            .json(&json!({}));
        let made = self.step(tell, "take a cart", 201, ask).await?;
        let cart = text(&made, "/cart/id", "take a cart")?;
        let token = text(&made, "/cart_token", "take a cart")?;
        let at = |rest: &str| format!("/v1/store/carts/{cart}{rest}");
        let mine =
            |method: &str, path: String| Request::new(method, &path).header("x-cart-token", &token);

        let ask = mine("POST", at("/lines"))
            .header("idempotency-key", &key("line"))
            .json(&json!({"variant_id": variant, "quantity": 2}));
        self.step(tell, "put two of it into the cart", 200, ask).await?;

        let address = json!({
            "name": "Alma Beispiel", "line1": "Musterweg 7", "city": "Berlin",
            "postal_code": "10115", "country": "DE",
        });
        let ask = mine("PUT", at("/addresses"))
            .json(&json!({"email": email, "shipping_address": address}));
        self.step(tell, "say where it goes", 200, ask).await?;

        let ask = mine("GET", at("/shipping_options"));
        let options = self.step(tell, "ask for ways of sending", 200, ask).await?;
        let option = text(&options, "/data/0/id", "ask for ways of sending")?;

        let ask = mine("PUT", at("/shipping")).json(&json!({"shipping_option_id": option}));
        let priced = self.step(tell, "choose one", 200, ask).await?;
        let total = priced.pointer("/totals/total").cloned().unwrap_or(Value::Null);

        let ask = mine("POST", at("/complete"))
            .header("idempotency-key", &key("complete"))
            .json(&json!({"expected_total": total}));
        let completed = self.step(tell, "order", 201, ask).await?;
        let order_id = text(&completed, "/order/id", "order")?;
        let order_number = text(&completed, "/order/number", "order")?;
        let order_token = text(&completed, "/order_token", "order")?;
        let intent = text(&completed, "/payment/payment_intent_id", "order")?;
        let secret = text(&completed, "/payment/client_secret", "order")?;
        let publishable = text(&completed, "/payment/publishable_key", "order")?;

        let ask =
            Request::new("POST", &format!("/_local/stripe/v1/payment_intents/{intent}/confirm"))
                .header("authorization", &format!("Bearer {publishable}"))
                .form(&[("client_secret", &secret), ("payment_method", CARD)]);
        let paid = self.step(tell, "pay with a test card", 200, ask).await?;
        let state = text(&paid, "/status", "pay with a test card")?;
        if state != "succeeded" {
            return Err(("pay with a test card", format!("the payment is {state}")));
        }

        let ask = Request::new("GET", &format!("/v1/store/orders/{order_id}"))
            .header("x-order-token", &order_token);
        let is_placed = |order: &Value| {
            order.pointer("/status").is_some_and(|status| status != "pending_payment")
        };
        let order = self.wait(tell, "wait until it is placed", &ask, is_placed).await?;
        let status = text(&order, "/status", "wait until it is placed")?;
        let payment = text(&order, "/payment_status", "wait until it is placed")?;
        if !["placed", "completed"].contains(&status.as_str()) || payment != "paid" {
            let detail = format!("the order is {status}, its payment {payment}");
            return Err(("wait until it is placed", detail));
        }

        let ask = Request::new("GET", "/_local/mail.json");
        let has_letter = |mails: &Value| {
            let mails = mails.pointer("/data").and_then(Value::as_array);
            mails.into_iter().flatten().any(|mail| {
                let to = mail.pointer("/to").and_then(Value::as_array);
                to.into_iter().flatten().any(|to| to.as_str().is_some_and(|to| to.contains(&email)))
            })
        };
        self.wait(tell, "read the confirmation", &ask, has_letter).await?;

        let amount = total.pointer("/amount").and_then(Value::as_i64).unwrap_or_default();
        let currency = text(&total, "/currency", "order")?;
        let total_ms = millis(began);
        Ok(Bought { steps: Vec::new(), order_id, order_number, amount, currency, total_ms })
    }

    async fn step(
        &mut self,
        tell: &mut impl FnMut(&Step),
        name: &'static str,
        wanted: u16,
        request: Request,
    ) -> Result<Value, Failed> {
        let began = Instant::now();
        let answer = self.ask(&request).await.map_err(|detail| (name, detail))?;
        self.note(tell, Step { step: name, status: answer.status, ms: millis(began) });
        if answer.status == wanted {
            return Ok(answer.value);
        }
        Err((name, format!("{} instead of {wanted}: {}", answer.status, answer.value)))
    }

    async fn wait(
        &mut self,
        tell: &mut impl FnMut(&Step),
        name: &'static str,
        request: &Request,
        is_there: impl Fn(&Value) -> bool,
    ) -> Result<Value, Failed> {
        let began = Instant::now();
        loop {
            let answer = self.ask(request).await.map_err(|detail| (name, detail))?;
            if answer.status != 200 {
                return Err((name, format!("{}: {}", answer.status, answer.value)));
            }
            if is_there(&answer.value) {
                self.note(tell, Step { step: name, status: answer.status, ms: millis(began) });
                return Ok(answer.value);
            }
            if began.elapsed() > WAIT_MAX {
                return Err((name, format!("not within {} s", WAIT_MAX.as_secs())));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn note(&mut self, tell: &mut impl FnMut(&Step), step: Step) {
        tell(&step);
        self.steps.push(step);
    }

    async fn ask(&self, request: &Request) -> Result<Answer, String> {
        let mut builder = http::Request::builder()
            .method(request.method.as_str())
            .uri(format!("{}{}", self.base, request.target));
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        let body = Full::new(request.body.clone());
        let asked = builder.body(body).map_err(|error| format!("no request: {error}"))?;
        let work = async {
            let response = self.http.request(asked).await.map_err(|error| causes(&error))?;
            let status = response.status().as_u16();
            let body = response.into_body().collect().await.map_err(|error| causes(&error))?;
            let value = serde_json::from_slice(&body.to_bytes()).unwrap_or(Value::Null);
            Ok(Answer { status, value })
        };
        tokio::time::timeout(ANSWER_MAX, work)
            .await
            .unwrap_or_else(|_| Err(format!("no answer within {} s", ANSWER_MAX.as_secs())))
    }
}

/// The first product that can be shipped and is there, with its variant.
fn pick(list: &Value) -> Option<(String, String)> {
    let products = list.pointer("/data")?.as_array()?;
    products
        .iter()
        .filter(|product| product.pointer("/type").is_some_and(|t| t == "physical"))
        .find_map(|product| {
            let slug = product.pointer("/slug")?.as_str()?;
            let variants = product.pointer("/variants")?.as_array()?;
            let there = variants.iter().find(|variant| {
                variant.pointer("/available").and_then(Value::as_i64).is_some_and(|n| n >= 2)
            })?;
            Some((slug.to_owned(), there.pointer("/id")?.as_str()?.to_owned()))
        })
}

fn text(value: &Value, pointer: &str, step: &'static str) -> Result<String, Failed> {
    let found = value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    found.ok_or_else(|| (step, format!("the answer has no {pointer}")))
}

fn millis(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}
