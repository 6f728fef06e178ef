//! What is asked for again, what comes in pages, and what is not read at all.

use std::collections::BTreeSet;

use local::{Options, Request, Response};
use serde_json::{Value, json};
use testkit::goods::{MUG, POSTER, SOCKS};

use super::at;
use crate::world::{Shopper, key, ok, refusal};
use crate::{crowd, world};

#[tokio::test]
async fn a_body_is_json_or_is_not_taken() {
    let shop = world::open().await;
    let jane = Shopper::guest(&shop).await;
    let body = json!({"variant_id": MUG.variant(), "quantity": 1}).to_string();
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""] {
        let mut request = Request::new("POST", &at(&jane, "/lines")).header("content-type", kind);
        request.body = body.clone().into();
        let answer = jane.send(request).await;
        assert_eq!(refusal(&answer), (415, "unsupported_media_type".into()), "{kind:?}");
    }
    for kind in ["application/json; charset=utf-8", "Application/JSON"] {
        let mut request = Request::new("POST", &at(&jane, "/lines")).header("content-type", kind);
        request.body = body.clone().into();
        ok(jane.send(request).await);
    }
    let mut request =
        Request::new("POST", &at(&jane, "/lines")).header("content-type", "application/json");
    request.body = vec![b' '; 1024 * 1024 + 1].into();
    assert_eq!(refusal(&jane.send(request).await), (413, "body_too_large".into()));
}

#[tokio::test]
async fn who_has_it_already_is_told_so_until_it_changes() {
    let shop = world::open().await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(POSTER, 1).await;
    let total = jane.view_cart().await["totals"]["total"].clone();
    let cart = at(&jane, "");
    let product = "/v1/store/products/the-poster".to_owned();
    let mut tags = Vec::new();
    for path in [&product, &cart] {
        let first = jane.get(path).await;
        let tag = first.header("etag").unwrap().to_owned();
        assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");
        for known in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
            let again = jane.send(Request::new("GET", path).header("if-none-match", &known)).await;
            assert_eq!((again.status, again.body.len()), (304, 0), "{path}: {known}");
            assert_eq!(again.header("etag"), Some(tag.as_str()));
            assert_eq!(again.header("cache-control"), first.header("cache-control"));
        }
        tags.push(tag);
    }
    let is_public = |answer: &Response| answer.header("cache-control").unwrap().contains("public");
    assert!(is_public(&jane.get(&product).await));
    assert_eq!(jane.get(&cart).await.header("cache-control"), Some("no-store"));

    jane.complete_at(&key(), &total).await;
    shop.settle().await;
    for (path, tag) in [&product, &cart].into_iter().zip(&tags) {
        let after = jane.send(Request::new("GET", path).header("if-none-match", tag)).await;
        assert_eq!(after.status, 200, "{path}");
        assert_ne!(after.header("etag"), Some(tag.as_str()), "{path}");
    }
    let order = format!("/v1/store/orders/{}", jane.order);
    let first = jane.get(&order).await;
    let tag = first.header("etag").unwrap().to_owned();
    let again = jane.send(Request::new("GET", &order).header("if-none-match", &tag)).await;
    assert_eq!((again.status, again.header("cache-control")), (304, Some("no-store")));
    jane.pay("pm_card_visa");
    shop.settle().await;
    let after = jane.send(Request::new("GET", &order).header("if-none-match", &tag)).await;
    assert_eq!(after.status, 200);
}

/// All entries of a list, page by page.
async fn walk(shopper: &Shopper, path: &str, limit: usize) -> Vec<Value> {
    let mut entries: Vec<Value> = Vec::new();
    let mut cursor = String::new();
    for _ in 0..1000 {
        let joint = if path.contains('?') { '&' } else { '?' };
        let page = ok(shopper.get(&format!("{path}{joint}limit={limit}{cursor}")).await);
        let data = page["data"].as_array().unwrap();
        assert!(data.len() <= limit);
        entries.extend(data.iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return entries,
        }
    }
    panic!("{path} has no end");
}

#[tokio::test]
async fn a_list_is_walked_without_gap_and_without_repetition_in_every_order() {
    let goods = crowd::goods(53);
    let shop = world::open_with(Options::default(), &goods).await;
    let jane = Shopper::new(&shop);
    let wanted: BTreeSet<String> =
        goods.products.iter().map(|(product, _)| product.id.to_string()).collect();
    let price = |entry: &Value| json!(entry["price_from"]["amount"].as_i64().unwrap());
    let title = |entry: &Value| json!(entry["title"].as_str().unwrap().to_lowercase());
    let sorts = ["newest", "oldest", "price_asc", "price_desc", "title"];
    for (sort, limit) in sorts.into_iter().flat_map(|sort| [(sort, 7), (sort, 100)]) {
        for filter in ["", "&category=goods"] {
            let path = format!("/v1/store/products?sort={sort}{filter}");
            let entries = walk(&jane, &path, limit).await;
            let ids: Vec<String> =
                entries.iter().map(|e| e["id"].as_str().unwrap().to_owned()).collect();
            assert_eq!(ids.len(), wanted.len(), "{path}");
            assert_eq!(ids.into_iter().collect::<BTreeSet<_>>(), wanted, "{path}");
            let numbers: Vec<i64> =
                entries.iter().map(|e| price(e).as_i64().unwrap_or_default()).collect();
            let titles: Vec<String> = entries.iter().map(|e| title(e).to_string()).collect();
            match sort {
                "price_asc" => assert!(numbers.is_sorted(), "{path}"),
                "price_desc" => assert!(numbers.iter().rev().is_sorted(), "{path}"),
                "title" => assert!(titles.is_sorted(), "{path}"),
                _ => {}
            }
        }
    }
    let newest = walk(&jane, "/v1/store/products?sort=newest", 11).await;
    let mut oldest = walk(&jane, "/v1/store/products?sort=oldest", 13).await;
    oldest.reverse();
    assert_eq!(newest, oldest);
    assert_eq!(newest[0]["slug"], crowd::slug(52));
}

#[tokio::test]
async fn a_cursor_is_good_for_its_own_list_alone() {
    let shop = world::open_with(Options::default(), &crowd::goods(10)).await;
    let jane = Shopper::new(&shop);
    let page = ok(jane.get("/v1/store/products?limit=3&sort=title").await);
    let cursor = page["next_cursor"].as_str().unwrap().to_owned();
    ok(jane.get(&format!("/v1/store/products?sort=title&limit=5&cursor={cursor}")).await);
    let mut tampered = cursor.clone().into_bytes();
    tampered[5] = if tampered[5] == b'A' { b'B' } else { b'A' };
    let tampered = String::from_utf8(tampered).unwrap();
    for query in [
        format!("sort=newest&cursor={cursor}"),
        format!("sort=title&category=goods&cursor={cursor}"),
        format!("sort=title&currency=JPY&cursor={cursor}"),
        format!("sort=title&cursor={tampered}"),
        "cursor=x".to_owned(),
    ] {
        let answer = jane.get(&format!("/v1/store/products?{query}")).await;
        assert_eq!(refusal(&answer), (400, "invalid_cursor".into()), "{query}");
    }
    let mut joe = Shopper::customer(&shop, "joe@example.org").await;
    for _ in 0..2 {
        shop.clock().advance_ms(1);
        joe.open_cart("EUR").await;
        joe.ready(SOCKS, 1).await;
        joe.complete().await;
    }
    let page = ok(joe.get("/v1/store/orders?limit=1").await);
    let cursor = page["next_cursor"].as_str().unwrap();
    let ann = Shopper::customer(&shop, "ann@example.org").await;
    let answer = ann.get(&format!("/v1/store/orders?cursor={cursor}")).await;
    assert_eq!(refusal(&answer), (400, "invalid_cursor".into()));
    assert_eq!(walk(&joe, "/v1/store/orders", 1).await.len(), 2);
}
