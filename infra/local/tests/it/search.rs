//! Searching: what a shopper finds, how soon, what it costs, and what becomes of the index when
//! its writer dies, comes twice or meets another.

use domain::catalog::{Content, Locale, Product, Slug, Status};
use domain::currency::Currency;
use domain::id::{ProductId, Ulid};
use domain::permission::Permission;
use local::{Options, Outcome, Response, Shop};
use serde_json::{Value, json};
use testkit::goods::{self, Goods, POSTER};
use wire::{FaultKind, Plan};

use crate::world::{self, Colleague, MUGS, Shopper, key, ok, refusal};

const LIST: &str = "/v1/store/products";
const SYNONYMS: &str = "/v1/admin/search/synonyms";
const STATUS: &str = "/v1/admin/search/status";
const REBUILD: &str = "/v1/admin/search/rebuild";
const WRITER: &str = "catalog.jobs.index_products";

/// A shop with the small goods, all of them indexed.
async fn indexed() -> (Shop, Goods) {
    let goods = goods::small(MUGS);
    let shop = world::open_with(Options::default(), &goods).await;
    shop.settle().await;
    (shop, goods)
}

/// What is not older than this is seen by every reader.
fn a_moment(shop: &Shop) {
    shop.clock().advance_ms(5_000);
}

/// A product like the small shop's mug, under another name.
fn product(goods: &Goods, number: u128, title: &str) -> Product {
    let mut product = goods.products[0].0.clone();
    product.id = ProductId::from_ulid(Ulid::from_parts(1_780_000_100_000, number));
    product.slug = Slug::parse(&format!("product-{number}")).unwrap();
    product.title = title.to_owned();
    product.description = String::new();
    product
}

async fn put(shop: &Shop, product: &Product) {
    let all = [(product.clone(), Vec::new())];
    shop.store().import_products(&all, Currency::EUR).await.unwrap();
}

async fn search(shop: &Shop, query: &str) -> Value {
    ok(Shopper::new(shop).get(&format!("{LIST}?{query}")).await)
}

fn titles(answer: &Value) -> Vec<&str> {
    answer["data"].as_array().unwrap().iter().map(|one| one["title"].as_str().unwrap()).collect()
}

/// The titles that are found for these words.
async fn found(shop: &Shop, words: &str) -> Vec<String> {
    let answer = search(shop, &format!("q={words}")).await;
    titles(&answer).into_iter().map(str::to_owned).collect()
}

async fn merchant(shop: &Shop) -> Colleague {
    let may = [Permission::SettingsRead, Permission::SettingsWrite];
    Colleague::of(shop, &format!("staff-{}", key()), &may).await
}

#[tokio::test]
async fn a_new_product_is_found_within_five_seconds() {
    let (shop, goods) = indexed().await;
    assert!(found(&shop, "teapot").await.is_empty());
    put(&shop, &product(&goods, 1, "Cast iron teapot")).await;
    shop.settle().await;
    // Whoever has just looked believes what they have seen for as long.
    shop.clock().advance_ms(4_999);
    assert!(found(&shop, "teapot").await.is_empty());
    shop.clock().advance_ms(1);
    assert_eq!(found(&shop, "teapot").await, ["Cast iron teapot"]);
}

#[tokio::test]
async fn what_is_archived_or_gone_is_not_found_any_more() {
    let (shop, goods) = indexed().await;
    let mut teapot = product(&goods, 1, "Cast iron teapot");
    put(&shop, &teapot).await;
    shop.settle().await;
    assert_eq!(found(&shop, "teapot").await.len(), 1);
    teapot.status = Status::Archived;
    put(&shop, &teapot).await;
    shop.settle().await;
    a_moment(&shop);
    assert!(found(&shop, "teapot").await.is_empty());
}

#[tokio::test]
async fn typos_are_forgiven_and_beginnings_are_enough() {
    let (shop, _) = indexed().await;
    assert_eq!(found(&shop, "mug").await, ["Blue mug"]);
    assert_eq!(found(&shop, "postre").await, ["The poster"]);
    assert_eq!(found(&shop, "temp").await.len(), 1);
    assert_eq!(found(&shop, "MUG-BLUE").await, ["Blue mug"]);
    assert!(found(&shop, "zeppelin").await.is_empty());
}

#[tokio::test]
async fn german_and_english_have_their_own_endings() {
    let (shop, goods) = indexed().await;
    let mut lamp = product(&goods, 1, "Lamp for small houses");
    let german = Content { title: Some("Lampe für kleine Häuser".to_owned()), description: None };
    lamp.translations.insert(Locale::parse("de").unwrap(), german);
    put(&shop, &lamp).await;
    shop.settle().await;
    for (query, shown) in [
        ("q=house%20lamps", "Lamp for small houses"),
        ("q=haus%20&locale=de", "Lampe für kleine Häuser"),
        ("q=lampen%20&locale=de-AT", "Lampe für kleine Häuser"),
    ] {
        assert_eq!(titles(&search(&shop, query).await), [shown], "{query}");
    }
    assert!(found(&shop, "lampen%20").await.is_empty());
}

#[tokio::test]
async fn a_german_shops_own_texts_have_german_endings() {
    let mut goods = goods::small(MUGS);
    let german = Locale::parse("de").unwrap();
    (goods.shop.default_locale, goods.shop.locales) = (german.clone(), vec![german]);
    let shop = world::open_with(Options::default(), &goods).await;
    put(&shop, &product(&goods, 1, "Lampe für kleine Häuser")).await;
    shop.settle().await;
    // Nobody says a language, and nothing is translated. The space ends the word.
    for words in ["haus%20", "lampen%20", "h%C3%A4usern%20"] {
        assert_eq!(found(&shop, words).await, ["Lampe für kleine Häuser"], "{words}");
    }
    let typed = "/v1/store/search/suggest?q=lampen%20";
    let suggested = ok(Shopper::new(&shop).get(typed).await);
    assert_eq!(suggested["data"][0]["title"], "Lampe für kleine Häuser");
}

#[tokio::test]
async fn a_shop_that_changes_its_language_is_indexed_anew() {
    let (shop, goods) = indexed().await;
    put(&shop, &product(&goods, 1, "Lampe für kleine Häuser")).await;
    shop.settle().await;
    assert!(found(&shop, "haus%20").await.is_empty());
    let boss = merchant(&shop).await;
    let settings = "/v1/admin/settings";
    let speak = async |locale: &str| {
        let tag = boss.tag(settings).await;
        let body = json!({"locales": ["en", "de"], "default_locale": locale});
        ok(boss.call_if(&tag, "PATCH", settings, &body).await);
        shop.settle().await;
        a_moment(&shop);
    };
    speak("de").await;
    assert_eq!(found(&shop, "haus%20").await, ["Lampe für kleine Häuser"]);
    assert_eq!(found(&shop, "mug").await, ["Blue mug"]);
    speak("en").await;
    assert!(found(&shop, "haus%20").await.is_empty());
}

#[tokio::test]
async fn synonyms_are_set_once_at_a_time_and_count_a_moment_later() {
    let (shop, _) = indexed().await;
    let merchant = merchant(&shop).await;
    assert!(found(&shop, "beaker%20").await.is_empty());
    let tag = merchant.tag(SYNONYMS).await;
    let groups = json!({"groups": [["Mug", "beaker"]]});
    let written = ok(merchant.call_if(&tag, "PUT", SYNONYMS, &groups).await);
    assert_eq!(written, json!({"groups": [["mug", "beaker"]], "version": 1}));
    let second = merchant.call_if(&tag, "PUT", SYNONYMS, &groups).await;
    assert_eq!(refusal(&second), (412, "if_match_failed".to_owned()));
    let alone = json!({"groups": [["mug", "beaker"], ["tea"]]});
    let tag = merchant.tag(SYNONYMS).await;
    let refused = merchant.call_if(&tag, "PUT", SYNONYMS, &alone).await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.value()["errors"][0]["code"], "synonym_alone");
    assert_eq!(refused.value()["errors"][0]["pointer"], "/groups/1");
    shop.settle().await;
    a_moment(&shop);
    assert_eq!(found(&shop, "beaker%20").await, ["Blue mug"]);
    let log = shop.audit_log().await.unwrap();
    assert!(log.iter().any(|link| link.entry.action == "search.set_synonyms"));
}

#[tokio::test]
async fn facets_are_counted_and_filtered_by() {
    let (shop, _) = indexed().await;
    let all = search(&shop, "facets=true").await;
    let total = all["total"].as_u64().unwrap();
    assert_eq!(total, all["data"].as_array().unwrap().len() as u64);
    let of = |answer: &Value, facet: &str, value: &str| {
        let values = answer["facets"]["values"][facet].as_array().unwrap();
        let found = values.iter().find(|one| one["value"] == value);
        found.map_or(0, |one| one["count"].as_u64().unwrap())
    };
    let digital = of(&all, "type", "digital");
    assert_eq!(digital + of(&all, "type", "physical"), total);
    let filtered = search(&shop, "facets=true&type=digital").await;
    assert_eq!(filtered["total"], digital);
    // The facet that is filtered by is counted as if it were not.
    assert_eq!(of(&filtered, "type", "physical"), total - digital);
    assert_eq!(of(&filtered, "available", "true"), digital);
    let ranges = all["facets"]["prices"].as_array().unwrap();
    let counted: u64 = ranges.iter().map(|range| range["count"].as_u64().unwrap()).sum();
    assert_eq!(counted, total);
    let cheap = search(&shop, "price_max=1500&sort=price").await;
    let prices: Vec<i64> = cheap["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["price_from"]["amount"].as_i64().unwrap())
        .collect();
    assert!(!prices.is_empty() && prices.is_sorted() && prices.iter().all(|one| *one <= 1_500));
}

#[tokio::test]
async fn a_cursor_goes_on_in_the_next_generation() {
    let (shop, goods) = indexed().await;
    for number in 1..=6 {
        put(&shop, &product(&goods, number, "Cast iron teapot")).await;
    }
    shop.settle().await;
    let first = search(&shop, "q=teapot&limit=4").await;
    assert_eq!((titles(&first).len(), &first["total"]), (4, &json!(6)));
    put(&shop, &product(&goods, 7, "Teapot")).await;
    shop.settle().await;
    a_moment(&shop);
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = search(&shop, &format!("q=teapot&limit=4&cursor={cursor}")).await;
    let ids = |answer: &Value| -> Vec<String> {
        answer["data"].as_array().unwrap().iter().map(|one| one["id"].to_string()).collect()
    };
    assert_eq!(rest["total"], 7);
    assert_eq!((ids(&rest).len(), &rest["next_cursor"]), (2, &Value::Null));
    assert!(ids(&rest).iter().all(|id| !ids(&first).contains(id)));
    let other = Shopper::new(&shop).get(&format!("{LIST}?q=mug&cursor={cursor}")).await;
    assert_eq!(refusal(&other), (400, "invalid_cursor".to_owned()));
}

#[tokio::test]
async fn somebody_who_types_is_told_what_they_may_mean() {
    let (shop, goods) = indexed().await;
    let categories = [domain::catalog::Category {
        id: domain::id::CategoryId::from_ulid(Ulid(9)),
        slug: Slug::parse("blue-things").unwrap(),
        title: "Blue things".to_owned(),
        description: String::new(),
        parent: None,
        position: 1,
        translations: std::collections::BTreeMap::new(),
        products: 0,
        version: 1,
    }];
    shop.store().import_categories(&categories).await.unwrap();
    for number in 1..=20 {
        put(&shop, &product(&goods, number, &format!("Blue teapot {number}"))).await;
    }
    shop.settle().await;
    let answer = ok(Shopper::new(&shop).get("/v1/store/search/suggest?q=blu").await);
    let data = answer["data"].as_array().unwrap();
    assert_eq!(data.len(), 10);
    assert_eq!(data[0], json!({"kind": "category", "title": "Blue things", "slug": "blue-things"}));
    assert!(data[1..].iter().all(|one| one["kind"] == "product"));
}

#[tokio::test]
async fn a_question_asks_no_table_and_s3_once_in_five_seconds() {
    for size in [10, 300] {
        let (shop, goods) = indexed().await;
        for number in 1..=size {
            put(&shop, &product(&goods, number, "Cast iron teapot")).await;
        }
        shop.settle().await;
        let mut seen = Vec::new();
        for query in ["q=teapot", "q=teapto&facets=true", "facets=true&available=true"] {
            search(&shop, query).await;
            let mark = shop.wire().recorder().mark();
            search(&shop, query).await;
            seen.push(shop.wire().recorder().since(mark).len());
            a_moment(&shop);
            let mark = shop.wire().recorder().mark();
            search(&shop, query).await;
            let calls = shop.wire().recorder().since(mark);
            let shown: Vec<_> =
                calls.iter().map(|one| (one.service.as_str(), one.operation.as_str())).collect();
            assert_eq!(shown, [("s3", "GetObject")], "{size} products, {query}");
            assert_eq!(calls[0].status, 304);
        }
        assert_eq!(seen, [0, 0, 0]);
    }
}

#[tokio::test]
async fn before_there_is_an_index_nothing_is_found_and_it_is_said() {
    let shop = world::open().await;
    let answer = Shopper::new(&shop).get(&format!("{LIST}?q=mug")).await;
    assert_eq!(refusal(&answer), (503, "search_not_ready".to_owned()));
    assert!(answer.header("retry-after").is_some());
    // The list itself needs none.
    assert!(!titles(&search(&shop, "sort=price").await).is_empty());
}

#[tokio::test]
async fn a_rebuild_is_asked_for_written_down_and_done_by_the_writer() {
    let (shop, _) = indexed().await;
    let merchant = merchant(&shop).await;
    let before = ok(merchant.get(STATUS).await);
    shop.clock().advance_ms(1_000);
    let asked = merchant.call("POST", REBUILD, &json!({})).await;
    assert_eq!(asked.status, 202, "{}", asked.text());
    let waits = ok(merchant.get(STATUS).await);
    assert_eq!(waits["generation"], before["generation"]);
    shop.settle().await;
    let after = ok(merchant.get(STATUS).await);
    let number = |status: &Value, name: &str| status[name].as_u64().unwrap();
    assert_eq!(number(&after, "generation"), number(&before, "generation") + 1);
    assert_eq!(after["documents"], before["documents"]);
    assert_eq!(after["waiting"], 0);
    assert!(after["rebuilt_at"].as_str() > before["rebuilt_at"].as_str());
    shop.clock().advance_ms(1);
    let invoked = shop.invoke("catalog.jobs.rebuild_search", json!({})).await;
    assert!(matches!(invoked, Outcome::Answered(_)));
    shop.settle().await;
    let last = ok(merchant.get(STATUS).await);
    assert_eq!(number(&last, "generation"), number(&after, "generation") + 1);
    a_moment(&shop);
    assert_eq!(found(&shop, "mug").await, ["Blue mug"]);
}

#[tokio::test]
async fn files_that_nobody_reads_any_more_are_deleted() {
    let (shop, goods) = indexed().await;
    let files = || shop.wire().s3().keys("fluxion-files-000000000000", "search/products/").len();
    let mut most = 0;
    for round in 0..4 {
        // Longer than a reader may be on its way.
        shop.clock().advance_ms(11 * 60 * 1000);
        let merchant = Colleague::of(
            &shop,
            &format!("merchant-{round}"),
            &[Permission::SettingsRead, Permission::SettingsWrite],
        )
        .await;
        // Equal goods are equal files: these are others each time.
        put(&shop, &product(&goods, 7, &format!("Bowl, {round} of them"))).await;
        let asked = merchant.call("POST", REBUILD, &json!({})).await;
        assert_eq!(asked.status, 202, "{}", asked.text());
        shop.settle().await;
        if round == 1 {
            most = files();
        }
    }
    // Those of the newest generation, and of the one before.
    assert_eq!(files(), most);
}

#[tokio::test]
async fn a_writer_that_dies_at_any_call_leaves_the_old_snapshot_whole() {
    let kinds =
        [FaultKind::FailBefore, FaultKind::LoseResponse, FaultKind::DieBefore, FaultKind::DieAfter];
    for kind in kinds {
        let mut at = 1;
        loop {
            let options = Options { sdk_attempts: 1, ..Options::default() };
            let goods = goods::small(MUGS);
            let shop = world::open_with(options, &goods).await;
            shop.settle().await;
            assert_eq!(found(&shop, "mug").await, ["Blue mug"]);
            put(&shop, &product(&goods, 1, "Cast iron teapot")).await;
            let filter: wire::Filter = Box::new(|call| call.caller == WRITER);
            shop.wire().faults().arm(Plan { at, kind, filter: Some(filter) });
            shop.settle().await;
            let has_fired = !shop.wire().faults().fired().is_empty();
            shop.wire().faults().reset();
            a_moment(&shop);
            // Whatever happened: what was there is found, cold and warm.
            assert_eq!(found(&shop, "mug").await, ["Blue mug"], "{kind:?} {at}");
            shop.cool_down();
            assert_eq!(found(&shop, "mug").await, ["Blue mug"], "{kind:?} {at}");
            // And the change comes in the end.
            shop.settle_all().await;
            a_moment(&shop);
            let teapots = found(&shop, "teapot").await;
            assert_eq!(teapots, ["Cast iron teapot"], "{kind:?} {at}");
            if !has_fired {
                break;
            }
            at += 1;
            assert!(at < 100, "the writer calls without end");
        }
    }
}

#[tokio::test]
async fn of_two_writers_at_once_both_changes_are_in_one_manifest() {
    let (shop, goods) = indexed().await;
    let (one, other) = (product(&goods, 1, "Teapot"), product(&goods, 2, "Kettle"));
    put(&shop, &one).await;
    put(&shop, &other).await;
    let event = |product: &Product, change: &str| {
        let body = json!({
            "ids": [product.id], "lexicon": false, "everything": false, "change": change,
        });
        json!({"Records": [{"messageId": change, "receiptHandle": "x", "body": body.to_string()}]})
    };
    // Past the queue, which would not let them be two.
    let (first, second) = tokio::join!(
        shop.invoke(WRITER, event(&one, "1")),
        shop.invoke(WRITER, event(&other, "2"))
    );
    for outcome in [first, second] {
        let Outcome::Answered(answer) = outcome else { panic!("{outcome:?}") };
        assert_eq!(answer["batchItemFailures"], json!([]));
    }
    a_moment(&shop);
    assert_eq!(found(&shop, "teapot").await, ["Teapot"]);
    assert_eq!(found(&shop, "kettle").await, ["Kettle"]);
}

#[tokio::test]
async fn whoever_reads_while_generations_change_is_always_answered() {
    let (shop, goods) = indexed().await;
    let reader = {
        let shop = shop.clone();
        tokio::spawn(async move {
            for _ in 0..60 {
                assert_eq!(found(&shop, "mug").await, ["Blue mug"]);
                a_moment(&shop);
                tokio::task::yield_now().await;
            }
        })
    };
    for number in 1..=12 {
        put(&shop, &product(&goods, number, "Cast iron teapot")).await;
        shop.settle().await;
    }
    reader.await.unwrap();
    a_moment(&shop);
    assert_eq!(found(&shop, "teapot").await.len(), 12);
}

#[tokio::test]
async fn a_sale_tells_the_index_only_when_something_can_not_be_bought_any_more() {
    let (shop, _) = indexed().await;
    let writes = |shop: &Shop| {
        let totals = shop.metrics();
        totals.get(WRITER).map_or(0, |one| one.calls)
    };
    let before = writes(&shop);
    let mut shopper = Shopper::guest(&shop).await;
    shopper.ready(goods::MUG, 1).await;
    assert_eq!(shopper.complete().await.status, 201);
    shop.settle().await;
    assert_eq!(writes(&shop), before);
    let mut shopper = Shopper::guest(&shop).await;
    shopper.ready(POSTER, 1).await;
    assert_eq!(shopper.complete().await.status, 201);
    shop.settle().await;
    assert_eq!(writes(&shop), before + 1);
    a_moment(&shop);
    let left: Response = Shopper::new(&shop).get(&format!("{LIST}?q=poster&available=true")).await;
    assert_eq!(ok(left)["total"], 0);
}
