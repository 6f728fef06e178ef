//! Papers: invoices without gaps that never change and are nobody else's; slips and lists.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::id::OrderId;
use domain::invoice::{self, Due, Issue, Issued, LegalEntity};
use domain::order::Order;
use domain::permission::Permission::{OrdersRead, OrdersRefund, OrdersWrite};
use local::{Outcome, Request, Response, Shop};
use serde_json::{Value, json};
use store::Saved;
use testkit::goods;

use crate::storm::number;
use crate::tour::papers::{at, entity, found, found_as};
use crate::tour::parcels::socks;
use crate::world::{self, Colleague, Shopper, key, ok, refusal, sound};

/// Orders whose invoices are issued at once, and who issues them. `INVOICES` says how many; every
/// night there are more.
const ORDERS: u64 = 200;
const WORKERS: usize = 8;

/// A shop that has said who sells.
pub(crate) async fn open() -> Shop {
    let mut goods = goods::small(world::MUGS);
    goods.shop.legal_entity = serde_json::from_value(entity()).expect("an entity");
    world::open_with(local::Options::default(), &goods).await
}

async fn clerk(shop: &Shop) -> Colleague {
    Colleague::of(shop, "clerk", &[OrdersRead, OrdersRefund, OrdersWrite]).await
}

async fn fetch(shop: &Shop, url: &Value) -> Response {
    let url = url.as_str().expect("an address");
    let path = url.strip_prefix(shop.base_url()).expect("an address of this machine");
    shop.send(Request::new("GET", path)).await
}

/// The message that asks for papers of an order.
fn message(body: &Value) -> Value {
    json!({"Records": [{
        "messageId": key(), "receiptHandle": "receipt", "body": body.to_string(),
        "attributes": {"ApproximateReceiveCount": "1"}, "messageAttributes": {},
        "eventSource": "aws:sqs", "awsRegion": "eu-central-1",
    }]})
}

async fn listed(clerk: &Colleague) -> Vec<String> {
    let month: String = clerk.shop.clock().now().to_string().chars().take(7).collect();
    let page = ok(clerk.get(&format!("/v1/admin/invoices?month={month}")).await);
    let numbers = page["data"].as_array().expect("a list").iter();
    numbers.map(|each| each["number"].as_str().expect("a number").to_owned()).collect()
}

#[tokio::test]
async fn an_order_gets_one_invoice_however_often_it_is_asked_for() {
    let shop = open().await;
    let clerk = clerk(&shop).await;
    let first = socks(&shop, "203.0.113.7", 2).await;
    let second = socks(&shop, "203.0.113.8", 1).await;
    shop.settle_all().await;
    assert_eq!(listed(&clerk).await, ["RE-000001", "RE-000002"]);
    let shown = ok(first.get(&at("store", &first, "invoice")).await);
    assert_eq!(shown["invoice"]["number"], "RE-000001");
    assert_eq!(shown["credit_notes"], json!([]));
    let file = fetch(&shop, &shown["invoice"]["url"]).await;
    assert_eq!(file.header("content-type"), Some("application/pdf"));
    assert!(file.body.starts_with(b"%PDF-1.7"), "{}", file.body.len());

    let again = message(&json!({"order_id": first.order}));
    for _ in 0..2 {
        let done = shop.invoke("orders.jobs.issue_invoice", again.clone()).await;
        assert!(matches!(done, Outcome::Answered(_)));
    }
    shop.settle_all().await;
    assert_eq!(listed(&clerk).await, ["RE-000001", "RE-000002"]);
    let shown = ok(clerk.get(&at("admin", &second, "invoice")).await);
    assert_eq!(shown["invoice"]["number"], "RE-000002");
    // The address is good for a minute, and the file is what it was.
    let shown = ok(first.get(&at("store", &first, "invoice")).await);
    assert_eq!(fetch(&shop, &shown["invoice"]["url"]).await.body, file.body);
    shop.clock().advance_ms(61_000);
    assert_eq!(fetch(&shop, &shown["invoice"]["url"]).await.status, 403);
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn an_invoice_is_nobody_elses() {
    let shop = open().await;
    let jane = socks(&shop, "203.0.113.7", 1).await;
    let other = socks(&shop, "203.0.113.8", 1).await;
    let joe = Shopper::customer(&shop, "joe@example.org").await;
    let path = at("store", &jane, "invoice");
    ok(jane.get(&path).await);
    let nobody = Shopper::from(&shop, "203.0.113.9").get(&path).await;
    assert!([401, 404].contains(&nobody.status), "{}", nobody.text());
    for stranger in [other, joe] {
        assert_eq!(refusal(&stranger.get(&path).await), (404, "not_found".to_owned()));
    }
    let packer = Colleague::of(&shop, "packer", &[OrdersWrite]).await;
    assert_eq!(packer.get(&at("admin", &jane, "invoice")).await.status, 403);
}

#[tokio::test]
async fn a_shop_that_has_not_said_who_sells_issues_nothing_until_it_has() {
    let shop = world::open().await;
    let owner = Colleague::owner(&shop).await;
    let jane = socks(&shop, "203.0.113.7", 1).await;
    shop.settle_all().await;
    let path = at("store", &jane, "invoice");
    assert_eq!(refusal(&jane.get(&path).await), (404, "invoice_not_ready".to_owned()));
    found(&owner).await;
    let asked = message(&json!({"order_id": jane.order}));
    shop.invoke("orders.jobs.issue_invoice", asked).await;
    assert_eq!(ok(jane.get(&path).await)["invoice"]["number"], "RE-000001");
}

#[tokio::test]
async fn who_sells_under_another_code_goes_on_where_the_numbers_of_the_prefix_end() {
    let shop = open().await;
    let owner = Colleague::owner(&shop).await;
    let clerk = clerk(&shop).await;
    let mut buyers = Vec::new();
    for (count, code) in [(5, "main"), (2, "holding"), (1, "main"), (1, "holding")] {
        found_as(&owner, code).await;
        shop.clock().advance_ms(61_000);
        for _ in 0..count {
            buyers.push(socks(&shop, "203.0.113.9", 1).await);
            shop.settle_all().await;
        }
    }
    let expected = ["main"; 5].into_iter().chain(["holding", "holding", "main", "holding"]);
    for ((buyer, code), sequence) in buyers.iter().zip(expected).zip(1..) {
        let due = Due::invoice(OrderId::parse(&buyer.order).unwrap());
        let invoice = shop.store().invoice(due).await.unwrap().expect("an invoice");
        assert_eq!((invoice.entity.as_str(), invoice.sequence), (code, sequence));
        assert_eq!(invoice.number, format!("RE-{sequence:0>6}"));
    }
    assert_eq!(listed(&clerk).await.len(), buyers.len());
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn what_is_given_back_gets_a_credit_note() {
    let shop = open().await;
    let clerk = clerk(&shop).await;
    let jane = socks(&shop, "203.0.113.7", 2).await;
    let target = at("admin", &jane, "refunds");
    let body = json!({"amount": {"amount": 500, "currency": "EUR"}});
    let request = Request::new("POST", &target).header("idempotency-key", &key());
    let made = clerk.send(request.json(&body)).await;
    assert_eq!(made.status, 201, "{}", made.text());
    shop.settle_all().await;
    let shown = ok(jane.get(&at("store", &jane, "invoice")).await);
    assert_eq!(shown["credit_notes"].as_array().map(Vec::len), Some(1), "{shown}");
    let note = &shown["credit_notes"][0];
    assert_eq!((&note["number"], &note["total"]["amount"]), (&json!("GS-000001"), &json!(500)));
    assert!(fetch(&shop, &note["url"]).await.body.starts_with(b"%PDF"));
    // Both are of one instant: their numbers stand in the order of the alphabet.
    assert_eq!(listed(&clerk).await, ["GS-000001", "RE-000001"]);
}

#[tokio::test]
async fn slips_and_lists_are_printed_at_once() {
    let shop = open().await;
    let clerk = clerk(&shop).await;
    let jane = socks(&shop, "203.0.113.7", 2).await;
    let slip = clerk.get(&at("admin", &jane, "packing_slip")).await;
    assert_eq!(slip.header("content-type"), Some("application/pdf"));
    assert!(slip.body.starts_with(b"%PDF"));
    assert_eq!(clerk.get(&at("admin", &jane, "packing_slip")).await.body, slip.body);

    let list = |ids: Value| {
        let body = json!({"order_ids": ids, "packing_slips": true});
        let request = Request::new("POST", "/v1/admin/pick_lists");
        clerk.send(request.header("idempotency-key", &key()).json(&body))
    };
    let printed = list(json!([jane.order])).await;
    assert_eq!(printed.status, 200, "{}", printed.text());
    assert!(printed.body.starts_with(b"%PDF") && printed.body.len() > slip.body.len() / 2);
    let unknown = "ord_01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let refused = list(json!([jane.order, unknown])).await;
    assert_eq!(refusal(&refused), (404, "not_found".to_owned()));
    let gone = clerk.get(&format!("/v1/admin/orders/{unknown}/packing_slip")).await;
    assert_eq!(refusal(&gone), (404, "not_found".to_owned()));
    assert_eq!(refusal(&list(json!([])).await), (400, "invalid_request".to_owned()));
}

/// Issues the invoice of an order as the job does, without the queue that lets one in at a time.
async fn issue(shop: &Shop, order: &Order, entity: &LegalEntity) {
    let store = shop.store();
    let due = Due::invoice(order.id);
    let locale = store.shop().await.expect("a store").value.default_locale.clone();
    let now = shop.clock().now();
    while store.invoice(due).await.expect("a store").is_none() {
        let last = store.last_number(&entity.code, Issued::Invoice).await.expect("a store");
        let wanted = Issue { entity, locale: &locale, sequence: last + 1, now };
        let (invoice, paper) = invoice::invoice(order, wanted).expect("sums");
        if store.issue(&invoice, &paper, last).await.expect("a store") == Saved::Yes {
            return;
        }
    }
}

/// Who sells, and in one case of four somebody else.
fn entities() -> [LegalEntity; 2] {
    let mut other = entity();
    for (name, value) in [("code", "other"), ("invoice_prefix", "AR-"), ("name", "Other GmbH")] {
        other[name] = json!(value);
    }
    [entity(), other].map(|one| serde_json::from_value(one).expect("an entity"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_at_once_leave_no_gap_and_no_twin() {
    let count = number("INVOICES").unwrap_or(ORDERS);
    let shop = open().await;
    let jane = socks(&shop, "203.0.113.7", 1).await;
    let id = OrderId::parse(&jane.order).unwrap();
    let placed = shop.store().order(id).await.unwrap().unwrap().order;
    let order = |number: u64| {
        let id = OrderId::from_ulid(domain::id::Ulid::from_parts(1, number.into()));
        Order { id, ..placed.clone() }
    };
    let orders: Arc<Vec<Order>> = Arc::new((0..count).map(order).collect());
    let entities = Arc::new(entities());
    let whose = |at: usize| usize::from(at % 4 == 3);
    let mut workers = Vec::new();
    for worker in 0..WORKERS {
        let (shop, orders) = (shop.clone(), Arc::clone(&orders));
        let entities = Arc::clone(&entities);
        workers.push(tokio::spawn(async move {
            // Each order has two that want its invoice.
            let mine = |at: usize| at % WORKERS == worker || (at + 1) % WORKERS == worker;
            for (at, order) in orders.iter().enumerate().filter(|(at, _)| mine(*at)) {
                issue(&shop, order, &entities[whose(at)]).await;
            }
        }));
    }
    for worker in workers {
        worker.await.unwrap();
    }
    let mut numbers = [BTreeSet::new(), BTreeSet::new()];
    for (at, order) in orders.iter().enumerate() {
        let due = Due::invoice(order.id);
        let invoice = shop.store().invoice(due).await.unwrap().unwrap();
        assert_eq!(invoice.entity, entities[whose(at)].code);
        numbers[whose(at)].insert(invoice.sequence);
    }
    // The first is Jane's own.
    let [ours, others] = numbers;
    let (of_ours, of_others) = (count - count / 4, count / 4);
    assert!(ours.into_iter().eq(2..=of_ours + 1));
    assert!(others.into_iter().eq(1..=of_others), "each has a series of its own");
}
