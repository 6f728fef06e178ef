//! The requests that are counted, and the shop that they are sent to.

use std::sync::atomic::{AtomicU64, Ordering};

use domain::catalog::Sku;
use domain::stock::StockLevel;
use local::{Clock, Options, Request, Response, Shop};
use serde_json::{Value, json};

use crate::Outcome;

/// Of each thing that is sold, so that there is enough for every cart.
const ON_HAND: i64 = 1_000_000;
/// The card that always pays.
const CARD: &str = "pm_card_visa";

/// What is counted.
pub(crate) struct Counted {
    /// In words.
    pub(crate) name: &'static str,
    /// The status that every answer has to have.
    pub(crate) status: u64,
    /// Goals: instructions and heap allocations at most.
    pub(crate) instructions_max: Option<u64>,
    pub(crate) allocations_max: Option<u64>,
    ask: Ask,
}

enum Ask {
    /// The same request again and again.
    Again(Request),
    /// To make an order of a cart; of another one each time.
    Complete,
}

/// A shop with the demo goods.
pub(crate) struct Scene {
    pub(crate) shop: Shop,
    /// Two variants of two products that are sent.
    variants: [String; 2],
    next: AtomicU64,
}

/// A cart that can be made an order of.
struct Cart {
    id: String,
    token: String,
    total: Value,
    ip: String,
    number: u64,
}

impl Scene {
    pub(crate) async fn open() -> Outcome<Self> {
        let options = Options { clock: Clock::real(), demo: true, ..Options::default() };
        let shop = Shop::open(options).await?;
        let list = shop.send(Request::new("GET", "/v1/store/products?limit=100")).await;
        let list = answered(&list, 200)?;
        let products = list.pointer("/data").and_then(Value::as_array).into_iter().flatten();
        let physical = products.filter(|product| product["type"] == "physical");
        let mut goods = Vec::new();
        for product in physical.take(2) {
            let variant = &product["variants"][0];
            let sku = Sku::parse(text(&variant["sku"])).ok_or("a variant has no SKU")?;
            shop.store().import_stock(&[(sku, StockLevel::received(ON_HAND))]).await?;
            goods.push(text(&variant["id"]).to_owned());
        }
        let Ok(variants) = goods.try_into() else { return Err("nothing can be sent".into()) };
        Ok(Self { shop, variants, next: AtomicU64::new(1) })
    }

    /// All requests that are counted.
    pub(crate) async fn requests(&self) -> Outcome<Vec<Counted>> {
        let list = self.shop.send(Request::new("GET", "/v1/store/products?limit=1")).await;
        let slug = text(&answered(&list, 200)?["data"][0]["slug"]).to_owned();
        let cart = self.cart().await?;
        let see_cart = Request::new("GET", &format!("/v1/store/carts/{}", cart.id))
            .header("x-cart-token", &cart.token)
            .from_ip(&cart.ip);
        let see_order = self.order().await?;
        let again = |name, target: &str, instructions, allocations| Counted {
            name,
            status: 200,
            instructions_max: instructions,
            allocations_max: allocations,
            ask: Ask::Again(Request::new("GET", target)),
        };
        let mut all = vec![
            again("view product", &format!("/v1/store/products/{slug}"), Some(100_000), Some(150)),
            again("list 20 products", "/v1/store/products?limit=20", Some(250_000), Some(400)),
            again("list 20 cards", "/v1/store/products?limit=20&fields=card", None, None),
        ];
        for (name, request) in [("view cart", see_cart), ("view order", see_order)] {
            let mut counted = again(name, "", None, None);
            counted.ask = Ask::Again(request);
            all.push(counted);
        }
        all.push(Counted {
            name: "complete checkout",
            status: 201,
            instructions_max: Some(600_000),
            allocations_max: None,
            ask: Ask::Complete,
        });
        Ok(all)
    }

    /// The function that does it, and the events of so many requests.
    pub(crate) async fn events(
        &self,
        counted: &Counted,
        count: usize,
    ) -> Outcome<(String, Vec<Vec<u8>>)> {
        let (mut handler, mut events) = (String::new(), Vec::with_capacity(count));
        for number in 0..count {
            let request = match &counted.ask {
                Ask::Again(request) => request.clone(),
                Ask::Complete => self.cart().await?.complete(),
            };
            let event = self.shop.event(&request, &format!("request-{number}"));
            let (to, event) = event.ok_or("no function takes the request")?;
            handler = to;
            events.push(serde_json::to_vec(&event)?);
        }
        Ok((handler, events))
    }

    /// How to look at an order that is paid.
    async fn order(&self) -> Outcome<Request> {
        let made = answered(&self.shop.send(self.cart().await?.complete()).await, 201)?;
        let (order, payment) = (&made["order"], &made["payment"]);
        let intent = text(&payment["payment_intent_id"]);
        let confirm = format!("/_local/stripe/v1/payment_intents/{intent}/confirm");
        let fields = [("client_secret", text(&payment["client_secret"])), ("payment_method", CARD)];
        let bearer = format!("Bearer {}", text(&payment["publishable_key"]));
        let confirm = Request::new("POST", &confirm).header("authorization", &bearer).form(&fields);
        answered(&self.shop.send(confirm).await, 200)?;
        self.shop.settle().await;
        let see = Request::new("GET", &format!("/v1/store/orders/{}", text(&order["id"])))
            .header("x-order-token", text(&made["order_token"]));
        let seen = answered(&self.shop.send(see.clone()).await, 200)?;
        if seen["payment_status"] != "paid" {
            return Err(format!("the order is not paid: {seen}").into());
        }
        Ok(see)
    }

    /// A cart with one of each, addresses and a way to be sent. Each is somebody else's, from
    /// another address: nobody meets a limit.
    async fn cart(&self) -> Outcome<Cart> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let [.., high, middle, low] = number.to_be_bytes();
        let ip = format!("10.{high}.{middle}.{low}");
        let made = Request::new("POST", "/v1/store/carts").from_ip(&ip).json(&json!({}));
        let made = answered(&self.shop.send(made).await, 201)?;
        let (id, token) = (text(&made["cart"]["id"]), text(&made["cart_token"]));
        let mine = |method: &str, rest: &str| {
            Request::new(method, &format!("/v1/store/carts/{id}{rest}"))
                .header("x-cart-token", token)
                .from_ip(&ip)
        };
        for variant in &self.variants {
            let line = json!({"variant_id": variant, "quantity": 1});
            answered(&self.shop.send(mine("POST", "/lines").json(&line)).await, 200)?;
        }
        let address = json!({
            "name": "Alma Beispiel", "line1": "Musterweg 7", "city": "Berlin",
            "postal_code": "10115", "country": "DE",
        });
        let email = format!("buyer-{number}@count.fluxion.example");
        let addresses = json!({"email": email, "shipping_address": address});
        answered(&self.shop.send(mine("PUT", "/addresses").json(&addresses)).await, 200)?;
        let options = answered(&self.shop.send(mine("GET", "/shipping_options")).await, 200)?;
        let option = json!({"shipping_option_id": options["data"][0]["id"]});
        let priced = answered(&self.shop.send(mine("PUT", "/shipping").json(&option)).await, 200)?;
        let total = priced["totals"]["total"].clone();
        let (id, token) = (id.to_owned(), token.to_owned());
        Ok(Cart { id, token, total, ip, number })
    }
}

impl Cart {
    /// How to make an order of it.
    fn complete(&self) -> Request {
        Request::new("POST", &format!("/v1/store/carts/{}/complete", self.id))
            .header("x-cart-token", &self.token)
            .header("idempotency-key", &format!("complete-{}", self.number))
            .from_ip(&self.ip)
            .json(&json!({"expected_total": self.total}))
    }
}

/// An answer's body, where it has the status that it should have.
fn answered(response: &Response, status: u16) -> Outcome<Value> {
    if response.status == status {
        return Ok(response.value());
    }
    Err(format!("{} instead of {status}: {}", response.status, response.text()).into())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
