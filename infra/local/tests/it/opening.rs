//! The shop opens, and is there.

use local::{Options, Request, Shop};

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_shop_opens_and_is_alive() {
    let shop = Shop::open(Options::default()).await.unwrap();
    let alive = shop.send(Request::new("GET", "/health/live")).await;
    assert_eq!(alive.status, 200, "{}", alive.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_function_of_the_templates_starts() {
    let shop = Shop::open(Options::default()).await.unwrap();
    shop.warm_up().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_goods_are_for_sale() {
    let shop = Shop::open(Options { demo: true, ..Options::default() }).await.unwrap();
    assert_eq!(shop.settle().await, 0);
    let list = shop.send(Request::new("GET", "/v1/store/products?limit=100")).await;
    assert_eq!(list.status, 200, "{}", list.text());
    assert_eq!(list.value()["data"].as_array().unwrap().len(), 76);
    let picture = shop.send(Request::new("GET", "/_local/media/breton-top.svg")).await;
    assert_eq!((picture.status, picture.header("content-type")), (200, Some("image/svg+xml")));
}
