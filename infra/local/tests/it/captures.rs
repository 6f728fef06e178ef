//! Money that is reserved first: taken once, whole or in part, before its time is over, or let go.

use std::sync::Arc;

use domain::permission::Permission::{
    OrdersCapture, OrdersFulfill, OrdersRead, OrdersRefund, OrdersWrite,
};
use futures_util::future::join_all;
use local::{Options, Outcome, Request, Response, Shop};
use serde_json::{Value, json};
use stripe_twin::Faults;
use testkit::goods::{self, Goods, MUG, TEMPLATE};
use wire::{FaultKind, Gate, Plan, Sabotage};

use crate::refunds::at_stripe;
use crate::tour::papers::{at, entity};
use crate::world::{self, Colleague, Shopper, key, ok, refusal, sound};

const JOB: &str = "payments.jobs.capture_due";
/// Stripe keeps the money of a card for so long.
const RESERVED_DAYS: i64 = 7;
const HOUR_MS: i64 = 3_600_000;

fn eur(amount: i64) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

/// The small shop that reserves first.
pub(crate) fn reserving(payments: Value) -> Goods {
    let mut goods = goods::small(world::MUGS);
    goods.shop.payments = serde_json::from_value(payments).expect("settings");
    goods
}

async fn open(payments: Value) -> (Shop, Goods) {
    let goods = reserving(payments);
    (world::open_with(Options::default(), &goods).await, goods)
}

async fn clerk(shop: &Shop) -> Colleague {
    let may = [OrdersRead, OrdersWrite, OrdersCapture, OrdersFulfill, OrdersRefund];
    Colleague::of(shop, "clerk", &may).await
}

/// Somebody whose 29.90 are reserved for two mugs.
async fn buyer(shop: &Shop) -> Shopper {
    let mut jane = Shopper::guest(shop).await;
    jane.ready(MUG, 2).await;
    assert_eq!(jane.complete().await.status, 201);
    assert_eq!(jane.pay("pm_card_visa").0, 200);
    shop.settle().await;
    jane
}

async fn post_as(
    clerk: &Colleague,
    key: &str,
    jane: &Shopper,
    rest: &str,
    body: &Value,
) -> Response {
    let path = format!("/v1/admin/orders/{}{rest}", jane.order);
    let request = Request::new("POST", &path).header("idempotency-key", key);
    clerk.send(request.json(body)).await
}

async fn capture(clerk: &Colleague, jane: &Shopper, body: &Value) -> Response {
    post_as(clerk, &key(), jane, "/capture", body).await
}

async fn order(clerk: &Colleague, jane: &Shopper) -> Value {
    ok(clerk.get(&format!("/v1/admin/orders/{}", jane.order)).await)
}

async fn run(shop: &Shop) {
    assert!(matches!(shop.run_job(JOB).await, Outcome::Answered(_)));
    shop.settle().await;
}

fn received(shop: &Shop) -> i64 {
    let intents = shop.twin().objects("payment_intent");
    intents.iter().filter_map(|intent| intent["amount_received"].as_i64()).sum()
}

#[tokio::test]
async fn reserved_money_places_the_order_and_is_taken_once() {
    let (shop, goods) = open(json!({"capture": "manual"})).await;
    let (clerk, jane) = (clerk(&shop).await, buyer(&shop).await);
    let placed = order(&clerk, &jane).await;
    assert_eq!(
        (&placed["status"], &placed["payment_status"]),
        (&json!("placed"), &json!("authorized"))
    );
    let detail = &placed["payment_details"][0];
    assert_eq!((&detail["authorized"], &detail["capture"]), (&eur(2990), &json!("manual")));
    assert!(detail["capture_before"].is_string(), "{detail}");
    assert_eq!(received(&shop), 0);
    sound(&shop, &goods).await;

    let more = capture(&clerk, &jane, &json!({"amount": eur(2991)})).await;
    assert_eq!(refusal(&more), (409, "exceeds_authorized".into()));
    let pounds = json!({"amount": {"amount": 1, "currency": "GBP"}});
    assert_eq!(refusal(&capture(&clerk, &jane, &pounds).await).1, "currency_mismatch");
    let none = capture(&clerk, &jane, &json!({"amount": eur(0)})).await;
    assert_eq!(refusal(&none), (409, "capture_too_small".into()));
    let reader = Colleague::of(&shop, "reader", &[OrdersRead]).await;
    assert_eq!(capture(&reader, &jane, &json!({})).await.status, 403);
    let nobody = Shopper { order: "ord_01ARZ3NDEKTSV4RRFFQ69G5FAV".into(), ..jane.clone() };
    assert_eq!(capture(&clerk, &nobody, &json!({})).await.status, 404);

    let path = format!("/v1/admin/orders/{}/capture", jane.order);
    let bare = clerk.call("POST", &path, &json!({})).await;
    assert_eq!(refusal(&bare), (400, "idempotency_key_required".into()));
    let key = key();
    let first = post_as(&clerk, &key, &jane, "/capture", &json!({})).await;
    let again = post_as(&clerk, &key, &jane, "/capture", &json!({})).await;
    assert_eq!((first.status, first.value()), (200, again.value()));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    let less = post_as(&clerk, &key, &jane, "/capture", &json!({"amount": eur(1000)})).await;
    assert_eq!(refusal(&less), (422, "idempotency_key_reused".into()));
    let other = capture(&clerk, &jane, &json!({})).await;
    assert_eq!(refusal(&other), (409, "capture_underway".into()));
    shop.settle().await;
    assert_eq!(
        (received(&shop), &order(&clerk, &jane).await["payment_status"]),
        (2990, &json!("paid"))
    );
    let late = capture(&clerk, &jane, &json!({})).await;
    assert_eq!(refusal(&late), (409, "nothing_to_capture".into()));
    sound(&shop, &goods).await;
}

#[tokio::test]
async fn a_part_is_taken_and_the_rest_let_go() {
    let (shop, goods) = open(json!({"capture": "manual"})).await;
    let (clerk, jane) = (clerk(&shop).await, buyer(&shop).await);
    ok(capture(&clerk, &jane, &json!({"amount": eur(1000)})).await);
    shop.settle().await;
    let after = order(&clerk, &jane).await;
    assert_eq!(
        (&after["captured"], &after["payment_status"]),
        (&eur(1000), &json!("partially_paid"))
    );
    assert_eq!(after["payment_details"][0]["authorized"], eur(0));
    sound(&shop, &goods).await;
}

#[tokio::test]
async fn nothing_leaves_once_only_a_part_is_asked_for_though_it_was_not_taken_yet() {
    let (shop, goods) = open(json!({"capture": "manual"})).await;
    let (clerk, jane) = (clerk(&shop).await, buyer(&shop).await);
    let opened = open_one(&clerk, &jane).await;
    assert_eq!(opened.status, 201, "{}", opened.text());
    ok(capture(&clerk, &jane, &json!({"amount": eur(1000)})).await);
    // The queue has not asked the provider yet.
    assert_eq!(order(&clerk, &jane).await["payment_status"], "partially_authorized");
    assert_eq!(refusal(&leaves(&clerk, &jane, &opened).await), (409, "order_not_paid".into()));
    shop.settle().await;
    assert_eq!(order(&clerk, &jane).await["payment_status"], "partially_paid");
    assert_eq!(refusal(&leaves(&clerk, &jane, &opened).await), (409, "order_not_paid".into()));
    // What goes back of a part does not make it the whole.
    ok(post_as(&clerk, &key(), &jane, "/refunds", &json!({"amount": eur(100)})).await);
    shop.settle_all().await;
    assert_eq!(order(&clerk, &jane).await["payment_status"], "partially_paid");
    assert_eq!(refusal(&leaves(&clerk, &jane, &opened).await), (409, "order_not_paid".into()));
    sound(&shop, &goods).await;
}

#[tokio::test]
async fn a_part_that_could_not_be_taken_is_all_of_it_again() {
    let (shop, goods) = open(json!({"capture": "manual"})).await;
    let (clerk, jane) = (clerk(&shop).await, buyer(&shop).await);
    let opened = open_one(&clerk, &jane).await;
    ok(capture(&clerk, &jane, &json!({"amount": eur(1000)})).await);
    let why = json!({"reason": "Look"});
    ok(post_as(&clerk, &key(), &jane, "/hold", &why).await);
    // The queue finds it on hold.
    shop.settle().await;
    assert_eq!(order(&clerk, &jane).await["payment_status"], "authorized");
    ok(post_as(&clerk, &key(), &jane, "/release", &json!({})).await);
    ok(leaves(&clerk, &jane, &opened).await);
    shop.settle().await;
    sound(&shop, &goods).await;
}

#[tokio::test]
async fn what_was_asked_for_and_not_heard_of_is_said_again_before_its_time_is_over() {
    let (shop, goods) = open(json!({"capture": "manual"})).await;
    let (mut clerk, jane) = (clerk(&shop).await, buyer(&shop).await);
    shop.clock().advance_ms(6 * 24 * 60 * 60_000);
    clerk.sign_in().await;
    // The provider has an answer that nobody can use, and the message is given up.
    let take = "POST /v1/payment_intents/{id}/capture";
    ok(capture(&clerk, &jane, &json!({})).await);
    for _ in 0..40 {
        shop.wire().faults().arm(Plan::at_operation(1, FaultKind::FailBefore, take));
        shop.settle().await;
        shop.clock().advance_ms(61 * 1_000);
    }
    shop.wire().faults().disarm();
    assert_eq!(received(&shop), 0);
    shop.clock().advance_ms(60 * 60_000);
    run(&shop).await;
    assert_eq!(received(&shop), 2990);
    // What was given up comes back after all, and takes nothing twice.
    let sqs = shop.wire().sqs();
    assert_eq!(sqs.queues().iter().map(|queue| sqs.redrive(queue)).sum::<usize>(), 1);
    shop.settle().await;
    assert_eq!(received(&shop), 2990);
    sound(&shop, &goods).await;
}

#[tokio::test]
async fn what_is_called_off_is_let_go_and_what_is_on_hold_is_not_taken() {
    let (shop, goods) = open(json!({"capture": "manual"})).await;
    let (clerk, jane) = (clerk(&shop).await, buyer(&shop).await);
    let why = json!({"reason": "Asked for another address"});
    ok(post_as(&clerk, &key(), &jane, "/hold", &why).await);
    assert_eq!(refusal(&capture(&clerk, &jane, &json!({})).await), (409, "order_on_hold".into()));
    let off = ok(post_as(&clerk, &key(), &jane, "/cancel", &why).await);
    assert_eq!(off["status"], "canceled");
    shop.settle().await;
    let intents = shop.twin().objects("payment_intent");
    assert_eq!((&intents[0]["status"], received(&shop)), (&json!("canceled"), 0));
    assert_eq!(shop.twin().objects("refund").len(), 0);
    sound(&shop, &goods).await;
}

const LETTING_GO: &str = "POST /v1/payment_intents/{id}/cancel";

async fn call_off(clerk: &Colleague, jane: &Shopper) -> Response {
    post_as(clerk, &key(), jane, "/cancel", &json!({"reason": "Out of stock"})).await
}

/// Whoever calls it off dies while its money is let go.
async fn dies_while_calling_off(shop: &Shop, clerk: &Colleague, jane: &Shopper, died: FaultKind) {
    shop.wire().faults().arm(Plan::at_operation(1, died, LETTING_GO));
    let dead = call_off(clerk, jane).await;
    assert_eq!(dead.status, 502, "{}", dead.text());
}

/// Called off again, and nothing was ever taken.
async fn comes_to_its_end((shop, goods): (&Shop, &Goods), clerk: &Colleague, jane: &Shopper) {
    assert_eq!(ok(call_off(clerk, jane).await)["status"], "canceled");
    shop.twin().set_faults(Faults::default());
    shop.settle().await;
    assert_eq!(received(shop), 0);
    sound(shop, goods).await;
}

#[tokio::test]
async fn whoever_dies_while_calling_off_leaves_an_order_of_which_nothing_is_sent() {
    for died in [FaultKind::DieBefore, FaultKind::DieAfter] {
        let (shop, goods) = open(json!({"capture": "manual"})).await;
        let (clerk, jane) = (clerk(&shop).await, buyer(&shop).await);
        // Nobody is told by the provider that its money was let go.
        shop.twin().set_faults(Faults { webhook_hold: true, ..Faults::default() });
        dies_while_calling_off(&shop, &clerk, &jane, died).await;
        let left = order(&clerk, &jane).await;
        let stands = (&left["status"], &left["hold"]["cause"], &left["payment_status"]);
        let held = (&json!("on_hold"), &json!("calling_off"), &json!("authorized"));
        assert_eq!(stands, held);
        let released = post_as(&clerk, &key(), &jane, "/release", &json!({})).await;
        assert_eq!(refusal(&released), (409, "being_called_off".into()));
        let refused = send_one(&clerk, &jane).await;
        assert_eq!(refusal(&refused), (409, "order_not_placed".into()));
        assert_eq!(
            refusal(&capture(&clerk, &jane, &json!({})).await),
            (409, "order_on_hold".into())
        );
        let said = shop.explain(&jane.order).await.expect("an order").join("\n");
        assert!(said.contains("began to call it off"), "{said}");
        comes_to_its_end((&shop, &goods), &clerk, &jane).await;
    }
}

#[tokio::test]
async fn what_is_to_be_downloaded_is_not_had_while_its_money_is_let_go() {
    let (shop, goods) = open(json!({"capture": "manual"})).await;
    let clerk = clerk(&shop).await;
    let mut jane = Shopper::guest(&shop).await;
    jane.add(TEMPLATE, 1).await;
    jane.ready(MUG, 1).await;
    assert_eq!(jane.complete().await.status, 201);
    assert_eq!(jane.pay("pm_card_visa").0, 200);
    // It is placed, and nobody has delivered it yet.
    shop.twin().set_faults(Faults { webhook_hold: true, ..Faults::default() });
    let path = format!("/v1/store/orders/{}/cancel", jane.order);
    assert_eq!(jane.call("POST", &path, &json!({})).await.status, 409);
    dies_while_calling_off(&shop, &clerk, &jane, FaultKind::DieAfter).await;
    shop.settle().await;
    let seen = jane.view_order().await;
    assert_eq!((&seen["status"], &seen["downloads"]), (&json!("on_hold"), &json!([])));
    comes_to_its_end((&shop, &goods), &clerk, &jane).await;
}

#[tokio::test]
async fn money_that_was_let_go_unheard_is_found_by_the_books() {
    let (shop, goods) = open(json!({"capture": "manual"})).await;
    let (clerk, jane) = (clerk(&shop).await, buyer(&shop).await);
    shop.twin().set_faults(Faults { webhook_drop: 100, ..Faults::default() });
    let path = format!("/v1/payment_intents/{}/cancel", jane.intent);
    assert_eq!(at_stripe(&shop, &path, &[]).0, 200);
    shop.settle().await;
    assert_eq!(order(&clerk, &jane).await["payment_status"], "authorized");
    shop.clock().advance_ms(11 * 60_000);
    shop.run_job("payments.jobs.reconcile").await;
    shop.settle().await;
    let after = order(&clerk, &jane).await;
    assert_eq!(
        (&after["status"], &after["payment_status"], &after["hold"]["cause"]),
        (&json!("on_hold"), &json!("voided"), &json!("payment_lapsed"))
    );
    shop.twin().set_faults(Faults::default());
    sound(&shop, &goods).await;
}

#[tokio::test]
async fn no_parcel_is_opened_for_money_that_is_being_let_go() {
    let (shop, goods) = open(json!({"capture": "manual"})).await;
    let (clerk, jane) = (clerk(&shop).await, buyer(&shop).await);
    // Somebody has looked at it before, and holds it.
    ok(post_as(&clerk, &key(), &jane, "/hold", &json!({"reason": "Look"})).await);
    let gate = Gate::default();
    let held = gate.clone();
    shop.wire().saboteur().hire(Arc::new(move |call, _| {
        (call.operation == LETTING_GO).then(|| Sabotage::held(&held))
    }));
    let canceling = call_off(&clerk, &jane);
    let sending = async {
        gate.reached().await;
        let refused = send_one(&clerk, &jane).await;
        assert_eq!(refusal(&refused), (409, "order_not_placed".into()));
        gate.open();
    };
    let (off, ()) = tokio::join!(canceling, sending);
    assert_eq!(ok(off)["status"], "canceled");
    shop.settle().await;
    assert_eq!(received(&shop), 0);
    sound(&shop, &goods).await;
}

/// What an order has of papers: of its invoice the sum, and of each credit note.
async fn papers(jane: &Shopper) -> (Value, Vec<(Value, Value)>) {
    let shown = ok(jane.get(&at("store", jane, "invoice")).await);
    let notes = shown["credit_notes"].as_array().expect("a list").iter();
    let notes = notes.map(|note| (note["total"].clone(), note["refund_id"].clone()));
    (shown["invoice"]["total"].clone(), notes.collect())
}

#[tokio::test]
async fn the_invoice_of_what_was_only_reserved_is_undone_when_it_is_called_off() {
    let mut goods = reserving(json!({"capture": "manual"}));
    goods.shop.legal_entity = serde_json::from_value(entity()).expect("an entity");
    let shop = world::open_with(Options::default(), &goods).await;
    let (clerk, why) = (clerk(&shop).await, json!({"reason": "Out of stock"}));
    // Nobody paid: there is no invoice, and none comes of the end.
    let mut nobody = Shopper::guest(&shop).await;
    nobody.ready(MUG, 2).await;
    assert_eq!(nobody.complete().await.status, 201);
    ok(post_as(&clerk, &key(), &nobody, "/cancel", &why).await);
    shop.settle().await;
    let none = nobody.get(&at("store", &nobody, "invoice")).await;
    assert_eq!(refusal(&none), (404, "invoice_not_ready".into()));

    let reserved = buyer(&shop).await;
    shop.settle().await;
    assert_eq!(papers(&reserved).await, (eur(2990), vec![]));
    for _ in 0..2 {
        ok(post_as(&clerk, &key(), &reserved, "/cancel", &why).await);
        shop.settle().await;
        assert_eq!(papers(&reserved).await, (eur(2990), vec![(eur(2990), json!(null))]));
    }
    // A part was taken, and the rest let go: one note for what goes back, and one for the rest.
    let part = buyer(&shop).await;
    ok(capture(&clerk, &part, &json!({"amount": eur(1000)})).await);
    shop.settle().await;
    ok(post_as(&clerk, &key(), &part, "/cancel", &why).await);
    shop.settle().await;
    let (invoice, notes) = papers(&part).await;
    let of = |is_refund: bool| {
        let those = notes.iter().filter(move |(_, refund)| refund.is_string() == is_refund);
        those.map(|(total, _)| total.clone()).collect::<Vec<_>>()
    };
    assert_eq!(invoice, eur(2990));
    assert_eq!((of(true), of(false)), (vec![eur(1000)], vec![eur(1990)]));
    // All of it was taken: what goes back has its own note, and nothing is left.
    let paid = buyer(&shop).await;
    ok(capture(&clerk, &paid, &json!({})).await);
    shop.settle().await;
    ok(post_as(&clerk, &key(), &paid, "/cancel", &why).await);
    shop.settle().await;
    let (_, notes) = papers(&paid).await;
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].1.is_string() && notes[0].0 == eur(2990), "{notes:?}");
    sound(&shop, &goods).await;
}

#[tokio::test]
async fn staff_are_told_once_and_the_money_is_taken_before_its_time_is_over() {
    let (shop, goods) = open(json!({"capture": "manual"})).await;
    let (_clerk, jane) = (clerk(&shop).await, buyer(&shop).await);
    let letters = || {
        let mails = shop.mails().into_iter();
        mails.filter(|mail| mail.subject.contains("is to be taken")).count()
    };
    run(&shop).await;
    assert_eq!(letters(), 0);
    shop.clock().advance_ms((RESERVED_DAYS * 24 - 47) * HOUR_MS);
    for _ in 0..2 {
        run(&shop).await;
        assert_eq!((letters(), received(&shop)), (1, 0));
    }
    shop.clock().advance_ms(36 * HOUR_MS);
    for _ in 0..2 {
        run(&shop).await;
        assert_eq!((letters(), received(&shop)), (1, 2990));
    }
    assert_eq!(jane.view_order().await["payment_status"], "paid");
    sound(&shop, &goods).await;
}

#[tokio::test]
async fn what_is_let_go_or_lapses_holds_the_order() {
    let (shop, goods) = open(json!({"capture": "manual", "capture_deadline": "void"})).await;
    let (mut clerk, jane) = (clerk(&shop).await, buyer(&shop).await);
    shop.clock().advance_ms((RESERVED_DAYS * 24 - 11) * HOUR_MS);
    for _ in 0..2 {
        run(&shop).await;
    }
    clerk.sign_in().await;
    shop.settle().await;
    let held = order(&clerk, &jane).await;
    assert_eq!(
        (&held["status"], &held["payment_status"], &held["hold"]["cause"]),
        (&json!("on_hold"), &json!("voided"), &json!("payment_lapsed"))
    );
    assert_eq!(shop.twin().objects("payment_intent")[0]["status"], "canceled");
    sound(&shop, &goods).await;

    // Nobody looks, and the provider lets it go by itself.
    let joe = buyer(&shop).await;
    shop.clock().advance_ms((RESERVED_DAYS * 24 + 1) * HOUR_MS);
    shop.settle().await;
    clerk.sign_in().await;
    shop.settle().await;
    assert_eq!(order(&clerk, &joe).await["hold"]["cause"], "payment_lapsed");
    sound(&shop, &goods).await;
}

#[tokio::test]
async fn a_lapse_of_which_only_the_charge_tells_holds_the_order() {
    let (shop, goods) = open(json!({"capture": "manual"})).await;
    let (mut clerk, jane) = (clerk(&shop).await, buyer(&shop).await);
    let endpoints = shop.twin().objects("webhook_endpoint");
    let path = format!("/v1/webhook_endpoints/{}", endpoints[0]["id"].as_str().unwrap());
    let only = [("enabled_events[]", "charge.expired")];
    let (status, said) = at_stripe(&shop, &path, &only);
    assert_eq!((status, &said["enabled_events"]), (200, &json!(["charge.expired"])));
    shop.clock().advance_ms((RESERVED_DAYS * 24 + 1) * HOUR_MS);
    shop.settle().await;
    clerk.sign_in().await;
    shop.settle().await;
    let held = order(&clerk, &jane).await;
    assert_eq!(
        (&held["status"], &held["payment_status"], &held["hold"]["cause"]),
        (&json!("on_hold"), &json!("voided"), &json!("payment_lapsed"))
    );
    sound(&shop, &goods).await;
}

/// What runs into one another.
#[derive(Debug, Clone, Copy)]
enum Act {
    TakeAll,
    TakePart,
    Send,
    CallOff,
    Release,
    Deadline,
    Queues,
}

const ACTS: [Act; 7] = [
    Act::TakeAll,
    Act::TakePart,
    Act::Send,
    Act::CallOff,
    Act::Release,
    Act::Deadline,
    Act::Queues,
];

/// Does it; the status of its answer.
async fn act(shop: &Shop, clerk: &Colleague, jane: &Shopper, act: Act) -> u16 {
    match act {
        Act::TakeAll => capture(clerk, jane, &json!({})).await.status,
        Act::TakePart => capture(clerk, jane, &json!({"amount": eur(1000)})).await.status,
        Act::Send => send_one(clerk, jane).await.status,
        Act::CallOff => call_off(clerk, jane).await.status,
        Act::Release => post_as(clerk, &key(), jane, "/release", &json!({})).await.status,
        Act::Deadline => {
            assert!(matches!(shop.run_job(JOB).await, Outcome::Answered(_)));
            200
        }
        Act::Queues => {
            for _ in 0..3 {
                shop.step().await;
            }
            200
        }
    }
}

/// How often the money of an order was taken, how much of it, and how much went back.
fn taken(shop: &Shop, jane: &Shopper) -> (usize, i64, i64) {
    let (kind, intent) = ("payment_intent.succeeded", jane.intent.as_str());
    let events = shop.twin().objects("event").into_iter();
    let taken = events.filter(|it| it["type"] == kind && it["data"]["object"]["id"] == intent);
    let intents = shop.twin().objects("payment_intent").into_iter();
    let received = intents.filter(|it| it["id"] == intent);
    let received = received.filter_map(|it| it["amount_received"].as_i64()).sum();
    let refunds = shop.twin().objects("refund").into_iter();
    let back = refunds.filter(|it| it["payment_intent"] == intent && it["status"] == "succeeded");
    (taken.count(), received, back.filter_map(|it| it["amount"].as_i64()).sum())
}

/// One order, for which everything happens at once.
async fn race(shop: &Shop, clerk: &mut Colleague, acts: &[Act]) {
    let jane = buyer(shop).await;
    // Half a day before its time is over, the job takes it, too.
    shop.clock().advance_ms((RESERVED_DAYS * 24 - 11) * HOUR_MS);
    clerk.sign_in().await;
    let answers = join_all(acts.iter().map(|one| act(shop, clerk, &jane, *one))).await;
    let are_plain = answers.iter().all(|one| [200, 409, 412, 503].contains(one));
    assert!(are_plain, "{acts:?}: {answers:?}");
    // Whoever was told to come again does.
    let last = capture(clerk, &jane, &json!({})).await;
    assert!([200, 409].contains(&last.status), "{acts:?}: {}", last.text());
    shop.settle_all().await;
    let after = jane.view_order().await;
    let status = after["status"].as_str().unwrap();
    match taken(shop, &jane) {
        (0, 0, 0) => {
            assert!(["canceled", "on_hold"].contains(&status), "{acts:?}: {after}");
            // Nothing leaves for nothing.
            assert_eq!(after["fulfillment_status"], "unfulfilled", "{acts:?}: {after}");
        }
        (1, received, back) => {
            assert!([1000, 2990].contains(&received), "{acts:?}: {received}");
            assert_eq!(back, if status == "canceled" { received } else { 0 }, "{acts:?}");
        }
        other => panic!("{acts:?}: {other:?}"),
    }
}

#[tokio::test]
async fn everything_at_once_takes_reserved_money_once_or_lets_it_go() {
    for mode in ["manual", "on_shipment"] {
        let mut goods = goods::small(10 * world::MUGS);
        goods.shop.payments = serde_json::from_value(json!({"capture": mode})).expect("settings");
        let shop = world::open_with(Options::default(), &goods).await;
        let mut clerk = clerk(&shop).await;
        for round in 0..ACTS.len() {
            let mut acts = ACTS;
            acts.rotate_left(round);
            if round % 2 == 1 {
                acts.reverse();
            }
            Box::pin(race(&shop, &mut clerk, &acts)).await;
        }
        sound(&shop, &goods).await;
    }
}

/// One of the two mugs leaves.
async fn ship(clerk: &Colleague, jane: &Shopper) {
    ok(send_one(clerk, jane).await);
}

/// A parcel is opened, with one of the two mugs.
async fn open_one(clerk: &Colleague, jane: &Shopper) -> Response {
    let path = format!("/v1/admin/orders/{}/fulfillments", jane.order);
    let placed = order(clerk, jane).await;
    let line = json!({"order_line_id": placed["lines"][0]["id"], "quantity": 1});
    let body = json!({"lines": [line]});
    let request = Request::new("POST", &path).header("idempotency-key", &key()).json(&body);
    clerk.send(request).await
}

/// It leaves.
async fn leaves(clerk: &Colleague, jane: &Shopper, opened: &Response) -> Response {
    let id = opened.value()["id"].clone();
    let id = id.as_str().unwrap();
    let path = format!("/v1/admin/orders/{}/fulfillments/{id}/ship", jane.order);
    let tag = opened.header("etag").map(str::to_owned);
    let mut request = Request::new("POST", &path).header("idempotency-key", &key());
    if let Some(tag) = &tag {
        request = request.header("if-match", tag);
    }
    clerk.send(request.json(&json!({}))).await
}

/// One of the two mugs leaves, unless something is in the way.
async fn send_one(clerk: &Colleague, jane: &Shopper) -> Response {
    let opened = open_one(clerk, jane).await;
    if opened.status == 201 { leaves(clerk, jane, &opened).await } else { opened }
}

#[tokio::test]
async fn the_first_parcel_that_leaves_takes_the_money() {
    let (shop, goods) = open(json!({"capture": "on_shipment"})).await;
    let (clerk, jane) = (clerk(&shop).await, buyer(&shop).await);
    ship(&clerk, &jane).await;
    shop.settle().await;
    assert_eq!(received(&shop), 2990);
    assert_eq!(order(&clerk, &jane).await["payment_status"], "paid");
    sound(&shop, &goods).await;
}

#[tokio::test]
async fn what_left_and_was_held_at_once_is_taken_when_it_is_released() {
    let (shop, goods) = open(json!({"capture": "on_shipment"})).await;
    let (clerk, jane) = (clerk(&shop).await, buyer(&shop).await);
    let why = json!({"reason": "Asked for another address"});
    ok(post_as(&clerk, &key(), &jane, "/hold", &why).await);
    ok(post_as(&clerk, &key(), &jane, "/release", &json!({})).await);
    shop.settle().await;
    assert_eq!(received(&shop), 0, "nothing has left");
    ship(&clerk, &jane).await;
    ok(post_as(&clerk, &key(), &jane, "/hold", &why).await);
    shop.settle().await;
    assert_eq!(received(&shop), 0);
    ok(post_as(&clerk, &key(), &jane, "/release", &json!({})).await);
    shop.settle().await;
    assert_eq!(
        (received(&shop), &order(&clerk, &jane).await["payment_status"]),
        (2990, &json!("paid"))
    );
    sound(&shop, &goods).await;
}

#[tokio::test]
async fn what_was_taken_by_a_call_that_died_is_known_though_the_order_is_held_since() {
    let (shop, goods) = open(json!({"capture": "manual"})).await;
    let (clerk, jane) = (clerk(&shop).await, buyer(&shop).await);
    // Only who asks hears of it.
    shop.twin().set_faults(Faults { webhook_hold: true, ..Faults::default() });
    let take = "POST /v1/payment_intents/{id}/capture";
    shop.wire().faults().arm(Plan::at_operation(1, FaultKind::DieAfter, take));
    ok(capture(&clerk, &jane, &json!({})).await);
    shop.settle().await;
    let held = ok(post_as(&clerk, &key(), &jane, "/hold", &json!({"reason": "Look"})).await);
    assert_eq!((received(&shop), &held["payment_status"]), (2990, &json!("authorized")));
    // The message comes again.
    shop.clock().advance_ms(HOUR_MS / 15);
    shop.settle().await;
    let after = order(&clerk, &jane).await;
    assert_eq!((&after["status"], &after["payment_status"]), (&json!("on_hold"), &json!("paid")));
    shop.twin().set_faults(Faults::default());
    shop.settle().await;
    sound(&shop, &goods).await;
}

#[tokio::test]
async fn a_payment_that_was_canceled_is_begun_again_and_its_money_reserved() {
    let (shop, goods) = open(json!({"capture": "manual"})).await;
    let clerk = clerk(&shop).await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 2).await;
    assert_eq!(jane.complete().await.status, 201);
    // Somebody does it at the provider.
    let path = format!("/v1/payment_intents/{}/cancel", jane.intent);
    let canceling = http::Request::post(path)
        .header("authorization", format!("Bearer {}", shop.stripe_keys().secret_key))
        .body(bytes::Bytes::new())
        .expect("a request");
    assert_eq!(shop.twin().handle(canceling).status(), 200);
    shop.settle().await;
    let path = format!("/v1/store/orders/{}/retry_payment", jane.order);
    let again = ok(jane.call("POST", &path, &json!({})).await);
    let next = again["payment"]["payment_intent_id"].as_str().unwrap();
    assert_ne!(next, jane.intent);
    jane.intent = next.to_owned();
    jane.client_secret = again["payment"]["client_secret"].as_str().unwrap().to_owned();
    assert_eq!(jane.pay("pm_card_visa").0, 200);
    shop.settle().await;
    let placed = order(&clerk, &jane).await;
    assert_eq!(
        (&placed["status"], &placed["payment_status"]),
        (&json!("placed"), &json!("authorized"))
    );
    sound(&shop, &goods).await;
}
