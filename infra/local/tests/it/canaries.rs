//! Nothing that identifies a person or opens a door stands in a log line or in a refusal.
//!
//! People with conspicuous names buy, register, sign in, fail and are refused, with and without
//! faults on every kind of call; whatever was said meanwhile is searched for what they told us in
//! confidence and for what we told them.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use local::{Request, Response, Shop};
use serde_json::{Value, json};
use testkit::goods::{self, MUG, TEMPLATE};
use wire::{FaultKind, Plan};

use crate::listen;
use crate::world::{self, Shopper};

const EMAIL: &str = "quetzalcoatl.canary@example.org";
const PASSWORD: &str = "Zwitscher-7-Kanarienvogel";
/// Parts of what a person says of themselves; none is a word of ours.
const SAID: &[&str] = &[
    "quetzalcoatl",
    "Zwitscher",
    "Kanarienvogel",
    "Xochitl",
    "Papagayenko",
    "Vogelbauergasse",
    "Hinterkaefig",
    "Nestingen",
    "98765",
    "tok_canary",
];

/// Somebody with much to hide, and everything that must not be found.
struct Somebody {
    shopper: Shopper,
    secrets: BTreeSet<String>,
    answers: Vec<Response>,
}

impl Somebody {
    fn new(shop: &Shop) -> Self {
        Self { shopper: Shopper::new(shop), secrets: BTreeSet::new(), answers: Vec::new() }
    }

    async fn call(&mut self, method: &str, path: &str, body: &Value) -> Value {
        let request = Request::new(method, path).json(body);
        self.send(request.header("idempotency-key", &world::key())).await
    }

    async fn send(&mut self, request: Request) -> Value {
        let answer = self.shopper.send(request).await;
        let body = answer.value();
        for name in ["cart_token", "order_token", "access_token", "refresh_token", "csrf_token"] {
            self.keep(body[name].as_str());
        }
        self.keep(body.pointer("/payment/client_secret").and_then(Value::as_str));
        self.keep(body.pointer("/downloads/0/url").and_then(Value::as_str));
        for line in answer.all("set-cookie") {
            let value = line.split(';').next().and_then(|pair| pair.split_once('='));
            self.keep(value.map(|(_, value)| value));
        }
        self.answers.push(answer);
        body
    }

    fn keep(&mut self, secret: Option<&str>) {
        // The end of a token is its own; what is before may name a thing, which may be logged.
        if let Some(secret) = secret.filter(|secret| secret.len() >= 16) {
            self.secrets.insert(secret[secret.len() - 16..].to_owned());
        }
    }

    fn address() -> Value {
        json!({
            "name": "Xochitl Papagayenko", "line1": "Vogelbauergasse 3", "line2": "Hinterkaefig",
            "city": "Nestingen", "postal_code": "98765", "country": "DE",
        })
    }

    /// Registers, confirms, signs in both ways, renews, looks, signs out. Whatever fails, fails.
    async fn sign_up(&mut self) {
        let name = "Xochitl Papagayenko";
        let form = json!({"email": EMAIL, "password": PASSWORD, "name": name});
        self.call("POST", "/v1/auth/register", &form).await;
        self.call("POST", "/v1/auth/register", &form).await;
        self.settle().await;
        let token = self.shopper.mailed_token(EMAIL).unwrap_or_else(|| "tok_canary".repeat(4));
        self.keep(Some(&token));
        self.call("POST", "/v1/auth/email/verify", &json!({"token": token})).await;
        self.call("POST", "/v1/auth/email/verify", &json!({"token": token})).await;
        let form = json!({"email": EMAIL, "password": PASSWORD});
        let session = self.call("POST", "/v1/auth/login", &form).await;
        let cookies: Vec<String> = self
            .answers
            .last()
            .into_iter()
            .flat_map(|answer| answer.all("set-cookie"))
            .filter_map(|line| line.split(';').next().map(str::to_owned))
            .collect();
        let csrf = session["csrf_token"].as_str().unwrap_or("tok_canary").to_owned();
        for (method, path) in [
            ("GET", "/v1/auth/me"),
            ("POST", "/v1/auth/refresh"),
            ("POST", "/v1/store/carts"),
            ("POST", "/v1/auth/logout"),
        ] {
            let request = Request::new(method, path)
                .header("cookie", &cookies.join("; "))
                .header("origin", self.shopper.shop.base_url())
                .header("x-csrf-token", &csrf);
            self.send(request).await;
        }
        let form = json!({"email": EMAIL, "password": PASSWORD, "mode": "token"});
        let session = self.call("POST", "/v1/auth/login", &form).await;
        self.shopper.bearer = session["access_token"].as_str().map(str::to_owned);
        let refresh = json!({"refresh_token": session["refresh_token"]});
        self.call("POST", "/v1/auth/refresh", &refresh).await;
        self.shopper.shop.clock().advance_ms(60_000);
        self.call("POST", "/v1/auth/refresh", &refresh).await;
        self.send(Request::new("GET", "/v1/auth/me")).await;
    }

    /// Buys both kinds of goods: declined, then paid; looks, downloads.
    async fn buy(&mut self) {
        let cart = self.call("POST", "/v1/store/carts", &json!({"currency": "EUR"})).await;
        let id = cart["cart"]["id"].as_str().unwrap_or_default().to_owned();
        self.shopper.cart_token = cart["cart_token"].as_str().map(str::to_owned);
        let at = |rest: &str| format!("/v1/store/carts/{id}{rest}");
        for good in [MUG, TEMPLATE] {
            let body = json!({"variant_id": good.variant(), "quantity": 1});
            self.call("POST", &at("/lines"), &body).await;
        }
        let to = json!({"email": EMAIL, "shipping_address": Self::address(),
            "billing_address": Self::address()});
        self.call("PUT", &at("/addresses"), &to).await;
        let way = json!({"shipping_option_id": "home-express"});
        let cart = self.call("PUT", &at("/shipping"), &way).await;
        let body = json!({"expected_total": cart["totals"]["total"]});
        for _ in 0..3 {
            let done = self.call("POST", &at("/complete"), &body).await;
            let answer = self.answers.last().cloned().unwrap();
            self.shopper.learn(&answer);
            if done["order"].is_object() {
                break;
            }
            self.shopper.shop.clock().advance_ms(31_000);
        }
        if self.shopper.order.is_empty() {
            return;
        }
        for card in ["pm_card_chargeDeclined", "pm_card_visa"] {
            self.shopper.pay(card);
            self.settle().await;
        }
        let order = format!("/v1/store/orders/{}", self.shopper.order);
        let view = self.send(Request::new("GET", &order)).await;
        if let Some(url) = view["downloads"][0]["url"].as_str() {
            let path = url.strip_prefix(self.shopper.shop.base_url()).unwrap().to_owned();
            for _ in 0..6 {
                self.send(Request::new("GET", &path)).await;
            }
        }
        self.send(Request::new("GET", "/v1/store/orders")).await;
        self.call("POST", &format!("{order}/cancel"), &json!({})).await;
        self.call("POST", &format!("{order}/retry_payment"), &json!({})).await;
    }

    /// Is refused in every way, telling all again.
    async fn blunder(&mut self) {
        let mut wrong = Self::address();
        wrong["country"] = json!("Papagayenko");
        wrong["postal_code"] = json!("Hinterkaefig 98765");
        let form =
            json!({"email": "quetzalcoatl", "password": "Zwitscher", "name": "\u{7}Xochitl"});
        self.call("POST", "/v1/auth/register", &form).await;
        let form = json!({"email": EMAIL, "password": "Kanarienvogel", "mode": "Zwitscher"});
        self.call("POST", "/v1/auth/login", &form).await;
        let form = json!({"email": EMAIL, "password": "Kanarienvogel"});
        self.call("POST", "/v1/auth/login", &form).await;
        let path = format!("/v1/store/carts/{}/addresses", self.shopper.cart);
        let body =
            json!({"email": EMAIL, "shipping_address": wrong, "billing_address": "Nestingen"});
        self.call("PUT", &path, &body).await;
        let body = format!("{{\"email\": \"{EMAIL}\", \"password\": \"{PASSWORD}\" Xochitl");
        let mut request = Request::new("POST", "/v1/auth/login");
        request.body = body.clone().into();
        self.send(request.clone().header("content-type", "application/json")).await;
        self.send(request.header("content-type", "text/plain")).await;
        let token = "tok_canary".repeat(5);
        self.call("POST", "/v1/auth/email/verify", &json!({"token": token})).await;
        self.call("POST", "/v1/auth/refresh", &json!({"refresh_token": token})).await;
        let request =
            Request::new("GET", "/v1/auth/me").header("cookie", &format!("__Host-session={token}"));
        self.send(request).await;
        let stripe = Request::new("POST", "/v1/hooks/stripe")
            .json(&json!({"card": "4242424242424242", "email": EMAIL}))
            .header("stripe-signature", "t=1,v1=tok_canary");
        self.send(stripe).await;
        for path in ["/v1/store/downloads/tok_canary.x", "/v1/store/products?cursor=tok_canary"] {
            self.send(Request::new("GET", path)).await;
        }
        self.send(Request::new("GET", "/v1/store/orders?limit=4242424242424242")).await;
    }

    /// Steps without an end are not taken: what fails for good stays behind.
    async fn settle(&self) {
        for _ in 0..60 {
            if !self.shopper.shop.step().await {
                return;
            }
        }
    }

    /// What of all this stands in a text.
    fn found(&self, text: &str) -> Vec<String> {
        let told = SAID.iter().map(|word| (*word).to_owned());
        let mut found: Vec<String> = told
            .chain(self.secrets.iter().cloned())
            .chain([secret_of(&self.shopper.shop)])
            .filter(|word| text.to_lowercase().contains(&word.to_lowercase()))
            .collect();
        found.extend(cards(text));
        found
    }
}

/// The provider's secret keys.
fn secret_of(shop: &Shop) -> String {
    shop.stripe_keys().secret_key.clone()
}

/// Numbers that could be cards': 13 to 19 digits whose Luhn sum is right, and no part of a word.
fn cards(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for run in text.split(|c: char| !(c.is_ascii_alphanumeric() || c == ' ' || c == '-')) {
        for number in run.split(|c: char| c.is_ascii_alphabetic()).map(str::trim) {
            let digits: Vec<u32> = number.chars().filter_map(|c| c.to_digit(10)).collect();
            let at = run.find(number).unwrap_or_default();
            let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphabetic());
            let is_in_word = is_letter(run[..at].chars().next_back())
                || is_letter(run[at + number.len()..].chars().next());
            if (13..=19).contains(&digits.len()) && luhn(&digits) && !is_in_word {
                found.push(number.to_owned());
            }
        }
    }
    found
}

fn luhn(digits: &[u32]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| match (at % 2, digit * 2) {
            (0, _) => *digit,
            (_, twice) if twice > 9 => twice - 9,
            (_, twice) => twice,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[test]
fn a_card_is_recognised_and_a_time_is_not() {
    assert_eq!(cards("x 4242 4242 4242 4242 y"), ["4242 4242 4242 4242"]);
    assert_eq!(cards("{\"id\":\"32bd35340979336327f\"}"), Vec::<String>::new());
    assert_eq!(cards("4000-0000-0000-0002"), ["4000-0000-0000-0002"]);
    assert!(cards("2026-11-02T09:00:00.123456Z 4242424242424241").is_empty());
}

/// Fails if anything was found in the log or in a refusal.
fn silent(who: &Somebody, log: &str, when: &str) {
    for line in log.lines() {
        let read: Result<Value, _> = serde_json::from_str(line);
        let mut said = read.unwrap_or_else(|_| panic!("{when}: no JSON line:\n{line}"));
        assert!(said["level"].is_string(), "{when}: no level:\n{line}");
        // The digits of a moment may be any.
        said.as_object_mut().unwrap().remove("timestamp");
        let found = who.found(&said.to_string());
        assert!(found.is_empty(), "{when}: the log tells {found:?}:\n{line}");
    }
    for answer in who.answers.iter().filter(|answer| answer.status >= 400) {
        let text = answer.text();
        let found = who.found(&text);
        assert!(found.is_empty(), "{when}: a refusal tells {found:?}:\n{text}");
    }
}

#[tokio::test]
async fn no_log_line_and_no_refusal_carries_a_canary() {
    let shop = world::open().await;
    let log = listen::begin();
    let mut guest = Somebody::new(&shop);
    guest.buy().await;
    guest.blunder().await;
    let mut who = Somebody::new(&shop);
    who.sign_up().await;
    who.buy().await;
    who.blunder().await;
    who.secrets.append(&mut guest.secrets);
    who.answers.append(&mut guest.answers);
    // What is searched for is not nothing, and what is searched is not, either.
    assert!(who.secrets.len() >= 12, "{} secrets", who.secrets.len());
    let text = log.end();
    assert!(text.lines().count() >= 10, "{text}");
    silent(&who, &text, "without a fault");
}

/// A purchase in which the first call of this kind fails; returns how many lines were said.
async fn live_with(caller: &str, operation: &str, kind: FaultKind) -> usize {
    let options = local::Options { sdk_attempts: 1, ..local::Options::default() };
    let shop = world::open_with(options, &goods::small(world::MUGS)).await;
    let (by, what) = (caller.to_owned(), operation.to_owned());
    shop.wire().faults().arm(Plan {
        at: 1,
        kind,
        filter: Some(Box::new(move |call| call.caller == by && call.operation == what)),
    });
    let log = listen::begin();
    let mut who = Somebody::new(&shop);
    who.sign_up().await;
    who.buy().await;
    let text = log.end();
    assert!(!shop.wire().faults().fired().is_empty(), "{operation} by {caller}");
    silent(&who, &text, &format!("{kind:?} of {operation} by {caller}"));
    text.lines().count()
}

#[test]
fn no_fault_of_any_call_makes_the_shop_tell_a_canary() {
    let alone = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // Every kind of call of every function fails once, in ways whose errors differ.
    let calls: BTreeSet<(String, String)> = alone().block_on(async {
        let shop = world::open().await;
        let mark = shop.wire().recorder().mark();
        let mut who = Somebody::new(&shop);
        who.sign_up().await;
        who.buy().await;
        let calls = shop.wire().recorder().since(mark);
        calls.into_iter().map(|call| (call.caller, call.operation)).collect()
    });
    let ways = [FaultKind::FailBefore, FaultKind::Throttle, FaultKind::LoseResponse];
    let calls: Vec<_> = calls.into_iter().zip(ways.into_iter().cycle()).collect();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    // A thread each, because listening is a thread's own.
    let lines: usize = std::thread::scope(|scope| {
        let work = || {
            let mut lines = 0;
            while let Some(((caller, operation), kind)) =
                calls.get(next.fetch_add(1, Ordering::Relaxed))
            {
                lines += alone().block_on(live_with(caller, operation, *kind));
            }
            lines
        };
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    println!("{} faults, {lines} lines of logs, no canary", calls.len());
}

#[tokio::test]
async fn a_denied_call_does_not_tell_a_canary() {
    let shop = world::open().await;
    let log = listen::begin();
    let mut who = Somebody::new(&shop);
    for function in &shop.stack().functions {
        // One function after another may do nothing.
        let mut policies = crate::iam::policies(shop.stack());
        policies.remove(&function.handler);
        shop.wire().iam().set(policies).unwrap();
        shop.cool_down();
        who.buy().await;
    }
    let text = log.end();
    assert!(text.contains("AccessDenied"), "{text}");
    silent(&who, &text, "denied");
}
