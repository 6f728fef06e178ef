//! How often: what a guest may write, how many orders somebody places and leaves unpaid, and how
//! many requests a customer sends. Sign-ins and mails have theirs in `accounts`.

use domain::permission::Permission;
use local::{Options, Request};
use serde_json::{Value, json};
use testkit::goods::{self, MUG, POSTER, SOCKS};
use wire::{FaultKind, Plan};

use crate::world::{self, Colleague, Shopper, key, ok, refusal};

const MINUTE_MS: i64 = 60 * 1000;

fn header(answer: &local::Response, name: &str) -> i64 {
    let text = answer.header(name).unwrap_or_else(|| panic!("no {name}: {}", answer.text()));
    text.parse().unwrap()
}

#[tokio::test]
async fn a_guest_writes_fifty_times_in_a_quarter_of_an_hour_whatever_the_cart() {
    let shop = world::open().await;
    let mut guest = Shopper::guest(&shop).await;
    for number in 2..=50 {
        if number == 20 {
            guest.open_cart("EUR").await;
            continue;
        }
        let body = json!({"variant_id": SOCKS.variant(), "quantity": 1});
        let path = format!("/v1/store/carts/{}/lines", guest.cart);
        let answer = guest.call("POST", &path, &body).await;
        assert_eq!(answer.status, 200, "write {number}: {}", answer.text());
        assert_eq!(header(&answer, "ratelimit-limit"), 50);
        // In the first cart it is known exactly; the second knows of its own writes only.
        let said = header(&answer, "ratelimit-remaining");
        let left = 50 - number;
        assert!(said == left || (number > 20 && said > left), "write {number}: {said}");
    }
    let before = guest.view_cart().await;
    let path = format!("/v1/store/carts/{}/lines", guest.cart);
    let body = json!({"variant_id": SOCKS.variant(), "quantity": 1});
    let answer = guest.call("POST", &path, &body).await;
    assert_eq!(refusal(&answer), (429, "rate_limited".into()));
    assert_eq!(header(&answer, "retry-after"), 18);
    assert_eq!(header(&answer, "ratelimit-remaining"), 0);
    assert_eq!(guest.view_cart().await, before, "reads go on, and nothing was written");
    let answer = guest.call("POST", "/v1/store/carts", &json!({})).await;
    assert_eq!(answer.status, 429, "another cart is no way out");

    let elsewhere = Shopper { ip: "203.0.113.99".to_owned(), ..guest.clone() };
    assert_eq!(elsewhere.call("POST", &path, &body).await.status, 200, "it is the address's count");
    shop.clock().advance_ms(18_000);
    assert_eq!(guest.call("POST", &path, &body).await.status, 200);
    assert_eq!(guest.call("POST", &path, &body).await.status, 429);
}

#[tokio::test]
async fn a_count_costs_no_round_trip_of_its_own() {
    let shop = world::open().await;
    let guest = Shopper::guest(&shop).await;
    guest.add(SOCKS, 1).await;
    for _ in 0..5 {
        let mark = shop.wire().recorder().mark();
        guest.add(SOCKS, 1).await;
        let calls = shop.wire().recorder().since(mark);
        let calls: Vec<_> =
            calls.iter().filter(|call| call.caller == "cart.store.add_line").collect();
        assert_eq!(calls.len(), 3, "{calls:?}");
    }
}

/// An order that waits for its payment.
async fn unpaid(person: &mut Shopper) -> local::Response {
    person.shop.clock().advance_ms(1);
    person.order_token = None;
    person.open_cart("EUR").await;
    person.ready(SOCKS, 1).await;
    person.complete().await
}

#[tokio::test]
async fn three_orders_may_wait_for_their_payment_and_the_fourth_waits_for_one_of_them() {
    let shop = world::open_with(Options::default(), &goods::small(100)).await;
    let mut guest = Shopper::new(&shop);
    let mut waiting = Vec::new();
    for _ in 0..3 {
        assert_eq!(unpaid(&mut guest).await.status, 201);
        waiting.push(guest.clone());
    }
    let answer = unpaid(&mut guest).await;
    assert_eq!(refusal(&answer), (409, "too_many_open_orders".into()));
    assert_eq!(answer.value()["open_max"], 3);

    // One is paid: there is room for one.
    waiting[0].pay("pm_card_visa");
    shop.settle().await;
    assert_eq!(waiting[0].view_order().await["status"], "placed");
    assert_eq!(unpaid(&mut guest).await.status, 201);
    assert_eq!(unpaid(&mut guest).await.status, 409);
    // One is called off.
    let path = format!("/v1/store/orders/{}/cancel", waiting[1].order);
    ok(waiting[1].call("POST", &path, &json!({})).await);
    assert_eq!(unpaid(&mut guest).await.status, 201);
    assert_eq!(unpaid(&mut guest).await.status, 409);
    // The others expire: nothing is left of the count.
    shop.clock().advance_ms(31 * MINUTE_MS);
    shop.settle_all().await;
    for _ in 0..3 {
        assert_eq!(unpaid(&mut guest).await.status, 201);
    }
    assert_eq!(unpaid(&mut guest).await.status, 409);
    // Somebody else has a count of their own.
    let mut other = Shopper::from(&shop, "203.0.113.50");
    assert_eq!(unpaid(&mut other).await.status, 201);
}

#[tokio::test]
async fn whoever_has_asked_for_all_their_letters_takes_none_of_somebody_elses() {
    let shop = world::open().await;
    let poster = ok(Shopper::new(&shop).get("/v1/store/products/the-poster").await);
    let keeper = Colleague::of(&shop, "keeper", &[Permission::InventoryAdjust]).await;
    let none = json!({"lines": [{"sku": POSTER.sku, "quantity": 0}]});
    let count = Request::new("POST", "/v1/admin/inventory/counts");
    let counted = keeper.send(count.header("idempotency-key", &key()).json(&none)).await;
    assert_eq!(counted.status, 201, "{}", counted.text());
    shop.settle().await;
    let back = format!(
        "/v1/store/products/{}/variants/{}/back_in_stock",
        poster["id"].as_str().unwrap(),
        POSTER.variant()
    );
    for (path, network) in [("/v1/store/orders/lookup", 1), (back.as_str(), 2)] {
        let asks = |host: u8, email: String| {
            let caller = Shopper::from(&shop, &format!("198.18.{network}.{host}"));
            let mut body = json!({"email": email});
            if network == 1 {
                body["number"] = json!("AAA-BBB-CCC");
            }
            async move { caller.call("POST", path, &body).await.status }
        };
        for number in 1..=5 {
            assert_eq!(asks(1, format!("nobody{number}@example.org")).await, 202, "{path}");
        }
        for _ in 0..5 {
            assert_eq!(asks(1, "jane@example.org".into()).await, 429, "{path}");
        }
        for _ in 0..5 {
            assert_eq!(
                asks(2, "jane@example.org".into()).await,
                202,
                "{path}: she has all of hers"
            );
        }
        assert_eq!(asks(3, "jane@example.org".into()).await, 429, "{path}: and no more");
    }
}

#[tokio::test]
async fn ten_orders_an_hour_are_placed_from_one_address_paid_or_not() {
    let shop = world::open_with(Options::default(), &goods::small(100)).await;
    let mut guest = Shopper::new(&shop);
    for number in 1..=10 {
        let answer = unpaid(&mut guest).await;
        assert_eq!(answer.status, 201, "order {number}: {}", answer.text());
        guest.pay("pm_card_visa");
        shop.settle().await;
        // What a cart needs of writes comes back.
        shop.clock().advance_ms(2 * MINUTE_MS);
    }
    let mut answer = unpaid(&mut guest).await;
    let mut tries = 0;
    while answer.status == 201 && tries < 10 {
        // In twenty minutes three more tokens have come.
        guest.pay("pm_card_visa");
        shop.settle().await;
        tries += 1;
        answer = unpaid(&mut guest).await;
    }
    assert_eq!(refusal(&answer), (429, "rate_limited".into()));
    assert!(tries <= 4, "{tries} more");
    assert!(header(&answer, "retry-after") <= 360);
    assert_eq!(header(&answer, "ratelimit-limit"), 10);
}

#[tokio::test]
async fn a_customer_sends_three_hundred_requests_a_minute() {
    let shop = world::open().await;
    let jane = Shopper::customer(&shop, "jane@example.org").await;
    let mut passed = 0;
    let mut refused: Option<local::Response> = None;
    for _ in 0..320 {
        let answer = jane.get("/v1/auth/me").await;
        if answer.status != 200 {
            refused = Some(answer);
            break;
        }
        passed += 1;
    }
    let refused = refused.expect("an end");
    assert_eq!(refusal(&refused), (429, "rate_limited".into()));
    assert!((300..=305).contains(&passed), "{passed} passed");
    assert!(header(&refused, "retry-after") >= 1);
    let joe = Shopper::customer(&shop, "joe@example.org").await;
    assert_eq!(joe.get("/v1/auth/me").await.status, 200, "it is Jane's count");
    shop.clock().advance_ms(MINUTE_MS);
    assert_eq!(jane.get("/v1/auth/me").await.status, 200);
}

#[tokio::test]
async fn where_nothing_can_be_counted_no_order_is_placed_and_reading_goes_on() {
    let shop = world::open().await;
    let mut jane = Shopper::customer(&shop, "jane@example.org").await;
    jane.open_cart("EUR").await;
    jane.ready(MUG, 1).await;
    let total = jane.view_cart().await["totals"]["total"].clone();
    let fail = |operation: &'static str, times: u64| {
        for at in 1..=times {
            let counts = move |call: &wire::CallId| call.operation == operation;
            let filter: wire::Filter = Box::new(counts);
            shop.wire().faults().arm(Plan {
                at,
                kind: FaultKind::FailBefore,
                filter: Some(filter),
            });
        }
    };
    // The count is a part of the transaction that places the order.
    fail("TransactWriteItems", 3);
    let answer = jane.complete_at(&key(), &total).await;
    assert!(answer.status == 503 || answer.status == 500, "{}", answer.text());
    assert!(answer.value()["order"] == Value::Null);
    // Six requests, so that one of them is to be written down.
    fail("UpdateItem", 3);
    for _ in 0..6 {
        assert_eq!(jane.get("/v1/auth/me").await.status, 200);
    }
    let answer = jane.complete_at(&key(), &total).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
}

#[tokio::test]
async fn the_limits_of_a_deployment_are_its_own_and_a_malformed_one_stops_the_start() {
    let parameters = [("Limits".to_owned(), "write=2/60".to_owned())].into();
    let options = Options { parameters, ..Options::default() };
    let shop = world::open_with(options, &goods::small(10)).await;
    let guest = Shopper::guest(&shop).await;
    guest.add(SOCKS, 1).await;
    let body = json!({"variant_id": SOCKS.variant(), "quantity": 1});
    let path = format!("/v1/store/carts/{}/lines", guest.cart);
    assert_eq!(guest.call("POST", &path, &body).await.status, 429);

    let parameters = [("Limits".to_owned(), "write=two/60,sign_in=5".to_owned())].into();
    let options = Options { parameters, ..Options::default() };
    let shop = local::Shop::open(options).await.expect("the templates are well formed");
    let faults = shop.warm_up().expect_err("functions that do not start").to_string();
    for part in ["write=two/60", "sign_in=5"] {
        assert!(faults.contains(part), "{faults}");
    }
    let answer = shop.send(Request::new("GET", "/v1/store/products")).await;
    assert_eq!(answer.status, 500, "no function starts with it");
}
