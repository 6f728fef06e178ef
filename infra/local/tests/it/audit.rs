//! The audit log: what was done stands in it once, for those who may read it, and whoever changes
//! it afterwards shows.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::audit::{self, Entry, Link};
use domain::permission::Permission;
use local::Shop;
use serde_json::{Value, json};

use crate::world::{self, Colleague, Shopper, ok, refusal};

const LOG: &str = "/v1/admin/audit";

fn entry(number: u64, action: &str) -> Entry {
    let id = domain::id::Ulid::from_parts(number, 1);
    let id = domain::id::AuditId::from_ulid(id);
    serde_json::from_value(json!({"id": id, "at": "2026-11-02T08:00:00Z", "actor": "system",
        "action": action, "object": format!("thing-{number}")}))
    .unwrap()
}

async fn fill(shop: &Shop, count: u64) {
    let store = shop.store();
    for number in 1..=count {
        let action = if number == 1 { "rare.thing" } else { "common.thing" };
        store.append_audit(&entry(number, action)).await.unwrap();
    }
}

/// All pages of a list, one after another.
async fn pages(who: &Colleague, query: &str) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = ok(who.get(&format!("{LOG}?{query}{cursor}")).await);
        all.extend(page["data"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

fn of(links: &[Value], name: &str) -> Vec<String> {
    links.iter().map(|link| link["entry"][name].as_str().unwrap_or("").to_owned()).collect()
}

#[tokio::test]
async fn what_is_done_is_read_newest_first_by_those_who_may() {
    let shop = world::open().await;
    let owner = Colleague::owner(&shop).await;
    let role = json!({"name": "Reader", "permissions": ["audit.read"]});
    let role = ok(owner.call("POST", "/v1/admin/roles", &role).await);
    shop.settle().await;
    let found = pages(&owner, "limit=2").await;
    let actions = of(&found, "action");
    assert!(actions.contains(&"staff.sign_in".to_owned()), "{actions:?}");
    let made = found.iter().find(|link| link["entry"]["object"] == role["id"]).unwrap();
    assert_eq!(made["entry"]["actor"], json!(owner.id));
    // Who reads can check by themselves that nothing is missing.
    let mut links: Vec<Link> =
        found.iter().map(|link| serde_json::from_value(link.clone()).unwrap()).collect();
    assert!(links.is_sorted_by_key(|link| std::cmp::Reverse(link.sequence)));
    links.reverse();
    assert_eq!(audit::verify(links.iter()).unwrap(), u64::try_from(found.len()).unwrap());
    assert_eq!(links, shop.audit_log().await.unwrap());

    let reader = Colleague::of(&shop, "reader", &[Permission::AuditRead]).await;
    ok(reader.get(LOG).await);
    let other = Colleague::of(&shop, "other", &[Permission::StaffRead]).await;
    assert_eq!(refusal(&other.get(LOG).await), (403, "forbidden".into()));
    let customer = Shopper::customer(&shop, "jane@example.org").await;
    assert_eq!(refusal(&customer.get(LOG).await), (401, "unauthenticated".into()));
    assert_eq!(Shopper::new(&shop).get(LOG).await.status, 401);
}

#[tokio::test]
async fn filters_leave_out_what_they_do_not_name_and_cursors_are_their_own() {
    let shop = world::open().await;
    fill(&shop, 30).await;
    let reader = Colleague::of(&shop, "reader", &[Permission::AuditRead]).await;
    shop.settle().await;
    assert_eq!(of(&pages(&reader, "action=rare.thing").await, "object"), ["thing-1"]);
    assert_eq!(pages(&reader, "action=common.&limit=7").await.len(), 29);
    assert_eq!(of(&pages(&reader, "object=thing-9").await, "action"), ["common.thing"]);
    assert_eq!(pages(&reader, "actor=system&limit=100").await.len(), 30);
    let own = pages(&reader, &format!("actor={}", reader.id)).await;
    assert!(!own.is_empty() && of(&own, "actor").iter().all(|actor| *actor == reader.id));
    let eight = "2026-11-02T08:00:00Z";
    assert_eq!(pages(&reader, &format!("actor=system&from={eight}")).await.len(), 30);
    assert_eq!(pages(&reader, &format!("actor=system&to={eight}")).await.len(), 0);
    assert_eq!(pages(&reader, "from=2027-11-21T09:00:00Z").await.len(), 0);

    let page = ok(reader.get(&format!("{LOG}?limit=1&action=common.")).await);
    let cursor = page["next_cursor"].as_str().unwrap();
    let other_filter = reader.get(&format!("{LOG}?limit=1&action=rare.&cursor={cursor}")).await;
    assert_eq!(refusal(&other_filter), (400, "invalid_cursor".into()));
    let other = Colleague::of(&shop, "other", &[Permission::AuditRead]).await;
    let other = other.get(&format!("{LOG}?limit=1&action=common.&cursor={cursor}")).await;
    assert_eq!(refusal(&other), (400, "invalid_cursor".into()));
    for wrong in ["limit=0", "limit=101", "actor=cus_1", "action=A", "from=now", "page=2"] {
        let answer = reader.get(&format!("{LOG}?{wrong}")).await;
        assert_eq!(refusal(&answer), (400, "invalid_request".into()), "{wrong}");
    }
}

#[tokio::test]
async fn a_search_in_a_long_log_ends_and_goes_on_where_it_was() {
    let shop = world::open().await;
    fill(&shop, 1_150).await;
    let reader = Colleague::of(&shop, "reader", &[Permission::AuditRead]).await;
    let mark = shop.wire().recorder().mark();
    let page = ok(reader.get(&format!("{LOG}?action=rare.thing")).await);
    let queries = shop.wire().recorder().since(mark);
    let queries = queries.iter().filter(|call| call.operation == "Query").count();
    assert_eq!((page["data"].as_array().unwrap().len(), queries), (0, 10));
    let cursor = page["next_cursor"].as_str().unwrap();
    let page = ok(reader.get(&format!("{LOG}?action=rare.thing&cursor={cursor}")).await);
    assert_eq!(of(page["data"].as_array().unwrap(), "object"), ["thing-1"]);
    assert_eq!(page["next_cursor"], Value::Null);
}

/// A batch of the `audit` queue.
fn batch(bodies: &[String]) -> Value {
    let records: Vec<Value> = bodies
        .iter()
        .enumerate()
        .map(|(number, body)| {
            json!({"messageId": format!("m{number}"), "receiptHandle": "r", "body": body,
                "attributes": {}, "messageAttributes": {}, "eventSource": "aws:sqs"})
        })
        .collect();
    json!({"Records": records})
}

#[tokio::test]
async fn an_entry_that_comes_twice_stands_once_and_a_stranger_holds_nobody_up() {
    let shop = world::open().await;
    let said = |number| {
        let entry = entry(number, "some.thing");
        json!({"id": format!("evt_{}", &entry.id.to_string()[4..]), "at": entry.at, "sequence": 1,
            "type": "audit.noted", "entry": entry})
        .to_string()
    };
    let placed = json!({"id": "evt_01ARZ3NDEKTSV4RRFFQ69G5FAV", "at": "2026-11-21T09:00:00Z",
        "sequence": 1, "type": "order.placed", "order_id": "ord_01ARZ3NDEKTSV4RRFFQ69G5FAV"});
    let bodies = [said(1), said(1), placed.to_string(), "nonsense".to_owned(), said(2)];
    for _ in 0..2 {
        let answer = shop.invoke("platform.jobs.append_audit", batch(&bodies)).await.answer();
        let failed = answer.unwrap()["batchItemFailures"].clone();
        assert_eq!(failed, json!([{"itemIdentifier": "m2"}, {"itemIdentifier": "m3"}]));
    }
    let log = shop.audit_log().await.unwrap();
    assert_eq!(audit::verify(log.iter()).unwrap(), 2);
    let objects: Vec<_> = log.iter().filter_map(|link| link.entry.object.as_deref()).collect();
    assert_eq!(objects, ["thing-1", "thing-2"]);
}

#[tokio::test]
async fn many_who_append_at_once_make_one_chain() {
    let shop = world::open().await;
    let store = std::sync::Arc::new(shop.store());
    let appends = (1..=12).map(|number| {
        let store = std::sync::Arc::clone(&store);
        tokio::spawn(async move { store.append_audit(&entry(number, "some.thing")).await })
    });
    let appends: Vec<_> = appends.collect();
    let mut stand = 0;
    for append in appends {
        stand += u64::from(append.await.unwrap().is_ok());
    }
    let log = shop.audit_log().await.unwrap();
    assert_eq!(audit::verify(log.iter()).unwrap(), stand, "what was promised stands there");
    assert!(stand >= 2, "{stand}");
}

#[tokio::test]
async fn a_row_that_is_changed_behind_our_back_is_named() {
    let client = |shop: &Shop| aws_sdk_dynamodb::Client::new(&shop.sdk_config());
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let shop = world::open().await;
    fill(&shop, 5).await;
    let log = shop.audit_log().await.unwrap();
    assert_eq!(audit::verify(log.iter()).unwrap(), 5);

    let row = client(&shop).update_item().table_name("fluxion-ledger");
    let row = row.key("pk", text("AUD#log")).key("sk", text("000000000003"));
    let row = row.update_expression("SET entry.actor = :who");
    row.expression_attribute_values(":who", text("nobody")).send().await.unwrap();
    let log = shop.audit_log().await.unwrap();
    let broken = audit::verify(log.iter()).unwrap_err();
    let said = "link 3 of the audit log was changed: what it says does not give its hash";
    assert_eq!(broken.to_string(), said);

    let shop = world::open().await;
    fill(&shop, 5).await;
    let row = client(&shop).delete_item().table_name("fluxion-ledger");
    row.key("pk", text("AUD#log")).key("sk", text("000000000002")).send().await.unwrap();
    let log = shop.audit_log().await.unwrap();
    let broken = audit::verify(log.iter()).unwrap_err();
    assert_eq!(broken.to_string(), "link 2 of the audit log is missing");
}
