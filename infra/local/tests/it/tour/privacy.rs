//! What a customer may ask about themselves, until they are forgotten; and what the years forget.

use domain::address::Email;
use domain::catalog::Slug;
use domain::fulfillment::Fulfillment;
use domain::id::{CustomerId, FulfillmentId, OrderId};
use local::{Request, Shop};
use serde_json::{Value, json};
use store::fulfillment::{Move, Moved};
use store::subscription::Subscription;
use testkit::goods::{MUG, POSTER, TEMPLATE};

use super::{Customer, Pace, Round, text};
use crate::data_keys;
use crate::world::{self, Colleague, Shopper, key, ok};

const SERVE: &str = "identity.jobs.serve_privacy";
/// How long the rest of an erasure waits for sessions that are still believed.
const SETTLES_MS: i64 = 121_000;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

async fn post<P: Pace>(pace: &mut P, owner: &Colleague, target: &str, body: &Value) -> Value {
    let request = Request::new("POST", target).header("idempotency-key", &key()).json(body);
    let answer = pace.call(owner.send(request)).await;
    assert!(answer.status < 300, "{}", answer.text());
    answer.value()
}

/// Somebody has an order of a thing that is delivered at once; staff write about it.
async fn bought<P: Pace>(pace: &mut P, owner: &Colleague, who: &mut Shopper) {
    who.open_cart("EUR").await;
    who.ready(TEMPLATE, 1).await;
    assert_eq!(who.complete().await.status, 201);
    who.pay("pm_card_visa");
    pace.settle().await;
    let path = format!("/v1/admin/orders/{}/notes", who.order);
    post(pace, owner, &path, &json!({"text": "Called; calls back tomorrow."})).await;
    labelled(&owner.shop, &who.order, &format!("1Z{}", who.order)).await;
}

/// A label was bought for a parcel of an order, which was called off: it is written down as it
/// lies there, because nobody here knows a carrier.
pub(crate) async fn labelled(shop: &Shop, order: &str, number: &str) {
    let (store, id) = (shop.store(), OrderId::parse(order).unwrap());
    let (order, at) = (store.order(id).await.unwrap().unwrap().order, shop.clock().now());
    let service = json!({"carrier": "UPS", "service": "Ground"});
    let price = json!({"amount": 500, "currency": "EUR"});
    let url = "https://labels.example/street";
    let parcel: Fulfillment = serde_json::from_value(json!({
        "id": FulfillmentId::from_ulid(id.ulid()), "order": id, "order_number": order.number,
        "location": "loc_01ARZ3NDEKTSV4RRFFQ69G5FAV", "status": "canceled", "lines": [],
        "version": 0, "created_at": at, "packed_at": null, "shipped_at": null,
        "delivered_at": null, "ended_at": at, "updated_at": at,
        "postage": {"parcel": "shp_1", "rate": "rate_1", "label": {
            "parcel": "shp_1", "tracking_code": number, "service": service, "price": price,
            "url": url,
        }},
    }))
    .unwrap();
    let step = Move {
        order: &order,
        parcel: &parcel,
        leaving: &[],
        movements: &[],
        followed_by: Some(number),
        events: &[],
        remembered: None,
    };
    assert_eq!(store.move_parcel(&step).await.unwrap(), Moved::Yes);
}

/// Somebody wants to be told when the poster is back.
pub(crate) async fn waits_for_poster(shop: &Shop, email: &str) {
    let waits = Subscription {
        sku: POSTER.typed_sku(),
        title: "Poster".to_owned(),
        slug: Slug::parse("the-poster").unwrap(),
        email: Email::parse(email).unwrap(),
        created_at: shop.clock().now(),
    };
    shop.store().subscribe(&waits).await.unwrap();
}

/// Consents, all that is known, and the end. Minutes pass.
pub(crate) async fn privacy<P: Pace>(pace: &mut P, owner: &Colleague, round: Round) {
    let shop = owner.shop.clone();
    let email = round.email("kim");
    let mut kim = Customer::new(&shop, &email).await;
    let (purpose, own) = ("/v1/store/me/consents/marketing_mail", "/v1/store/me/consents?limit=1");
    let id = text(&ok(kim.who.get("/v1/auth/me").await), "id");
    let theirs = format!("/v1/admin/customers/{id}/consents?limit=1");
    assert_eq!(ok(pace.call(owner.get(&theirs)).await)["data"], json!([]));
    for is_given in [true, false] {
        let body = json!({"is_given": is_given, "text": "newsletter-1"});
        ok(pace.call(kim.who.call("PUT", purpose, &body)).await);
    }
    let shown = ok(pace.call(kim.who.get(own)).await);
    let next = format!("{own}&cursor={}", text(&shown, "next_cursor"));
    ok(pace.call(kim.who.get(&next)).await);
    let shown = ok(pace.call(owner.get(&theirs)).await);
    let next = format!("{theirs}&cursor={}", text(&shown, "next_cursor"));
    ok(pace.call(owner.get(&next)).await);

    let book = "/v1/store/me/addresses";
    assert_eq!(kim.who.call("POST", book, &world::address()).await.status, 201);
    bought(pace, owner, &mut kim.who).await;
    kim.who.open_cart("EUR").await;
    kim.who.ready(MUG, 1).await;
    waits_for_poster(&shop, &email).await;
    let moving = json!({"email": round.email("kim.new"), "password": kim.password});
    let moving = kim.who.call("POST", "/v1/auth/email/change", &moving).await;
    assert_eq!(moving.status, 202, "{}", moving.text());
    pace.settle().await;

    let asked = pace.call(kim.who.call("POST", "/v1/store/me/export", &json!({}))).await;
    assert_eq!(asked.status, 202, "{}", asked.text());
    pace.call(shop.run_job(SERVE)).await;
    pace.settle().await;
    let token = json!({"token": kim.who.mailed_token(&email).unwrap()});
    let reader = Shopper::from(&shop, &round.ip(60));
    ok(pace.call(reader.call("POST", "/v1/auth/export/open", &token)).await);

    let asked = pace.call(kim.who.call("POST", "/v1/store/me/erasure", &json!({}))).await;
    assert_eq!(asked.status, 202, "{}", asked.text());
    let requests = "/v1/admin/privacy_requests?limit=1";
    ok(pace.call(owner.get(requests)).await);
    pace.call(shop.run_job(SERVE)).await;
    // Where the last letter goes is known now, and sealed.
    ok(pace.call(owner.get(requests)).await);
    shop.clock().advance_ms(SETTLES_MS);
    pace.call(shop.run_job(SERVE)).await;
    pace.settle().await;

    // Staff asks for somebody else.
    let lee = Customer::new(&shop, &round.email("lee")).await;
    let id = text(&ok(lee.who.get("/v1/auth/me").await), "id");
    for what in ["export", "erasure"] {
        let path = format!("/v1/admin/customers/{id}/{what}");
        let request = Request::new("POST", &path).header("idempotency-key", &key());
        let asked = pace.call(owner.send(request.json(&json!({})))).await;
        assert_eq!(asked.status, 202, "{}", asked.text());
    }
    pace.call(shop.run_job(SERVE)).await;
    shop.clock().advance_ms(SETTLES_MS);
    pace.call(shop.run_job(SERVE)).await;
    pace.settle().await;
    let done_ones = format!("{requests}&state=done");
    let shown = ok(pace.call(owner.get(&done_ones)).await);
    let next = format!("{done_ones}&cursor={}", text(&shown, "next_cursor"));
    ok(pace.call(owner.get(&next)).await);
    pace.call(shop.run_job("identity.jobs.apply_retention")).await;
}

/// Years: for what the daily job may do and does once in a shop's life.
pub(crate) async fn years<P: Pace>(pace: &mut P, shop: &Shop, owner: &Colleague, round: Round) {
    let mut guest = Shopper::guest(shop).await;
    bought(pace, owner, &mut guest).await;
    let ghost = Shopper::from(shop, &round.ip(61));
    assert_eq!(ghost.register(&round.email("ghost")).await.status, 202);
    pace.settle().await;
    // It has not ended when it is looked at, and it has when it is looked at again.
    let mut slow = Shopper::from(shop, &round.ip(62));
    slow.open_cart("EUR").await;
    slow.ready(MUG, 1).await;
    assert_eq!(slow.complete().await.status, 201);
    // Somebody was here before there were keys.
    let old = Customer::new(shop, &round.email("old")).await;
    let id = text(&ok(old.who.get("/v1/auth/me").await), "id");
    let order = OrderId::parse(&slow.order).unwrap();
    data_keys::old_rows(shop, CustomerId::parse(&id).unwrap(), order).await;
    for days in [33, 5 * 366] {
        shop.clock().advance_ms(days * DAY_MS);
        pace.call(shop.run_job("identity.jobs.apply_retention")).await;
    }
    shop.run_job("checkout.jobs.expire_unpaid").await;
    pace.call(shop.run_job("identity.jobs.apply_retention")).await;
}
