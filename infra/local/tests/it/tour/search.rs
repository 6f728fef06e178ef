//! Searching, and all that keeps the index.

use domain::permission::Permission;
use local::{Outcome, Shop};
use serde_json::{Value, json};

use super::{Pace, tag};
use crate::world::{Colleague, Shopper, ok, refusal};

const SYNONYMS: &str = "/v1/admin/search/synonyms";
const STATUS: &str = "/v1/admin/search/status";
const FOUND: &str = "/v1/store/products?q=mug&facets=true";
const SUGGESTED: &str = "/v1/store/search/suggest?q=mu";
/// The index's writer.
const WRITER: &str = "catalog.jobs.index_products";
/// Longer than the files of an old generation are kept.
const GRACE_MS: i64 = 11 * 60 * 1000;

/// A shop whose products were never indexed says so.
pub(crate) async fn before(shop: &Shop) {
    let nobody = Shopper::new(shop);
    assert_eq!(refusal(&nobody.get(FOUND).await), (503, "search_not_ready".to_owned()));
    assert_eq!(ok(nobody.get(SUGGESTED).await), json!({"data": []}));
    let clerk = Colleague::of(shop, "clerk", &[Permission::SettingsRead]).await;
    assert_eq!(ok(clerk.get(STATUS).await)["is_built"], false);
    shop.settle().await;
    // Both believe for a while what they have seen.
    shop.clock().advance_ms(5_000);
    for path in [FOUND, SUGGESTED] {
        ok(nobody.get(path).await);
    }
}

/// Synonyms change, everything is indexed anew, and shoppers search.
pub(crate) async fn words<P: Pace>(pace: &mut P, owner: &Colleague) {
    let shop = &owner.shop;
    let nobody = Shopper::new(shop);
    for word in ["beaker", "cup"] {
        let seen = tag(&pace.call(owner.get(SYNONYMS)).await);
        let body = json!({"groups": [["mug", word]]});
        ok(pace.call(owner.call_if(&seen, "PUT", SYNONYMS, &body)).await);
        pace.follow().await;
        shop.clock().advance_ms(5_000);
        for path in [FOUND, SUGGESTED, FOUND, SUGGESTED] {
            ok(pace.call(nobody.get(path)).await);
        }
    }
    let asked = pace.call(owner.call("POST", "/v1/admin/search/rebuild", &json!({}))).await;
    assert_eq!(asked.status, 202, "{}", asked.text());
    pace.settle().await;
    shop.clock().advance_ms(1);
    let invoked = pace.call(shop.invoke("catalog.jobs.rebuild_search", json!({}))).await;
    assert!(matches!(invoked, Outcome::Answered(_)));
    pace.settle().await;
    ok(pace.call(owner.get(STATUS)).await);
}

/// Old files are deleted once their time is over, and what nobody can read is given back.
pub(crate) async fn upkeep(shop: &Shop) {
    for round in 0..3 {
        shop.clock().advance_ms(GRACE_MS);
        let owner = Colleague::of(shop, &format!("librarian-{round}"), Permission::ALL).await;
        let socks = ok(owner.get("/v1/store/products/socks").await);
        let at = format!("/v1/admin/products/{}", socks["id"].as_str().unwrap());
        let seen = tag(&owner.get(&at).await);
        let body = json!({"title": format!("Socks, {round} pairs")});
        ok(owner.call_if(&seen, "PATCH", &at, &body).await);
        let seen = tag(&owner.get(SYNONYMS).await);
        let body = json!({"groups": [["mug", format!("beaker {round}")]]});
        ok(owner.call_if(&seen, "PUT", SYNONYMS, &body).await);
        let asked = owner.call("POST", "/v1/admin/search/rebuild", &json!({})).await;
        assert_eq!(asked.status, 202, "{}", asked.text());
        shop.settle().await;
    }
    let batch = json!({"Records": [{"messageId": "1", "receiptHandle": "none", "body": "?"}]});
    let Outcome::Answered(answer) = shop.invoke(WRITER, batch).await else {
        panic!("a batch that can not be read is answered")
    };
    let failed: Vec<&Value> = answer["batchItemFailures"].as_array().unwrap().iter().collect();
    assert_eq!(failed.len(), 1);
}
