//! A small shop, the people in it, and the questions asked of it afterwards.

use std::sync::atomic::{AtomicU64, Ordering};

use local::{Options, Request, Response, Shop};
use serde_json::{Value, json};
use testkit::goods::{self, Good, Goods};
use testkit::ledger::{self, Facts};

/// The mugs of the small shop unless a story says otherwise.
pub(crate) const MUGS: i64 = 10;

/// A shop with the small goods.
pub(crate) async fn open() -> Shop {
    open_with(Options::default(), &goods::small(MUGS)).await
}

/// A shop with these goods.
pub(crate) async fn open_with(options: Options, goods: &Goods) -> Shop {
    // `STORY_LOG=1` shows what the functions say.
    if std::env::var_os("STORY_LOG").is_some() {
        runtime::telemetry::init();
    }
    let shop = Shop::open(options).await.expect("the shop opens");
    fill(&shop, goods).await;
    shop
}

/// Puts goods into an empty shop.
pub(crate) async fn fill(shop: &Shop, goods: &Goods) {
    let store = shop.store();
    let settings = store::Settings { shipping: goods.shipping.clone(), tax: goods.tax.clone() };
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
        self.shop.send(request).await
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

    fn stripe(&self, path: &str, fields: &[(&str, &str)]) -> (u16, Value) {
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

/// A password that the policy likes.
pub(crate) const PASSWORD: &str = "a quiet river stone";

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
