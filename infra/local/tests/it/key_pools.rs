//! Keys: each is given once, to whoever paid for it, and shown to nobody else.

use std::collections::BTreeSet;

use domain::audit::Actor;
use domain::event::{Event, Fact};
use domain::id::{EventId, MovementId, OrderId, Ulid};
use domain::key_pool::{FreeKey, KeyText, Pool};
use domain::movement::{Kind, Movement};
use domain::permission::Permission;
use domain::stock::KEY_POOL;
use local::{Options, Request, Response, Shop};
use serde_json::{Value, json};
use store::Saved;
use store::key_pool::Adding;
use testkit::goods::{self, Goods, MUG, TEMPLATE};
use wire::{FaultKind, Mail, Plan};

use crate::gift_cards::end_behind_the_provider;
use crate::tour::inventory::post;
use crate::tour::key_pools::orders;
use crate::world::{self, Colleague, Shopper, key, ok, refusal, sound};

/// The pool of the small shop's template.
const POOL: &str = "/v1/admin/inventory/key_pools/TEMPLATE-LANDING";

/// The small shop, whose template is sold by the key.
pub(crate) fn keyed() -> Goods {
    let mut goods = goods::small(world::MUGS);
    for (product, offers) in &mut goods.products {
        let variants = product.variants.iter_mut().filter(|one| one.sku == TEMPLATE.typed_sku());
        for variant in variants {
            (variant.has_keys, variant.available) = (true, 0);
        }
        let offers = offers.iter_mut().filter(|offer| offer.sku == TEMPLATE.typed_sku());
        offers.for_each(|offer| offer.has_keys = true);
    }
    goods
}

async fn open() -> (Shop, Colleague) {
    let shop = world::open_with(Options::default(), &keyed()).await;
    let may = [Permission::InventoryRead, Permission::InventoryAdjust];
    let keeper = Colleague::of(&shop, "keeper", &may).await;
    (shop, keeper)
}

fn text(number: u32) -> String {
    format!("LICENCE-{number:04}-QX4A")
}

fn texts(numbers: std::ops::Range<u32>) -> Vec<String> {
    numbers.map(text).collect()
}

/// Puts keys into the pool without anybody's help, as a part of the past.
pub(crate) async fn stock(shop: &Shop, numbers: std::ops::Range<u32>) {
    let (store, sku, now) = (shop.store(), TEMPLATE.typed_sku(), shop.clock().now());
    let salt = "salt".to_owned();
    let pool = Pool { sku: sku.clone(), salt, added: 0, withdrawn: 0, created_at: now };
    store.open_key_pool(&pool).await.unwrap();
    let begin = u128::from(numbers.start);
    let keys: Vec<FreeKey> = texts(numbers)
        .iter()
        .map(|text| KeyText::parse(text).unwrap())
        .map(|text| FreeKey { id: text.id("salt"), text })
        .collect();
    let movement = Movement {
        id: MovementId::from_ulid(Ulid::from_parts(1, begin)),
        sku: sku.clone(),
        location: KEY_POOL,
        kind: Kind::Received,
        quantity: i64::try_from(keys.len()).unwrap(),
        reason: None,
        reference: None,
        actor: Actor::System,
        at: now,
    };
    let id = EventId::from_ulid(Ulid::from_parts(1, begin));
    let events = [Event { id, at: now, sequence: 1, fact: Fact::KeysAdded { sku: sku.clone() } }];
    let (keys, movement, events) = (keys.as_slice(), &movement, events.as_slice());
    let adding = Adding { keys, batch: "past", actor: Actor::System, movement, events };
    assert_eq!(store.add_keys(&sku, &adding).await.unwrap(), Saved::Yes);
}

async fn fill(keeper: &Colleague, keys: &[String]) -> Response {
    let path = format!("/key_pools/{}/keys", TEMPLATE.sku);
    post(keeper, &path, &json!({"keys": keys})).await
}

async fn withdraw(keeper: &Colleague, ids: &[&Value]) -> Response {
    let path = format!("/key_pools/{}/withdrawals", TEMPLATE.sku);
    post(keeper, &path, &json!({"key_ids": ids, "reason": "Leaked"})).await
}

async fn pool(keeper: &Colleague) -> Value {
    ok(keeper.get(POOL).await)
}

async fn buyer(shop: &Shop, number: u8, quantity: u32) -> Shopper {
    orders(shop, &format!("203.0.113.{number}"), &TEMPLATE.variant(), quantity).await
}

/// The keys that an order shows.
async fn shown(buyer: &Shopper) -> Vec<String> {
    let order = buyer.view_order().await;
    let lines = order["keys"].as_array().unwrap().iter();
    lines
        .flat_map(|line| line["keys"].as_array().unwrap())
        .map(|key| key["key"].as_str().unwrap().to_owned())
        .collect()
}

/// What a letter says, in both its forms.
fn said(letter: &Mail) -> String {
    [&letter.html, &letter.text].into_iter().flatten().cloned().collect::<Vec<_>>().join("\n")
}

/// The letters that keys which had to follow are there.
fn told(shop: &Shop) -> Vec<Mail> {
    let is_told = |mail: &Mail| mail.subject.starts_with("The keys of your order");
    shop.mails().into_iter().filter(is_told).collect()
}

async fn stands(shop: &Shop) {
    sound(shop, &keyed()).await;
}

#[tokio::test]
async fn each_unit_that_is_paid_gets_a_key_of_its_own_and_a_letter_says_where() {
    let (shop, keeper) = open().await;
    let added = fill(&keeper, &texts(0..5)).await;
    assert_eq!((added.status, &added.value()["added"]), (201, &json!(5)));
    shop.settle().await;
    let product = ok(keeper.get("/v1/store/products/landing-template").await);
    assert_eq!(product["variants"][0]["available"], 5);
    let jane = buyer(&shop, 1, 3).await;
    assert_eq!(shown(&jane).await, Vec::<String>::new(), "nothing before it is paid");
    assert_eq!((pool(&keeper).await["promised"].clone()), 3);
    jane.pay("pm_card_visa");
    shop.settle().await;
    let keys = shown(&jane).await;
    let different: BTreeSet<&String> = keys.iter().collect();
    assert_eq!((keys.len(), different.len()), (3, 3));
    assert!(keys.iter().all(|key| texts(0..5).contains(key)));
    let order = jane.view_order().await;
    assert_eq!(order["fulfillment_status"], "delivered");
    assert_eq!(order["keys"][0]["following"], 0);
    let wanted = json!({"sku": TEMPLATE.sku, "free": 2, "promised": 0, "for_sale": 2, "given": 3,
        "withdrawn": 0, "waiting": []});
    assert_eq!(pool(&keeper).await, wanted);
    let letter = said(&shop.mails().pop().expect("a letter"));
    assert!(letter.contains("Your keys:") && letter.contains("on your order's page"), "{letter}");
    assert!(keys.iter().all(|key| !letter.contains(key)));
    stands(&shop).await;
}

#[tokio::test]
async fn what_is_told_twice_gives_the_same_keys() {
    let (shop, keeper) = open().await;
    fill(&keeper, &texts(0..4)).await;
    let jane = buyer(&shop, 1, 2).await;
    jane.pay("pm_card_visa");
    shop.settle().await;
    let keys = shown(&jane).await;
    // The id of the event follows from the order and the event's number.
    let placed = OrderId::parse(&jane.order).unwrap().ulid();
    let placed = Ulid::from_parts(placed.timestamp_ms(), placed.random() ^ 1);
    for _ in 0..2 {
        let event = json!({"id": EventId::from_ulid(placed), "at": "2026-11-02T09:00:00Z",
            "sequence": 1, "type": "order.placed", "order_id": jane.order});
        let message = json!({"Records": [{"messageId": "m", "receiptHandle": "r",
            "body": event.to_string(), "attributes": {"ApproximateReceiveCount": "1"},
            "messageAttributes": {}, "md5OfBody": "", "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-central-1:000000000000:fluxion-order-events",
            "awsRegion": "eu-central-1"}]});
        shop.invoke("orders.jobs.on_order_placed", message).await.answer();
    }
    shop.settle().await;
    assert_eq!(shown(&jane).await, keys);
    assert_eq!(pool(&keeper).await["free"], 2);
    stands(&shop).await;
}

#[tokio::test]
async fn nothing_is_sold_that_has_no_key_and_many_who_want_the_last_ones_get_one_each() {
    let (shop, keeper) = open().await;
    let mut early = Shopper::guest(&shop).await;
    early.ready(TEMPLATE, 1).await;
    let refused = early.complete().await;
    assert_eq!(refusal(&refused), (409, "insufficient_stock".into()));
    fill(&keeper, &texts(0..3)).await;
    let mut all = Vec::new();
    for number in 10..18 {
        let mut one = Shopper::from(&shop, &format!("203.0.113.{number}"));
        one.open_cart("EUR").await;
        one.ready(TEMPLATE, 1).await;
        all.push(tokio::spawn(async move {
            let status = one.complete().await.status;
            (one, status)
        }));
    }
    let mut lucky = Vec::new();
    for one in all {
        let (one, status) = one.await.unwrap();
        assert!([201, 409].contains(&status), "{status}");
        if status == 201 {
            lucky.push(one);
        }
    }
    assert_eq!(lucky.len(), 3);
    for one in &lucky {
        one.pay("pm_card_visa");
    }
    shop.settle().await;
    let mut keys = BTreeSet::new();
    for one in &lucky {
        keys.extend(shown(one).await);
    }
    assert_eq!(keys.len(), 3);
    assert_eq!(pool(&keeper).await["for_sale"], 0);
    stands(&shop).await;
}

#[tokio::test]
async fn an_order_that_is_called_off_gives_its_keys_back_and_one_that_is_paid_keeps_them() {
    let (shop, keeper) = open().await;
    fill(&keeper, &texts(0..2)).await;
    let jane = buyer(&shop, 1, 2).await;
    let path = format!("/v1/store/orders/{}/cancel", jane.order);
    ok(jane.call("POST", &path, &json!({})).await);
    let mut mixed = Shopper::from(&shop, "203.0.113.2");
    mixed.open_cart("EUR").await;
    mixed.add(TEMPLATE, 2).await;
    mixed.ready(MUG, 1).await;
    assert_eq!(mixed.complete().await.status, 201);
    mixed.pay("pm_card_visa");
    shop.settle().await;
    assert_eq!(shown(&mixed).await.len(), 2);
    let order = mixed.view_order().await;
    assert_eq!(order["fulfillment_status"], "partially_delivered", "the mug is not there yet");
    let path = format!("/v1/store/orders/{}/cancel", mixed.order);
    assert_eq!(mixed.call("POST", &path, &json!({})).await.status, 409);
    assert_eq!(pool(&keeper).await["given"], 2);
    stands(&shop).await;
}

#[tokio::test]
async fn money_that_comes_late_finds_no_key_and_the_key_follows_when_there_are_new_ones() {
    let (shop, keeper) = open().await;
    fill(&keeper, &texts(0..1)).await;
    let (jane, mary) = {
        let jane = buyer(&shop, 1, 1).await;
        end_behind_the_provider(&shop, &jane.order).await;
        let mary = buyer(&shop, 2, 1).await;
        end_behind_the_provider(&shop, &mary.order).await;
        (jane, mary)
    };
    let joe = buyer(&shop, 3, 1).await;
    joe.pay("pm_card_visa");
    shop.settle().await;
    for late in [&jane, &mary] {
        late.pay("pm_card_visa");
        shop.advance(1).await;
        shop.settle().await;
        let order = late.view_order().await;
        assert_eq!(
            (&order["status"], &order["payment_status"]),
            (&json!("placed"), &json!("paid"))
        );
        assert_eq!(order["keys"][0]["following"], 1);
        let letter = said(&shop.mails().pop().expect("a letter"));
        assert!(letter.contains("1 to follow"), "{letter}");
    }
    let waiting = pool(&keeper).await["waiting"].clone();
    let waiting: Vec<_> = waiting.as_array().unwrap().iter().map(|one| &one["order_id"]).collect();
    assert_eq!(waiting, [&json!(jane.order), &json!(mary.order)]);
    // Nobody else is sold what is owed.
    fill(&keeper, &texts(1..2)).await;
    shop.settle().await;
    assert_eq!((shown(&jane).await, shown(&mary).await.len()), (texts(1..2), 0));
    let letters = told(&shop);
    assert_eq!(letters.len(), 1);
    assert!(!said(&letters[0]).contains(&text(1)));
    fill(&keeper, &texts(2..5)).await;
    shop.settle().await;
    assert_eq!(shown(&mary).await.len(), 1);
    assert_eq!(told(&shop).len(), 2);
    let left = pool(&keeper).await;
    assert_eq!((&left["for_sale"], &left["waiting"]), (&json!(2), &json!([])));
    stands(&shop).await;
}

#[tokio::test]
async fn a_late_order_never_takes_the_key_that_another_one_holds() {
    let (shop, keeper) = open().await;
    fill(&keeper, &texts(0..1)).await;
    let jane = buyer(&shop, 1, 1).await;
    end_behind_the_provider(&shop, &jane.order).await;
    // Joe holds the last one and has not paid yet.
    let joe = buyer(&shop, 2, 1).await;
    jane.pay("pm_card_visa");
    shop.settle().await;
    assert_eq!(jane.view_order().await["keys"][0]["following"], 1);
    joe.pay("pm_card_visa");
    shop.settle().await;
    assert_eq!(shown(&joe).await, texts(0..1));
    assert_eq!(shown(&jane).await, Vec::<String>::new());
    stands(&shop).await;
}

#[tokio::test]
async fn strangers_see_no_keys_and_staff_see_endings() {
    let (shop, keeper) = open().await;
    fill(&keeper, &texts(0..2)).await;
    let jane = buyer(&shop, 1, 1).await;
    jane.pay("pm_card_visa");
    shop.settle().await;
    let sold = shown(&jane).await;
    let mut stranger = Shopper::from(&shop, "203.0.113.9");
    stranger.open_cart("EUR").await;
    stranger.order = jane.order.clone();
    let path = format!("/v1/store/orders/{}", jane.order);
    for token in [None, stranger.cart_token.clone(), Some("0".repeat(43))] {
        stranger.order_token = token;
        let answer = stranger.get(&path).await;
        assert!([401, 404].contains(&answer.status), "{}", answer.status);
        assert!(!answer.text().contains(&sold[0]));
    }
    let list = keeper.get(&format!("{POOL}/keys")).await;
    let body = ok(list.clone());
    let rows = body["data"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row["ending"] == "QX4A"));
    let given: Vec<_> = rows.iter().filter(|row| row["state"] == "given").collect();
    assert_eq!((given.len(), &given[0]["order_id"]), (1, &json!(jane.order)));
    for answer in [list, keeper.get(POOL).await] {
        assert!(texts(0..2).iter().all(|key| !answer.text().contains(key)));
    }
    // Where texts lie: with the free ones and with the order, in no log, event or list.
    let audit = shop.audit_log().await.unwrap();
    let noted = serde_json::to_string(&audit).unwrap();
    assert!(texts(0..2).iter().all(|key| !noted.contains(key)), "{noted}");
    assert!(noted.contains("keys.add"));
    let file = shop.store().order(OrderId::parse(&jane.order).unwrap()).await.unwrap().unwrap();
    assert!(!format!("{file:?}").contains(&sold[0]), "what is printed shows no key");
}

#[tokio::test]
async fn keys_are_added_once_and_what_is_left_out_is_named() {
    let (shop, keeper) = open().await;
    let mut keys = texts(0..3);
    keys.push(text(1));
    let first = fill(&keeper, &keys).await.value();
    let twice = json!([{"position": 3, "ending": "QX4A", "why": "repeated"}]);
    assert_eq!((&first["added"], &first["skipped"]), (&json!(3), &twice));
    let again = fill(&keeper, &texts(2..4)).await.value();
    let known = json!([{"position": 0, "ending": "QX4A", "why": "known"}]);
    assert_eq!((&again["added"], &again["skipped"]), (&json!(1), &known));
    let same = key();
    let body = json!({"keys": texts(10..12)});
    let ask = || {
        let request = Request::new("POST", &format!("{POOL}/keys"));
        keeper.send(request.header("idempotency-key", &same).json(&body))
    };
    let (one, two) = (ask().await, ask().await);
    assert_eq!((one.value(), two.header("idempotent-replayed")), (two.value(), Some("true")));
    let bare = keeper.call("POST", &format!("{POOL}/keys"), &body).await;
    assert_eq!(refusal(&bare), (400, "idempotency_key_required".into()));
    assert_eq!(pool(&keeper).await["free"], 6);
    let body = json!({"keys": texts(20..21)});
    let mug = post(&keeper, &format!("/key_pools/{}/keys", MUG.sku), &body).await;
    assert_eq!(refusal(&mug), (409, "variant_has_no_keys".into()));
    let nothing = post(&keeper, "/key_pools/NO-SUCH-THING/keys", &body).await;
    assert_eq!(nothing.status, 404);
    assert_eq!(keeper.get("/v1/admin/inventory/key_pools/MUG-BLUE").await.status, 404);
    shop.settle().await;
    stands(&shop).await;
}

#[tokio::test]
async fn who_dies_while_adding_many_keys_adds_the_rest_under_the_same_key() {
    for at in 1..40 {
        let (shop, keeper) = open().await;
        fill(&keeper, &texts(500..501)).await;
        shop.settle().await;
        let keys = texts(0..90);
        let (same, body) = (key(), json!({"keys": keys}));
        shop.wire().faults().arm(Plan::at(at, FaultKind::DieAfter));
        let mut last = None;
        for _ in 0..6 {
            let request = Request::new("POST", &format!("{POOL}/keys"));
            let answer = keeper.send(request.header("idempotency-key", &same).json(&body)).await;
            if answer.status == 201 {
                last = Some(answer.value());
                break;
            }
            shop.clock().advance_ms(61_000);
        }
        let fired = !shop.wire().faults().fired().is_empty();
        shop.wire().faults().disarm();
        let last = last.expect("an answer");
        assert_eq!((&last["added"], &last["skipped"]), (&json!(90), &json!([])), "call {at}");
        shop.settle_all().await;
        assert_eq!(pool(&keeper).await["free"], 91);
        stands(&shop).await;
        if !fired {
            assert!(at > 8, "there are more calls than {at}");
            return;
        }
    }
    panic!("more calls than were tried");
}

#[tokio::test]
async fn free_keys_are_withdrawn_given_and_promised_ones_are_not() {
    let (shop, keeper) = open().await;
    fill(&keeper, &texts(0..3)).await;
    let jane = buyer(&shop, 1, 1).await;
    jane.pay("pm_card_visa");
    shop.settle().await;
    let list = ok(keeper.get(&format!("{POOL}/keys")).await);
    let rows = list["data"].as_array().unwrap();
    let (free, given): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row["state"] == "free");
    let refused = withdraw(&keeper, &[&free[0]["id"], &given[0]["id"]]).await;
    assert_eq!(refusal(&refused), (409, "key_given".into()));
    assert_eq!(refused.value()["errors"][0]["pointer"], "/key_ids/1");
    let nobodys = json!("pky_01ARZ3NDEKTSV4RRFFQ69G5FAV");
    let refused = withdraw(&keeper, &[&nobodys]).await;
    assert_eq!(refusal(&refused), (409, "unknown_key".into()));
    let joe = buyer(&shop, 2, 1).await;
    let refused = withdraw(&keeper, &[&free[0]["id"], &free[1]["id"]]).await;
    assert_eq!(refusal(&refused), (409, "keys_promised".into()));
    for withdrawn in [1, 0] {
        let done = withdraw(&keeper, &[&free[0]["id"]]).await;
        assert_eq!((done.status, &done.value()["withdrawn"]), (201, &json!(withdrawn)));
    }
    joe.pay("pm_card_visa");
    shop.settle().await;
    assert_eq!(shown(&joe).await.len(), 1);
    let left = pool(&keeper).await;
    assert_eq!(
        (&left["free"], &left["given"], &left["withdrawn"]),
        (&json!(0), &json!(2), &json!(1))
    );
    // What was withdrawn was never given: it may come back.
    let back = fill(&keeper, &texts(0..3)).await.value();
    assert_eq!(back["added"], 1);
    assert_eq!(pool(&keeper).await["free"], 1);
    shop.settle().await;
    stands(&shop).await;
}

#[tokio::test]
async fn keys_are_counted_by_their_pool_alone() {
    let (shop, keeper) = open().await;
    fill(&keeper, &texts(0..2)).await;
    shop.settle().await;
    let here = KEY_POOL.to_string();
    let line = json!({"sku": TEMPLATE.sku, "location_id": here, "quantity": 7});
    let counted = post(&keeper, "/counts", &json!({"lines": [line]})).await;
    assert_eq!(counted.status, 400, "{}", counted.text());
    let level = format!("/v1/admin/inventory/levels/{}/{here}", TEMPLATE.sku);
    let tag = keeper.tag(&level).await;
    let early = keeper.call_if(&tag, "PATCH", &level, &json!({"backorder_max": 1})).await;
    assert_eq!(refusal(&early), (409, "keys_are_not_sold_early".into()));
    ok(keeper.call_if(&tag, "PATCH", &level, &json!({"threshold": 5})).await);
    let arm = json!({"shards": 2, "location_id": here});
    let armed = post(&keeper, &format!("/{}/arm", TEMPLATE.sku), &arm).await;
    assert_eq!(armed.status, 404, "{}", armed.text());
    shop.settle().await;
    shop.run_job("inventory.jobs.prove").await;
    shop.run_job("inventory.jobs.send_digest").await;
    shop.settle().await;
    assert!(shop.mails().iter().any(|mail| said(mail).contains(TEMPLATE.sku)), "no digest");
    assert_eq!(ok(keeper.get("/v1/admin/inventory/findings").await)["data"], json!([]));
    stands(&shop).await;
}

#[tokio::test]
async fn what_has_no_keys_costs_what_it_cost_and_what_has_some_two_calls_more() {
    let (shop, keeper) = open().await;
    fill(&keeper, &texts(0..4)).await;
    shop.settle().await;
    let job = "orders.jobs.on_order_placed";
    let mut costs = Vec::new();
    for (number, good) in [(1, MUG), (2, MUG), (3, TEMPLATE), (4, TEMPLATE)] {
        let mut who = Shopper::from(&shop, &format!("203.0.113.{number}"));
        who.open_cart("EUR").await;
        who.ready(good, 2).await;
        let mark = shop.wire().recorder().mark();
        assert_eq!(who.complete().await.status, 201);
        let complete = shop.wire().recorder().since(mark);
        let calls = complete.iter().filter(|call| call.caller == "checkout.store.complete").count();
        shop.settle().await;
        let mark = shop.wire().recorder().mark();
        who.pay("pm_card_visa");
        shop.settle().await;
        let after = shop.wire().recorder().since(mark);
        let of_job = after.iter().filter(|call| call.caller == job && call.service == "dynamodb");
        costs.push((calls, of_job.count()));
    }
    // A hold is a hold: the pool is one of the places of the placing transaction. Afterwards one
    // query finds keys and one transaction gives them, before and after which the order is read.
    assert_eq!(costs[1].0, costs[3].0, "{costs:?}");
    println!("complete and giving: {costs:?}");
    assert!(costs[1].1 <= 4 && costs[3].1 <= costs[1].1 + 4, "{costs:?}");
}
