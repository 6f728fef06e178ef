//! Papers: an invoice that follows a purchase, slips and lists for the hands.

use serde_json::{Value, json};
use testkit::goods::SOCKS;

use super::Pace;
use crate::world::{Colleague, Shopper, ok, refusal};

const SETTINGS: &str = "/v1/admin/settings";

/// Who sells, before the law.
pub(crate) fn entity() -> Value {
    json!({
        "code": "main", "name": "Allure GmbH", "address": ["Lindenstrasse 1", "10969 Berlin"],
        "country": "DE", "vat_id": "DE123456789", "invoice_prefix": "RE-",
        "credit_note_prefix": "GS-",
    })
}

/// The shop says who sells; from now on its orders get invoices.
pub(crate) async fn found(owner: &Colleague) {
    found_as(owner, "main").await;
}

/// The same under another code, with the same prefixes.
pub(crate) async fn found_as(owner: &Colleague, code: &str) {
    let seen = owner.tag(SETTINGS).await;
    let mut entity = entity();
    entity["code"] = json!(code);
    ok(owner.call_if(&seen, "PATCH", SETTINGS, &json!({"legal_entity": entity})).await);
}

/// Somebody buys from whoever sells now, though another one had the prefix before.
pub(crate) async fn kept_prefix<P: Pace>(pace: &mut P, owner: &Colleague) {
    found_as(owner, "holding").await;
    owner.shop.clock().advance_ms(61_000);
    let mut buyer = Shopper::from(&owner.shop, "203.0.113.78");
    buyer.open_cart("EUR").await;
    buyer.ready(SOCKS, 1).await;
    assert_eq!(buyer.complete().await.status, 201);
    buyer.pay("pm_card_visa");
    pace.follow().await;
    let shown = ok(pace.call(buyer.get(&at("store", &buyer, "invoice"))).await);
    let number = shown["invoice"]["number"].as_str().expect("a number");
    assert!(number.starts_with("RE-"), "{number}");
}

/// Where the papers of somebody's order are.
pub(crate) fn at(who: &str, buyer: &Shopper, paper: &str) -> String {
    format!("/v1/{who}/orders/{}/{paper}", buyer.order)
}

/// Somebody buys, reads the invoice, and the staff prints what it needs to send the goods.
pub(crate) async fn papers<P: Pace>(pace: &mut P, owner: &Colleague) {
    let shop = owner.shop.clone();
    found(owner).await;
    // What the functions believe of the shop is a minute old at most.
    shop.clock().advance_ms(1);
    let mut buyer = Shopper::from(&shop, "203.0.113.77");
    buyer.open_cart("EUR").await;
    buyer.ready(SOCKS, 1).await;
    assert_eq!(buyer.complete().await.status, 201);
    buyer.pay("pm_card_visa");
    pace.follow().await;
    ok(pace.call(buyer.get(&at("store", &buyer, "invoice"))).await);
    ok(pace.call(owner.get(&at("admin", &buyer, "invoice"))).await);
    let nobodys = "/v1/admin/orders/ord_01ARZ3NDEKTSV4RRFFQ69G5FAV/invoice";
    let refused = pace.call(owner.get(nobodys)).await;
    assert_eq!(refusal(&refused), (404, "not_found".into()));
    let month: String = shop.clock().now().to_string().chars().take(7).collect();
    let listed = format!("/v1/admin/invoices?month={month}");
    ok(pace.call(owner.get(&listed)).await);
    let slip = pace.call(owner.get(&at("admin", &buyer, "packing_slip"))).await;
    assert_eq!(slip.status, 200, "{}", slip.text());
    let body = json!({"order_ids": [buyer.order], "packing_slips": true});
    let request = local::Request::new("POST", "/v1/admin/pick_lists");
    let request = request.header("idempotency-key", &crate::world::key()).json(&body);
    let list = pace.call(owner.send(request)).await;
    assert_eq!(list.status, 200, "{}", list.text());
}
