//! A small shop, the people in it, and the questions asked of it afterwards.

use std::sync::atomic::{AtomicU64, Ordering};

use domain::address::{Email, PersonName};
use domain::id::{RoleId, StaffId, Ulid};
use domain::permission::{Permission, Permissions};
use domain::staff::{By, Member, Role, Status};
use domain::totp;
use local::{Options, Request, Response, Shop};
use serde_json::{Value, json};
use testkit::goods::{self, Good, Goods};
use testkit::ledger::{self, Facts};

use crate::listen;

/// The mugs of the small shop unless a story says otherwise.
pub(crate) const MUGS: i64 = 10;

/// A shop with the small goods.
pub(crate) async fn open() -> Shop {
    open_with(Options::default(), &goods::small(MUGS)).await
}

/// A shop with these goods.
pub(crate) async fn open_with(options: Options, goods: &Goods) -> Shop {
    listen::watch();
    let shop = Shop::open(options).await.expect("the shop opens");
    fill(&shop, goods).await;
    shop
}

/// Puts goods into an empty shop.
pub(crate) async fn fill(shop: &Shop, goods: &Goods) {
    let store = shop.store();
    let settings =
        store::Settings::new(goods.shipping.clone(), goods.tax.clone(), goods.shop.clone());
    store.import_settings(&settings).await.expect("settings");
    store
        .import_products(&goods.products, domain::currency::Currency::EUR)
        .await
        .expect("products");
    store.import_stock(&goods.stock).await.expect("stock");
}

/// An address in Germany.
pub(crate) fn address() -> Value {
    json!({
        "name": "Jane Roe", "line1": "Lindenstrasse 1", "city": "Berlin",
        "postal_code": "10969", "country": "DE",
    })
}

/// A new key for each call that wants one.
pub(crate) fn key() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("key-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Somebody with a cart, an order, a card.
#[derive(Clone)]
pub(crate) struct Shopper {
    pub(crate) shop: Shop,
    pub(crate) ip: String,
    pub(crate) bearer: Option<String>,
    pub(crate) cart: String,
    pub(crate) cart_token: Option<String>,
    pub(crate) order: String,
    pub(crate) order_token: Option<String>,
    pub(crate) intent: String,
    pub(crate) client_secret: String,
    /// The total that this person has seen last.
    pub(crate) total: Value,
}

impl Shopper {
    /// Somebody without anything yet.
    pub(crate) fn new(shop: &Shop) -> Self {
        Self {
            shop: shop.clone(),
            ip: "203.0.113.7".to_owned(),
            bearer: None,
            cart: String::new(),
            cart_token: None,
            order: String::new(),
            order_token: None,
            intent: String::new(),
            client_secret: String::new(),
            total: Value::Null,
        }
    }

    /// Somebody from this address.
    pub(crate) fn from(shop: &Shop, ip: &str) -> Self {
        Self { ip: ip.to_owned(), ..Self::new(shop) }
    }

    /// A guest with a cart.
    pub(crate) async fn guest(shop: &Shop) -> Self {
        let mut shopper = Self::new(shop);
        shopper.open_cart("EUR").await;
        shopper
    }

    /// Sends a request with all that this person has.
    pub(crate) async fn send(&self, mut request: Request) -> Response {
        request = request.from_ip(&self.ip);
        if let Some(token) = &self.bearer {
            request = request.header("authorization", &format!("Bearer {token}"));
        }
        if let Some(token) = &self.cart_token {
            request = request.header("x-cart-token", token);
        }
        if let Some(token) = &self.order_token {
            request = request.header("x-order-token", token);
        }
        discreet(self.shop.send(request).await)
    }

    pub(crate) async fn get(&self, target: &str) -> Response {
        self.send(Request::new("GET", target)).await
    }

    pub(crate) async fn call(&self, method: &str, target: &str, body: &Value) -> Response {
        self.send(Request::new(method, target).json(body)).await
    }

    /// Opens a cart and keeps its token.
    pub(crate) async fn open_cart(&mut self, currency: &str) {
        let answer = self.call("POST", "/v1/store/carts", &json!({"currency": currency})).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        let body = answer.value();
        self.cart = body["cart"]["id"].as_str().expect("an id").to_owned();
        self.cart_token = body["cart_token"].as_str().map(str::to_owned);
    }

    fn at(&self, rest: &str) -> String {
        format!("/v1/store/carts/{}{rest}", self.cart)
    }

    /// Puts units of a good into the cart.
    pub(crate) async fn add(&self, good: Good, quantity: u32) -> Value {
        let body = json!({"variant_id": good.variant(), "quantity": quantity});
        ok(self.call("POST", &self.at("/lines"), &body).await)
    }

    /// Says where all goes.
    pub(crate) async fn addresses(&self) -> Value {
        let body = json!({"email": "jane@example.org", "shipping_address": address()});
        ok(self.call("PUT", &self.at("/addresses"), &body).await)
    }

    /// Chooses how.
    pub(crate) async fn ship_by(&self, option: &str) -> Value {
        let body = json!({"shipping_option_id": option});
        ok(self.call("PUT", &self.at("/shipping"), &body).await)
    }

    /// The cart as it is.
    pub(crate) async fn view_cart(&self) -> Value {
        ok(self.get(&self.at("")).await)
    }

    /// A cart ready to be completed.
    pub(crate) async fn ready(&self, good: Good, quantity: u32) {
        self.add(good, quantity).await;
        self.addresses().await;
        if good != goods::TEMPLATE {
            self.ship_by("home-standard").await;
        }
    }

    /// Completes the cart at the total it shows.
    pub(crate) async fn complete(&mut self) -> Response {
        self.complete_with(&key()).await
    }

    /// Completes the cart under this key.
    pub(crate) async fn complete_with(&mut self, key: &str) -> Response {
        let total = self.view_cart().await["totals"]["total"].clone();
        self.complete_at(key, &total).await
    }

    /// Completes the cart under this key at this total.
    pub(crate) async fn complete_at(&mut self, key: &str, total: &Value) -> Response {
        let request = Request::new("POST", &self.at("/complete"))
            .header("idempotency-key", key)
            .json(&json!({"expected_total": total}));
        let answer = self.send(request).await;
        self.learn(&answer);
        answer
    }

    /// Keeps what an answer of a completion says.
    pub(crate) fn learn(&mut self, answer: &Response) {
        if answer.status != 201 {
            return;
        }
        let body = answer.value();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.order = text(&body["order"]["id"]);
        self.order_token = body["order_token"].as_str().map(str::to_owned);
        self.intent = text(&body["payment"]["payment_intent_id"]);
        self.client_secret = text(&body["payment"]["client_secret"]);
    }

    /// Pays in the browser, as Stripe's own form does.
    pub(crate) fn pay(&self, card: &str) -> (u16, Value) {
        self.stripe(
            &format!("/v1/payment_intents/{}/confirm", self.intent),
            &[
                ("client_secret", &self.client_secret),
                ("payment_method", card),
                ("return_url", "https://shop.example/return"),
            ],
        )
    }

    /// Answers the bank's question.
    pub(crate) fn authenticate(&self, outcome: &str) -> (u16, Value) {
        let path = format!("/v1/test_helpers/payment_intents/{}/authenticate", self.intent);
        self.stripe(&path, &[("client_secret", &self.client_secret), ("outcome", outcome)])
    }

    pub(crate) fn stripe(&self, path: &str, fields: &[(&str, &str)]) -> (u16, Value) {
        let form = Request::new("POST", path).form(fields);
        let key = &self.shop.stripe_keys().publishable_key;
        let request = http::Request::post(path)
            .header("authorization", format!("Bearer {key}"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.body)
            .expect("a request");
        let answer = self.shop.twin().handle(request);
        let body = serde_json::from_slice(answer.body()).unwrap_or(Value::Null);
        (answer.status().as_u16(), body)
    }

    /// The order as it is.
    pub(crate) async fn view_order(&self) -> Value {
        ok(self.get(&format!("/v1/store/orders/{}", self.order)).await)
    }

    /// A verified customer, signed in with tokens.
    pub(crate) async fn customer(shop: &Shop, email: &str) -> Self {
        let mut shopper = Self::new(shop);
        shopper.register(email).await;
        shopper.verify(email).await;
        let answer = shopper.login(email).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        shopper.bearer = answer.value()["access_token"].as_str().map(str::to_owned);
        shopper
    }

    pub(crate) async fn register(&self, email: &str) -> Response {
        let body = json!({"email": email, "password": PASSWORD, "name": "Jane Roe"});
        self.call("POST", "/v1/auth/register", &body).await
    }

    /// Opens the link of the newest letter to this address.
    pub(crate) async fn verify(&self, email: &str) {
        self.shop.settle().await;
        let token = self.mailed_token(email).expect("a letter with a link");
        let answer = self.call("POST", "/v1/auth/email/verify", &json!({"token": token})).await;
        assert_eq!(answer.status, 204, "{}", answer.text());
    }

    /// The token in the newest letter to this address.
    pub(crate) fn mailed_token(&self, email: &str) -> Option<String> {
        let mails = self.shop.mails();
        let mail = mails.iter().rev().find(|mail| mail.to.iter().any(|to| to == email))?;
        let text = mail.text.clone().unwrap_or_default();
        let token = text.split("#token=").nth(1)?.split_whitespace().next()?;
        Some(token.to_owned())
    }

    pub(crate) async fn login(&self, email: &str) -> Response {
        let body = json!({"email": email, "password": PASSWORD, "mode": "token"});
        self.call("POST", "/v1/auth/login", &body).await
    }
}

/// A member of the staff, with a password and an app.
#[derive(Clone)]
pub(crate) struct Colleague {
    pub(crate) shop: Shop,
    pub(crate) ip: String,
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) password: String,
    pub(crate) role: String,
    /// What the app knows, once it is enrolled.
    pub(crate) secret: Vec<u8>,
    pub(crate) recovery: Vec<String>,
    pub(crate) bearer: String,
    pub(crate) refresh_token: String,
}

/// A member of the staff who may do this, signed in: the access token.
pub(crate) async fn staff(shop: &Shop, permissions: &[Permission]) -> String {
    Colleague::of(shop, &format!("staff-{}", key()), permissions).await.bearer
}

/// The id that somebody or something of this name has.
fn ulid_of(name: &str) -> Ulid {
    let sum = name.bytes().fold(7_u128, |sum, byte| sum.wrapping_mul(257) + u128::from(byte));
    Ulid::from_parts(1, sum)
}

impl Colleague {
    /// Somebody who works here and may do this, signed in by both factors.
    pub(crate) async fn of(shop: &Shop, name: &str, permissions: &[Permission]) -> Self {
        let id = RoleId::from_ulid(ulid_of(&format!("role {name}")));
        let all = Permissions::all();
        let by = By { id: StaffId::from_ulid(Ulid::nil()), permissions: &all };
        let permissions = Permissions::of(permissions.iter().copied());
        let role = Role::new(id, name, permissions, by).expect("a role");
        let mut colleague = Self::hire(shop, name, &role).await;
        colleague.sign_in().await;
        colleague
    }

    /// The owner, signed in by both factors.
    pub(crate) async fn owner(shop: &Shop) -> Self {
        let role = Role::owner(RoleId::from_ulid(ulid_of("role owner")));
        let mut owner = Self::hire(shop, "owner", &role).await;
        owner.sign_in().await;
        owner
    }

    async fn hire(shop: &Shop, name: &str, role: &Role) -> Self {
        let hash = identity::password::hash(PASSWORD.to_owned(), [7; 16]).await.expect("a hash");
        let email = format!("{name}@shop.example");
        let member = Member {
            id: StaffId::from_ulid(ulid_of(name)),
            email: Email::parse(&email).expect("an address"),
            name: PersonName::parse(name).expect("a name"),
            password: Some(hash),
            status: Status::Active,
            role: role.id,
            second_factor: None,
            created_at: shop.clock().now(),
            version: 0,
        };
        let store = shop.store();
        let saved = if role.is_owner {
            store.import_owner(role, &member).await
        } else {
            store.import_member(role, &member).await
        };
        assert_eq!(saved.expect("a store"), store::Saved::Yes, "{name} works here already");
        let mut colleague = Self::stranger(shop, &email);
        colleague.id = member.id.to_string();
        colleague.role = role.id.to_string();
        colleague
    }

    /// Somebody with an address and nothing else.
    pub(crate) fn stranger(shop: &Shop, email: &str) -> Self {
        Self {
            shop: shop.clone(),
            ip: "198.51.100.7".to_owned(),
            id: String::new(),
            email: email.to_owned(),
            password: PASSWORD.to_owned(),
            role: String::new(),
            secret: Vec::new(),
            recovery: Vec::new(),
            bearer: String::new(),
            refresh_token: String::new(),
        }
    }

    pub(crate) async fn send(&self, request: Request) -> Response {
        let request = request.from_ip(&self.ip);
        let request = match self.bearer.as_str() {
            "" => request,
            bearer => request.header("authorization", &format!("Bearer {bearer}")),
        };
        discreet(self.shop.send(request).await)
    }

    pub(crate) async fn get(&self, target: &str) -> Response {
        self.send(Request::new("GET", target)).await
    }

    pub(crate) async fn call(&self, method: &str, target: &str, body: &Value) -> Response {
        self.send(Request::new(method, target).json(body)).await
    }

    /// A call for what has not changed since this was seen.
    pub(crate) async fn call_if(
        &self,
        tag: &str,
        method: &str,
        target: &str,
        body: &Value,
    ) -> Response {
        self.send(Request::new(method, target).header("if-match", tag).json(body)).await
    }

    /// The tag of something as it is.
    pub(crate) async fn tag(&self, target: &str) -> String {
        let answer = self.get(target).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.header("etag").expect("a tag").to_owned()
    }

    /// The code that the app shows, some steps from now.
    pub(crate) fn code(&self, steps: i64) -> String {
        let step = totp::step(self.shop.clock().now()).saturating_add_signed(steps);
        totp::code(&self.secret, step)
    }

    /// The first step of a sign-in.
    pub(crate) async fn first_step(&self) -> Response {
        let body = json!({"email": self.email, "password": self.password, "mode": "token"});
        self.call("POST", "/v1/auth/staff/login", &body).await
    }

    /// The second step of a sign-in.
    pub(crate) async fn second_step(&self, token: &Value, code: &str) -> Response {
        let body = json!({"mfa_token": token, "code": code});
        self.call("POST", "/v1/auth/staff/mfa", &body).await
    }

    /// Signs in by both factors; the first time, enrolls the app.
    pub(crate) async fn sign_in(&mut self) -> Value {
        self.bearer.clear();
        let first = ok(self.first_step().await);
        if let Some(secret) = first["enrollment"]["secret"].as_str() {
            self.secret = from_base32(secret);
        }
        let session = ok(self.second_step(&first["mfa_token"], &self.code(0)).await);
        self.keep(&session);
        session
    }

    /// Keeps what a session's answer says.
    pub(crate) fn keep(&mut self, session: &Value) {
        let text = |name: &str| session[name].as_str().unwrap_or_default().to_owned();
        self.bearer = text("access_token");
        self.refresh_token = text("refresh_token");
        self.id = session["staff"]["id"].as_str().unwrap_or(&self.id).to_owned();
        self.role = session["staff"]["role"]["id"].as_str().unwrap_or(&self.role).to_owned();
        if let Some(codes) = session["recovery_codes"].as_array() {
            self.recovery =
                codes.iter().filter_map(|code| Some(code.as_str()?.to_owned())).collect();
        }
    }

    /// The token in the newest letter to this address.
    pub(crate) async fn mailed_token(&self) -> String {
        self.shop.settle().await;
        Shopper::new(&self.shop).mailed_token(&self.email).expect("a letter with a link")
    }
}

/// RFC 4648 §6, without padding.
pub(crate) fn from_base32(text: &str) -> Vec<u8> {
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0);
    for letter in text.bytes() {
        let digit = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|each| *each == letter);
        bits = (bits << 5) | u32::try_from(digit.expect("base32")).unwrap();
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xff).unwrap());
        }
    }
    bytes
}

/// A password that the policy likes.
pub(crate) const PASSWORD: &str = "a quiet river stone";

/// An answer that says no repeats nothing of what was told in confidence.
fn discreet(answer: Response) -> Response {
    let told = (answer.status >= 400).then(|| listen::confidence(&answer.text())).flatten();
    assert_eq!(told, None, "{}", answer.text());
    answer
}

/// The body of a good answer.
pub(crate) fn ok(answer: Response) -> Value {
    assert!((200..300).contains(&answer.status), "{}: {}", answer.status, answer.text());
    answer.value()
}

/// Status and code of an answer that says no.
pub(crate) fn refusal(answer: &Response) -> (u16, String) {
    (answer.status, answer.value()["code"].as_str().unwrap_or_default().to_owned())
}

/// Everything there is to know of a shop.
pub(crate) async fn facts(shop: &Shop, goods: &Goods) -> Facts {
    let received = goods.stock.iter().map(|(sku, level)| (sku.to_string(), level.on_hand));
    local::facts::of(shop, received.collect()).await.expect("a readable shop")
}

/// Nothing is broken.
pub(crate) async fn sound(shop: &Shop, goods: &Goods) -> Facts {
    let facts = facts(shop, goods).await;
    let broken = ledger::broken(&facts);
    assert!(broken.is_empty(), "broken:\n  {}", broken.join("\n  "));
    facts
}
