//! The whole shop killed: the built program, on a folder, without a chance to say goodbye. What it
//! acknowledged is there when it is started again, and what it began comes to its end.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use local::Request;
use serde_json::{Value, json};

use crate::world::{address, key};

/// When it is killed, in milliseconds after it was asked for something: before it does anything,
/// in the middle, and when most of it is done.
const MOMENTS_MS: [u64; 4] = [0, 15, 60, 250];
/// How often the shop is asked before it is given up.
const TRIES_MAX: u32 = 100;
/// Between two tries.
const REST: Duration = Duration::from_millis(100);

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
    fn start(folder: &Path, port: u16) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_local"))
            .args(["serve", "--port", &port.to_string(), "--data-dir"])
            .arg(folder)
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
        Self::start(folder, self.port)
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
    let mut program = Program::start(&folder.0, 0);
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
