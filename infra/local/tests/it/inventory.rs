//! Stock, from the stockroom to the last unit: corrections, transfers, allocation, flash sales, and
//! who is told.

use std::collections::BTreeMap;

use domain::cart::Owner;
use domain::id::{CartId, Ulid};
use domain::permission::Permission;
use local::{Outcome, Request, Response, Shop};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use testkit::goods::{self, Good, Goods, MUG, POSTER, SOCKS};

use crate::tour::inventory::{first, post, shift};
use crate::world::{self, Colleague, Shopper, key, ok, refusal, sound};

const AT: &str = "/v1/admin/inventory";

async fn keeper(shop: &Shop) -> Colleague {
    let may = [Permission::InventoryRead, Permission::InventoryAdjust];
    Colleague::of(shop, "keeper", &may).await
}

fn done(answer: Response) -> Value {
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.value()
}

/// Another location: it sends to everybody.
async fn open_location(keeper: &Colleague, country: &str, postal_code: &str) -> String {
    let body = json!({"name": country, "country": country, "postal_code": postal_code});
    let made = done(post(keeper, "/locations", &body).await);
    // Checkouts believe what they know for a minute.
    keeper.shop.advance(61).await;
    made["id"].as_str().unwrap().to_owned()
}

/// A transfer that is written down: its id. For whoever needs one.
pub(crate) async fn draft(boss: &Colleague) -> String {
    let body = json!({"name": "Annex", "country": "DE", "is_active": false});
    let annex = done(post(boss, "/locations", &body).await);
    let body = json!({"from_location_id": first(), "to_location_id": annex["id"],
        "lines": [{"sku": MUG.sku, "quantity": 1}]});
    let made = done(post(boss, "/transfers", &body).await);
    made["id"].as_str().unwrap().to_owned()
}

/// The level of a good at a location.
async fn level(keeper: &Colleague, good: Good, location: &str) -> Value {
    ok(keeper.get(&format!("{AT}/levels/{}/{location}", good.sku)).await)
}

fn delta(good: Good, quantity: i64) -> Value {
    json!({"sku": good.sku, "mode": "delta", "quantity": quantity})
}

#[tokio::test]
async fn an_adjustment_that_is_sent_twice_happens_once_and_is_explained() {
    let shop = world::open().await;
    let keeper = keeper(&shop).await;
    let body = json!({"reason": "Broken on the shelf", "lines": [delta(MUG, -3)]});
    let key = key();
    let ask = || {
        let request = Request::new("POST", &format!("{AT}/adjustments"));
        keeper.send(request.header("idempotency-key", &key).json(&body))
    };
    let (one, two) = (ask().await, ask().await);
    assert_eq!(two.header("idempotent-replayed"), Some("true"));
    assert_eq!(one.value(), two.value());
    assert_eq!(
        (&one.value()["lines"][0]["before"], &one.value()["lines"][0]["after"]),
        (&json!(10), &json!(7))
    );
    assert_eq!(level(&keeper, MUG, &first()).await["available"], 7);
    let said = ok(keeper.get(&format!("{AT}/movements?sku={}", MUG.sku)).await);
    let kinds: Vec<_> = said["data"].as_array().unwrap().iter().map(|m| &m["kind"]).collect();
    assert_eq!(kinds, ["adjusted", "opened"]);
    assert_eq!(said["data"][0]["reason"], "Broken on the shelf");
    assert_eq!(said["data"][0]["actor"], json!(keeper.id));
    let bare = keeper.call("POST", &format!("{AT}/adjustments"), &body).await;
    assert_eq!(refusal(&bare), (400, "idempotency_key_required".into()));
    shop.settle().await;
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn a_batch_happens_whole_or_not_at_all_and_names_every_flaw() {
    let shop = world::open().await;
    let keeper = keeper(&shop).await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 4).await;
    assert_eq!(jane.complete().await.status, 201);
    let mut set = delta(MUG, 3);
    set["mode"] = json!("set");
    let unknown = json!({"sku": "NO-SUCH-THING", "mode": "delta", "quantity": 1});
    let body =
        json!({"reason": "A mess", "lines": [delta(SOCKS, 5), set, unknown, delta(SOCKS, 1)]});
    let answer = post(&keeper, "/adjustments", &body).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    let flaws: Vec<(String, String)> = answer.value()["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|flaw| {
            (flaw["pointer"].as_str().unwrap().into(), flaw["code"].as_str().unwrap().into())
        })
        .collect();
    let wanted = [
        ("/lines/2/sku", "unknown_sku"),
        ("/lines/3/sku", "duplicate"),
        ("/lines/1/quantity", "below_reserved"),
    ];
    assert_eq!(flaws, wanted.map(|(at, code)| (at.to_owned(), code.to_owned())));
    let mut set = delta(MUG, 3);
    set["mode"] = json!("set");
    let body = json!({"reason": "A mess", "lines": [delta(SOCKS, 5), set]});
    let refused = post(&keeper, "/adjustments", &body).await;
    assert_eq!(refusal(&refused), (409, "below_reserved".into()));
    assert_eq!(level(&keeper, SOCKS, &first()).await["on_hand"], 50);
    let body = json!({"lines": [{"sku": MUG.sku, "quantity": 4}]});
    done(post(&keeper, "/counts", &body).await);
    let after = level(&keeper, MUG, &first()).await;
    assert_eq!((&after["on_hand"], &after["available"]), (&json!(4), &json!(0)));
    shop.settle().await;
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn what_staff_set_of_a_level_is_theirs_who_saw_it_last() {
    let shop = world::open().await;
    let keeper = keeper(&shop).await;
    let at = format!("{AT}/levels/{}/{}", MUG.sku, first());
    let seen = keeper.tag(&at).await;
    // Sales do not change the tag.
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 1).await;
    assert_eq!(jane.complete().await.status, 201);
    let body = json!({"safety": 2, "backorder_max": 5});
    let set = ok(keeper.call_if(&seen, "PATCH", &at, &body).await);
    assert_eq!(set["available"], 10 - 1 - 2 + 5);
    let late = keeper.call_if(&seen, "PATCH", &at, &json!({"safety": 0})).await;
    assert_eq!(refusal(&late), (412, "if_match_failed".into()));
    let mut joe = Shopper::from(&shop, "203.0.113.8");
    joe.open_cart("EUR").await;
    joe.ready(MUG, 12).await;
    assert_eq!(joe.complete().await.status, 201);
    assert_eq!(level(&keeper, MUG, &first()).await["available"], 0);
    shop.settle().await;
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn a_transfer_arrives_in_parts_and_what_is_short_and_over_stays_written() {
    let shop = world::open().await;
    let keeper = keeper(&shop).await;
    let lyon = open_location(&keeper, "FR", "69001").await;
    let body = json!({"from_location_id": first(), "to_location_id": lyon, "lines": [
        {"sku": MUG.sku, "quantity": 6}, {"sku": SOCKS.sku, "quantity": 10},
    ]});
    let made = done(post(&keeper, "/transfers", &body).await);
    let at = format!("/transfers/{}", made["id"].as_str().unwrap());
    assert_eq!(level(&keeper, MUG, &first()).await["on_hand"], 10);
    done(post(&keeper, &format!("{at}/ship"), &json!({})).await);
    assert_eq!(level(&keeper, MUG, &first()).await["on_hand"], 4);
    shop.settle().await;
    sound(&shop, &goods::small(world::MUGS)).await;
    let part = json!({"lines": [{"sku": MUG.sku, "quantity": 4}]});
    let some = done(post(&keeper, &format!("{at}/receive"), &part).await);
    assert_eq!(
        (&some["status"], &some["lines"][0]["short"]),
        (&json!("partially_received"), &json!(2))
    );
    assert_eq!(level(&keeper, MUG, &lyon).await["available"], 4);
    let late = post(&keeper, &format!("{at}/cancel"), &json!({})).await;
    assert_eq!(refusal(&late), (409, "invalid_transition".into()));
    let rest = json!({"is_last": true, "lines": [{"sku": SOCKS.sku, "quantity": 11}]});
    let all = done(post(&keeper, &format!("{at}/receive"), &rest).await);
    assert_eq!(all["status"], "received");
    assert_eq!((&all["lines"][0]["short"], &all["lines"][1]["over"]), (&json!(2), &json!(1)));
    let again = post(&keeper, &format!("{at}/receive"), &part).await;
    assert_eq!(refusal(&again), (409, "invalid_transition".into()));

    let back = done(post(&keeper, "/transfers", &body).await);
    let at = format!("/transfers/{}", back["id"].as_str().unwrap());
    // Four mugs are left: six do not leave, and the socks stay with them.
    let short = post(&keeper, &format!("{at}/ship"), &json!({})).await;
    assert_eq!(refusal(&short), (409, "insufficient_stock".into()));
    assert_eq!(short.value()["skus"], json!([MUG.sku]));
    assert_eq!(level(&keeper, SOCKS, &first()).await["on_hand"], 40);
    done(post(&keeper, &format!("{at}/cancel"), &json!({})).await);
    shop.settle().await;
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn an_order_comes_from_the_nearest_that_has_all_of_it_and_the_plan_says_why() {
    let shop = world::open().await;
    let keeper = keeper(&shop).await;
    let lyon = open_location(&keeper, "FR", "69001").await;
    let berlin = open_location(&keeper, "DE", "10115").await;
    let at = |location: &str, good: Good, quantity: i64| {
        let sku = good.sku;
        json!({"sku": sku, "location_id": location, "quantity": quantity})
    };
    let body = json!({"lines": [at(&lyon, MUG, 9), at(&lyon, SOCKS, 9), at(&berlin, MUG, 2)]});
    done(post(&keeper, "/receipts", &body).await);
    let wanted = |mugs: u32, socks: u32| {
        json!({"country": "DE", "postal_code": "10969", "lines": [
            {"sku": MUG.sku, "quantity": mugs}, {"sku": SOCKS.sku, "quantity": socks}]})
    };
    let alone = json!({"country": "DE", "postal_code": "10969",
        "lines": [{"sku": MUG.sku, "quantity": 2}]});
    let plan = ok(post(&keeper, "/allocate", &alone).await);
    assert_eq!(plan["allocations"][0]["location_id"], json!(berlin));
    assert_eq!(plan["explanation"][0]["nearness"], "same_area");
    assert_eq!(plan["explanation"][0]["reason"], "has_everything");
    let plan = ok(post(&keeper, "/allocate", &wanted(2, 1)).await);
    assert_eq!((&plan["parcels"], &plan["is_complete"]), (&json!(1), &json!(true)));
    assert_eq!(plan["explanation"][0]["reason"], "not_needed");
    let plan = ok(post(&keeper, "/allocate", &wanted(20, 1)).await);
    assert_eq!(plan["parcels"], 3);
    let plan = ok(post(&keeper, "/allocate", &wanted(22, 1)).await);
    assert_eq!(
        (&plan["is_complete"], &plan["shortages"][0]["available"]),
        (&json!(false), &json!(21))
    );

    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 2).await;
    assert_eq!(jane.complete().await.status, 201);
    assert_eq!(level(&keeper, MUG, &berlin).await["reserved"], 2);
    let mut joe = Shopper::from(&shop, "203.0.113.8");
    joe.open_cart("EUR").await;
    joe.ready(MUG, 15).await;
    let split = joe.complete().await;
    assert_eq!(split.status, 201, "{}", split.text());
    let mut ann = Shopper::from(&shop, "203.0.113.9");
    ann.open_cart("EUR").await;
    ann.ready(MUG, 5).await;
    let short = ann.complete().await;
    assert_eq!(refusal(&short), (409, "insufficient_stock".into()));
    assert_eq!(short.value()["available"], 4);
    shop.settle().await;
    sound(&shop, &goods::small(world::MUGS)).await;
    ok(joe.call("POST", &format!("/v1/store/orders/{}/cancel", joe.order), &json!({})).await);
    jane.pay("pm_card_visa");
    shop.settle().await;
    let seen = ok(jane.get("/v1/store/products/blue-mug").await);
    assert_eq!(seen["variants"][0]["available"], 21 - 2);
    shop.settle().await;
    sound(&shop, &goods::small(world::MUGS)).await;
}

/// Carts of one content, each with a buyer who has seen their total: written past the shop, so that
/// a thousand of them are quick.
async fn buyers(shop: &Shop, good: Good, count: u32, round: u32) -> Vec<Shopper> {
    let mut model = Shopper::from(shop, &format!("10.255.{round}.1"));
    model.open_cart("EUR").await;
    model.ready(good, 1).await;
    model.total = model.view_cart().await["totals"]["total"].clone();
    let store = shop.store();
    let cart = store.cart(CartId::parse(&model.cart).unwrap()).await.unwrap().unwrap();
    let now = shop.clock().now();
    let mut buyers = Vec::new();
    for number in 0..count {
        let token = format!("token of buyer {number} in round {round}");
        let hash = Sha256::digest(token.as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
        let random = u128::from(round) * 1_000_000 + u128::from(number) + 1;
        let mut copy = cart.clone();
        copy.id = CartId::from_ulid(Ulid::from_parts(2, random));
        copy.owner = Owner::Token(hash);
        store.create_cart(&copy, None, now).await.unwrap();
        let ip = format!("10.{}.{}.{}", round % 250, number >> 8, number & 255);
        let mut buyer = Shopper::from(shop, &ip);
        buyer.cart = copy.id.to_string();
        buyer.cart_token = Some(token);
        buyer.total = model.total.clone();
        buyers.push(buyer);
    }
    buyers
}

/// All of them buy at once, so many at a time: who got it.
async fn rush(buyers: Vec<Shopper>, at_once: usize) -> Vec<Shopper> {
    let mut won = Vec::new();
    let mut waiting = buyers.into_iter();
    let mut tasks = tokio::task::JoinSet::new();
    loop {
        while tasks.len() < at_once
            && let Some(mut buyer) = waiting.next()
        {
            tasks.spawn(async move {
                loop {
                    let total = buyer.total.clone();
                    let answer = buyer.complete_at(&key(), &total).await;
                    // Busy means: ask again, as the answer says.
                    if answer.status != 503 {
                        return (buyer, answer);
                    }
                }
            });
        }
        let Some(done) = tasks.join_next().await else { return won };
        let (buyer, answer) = done.unwrap();
        match answer.status {
            201 => won.push(buyer),
            _ => assert_eq!(refusal(&answer), (409, "insufficient_stock".into())),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_want_the_last_poster_twenty_times_and_each_time_one_has_it() {
    let shop = world::open().await;
    for round in 0..20 {
        let won = rush(buyers(&shop, POSTER, 50, round).await, 50).await;
        assert_eq!(won.len(), 1, "round {round}");
        let path = format!("/v1/store/orders/{}/cancel", won[0].order);
        ok(won[0].call("POST", &path, &json!({})).await);
    }
    shop.settle().await;
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_and_the_buyers_never_have_the_same_mug() {
    let shop = world::open().await;
    let keeper = keeper(&shop).await;
    let body = json!({"name": "Annex", "country": "DE", "is_active": false});
    let annex = done(post(&keeper, "/locations", &body).await);
    let body = json!({"from_location_id": first(), "to_location_id": annex["id"],
        "lines": [{"sku": MUG.sku, "quantity": 6}]});
    let (mut left, mut stayed) = (0, 0);
    for round in 0..20 {
        let made = done(post(&keeper, "/transfers", &body).await);
        let at = format!("/transfers/{}", made["id"].as_str().unwrap());
        let buyers = buyers(&shop, MUG, 50, 100 + round).await;
        let ship = format!("{at}/ship");
        let nothing = json!({});
        let (won, shipped) = tokio::join!(rush(buyers, 50), post(&keeper, &ship, &nothing));
        // Ten mugs: six leave and four are sold, or all are sold, or something in between stays.
        if shipped.status == 201 {
            left += 1;
            assert_eq!(won.len(), 4, "round {round}");
        } else {
            // Sold before it left; or it asked for a quieter moment.
            stayed += 1;
            assert!([409, 503].contains(&shipped.status), "{}", shipped.text());
            assert_eq!(won.len(), 10, "round {round}");
        }
        shop.settle().await;
        sound(&shop, &goods::small(world::MUGS)).await;
        done(post(&keeper, &format!("{at}/cancel"), &json!({})).await);
        for buyer in won {
            let path = format!("/v1/store/orders/{}/cancel", buyer.order);
            ok(buyer.call("POST", &path, &json!({})).await);
        }
    }
    println!("{left} transfers left before the mugs were sold, {stayed} did not");
    shop.settle().await;
    sound(&shop, &goods::small(world::MUGS)).await;
}

fn a_hundred_mugs() -> Goods {
    goods::small(100)
}

/// A thousand buyers and a hundred mugs.
async fn flash_sale(shards: Option<u32>) {
    let shop = world::open_with(local::Options::default(), &a_hundred_mugs()).await;
    let keeper = keeper(&shop).await;
    if let Some(shards) = shards {
        let path = format!("/{}/arm", MUG.sku);
        done(post(&keeper, &path, &json!({"shards": shards})).await);
    }
    let won = rush(buyers(&shop, MUG, 1_000, 0).await, 100).await;
    assert_eq!(won.len(), 100);
    shop.settle().await;
    let facts = sound(&shop, &a_hundred_mugs()).await;
    assert_eq!(facts.orders.len(), 100);
    let sold_out = ok(won[0].get("/v1/store/products/blue-mug").await);
    assert_eq!(sold_out["variants"][0]["available"], 0);
    if shards.is_none() {
        return;
    }
    // It ends while some still have to pay; what they give back comes back.
    let path = format!("/{}/disarm", MUG.sku);
    let over = done(post(&keeper, &path, &json!({})).await);
    assert_eq!((&over["units"], &over["held"]), (&json!(0), &json!(100)));
    for buyer in &won[..60] {
        let path = format!("/v1/store/orders/{}/cancel", buyer.order);
        ok(buyer.call("POST", &path, &json!({})).await);
    }
    for buyer in &won[60..] {
        buyer.pay("pm_card_visa");
    }
    shop.advance(120).await;
    shop.settle().await;
    sound(&shop, &a_hundred_mugs()).await;
    let level = level(&keeper, MUG, &first()).await;
    assert_eq!((&level["on_hand"], &level["available"]), (&json!(60), &json!(60)));
    // What lies there is sold again, to whoever asks the level itself.
    let again = rush(buyers(&shop, MUG, 61, 1).await, 20).await;
    assert_eq!(again.len(), 60);
    shop.settle().await;
    sound(&shop, &a_hundred_mugs()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_buyers_and_a_hundred_mugs_on_one_item_make_a_hundred_orders() {
    flash_sale(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_buyers_and_a_hundred_mugs_on_eight_shards_make_a_hundred_orders() {
    flash_sale(Some(8)).await;
}

/// Writes of a hundred sales, by partition.
async fn writes_by_partition(shards: Option<u32>) -> BTreeMap<String, usize> {
    let shop = world::open_with(local::Options::default(), &goods::small(400)).await;
    let keeper = keeper(&shop).await;
    if let Some(shards) = shards {
        let path = format!("/{}/arm", MUG.sku);
        done(post(&keeper, &path, &json!({"shards": shards})).await);
    }
    let buyers = buyers(&shop, MUG, 100, 0).await;
    let mark = shop.wire().recorder().mark();
    assert_eq!(rush(buyers, 20).await.len(), 100);
    let mut writes = BTreeMap::new();
    for call in shop.wire().recorder().since(mark) {
        let is_sale = call.caller == "checkout.store.complete" && call.status == 200;
        for key in call.written.iter().filter(|key| is_sale && key.starts_with("SKU#")) {
            *writes.entry(key.clone()).or_insert(0) += 1;
        }
    }
    writes
}

#[tokio::test(flavor = "multi_thread")]
async fn over_eight_shards_each_partition_is_written_an_eighth_as_often() {
    let one = writes_by_partition(None).await;
    assert_eq!(one, BTreeMap::from([(format!("SKU#{}", MUG.sku), 100)]));
    let eight = writes_by_partition(Some(8)).await;
    println!("{one:?}\n{eight:?}");
    assert_eq!(eight.values().sum::<usize>(), 100);
    assert_eq!(eight.len(), 8, "{eight:?}");
    // The level itself is not touched, and of the shards none gets much more than its part.
    assert!(!eight.contains_key(&format!("SKU#{}", MUG.sku)));
    let most = eight.values().max().unwrap();
    assert!(*most <= 100 / 8 + 8, "{eight:?}");
}

#[tokio::test]
async fn whoever_meets_a_split_level_by_an_old_hint_finds_its_shards() {
    let shop = world::open().await;
    let keeper = keeper(&shop).await;
    done(post(&keeper, &format!("/{}/arm", MUG.sku), &json!({"shards": 2})).await);
    // Somebody wrote the offer anew and forgot the hint.
    let client = aws_sdk_dynamodb::Client::new(&shop.sdk_config());
    let text = |value: String| aws_sdk_dynamodb::types::AttributeValue::S(value);
    let update = client
        .update_item()
        .table_name("fluxion-catalog")
        .key("pk", text(format!("VAR#{}", MUG.variant())))
        .key("sk", text("META".to_owned()))
        .update_expression("REMOVE flash");
    update.send().await.unwrap();
    let mut jane = Shopper::guest(&shop).await;
    // No shard has seven: it is split over both.
    jane.ready(MUG, 7).await;
    assert_eq!(jane.complete().await.status, 201);
    shop.settle().await;
    sound(&shop, &goods::small(world::MUGS)).await;
    let twice = post(&keeper, &format!("/{}/arm", MUG.sku), &json!({"shards": 2})).await;
    assert_eq!(refusal(&twice), (409, "already_armed".into()));
    let body = json!({"lines": [{"sku": MUG.sku, "quantity": 5}]});
    assert_eq!(refusal(&post(&keeper, "/counts", &body).await), (409, "armed".into()));
}

#[tokio::test]
async fn goods_that_are_edited_while_they_are_split_keep_the_hint_for_buyers() {
    let shop = world::open().await;
    let keeper = keeper(&shop).await;
    done(post(&keeper, &format!("/{}/arm", MUG.sku), &json!({"shards": 2})).await);
    let client = aws_sdk_dynamodb::Client::new(&shop.sdk_config());
    let offer = async || {
        let text = |value: String| aws_sdk_dynamodb::types::AttributeValue::S(value);
        let asked = client
            .get_item()
            .table_name("fluxion-catalog")
            .key("pk", text(format!("VAR#{}", MUG.variant())))
            .key("sk", text("META".to_owned()));
        asked.send().await.unwrap().item.unwrap()
    };
    let armed = offer().await;
    assert!(armed.contains_key("flash"));
    let boss = Colleague::owner(&shop).await;
    let list = ok(boss.get("/v1/admin/products?limit=100").await);
    let mug = list["data"].as_array().unwrap().iter().find(|one| one["slug"] == "blue-mug");
    let at = format!("/v1/admin/products/{}", mug.unwrap()["id"].as_str().unwrap());
    let tag = boss.tag(&at).await;
    let title = json!({"title": "Sky blue mug", "categories": []});
    ok(boss.call_if(&tag, "PATCH", &at, &title).await);
    let edited = offer().await;
    assert_eq!(edited.get("flash"), armed.get("flash"));
    assert_eq!(edited["product_title"].as_s().unwrap(), "Sky blue mug");
    assert!(!edited.contains_key("categories"), "what is not said any more is gone");
    // Buyers still go to the shards, and the end of the sale still ends the hint.
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 1).await;
    assert_eq!(jane.complete().await.status, 201);
    done(post(&keeper, &format!("/{}/disarm", MUG.sku), &json!({})).await);
    assert!(!offer().await.contains_key("flash"));
    let tag = boss.tag(&at).await;
    ok(boss.call_if(&tag, "PATCH", &at, &json!({"title": "Blue mug"})).await);
    assert!(!offer().await.contains_key("flash"));
    shop.settle().await;
    sound(&shop, &goods::small(world::MUGS)).await;
}

/// The letters of a template.
fn letters(shop: &Shop, template: &str) -> usize {
    shop.mails()
        .iter()
        .filter(|mail| mail.tags.get("template").is_some_and(|t| t == template))
        .count()
}

#[tokio::test]
async fn who_waits_for_the_poster_is_told_once_and_can_stop_waiting() {
    let shop = world::open().await;
    let keeper = keeper(&shop).await;
    let nobody = Shopper::new(&shop);
    let poster = ok(nobody.get("/v1/store/products/the-poster").await);
    let path = format!(
        "/v1/store/products/{}/variants/{}/back_in_stock",
        poster["id"].as_str().unwrap(),
        POSTER.variant()
    );
    let jane = json!({"email": "jane@example.org"});
    let early = nobody.call("POST", &path, &jane).await;
    assert_eq!(refusal(&early), (409, "in_stock".into()));
    let count = |units: i64| json!({"lines": [{"sku": POSTER.sku, "quantity": units}]});
    done(post(&keeper, "/counts", &count(0)).await);
    shop.settle().await;
    for email in ["jane@example.org", "joe@example.org", "jane@example.org"] {
        let waits = nobody.call("POST", &path, &json!({"email": email})).await;
        assert_eq!(waits.status, 202, "{}", waits.text());
    }
    shop.clock().advance_ms(1);
    done(post(&keeper, "/counts", &count(1)).await);
    shop.settle().await;
    shop.advance(61).await;
    shop.settle().await;
    assert_eq!(letters(&shop, "back_in_stock"), 2);
    shop.advance(61).await;
    shop.settle().await;
    assert_eq!(letters(&shop, "back_in_stock"), 2);
    let day = ok(keeper.get(&format!("{AT}/events")).await);
    let crossings: Vec<_> =
        day["data"].as_array().unwrap().iter().map(|e| &e["crossing"]).collect();
    assert_eq!(crossings, ["back_in_stock", "out_of_stock"]);

    done(post(&keeper, "/counts", &count(0)).await);
    shop.settle().await;
    assert_eq!(nobody.call("POST", &path, &jane).await.status, 202);
    let token = json!({"token": nobody.mailed_token("jane@example.org").unwrap()});
    for _ in 0..2 {
        let out = nobody.call("POST", "/v1/store/back_in_stock/unsubscribe", &token).await;
        assert_eq!(out.status, 204, "{}", out.text());
    }
    let forged = json!({"token": "x"});
    let forged = nobody.call("POST", "/v1/store/back_in_stock/unsubscribe", &forged).await;
    assert_eq!(forged.status, 204);
    shop.clock().advance_ms(1);
    done(post(&keeper, "/counts", &count(1)).await);
    shop.settle().await;
    shop.advance(61).await;
    shop.settle().await;
    assert_eq!(letters(&shop, "back_in_stock"), 2);
}

#[tokio::test]
async fn what_runs_low_is_listed_and_told_once_a_day() {
    let shop = world::open().await;
    let keeper = keeper(&shop).await;
    Colleague::of(&shop, "reader", &[Permission::InventoryRead]).await;
    let at = format!("{AT}/levels/{}/{}", MUG.sku, first());
    let seen = keeper.tag(&at).await;
    ok(keeper.call_if(&seen, "PATCH", &at, &json!({"threshold": 9})).await);
    shop.settle().await;
    assert_eq!(ok(keeper.get(&format!("{AT}/low_stock")).await)["data"], json!([]));
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 2).await;
    assert_eq!(jane.complete().await.status, 201);
    jane.pay("pm_card_visa");
    shop.settle().await;
    let low = ok(keeper.get(&format!("{AT}/low_stock")).await);
    assert_eq!(
        (&low["data"][0]["sku"], &low["data"][0]["signal"]),
        (&json!(MUG.sku), &json!("low"))
    );
    for _ in 0..2 {
        let outcome = shop.run_job("inventory.jobs.send_digest").await;
        assert!(matches!(outcome, Outcome::Answered(_)));
        shop.settle().await;
    }
    let sent: Vec<_> =
        shop.mails().into_iter().filter(|mail| mail.subject.contains("runs low")).collect();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].to, ["keeper@shop.example"]);
    assert!(sent[0].text.as_ref().unwrap().contains("MUG-BLUE (Main location): 8, 58"));
    let forecast = ok(keeper.get(&format!("{AT}/forecast?sku={}", MUG.sku)).await);
    assert_eq!((&forecast["sold"], &forecast["days_left"]), (&json!(2), &json!(58)));
    done(post(&keeper, "/receipts", &json!({"lines": [{"sku": MUG.sku, "quantity": 5}]})).await);
    shop.settle().await;
    assert_eq!(ok(keeper.get(&format!("{AT}/low_stock")).await)["data"], json!([]));
}

#[tokio::test]
async fn the_nightly_proof_finds_what_no_movement_explains() {
    let shop = world::open().await;
    let keeper = keeper(&shop).await;
    let prove = async || {
        let outcome = shop.run_job("inventory.jobs.prove").await;
        assert!(matches!(outcome, Outcome::Answered(_)));
        ok(keeper.get(&format!("{AT}/findings")).await)["data"].clone()
    };
    done(post(&keeper, "/receipts", &json!({"lines": [{"sku": MUG.sku, "quantity": 5}]})).await);
    assert_eq!(prove().await, json!([]));
    shift(&shop, POSTER, 2).await;
    let found = prove().await;
    assert_eq!(found.as_array().unwrap().len(), 1);
    assert_eq!(
        (&found[0]["sku"], &found[0]["on_hand"], &found[0]["moved"]),
        (&json!(POSTER.sku), &json!(3), &json!(1))
    );
}

#[tokio::test]
async fn who_may_only_look_changes_nothing() {
    let shop = world::open().await;
    let reader = Colleague::of(&shop, "reader", &[Permission::InventoryRead]).await;
    let body = json!({"reason": "No", "lines": [delta(MUG, 1)]});
    let refused = post(&reader, "/adjustments", &body).await;
    assert_eq!(refusal(&refused), (403, "forbidden".into()));
    assert_eq!(level(&reader, MUG, &first()).await["on_hand"], 10);
    let one = json!({"country": "DE", "lines": [{"sku": MUG.sku, "quantity": 1}]});
    assert_eq!(ok(post(&reader, "/allocate", &one).await)["is_complete"], true);
}
