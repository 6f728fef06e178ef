//! Keys of customers, orders and addresses: what the tables say without them, who is told what once
//! they are destroyed, and that nothing is lost before. Tables are read and written as the host,
//! row by row: a copy of them is a backup.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::address::Email;
use domain::event::{Event, Fact, Letter, Message};
use domain::id::{CustomerId, EventId, MessageId, OrderId, Ulid};
use domain::permission::Permission;
use local::{Options, Outcome, Request, Shop, Snapshot};
use serde::Serialize;
use serde_json::json;
use testkit::goods::{self, MUG, POSTER, TEMPLATE};
use wire::{FaultKind, Plan};

use crate::privacy::{self, JANE, RETENTION, TRACES};
use crate::tour;
use crate::world::{self, Colleague, Shopper, ok};

type Row = HashMap<String, AttributeValue>;

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn said<'a>(row: &'a Row, name: &str) -> &'a str {
    row.get(name).and_then(|value| value.as_s().ok()).map_or("", String::as_str)
}

fn client(shop: &Shop) -> Client {
    Client::new(&shop.sdk_config())
}

/// All rows of a table: a backup.
async fn rows(shop: &Shop, table: &str) -> Vec<Row> {
    let (mut rows, mut start) = (Vec::new(), None);
    loop {
        let scan = client(shop).scan().table_name(format!("fluxion-{table}"));
        let page = scan.set_exclusive_start_key(start).send().await.unwrap();
        start = page.last_evaluated_key().cloned();
        rows.extend(page.items.unwrap_or_default());
        if start.is_none() {
            return rows;
        }
    }
}

async fn row(shop: &Shop, table: &str, pk: &str) -> Option<Row> {
    let get = client(shop).get_item().table_name(format!("fluxion-{table}")).consistent_read(true);
    get.key("pk", text(pk)).key("sk", text("META")).send().await.unwrap().item
}

async fn put(shop: &Shop, table: &str, row: &Row) {
    let put = client(shop).put_item().table_name(format!("fluxion-{table}"));
    put.set_item(Some(row.clone())).send().await.unwrap();
}

/// Who has a key.
async fn holders(shop: &Shop) -> BTreeSet<String> {
    rows(shop, "keys").await.iter().map(|row| said(row, "pk").to_owned()).collect()
}

async fn destroy(shop: &Shop, holder: &str) {
    let delete = client(shop).delete_item().table_name("fluxion-keys");
    delete.key("pk", text(holder)).key("sk", text("META")).send().await.unwrap();
}

/// Places where a backup tells who she is, but for what the law wants kept.
fn recognised(backup: &[(&str, Vec<Row>)]) -> Vec<String> {
    let mut found = Vec::new();
    for (table, rows) in backup {
        for row in rows.iter().filter(|row| {
            let pk = said(row, "pk");
            !pk.starts_with("INV#") && !pk.starts_with("PAPER#")
        }) {
            let words = format!("{row:?}").to_lowercase();
            // Bytes are shown as numbers.
            let sealed = row.values().filter_map(|value| value.as_b().ok());
            let bytes: String = sealed
                .map(|bytes| String::from_utf8_lossy(bytes.as_ref()).to_lowercase())
                .collect();
            if TRACES.iter().any(|trace| words.contains(trace) || bytes.contains(trace)) {
                found.push(format!("{table} {} / {}", said(row, "pk"), said(row, "sk")));
            }
        }
    }
    found
}

/// What backups are made of.
async fn backup(shop: &Shop) -> Vec<(&'static str, Vec<Row>)> {
    let mut all = Vec::new();
    for table in ["identity", "catalog", "inventory", "orders", "ledger"] {
        all.push((table, rows(shop, table).await));
    }
    all
}

async fn id_of(who: &Shopper) -> CustomerId {
    CustomerId::parse(ok(who.get("/v1/auth/me").await)["id"].as_str().unwrap()).unwrap()
}

async fn guest(shop: &Shop) -> Shopper {
    let mut guest = Shopper::guest(shop).await;
    guest.ready(TEMPLATE, 1).await;
    assert_eq!(guest.complete().await.status, 201);
    assert_eq!(guest.pay("pm_card_visa").0, 200);
    shop.settle().await;
    guest
}

fn order_of(who: &Shopper) -> (OrderId, String) {
    (OrderId::parse(&who.order).unwrap(), format!("ORD#{}", who.order))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_made_before_an_erasure_tells_nobody_and_opens_for_nobody_after_it() {
    let shop = world::open().await;
    let clerk = privacy::clerk(&shop).await;
    let jane = privacy::a_life(&shop, &clerk).await;
    let (id, (order, of_order)) = (id_of(&jane).await, order_of(&jane));
    let backup = backup(&shop).await;
    let found = recognised(&backup);
    assert!(found.is_empty(), "{}", found.join("\n"));
    // It is all there, for who has the keys.
    let store = shop.store();
    let file = store.customer(id).await.unwrap().unwrap();
    assert_eq!((file.account.email.as_str(), file.addresses.len()), (JANE, 1));
    assert_eq!(store.order(order).await.unwrap().unwrap().order.email.as_str(), JANE);
    assert_eq!(store.waiting(&POSTER.typed_sku(), 5).await.unwrap().len(), 1);
    let of_jane = format!("CUST#{id}");
    let had = holders(&shop).await;
    assert!(had.contains(&of_jane) && had.contains(&of_order), "{had:?}");
    assert!(had.iter().any(|holder| holder.starts_with("WAITS#")), "{had:?}");

    let asked = jane.call("POST", "/v1/store/me/erasure", &json!({})).await;
    assert_eq!(asked.status, 202, "{}", asked.text());
    privacy::served(&shop, 3).await;
    assert_eq!(holders(&shop).await, BTreeSet::new(), "nothing is left to open anything with");

    // Somebody restores the tables of before; the keys stay what they are.
    for (table, rows) in &backup {
        for row in rows {
            put(&shop, table, row).await;
        }
    }
    let file = store.customer(id).await.unwrap().unwrap();
    assert!(file.account.email.is_erased() && file.account.name.as_str() == "erased");
    assert!(file.addresses.is_empty());
    let file = store.order(order).await.unwrap().unwrap();
    assert!(domain::privacy::is_forgotten(&file.order));
    assert_eq!(file.order.number, said(&row(&shop, "orders", &of_order).await.unwrap(), "number"));
    assert!(store.waiting(&POSTER.typed_sku(), 5).await.unwrap().is_empty());
    let notes = store.notes(order, 5, None).await.unwrap().entries;
    assert_eq!(notes.iter().map(|note| note.text.as_str()).collect::<Vec<_>>(), ["erased"]);
    let mut clerk = clerk;
    clerk.sign_in().await;
    let shown = ok(clerk.get(&format!("/v1/admin/orders/{order}")).await).to_string();
    let list = ok(clerk.get("/v1/admin/orders").await).to_string();
    for trace in TRACES {
        assert!(!shown.to_lowercase().contains(trace), "{trace}: {shown}");
        assert!(!list.to_lowercase().contains(trace), "{trace}: {list}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guests_order_has_a_key_of_its_own_that_goes_with_its_buyer() {
    let shop = world::open().await;
    let guest = guest(&shop).await;
    let (order, of_order) = order_of(&guest);
    assert_eq!(holders(&shop).await, BTreeSet::from([of_order.clone()]));
    let before = row(&shop, "orders", &of_order).await.unwrap();
    assert!(said(&before, "email").ends_with("@erased.invalid"), "{before:?}");
    let email = shop.store().order(order).await.unwrap().unwrap().order.email;
    assert!(!email.is_erased());
    shop.clock().advance_ms((4 * 366 + 32) * privacy::DAY_MS);
    for _ in 0..2 {
        let done = shop.run_job(RETENTION).await;
        assert!(matches!(done, Outcome::Answered(_)), "{done:?}");
    }
    assert_eq!(holders(&shop).await, BTreeSet::new());
    put(&shop, "orders", &before).await;
    let restored = shop.store().order(order).await.unwrap().unwrap().order;
    assert!(restored.email.is_erased());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_is_closed_can_not_be_restored_either() {
    let shop = world::open().await;
    let jane = Shopper::customer(&shop, JANE).await;
    let id = id_of(&jane).await;
    let before = row(&shop, "identity", &format!("CUST#{id}")).await.unwrap();
    let closed = jane.call("DELETE", "/v1/store/me", &json!({})).await;
    assert_eq!(closed.status, 204, "{}", closed.text());
    assert_eq!(holders(&shop).await, BTreeSet::new());
    put(&shop, "identity", &before).await;
    assert!(shop.store().account(id).await.unwrap().unwrap().email.is_erased());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_are_out_of_reach_are_a_fault_and_no_erasure() {
    let options = Options { sdk_attempts: 1, ..Options::default() };
    let shop = world::open_with(options, &goods::small(world::MUGS)).await;
    let guest = guest(&shop).await;
    let before = guest.view_order().await;
    let view = format!("/v1/store/orders/{}", guest.order);
    for kind in [FaultKind::Throttle, FaultKind::FailBefore, FaultKind::Timeout] {
        let mut plan = Plan::at(1, kind);
        plan.filter = Some(Box::new(|call| {
            call.caller == "orders.store.view" && call.operation == "BatchGetItem"
        }));
        shop.wire().faults().arm(plan);
        let refused = guest.get(&view).await;
        assert_eq!(refused.status, 503, "{kind:?}: {}", refused.text());
        assert!(!refused.text().contains("erased"), "{kind:?}: {}", refused.text());
    }
    assert_eq!(guest.view_order().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seal_of_another_order_is_refused_and_leaves_lists_standing() {
    let shop = world::open().await;
    let mut jane = Shopper::customer(&shop, JANE).await;
    let mut orders = Vec::new();
    for _ in 0..2 {
        jane.open_cart("EUR").await;
        jane.ready(MUG, 1).await;
        assert_eq!(jane.complete().await.status, 201);
        assert_eq!(jane.pay("pm_card_visa").0, 200);
        shop.settle().await;
        orders.push(jane.order.clone());
    }
    let mut first = row(&shop, "orders", &format!("ORD#{}", orders[0])).await.unwrap();
    let second = row(&shop, "orders", &format!("ORD#{}", orders[1])).await.unwrap();
    let own = first.insert("~email".to_owned(), second["~email"].clone()).unwrap();
    put(&shop, "orders", &first).await;
    let refused = jane.get(&format!("/v1/store/orders/{}", orders[0])).await;
    assert_eq!(refused.status, 500, "{}", refused.text());
    ok(jane.get(&format!("/v1/store/orders/{}", orders[1])).await);
    let list = ok(jane.get("/v1/store/orders").await);
    assert_eq!(list["data"].as_array().map(Vec::len), Some(2), "{list}");
    first.insert("~email".to_owned(), own);
    put(&shop, "orders", &first).await;
    ok(jane.get(&format!("/v1/store/orders/{}", orders[0])).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_key_is_gone_stands_in_no_list_of_others() {
    let shop = world::open().await;
    let clerk = privacy::clerk(&shop).await;
    let (gone, other) = (guest(&shop).await, guest(&shop).await);
    destroy(&shop, &order_of(&gone).1).await;
    let store = shop.store();
    let ids = [order_of(&gone).0, order_of(&other).0];
    let orders = store.orders_by_id(&ids).await.unwrap();
    let erased: Vec<bool> = ids
        .iter()
        .map(|id| orders.iter().find(|order| order.id == *id).unwrap().email.is_erased())
        .collect();
    assert_eq!(erased, [true, false]);
    for id in ids {
        ok(clerk.get(&format!("/v1/admin/orders/{id}")).await);
    }
}

/// Writes rows as they were written before there were keys.
async fn as_before_keys(shop: &Shop, table: &str, pk: &str, document: &impl Serialize) {
    let mut row = row(shop, table, pk).await.unwrap();
    row.retain(|name, _| !name.starts_with('~'));
    let plain: Row = serde_dynamo::to_item(document).unwrap();
    row.extend(plain.into_iter().filter(|(_, value)| !matches!(value, AttributeValue::Null(_))));
    put(shop, table, &row).await;
    destroy(shop, pk).await;
}

/// An order and an account of before: as they were, and in the clear. Nobody came by to seal them.
pub(crate) async fn old_rows(shop: &Shop, customer: CustomerId, order: OrderId) {
    let store = shop.store();
    let account = store.account(customer).await.unwrap().unwrap();
    let file = store.order(order).await.unwrap().unwrap();
    as_before_keys(shop, "identity", &format!("CUST#{customer}"), &account).await;
    as_before_keys(shop, "orders", &format!("ORD#{order}"), &file.order).await;
    for walk in ["RETENTION#unsealed_accounts", "RETENTION#unsealed_orders"] {
        let delete = client(shop).delete_item().table_name("fluxion-identity");
        delete.key("pk", text(walk)).key("sk", text("META")).send().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_written_before_there_were_keys_is_read_and_sealed_by_the_daily_job() {
    let shop = world::open().await;
    let mut jane = Shopper::customer(&shop, JANE).await;
    jane.open_cart("EUR").await;
    jane.ready(MUG, 1).await;
    assert_eq!(jane.complete().await.status, 201);
    assert_eq!(jane.pay("pm_card_visa").0, 200);
    shop.settle().await;
    let (id, (order, of_order)) = (id_of(&jane).await, order_of(&jane));
    let seen = (jane.view_order().await, ok(jane.get("/v1/store/me").await));
    old_rows(&shop, id, order).await;
    let clear = recognised(&backup(&shop).await);
    assert_eq!(clear.len(), 2, "{clear:?}");
    let look = || async { (jane.view_order().await, ok(jane.get("/v1/store/me").await)) };
    assert_eq!(look().await, seen, "rows of before are read");
    // And written, as they are: what has no key is not sealed by whoever may make none.
    let renamed = jane.call("PATCH", "/v1/store/me", &json!({"name": "Jane Roe"})).await;
    assert_eq!(renamed.status, 200, "{}", renamed.text());
    for _ in 0..2 {
        let done = shop.run_job(RETENTION).await;
        assert!(matches!(done, Outcome::Answered(_)), "{done:?}");
        let found = recognised(&backup(&shop).await);
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
    assert_eq!(look().await, seen, "and are the same afterwards");
    assert_eq!(holders(&shop).await, BTreeSet::from([format!("CUST#{id}"), of_order]));
    // From now on every write is sealed.
    let renamed = jane.call("PATCH", "/v1/store/me", &json!({"name": "Jane Roe-Doe"})).await;
    assert_eq!(renamed.status, 200, "{}", renamed.text());
    assert!(recognised(&backup(&shop).await).is_empty());
    assert_eq!(ok(jane.get("/v1/store/me").await)["name"], "Jane Roe-Doe");
    let email = Email::parse(JANE).unwrap();
    assert!(shop.store().account_by_email(&email).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_and_its_key_are_made_together_or_not_at_all() {
    let options = Options { seed: Some(11), ..Options::default() };
    let shop = world::open_with(options, &goods::small(world::MUGS)).await;
    let guest = Shopper::guest(&shop).await;
    guest.ready(MUG, 1).await;
    shop.settle().await;
    let snapshot = Snapshot::of(shop).expect("a shop at rest");
    for kind in [
        FaultKind::DieBefore,
        FaultKind::DieAfter,
        FaultKind::LoseResponse,
        FaultKind::TransactionConflict,
    ] {
        for at in 1..=2 {
            let shop = snapshot.open().await.unwrap();
            let mut guest = Shopper { shop: shop.clone(), ..guest.clone() };
            let mut plan = Plan::at(at, kind);
            plan.filter = Some(Box::new(|call| {
                call.caller == "checkout.store.complete" && call.operation == "TransactWriteItems"
            }));
            shop.wire().faults().arm(plan);
            let retry = world::key();
            guest.complete_with(&retry).await;
            shop.wire().faults().disarm();
            let paired = || async {
                let orders = rows(&shop, "orders").await;
                let placed = orders.iter().map(|row| (said(row, "pk"), said(row, "sk")));
                let placed = placed.filter(|(pk, sk)| pk.starts_with("ORD#") && *sk == "META");
                let placed: BTreeSet<String> = placed.map(|(pk, _)| pk.to_owned()).collect();
                assert_eq!(placed, holders(&shop).await, "{kind:?} at {at}");
                placed.len()
            };
            paired().await;
            shop.clock().advance_ms(31_000);
            let again = guest.complete_with(&retry).await;
            assert!(again.status < 300, "{kind:?} at {at}: {}", again.text());
            assert_eq!(paired().await, 1, "{kind:?} at {at}");
            let (order, _) = order_of(&guest);
            let file = shop.store().order(order).await.unwrap().unwrap();
            assert!(!file.order.email.is_erased(), "{kind:?} at {at}");
        }
    }
}

/// Letters on their way, as they lie there.
async fn letters_under_way(shop: &Shop) -> Vec<Row> {
    let mut found = rows(shop, "orders").await;
    found.retain(|row| said(row, "pk").starts_with("OBX#") && !said(row, "holder").is_empty());
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_on_its_way_is_sealed_under_the_key_of_its_reader() {
    let shop = world::open().await;
    let clerk = Colleague::of(&shop, "clerk", &[Permission::NotificationsWrite]).await;
    let mut jane = Shopper::customer(&shop, JANE).await;
    jane.open_cart("EUR").await;
    jane.ready(MUG, 1).await;
    assert_eq!(jane.complete().await.status, 201);
    assert_eq!(jane.pay("pm_card_visa").0, 200);
    shop.settle().await;
    let (_, of_order) = order_of(&jane);
    let of_jane = format!("CUST#{}", id_of(&jane).await);
    let before = shop.mails().len();
    let asked = jane.call("POST", "/v1/auth/password/forgot", &json!({"email": JANE})).await;
    assert_eq!(asked.status, 202, "{}", asked.text());
    let path = format!("/v1/admin/orders/{}/resend_confirmation", jane.order);
    let again = Request::new("POST", &path).header("idempotency-key", &world::key());
    let again = clerk.send(again.json(&json!({}))).await;
    assert!(again.status < 300, "{}", again.text());
    // A new account, whose key is made with it.
    let joe = Shopper::new(&shop);
    assert_eq!(joe.register("jane@example.org.example").await.status, 202);
    // And a new address, which no row holds yet: the letter to it goes with its account's key.
    let moving = json!({"email": "new.jane@example.org", "password": world::PASSWORD});
    let moving = jane.call("POST", "/v1/auth/email/change", &moving).await;
    assert_eq!(moving.status, 202, "{}", moving.text());

    let under_way = letters_under_way(&shop).await;
    let holders: Vec<&str> = under_way.iter().map(|row| said(row, "holder")).collect();
    assert_eq!(under_way.len(), 5, "{holders:?}");
    assert_eq!(holders.iter().filter(|holder| **holder == of_jane).count(), 3, "{holders:?}");
    assert!(holders.contains(&of_order.as_str()), "{holders:?}");
    assert!(under_way.iter().all(|row| !row.contains_key("event")), "{under_way:?}");
    let found = recognised(&backup(&shop).await);
    assert!(found.is_empty(), "{}", found.join("\n"));
    shop.settle().await;
    assert_eq!(shop.mails().len(), before + 5);
    assert!(letters_under_way(&shop).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_forgotten_before_a_letter_is_sent_gets_none_and_it_is_in_nobodys_way() {
    let shop = world::open().await;
    let jane = Shopper::customer(&shop, JANE).await;
    let of_jane = format!("CUST#{}", id_of(&jane).await);
    shop.settle().await;
    for is_swept in [false, true] {
        let before = shop.mails().len();
        let asked = jane.call("POST", "/v1/auth/password/forgot", &json!({"email": JANE})).await;
        assert_eq!(asked.status, 202, "{}", asked.text());
        assert_eq!(letters_under_way(&shop).await.len(), 1);
        let key = row(&shop, "keys", &of_jane).await.unwrap();
        destroy(&shop, &of_jane).await;
        if is_swept {
            shop.clock().advance_ms(31_000);
            let swept = shop.run_job("platform.jobs.sweep_outbox").await;
            assert!(matches!(swept, Outcome::Answered(_)), "{swept:?}");
            assert!(letters_under_way(&shop).await.is_empty());
        }
        shop.settle().await;
        assert_eq!(shop.mails().len(), before);
        assert!(letters_under_way(&shop).await.is_empty());
        put(&shop, "keys", &key).await;
        shop.clock().advance_ms(3_600_000);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_that_was_written_in_the_clear_is_sent_all_the_same() {
    let shop = world::open().await;
    let (ulid, at) = (Ulid::from_parts(1, 8), shop.clock().now());
    let (id, to) = (MessageId::from_ulid(ulid), Email::parse(JANE).unwrap());
    let message = Message { id, to, letter: Letter::PasswordChanged };
    let fact = Fact::MessageRequested { message };
    let event = Event { id: EventId::from_ulid(ulid), at, sequence: 1, fact };
    let words = serde_json::to_string(&event).unwrap();
    let (id, at) = (event.id.to_string(), at.to_string());
    let old = [("pk", "OBX#0"), ("sk", id.as_str()), ("event", words.as_str()), ("at", &at)];
    let old: Row = old.map(|(name, value)| (name.to_owned(), text(value))).into();
    put(&shop, "orders", &old).await;
    shop.settle().await;
    let read: Vec<_> = shop.mails().into_iter().flat_map(|mail| mail.to).collect();
    assert_eq!(read, [JANE]);
    assert!(rows(&shop, "orders").await.iter().all(|row| !said(row, "pk").starts_with("OBX#")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tracking_number_stands_in_no_key_and_leads_nowhere_after_an_erasure() {
    let shop = world::open().await;
    let guest = guest(&shop).await;
    let (order, of_order) = order_of(&guest);
    let number = "1Z999AA10123456784";
    tour::privacy::labelled(&shop, &guest.order, number).await;
    let store = shop.store();
    let found = store.followed(number).await.unwrap().unwrap();
    assert_eq!(found.order, order);
    let leads = |row: &&Row| said(row, "pk").starts_with("TRACK#");
    let all = rows(&shop, "orders").await;
    let mut old = all.iter().find(leads).unwrap().clone();
    assert!(!format!("{all:?}").contains(number), "it is sealed, and hashed in keys");
    // As it was written before numbers were hashed.
    let delete = client(&shop).delete_item().table_name("fluxion-orders");
    delete.key("pk", old["pk"].clone()).key("sk", text("META")).send().await.unwrap();
    old.insert("pk".to_owned(), text(&format!("TRACK#{number}")));
    put(&shop, "orders", &old).await;
    assert_eq!(store.followed(number).await.unwrap(), Some(found), "rows of before are read");
    // Another parcel got a number again that this one had.
    let other = self::guest(&shop).await;
    tour::privacy::labelled(&shop, &other.order, number).await;
    let newest = store.followed(number).await.unwrap().unwrap();
    assert_eq!(newest.order, order_of(&other).0);

    let forgotten = store.order(order).await.unwrap().unwrap().order;
    let after = domain::privacy::forget(&forgotten, shop.clock().now());
    let traces = domain::privacy::Traces::of_order(&forgotten);
    let saved = store.forget_in_order(&forgotten, &after, &traces).await.unwrap();
    assert_eq!(saved, store::Saved::Yes);
    assert!(row(&shop, "orders", &format!("TRACK#{number}")).await.is_none());
    assert_eq!(store.followed(number).await.unwrap(), Some(newest), "it is another's by now");
    assert!(!holders(&shop).await.contains(&of_order));
    shop.clock().advance_ms((4 * 366 + 32) * privacy::DAY_MS);
    for _ in 0..2 {
        let done = shop.run_job(RETENTION).await;
        assert!(matches!(done, Outcome::Answered(_)), "{done:?}");
    }
    assert_eq!(store.followed(number).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn why_somebody_got_credit_is_sealed_in_the_ledger_which_nobody_may_change() {
    let shop = world::open().await;
    let jane = Shopper::customer(&shop, JANE).await;
    let may = [Permission::GiftCardsIssue, Permission::PromotionsRead];
    let teller = Colleague::of(&shop, "teller", &may).await;
    let id = id_of(&jane).await;
    let path = format!("/v1/admin/customers/{id}/store_credit");
    let amount = json!({"amount": 500, "currency": "EUR"});
    let body = json!({"amount": amount, "reason": "Jane Roe broke her arm."});
    let give = Request::new("POST", &path).header("idempotency-key", &world::key()).json(&body);
    assert_eq!(teller.send(give).await.status, 201);
    let found = recognised(&backup(&shop).await);
    assert!(found.is_empty(), "{}", found.join("\n"));
    let why = || async { ok(teller.get(&path).await)["data"][0]["reason"].clone() };
    assert_eq!(why().await, "Jane Roe broke her arm.");
    let own = ok(jane.get("/v1/store/me/store_credit").await);
    assert_eq!((&own["data"][0]["amount"], &own["balances"][0]), (&amount, &amount));
    destroy(&shop, &format!("CUST#{id}")).await;
    assert_eq!(why().await, json!(null));
    let own = ok(jane.get("/v1/store/me/store_credit").await);
    assert_eq!(own["balances"][0], amount, "what it is worth stays");
}
