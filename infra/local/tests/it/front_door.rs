//! The front door: who comes past it is sent away, and whose words on addresses count.

use local::{Options, Request, Shop};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use testkit::goods;

use crate::world::{self, refusal};

/// The address of an edge of the door, which the gateway sees.
const EDGE: &str = "130.176.0.1";

async fn shop(key: &str) -> Shop {
    let hash = |key: &str| -> String {
        Sha256::digest(key.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let parameters = [
        ("FrontDoorHashes".to_owned(), format!("{},{}", hash("the old key"), hash(key))),
        ("Limits".to_owned(), "write=2/900".to_owned()),
    ];
    let options = Options { parameters: parameters.into(), ..Options::default() };
    world::open_with(options, &goods::small(world::MUGS)).await
}

/// A request as the door hands it on.
fn through(request: Request, key: &str, viewer: &str) -> Request {
    request.header("x-front-door", key).header("x-viewer-address", viewer).from_ip(EDGE)
}

fn cart() -> Request {
    Request::new("POST", "/v1/store/carts").json(&json!({}))
}

#[tokio::test]
async fn who_comes_past_the_front_door_is_sent_away() {
    let shop = shop("the key").await;
    let product = || Request::new("GET", "/v1/store/products/blue-mug");
    for stranger in [
        product(),
        product().header("x-viewer-address", "192.0.2.7"),
        through(product(), "a guess", "192.0.2.7"),
        // Nobody learns from here what there is, either.
        Request::new("GET", "/v1/nowhere"),
        Request::new("DELETE", "/v1/store/products"),
        Request::new("OPTIONS", "/v1/store/products").header("origin", "https://evil.example"),
        Request::new("POST", "/v1/hooks/stripe").json(&json!({})),
    ] {
        let mark = shop.wire().recorder().mark();
        let answer = shop.send(stranger).await;
        assert_eq!(refusal(&answer), (403, "not_the_front_door".into()), "{}", answer.text());
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        // Keys are read as a function starts, whoever calls it first.
        let calls = shop.wire().recorder().since(mark);
        assert!(calls.iter().all(|call| call.service == "secretsmanager"), "{calls:?}");
    }
    for key in ["the key", "the old key"] {
        let answer = shop.send(through(product(), key, "192.0.2.7")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let answer = shop.send(through(Request::new("GET", "/v1/nowhere"), "the key", "::1")).await;
    assert_eq!(refusal(&answer), (404, "not_found".into()));
}

#[tokio::test]
async fn limits_count_by_the_address_that_the_front_door_saw() {
    let shop = shop("the key").await;
    for (viewer, wanted) in [
        ("192.0.2.7", 201),
        ("192.0.2.7", 201),
        ("192.0.2.7", 429),
        ("192.0.2.8", 201),
        ("2001:db8::7", 201),
        ("2001:db8::7", 201),
        ("2001:db8::7", 429),
    ] {
        let answer = shop.send(through(cart(), "the key", viewer)).await;
        assert_eq!(answer.status, wanted, "{viewer}: {}", answer.text());
    }
    // A word of the caller's own is not the door's.
    let forged = cart().header("x-forwarded-for", "192.0.2.99");
    let answer = shop.send(through(forged, "the key", "192.0.2.7")).await;
    assert_eq!(refusal(&answer), (429, "rate_limited".into()));
}

#[tokio::test]
async fn without_a_front_door_its_headers_say_nothing() {
    let shop = world::open_with(
        Options {
            parameters: [("Limits".to_owned(), "write=2/900".to_owned())].into(),
            ..Options::default()
        },
        &goods::small(world::MUGS),
    )
    .await;
    for (number, wanted) in [(1, 201), (2, 201), (3, 429)] {
        let viewer = format!("192.0.2.{number}");
        let answer = shop.send(through(cart(), "the key", &viewer)).await;
        assert_eq!(answer.status, wanted, "{}", answer.text());
    }
}
