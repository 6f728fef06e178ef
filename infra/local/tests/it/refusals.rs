//! Every limit and every no, each with the sentence that it keeps.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use domain::catalog::Offer;
use domain::currency::Currency;
use domain::id::VariantId;
use local::{Options, Request, Response, Shop};
use serde_json::{Value, json};
use testkit::goods::{self, Good, Goods, MUG, POSTER, SOCKS, TEMPLATE};
use wire::{FaultKind, Plan};

use crate::crowd;
use crate::world::{self, PASSWORD, Shopper, key, ok, refusal, sound};

fn at(shopper: &Shopper, rest: &str) -> String {
    format!("/v1/store/carts/{}{rest}", shopper.cart)
}

async fn put(shopper: &Shopper, variant: &str, quantity: i64) -> Response {
    let body = json!({"variant_id": variant, "quantity": quantity});
    shopper.call("POST", &at(shopper, "/lines"), &body).await
}

/// The small shop, with one good's offer changed.
fn changed(good: Good, change: impl Fn(&mut Offer)) -> Goods {
    let mut goods = goods::small(world::MUGS);
    let offers = goods.products.iter_mut().flat_map(|(_, offers)| offers);
    offers.filter(|offer| offer.sku == good.typed_sku()).for_each(change);
    goods
}

fn euros(amount: i64) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

// The cart.

#[tokio::test]
async fn forty_lines_fill_a_cart_and_the_forty_first_is_refused() {
    let goods = crowd::goods(41);
    let shop = world::open_with(Options::default(), &goods).await;
    let mut jane = Shopper::guest(&shop).await;
    for n in 0..40 {
        ok(put(&jane, &crowd::variant(n), 1).await);
    }
    let answer = put(&jane, &crowd::variant(40), 1).await;
    assert_eq!(refusal(&answer), (409, "cart_full".into()));
    assert_eq!(answer.value()["lines_max"], 40);
    // A line that is there may still grow, and all forty fit one order.
    let cart = ok(put(&jane, &crowd::variant(0), 1).await);
    assert_eq!(cart["lines"].as_array().unwrap().len(), 40);
    jane.addresses().await;
    jane.ship_by("home-standard").await;
    let answer = jane.complete().await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    jane.pay("pm_card_visa");
    shop.settle().await;
    assert_eq!(jane.view_order().await["status"], "placed");
    sound(&shop, &goods).await;
}

#[tokio::test]
async fn equal_variants_are_one_line_of_at_most_a_hundred() {
    let shop = world::open().await;
    let jane = Shopper::guest(&shop).await;
    for quantity in [0, -1, 101, i64::MAX] {
        let answer = put(&jane, &MUG.variant(), quantity).await;
        assert_eq!(refusal(&answer), (400, "invalid_request".into()), "{quantity}");
        assert_eq!(answer.value()["errors"][0]["pointer"], "/quantity");
    }
    ok(put(&jane, &MUG.variant(), 60).await);
    let cart = ok(put(&jane, &MUG.variant(), 40).await);
    let lines = cart["lines"].as_array().unwrap();
    assert_eq!((lines.len(), &lines[0]["quantity"]), (1, &json!(100)));
    let answer = put(&jane, &MUG.variant(), 1).await;
    assert_eq!(refusal(&answer), (409, "quantity_limit".into()));
    assert_eq!(answer.value()["quantity_max"], 100);
    let path = at(&jane, &format!("/lines/{}", lines[0]["id"].as_str().unwrap()));
    let answer = jane.call("PATCH", &path, &json!({"quantity": 101})).await;
    assert_eq!(refusal(&answer), (400, "invalid_request".into()));
    assert_eq!(jane.view_cart().await["lines"][0]["quantity"], 100);
}

#[tokio::test]
async fn a_variant_can_allow_fewer_units_than_a_hundred() {
    let goods = changed(MUG, |offer| offer.quantity_max = 3);
    let shop = world::open_with(Options::default(), &goods).await;
    let jane = Shopper::guest(&shop).await;
    let answer = put(&jane, &MUG.variant(), 4).await;
    assert_eq!(refusal(&answer), (409, "quantity_limit".into()));
    assert_eq!(answer.value()["quantity_max"], 3);
    let cart = ok(put(&jane, &MUG.variant(), 3).await);
    let path = at(&jane, &format!("/lines/{}", cart["lines"][0]["id"].as_str().unwrap()));
    let answer = jane.call("PATCH", &path, &json!({"quantity": 4})).await;
    assert_eq!(refusal(&answer), (409, "quantity_limit".into()));
    assert_eq!(refusal(&put(&jane, &MUG.variant(), 1).await), (409, "quantity_limit".into()));
    let cart = ok(jane.call("PATCH", &path, &json!({"quantity": 2})).await);
    assert_eq!(cart["lines"][0]["quantity"], 2);
    let cart = ok(jane.call("DELETE", &path, &json!({})).await);
    assert_eq!(cart["lines"], json!([]));
    for method in ["PATCH", "DELETE"] {
        let answer = jane.call(method, &path, &json!({"quantity": 1})).await;
        assert_eq!(refusal(&answer), (404, "line_not_found".into()), "{method}");
    }
}

#[tokio::test]
async fn what_the_shop_does_not_have_is_not_put_into_a_cart() {
    let goods = changed(SOCKS, |offer| offer.is_active = false);
    let shop = world::open_with(Options::default(), &goods).await;
    let jane = Shopper::guest(&shop).await;
    let nobody = VariantId::from_ulid(domain::id::Ulid::from_parts(1, 1)).to_string();
    let answer = put(&jane, &nobody, 1).await;
    assert_eq!(refusal(&answer), (400, "invalid_request".into()));
    assert_eq!(
        answer.value()["errors"][0],
        json!({
            "pointer": "/variant_id", "code": "unknown_variant",
            "detail": "There is no such variant.",
        })
    );
    let answer = put(&jane, &SOCKS.variant(), 1).await;
    assert_eq!(refusal(&answer), (409, "variant_unavailable".into()));
    assert_eq!(answer.value()["sku"], SOCKS.sku);
    let mut joe = Shopper::new(&shop);
    joe.open_cart("USD").await;
    let answer = put(&joe, &MUG.variant(), 1).await;
    assert_eq!(refusal(&answer), (409, "currency_unavailable".into()));
    assert_eq!(answer.value()["currency"], "USD");
}

#[tokio::test]
async fn what_went_off_sale_meanwhile_is_named_and_not_sold() {
    let shop = world::open().await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(SOCKS, 1).await;
    let goods = changed(SOCKS, |offer| offer.is_active = false);
    shop.store().import_products(&goods.products, Currency::EUR).await.unwrap();
    let answer = jane.complete().await;
    assert_eq!(refusal(&answer), (409, "variant_unavailable".into()));
    assert_eq!(answer.value()["sku"], SOCKS.sku);
    assert!(sound(&shop, &goods).await.orders.is_empty());
}

#[tokio::test]
async fn a_completion_says_what_is_still_missing_one_thing_after_the_other() {
    let shop = world::open().await;
    let mut jane = Shopper::guest(&shop).await;
    let mut missing = Vec::new();
    missing.push(refusal(&jane.complete_at(&key(), &euros(0)).await));
    jane.add(MUG, 1).await;
    missing.push(refusal(&jane.complete().await));
    let wanted = json!({"shipping_option_id": "home-standard"});
    missing.push(refusal(&jane.call("PUT", &at(&jane, "/shipping"), &wanted).await));
    missing.push(refusal(&jane.get(&at(&jane, "/shipping_options")).await));
    jane.addresses().await;
    missing.push(refusal(&jane.complete().await));
    jane.ship_by("home-standard").await;
    let codes: Vec<String> = missing
        .into_iter()
        .map(|(status, code)| {
            assert_eq!(status, 409, "{code}");
            code
        })
        .collect();
    assert_eq!(
        codes,
        ["cart_empty", "email_missing", "address_missing", "address_missing", "shipping_missing"]
    );
    assert_eq!(jane.complete().await.status, 201);
}

#[tokio::test]
async fn a_way_of_sending_serves_the_address_or_is_refused() {
    let shop = world::open().await;
    let jane = Shopper::guest(&shop).await;
    jane.add(MUG, 1).await;
    jane.addresses().await;
    for option in ["abroad-standard", "by-balloon"] {
        let body = json!({"shipping_option_id": option});
        let answer = jane.call("PUT", &at(&jane, "/shipping"), &body).await;
        assert_eq!(refusal(&answer), (409, "shipping_unavailable".into()), "{option}");
    }
    let options = ok(jane.get(&at(&jane, "/shipping_options")).await);
    let ids: Vec<&str> =
        options["data"].as_array().unwrap().iter().map(|o| o["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["home-standard", "home-express"]);

    let joe = Shopper::guest(&shop).await;
    joe.ready(TEMPLATE, 1).await;
    assert_eq!(ok(joe.get(&at(&joe, "/shipping_options")).await), json!({"data": []}));
    let body = json!({"shipping_option_id": "home-standard"});
    let answer = joe.call("PUT", &at(&joe, "/shipping"), &body).await;
    assert_eq!(refusal(&answer), (409, "shipping_not_needed".into()));
}

#[tokio::test]
async fn a_new_address_can_cost_the_chosen_way_of_sending() {
    let shop = world::open().await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 1).await;
    for (country, postal_code, options) in [("FR", "75001", 1), ("SE", "111 20", 0)] {
        let mut to = world::address();
        to["country"] = json!(country);
        to["postal_code"] = json!(postal_code);
        let body = json!({"email": "jane@example.org", "shipping_address": to});
        let cart = ok(jane.call("PUT", &at(&jane, "/addresses"), &body).await);
        assert_eq!(cart["totals"]["shipping"], euros(0), "{cart}");
        let answer = jane.complete().await;
        assert_eq!(refusal(&answer), (409, "shipping_unavailable".into()), "{country}");
        let found = ok(jane.get(&at(&jane, "/shipping_options")).await);
        assert_eq!(found["data"].as_array().unwrap().len(), options, "{country}");
    }
    jane.addresses().await;
    assert_eq!(jane.complete().await.status, 201);
}

#[tokio::test]
async fn less_than_the_provider_takes_is_refused_before_anything_is_placed() {
    let goods = changed(TEMPLATE, |offer| {
        offer.prices.insert(Currency::EUR, 49);
    });
    let shop = world::open_with(Options::default(), &goods).await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(TEMPLATE, 1).await;
    let answer = jane.complete().await;
    assert_eq!(refusal(&answer), (409, "amount_too_small".into()));
    assert_eq!(answer.value()["minimum"], euros(50));
    assert!(sound(&shop, &goods).await.orders.is_empty());
}

#[tokio::test]
async fn a_cart_that_became_an_order_stays_as_it_is() {
    let shop = world::open().await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 1).await;
    jane.complete().await;
    let to = json!({"email": "jane@example.org", "shipping_address": world::address()});
    for (method, rest, body) in [
        ("POST", "/lines", json!({"variant_id": MUG.variant(), "quantity": 1})),
        ("PUT", "/addresses", to),
        ("PUT", "/shipping", json!({"shipping_option_id": "home-express"})),
    ] {
        let answer = jane.call(method, &at(&jane, rest), &body).await;
        assert_eq!(refusal(&answer), (409, "cart_completed".into()), "{rest}");
        assert_eq!(answer.value()["order_id"], json!(jane.order), "{rest}");
    }
}

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

// What is asked for again, and what comes in pages.

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

// Identity.

async fn try_token(shopper: &Shopper, token: &str) -> Response {
    shopper.call("POST", "/v1/auth/email/verify", &json!({"token": token})).await
}

#[tokio::test]
async fn a_mailed_link_is_good_once_and_for_a_day() {
    let shop = world::open().await;
    let jane = Shopper::new(&shop);
    jane.register("jane@example.org").await;
    shop.settle().await;
    let token = jane.mailed_token("jane@example.org").unwrap();
    assert_eq!(refusal(&try_token(&jane, "guessed").await), (400, "invalid_token".into()));
    assert_eq!(try_token(&jane, &token).await.status, 204);
    assert_eq!(refusal(&try_token(&jane, &token).await), (400, "invalid_token".into()));

    jane.register("joe@example.org").await;
    shop.settle().await;
    let token = jane.mailed_token("joe@example.org").unwrap();
    shop.clock().advance_ms(24 * 3600 * 1000);
    assert_eq!(refusal(&try_token(&jane, &token).await), (400, "invalid_token".into()));
    assert_eq!(jane.login("joe@example.org").await.status, 401);
}

/// An answer without what names this one request.
fn shape(answer: &Response) -> (u16, Value, Vec<(String, String)>) {
    let mut body = answer.value();
    if let Some(members) = body.as_object_mut() {
        members.remove("request_id");
    }
    let passing = ["x-request-id", "apigw-requestid"];
    let headers = answer.headers.iter().filter(|(name, _)| !passing.contains(&name.as_str()));
    (answer.status, body, headers.cloned().collect())
}

#[tokio::test]
async fn nobody_learns_from_a_refused_sign_in_who_has_an_account() {
    let shop = world::open().await;
    Shopper::customer(&shop, "jane@example.org").await;
    let joe = Shopper::new(&shop);
    joe.register("waiting@example.org").await;
    let before = joe.login("waiting@example.org").await;
    assert_eq!(refusal(&before), (401, "invalid_credentials".into()));
    let body = json!({"email": "jane@example.org", "password": "not her password"});
    let wrong = joe.call("POST", "/v1/auth/login", &body).await;
    let unknown = joe.login("nobody@example.org").await;
    assert_eq!(shape(&before), shape(&wrong));
    assert_eq!(shape(&before), shape(&unknown));
}

#[tokio::test]
async fn a_second_registration_is_answered_alike_and_told_by_mail() {
    let shop = world::open().await;
    let jane = Shopper::new(&shop);
    let first = jane.register("jane@example.org").await;
    assert_eq!(first.status, 202, "{}", first.text());
    shop.settle().await;
    // Still unconfirmed: whoever asks again gets another link, and both work until one is used.
    // (From elsewhere each time: how often an address has asked is no secret to itself.)
    let again = Shopper::from(&shop, "203.0.113.8").register("Jane@Example.org").await;
    assert_eq!(shape(&first), shape(&again));
    shop.settle().await;
    jane.verify("jane@example.org").await;
    let known = Shopper::from(&shop, "203.0.113.9").register("jane@example.org").await;
    assert_eq!(shape(&first), shape(&known));
    shop.settle().await;
    let mails = shop.mails();
    let templates: Vec<&str> = mails.iter().map(|mail| mail.tags["template"].as_str()).collect();
    assert_eq!(templates, ["verify_email", "verify_email", "already_registered"]);
    assert_eq!(jane.mailed_token("jane@example.org"), None);
}

async fn renew(shopper: &Shopper, token: &str) -> Response {
    let request = Request::new("POST", "/v1/auth/refresh").json(&json!({"refresh_token": token}));
    shopper.shop.send(request).await
}

fn refresh_token(answer: &Response) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.value()["refresh_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_its_reuse_ends_the_session() {
    let shop = world::open().await;
    let jane = Shopper::customer(&shop, "jane@example.org").await;
    let first = refresh_token(&jane.login("jane@example.org").await);
    let other = refresh_token(&jane.login("jane@example.org").await);
    let second = refresh_token(&renew(&jane, &first).await);
    assert_ne!(first, second);
    shop.clock().advance_ms(11_000);
    let third = refresh_token(&renew(&jane, &second).await);
    assert_eq!(refusal(&renew(&jane, &first).await), (401, "session_revoked".into()));
    assert_eq!(refusal(&renew(&jane, &third).await), (401, "session_revoked".into()));
    // Only that session: the other device stays signed in.
    refresh_token(&renew(&jane, &other).await);
    for nonsense in ["x", "ses_01ARZ3NDEKTSV4RRFFQ69G5FAV.x"] {
        assert_eq!(refusal(&renew(&jane, nonsense).await), (401, "session_revoked".into()));
    }
    let nothing = shop.send(Request::new("POST", "/v1/auth/refresh").json(&json!({}))).await;
    assert_eq!(refusal(&nothing), (401, "unauthenticated".into()));
}

#[tokio::test]
async fn two_tabs_that_renew_at_once_get_the_same_successor() {
    let shop = world::open().await;
    let jane = Shopper::customer(&shop, "jane@example.org").await;
    let token = refresh_token(&jane.login("jane@example.org").await);
    let (one, two) = tokio::join!(renew(&jane, &token), renew(&jane, &token));
    let (one, two) = (refresh_token(&one), refresh_token(&two));
    assert_eq!(one, two);
    // A lost answer is given again within the grace, and what it gave is good.
    shop.clock().advance_ms(10_000);
    assert_eq!(refresh_token(&renew(&jane, &token).await), one);
    refresh_token(&renew(&jane, &one).await);
}

#[tokio::test]
async fn a_session_ends_by_signing_out_and_by_time() {
    let shop = world::open().await;
    let mut jane = Shopper::customer(&shop, "jane@example.org").await;
    let answer = jane.login("jane@example.org").await;
    let token = refresh_token(&answer);
    jane.bearer = answer.value()["access_token"].as_str().map(str::to_owned);
    assert_eq!(ok(jane.get("/v1/auth/me").await)["email"], "jane@example.org");
    let out = jane.call("POST", "/v1/auth/logout", &json!({})).await;
    assert_eq!(out.status, 204);
    assert_eq!(refusal(&renew(&jane, &token).await), (401, "session_revoked".into()));

    let answer = jane.login("jane@example.org").await;
    assert_eq!(answer.value()["expires_in"], 900);
    jane.bearer = answer.value()["access_token"].as_str().map(str::to_owned);
    shop.clock().advance_ms(899_000);
    ok(jane.get("/v1/auth/me").await);
    shop.clock().advance_ms(2 * 60 * 1000);
    let late = jane.get("/v1/auth/me").await;
    assert_eq!(refusal(&late), (401, "unauthenticated".into()));
    assert_eq!(late.header("www-authenticate"), Some("Bearer"));
    let token = refresh_token(&answer);
    shop.clock().advance_ms(7 * 24 * 3600 * 1000);
    assert_eq!(refusal(&renew(&jane, &token).await), (401, "session_revoked".into()));
    for bearer in ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.e30."] {
        jane.bearer = Some(bearer.to_owned());
        assert_eq!(refusal(&jane.get("/v1/auth/me").await), (401, "unauthenticated".into()));
    }
}

/// A browser that is signed in.
struct Browser {
    shop: Shop,
    cookies: String,
    csrf: String,
}

impl Browser {
    async fn sign_in(shop: &Shop, email: &str) -> (Self, Response) {
        let body = json!({"email": email, "password": PASSWORD});
        let request =
            Request::new("POST", "/v1/auth/login").header("origin", shop.base_url()).json(&body);
        let answer = shop.send(request).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let pairs: Vec<&str> =
            answer.all("set-cookie").filter_map(|cookie| cookie.split(';').next()).collect();
        let csrf = answer.value()["csrf_token"].as_str().unwrap().to_owned();
        (Self { shop: shop.clone(), cookies: pairs.join("; "), csrf }, answer)
    }

    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = Request::new(method, path).header("cookie", &self.cookies);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if method == "POST" {
            request = request.json(&json!({}));
        }
        self.shop.send(request).await
    }
}

#[tokio::test]
async fn a_browsers_session_lies_in_cookies_that_no_script_reads() {
    let shop = world::open().await;
    Shopper::customer(&shop, "jane@example.org").await;
    let (jane, answer) = Browser::sign_in(&shop, "jane@example.org").await;
    let body = answer.value();
    assert!(body["access_token"].is_null() && body["refresh_token"].is_null());
    let cookies: Vec<&str> = answer.all("set-cookie").collect();
    assert_eq!(cookies.len(), 2, "{cookies:?}");
    for (cookie, name, site, age) in [
        (cookies[0], "__Host-session=", "SameSite=Lax", "Max-Age=900"),
        (cookies[1], "__Host-refresh=", "SameSite=Strict", "Max-Age=2592000"),
    ] {
        assert!(cookie.starts_with(name), "{name}");
        let attributes: BTreeSet<&str> = cookie.split("; ").skip(1).collect();
        assert_eq!(attributes, BTreeSet::from(["HttpOnly", "Path=/", "Secure", site, age]));
    }
    assert_eq!(jane.send("GET", "/v1/auth/me", &[]).await.status, 200);

    // Renewed without a token in the body, by the cookie alone, from our own pages alone.
    let origin = shop.base_url();
    let renewed = jane.send("POST", "/v1/auth/refresh", &[("origin", origin)]).await;
    assert_eq!(renewed.status, 200, "{}", renewed.text());
    assert_eq!(renewed.all("set-cookie").count(), 2);
    let foreign = [("origin", "https://evil.example")];
    let refused = jane.send("POST", "/v1/auth/refresh", &foreign).await;
    assert_eq!(refusal(&refused), (403, "csrf_failed".into()));

    let ours = [("origin", origin), ("x-csrf-token", jane.csrf.as_str())];
    let out = jane.send("POST", "/v1/auth/logout", &ours).await;
    assert_eq!(out.status, 204);
    let cleared: Vec<&str> = out.all("set-cookie").collect();
    assert_eq!(cleared.len(), 2);
    assert!(cleared.iter().all(|cookie| cookie.contains("Max-Age=0")), "{cleared:?}");
    let mode = json!({"email": "jane@example.org", "password": PASSWORD, "mode": "token"});
    let apps = shop.send(Request::new("POST", "/v1/auth/login").json(&mode)).await;
    assert_eq!(apps.all("set-cookie").count(), 0);
}

#[tokio::test]
async fn another_site_can_not_act_in_a_browsers_name() {
    let shop = world::open().await;
    for email in ["jane@example.org", "joe@example.org"] {
        Shopper::customer(&shop, email).await;
    }
    let (jane, _) = Browser::sign_in(&shop, "jane@example.org").await;
    let (joe, _) = Browser::sign_in(&shop, "joe@example.org").await;
    let origin = shop.base_url();
    let (csrf, others) = (jane.csrf.as_str(), joe.csrf.as_str());
    let bad: [&[(&str, &str)]; 7] = [
        &[("origin", origin)],
        &[("origin", origin), ("x-csrf-token", "guessed")],
        &[("origin", origin), ("x-csrf-token", others)],
        &[("origin", "https://evil.example"), ("x-csrf-token", csrf)],
        &[("origin", "null"), ("x-csrf-token", csrf)],
        &[("x-csrf-token", csrf)],
        &[("sec-fetch-site", "cross-site"), ("x-csrf-token", csrf)],
    ];
    for headers in bad {
        let answer = jane.send("POST", "/v1/store/carts", headers).await;
        assert_eq!(refusal(&answer), (403, "csrf_failed".into()), "{headers:?}");
    }
    let good: [&[(&str, &str)]; 2] = [
        &[("origin", origin), ("x-csrf-token", csrf)],
        &[("sec-fetch-site", "same-origin"), ("x-csrf-token", csrf)],
    ];
    for headers in good {
        let answer = jane.send("POST", "/v1/store/carts", headers).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        assert!(answer.value()["cart_token"].is_null());
    }
    let login = Request::new("POST", "/v1/auth/login")
        .header("origin", "https://evil.example")
        .json(&json!({"email": "jane@example.org", "password": PASSWORD}));
    assert_eq!(refusal(&shop.send(login).await), (403, "csrf_failed".into()));
}

// What Stripe says, and who says that they are Stripe.

fn signature(secret: &str, at: i64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{at}.{body}").as_bytes());
    tag.as_ref().iter().fold(format!("t={at},v1="), |header, byte| header + &format!("{byte:02x}"))
}

/// Says something in Stripe's name, with a genuine signature of this age.
async fn say(shop: &Shop, event: &Value, age_seconds: i64) -> Response {
    let at = shop.clock().now().as_second() - age_seconds;
    let body = event.to_string();
    let signature = signature(&shop.stripe_keys().webhook_secrets[0], at, &body);
    hook(shop, &signature, &body).await
}

async fn hook(shop: &Shop, signature: &str, body: &str) -> Response {
    let mut request = Request::new("POST", "/v1/hooks/stripe")
        .header("content-type", "application/json")
        .header("stripe-signature", signature);
    request.body = body.to_owned().into();
    shop.send(request).await
}

fn event_of(shop: &Shop, kind: &str) -> Value {
    let events = shop.twin().objects("event");
    events.into_iter().find(|event| event["type"] == kind).expect("such an event")
}

/// Somebody who has paid, while every webhook is held back.
async fn paid_in_silence(shop: &Shop) -> Shopper {
    shop.twin()
        .set_faults(stripe_twin::Faults { webhook_hold: true, ..stripe_twin::Faults::default() });
    let mut jane = Shopper::guest(shop).await;
    jane.ready(MUG, 1).await;
    jane.complete().await;
    jane.pay("pm_card_visa");
    jane
}

#[tokio::test]
async fn an_event_that_comes_ten_times_counts_once() {
    let shop = world::open().await;
    shop.twin().set_faults(stripe_twin::Faults {
        webhook_duplicates: 9,
        ..stripe_twin::Faults::default()
    });
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 1).await;
    jane.complete().await;
    jane.pay("pm_card_visa");
    shop.settle_all().await;
    let event = event_of(&shop, "payment_intent.succeeded");
    for _ in 0..10 {
        let answer = say(&shop, &event, 0).await;
        assert_eq!((answer.status, answer.value()), (200, json!({"received": true})));
    }
    shop.settle_all().await;
    assert_eq!(jane.view_order().await["status"], "placed");
    let facts = sound(&shop, &goods::small(world::MUGS)).await;
    assert_eq!(facts.entries.len(), 1);
    assert_eq!(facts.letters.len(), 1);
}

#[tokio::test]
async fn events_may_overtake_each_other_and_come_days_late() {
    let shop = world::open().await;
    let faults = stripe_twin::Faults {
        webhook_duplicates: 2,
        webhook_reorder: true,
        webhook_delay_seconds: stripe_twin::Delay::Between([0, 600]),
        ..stripe_twin::Faults::default()
    };
    shop.twin().set_faults(faults);
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 1).await;
    jane.complete().await;
    jane.pay("pm_card_chargeDeclined");
    jane.pay("pm_card_visa");
    shop.settle_all().await;
    assert_eq!(jane.view_order().await["status"], "placed");
    // The decline, said again two days later, changes nothing: what counts is the intent.
    let declined = event_of(&shop, "payment_intent.payment_failed");
    shop.advance(2 * 24 * 3600).await;
    assert_eq!(say(&shop, &declined, 0).await.status, 200);
    shop.settle_all().await;
    let order = jane.view_order().await;
    assert_eq!((&order["status"], &order["payment_status"]), (&json!("placed"), &json!("paid")));
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn a_webhook_that_never_comes_is_not_waited_for() {
    let shop = world::open().await;
    let jane = paid_in_silence(&shop).await;
    shop.settle().await;
    assert_eq!(jane.view_order().await["status"], "pending_payment");
    shop.advance(31 * 60).await;
    shop.settle_all().await;
    assert_eq!(jane.view_order().await["status"], "placed");
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn a_forged_event_is_refused_and_changes_nothing() {
    let shop = world::open().await;
    let jane = paid_in_silence(&shop).await;
    let event = event_of(&shop, "payment_intent.succeeded");
    let (body, now) = (event.to_string(), shop.clock().now().as_second());
    let secret = shop.stripe_keys().webhook_secrets[0].clone();
    let genuine = signature(&secret, now, &body);
    let changed = body.replacen("succeeded", "succeedef", 1);
    let bad = [
        (genuine.clone(), changed),
        (genuine.clone(), format!("{body} ")),
        (signature("whsec_another", now, &body), body.clone()),
        (signature(&secret, now - 301, &body), body.clone()),
        (signature(&secret, now + 301, &body), body.clone()),
        (genuine.replace("v1=", "v0="), body.clone()),
        (String::new(), body.clone()),
        (format!("t={now}"), body.clone()),
    ];
    for (signature, body) in bad {
        let answer = hook(&shop, &signature, &body).await;
        assert_eq!(refusal(&answer), (400, "invalid_signature".into()), "{signature}");
    }
    let unsigned = Request::new("POST", "/v1/hooks/stripe").json(&event);
    assert_eq!(refusal(&shop.send(unsigned).await), (400, "invalid_signature".into()));
    shop.settle().await;
    assert_eq!(jane.view_order().await["status"], "pending_payment");
    // The very same bytes with their own signature are believed.
    assert_eq!(hook(&shop, &genuine, &body).await.status, 200);
    shop.settle().await;
    assert_eq!(jane.view_order().await["status"], "placed");
}

#[tokio::test]
async fn real_money_has_no_place_in_a_shop_with_test_keys() {
    let shop = world::open().await;
    let jane = paid_in_silence(&shop).await;
    let mut event = event_of(&shop, "payment_intent.succeeded");
    event["livemode"] = json!(true);
    assert_eq!(refusal(&say(&shop, &event, 0).await), (400, "livemode_mismatch".into()));
    shop.settle().await;
    assert_eq!(jane.view_order().await["status"], "pending_payment");
}

#[tokio::test]
async fn what_is_none_of_our_business_is_acknowledged_and_left() {
    let shop = world::open().await;
    let before = shop.wire().recorder().mark();
    for kind in ["customer.created", "invoice.paid", "a.kind.of.tomorrow"] {
        let object = json!({"id": "x_1", "object": "thing"});
        let event = json!({
            "id": "evt_1", "object": "event", "type": kind, "livemode": false,
            "data": {"object": object},
        });
        let answer = say(&shop, &event, 0).await;
        assert_eq!((answer.status, answer.value()), (200, json!({"received": true})), "{kind}");
    }
    // Another shop's intent in the same account.
    let event = json!({
        "id": "evt_2", "object": "event", "type": "payment_intent.succeeded", "livemode": false,
        "data": {"object": {"id": "pi_other", "object": "payment_intent", "metadata": {}}},
    });
    assert_eq!(say(&shop, &event, 0).await.status, 200);
    let calls = shop.wire().recorder().since(before);
    assert!(calls.iter().all(|call| call.service == "secretsmanager"), "{calls:?}");
    for nonsense in [json!({"id": "evt_3"}), json!([]), json!("x")] {
        let answer = say(&shop, &nonsense, 0).await;
        assert_eq!(refusal(&answer), (400, "invalid_event".into()));
    }
}

#[tokio::test]
async fn money_of_another_amount_is_quarantined_and_places_nothing() {
    let shop = world::open().await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 1).await;
    jane.complete().await;
    let key = &shop.stripe_keys().secret_key;
    let request = http::Request::post(format!("/v1/payment_intents/{}", jane.intent))
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body("amount=100".into())
        .unwrap();
    assert_eq!(shop.twin().handle(request).status(), 200);
    let (status, intent) = jane.pay("pm_card_visa");
    assert_eq!((status, &intent["amount"]), (200, &json!(100)), "{intent}");
    shop.settle().await;
    let order = jane.view_order().await;
    assert_eq!(order["status"], "pending_payment");
    assert_eq!(order["payments"][0]["status"], "integrity_failed");
    let facts = sound(&shop, &goods::small(world::MUGS)).await;
    assert_eq!(facts.entries.len(), 1);
    assert_eq!(facts.entries[0].kind, domain::payment::EntryKind::Quarantined);
    assert!(shop.mails().is_empty());

    // Somebody will look into the money; meanwhile nothing is kept from other buyers.
    shop.advance(40 * 60).await;
    shop.settle().await;
    assert_eq!(jane.view_order().await["status"], "expired");
    let facts = sound(&shop, &goods::small(world::MUGS)).await;
    assert!(facts.stock.iter().all(|level| level.reserved == 0));
    assert_eq!(facts.payments[0].status, domain::payment::Status::IntegrityFailed);
}

/// What is logged on this thread while it lives.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn listen(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt().json().with_writer(move || log.clone()).finish();
        tracing::subscriber::set_default(subscriber)
    }

    fn lines(&self) -> Vec<Value> {
        let bytes = self.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[tokio::test]
async fn an_event_of_an_unknown_order_ends_among_the_dead_letters_and_the_log_says_why() {
    let log = Log::default();
    let _listening = log.listen();
    let shop = world::open().await;
    let order = domain::id::OrderId::from_ulid(domain::id::Ulid::from_parts(1, 7)).to_string();
    let event = json!({
        "id": "evt_1", "object": "event", "type": "payment_intent.succeeded", "livemode": false,
        "data": {"object": {
            "id": "pi_1", "object": "payment_intent", "metadata": {"order_id": order},
        }},
    });
    assert_eq!(say(&shop, &event, 0).await.status, 200);
    shop.settle_all().await;
    let full: Vec<_> =
        shop.wire().sqs().depths().into_iter().filter(|depth| depth.visible > 0).collect();
    assert_eq!(full.len(), 1, "{full:?}");
    assert!(full[0].is_dlq && full[0].queue.contains("stripe-events"), "{full:?}");
    let told: Vec<Value> = log
        .lines()
        .into_iter()
        .filter(|line| line["fields"]["op"] == "payments.jobs.on_stripe_event")
        .filter(|line| line["fields"]["fault"].as_str().is_some_and(|f| f.contains(&order)))
        .collect();
    assert_eq!(told.len(), 5, "{told:?}");
}

// Time.

#[tokio::test]
async fn a_lapsed_hold_is_taken_over_by_the_next_buyer_before_any_sweep() {
    let shop = world::open().await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(POSTER, 1).await;
    assert_eq!(jane.complete().await.status, 201);
    let mut joe = Shopper::from(&shop, "203.0.113.8");
    joe.open_cart("EUR").await;
    joe.ready(POSTER, 1).await;
    shop.clock().advance_ms(30 * 60 * 1000 - 1);
    assert_eq!(refusal(&joe.complete().await), (409, "insufficient_stock".into()));
    shop.clock().advance_ms(2);
    let answer = joe.complete().await;
    assert_eq!(answer.status, 201, "{}", answer.text());

    // The first buyer is too late, and hears it before paying.
    let path = format!("/v1/store/orders/{}/retry_payment", jane.order);
    let answer = jane.call("POST", &path, &json!({})).await;
    assert_eq!(refusal(&answer), (409, "nothing_to_pay".into()));
    joe.pay("pm_card_visa");
    shop.settle_all().await;
    assert_eq!(joe.view_order().await["status"], "placed");
    assert_eq!(jane.view_order().await["status"], "expired");
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn nothing_is_paid_again_after_the_payment_window() {
    let shop = world::open().await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 1).await;
    jane.complete().await;
    jane.pay("pm_card_chargeDeclined");
    shop.settle().await;
    let path = format!("/v1/store/orders/{}/retry_payment", jane.order);
    shop.clock().advance_ms(30 * 60 * 1000 - 1);
    ok(jane.call("POST", &path, &json!({})).await);
    shop.clock().advance_ms(1);
    let answer = jane.call("POST", &path, &json!({})).await;
    assert_eq!(refusal(&answer), (409, "nothing_to_pay".into()));
    shop.settle_all().await;
    assert_eq!(jane.view_order().await["status"], "expired");
    assert_eq!(
        refusal(&jane.call("POST", &path, &json!({})).await),
        (409, "nothing_to_pay".into())
    );
    sound(&shop, &goods::small(world::MUGS)).await;
}

// The ground the shop stands on.

#[tokio::test]
async fn readiness_names_what_does_not_answer() {
    let shop = world::open().await;
    let ready = shop.send(Request::new("GET", "/health/ready")).await;
    assert_eq!(ready.status, 200, "{}", ready.text());
    let checks = json!(["database", "queues", "mail", "secrets"]);
    assert_eq!(ready.value(), json!({"status": "ok", "checks": checks}));
    for (operation, name) in [
        ("DescribeTable", "database"),
        ("GetQueueAttributes", "queues"),
        ("GetSendQuota", "mail"),
        ("DescribeSecret", "secrets"),
    ] {
        // Every attempt of the client fails.
        for attempt in 1..=3 {
            let plan = Plan::at_operation(attempt, FaultKind::FailBefore, operation);
            shop.wire().faults().arm(plan);
        }
        let answer = shop.send(Request::new("GET", "/health/ready")).await;
        assert_eq!(refusal(&answer), (503, "not_ready".into()), "{operation}");
        assert_eq!(answer.value()["failed"], json!([name]), "{operation}");
        assert_eq!(answer.header("retry-after"), Some("5"));
        shop.wire().faults().disarm();
    }
    assert_eq!(shop.send(Request::new("GET", "/health/ready")).await.status, 200);
}

#[tokio::test]
async fn a_start_without_configuration_names_everything_that_is_missing_at_once() {
    let shop = world::open().await;
    let platform = runtime::Platform {
        variables: [
            ("STAGE".to_owned(), "moon".to_owned()),
            ("ALLOWED_ORIGINS".to_owned(), "*".to_owned()),
        ]
        .into(),
        aws: shop.sdk_config(),
        clock: runtime::Clock::of(|| jiff::Timestamp::UNIX_EPOCH),
        ids: runtime::Ids::seeded(1),
    };
    let refused =
        runtime::Function::load(checkout::ENDPOINTS, "checkout.store.complete", &platform);
    let said = refused.unwrap_err().to_string();
    for name in [
        "TABLE_CARTS",
        "TABLE_CATALOG",
        "TABLE_EPHEMERAL",
        "TABLE_INVENTORY",
        "TABLE_LEDGER",
        "TABLE_ORDERS",
        "SHOP_URL",
        "SECRET_STRIPE",
        "ALLOWED_ORIGINS: ",
        "STAGE: moon",
    ] {
        assert!(said.contains(name), "{name}: {said}");
    }
    let empty = runtime::Platform { variables: [].into(), ..platform };
    let said = |refused: Result<runtime::Function, _>| -> String {
        refused.map(drop).map_err(|fault: domain::fault::Fault| fault.to_string()).unwrap_err()
    };
    let mail = said(runtime::Function::load(
        notifications::ENDPOINTS,
        "notifications.jobs.deliver",
        &empty,
    ));
    for name in ["TABLE_ORDERS", "TABLE_EPHEMERAL", "SECRET_TOKENS", "MAIL_FROM", "SHOP_URL"] {
        assert!(mail.contains(&format!("{name} is missing")), "{name}: {mail}");
    }
}
