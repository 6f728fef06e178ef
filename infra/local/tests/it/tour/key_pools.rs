//! Through the pools of keys: keys come, are looked at, withdrawn and sold; one is owed and
//! follows.

use local::Shop;
use serde_json::{Value, json};

use super::inventory::post;
use super::{Pace, Round, text};
use crate::gift_cards::end_behind_the_provider;
use crate::world::{Colleague, Shopper, ok};

const POOLS: &str = "/v1/admin/inventory/key_pools";

/// A digital product in the store, each unit of which is a key: its variant and its SKU.
async fn on_sale(owner: &Colleague, round: Round) -> (String, String) {
    let body = json!({
        "slug": format!("editor-{}", round.0), "title": "Editor", "type": "digital",
        "sku_prefix": format!("EDITOR-{}", round.0),
        "prices": [{"amount": 4900, "currency": "EUR"}],
    });
    let made = ok(owner.call("POST", "/v1/admin/products", &body).await);
    let at = format!("/v1/admin/products/{}", text(&made, "id"));
    let variant = text(&made["variants"][0], "id");
    let path = format!("{at}/variants/{variant}");
    let tag = owner.tag(&at).await;
    ok(owner.call_if(&tag, "PATCH", &path, &json!({"has_keys": true})).await);
    ok(owner.call("POST", &format!("{at}/publish"), &json!({})).await);
    (variant, text(&made["variants"][0], "sku"))
}

/// The SKU of a pool with two keys.
pub(crate) async fn filled(owner: &Colleague, round: u8) -> String {
    let (_, sku) = on_sale(owner, Round(round)).await;
    let keys = json!({"keys": ["EDIT-0001-QX4A", "EDIT-0002-QX4A"]});
    let made = post(owner, &format!("/key_pools/{sku}/keys"), &keys).await;
    assert_eq!(made.status, 201, "{}", made.text());
    owner.shop.settle().await;
    sku
}

/// Somebody with so many units of a variant in a cart, who has completed it.
pub(crate) async fn orders(shop: &Shop, ip: &str, variant: &str, quantity: u32) -> Shopper {
    let mut buyer = Shopper::from(shop, ip);
    buyer.open_cart("EUR").await;
    let path = format!("/v1/store/carts/{}/lines", buyer.cart);
    let body = json!({"variant_id": variant, "quantity": quantity});
    ok(buyer.call("POST", &path, &body).await);
    buyer.addresses().await;
    let done = buyer.complete().await;
    assert_eq!(done.status, 201, "{}", done.text());
    buyer
}

async fn add<P: Pace>(pace: &mut P, owner: &Colleague, sku: &str, keys: &[String]) -> Value {
    let path = format!("/key_pools/{sku}/keys");
    let made = pace.call(post(owner, &path, &json!({"keys": keys, "reference": "DN-7"}))).await;
    assert_eq!(made.status, 201, "{}", made.text());
    made.value()
}

/// Everything, once.
pub(crate) async fn pools<P: Pace>(pace: &mut P, owner: &Colleague, round: Round) {
    let shop = owner.shop.clone();
    let (variant, sku) = on_sale(owner, round).await;
    let key = |number: u8| format!("EDIT-{}-{number:03}-QX4A", round.0);
    // The first keys open the pool; how keys are added is measured by those after them.
    let first = post(owner, &format!("/key_pools/{sku}/keys"), &json!({"keys": [key(1)]})).await;
    assert_eq!(first.status, 201, "{}", first.text());
    let added = add(pace, owner, &sku, &[key(2), key(3), key(1)]).await;
    assert_eq!((&added["added"], &added["skipped"][0]["why"]), (&json!(2), &json!("known")));
    pace.settle().await;
    let list = format!("{POOLS}/{sku}/keys?limit=1");
    let page = ok(pace.call(owner.get(&list)).await);
    let next = format!("{list}&cursor={}", text(&page, "next_cursor"));
    ok(pace.call(owner.get(&next)).await);
    let none = pace.call(owner.get(&format!("{POOLS}/NO-KEYS/keys"))).await;
    assert_eq!(none.status, 404, "{}", none.text());
    let body = json!({"key_ids": [page["data"][0]["id"]], "reason": "Recalled"});
    let gone = pace.call(post(owner, &format!("/key_pools/{sku}/withdrawals"), &body)).await;
    assert_eq!(gone.status, 201, "{}", gone.text());
    let buyer = orders(&shop, &round.ip(95), &variant, 1).await;
    buyer.pay("pm_card_visa");
    pace.settle().await;
    assert_eq!(buyer.view_order().await["keys"][0]["following"], 0);
    // The last one is held, let go behind the provider's back, and somebody else's; then the money
    // comes after all.
    let late = orders(&shop, &round.ip(96), &variant, 1).await;
    end_behind_the_provider(&shop, &late.order).await;
    let quick = orders(&shop, &round.ip(97), &variant, 1).await;
    quick.pay("pm_card_visa");
    pace.settle().await;
    late.pay("pm_card_visa");
    pace.settle().await;
    assert_eq!(late.view_order().await["keys"][0]["following"], 1);
    let pool = ok(pace.call(owner.get(&format!("{POOLS}/{sku}"))).await);
    assert_eq!(pool["waiting"][0]["order_id"], late.order);
    add(pace, owner, &sku, &[key(4)]).await;
    pace.settle().await;
    assert_eq!(late.view_order().await["keys"][0]["keys"][0]["key"], key(4));
}
