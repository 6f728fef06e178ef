//! The machine below the shop: gateway, pumps, clock, death, the port, the folder.

use std::path::PathBuf;
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use local::{Clock, Options, Request, Shop, buy, serve};
use serde_json::json;
use testkit::goods::{self, MUG};
use wire::{FaultKind, Plan};

use crate::world::{self, MUGS, Shopper, ok};

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("local-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }

    fn options(&self) -> Options {
        Options { data_dir: Some(self.0.clone()), ..Options::default() }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_routed_is_answered_by_the_domain_that_is_nearest() {
    let shop = Shop::open(Options::default()).await.unwrap();
    let nowhere = shop.send(Request::new("GET", "/v1/nowhere")).await;
    assert_eq!(nowhere.status, 404);
    assert_eq!(nowhere.header("content-type"), Some("application/problem+json"));
    let method = shop.send(Request::new("DELETE", "/v1/store/products")).await;
    assert_eq!((method.status, method.header("allow")), (405, Some("GET, OPTIONS")));
    let preflight = Request::new("OPTIONS", "/v1/store/carts")
        .header("origin", shop.base_url())
        .header("access-control-request-method", "POST");
    let preflight = shop.send(preflight).await;
    let allowed = preflight.header("access-control-allow-origin");
    assert_eq!((preflight.status, allowed), (204, Some(shop.base_url())));
    let metrics = shop.metrics();
    assert!(metrics.contains_key("catalog.unknown") && metrics.contains_key("cart.unknown"));
    let mut heavy = Request::new("POST", "/v1/store/carts");
    heavy.body = vec![b' '; 10 * 1024 * 1024 + 1].into();
    assert_eq!(shop.send(heavy).await.status, 413);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_is_a_get_without_its_body() {
    let shop = Shop::open(Options::default()).await.unwrap();
    let get = shop.send(Request::new("GET", "/health/live")).await;
    let head = shop.send(Request::new("HEAD", "/health/live")).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), Some(get.body.len().to_string().as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_dies_in_a_request_answers_nothing_and_starts_cold_again() {
    let shop = world::open().await;
    shop.wire().faults().arm(Plan::at(1, FaultKind::DieBefore));
    let died = Shopper::new(&shop).call("POST", "/v1/store/carts", &json!({})).await;
    assert_eq!(died.status, 502);
    let again = Shopper::new(&shop).call("POST", "/v1/store/carts", &json!({})).await;
    assert_eq!(again.status, 201, "{}", again.text());
    assert_eq!(shop.metrics()["cart.store.create"].failures, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_stripe_that_is_lost_is_asked_for_again() {
    let shop = world::open().await;
    let mut buyer = Shopper::guest(&shop).await;
    buyer.ready(MUG, 1).await;
    let create = "POST /v1/payment_intents";
    shop.wire().faults().arm(Plan::at_operation(1, FaultKind::LoseResponse, create));
    let lost = buyer.complete_with("one").await;
    assert!(lost.status >= 500, "{}", lost.text());
    assert_eq!(shop.twin().objects("payment_intent").len(), 1);
    let again = buyer.complete_with("one").await;
    assert_eq!(again.status, 201, "{}", again.text());
    assert_eq!(shop.twin().objects("payment_intent").len(), 1);
    let calls = shop.wire().recorder().totals();
    assert!(calls["checkout.store.complete"].round_trips["stripe"] >= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_reader_died_comes_again_when_its_time_is_over() {
    let shop = world::open().await;
    let mut buyer = Shopper::guest(&shop).await;
    buyer.ready(MUG, 1).await;
    assert_eq!(buyer.complete().await.status, 201);
    assert_eq!(buyer.pay("pm_card_visa").0, 200);
    let mut plan = Plan::at(1, FaultKind::DieAfter);
    plan.filter = Some(Box::new(|call| call.caller == "payments.jobs.on_stripe_event"));
    shop.wire().faults().arm(plan);
    shop.settle().await;
    assert_eq!(buyer.view_order().await["status"], "pending_payment");
    shop.settle_all().await;
    assert_eq!(buyer.view_order().await["status"], "placed");
    world::sound(&shop, &goods::small(MUGS)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_a_stream_that_fails_comes_again() {
    let shop =
        world::open_with(Options { sdk_attempts: 1, ..Options::default() }, &goods::small(MUGS))
            .await;
    let mut buyer = Shopper::guest(&shop).await;
    buyer.ready(MUG, 1).await;
    assert_eq!(buyer.complete().await.status, 201);
    assert_eq!(buyer.pay("pm_card_visa").0, 200);
    let mut plan = Plan::at(1, FaultKind::FailBefore);
    plan.filter = Some(Box::new(|call| call.caller == "platform.jobs.relay_outbox"));
    shop.wire().faults().arm(plan);
    shop.settle().await;
    assert_eq!(shop.wire().faults().fired().len(), 1);
    assert_eq!(shop.mails().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_moves_when_told_and_schedules_follow() {
    let shop = Shop::open(Options::default()).await.unwrap();
    let began = shop.clock().now_ms();
    assert!(shop.advance(59).await.is_empty());
    let ran = shop.advance(1).await;
    let each_minute = [
        "catalog.jobs.apply_schedule",
        "checkout.jobs.expire_unpaid",
        "identity.jobs.serve_privacy",
        "inventory.jobs.merge_shards",
        "inventory.jobs.send_back_in_stock",
        "platform.jobs.sweep_outbox",
        "webhooks.jobs.sweep",
    ];
    assert_eq!(ran, each_minute);
    let moved = Request::new("POST", "/_local/clock").json(&json!({"advance_seconds": 60}));
    let moved = ok(shop.send(moved).await);
    assert_eq!(moved["now_ms"], began + 120_000);
    assert_eq!(moved["jobs_run"].as_array().unwrap().len(), each_minute.len());
    let job = Request::new("POST", "/_local/jobs/platform.jobs.sweep_outbox");
    assert_eq!(ok(shop.send(job).await)["outcome"], "done");
    let wrong = Request::new("POST", "/_local/jobs/cart.store.create");
    assert_eq!(shop.send(wrong).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_seed_tells_the_same_story() {
    async fn story(seed: u64) -> Vec<String> {
        let options = Options { seed: Some(seed), ..Options::default() };
        let shop = world::open_with(options, &goods::small(MUGS)).await;
        let mut buyer = Shopper::guest(&shop).await;
        buyer.ready(MUG, 1).await;
        let completed = buyer.complete_with("k").await;
        buyer.pay("pm_card_visa");
        shop.settle_all().await;
        let calls = shop.wire().recorder().totals();
        let mut told: Vec<String> =
            calls.iter().map(|(who, totals)| format!("{who} {}", totals.calls)).collect();
        told.extend([completed.text(), shop.mails()[0].id.clone(), shop.clock().now().to_string()]);
        told
    }
    let one = story(7).await;
    assert_eq!(one, story(7).await);
    assert_ne!(one, story(8).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_in_a_folder_is_there_again_the_next_day() {
    let folder = Folder::new("folder");
    let shop = world::open_with(folder.options(), &goods::small(MUGS)).await;
    let taken = Shop::open(folder.options()).await.unwrap_err();
    assert!(taken.to_string().contains("another shop is open"), "{taken}");
    let mut buyer = Shopper::guest(&shop).await;
    buyer.ready(MUG, 1).await;
    assert_eq!(buyer.complete().await.status, 201);
    let key = shop.stripe_keys().secret_key.clone();
    buyer.pay("pm_card_visa");
    buyer.shop = Shop::open(Options::default()).await.unwrap();
    drop(shop);

    let clock = Clock::manual(local::STORY_BEGINS_MS + 60_000);
    let options = Options { clock, seed: Some(2), ..folder.options() };
    let shop = Shop::open(options).await.unwrap();
    assert_eq!(shop.stripe_keys().secret_key, key);
    shop.settle_all().await;
    buyer.shop = shop.clone();
    assert_eq!(buyer.view_order().await["status"], "placed");
    assert_eq!(shop.mails().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_customer_signs_in() {
    let shop = Shop::open(Options { demo: true, ..Options::default() }).await.unwrap();
    let (email, password) = local::demo::CUSTOMER;
    let body = json!({"email": email, "password": password, "mode": "token"});
    let answer = shop.send(Request::new("POST", "/v1/auth/login").json(&body)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_goes_through_over_http_and_the_port_closes_politely() {
    let listener = serve::listen(0).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let options =
        Options { clock: Clock::real(), seed: None, demo: true, port, ..Options::default() };
    let shop = Shop::open(options).await.unwrap();
    let (close, closed) = tokio::sync::oneshot::channel::<()>();
    let inside = shop.clone();
    let server = tokio::spawn(async move {
        serve::serve(&inside, listener, async { drop(closed.await) }).await;
    });
    let (one, two) =
        tokio::join!(buy::buy(shop.base_url(), |_| ()), buy::buy(shop.base_url(), |_| ()));
    assert_ne!(one.unwrap().order_id, two.unwrap().order_id);
    assert!(shop.wire().iam().denials().is_empty(), "{:?}", shop.wire().iam().denials());
    close.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(5), server).await.unwrap().unwrap();
    assert!(buy::buy(shop.base_url(), |_| ()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_of_the_twin_breaks_the_connection() {
    let listener = serve::listen(0).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let shop = Shop::open(Options { port, ..Options::default() }).await.unwrap();
    let faults = Request::new("POST", "/_local/stripe/faults").json(&json!({
        "lost_responses_next": 1
    }));
    assert_eq!(shop.send(faults).await.status, 200);
    let inside = shop.clone();
    let server = tokio::spawn(async move {
        serve::serve(&inside, listener, std::future::pending()).await;
    });
    let http = Client::builder(TokioExecutor::new()).build_http();
    let create = || {
        http::Request::post(format!(
            "{}/_local/stripe/v1/payment_intents?amount=1000&currency=eur",
            shop.base_url()
        ))
        .header("authorization", "Bearer sk_test_1")
        .body(Empty::<bytes::Bytes>::new())
        .unwrap()
    };
    assert!(http.request(create()).await.is_err());
    let second = http.request(create()).await.unwrap();
    assert_eq!(second.status(), 200);
    let body = second.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&body).contains("\"client_secret\""));
    assert_eq!(shop.twin().objects("payment_intent").len(), 2);
    server.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_local_pages_run_no_script_and_name_no_other_host() {
    let shop = Shop::open(Options::default()).await.unwrap();
    for path in ["/_local", "/_local/", "/_local/mail"] {
        let page = shop.send(Request::new("GET", path)).await;
        assert_eq!(page.status, 200, "{path}");
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert!(!page.text().contains("<script") && !page.text().contains("//cdn"));
        assert!(!page.text().contains(&shop.stripe_keys().secret_key));
    }
    for (method, path) in [
        ("GET", "/_local/media/../catalog.json"),
        ("GET", "/_local/media/%2e%2e%2fcatalog.json"),
        ("POST", "/_local/queues/none/redrive"),
        ("GET", "/_local/s3/fluxion-files-000000000000/files/a.zip"),
        ("GET", "/media/../files/a.zip"),
        ("GET", "/media/%2e%2e/files/a.zip"),
    ] {
        let answer = shop.send(Request::new(method, path)).await;
        assert!([403, 404].contains(&answer.status), "{path}: {}", answer.status);
    }
    let rebound = Request::new("GET", "/_local/mail.json").header("host", "evil.example:3000");
    assert_eq!(shop.send(rebound).await.status, 421);
    let redriven = shop.send(Request::new("POST", "/_local/queues/fluxion-mail/redrive")).await;
    assert_eq!(ok(redriven)["moved"], 0);
    assert_eq!(ok(shop.send(Request::new("GET", "/_local/mail.json")).await), json!({"data": []}));
}
