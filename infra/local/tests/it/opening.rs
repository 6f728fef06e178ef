//! The shop opens, and is there.

use std::time::Instant;

use local::{Options, Request, Shop};

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_shop_opens_within_a_second_and_is_alive() {
    let began = Instant::now();
    let shop = Shop::open(Options::default()).await.unwrap();
    let took = began.elapsed();
    assert!(took.as_millis() < 1_000, "{took:?}");
    if local::domains().any(|domain| domain == "platform") {
        let alive = shop.send(Request::new("GET", "/health/live")).await;
        assert_eq!(alive.status, 200, "{}", alive.text());
    }
}
