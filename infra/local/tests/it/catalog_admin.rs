//! Products as staff makes them: from a draft to the archive, prices in time, names, lists, words.

use domain::catalog::Sku;
use domain::permission::Permission::{OrdersRead, ProductsRead, ProductsWrite};
use domain::stock::StockLevel;
use futures_util::future::join_all;
use local::{Options, Request, Response, Shop};
use serde_json::{Value, json};
use testkit::goods::{self, MUG};

use crate::crowd;
use crate::world::{self, Colleague, Shopper, ok, refusal};

const PRODUCTS: &str = "/v1/admin/products";
const DAY_MS: i64 = 86_400_000;
const SCHEDULE: &str = "catalog.jobs.apply_schedule";

fn is(answer: &Response, status: u16, code: &str) {
    assert_eq!(refusal(answer), (status, code.to_owned()), "{}", answer.text());
}

fn euros(amount: i64) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

/// Somebody who works here and may change goods.
async fn merchant(shop: &Shop) -> Colleague {
    Colleague::of(shop, "mary", &[ProductsRead, ProductsWrite]).await
}

/// Makes something and answers its body.
async fn make(mary: &Colleague, target: &str, body: &Value) -> Value {
    let answer = mary.call("POST", target, body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert!(answer.header("etag").is_some());
    answer.value()
}

/// A draft of a tee in two sizes for € 20.
async fn tee(mary: &Colleague) -> Value {
    let body = json!({
        "slug": "plain-tee", "title": "Plain tee", "description": "White.\nSoft.",
        "type": "physical", "sku_prefix": "TEE", "prices": [euros(2000)], "weight_grams": 180,
        "options": [{"name": "Size", "values": ["S", "M"]}],
    });
    make(mary, PRODUCTS, &body).await
}

fn at(product: &Value, rest: &str) -> String {
    format!("{PRODUCTS}/{}{rest}", product["id"].as_str().unwrap())
}

/// Where something of a variant lies.
fn of_variant(product: &Value, number: usize, rest: &str) -> String {
    let id = product["variants"][number]["id"].as_str().unwrap();
    at(product, &format!("/variants/{id}{rest}"))
}

/// Changes what has not changed since this moment.
async fn change(mary: &Colleague, product: &Value, method: &str, to: &str, body: &Value) -> Value {
    let tag = mary.tag(&at(product, "")).await;
    ok(mary.call_if(&tag, method, to, body).await)
}

async fn publish(mary: &Colleague, product: &Value) -> Value {
    ok(mary.call("POST", &at(product, "/publish"), &json!({})).await)
}

async fn slugs(who: &Shopper, query: &str) -> Vec<String> {
    let list = ok(who.get(&format!("/v1/store/products?{query}")).await);
    let slug = |one: &Value| one["slug"].as_str().unwrap().to_owned();
    list["data"].as_array().unwrap().iter().map(slug).collect()
}

async fn stock(shop: &Shop, sku: &str, units: i64) {
    let level = (Sku::parse(sku).unwrap(), StockLevel::received(units));
    shop.store().import_stock(&[level]).await.unwrap();
    shop.settle().await;
}

async fn noted(shop: &Shop, action: &str) -> usize {
    shop.settle().await;
    let links = shop.audit_log().await.unwrap();
    links.iter().filter(|link| link.entry.action == action).count()
}

#[tokio::test]
async fn from_a_draft_to_sold_to_the_archive() {
    let shop = world::open().await;
    let (mary, nobody) = (merchant(&shop).await, Shopper::new(&shop));
    let draft = tee(&mary).await;
    assert_eq!(draft["status"], "draft");
    let skus: Vec<_> = draft["variants"].as_array().unwrap().iter().map(|v| &v["sku"]).collect();
    assert_eq!(skus, ["TEE-S", "TEE-M"]);
    assert_eq!(draft["variants"][0]["title"], "S");

    // Nobody sees a draft, and nobody buys one.
    assert_eq!(nobody.get("/v1/store/products/plain-tee").await.status, 404);
    assert!(!slugs(&nobody, "limit=100").await.contains(&"plain-tee".to_owned()));
    let mut jane = Shopper::guest(&shop).await;
    let put = json!({"variant_id": draft["variants"][1]["id"], "quantity": 1});
    let lines = format!("/v1/store/carts/{}/lines", jane.cart);
    is(&jane.call("POST", &lines, &put).await, 409, "variant_unavailable");

    let sold = publish(&mary, &draft).await;
    assert_eq!(sold["status"], "active");
    stock(&shop, "TEE-M", 3).await;
    let view = ok(nobody.get("/v1/store/products/plain-tee").await);
    assert_eq!(view["variants"][1]["available"], 3);
    assert_eq!(view["price_from"], euros(2000));
    assert_eq!(slugs(&nobody, "limit=1").await, ["plain-tee"]);
    ok(jane.call("POST", &lines, &put).await);
    jane.addresses().await;
    jane.ship_by("home-standard").await;
    assert_eq!(jane.complete().await.status, 201);

    is(&mary.call("POST", &at(&draft, "/publish"), &json!({})).await, 409, "invalid_transition");
    ok(mary.call("POST", &at(&draft, "/archive"), &json!({})).await);
    assert_eq!(nobody.get("/v1/store/products/plain-tee").await.status, 404);
    assert!(!slugs(&nobody, "limit=100").await.contains(&"plain-tee".to_owned()));
    let joe = Shopper::guest(&shop).await;
    let lines = format!("/v1/store/carts/{}/lines", joe.cart);
    is(&joe.call("POST", &lines, &put).await, 409, "variant_unavailable");
    // What may have been sold is not deleted.
    let tag = mary.tag(&at(&draft, "")).await;
    is(&mary.call_if(&tag, "DELETE", &at(&draft, ""), &json!({})).await, 409, "was_in_store");
    jane.pay("pm_card_visa");
    shop.settle().await;
    assert_eq!(jane.view_order().await["lines"][0]["title"], "Plain tee");
    for action in ["product.create", "product.publish", "product.archive"] {
        assert_eq!(noted(&shop, action).await, 1, "{action}");
    }
}

#[tokio::test]
async fn of_fifty_who_change_one_product_at_once_one_does() {
    let shop = world::open().await;
    let mary = merchant(&shop).await;
    let tee = tee(&mary).await;
    for round in 0..20 {
        let tag = mary.tag(&at(&tee, "")).await;
        let target = at(&tee, "");
        let edits = (0..50).map(|client| {
            let (mary, tag, target) = (mary.clone(), tag.clone(), target.clone());
            async move {
                let body = json!({"title": format!("Round {round} by {client}")});
                mary.call_if(&tag, "PATCH", &target, &body).await
            }
        });
        let answers = join_all(edits).await;
        let count = |status| answers.iter().filter(|one| one.status == status).count();
        assert_eq!((count(200), count(412)), (1, 49), "round {round}");
        let winner = answers.iter().find(|one| one.status == 200).unwrap().value();
        let now = ok(mary.get(&target).await);
        assert_eq!(now["title"], winner["title"]);
        assert_eq!(now["version"], 2 + round);
        // Requests are counted by the minute.
        shop.clock().advance_ms(20_000);
    }
    assert_eq!(noted(&shop, "product.change").await, 20);
}

#[tokio::test]
async fn a_name_that_was_in_the_store_leads_to_the_one_that_is() {
    let shop = world::open().await;
    let (mary, nobody) = (merchant(&shop).await, Shopper::new(&shop));
    let tee = tee(&mary).await;
    // Nobody has seen the name of a draft: it is free again.
    change(&mary, &tee, "PATCH", &at(&tee, ""), &json!({"slug": "white-tee"})).await;
    let other = json!({"slug": "plain-tee", "title": "Another", "type": "digital"});
    let other = make(&mary, PRODUCTS, &other).await;
    publish(&mary, &tee).await;
    for slug in ["tee-one", "tee-two"] {
        change(&mary, &tee, "PATCH", &at(&tee, ""), &json!({"slug": slug})).await;
    }
    for old in ["white-tee", "tee-one"] {
        let moved = nobody.get(&format!("/v1/store/products/{old}")).await;
        assert_eq!(moved.status, 301, "{old}");
        assert_eq!(moved.header("location"), Some("/v1/store/products/tee-two"));
        assert!(moved.header("cache-control").unwrap().starts_with("public"));
        // And nobody else takes it.
        let tag = mary.tag(&at(&other, "")).await;
        let body = json!({"slug": old});
        is(&mary.call_if(&tag, "PATCH", &at(&other, ""), &body).await, 409, "slug_taken");
    }
    // Its own product takes it back.
    change(&mary, &tee, "PATCH", &at(&tee, ""), &json!({"slug": "tee-one"})).await;
    ok(nobody.get("/v1/store/products/tee-one").await);
    assert_eq!(nobody.get("/v1/store/products/tee-two").await.status, 301);
}

#[tokio::test]
async fn a_sale_begins_and_ends_by_the_clock_and_the_list_follows() {
    let shop = world::open().await;
    let (mary, nobody) = (merchant(&shop).await, Shopper::new(&shop));
    let tee = tee(&mary).await;
    publish(&mary, &tee).await;
    let day = |days: i64| {
        let ms = shop.clock().now_ms() + days * DAY_MS;
        jiff::Timestamp::from_millisecond(ms).unwrap().to_string()
    };
    // Cheaper than the socks for a day, tomorrow.
    let sale = json!({"price": euros(500), "from": day(1), "until": day(2)});
    for number in [0, 1] {
        let body = json!({"prices": [euros(2000)], "sales": [sale]});
        change(&mary, &tee, "PUT", &of_variant(&tee, number, "/prices"), &body).await;
    }
    let jane = Shopper::guest(&shop).await;
    let put = json!({"variant_id": tee["variants"][0]["id"], "quantity": 2});
    ok(jane.call("POST", &format!("/v1/store/carts/{}/lines", jane.cart), &put).await);
    let subtotal = async || jane.view_cart().await["totals"]["subtotal"]["amount"].clone();
    let cheapest = async || slugs(&nobody, "sort=price_asc&limit=1").await.remove(0);
    assert_eq!((subtotal().await, cheapest().await), (json!(4000), "socks".to_owned()));

    shop.clock().advance_ms(DAY_MS);
    assert_eq!(subtotal().await, 1000);
    let view = ok(nobody.get("/v1/store/products/plain-tee").await);
    assert_eq!(view["price_from"], euros(500));
    assert_eq!(view["variants"][0]["compare_at"], euros(2000));
    assert_eq!(view["variants"][0]["lowest_30d"], euros(2000));
    let mary = mary_again(&mary).await;
    let version = ok(mary.get(&at(&tee, "")).await)["version"].clone();
    shop.run_job(SCHEDULE).await;
    assert_eq!(cheapest().await, "plain-tee");
    // Twice does nothing, and time alone is no new version.
    shop.run_job(SCHEDULE).await;
    assert_eq!(ok(mary.get(&at(&tee, "")).await)["version"], version);

    shop.clock().advance_ms(DAY_MS);
    assert_eq!(subtotal().await, 4000);
    let view = ok(nobody.get("/v1/store/products/plain-tee").await);
    assert_eq!(view["variants"][0].get("compare_at"), None);
    shop.run_job(SCHEDULE).await;
    assert_eq!(cheapest().await, "socks");
}

/// The same person, signed in anew.
async fn mary_again(mary: &Colleague) -> Colleague {
    let mut mary = mary.clone();
    mary.sign_in().await;
    mary
}

#[tokio::test]
async fn a_reduced_price_is_shown_with_the_lowest_of_thirty_days() {
    let shop = world::open().await;
    let (mut mary, nobody) = (merchant(&shop).await, Shopper::new(&shop));
    let tee = tee(&mary).await;
    publish(&mary, &tee).await;
    let prices = of_variant(&tee, 0, "/prices");
    let later = async |mary: &mut Colleague, days: i64| {
        shop.clock().advance_ms(days * DAY_MS);
        mary.sign_in().await;
    };
    let now = || shop.clock().now().to_string();
    // € 15 for a week, long before; then € 18 for a day; then € 30 and “reduced” to € 19.
    for (days, amount) in [(1, 1500), (7, 2000), (40, 1800), (1, 3000), (5, 3000)] {
        later(&mut mary, days).await;
        change(&mary, &tee, "PUT", &prices, &json!({"prices": [euros(amount)]})).await;
    }
    let sale = json!({"price": euros(1900), "from": now()});
    let body = json!({"prices": [euros(3000)], "sales": [sale]});
    change(&mary, &tee, "PUT", &prices, &body).await;
    let shown = ok(nobody.get("/v1/store/products/plain-tee").await)["variants"][0].clone();
    assert_eq!(shown["price"], euros(1900));
    assert_eq!(shown["compare_at"], euros(3000));
    assert_eq!(shown["lowest_30d"], euros(1800));
    // All of it stands in the log, newest first.
    let log = ok(mary.get(&at(&tee, "/price_log?limit=100")).await);
    let first = tee["variants"][0]["id"].clone();
    let amounts: Vec<i64> = log["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["variant_id"] == first)
        .map(|entry| entry["prices"][0]["amount"].as_i64().unwrap())
        .collect();
    assert_eq!(amounts, [3000, 3000, 1800, 2000, 1500, 2000]);
}

#[tokio::test]
async fn a_draft_is_published_on_its_day() {
    let shop = world::open().await;
    let (mary, nobody) = (merchant(&shop).await, Shopper::new(&shop));
    let tee = tee(&mary).await;
    let at_ms = shop.clock().now_ms() + 600_000;
    let day = jiff::Timestamp::from_millisecond(at_ms).unwrap().to_string();
    change(&mary, &tee, "PATCH", &at(&tee, ""), &json!({"publish_at": day})).await;
    shop.run_job(SCHEDULE).await;
    assert_eq!(nobody.get("/v1/store/products/plain-tee").await.status, 404);
    shop.clock().advance_ms(600_000);
    shop.run_job(SCHEDULE).await;
    ok(nobody.get("/v1/store/products/plain-tee").await);
    assert_eq!(slugs(&nobody, "limit=1").await, ["plain-tee"]);
    let product = ok(mary.get(&at(&tee, "")).await);
    assert_eq!((&product["status"], &product["publish_at"]), (&json!("active"), &Value::Null));
    assert_eq!(noted(&shop, "product.publish").await, 1);
}

#[tokio::test]
async fn options_grow_and_variants_stay() {
    let shop = world::open().await;
    let mary = merchant(&shop).await;
    let tee = tee(&mary).await;
    let options = json!([
        {"name": "Size", "values": ["S", "M", "L"]}, {"name": "Colour", "values": ["White", "Red"]},
    ]);
    let body = json!({"options": options, "sku_prefix": "TEE", "prices": [euros(2200)]});
    let grown = change(&mary, &tee, "PUT", &at(&tee, "/options"), &body).await;
    let titles: Vec<_> = grown["variants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v["title"].as_str().unwrap())
        .collect();
    assert_eq!(titles, ["S / White", "M / White", "S / Red", "M / Red", "L / White", "L / Red"]);
    assert_eq!(grown["variants"][0]["id"], tee["variants"][0]["id"]);
    assert_eq!(grown["variants"][0]["prices"], json!([euros(2000)]));
    let tag = mary.tag(&at(&tee, "")).await;
    let fewer = json!({"options": [{"name": "Size", "values": ["S"]}, options[1]]});
    let refused = mary.call_if(&tag, "PUT", &at(&tee, "/options"), &fewer).await;
    is(&refused, 409, "value_in_use");
    assert_eq!(refused.value()["value"], "M");

    // A hundred at once, more than one transaction holds.
    let many: Vec<String> = (0..10).map(|n| format!("{n}")).collect();
    let body = json!({
        "slug": "grid", "title": "Grid", "type": "physical", "sku_prefix": "GRID",
        "prices": [euros(100)],
        "options": [{"name": "A", "values": many}, {"name": "B", "values": many}],
    });
    let grid = make(&mary, PRODUCTS, &body).await;
    assert_eq!(grid["variants"].as_array().unwrap().len(), 100);
    publish(&mary, &grid).await;
    // Offers that found no room in the transaction followed it.
    let jane = Shopper::guest(&shop).await;
    let lines = format!("/v1/store/carts/{}/lines", jane.cart);
    for number in [0, 50, 99] {
        let put = json!({"variant_id": grid["variants"][number]["id"], "quantity": 1});
        ok(jane.call("POST", &lines, &put).await);
    }
    shop.run_job(SCHEDULE).await;
    let tag = mary.tag(&at(&grid, "")).await;
    let values: Vec<String> = (0..101).map(|n| n.to_string()).collect();
    let extra = json!({"options": [{"name": "A", "values": values}]});
    assert_eq!(mary.call_if(&tag, "PUT", &at(&grid, "/options"), &extra).await.status, 400);
}

#[tokio::test]
async fn a_sku_is_one_variants_alone() {
    let shop = world::open().await;
    let mary = merchant(&shop).await;
    let tee = tee(&mary).await;
    let sku = json!({"sku": MUG.sku});
    let tag = mary.tag(&at(&tee, "")).await;
    let refused = mary.call_if(&tag, "PATCH", &of_variant(&tee, 0, ""), &sku).await;
    is(&refused, 409, "sku_taken");
    assert_eq!(refused.value()["sku"], MUG.sku);
    let twin = json!({"sku": "TEE-M"});
    let refused = mary.call_if(&tag, "PATCH", &of_variant(&tee, 0, ""), &twin).await;
    is(&refused, 409, "same_sku");
    // Moved on change: the old one is free.
    change(&mary, &tee, "PATCH", &of_variant(&tee, 0, ""), &json!({"sku": "TEE-SMALL"})).await;
    let body = json!({
        "slug": "other", "title": "Other", "type": "physical", "sku_prefix": "TEE-S",
    });
    make(&mary, PRODUCTS, &body).await;
    // A line holds as many as the variant says.
    let few = json!({"quantity_max": 2});
    change(&mary, &tee, "PATCH", &of_variant(&tee, 0, ""), &few).await;
    publish(&mary, &tee).await;
    let jane = Shopper::guest(&shop).await;
    let put = json!({"variant_id": tee["variants"][0]["id"], "quantity": 3});
    let refused = jane.call("POST", &format!("/v1/store/carts/{}/lines", jane.cart), &put).await;
    is(&refused, 409, "quantity_limit");
    assert_eq!(refused.value()["quantity_max"], 2);
    // Taken out, it is gone from carts, and its SKU is free.
    change(&mary, &tee, "DELETE", &of_variant(&tee, 0, ""), &json!({})).await;
    let put = json!({"variant_id": tee["variants"][0]["id"], "quantity": 1});
    let refused = jane.call("POST", &format!("/v1/store/carts/{}/lines", jane.cart), &put).await;
    is(&refused, 400, "invalid_request");
    let again = json!({"sku": "TEE-SMALL", "options": [{"name": "Size", "value": "S"}]});
    make(&mary, &at(&tee, "/variants"), &again).await;
}

#[tokio::test]
async fn what_was_never_in_the_store_is_deleted_with_its_names() {
    let shop = world::open().await;
    let mary = merchant(&shop).await;
    let first = tee(&mary).await;
    let tag = mary.tag(&at(&first, "")).await;
    let gone = mary.call_if(&tag, "DELETE", &at(&first, ""), &json!({})).await;
    assert_eq!(gone.status, 204, "{}", gone.text());
    assert_eq!(mary.get(&at(&first, "")).await.status, 404);
    let again = tee(&mary).await;
    assert_ne!(again["id"], first["id"]);
}

#[tokio::test]
async fn categories_are_a_tree() {
    let shop = world::open().await;
    let (mary, nobody) = (merchant(&shop).await, Shopper::new(&shop));
    let all = "/v1/admin/categories";
    for (slug, parent) in [("clothes", None), ("tops", Some("clothes")), ("tees", Some("tops"))] {
        let body = json!({"slug": slug, "title": slug, "parent": parent});
        make(&mary, all, &body).await;
    }
    let body = json!({"slug": "tops", "title": "Again"});
    is(&mary.call("POST", all, &body).await, 409, "slug_taken");
    let edit = async |slug: &str, method: &str, body: Value| {
        let shown = ok(mary.get(all).await);
        let one = shown["data"].as_array().unwrap().iter().find(|c| c["slug"] == slug).unwrap();
        let tag = format!("\"v{}\"", one["version"]);
        mary.call_if(&tag, method, &format!("{all}/{slug}"), &body).await
    };
    is(&edit("clothes", "PATCH", json!({"parent": "tees"})).await, 409, "category_circle");
    is(&edit("clothes", "PATCH", json!({"parent": "nowhere"})).await, 400, "invalid_request");
    is(&edit("clothes", "DELETE", json!({})).await, 409, "category_not_empty");
    assert_eq!(ok(edit("tees", "PATCH", json!({"is_top": true})).await)["parent"], Value::Null);
    let tee = tee(&mary).await;
    let listed = json!({"categories": ["tees"]});
    change(&mary, &tee, "PATCH", &at(&tee, ""), &listed).await;
    is(&edit("tees", "DELETE", json!({})).await, 409, "category_not_empty");
    publish(&mary, &tee).await;
    assert_eq!(slugs(&nobody, "category=tees").await, ["plain-tee"]);
    change(&mary, &tee, "PATCH", &at(&tee, ""), &json!({"categories": []})).await;
    assert_eq!(slugs(&nobody, "category=tees").await, Vec::<String>::new());
    assert_eq!(edit("tees", "DELETE", json!({})).await.status, 204);
    let tag = mary.tag(&at(&tee, "")).await;
    let refused = mary.call_if(&tag, "PATCH", &at(&tee, ""), &listed).await;
    is(&refused, 400, "invalid_request");
    assert_eq!(refused.value()["errors"][0]["pointer"], "/categories/0");
    // Two moves at once make no circle.
    let (one, two) = tokio::join!(
        edit("clothes", "PATCH", json!({"parent": "tops"})),
        edit("tops", "PATCH", json!({"is_top": true})),
    );
    assert!([200, 409, 412].contains(&one.status), "{}", one.text());
    assert!([200, 412].contains(&two.status), "{}", two.text());
    let shown = ok(mary.get(all).await);
    let tree = shown["data"].as_array().unwrap();
    for one in tree {
        let (mut at, mut levels) = (Some(one), 0);
        while let Some(category) = at {
            levels += 1;
            assert!(levels <= 5, "{tree:?}");
            at = tree.iter().find(|other| other["slug"] == category["parent"]);
        }
    }
}

#[tokio::test]
async fn collections_are_made_by_hand_or_by_a_rule() {
    let shop = world::open().await;
    let (mary, nobody) = (merchant(&shop).await, Shopper::new(&shop));
    let all = "/v1/admin/collections";
    let found = ok(nobody.get("/v1/store/products?sort=oldest").await);
    let ids: Vec<Value> =
        found["data"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
    // By hand, in an order that no sort gives.
    let body = json!({"slug": "window", "title": "Window", "products": [ids[3], ids[0], ids[2]]});
    make(&mary, all, &body).await;
    shop.run_job(SCHEDULE).await;
    let listed = async || slugs(&nobody, "collection=window").await;
    assert_eq!(listed().await, ["socks", "blue-mug", "landing-template"]);
    let at_window = format!("{all}/window");
    let tag = mary.tag(&at_window).await;
    ok(mary.call_if(&tag, "PATCH", &at_window, &json!({"products": [ids[0], ids[3]]})).await);
    shop.run_job(SCHEDULE).await;
    assert_eq!(listed().await, ["blue-mug", "socks"]);

    // By a rule: physical, and not dear.
    let conditions = json!([{"type": "physical"}, {"price_max": euros(2000)}]);
    let body = json!({"slug": "cheap", "title": "Cheap", "conditions": conditions});
    make(&mary, all, &body).await;
    shop.run_job(SCHEDULE).await;
    let cheap = async || slugs(&nobody, "collection=cheap&sort=title").await;
    assert_eq!(cheap().await, ["blue-mug", "socks"]);
    // What is written later is sorted in with the write.
    let tee = tee(&mary).await;
    publish(&mary, &tee).await;
    assert_eq!(cheap().await, ["blue-mug", "plain-tee", "socks"]);
    let dear = json!({"prices": [euros(2001)]});
    for number in [0, 1] {
        change(&mary, &tee, "PUT", &of_variant(&tee, number, "/prices"), &dear).await;
    }
    assert_eq!(cheap().await, ["blue-mug", "socks"]);
    for slug in ["cheap", "window"] {
        let target = format!("{all}/{slug}");
        let tag = mary.tag(&target).await;
        assert_eq!(mary.call_if(&tag, "DELETE", &target, &json!({})).await.status, 204);
        assert_eq!(mary.get(&target).await.status, 404);
    }
    shop.run_job(SCHEDULE).await;
    assert_eq!((listed().await.len(), cheap().await.len()), (0, 0));
    // The name is free again.
    make(&mary, all, &json!({"slug": "cheap", "title": "Cheap", "products": []})).await;
}

#[tokio::test]
async fn attributes_have_types_and_products_have_values() {
    let shop = world::open().await;
    let mary = merchant(&shop).await;
    let all = "/v1/admin/attributes";
    let choice =
        json!({"code": "material", "title": "Material", "type": "choice", "choices": ["wool"]});
    make(&mary, all, &choice).await;
    is(&mary.call("POST", all, &choice).await, 409, "code_taken");
    make(&mary, all, &json!({"code": "grams", "title": "Weight", "type": "number"})).await;
    let tee = tee(&mary).await;
    let values = json!([{"code": "material", "text": "wool"}, {"code": "grams", "number": 180}]);
    let body = json!({"attributes": values});
    let changed = change(&mary, &tee, "PATCH", &at(&tee, ""), &body).await;
    assert_eq!(changed["attributes"][1], json!({"code": "material", "text": "wool"}));
    let tag = mary.tag(&at(&tee, "")).await;
    let wrong = json!({"attributes": [
        {"code": "material", "text": "tin"}, {"code": "grams", "text": "180"},
        {"code": "colour", "text": "red"},
    ]});
    let refused = mary.call_if(&tag, "PATCH", &at(&tee, ""), &wrong).await;
    is(&refused, 400, "invalid_request");
    let codes: Vec<_> = refused.value()["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|flaw| flaw["code"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(codes, ["not_a_choice", "wrong_attribute_type", "unknown_attribute"]);
    let target = format!("{all}/material");
    let body = json!({"choices": ["wool", "tin"]});
    ok(mary.call_if("\"v1\"", "PATCH", &target, &body).await);
    assert_eq!(mary.call_if("\"v2\"", "DELETE", &target, &json!({})).await.status, 204);
    assert_eq!(ok(mary.get(all).await)["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_one_language_does_not_say_is_said_by_the_next() {
    let shop = world::open().await;
    let (mary, nobody) = (merchant(&shop).await, Shopper::new(&shop));
    let tee = tee(&mary).await;
    publish(&mary, &tee).await;
    let say = async |locale: &str, body: Value| {
        let target = at(&tee, &format!("/translations/{locale}"));
        change(&mary, &tee, "PUT", &target, &body).await
    };
    say("de", json!({"title": "Schlichtes Hemd", "description": "Weiß."})).await;
    say("de-AT", json!({"title": "Schlichtes Leiberl"})).await;
    let seen = async |locale: &str| {
        let query = format!("/v1/store/products/plain-tee?locale={locale}");
        let view = ok(nobody.get(&query).await);
        let text = |name: &str| view[name].as_str().unwrap().to_owned();
        (text("title"), text("description"))
    };
    assert_eq!(seen("de-AT").await, ("Schlichtes Leiberl".into(), "Weiß.".into()));
    assert_eq!(seen("de-CH").await, ("Schlichtes Hemd".into(), "Weiß.".into()));
    assert_eq!(seen("fr").await, ("Plain tee".into(), "White.\nSoft.".into()));
    let list = ok(nobody.get("/v1/store/products?limit=1&locale=de").await);
    assert_eq!(list["data"][0]["title"], "Schlichtes Hemd");
    let missing = async |locale: &str| {
        let report = format!("{PRODUCTS}/missing_translations?locale={locale}&limit=100");
        let report = ok(mary.get(&report).await);
        report["data"].as_array().unwrap().iter().any(|one| one["slug"] == "plain-tee")
    };
    assert_eq!(
        [missing("de").await, missing("de-AT").await, missing("fr").await],
        [false, false, true]
    );
    let target = at(&tee, "/translations/de");
    change(&mary, &tee, "DELETE", &target, &json!({})).await;
    assert!(missing("de").await);
    let tag = mary.tag(&at(&tee, "")).await;
    assert_eq!(mary.call_if(&tag, "DELETE", &target, &json!({})).await.status, 404);

    make(&mary, "/v1/admin/categories", &json!({"slug": "tees", "title": "Tees"})).await;
    let words = json!({"title": "Hemden"});
    let target = "/v1/admin/categories/tees/translations/de";
    ok(mary.call_if("\"v1\"", "PUT", target, &words).await);
    let tree = ok(nobody.get("/v1/store/categories?locale=de-CH").await);
    assert_eq!(tree["data"][0]["title"], "Hemden");
    ok(mary.call_if("\"v2\"", "DELETE", target, &json!({})).await);
}

#[tokio::test]
async fn goods_are_changed_by_those_who_may_and_as_they_were_seen() {
    let shop = world::open().await;
    let mary = merchant(&shop).await;
    let tee = tee(&mary).await;
    let reader = Colleague::of(&shop, "rita", &[ProductsRead]).await;
    let other = Colleague::of(&shop, "otto", &[OrdersRead]).await;
    ok(reader.get(PRODUCTS).await);
    is(&reader.call("POST", PRODUCTS, &json!({})).await, 403, "forbidden");
    is(&other.get(PRODUCTS).await, 403, "forbidden");
    let title = json!({"title": "T"});
    is(&mary.call("PATCH", &at(&tee, ""), &title).await, 428, "if_match_required");
    is(&mary.call_if("\"v9\"", "PATCH", &at(&tee, ""), &title).await, 412, "if_match_failed");
    // What is not ours to be told is refused, not ignored.
    for foreign in ["status", "version", "id", "available", "price"] {
        let body = json!({"title": "T", foreign: 1});
        let refused = mary.call_if("\"v1\"", "PATCH", &at(&tee, ""), &body).await;
        is(&refused, 400, "invalid_request");
        assert_eq!(refused.value()["errors"][0]["code"], "unknown_field");
    }
    shop.clock().advance_ms(1_000);
    // The same key makes one product.
    let body = json!({"slug": "once", "title": "Once", "type": "digital"});
    let ask = || Request::new("POST", PRODUCTS).header("idempotency-key", "once").json(&body);
    let (first, again) = (mary.send(ask()).await, mary.send(ask()).await);
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(first.value()["id"], again.value()["id"]);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    let bare = mary.call("POST", &at(&first.value(), "/publish"), &json!({})).await;
    is(&bare, 409, "nothing_to_sell");
    // By page and by status.
    let page = ok(mary.get(&format!("{PRODUCTS}?status=draft&limit=1")).await);
    assert_eq!(page["data"][0]["slug"], "once");
    let cursor = page["next_cursor"].as_str().unwrap();
    let next = format!("{PRODUCTS}?status=draft&limit=1&cursor={cursor}");
    assert_eq!(ok(mary.get(&next).await)["data"][0]["slug"], "plain-tee");
    assert_eq!(reader.get(&next).await.status, 400, "a cursor is its owner's");
}

#[tokio::test]
async fn a_list_of_twenty_and_a_view_are_small() {
    let shop = world::open_with(Options::default(), &crowd::goods(60)).await;
    let nobody = Shopper::new(&shop);
    let list = nobody.get("/v1/store/products?limit=20&fields=card").await.text().len();
    let whole = nobody.get("/v1/store/products?limit=20").await;
    // What the contract promises of a list, and nothing beside it.
    let names: Vec<String> =
        whole.value()["data"][0].as_object().unwrap().keys().cloned().collect();
    let promised =
        ["description", "id", "images", "price_from", "slug", "title", "type", "variants"];
    assert_eq!(names, promised);
    let whole = whole.text().len();
    let view = nobody.get("/v1/store/products/socks").await.text().len();
    println!("list of 20: {list} bytes, with variants {whole}; view {view}");
    assert!(list <= 8 * 1024, "{list}");
    assert!(whole <= 20 * 425 + 256, "{whole}");
    assert!(view <= 2 * 1024, "{view}");
    let goods = goods::small(world::MUGS);
    assert_eq!(goods.products.len(), 4);
}
