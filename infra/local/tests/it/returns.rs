//! Returns: asked for in time, looked at once, settled once, and nothing of it lost.

use domain::permission::Permission::{
    GiftCardsIssue, InventoryRead, OrdersFulfill, OrdersRead, OrdersRefund, ReturnsRead,
    ReturnsWrite,
};
use local::{Options, Outcome, Request, Response, Shop};
use serde_json::{Value, json};
use testkit::goods::{self, SOCKS};
use wire::{FaultKind, Plan};

use crate::tour::parcels::{go, line_of, socks};
use crate::tour::returns::{ask, at, deliver, look, never_sent, own, returns, tell, wish};
use crate::tour::{People, Plain};
use crate::world::{self, Colleague, Shopper, key, ok, refusal, sound};

const DAY_MS: i64 = 24 * 3_600_000;

async fn clerk(shop: &Shop) -> Colleague {
    let may = [
        ReturnsRead,
        ReturnsWrite,
        OrdersRefund,
        OrdersFulfill,
        OrdersRead,
        InventoryRead,
        GiftCardsIssue,
    ];
    Colleague::of(shop, "clerk", &may).await
}

/// A guest who got so many socks, and their line.
async fn buyer(clerk: &Colleague, units: u32) -> (Shopper, Value) {
    let jane = socks(&clerk.shop, "203.0.113.7", units).await;
    let line = json!(line_of(&jane).await);
    deliver(clerk, &jane.order, &line, units).await;
    (jane, line)
}

/// A return that the buyer asks for and that is agreed to: where it is, and its tag.
async fn approved(clerk: &Colleague, jane: &Shopper, wish: &Value) -> (String, String) {
    let made = tell(jane, &own(&jane.order), wish).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let here = format!("{}/{}", at(&jane.order), made.value()["id"].as_str().unwrap());
    let seen = clerk.tag(&here).await;
    (here.clone(), moved(clerk, &seen, &format!("{here}/approve"), &json!({})).await)
}

/// It moves: its new tag.
async fn moved(clerk: &Colleague, seen: &str, target: &str, body: &Value) -> String {
    let answer = go(clerk, seen, target, body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.header("etag").unwrap().to_owned()
}

async fn on_hand(clerk: &Colleague) -> i64 {
    let first = domain::stock::FIRST_LOCATION;
    let level = ok(clerk.get(&format!("/v1/admin/inventory/levels/{}/{first}", SOCKS.sku)).await);
    level["on_hand"].as_i64().unwrap()
}

fn eur(amount: i64) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

async fn is_sound(shop: &Shop) {
    sound(shop, &goods::small(world::MUGS)).await;
}

fn letters(shop: &Shop, words: &str) -> usize {
    shop.mails().iter().filter(|mail| mail.subject.contains(words)).count()
}

#[tokio::test]
async fn what_comes_back_is_sold_again_and_paid_back_and_everybody_is_told() {
    let shop = world::open().await;
    let clerk = clerk(&shop).await;
    let (jane, line) = buyer(&clerk, 3).await;
    assert_eq!(on_hand(&clerk).await, 47);
    let may = ok(jane.get(&own(&jane.order)).await);
    assert_eq!((&may["returnable"][0]["quantity"], &may["data"]), (&json!(3), &json!([])));

    let made = tell(&jane, &own(&jane.order), &wish(&line, 3)).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.value();
    assert_eq!(made["status"], "requested");
    assert_eq!(jane.view_order().await["return_status"], "requested");
    let waiting = ok(clerk.get("/v1/admin/returns").await);
    assert_eq!(waiting["data"][0]["id"], made["id"]);
    assert_eq!(waiting["data"][0]["items"][0]["reason"], "does_not_fit");

    let here = format!("{}/{}", at(&jane.order), made["id"].as_str().unwrap());
    let told = json!({"instructions": "Write 4711 on it.",
        "label_url": "https://labels.example/4711.pdf", "address": world::address()});
    let seen = clerk.tag(&here).await;
    moved(&clerk, &seen, &format!("{here}/approve"), &told).await;
    shop.settle().await;
    let mails = shop.mails();
    let mail = mails.iter().find(|mail| mail.subject.contains("may send back")).unwrap();
    let text = mail.text.clone().unwrap();
    assert!(text.contains("4711.pdf") && text.contains("Write 4711 on it."), "{text}");
    let sent = format!("{}/{}/send", own(&jane.order), made["id"].as_str().unwrap());
    ok(tell(&jane, &sent, &json!({"carrier": "DHL", "tracking_number": "0034"})).await);

    // It comes in two parts: one as it went, one broken, and one never.
    let receive = format!("{here}/receive");
    let seen = clerk.tag(&here).await;
    let seen = moved(&clerk, &seen, &receive, &look(&line, 1, "received", "restock")).await;
    assert_eq!(on_hand(&clerk).await, 48);
    let mut rest = look(&line, 1, "damaged", "write_off");
    let short = look(&line, 1, "short", "")["items"][0].clone();
    rest["items"].as_array_mut().unwrap().push(short);
    let seen = moved(&clerk, &seen, &receive, &rest).await;
    assert_eq!(on_hand(&clerk).await, 48, "what is broken is not sold again");
    let order = jane.view_order().await;
    assert_eq!(order["lines"][0]["returned_quantity"], 2);
    assert_eq!(order["return_status"], "in_progress");
    shop.settle().await;
    is_sound(&shop).await;

    let given = json!({"reason": "Too small"});
    moved(&clerk, &seen, &format!("{here}/refund"), &given).await;
    shop.settle().await;
    let made = shop.twin().objects("refund");
    assert_eq!((made.len(), &made[0]["amount"]), (1, &json!(1600)));
    let order = jane.view_order().await;
    assert_eq!(order["return_status"], "partially_returned");
    assert_eq!(order["payment_status"], "partially_refunded");
    let shown = ok(clerk.get(&here).await);
    assert_eq!(shown["resolution"]["amount"], eur(1600));
    assert_eq!(letters(&shop, "is settled"), 1);
    let told = ok(clerk.get(&format!("/v1/admin/orders/{}/timeline", jane.order)).await);
    let kinds: Vec<&str> =
        told["data"].as_array().unwrap().iter().filter_map(|one| one["type"].as_str()).collect();
    for kind in ["return.requested", "return.approved", "return.received", "return.resolved"] {
        assert!(kinds.contains(&kind), "{kind}: {kinds:?}");
    }
    // What never came may be asked for again.
    let may = ok(jane.get(&own(&jane.order)).await);
    assert_eq!(may["returnable"][0]["quantity"], 1);
    is_sound(&shop).await;
}

#[tokio::test]
async fn a_customer_gets_credit_instead_of_money_and_the_money_stays() {
    let shop = world::open().await;
    let clerk = clerk(&shop).await;
    let mut jane = Shopper::customer(&shop, "jane@example.org").await;
    jane.open_cart("EUR").await;
    jane.ready(SOCKS, 2).await;
    assert_eq!(jane.complete().await.status, 201);
    jane.pay("pm_card_visa");
    shop.settle().await;
    let line = json!(line_of(&jane).await);
    deliver(&clerk, &jane.order, &line, 2).await;
    let (here, seen) = approved(&clerk, &jane, &wish(&line, 2)).await;
    let found = look(&line, 2, "received", "restock");
    let seen = moved(&clerk, &seen, &format!("{here}/receive"), &found).await;
    let key = key();
    let settle = || {
        let request = Request::new("POST", &format!("{here}/credit")).header("if-match", &seen);
        clerk.send(request.header("idempotency-key", &key).json(&json!({})))
    };
    let (once, twice) = (settle().await, settle().await);
    assert_eq!((once.status, once.value()), (200, twice.value()));
    assert_eq!(once.value()["resolution"]["type"], "store_credit");
    shop.settle().await;
    let me = ok(jane.get("/v1/auth/me").await);
    let customer = domain::id::CustomerId::parse(me["id"].as_str().unwrap()).unwrap();
    let credits = shop.store().store_credits(customer).await.unwrap();
    assert_eq!(credits[0].balance.amount(), 1600);
    assert_eq!(shop.twin().objects("refund").len(), 0);
    // The money can not be given a second time.
    let all = json!({"amount": eur(2090)});
    let path = format!("/v1/admin/orders/{}/refunds", jane.order);
    let request = Request::new("POST", &path).header("idempotency-key", &world::key());
    let refused = clerk.send(request.json(&all)).await;
    assert_eq!(refusal(&refused), (409, "exceeds_refundable".into()));
    assert_eq!(refused.value()["refundable"], eur(490));
    assert_eq!(jane.view_order().await["return_status"], "returned");
    is_sound(&shop).await;
}

#[tokio::test]
async fn what_may_not_come_back_stays_and_nobody_decides_without_permission() {
    let shop = world::open().await;
    let clerk = clerk(&shop).await;
    let (jane, line) = buyer(&clerk, 2).await;
    let three = tell(&jane, &own(&jane.order), &wish(&line, 3)).await;
    assert_eq!(refusal(&three), (409, "quantity_not_returnable".into()));
    let unknown = json!("oli_01ARZ3NDEKTSV4RRFFQ69G5FAV");
    let other = tell(&jane, &own(&jane.order), &wish(&unknown, 1)).await;
    assert_eq!(refusal(&other), (400, "invalid_request".into()));
    let joe = socks(&shop, "203.0.113.8", 1).await;
    let foreign = tell(&joe, &own(&jane.order), &wish(&line, 1)).await;
    assert_eq!(foreign.status, 404, "{}", foreign.text());
    let joes = json!(line_of(&joe).await);
    let packed = tell(&joe, &own(&joe.order), &wish(&joes, 1)).await;
    assert_eq!(refusal(&packed), (409, "quantity_not_returnable".into()), "it never left");
    let nobody = Shopper { order: jane.order.clone(), ..Shopper::new(&shop) };
    assert_eq!(nobody.get(&own(&jane.order)).await.status, 401);

    let (here, seen) = approved(&clerk, &jane, &wish(&line, 1)).await;
    let refund = go(&clerk, &seen, &format!("{here}/refund"), &json!({})).await;
    assert_eq!(refusal(&refund), (409, "invalid_transition".into()), "nothing came yet");
    let found = look(&line, 1, "received", "restock");
    let untagged = Request::new("POST", &format!("{here}/receive"));
    let untagged = clerk.send(untagged.header("idempotency-key", &key()).json(&found)).await;
    assert_eq!(refusal(&untagged), (428, "if_match_required".into()));
    let stale = go(&clerk, "\"v9\"", &format!("{here}/receive"), &found).await;
    assert_eq!(refusal(&stale), (412, "if_match_failed".into()));
    let many = go(&clerk, &seen, &format!("{here}/receive"), &look(&line, 2, "short", "")).await;
    assert_eq!(refusal(&many), (409, "quantity_not_awaited".into()));
    let vague =
        go(&clerk, &seen, &format!("{here}/receive"), &look(&line, 1, "received", "")).await;
    assert_eq!(refusal(&vague), (400, "invalid_request".into()));
    let mut nowhere = found.clone();
    nowhere["location_id"] = json!("loc_01ARZ3NDEKTSV4RRFFQ69G5FAV");
    let nowhere = go(&clerk, &seen, &format!("{here}/receive"), &nowhere).await;
    assert_eq!(refusal(&nowhere), (400, "invalid_request".into()));
    let reader = Colleague::of(&shop, "reader", &[ReturnsRead]).await;
    let answer = go(&reader, &seen, &format!("{here}/receive"), &found).await;
    assert_eq!(refusal(&answer), (403, "forbidden".into()));
    let seen = moved(&clerk, &seen, &format!("{here}/receive"), &found).await;
    let writer = Colleague::of(&shop, "writer", &[ReturnsWrite]).await;
    let answer = go(&writer, &seen, &format!("{here}/refund"), &json!({})).await;
    assert_eq!(refusal(&answer), (403, "forbidden".into()), "money wants orders.refund");
    let guest = go(&clerk, &seen, &format!("{here}/credit"), &json!({})).await;
    assert_eq!(refusal(&guest), (409, "store_credit_needs_account".into()));
    let two = json!({"items": [{"order_line_id": line, "quantity": 2}]});
    let two = go(&clerk, &seen, &format!("{here}/refund"), &two).await;
    assert_eq!(refusal(&two), (409, "quantity_not_returned".into()));

    // Three weeks later only staff may still ask.
    shop.clock().advance_ms(21 * DAY_MS);
    let late = tell(&jane, &own(&jane.order), &wish(&line, 1)).await;
    assert_eq!(refusal(&late), (409, "return_window_over".into()));
    let mut clerk = clerk;
    clerk.sign_in().await;
    assert_eq!(ask(&clerk, &jane.order, &wish(&line, 1)).await.status, 201);
    shop.settle().await;
    is_sound(&shop).await;
}

#[tokio::test]
async fn of_two_who_ask_for_the_last_unit_one_does_and_a_rejected_wish_lets_it_go() {
    let shop = world::open().await;
    let clerk = clerk(&shop).await;
    let (jane, line) = buyer(&clerk, 1).await;
    let (path, body) = (own(&jane.order), wish(&line, 1));
    let (one, two) = tokio::join!(tell(&jane, &path, &body), ask(&clerk, &jane.order, &body));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409], "{} {}", one.text(), two.text());
    let made = if one.status == 201 { one } else { two };
    let here = format!("{}/{}", at(&jane.order), made.value()["id"].as_str().unwrap());
    let seen = clerk.tag(&here).await;
    moved(&clerk, &seen, &format!("{here}/reject"), &json!({"reason": "It was worn."})).await;
    shop.settle().await;
    let said = |mail: wire::Mail| mail.text.is_some_and(|text| text.contains("It was worn."));
    assert!(shop.mails().into_iter().any(said));
    assert_eq!(jane.view_order().await["return_status"], "none");
    assert_eq!(tell(&jane, &path, &body).await.status, 201, "and may ask again");
    shop.settle().await;
    is_sound(&shop).await;
}

#[tokio::test]
async fn a_look_whose_answer_is_lost_counts_once() {
    for kind in [FaultKind::FailBefore, FaultKind::LoseResponse] {
        let options = Options { sdk_attempts: 1, ..Options::default() };
        let shop = world::open_with(options, &goods::small(world::MUGS)).await;
        let clerk = clerk(&shop).await;
        let (jane, line) = buyer(&clerk, 1).await;
        let (here, seen) = approved(&clerk, &jane, &wish(&line, 1)).await;
        shop.settle().await;
        let found = look(&line, 1, "received", "restock");
        let key = key();
        let receive = || {
            let request = Request::new("POST", &format!("{here}/receive"));
            let request = request.header("if-match", &seen).header("idempotency-key", &key);
            clerk.send(request.json(&found))
        };
        shop.wire().faults().arm(Plan::at_operation(1, kind, "TransactWriteItems"));
        let lost: Response = receive().await;
        assert!(lost.status >= 500, "{kind:?}: {}", lost.text());
        // The claim lapses, or the answer is remembered.
        shop.clock().advance_ms(60_000);
        let again = receive().await;
        assert_eq!(again.status, 200, "{kind:?}: {}", again.text());
        assert_eq!(on_hand(&clerk).await, 50, "{kind:?}");
        shop.settle().await;
        is_sound(&shop).await;
    }
}

#[tokio::test]
async fn what_is_never_sent_comes_to_nothing_once() {
    let shop = world::open().await;
    let clerk = clerk(&shop).await;
    let (jane, line) = buyer(&clerk, 1).await;
    approved(&clerk, &jane, &wish(&line, 1)).await;
    shop.settle().await;
    shop.clock().advance_ms(29 * DAY_MS);
    assert!(matches!(shop.run_job("returns.jobs.expire").await, Outcome::Answered(_)));
    assert_eq!(jane.view_order().await["return_status"], "in_progress");
    shop.clock().advance_ms(DAY_MS + 1);
    for _ in 0..2 {
        assert!(matches!(shop.run_job("returns.jobs.expire").await, Outcome::Answered(_)));
    }
    shop.settle().await;
    let shown = ok(jane.get(&own(&jane.order)).await);
    assert_eq!(shown["data"][0]["status"], "expired");
    assert_eq!(shown["return_status"], "none");
    is_sound(&shop).await;
}

#[tokio::test]
async fn every_way_back_is_walked_and_the_books_agree() {
    let shop = world::open().await;
    let mut pace = Plain(shop.clone());
    let mut people = People::new(&mut pace, &shop).await;
    returns(&mut pace, &people.owner, &mut people.jane).await;
    is_sound(&shop).await;
    never_sent(&shop, &people.owner).await;
    is_sound(&shop).await;
}
