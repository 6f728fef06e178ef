//! Nothing that identifies a person or opens a door stands in a log line or in a refusal.
//!
//! People with conspicuous names buy, register, sign in, change all they have, work here, fail and
//! are refused, with and without faults on every kind of call; whatever was said meanwhile is
//! searched for what they told us in confidence and for what we told them. Letters and the audit
//! log are searched, too: a token may stand in the link of a letter and nowhere else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use local::{Options, Request, Response, Shop, Snapshot};
use serde_json::{Value, json};
use testkit::goods::{self, MUG, TEMPLATE};
use wire::{FaultKind, Plan};

use crate::listen;
use crate::world::{self, Colleague, Shopper};

const EMAIL: &str = "quetzalcoatl.canary@example.org";
const OTHER_EMAIL: &str = "quetzalcoatl.huitzil@example.net";
const STAFF_EMAIL: &str = "quetzalcoatl.tezca@shop.example";
const PASSWORD: &str = "Zwitscher-7-Kanarienvogel";
const OTHER_PASSWORD: &str = "Kanarienvogel-8-Zwitscher";
/// Parts of what a person says of themselves; none is a word of ours.
const SAID: &[&str] = &[
    "quetzalcoatl",
    "huitzil",
    "tezca",
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
    /// All that opens something.
    secrets: BTreeSet<String>,
    /// Those of them that stand in no letter, not even in a link.
    unwritten: BTreeSet<String>,
    answers: Vec<Response>,
    /// What is still asked once the armed fault has happened; all, where there is none.
    patience: Option<usize>,
}

/// What somebody does.
#[derive(Debug, Clone, Copy)]
enum Life {
    /// Signs up and buys.
    Shop,
    /// Changes all that belongs to an account, and closes it.
    Account,
    /// Works here: is invited, signs in by both factors, makes a key.
    Work,
}

const LIVES: [Life; 3] = [Life::Shop, Life::Account, Life::Work];

impl Somebody {
    fn new(shop: &Shop) -> Self {
        let (secrets, unwritten) = (BTreeSet::new(), BTreeSet::new());
        let (shopper, answers) = (Shopper::new(shop), Vec::new());
        Self { shopper, secrets, unwritten, answers, patience: None }
    }

    /// Whoever is needed before a life begins.
    async fn prepare(shop: &Shop, life: Life) -> Option<Colleague> {
        match life {
            Life::Shop | Life::Account => None,
            Life::Work => Some(Colleague::owner(shop).await),
        }
    }

    async fn live(&mut self, life: Life, owner: Option<Colleague>) {
        match (life, owner) {
            (Life::Work, Some(owner)) => self.work(&owner).await,
            (Life::Account, _) => self.change_everything().await,
            (Life::Shop | Life::Work, _) => {
                self.sign_up().await;
                self.buy().await;
            }
        }
    }

    async fn call(&mut self, method: &str, path: &str, body: &Value) -> Value {
        let request = Request::new(method, path).json(body);
        self.send(request.header("idempotency-key", &world::key())).await
    }

    async fn send(&mut self, request: Request) -> Value {
        if !self.shopper.shop.wire().faults().fired().is_empty()
            && let Some(left) = &mut self.patience
        {
            let Some(less) = left.checked_sub(1) else { return Value::Null };
            *left = less;
        }
        let answer = self.shopper.send(request).await;
        let body = answer.value();
        for name in ["cart_token", "order_token"] {
            self.keep(body[name].as_str());
        }
        for name in ["access_token", "refresh_token", "csrf_token", "mfa_token", "key"] {
            self.keep_unwritten(body[name].as_str());
        }
        self.keep_unwritten(body.pointer("/enrollment/secret").and_then(Value::as_str));
        self.keep_unwritten(body.pointer("/payment/client_secret").and_then(Value::as_str));
        for code in body["recovery_codes"].as_array().into_iter().flatten() {
            self.keep_unwritten(code.as_str());
        }
        self.keep(body.pointer("/downloads/0/url").and_then(Value::as_str));
        for line in answer.all("set-cookie") {
            let value = line.split(';').next().and_then(|pair| pair.split_once('='));
            self.keep_unwritten(value.map(|(_, value)| value));
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

    fn keep_unwritten(&mut self, secret: Option<&str>) {
        self.keep(secret);
        if let Some(secret) = secret.filter(|secret| secret.len() >= 16) {
            self.unwritten.insert(secret[secret.len() - 16..].to_owned());
        }
    }

    /// The token of the newest letter to an address, or one that is none.
    async fn mailed(&mut self, email: &str) -> Value {
        self.settle().await;
        let token = self.shopper.mailed_token(email);
        let token = token.unwrap_or_else(|| "tok_canary".repeat(4));
        self.keep(Some(&token));
        json!(token)
    }

    /// Signs in with tokens and goes on with them; returns the refresh token.
    async fn sign_in(&mut self, email: &str, password: &str) -> Value {
        self.shopper.bearer = None;
        // What ended all sessions ended those of this very moment, too.
        self.shopper.shop.clock().advance_ms(1_000);
        let form = json!({"email": email, "password": password, "mode": "token"});
        let session = self.call("POST", "/v1/auth/login", &form).await;
        self.shopper.bearer = session["access_token"].as_str().map(str::to_owned);
        session["refresh_token"].clone()
    }

    async fn look(&mut self, path: &str) -> Value {
        self.send(Request::new("GET", path)).await
    }

    /// Another password, another address, another name; books, sessions, the end. Whatever fails,
    /// fails.
    async fn change_everything(&mut self) {
        self.sign_up().await;
        self.shopper.bearer = None;
        let email = json!({"email": EMAIL});
        self.call("POST", "/v1/auth/email/resend", &email).await;
        self.call("POST", "/v1/auth/password/forgot", &email).await;
        let token = self.mailed(EMAIL).await;
        let form = json!({"token": token, "password": "Zwitscher"});
        self.call("POST", "/v1/auth/password/reset", &form).await;
        let form = json!({"token": token, "password": OTHER_PASSWORD});
        self.call("POST", "/v1/auth/password/reset", &form).await;
        self.call("POST", "/v1/auth/password/reset", &form).await;
        self.sign_in(EMAIL, OTHER_PASSWORD).await;
        let form = json!({"current_password": OTHER_PASSWORD, "password": PASSWORD});
        self.call("POST", "/v1/auth/password/change", &form).await;
        self.call("POST", "/v1/auth/password/change", &form).await;
        self.sign_in(EMAIL, PASSWORD).await;
        self.call("PATCH", "/v1/store/me", &json!({"name": "Xochitl Papagayenko"})).await;
        self.call("PATCH", "/v1/store/me", &json!({"name": "\u{7}Xochitl"})).await;
        let book = "/v1/store/me/addresses";
        let kept = self.call("POST", book, &Self::address()).await;
        let at = format!("{book}/{}", kept["id"].as_str().unwrap_or("Nestingen"));
        self.look(&at).await;
        let request = Request::new("PUT", &at).header("if-match", "\"v1\"");
        self.send(request.json(&Self::address())).await;
        self.call("POST", book, &json!({"line1": "Vogelbauergasse", "country": "Nestingen"})).await;
        self.look(book).await;
        self.send(Request::new("DELETE", &at)).await;
        let form = json!({"email": OTHER_EMAIL, "password": PASSWORD});
        self.call("POST", "/v1/auth/email/change", &form).await;
        for address in [EMAIL, OTHER_EMAIL] {
            let token = self.mailed(address).await;
            self.call("POST", "/v1/auth/email/confirm", &json!({"token": token})).await;
        }
        self.sign_in(OTHER_EMAIL, PASSWORD).await;
        let sessions = self.look("/v1/auth/sessions").await;
        let id = sessions["data"][0]["id"].as_str().unwrap_or("tok_canary").to_owned();
        self.send(Request::new("DELETE", &format!("/v1/auth/sessions/{id}"))).await;
        self.sign_in(OTHER_EMAIL, PASSWORD).await;
        for password in ["Kanarienvogel", PASSWORD] {
            let form = json!({"password": password});
            self.call("POST", "/v1/auth/reauthenticate", &form).await;
        }
        self.look("/v1/store/me").await;
        self.call("POST", "/v1/auth/logout_all", &json!({})).await;
        self.sign_in(OTHER_EMAIL, PASSWORD).await;
        self.send(Request::new("DELETE", "/v1/store/me")).await;
        self.look("/v1/store/me").await;
        self.settle().await;
    }

    /// Signs in to work by both factors; `secret` is what the app knows.
    async fn clock_in(&mut self, password: &str, secret: &mut Vec<u8>) -> Value {
        self.shopper.bearer = None;
        // Every code is good once.
        self.shopper.shop.clock().advance_ms(31_000);
        let form = json!({"email": STAFF_EMAIL, "password": password, "mode": "token"});
        let first = self.call("POST", "/v1/auth/staff/login", &form).await;
        if let Some(text) = first["enrollment"]["secret"].as_str() {
            *secret = world::from_base32(text);
        }
        let mfa = |code: &str| json!({"mfa_token": first["mfa_token"], "code": code});
        self.call("POST", "/v1/auth/staff/mfa", &mfa("tok_canary")).await;
        let code = self.code(secret);
        let session = self.call("POST", "/v1/auth/staff/mfa", &mfa(&code)).await;
        self.shopper.bearer = session["access_token"].as_str().map(str::to_owned);
        session["refresh_token"].clone()
    }

    fn code(&self, secret: &[u8]) -> String {
        domain::totp::code(secret, domain::totp::step(self.shopper.shop.clock().now()))
    }

    /// Is invited, signs in, makes a key and uses it, looks at everything, loses the password, is
    /// suspended. Whatever fails, fails.
    async fn work(&mut self, owner: &Colleague) {
        let boss = Some(owner.bearer.clone());
        self.keep_unwritten(boss.as_deref());
        self.shopper.bearer.clone_from(&boss);
        let form = json!({"name": "Boss", "permissions":
            ["staff.read", "staff.manage", "api_keys.manage", "audit.read"]});
        let role = self.call("POST", "/v1/admin/roles", &form).await;
        let name = "Xochitl Papagayenko";
        let form = json!({"email": STAFF_EMAIL, "name": name, "role_id": role["id"]});
        let invited = self.call("POST", "/v1/admin/invitations", &form).await;
        self.call("POST", "/v1/admin/invitations", &form).await;
        let token = self.mailed(STAFF_EMAIL).await;
        self.shopper.bearer = None;
        for password in ["Zwitscher", PASSWORD, PASSWORD] {
            let form = json!({"token": token, "password": password, "name": name});
            self.call("POST", "/v1/auth/staff/invitations/accept", &form).await;
        }
        let mut secret = Vec::new();
        self.clock_in("Kanarienvogel", &mut secret).await;
        let refresh = self.clock_in(PASSWORD, &mut secret).await;
        let form = json!({"refresh_token": refresh});
        let session = self.call("POST", "/v1/auth/staff/refresh", &form).await;
        self.shopper.bearer = session["access_token"].as_str().map(str::to_owned);
        self.shopper.shop.clock().advance_ms(31_000);
        for (password, code) in
            [("Kanarienvogel", "tok_canary".into()), (PASSWORD, self.code(&secret))]
        {
            let form = json!({"password": password, "code": code});
            self.call("POST", "/v1/auth/staff/step_up", &form).await;
        }
        let form = json!({"name": "ERP", "scopes": ["staff.read", "audit.read"]});
        let made = self.call("POST", "/v1/admin/api_keys", &form).await;
        let mine = self.shopper.bearer.clone();
        let id = made["api_key"]["id"].as_str().unwrap_or("tok_canary").to_owned();
        for key in [made["key"].as_str(), Some("flx_test_tok_canary"), Some("tok_canary")] {
            self.shopper.bearer = key.map(str::to_owned);
            self.shopper.ip = "192.0.2.77".to_owned();
            self.look("/v1/admin/staff").await;
        }
        self.shopper.bearer = mine;
        let at = format!("/v1/admin/api_keys/{id}");
        self.call("POST", &format!("{at}/rotate"), &json!({})).await;
        self.send(Request::new("DELETE", &at).header("if-match", "\"v2\"")).await;
        let staff = format!("/v1/admin/staff/{}", invited["id"].as_str().unwrap_or("tok_canary"));
        for path in [
            at.as_str(),
            "/v1/admin/api_keys",
            "/v1/admin/roles",
            "/v1/admin/audit?action=staff.",
            "/v1/admin/audit?cursor=tok_canary",
            "/v1/auth/staff/sessions",
            staff.as_str(),
        ] {
            self.look(path).await;
        }
        let form = json!({"current_password": PASSWORD, "password": OTHER_PASSWORD});
        self.call("POST", "/v1/auth/staff/password/change", &form).await;
        self.call("POST", "/v1/auth/staff/logout", &json!({})).await;
        let form = json!({"email": STAFF_EMAIL});
        self.call("POST", "/v1/auth/staff/password/forgot", &form).await;
        let token = self.mailed(STAFF_EMAIL).await;
        let form = json!({"token": token, "password": PASSWORD});
        self.call("POST", "/v1/auth/staff/password/reset", &form).await;
        self.clock_in(PASSWORD, &mut secret).await;
        self.shopper.bearer = boss;
        for deed in ["suspend", "reinstate", "reset_second_factor"] {
            let request = Request::new("POST", &format!("{staff}/{deed}"));
            self.send(request.header("if-match", "\"v9\"").json(&json!({}))).await;
        }
        self.settle().await;
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
        let told = SAID.iter().copied();
        let words = told.chain(self.secrets.iter().map(String::as_str));
        among(text, words.chain([secret_of(&self.shopper.shop).as_str()]))
    }

    /// What stands in a letter and must not: it may name its reader, and its links may open
    /// something.
    fn found_in_letter(&self, text: &str) -> Vec<String> {
        let secret = secret_of(&self.shopper.shop);
        let never = ["zwitscher", "kanarienvogel", "tok_canary", secret.as_str()];
        let never = never.into_iter().chain(self.unwritten.iter().map(String::as_str));
        let mut found = among(text, never);
        let is_link = |word: &&str| word.starts_with("http://") || word.starts_with("https://");
        let words = text.split(|c: char| c.is_whitespace() || "\"'<>()".contains(c));
        let plain: Vec<&str> = words.filter(|word| !is_link(word)).collect();
        found.extend(among(&plain.join(" "), self.secrets.iter().map(String::as_str)));
        found
    }
}

/// Which of these words stand in a text, and the numbers in it that could be cards'.
fn among<'a>(text: &str, words: impl Iterator<Item = &'a str>) -> Vec<String> {
    let lower = text.to_lowercase();
    let words = words.filter(|word| lower.contains(&word.to_lowercase()));
    words.map(str::to_owned).chain(cards(text)).collect()
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
        if said["message"] == "the request failed" {
            let is_known = said["op"].is_string() && said["request_id"].is_string();
            assert!(is_known && said["status"].is_u64(), "{when}: of which request?\n{line}");
        }
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
    for mail in who.shopper.shop.mails() {
        for text in [Some(mail.subject), mail.text, mail.html].into_iter().flatten() {
            let found = who.found_in_letter(&text);
            assert!(found.is_empty(), "{when}: a letter tells {found:?}:\n{text}");
        }
    }
}

/// Fails if anything was found in the audit log.
async fn discreet(who: &Somebody, when: &str) {
    for link in who.shopper.shop.audit_log().await.unwrap() {
        let entry = json!(link.entry);
        let mut said = entry.clone();
        // The digits of a moment may be any.
        said.as_object_mut().unwrap().remove("at");
        let found = who.found(&said.to_string());
        assert!(found.is_empty(), "{when}: the audit log tells {found:?}: {entry}");
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
    for life in [Life::Account, Life::Work] {
        // A shop of their own: addresses and letters are the same.
        let shop = world::open().await;
        let owner = Somebody::prepare(&shop, life).await;
        let mut other = Somebody::new(&shop);
        other.live(life, owner).await;
        let text = log.text();
        silent(&other, &text, &format!("{life:?}"));
        discreet(&other, &format!("{life:?}")).await;
        // It went as far as it should: few of all these calls were refused.
        let good = other.answers.iter().filter(|answer| answer.status < 300).count();
        assert!(good >= 24, "{life:?}: {good} good answers");
        assert!(other.secrets.len() >= 8 && !shop.mails().is_empty(), "{life:?}");
        assert!(!shop.audit_log().await.unwrap().is_empty(), "{life:?}");
    }
    who.secrets.append(&mut guest.secrets);
    who.answers.append(&mut guest.answers);
    // What is searched for is not nothing, and what is searched is not, either.
    assert!(who.secrets.len() >= 12, "{} secrets", who.secrets.len());
    let text = log.end();
    assert!(text.lines().count() >= 10, "{text}");
    silent(&who, &text, "without a fault");
}

/// A life that is about to begin, as often as wanted.
struct Beginning {
    life: Life,
    snapshot: Snapshot,
    owner: Option<Colleague>,
}

impl Beginning {
    async fn of(life: Life) -> Self {
        let options = Options { sdk_attempts: 1, ..Options::default() };
        let shop = world::open_with(options, &goods::small(world::MUGS)).await;
        let owner = Somebody::prepare(&shop, life).await;
        Self { life, snapshot: Snapshot::of(shop).unwrap(), owner }
    }

    async fn open(&self) -> (Shop, Option<Colleague>) {
        let shop = self.snapshot.open().await.unwrap();
        let owner = self.owner.clone().map(|who| Colleague { shop: shop.clone(), ..who });
        (shop, owner)
    }
}

/// A life in which the first call of this kind fails; returns how many lines were said.
async fn live_with(start: &Beginning, caller: &str, operation: &str, kind: FaultKind) -> usize {
    let (shop, owner) = start.open().await;
    let (by, what) = (caller.to_owned(), operation.to_owned());
    shop.wire().faults().arm(Plan {
        at: 1,
        kind,
        filter: Some(Box::new(move |call| call.caller == by && call.operation == what)),
    });
    let log = listen::begin();
    let mut who = Somebody::new(&shop);
    who.patience = Some(PATIENCE);
    who.live(start.life, owner).await;
    let text = log.end();
    let when = format!("{kind:?} of {operation} by {caller}");
    assert!(!shop.wire().faults().fired().is_empty(), "{when}");
    silent(&who, &text, &when);
    discreet(&who, &when).await;
    text.lines().count()
}

/// Kinds of calls, by function and operation; their number may grow, not shrink.
const CALLS_MIN: usize = 180;
/// Calls after a fault: enough to see its traces, not so many that the same is said again.
const PATIENCE: usize = 5;

#[test]
fn no_fault_of_any_call_makes_the_shop_tell_a_canary() {
    let alone = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // Every kind of call of every function fails once, in ways whose errors differ.
    let mut calls: BTreeMap<(String, String), &Beginning> = BTreeMap::new();
    let starts = alone().block_on(async {
        let mut starts = Vec::new();
        for life in LIVES {
            starts.push(Beginning::of(life).await);
        }
        starts
    });
    for start in &starts {
        let made = alone().block_on(async {
            let (shop, owner) = start.open().await;
            let mark = shop.wire().recorder().mark();
            Somebody::new(&shop).live(start.life, owner).await;
            shop.wire().recorder().since(mark)
        });
        for call in made {
            calls.entry((call.caller, call.operation)).or_insert(start);
        }
    }
    assert!(calls.len() >= CALLS_MIN, "only {} kinds of calls", calls.len());
    let ways = [FaultKind::FailBefore, FaultKind::Throttle, FaultKind::LoseResponse];
    let calls: Vec<_> = calls.into_iter().zip(ways.into_iter().cycle()).collect();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    // A thread each, because listening is a thread's own.
    let lines: usize = std::thread::scope(|scope| {
        let work = || {
            let mut lines = 0;
            while let Some((((caller, operation), start), kind)) =
                calls.get(next.fetch_add(1, Ordering::Relaxed))
            {
                lines += alone().block_on(live_with(start, caller, operation, *kind));
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
    let mark = shop.wire().recorder().mark();
    who.buy().await;
    let calls = shop.wire().recorder().since(mark);
    let callers: BTreeSet<String> = calls.into_iter().map(|call| call.caller).collect();
    for handler in callers {
        // One function after another may do nothing.
        let mut policies = crate::iam::policies(shop.stack());
        policies.remove(&handler);
        shop.wire().iam().set(policies).unwrap();
        shop.cool_down();
        who.buy().await;
    }
    let text = log.end();
    assert!(text.contains("AccessDenied"), "{text}");
    silent(&who, &text, "denied");
}
