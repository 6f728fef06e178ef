//! Staff looks for orders and customers: what is found, how soon, what it costs, who may not; and
//! that somebody who is forgotten is in no file any more.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use domain::account::Account;
use domain::address::{Email, PersonName};
use domain::id::{CustomerId, Ulid};
use domain::permission::Permission::{CustomersRead, OrdersRead, ProductsRead};
use files::Bucket;
use local::{Options, Outcome, Shop};
use serde_json::{Value, json};
use snapshots::Index;
use testkit::goods::{self, Good, MUG, SOCKS};
use wire::{FaultKind, Plan};

use crate::world::{self, Colleague, Shopper, key, ok, refusal};

const ORDERS: &str = "/v1/admin/orders";
const CUSTOMERS: &str = "/v1/admin/customers";
const BUCKET: &str = "fluxion-files-000000000000";
const WRITER: &str = "identity.jobs.index_customers";

async fn open() -> Shop {
    world::open_with(Options::default(), &goods::small(1_000)).await
}

async fn clerk(shop: &Shop) -> Colleague {
    Colleague::of(shop, &format!("staff-{}", key()), &[OrdersRead, CustomersRead]).await
}

/// What is not older than this is seen by every reader.
fn a_moment(shop: &Shop) {
    shop.clock().advance_ms(5_000);
}

/// Somebody orders something.
async fn order(shop: &Shop, ip: u8, name: &str, email: &str, good: Good) -> Shopper {
    let mut shopper = Shopper::from(shop, &format!("203.0.113.{ip}"));
    shopper.open_cart("EUR").await;
    shopper.add(good, 1).await;
    let mut address = world::address();
    address["name"] = json!(name);
    let body = json!({"email": email, "shipping_address": address});
    ok(shopper.call("PUT", &format!("/v1/store/carts/{}/addresses", shopper.cart), &body).await);
    shopper.ship_by("home-standard").await;
    shop.clock().advance_ms(10);
    let answer = shopper.complete().await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    shopper
}

/// The ids that are listed.
async fn ids(who: &Colleague, target: &str) -> Vec<String> {
    let list = ok(who.get(target).await);
    let id = |one: &Value| one["id"].as_str().unwrap().to_owned();
    list["data"].as_array().unwrap().iter().map(id).collect()
}

/// The orders that are found for these words.
async fn found(who: &Colleague, words: &str) -> Vec<String> {
    ids(who, &format!("{ORDERS}?q={words}")).await
}

fn account(number: u128, name: &str) -> Account {
    Account {
        id: CustomerId::from_ulid(Ulid::from_parts(1_780_000_100_000, number)),
        email: Email::parse(&format!("somebody{number}@example.org")).unwrap(),
        name: PersonName::parse(name).unwrap(),
        password: String::new(),
        is_verified: false,
        created_at: jiff::Timestamp::from_second(1_780_000_000).unwrap(),
        version: 0,
    }
}

#[tokio::test]
async fn an_order_is_found_by_its_number_by_names_addresses_and_goods() {
    let shop = open().await;
    let clerk = clerk(&shop).await;
    let roe = order(&shop, 1, "Jane Roe", "jane@example.org", MUG).await;
    let doe = order(&shop, 2, "Wilhelmina Doe-Smith", "w.smith@example.net", SOCKS).await;
    let third = order(&shop, 3, "Jane Jones", "jones@example.net", MUG).await;
    shop.settle().await;
    let number = roe.view_order().await["number"].as_str().unwrap().to_owned();
    let only = |shopper: &Shopper| vec![shopper.order.clone()];
    assert_eq!(found(&clerk, &number).await, only(&roe));
    assert_eq!(found(&clerk, &number.to_lowercase()).await, only(&roe));
    assert_eq!(found(&clerk, &doe.order).await, only(&doe));
    // A slip of the hand, a beginning, an address of mail, a SKU.
    assert_eq!(found(&clerk, "wilhelmnia%20").await, only(&doe));
    assert_eq!(found(&clerk, "smi").await, only(&doe));
    assert_eq!(found(&clerk, "jane@example.org").await, only(&roe));
    assert_eq!(found(&clerk, "w.smith@exa").await, only(&doe));
    assert_eq!(found(&clerk, "jane%20roe").await, only(&roe));
    assert_eq!(found(&clerk, "mug-blue").await, [third.order.clone(), roe.order.clone()]);
    assert!(found(&clerk, "zeppelin").await.is_empty());
    // Shown is what the table says.
    let shown = ok(clerk.get(&format!("{ORDERS}?q=roe")).await);
    assert_eq!(shown["total"], 1);
    let one = &shown["data"][0];
    assert_eq!((&one["number"], &one["name"]), (&json!(number), &json!("Jane Roe")));
    assert_eq!((&one["email"], &one["quantity"]), (&json!("jane@example.org"), &json!(1)));
    assert_eq!(one["total"], roe.view_order().await["totals"]["total"]);
}

#[tokio::test]
async fn orders_are_listed_newest_first_page_by_page_and_filtered() {
    let shop = open().await;
    let clerk = clerk(&shop).await;
    let mut orders = Vec::new();
    for ip in 1..=5 {
        orders.push(order(&shop, ip, "Jane Roe", &format!("jane{ip}@example.org"), MUG).await);
    }
    orders[1].pay("pm_card_visa");
    shop.settle().await;
    let newest: Vec<String> = orders.iter().rev().map(|one| one.order.clone()).collect();
    assert_eq!(ids(&clerk, ORDERS).await, newest);
    let first = ok(clerk.get(&format!("{ORDERS}?limit=3")).await);
    assert_eq!(first["total"], 5);
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = ok(clerk.get(&format!("{ORDERS}?limit=3&cursor={cursor}")).await);
    assert_eq!(rest["next_cursor"], Value::Null);
    assert_eq!(rest["data"][0]["id"], newest[3].as_str());
    // A cursor is good for its own list, and for whoever got it.
    let other = clerk.get(&format!("{ORDERS}?q=roe&cursor={cursor}")).await;
    assert_eq!(refusal(&other), (400, "invalid_cursor".to_owned()));
    let colleague = self::clerk(&shop).await;
    let other = colleague.get(&format!("{ORDERS}?limit=3&cursor={cursor}")).await;
    assert_eq!(refusal(&other), (400, "invalid_cursor".to_owned()));

    let paid = vec![orders[1].order.clone()];
    for query in [
        "status=placed",
        "payment_status=paid",
        "status=placed&payment_status=paid&fulfillment_status=unfulfilled&return_status=none",
        "q=roe&status=placed",
    ] {
        assert_eq!(ids(&clerk, &format!("{ORDERS}?{query}")).await, paid, "{query}");
    }
    assert_eq!(ids(&clerk, &format!("{ORDERS}?status=canceled")).await.len(), 0);
    let view = ok(clerk.get(&format!("{ORDERS}/{}", orders[2].order)).await);
    let at = view["created_at"].as_str().unwrap();
    let since = ids(&clerk, &format!("{ORDERS}?created_from={at}")).await;
    assert_eq!(since, newest[..3]);
    let until = ids(&clerk, &format!("{ORDERS}?created_to={at}")).await;
    assert_eq!(until, newest[3..]);
    let total = view["totals"]["total"]["amount"].as_i64().unwrap();
    for (range, count) in [
        (format!("total_min={total}&total_max={total}&currency=EUR"), 5),
        (format!("total_min={}&currency=EUR", total + 1), 0),
        ("currency=USD".to_owned(), 0),
    ] {
        assert_eq!(ids(&clerk, &format!("{ORDERS}?{range}")).await.len(), count, "{range}");
    }
    let flawed = clerk.get(&format!("{ORDERS}?total_min=1")).await;
    assert_eq!(flawed.value()["errors"][0]["pointer"], "/query/currency");
}

#[tokio::test]
async fn an_order_is_shown_with_its_money_and_where_its_units_lie() {
    let shop = open().await;
    let clerk = clerk(&shop).await;
    let customer = Shopper::customer(&shop, "jane@example.org").await;
    let mut jane = Shopper { ip: "203.0.113.9".to_owned(), ..customer };
    jane.open_cart("EUR").await;
    jane.ready(MUG, 2).await;
    assert_eq!(jane.complete().await.status, 201);
    jane.pay("pm_card_visa");
    shop.settle().await;
    let answer = clerk.get(&format!("{ORDERS}/{}", jane.order)).await;
    assert!(answer.header("etag").is_some());
    let order = ok(answer);
    assert_eq!(order["status"], "placed");
    assert_eq!(order["reservation"]["state"], "committed");
    let part = &order["reservation"]["allocations"][0];
    assert_eq!((&part["sku"], &part["quantity"]), (&json!("MUG-BLUE"), &json!(2)));
    let payment = &order["payment_details"][0];
    assert_eq!(payment["captured"], order["totals"]["total"]);
    assert_eq!(payment["payment_intent_id"], jane.intent.as_str());
    assert_eq!(order["shipping_address"]["name"], "Jane Roe");
    // Who is it?
    let id = order["customer_id"].as_str().unwrap();
    let customer = ok(clerk.get(&format!("{CUSTOMERS}/{id}")).await);
    assert_eq!(
        (&customer["email"], &customer["is_verified"]),
        (&json!("jane@example.org"), &json!(true))
    );
    assert_eq!(ids(&clerk, &format!("{ORDERS}?customer_id={id}")).await, [jane.order.clone()]);
    assert!(!customer.to_string().contains("argon2"));
    for path in [ORDERS, CUSTOMERS] {
        let prefix = if path == ORDERS { "ord" } else { "cus" };
        let missing = clerk.get(&format!("{path}/{prefix}_01ARZ3NDEKTSV4RRFFQ69G5FAV")).await;
        assert_eq!(refusal(&missing), (404, "not_found".to_owned()));
    }
}

#[tokio::test]
async fn a_customer_is_found_by_name_and_address_and_listed_newest_first() {
    let shop = open().await;
    let clerk = clerk(&shop).await;
    let jane = Shopper::customer(&shop, "jane@example.org").await;
    let names = ["Wilhelmina Smith", "Ann Roe", "Bob Doe"];
    for (number, name) in (1..).zip(names) {
        shop.store().import_account(&account(number, name)).await.unwrap();
    }
    shop.settle().await;
    let named = |list: Value| -> Vec<String> {
        let name = |one: &Value| one["name"].as_str().unwrap().to_owned();
        list["data"].as_array().unwrap().iter().map(name).collect()
    };
    let all = ok(clerk.get(CUSTOMERS).await);
    assert_eq!((named(all.clone()).len(), &all["total"]), (4, &Value::Null));
    assert_eq!(named(all)[0], "Jane Roe");
    for (words, who) in [
        ("wilhelmnia%20", vec!["Wilhelmina Smith"]),
        ("smi", vec!["Wilhelmina Smith"]),
        ("somebody3@example.org", vec!["Bob Doe"]),
        ("JANE@EXAMPLE", vec!["Jane Roe"]),
        ("roe", vec!["Jane Roe", "Ann Roe"]),
        ("zeppelin", vec![]),
    ] {
        let list = ok(clerk.get(&format!("{CUSTOMERS}?q={words}")).await);
        assert_eq!(named(list), who, "{words}");
    }
    let page = ok(clerk.get(&format!("{CUSTOMERS}?q=roe&limit=1")).await);
    assert_eq!((&page["total"], named(page.clone())), (&json!(2), vec!["Jane Roe".to_owned()]));
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = ok(clerk.get(&format!("{CUSTOMERS}?q=roe&limit=1&cursor={cursor}")).await);
    assert_eq!(
        (named(rest.clone()), &rest["next_cursor"]),
        (vec!["Ann Roe".to_owned()], &Value::Null)
    );
    // Another name is found within five seconds, and the one before is not.
    ok(jane.call("PATCH", "/v1/store/me", &json!({"name": "Jane Quetzal"})).await);
    shop.settle().await;
    shop.clock().advance_ms(4_999);
    let late = |words: &'static str| {
        let clerk = clerk.clone();
        async move { named(ok(clerk.get(&format!("{CUSTOMERS}?q={words}")).await)) }
    };
    assert!(late("quetzal").await.is_empty());
    shop.clock().advance_ms(1);
    assert_eq!(late("quetzal").await, ["Jane Quetzal"]);
    assert_eq!(late("roe").await, ["Ann Roe"]);
}

#[tokio::test]
async fn who_may_not_read_orders_or_customers_does_not() {
    let shop = open().await;
    let buyer = Colleague::of(&shop, "buyer", &[ProductsRead]).await;
    let orders = Colleague::of(&shop, "orders", &[OrdersRead]).await;
    let customers = Colleague::of(&shop, "customers", &[CustomersRead]).await;
    let some = "_01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let of_orders = [ORDERS.to_owned(), format!("{ORDERS}?q=x"), format!("{ORDERS}/ord{some}")];
    let of_customers =
        [CUSTOMERS.to_owned(), format!("{CUSTOMERS}?q=x"), format!("{CUSTOMERS}/cus{some}")];
    for (paths, others) in [(of_orders, [&buyer, &customers]), (of_customers, [&buyer, &orders])] {
        for path in &paths {
            for other in others {
                let answer = other.get(path).await;
                assert_eq!(refusal(&answer), (403, "forbidden".to_owned()), "{path}");
            }
        }
    }
}

#[tokio::test]
async fn a_question_scans_nothing_and_asks_s3_once_in_five_seconds() {
    let mut seen = Vec::new();
    for size in [3, 60] {
        let shop = open().await;
        let clerk = clerk(&shop).await;
        order(&shop, 1, "Jane Roe", "jane@example.org", MUG).await;
        for number in 1..=size {
            shop.store().import_account(&account(number, "Ann Roe")).await.unwrap();
        }
        shop.settle().await;
        for target in [
            ORDERS.to_owned(),
            format!("{ORDERS}?q=roe&status=pending_payment"),
            format!("{CUSTOMERS}?q=roe&limit=3"),
        ] {
            clerk.get(&target).await;
            // Each fifth request of a caller is counted, which is not what is asked here.
            let calls = |mark| {
                let calls = shop.wire().recorder().since(mark);
                let asked = calls.iter().filter(|one| one.operation != "UpdateItem");
                asked.map(|one| format!("{} {}", one.service, one.operation)).collect()
            };
            let mark = shop.wire().recorder().mark();
            ok(clerk.get(&target).await);
            let warm: Vec<String> = calls(mark);
            // What was found, and the keys that open it.
            assert_eq!(warm, ["dynamodb BatchGetItem"; 2], "{target}");
            a_moment(&shop);
            let mark = shop.wire().recorder().mark();
            ok(clerk.get(&target).await);
            let cold: Vec<String> = calls(mark);
            assert_eq!((cold[0].as_str(), &cold[1..]), ("s3 GetObject", &warm[..]), "{target}");
            seen.push(warm.len() + cold.len());
        }
        let mark = shop.wire().recorder().mark();
        ok(clerk.get(&format!("{CUSTOMERS}?limit=3")).await);
        let calls = shop.wire().recorder().since(mark);
        let asked = calls.iter().map(|one| one.operation.as_str());
        let listed: Vec<&str> = asked.filter(|one| *one != "UpdateItem").collect();
        assert_eq!(listed, ["Query", "BatchGetItem", "BatchGetItem"]);
    }
    assert_eq!(seen[..3], seen[3..]);
}

#[tokio::test]
async fn a_writer_that_dies_at_any_call_catches_up() {
    let kinds =
        [FaultKind::FailBefore, FaultKind::LoseResponse, FaultKind::DieBefore, FaultKind::DieAfter];
    let options = Options { sdk_attempts: 1, ..Options::default() };
    let shop = world::open_with(options, &goods::small(10)).await;
    shop.store().import_account(&account(1, "Jane Roe")).await.unwrap();
    shop.settle().await;
    let mut number = 1;
    let mut points = 0;
    for kind in kinds {
        for at in 1.. {
            assert!(at < 100, "the writer calls without end");
            number += 1;
            // The hundredth has a name of its own, too.
            let name = format!("Nobody Q{number}q");
            shop.store().import_account(&account(number, &name)).await.unwrap();
            let filter: wire::Filter = Box::new(|call| call.caller == WRITER);
            shop.wire().faults().arm(Plan { at, kind, filter: Some(filter) });
            shop.settle().await;
            let has_fired = !shop.wire().faults().fired().is_empty();
            shop.wire().faults().reset();
            shop.settle_all().await;
            a_moment(&shop);
            let manifest = index(&shop, "customers").0.manifest().await.unwrap().unwrap();
            assert_eq!(u128::from(manifest.documents), number, "{kind:?} {at}");
            if !has_fired {
                break;
            }
            points += 1;
        }
    }
    assert!(points >= 20, "only {points} points were tried");
}

/// A folder that goes with the test.
struct Room(PathBuf);

impl Drop for Room {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// An index as somebody else sees it, in a folder of its own.
fn index(shop: &Shop, name: &'static str) -> (Arc<Index>, Room) {
    let folder = format!("fluxion-{name}-{}-{}", std::process::id(), key());
    let folder = std::env::temp_dir().join(folder);
    let bucket = Bucket::new(&shop.sdk_config(), BUCKET.to_owned());
    (Arc::new(Index::new(name, bucket, folder.clone())), Room(folder))
}

/// Whether the bucket has no file of an index but those of the newest generation, and none of
/// these only hides something.
async fn is_purged(shop: &Shop, name: &'static str) -> bool {
    let manifest = index(shop, name).0.manifest().await.unwrap().unwrap();
    let mut known: BTreeSet<String> =
        manifest.hashes().into_iter().map(|hash| format!("search/{name}/files/{hash}")).collect();
    known.insert(format!("search/{name}/manifest.json"));
    let kept: BTreeSet<String> =
        shop.wire().s3().keys(BUCKET, &format!("search/{name}/")).into_iter().collect();
    // The engine's list of what is hidden in a segment.
    kept == known && manifest.files.iter().all(|file| !file.name.contains(".del"))
}

#[tokio::test]
async fn somebody_whose_account_ends_is_in_no_file_any_more() {
    let shop = open().await;
    let clerk = clerk(&shop).await;
    let jane = Shopper::customer(&shop, "xylophone@example.org").await;
    for number in 1..=3 {
        shop.store().import_account(&account(number, "Ann Roe")).await.unwrap();
    }
    shop.settle().await;
    let search = format!("{CUSTOMERS}?q=xylophone@example.org");
    assert_eq!(ids(&clerk, &search).await.len(), 1);
    assert!(!is_purged(&shop, "customers").await);
    let closed = jane.call("DELETE", "/v1/store/me", &json!({})).await;
    assert_eq!(closed.status, 204, "{}", closed.text());
    shop.settle().await;
    assert!(is_purged(&shop, "customers").await);
    a_moment(&shop);
    assert_eq!(ids(&clerk, &search).await.len(), 0);
    assert_eq!(ids(&clerk, &format!("{CUSTOMERS}?q=roe")).await.len(), 3);
}

#[tokio::test]
async fn an_order_can_be_forgotten_by_its_id() {
    let shop = open().await;
    let clerk = clerk(&shop).await;
    let zed = order(&shop, 1, "Zebulon Xylophone", "zed@example.org", MUG).await;
    let roe = order(&shop, 2, "Jane Roe", "jane@example.org", MUG).await;
    shop.settle().await;
    assert_eq!(found(&clerk, "xylophone").await, std::slice::from_ref(&zed.order));
    let body = json!({
        "ids": [], "forgotten": [zed.order], "lexicon": false, "everything": false, "change": "1",
    });
    let task = json!({"messageId": "1", "receiptHandle": "x", "body": body.to_string()});
    // Twice is as good as once.
    for _ in 0..2 {
        let event = json!({"Records": [task]});
        let outcome = shop.invoke("orders.jobs.index_orders", event).await;
        let Outcome::Answered(answer) = outcome else { panic!("{outcome:?}") };
        assert_eq!(answer["batchItemFailures"], json!([]));
        assert!(is_purged(&shop, "orders").await);
        a_moment(&shop);
        assert!(found(&clerk, "xylophone").await.is_empty());
        assert_eq!(ids(&clerk, ORDERS).await, std::slice::from_ref(&roe.order));
    }
}

#[tokio::test]
async fn before_there_is_an_index_whoever_looks_has_it_built() {
    let shop = open().await;
    crate::tour::desk::before(&shop).await;
    // What was there before is in it, however old.
    let jane = order(&shop, 1, "Jane Roe", "jane@example.org", MUG).await;
    shop.clock().advance_ms(70 * 86_400_000);
    let ann = order(&shop, 2, "Ann Roe", "ann@example.org", MUG).await;
    shop.settle().await;
    let clerk = clerk(&shop).await;
    for job in ["orders.jobs.rebuild_search", "identity.jobs.rebuild_search"] {
        assert!(matches!(shop.invoke(job, json!({})).await, Outcome::Answered(_)));
    }
    shop.settle().await;
    a_moment(&shop);
    assert_eq!(found(&clerk, "roe").await, [ann.order.clone(), jane.order.clone()]);
}
