//! Orders that change after they were paid: units that are called off, and buyers without an
//! account who look at what became of them.

use domain::currency::Currency;
use domain::money::Money;
use domain::permission::Permission::{self, OrdersFulfill, OrdersRead, OrdersRefund, OrdersWrite};
use local::{Request, Response, Shop};
use serde_json::{Value, json};
use testkit::goods::{self, MUG, SOCKS};
use wire::{FaultKind, Plan};

use crate::gift_cards::{card, present};
use crate::tour::parcels::{go, open, socks};
use crate::world::{self, Colleague, Shopper, key, ok, refusal, sound};

const MAY: [Permission; 4] = [OrdersFulfill, OrdersRead, OrdersRefund, OrdersWrite];
/// Longer than a mailed link is good.
const LATER_MS: i64 = 61 * 60 * 1000;
/// Longer than a key is held by whoever died with it.
const LEASE_MS: i64 = 31 * 1000;
/// How often somebody asks again.
const TRIES_MAX: usize = 4;

fn eur(amount: i64) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

/// Somebody who bought three mugs and two pairs of socks.
async fn buyer(shop: &Shop) -> Shopper {
    let mut jane = Shopper::guest(shop).await;
    jane.add(SOCKS, 2).await;
    jane.ready(MUG, 3).await;
    bought(&mut jane).await;
    jane
}

async fn bought(jane: &mut Shopper) {
    let answer = jane.complete().await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(jane.pay("pm_card_visa").0, 200);
    jane.shop.settle().await;
    assert_eq!(jane.view_order().await["status"], "placed");
}

fn at(jane: &Shopper, rest: &str) -> String {
    format!("/v1/admin/orders/{}{rest}", jane.order)
}

/// The order's line of mugs, or of socks.
async fn line(clerk: &Colleague, jane: &Shopper, sku: &str) -> Value {
    let order = ok(clerk.get(&at(jane, "")).await);
    let mut lines = order["lines"].as_array().unwrap().iter();
    lines.find(|line| line["sku"] == sku).unwrap()["id"].clone()
}

async fn cancel_as(clerk: &Colleague, jane: &Shopper, key: &str, body: &Value) -> Response {
    let request = Request::new("POST", &at(jane, "/lines/cancel")).header("idempotency-key", key);
    clerk.send(request.json(body)).await
}

async fn cancel(clerk: &Colleague, jane: &Shopper, line: &Value, units: u32) -> Response {
    let body = json!({"lines": [{"line_id": line, "quantity": units}], "reason": "Sold out"});
    cancel_as(clerk, jane, &key(), &body).await
}

async fn is_sound(shop: &Shop) {
    sound(shop, &goods::small(world::MUGS)).await;
}

/// Asks for a link from this address.
async fn look_up(shop: &Shop, ip: &str, number: &str, email: &str) -> Response {
    let body = json!({"number": number, "email": email});
    Shopper::from(shop, ip).call("POST", "/v1/store/orders/lookup", &body).await
}

#[tokio::test]
async fn units_are_called_off_once_and_everybody_is_told() {
    let shop = world::open().await;
    let clerk = Colleague::of(&shop, "clerk", &MAY).await;
    let jane = buyer(&shop).await;
    let mug = line(&clerk, &jane, MUG.sku).await;
    let body = json!({"lines": [{"line_id": mug, "quantity": 1}], "reason": "Sold out"});
    let key = key();
    let first = cancel_as(&clerk, &jane, &key, &body).await;
    assert_eq!(first.status, 200, "{}", first.text());
    let again = cancel_as(&clerk, &jane, &key, &body).await;
    assert_eq!((again.value(), again.header("etag")), (first.value(), first.header("etag")));
    let shown = ok(clerk.get(&at(&jane, "")).await);
    assert_eq!(first.value(), shown, "what is answered is what is there");
    assert_eq!(shown["cancellations"][0]["amount"], eur(1250));
    assert_eq!(shown["cancellations"][0]["refund_id"], shown["refund_details"][0]["id"]);
    assert_eq!(shown["refund_details"][0]["origin"], "cancellation");
    shop.settle().await;
    let order = jane.view_order().await;
    let mugs = order["lines"].as_array().unwrap().iter().find(|one| one["id"] == mug).unwrap();
    assert_eq!(
        (&mugs["quantity"], &mugs["canceled_quantity"], &mugs["refunded_quantity"]),
        (&json!(3), &json!(1), &json!(1))
    );
    assert_eq!((&order["status"], &order["refunded"]), (&json!("placed"), &eur(1250)));
    assert_eq!(order["payment_status"], "partially_refunded");
    let mails = shop.mails();
    let told = mails.iter().find(|mail| mail.subject.starts_with("A part of your order")).unwrap();
    assert!(told.text.clone().unwrap().contains("1 x "), "{told:?}");
    let told = ok(clerk.get(&at(&jane, "/timeline")).await);
    let mut told = told["data"].as_array().unwrap().iter();
    assert!(told.any(|one| one["type"] == "order.lines_canceled" && one["text"] == "Sold out"));
    let facts = sound(&shop, &goods::small(world::MUGS)).await;
    let reserved: i64 = facts.stock.iter().map(|level| level.reserved).sum();
    assert_eq!(reserved, 4, "two mugs and two pairs of socks");
}

#[tokio::test]
async fn what_is_in_a_parcel_stays_and_what_is_left_is_sent() {
    let shop = world::open().await;
    let clerk = Colleague::of(&shop, "clerk", &MAY).await;
    let jane = buyer(&shop).await;
    let mug = line(&clerk, &jane, MUG.sku).await;
    let pairs = line(&clerk, &jane, SOCKS.sku).await;
    let parcel = open(&clerk, &jane.order, &mug, 2).await;
    assert_eq!(parcel.status, 201, "{}", parcel.text());
    let refused = cancel(&clerk, &jane, &mug, 2).await;
    assert_eq!(refusal(&refused), (409, "units_in_parcel".into()));
    assert_eq!(refused.value()["free"], 1);
    ok(cancel(&clerk, &jane, &mug, 1).await);
    ok(cancel(&clerk, &jane, &pairs, 2).await);
    let more = cancel(&clerk, &jane, &pairs, 1).await;
    assert_eq!(refusal(&more), (409, "quantity_not_cancelable".into()));
    let here = format!("{}/{}", at(&jane, "/fulfillments"), parcel.value()["id"].as_str().unwrap());
    let seen = parcel.header("etag").unwrap();
    let sent = go(&clerk, seen, &format!("{here}/ship"), &json!({"carrier": "DHL"})).await;
    assert_eq!(sent.status, 200, "{}", sent.text());
    shop.settle().await;
    let order = jane.view_order().await;
    assert_eq!(order["fulfillment_status"], "fulfilled");
    assert_eq!(ok(clerk.get("/v1/admin/fulfillments/due").await)["data"], json!([]));
    let facts = sound(&shop, &goods::small(world::MUGS)).await;
    assert!(facts.stock.iter().all(|level| level.reserved == 0));
}

#[tokio::test]
async fn what_can_not_be_called_off_is_refused_and_nothing_changes() {
    let shop = world::open().await;
    let clerk = Colleague::of(&shop, "clerk", &MAY).await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 1).await;
    assert_eq!(jane.complete().await.status, 201);
    let mug = line(&clerk, &jane, MUG.sku).await;
    let unpaid = cancel(&clerk, &jane, &mug, 1).await;
    assert_eq!(refusal(&unpaid), (409, "order_not_placed".into()));
    assert_eq!(jane.pay("pm_card_visa").0, 200);
    shop.settle().await;
    let all = cancel(&clerk, &jane, &mug, 1).await;
    assert_eq!(refusal(&all), (409, "entire_order".into()));
    let unknown = json!("oli_01ARZ3NDEKTSV4RRFFQ69G5FAV");
    let other = cancel(&clerk, &jane, &unknown, 1).await;
    assert_eq!(refusal(&other), (400, "invalid_request".into()));
    let twice = json!({"line_id": mug, "quantity": 1});
    let twice = json!({"lines": [twice.clone(), twice], "reason": "x"});
    let twice = cancel_as(&clerk, &jane, &key(), &twice).await;
    assert_eq!(twice.value()["errors"][0]["code"], "duplicate_line", "{}", twice.text());
    let bare = clerk.call("POST", &at(&jane, "/lines/cancel"), &json!({})).await;
    assert_eq!(bare.status, 400, "no key: {}", bare.text());
    let nowhere = Shopper { order: "ord_01ARZ3NDEKTSV4RRFFQ69G5FAV".into(), ..jane.clone() };
    assert_eq!(cancel(&clerk, &nowhere, &mug, 1).await.status, 404);
    let reader = Colleague::of(&shop, "reader", &[OrdersRead]).await;
    assert_eq!(cancel(&reader, &jane, &mug, 1).await.status, 403);
    assert_eq!(ok(clerk.get(&at(&jane, "")).await)["cancellations"], json!([]));
    shop.settle().await;
    is_sound(&shop).await;
}

#[tokio::test]
async fn a_gift_card_that_paid_gets_its_part_and_the_rest_can_be_called_off_with_the_order() {
    let shop = world::open().await;
    let clerk = Colleague::of(&shop, "clerk", &MAY).await;
    let (id, code) = card(&shop, Money::new(2000, Currency::EUR), None).await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 3).await;
    ok(present(&jane, &code).await);
    bought(&mut jane).await;
    let mug = line(&clerk, &jane, MUG.sku).await;
    let off = ok(cancel(&clerk, &jane, &mug, 2).await);
    assert_eq!(off["refund_details"][0]["money"], eur(500));
    let balance = shop.store().gift_card(id).await.unwrap().unwrap().balance.amount();
    assert_eq!(balance, 2000, "at once");
    shop.settle().await;
    is_sound(&shop).await;
    ok(clerk.call("POST", &at(&jane, "/cancel"), &json!({"reason": "Sold out"})).await);
    shop.settle().await;
    assert_eq!(jane.view_order().await["payment_status"], "refunded");
    let facts = sound(&shop, &goods::small(world::MUGS)).await;
    assert!(facts.stock.iter().all(|level| level.reserved == 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_call_off_the_same_units_at_once_only_so_many_succeed() {
    let shop = world::open().await;
    let clerk = Colleague::of(&shop, "clerk", &MAY).await;
    let jane = buyer(&shop).await;
    let mug = line(&clerk, &jane, MUG.sku).await;
    let mut asking = Vec::new();
    for _ in 0..8 {
        let (clerk, jane, mug) = (clerk.clone(), jane.clone(), mug.clone());
        asking.push(tokio::spawn(async move {
            let mut answer = cancel(&clerk, &jane, &mug, 1).await;
            while answer.status == 503 {
                answer = cancel(&clerk, &jane, &mug, 1).await;
            }
            answer.status
        }));
    }
    let mut done = 0;
    for one in asking {
        let status = one.await.unwrap();
        assert!([200, 409].contains(&status), "{status}");
        done += usize::from(status == 200);
    }
    assert_eq!(done, 3);
    shop.settle_all().await;
    assert_eq!(jane.view_order().await["refunded"], eur(3750));
    is_sound(&shop).await;
}

#[tokio::test]
async fn whatever_breaks_on_the_way_units_are_called_off_once() {
    let shop = world::open().await;
    let clerk = Colleague::of(&shop, "clerk", &MAY).await;
    let jane = socks(&shop, "203.0.113.8", 8).await;
    let pair = line(&clerk, &jane, SOCKS.sku).await;
    let body = json!({"lines": [{"line_id": pair, "quantity": 1}], "reason": "Sold out"});
    let kinds = [
        FaultKind::FailBefore,
        FaultKind::LoseResponse,
        FaultKind::Timeout,
        FaultKind::TransactionConflict,
        FaultKind::DieBefore,
        FaultKind::DieAfter,
    ];
    for (at, kind) in kinds.into_iter().enumerate() {
        let writes = |call: &wire::CallId| {
            call.caller == "orders.admin.cancel_lines" && call.operation == "TransactWriteItems"
        };
        let filter: wire::Filter = Box::new(writes);
        shop.wire().faults().arm(Plan { at: 1, kind, filter: Some(filter) });
        let key = key();
        let mut answer = cancel_as(&clerk, &jane, &key, &body).await;
        for _ in 0..TRIES_MAX {
            if answer.status != 200 {
                // Whoever died holds the key for a while.
                shop.clock().advance_ms(LEASE_MS);
                answer = cancel_as(&clerk, &jane, &key, &body).await;
            }
        }
        assert_eq!(answer.status, 200, "{kind:?}: {}", answer.text());
        assert_eq!(answer.value()["lines"][0]["canceled_quantity"], at + 1, "{kind:?}");
    }
    assert_eq!(shop.wire().faults().fired().len(), kinds.len());
    shop.settle_all().await;
    is_sound(&shop).await;
}

#[tokio::test]
async fn a_guest_looks_an_order_up_by_a_link_that_shows_it_for_a_while_and_nothing_more() {
    let shop = world::open().await;
    let mut jane = buyer(&shop).await;
    let number = jane.view_order().await["number"].as_str().unwrap().to_owned();
    let mails = shop.mails().len();
    let asked = look_up(&shop, "198.18.30.1", &number.to_lowercase(), "Jane@Example.org").await;
    assert_eq!((asked.status, asked.value()["status"].as_str()), (202, Some("check_your_email")));
    shop.settle().await;
    assert_eq!(shop.mails().len(), mails + 1);
    let guest = Shopper::from(&shop, "198.18.30.2");
    let order_token = guest.mailed_token("jane@example.org");
    let guest = Shopper { order_token, order: jane.order.clone(), ..guest };
    assert_eq!(guest.view_order().await["number"], json!(number));
    assert_eq!(guest.view_order().await["number"], json!(number), "as often as they like");
    // The shop has not said who sells: there is no invoice, but that is said to its buyer only.
    let invoice = guest.get(&format!("/v1/store/orders/{}/invoice", guest.order)).await;
    assert_eq!(refusal(&invoice).1, "invoice_not_ready");
    // It only shows, and only this order.
    let cancel = format!("/v1/store/orders/{}/cancel", guest.order);
    assert_eq!(guest.call("POST", &cancel, &json!({})).await.status, 404);
    let other = buyer(&shop).await;
    let elsewhere = guest.get(&format!("/v1/store/orders/{}", other.order)).await;
    assert_eq!(refusal(&elsewhere), (404, "not_found".into()));
    shop.clock().advance_ms(LATER_MS);
    let late = guest.get(&format!("/v1/store/orders/{}", guest.order)).await;
    assert_eq!(refusal(&late), (404, "not_found".into()));
    jane.cart_token = None;
    assert_eq!(jane.view_order().await["number"], json!(number), "their own token is as good");
}

#[tokio::test]
async fn whether_there_is_such_an_order_is_told_to_nobody() {
    let shop = world::open().await;
    let jane = buyer(&shop).await;
    let number = jane.view_order().await["number"].as_str().unwrap().to_owned();
    let mails = shop.mails().len();
    let recorder = shop.wire().recorder();
    let before = recorder.mark();
    let known = look_up(&shop, "198.18.30.1", &number, "jane@example.org").await;
    let known_calls = recorder.since(before).len();
    let before = recorder.mark();
    let unknown = look_up(&shop, "198.18.30.2", "AAA-BBB-CCC", "jim@example.org").await;
    let unknown_calls = recorder.since(before).len();
    let wrong = look_up(&shop, "198.18.30.3", &number, "joe@example.org").await;
    assert_eq!(known_calls, unknown_calls, "the work is the same");
    for answer in [&unknown, &wrong] {
        assert_eq!((answer.status, answer.value()), (known.status, known.value()));
    }
    shop.settle().await;
    assert_eq!(shop.mails().len(), mails + 1, "one letter, to whoever bought");
}

#[tokio::test]
async fn who_asks_for_links_too_often_waits() {
    let shop = world::open().await;
    for _ in 0..5 {
        assert_eq!(look_up(&shop, "198.18.31.1", "AAA", "joe@example.org").await.status, 202);
    }
    // One mailbox, whoever asks; one caller, whomever they ask for.
    let mailbox = look_up(&shop, "198.18.31.2", "AAA", "joe@example.org").await;
    assert_eq!(refusal(&mailbox), (429, "rate_limited".into()));
    let caller = look_up(&shop, "198.18.31.1", "AAA", "jim@example.org").await;
    assert_eq!(refusal(&caller), (429, "rate_limited".into()));
    assert_eq!(look_up(&shop, "198.18.31.2", "AAA", "jim@example.org").await.status, 202);
}
