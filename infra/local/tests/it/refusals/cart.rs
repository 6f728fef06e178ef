//! The cart: what it takes, and what it refuses.

use domain::currency::Currency;
use domain::id::VariantId;
use local::Options;
use serde_json::json;
use testkit::goods::{MUG, SOCKS, TEMPLATE};

use super::{at, changed, euros, put};
use crate::world::{Shopper, ok, refusal, sound};
use crate::{crowd, world};

#[tokio::test]
async fn forty_lines_fill_a_cart_and_the_forty_first_is_refused() {
    let goods = crowd::goods(41);
    let shop = world::open_with(Options::default(), &goods).await;
    let mut jane = Shopper::guest(&shop).await;
    for n in 0..40 {
        ok(put(&jane, &crowd::variant(n), 1).await);
    }
    let answer = put(&jane, &crowd::variant(40), 1).await;
    assert_eq!(refusal(&answer), (409, "cart_full".into()));
    assert_eq!(answer.value()["lines_max"], 40);
    // A line that is there may still grow, and all forty fit one order.
    let cart = ok(put(&jane, &crowd::variant(0), 1).await);
    assert_eq!(cart["lines"].as_array().unwrap().len(), 40);
    jane.addresses().await;
    jane.ship_by("home-standard").await;
    let answer = jane.complete().await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    jane.pay("pm_card_visa");
    shop.settle().await;
    assert_eq!(jane.view_order().await["status"], "placed");
    sound(&shop, &goods).await;
}

#[tokio::test]
async fn equal_variants_are_one_line_of_at_most_a_hundred() {
    let shop = world::open().await;
    let jane = Shopper::guest(&shop).await;
    for quantity in [0, -1, 101, i64::MAX] {
        let answer = put(&jane, &MUG.variant(), quantity).await;
        assert_eq!(refusal(&answer), (400, "invalid_request".into()), "{quantity}");
        assert_eq!(answer.value()["errors"][0]["pointer"], "/quantity");
    }
    ok(put(&jane, &MUG.variant(), 60).await);
    let cart = ok(put(&jane, &MUG.variant(), 40).await);
    let lines = cart["lines"].as_array().unwrap();
    assert_eq!((lines.len(), &lines[0]["quantity"]), (1, &json!(100)));
    let answer = put(&jane, &MUG.variant(), 1).await;
    assert_eq!(refusal(&answer), (409, "quantity_limit".into()));
    assert_eq!(answer.value()["quantity_max"], 100);
    let path = at(&jane, &format!("/lines/{}", lines[0]["id"].as_str().unwrap()));
    let answer = jane.call("PATCH", &path, &json!({"quantity": 101})).await;
    assert_eq!(refusal(&answer), (400, "invalid_request".into()));
    assert_eq!(jane.view_cart().await["lines"][0]["quantity"], 100);
}

#[tokio::test]
async fn a_variant_can_allow_fewer_units_than_a_hundred() {
    let goods = changed(MUG, |offer| offer.quantity_max = 3);
    let shop = world::open_with(Options::default(), &goods).await;
    let jane = Shopper::guest(&shop).await;
    let answer = put(&jane, &MUG.variant(), 4).await;
    assert_eq!(refusal(&answer), (409, "quantity_limit".into()));
    assert_eq!(answer.value()["quantity_max"], 3);
    let cart = ok(put(&jane, &MUG.variant(), 3).await);
    let path = at(&jane, &format!("/lines/{}", cart["lines"][0]["id"].as_str().unwrap()));
    let answer = jane.call("PATCH", &path, &json!({"quantity": 4})).await;
    assert_eq!(refusal(&answer), (409, "quantity_limit".into()));
    assert_eq!(refusal(&put(&jane, &MUG.variant(), 1).await), (409, "quantity_limit".into()));
    let cart = ok(jane.call("PATCH", &path, &json!({"quantity": 2})).await);
    assert_eq!(cart["lines"][0]["quantity"], 2);
    let cart = ok(jane.call("DELETE", &path, &json!({})).await);
    assert_eq!(cart["lines"], json!([]));
    for method in ["PATCH", "DELETE"] {
        let answer = jane.call(method, &path, &json!({"quantity": 1})).await;
        assert_eq!(refusal(&answer), (404, "line_not_found".into()), "{method}");
    }
}

#[tokio::test]
async fn what_the_shop_does_not_have_is_not_put_into_a_cart() {
    let goods = changed(SOCKS, |offer| offer.is_active = false);
    let shop = world::open_with(Options::default(), &goods).await;
    let jane = Shopper::guest(&shop).await;
    let nobody = VariantId::from_ulid(domain::id::Ulid::from_parts(1, 1)).to_string();
    let answer = put(&jane, &nobody, 1).await;
    assert_eq!(refusal(&answer), (400, "invalid_request".into()));
    assert_eq!(
        answer.value()["errors"][0],
        json!({
            "pointer": "/variant_id", "code": "unknown_variant",
            "detail": "There is no such variant.",
        })
    );
    let answer = put(&jane, &SOCKS.variant(), 1).await;
    assert_eq!(refusal(&answer), (409, "variant_unavailable".into()));
    assert_eq!(answer.value()["sku"], SOCKS.sku);
    let mut joe = Shopper::new(&shop);
    joe.open_cart("USD").await;
    let answer = put(&joe, &MUG.variant(), 1).await;
    assert_eq!(refusal(&answer), (409, "currency_unavailable".into()));
    assert_eq!(answer.value()["currency"], "USD");
}

#[tokio::test]
async fn what_went_off_sale_meanwhile_is_named_and_not_sold() {
    let shop = world::open().await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(SOCKS, 1).await;
    let goods = changed(SOCKS, |offer| offer.is_active = false);
    shop.store().import_products(&goods.products, Currency::EUR).await.unwrap();
    let answer = jane.complete().await;
    assert_eq!(refusal(&answer), (409, "variant_unavailable".into()));
    assert_eq!(answer.value()["sku"], SOCKS.sku);
    assert!(sound(&shop, &goods).await.orders.is_empty());
}

#[tokio::test]
async fn a_way_of_sending_serves_the_address_or_is_refused() {
    let shop = world::open().await;
    let jane = Shopper::guest(&shop).await;
    jane.add(MUG, 1).await;
    jane.addresses().await;
    for option in ["abroad-standard", "by-balloon"] {
        let body = json!({"shipping_option_id": option});
        let answer = jane.call("PUT", &at(&jane, "/shipping"), &body).await;
        assert_eq!(refusal(&answer), (409, "shipping_unavailable".into()), "{option}");
    }
    let options = ok(jane.get(&at(&jane, "/shipping_options")).await);
    let ids: Vec<&str> =
        options["data"].as_array().unwrap().iter().map(|o| o["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["home-standard", "home-express"]);

    let joe = Shopper::guest(&shop).await;
    joe.ready(TEMPLATE, 1).await;
    assert_eq!(ok(joe.get(&at(&joe, "/shipping_options")).await), json!({"data": []}));
    let body = json!({"shipping_option_id": "home-standard"});
    let answer = joe.call("PUT", &at(&joe, "/shipping"), &body).await;
    assert_eq!(refusal(&answer), (409, "shipping_not_needed".into()));
}

#[tokio::test]
async fn a_new_address_can_cost_the_chosen_way_of_sending() {
    let shop = world::open().await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 1).await;
    for (country, postal_code, options) in [("FR", "75001", 1), ("SE", "111 20", 0)] {
        let mut to = world::address();
        to["country"] = json!(country);
        to["postal_code"] = json!(postal_code);
        let body = json!({"email": "jane@example.org", "shipping_address": to});
        let cart = ok(jane.call("PUT", &at(&jane, "/addresses"), &body).await);
        assert_eq!(cart["totals"]["shipping"], euros(0), "{cart}");
        let answer = jane.complete().await;
        assert_eq!(refusal(&answer), (409, "shipping_unavailable".into()), "{country}");
        let found = ok(jane.get(&at(&jane, "/shipping_options")).await);
        assert_eq!(found["data"].as_array().unwrap().len(), options, "{country}");
    }
    jane.addresses().await;
    assert_eq!(jane.complete().await.status, 201);
}
