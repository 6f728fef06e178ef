//! All that staff does with goods, from a category to the archive.

use local::{Response, Shop};
use serde_json::{Value, json};

use super::{Pace, Round, media, tag, text};
use crate::world::{Colleague, ok};

const PRODUCTS: &str = "/v1/admin/products";
const CATEGORIES: &str = "/v1/admin/categories";
const COLLECTIONS: &str = "/v1/admin/collections";
const ATTRIBUTES: &str = "/v1/admin/attributes";
const SCHEDULE: &str = "catalog.jobs.apply_schedule";

fn made(answer: &Response) -> Value {
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.value()
}

/// Everything that staff does with goods, and what the clock does with them.
pub(crate) async fn goods<P: Pace>(pace: &mut P, owner: &Colleague, round: Round) {
    let shop = owner.shop.clone();
    let name = |what: &str| format!("{what}-{}", round.0);
    let (shelf, below) = (name("shelf"), name("below"));
    order(pace, owner, &shelf, &below).await;
    let summer = name("summer");
    // A variant brings its product in by its price, and takes it out when it goes.
    let cheap = json!([{"price_max": {"amount": 500, "currency": "EUR"}}]);
    let body = json!({"slug": summer, "title": "Summer", "conditions": cheap});
    made(&pace.call(owner.call("POST", COLLECTIONS, &body)).await);
    let product = draft(pace, owner, round, &shelf).await;
    let at = format!("{PRODUCTS}/{}", text(&product, "id"));
    variants(pace, owner, &at, round).await;
    words(pace, owner, &at).await;
    pictures(pace, owner, &at, round).await;
    life(pace, &shop, owner, &at, &name("thing")).await;
    collections(pace, &shop, owner, &summer, &text(&product, "id")).await;
    let target = format!("{CATEGORIES}/{below}");
    let gone = pace.call(owner.call_if("\"v3\"", "DELETE", &target, &json!({}))).await;
    assert_eq!(gone.status, 204, "{}", gone.text());
}

/// Categories and attributes.
async fn order<P: Pace>(pace: &mut P, owner: &Colleague, shelf: &str, below: &str) {
    for (slug, parent) in [(shelf, None), (below, Some(shelf))] {
        let body = json!({"slug": slug, "title": "A shelf", "parent": parent});
        made(&pace.call(owner.call("POST", CATEGORIES, &body)).await);
    }
    ok(pace.call(owner.get(CATEGORIES)).await);
    let target = format!("{CATEGORIES}/{shelf}");
    let body = json!({"title": "The shelf", "position": 3});
    ok(pace.call(owner.call_if("\"v1\"", "PATCH", &target, &body)).await);
    let target = format!("{CATEGORIES}/{below}/translations/de");
    let body = json!({"title": "Das Brett"});
    ok(pace.call(owner.call_if("\"v1\"", "PUT", &target, &body)).await);
    ok(pace.call(owner.call_if("\"v2\"", "DELETE", &target, &json!({}))).await);
    let code = format!("{shelf}-wool");
    let body = json!({"code": code, "title": "Wool", "type": "boolean"});
    made(&pace.call(owner.call("POST", ATTRIBUTES, &body)).await);
    ok(pace.call(owner.get(ATTRIBUTES)).await);
    let target = format!("{ATTRIBUTES}/{code}");
    ok(pace.call(owner.call_if("\"v1\"", "PATCH", &target, &json!({"title": "Of wool"}))).await);
    let gone = pace.call(owner.call_if("\"v2\"", "DELETE", &target, &json!({}))).await;
    assert_eq!(gone.status, 204, "{}", gone.text());
}

/// A draft that is renamed, and one that goes.
async fn draft<P: Pace>(pace: &mut P, owner: &Colleague, round: Round, shelf: &str) -> Value {
    let body = |slug: &str| {
        json!({
            "slug": format!("{slug}-{}", round.0), "title": "A thing", "type": "physical",
            "sku_prefix": format!("{}-{}", slug.to_uppercase(), round.0),
            "prices": [{"amount": 900, "currency": "EUR"}], "categories": [shelf],
            "options": [{"name": "Size", "values": ["S", "M"]}],
        })
    };
    let gone = made(&pace.call(owner.call("POST", PRODUCTS, &body("gone"))).await);
    let target = format!("{PRODUCTS}/{}", text(&gone, "id"));
    // With a picture, which is nobody's then.
    let picture = media::upload(owner, &media::png(100 + round.0)).await;
    media::attached(owner, &target, &[&picture]).await;
    let answer = pace.call(owner.call_if("\"v2\"", "DELETE", &target, &json!({}))).await;
    assert_eq!(answer.status, 204, "{}", answer.text());
    let product = made(&pace.call(owner.call("POST", PRODUCTS, &body("first"))).await);
    for query in ["limit=1", "limit=1&status=draft"] {
        ok(pace.call(owner.get(&format!("{PRODUCTS}?{query}"))).await);
    }
    let report = format!("{PRODUCTS}/missing_translations?locale=de&limit=1");
    ok(pace.call(owner.get(&report)).await);
    let target = format!("{PRODUCTS}/{}", text(&product, "id"));
    let seen = tag(&pace.call(owner.get(&target)).await);
    let body = json!({"slug": format!("thing-{}", round.0), "title": "Thing", "categories": []});
    ok(pace.call(owner.call_if(&seen, "PATCH", &target, &body)).await);
    product
}

/// Calls with the tag of the moment.
async fn seen<P: Pace>(
    pace: &mut P,
    owner: &Colleague,
    at: &str,
    (method, target, body): (&str, &str, Value),
) -> Value {
    let seen = owner.tag(at).await;
    ok(pace.call(owner.call_if(&seen, method, target, &body)).await)
}

async fn variants<P: Pace>(pace: &mut P, owner: &Colleague, at: &str, round: Round) {
    let options = json!([{"name": "Size", "values": ["S", "M", "L", "XL"]}]);
    let prefix = format!("SECOND-{}", round.0);
    let body = json!({"options": options});
    seen(pace, owner, at, ("PUT", &format!("{at}/options"), body)).await;
    let body = json!({
        "sku": format!("{prefix}-L"), "options": [{"name": "Size", "value": "L"}],
        "prices": [{"amount": 100, "currency": "EUR"}],
    });
    let shown = made(&pace.call(owner.call("POST", &format!("{at}/variants"), &body)).await);
    let third = format!("{at}/variants/{}", text(&shown["variants"][2], "id"));
    let body = json!({"options": options, "sku_prefix": prefix});
    seen(pace, owner, at, ("PUT", &format!("{at}/options"), body)).await;
    let body = json!({"sku": format!("{prefix}-LARGE")});
    seen(pace, owner, at, ("PATCH", &third, body)).await;
    seen(pace, owner, at, ("DELETE", &third, json!({}))).await;
    let first = format!("{at}/variants/{}", text(&shown["variants"][0], "id"));
    let sale = json!({
        "price": {"amount": 700, "currency": "EUR"},
        "from": "2020-01-01T00:00:00Z", "until": "2020-02-01T00:00:00Z",
    });
    let body = json!({"prices": [{"amount": 950, "currency": "EUR"}], "sales": [sale]});
    seen(pace, owner, at, ("PUT", &format!("{first}/prices"), body)).await;
    ok(pace.call(owner.get(&format!("{at}/price_log?limit=1"))).await);
}

async fn words<P: Pace>(pace: &mut P, owner: &Colleague, at: &str) {
    let target = format!("{at}/translations/de");
    seen(pace, owner, at, ("PUT", &target, json!({"title": "Ding"}))).await;
    seen(pace, owner, at, ("DELETE", &target, json!({}))).await;
}

/// A picture, which the product has into the archive and out of it.
async fn pictures<P: Pace>(pace: &mut P, owner: &Colleague, at: &str, round: Round) {
    let picture = media::upload(owner, &media::png(200 + round.0)).await;
    let images = json!({"images": [{"media_id": picture, "alt": "A thing"}]});
    seen(pace, owner, at, ("PUT", &format!("{at}/images"), images)).await;
}

/// Into the store by the clock and by hand, under another name, and out of it.
async fn life<P: Pace>(pace: &mut P, shop: &Shop, owner: &Colleague, at: &str, slug: &str) {
    let soon = jiff::Timestamp::from_millisecond(shop.clock().now_ms() + 1).unwrap().to_string();
    seen(pace, owner, at, ("PATCH", at, json!({"publish_at": soon}))).await;
    shop.clock().advance_ms(1);
    pace.call(shop.run_job(SCHEDULE)).await;
    seen(pace, owner, at, ("PATCH", at, json!({"slug": format!("new-{slug}")}))).await;
    let public = format!("/v1/store/products/{slug}");
    // An old name costs a second query: it is not what a page is measured by.
    let moved = owner.get(&public).await;
    assert_eq!(moved.status, 301, "{}", moved.text());
    for verb in ["unpublish", "publish", "archive", "unpublish", "publish", "archive"] {
        ok(pace.call(owner.call("POST", &format!("{at}/{verb}"), &json!({}))).await);
    }
}

async fn collections<P: Pace>(
    pace: &mut P,
    shop: &Shop,
    owner: &Colleague,
    slug: &str,
    product: &str,
) {
    ok(pace.call(owner.get(COLLECTIONS)).await);
    let at = format!("{COLLECTIONS}/{slug}");
    ok(pace.call(owner.get(&at)).await);
    let listed = format!("/v1/store/products?collection={slug}&limit=1");
    ok(pace.call(owner.get(&listed)).await);
    let body = json!({"products": [product]});
    seen(pace, owner, &at, ("PATCH", &at, body)).await;
    pace.call(shop.run_job(SCHEDULE)).await;
    let tag = owner.tag(&at).await;
    let gone = pace.call(owner.call_if(&tag, "DELETE", &at, &json!({}))).await;
    assert_eq!(gone.status, 204, "{}", gone.text());
    pace.call(shop.run_job(SCHEDULE)).await;
}
