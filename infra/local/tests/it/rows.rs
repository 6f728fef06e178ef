//! What was written once is read by every release that follows: whole tables, frozen as the code
//! of their month wrote them, in `shared/store/fixtures`.
//!
//! A file is never changed. Where one of the list is missing, `UPDATE_EXPECT=1` writes it.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::account::Subject;
use domain::currency::Currency;
use domain::id::CustomerId;
use domain::money::Money;
use domain::permission::Permission;
use local::{Options, Request, Shop};
use serde_json::{Map, Value, json};
use testkit::goods::{MUG, SOCKS};

use crate::tour::parcels::line_of;
use crate::tour::returns::{deliver, own, tell, wish};
use crate::world::{Colleague, Shopper, key, ok};

/// The forms that were ever in use, oldest first.
const FIXTURES: [&str; 1] = ["2026-11"];
/// What opens something, or is found by what opens it, is no shorter.
const SECRET_CHARS_MIN: usize = 32;

type Item = HashMap<String, AttributeValue>;

fn file(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/store/fixtures");
    folder.join(format!("{name}.json"))
}

/// A shop in which there is one of everything, and a letter on its way.
async fn lived_in() -> Shop {
    let shop = crate::papers::open().await;
    let clerk = Colleague::of(&shop, "clerk", Permission::ALL).await;
    let mut jane = Shopper::customer(&shop, "jane@example.org").await;
    jane.open_cart("EUR").await;
    jane.ready(SOCKS, 3).await;
    let answer = jane.complete().await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    jane.pay("pm_card_visa");
    shop.settle().await;
    let line = json!(line_of(&jane).await);
    deliver(&clerk, &jane.order, &line, 3).await;
    let made = tell(&jane, &own(&jane.order), &wish(&line, 1)).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let path = format!("/v1/admin/orders/{}/refunds", jane.order);
    let cent = json!({"goodwill": {"amount": 1, "currency": "EUR"}});
    let refund = Request::new("POST", &path).header("idempotency-key", &key()).json(&cent);
    ok(clerk.send(refund).await);
    crate::gift_cards::card(&shop, Money::new(500, Currency::EUR), None).await;
    shop.clock().advance_ms(1);
    jane.open_cart("EUR").await;
    jane.add(MUG, 1).await;
    shop.settle_all().await;
    let answer = Shopper::from(&shop, "203.0.113.8").register("joe@example.org").await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    shop
}

/// Every row, by the end of its table's name; what only lives for a day is left out.
async fn rows(shop: &Shop) -> BTreeMap<String, Vec<Item>> {
    let client = aws_sdk_dynamodb::Client::new(&shop.sdk_config());
    let mut all = BTreeMap::new();
    for table in &shop.stack().tables {
        let end = table.name.rsplit('-').next().unwrap().to_owned();
        let mut items = Vec::new();
        let mut pages = client.scan().table_name(&table.name).into_paginator().send();
        while let Some(page) = pages.next().await {
            items.extend(page.unwrap().items().iter().cloned());
        }
        items.retain(|item| {
            let (pk, _) = keys(item);
            end != "ephemeral" || pk.starts_with("CUST#") || pk.starts_with("STF#")
        });
        items.sort_by_key(keys);
        all.insert(end, items);
    }
    all
}

fn keys(item: &Item) -> (String, String) {
    let text = |name: &str| item[name].as_s().unwrap().clone();
    (text("pk"), text("sk"))
}

/// A row as it stands in a file, without secrets.
fn frozen(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({"S": harmless(text)}),
        AttributeValue::N(number) => json!({"N": number}),
        AttributeValue::Bool(is) => json!({"BOOL": is}),
        AttributeValue::Null(is) => json!({"NULL": is}),
        AttributeValue::B(bytes) => json!({"B": bytes.clone().into_inner()}),
        AttributeValue::L(list) => json!({"L": list.iter().map(frozen).collect::<Vec<_>>()}),
        AttributeValue::M(map) => json!({"M": frozen_item(map)}),
        other => panic!("say here how {other:?} is written"),
    }
}

fn frozen_item(item: &Item) -> Map<String, Value> {
    // A map of serde_json is sorted where it is built sorted.
    let sorted: BTreeMap<&String, &AttributeValue> = item.iter().collect();
    sorted.into_iter().map(|(name, value)| (name.clone(), frozen(value))).collect()
}

fn thawed(value: &Value) -> AttributeValue {
    let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
    let text = || value.as_str().unwrap().to_owned();
    match kind.as_str() {
        "S" => AttributeValue::S(text()),
        "N" => AttributeValue::N(text()),
        "BOOL" => AttributeValue::Bool(value.as_bool().unwrap()),
        "NULL" => AttributeValue::Null(value.as_bool().unwrap()),
        "B" => {
            let byte = |one: &Value| u8::try_from(one.as_u64().unwrap()).unwrap();
            let bytes: Vec<u8> = value.as_array().unwrap().iter().map(byte).collect();
            AttributeValue::B(Blob::new(bytes))
        }
        "L" => AttributeValue::L(value.as_array().unwrap().iter().map(thawed).collect()),
        "M" => AttributeValue::M(thawed_item(value)),
        other => panic!("what is {other}?"),
    }
}

fn thawed_item(value: &Value) -> Item {
    value.as_object().unwrap().iter().map(|(name, one)| (name.clone(), thawed(one))).collect()
}

/// The text with sevens for each long word: hashes, tokens, client secrets.
fn harmless(text: &str) -> String {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "_-+/=".contains(letter);
    let mut all = String::new();
    let mut word = String::new();
    for letter in text.chars().map(Some).chain([None]) {
        match letter {
            Some(letter) if is_part(letter) => word.push(letter),
            other => {
                let is_long = word.len() >= SECRET_CHARS_MIN && !word.contains('/');
                all.push_str(&if is_long { "7".repeat(word.len()) } else { word.clone() });
                word.clear();
                all.extend(other);
            }
        }
    }
    all
}

/// Writes a file that is not there.
async fn freeze(name: &str) {
    let mut text = "{\n".to_owned();
    let tables = rows(&lived_in().await).await;
    for (number, (table, items)) in tables.iter().enumerate() {
        let lines: Vec<String> =
            items.iter().map(|item| Value::Object(frozen_item(item)).to_string()).collect();
        let comma = if number == 0 { "" } else { ",\n" };
        write!(text, "{comma}\"{table}\": [\n{}\n]", lines.join(",\n")).unwrap();
    }
    text.push_str("\n}\n");
    std::fs::write(file(name), text).unwrap();
}

#[tokio::test]
async fn every_row_that_was_ever_written_is_still_read() {
    for name in FIXTURES {
        if !file(name).is_file() {
            let may = std::env::var("UPDATE_EXPECT").is_ok_and(|value| value == "1");
            assert!(may, "{name}: UPDATE_EXPECT=1 writes it");
            freeze(name).await;
        }
        let text = std::fs::read_to_string(file(name)).unwrap();
        let tables: BTreeMap<String, Vec<Value>> = serde_json::from_str(&text).unwrap();
        let tables: BTreeMap<String, Vec<Item>> = tables
            .into_iter()
            .map(|(table, items)| (table, items.iter().map(thawed_item).collect()))
            .collect();
        read(name, &tables).await;
    }
}

/// Puts the rows into an empty shop and reads each kind the way the shop does.
async fn read(name: &str, tables: &BTreeMap<String, Vec<Item>>) {
    let shop = Shop::open(Options::default()).await.expect("the shop opens");
    let client = aws_sdk_dynamodb::Client::new(&shop.sdk_config());
    for (end, items) in tables {
        let is_it = |table: &&templates::Table| table.name.ends_with(&format!("-{end}"));
        let table = shop.stack().tables.iter().find(is_it);
        let table = table.unwrap_or_else(|| panic!("{name}: there is no table {end}"));
        for item in items {
            let put = client.put_item().table_name(&table.name).set_item(Some(item.clone()));
            put.send().await.unwrap();
        }
    }
    let of = |table: &str, pk: &str, sk: &str| -> Vec<String> {
        let found = tables[table].iter().map(keys);
        let found = found.filter(|(one, two)| one.starts_with(pk) && two.starts_with(sk));
        found.map(|(one, two)| format!("{one} {two}")).collect()
    };
    let facts = local::facts::of(&shop, BTreeMap::new()).await.expect("a readable shop");
    for (what, read, there) in [
        ("orders", facts.orders.len(), of("orders", "ORD#", "META")),
        ("payments", facts.payments.len(), of("orders", "ORD#", "PAY#")),
        ("refunds", facts.paid_back.len(), of("orders", "ORD#", "REF#")),
        ("parcels", facts.parcels.len(), of("orders", "ORD#", "FUL#")),
        ("returns", facts.returns.len(), of("orders", "ORD#", "RET#")),
        ("invoices", facts.invoices.len(), of("orders", "INV#", "")),
        ("gift cards", facts.gift_cards.len(), of("orders", "GC#", "")),
        ("letters on their way", facts.unsent, of("orders", "OBX#", "")),
        ("carts", facts.carts.len(), of("carts", "CART#", "")),
        ("entries of the ledger", facts.entries.len(), of("ledger", "PAY#", "")),
        ("movements", facts.movements.len(), of("ledger", "STK#", "")),
        ("stock levels", facts.stock.len(), of("inventory", "SKU#", "")),
    ] {
        assert!(!there.is_empty(), "{name} has no {what}");
        assert_eq!(read, there.len(), "{name}: {what}");
    }
    let (store, now) = (shop.store(), shop.clock().now());
    for order in &facts.orders {
        let file = store.order(order.id).await.unwrap().unwrap();
        assert_eq!(file.order.email.as_str(), "jane@example.org", "{name}: an order's buyer");
        assert!(file.payment().is_some() && !file.parcels.is_empty() && !file.returns.is_empty());
    }
    for stock in &facts.stock {
        assert!(store.level(&stock.place).await.unwrap().is_some());
    }
    let id = |row: &str| row.split(['#', ' ']).nth(1).unwrap().to_owned();
    for row in of("identity", "CUST#", "META") {
        let customer = CustomerId::parse(&id(&row)).unwrap();
        let account = store.account(customer).await.unwrap().unwrap();
        assert!(account.email.as_str().ends_with("@example.org"), "{name}: an account's address");
    }
    let sessions = of("ephemeral", "CUST#cus_", "SES#");
    assert!(!sessions.is_empty(), "{name} has no sessions");
    for row in sessions {
        let subject = Subject::Customer(CustomerId::parse(&id(&row)).unwrap());
        assert!(!store.sessions(subject, now).await.unwrap().is_empty());
    }
    let nobody = Shopper::new(&shop);
    let list = ok(nobody.get("/v1/store/products").await);
    for product in list["data"].as_array().unwrap() {
        let path = format!("/v1/store/products/{}", product["slug"].as_str().unwrap());
        let page = ok(nobody.get(&path).await);
        assert!(!page["variants"].as_array().unwrap().is_empty(), "{name}: {path}");
    }
    assert!(list["data"].as_array().unwrap().len() >= 3, "{name}: products");
    // Streams and queues read them, too: what was on its way arrives, and nothing is given up.
    shop.settle().await;
    let given_up: Vec<String> = shop
        .wire()
        .sqs()
        .depths()
        .into_iter()
        .filter(|depth| depth.is_dlq && depth.visible + depth.in_flight > 0)
        .map(|depth| depth.queue)
        .collect();
    assert_eq!(given_up, Vec::<String>::new(), "{name}");
    let letters = shop.mails();
    assert!(letters.iter().any(|mail| mail.to.contains(&"joe@example.org".to_owned())), "{name}");
}
