//! The main job, as people do it.

use local::Request;
use serde_json::{Value, json};
use testkit::goods::{self, MUG, POSTER, SOCKS, TEMPLATE};

use crate::world::{self, Shopper, key, ok, refusal, sound};

#[tokio::test]
async fn a_guest_buys_a_mug() {
    let shop = world::open().await;
    let list = ok(Shopper::new(&shop).get("/v1/store/products?category=goods").await);
    assert_eq!(list["data"].as_array().unwrap().len(), 4);

    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 2).await;
    let answer = jane.complete().await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let body = answer.value();
    assert_eq!(body["order"]["status"], "pending_payment");
    assert_eq!(body["order"]["payment_status"], "unpaid");
    assert_eq!(body["order"]["totals"]["total"], json!({"amount": 2990, "currency": "EUR"}));
    assert!(body["payment"]["publishable_key"].as_str().unwrap().starts_with("pk_test_"));

    let (status, intent) = jane.pay("pm_card_visa");
    assert_eq!((status, intent["status"].as_str()), (200, Some("succeeded")), "{intent}");
    shop.settle().await;

    let order = jane.view_order().await;
    assert_eq!(order["status"], "placed");
    assert_eq!(order["payment_status"], "paid");
    assert_eq!(order["fulfillment_status"], "unfulfilled");
    assert_eq!(jane.view_cart().await["status"], "completed");
    let mails = shop.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, ["jane@example.org"]);
    assert!(mails[0].subject.contains(order["number"].as_str().unwrap()));
    let facts = sound(&shop, &goods::small(world::MUGS)).await;
    let mugs = facts.stock.iter().find(|level| level.place.sku.as_str() == MUG.sku).unwrap();
    assert_eq!((mugs.reserved, mugs.available), (2, 8));
}

#[tokio::test]
async fn a_customer_buys_a_template_and_downloads_it_five_times() {
    let shop = world::open().await;
    let mut jane = Shopper::customer(&shop, "jane@example.org").await;
    jane.open_cart("EUR").await;
    assert_eq!(jane.cart_token, None);
    jane.ready(TEMPLATE, 1).await;
    assert_eq!(jane.complete().await.status, 201);
    assert_eq!(jane.view_order().await["downloads"], json!([]));
    jane.pay("pm_card_visa");
    shop.settle().await;

    let order = jane.view_order().await;
    assert_eq!(order["status"], "placed");
    assert_eq!(order["fulfillment_status"], "delivered");
    let url = order["downloads"][0]["url"].as_str().unwrap().to_owned();
    let path = url.strip_prefix(shop.base_url()).unwrap().to_owned();
    let nobody = Shopper::new(&shop);
    for _ in 0..5 {
        let answer = nobody.get(&path).await;
        assert_eq!(answer.status, 302, "{}", answer.text());
        assert!(answer.header("location").unwrap().contains("X-Amz-Signature="));
    }
    assert_eq!(refusal(&nobody.get(&path).await), (409, "downloads_exhausted".into()));
    assert_eq!(jane.view_order().await["downloads"][0]["remaining"], 0);
    let mail = shop.mails().pop().unwrap();
    assert!(mail.text.unwrap().contains("/v1/store/downloads/"));

    let list = ok(jane.get("/v1/store/orders").await);
    assert_eq!(list["data"][0]["id"], order["id"]);
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn a_download_link_ends_and_can_not_be_forged() {
    let shop = world::open().await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(TEMPLATE, 1).await;
    jane.complete().await;
    jane.pay("pm_card_visa");
    shop.settle().await;
    let url = jane.view_order().await["downloads"][0]["url"].as_str().unwrap().to_owned();
    let path = url.strip_prefix(shop.base_url()).unwrap().to_owned();
    let nobody = Shopper::new(&shop);
    let forged = format!("{}A", &path[..path.len() - 1]);
    assert!(path == forged || nobody.get(&forged).await.status == 404);
    shop.advance(7 * 24 * 3600).await;
    assert_eq!(nobody.get(&path).await.status, 404);
    assert_eq!(nobody.get("/v1/store/downloads/x.y").await.status, 404);
}

#[tokio::test]
async fn one_order_mixes_goods_that_are_sent_and_goods_that_are_downloaded() {
    let shop = world::open().await;
    let mut jane = Shopper::guest(&shop).await;
    jane.add(TEMPLATE, 1).await;
    jane.add(MUG, 1).await;
    jane.addresses().await;
    jane.ship_by("home-express").await;
    assert_eq!(jane.complete().await.status, 201);
    jane.pay("pm_card_visa");
    shop.settle().await;
    let order = jane.view_order().await;
    assert_eq!(order["fulfillment_status"], "partially_delivered");
    assert_eq!(order["downloads"].as_array().unwrap().len(), 1);
    assert_eq!(order["totals"]["total"]["amount"], 1900 + 1250 + 990);
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn a_declined_card_is_not_the_end_of_an_order() {
    let shop = world::open().await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 1).await;
    jane.complete().await;
    let (status, body) = jane.pay("pm_card_chargeDeclinedInsufficientFunds");
    assert_eq!((status, &body["error"]["decline_code"]), (402, &json!("insufficient_funds")));
    shop.settle().await;
    let order = jane.view_order().await;
    assert_eq!(order["status"], "pending_payment");
    assert_eq!(order["payments"][0]["status"], "failed");
    assert_eq!(order["payments"][0]["failure"]["decline_code"], "insufficient_funds");

    let path = format!("/v1/store/orders/{}/retry_payment", jane.order);
    let again = ok(jane.call("POST", &path, &json!({})).await);
    assert_eq!(again["payment"]["payment_intent_id"], json!(jane.intent));
    jane.pay("pm_card_visa");
    shop.settle().await;
    assert_eq!(jane.view_order().await["status"], "placed");
    let answer = jane.call("POST", &path, &json!({})).await;
    assert_eq!(refusal(&answer), (409, "nothing_to_pay".into()));
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn the_bank_asks_and_the_shopper_answers() {
    let shop = world::open().await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 1).await;
    jane.complete().await;
    let (_, intent) = jane.pay("pm_card_threeDSecure2Required");
    assert_eq!(intent["status"], "requires_action");
    shop.settle().await;
    assert_eq!(jane.view_order().await["payments"][0]["status"], "requires_action");
    jane.authenticate("fail");
    shop.settle().await;
    assert_eq!(jane.view_order().await["payments"][0]["status"], "failed");
    jane.pay("pm_card_threeDSecure2Required");
    jane.authenticate("succeed");
    shop.settle().await;
    assert_eq!(jane.view_order().await["status"], "placed");
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn what_nobody_pays_expires_and_its_stock_is_for_sale_again() {
    let shop = world::open().await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(POSTER, 1).await;
    jane.complete().await;
    shop.advance(29 * 60).await;
    assert_eq!(jane.view_order().await["status"], "pending_payment");
    shop.advance(3 * 60).await;
    shop.settle().await;
    let order = jane.view_order().await;
    assert_eq!(order["status"], "expired");
    assert_eq!(jane.view_cart().await["status"], "active");
    assert_eq!(shop.twin().objects("payment_intent")[0]["status"], "canceled");
    let (status, _) = jane.pay("pm_card_visa");
    assert_eq!(status, 400);

    // The cart is theirs again, and so is the poster.
    let answer = jane.complete().await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    jane.pay("pm_card_visa");
    shop.settle().await;
    assert_eq!(jane.view_order().await["status"], "placed");
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn an_order_is_called_off_before_it_is_paid() {
    let shop = world::open().await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 3).await;
    jane.complete().await;
    let path = format!("/v1/store/orders/{}/cancel", jane.order);
    for _ in 0..2 {
        assert_eq!(ok(jane.call("POST", &path, &json!({})).await)["status"], "canceled");
    }
    let (status, body) = jane.pay("pm_card_visa");
    assert_eq!((status, &body["error"]["code"]), (400, &json!("payment_intent_unexpected_state")));
    shop.settle().await;
    let facts = sound(&shop, &goods::small(world::MUGS)).await;
    assert!(facts.stock.iter().all(|level| level.reserved == 0));
}

#[tokio::test]
async fn a_paid_order_is_not_called_off_this_way() {
    let shop = world::open().await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 1).await;
    jane.complete().await;
    jane.pay("pm_card_visa");
    // The webhook has not come yet: the cancellation finds the money and places the order.
    let path = format!("/v1/store/orders/{}/cancel", jane.order);
    let answer = jane.call("POST", &path, &json!({})).await;
    assert_eq!(refusal(&answer), (409, "invalid_transition".into()));
    assert_eq!(jane.view_order().await["status"], "placed");
    shop.settle().await;
    sound(&shop, &goods::small(world::MUGS)).await;
}

/// A payment that is confirmed while the sweeper is at it: the twin holds its events back.
async fn paid_after_expiry(good: goods::Good, meanwhile: bool) -> (local::Shop, Shopper) {
    let shop = world::open().await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(good, 1).await;
    jane.complete().await;
    let before = shop.twin().objects("payment_intent")[0].clone();
    assert_eq!(before["status"], "requires_payment_method");
    // The order's intent is left payable: as if the cancellation's effect were undone by a
    // provider that had already begun to charge.
    shop.clock().advance_ms(31 * 60 * 1000);
    let order = domain::id::OrderId::parse(&jane.order).unwrap();
    if meanwhile {
        // Another buyer takes the lapsed hold over before any sweep.
        let mut joe = Shopper::from(&shop, "203.0.113.8");
        joe.open_cart("EUR").await;
        joe.ready(good, 1).await;
        let answer = joe.complete().await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        joe.pay("pm_card_visa");
        shop.settle().await;
        assert_eq!(joe.view_order().await["status"], "placed");
    } else {
        let store = shop.store();
        let file = store.order(order).await.unwrap().unwrap();
        store.take_over(&file.order).await.unwrap();
    }
    let (status, intent) = jane.pay("pm_card_visa");
    assert_eq!((status, intent["status"].as_str()), (200, Some("succeeded")), "{intent}");
    (shop, jane)
}

#[tokio::test]
async fn a_late_payment_takes_the_goods_if_they_are_still_there() {
    let (shop, jane) = paid_after_expiry(POSTER, false).await;
    shop.settle().await;
    let order = jane.view_order().await;
    assert_eq!((&order["status"], &order["payment_status"]), (&json!("placed"), &json!("paid")));
    assert_eq!(jane.view_cart().await["status"], "completed");
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn a_late_payment_goes_back_in_full_when_the_goods_are_gone_and_the_buyer_is_told() {
    let (shop, jane) = paid_after_expiry(POSTER, true).await;
    shop.settle().await;
    let order = jane.view_order().await;
    assert_eq!(order["status"], "expired");
    assert_eq!(order["payment_status"], "refunded");
    assert_eq!(order["refunded"], order["totals"]["total"]);
    assert_eq!(jane.view_cart().await["status"], "active", "something else may be bought");
    let mails = shop.mails();
    assert!(mails.iter().any(|mail| mail.subject.contains("on its way back")));
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn two_tabs_complete_one_cart_and_one_order_is_made() {
    let shop = world::open().await;
    let mut first = Shopper::guest(&shop).await;
    first.ready(MUG, 1).await;
    let mut second = first.clone();
    let total = first.view_cart().await["totals"]["total"].clone();
    let (one, two) =
        tokio::join!(first.complete_at("tab-1", &total), second.complete_at("tab-2", &total));
    let mut answers = [one, two];
    answers.sort_by_key(|answer| answer.status);
    assert_eq!(answers[0].status, 201, "{}", answers[0].text());
    // Busy is possible for a moment; the next try says what is.
    assert!([409, 503].contains(&answers[1].status), "{}", answers[1].text());
    let mut late = first.clone();
    let answer = late.complete_at("tab-3", &total).await;
    assert_eq!(refusal(&answer), (409, "cart_completed".into()));
    assert_eq!(answer.value()["order_id"], answers[0].value()["order"]["id"]);
    assert_eq!(shop.twin().objects("payment_intent").len(), 1);
    let facts = sound(&shop, &goods::small(world::MUGS)).await;
    assert_eq!(facts.orders.len(), 1);
}

#[tokio::test]
async fn the_same_key_answers_the_first_result() {
    let shop = world::open().await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 1).await;
    let first = jane.complete_with("once").await;
    let again = jane.complete_with("once").await;
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(first.value(), again.value());
    assert_eq!(first.header("idempotent-replayed"), None);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    let other = json!({"amount": 1, "currency": "EUR"});
    let answer = jane.complete_at("once", &other).await;
    assert_eq!(refusal(&answer), (422, "idempotency_key_reused".into()));
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn the_same_key_at_the_same_time_makes_one_order() {
    let shop = world::open().await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 1).await;
    let total = jane.view_cart().await["totals"]["total"].clone();
    let mut twin = jane.clone();
    let (one, two) =
        tokio::join!(jane.complete_at("same", &total), twin.complete_at("same", &total));
    let statuses = [one.status, two.status];
    assert!(statuses.contains(&201), "{statuses:?}");
    assert!(statuses.iter().all(|status| [201, 409].contains(status)), "{statuses:?}");
    let facts = sound(&shop, &goods::small(world::MUGS)).await;
    assert_eq!(facts.orders.len(), 1);
}

#[tokio::test]
async fn a_completion_without_a_key_is_refused() {
    let shop = world::open().await;
    let jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 1).await;
    let total = jane.view_cart().await["totals"]["total"].clone();
    let path = format!("/v1/store/carts/{}/complete", jane.cart);
    let answer = jane.call("POST", &path, &json!({"expected_total": total})).await;
    assert_eq!(refusal(&answer), (400, "idempotency_key_required".into()));
}

#[tokio::test]
async fn a_price_that_changed_meanwhile_is_said_and_not_charged() {
    let shop = world::open().await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 1).await;
    let total = jane.view_cart().await["totals"]["total"].clone();
    let mut dearer = goods::small(world::MUGS);
    for offer in dearer.products.iter_mut().flat_map(|(_, offers)| offers) {
        for amount in offer.prices.values_mut() {
            *amount += 100;
        }
    }
    let store = shop.store();
    store.import_products(&dearer.products, domain::currency::Currency::EUR).await.unwrap();
    let answer = jane.complete_at(&key(), &total).await;
    assert_eq!(refusal(&answer), (409, "total_changed".into()));
    let body = answer.value();
    assert_eq!(body["difference"], json!({"amount": 100, "currency": "EUR"}));
    assert_eq!(body["actual_total"]["amount"], total["amount"].as_i64().unwrap() + 100);
    let facts = sound(&shop, &goods::small(world::MUGS)).await;
    assert!(facts.orders.is_empty());
}

#[tokio::test]
async fn more_than_there_is_is_refused_naming_sku_and_available() {
    let shop = world::open().await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 11).await;
    let answer = jane.complete().await;
    assert_eq!(refusal(&answer), (409, "insufficient_stock".into()));
    let body = answer.value();
    assert_eq!((&body["sku"], &body["available"]), (&json!(MUG.sku), &json!(10)));
    assert_eq!(body["shortages"][0]["wanted"], 11);
    assert_eq!(jane.view_cart().await["status"], "active");
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn an_order_in_yen_has_no_cents() {
    let shop = world::open().await;
    let mut jane = Shopper::new(&shop);
    jane.open_cart("JPY").await;
    jane.ready(MUG, 1).await;
    let answer = jane.complete().await;
    assert_eq!(
        answer.value()["order"]["totals"]["total"],
        json!({"amount": 2800, "currency": "JPY"})
    );
    jane.pay("pm_card_visa");
    shop.settle().await;
    assert_eq!(jane.view_order().await["status"], "placed");
    assert_eq!(shop.twin().objects("payment_intent")[0]["amount"], 2800);
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_buyers_want_ten_mugs_and_ten_get_one() {
    let shop = world::open().await;
    let mut buyers = Vec::new();
    for number in 0..100 {
        let mut buyer = Shopper::from(&shop, &format!("198.51.100.{number}"));
        buyer.open_cart("EUR").await;
        buyer.ready(MUG, 1).await;
        buyers.push(buyer);
    }
    let total: Value = buyers[0].view_cart().await["totals"]["total"].clone();
    let mut tasks = Vec::new();
    for (number, mut buyer) in buyers.into_iter().enumerate() {
        let total = total.clone();
        tasks.push(tokio::spawn(async move {
            loop {
                let answer = buyer.complete_at(&format!("buyer-{number}"), &total).await;
                // Busy means: ask again, as the answer says.
                if answer.status != 503 {
                    return (buyer, answer);
                }
            }
        }));
    }
    let mut won = Vec::new();
    for task in tasks {
        let (buyer, answer) = task.await.unwrap();
        match answer.status {
            201 => won.push(buyer),
            _ => assert_eq!(refusal(&answer), (409, "insufficient_stock".into())),
        }
    }
    assert_eq!(won.len(), 10);
    for buyer in &won {
        buyer.pay("pm_card_visa");
    }
    shop.settle().await;
    let facts = sound(&shop, &goods::small(world::MUGS)).await;
    assert_eq!(facts.orders.len(), 10);
    assert!(facts.orders.iter().all(|order| order.status == domain::order::Status::Placed));
    let mugs = facts.stock.iter().find(|level| level.place.sku.as_str() == MUG.sku).unwrap();
    assert_eq!((mugs.reserved, mugs.available), (10, 0));
}

#[tokio::test]
async fn what_is_sold_out_shows_in_the_catalog() {
    let shop = world::open().await;
    let nobody = Shopper::new(&shop);
    let poster = ok(nobody.get("/v1/store/products/the-poster").await);
    assert_eq!(poster["variants"][0]["available"], 1);
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(POSTER, 1).await;
    jane.complete().await;
    shop.settle().await;
    for path in
        ["/v1/store/products/the-poster", "/v1/store/products?category=goods&sort=price_desc"]
    {
        let body = ok(nobody.get(path).await);
        let product = if body["data"].is_array() { &body["data"][0] } else { &body };
        assert_eq!(product["slug"], "the-poster");
        assert_eq!(product["variants"][0]["available"], 0, "{path}");
    }
}

#[tokio::test]
async fn a_guest_who_signs_in_keeps_the_cart() {
    let shop = world::open().await;
    let guest = Shopper::guest(&shop).await;
    guest.add(MUG, 2).await;
    let mut jane = Shopper::customer(&shop, "jane@example.org").await;
    jane.open_cart("EUR").await;
    jane.add(MUG, 1).await;
    jane.add(SOCKS, 1).await;
    let path = format!("/v1/store/carts/{}/merge", guest.cart);
    let body = json!({"cart_token": guest.cart_token});
    for _ in 0..2 {
        let merged = ok(jane.call("POST", &path, &body).await);
        assert_eq!(merged["id"], json!(jane.cart));
        assert_eq!(merged["lines"][0]["quantity"], 3);
        assert_eq!(merged["lines"].as_array().unwrap().len(), 2);
        assert_eq!(merged["trimmed"], json!([]));
    }
    let gone = guest
        .call(
            "POST",
            &format!("/v1/store/carts/{}/lines", guest.cart),
            &json!({"variant_id": MUG.variant(), "quantity": 1}),
        )
        .await;
    assert_eq!(refusal(&gone), (409, "cart_not_active".into()));
}

#[tokio::test]
async fn a_stranger_finds_nothing() {
    let shop = world::open().await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 1).await;
    jane.complete().await;
    let mut joe = Shopper::guest(&shop).await;
    joe.order_token = Some("guessed".into());
    for path in
        [format!("/v1/store/carts/{}", jane.cart), format!("/v1/store/orders/{}", jane.order)]
    {
        assert_eq!(refusal(&joe.get(&path).await), (404, "not_found".into()));
        assert_eq!(shop.send(Request::new("GET", &path)).await.status, 401);
    }
    let path = format!("/v1/store/orders/{}/cancel", jane.order);
    assert_eq!(joe.call("POST", &path, &json!({})).await.status, 404);
}
