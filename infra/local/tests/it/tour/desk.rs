//! The staff's desk: orders and customers, listed, found and looked at.

use domain::permission::Permission::{CustomersRead, OrdersRead};
use local::{Outcome, Shop};
use serde_json::{Value, json};
use testkit::goods::MUG;

use super::Pace;
use crate::world::{Colleague, Shopper, ok, refusal};

const ORDERS: &str = "/v1/admin/orders";
const CUSTOMERS: &str = "/v1/admin/customers";
/// What only the indexes answer.
const FOUND: [&str; 2] = ["/v1/admin/orders?q=roe", "/v1/admin/customers?q=roe"];
/// The indexes' writers.
const WRITERS: [&str; 2] = ["orders.jobs.index_orders", "identity.jobs.index_customers"];
const REBUILDS: [&str; 2] = ["orders.jobs.rebuild_search", "identity.jobs.rebuild_search"];
/// Longer than the files of an old generation are kept.
const GRACE_MS: i64 = 11 * 60 * 1000;

/// An order that waits for its payment.
async fn order(shop: &Shop, ip: &str) {
    let mut guest = Shopper::from(shop, ip);
    guest.open_cart("EUR").await;
    guest.ready(MUG, 1).await;
    let answer = guest.complete().await;
    assert_eq!(answer.status, 201, "{}", answer.text());
}

/// A shop whose orders and customers were never indexed says so, and has it done.
pub(crate) async fn before(shop: &Shop) {
    let clerk = Colleague::of(shop, "clerk", &[OrdersRead, CustomersRead]).await;
    for path in FOUND {
        assert_eq!(refusal(&clerk.get(path).await), (503, "search_not_ready".to_owned()));
    }
    shop.settle().await;
    // Both believe for a while what they have seen.
    shop.clock().advance_ms(5_000);
    for path in FOUND {
        assert_eq!(ok(clerk.get(path).await)["total"], 0);
    }
}

/// Somebody orders, so that there is something to be found.
pub(crate) async fn custom(shop: &Shop) {
    order(shop, "198.18.9.9").await;
}

/// Staff finds an order and a customer, which somebody has made before, and looks at both.
pub(crate) async fn lookups<P: Pace>(pace: &mut P, owner: &Colleague) {
    let shop = &owner.shop;
    pace.settle().await;
    shop.clock().advance_ms(5_000);
    let mut seen = Vec::new();
    for path in [ORDERS, FOUND[0], FOUND[0], CUSTOMERS, FOUND[1], FOUND[1]] {
        let data = ok(pace.call(owner.get(path)).await)["data"].clone();
        let id = data[0]["id"].as_str().unwrap_or_else(|| panic!("nothing at {path}"));
        seen.push(id.to_owned());
    }
    ok(pace.call(owner.get(&format!("{ORDERS}/{}", seen[0]))).await);
    ok(pace.call(owner.get(&format!("{CUSTOMERS}/{}", seen[3]))).await);
    for job in REBUILDS {
        shop.clock().advance_ms(1);
        let invoked = pace.call(shop.invoke(job, json!({}))).await;
        assert!(matches!(invoked, Outcome::Answered(_)));
    }
    pace.settle().await;
}

/// Old files are deleted once their time is over, and what nobody can read is given back.
pub(crate) async fn upkeep(shop: &Shop) {
    for round in 1..=3 {
        shop.clock().advance_ms(GRACE_MS);
        order(shop, &format!("198.18.9.{round}")).await;
        let guest = Shopper::from(shop, &format!("198.18.10.{round}"));
        assert_eq!(guest.register(&format!("desk{round}@example.org")).await.status, 202);
        shop.settle().await;
        for job in REBUILDS {
            assert!(matches!(shop.invoke(job, json!({})).await, Outcome::Answered(_)));
        }
        shop.settle().await;
    }
    for writer in WRITERS {
        let batch = json!({"Records": [{"messageId": "1", "receiptHandle": "none", "body": "?"}]});
        let Outcome::Answered(answer) = shop.invoke(writer, batch).await else {
            panic!("a batch that can not be read is answered")
        };
        let failed: Vec<&Value> = answer["batchItemFailures"].as_array().unwrap().iter().collect();
        assert_eq!(failed.len(), 1);
    }
}
