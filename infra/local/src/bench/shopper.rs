//! One shopper after another in the same chair: each visit is somebody new, from another address,
//! who does over HTTP what their session says.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use super::Load;
use super::notes::{
    ADDRESS, CART, LINE, LIST, LOOK_AT, LOOK_INTO, Notes, OPTIONS, ORDER, PAY, PLACED, SEARCH,
    SHIPPING, VIEW,
};
use super::plan::{End, Session};
use crate::message::Request;

/// How long one answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// How long a paid order may take to be placed.
const PLACED_MAX: Duration = Duration::from_secs(30);
/// Before a busy shop is asked again, and until the first look at an order; each next look at it
/// waits twice as long, as a considerate page does.
const LOOK: Duration = Duration::from_millis(250);
/// The longest wait between two looks at an order.
const LOOK_MAX: Duration = Duration::from_secs(2);
/// How often a busy shop is asked again.
const BUSY_MAX: u32 = 20;
/// A chair is left after so many visits.
const VISITS_MAX: u32 = 100_000;
/// Addresses that visits come from: 198.18.0.0/15, which is there for this (RFC 2544).
const ADDRESSES: u32 = 1 << 17;

/// A chair before the shop.
pub(super) struct Shopper {
    http: Client<HttpConnector, Full<Bytes>>,
    base: String,
    load: Load,
    number: u32,
    /// Who sits there now: the number of this visit among all.
    person: u32,
    keys: u64,
    /// What was seen.
    pub(super) notes: Notes,
}

struct Answer {
    status: u16,
    value: Value,
}

/// Something that is for sale.
#[derive(Clone)]
struct Goods {
    slug: String,
    variant: String,
    is_physical: bool,
}

/// Why a visit ends early: noted already.
struct Over;

impl Shopper {
    /// The so manieth of a load's shoppers.
    pub(super) fn new(base: &str, load: Load, number: u32, began: Instant) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            http: Client::builder(TokioExecutor::new()).build(connector),
            base: base.to_owned(),
            load,
            number,
            person: number,
            keys: 0,
            notes: Notes::new(began),
        }
    }

    /// Begins visits until then, and ends the last one.
    pub(super) async fn shop_until(&mut self, end: Instant) {
        for visit in 0..VISITS_MAX {
            if Instant::now() >= end {
                return;
            }
            self.person = visit.wrapping_mul(self.load.shoppers).wrapping_add(self.number);
            let session = Session::of(self.load.mix, self.load.seed, self.number, visit);
            *self.notes.sessions.entry(session.end.says()).or_default() += 1;
            // How it ended is in the notes.
            let _ = self.visit(session).await;
        }
    }

    async fn visit(&mut self, mut session: Session) -> Result<(), Over> {
        let mut shown = self.browse(&session).await?;
        if let Some(words) = session.words {
            let found = self.search(words).await?;
            // Who finds nothing goes on with the list.
            if !found.is_empty() {
                shown = found;
            }
        }
        let mut chosen = Vec::new();
        for _ in 0..session.looks.max(session.lines) {
            let at = session.dice.position(shown.len());
            let Some(goods) = shown.get(at).cloned() else { break };
            let view = Request::new("GET", &format!("/v1/store/products/{}", goods.slug));
            self.ask(VIEW, view, 200).await?;
            // The next one is of another product.
            shown.retain(|other| other.slug != goods.slug);
            chosen.push(goods);
        }
        if session.end == End::Looks {
            return Ok(());
        }
        let lines = usize::try_from(session.lines).unwrap_or(1);
        chosen.truncate(lines);
        self.fill_a_cart(&session, &chosen).await
    }

    async fn fill_a_cart(&mut self, session: &Session, chosen: &[Goods]) -> Result<(), Over> {
        let open = self.keyed(Request::new("POST", "/v1/store/carts")).json(&json!({}));
        let made = self.ask(CART, open, 201).await?;
        let cart = self.text(&made, "/cart/id")?;
        let token = self.text(&made, "/cart_token")?;
        let at = |method: &str, rest: &str| {
            Request::new(method, &format!("/v1/store/carts/{cart}{rest}"))
                .header("x-cart-token", &token)
        };

        for goods in chosen {
            let line = json!({"variant_id": goods.variant, "quantity": 1});
            self.ask(LINE, at("POST", "/lines").json(&line), 200).await?;
        }
        if session.looks_into_cart {
            self.ask(LOOK_INTO, at("GET", ""), 200).await?;
        }
        if session.end == End::LeavesCart {
            return Ok(());
        }
        let to = json!({
            "email": format!("shopper-{}@bench.fluxion.example", self.person),
            "shipping_address": {
                "name": "Alma Beispiel", "line1": "Musterweg 7", "city": "Berlin",
                "postal_code": "10115", "country": "DE",
            },
        });
        let mut priced = self.ask(ADDRESS, at("PUT", "/addresses").json(&to), 200).await?;
        let is_sent = chosen.iter().any(|goods| goods.is_physical);
        let options = if is_sent {
            Some(self.ask(OPTIONS, at("GET", "/shipping_options"), 200).await?)
        } else {
            None
        };
        if session.end == End::LeavesTill {
            return Ok(());
        }
        if let Some(options) = options {
            let option = self.text(&options, "/data/0/id")?;
            let choice = json!({"shipping_option_id": option});
            priced = self.ask(SHIPPING, at("PUT", "/shipping").json(&choice), 200).await?;
        }
        let total = priced.pointer("/totals/total").cloned().unwrap_or(Value::Null);
        let complete = self.keyed(at("POST", "/complete")).json(&json!({"expected_total": total}));
        let completed = self.ask(ORDER, complete, 201).await?;
        self.pay(&completed, session.is_declined_first).await
    }

    /// The newest goods, or the oldest, or the cheapest, as far as they are there.
    async fn browse(&mut self, session: &Session) -> Result<Vec<Goods>, Over> {
        let sort = session.sort;
        let list = Request::new("GET", &format!("/v1/store/products?limit=24&sort={sort}"));
        let shown = goods(&self.ask(LIST, list, 200).await?);
        if shown.is_empty() {
            self.notes.deviation("nothing is for sale any more".to_owned());
            return Err(Over);
        }
        Ok(shown)
    }

    async fn search(&mut self, words: &str) -> Result<Vec<Goods>, Over> {
        let words = words.replace(' ', "+");
        let search = Request::new("GET", &format!("/v1/store/products?limit=24&q={words}"));
        Ok(goods(&self.ask(SEARCH, search, 200).await?))
    }

    async fn pay(&mut self, completed: &Value, is_declined_first: bool) -> Result<(), Over> {
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
        if is_declined_first {
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

    /// Asks, and notes how long the answer took. A busy shop is asked again, as it wants.
    async fn ask(
        &mut self,
        kind: &'static str,
        request: Request,
        wanted: u16,
    ) -> Result<Value, Over> {
        for _ in 0..BUSY_MAX {
            let began = Instant::now();
            let answer = match self.send(&request).await {
                Ok(answer) => answer,
                Err(what) => {
                    self.notes.deviation(format!("{kind}: {what}"));
                    return Err(Over);
                }
            };
            self.notes.took(kind, began);
            if answer.status == wanted {
                return Ok(answer.value);
            }
            let code = answer.value.pointer("/code").or(answer.value.pointer("/error/code"));
            let code = code.and_then(Value::as_str).unwrap_or("without a code");
            let what = format!("{kind}: {} {code}", answer.status);
            match answer.status {
                // A decline or a conflict is an answer like another.
                402 | 409 => {
                    self.notes.refusal(kind, what);
                    return Err(Over);
                }
                503 => {
                    self.notes.refusal(kind, what);
                    tokio::time::sleep(LOOK).await;
                }
                _ => {
                    self.notes.deviation(what);
                    return Err(Over);
                }
            }
        }
        self.notes.deviation(format!("{kind}: busy {BUSY_MAX} times"));
        Err(Over)
    }

    async fn send(&self, request: &Request) -> Result<Answer, String> {
        let mut builder = http::Request::builder()
            .method(request.method.as_str())
            .uri(format!("{}{}", self.base, request.target))
            .header("x-local-source-ip", address(self.person));
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

/// Everybody is somebody else, so that nobody meets the limits of another.
fn address(person: u32) -> String {
    let at = person % ADDRESSES;
    let (high, low) = (at / 256, at % 256);
    format!("198.{}.{}.{low}", 18 + high / 256, high % 256)
}

/// What of a list is there.
fn goods(list: &Value) -> Vec<Goods> {
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
                let (slug, variant) = (slug.to_owned(), id.to_owned());
                there.push(Goods { slug, variant, is_physical });
            }
        }
    }
    there
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_comes_from_an_address_for_benchmarks() {
        assert_eq!(address(0), "198.18.0.0");
        assert_eq!(address(257), "198.18.1.1");
        assert_eq!(address(65_536), "198.19.0.0");
        assert_eq!(address(ADDRESSES - 1), "198.19.255.255");
        assert_eq!(address(ADDRESSES), "198.18.0.0");
    }

    #[test]
    fn what_is_sold_out_is_not_chosen() {
        let list = json!({"data": [
            {"slug": "cap", "type": "physical", "variants": [
                {"id": "var_1", "available": 0}, {"id": "var_2", "available": 3},
            ]},
            {"slug": "icons", "type": "digital", "variants": [{"id": "var_3", "available": 100}]},
            {"slug": "gone", "type": "physical", "variants": []},
        ]});
        let found = goods(&list);
        let found: Vec<_> =
            found.iter().map(|goods| (goods.variant.as_str(), goods.is_physical)).collect();
        assert_eq!(found, [("var_2", true), ("var_3", false)]);
        assert!(goods(&Value::Null).is_empty());
    }
}
