//! What the shop knows of somebody, and how it forgets them. Tables and the bucket are searched as
//! the host, row by row.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::address::Email;
use domain::currency::Currency;
use domain::id::CustomerId;
use domain::money::Money;
use domain::permission::Permission;
use local::{Options, Outcome, Request, Response, Shop, Snapshot};
use serde_json::{Value, json};
use store::subscription::Subscription;
use testkit::goods::{self, MUG, POSTER, TEMPLATE};
use wire::{FaultKind, Plan};

use crate::gift_cards;
use crate::world::{self, Colleague, Shopper, key, ok, refusal};

pub(crate) const JANE: &str = "jane@example.org";
/// What she is recognised by: as she says it herself, and as every address of these stories does.
pub(crate) const TRACES: [&str; 3] = ["jane@example.org", "jane roe", "lindenstrasse"];
const SERVE: &str = "identity.jobs.serve_privacy";
pub(crate) const RETENTION: &str = "identity.jobs.apply_retention";
const MINUTE_MS: i64 = 60_000;
pub(crate) const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// A clerk who may do all that is asked of staff here.
pub(crate) async fn clerk(shop: &Shop) -> Colleague {
    let all = [
        Permission::CustomersErase,
        Permission::CustomersRead,
        Permission::CustomersWrite,
        Permission::OrdersRead,
        Permission::OrdersWrite,
    ];
    Colleague::of(shop, "clerk", &all).await
}

/// Jane, who has an address book, a consent, an order that was delivered and written about, another
/// cart, and waits for something.
pub(crate) async fn a_life(shop: &Shop, clerk: &Colleague) -> Shopper {
    let mut jane = Shopper::customer(shop, JANE).await;
    let book = jane.call("POST", "/v1/store/me/addresses", &world::address()).await;
    assert_eq!(book.status, 201, "{}", book.text());
    ok(consent(&jane, true, "newsletter-1").await);
    bought(&mut jane, TEMPLATE).await;
    let note = json!({"text": "Jane called; calls back tomorrow."});
    let path = format!("/v1/admin/orders/{}/notes", jane.order);
    let written = Request::new("POST", &path).header("idempotency-key", &key()).json(&note);
    let written = clerk.send(written).await;
    assert!(written.status < 300, "{}", written.text());
    let waits = Subscription {
        sku: POSTER.typed_sku(),
        title: "Poster".to_owned(),
        slug: domain::catalog::Slug::parse("the-poster").unwrap(),
        email: Email::parse(JANE).unwrap(),
        created_at: shop.clock().now(),
    };
    shop.store().subscribe(&waits).await.unwrap();
    jane.open_cart("EUR").await;
    jane.ready(MUG, 1).await;
    shop.settle().await;
    jane
}

async fn bought(jane: &mut Shopper, good: goods::Good) {
    jane.open_cart("EUR").await;
    jane.ready(good, 1).await;
    assert_eq!(jane.complete().await.status, 201);
    assert_eq!(jane.pay("pm_card_visa").0, 200);
    jane.shop.settle().await;
    assert_eq!(jane.view_order().await["status"], "placed");
}

async fn consent(jane: &Shopper, is_given: bool, text: &str) -> Response {
    let body = json!({"is_given": is_given, "text": text});
    jane.call("PUT", "/v1/store/me/consents/marketing_mail", &body).await
}

async fn id_of(jane: &Shopper) -> CustomerId {
    let me = ok(jane.get("/v1/auth/me").await);
    CustomerId::parse(me["id"].as_str().unwrap()).unwrap()
}

/// The job runs so often, two minutes apart.
pub(crate) async fn served(shop: &Shop, times: usize) {
    for _ in 0..times {
        shop.clock().advance_ms(2 * MINUTE_MS + 1);
        shop.run_job(SERVE).await;
    }
    shop.settle_all().await;
}

fn letters(shop: &Shop) -> Vec<String> {
    let mails = shop.mails().into_iter().filter(|mail| mail.to.iter().any(|to| to == JANE));
    mails.map(|mail| mail.tags["template"].clone()).collect()
}

/// All texts of a value.
fn texts(value: &AttributeValue, out: &mut String) {
    match value {
        AttributeValue::S(text) | AttributeValue::N(text) => {
            out.push_str(text);
            out.push('\n');
        }
        AttributeValue::L(values) => values.iter().for_each(|value| texts(value, out)),
        AttributeValue::M(values) => {
            for (name, value) in values {
                out.push_str(name);
                out.push('\n');
                texts(value, out);
            }
        }
        AttributeValue::B(bytes) => out.push_str(&String::from_utf8_lossy(bytes.as_ref())),
        _ => {}
    }
}

/// Every row of every table and every object of the bucket in which she is recognised, but for what
/// the law wants kept.
pub(crate) async fn recognised(shop: &Shop) -> Vec<String> {
    let client = aws_sdk_dynamodb::Client::new(&shop.sdk_config());
    let mut found = Vec::new();
    for table in
        ["identity", "catalog", "inventory", "carts", "orders", "ledger", "ephemeral", "keys"]
    {
        let mut start = None;
        loop {
            let name = format!("fluxion-{table}");
            let scan = client.scan().table_name(name).set_exclusive_start_key(start);
            let page = scan.send().await.unwrap();
            for item in page.items() {
                let place = |name: &str| item[name].as_s().unwrap().clone();
                let (pk, sk) = (place("pk"), place("sk"));
                let is_law = pk.starts_with("INV#") || pk.starts_with("PAPER#");
                let mut said = String::new();
                for value in item.values() {
                    texts(value, &mut said);
                }
                let said = said.to_lowercase();
                if !is_law && TRACES.iter().any(|trace| said.contains(trace)) {
                    found.push(format!("{table} {pk} / {sk}: {said}"));
                }
            }
            start = page.last_evaluated_key().cloned();
            if start.is_none() {
                break;
            }
        }
    }
    let s3 = shop.wire().s3();
    for bucket in s3.buckets() {
        for key in s3.keys(&bucket, "").iter().filter(|key| !key.starts_with("papers/")) {
            let object = s3.object(&bucket, key).unwrap();
            let said = String::from_utf8_lossy(&object.bytes).to_lowercase();
            if TRACES.iter().any(|trace| said.contains(trace)) {
                found.push(format!("{bucket}/{key}"));
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_change_of_mind_is_kept_with_its_proof() {
    let shop = world::open().await;
    let (jane, clerk) = (Shopper::customer(&shop, JANE).await, clerk(&shop).await);
    let id = id_of(&jane).await;
    let given = ok(consent(&jane, true, "newsletter-1").await);
    assert_eq!((&given["sequence"], &given["is_given"]), (&json!(1), &json!(true)));
    // Twice is once, and other words are agreed to anew.
    assert_eq!(ok(consent(&jane, true, "newsletter-1").await), given);
    ok(consent(&jane, true, "newsletter-2").await);
    let back = ok(consent(&jane, false, "newsletter-2").await);
    assert_eq!(ok(consent(&jane, false, "newsletter-3").await), back);
    let own = ok(jane.get("/v1/store/me/consents?limit=2").await);
    let sequences = |page: &Value| -> Vec<u64> {
        let data = page["data"].as_array().unwrap();
        data.iter().map(|fact| fact["sequence"].as_u64().unwrap()).collect()
    };
    assert_eq!(sequences(&own), [3, 2]);
    let next = own["next_cursor"].as_str().unwrap();
    let rest = ok(jane.get(&format!("/v1/store/me/consents?limit=2&cursor={next}")).await);
    assert_eq!(sequences(&rest), [1]);
    let shown = ok(clerk.get(&format!("/v1/admin/customers/{id}/consents")).await);
    assert_eq!(sequences(&shown), [3, 2, 1]);
    for fact in shown["data"].as_array().unwrap() {
        assert!(!fact["request_id"].as_str().unwrap().is_empty(), "{fact}");
    }
    let body = json!({"is_given": true, "text": "x"});
    let unknown = jane.call("PUT", "/v1/store/me/consents/spam", &body).await;
    assert_eq!(unknown.status, 400, "{}", unknown.text());
    // Two at once: each is told what stands.
    let (one, two) =
        tokio::join!(consent(&jane, true, "newsletter-4"), consent(&jane, true, "newsletter-4"));
    assert_eq!((ok(one)["sequence"].as_u64(), ok(two)["sequence"].as_u64()), (Some(4), Some(4)));
}

/// The document behind a link.
fn document(shop: &Shop, url: &str) -> Value {
    let path = url.split("/exports/").nth(1).unwrap().split('?').next().unwrap();
    let s3 = shop.wire().s3();
    let bucket = s3.buckets().into_iter().find(|bucket| bucket.contains("-files-")).unwrap();
    let object = s3.object(&bucket, &format!("exports/{path}")).expect("a file");
    serde_json::from_slice(&object.bytes).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_is_known_is_mailed_to_the_customer_and_opens_once() {
    let shop = world::open().await;
    let clerk = clerk(&shop).await;
    let jane = a_life(&shop, &clerk).await;
    let id = id_of(&jane).await;
    let ask = || async { jane.call("POST", "/v1/store/me/export", &json!({})).await };
    let asked = ask().await;
    assert_eq!(asked.status, 202, "{}", asked.text());
    // Asking again, or by staff, is asking once.
    assert_eq!(ask().await.value()["id"], asked.value()["id"]);
    let staff = format!("/v1/admin/customers/{id}/export");
    let by_staff = clerk.call("POST", &staff, &json!({})).await;
    assert_eq!(by_staff.value()["id"], asked.value()["id"]);
    let open = ok(clerk.get("/v1/admin/privacy_requests").await);
    assert_eq!(open["data"][0]["id"], asked.value()["id"]);
    shop.advance(60).await;
    shop.settle().await;
    assert_eq!(letters(&shop).last().unwrap(), "data_exported");
    let token = json!({"token": jane.mailed_token(JANE).unwrap()});
    let stranger = Shopper::from(&shop, "198.51.100.9");
    let lend = || async { stranger.call("POST", "/v1/auth/export/open", &token).await };
    let lent = ok(lend().await);
    assert_eq!(refusal(&lend().await), (400, "invalid_token".into()));
    let known = document(&shop, lent["url"].as_str().unwrap());
    let told = known.to_string();
    for personal in ["jane@example.org", "Jane Roe", "Lindenstrasse 1", "newsletter-1"] {
        assert!(told.contains(personal), "{personal}: {told}");
    }
    for (place, what) in [
        ("/orders/0/letters/0/letter", json!("order_confirmation")),
        ("/waits_for/0", json!(POSTER.sku)),
        ("/consents/0/text", json!("newsletter-1")),
        ("/customer", json!(id.to_string())),
    ] {
        assert_eq!(known.pointer(place), Some(&what), "{place}: {known}");
    }
    assert!(known["cart"]["lines"][0].is_object(), "{known}");
    assert!(told.contains("Jane called"), "notes about her are hers to read");
    for secret in ["argon2", "\"password\"", "\"access\"", "\"current\""] {
        assert!(!told.contains(secret), "{secret}: {told}");
    }
    assert_eq!(refusal(&ask().await), (409, "exported_already".into()));
    let refused = clerk.call("POST", &staff, &json!({})).await;
    assert_eq!(refusal(&refused), (409, "exported_already".into()));
    let nobody = "/v1/admin/customers/cus_01ARZ3NDEKTSV4RRFFQ69G5FAV/export";
    assert_eq!(clerk.call("POST", nobody, &json!({})).await.status, 404);
    // Who has not proven who they are for a while is asked to.
    shop.clock().advance_ms(11 * MINUTE_MS);
    assert_eq!(refusal(&ask().await), (403, "step_up_required".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_forgotten_is_found_nowhere_but_on_invoices() {
    let shop = world::open().await;
    let clerk = clerk(&shop).await;
    let jane = a_life(&shop, &clerk).await;
    let id = id_of(&jane).await;
    assert_eq!(jane.call("POST", "/v1/store/me/export", &json!({})).await.status, 202);
    served(&shop, 1).await;
    assert!(recognised(&shop).await.len() > 5, "she is known");
    let request = Request::new("POST", "/v1/store/me/erasure").json(&json!({}));
    let asked = jane.send(request).await;
    assert_eq!(asked.status, 202, "{}", asked.text());
    served(&shop, 3).await;
    let found = recognised(&shop).await;
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert_eq!(letters(&shop).last().unwrap(), "data_erased");
    assert_eq!(refusal(&jane.login(JANE).await), (401, "invalid_credentials".into()));
    let mut clerk = clerk;
    clerk.sign_in().await;
    let order = ok(clerk.get(&format!("/v1/admin/orders/{}", jane.order)).await);
    let email = order.pointer("/email").or(order.pointer("/order/email"));
    let email = email.and_then(Value::as_str).unwrap_or_else(|| panic!("no address: {order}"));
    assert!(email.ends_with("@erased.invalid"), "{email}");
    assert_eq!(clerk.get(&format!("/v1/admin/customers/{id}")).await.status, 404);
    // The proof of what she agreed to stays, by her id.
    let consents = ok(clerk.get(&format!("/v1/admin/customers/{id}/consents")).await);
    assert_eq!(consents["data"].as_array().map(Vec::len), Some(1));
    let done = ok(clerk.get("/v1/admin/privacy_requests?state=done").await);
    assert_eq!(done["data"].as_array().map(Vec::len), Some(2), "{done}");
    let log = shop.audit_log().await.unwrap();
    let actions: Vec<&str> = log.iter().map(|link| link.entry.action.as_str()).collect();
    assert!(actions.contains(&"customer.erase") && actions.contains(&"customer.erased"));
    // A letter about the order that is asked for once more goes to nobody.
    let sent = shop.mails().len();
    let path = format!("/v1/admin/orders/{}/resend_confirmation", jane.order);
    clerk.send(Request::new("POST", &path).header("idempotency-key", &key())).await;
    shop.settle_all().await;
    assert_eq!(shop.mails().len(), sent);
    // Once more, by staff: nothing is left to be done. And she may come back, as somebody else.
    let again = clerk.call("POST", &format!("/v1/admin/customers/{id}/erasure"), &json!({})).await;
    assert_eq!(again.status, 202, "{}", again.text());
    served(&shop, 2).await;
    let back = Shopper::customer(&shop, JANE).await;
    assert_ne!(id_of(&back).await, id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_forgotten_while_an_order_is_under_way_or_credit_would_be_lost() {
    let shop = world::open().await;
    let clerk = clerk(&shop).await;
    let mut jane = Shopper::customer(&shop, JANE).await;
    let id = id_of(&jane).await;
    bought(&mut jane, MUG).await;
    let farewell = |body: Value| {
        let jane = jane.clone();
        async move { jane.call("POST", "/v1/store/me/erasure", &body).await }
    };
    let refused = farewell(json!({})).await;
    assert_eq!(refusal(&refused), (409, "orders_under_way".into()));
    assert_eq!(refused.value()["order_ids"], json!([jane.order]));
    let path = format!("/v1/admin/customers/{id}/erasure");
    let by_staff = clerk.call("POST", &path, &json!({})).await;
    assert_eq!(refusal(&by_staff), (409, "orders_under_way".into()));

    let off = format!("/v1/admin/orders/{}/cancel", jane.order);
    let off = Request::new("POST", &off).header("idempotency-key", &key());
    ok(clerk.send(off.json(&json!({"reason": "Asked for it"}))).await);
    shop.settle().await;
    gift_cards::credit(&shop, id, Money::new(500, Currency::EUR)).await;
    assert_eq!(refusal(&farewell(json!({})).await), (409, "store_credit_left".into()));
    let asked = farewell(json!({"gives_up_credit": true})).await;
    assert_eq!(asked.status, 202, "{}", asked.text());

    // An order that comes before the account is closed is waited for.
    jane.open_cart("EUR").await;
    jane.ready(MUG, 1).await;
    assert_eq!(jane.complete().await.status, 201);
    served(&shop, 2).await;
    let open = ok(clerk.get("/v1/admin/privacy_requests").await);
    assert_eq!(open["data"][0]["waits_for"], json!([jane.order]), "{open}");
    assert!(!recognised(&shop).await.is_empty());
    shop.advance(31 * 60).await;
    shop.advance(61 * 60).await;
    shop.settle_all().await;
    let found = recognised(&shop).await;
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert_eq!(letters(&shop).last().unwrap(), "data_erased");
    let nobody = "/v1/admin/customers/cus_01ARZ3NDEKTSV4RRFFQ69G5FAV/erasure";
    let mut clerk = clerk;
    clerk.sign_in().await;
    assert_eq!(clerk.call("POST", nobody, &json!({})).await.status, 404);
}

/// How often a letter went out.
pub(crate) fn count(shop: &Shop, letter: &str) -> usize {
    letters(shop).iter().filter(|name| *name == letter).count()
}

/// Kills the job at every so manieth call of its own: the end is always the same.
async fn killed(path: &str, letter: &str, every: u64, is_served: fn(&[String]) -> bool) -> usize {
    let options = Options { seed: Some(7), ..Options::default() };
    let shop = world::open_with(options, &goods::small(world::MUGS)).await;
    let desk = clerk(&shop).await;
    let jane = a_life(&shop, &desk).await;
    assert_eq!(jane.call("POST", path, &json!({})).await.status, 202);
    shop.settle().await;
    let snapshot = Snapshot::of(shop).expect("a shop at rest");
    let whole = snapshot.open().await.unwrap();
    let mark = whole.wire().recorder().mark();
    served(&whole, 4).await;
    let calls = whole.wire().recorder().since(mark).into_iter();
    let calls = calls.filter(|call| call.caller == SERVE).count() as u64;
    assert!(is_served(&recognised(&whole).await) && count(&whole, letter) == 1);
    let mut points = 0;
    for at in (1..=calls).step_by(usize::try_from(every).unwrap()) {
        for kind in [FaultKind::DieAfter, FaultKind::LoseResponse, FaultKind::FailBefore] {
            let shop = snapshot.open().await.unwrap();
            let mut plan = Plan::at(at, kind);
            plan.filter = Some(Box::new(|call| call.caller == SERVE));
            shop.wire().faults().arm(plan);
            served(&shop, 6).await;
            shop.wire().faults().disarm();
            served(&shop, 3).await;
            let found = recognised(&shop).await;
            assert!(is_served(&found), "{kind:?} at {at} of {calls}:\n{}", found.join("\n"));
            assert_eq!(count(&shop, letter), 1, "{kind:?} at {at} of {calls}");
            points += 1;
        }
    }
    println!("{letter}: killed at {points} points of {calls} calls");
    points
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_that_is_killed_anywhere_ends_the_same() {
    let points = killed("/v1/store/me/erasure", "data_erased", 3, <[String]>::is_empty).await;
    assert!(points >= 24, "only {points} points");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_that_is_killed_anywhere_ends_the_same() {
    let is_there =
        |found: &[String]| found.iter().any(|place| place.contains("/exports/customers/"));
    let points = killed("/v1/store/me/export", "data_exported", 4, is_there).await;
    assert!(points >= 12, "only {points} points");
}

/// Whether there is a row of whose orders are counted under this hash.
async fn is_counted(shop: &Shop, buyer: &str) -> bool {
    shop.wire().sweep_ttl();
    let client = aws_sdk_dynamodb::Client::new(&shop.sdk_config());
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let get = client.get_item().table_name("fluxion-inventory").consistent_read(true);
    let get = get.key("pk", text(&format!("BUYER#{buyer}"))).key("sk", text("META"));
    get.send().await.unwrap().item.is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_closes_their_account_waits_for_nothing_and_the_proof_of_consents_goes_in_its_time() {
    let shop = world::open().await;
    let jane = Shopper::customer(&shop, JANE).await;
    let (id, email, store) = (id_of(&jane).await, Email::parse(JANE).unwrap(), shop.store());
    ok(consent(&jane, true, "newsletter-1").await);
    let waits = Subscription {
        sku: POSTER.typed_sku(),
        title: "Poster".to_owned(),
        slug: domain::catalog::Slug::parse("the-poster").unwrap(),
        email: email.clone(),
        created_at: shop.clock().now(),
    };
    store.subscribe(&waits).await.unwrap();
    let closed = jane.call("DELETE", "/v1/store/me", &json!({})).await;
    assert_eq!(closed.status, 204, "{}", closed.text());
    shop.settle().await;
    assert!(store.waits_of(&email).await.unwrap().is_empty());
    assert!(store.waiting(&POSTER.typed_sku(), 5).await.unwrap().is_empty());
    let proofs = || async {
        for _ in 0..2 {
            shop.run_job(RETENTION).await;
        }
        store.consents(id, 5, None).await.unwrap().entries.len()
    };
    assert_eq!(proofs().await, 1);
    shop.clock().advance_ms((3 * 366 - 1) * DAY_MS);
    assert_eq!(proofs().await, 1);
    shop.clock().advance_ms(2 * DAY_MS);
    assert_eq!(proofs().await, 0);
    let then = shop.clock().now();
    assert!(store.closed_before(then, 5).await.unwrap().is_empty(), "that she closed it goes, too");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_had_not_ended_when_the_sweep_came_by_is_forgotten_once_it_has() {
    let shop = world::open().await;
    let mut guest = Shopper::guest(&shop).await;
    guest.ready(MUG, 1).await;
    assert_eq!(guest.complete().await.status, 201);
    shop.clock().advance_ms((4 * 366 + 32) * DAY_MS);
    let (store, order) = (shop.store(), domain::id::OrderId::parse(&guest.order).unwrap());
    let is_known = || async {
        shop.run_job(RETENTION).await;
        !store.order(order).await.unwrap().unwrap().order.email.is_erased()
    };
    assert!(is_known().await, "it waits for its payment");
    assert!(is_known().await, "and the sweep has gone on since");
    shop.run_job("checkout.jobs.expire_unpaid").await;
    assert!(!is_known().await, "it has ended");
    let left = store.passed_over(5, None).await.unwrap();
    assert!(left.entries.is_empty(), "{left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_older_than_the_table_says_goes() {
    let shop = world::open().await;
    let clerk = clerk(&shop).await;
    let jane = a_life(&shop, &clerk).await;
    let id = id_of(&jane).await;
    assert_eq!(jane.call("POST", "/v1/store/me/erasure", &json!({})).await.status, 202);
    let mut guest = Shopper::guest(&shop).await;
    guest.ready(TEMPLATE, 1).await;
    assert_eq!(guest.complete().await.status, 201);
    assert_eq!(guest.pay("pm_card_visa").0, 200);
    let ghost = Shopper::from(&shop, "203.0.113.44");
    assert_eq!(ghost.register("ghost@example.org").await.status, 202);
    served(&shop, 3).await;
    let order = domain::id::OrderId::parse(&guest.order).unwrap();
    let (store, ghost) = (shop.store(), Email::parse("ghost@example.org").unwrap());
    let email = store.order(order).await.unwrap().unwrap().order.email;
    let counted = domain::promotion::buyer(None, Some(&email)).unwrap();
    let state = || async {
        BTreeMap::from([
            ("counted", is_counted(&shop, &counted).await),
            ("ghost", store.account_by_email(&ghost).await.unwrap().is_some()),
            ("guest", !store.order(order).await.unwrap().unwrap().order.email.is_erased()),
            ("proof", !store.consents(id, 5, None).await.unwrap().entries.is_empty()),
        ])
    };
    let swept = || async {
        let done = shop.run_job(RETENTION).await;
        assert!(matches!(done, Outcome::Answered(_)), "{done:?}");
        state().await.into_iter().filter_map(|(what, is)| is.then_some(what)).collect::<Vec<_>>()
    };
    assert_eq!(swept().await, ["counted", "ghost", "guest", "proof"]);
    shop.clock().advance_ms(29 * DAY_MS);
    assert_eq!(swept().await, ["counted", "ghost", "guest", "proof"]);
    shop.clock().advance_ms(3 * DAY_MS);
    assert_eq!(swept().await, ["counted", "guest", "proof"]);
    assert_eq!(swept().await, ["counted", "guest", "proof"]);
    shop.clock().advance_ms(3 * 366 * DAY_MS);
    assert_eq!(swept().await, ["counted", "guest"]);
    shop.clock().advance_ms(366 * DAY_MS + 31 * DAY_MS);
    assert_eq!(swept().await, Vec::<&str>::new());
    assert_eq!(swept().await, Vec::<&str>::new());
}
