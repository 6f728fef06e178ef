//! Exchanges: other goods for what came back, never the goods and the money.

use domain::order::LINK_LIFETIME;
use domain::permission::Permission::{
    InventoryRead, OrdersFulfill, OrdersRead, OrdersRefund, ReturnsRead, ReturnsWrite,
};
use local::{Options, Outcome, Request, Response, Shop};
use serde_json::{Value, json};
use testkit::goods::{self, Good, MUG, POSTER, SOCKS_L};
use wire::{FaultKind, Plan};

use crate::tour::parcels::{go, line_of, socks};
use crate::tour::returns::{at, deliver, look, own, tell, wish, wishing};
use crate::world::{self, Colleague, Shopper, key, ok, refusal, sound};

const HOUR_MS: i64 = 3_600_000;

pub(crate) async fn clerk(shop: &Shop) -> Colleague {
    let may = [ReturnsRead, ReturnsWrite, OrdersRefund, OrdersFulfill, OrdersRead, InventoryRead];
    Colleague::of(shop, "clerk", &may).await
}

/// A return of which all is here: whose it is, where it is, and its tag.
pub(crate) struct Back {
    pub(crate) jane: Shopper,
    line: Value,
    pub(crate) here: String,
    pub(crate) seen: String,
}

/// So many socks were bought by card and came back; instead of them something is wished for.
pub(crate) async fn back(clerk: &Colleague, units: u32, wish: impl Fn(&Value) -> Value) -> Back {
    let jane = socks(&clerk.shop, "203.0.113.7", units).await;
    let line = json!(line_of(&jane).await);
    deliver(clerk, &jane.order, &line, units).await;
    let made = tell(&jane, &own(&jane.order), &wish(&line)).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let here = format!("{}/{}", at(&jane.order), made.value()["id"].as_str().unwrap());
    let mut seen = clerk.tag(&here).await;
    for (step, body) in
        [("approve", json!({})), ("receive", look(&line, units, "received", "restock"))]
    {
        let answer = go(clerk, &seen, &format!("{here}/{step}"), &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.header("etag").unwrap().clone_into(&mut seen);
    }
    clerk.shop.settle().await;
    Back { jane, line, here, seen }
}

/// For one unit, without a wish.
pub(crate) fn plain(line: &Value) -> Value {
    wish(line, 1)
}

pub(crate) fn one(good: Good) -> Value {
    json!([{"sku": good.sku, "quantity": 1}])
}

async fn preview(clerk: &Colleague, back: &Back, body: &Value) -> Response {
    let request = Request::new("POST", &format!("{}/exchange/preview", back.here));
    clerk.send(request.header("idempotency-key", &key()).json(body)).await
}

/// What the goods cost, as staff see it, and the exchange for them.
pub(crate) async fn exchange(clerk: &Colleague, back: &Back, mut body: Value) -> Response {
    let seen = ok(preview(clerk, back, &body).await);
    body["expected_total"] = seen["total"].clone();
    go(clerk, &back.seen, &format!("{}/exchange", back.here), &body).await
}

/// The order of the replacement.
pub(crate) fn replacement(answer: &Response) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let value = answer.value();
    assert_eq!(
        (&value["status"], &value["resolution"]["type"]),
        (&json!("resolved"), &json!("exchange"))
    );
    value["resolution"]["exchange"]["order_id"].as_str().unwrap().to_owned()
}

async fn order(clerk: &Colleague, id: &str) -> Value {
    ok(clerk.get(&format!("/v1/admin/orders/{id}")).await)
}

fn eur(amount: i64) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

fn sent_back(shop: &Shop) -> Vec<i64> {
    let refunds = shop.twin().objects("refund");
    refunds.iter().map(|refund| refund["amount"].as_i64().unwrap()).collect()
}

async fn pay_out(shop: &Shop) {
    assert!(matches!(shop.run_job("returns.jobs.pay_out").await, Outcome::Answered(_)));
    shop.settle().await;
}

async fn is_sound(shop: &Shop) {
    sound(shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn cheaper_goods_are_sent_and_the_rest_goes_back() {
    let shop = world::open().await;
    let clerk = clerk(&shop).await;
    let back = back(&clerk, 2, |line| wishing(line, 2, MUG, 1)).await;
    let shown = ok(clerk.get(&back.here).await);
    assert_eq!(shown["wish"], json!([{"sku": MUG.sku, "quantity": 1}]));
    let sums = ok(preview(&clerk, &back, &json!({})).await);
    assert_eq!((&sums["worth"], &sums["total"]), (&eur(1600), &eur(1250)));
    assert_eq!((&sums["credit"], &sums["back"], &sums["due"]), (&eur(1250), &eur(350), &eur(0)));
    assert_eq!(sent_back(&shop), [0; 0], "a preview moves nothing");

    let key = key();
    let path = format!("{}/exchange", back.here);
    let body = json!({"expected_total": eur(1250)});
    let settle = || {
        let request = Request::new("POST", &path).header("if-match", &back.seen);
        clerk.send(request.header("idempotency-key", &key).json(&body))
    };
    let (once, twice) = (settle().await, settle().await);
    assert_eq!((once.status, once.value()), (200, twice.value()));
    let new = replacement(&once);
    shop.settle().await;
    assert_eq!(sent_back(&shop), [350]);
    let placed = order(&clerk, &new).await;
    assert_eq!((&placed["status"], &placed["payment_status"]), (&json!("placed"), &json!("paid")));
    assert_eq!(placed["tenders"][0]["type"], "exchange");
    assert_eq!(placed["totals"]["total"], eur(1250));
    let subjects: Vec<String> = shop.mails().into_iter().map(|mail| mail.subject).collect();
    let told = subjects.iter().filter(|subject| subject.contains("is settled")).count();
    assert_eq!(told, 1, "{subjects:?}");
    // The goods are sent as all goods are, and whoever bought the first may see the second.
    let line = placed["lines"][0]["id"].clone();
    deliver(&clerk, &new, &line, 1).await;
    let seen = ok(back.jane.get(&format!("/v1/store/orders/{new}")).await);
    assert_eq!(seen["fulfillment_status"], "delivered");
    // The units are gone: they are neither paid back nor exchanged once more.
    let unit = json!({"lines": [{"line_id": back.line, "quantity": 1}]});
    let path = format!("/v1/admin/orders/{}/refunds", back.jane.order);
    let request = Request::new("POST", &path).header("idempotency-key", &world::key());
    let refused = clerk.send(request.json(&unit)).await;
    assert_eq!(refusal(&refused), (409, "quantity_not_refundable".into()));
    is_sound(&shop).await;
}

#[tokio::test]
async fn for_equal_goods_nothing_moves_until_they_come_back_themselves() {
    let shop = world::open().await;
    let clerk = clerk(&shop).await;
    let back = back(&clerk, 1, plain).await;
    let answer = exchange(&clerk, &back, json!({"replacements": one(SOCKS_L)})).await;
    let new = replacement(&answer);
    shop.settle().await;
    assert_eq!(sent_back(&shop), [0; 0]);
    let first = order(&clerk, &back.jane.order).await;
    assert_eq!(first["payment_status"], "paid");
    let letters = shop.mails().into_iter().filter(|mail| mail.subject.contains("on its way back"));
    assert_eq!(letters.count(), 0, "nothing went back, nobody is told so");
    pay_out(&shop).await;
    assert_eq!(sent_back(&shop), [0; 0], "nothing is on the credit");
    is_sound(&shop).await;

    // These do not fit either: the money goes back the way it came.
    let line = order(&clerk, &new).await["lines"][0]["id"].clone();
    deliver(&clerk, &new, &line, 1).await;
    let made = tell(&back.jane, &own(&new), &wish(&line, 1)).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let here = format!("{}/{}", at(&new), made.value()["id"].as_str().unwrap());
    let mut seen = clerk.tag(&here).await;
    for (step, body) in [
        ("approve", json!({})),
        ("receive", look(&line, 1, "received", "restock")),
        ("refund", json!({})),
    ] {
        let answer = go(&clerk, &seen, &format!("{here}/{step}"), &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.header("etag").unwrap().clone_into(&mut seen);
    }
    shop.settle().await;
    for _ in 0..2 {
        pay_out(&shop).await;
        assert_eq!(sent_back(&shop), [800], "once");
    }
    is_sound(&shop).await;
}

#[tokio::test]
async fn the_difference_to_dearer_goods_is_paid_by_a_mailed_link() {
    let shop = world::open().await;
    let clerk = clerk(&shop).await;
    let back = back(&clerk, 1, plain).await;
    let answer = exchange(&clerk, &back, json!({"replacements": one(MUG)})).await;
    let new = replacement(&answer);
    assert_eq!(answer.value()["resolution"]["exchange"]["due"], eur(450));
    shop.settle().await;
    let waiting = order(&clerk, &new).await;
    assert_eq!(waiting["status"], "pending_payment");
    let mails = shop.mails();
    let mail = mails.iter().find(|mail| mail.subject.contains("left to be paid")).unwrap();
    let text = mail.text.clone().unwrap();
    assert!(text.contains("48 hours") && text.contains("4.50"), "{text}");
    let token = text.split("#token=").nth(1).unwrap().split_whitespace().next().unwrap();

    // Some hours later, on another telephone.
    shop.clock().advance_ms(HOUR_MS + i64::try_from(LINK_LIFETIME.as_millis()).unwrap());
    let mut jane = Shopper::from(&shop, "203.0.113.9");
    let path = format!("/v1/store/orders/{new}/retry_payment");
    let stranger = jane.send(Request::new("POST", &path)).await;
    assert_eq!(stranger.status, 401, "{}", stranger.text());
    jane.order = new.clone();
    jane.order_token = Some(token.to_owned());
    let way = ok(jane.send(Request::new("POST", &path)).await);
    jane.intent = way["payment"]["payment_intent_id"].as_str().unwrap().to_owned();
    jane.client_secret = way["payment"]["client_secret"].as_str().unwrap().to_owned();
    jane.pay("pm_card_visa");
    shop.settle().await;
    let placed = jane.view_order().await;
    assert_eq!((&placed["status"], &placed["payment_status"]), (&json!("placed"), &json!("paid")));
    let intents = shop.twin().objects("payment_intent");
    assert!(intents.iter().any(|intent| intent["amount_received"] == 450), "{intents:?}");
    is_sound(&shop).await;
}

#[tokio::test]
async fn dearer_goods_that_nobody_pays_for_are_let_go_and_the_money_goes_back_once() {
    let shop = world::open().await;
    let clerk = clerk(&shop).await;
    let back = back(&clerk, 1, plain).await;
    let answer = exchange(&clerk, &back, json!({"replacements": one(POSTER)})).await;
    let new = replacement(&answer);
    shop.settle().await;
    // The only one is kept.
    let mut joe = Shopper::from(&shop, "203.0.113.8");
    joe.open_cart("EUR").await;
    joe.ready(POSTER, 1).await;
    assert_eq!(refusal(&joe.complete().await), (409, "insufficient_stock".into()));
    shop.clock().advance_ms(47 * HOUR_MS);
    shop.run_job("checkout.jobs.expire_unpaid").await;
    assert_eq!(
        ok(back.jane.get(&format!("/v1/store/orders/{new}")).await)["status"],
        "pending_payment"
    );
    shop.clock().advance_ms(2 * HOUR_MS);
    for _ in 0..2 {
        shop.run_job("checkout.jobs.expire_unpaid").await;
        pay_out(&shop).await;
        assert_eq!(sent_back(&shop), [800], "once");
    }
    assert_eq!(ok(back.jane.get(&format!("/v1/store/orders/{new}")).await)["status"], "expired");
    assert_eq!(joe.complete().await.status, 201, "and somebody else gets it");
    joe.pay("pm_card_visa");
    shop.settle().await;
    is_sound(&shop).await;
}

#[tokio::test]
async fn what_is_not_there_or_did_not_come_is_not_exchanged() {
    let shop = world::open().await;
    let clerk = clerk(&shop).await;
    let mut joe = Shopper::from(&shop, "203.0.113.8");
    joe.open_cart("EUR").await;
    joe.ready(POSTER, 1).await;
    assert_eq!(joe.complete().await.status, 201);
    joe.pay("pm_card_visa");
    shop.settle().await;
    let back = back(&clerk, 1, plain).await;
    let path = format!("{}/exchange", back.here);
    let sold_out = exchange(&clerk, &back, json!({"replacements": one(POSTER)})).await;
    assert_eq!(refusal(&sold_out), (409, "insufficient_stock".into()));
    let nothing = preview(&clerk, &back, &json!({})).await;
    assert_eq!(refusal(&nothing), (409, "exchange_empty".into()));
    let unknown = json!({"replacements": [{"sku": "NOBODY-SELLS-THIS", "quantity": 1}]});
    let unknown = preview(&clerk, &back, &unknown).await;
    assert_eq!(refusal(&unknown), (409, "variant_unavailable".into()));
    let two = json!({"items": [{"order_line_id": back.line, "quantity": 2}],
        "replacements": one(SOCKS_L), "expected_total": eur(800)});
    let two = go(&clerk, &back.seen, &path, &two).await;
    assert_eq!(refusal(&two), (409, "quantity_not_returned".into()));
    let good = json!({"replacements": one(SOCKS_L), "expected_total": eur(800)});
    let mut dear = good.clone();
    dear["expected_total"] = eur(700);
    let dear = go(&clerk, &back.seen, &path, &dear).await;
    assert_eq!(refusal(&dear), (409, "total_changed".into()));
    let stale = go(&clerk, "\"v9\"", &path, &good).await;
    assert_eq!(refusal(&stale), (412, "if_match_failed".into()));
    let writer = Colleague::of(&shop, "writer", &[ReturnsRead, ReturnsWrite]).await;
    let answer = go(&writer, &back.seen, &path, &good).await;
    assert_eq!(refusal(&answer), (403, "forbidden".into()), "goods for nothing want orders.refund");
    // Nothing of all this has moved anything: it is still settled as it would have been.
    assert_eq!(sent_back(&shop), [0; 0]);
    let refund = go(&clerk, &back.seen, &format!("{}/refund", back.here), &json!({})).await;
    let seen = refund.header("etag").unwrap().to_owned();
    let late = go(&clerk, &seen, &path, &good).await;
    assert_eq!(refusal(&late), (409, "invalid_transition".into()));
    shop.settle().await;
    assert_eq!(sent_back(&shop), [800]);
    is_sound(&shop).await;
}

#[tokio::test]
async fn of_a_refund_and_an_exchange_at_once_one_is_done() {
    let shop = world::open().await;
    let clerk = clerk(&shop).await;
    let back = back(&clerk, 1, plain).await;
    let (refund, exchange) = (format!("{}/refund", back.here), format!("{}/exchange", back.here));
    let good = json!({"replacements": one(SOCKS_L), "expected_total": eur(800)});
    let nothing = json!({});
    let (one, two) = tokio::join!(
        go(&clerk, &back.seen, &refund, &nothing),
        go(&clerk, &back.seen, &exchange, &good)
    );
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses[0], 200, "{} {}", one.text(), two.text());
    assert!(matches!(statuses[1], 409 | 412), "{} {}", one.text(), two.text());
    shop.settle().await;
    is_sound(&shop).await;
}

#[tokio::test]
async fn an_exchange_whose_answer_is_lost_is_done_once() {
    for kind in [FaultKind::FailBefore, FaultKind::LoseResponse] {
        let options = Options { sdk_attempts: 1, ..Options::default() };
        let shop = world::open_with(options, &goods::small(world::MUGS)).await;
        let clerk = clerk(&shop).await;
        let back = back(&clerk, 1, plain).await;
        let key = key();
        let path = format!("{}/exchange", back.here);
        let body = json!({"replacements": one(SOCKS_L), "expected_total": eur(800)});
        let settle = || {
            let request = Request::new("POST", &path).header("if-match", &back.seen);
            clerk.send(request.header("idempotency-key", &key).json(&body))
        };
        shop.wire().faults().arm(Plan::at_operation(1, kind, "TransactWriteItems"));
        let lost = settle().await;
        assert!(lost.status >= 500, "{kind:?}: {}", lost.text());
        // The claim lapses, or the answer is remembered.
        shop.clock().advance_ms(60_000);
        let again = settle().await;
        let new = replacement(&again);
        shop.settle().await;
        let level = domain::stock::FIRST_LOCATION;
        let level = format!("/v1/admin/inventory/levels/{}/{level}", SOCKS_L.sku);
        assert_eq!(ok(clerk.get(&level).await)["reserved"], 1, "{kind:?}");
        assert_eq!(order(&clerk, &new).await["status"], "placed");
        is_sound(&shop).await;
    }
}
