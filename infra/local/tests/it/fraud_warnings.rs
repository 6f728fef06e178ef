//! Early warnings of fraud: the shop does as it is set to, once for each warning.

use domain::permission::Permission::{OrdersRead, OrdersWrite};
use local::{Options, Request, Shop};
use serde_json::{Value, json};
use testkit::goods::{self, Goods, MUG};

use crate::world::{self, Colleague, Shopper, key, ok, sound};

/// The issuer warns within so many seconds.
const SECONDS: u64 = 10;

/// A shop with this policy, and an order whose card's issuer has warned.
async fn warned(policy: &str) -> (Shop, Goods, Colleague, Shopper) {
    let mut goods = goods::small(world::MUGS);
    let payments = json!({"fraud_warnings": policy});
    goods.shop.payments = serde_json::from_value(payments).expect("settings");
    let shop = world::open_with(Options::default(), &goods).await;
    let clerk = Colleague::of(&shop, "clerk", &[OrdersRead, OrdersWrite]).await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 1).await;
    assert_eq!(jane.complete().await.status, 201);
    assert_eq!(jane.pay("pm_card_createIssuerFraudRecord").0, 200);
    shop.settle().await;
    shop.advance(SECONDS).await;
    shop.settle().await;
    (shop, goods, clerk, jane)
}

async fn order(clerk: &Colleague, jane: &Shopper) -> Value {
    ok(clerk.get(&format!("/v1/admin/orders/{}", jane.order)).await)
}

async fn again(shop: &Shop) {
    let events = shop.twin().objects("event");
    for event in events.iter().filter(|one| one["type"] == "radar.early_fraud_warning.created") {
        shop.twin().redeliver(event["id"].as_str().unwrap());
    }
    shop.settle().await;
}

#[tokio::test]
async fn a_warning_holds_the_order_once() {
    let (shop, goods, clerk, jane) = warned("hold").await;
    let held = order(&clerk, &jane).await;
    assert_eq!(
        (&held["status"], &held["hold"]["cause"]),
        (&json!("on_hold"), &json!("fraud_warning"))
    );
    let path = format!("/v1/admin/orders/{}/release", jane.order);
    let request = Request::new("POST", &path).header("idempotency-key", &key()).json(&json!({}));
    ok(clerk.send(request).await);
    again(&shop).await;
    assert_eq!(order(&clerk, &jane).await["status"], "placed", "somebody has looked");
    sound(&shop, &goods).await;
}

#[tokio::test]
async fn a_warning_gives_the_money_back_once_where_the_shop_says_so() {
    let (shop, goods, clerk, jane) = warned("refund").await;
    again(&shop).await;
    let held = order(&clerk, &jane).await;
    assert_eq!((&held["status"], &held["payment_status"]), (&json!("on_hold"), &json!("refunded")));
    assert_eq!(held["refund_details"][0]["origin"], "fraud_warning");
    assert_eq!(shop.twin().objects("refund").len(), 1);
    sound(&shop, &goods).await;
}

#[tokio::test]
async fn a_shop_that_ignores_warnings_goes_on() {
    let (shop, goods, clerk, jane) = warned("ignore").await;
    assert_eq!(order(&clerk, &jane).await["status"], "placed");
    sound(&shop, &goods).await;
}
