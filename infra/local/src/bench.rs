//! Many shoppers at once, for a while: requests per second, how long each kind of request takes,
//! what was bought, and every invariant afterwards.
//!
//! It is no test of time: nothing is asserted about speed. Shoppers are bounded in number and time;
//! who is in the middle of a purchase at the end may finish it. Client and shop share the machine.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Serialize;
use serde_json::{Value, json};
use testkit::ledger;
use tokio::task::JoinSet;

use crate::error::Error;
use crate::facts;
use crate::message::Request;
use crate::shop::Shop;

/// How long one answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// How long a paid order may take to be placed.
const PLACED_MAX: Duration = Duration::from_secs(30);
/// How long the queues may take to run empty at the end.
const REST_MAX: Duration = Duration::from_mins(1);
/// Between two looks at the queues, before a busy shop is asked again, and until the first look at
/// an order; each next look at it waits twice as long, as a considerate page does.
const LOOK: Duration = Duration::from_millis(250);
/// The longest wait between two looks at an order.
const LOOK_MAX: Duration = Duration::from_secs(2);
/// How often a busy shop is asked again.
const BUSY_MAX: u32 = 20;
/// A shopper leaves after so many purchases.
const PURCHASES_MAX: u32 = 10_000;
/// One purchase of so many begins with a card that is declined.
const DECLINED_ONE_IN: u64 = 10;

/// How much is asked of the shop.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Shoppers at once.
    pub shoppers: u32,
    /// For how long they begin new purchases.
    pub seconds: u64,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Shoppers at once.
    pub shoppers: u32,
    /// From the first request to the last answer.
    pub seconds: f64,
    /// Cores of this machine.
    pub cores: usize,
    /// `dev` or `release`.
    pub profile: &'static str,
    /// All requests to the shop's own endpoints.
    pub requests: usize,
    /// The same, per second.
    pub requests_per_second: f64,
    /// By endpoint, in the order of a purchase.
    pub endpoints: Vec<Row>,
    /// Orders that were placed.
    pub orders_placed: usize,
    /// The same, per second.
    pub orders_per_second: f64,
    /// Every other no, by status and code.
    pub refusals: BTreeMap<String, usize>,
    /// What did not go as it must; empty in a sound shop.
    pub deviations: BTreeMap<String, usize>,
    /// Every broken invariant; empty in a sound shop.
    pub broken: Vec<String>,
}

/// One kind of request.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What was asked.
    pub endpoint: &'static str,
    /// How often.
    pub requests: usize,
    /// Half of them took at most so long, in milliseconds.
    pub p50_ms: f64,
    /// 99 of 100 took at most so long, in milliseconds.
    pub p99_ms: f64,
}

impl Report {
    /// Whether something was bought and nothing is broken.
    pub fn is_sound(&self) -> bool {
        self.orders_placed > 0 && self.broken.is_empty() && self.deviations.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shoppers, seconds, cores, profile, .. } = self;
        writeln!(f, "{shoppers} shoppers, {seconds:.1} s, {cores} cores, {profile} profile\n")?;
        writeln!(f, "{:<26} {:>8} {:>9} {:>9}", "", "requests", "p50 ms", "p99 ms")?;
        for row in &self.endpoints {
            let Row { endpoint, requests, p50_ms, p99_ms } = row;
            writeln!(f, "{endpoint:<26} {requests:>8} {p50_ms:>9.1} {p99_ms:>9.1}")?;
        }
        let (requests, rate) = (self.requests, self.requests_per_second);
        writeln!(f, "\n{requests} requests, {rate:.0} per second")?;
        let (placed, rate) = (self.orders_placed, self.orders_per_second);
        writeln!(f, "{placed} orders placed, {rate:.1} per second")?;
        for (what, count) in &self.refusals {
            writeln!(f, "{count} × {what}")?;
        }
        for (what, count) in &self.deviations {
            writeln!(f, "DEVIATION, {count} ×: {what}")?;
        }
        for what in &self.broken {
            writeln!(f, "BROKEN: {what}")?;
        }
        if self.broken.is_empty() {
            writeln!(f, "every invariant holds")?;
        }
        Ok(())
    }
}

/// The kinds of requests, in the order of a purchase.
const ENDPOINTS: [&str; 11] =
    [LIST, VIEW, CART, LINE, ADDRESS, OPTIONS, SHIPPING, ORDER, PAY, LOOK_AT, PLACED];
const LIST: &str = "list products";
const VIEW: &str = "view a product";
const CART: &str = "open a cart";
const LINE: &str = "add a line";
const ADDRESS: &str = "set the addresses";
const OPTIONS: &str = "list shipping options";
const SHIPPING: &str = "choose shipping";
const ORDER: &str = "complete";
/// The provider's work, not the shop's.
const PAY: &str = "pay (at the twin)";
const LOOK_AT: &str = "view the order";
/// Not a request: the time from the payment to the placed order.
const PLACED: &str = "paid until placed";

/// Lets shoppers buy in a served shop, waits until it is at rest, and asks every invariant.
pub async fn run(shop: &Shop, load: Load) -> Result<Report, Error> {
    let received = facts::on_hand(&shop.place()).await?;
    let began = Instant::now();
    let end = began + Duration::from_secs(load.seconds);
    let mut shoppers = JoinSet::new();
    for number in 0..load.shoppers {
        let mut shopper = Shopper::new(shop.base_url(), number);
        shoppers.spawn(async move {
            shopper.shop_until(end).await;
            shopper.notes
        });
    }
    let mut notes = Notes::default();
    while let Some(done) = shoppers.join_next().await {
        match done {
            Ok(one) => notes.add(one),
            Err(error) => notes.deviation(format!("a shopper broke down: {error}")),
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    rest(shop).await;
    let facts = facts::of(shop, received).await?;
    let broken = ledger::broken(&facts);
    Ok(report(load, seconds, notes, broken))
}

/// Waits until nothing is in a queue or on its way to one.
async fn rest(shop: &Shop) {
    let began = Instant::now();
    let mut quiet = 0;
    while quiet < 3 && began.elapsed() < REST_MAX {
        tokio::time::sleep(LOOK).await;
        let waiting: u64 = shop
            .wire()
            .sqs()
            .depths()
            .into_iter()
            .map(|depth| depth.visible + depth.in_flight + depth.delayed)
            .sum();
        let is_quiet = waiting == 0 && shop.twin().next_delivery_at_ms().is_none();
        quiet = if is_quiet { quiet + 1 } else { 0 };
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2⁵³")]
fn report(load: Load, seconds: f64, notes: Notes, broken: Vec<String>) -> Report {
    let Notes { mut samples, refusals, deviations, orders_placed } = notes;
    let ours = |endpoint: &str| endpoint != PAY && endpoint != PLACED;
    let counts = samples.iter().filter(|(endpoint, _)| ours(endpoint));
    let requests: usize = counts.map(|(_, micros)| micros.len()).sum();
    let endpoints = ENDPOINTS
        .into_iter()
        .filter_map(|endpoint| {
            let micros = samples.get_mut(endpoint)?;
            micros.sort_unstable();
            let (p50_ms, p99_ms) = (percentile(micros, 50), percentile(micros, 99));
            Some(Row { endpoint, requests: micros.len(), p50_ms, p99_ms })
        })
        .collect();
    Report {
        shoppers: load.shoppers,
        seconds,
        cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        profile: if cfg!(debug_assertions) { "dev" } else { "release" },
        requests,
        requests_per_second: requests as f64 / seconds,
        endpoints,
        orders_placed,
        orders_per_second: orders_placed as f64 / seconds,
        refusals,
        deviations,
        broken,
    }
}

/// The nearest rank, in milliseconds; 0 of nothing.
pub(crate) fn percentile(sorted: &[u32], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1) - 1;
    sorted.get(rank).map_or(0.0, |micros| f64::from(*micros) / 1000.0)
}

/// What a shopper has seen.
#[derive(Default)]
struct Notes {
    /// Microseconds by endpoint.
    samples: BTreeMap<&'static str, Vec<u32>>,
    refusals: BTreeMap<String, usize>,
    deviations: BTreeMap<String, usize>,
    orders_placed: usize,
}

impl Notes {
    fn add(&mut self, other: Self) {
        for (endpoint, micros) in other.samples {
            self.samples.entry(endpoint).or_default().extend(micros);
        }
        for (what, count) in other.refusals {
            *self.refusals.entry(what).or_default() += count;
        }
        for (what, count) in other.deviations {
            *self.deviations.entry(what).or_default() += count;
        }
        self.orders_placed += other.orders_placed;
    }

    fn took(&mut self, endpoint: &'static str, began: Instant) {
        let micros = u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX);
        self.samples.entry(endpoint).or_default().push(micros);
    }

    fn deviation(&mut self, what: String) {
        *self.deviations.entry(what).or_default() += 1;
    }
}

struct Shopper {
    http: Client<HttpConnector, Full<Bytes>>,
    base: String,
    number: u32,
    /// A walk through numbers, so that shoppers differ and runs are alike (Marsaglia's xorshift).
    dice: u64,
    keys: u64,
    notes: Notes,
}

struct Answer {
    status: u16,
    value: Value,
}

/// Why a purchase ends early: noted already.
struct Over;

impl Shopper {
    fn new(base: &str, number: u32) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            http: Client::builder(TokioExecutor::new()).build(connector),
            base: base.to_owned(),
            number,
            dice: (u64::from(number) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15),
            keys: 0,
            notes: Notes::default(),
        }
    }

    async fn shop_until(&mut self, end: Instant) {
        for _ in 0..PURCHASES_MAX {
            if Instant::now() >= end {
                return;
            }
            // How it ended is in the notes.
            let _ = self.purchase().await;
        }
    }

    async fn purchase(&mut self) -> Result<(), Over> {
        let (slug, variant, is_physical) = self.browse().await?;
        self.ask(VIEW, Request::new("GET", &format!("/v1/store/products/{slug}")), 200).await?;
        let open = self.keyed(Request::new("POST", "/v1/store/carts")).json(&json!({}));
        let made = self.ask(CART, open, 201).await?;
        let cart = self.text(&made, "/cart/id")?;
        let token = self.text(&made, "/cart_token")?;
        let at = |method: &str, rest: &str| {
            Request::new(method, &format!("/v1/store/carts/{cart}{rest}"))
                .header("x-cart-token", &token)
        };

        let line = json!({"variant_id": variant, "quantity": 1});
        self.ask(LINE, at("POST", "/lines").json(&line), 200).await?;
        let to = json!({
            "email": format!("shopper-{}@bench.fluxion.example", self.number),
            "shipping_address": {
                "name": "Alma Beispiel", "line1": "Musterweg 7", "city": "Berlin",
                "postal_code": "10115", "country": "DE",
            },
        });
        let mut priced = self.ask(ADDRESS, at("PUT", "/addresses").json(&to), 200).await?;
        if is_physical {
            let options = self.ask(OPTIONS, at("GET", "/shipping_options"), 200).await?;
            let option = self.text(&options, "/data/0/id")?;
            let choice = json!({"shipping_option_id": option});
            priced = self.ask(SHIPPING, at("PUT", "/shipping").json(&choice), 200).await?;
        }
        let total = priced.pointer("/totals/total").cloned().unwrap_or(Value::Null);
        let complete = self.keyed(at("POST", "/complete")).json(&json!({"expected_total": total}));
        let completed = self.ask(ORDER, complete, 201).await?;
        self.pay(&completed).await
    }

    /// Something of the newest goods, or of the oldest, or of the cheapest, that is there.
    async fn browse(&mut self) -> Result<(String, String, bool), Over> {
        let sort = match self.roll(4) {
            0 => "newest",
            1 => "oldest",
            2 => "price_asc",
            _ => "price_desc",
        };
        let list = Request::new("GET", &format!("/v1/store/products?limit=24&sort={sort}"));
        let list = self.ask(LIST, list, 200).await?;
        let products = list.pointer("/data").and_then(Value::as_array);
        let mut there = Vec::new();
        for product in products.into_iter().flatten() {
            let is_physical = product.pointer("/type").is_some_and(|kind| kind == "physical");
            let slug = product.pointer("/slug").and_then(Value::as_str);
            let variants = product.pointer("/variants").and_then(Value::as_array);
            for variant in variants.into_iter().flatten() {
                let is_there = variant.pointer("/available").and_then(Value::as_i64) > Some(0);
                let id = variant.pointer("/id").and_then(Value::as_str);
                if let (Some(slug), Some(id), true) = (slug, id, is_there) {
                    there.push((slug.to_owned(), id.to_owned(), is_physical));
                }
            }
        }
        let chosen = self.roll(there.len().max(1) as u64);
        let chosen = usize::try_from(chosen).unwrap_or(0);
        if chosen < there.len() {
            return Ok(there.swap_remove(chosen));
        }
        self.notes.deviation("nothing is for sale any more".to_owned());
        Err(Over)
    }

    async fn pay(&mut self, completed: &Value) -> Result<(), Over> {
        let order = self.text(completed, "/order/id")?;
        let order_token = self.text(completed, "/order_token")?;
        let intent = self.text(completed, "/payment/payment_intent_id")?;
        let secret = self.text(completed, "/payment/client_secret")?;
        let publishable = self.text(completed, "/payment/publishable_key")?;
        let confirm = |card: &str| {
            Request::new("POST", &format!("/_local/stripe/v1/payment_intents/{intent}/confirm"))
                .header("authorization", &format!("Bearer {publishable}"))
                .form(&[("client_secret", &secret), ("payment_method", card)])
        };
        if self.roll(DECLINED_ONE_IN) == 0 {
            let declined = confirm("pm_card_chargeDeclined");
            if self.ask(PAY, declined, 200).await.is_ok() {
                self.notes.deviation("a declined card paid".to_owned());
            }
        }
        self.ask(PAY, confirm("pm_card_visa"), 200).await?;
        let began = Instant::now();
        let look = Request::new("GET", &format!("/v1/store/orders/{order}"))
            .header("x-order-token", &order_token);
        let mut wait = LOOK;
        while began.elapsed() < PLACED_MAX {
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LOOK_MAX);
            let order = self.ask(LOOK_AT, look.clone(), 200).await?;
            match order.pointer("/status").and_then(Value::as_str) {
                Some("placed" | "completed") => {
                    self.notes.took(PLACED, began);
                    self.notes.orders_placed += 1;
                    return Ok(());
                }
                Some("pending_payment") => {}
                other => {
                    let what = format!("a paid order is {}", other.unwrap_or("without status"));
                    self.notes.deviation(what);
                    return Err(Over);
                }
            }
        }
        let what = format!("a paid order was not placed within {} s", PLACED_MAX.as_secs());
        self.notes.deviation(what);
        Err(Over)
    }

    fn text(&mut self, value: &Value, pointer: &str) -> Result<String, Over> {
        let found = value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        found.ok_or_else(|| {
            self.notes.deviation(format!("an answer has no {pointer}"));
            Over
        })
    }

    /// With an idempotency key of its own.
    fn keyed(&mut self, request: Request) -> Request {
        self.keys += 1;
        request.header("idempotency-key", &format!("bench-{}-{}", self.number, self.keys))
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        self.dice % sides.max(1)
    }

    /// Asks, and notes how long the answer took. A busy shop is asked again, as it wants.
    async fn ask(
        &mut self,
        endpoint: &'static str,
        request: Request,
        wanted: u16,
    ) -> Result<Value, Over> {
        for _ in 0..BUSY_MAX {
            let began = Instant::now();
            let answer = match self.send(&request).await {
                Ok(answer) => answer,
                Err(what) => {
                    self.notes.deviation(format!("{endpoint}: {what}"));
                    return Err(Over);
                }
            };
            self.notes.took(endpoint, began);
            if answer.status == wanted {
                return Ok(answer.value);
            }
            let code = answer.value.pointer("/code").or(answer.value.pointer("/error/code"));
            let code = code.and_then(Value::as_str).unwrap_or("without a code");
            let what = format!("{endpoint}: {} {code}", answer.status);
            match answer.status {
                // A decline or a conflict is an answer like another.
                402 | 409 => {
                    *self.notes.refusals.entry(what).or_default() += 1;
                    return Err(Over);
                }
                503 => {
                    *self.notes.refusals.entry(what).or_default() += 1;
                    tokio::time::sleep(LOOK).await;
                }
                _ => {
                    self.notes.deviation(what);
                    return Err(Over);
                }
            }
        }
        self.notes.deviation(format!("{endpoint}: busy {BUSY_MAX} times"));
        Err(Over)
    }

    async fn send(&self, request: &Request) -> Result<Answer, String> {
        // Each shopper is somebody else (benchmarking addresses, RFC 2544).
        let address = format!("198.18.{}.{}", self.number / 256 % 256, self.number % 256);
        let mut builder = http::Request::builder()
            .method(request.method.as_str())
            .uri(format!("{}{}", self.base, request.target))
            .header("x-local-source-ip", address);
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        let asked = builder
            .body(Full::new(request.body.clone()))
            .map_err(|error| format!("no request: {error}"))?;
        let work = async {
            let response = self.http.request(asked).await.map_err(|error| error.to_string())?;
            let status = response.status().as_u16();
            let body = response.into_body().collect().await.map_err(|error| error.to_string())?;
            let value = serde_json::from_slice(&body.to_bytes()).unwrap_or(Value::Null);
            Ok(Answer { status, value })
        };
        tokio::time::timeout(ANSWER_MAX, work)
            .await
            .unwrap_or_else(|_| Err(format!("no answer within {} s", ANSWER_MAX.as_secs())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_at_a_glance() {
        let mut notes = Notes { orders_placed: 2, ..Notes::default() };
        notes.samples.insert(LIST, (1..=100).map(|ms| ms * 1000).collect());
        notes.samples.insert(PAY, vec![500]);
        notes.refusals.insert("complete: 409 insufficient_stock".to_owned(), 3);
        let load = Load { shoppers: 64, seconds: 10 };
        let report = report(load, 10.0, notes, Vec::new());
        assert!(report.is_sound());
        assert_eq!(report.requests, 100);
        let text = report.to_string();
        for line in [
            "list products                   100      50.0      99.0",
            "100 requests, 10 per second",
            "2 orders placed, 0.2 per second",
            "3 × complete: 409 insufficient_stock",
            "every invariant holds",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        let broken = Report { broken: vec!["x".to_owned()], ..report };
        assert!(!broken.is_sound());
    }
}
