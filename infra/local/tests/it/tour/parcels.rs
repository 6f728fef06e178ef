//! Parcels, from the first unit that is put into one to the day on which it arrives, or does not.

use carrier_twin::Twin;
use carrier_twin::port::Port;
use domain::id::{OrderId, OrderLineId};
use local::{Options, Request, Response, Shop};
use serde_json::{Value, json};
use testkit::goods::{self, SOCKS};

use super::{Pace, Round, tag, text};
use crate::world::{self, Colleague, Shopper, key, ok};

/// Where parcels wait for their next step.
const QUEUE: &str = "/v1/admin/fulfillments";

/// Of the carriers' test mode.
const CARRIER_KEY: &str = "EZTKnobodysaccount";
/// What their webhooks are signed with: the one that is being replaced, and its successor.
pub(crate) const CARRIER_SECRETS: [&str; 2] =
    ["1f0c6b83e97d45a2b8f36d0e7c914ab5", "e4729d5c01b8fa63d7520c9e8f1b46a3"];

/// The carriers' twin behind its port, for as long as somebody needs it.
pub(crate) struct Carriers {
    pub(crate) twin: Twin,
    port: Port,
}

impl Carriers {
    pub(crate) async fn open() -> Self {
        let twin = Twin::new(CARRIER_KEY);
        let port = Port::open(twin.clone()).await.expect("a port");
        Self { twin, port }
    }

    /// A small shop that has an account with them, and says where its parcels come from.
    pub(crate) async fn shop(&self, options: Options) -> Shop {
        let options = Options { carrier_base: Some(self.port.base_url()), ..options };
        let shop = world::open_with(options, &goods::small(world::MUGS)).await;
        let is_carriers = |name: &&String| name.ends_with("/carrier");
        let name = shop.stack().secrets.iter().find(is_carriers).expect("a secret").clone();
        let keys = json!({"api_key": CARRIER_KEY, "webhook_secrets": CARRIER_SECRETS}).to_string();
        shop.wire().put_secret(&name, &keys).await.expect("a key");
        let goods = goods::small(world::MUGS);
        let mut table = serde_json::to_value(&goods.shipping).expect("a table");
        table["ship_from"] = world::address();
        let shipping = serde_json::from_value(table).expect("a table");
        let settings = store::Settings::new(shipping, goods.tax, goods.shop);
        shop.store().import_settings(&settings).await.expect("settings");
        shop
    }
}

/// A paid order of so many socks.
pub(crate) async fn socks(shop: &Shop, ip: &str, quantity: u32) -> Shopper {
    let mut buyer = Shopper::from(shop, ip);
    buyer.open_cart("EUR").await;
    buyer.ready(SOCKS, quantity).await;
    let answer = buyer.complete().await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    buyer.pay("pm_card_visa");
    shop.settle().await;
    buyer
}

/// Where the parcels of an order are.
pub(crate) fn at(order: &str) -> String {
    format!("/v1/admin/orders/{order}/fulfillments")
}

/// The only line of an order.
pub(crate) async fn line_of(buyer: &Shopper) -> OrderLineId {
    let order = OrderId::parse(&buyer.order).expect("an order");
    let file = buyer.shop.store().order(order).await.expect("a store").expect("an order");
    file.order.lines[0].id
}

/// A parcel is opened.
pub(crate) async fn open(packer: &Colleague, order: &str, line: &Value, units: u32) -> Response {
    let body = json!({"lines": [{"order_line_id": line, "quantity": units}]});
    let request = Request::new("POST", &at(order)).header("idempotency-key", &key());
    packer.send(request.json(&body)).await
}

/// A parcel that somebody has seen moves on.
pub(crate) async fn go(who: &Colleague, seen: &str, target: &str, body: &Value) -> Response {
    let request = Request::new("POST", target).header("idempotency-key", &key());
    who.send(request.header("if-match", seen).json(body)).await
}

/// Everything that may become of a parcel.
pub(crate) async fn parcels<P: Pace>(pace: &mut P, owner: &Colleague, round: Round) {
    let shop = &owner.shop;
    let buyer = socks(shop, &format!("198.18.20.{}", round.0), 4).await;
    let line = json!(line_of(&buyer).await);
    for path in ["", "/due"] {
        ok(pace.call(owner.get(&format!("{QUEUE}{path}?limit=1"))).await);
    }
    for ways in [
        ["pack", "ship", "deliver"].as_slice(),
        &["cancel"],
        &["ship", "lost"],
        &["ship", "returned"],
    ] {
        let made = pace.call(open(owner, &buyer.order, &line, 1)).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let here = format!("{}/{}", at(&buyer.order), text(&made.value(), "id"));
        let mut seen = tag(&pace.call(owner.get(&here)).await);
        let slip = here.replace("/fulfillments/", "/packing_slips/");
        let slip = pace.call(owner.get(&slip)).await;
        assert_eq!(slip.status, 200, "{}", slip.text());
        if *ways == ["cancel"] {
            seen = label(pace, owner, &here, &seen).await;
        }
        for way in ways {
            let body = if *way == "ship" { json!({"carrier": "DHL"}) } else { Value::Null };
            let moved = pace.call(go(owner, &seen, &format!("{here}/{way}"), &body)).await;
            seen = tag(&moved);
            pace.settle().await;
        }
    }
    ok(pace.call(owner.get(&at(&buyer.order))).await);
}

/// A label is bought for a parcel, and given back: its new tag.
async fn label<P: Pace>(pace: &mut P, owner: &Colleague, here: &str, seen: &str) -> String {
    let target = format!("{here}/label");
    let body = json!({"weight_grams": 400});
    let bought = pace.call(go(owner, seen, &target, &body)).await;
    let seen = tag(&bought);
    ok(pace.call(owner.get(QUEUE)).await);
    tag(&pace.call(owner.call_if(&seen, "DELETE", &target, &Value::Null)).await)
}

/// A carrier reports of a parcel: the answer of the shop's hook.
pub(crate) async fn report(shop: &Shop, said: &carrier_twin::Webhook) -> Response {
    let mut request = Request::new("POST", "/v1/hooks/easypost")
        .header("content-type", "application/json")
        .header("x-hmac-signature", &said.signature)
        .header("x-hmac-signature-v2", &said.signature_v2)
        .header("x-timestamp", &said.timestamp)
        .header("x-path", &said.path);
    request.body = said.body.clone().into();
    shop.send(request).await
}

/// What a carrier says of a parcel at this moment, signed with the secret in use.
pub(crate) fn words(shop: &Shop, tracking_code: &str, status: &str) -> carrier_twin::Webhook {
    let at = shop.clock().now().to_string();
    carrier_twin::webhook(CARRIER_SECRETS[1], "/v1/hooks/easypost", &at, tracking_code, status)
}

/// A parcel with a label leaves, and its carrier says that it has arrived.
pub(crate) async fn followed<P: Pace>(pace: &mut P, owner: &Colleague, round: Round) {
    let shop = owner.shop.clone();
    let buyer = socks(&shop, &format!("198.18.21.{}", round.0), 1).await;
    let line = json!(line_of(&buyer).await);
    let made = open(owner, &buyer.order, &line, 1).await;
    let here = format!("{}/{}", at(&buyer.order), text(&made.value(), "id"));
    let (body, seen) = (json!({"weight_grams": 400}), owner.tag(&here).await);
    let bought = pace.call(go(owner, &seen, &format!("{here}/label"), &body)).await;
    let code = ok(bought)["tracking_number"].as_str().expect("a number").to_owned();
    let seen = owner.tag(&here).await;
    ok(pace.call(go(owner, &seen, &format!("{here}/ship"), &json!({}))).await);
    ok(pace.call(report(&shop, &words(&shop, &code, "delivered"))).await);
    pace.settle().await;
    assert_eq!(ok(owner.get(&here).await)["status"], "delivered");
}
