//! Gift cards and store credit: money that is spent once, comes back once and is never made.

use std::sync::atomic::{AtomicU64, Ordering};

use domain::currency::Currency;
use domain::gift_card::{
    Account, CODE_BYTES, Code, EntryKind, Fresh, GiftCard, Status, StoreCredit, Wanted,
};
use domain::id::{CustomerId, GiftCardId, GiftEntryId, OrderId, Ulid};
use domain::money::Money;
use domain::permission::Permission;
use jiff::{SignedDuration, Timestamp};
use local::{Outcome, Request, Response, Shop};
use serde_json::{Value, json};
use store::Saved;
use store::gift_card::Correction;
use testkit::goods::{self, MUG, POSTER, TEMPLATE};

use crate::world::{self, Colleague, Shopper, key, ok, refusal, sound};

/// People who spend one balance at the same time.
const CLIENTS: u8 = 50;
const ROUNDS: u8 = 20;
/// A client that asks more often than this has found a shop that does not answer.
const TRIES_MAX: usize = 20;

/// A number that no other call has given.
fn number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn fresh(shop: &Shop) -> Fresh {
    let entry = GiftEntryId::from_ulid(Ulid::from_parts(1, u128::from(number())));
    Fresh { entry, by: None, now: shop.clock().now() }
}

fn eur(amount: i64) -> Money {
    Money::new(amount, Currency::EUR)
}

/// A gift card in somebody's drawer, and its code.
pub(crate) async fn card(
    shop: &Shop,
    amount: Money,
    ends_at: Option<Timestamp>,
) -> (GiftCardId, String) {
    let number = number();
    let mut random = [0; CODE_BYTES];
    random[..8].copy_from_slice(&number.to_le_bytes());
    let code = Code::issue(random);
    let id = GiftCardId::from_ulid(Ulid::from_parts(1, u128::from(number)));
    let wanted = Wanted { amount, expires_at: ends_at, note: None };
    let issued = GiftCard::issue(id, &code, wanted, fresh(shop)).expect("a gift card");
    let saved = shop.store().issue_gift_cards(&[issued], &[]).await.expect("a store");
    assert_eq!(saved, Saved::Yes);
    (id, code.reveal())
}

/// Gives a customer store credit.
pub(crate) async fn credit(shop: &Shop, customer: CustomerId, amount: Money) {
    let store = shop.store();
    let before = store.store_credit(customer, amount.currency()).await.expect("a store");
    let account = before.clone().unwrap_or_else(|| StoreCredit::empty(customer, amount.currency()));
    let (after, entry) =
        account.adjust(amount, "A present".to_owned(), fresh(shop)).expect("a credit");
    let correction = Correction { entry: &entry, events: &[], remembered: None };
    let before = before.map(|credit| credit.balance);
    let saved = store.correct_store_credit(before, &after, &correction).await.expect("a store");
    assert_eq!(saved, Saved::Yes);
}

/// Pays the cart with a gift card.
pub(crate) async fn present(who: &Shopper, code: &str) -> Response {
    let path = format!("/v1/store/carts/{}/gift_cards", who.cart);
    who.call("POST", &path, &json!({"code": code})).await
}

async fn balance(shop: &Shop, id: GiftCardId) -> i64 {
    shop.store().gift_card(id).await.unwrap().unwrap().balance.amount()
}

async fn mug_buyer(shop: &Shop) -> Shopper {
    let jane = Shopper::guest(shop).await;
    jane.ready(MUG, 2).await;
    jane
}

async fn cancel(who: &Shopper) -> Response {
    who.call("POST", &format!("/v1/store/orders/{}/cancel", who.order), &json!({})).await
}

/// Ends an unpaid order and leaves its PaymentIntent payable: as if the provider had begun to
/// charge before it heard of the end.
pub(crate) async fn end_behind_the_provider(shop: &Shop, order: &str) {
    let store = shop.store();
    let before = store.order(OrderId::parse(order).unwrap()).await.unwrap().unwrap().order;
    let now = shop.clock().now();
    let after = before.clone().end(domain::order::Status::Expired, now).unwrap();
    assert_eq!(store.end_unpaid(&before, &after, None, &[]).await.unwrap(), Saved::Yes);
}

#[tokio::test]
async fn a_gift_card_pays_a_part_and_the_card_pays_the_rest() {
    let shop = world::open().await;
    let (id, code) = card(&shop, eur(1000), None).await;
    let mut jane = mug_buyer(&shop).await;
    let cart = ok(present(&jane, &code).await);
    assert_eq!(cart["totals"]["total"], json!({"amount": 2990, "currency": "EUR"}));
    assert_eq!(cart["due"], json!({"amount": 1990, "currency": "EUR"}));
    assert_eq!(cart["gift_cards"][0]["applied"]["amount"], 1000);
    assert!(code.replace('-', "").ends_with(cart["gift_cards"][0]["last4"].as_str().unwrap()));
    assert_eq!(balance(&shop, id).await, 1000);

    let answer = jane.complete().await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let body = answer.value();
    assert_eq!(body["order"]["totals"]["total"]["amount"], 2990);
    assert_eq!(body["order"]["due"]["amount"], 1990);
    assert_eq!(body["order"]["payment_status"], "unpaid");
    assert_eq!(body["order"]["tenders"][0]["amount"]["amount"], 1000);
    assert_eq!(body["order"]["tenders"][0]["gift_card_id"], id.to_string());
    assert_eq!(shop.twin().objects("payment_intent")[0]["amount"], 1990);
    assert_eq!(balance(&shop, id).await, 0);
    jane.pay("pm_card_visa");
    shop.settle().await;
    let order = jane.view_order().await;
    assert_eq!((&order["status"], &order["payment_status"]), (&json!("placed"), &json!("paid")));
    assert_eq!(order["captured"]["amount"], 1990);
    let mail = shop.mails().pop().unwrap().text.unwrap();
    assert!(mail.contains("Gift card ending in") && mail.contains("-10.00 EUR"), "{mail}");
    assert!(mail.contains("Paid by card: 19.90 EUR"), "{mail}");
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn an_order_that_gift_cards_pay_in_full_is_placed_at_once_and_stripe_hears_nothing() {
    let shop = world::open().await;
    let (id, code) = card(&shop, eur(5000), None).await;
    let mut jane = mug_buyer(&shop).await;
    assert_eq!(ok(present(&jane, &code).await)["due"]["amount"], 0);
    let key = key();
    let answer = jane.complete_with(&key).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let body = answer.value();
    assert_eq!(body["payment"], Value::Null);
    assert_eq!(
        (&body["order"]["status"], &body["order"]["payment_status"]),
        (&json!("placed"), &json!("paid"))
    );
    // Said again, it is the same order, and the card is not asked again.
    assert_eq!(jane.complete_with(&key).await.value()["order"]["id"], body["order"]["id"]);
    assert_eq!(balance(&shop, id).await, 2010);
    assert!(shop.twin().objects("payment_intent").is_empty());
    shop.settle().await;
    assert_eq!(shop.mails().len(), 1);
    let facts = sound(&shop, &goods::small(world::MUGS)).await;
    assert_eq!(facts.gift_entries.len(), 2);
    // The rest is spent another time.
    let again = mug_buyer(&shop).await;
    assert_eq!(ok(present(&again, &code).await)["due"]["amount"], 980);
}

#[tokio::test]
async fn two_gift_cards_and_store_credit_pay_together_what_ends_first_goes_first() {
    let shop = world::open().await;
    let soon = shop.clock().now().saturating_add(SignedDuration::from_hours(24)).unwrap();
    let (never, one) = card(&shop, eur(700), None).await;
    let (ending, two) = card(&shop, eur(600), Some(soon)).await;
    let mut jane = Shopper::customer(&shop, "jane@example.org").await;
    jane.open_cart("EUR").await;
    let me = ok(jane.get("/v1/auth/me").await);
    let customer = CustomerId::parse(me["id"].as_str().unwrap()).unwrap();
    credit(&shop, customer, eur(10_000)).await;
    jane.ready(TEMPLATE, 1).await;
    ok(present(&jane, &one).await);
    ok(present(&jane, &two).await);
    // Twice is once.
    ok(present(&jane, &two).await);
    let path = format!("/v1/store/carts/{}/store_credit", jane.cart);
    let cart = ok(jane.call("POST", &path, &json!({"use": true})).await);
    assert_eq!((&cart["due"]["amount"], &cart["store_credit"]["amount"]), (&json!(0), &json!(600)));
    let cart = ok(jane.call("POST", &path, &json!({"use": false})).await);
    assert_eq!((&cart["due"]["amount"], &cart["store_credit"]), (&json!(600), &Value::Null));
    ok(jane.call("POST", &path, &json!({"use": true})).await);

    let answer = jane.complete().await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let tenders = answer.value()["order"]["tenders"].clone();
    let amounts: Vec<_> = tenders
        .as_array()
        .unwrap()
        .iter()
        .map(|tender| tender["amount"]["amount"].clone())
        .collect();
    assert_eq!(amounts, [600, 700, 600]);
    assert_eq!(tenders[0]["gift_card_id"], ending.to_string());
    assert_eq!(
        (&tenders[2]["type"], &tenders[2]["gift_card_id"]),
        (&json!("store_credit"), &Value::Null)
    );
    assert_eq!((balance(&shop, never).await, balance(&shop, ending).await), (0, 0));
    let left = shop.store().store_credit(customer, Currency::EUR).await.unwrap().unwrap();
    assert_eq!(left.balance, eur(9400));
    shop.settle().await;
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn a_card_payment_is_never_left_with_less_than_stripe_takes() {
    let shop = world::open().await;
    let (id, code) = card(&shop, eur(2960), None).await;
    let mut jane = mug_buyer(&shop).await;
    let cart = ok(present(&jane, &code).await);
    assert_eq!((&cart["due"]["amount"], &cart["withheld"]["amount"]), (&json!(50), &json!(20)));
    assert_eq!(jane.complete().await.status, 201);
    assert_eq!(balance(&shop, id).await, 20);
    jane.pay("pm_card_visa");
    shop.settle().await;
    assert_eq!(jane.view_order().await["status"], "placed");
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn what_can_not_be_spent_is_refused_in_one_way() {
    let shop = world::open().await;
    let now = shop.clock().now();
    let soon = now.saturating_add(SignedDuration::from_mins(5)).unwrap();
    let (disabled, one) = card(&shop, eur(500), None).await;
    let (_, two) = card(&shop, eur(500), Some(soon)).await;
    let (empty, three) = card(&shop, eur(500), None).await;
    let (_, four) = card(&shop, Money::new(500, Currency::JPY), None).await;
    let store = shop.store();
    let before = store.gift_card(disabled).await.unwrap().unwrap();
    let after = before.clone().switch(Status::Disabled, now).unwrap();
    assert_eq!(store.switch_gift_card(&before, &after, &[]).await.unwrap(), Some(2));
    let before = store.gift_card(empty).await.unwrap().unwrap();
    let (after, entry) =
        before.clone().adjust(eur(-500), "A mistake".into(), fresh(&shop)).unwrap();
    let correction = Correction { entry: &entry, events: &[], remembered: None };
    assert_eq!(store.correct_gift_card(&before, &after, &correction).await.unwrap(), Saved::Yes);
    shop.clock().advance_ms(6 * 60 * 1000);

    let jane = mug_buyer(&shop).await;
    let unknown = Code::issue([0xEE; CODE_BYTES]).reveal();
    let mut said = Vec::new();
    for code in [&one, &two, &three, &unknown] {
        let answer = present(&jane, code).await;
        assert_eq!(refusal(&answer), (409, "gift_card_unusable".into()));
        let mut body = answer.value();
        body["request_id"] = Value::Null;
        said.push(body);
    }
    assert!(said.windows(2).all(|pair| pair[0] == pair[1]), "{said:?}");
    let answer = present(&jane, &four).await;
    assert_eq!(refusal(&answer), (409, "gift_card_other_currency".into()));
    assert_eq!(answer.value()["currency"], "JPY");
    let mistyped = present(&jane, &one.replacen(|_: char| true, "Z", 1)).await;
    assert_eq!(refusal(&mistyped), (400, "invalid_request".into()));
    let cart = jane.view_cart().await;
    assert_eq!((&cart["gift_cards"], &cart["due"]), (&json!([]), &cart["totals"]["total"]));
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn codes_are_not_guessed_by_address_nor_by_cart() {
    let shop = world::open().await;
    let wrong = |number: u8| Code::issue([number; CODE_BYTES]).reveal();
    let mut jane = mug_buyer(&shop).await;
    for number in 0..10 {
        // From ten addresses: the cart's own tries are used up.
        jane.ip = format!("203.0.113.{}", 100 + number);
        assert_eq!(refusal(&present(&jane, &wrong(number)).await).0, 409);
    }
    jane.ip = "203.0.113.200".to_owned();
    let answer = present(&jane, &wrong(77)).await;
    assert_eq!(refusal(&answer).0, 429);
    assert!(answer.header("retry-after").is_some());
    // Who has no business with the cart uses none of its tries up, and learns nothing.
    let mut joe = Shopper::from(&shop, "203.0.113.9");
    joe.open_cart("EUR").await;
    let path = format!("/v1/store/carts/{}/gift_cards", jane.cart);
    assert_eq!(joe.call("POST", &path, &json!({"code": wrong(1)})).await.status, 404);
    // From one address with many carts: the address's are.
    for _ in 0..2 {
        joe.open_cart("EUR").await;
        for number in 0..10 {
            assert_eq!(refusal(&present(&joe, &wrong(number)).await).0, 409);
        }
    }
    joe.open_cart("EUR").await;
    assert_eq!(refusal(&present(&joe, &wrong(1)).await).0, 429);
}

#[tokio::test]
async fn a_gift_card_is_taken_out_of_a_cart_again() {
    let shop = world::open().await;
    let (id, code) = card(&shop, eur(1000), None).await;
    let jane = mug_buyer(&shop).await;
    ok(present(&jane, &code).await);
    let path = format!("/v1/store/carts/{}/gift_cards/{id}", jane.cart);
    let cart = ok(jane.call("DELETE", &path, &json!({})).await);
    assert_eq!((&cart["gift_cards"], &cart["due"]["amount"]), (&json!([]), &json!(2990)));
    let answer = jane.call("DELETE", &path, &json!({})).await;
    assert_eq!(refusal(&answer), (404, "gift_card_not_found".into()));
    let path = format!("/v1/store/carts/{}/store_credit", jane.cart);
    let answer = jane.call("POST", &path, &json!({"use": true})).await;
    assert_eq!(refusal(&answer), (409, "store_credit_needs_account".into()));
    for _ in 0..5 {
        let (_, code) = card(&shop, eur(100), None).await;
        ok(present(&jane, &code).await);
    }
    let answer = present(&jane, &code).await;
    assert_eq!(refusal(&answer), (409, "too_many_gift_cards".into()));
}

#[tokio::test]
async fn an_order_that_comes_to_nothing_gives_its_gift_card_back_once() {
    let shop = world::open().await;
    let (id, code) = card(&shop, eur(1000), None).await;
    let mut jane = mug_buyer(&shop).await;
    ok(present(&jane, &code).await);
    // Called off, twice.
    assert_eq!(jane.complete().await.status, 201);
    for _ in 0..2 {
        let order = ok(cancel(&jane).await);
        assert_eq!((&order["status"], &order["due"]["amount"]), (&json!("canceled"), &json!(0)));
        assert_eq!(balance(&shop, id).await, 1000);
    }
    // Never paid.
    assert_eq!(jane.complete().await.status, 201);
    assert_eq!(balance(&shop, id).await, 0);
    shop.advance(33 * 60).await;
    shop.settle().await;
    assert_eq!(jane.view_order().await["status"], "expired");
    assert_eq!(balance(&shop, id).await, 1000);
    // Called off and expired at once.
    for _ in 0..5 {
        assert_eq!(jane.complete().await.status, 201);
        shop.clock().advance_ms(31 * 60 * 1000);
        let sweep = shop.run_job("checkout.jobs.expire_unpaid");
        let (_, _, _) = tokio::join!(cancel(&jane), sweep, cancel(&jane));
        shop.advance(3 * 60).await;
        shop.settle().await;
        let status = jane.view_order().await["status"].clone();
        assert!(["canceled", "expired"].contains(&status.as_str().unwrap()), "{status}");
        assert_eq!(balance(&shop, id).await, 1000);
    }
    let facts = sound(&shop, &goods::small(world::MUGS)).await;
    let count = |kind| facts.gift_entries.iter().filter(|entry| entry.kind == kind).count();
    assert_eq!((count(EntryKind::Redeemed), count(EntryKind::Returned)), (7, 7));
}

#[tokio::test]
async fn money_that_comes_late_takes_the_gift_card_again_where_it_still_can() {
    let shop = world::open().await;
    let (id, code) = card(&shop, eur(1000), None).await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(POSTER, 1).await;
    ok(present(&jane, &code).await);
    assert_eq!(jane.complete().await.status, 201);
    end_behind_the_provider(&shop, &jane.order).await;
    assert_eq!(balance(&shop, id).await, 1000);
    assert_eq!(jane.pay("pm_card_visa").0, 200);
    shop.settle().await;
    let order = jane.view_order().await;
    assert_eq!((&order["status"], &order["payment_status"]), (&json!("placed"), &json!("paid")));
    assert_eq!(balance(&shop, id).await, 0);
    let facts = sound(&shop, &goods::small(world::MUGS)).await;
    assert_eq!(facts.gift_entries.len(), 4);
}

#[tokio::test]
async fn money_that_comes_late_goes_back_where_the_gift_card_was_spent_elsewhere() {
    let shop = world::open().await;
    let (id, code) = card(&shop, eur(1000), None).await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(POSTER, 1).await;
    ok(present(&jane, &code).await);
    assert_eq!(jane.complete().await.status, 201);
    end_behind_the_provider(&shop, &jane.order).await;
    let mut joe = Shopper::from(&shop, "203.0.113.8");
    joe.open_cart("EUR").await;
    joe.ready(MUG, 1).await;
    ok(present(&joe, &code).await);
    assert_eq!(joe.complete().await.status, 201);
    joe.pay("pm_card_visa");
    shop.settle().await;
    assert_eq!(joe.view_order().await["status"], "placed");

    assert_eq!(jane.pay("pm_card_visa").0, 200);
    shop.settle().await;
    let order = jane.view_order().await;
    assert_eq!(order["status"], "expired");
    assert_eq!(
        (&order["payment_status"], &order["refunded"]),
        (&json!("refunded"), &order["captured"])
    );
    assert!(order["refunded"]["amount"].as_i64().unwrap() > 0);
    assert_eq!(balance(&shop, id).await, 0);
    assert!(shop.mails().iter().any(|mail| mail.subject.contains("on its way back")));
    // The poster is for sale again.
    let facts = sound(&shop, &goods::small(world::MUGS)).await;
    let poster = facts.stock.iter().find(|level| level.place.sku.as_str() == POSTER.sku).unwrap();
    assert_eq!(poster.reserved, 0);
}

#[tokio::test]
async fn a_lapsed_order_whose_goods_went_to_somebody_else_gives_its_gift_card_back() {
    let shop = world::open().await;
    let (id, code) = card(&shop, eur(1000), None).await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(POSTER, 1).await;
    ok(present(&jane, &code).await);
    assert_eq!(jane.complete().await.status, 201);
    shop.clock().advance_ms(31 * 60 * 1000);
    let mut joe = Shopper::from(&shop, "203.0.113.8");
    joe.open_cart("EUR").await;
    joe.ready(POSTER, 1).await;
    assert_eq!(joe.complete().await.status, 201);
    joe.pay("pm_card_visa");
    shop.settle().await;
    // The order still waits, and its gift card with it, when its money comes.
    assert_eq!(balance(&shop, id).await, 0);
    assert_eq!(jane.pay("pm_card_visa").0, 200);
    shop.settle().await;
    assert_eq!(jane.view_order().await["payment_status"], "refunded");
    assert_eq!(balance(&shop, id).await, 1000);
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn what_was_spent_meanwhile_is_due_by_card() {
    let shop = world::open().await;
    let (_, code) = card(&shop, eur(2990), None).await;
    let mut jane = mug_buyer(&shop).await;
    let mut joe = Shopper::from(&shop, "203.0.113.8");
    joe.open_cart("EUR").await;
    joe.ready(MUG, 2).await;
    for who in [&jane, &joe] {
        assert_eq!(ok(present(who, &code).await)["due"]["amount"], 0);
    }
    assert_eq!(joe.complete().await.value()["order"]["status"], "placed");
    assert_eq!(jane.view_cart().await["due"]["amount"], 2990);
    let answer = jane.complete().await;
    assert_eq!((answer.status, &answer.value()["order"]["due"]["amount"]), (201, &json!(2990)));
    assert_eq!(answer.value()["order"]["tenders"], json!([]));
    jane.pay("pm_card_visa");
    shop.settle().await;
    sound(&shop, &goods::small(world::MUGS)).await;
}

/// Completes, as often as the shop is too busy to answer.
async fn persist(who: &mut Shopper) -> Value {
    let total = who.view_cart().await["totals"]["total"].clone();
    let key = key();
    for _ in 0..TRIES_MAX {
        let request = Request::new("POST", &format!("/v1/store/carts/{}/complete", who.cart))
            .header("idempotency-key", &key)
            .json(&json!({"expected_total": total}));
        let answer = who.send(request).await;
        if answer.status == 201 {
            who.learn(&answer);
            return answer.value();
        }
        assert!([409, 503].contains(&answer.status), "{}", answer.text());
        tokio::task::yield_now().await;
    }
    panic!("the shop never answered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_people_spend_one_balance_and_no_cent_of_it_twice() {
    let shop = world::open().await;
    let goods = goods::small(world::MUGS);
    for round in 0..ROUNDS {
        // Enough for two and a half of fifty.
        let (id, code) = card(&shop, eur(4750), None).await;
        let mut crowd = Vec::new();
        for client in 0..CLIENTS {
            let mut who = Shopper::from(&shop, &format!("10.{round}.{client}.1"));
            let code = code.clone();
            crowd.push(tokio::spawn(async move {
                who.open_cart("EUR").await;
                who.ready(TEMPLATE, 1).await;
                ok(present(&who, &code).await);
                who
            }));
        }
        let mut ready = Vec::new();
        for one in crowd {
            ready.push(one.await.unwrap());
        }
        let spending: Vec<_> = ready
            .into_iter()
            .map(|mut who| {
                tokio::spawn(async move {
                    let body = persist(&mut who).await;
                    (who, body)
                })
            })
            .collect();
        let (mut redeemed, mut placed, mut people) = (0, 0, Vec::new());
        for one in spending {
            let (who, body) = one.await.unwrap();
            let tenders = body["order"]["tenders"].as_array().unwrap();
            redeemed +=
                tenders.iter().map(|t| t["amount"]["amount"].as_i64().unwrap()).sum::<i64>();
            placed += usize::from(body["order"]["status"] == "placed");
            people.push(who);
        }
        assert_eq!((redeemed, placed), (4750, 2), "round {round}");
        assert_eq!(balance(&shop, id).await, 0);
        // Some pay the rest; the others come to nothing, and what they spent is back.
        for who in people.iter().filter(|who| !who.intent.is_empty()).take(3) {
            who.pay("pm_card_visa");
        }
        shop.settle().await;
        shop.advance(33 * 60).await;
        shop.settle().await;
        let entries = shop.store().gift_entries(Account::GiftCard(id), 100, None).await.unwrap();
        let sum = domain::gift_card::balance(Currency::EUR, &entries.entries).unwrap();
        assert_eq!(sum.amount(), balance(&shop, id).await);
    }
    sound(&shop, &goods).await;
}

/// A member of the staff who may do all with gift cards.
async fn merchant(shop: &Shop) -> Colleague {
    let may = [Permission::GiftCardsIssue, Permission::PromotionsRead, Permission::PromotionsWrite];
    Colleague::of(shop, "merchant", &may).await
}

const CARDS: &str = "/v1/admin/gift_cards";

/// A call under an idempotency key.
pub(crate) async fn keyed(who: &Colleague, key: &str, target: &str, body: &Value) -> Response {
    who.send(Request::new("POST", target).header("idempotency-key", key).json(body)).await
}

#[tokio::test]
async fn a_merchant_issues_a_gift_card_and_its_code_is_seen_once() {
    let shop = world::open().await;
    let grace = merchant(&shop).await;
    let body = json!({
        "amount": {"amount": 2500, "currency": "EUR"}, "recipient_email": "jane@example.org",
        "note": "For a good customer",
    });
    let issued = grace.call("POST", CARDS, &body).await;
    assert_eq!(issued.status, 201, "{}", issued.text());
    let issued_tag = issued.header("etag").unwrap().to_owned();
    let issued = issued.value();
    let (id, code) = (issued["id"].as_str().unwrap(), issued["code"].as_str().unwrap());
    shop.settle().await;
    let mail = shop.mails().pop().unwrap();
    assert_eq!(mail.to, ["jane@example.org"]);
    assert!(mail.text.unwrap().contains(code) && !mail.subject.contains(code));
    let at = format!("{CARDS}/{id}");
    let shown = grace.get(&at).await;
    assert_eq!(shown.header("etag"), Some(issued_tag.as_str()));
    assert!(!shown.text().contains(code), "{}", shown.text());
    let shown = shown.value();
    assert_eq!(
        (&shown["balance"]["amount"], &shown["entries"][0]["kind"]),
        (&json!(2500), &json!("issued"))
    );
    assert_eq!(shown["entries"][0]["by"], grace.id);

    // Whoever has the code sees what is on it, and spends it.
    let mut jane = Shopper::guest(&shop).await;
    let check = json!({"code": code.to_lowercase()});
    let seen = ok(jane.call("POST", "/v1/store/gift_cards/balance", &check).await);
    assert_eq!(seen["balance"]["amount"], 2500);
    let unknown = json!({"code": Code::issue([0xEE; CODE_BYTES]).reveal()});
    let answer = jane.call("POST", "/v1/store/gift_cards/balance", &unknown).await;
    assert_eq!(refusal(&answer), (409, "gift_card_unusable".into()));
    jane.ready(TEMPLATE, 1).await;
    ok(present(&jane, code).await);
    // Entries of one millisecond have no order.
    shop.clock().advance_ms(1);
    assert_eq!(jane.complete().await.value()["order"]["status"], "placed");
    let shown = ok(grace.get(&at).await);
    assert_eq!(shown["entries"][0]["order_id"], jane.order);
    assert_eq!(shown["balance"]["amount"], 600);
    shop.settle().await;
    // The log knows that it was issued, and how much.
    let log = shop.audit_log().await.unwrap();
    let noted = log.iter().find(|link| link.entry.action == "gift_card.issue").expect("an entry");
    assert_eq!(noted.entry.object.as_deref(), Some(id));
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn a_stopped_gift_card_is_not_spent_and_a_started_one_is() {
    let shop = world::open().await;
    let grace = merchant(&shop).await;
    let (id, code) = card(&shop, eur(500), None).await;
    let at = format!("{CARDS}/{id}");
    let seen = grace.tag(&at).await;
    let stop = json!({"status": "disabled"});
    let answer = grace.call("PATCH", &at, &stop).await;
    assert_eq!(refusal(&answer), (428, "if_match_required".into()));
    assert_eq!(ok(grace.call_if(&seen, "PATCH", &at, &stop).await)["status"], "disabled");
    let answer = grace.call_if(&seen, "PATCH", &at, &stop).await;
    assert_eq!(refusal(&answer), (412, "if_match_failed".into()));
    let jane = mug_buyer(&shop).await;
    assert_eq!(refusal(&present(&jane, &code).await).1, "gift_card_unusable");
    let seen = grace.tag(&at).await;
    let answer = grace.call_if(&seen, "PATCH", &at, &stop).await;
    assert_eq!(refusal(&answer), (409, "invalid_transition".into()));
    ok(grace.call_if(&seen, "PATCH", &at, &json!({"status": "active"})).await);
    ok(present(&jane, &code).await);
    let missing = format!("{CARDS}/gc_01ARZ3NDEKTSV4RRFFQ69G5FAV");
    assert_eq!(grace.get(&missing).await.status, 404);
}

#[tokio::test]
async fn a_correction_is_made_once_under_its_key() {
    let shop = world::open().await;
    let grace = merchant(&shop).await;
    let (id, _) = card(&shop, eur(500), None).await;
    let at = format!("{CARDS}/{id}/adjust");
    let more = |amount: i64| {
        let amount = json!({"amount": amount, "currency": "EUR"});
        json!({"amount": amount, "reason": "Goodwill"})
    };
    let answer = grace.call("POST", &at, &more(250)).await;
    assert_eq!(refusal(&answer), (400, "idempotency_key_required".into()));
    for _ in 0..3 {
        let answer = keyed(&grace, "once", &at, &more(250)).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        let body = answer.value();
        assert_eq!(
            (&body["balance"]["amount"], &body["entry"]["reason"]),
            (&json!(750), &json!("Goodwill"))
        );
    }
    assert_eq!(balance(&shop, id).await, 750);
    let answer = keyed(&grace, "too-much", &at, &more(-751)).await;
    assert_eq!(refusal(&answer), (409, "balance_too_small".into()));
    assert_eq!(keyed(&grace, "all", &at, &more(-750)).await.status, 201);
    assert_eq!(balance(&shop, id).await, 0);
    shop.settle().await;
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn store_credit_is_given_and_its_customer_sees_it() {
    let shop = world::open().await;
    let grace = merchant(&shop).await;
    let jane = Shopper::customer(&shop, "jane@example.org").await;
    let me = ok(jane.get("/v1/auth/me").await);
    let at = format!("/v1/admin/customers/{}/store_credit", me["id"].as_str().unwrap());
    assert_eq!(ok(grace.get(&at).await)["balances"], json!([]));
    let give = |amount: i64, currency: &str| {
        let amount = json!({"amount": amount, "currency": currency});
        json!({"amount": amount, "reason": "A broken mug"})
    };
    for (key, amount, currency) in [("a", 900, "EUR"), ("b", -200, "EUR"), ("c", 5, "JPY")] {
        for _ in 0..2 {
            let answer = keyed(&grace, key, &at, &give(amount, currency)).await;
            assert_eq!(answer.status, 201, "{}", answer.text());
        }
    }
    let answer = keyed(&grace, "d", &at, &give(-701, "EUR")).await;
    assert_eq!(refusal(&answer), (409, "balance_too_small".into()));
    let nobody = "/v1/admin/customers/cus_01ARZ3NDEKTSV4RRFFQ69G5FAV/store_credit";
    assert_eq!(keyed(&grace, "e", nobody, &give(1, "EUR")).await.status, 404);
    let page = ok(grace.get(&format!("{at}?limit=2")).await);
    assert_eq!(page["data"].as_array().unwrap().len(), 2);
    assert_eq!(page["data"][0]["reason"], "A broken mug");
    let next = format!("{at}?limit=2&cursor={}", page["next_cursor"].as_str().unwrap());
    assert_eq!(ok(grace.get(&next).await)["data"].as_array().unwrap().len(), 1);
    let own = jane.get("/v1/store/me/store_credit").await;
    assert!(!own.text().contains("A broken mug"), "{}", own.text());
    let own = own.value();
    assert_eq!(
        own["balances"],
        json!([
            {"amount": 700, "currency": "EUR"}, {"amount": 5, "currency": "JPY"},
        ])
    );
    assert_eq!(own["data"].as_array().unwrap().len(), 3);
    shop.settle().await;
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn a_hundred_gift_cards_are_issued_together_and_listed_by_page() {
    let shop = world::open().await;
    let grace = merchant(&shop).await;
    let body = json!({"count": 100, "amount": {"amount": 1000, "currency": "EUR"}});
    let issued = grace.call("POST", &format!("{CARDS}/bulk"), &body).await;
    assert_eq!(issued.status, 201, "{}", issued.text());
    let issued = issued.value();
    let codes: std::collections::BTreeSet<_> = issued["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|card| card["code"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!((codes.len(), &issued["requested"]), (100, &json!(100)));
    let mut found = 0;
    let mut next = format!("{CARDS}?limit=60");
    loop {
        let page = ok(grace.get(&next).await);
        found += page["data"].as_array().unwrap().len();
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        next = format!("{CARDS}?limit=60&cursor={cursor}");
    }
    assert_eq!(found, 100);
    shop.settle().await;
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn what_is_left_on_a_gift_card_ends_with_it() {
    let shop = world::open().await;
    let soon = shop.clock().now().saturating_add(SignedDuration::from_mins(20)).unwrap();
    let (id, code) = card(&shop, eur(1000), Some(soon)).await;
    let (other, _) = card(&shop, eur(1000), None).await;
    let mut jane = mug_buyer(&shop).await;
    ok(present(&jane, &code).await);
    assert_eq!(jane.complete().await.status, 201);
    shop.clock().advance_ms(21 * 60 * 1000);
    // The card is over and empty; its money is with the order that waits.
    let job = "promotions.jobs.expire_gift_cards";
    assert!(matches!(shop.run_job(job).await, Outcome::Answered(_)));
    let status = |card: GiftCard| (card.status, card.balance.amount());
    let now = async |id| status(shop.store().gift_card(id).await.unwrap().unwrap());
    assert_eq!(now(id).await, (Status::Expired, 0));
    // The order comes to nothing: the money is back on a card that is over, and ends with it.
    ok(cancel(&jane).await);
    assert_eq!(now(id).await, (Status::Expired, 1000));
    assert_eq!(refusal(&present(&jane, &code).await).1, "gift_card_unusable");
    for _ in 0..2 {
        assert!(matches!(shop.run_job(job).await, Outcome::Answered(_)));
        assert_eq!(now(id).await, (Status::Expired, 0));
    }
    assert_eq!(now(other).await, (Status::Active, 1000));
    shop.settle().await;
    let facts = sound(&shop, &goods::small(world::MUGS)).await;
    let ended = facts.gift_entries.iter().filter(|entry| entry.kind == EntryKind::Expired);
    assert_eq!(ended.count(), 1);
}

#[tokio::test]
async fn who_may_read_promotions_makes_no_money() {
    let shop = world::open().await;
    let may = [Permission::PromotionsRead, Permission::PromotionsWrite];
    let clerk = Colleague::of(&shop, "clerk", &may).await;
    let body = json!({"amount": {"amount": 1, "currency": "EUR"}});
    let answer = clerk.call("POST", CARDS, &body).await;
    assert_eq!(refusal(&answer), (403, "forbidden".into()));
    assert_eq!(answer.value()["permission"], "gift_cards.issue");
    let grace = merchant(&shop).await;
    shop.clock().advance_ms(11 * 60 * 1000);
    let answer = grace.call("POST", CARDS, &body).await;
    assert_eq!(refusal(&answer), (403, "step_up_required".into()));
}
