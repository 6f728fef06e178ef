//! Edits of orders: what staff would change after an order was placed, what its buyer says to it,
//! and all that comes between the two.

use domain::permission::Permission::{
    self, InventoryRead, OrdersFulfill, OrdersRead, OrdersRefund, OrdersWrite,
};
use local::{Options, Outcome, Request, Response, Shop};
use serde_json::{Value, json};
use testkit::goods::{self, Good, MUG, POSTER, SOCKS, SOCKS_L};
use wire::{FaultKind, Plan};

use crate::tour::parcels::{go, open};
use crate::world::{self, Colleague, Shopper, key, ok, refusal, sound};

const MAY: [Permission; 5] = [InventoryRead, OrdersFulfill, OrdersRead, OrdersRefund, OrdersWrite];
const HOUR_MS: i64 = 60 * 60 * 1000;
/// Longer than a key is held by whoever died with it.
const LEASE_MS: i64 = 31 * 1000;

fn eur(amount: i64) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

pub(crate) async fn clerk(shop: &Shop) -> Colleague {
    Colleague::of(shop, "clerk", &MAY).await
}

/// Somebody who bought three mugs and two pairs of socks by card.
pub(crate) async fn buyer(shop: &Shop) -> Shopper {
    let mut jane = Shopper::guest(shop).await;
    jane.add(SOCKS, 2).await;
    jane.ready(MUG, 3).await;
    assert_eq!(jane.complete().await.status, 201);
    assert_eq!(jane.pay("pm_card_visa").0, 200);
    shop.settle().await;
    jane
}

fn at(jane: &Shopper, rest: &str) -> String {
    format!("/v1/admin/orders/{}{rest}", jane.order)
}

pub(crate) fn here(jane: &Shopper, rest: &str) -> String {
    format!("/v1/store/orders/{}/edit{rest}", jane.order)
}

/// The order's line of this good.
async fn line(clerk: &Colleague, jane: &Shopper, good: Good) -> Value {
    let order = ok(clerk.get(&at(jane, "")).await);
    let mut lines = order["lines"].as_array().unwrap().iter();
    lines.find(|line| line["sku"] == good.sku).unwrap()["id"].clone()
}

pub(crate) fn added(good: Good, quantity: u32) -> Value {
    json!({"additions": [{"sku": good.sku, "quantity": quantity}]})
}

/// Units of one good go, units of another come.
async fn swapped(
    (clerk, jane): (&Colleague, &Shopper),
    (off, units): (Good, u32),
    (on, more): (Good, u32),
) -> Value {
    let line = line(clerk, jane, off).await;
    let mut body = added(on, more);
    body["removals"] = json!([{"line_id": line, "quantity": units}]);
    body
}

fn post(target: &str, key: &str, body: &Value) -> Request {
    Request::new("POST", target).header("idempotency-key", key).json(body)
}

async fn preview(clerk: &Colleague, jane: &Shopper, body: &Value) -> Response {
    clerk.send(post(&at(jane, "/edits/preview"), &key(), body)).await
}

/// Proposes what was looked at.
async fn propose(clerk: &Colleague, jane: &Shopper, body: &Value) -> Response {
    let seen = ok(preview(clerk, jane, body).await);
    let mut body = body.clone();
    body["expected_due"] = seen["sums"]["due"].clone();
    body["reason"] = json!("Called");
    let answer = clerk.send(post(&at(jane, "/edits"), &key(), &body)).await;
    clerk.shop.settle().await;
    answer
}

/// Proposes it and gives the link to the buyer.
pub(crate) async fn proposed(clerk: &Colleague, jane: &Shopper, body: &Value) -> Shopper {
    let answer = propose(clerk, jane, body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let link = jane.mailed_token("jane@example.org");
    assert!(link.is_some(), "{:?}", clerk.shop.mails());
    Shopper { order_token: link, ..jane.clone() }
}

async fn approve_as(jane: &Shopper, key: &str, number: u32) -> Response {
    let request = post(&here(jane, "/approve"), key, &json!({"number": number}));
    let answer = jane.send(request).await;
    jane.shop.settle().await;
    answer
}

async fn approve(jane: &Shopper) -> Response {
    approve_as(jane, &key(), 1).await
}

async fn order(clerk: &Colleague, id: &Value) -> Value {
    ok(clerk.get(&format!("/v1/admin/orders/{}", id.as_str().unwrap())).await)
}

async fn edits(clerk: &Colleague, jane: &Shopper) -> Value {
    ok(clerk.get(&at(jane, "/edits")).await)["data"].clone()
}

fn sent_back(shop: &Shop) -> Vec<i64> {
    let refunds = shop.twin().objects("refund");
    refunds.iter().map(|refund| refund["amount"].as_i64().unwrap()).collect()
}

/// How often a letter went out.
fn told(shop: &Shop, letter: &str) -> usize {
    shop.mails().iter().filter(|mail| mail.tags["template"] == letter).count()
}

async fn run(shop: &Shop, job: &str) {
    assert!(matches!(shop.run_job(job).await, Outcome::Answered(_)));
    shop.settle().await;
}

async fn is_sound(shop: &Shop) {
    sound(shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn whoever_says_yes_pays_what_it_costs_more_and_gets_it_once() {
    let shop = world::open().await;
    let clerk = clerk(&shop).await;
    let jane = buyer(&shop).await;
    let body = swapped((&clerk, &jane), (SOCKS, 1), (MUG, 2)).await;
    // A line of mugs is there, but no mugs are taken off: more of them may come.
    let seen = ok(preview(&clerk, &jane, &body).await);
    assert_eq!((&seen["sums"]["removed"], &seen["sums"]["added"]), (&eur(800), &eur(2500)));
    assert_eq!((&seen["sums"]["credit"], &seen["sums"]["due"]), (&eur(800), &eur(1700)));
    assert_eq!((&seen["is_approval_required"], &seen["shortages"]), (&json!(true), &json!([])));
    assert_eq!(edits(&clerk, &jane).await, json!([]), "a preview writes nothing");

    let link = proposed(&clerk, &jane, &body).await;
    let again = propose(&clerk, &jane, &body).await;
    assert_eq!(refusal(&again), (409, "edit_open".into()));
    let apply = at(&jane, "/edits/1/apply");
    let staff = clerk.send(post(&apply, &key(), &json!({}))).await;
    assert_eq!(refusal(&staff), (409, "approval_required".into()), "{}", staff.text());
    let shown = ok(link.get(&here(&link, "")).await);
    assert_eq!((&shown["status"], &shown["sums"]["due"]), (&json!("open"), &eur(1700)));
    assert_eq!(shown["removed"][0]["quantity"], 1);

    let key = key();
    let (once, twice) = (approve_as(&link, &key, 1).await, approve_as(&link, &key, 1).await);
    assert_eq!((once.status, once.value()), (200, twice.value()), "{}", once.text());
    let other = approve(&link).await;
    assert_eq!(refusal(&other), (409, "edit_closed".into()));
    let new = once.value()["edit"]["added_order_id"].clone();
    let waiting = order(&clerk, &new).await;
    assert_eq!((&waiting["status"], &waiting["due"]), (&json!("pending_payment"), &eur(1700)));
    assert_eq!(waiting["exchange_of"], json!(jane.order));
    assert_eq!(sent_back(&shop), [0; 0], "what was taken off pays for what is added");
    assert_eq!(told(&shop, "order_edited"), 1);
    assert_eq!(told(&shop, "order_lines_canceled"), 0, "the one letter tells all of it");

    // The letter opens the way to pay, and so does the answer.
    let mut paying = Shopper { order: new.as_str().unwrap().to_owned(), ..jane.clone() };
    let answered = once.value()["order_token"].as_str().map(str::to_owned);
    for token in [link.mailed_token("jane@example.org"), answered] {
        paying.order_token = token;
        let path = format!("/v1/store/orders/{}/retry_payment", paying.order);
        let way = ok(paying.send(Request::new("POST", &path)).await);
        way["payment"]["payment_intent_id"].as_str().unwrap().clone_into(&mut paying.intent);
        way["payment"]["client_secret"].as_str().unwrap().clone_into(&mut paying.client_secret);
    }
    assert_eq!(paying.pay("pm_card_visa").0, 200);
    shop.settle().await;
    let placed = order(&clerk, &new).await;
    assert_eq!((&placed["status"], &placed["payment_status"]), (&json!("placed"), &json!("paid")));
    let first = ok(clerk.get(&at(&jane, "")).await);
    assert_eq!((&first["status"], &first["payment_status"]), (&json!("placed"), &json!("paid")));
    let told = ok(clerk.get(&at(&jane, "/timeline")).await);
    let types: Vec<_> = told["data"].as_array().unwrap().iter().map(|one| &one["type"]).collect();
    assert!(types.contains(&&json!("edit.proposed")) && types.contains(&&json!("edit.applied")));
    is_sound(&shop).await;
}

#[tokio::test]
async fn what_costs_less_is_agreed_to_and_the_rest_goes_back_once() {
    let shop = world::open().await;
    let clerk = clerk(&shop).await;
    let jane = buyer(&shop).await;
    let body = swapped((&clerk, &jane), (MUG, 1), (SOCKS_L, 1)).await;
    let link = proposed(&clerk, &jane, &body).await;
    let done = ok(approve(&link).await);
    assert_eq!((&done["edit"]["sums"]["back"], &done["edit"]["sums"]["due"]), (&eur(450), &eur(0)));
    assert_eq!(sent_back(&shop), [450]);
    let placed = order(&clerk, &done["edit"]["added_order_id"]).await;
    assert_eq!((&placed["status"], &placed["totals"]["total"]), (&json!("placed"), &eur(800)));
    let made = &edits(&clerk, &jane).await[0]["made"];
    assert_eq!(made["order_id"], placed["id"]);
    is_sound(&shop).await;
    // What was added can be sent, and the money of it goes back if it is called off.
    let off = format!("/v1/admin/orders/{}/cancel", placed["id"].as_str().unwrap());
    ok(clerk.call("POST", &off, &json!({"reason": "Sold out"})).await);
    shop.settle().await;
    for _ in 0..2 {
        run(&shop, "returns.jobs.pay_out").await;
        assert_eq!(sent_back(&shop).iter().sum::<i64>(), 1250, "once");
    }
    is_sound(&shop).await;
}

#[tokio::test]
async fn what_costs_nothing_more_is_applied_by_staff_at_once() {
    let shop = world::open().await;
    let clerk = clerk(&shop).await;
    let jane = buyer(&shop).await;
    let mut body = swapped((&clerk, &jane), (SOCKS, 2), (SOCKS_L, 2)).await;
    body["send_link"] = json!(false);
    body["expected_due"] = eur(0);
    body["reason"] = json!("Called");
    let before = shop.mails().len();
    let made = clerk.send(post(&at(&jane, "/edits"), &key(), &body)).await;
    assert_eq!(made.status, 201, "{}", made.text());
    shop.settle().await;
    assert_eq!(shop.mails().len(), before, "nobody is asked");
    assert_eq!(jane.get(&here(&jane, "")).await.status, 404, "nothing is there to be seen");
    let (path, key) = (at(&jane, "/edits/1/apply"), key());
    let apply = || clerk.send(post(&path, &key, &json!({})));
    let (once, twice) = (apply().await, apply().await);
    assert_eq!((once.status, once.value()), (200, twice.value()), "{}", once.text());
    shop.settle().await;
    assert_eq!((told(&shop, "order_edited"), sent_back(&shop)), (1, vec![]));
    let placed = order(&clerk, &once.value()["made"]["order_id"]).await;
    assert_eq!((&placed["status"], &placed["payment_status"]), (&json!("placed"), &json!("paid")));
    is_sound(&shop).await;
}

#[tokio::test]
async fn whoever_says_no_keeps_the_order_and_staff_are_told_why() {
    let shop = world::open().await;
    let clerk = clerk(&shop).await;
    let jane = buyer(&shop).await;
    let before = ok(clerk.get(&at(&jane, "")).await);
    let link = proposed(&clerk, &jane, &added(MUG, 1)).await;
    let no = json!({"number": 1, "reason": "Too dear"});
    for _ in 0..2 {
        let said = ok(link.call("POST", &here(&link, "/decline"), &no).await);
        assert_eq!(said["status"], "declined");
    }
    shop.settle().await;
    assert_eq!(told(&shop, "order_edit_closed"), 1);
    let mails = shop.mails();
    let mail = mails.iter().find(|mail| mail.subject.contains("came to nothing")).unwrap();
    assert!(mail.text.clone().unwrap().contains("Too dear"), "{mail:?}");
    assert_eq!(refusal(&approve(&link).await), (409, "edit_closed".into()));
    assert_eq!(ok(clerk.get(&at(&jane, "")).await), before);
    // Another one may be proposed, and the old link does not open it.
    let next = proposed(&clerk, &jane, &added(SOCKS, 1)).await;
    assert_eq!(ok(next.get(&here(&next, "")).await)["number"], 2);
    assert_eq!(ok(link.get(&here(&link, "")).await)["number"], 1);
    assert_eq!(refusal(&approve_as(&next, &key(), 1).await), (409, "edit_superseded".into()));
    let back = at(&jane, "/edits/2/withdraw");
    for _ in 0..2 {
        assert_eq!(ok(clerk.call("POST", &back, &json!({})).await)["status"], "withdrawn");
    }
    assert_eq!(refusal(&approve_as(&next, &key(), 2).await), (409, "edit_closed".into()));
    is_sound(&shop).await;
}

#[tokio::test]
async fn a_link_that_is_over_changes_nothing_and_is_closed_by_itself() {
    let shop = world::open().await;
    let mut clerk = clerk(&shop).await;
    let jane = buyer(&shop).await;
    let link = proposed(&clerk, &jane, &added(MUG, 1)).await;
    shop.clock().advance_ms(71 * HOUR_MS);
    clerk.sign_in().await;
    run(&shop, "orders.jobs.expire_edits").await;
    assert_eq!(edits(&clerk, &jane).await[0]["status"], "open");
    shop.clock().advance_ms(HOUR_MS);
    clerk.sign_in().await;
    assert_eq!(refusal(&approve(&link).await), (409, "edit_expired".into()));
    assert_eq!(ok(link.get(&here(&link, "")).await)["status"], "expired");
    shop.clock().advance_ms(1000);
    for _ in 0..2 {
        run(&shop, "orders.jobs.expire_edits").await;
        assert_eq!(told(&shop, "order_edit_closed"), 1, "once");
    }
    assert_eq!(refusal(&approve(&link).await), (409, "edit_closed".into()));
    assert_eq!(propose(&clerk, &jane, &added(MUG, 1)).await.status, 201);
    // Time closes one without anybody's help as well.
    shop.clock().advance_ms(73 * HOUR_MS);
    clerk.sign_in().await;
    assert_eq!(propose(&clerk, &jane, &added(MUG, 1)).await.status, 201);
    let all = edits(&clerk, &jane).await;
    let stand: Vec<_> = all.as_array().unwrap().iter().map(|edit| &edit["status"]).collect();
    assert_eq!(stand, ["expired", "expired", "open"]);
    is_sound(&shop).await;
}

#[tokio::test]
async fn what_is_gone_when_the_buyer_agrees_is_named_and_the_edit_stays_open() {
    let shop = world::open().await;
    let clerk = clerk(&shop).await;
    let jane = buyer(&shop).await;
    let link = proposed(&clerk, &jane, &added(POSTER, 1)).await;
    let mut joe = Shopper::from(&shop, "203.0.113.8");
    joe.open_cart("EUR").await;
    joe.ready(POSTER, 1).await;
    assert_eq!(joe.complete().await.status, 201, "an edit holds nothing before it is agreed to");
    let gone = approve(&link).await;
    assert_eq!(refusal(&gone), (409, "insufficient_stock".into()));
    let named = gone.value();
    assert_eq!((&named["sku"], &named["available"]), (&json!(POSTER.sku), &json!(0)));
    assert_eq!(edits(&clerk, &jane).await[0]["status"], "open");
    let seen = ok(preview(&clerk, &jane, &added(POSTER, 1)).await);
    assert_eq!(seen["shortages"][0]["available"], 0);
    let back = at(&jane, "/edits/1/withdraw");
    ok(clerk.call("POST", &back, &json!({})).await);
    let short = propose(&clerk, &jane, &added(POSTER, 1)).await;
    assert_eq!(refusal(&short), (409, "insufficient_stock".into()));
    is_sound(&shop).await;
}

#[tokio::test]
async fn an_order_that_was_called_off_meanwhile_is_not_changed() {
    let shop = world::open().await;
    let clerk = clerk(&shop).await;
    let jane = buyer(&shop).await;
    let link = proposed(&clerk, &jane, &added(MUG, 1)).await;
    ok(clerk.call("POST", &at(&jane, "/cancel"), &json!({"reason": "Sold out"})).await);
    shop.settle().await;
    assert_eq!(refusal(&approve(&link).await), (409, "edit_superseded".into()));
    assert_eq!(edits(&clerk, &jane).await[0]["status"], "superseded");
    assert_eq!(told(&shop, "order_edit_closed"), 1);
    let late = preview(&clerk, &jane, &added(MUG, 1)).await;
    assert_eq!(refusal(&late), (409, "order_not_placed".into()));
    is_sound(&shop).await;
}

#[tokio::test]
async fn what_has_left_meanwhile_is_not_taken_off() {
    let shop = world::open().await;
    let clerk = clerk(&shop).await;
    let jane = buyer(&shop).await;
    let body = swapped((&clerk, &jane), (SOCKS, 2), (SOCKS_L, 2)).await;
    let link = proposed(&clerk, &jane, &body).await;
    let pairs = line(&clerk, &jane, SOCKS).await;
    let parcel = open(&clerk, &jane.order, &pairs, 2).await;
    assert_eq!(parcel.status, 201, "{}", parcel.text());
    assert_eq!(refusal(&approve(&link).await), (409, "units_in_parcel".into()));
    let there =
        format!("{}/{}", at(&jane, "/fulfillments"), parcel.value()["id"].as_str().unwrap());
    let seen = parcel.header("etag").unwrap();
    let sent = go(&clerk, seen, &format!("{there}/ship"), &json!({"carrier": "DHL"})).await;
    assert_eq!(sent.status, 200, "{}", sent.text());
    shop.settle().await;
    assert_eq!(refusal(&approve(&link).await), (409, "edit_superseded".into()));
    assert_eq!(sent_back(&shop), [0; 0]);
    is_sound(&shop).await;
}

#[tokio::test]
async fn nobody_else_sees_it_and_nobody_proposes_without_being_allowed_to() {
    let shop = world::open().await;
    let clerk = clerk(&shop).await;
    let jane = buyer(&shop).await;
    let link = proposed(&clerk, &jane, &added(MUG, 1)).await;
    let stranger = Shopper { order_token: Some("x".repeat(43)), ..jane.clone() };
    for other in [&jane, &stranger] {
        // The token that opens the order is not the one that changes it.
        assert_eq!(other.get(&here(&jane, "")).await.status, 404);
        assert_eq!(approve(other).await.status, 404);
        let no = other.call("POST", &here(&jane, "/decline"), &json!({"number": 1})).await;
        assert_eq!(no.status, 404);
    }
    assert_eq!(link.get(&format!("/v1/store/orders/{}", jane.order)).await.status, 404);
    let other = buyer(&shop).await;
    let elsewhere = Shopper { order: other.order, ..link.clone() };
    assert_eq!(approve(&elsewhere).await.status, 404);
    let bare = link.call("POST", &here(&link, "/approve"), &json!({"number": 1})).await;
    assert_eq!(bare.status, 400, "no key: {}", bare.text());
    let reader = Colleague::of(&shop, "reader", &[OrdersRead]).await;
    let mut body = added(MUG, 1);
    assert_eq!(preview(&reader, &jane, &body).await.status, 200);
    body["expected_due"] = eur(1250);
    body["reason"] = json!("Called");
    for (path, body) in
        [("/edits", &body), ("/edits/1/apply", &json!({})), ("/edits/1/withdraw", &json!({}))]
    {
        let answer = reader.send(post(&at(&jane, path), &key(), body)).await;
        assert_eq!(refusal(&answer), (403, "forbidden".into()), "{path}");
    }
    ok(clerk.call("POST", &at(&jane, "/edits/1/withdraw"), &json!({})).await);
    body["expected_due"] = eur(1);
    let blind = clerk.send(post(&at(&jane, "/edits"), &key(), &body)).await;
    assert_eq!(refusal(&blind), (409, "total_changed".into()));
    let nowhere = clerk.send(post(&at(&jane, "/edits/7/apply"), &key(), &json!({}))).await;
    assert_eq!(nowhere.status, 404);
    shop.settle().await;
    is_sound(&shop).await;
}

#[tokio::test]
async fn what_nobody_pays_for_is_let_go_and_what_was_taken_off_is_paid_back_once() {
    let shop = world::open().await;
    let mut clerk = clerk(&shop).await;
    let jane = buyer(&shop).await;
    let body = swapped((&clerk, &jane), (SOCKS, 1), (MUG, 2)).await;
    let link = proposed(&clerk, &jane, &body).await;
    let new = ok(approve(&link).await)["edit"]["added_order_id"].clone();
    shop.clock().advance_ms(49 * HOUR_MS);
    clerk.sign_in().await;
    for _ in 0..2 {
        run(&shop, "checkout.jobs.expire_unpaid").await;
        run(&shop, "returns.jobs.pay_out").await;
        assert_eq!(sent_back(&shop), [800], "once");
    }
    assert_eq!(order(&clerk, &new).await["status"], "expired");
    let first = ok(clerk.get(&at(&jane, "")).await);
    assert_eq!(first["payment_status"], "partially_refunded");
    let facts = sound(&shop, &goods::small(world::MUGS)).await;
    let reserved: i64 = facts.stock.iter().map(|level| level.reserved).sum();
    assert_eq!(reserved, 4, "three mugs and a pair of socks");
}

#[tokio::test]
async fn an_edit_whose_answer_is_lost_is_applied_once() {
    for kind in [FaultKind::FailBefore, FaultKind::LoseResponse] {
        let options = Options { sdk_attempts: 1, ..Options::default() };
        let shop = world::open_with(options, &goods::small(world::MUGS)).await;
        let clerk = clerk(&shop).await;
        let jane = buyer(&shop).await;
        let body = swapped((&clerk, &jane), (MUG, 1), (SOCKS_L, 1)).await;
        let link = proposed(&clerk, &jane, &body).await;
        let key = key();
        shop.wire().faults().arm(Plan::at_operation(1, kind, "TransactWriteItems"));
        let lost = approve_as(&link, &key, 1).await;
        assert!(lost.status >= 500, "{kind:?}: {}", lost.text());
        // The claim lapses, or the answer is remembered.
        shop.clock().advance_ms(LEASE_MS * 2);
        let done = ok(approve_as(&link, &key, 1).await);
        assert_eq!(done["edit"]["status"], "applied", "{kind:?}");
        assert_eq!(sent_back(&shop), [450], "{kind:?}");
        is_sound(&shop).await;
    }
}

#[tokio::test]
async fn of_the_buyer_who_agrees_and_staff_who_call_off_at_once_one_is_right() {
    let shop = world::open().await;
    let clerk = clerk(&shop).await;
    let jane = buyer(&shop).await;
    let link = proposed(&clerk, &jane, &added(MUG, 1)).await;
    let (path, off) = (at(&jane, "/cancel"), json!({"reason": "Sold out"}));
    let (yes, off) = tokio::join!(approve(&link), clerk.call("POST", &path, &off));
    assert_eq!(off.status, 200, "{}", off.text());
    assert!(matches!(yes.status, 200 | 409), "{}", yes.text());
    shop.settle().await;
    is_sound(&shop).await;
}

#[tokio::test]
async fn an_order_goes_to_another_street_as_long_as_nothing_else_changes() {
    let shop = world::open().await;
    let clerk = clerk(&shop).await;
    let jane = buyer(&shop).await;
    let there = at(&jane, "/shipping_address");
    let to = |changes: Value| {
        let mut address = world::address();
        for (name, value) in changes.as_object().unwrap() {
            address[name] = value.clone();
        }
        json!({"address": address, "reason": "Misspelt"})
    };
    let elsewhere = to(json!({"line1": "Lindenstrasse 22"}));
    let unseen = clerk.call("PUT", &there, &elsewhere).await;
    assert_eq!(unseen.status, 428, "{}", unseen.text());
    let seen = clerk.tag(&at(&jane, "")).await;
    let abroad = to(json!({"country": "FR", "postal_code": "75001", "city": "Paris"}));
    let abroad = clerk.call_if(&seen, "PUT", &there, &abroad).await;
    assert_eq!(refusal(&abroad), (409, "address_changes_price".into()));
    let reader = Colleague::of(&shop, "reader", &[OrdersRead]).await;
    let answer = reader.call_if(&seen, "PUT", &there, &elsewhere).await;
    assert_eq!(refusal(&answer), (403, "forbidden".into()));
    let done = ok(clerk.call_if(&seen, "PUT", &there, &elsewhere).await);
    assert_eq!(done, ok(clerk.get(&at(&jane, "")).await), "what is answered is what is there");
    assert_eq!(jane.view_order().await["shipping_address"]["line1"], "Lindenstrasse 22");
    let stale = clerk.call_if(&seen, "PUT", &there, &elsewhere).await;
    assert_eq!(refusal(&stale), (412, "if_match_failed".into()));
    let mugs = line(&clerk, &jane, MUG).await;
    assert_eq!(open(&clerk, &jane.order, &mugs, 1).await.status, 201);
    let seen = clerk.tag(&at(&jane, "")).await;
    let packed = clerk.call_if(&seen, "PUT", &there, &elsewhere).await;
    assert_eq!(refusal(&packed), (409, "has_parcels".into()));
    shop.settle().await;
    is_sound(&shop).await;
}
