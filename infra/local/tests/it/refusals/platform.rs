//! The ground the shop stands on.

use local::Request;
use serde_json::json;
use wire::{FaultKind, Plan};

use crate::world;
use crate::world::refusal;

#[tokio::test]
async fn readiness_names_what_does_not_answer() {
    let shop = world::open().await;
    let ready = shop.send(Request::new("GET", "/health/ready")).await;
    assert_eq!(ready.status, 200, "{}", ready.text());
    let checks = json!(["database", "queues", "mail", "secrets"]);
    assert_eq!(ready.value(), json!({"status": "ok", "checks": checks}));
    for (operation, name) in [
        ("DescribeTable", "database"),
        ("GetQueueAttributes", "queues"),
        ("GetSendQuota", "mail"),
        ("DescribeSecret", "secrets"),
    ] {
        // Every attempt of the client fails.
        for attempt in 1..=3 {
            let plan = Plan::at_operation(attempt, FaultKind::FailBefore, operation);
            shop.wire().faults().arm(plan);
        }
        let answer = shop.send(Request::new("GET", "/health/ready")).await;
        assert_eq!(refusal(&answer), (503, "not_ready".into()), "{operation}");
        assert_eq!(answer.value()["failed"], json!([name]), "{operation}");
        assert_eq!(answer.header("retry-after"), Some("5"));
        shop.wire().faults().disarm();
    }
    assert_eq!(shop.send(Request::new("GET", "/health/ready")).await.status, 200);
}

#[tokio::test]
async fn a_start_without_configuration_names_everything_that_is_missing_at_once() {
    let shop = world::open().await;
    let platform = runtime::Platform {
        variables: [
            ("STAGE".to_owned(), "moon".to_owned()),
            ("ALLOWED_ORIGINS".to_owned(), "*".to_owned()),
        ]
        .into(),
        aws: shop.sdk_config(),
        clock: runtime::Clock::of(|| jiff::Timestamp::UNIX_EPOCH),
        ids: runtime::Ids::seeded(1),
        lines: runtime::Lines::of(drop),
    };
    let refused =
        runtime::Function::load(checkout::ENDPOINTS, "checkout.store.complete", &platform);
    let said = refused.unwrap_err().to_string();
    for name in [
        "TABLE_CARTS",
        "TABLE_CATALOG",
        "TABLE_EPHEMERAL",
        "TABLE_KEYS",
        "TABLE_INVENTORY",
        "TABLE_LEDGER",
        "TABLE_ORDERS",
        "SHOP_URL",
        "SECRET_STRIPE",
        "ALLOWED_ORIGINS: ",
        "STAGE: moon",
    ] {
        assert!(said.contains(name), "{name}: {said}");
    }
    let empty = runtime::Platform { variables: [].into(), ..platform };
    let said = |refused: Result<runtime::Function, _>| -> String {
        refused.map(drop).map_err(|fault: domain::fault::Fault| fault.to_string()).unwrap_err()
    };
    let mail = said(runtime::Function::load(
        notifications::ENDPOINTS,
        "notifications.jobs.deliver",
        &empty,
    ));
    for name in ["TABLE_ORDERS", "TABLE_EPHEMERAL", "SECRET_TOKENS", "MAIL_FROM", "SHOP_URL"] {
        assert!(mail.contains(&format!("{name} is missing")), "{name}: {mail}");
    }
}
