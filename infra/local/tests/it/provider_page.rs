//! Orders that are paid on a page of the payment provider's own (`payments.mode` is `checkout`):
//! the buyer goes there, and comes back paid, not at all, or too late.

use domain::currency::Currency;
use domain::permission::Permission::{self, OrdersCapture, OrdersRead, OrdersWrite};
use local::{Options, Outcome, Shop};
use serde_json::{Value, json};
use stripe_twin::{Delay, Faults};
use testkit::goods::{self, Goods, MUG, TEMPLATE};
use wire::{FaultKind, Plan};

use crate::gift_cards::{self, end_behind_the_provider};
use crate::payment_plan::priced;
use crate::refunds::at_stripe;
use crate::refusals::payments::say;
use crate::world::{self, Colleague, Shopper, key, ok, refusal, sound};

const SETTINGS: &str = "/v1/admin/settings";
const SWEEPER: &str = "checkout.jobs.expire_unpaid";
const MINUTE_MS: i64 = 60_000;

fn away() -> Value {
    json!({"mode": "checkout", "success_url": "https://shop.example/thanks?from=page",
        "cancel_url": "https://shop.example/cart"})
}

/// Goods of a shop that sends its buyers away to pay.
fn away_with(mut goods: Goods, more: &Value) -> Goods {
    let mut payments = away();
    for (name, value) in more.as_object().into_iter().flatten() {
        payments[name] = value.clone();
    }
    goods.shop.payments = serde_json::from_value(payments).expect("settings");
    goods
}

/// The small shop, as one that sends its buyers away to pay.
pub(crate) fn sending_away() -> Goods {
    away_with(goods::small(world::MUGS), &json!({}))
}

/// Enters a card, or whatever, on a page of the provider's.
pub(crate) fn pay(shopper: &Shopper, page: &str, method: &str) -> (u16, Value) {
    let path = format!("/v1/test_helpers/checkout/sessions/{page}/pay");
    shopper.stripe(&path, &[("payment_method", method)])
}

async fn open_with(goods: Goods) -> (Shop, Goods) {
    (world::open_with(Options::default(), &goods).await, goods)
}

async fn open() -> (Shop, Goods) {
    open_with(sending_away()).await
}

/// Somebody who is to pay on a page.
struct Buyer {
    jane: Shopper,
    session: String,
    url: String,
}

impl Buyer {
    /// Two mugs for 29.90, ordered.
    async fn of_mugs(shop: &Shop) -> Self {
        let jane = Shopper::guest(shop).await;
        jane.ready(MUG, 2).await;
        Self::orders(jane).await
    }

    async fn orders(mut jane: Shopper) -> Self {
        let answer = jane.complete().await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        let mut buyer = Self { jane, session: String::new(), url: String::new() };
        buyer.learn(&answer.value()["payment"]);
        buyer
    }

    fn learn(&mut self, payment: &Value) {
        let text = |name: &str| payment[name].as_str().expect("a text").to_owned();
        (self.session, self.url) = (text("checkout_session_id"), text("redirect_url"));
    }

    /// Enters a card, or whatever, on the page.
    fn pays_with(&self, method: &str) -> (u16, Value) {
        pay(&self.jane, &self.session, method)
    }

    async fn order(&self) -> Value {
        self.jane.view_order().await
    }

    async fn asks_again(&self) -> local::Response {
        let path = format!("/v1/store/orders/{}/retry_payment", self.jane.order);
        self.jane.call("POST", &path, &json!({})).await
    }

    /// The page, as the provider has it.
    fn page(&self) -> Value {
        let pages = pages(&self.jane.shop);
        pages.into_iter().find(|page| page["id"] == self.session.as_str()).expect("the page")
    }
}

fn pages(shop: &Shop) -> Vec<Value> {
    shop.twin().objects("checkout.session")
}

fn states(shop: &Shop) -> Vec<String> {
    let states = pages(shop).into_iter().map(|page| page["status"].as_str().unwrap().to_owned());
    states.collect()
}

async fn is_paid(buyer: &Buyer) {
    let order = buyer.order().await;
    assert_eq!((&order["status"], &order["payment_status"]), (&json!("placed"), &json!("paid")));
}

async fn sweep(shop: &Shop) {
    assert!(matches!(shop.run_job(SWEEPER).await, Outcome::Answered(_)));
}

#[tokio::test]
async fn a_buyer_goes_to_the_providers_page_and_comes_back_paid() {
    let (shop, goods) = open().await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 2).await;
    let total = jane.view_cart().await["totals"]["total"].clone();
    let key = key();
    let first = jane.complete_at(&key, &total).await;
    assert_eq!(first.status, 201, "{}", first.text());
    let again = jane.complete_at(&key, &total).await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(first.value(), again.value());
    let payment = first.value()["payment"].clone();
    let names: Vec<_> = payment.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["checkout_session_id", "id", "redirect_url"]);
    let mut buyer = Buyer { jane, session: String::new(), url: String::new() };
    buyer.learn(&payment);

    let (page, order) = (buyer.page(), buyer.order().await);
    assert_eq!((&page["amount_total"], &page["currency"]), (&json!(2990), &json!("eur")));
    assert_eq!((&page["client_reference_id"], &page["url"]), (&order["id"], &json!(buyer.url)));
    let back = |start: &str| json!(format!("{start}order_id={}", buyer.jane.order));
    assert_eq!(page["success_url"], back("https://shop.example/thanks?from=page&"));
    assert_eq!(page["cancel_url"], back("https://shop.example/cart?"));
    assert_eq!(page["adaptive_pricing"]["enabled"], false);
    let lives = page["expires_at"].as_i64().unwrap() - shop.clock().now().as_second();
    assert!((85 * 60..=90 * 60).contains(&lives), "{lives}");
    assert!(shop.twin().objects("payment_intent").is_empty(), "nobody has tried to pay");
    let shown = ok(buyer.asks_again().await);
    assert_eq!(shown["payment"], payment);

    assert_eq!(buyer.pays_with("pm_card_chargeDeclined").0, 402);
    shop.settle().await;
    let order = buyer.order().await;
    assert_eq!(
        (&order["status"], &order["payments"][0]["status"]),
        (&json!("pending_payment"), &json!("failed"))
    );
    assert_eq!(buyer.pays_with("pm_card_visa").0, 200);
    shop.settle().await;
    is_paid(&buyer).await;
    let intent = shop.twin().objects("payment_intent").remove(0);
    assert_eq!(buyer.order().await["payments"][0]["payment_intent_id"], intent["id"]);
    let named = json!({"order_id": buyer.jane.order, "payment_id": payment["id"],
        "cart_id": buyer.jane.cart, "attempt": "1"});
    assert_eq!(intent["metadata"], named);
    assert_eq!(refusal(&buyer.asks_again().await), (409, "nothing_to_pay".into()));
    let facts = sound(&shop, &goods).await;
    assert_eq!(facts.entries.len(), 1);
}

#[tokio::test]
async fn what_the_provider_says_twice_late_and_backwards_counts_once() {
    let (shop, goods) = open().await;
    let faults = Faults {
        webhook_duplicates: 3,
        webhook_reorder: true,
        webhook_delay_seconds: Delay::Between([0, 300]),
        ..Faults::default()
    };
    shop.twin().set_faults(faults);
    let buyer = Buyer::of_mugs(&shop).await;
    assert_eq!(buyer.pays_with("pm_card_visa").0, 200);
    shop.settle_all().await;
    is_paid(&buyer).await;
    // Each event by itself is enough, and none is too much.
    let about = |event: &Value| {
        let kind = event["type"].as_str().unwrap_or_default().to_owned();
        kind.starts_with("checkout.session.") || kind.starts_with("payment_intent.")
    };
    let events: Vec<_> = shop.twin().objects("event").into_iter().filter(about).collect();
    for event in events.iter().rev() {
        assert_eq!(say(&shop, event, 0).await.status, 200);
    }
    shop.settle_all().await;
    let facts = sound(&shop, &goods).await;
    assert_eq!((facts.entries.len(), facts.letters.len()), (1, 1));

    shop.twin().set_faults(Faults { webhook_drop: 100, ..Faults::default() });
    for only in ["checkout.session.completed", "payment_intent.succeeded"] {
        let buyer = Buyer::of_mugs(&shop).await;
        assert_eq!(buyer.pays_with("pm_card_visa").0, 200);
        shop.settle().await;
        assert_eq!(buyer.order().await["status"], "pending_payment");
        let events = shop.twin().objects("event");
        let event = events.iter().rev().find(|event| event["type"] == only).expect("the event");
        let mut live = event.clone();
        live["livemode"] = json!(true);
        assert_eq!(refusal(&say(&shop, &live, 0).await), (400, "livemode_mismatch".into()));
        assert_eq!(say(&shop, event, 0).await.status, 200);
        shop.settle().await;
        is_paid(&buyer).await;
    }
    sound(&shop, &goods).await;
}

#[tokio::test]
async fn who_never_comes_back_loses_the_order_and_the_page_is_closed_first() {
    let (shop, goods) = open().await;
    let away = Buyer::of_mugs(&shop).await;
    let declined = Buyer::of_mugs(&shop).await;
    assert_eq!(declined.pays_with("pm_card_chargeDeclined").0, 402);
    shop.advance(31 * 60).await;
    shop.settle_all().await;
    for buyer in [&away, &declined] {
        assert_eq!(buyer.order().await["status"], "expired");
        assert_eq!(buyer.page()["status"], "expired");
        assert_eq!(buyer.pays_with("pm_card_visa").0, 400, "nobody pays on a page that is closed");
        assert_eq!(refusal(&buyer.asks_again().await), (409, "nothing_to_pay".into()));
    }
    assert_eq!(shop.twin().objects("payment_intent")[0]["status"], "canceled");
    let facts = sound(&shop, &goods).await;
    assert!(facts.stock.iter().all(|level| level.reserved == 0) && facts.entries.is_empty());
    // The page's end is told of late, and is no news.
    let events = shop.twin().objects("event");
    for event in events.iter().filter(|event| event["type"] == "checkout.session.expired") {
        assert_eq!(say(&shop, event, 0).await.status, 200);
    }
    shop.settle_all().await;
    sound(&shop, &goods).await;
}

#[tokio::test]
async fn what_was_paid_in_the_last_second_is_found_by_the_sweeper_and_by_who_calls_off() {
    let (shop, goods) = open().await;
    shop.twin().set_faults(Faults { webhook_hold: true, ..Faults::default() });
    let (late, sorry) = (Buyer::of_mugs(&shop).await, Buyer::of_mugs(&shop).await);
    for buyer in [&late, &sorry] {
        assert_eq!(buyer.pays_with("pm_card_visa").0, 200);
    }
    let path = format!("/v1/store/orders/{}/cancel", sorry.jane.order);
    let answer = sorry.jane.call("POST", &path, &json!({})).await;
    assert_eq!(refusal(&answer), (409, "invalid_transition".into()));
    is_paid(&sorry).await;
    shop.clock().advance_ms(31 * MINUTE_MS);
    sweep(&shop).await;
    sweep(&shop).await;
    is_paid(&late).await;
    shop.twin().set_faults(Faults::default());
    shop.settle_all().await;
    let facts = sound(&shop, &goods).await;
    assert_eq!((facts.entries.len(), facts.letters.len()), (2, 2));
}

#[tokio::test]
async fn money_that_comes_after_the_orders_end_takes_the_goods_again_or_goes_back() {
    let (shop, goods) = open().await;
    let jane = Buyer::of_mugs(&shop).await;
    end_behind_the_provider(&shop, &jane.jane.order).await;
    assert_eq!(jane.pays_with("pm_card_visa").0, 200);
    shop.settle().await;
    is_paid(&jane).await;

    let late = Buyer::of_mugs(&shop).await;
    end_behind_the_provider(&shop, &late.jane.order).await;
    let mut greedy = Shopper::from(&shop, "203.0.113.9");
    greedy.open_cart("EUR").await;
    greedy.ready(MUG, u32::try_from(world::MUGS).unwrap() - 2).await;
    let greedy = Buyer::orders(greedy).await;
    greedy.pays_with("pm_card_visa");
    shop.settle().await;
    assert_eq!(late.pays_with("pm_card_visa").0, 200);
    shop.settle_all().await;
    let order = late.order().await;
    assert_eq!(
        (&order["status"], &order["payment_status"]),
        (&json!("expired"), &json!("refunded"))
    );
    sound(&shop, &goods).await;
}

#[tokio::test]
async fn a_page_that_is_over_is_replaced_and_what_is_said_of_it_late_is_no_news() {
    let (shop, goods) =
        open_with(away_with(goods::small(world::MUGS), &json!({"capture": "manual"}))).await;
    let clerk = Colleague::of(&shop, "clerk", &[OrdersRead, OrdersWrite, OrdersCapture]).await;
    let mut buyer = Buyer::of_mugs(&shop).await;
    shop.twin().set_faults(Faults { webhook_hold: true, ..Faults::default() });
    assert_eq!(buyer.pays_with("pm_card_chargeDeclined").0, 402);
    let path = format!("/v1/checkout/sessions/{}/expire", buyer.session);
    assert_eq!(at_stripe(&shop, &path, &[]).0, 200, "somebody closes it in the dashboard");
    let old = buyer.session.clone();
    buyer.learn(&ok(buyer.asks_again().await)["payment"]);
    assert_ne!(buyer.session, old);
    assert_eq!(ok(buyer.asks_again().await)["payment"]["redirect_url"], buyer.url);
    shop.twin().set_faults(Faults::default());
    shop.settle_all().await;
    assert_eq!(buyer.order().await["payments"][0]["status"], "created");
    assert_eq!(states(&shop), ["expired", "open"]);

    assert_eq!(buyer.pays_with("pm_card_visa").0, 200);
    shop.settle().await;
    let order = buyer.order().await;
    assert_eq!(
        (&order["status"], &order["payment_status"]),
        (&json!("placed"), &json!("authorized"))
    );
    let path = format!("/v1/admin/orders/{}/capture", buyer.jane.order);
    let request = local::Request::new("POST", &path).header("idempotency-key", &key());
    ok(clerk.send(request.json(&json!({}))).await);
    shop.settle_all().await;
    is_paid(&buyer).await;
    sound(&shop, &goods).await;
}

#[tokio::test]
async fn a_debit_that_fails_days_after_the_page_was_left_opens_another_page() {
    let (shop, goods) = open_with(away_with(priced(Currency::USD, 2_100), &json!({}))).await;
    let mut jane = Shopper::new(&shop);
    jane.open_cart("USD").await;
    jane.ready(TEMPLATE, 1).await;
    let mut buyer = Buyer::orders(jane).await;
    assert_eq!(buyer.pays_with("pm_usBankAccount_insufficientFunds").0, 200);
    shop.settle().await;
    assert_eq!(buyer.order().await["payments"][0]["status"], "processing");
    assert_eq!(refusal(&buyer.asks_again().await), (409, "nothing_to_pay".into()));
    shop.advance(30).await;
    shop.settle().await;
    assert_eq!(buyer.order().await["payments"][0]["status"], "failed");
    buyer.learn(&ok(buyer.asks_again().await)["payment"]);
    assert_eq!(states(&shop), ["complete", "open"]);
    assert_eq!(buyer.pays_with("pm_usBankAccount_success").0, 200);
    shop.settle().await;
    // The order's time ends while the bank is at it: nobody takes the goods away.
    shop.advance(30).await;
    shop.settle_all().await;
    is_paid(&buyer).await;
    let told: Vec<_> =
        shop.twin().objects("event").into_iter().map(|it| it["type"].clone()).collect();
    assert!(told.contains(&json!("checkout.session.async_payment_failed")));
    assert!(told.contains(&json!("checkout.session.async_payment_succeeded")));
    sound(&shop, &goods).await;
}

#[tokio::test]
async fn a_buyer_whose_bank_asks_is_paid_when_they_have_answered() {
    let (shop, goods) = open().await;
    let buyer = Buyer::of_mugs(&shop).await;
    assert_eq!(buyer.pays_with("pm_card_threeDSecure2Required").0, 200);
    shop.settle().await;
    let payment = buyer.order().await["payments"][0].clone();
    assert_eq!(payment["status"], "requires_action");
    let intent = payment["payment_intent_id"].as_str().unwrap();
    let path = format!("/v1/test_helpers/payment_intents/{intent}/authenticate");
    assert_eq!(at_stripe(&shop, &path, &[("outcome", "succeed")]).0, 200);
    shop.settle().await;
    is_paid(&buyer).await;
    sound(&shop, &goods).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_whose_answer_was_lost_is_not_made_twice() {
    let (shop, goods) = open().await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 2).await;
    let (key, total) = (key(), jane.view_cart().await["totals"]["total"].clone());
    let create = "POST /v1/checkout/sessions";
    shop.wire().faults().arm(Plan::at_operation(1, FaultKind::LoseResponse, create));
    assert!(jane.complete_at(&key, &total).await.status >= 500);
    assert_eq!(pages(&shop).len(), 1);
    shop.clock().advance_ms(5 * MINUTE_MS);
    let again = jane.complete_at(&key, &total).await;
    assert_eq!(again.status, 201, "{}", again.text());
    assert_eq!(pages(&shop).len(), 1);
    let mut buyer = Buyer { jane, session: String::new(), url: String::new() };
    buyer.learn(&again.value()["payment"]);

    let expire = "POST /v1/checkout/sessions/{id}/expire";
    shop.wire().faults().arm(Plan::at_operation(1, FaultKind::LoseResponse, expire));
    shop.advance(31 * 60).await;
    shop.settle_all().await;
    assert_eq!(states(&shop), ["expired"]);
    assert_eq!(buyer.order().await["status"], "expired");
    sound(&shop, &goods).await;
}

#[tokio::test]
async fn a_gift_card_that_pays_all_sends_nobody_away() {
    let (shop, goods) = open().await;
    let amount = domain::money::Money::new(5_000, Currency::EUR);
    let (_, code) = gift_cards::card(&shop, amount, None).await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 2).await;
    ok(gift_cards::present(&jane, &code).await);
    let answer = jane.complete().await;
    assert_eq!((answer.status, &answer.value()["payment"]), (201, &Value::Null));
    shop.settle().await;
    assert_eq!(jane.view_order().await["status"], "placed");
    assert!(pages(&shop).is_empty());
    sound(&shop, &goods).await;
}

#[tokio::test]
async fn the_way_to_pay_is_that_of_the_moment_in_which_an_order_is_made() {
    let goods = goods::small(world::MUGS);
    let shop = world::open().await;
    let may = [Permission::SettingsRead, Permission::SettingsWrite];
    let keeper = Colleague::of(&shop, "keeper", &may).await;
    let set = |payments: Value| {
        let keeper = &keeper;
        async move {
            let body = json!({ "payments": payments });
            keeper.call_if(&keeper.tag(SETTINGS).await, "PATCH", SETTINGS, &body).await
        }
    };
    let nowhere = set(json!({"mode": "checkout", "cancel_url": "https://shop.example/"})).await;
    assert_eq!(refusal(&nowhere).0, 400);
    let flaws = nowhere.value()["errors"].clone();
    assert_eq!(flaws.as_array().map(Vec::len), Some(1));
    assert_eq!(flaws[0]["pointer"], "/payments/success_url");
    assert_eq!(flaws[0]["code"], "required");
    for bad in ["http://shop.example/", "https://shop.example@evil.example/", "/thanks"] {
        let answer = set(json!({"success_url": bad})).await;
        assert_eq!(answer.value()["errors"][0]["pointer"], "/payments/success_url", "{bad}");
    }
    let mut joe = Shopper::from(&shop, "203.0.113.8");
    joe.open_cart("EUR").await;
    joe.ready(MUG, 1).await;
    let jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 2).await;
    let payments = ok(set(away()).await)["payments"].clone();
    assert_eq!(
        (&payments["mode"], &payments["capture"]),
        (&json!("checkout"), &json!("automatic"))
    );
    shop.clock().advance_ms(MINUTE_MS + 1);
    let jane = Buyer::orders(jane).await;

    ok(set(json!({"mode": "element"})).await);
    shop.clock().advance_ms(MINUTE_MS + 1);
    let answer = joe.complete().await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let payment = answer.value()["payment"].clone();
    let names: Vec<_> = payment.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["client_secret", "id", "payment_intent_id", "publishable_key"]);
    assert_eq!(joe.pay("pm_card_visa").0, 200);
    assert_eq!(ok(jane.asks_again().await)["payment"]["redirect_url"], jane.url);
    assert_eq!(jane.pays_with("pm_card_visa").0, 200);
    shop.settle().await;
    is_paid(&jane).await;
    assert_eq!(joe.view_order().await["status"], "placed");
    assert_eq!(pages(&shop).len(), 1);
    sound(&shop, &goods).await;
}

#[tokio::test]
async fn a_page_of_which_nobody_told_is_found_by_the_reconciliation() {
    let (shop, goods) = open().await;
    let reader = Colleague::of(&shop, "reader", &[OrdersRead]).await;
    shop.twin().set_faults(Faults { webhook_drop: 100, ..Faults::default() });
    let buyer = Buyer::of_mugs(&shop).await;
    assert_eq!(buyer.pays_with("pm_card_visa").0, 200);
    shop.clock().advance_ms(11 * MINUTE_MS);
    let job = "payments.jobs.reconcile";
    assert!(matches!(shop.run_job(job).await, Outcome::Answered(_)));
    shop.settle().await;
    is_paid(&buyer).await;
    let list = ok(reader.get("/v1/admin/reconciliation").await);
    assert_eq!(list["data"][0]["cause"], "webhook_lost", "{list}");
    sound(&shop, &goods).await;
}
