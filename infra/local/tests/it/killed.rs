//! The whole shop killed: the built program, on a folder, without a chance to say goodbye. What it
//! acknowledged is there when it is started again, and what it began comes to its end.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use local::{Clock, Options, Request, Shop};
use serde_json::{Value, json};
use testkit::goods::{self, Goods, SOCKS};

use crate::world::{self, address, key};

/// When it is killed, in milliseconds after it was asked for something: before it does anything,
/// in the middle, and when most of it is done.
const MOMENTS_MS: [u64; 4] = [0, 15, 60, 250];
/// How often the shop is asked before it is given up.
const TRIES_MAX: u32 = 100;
/// Between two tries.
const REST: Duration = Duration::from_millis(100);
/// How often the shop under buyers is killed.
const DEATHS: usize = 50;
/// Who buys meanwhile.
const BUYERS: usize = 16;
/// It gives so many answers at least, and so many more at most, before it is killed.
const ANSWERS: (u64, u64) = (2, 14);
/// And so many milliseconds later at most, in the middle of the next ones.
const LATER_MS: u64 = 25;
/// On a machine that is busy with other things it is killed after this, whatever it has answered.
const LIFE_MAX: Duration = Duration::from_secs(4);

/// The running program; it is killed when this goes.
struct Program {
    child: Child,
    base: String,
    port: u16,
    http: Client<HttpConnector, Full<Bytes>>,
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Program {
    /// Starts it on a folder; port 0 takes a free one.
    fn start(folder: &Path, port: u16, more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_local"))
            .args(["serve", "--port", &port.to_string(), "--data-dir"])
            .arg(folder)
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("an output")).lines();
        let said = lines.find_map(|line| {
            let line = line.ok()?;
            let rest = line.strip_prefix("The shop is open at ")?;
            Some(rest.split(',').next()?.to_owned())
        });
        let base = said.expect("the shop opens");
        let port = base.rsplit(':').next().unwrap().parse().expect("a port");
        // What it says later is read and forgotten, so that it never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        let http = Client::builder(TokioExecutor::new()).build_http();
        Self { child, base, port, http }
    }

    /// `kill -9`.
    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn again(mut self, folder: &Path) -> Self {
        self.kill();
        Self::start(folder, self.port, &[])
    }

    /// Status and body; nothing where nobody answers.
    async fn ask(&self, request: &Request) -> Option<(u16, Value)> {
        ask(&self.http, &self.base, request).await
    }

    async fn must(&self, request: Request) -> Value {
        let (status, body) = self.ask(&request).await.expect("an answer");
        assert!((200..300).contains(&status), "{status}: {body}");
        body
    }
}

async fn ask(
    http: &Client<HttpConnector, Full<Bytes>>,
    base: &str,
    request: &Request,
) -> Option<(u16, Value)> {
    let mut builder = http::Request::builder()
        .method(request.method.as_str())
        .uri(format!("{base}{}", request.target));
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    let answer = http.request(builder.body(Full::new(request.body.clone())).unwrap()).await.ok()?;
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.ok()?.to_bytes();
    Some((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
}

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn text(value: &Value, pointer: &str) -> String {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_else(|| panic!("no {pointer} in {value}")).to_owned()
}

/// Asks and kills the program so much later. The answer, where it came before.
async fn ask_and_kill(program: &mut Program, request: &Request, ms: u64) -> Option<(u16, Value)> {
    let (http, base, request) = (program.http.clone(), program.base.clone(), request.clone());
    let asked = tokio::spawn(async move { ask(&http, &base, &request).await });
    tokio::time::sleep(Duration::from_millis(ms)).await;
    program.kill();
    asked.await.unwrap()
}

/// A cart with one good in it that is there, addressed and priced: its id, token and total.
async fn cart(program: &Program, email: &str) -> (String, String, Value) {
    let list = program.must(Request::new("GET", "/v1/store/products?limit=50")).await;
    let products = list["data"].as_array().unwrap();
    let offered = products.iter().find_map(|product| {
        let variants = product["variants"].as_array()?;
        let there = variants.iter().find(|variant| variant["available"].as_i64() > Some(9))?;
        (product["type"] == "physical").then(|| there["id"].clone())
    });
    let open = Request::new("POST", "/v1/store/carts").json(&json!({"currency": "EUR"}));
    let opened = program.must(open).await;
    let (id, token) = (text(&opened, "/cart/id"), text(&opened, "/cart_token"));
    let at = |method: &str, rest: &str, body: Value| {
        let request = Request::new(method, &format!("/v1/store/carts/{id}{rest}"));
        request.header("x-cart-token", &token).json(&body)
    };
    let line = json!({"variant_id": offered.expect("a good"), "quantity": 1});
    program.must(at("POST", "/lines", line)).await;
    let to = json!({"email": email, "shipping_address": address()});
    program.must(at("PUT", "/addresses", to)).await;
    let options = Request::new("GET", &format!("/v1/store/carts/{id}/shipping_options"));
    let options = program.must(options.header("x-cart-token", &token)).await;
    let choice = json!({"shipping_option_id": options["data"][0]["id"]});
    let priced = program.must(at("PUT", "/shipping", choice)).await;
    (id, token, priced["totals"]["total"].clone())
}

/// Lets the leases and time-outs of whoever was killed run out.
async fn half_a_minute_later(program: &Program) {
    let later = Request::new("POST", "/_local/clock").json(&json!({"advance_seconds": 31}));
    program.must(later).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_shop_keeps_what_it_acknowledged_and_ends_what_it_began() {
    let path = std::env::temp_dir().join(format!("local-killed-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    let folder = Folder(path);
    let mut program = Program::start(&folder.0, 0, &[]);
    for ms in MOMENTS_MS {
        let email = format!("jane-{ms}@example.org");
        let (cart, token, total) = cart(&program, &email).await;

        // Killed while the order is made.
        let complete = Request::new("POST", &format!("/v1/store/carts/{cart}/complete"))
            .header("x-cart-token", &token)
            .header("idempotency-key", &key())
            .json(&json!({"expected_total": total}));
        let first = ask_and_kill(&mut program, &complete, ms).await;
        program = program.again(&folder.0);
        let mut completed = None;
        for _ in 0..TRIES_MAX {
            match program.ask(&complete).await {
                Some((201, body)) => completed = Some(body),
                Some((status, body)) => {
                    assert!(status >= 500 || status == 409, "{status}: {body}");
                    half_a_minute_later(&program).await;
                    continue;
                }
                None => continue,
            }
            break;
        }
        let completed = completed.expect("an order");
        if let Some((201, acknowledged)) = first {
            assert_eq!(acknowledged, completed, "what was acknowledged is answered again");
        }

        // Killed after the payment: before the webhook, in the middle of it, before the letter.
        let order = text(&completed, "/order/id");
        let intent = text(&completed, "/payment/payment_intent_id");
        let path = format!("/_local/stripe/v1/payment_intents/{intent}/confirm");
        let publishable = text(&completed, "/payment/publishable_key");
        let secret = text(&completed, "/payment/client_secret");
        let pay = Request::new("POST", &path)
            .header("authorization", &format!("Bearer {publishable}"))
            .form(&[("client_secret", &secret), ("payment_method", "pm_card_visa")]);
        assert_eq!(program.must(pay).await["status"], "succeeded");
        tokio::time::sleep(Duration::from_millis(ms)).await;
        program = program.again(&folder.0);

        let view = Request::new("GET", &format!("/v1/store/orders/{order}"))
            .header("x-order-token", &text(&completed, "/order_token"));
        let letters = |mails: &Value| {
            let mails = mails["data"].as_array().unwrap().iter();
            mails.filter(|mail| mail["to"].to_string().contains(&email)).count()
        };
        let mut seen = (Value::Null, 0);
        for tries in 1..=TRIES_MAX {
            let mails = program.must(Request::new("GET", "/_local/mail.json")).await;
            let status = program.must(view.clone()).await["status"].clone();
            seen = (status, letters(&mails));
            if seen == (json!("placed"), 1) {
                break;
            }
            tokio::time::sleep(REST).await;
            if tries % 10 == 0 {
                half_a_minute_later(&program).await;
            }
        }
        assert_eq!(seen, (json!("placed"), 1), "killed after {ms} ms");
    }
    // Long afterwards, nobody has got a second letter.
    half_a_minute_later(&program).await;
    let mails = program.must(Request::new("GET", "/_local/mail.json")).await;
    assert_eq!(mails["data"].as_array().unwrap().len(), MOMENTS_MS.len());
}

/// Socks for everybody, for as long as this takes.
fn socks() -> Goods {
    let mut goods = goods::small(world::MUGS);
    for (sku, level) in &mut goods.stock {
        if *sku == SOCKS.typed_sku() {
            *level = domain::stock::StockLevel::received(100_000);
        }
    }
    goods
}

/// The folder as a shop of this process: the program that had it is dead.
async fn look_into(folder: &Path, port: u16) -> Shop {
    let options = Options {
        data_dir: Some(folder.to_owned()),
        clock: Clock::real(),
        seed: None,
        port,
        ..Options::default()
    };
    Shop::open(options).await.expect("the folder opens")
}

/// What the buyers were told, and whether they may go home.
#[derive(Default)]
struct Told {
    /// The orders whose making was acknowledged.
    orders: Mutex<BTreeSet<String>>,
    /// Payments that Stripe acknowledged.
    paid: Mutex<BTreeSet<String>>,
    is_over: AtomicBool,
    answers: AtomicU64,
    broken_off: AtomicUsize,
}

/// Somebody who buys, again and again, and asks again until there is an answer.
struct Buyer {
    number: usize,
    base: String,
    http: Client<HttpConnector, Full<Bytes>>,
    told: Arc<Told>,
}

impl Buyer {
    /// The answer, however often the shop dies over it; nothing when it is time to go home.
    async fn answer(&self, request: Request) -> Option<(u16, Value)> {
        while !self.told.is_over.load(Ordering::Relaxed) {
            match ask(&self.http, &self.base, &request).await {
                Some((status, body)) if status < 500 => {
                    self.told.answers.fetch_add(1, Ordering::Relaxed);
                    if body["code"] != "idempotency_in_progress" {
                        return Some((status, body));
                    }
                }
                Some(_) => {}
                None => drop(self.told.broken_off.fetch_add(1, Ordering::Relaxed)),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        None
    }

    async fn good(&self, request: Request) -> Option<Value> {
        let (status, body) = self.answer(request).await?;
        (200..300).contains(&status).then_some(body)
    }

    /// One purchase; nothing where something came between.
    async fn buy(&self, round: usize) -> Option<()> {
        let ip = format!("10.{}.{}.{}", self.number, round / 250, round % 250);
        let from = |request: Request| request.header("x-local-source-ip", &ip);
        let open = from(Request::new("POST", "/v1/store/carts")).json(&json!({"currency": "EUR"}));
        let opened = self.good(open).await?;
        let (cart, token) = (text(&opened, "/cart/id"), text(&opened, "/cart_token"));
        let at = |method: &str, rest: &str, body: Value| {
            let request = Request::new(method, &format!("/v1/store/carts/{cart}{rest}"));
            from(request).header("x-cart-token", &token).json(&body)
        };
        let line = json!({"variant_id": SOCKS.variant(), "quantity": 1});
        self.good(at("POST", "/lines", line)).await?;
        let to = json!({"email": format!("buyer-{}@example.org", self.number),
            "shipping_address": address()});
        self.good(at("PUT", "/addresses", to)).await?;
        let choice = json!({"shipping_option_id": "home-standard"});
        let priced = self.good(at("PUT", "/shipping", choice)).await?;
        let total = json!({"expected_total": priced["totals"]["total"]});
        let complete = at("POST", "/complete", total).header("idempotency-key", &key());
        let completed = self.good(complete).await?;
        let order = text(&completed, "/order/id");
        self.told.orders.lock().unwrap_or_else(PoisonError::into_inner).insert(order.clone());
        let intent = text(&completed, "/payment/payment_intent_id");
        let path = format!("/_local/stripe/v1/payment_intents/{intent}/confirm");
        let secret = text(&completed, "/payment/client_secret");
        let pay = Request::new("POST", &path)
            .header(
                "authorization",
                &format!("Bearer {}", text(&completed, "/payment/publishable_key")),
            )
            .form(&[("client_secret", &secret), ("payment_method", "pm_card_visa")]);
        if self.good(pay).await?["status"] == "succeeded" {
            self.told.paid.lock().unwrap_or_else(PoisonError::into_inner).insert(order);
        }
        Some(())
    }
}

/// A number that follows from the one before: moments that are the same in every run.
fn next(random: &mut u64) -> u64 {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    *random
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_shop_that_is_killed_fifty_times_under_sixteen_buyers_loses_nothing() {
    let began = Instant::now();
    let path = std::env::temp_dir().join(format!("local-killed-often-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    let (folder, goods) = (Folder(path), socks());
    {
        let shop = look_into(&folder.0, 3000).await;
        world::fill(&shop, &goods).await;
        shop.settle().await;
    }
    let mut program = Program::start(&folder.0, 0, &["--no-demo"]);
    let told = Arc::new(Told::default());
    let mut buyers = Vec::new();
    for number in 0..BUYERS {
        let (base, http) = (program.base.clone(), program.http.clone());
        let buyer = Buyer { number, base, http, told: Arc::clone(&told) };
        buyers.push(tokio::spawn(async move {
            let mut round = 0;
            while !buyer.told.is_over.load(Ordering::Relaxed) {
                buyer.buy(round).await;
                round += 1;
            }
        }));
    }
    let mut random = 0x9E37_79B9_7F4A_7C15;
    let mut acknowledged = 0;
    for death in 1..=DEATHS {
        let goal = told.answers.load(Ordering::Relaxed) + ANSWERS.0 + next(&mut random) % ANSWERS.1;
        let born = Instant::now();
        while told.answers.load(Ordering::Relaxed) < goal && born.elapsed() < LIFE_MAX {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        tokio::time::sleep(Duration::from_millis(next(&mut random) % LATER_MS)).await;
        program.kill();
        let (orders, paid) = {
            let read = |of: &Mutex<BTreeSet<String>>| {
                of.lock().unwrap_or_else(PoisonError::into_inner).clone()
            };
            (read(&told.orders), read(&told.paid))
        };
        let shop = look_into(&folder.0, program.port).await;
        shop.settle_all().await;
        let facts = world::sound(&shop, &goods).await;
        let there: BTreeSet<String> = facts.orders.iter().map(|one| one.id.to_string()).collect();
        let lost: Vec<&String> = orders.difference(&there).collect();
        assert!(lost.is_empty(), "death {death}: acknowledged and not there: {lost:?}");
        for order in facts.orders.iter().filter(|one| paid.contains(&one.id.to_string())) {
            assert_eq!(order.status, domain::order::Status::Placed, "death {death}: {}", order.id);
        }
        acknowledged = orders.len();
        drop(shop);
        if death < DEATHS {
            program = Program::start(&folder.0, program.port, &["--no-demo"]);
        }
    }
    told.is_over.store(true, Ordering::Relaxed);
    for buyer in buyers {
        buyer.await.expect("a buyer");
    }
    let broken_off = told.broken_off.load(Ordering::Relaxed);
    println!(
        "{DEATHS} deaths, {acknowledged} orders acknowledged, {broken_off} requests broken off, \
         {} s",
        began.elapsed().as_secs()
    );
    assert!(acknowledged >= DEATHS, "the buyers bought next to nothing: {acknowledged}");
}
