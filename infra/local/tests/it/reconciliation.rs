//! The shop's books beside the payment provider's: what was never said is asked for, what differs
//! is named, and what agrees is not spoken of.

use domain::permission::Permission;
use local::{Outcome, Shop};
use serde_json::{Value, json};
use stripe_twin::Faults;
use testkit::goods::{self, MUG};

use crate::refunds::at_stripe;
use crate::world::{self, Colleague, Shopper, ok};

const JOB: &str = "payments.jobs.reconcile";
const LIST: &str = "/v1/admin/reconciliation";

async fn reconcile(shop: &Shop) {
    assert!(matches!(shop.run_job(JOB).await, Outcome::Answered(_)));
    shop.settle().await;
}

fn later(shop: &Shop, minutes: i64) {
    shop.clock().advance_ms(minutes * 60_000);
}

/// Somebody with an order that waits for its payment.
async fn waiting(shop: &Shop) -> Shopper {
    let mut jane = Shopper::guest(shop).await;
    jane.ready(MUG, 1).await;
    assert_eq!(jane.complete().await.status, 201);
    jane
}

/// What was found, as staff sees it: cause and whether it is mended.
async fn found(reader: &Colleague) -> Vec<(String, bool)> {
    let list = ok(reader.get(LIST).await);
    let entries = list["data"].as_array().expect("a list");
    let entry = |one: &Value| {
        let cause = one["cause"].as_str().expect("a cause").to_owned();
        (cause, one["is_healed"].as_bool().expect("a yes or a no"))
    };
    entries.iter().map(entry).collect()
}

#[tokio::test]
async fn a_webhook_that_never_came_is_made_good_within_the_hour_and_shown() {
    let shop = world::open().await;
    let reader = Colleague::of(&shop, "reader", &[Permission::OrdersRead]).await;
    let jane = waiting(&shop).await;
    shop.twin().set_faults(Faults { webhook_drop: 100, ..Faults::default() });
    assert_eq!(jane.pay("pm_card_visa").0, 200);
    shop.settle().await;
    assert_eq!(jane.view_order().await["status"], "pending_payment", "nobody told the shop");
    let said = shop.explain(&jane.order).await.unwrap();
    assert!(said.iter().any(|line| line.starts_with("It waits for its payment")), "{said:?}");
    reconcile(&shop).await;
    assert_eq!(found(&reader).await, [], "its webhook may still be on its way");

    later(&shop, 11);
    // The sweeper of unpaid orders is not what helps here: their time is not over.
    reconcile(&shop).await;
    assert_eq!(jane.view_order().await["status"], "placed");
    assert_eq!(found(&reader).await, [("webhook_lost".to_owned(), false)]);
    let said = shop.explain(&jane.order).await.unwrap();
    assert_eq!(said.last().unwrap(), "Nothing about it is odd.", "{said:?}");
    assert!(!said.join(" ").contains("jane"));
    let told = |what: &str| said.iter().any(|line| line.starts_with(what));
    assert!(told("Letter order_confirmation (msg_"), "{said:?}");
    let number = jane.view_order().await["number"].as_str().unwrap().to_lowercase();
    assert_eq!(shop.explain(&number).await.unwrap(), said, "by its number, too");
    assert!(shop.explain("AAA-AAA-AAA").await.is_err());
    let shown = ok(reader.get(LIST).await);
    assert_eq!(shown["data"][0]["order_id"], json!(jane.order));
    assert!(shown["data"][0]["proposed_fix"].as_str().is_some_and(|fix| fix.len() > 20));
    for _ in 0..2 {
        reconcile(&shop).await;
        assert_eq!(found(&reader).await, [("webhook_lost".to_owned(), true)]);
    }
    world::sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn money_that_went_back_elsewhere_is_taken_over() {
    let shop = world::open().await;
    let reader = Colleague::of(&shop, "reader", &[Permission::OrdersRead]).await;
    let jane = waiting(&shop).await;
    assert_eq!(jane.pay("pm_card_visa").0, 200);
    shop.settle().await;
    shop.twin().set_faults(Faults { webhook_drop: 100, ..Faults::default() });
    let fields = [("payment_intent", jane.intent.as_str()), ("amount", "300")];
    assert_eq!(at_stripe(&shop, "/v1/refunds", &fields).0, 200);
    later(&shop, 11);
    reconcile(&shop).await;
    assert_eq!(found(&reader).await, [("refunded_differs".to_owned(), false)]);
    reconcile(&shop).await;
    assert_eq!(found(&reader).await, [("refunded_differs".to_owned(), true)]);
    assert_eq!(jane.view_order().await["payment_status"], "partially_refunded");
}

#[tokio::test]
async fn money_that_is_nobodys_is_named_and_left_to_a_person() {
    let shop = world::open().await;
    let reader = Colleague::of(&shop, "reader", &[Permission::OrdersRead]).await;
    let jane = waiting(&shop).await;
    assert_eq!(jane.pay("pm_card_visa").0, 200);
    shop.settle().await;
    // Another program takes money by the same account.
    let fields = [
        ("amount", "4200"),
        ("currency", "eur"),
        ("payment_method", "pm_card_visa"),
        ("confirm", "true"),
        ("return_url", "https://shop.example/return"),
    ];
    let (status, made) = at_stripe(&shop, "/v1/payment_intents", &fields);
    assert_eq!((status, &made["status"]), (200, &json!("succeeded")), "{made}");
    shop.settle().await;
    later(&shop, 11);
    for _ in 0..3 {
        reconcile(&shop).await;
        assert_eq!(found(&reader).await, [("order_unknown".to_owned(), false)]);
    }
    let shown = ok(reader.get(LIST).await);
    assert_eq!(shown["data"][0]["told"], json!({"amount": 4200, "currency": "EUR"}));
    assert_eq!(shown["data"][0]["payment_intent_id"], made["id"]);
}

#[tokio::test]
async fn money_of_which_the_provider_knows_nothing_is_named() {
    let shop = world::open().await;
    let reader = Colleague::of(&shop, "reader", &[Permission::OrdersRead]).await;
    let (jane, joe) = (waiting(&shop).await, waiting(&shop).await);
    for buyer in [&jane, &joe] {
        assert_eq!(buyer.pay("pm_card_visa").0, 200);
    }
    shop.settle().await;
    // Somebody gave the shop the key of another account.
    assert!(shop.twin().forget(&jane.intent));
    reconcile(&shop).await;
    assert_eq!(found(&reader).await, [], "nobody is asked of the last minutes");
    later(&shop, 11);
    // It stands as long as the order is young, and then because it stood before.
    for _ in 0..2 {
        reconcile(&shop).await;
        assert_eq!(found(&reader).await, [("provider_unknown".to_owned(), false)]);
    }
    let shown = ok(reader.get(LIST).await);
    let entry = &shown["data"][0];
    assert_eq!(
        (&entry["order_id"], &entry["payment_intent_id"]),
        (&json!(jane.order), &json!(jane.intent))
    );
    assert_eq!((&entry["told"]["amount"], &entry["kept"]["amount"]), (&json!(0), &json!(1740)));
    assert!(entry["proposed_fix"].as_str().is_some_and(|fix| fix.contains("account")));
    later(&shop, 27 * 60);
    reconcile(&shop).await;
    let mut reader = reader;
    reader.sign_in().await;
    assert_eq!(found(&reader).await, [("provider_unknown".to_owned(), false)]);
}

#[tokio::test]
async fn a_day_without_a_fault_finds_nothing() {
    let goods = goods::small(world::MUGS);
    let shop = world::open().await;
    let mut reader = Colleague::of(&shop, "reader", &[Permission::OrdersRead]).await;
    let paid = waiting(&shop).await;
    assert_eq!(paid.pay("pm_card_visa").0, 200);
    let declined = waiting(&shop).await;
    declined.pay("pm_card_visa_chargeDeclined");
    let left = waiting(&shop).await;
    shop.settle().await;
    for _ in 0..4 {
        later(&shop, 20);
        assert!(matches!(shop.run_job("checkout.jobs.expire_unpaid").await, Outcome::Answered(_)));
        shop.settle().await;
        reconcile(&shop).await;
    }
    reader.sign_in().await;
    assert_eq!(found(&reader).await, []);
    assert_eq!(left.view_order().await["status"], "expired");
    let stranger = Colleague::of(&shop, "stranger", &[Permission::ProductsRead]).await;
    assert_eq!(stranger.get(LIST).await.status, 403);
    shop.settle().await;
    world::sound(&shop, &goods).await;
}
