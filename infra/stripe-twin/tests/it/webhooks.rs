//! Deliveries, signatures, retries and endpoints.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use serde_json::Value;
use sha2::Sha256;
use stripe_twin::{Delay, Delivery, Faults};

use crate::bench::{Bench, SECRET, START_MS, id};

/// Stripe's documented way to verify: true when one `v1` is the HMAC of `t.body`.
fn verifies(delivery: &Delivery, secret: &str) -> bool {
    let (_, header) = delivery.headers.iter().find(|(name, _)| name == "Stripe-Signature").unwrap();
    let mut parts = header.split(',');
    let time = parts.next().unwrap().strip_prefix("t=").unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(time.as_bytes());
    mac.update(b".");
    mac.update(&delivery.body);
    let expected = mac.finalize().into_bytes();
    let is_it = |digits: &str| {
        let bytes =
            (0..64).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap());
        digits.len() == 64 && bytes.eq(expected.iter().copied())
    };
    parts.any(|part| part.strip_prefix("v1=").is_some_and(is_it))
}

fn kinds(deliveries: &[Delivery]) -> Vec<String> {
    let kind = |delivery: &Delivery| {
        let event: Value = serde_json::from_slice(&delivery.body).unwrap();
        event["type"].as_str().unwrap().to_owned()
    };
    deliveries.iter().map(kind).collect()
}

#[test]
fn events_are_delivered_in_order_and_signed() {
    let bench = Bench::new();
    bench.pay("pm_card_visa").ok();
    assert_eq!(bench.twin.next_delivery_at_ms(), Some(START_MS));
    let due = bench.deliver_all();
    assert_eq!(
        kinds(&due),
        ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]
    );
    assert!(due.iter().all(|delivery| verifies(delivery, SECRET)));
    assert!(!due.iter().any(|delivery| verifies(delivery, "whsec_other")));
    let event: Value = serde_json::from_slice(&due[2].body).unwrap();
    assert_eq!(event["api_version"], "2026-09-30.endive");
    assert_eq!(event["pending_webhooks"], 1);
    assert!(event["request"]["id"].as_str().unwrap().starts_with("req_"));
    assert!(bench.twin.deliveries_due().is_empty());
    assert_eq!(bench.twin.objects("event")[0]["pending_webhooks"], 0);
}

#[test]
fn a_failed_delivery_is_retried_for_three_days_ever_more_slowly() {
    let bench = Bench::new();
    bench.intent("");
    let mut waits = Vec::new();
    let mut attempts = 0;
    while let Some(at_ms) = bench.twin.next_delivery_at_ms() {
        let now_ms = bench.clock.swap(at_ms, Ordering::SeqCst);
        waits.push((at_ms - now_ms) / 60_000);
        let due = bench.twin.deliveries_due();
        assert_eq!(due.len(), 1);
        attempts += 1;
        assert_eq!(due[0].attempt, attempts);
        assert!(verifies(&due[0], SECRET), "signed anew at each attempt");
        bench.twin.delivered(&due[0].id, [None, Some(500), Some(302)][waits.len() % 3]);
    }
    assert_eq!(waits[..8], [0, 1, 2, 4, 8, 16, 32, 64]);
    let minutes: i64 = waits.iter().sum();
    assert!((2 * 1440..=3 * 1440).contains(&minutes), "{minutes}");
    assert_eq!(bench.twin.objects("event")[0]["pending_webhooks"], 1);
}

#[test]
fn an_unanswered_delivery_counts_as_failed() {
    let bench = Bench::new();
    bench.intent("");
    assert_eq!(bench.twin.deliveries_due().len(), 1);
    assert!(bench.twin.deliveries_due().is_empty());
    bench.wait_seconds(31);
    assert!(bench.twin.deliveries_due().is_empty());
    bench.wait_seconds(60);
    assert_eq!(bench.twin.deliveries_due()[0].attempt, 2);
}

#[test]
fn an_event_can_be_sent_again() {
    let bench = Bench::new();
    bench.intent("");
    let first = bench.deliver_all().remove(0);
    bench.twin.redeliver(&first.event_id);
    let second = bench.deliver_all().remove(0);
    assert_eq!(second.event_id, first.event_id);
    assert_ne!(second.id, first.id);
}

#[test]
fn endpoints_listen_to_what_they_ask_for() {
    let bench = Bench::new();
    let form = "url=https://a.test/&enabled_events[]=charge.succeeded";
    let endpoint = bench.post("/v1/webhook_endpoints", form).ok();
    let secret = endpoint["secret"].as_str().unwrap();
    let path = format!("/v1/webhook_endpoints/{}", id(&endpoint));
    assert_eq!(bench.get(&path).ok().get("secret"), None);
    bench.pay("pm_card_visa").ok();
    let due = bench.deliver_all();
    let here: Vec<_> = due.iter().filter(|delivery| delivery.url == "https://a.test/").collect();
    assert_eq!(here.len(), 1);
    assert!(verifies(here[0], secret));
    assert_eq!(bench.send(Method::DELETE, &path, "", &[]).ok()["deleted"], true);
    bench.pay("pm_card_visa").ok();
    assert!(bench.deliver_all().iter().all(|delivery| delivery.url != "https://a.test/"));
    assert_eq!(bench.get("/v1/webhook_endpoints").ok()["data"].as_array().unwrap().len(), 1);
}

#[test]
fn during_a_rotation_both_secrets_verify() {
    let bench = Bench::new();
    let endpoint = bench.get("/v1/webhook_endpoints").ok()["data"][0].clone();
    let path = format!("/v1/test_helpers/webhook_endpoints/{}/roll_secret", id(&endpoint));
    let rolled = bench.post(&path, "expires_in_seconds=3600").ok();
    let secret = rolled["secret"].as_str().unwrap();
    bench.intent("");
    let delivery = bench.deliver_all().remove(0);
    assert!(verifies(&delivery, secret) && verifies(&delivery, SECRET));
    bench.wait_seconds(3600);
    bench.intent("");
    let delivery = bench.deliver_all().remove(0);
    assert!(verifies(&delivery, secret) && !verifies(&delivery, SECRET));
}

#[test]
fn duplicates_delays_drops_and_holds() {
    let bench = Bench::new();
    bench.twin.set_faults(Faults { webhook_duplicates: 2, ..Faults::default() });
    bench.intent("");
    let due = bench.deliver_all();
    assert_eq!(due.len(), 3);
    assert!(due.iter().all(|delivery| delivery.event_id == due[0].event_id));

    bench.twin.set_faults(Faults {
        webhook_delay_seconds: Delay::Between([10, 20]),
        ..Faults::default()
    });
    bench.intent("");
    bench.wait_seconds(9);
    assert!(bench.deliver_all().is_empty());
    bench.wait_seconds(11);
    assert_eq!(bench.deliver_all().len(), 1);

    bench.twin.set_faults(Faults { webhook_drop: 1, ..Faults::default() });
    bench.intent("");
    bench.intent("");
    assert_eq!(bench.deliver_all().len(), 1);
    assert_eq!(
        bench.get("/v1/events?delivery_success=false").ok()["data"].as_array().unwrap().len(),
        1
    );

    bench.twin.set_faults(Faults { webhook_hold: true, ..Faults::default() });
    bench.intent("");
    assert!(bench.deliver_all().is_empty());
    assert_eq!(bench.twin.next_delivery_at_ms(), None);
    bench.twin.set_faults(Faults::default());
    assert_eq!(bench.deliver_all().len(), 1);
}

#[test]
fn webhooks_overtake_each_other() {
    let bench = Bench::new();
    bench.twin.set_faults(Faults { webhook_reorder: true, ..Faults::default() });
    for _ in 0..4 {
        bench.pay("pm_card_visa").ok();
    }
    let told: Vec<_> =
        bench.twin.objects("event").iter().map(|event| id(event).to_owned()).collect();
    bench.clock.fetch_add(1999, Ordering::SeqCst);
    let sent: Vec<_> = bench.deliver_all().into_iter().map(|delivery| delivery.event_id).collect();
    assert_ne!(sent, told);
    let sorted = |mut ids: Vec<String>| {
        ids.sort();
        ids
    };
    assert_eq!(sorted(sent), sorted(told));
}

#[test]
fn nothing_acknowledged_is_lost_by_a_restart() {
    let folder = std::env::temp_dir().join(format!("stripe-twin-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("reopen.sqlite");
    let _ = std::fs::remove_file(&file);
    let clock = Arc::new(AtomicI64::new(START_MS));
    let key = [("idempotency-key", "k")];
    let form = "amount=1000&currency=eur&confirm=true&payment_method=pm_card_visa";

    let bench = Bench::open(Some(file.clone()), Arc::clone(&clock));
    let first = bench.send(Method::POST, "/v1/payment_intents", form, &key).ok();
    bench.pay("pm_card_createDispute").ok();
    assert_eq!(bench.twin.deliveries_due().len(), 6);
    let before = bench.twin.objects("event");
    // The process dies: nothing was reported back, no destructor matters.
    std::mem::forget(bench);

    let bench = Bench::open(Some(file.clone()), clock);
    assert_eq!(bench.twin.objects("event"), before);
    assert_eq!(bench.twin.deliveries_due().len(), 6, "what was in flight is sent again");
    let again = bench.send(Method::POST, "/v1/payment_intents", form, &key).ok();
    assert_eq!(again, first);
    let fresh = bench.intent("");
    assert!(
        bench.twin.objects("payment_intent").iter().filter(|pi| pi["id"] == fresh["id"]).count()
            == 1
    );
    bench.wait_seconds(3);
    assert_eq!(bench.twin.objects("dispute").len(), 1, "timers survive");
    assert_eq!(bench.get("/v1/balance").ok()["pending"][0]["currency"], "eur");
    std::fs::remove_dir_all(folder).unwrap();
}
