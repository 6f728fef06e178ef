//! Dead letters in every queue, looked at, brought back, and given up again; and the books.

use local::{Outcome, Shop};
use queue::{Message, Name, Parking};
use serde_json::json;

use super::Pace;
use crate::world::{Colleague, ok};

/// Tries and a moment more than the longest that a message is hidden between two.
const TRIES: usize = 6;
const HIDDEN_MS: i64 = 1_801_000;

/// Puts a message among the dead letters of a queue, past its jobs.
pub(crate) async fn plant(shop: &Shop, name: Name, body: &str) {
    let variable = name.variable();
    let functions = &shop.stack().functions;
    let url = functions.iter().find_map(|function| function.environment.get(variable));
    let url = url.unwrap_or_else(|| panic!("somebody is told of {variable}"));
    let queue = shop.wire().sqs().arn(url.rsplit('/').next().expect("a name"));
    let (id, receipt) = (format!("{name:?}-{body}"), String::new());
    let group = Some("poison".to_owned());
    let (trace, sent_at) = (None, None);
    let body = body.to_owned();
    let message = Message { id, receipt, body, receives: 5, queue, group, trace, sent_at };
    let parking = Parking::new(&shop.sdk_config());
    parking.park(&message, "stories", "it was planted").await.expect("a queue");
}

/// Looks at something that was given up although it was fine, and brings it back.
pub(crate) async fn second_chance<P: Pace>(pace: &mut P, shop: &Shop, owner: &Colleague) {
    plant(shop, Name::Audit, &crate::queues::entry(shop, 1)).await;
    ok(pace.call(owner.get("/v1/admin/queues")).await);
    ok(pace.call(owner.get("/v1/admin/queues/audit/dead")).await);
    let at = "/v1/admin/queues/audit/redrive";
    let moved = pace.call(owner.call("POST", at, &json!({}))).await;
    assert_eq!(ok(moved)["moved"], 1);
    pace.settle().await;
}

/// Looks at poison in every queue and brings it back.
pub(crate) async fn dead_letters<P: Pace>(pace: &mut P, shop: &Shop, owner: &Colleague) {
    for name in Name::ALL {
        plant(shop, name, "poison").await;
    }
    let list = ok(pace.call(owner.get("/v1/admin/queues")).await);
    for queue in list["data"].as_array().expect("a list") {
        assert_eq!(queue["dead"], 1, "{queue}");
        assert!(queue["oldest_dead_at"].is_string(), "{queue}");
    }
    for name in Name::ALL {
        let at = format!("/v1/admin/queues/{}", name.word());
        let dead = ok(pace.call(owner.get(&format!("{at}/dead"))).await);
        assert_eq!(dead["data"][0]["reason"], "it was planted", "{dead}");
        let moved = pace.call(owner.call("POST", &format!("{at}/redrive"), &json!({}))).await;
        assert_eq!(ok(moved)["moved"], 1);
    }
}

/// Lets every queue find out that poison is poison.
pub(crate) async fn poison(shop: &Shop) {
    for _ in 0..TRIES {
        shop.settle().await;
        shop.clock().advance_ms(HIDDEN_MS);
    }
}

/// Compares the books, and looks at what came of it.
pub(crate) async fn books<P: Pace>(pace: &mut P, shop: &Shop, owner: &Colleague) {
    let outcome = pace.call(shop.run_job("payments.jobs.reconcile")).await;
    assert!(matches!(outcome, Outcome::Answered(_)));
    ok(pace.call(owner.get("/v1/admin/reconciliation")).await);
    pace.settle().await;
}
