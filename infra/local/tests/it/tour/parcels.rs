//! Parcels, from the first unit that is put into one to the day on which it arrives, or does not.

use domain::id::{OrderId, OrderLineId};
use local::{Request, Response, Shop};
use serde_json::{Value, json};
use testkit::goods::SOCKS;

use super::{Pace, Round, tag, text};
use crate::world::{Colleague, Shopper, key, ok};

/// Where parcels wait for their next step.
const QUEUE: &str = "/v1/admin/fulfillments";

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
        for way in ways {
            let body = if *way == "ship" { json!({"carrier": "DHL"}) } else { Value::Null };
            let moved = pace.call(go(owner, &seen, &format!("{here}/{way}"), &body)).await;
            seen = tag(&moved);
            pace.settle().await;
        }
    }
    ok(pace.call(owner.get(&at(&buyer.order))).await);
}
