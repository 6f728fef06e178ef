//! Pictures of products: put in order, described, shown in the store's page, list and search, and
//! kept from being deleted for as long as a product shows them.

use std::collections::BTreeMap;

use domain::currency::Currency;
use domain::id::{MediaId, ProductId};
use domain::media::Wanted;
use domain::permission::Permission::{OrdersRead, ProductsRead, ProductsWrite};
use futures_util::future::join;
use local::{Request, Response, Shop};
use serde_json::{Value, json};
use store::product::{ProductChange, Written};
use wire::Mark;

use crate::tour::media::{ask, attached, fields, form, png, upload};
use crate::world::{self, Colleague, Shopper, ok, refusal};

const PRODUCTS: &str = "/v1/admin/products";
const MEDIA: &str = "/v1/admin/media";

async fn open() -> (Shop, Colleague) {
    let shop = world::open().await;
    let mary = Colleague::of(&shop, "mary", &[ProductsRead, ProductsWrite]).await;
    shop.settle().await;
    (shop, mary)
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap().to_owned()
}

/// A draft in two sizes; its path and its body.
async fn draft(mary: &Colleague, slug: &str) -> (String, Value) {
    let body = json!({
        "slug": slug, "title": "A tee", "type": "physical", "sku_prefix": slug.to_uppercase(),
        "prices": [{"amount": 2000, "currency": "EUR"}],
        "options": [{"name": "Size", "values": ["S", "M"]}],
    });
    let made = mary.call("POST", PRODUCTS, &body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.value();
    (format!("{PRODUCTS}/{}", text(&made, "id")), made)
}

/// Sets the pictures of a product as it is at this moment.
async fn set(mary: &Colleague, at: &str, images: &Value) -> Response {
    let tag = mary.tag(at).await;
    mary.call_if(&tag, "PUT", &format!("{at}/images"), &json!({"images": images})).await
}

async fn delete(mary: &Colleague, id: &str) -> Response {
    let target = format!("{MEDIA}/{id}");
    let tag = mary.tag(&target).await;
    mary.send(Request::new("DELETE", &target).header("if-match", &tag)).await
}

async fn used_by(mary: &Colleague, id: &str) -> usize {
    let media = ok(mary.get(&format!("{MEDIA}/{id}")).await);
    media["product_ids"].as_array().unwrap().len()
}

fn media_ids(product: &Value) -> Vec<String> {
    let images = product["images"].as_array().unwrap().iter();
    images.filter_map(|image| image["media_id"].as_str().map(str::to_owned)).collect()
}

/// What a handler asked of AWS since then.
fn asked(shop: &Shop, from: Mark, handler: &str) -> Vec<String> {
    let calls = shop.wire().recorder().since(from).into_iter();
    calls.filter(|call| call.caller == handler).map(|call| call.operation).collect()
}

#[tokio::test]
async fn a_product_shows_its_pictures_in_page_list_and_search_without_another_read() {
    let (shop, mary) = open().await;
    let (front, back) = (upload(&mary, &png(1)).await, upload(&mary, &png(2)).await);
    let (at, tee) = draft(&mary, "tee").await;
    let medium = &tee["variants"][1]["id"];
    let german = json!({"locale": "de", "alt": "Das Hemd von vorn"});
    let images = json!([
        {"media_id": front, "alt": "The tee from the front", "translations": [german]},
        {"media_id": back, "variant_ids": [medium]},
    ]);
    let set = ok(set(&mary, &at, &images).await);
    assert_eq!(media_ids(&set), [front.clone(), back.clone()]);
    assert_eq!(set["images"][0]["translations"][0]["alt"], "Das Hemd von vorn");
    assert_eq!(set["images"][1]["alt"], "A mug", "as the upload says");
    assert_eq!(set["images"][1]["variant_ids"], json!([medium]));
    let media = ok(mary.get(&format!("{MEDIA}/{front}")).await);
    assert_eq!(media["product_ids"], json!([tee["id"]]));
    ok(mary.call("POST", &format!("{at}/publish"), &json!({})).await);
    shop.settle().await;
    shop.clock().advance_ms(5_000);

    let nobody = Shopper::new(&shop);
    let from = shop.wire().recorder().mark();
    let page = nobody.get("/v1/store/products/tee?locale=de-AT").await;
    assert_eq!(asked(&shop, from, "catalog.store.view_product"), ["Query"]);
    assert!(page.text().len() <= 2 * 1024, "{}", page.text().len());
    let page = ok(page);
    let first = &page["images"][0];
    assert_eq!(first["alt"], "Das Hemd von vorn");
    assert_eq!((&first["width"], &first["height"]), (&json!(8), &json!(6)));
    let kinds: Vec<_> = first["sources"].as_array().unwrap().iter().map(|s| &s["type"]).collect();
    assert_eq!(kinds, ["image/webp", "image/jpeg"]);
    assert_eq!(page["images"][1]["variant_ids"], json!([medium]));
    for source in first["sources"].as_array().unwrap() {
        let answer = shop.send(Request::new("GET", &text(source, "url"))).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, source["type"].as_str()));
    }

    // A list has the first one alone, in one address.
    let thumbnail = json!([{
        "url": first["sources"][0]["url"], "alt": "The tee from the front",
        "width": 8, "height": 6,
    }]);
    for query in ["limit=1", "limit=1&fields=card", "limit=1&q=tee", "limit=1&q=tee&fields=card"] {
        let from = shop.wire().recorder().mark();
        let list = ok(nobody.get(&format!("/v1/store/products?{query}")).await);
        assert_eq!(list["data"][0]["images"], thumbnail, "{query}");
        let asked = asked(&shop, from, "catalog.store.list_products");
        let queries = usize::from(!query.contains("q="));
        assert_eq!(asked.iter().filter(|one| *one == "Query").count(), queries, "{query}");
        assert!(!asked.iter().any(|one| one.ends_with("Item")), "{query}: {asked:?}");
    }
    let list = ok(nobody.get("/v1/store/products?limit=1&locale=de").await);
    assert_eq!(list["data"][0]["images"][0]["alt"], "Das Hemd von vorn");
    // In another order another one stands for it, and the index hears of it, too.
    let other = json!([{"media_id": back}, {"media_id": front}]);
    ok(self::set(&mary, &at, &other).await);
    shop.settle().await;
    shop.clock().advance_ms(5_000);
    for query in ["limit=1", "limit=1&q=tee"] {
        let list = ok(nobody.get(&format!("/v1/store/products?{query}")).await);
        assert_eq!(list["data"][0]["images"][0]["alt"], "A mug", "{query}");
    }
    let log = shop.audit_log().await.unwrap();
    let noted = log.iter().filter(|link| link.entry.action == "product.set_images");
    assert_eq!(noted.count(), 2);
}

#[tokio::test]
async fn all_that_is_wrong_with_pictures_is_named_and_nothing_is_changed() {
    let (shop, mary) = open().await;
    let good = upload(&mary, &png(1)).await;
    let bad = upload(&mary, b"#!/bin/sh").await;
    let awaited = ask(&mary, "image/png", &png(3)).await.value();
    let awaited = text(&awaited["media"], "id");
    let (at, tee) = draft(&mary, "tee").await;
    ok(set(&mary, &at, &json!([{"media_id": good}])).await);
    let foreign = "var_01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let medium = &tee["variants"][1]["id"];
    let images = json!([
        {"media_id": "med_01ARZ3NDEKTSV4RRFFQ69G5FAV"},
        {"media_id": awaited},
        {"media_id": bad, "variant_ids": [medium, foreign, medium]},
        {"media_id": good},
        {"media_id": good},
    ]);
    let refused = set(&mary, &at, &images).await;
    assert_eq!(refusal(&refused), (400, "invalid_request".to_owned()));
    let refused = refused.value();
    let errors = refused["errors"].as_array().unwrap().iter();
    let mut named: Vec<_> = errors.map(|one| (text(one, "pointer"), text(one, "code"))).collect();
    named.sort();
    let wanted = [
        ("/images/0/media_id", "unknown_media"),
        ("/images/1/media_id", "media_not_ready"),
        ("/images/2/media_id", "media_refused"),
        ("/images/2/variant_ids/1", "unknown_variant"),
        ("/images/2/variant_ids/2", "duplicate"),
        ("/images/4/media_id", "duplicate"),
    ];
    assert_eq!(named, wanted.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));
    let many = set(&mary, &at, &json!(vec![json!({"media_id": good}); 21])).await;
    assert_eq!(many.value()["errors"][0]["code"], "too_many");
    let target = format!("{at}/images");
    let none = json!({"images": []});
    assert_eq!(mary.call("PUT", &target, &none).await.status, 428);
    assert_eq!(mary.call_if("\"v9\"", "PUT", &target, &none).await.status, 412);
    let missing = format!("{PRODUCTS}/prod_01ARZ3NDEKTSV4RRFFQ69G5FAV/images");
    assert_eq!(mary.call_if("\"v1\"", "PUT", &missing, &none).await.status, 404);
    for (name, may) in [("rita", ProductsRead), ("otto", OrdersRead)] {
        let other = Colleague::of(&shop, name, &[may]).await;
        let refused = other.call_if("\"v2\"", "PUT", &target, &none).await;
        assert_eq!(refusal(&refused), (403, "forbidden".to_owned()), "{name}");
    }
    let shown = ok(mary.get(&at).await);
    assert_eq!((media_ids(&shown), &shown["version"]), (vec![good], &json!(2)));
}

#[tokio::test]
async fn what_a_product_shows_is_not_deleted_until_it_shows_it_no_more() {
    let (_shop, mary) = open().await;
    let (one, two) = (upload(&mary, &png(1)).await, upload(&mary, &png(2)).await);
    let (first, body) = draft(&mary, "first").await;
    let (second, _) = draft(&mary, "second").await;
    let both = json!([{"media_id": one}, {"media_id": two}]);
    ok(set(&mary, &first, &both).await);
    ok(set(&mary, &second, &json!([{"media_id": one}])).await);
    assert_eq!(used_by(&mary, &one).await, 2);
    let refused = delete(&mary, &one).await;
    assert_eq!(refusal(&refused), (409, "media_in_use".to_owned()));
    assert_eq!(refused.value()["product_ids"].as_array().unwrap().len(), 2);
    // One lets go of it, then the other goes altogether.
    ok(set(&mary, &first, &json!([{"media_id": two}])).await);
    let refused = delete(&mary, &one).await;
    assert_eq!(refused.value()["product_ids"].as_array().unwrap().len(), 1);
    let tag = mary.tag(&second).await;
    assert_eq!(mary.call_if(&tag, "DELETE", &second, &json!({})).await.status, 204);
    assert_eq!(used_by(&mary, &one).await, 0);
    assert_eq!(delete(&mary, &one).await.status, 204);
    // What is gone can not be shown again.
    let refused = set(&mary, &first, &both).await;
    assert_eq!(refused.value()["errors"][0]["code"], "unknown_media");

    // The archive keeps nothing; what comes out of it has what is left.
    let three = upload(&mary, &png(3)).await;
    ok(set(&mary, &first, &json!([{"media_id": two}, {"media_id": three}])).await);
    ok(mary.call("POST", &format!("{first}/archive"), &json!({})).await);
    assert_eq!((used_by(&mary, &two).await, used_by(&mary, &three).await), (0, 0));
    assert_eq!(delete(&mary, &two).await.status, 204);
    let back = ok(mary.call("POST", &format!("{first}/unpublish"), &json!({})).await);
    assert_eq!(media_ids(&back), std::slice::from_ref(&three));
    assert_eq!(delete(&mary, &three).await.status, 409);
    // A variant that goes takes its name out of the pictures.
    let medium = &body["variants"][1]["id"];
    ok(set(&mary, &first, &json!([{"media_id": three, "variant_ids": [medium]}])).await);
    let tag = mary.tag(&first).await;
    let target = format!("{first}/variants/{}", medium.as_str().unwrap());
    let left = ok(mary.call_if(&tag, "DELETE", &target, &json!({})).await);
    assert_eq!(left["images"][0]["variant_ids"], json!([]));
}

#[tokio::test]
async fn of_a_deletion_and_a_product_that_wants_the_picture_one_has_its_way() {
    let (shop, mary) = open().await;
    let (at, _) = draft(&mary, "tee").await;
    let (mut shown, mut gone) = (0, 0);
    for round in 0..24_u8 {
        let id = upload(&mary, &png(round)).await;
        let wanted = json!({"images": [{"media_id": id}]});
        let (tag, target) = (mary.tag(&at).await, format!("{at}/images"));
        let show = mary.call_if(&tag, "PUT", &target, &wanted);
        // Now the one is a little earlier, now the other.
        let (showing, deleting) = if round % 2 == 0 {
            join(show, delete(&mary, &id)).await
        } else {
            let (deleting, showing) = join(delete(&mary, &id), show).await;
            (showing, deleting)
        };
        let product = ok(mary.get(&at).await);
        match (showing.status, deleting.status) {
            (200, 409 | 412) => {
                shown += 1;
                assert_eq!(media_ids(&product), std::slice::from_ref(&id));
                assert_eq!(used_by(&mary, &id).await, 1);
                let url = text(&product["images"][0], "url");
                assert_eq!(shop.send(Request::new("GET", &url)).await.status, 200);
            }
            (400 | 409, 204) => {
                gone += 1;
                assert_eq!(media_ids(&product), Vec::<String>::new());
                assert_eq!(mary.get(&format!("{MEDIA}/{id}")).await.status, 404);
            }
            other => panic!("{other:?}: {} / {}", showing.text(), deleting.text()),
        }
        ok(set(&mary, &at, &json!([])).await);
    }
    println!("{shown} times it was shown, {gone} times it was deleted");
}

#[tokio::test]
async fn a_picture_that_goes_between_looking_and_writing_is_not_shown() {
    let (shop, mary) = open().await;
    let (at, body) = draft(&mary, "tee").await;
    let picture = upload(&mary, &png(1)).await;
    let id = MediaId::parse(&picture).unwrap();
    let store = shop.store();
    let product = ProductId::parse(&text(&body, "id")).unwrap();
    let before = store.product(product).await.unwrap().unwrap();
    let found = store.media_of(&[id]).await.unwrap();
    let (alts, variants) = (BTreeMap::new(), Vec::new());
    let wanted = [Wanted { id, alt: None, alts, variants }];
    let after = before.clone().with_pictures(&wanted, &found).unwrap();
    assert_eq!(delete(&mary, &picture).await.status, 204);
    let shelves = store.shelves().await.unwrap();
    let change = ProductChange {
        before: Some(&before),
        after: &after,
        shelves: &shelves,
        currency: Currency::EUR,
        is_refresh: false,
        events: &[],
        now: shop.clock().now(),
    };
    let written = store.save_product(&change).await.unwrap();
    assert!(matches!(written, Written::PictureGone(gone) if gone == id), "{written:?}");
    assert_eq!(ok(mary.get(&at).await)["images"], json!([]));
    assert_eq!(mary.get(&format!("{MEDIA}/{picture}")).await.status, 404, "it did not come back");
}

#[tokio::test]
async fn of_two_who_set_the_pictures_at_once_one_is_told_to_look_again() {
    let (_shop, mary) = open().await;
    let (one, two) = (upload(&mary, &png(1)).await, upload(&mary, &png(2)).await);
    let (at, _) = draft(&mary, "tee").await;
    let tag = mary.tag(&at).await;
    let target = format!("{at}/images");
    let set = |id: &str| {
        let body = json!({"images": [{"media_id": id}]});
        let (mary, tag, target) = (&mary, &tag, &target);
        async move { mary.call_if(tag, "PUT", target, &body).await }
    };
    let (first, second) = join(set(&one), set(&two)).await;
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
    let shown = media_ids(&ok(mary.get(&at).await));
    let winner = if first.status == 200 { &one } else { &two };
    assert_eq!(shown, std::slice::from_ref(winner));
    assert_eq!(used_by(&mary, &one).await + used_by(&mary, &two).await, 1);
    // Whoever says the same again with what they have seen changes nothing more of the uploads.
    attached(&mary, &at, &[winner]).await;
    assert_eq!(used_by(&mary, winner).await, 1);
}

#[tokio::test]
async fn an_upload_that_is_sent_late_is_shown_when_it_is_ready() {
    let (shop, mary) = open().await;
    let (at, _) = draft(&mary, "tee").await;
    let bytes = png(7);
    let made = ask(&mary, "image/png", &bytes).await.value();
    let id = text(&made["media"], "id");
    let early = set(&mary, &at, &json!([{"media_id": id}])).await;
    assert_eq!(early.value()["errors"][0]["code"], "media_not_ready");
    let upload = &made["upload"];
    let sent = shop.send(form(&text(upload, "url"), &fields(upload), &bytes)).await;
    assert_eq!(sent.status, 204);
    shop.settle().await;
    ok(set(&mary, &at, &json!([{"media_id": id}])).await);
    assert_eq!(used_by(&mary, &id).await, 1);
}
