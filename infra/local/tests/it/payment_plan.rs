//! The payment test plan: the cases of `docs/payment-test-plan.md` that no other story plays, and
//! the comparison of that table with the stories there are.

use std::path::{Path, PathBuf};

use aws_lc_rs::hmac;
use domain::currency::Currency;
use domain::permission::Permission::{OrdersRead, OrdersRefund, OrdersWrite};
use local::{Options, Request, Shop};
use serde_json::{Value, json};
use stripe_twin::Faults;
use testkit::goods::{self, Goods, MUG, TEMPLATE};
use wire::{FaultKind, Plan};

use crate::refunds::at_stripe;
use crate::world::{self, Colleague, Shopper, key, ok, refusal, sound};

/// The cases of the plan.
const CASES: usize = 30;
/// The provider clears a debit, and settles what takes seconds, within this time.
const CLEARED_SECONDS: u64 = 30;
const MINUTE_MS: i64 = 60_000;

async fn is_sound(shop: &Shop) {
    sound(shop, &goods::small(world::MUGS)).await;
}

/// Somebody with an order of one mug that waits for its payment.
async fn waiting(shop: &Shop) -> Shopper {
    let mut jane = Shopper::guest(shop).await;
    jane.ready(MUG, 1).await;
    let answer = jane.complete().await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    jane
}

/// Somebody with an order in dollars, which banks in the United States debit, that waits for its
/// payment.
async fn waiting_for_dollars(shop: &Shop) -> Shopper {
    let mut jane = Shopper::new(shop);
    jane.open_cart("USD").await;
    jane.ready(TEMPLATE, 1).await;
    let answer = jane.complete().await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    jane
}

/// The small shop, with a template that has one more price.
pub(crate) fn priced(currency: Currency, price: i64) -> Goods {
    let mut goods = goods::small(world::MUGS);
    for (product, offers) in &mut goods.products {
        for variant in product.variants.iter_mut().filter(|one| one.sku == TEMPLATE.typed_sku()) {
            variant.prices.insert(currency, price);
        }
        for offer in offers.iter_mut().filter(|one| one.sku == TEMPLATE.typed_sku()) {
            offer.prices.insert(currency, price);
        }
    }
    goods
}

/// The source of a module of the stories.
fn source(module: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    folder.join(module.replace("::", "/")).with_extension("rs")
}

#[test]
fn every_case_of_the_plan_has_its_story() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/payment-test-plan.md");
    let plan = std::fs::read_to_string(file).expect("the plan");
    let main = std::fs::read_to_string(source("main")).expect("the list of stories");
    let mut numbers = Vec::new();
    for row in plan.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [number, case, stories] = cells[..] else { panic!("a row of three cells: {row}") };
        let Ok(number) = number.parse::<usize>() else { continue };
        numbers.push(number);
        let names: Vec<&str> = stories.split('`').skip(1).step_by(2).collect();
        assert!(!case.is_empty() && !names.is_empty(), "{number} has no story");
        for name in names {
            let (module, test) = name.rsplit_once("::").expect("a module and a test");
            let top = module.split("::").next().unwrap_or_default();
            assert!(main.contains(&format!("\nmod {top};")), "{name}: no such module");
            let text = std::fs::read_to_string(source(module)).unwrap_or_default();
            let found = text.split(&format!("fn {test}()")).next().filter(|head| *head != text);
            let head = found.unwrap_or_else(|| panic!("{name}: no such test"));
            let attribute = head.trim_end().trim_end_matches("async").trim_end();
            let line = attribute.lines().last().unwrap_or_default();
            assert!(line.starts_with("#[test") || line.starts_with("#[tokio::test"), "{name}");
        }
    }
    assert_eq!(numbers, (1..=CASES).collect::<Vec<_>>());
}

#[tokio::test]
async fn every_decline_is_shown_with_its_code_and_the_next_card_pays() {
    let shop = world::open().await;
    let jane = waiting(&shop).await;
    let declined = [
        ("chargeDeclined", "card_declined", Some("generic_decline")),
        ("chargeDeclinedInsufficientFunds", "card_declined", Some("insufficient_funds")),
        ("chargeDeclinedLostCard", "card_declined", Some("lost_card")),
        ("chargeDeclinedStolenCard", "card_declined", Some("stolen_card")),
        ("chargeDeclinedFraudulent", "card_declined", Some("fraudulent")),
        ("chargeDeclinedVelocityLimitExceeded", "card_declined", Some("card_velocity_exceeded")),
        ("chargeDeclinedExpiredCard", "expired_card", None),
        ("chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
        ("chargeDeclinedProcessingError", "processing_error", None),
    ];
    for (card, code, decline_code) in declined {
        let (status, said) = jane.pay(&format!("pm_card_{card}"));
        assert_eq!((status, said["error"]["code"].as_str()), (402, Some(code)), "{card}");
        shop.settle().await;
        let order = jane.view_order().await;
        assert_eq!(order["status"], "pending_payment", "{card}");
        let payment = &order["payments"][0];
        assert_eq!(payment["status"], "failed", "{card}");
        assert_eq!(payment["failure"]["code"], code, "{card}");
        assert_eq!(payment["failure"]["decline_code"].as_str(), decline_code, "{card}");
    }
    assert_eq!(jane.pay("pm_card_visa").0, 200);
    shop.settle_all().await;
    assert_eq!(jane.view_order().await["status"], "placed");
    assert_eq!(shop.twin().objects("payment_intent").len(), 1, "one intent for all tries");
    is_sound(&shop).await;
}

#[tokio::test]
async fn who_walks_away_from_the_bank_s_question_loses_the_order_and_no_money() {
    let shop = world::open().await;
    let jane = waiting(&shop).await;
    assert_eq!(jane.pay("pm_card_threeDSecure2Required").1["status"], "requires_action");
    assert_eq!(jane.authenticate("abandon").0, 200);
    shop.settle().await;
    assert_eq!(jane.view_order().await["payments"][0]["status"], "requires_action");
    shop.advance(31 * 60).await;
    shop.settle_all().await;
    assert_eq!(jane.view_order().await["status"], "expired");
    // Whoever finds the bank's page open after that can not pay any more.
    assert_eq!(jane.authenticate("succeed").0, 400);
    let intents = shop.twin().objects("payment_intent");
    assert_eq!((intents.len(), &intents[0]["status"]), (1, &json!("canceled")));
    let facts = sound(&shop, &goods::small(world::MUGS)).await;
    assert!(facts.stock.iter().all(|level| level.reserved == 0));
    assert!(facts.entries.is_empty());
}

#[tokio::test]
async fn a_debit_takes_its_time_and_the_order_waits_for_it() {
    let goods = priced(Currency::USD, 2_100);
    let shop = world::open_with(Options::default(), &goods).await;
    let jane = waiting_for_dollars(&shop).await;
    let (status, intent) = jane.pay("pm_usBankAccount_insufficientFunds");
    assert_eq!((status, &intent["status"]), (200, &json!("processing")), "{intent}");
    shop.settle().await;
    let order = jane.view_order().await;
    assert_eq!(order["payments"][0]["status"], "processing");
    assert_eq!(
        (&order["status"], &order["payment_status"]),
        (&json!("pending_payment"), &json!("unpaid"))
    );
    shop.advance(CLEARED_SECONDS).await;
    shop.settle().await;
    let payment = jane.view_order().await["payments"][0].clone();
    assert_eq!(payment["status"], "failed", "{payment}");

    assert_eq!(jane.pay("pm_usBankAccount_success").1["status"], "processing");
    shop.settle().await;
    assert_eq!(jane.view_order().await["payments"][0]["status"], "processing");
    shop.advance(CLEARED_SECONDS).await;
    shop.settle_all().await;
    let order = jane.view_order().await;
    assert_eq!((&order["status"], &order["payment_status"]), (&json!("placed"), &json!("paid")));
    sound(&shop, &goods).await;
}

#[tokio::test]
async fn a_debit_that_fails_late_is_told_of_once_with_a_way_to_pay_again() {
    let goods = priced(Currency::USD, 2_100);
    let shop = world::open_with(Options::default(), &goods).await;
    let (jane, joe) = (waiting_for_dollars(&shop).await, waiting_for_dollars(&shop).await);
    let told = || {
        let mails = shop.mails().into_iter();
        mails.filter(|mail| mail.subject.contains("did not go through")).count()
    };
    let sweep = async || {
        let swept = shop.run_job("checkout.jobs.expire_unpaid").await;
        assert!(matches!(swept, local::Outcome::Answered(_)), "{swept:?}");
        shop.settle().await;
    };
    // A card is declined while she looks.
    jane.pay("pm_card_chargeDeclined");
    shop.settle().await;
    assert_eq!(told(), 0);
    for buyer in [&jane, &joe] {
        let (_, intent) = buyer.pay("pm_usBankAccount_insufficientFunds");
        assert_eq!(intent["status"], "processing", "{intent}");
    }
    shop.settle().await;
    // The orders' time is over when the banks say no, and the sweeper is the first to hear of it.
    shop.clock().advance_ms(31 * MINUTE_MS);
    sweep().await;
    assert_eq!(told(), 2);
    sweep().await;
    assert_eq!(told(), 2);
    for buyer in [&jane, &joe] {
        assert_eq!(buyer.view_order().await["status"], "pending_payment");
    }

    // Each letter opens its own order, which is paid after all; what fails again she looks up.
    let token = |order: &str| {
        let mails = shop.mails().into_iter();
        let mut texts = mails.filter_map(|mail| mail.text).filter(|text| text.contains(order));
        let link = texts.next_back().expect("a letter");
        let token = link.split("#token=").nth(1).and_then(|rest| rest.split_whitespace().next());
        token.map(str::to_owned)
    };
    let reader = Shopper {
        order: jane.order.clone(),
        order_token: token(&jane.order),
        ..Shopper::from(&shop, "203.0.113.99")
    };
    let path = format!("/v1/store/orders/{}/retry_payment", jane.order);
    let again = ok(reader.call("POST", &path, &json!({})).await);
    assert_eq!(again["payment"]["payment_intent_id"], json!(jane.intent));
    for card in ["pm_usBankAccount_insufficientFunds", "pm_usBankAccount_success"] {
        assert_eq!(jane.pay(card).1["status"], "processing");
        shop.settle().await;
        shop.advance(CLEARED_SECONDS).await;
        shop.settle().await;
    }
    assert_eq!(reader.view_order().await["status"], "placed");
    assert_eq!(told(), 2);
    // Who does nothing owes nothing.
    shop.clock().advance_ms(49 * 60 * MINUTE_MS);
    sweep().await;
    assert_eq!(joe.view_order().await["status"], "expired");
    sound(&shop, &goods).await;
}

#[tokio::test]
async fn a_debit_under_way_is_not_called_off_by_the_clock() {
    let goods = priced(Currency::USD, 2_100);
    let shop = world::open_with(Options::default(), &goods).await;
    let jane = waiting_for_dollars(&shop).await;
    shop.clock().advance_ms(30 * MINUTE_MS - 2_000);
    assert_eq!(jane.pay("pm_usBankAccount").1["status"], "processing");
    shop.settle().await;
    // The order's time is over, and the provider is at it: nobody takes the goods away.
    shop.clock().advance_ms(2_500);
    let swept = shop.run_job("checkout.jobs.expire_unpaid").await;
    assert!(matches!(swept, local::Outcome::Answered(_)), "{swept:?}");
    assert_eq!(jane.view_order().await["status"], "pending_payment");
    shop.advance(CLEARED_SECONDS).await;
    shop.settle_all().await;
    let order = jane.view_order().await;
    assert_eq!((&order["status"], &order["payment_status"]), (&json!("placed"), &json!("paid")));
    sound(&shop, &goods).await;
}

#[tokio::test]
async fn debits_under_way_hold_up_nobody_behind_them() {
    let goods = priced(Currency::USD, 2_100);
    let shop = world::open_with(Options::default(), &goods).await;
    // A page of them, and one more; each of an address of its own.
    for nth in 0..51 {
        let mut jane = Shopper::from(&shop, &format!("198.18.1.{nth}"));
        jane.open_cart("USD").await;
        jane.ready(TEMPLATE, 1).await;
        assert_eq!(jane.complete().await.status, 201);
        assert_eq!(jane.pay("pm_usBankAccount_processing").1["status"], "processing");
    }
    shop.clock().advance_ms(1_000);
    let joe = waiting(&shop).await;
    shop.settle().await;
    shop.clock().advance_ms(31 * MINUTE_MS);
    shop.run_job("checkout.jobs.expire_unpaid").await;
    assert_eq!(joe.view_order().await["status"], "expired");
    // Nor is the provider asked for them every minute; an hour later it is.
    for (minutes, asked) in [(1, 0), (60, 51)] {
        shop.clock().advance_ms(minutes * MINUTE_MS);
        let mark = shop.wire().recorder().mark();
        shop.run_job("checkout.jobs.expire_unpaid").await;
        let calls = shop.wire().recorder().since(mark);
        let of_stripe = calls.iter().filter(|call| call.service == "stripe").count();
        assert_eq!(of_stripe, asked, "{minutes} minutes later");
    }
}

#[tokio::test]
async fn an_event_that_comes_three_days_late_changes_nothing() {
    let shop = world::open().await;
    let (paid, declined) = (waiting(&shop).await, waiting(&shop).await);
    shop.twin().set_faults(Faults { webhook_hold: true, ..Faults::default() });
    assert_eq!(paid.pay("pm_card_visa").0, 200);
    declined.pay("pm_card_chargeDeclined");
    shop.advance(31 * 60).await;
    shop.settle().await;
    assert_eq!(paid.view_order().await["status"], "placed", "the sweeper found the money");
    assert_eq!(declined.view_order().await["status"], "expired");
    let before = (paid.view_order().await, declined.view_order().await);
    shop.clock().advance_ms(3 * 24 * 60 * MINUTE_MS);
    shop.twin().set_faults(Faults::default());
    shop.settle_all().await;
    assert_eq!((paid.view_order().await, declined.view_order().await), before);
    let facts = sound(&shop, &goods::small(world::MUGS)).await;
    assert_eq!((facts.entries.len(), facts.letters.len()), (1, 1));
}

/// What an event is signed with.
fn signature(secret: &str, at: i64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{at}.{body}").as_bytes());
    tag.as_ref().iter().fold(format!("t={at},v1="), |header, byte| header + &format!("{byte:02x}"))
}

#[tokio::test]
async fn a_signing_secret_is_rotated_and_no_event_is_lost() {
    let shop = world::open().await;
    let endpoint = shop.twin().objects("webhook_endpoint")[0]["id"].clone();
    let path = format!(
        "/v1/test_helpers/webhook_endpoints/{}/roll_secret",
        endpoint.as_str().expect("an id")
    );
    let (status, rolled) = at_stripe(&shop, &path, &[("expires_in_seconds", "3600")]);
    assert_eq!(status, 200, "{rolled}");
    let new = rolled["secret"].as_str().expect("a secret").to_owned();
    let old = shop.stripe_keys().webhook_secrets[0].clone();
    let buy = async || {
        let jane = waiting(&shop).await;
        assert_eq!(jane.pay("pm_card_visa").0, 200);
        shop.settle().await;
        jane.view_order().await["status"].clone()
    };
    // Stripe signs with both; the shop knows the old one.
    assert_eq!(buy().await, "placed");
    let mut keys = shop.stripe_keys().clone();
    let name = shop.stack().secrets.iter().find(|name| name.ends_with("/stripe")).expect("a name");
    let mut put = async |secrets: &[&str]| {
        keys.webhook_secrets = secrets.iter().map(|secret| (*secret).to_owned()).collect();
        let text = serde_json::to_string(&keys).expect("keys");
        shop.wire().put_secret(name, &text).await.expect("a secret");
        // Keys are kept for five minutes.
        shop.clock().advance_ms(6 * MINUTE_MS);
    };
    put(&[&new, &old]).await;
    assert_eq!(buy().await, "placed");
    // The old one ends at Stripe, which signs with the new one alone, and the shop forgets it.
    shop.clock().advance_ms(61 * MINUTE_MS);
    assert_eq!(buy().await, "placed");
    put(&[&new]).await;
    assert_eq!(buy().await, "placed");
    let event = shop.twin().objects("event")[0].clone();
    let (body, now) = (event.to_string(), shop.clock().now().as_second());
    for (secret, status) in [(&new, 200), (&old, 400)] {
        let mut request = Request::new("POST", "/v1/hooks/stripe")
            .header("content-type", "application/json")
            .header("stripe-signature", &signature(secret, now, &body));
        request.body = body.clone().into();
        assert_eq!(shop.send(request).await.status, status);
    }
    shop.settle_all().await;
    is_sound(&shop).await;
}

#[tokio::test]
async fn money_of_another_currency_or_payment_is_quarantined() {
    let shop = world::open().await;
    let changes: [&[(&str, &str)]; 2] =
        [&[("currency", "usd")], &[("metadata[payment_id]", "pay_01ARZ3NDEKTSV4RRFFQ69G5FAV")]];
    for change in changes {
        let jane = waiting(&shop).await;
        let path = format!("/v1/payment_intents/{}", jane.intent);
        let (status, changed) = at_stripe(&shop, &path, change);
        assert_eq!(status, 200, "{changed}");
        assert_eq!(jane.pay("pm_card_visa").0, 200);
        shop.settle().await;
        let order = jane.view_order().await;
        assert_eq!(order["status"], "pending_payment", "{change:?}");
        assert_eq!(order["payments"][0]["status"], "integrity_failed", "{change:?}");
    }
    assert!(shop.mails().is_empty());
    let facts = sound(&shop, &goods::small(world::MUGS)).await;
    let kinds: Vec<_> = facts.entries.iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [domain::payment::EntryKind::Quarantined; 2]);
}

#[tokio::test]
async fn a_completion_that_is_asked_for_again_a_day_later_makes_nothing_twice() {
    let shop = world::open().await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 1).await;
    let total = jane.view_cart().await["totals"]["total"].clone();
    let first = jane.complete_at("once", &total).await;
    assert_eq!(first.status, 201, "{}", first.text());
    assert_eq!(jane.pay("pm_card_visa").0, 200);
    shop.settle().await;
    shop.clock().advance_ms(25 * 60 * MINUTE_MS);
    let again = jane.clone().complete_at("once", &total).await;
    assert_eq!(refusal(&again), (409, "cart_completed".into()));
    assert_eq!(again.value()["order_id"], json!(jane.order));
    shop.settle_all().await;
    assert_eq!(shop.twin().objects("payment_intent").len(), 1);
    let facts = sound(&shop, &goods::small(world::MUGS)).await;
    assert_eq!(facts.orders.len(), 1);
}

#[tokio::test]
async fn an_intent_whose_answer_was_lost_is_found_a_day_later_and_not_made_twice() {
    let shop = world::open().await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 1).await;
    let create = "POST /v1/payment_intents";
    shop.wire().faults().arm(Plan::at_operation(1, FaultKind::LoseResponse, create));
    let lost = jane.complete_with("once").await;
    assert!(lost.status >= 500, "{}", lost.text());
    let made = shop.twin().objects("payment_intent");
    assert_eq!(made.len(), 1);
    // By now Stripe has forgotten the key; nothing swept the order meanwhile.
    shop.clock().advance_ms(25 * 60 * MINUTE_MS);
    let again = jane.complete_with("once").await;
    assert_eq!(again.status, 201, "{}", again.text());
    assert_eq!(again.value()["payment"]["payment_intent_id"], made[0]["id"]);
    assert_eq!(shop.twin().objects("payment_intent").len(), 1);
    assert_eq!(jane.pay("pm_card_visa").0, 200);
    shop.settle_all().await;
    assert_eq!(jane.view_order().await["status"], "placed");
    is_sound(&shop).await;
}

#[tokio::test]
async fn more_than_stripe_takes_is_refused_before_anything_is_placed() {
    let goods = priced(Currency::EUR, 33_333_333);
    let shop = world::open_with(Options::default(), &goods).await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(TEMPLATE, 4).await;
    let answer = jane.complete().await;
    assert_eq!(refusal(&answer), (409, "amount_too_large".into()));
    assert!(sound(&shop, &goods).await.orders.is_empty());
    assert!(shop.twin().objects("payment_intent").is_empty());
    // Eight nines are the most that it takes.
    let mut joe = Shopper::guest(&shop).await;
    joe.ready(TEMPLATE, 3).await;
    let answer = joe.complete().await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(joe.pay("pm_card_visa").0, 200);
    shop.settle().await;
    assert_eq!(joe.view_order().await["status"], "placed");
    sound(&shop, &goods).await;
}

#[tokio::test]
async fn dinars_and_kronur_are_charged_to_the_last_unit() {
    // Of our amounts, and of what Stripe hears of them.
    for (currency, price, charged) in
        [(Currency::KWD, 12_340, 12_340), (Currency::ISK, 4_999, 499_900)]
    {
        let goods = priced(currency, price);
        let shop = world::open_with(Options::default(), &goods).await;
        let clerk = Colleague::of(&shop, "clerk", &[OrdersRead, OrdersRefund]).await;
        let mut jane = Shopper::new(&shop);
        jane.open_cart(currency.code()).await;
        jane.ready(TEMPLATE, 1).await;
        let answer = jane.complete().await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        assert_eq!(jane.pay("pm_card_visa").0, 200);
        shop.settle().await;
        assert_eq!(jane.view_order().await["status"], "placed");
        assert_eq!(shop.twin().objects("payment_intent")[0]["amount"], charged);
        let body = json!({"amount": {"amount": price, "currency": currency.code()}});
        let target = format!("/v1/admin/orders/{}/refunds", jane.order);
        let request = Request::new("POST", &target).header("idempotency-key", &key());
        ok(clerk.send(request.json(&body)).await);
        shop.settle().await;
        assert_eq!(jane.view_order().await["payment_status"], "refunded");
        assert_eq!(shop.twin().objects("refund")[0]["amount"], charged);
        sound(&shop, &goods).await;
    }
    // A tenth of the least dinar that Stripe knows is refused, never rounded.
    let goods = priced(Currency::KWD, 12_345);
    let shop = world::open_with(Options::default(), &goods).await;
    let mut jane = Shopper::new(&shop);
    jane.open_cart("KWD").await;
    jane.ready(TEMPLATE, 1).await;
    assert_eq!(jane.complete().await.status, 409);
    assert!(sound(&shop, &goods).await.orders.is_empty());
}

#[tokio::test]
async fn refunds_and_cancellations_at_once_give_back_what_was_paid_and_no_more() {
    let shop = world::open().await;
    let may = [OrdersRead, OrdersRefund, OrdersWrite];
    let clerk = Colleague::of(&shop, "clerk", &may).await;
    let jane = waiting(&shop).await;
    assert_eq!(jane.pay("pm_card_visa").0, 200);
    shop.settle().await;
    let at = |rest: &str| format!("/v1/admin/orders/{}{rest}", jane.order);
    let part = |amount: i64| {
        let body = json!({"amount": {"amount": amount, "currency": "EUR"}});
        let request = Request::new("POST", &at("/refunds")).header("idempotency-key", &key());
        clerk.send(request.json(&body))
    };
    let reason = json!({"reason": "Sold out"});
    let off = || {
        let request = Request::new("POST", &at("/cancel")).json(&reason);
        clerk.send(request)
    };
    let own = format!("/v1/store/orders/{}/cancel", jane.order);
    let nothing = json!({});
    let (one, two, three, four, five) =
        tokio::join!(part(300), off(), jane.call("POST", &own, &nothing), part(500), off(),);
    for answer in [one, two, three, four, five] {
        assert!([200, 201, 409, 503].contains(&answer.status), "{}", answer.text());
    }
    // Whoever was told to come again does.
    let last = off().await;
    assert_eq!(last.status, 200, "{}", last.text());
    shop.settle_all().await;
    let order = jane.view_order().await;
    assert_eq!(
        (&order["status"], &order["payment_status"]),
        (&json!("canceled"), &json!("refunded"))
    );
    let back: i64 =
        shop.twin().objects("refund").iter().map(|one| one["amount"].as_i64().unwrap()).sum();
    assert_eq!(json!(back), order["totals"]["total"]["amount"]);
    is_sound(&shop).await;
}

#[tokio::test]
async fn an_endpoint_that_was_down_for_an_hour_hears_everything_afterwards() {
    let shop = world::open().await;
    let mut clerk = Colleague::of(&shop, "clerk", &[OrdersRead, OrdersRefund]).await;
    let bought = waiting(&shop).await;
    assert_eq!(bought.pay("pm_card_visa").0, 200);
    shop.settle().await;
    let (paid, declined) = (waiting(&shop).await, waiting(&shop).await);
    assert_eq!(paid.pay("pm_card_visa").0, 200);
    declined.pay("pm_card_chargeDeclined");
    let fields = [("payment_intent", bought.intent.as_str()), ("amount", "700")];
    assert_eq!(at_stripe(&shop, "/v1/refunds", &fields).0, 200);
    // Nobody answers for an hour; nothing else runs meanwhile either.
    let mut tries = 0;
    for _ in 0..60 {
        for delivery in shop.twin().deliveries_due() {
            tries += 1;
            shop.twin().delivered(&delivery.id, None);
        }
        shop.clock().advance_ms(MINUTE_MS);
    }
    assert!(tries >= 10, "Stripe tried {tries} times");
    assert_eq!(paid.view_order().await["status"], "pending_payment");
    assert_eq!(bought.view_order().await["payment_status"], "paid");
    // It answers again, and no sweep helps.
    for _ in 0..64 {
        shop.clock().advance_ms(MINUTE_MS);
        shop.settle().await;
    }
    assert_eq!(paid.view_order().await["status"], "placed");
    assert_eq!(bought.view_order().await["payment_status"], "partially_refunded");
    shop.settle_all().await;
    clerk.sign_in().await;
    let listed = ok(clerk.get(&format!("/v1/admin/orders/{}/refunds", bought.order)).await);
    let refunds: &[Value] = listed["data"].as_array().expect("a list");
    assert_eq!((refunds.len(), &refunds[0]["origin"]), (1, &json!("provider")));
    shop.settle().await;
    is_sound(&shop).await;
}
