//! Promotions, from the merchant's draft to the order that is paid, and in the crowd.

use domain::permission::Permission;
use local::{Request, Response, Shop};
use serde_json::{Value, json};
use testkit::goods::{self, MUG, SOCKS, SOCKS_L, TEMPLATE};

use crate::world::{self, Colleague, Shopper, address, key, ok, refusal, sound};

/// Clients who want the same at once, and how often they do.
const CLIENTS: usize = 50;
const ROUNDS: usize = 20;
/// How often somebody asks again whom the shop was too busy to answer.
const TRIES_MAX: usize = 200;
/// Automatic promotions are believed for a minute.
const BELIEVED_MS: i64 = 60_000;

const PROMOTIONS: &str = "/v1/admin/promotions";

async fn merchant(shop: &Shop) -> Colleague {
    let all = [Permission::PromotionsRead, Permission::PromotionsWrite];
    Colleague::of(shop, &format!("merchant-{}", key()), &all).await
}

/// A promotion of these terms that is active.
async fn active(who: &Colleague, terms: &Value) -> String {
    let made = who.call("POST", PROMOTIONS, terms).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let id = made.value()["id"].as_str().unwrap().to_owned();
    assert_eq!(made.value()["status"], "draft");
    ok(who.call("POST", &format!("{PROMOTIONS}/{id}/activate"), &json!({})).await);
    who.shop.clock().advance_ms(BELIEVED_MS);
    id
}

/// A promotion that a code opens.
async fn by_code(who: &Colleague, code: &str, action: Value, more: &Value) -> String {
    let mut terms = json!({"name": code, "trigger": "code", "actions": [action]});
    for (name, value) in more.as_object().unwrap() {
        terms[name] = value.clone();
    }
    let id = active(who, &terms).await;
    let codes = format!("{PROMOTIONS}/{id}/codes");
    let made = who.call("POST", &codes, &json!({"code": code})).await;
    assert_eq!(made.status, 201, "{}", made.text());
    id
}

fn ten_percent() -> Value {
    json!({"type": "percent", "ppm": 100_000, "target": "order"})
}

fn off(amount: i64) -> Value {
    json!({"type": "fixed", "amounts": {"EUR": amount}, "target": "order"})
}

/// Types a code into the cart.
async fn enter(who: &Shopper, code: &str) -> Response {
    let path = format!("/v1/store/carts/{}/codes", who.cart);
    who.call("POST", &path, &json!({"code": code})).await
}

async fn uses(who: &Colleague, id: &str) -> (i64, i64) {
    let shown = ok(who.get(&format!("{PROMOTIONS}/{id}")).await);
    let spent = shown["uses"]["spent"][0]["amount"].as_i64().unwrap_or(0);
    (shown["uses"]["orders"].as_i64().unwrap(), spent)
}

fn amount(totals: &Value, name: &str) -> i64 {
    totals[name]["amount"].as_i64().unwrap()
}

/// Buys what is in the cart, and looks that every sum is what is paid.
async fn buy(who: &mut Shopper) -> Value {
    let answer = who.complete().await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let (status, intent) = who.pay("pm_card_visa");
    assert_eq!((status, intent["status"].as_str()), (200, Some("succeeded")), "{intent}");
    who.shop.settle().await;
    let order = who.view_order().await;
    assert_eq!(order["status"], "placed");
    let totals = &order["totals"];
    assert_eq!(intent["amount"], totals["total"]["amount"]);
    let lines = order["lines"].as_array().unwrap();
    let sum = |name: &str| lines.iter().map(|line| amount(line, name)).sum::<i64>();
    let off_shipping: i64 = order["promotions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| amount(one, "shipping_amount"))
        .sum();
    assert_eq!(
        sum("total") + amount(totals, "shipping") - off_shipping,
        amount(totals, "total"),
        "{order}"
    );
    assert_eq!(sum("discount") + off_shipping, amount(totals, "discount"));
    for line in lines {
        let parts = line["discounts"].as_array().unwrap().iter();
        assert_eq!(parts.map(|part| amount(part, "amount")).sum::<i64>(), amount(line, "discount"));
    }
    order
}

#[tokio::test]
async fn each_kind_of_promotion_is_bought_with() {
    let goods = goods::small(100);
    let shop = world::open_with(local::Options::default(), &goods).await;
    let tiers = json!([
        {"from_quantity": 2, "reward": {"type": "percent", "ppm": 50_000}},
        {"from_quantity": 4, "reward": {"type": "fixed", "amounts": {"EUR": 700}}},
    ]);
    // Four mugs of 12.50 and two pairs of socks of 8.00 are 66.00; sending them is 4.90.
    let kinds = [
        (ten_percent(), 660, 0),
        (off(1000), 1000, 0),
        (
            json!({"type": "fixed", "amounts": {"EUR": 150}, "target": "lines", "per": "unit"}),
            900,
            0,
        ),
        (json!({"type": "free_shipping"}), 490, 490),
        (json!({"type": "percent", "ppm": 500_000, "target": "shipping"}), 245, 245),
        (json!({"type": "buy_x_get_y", "buy": 2, "get": 1, "ppm": 1_000_000}), 1600, 0),
        (json!({"type": "tiered", "by": "quantity", "target": "order", "tiers": tiers}), 700, 0),
    ];
    for (number, (action, wanted, shipping)) in kinds.into_iter().enumerate() {
        for trigger in ["automatic", "code"] {
            let ann = merchant(&shop).await;
            let mut jane = Shopper::from(&shop, &format!("10.{number}.{}.1", trigger.len()));
            let code = format!("KIND-{number}");
            let id = if trigger == "code" {
                by_code(&ann, &code, action.clone(), &json!({})).await
            } else {
                let terms = json!({"name": "Kind", "trigger": trigger, "actions": [action]});
                active(&ann, &terms).await
            };
            jane.open_cart("EUR").await;
            jane.add(MUG, 4).await;
            jane.add(SOCKS, 2).await;
            jane.addresses().await;
            jane.ship_by("home-standard").await;
            if trigger == "code" {
                let shown = ok(enter(&jane, &code.to_lowercase()).await);
                assert_eq!(shown["codes"], json!([code]));
            }
            let order = buy(&mut jane).await;
            assert_eq!(amount(&order["totals"], "discount"), wanted, "{order}");
            assert_eq!(order["promotions"][0]["promotion_id"], json!(id));
            assert_eq!(amount(&order["promotions"][0], "shipping_amount"), shipping);
            assert_eq!(amount(&order["totals"], "total"), 6600 + 490 - wanted);
            assert_eq!(uses(&ann, &id).await, (1, wanted));
            ok(ann.call("POST", &format!("{PROMOTIONS}/{id}/end"), &json!({})).await);
            shop.clock().advance_ms(BELIEVED_MS);
        }
    }
    shop.settle().await;
    sound(&shop, &goods).await;
}

#[tokio::test]
async fn a_code_that_does_not_go_with_the_cart_says_why() {
    let shop = world::open().await;
    let ann = merchant(&shop).await;
    let mut jane = Shopper::guest(&shop).await;
    assert_eq!(refusal(&enter(&jane, "NOSUCH").await), (404, "code_unknown".into()));
    let goods = json!({"conditions": {"subtotal_min": {"EUR": 5000}}});
    by_code(&ann, "LARGE", ten_percent(), &goods).await;
    let answer = enter(&jane, "large").await;
    assert_eq!(refusal(&answer), (409, "code_not_applicable".into()));
    assert_eq!(answer.value()["reason"]["code"], "no_goods");
    jane.add(MUG, 1).await;
    let answer = enter(&jane, "large").await;
    assert_eq!(answer.value()["reason"]["missing"]["amount"], 3750);

    let id = by_code(&ann, "SHORT", ten_percent(), &json!({})).await;
    ok(ann.call("POST", &format!("{PROMOTIONS}/{id}/pause"), &json!({})).await);
    let answer = enter(&jane, "SHORT").await;
    assert_eq!(refusal(&answer), (409, "code_not_applicable".into()));
    assert_eq!(answer.value()["reason"], json!({"code": "not_active", "status": "paused"}));
    ok(ann.call("POST", &format!("{PROMOTIONS}/{id}/end"), &json!({})).await);
    assert_eq!(refusal(&enter(&jane, "SHORT").await), (409, "code_expired".into()));

    let until = shop.clock().now() + jiff_hours(1);
    let until = json!({"conditions": {"until": until.to_string()}});
    by_code(&ann, "TODAY", ten_percent(), &until).await;
    let shown = ok(enter(&jane, "TODAY").await);
    assert_eq!(amount(&shown["totals"], "discount"), 125);
    assert_eq!(amount(&shown["lines"][0]["discounts"][0], "amount"), 125);
    shop.clock().advance_ms(3_600_000);
    let shown = jane.view_cart().await;
    assert_eq!(amount(&shown["totals"], "discount"), 0);
    assert_eq!(shown["promotions"][0]["reason"]["code"], "expired");
    let at = format!("/v1/store/carts/{}/codes/today", jane.cart);
    let without = jane.send(local::Request::new("DELETE", &at)).await;
    assert_eq!(ok(without)["codes"], json!([]));
    let without = jane.send(local::Request::new("DELETE", &at)).await;
    assert_eq!(refusal(&without), (404, "code_not_found".into()));

    // One use, and one each. An hour later, somebody else is at work.
    let ann = merchant(&shop).await;
    let once = json!({"limits": {"uses_total": 2, "uses_per_customer": 1}});
    let id = by_code(&ann, "ONCE", off(100), &once).await;
    jane.addresses().await;
    jane.ship_by("home-standard").await;
    ok(enter(&jane, "ONCE").await);
    buy(&mut jane).await;
    jane.order_token = None;
    jane.open_cart("EUR").await;
    jane.add(MUG, 1).await;
    jane.addresses().await;
    let answer = enter(&jane, "ONCE").await;
    assert_eq!(refusal(&answer), (409, "code_exhausted".into()));
    assert_eq!(answer.value()["reason"]["code"], "used_by_customer");
    assert_eq!(uses(&ann, &id).await, (1, 100));
    shop.settle().await;
    sound(&shop, &goods::small(world::MUGS)).await;
}

fn jiff_hours(hours: i64) -> jiff::SignedDuration {
    jiff::SignedDuration::from_hours(hours)
}

#[tokio::test]
async fn who_guesses_codes_is_stopped_and_who_knows_one_is_not() {
    let shop = world::open().await;
    let ann = merchant(&shop).await;
    by_code(&ann, "KNOWN", ten_percent(), &json!({})).await;
    let jane = Shopper::guest(&shop).await;
    jane.add(MUG, 1).await;
    for _ in 0..25 {
        ok(enter(&jane, "KNOWN").await);
    }
    let joe = Shopper { ip: "203.0.113.77".to_owned(), ..jane.clone() };
    for guess in 0..20 {
        assert_eq!(enter(&joe, &format!("GUESS-{guess}")).await.status, 404);
    }
    assert_eq!(refusal(&enter(&joe, "KNOWN").await), (429, "rate_limited".into()));
    ok(enter(&jane, "KNOWN").await);
}

#[tokio::test]
async fn an_order_that_is_never_paid_gives_its_use_back_once() {
    let shop = world::open().await;
    let ann = merchant(&shop).await;
    let terms = json!({"limits": {"uses_total": 1, "budget": {"EUR": 300}}});
    let id = by_code(&ann, "LAST", off(300), &terms).await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 1).await;
    ok(enter(&jane, "LAST").await);
    assert_eq!(jane.complete().await.status, 201);
    assert_eq!(uses(&ann, &id).await, (1, 300));
    let mut joe = Shopper::from(&shop, "203.0.113.50");
    joe.open_cart("EUR").await;
    joe.ready(MUG, 1).await;
    assert_eq!(refusal(&enter(&joe, "LAST").await), (409, "code_exhausted".into()));
    let cancel = format!("/v1/store/orders/{}/cancel", jane.order);
    ok(jane.call("POST", &cancel, &json!({})).await);
    jane.call("POST", &cancel, &json!({})).await;
    shop.advance(40 * 60).await;
    let ann = merchant(&shop).await;
    assert_eq!(uses(&ann, &id).await, (0, 0));
    ok(enter(&joe, "LAST").await);
    assert_eq!(joe.complete().await.status, 201);
    assert_eq!(uses(&ann, &id).await, (1, 300));
    // Nobody pays this one either: its time runs out.
    shop.advance(40 * 60).await;
    let ann = merchant(&shop).await;
    shop.settle().await;
    assert_eq!(uses(&ann, &id).await, (0, 0));
    shop.settle().await;
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn the_first_order_is_the_first_of_its_buyer() {
    let shop = world::open().await;
    let ann = merchant(&shop).await;
    let first = json!({"conditions": {"first_order": true}});
    by_code(&ann, "WELCOME", off(200), &first).await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(SOCKS, 1).await;
    ok(enter(&jane, "WELCOME").await);
    // In another browser at the same time: only one of them is the first.
    let mut again = Shopper::from(&shop, "203.0.113.51");
    again.open_cart("EUR").await;
    again.ready(SOCKS_L, 1).await;
    ok(enter(&again, "WELCOME").await);
    let seen = again.view_cart().await["totals"]["total"].clone();
    buy(&mut jane).await;
    let late = again.complete_at(&key(), &seen).await;
    assert_eq!(refusal(&late), (409, "total_changed".into()));
    let shown = again.view_cart().await;
    assert_eq!(shown["promotions"][0]["reason"]["code"], "not_first_order");
}

#[tokio::test]
async fn a_group_of_customers_gets_what_is_theirs() {
    let shop = world::open().await;
    let ann = merchant(&shop).await;
    let all = [Permission::CustomersRead, Permission::CustomersWrite];
    let carl = Colleague::of(&shop, "carl", &all).await;
    let vip = json!({"conditions": {"customer_groups": ["vip"]}});
    by_code(&ann, "VIPS", off(200), &vip).await;
    let mut jane = Shopper::customer(&shop, "jane@example.org").await;
    jane.open_cart("EUR").await;
    jane.add(MUG, 1).await;
    let answer = enter(&jane, "VIPS").await;
    assert_eq!(answer.value()["reason"]["code"], "other_customers");
    let me = ok(jane.get("/v1/auth/me").await);
    let groups = format!("/v1/admin/customers/{}/groups", me["id"].as_str().unwrap());
    for _ in 0..2 {
        let body = json!({"group": "vip", "is_member": true});
        let shown = ok(carl.call("POST", &groups, &body).await);
        assert_eq!(shown["groups"], json!(["vip"]));
    }
    ok(enter(&jane, "VIPS").await);
    let shown = ok(carl.call("POST", &groups, &json!({"group": "vip", "is_member": false})).await);
    assert_eq!(shown["groups"], json!([]));
    let shown = jane.view_cart().await;
    assert_eq!(shown["promotions"][0]["reason"]["code"], "other_customers");
    assert_eq!(refusal(&ann.get(&groups).await), (403, "forbidden".into()));
}

/// Completes at this total, as often as the shop is too busy to answer.
async fn persist(who: &mut Shopper, total: &Value) -> Response {
    let key = key();
    for _ in 0..TRIES_MAX {
        let answer = who.complete_at(&key, total).await;
        if answer.status != 503 {
            return answer;
        }
        tokio::task::yield_now().await;
    }
    panic!("the shop never answered");
}

/// A crowd that has the code in its carts and completes them at once; who won.
async fn crowd(shop: &Shop, round: usize, code: &str) -> Vec<Shopper> {
    let mut getting_ready = Vec::new();
    for client in 0..CLIENTS {
        let mut who = Shopper::from(shop, &format!("10.{round}.{client}.1"));
        let code = code.to_owned();
        getting_ready.push(tokio::spawn(async move {
            who.open_cart("EUR").await;
            who.add(TEMPLATE, 1).await;
            let path = format!("/v1/store/carts/{}/addresses", who.cart);
            let email = format!("client-{round}-{client}@example.org");
            let body = json!({"email": email, "shipping_address": address()});
            ok(who.call("PUT", &path, &body).await);
            let shown = ok(enter(&who, &code).await);
            (who, shown["totals"]["total"].clone())
        }));
    }
    let mut ready = Vec::new();
    for one in getting_ready {
        ready.push(one.await.unwrap());
    }
    let completing: Vec<_> = ready
        .into_iter()
        .map(|(mut who, total)| {
            tokio::spawn(async move {
                let answer = persist(&mut who, &total).await;
                (who, answer)
            })
        })
        .collect();
    let mut won = Vec::new();
    for one in completing {
        let (who, answer) = one.await.unwrap();
        if answer.status == 201 {
            won.push(who);
            continue;
        }
        // Before the transaction it shows in the total, in it by the promotion's name.
        let (status, why) = refusal(&answer);
        assert!(
            status == 409 && ["total_changed", "promotion_exhausted"].contains(&why.as_str()),
            "{}",
            answer.text()
        );
    }
    won
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_people_want_the_last_uses_and_not_one_too_many_gets_one() {
    let shop = world::open().await;
    let mut ann = merchant(&shop).await;
    for round in 0..ROUNDS {
        // Her session has ended while the orders waited for money.
        shop.clock().advance_ms(BELIEVED_MS);
        ann.sign_in().await;
        // Once the last use of all, once the last of the budget, once one code of one use.
        let (limits, allowed) = match round % 3 {
            0 => (json!({"limits": {"uses_total": 3}}), 3),
            1 => (json!({"limits": {"budget": {"EUR": 1099}}}), 5),
            _ => (json!({}), 1),
        };
        let mut code = format!("RACE-{round}");
        let id = by_code(&ann, &code, off(200), &limits).await;
        if round % 3 == 2 {
            let codes = format!("{PROMOTIONS}/{id}/codes");
            let made = ann.call("POST", &codes, &json!({"count": 1})).await.value();
            code = made["data"][0]["code"].as_str().unwrap().to_owned();
        }
        let won = crowd(&shop, round, &code).await;
        assert_eq!(won.len(), allowed, "round {round}");
        let counted = i64::try_from(allowed).unwrap();
        assert_eq!(uses(&ann, &id).await, (counted, counted * 200));
        // One pays; the others come to nothing, and what they used is back.
        won[0].pay("pm_card_visa");
        shop.settle().await;
        shop.advance(33 * 60).await;
        shop.settle().await;
        shop.clock().advance_ms(BELIEVED_MS);
        ann.sign_in().await;
        assert_eq!(uses(&ann, &id).await, (1, 200), "round {round}");
    }
    shop.settle().await;
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn a_simulation_says_line_by_line_what_gives_what() {
    let shop = world::open().await;
    let ann = merchant(&shop).await;
    let id = active(
        &ann,
        &json!({"name": "Sale", "trigger": "automatic", "actions": [ten_percent()],
            "stacking": {"group": "sale"}}),
    )
    .await;
    let body = json!({
        "currency": "EUR",
        "lines": [
            {"variant_id": MUG.variant(), "quantity": 3},
            {"variant_id": SOCKS.variant(), "quantity": 1},
        ],
        "shipping": {"amount": 490, "currency": "EUR"},
        "country": "DE",
        "promotion": {
            "name": "Three for two", "trigger": "code", "stacking": {"group": "sale"},
            "actions": [{"type": "buy_x_get_y", "buy": 2, "get": 1, "ppm": 1_000_000}],
            "conditions": {"goods": {"variants": [MUG.variant()]}},
        },
    });
    let shown = ok(ann.call("POST", &format!("{PROMOTIONS}/simulate"), &body).await);
    assert_eq!(amount(&shown, "subtotal"), 4550);
    assert_eq!(amount(&shown, "discount"), 1250);
    assert_eq!(amount(&shown, "total"), 4550 + 490 - 1250);
    let all = shown["promotions"].as_array().unwrap();
    assert_eq!((&all[0]["promotion_id"], &all[0]["is_applied"]), (&Value::Null, &json!(true)));
    assert_eq!(all[1]["promotion_id"], json!(id));
    assert_eq!(all[1]["reason"]["code"], "group_has_better");
    let socks = shown["lines"].as_array().unwrap().iter();
    let mut socks = socks.filter(|line| line["variant_id"] == json!(SOCKS.variant()));
    let socks = socks.next().unwrap();
    assert_eq!(socks["promotions"][0]["reason"], "not_selected");
    assert_eq!(socks["promotions"][1]["reason"], "not_applied");
    // Nothing of it was written.
    let list = ok(ann.get(PROMOTIONS).await);
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_promotion_is_drafted_changed_activated_and_ended() {
    let shop = world::open().await;
    let ann = merchant(&shop).await;
    let terms = json!({"name": "Draft", "trigger": "code", "actions": [ten_percent()]});
    let made = ann.call("POST", PROMOTIONS, &terms).await;
    let at = format!("{PROMOTIONS}/{}", made.value()["id"].as_str().unwrap());
    let seen = ann.tag(&at).await;
    assert_eq!(made.header("etag"), Some(seen.as_str()));

    let change = json!({"name": "Spring"});
    assert_eq!(ann.call("PATCH", &at, &change).await.status, 428);
    let changed = ann.call_if(&seen, "PATCH", &at, &change).await;
    assert_eq!(ok(changed)["name"], "Spring");
    assert_eq!(ann.call_if(&seen, "PATCH", &at, &change).await.status, 412);
    let answer = ann.call("POST", &format!("{at}/pause"), &json!({})).await;
    assert_eq!(refusal(&answer), (409, "invalid_transition".into()));
    let on = ok(ann.call("POST", &format!("{at}/activate"), &json!({})).await);
    assert_eq!(on["status"], "active");
    let seen = ann.tag(&at).await;
    let limits = json!({"limits": {"uses_total": 1}});
    let answer = ann.call_if(&seen, "PATCH", &at, &limits).await;
    assert_eq!(refusal(&answer), (409, "promotion_started".into()));
    let answer = ann.call_if(&seen, "DELETE", &at, &Value::Null).await;
    assert_eq!(refusal(&answer), (409, "promotion_not_a_draft".into()));
    ok(ann.call("POST", &format!("{at}/end"), &json!({})).await);
    let answer = ann.call("POST", &format!("{at}/codes"), &json!({"code": "LATE"})).await;
    assert_eq!(refusal(&answer), (409, "promotion_ended".into()));

    let made = ann.call("POST", PROMOTIONS, &terms).await.value();
    let at = format!("{PROMOTIONS}/{}", made["id"].as_str().unwrap());
    let seen = ann.tag(&at).await;
    assert_eq!(ann.call_if(&seen, "DELETE", &at, &Value::Null).await.status, 204);
    assert_eq!(ann.get(&at).await.status, 404);

    let reader = Colleague::of(&shop, "reader", &[Permission::PromotionsRead]).await;
    assert_eq!(reader.get(PROMOTIONS).await.status, 200);
    let answer = reader.call("POST", PROMOTIONS, &terms).await;
    assert_eq!(refusal(&answer), (403, "forbidden".into()));
}

#[tokio::test]
async fn a_thousand_codes_open_something_once_each() {
    let shop = world::open().await;
    let ann = merchant(&shop).await;
    let terms = json!({"name": "Letters", "trigger": "code", "actions": [off(500)]});
    let id = active(&ann, &terms).await;
    let at = format!("{PROMOTIONS}/{id}/codes");
    let made = ann.call("POST", &at, &json!({"count": 1000, "prefix": "vip-"})).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.value();
    let codes: std::collections::BTreeSet<&str> =
        made["data"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
    assert_eq!(codes.len(), 1000);
    assert!(codes.iter().all(|code| code.starts_with("VIP-") && code.len() == 20));
    // More of them are asked for with other keys; the same key makes none anew.
    let more = json!({"count": 1000, "prefix": "more-"});
    let again = || Request::new("POST", &at).header("idempotency-key", "part-2").json(&more);
    let (second, repeated) = (ann.send(again()).await, ann.send(again()).await);
    assert_eq!((second.status, repeated.status), (201, 201), "{}", repeated.text());
    assert_eq!(repeated.header("idempotent-replayed"), Some("true"));
    let second = second.value();
    assert_eq!(second, repeated.value());
    let of_second = second["data"].as_array().unwrap();
    assert_eq!(of_second.len(), 1000);
    let last = of_second[999]["code"].as_str().unwrap();
    let mut jill = Shopper::from(&shop, "203.0.113.53");
    jill.open_cart("EUR").await;
    jill.ready(MUG, 1).await;
    ok(enter(&jill, last).await);
    buy(&mut jill).await;

    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 1).await;
    let one = *codes.iter().next().unwrap();
    ok(enter(&jane, one).await);
    buy(&mut jane).await;
    let mut joe = Shopper::from(&shop, "203.0.113.52");
    joe.open_cart("EUR").await;
    joe.ready(MUG, 1).await;
    let answer = enter(&joe, one).await;
    assert_eq!(refusal(&answer), (409, "code_exhausted".into()));
    assert_eq!(answer.value()["reason"]["code"], "code_used");

    // Every one of them is listed, and the used one says so.
    let (mut listed, mut used, mut next) = (0, 0, format!("{at}?limit=100"));
    loop {
        let page = ok(ann.get(&next).await);
        for one in page["data"].as_array().unwrap() {
            listed += 1;
            used += one["uses"].as_i64().unwrap();
        }
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        next = format!("{at}?limit=100&cursor={cursor}");
    }
    assert_eq!((listed, used), (2000, 2));

    let other = *codes.iter().nth(1).unwrap();
    ok(enter(&joe, other).await);
    let gone = ann.call("DELETE", &format!("{at}/{other}"), &Value::Null).await;
    assert_eq!(gone.status, 204);
    let shown = joe.view_cart().await;
    assert_eq!(amount(&shown["totals"], "discount"), 0, "a code that is gone opens nothing");
    let taken = ann.call("POST", &at, &json!({"code": one})).await;
    assert_eq!(refusal(&taken), (409, "code_taken".into()));
    shop.settle().await;
    sound(&shop, &goods::small(world::MUGS)).await;
}
