//! What invocations tell of themselves: one line each, with their metrics; and the trace that leads
//! from a click to the letter that follows from it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use domain::id::OrderId;
use local::{Options, Request, Shop};
use runtime::meter::Metric;
use serde_json::{Value, json};
use testkit::goods::{self, MUG, SOCKS};
use wire::{FaultKind, Plan};

use crate::world::{self, Shopper, key, ok, sound};
use crate::{exchanges, listen, order_edits};

const CLICK: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const COMPLETE: &str = "checkout.store.complete";
const FINALIZE: &str = "payments.jobs.on_stripe_event";
const DELIVER: &str = "notifications.jobs.deliver";
const EXPIRE: &str = "checkout.jobs.expire_unpaid";

/// Somebody completes a cart by a click that began a trace.
async fn click(shop: &Shop) -> Shopper {
    let mut jane = Shopper::guest(shop).await;
    jane.ready(MUG, 1).await;
    let total = jane.view_cart().await["totals"]["total"].clone();
    let request = Request::new("POST", &format!("/v1/store/carts/{}/complete", jane.cart))
        .header("idempotency-key", &key())
        .header("traceparent", &format!("00-{CLICK}-00f067aa0ba902b7-01"))
        .json(&json!({"expected_total": total}));
    let answer = jane.send(request).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    jane.learn(&answer);
    jane
}

fn of<'a>(lines: &'a [Value], op: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["op"] == op).collect()
}

/// The sum of a metric over all lines.
fn sum(lines: &[Value], metric: Metric) -> f64 {
    lines.iter().filter_map(|line| line.get(metric.name())?.as_f64()).sum()
}

#[tokio::test]
async fn one_trace_leads_from_the_click_to_the_letter() {
    let shop = world::open().await;
    let log = listen::begin();
    let jane = click(&shop).await;
    assert_eq!(jane.pay("pm_card_visa").0, 200);
    shop.settle().await;
    let said: Vec<Value> =
        log.end().lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let mailed: Vec<_> =
        said.iter().filter(|line| line["template"] == "order_confirmation").collect();
    assert_eq!(mailed.len(), 1);
    assert_eq!((&mailed[0]["op"], &mailed[0]["trace_id"]), (&json!(DELIVER), &json!(CLICK)));
    // What Stripe said came in a trace of its own, and is tied to the buyer's.
    let tied = said.iter().find(|line| line["message"] == "goes on in the trace of its order");
    let tied = tied.expect("it is said where the two meet");
    assert_eq!((&tied["op"], &tied["trace_id"]), (&json!(FINALIZE), &json!(CLICK)));
    assert_ne!(tied["caused_by"], json!(CLICK));
    let lines = shop.lines();
    for op in [COMPLETE, FINALIZE, "orders.jobs.on_order_placed", DELIVER] {
        let traces: BTreeSet<_> =
            of(&lines, op).iter().filter_map(|line| line["trace_id"].as_str()).collect();
        assert!(traces.contains(CLICK), "{op}: {traces:?}");
    }
    let hook = of(&lines, "payments.hooks.stripe");
    assert!(!hook.is_empty() && hook.iter().all(|line| line["trace_id"] != CLICK));
}

/// A request that goes on in the trace of the click.
fn clicked(target: &str, body: &Value) -> Request {
    Request::new("POST", target)
        .header("idempotency-key", &key())
        .header("traceparent", &format!("00-{CLICK}-00f067aa0ba902b7-01"))
        .json(body)
}

/// What is left of an order is paid by who has its link, in a call of another trace; the letter
/// that follows, and what the provider said, are in the trace of the click that made it.
async fn leads_to_the_letter(jane: &Shopper, order: &str, token: &str) {
    let shop = &jane.shop;
    let stored = shop.store().order(OrderId::parse(order).unwrap()).await.unwrap().unwrap().order;
    assert_eq!(stored.trace.map(|trace| trace.to_string()).as_deref(), Some(CLICK));
    let mut buyer = Shopper::from(shop, "203.0.113.9");
    order.clone_into(&mut buyer.order);
    buyer.order_token = Some(token.to_owned());
    let path = format!("/v1/store/orders/{order}/retry_payment");
    let way = ok(buyer.send(Request::new("POST", &path)).await);
    way["payment"]["payment_intent_id"].as_str().unwrap().clone_into(&mut buyer.intent);
    way["payment"]["client_secret"].as_str().unwrap().clone_into(&mut buyer.client_secret);
    let log = listen::begin();
    assert_eq!(buyer.pay("pm_card_visa").0, 200);
    shop.settle().await;
    let said: Vec<Value> =
        log.end().lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let mailed: Vec<_> =
        said.iter().filter(|line| line["template"] == "order_confirmation").collect();
    assert_eq!(mailed.len(), 1);
    assert_eq!((&mailed[0]["op"], &mailed[0]["trace_id"]), (&json!(DELIVER), &json!(CLICK)));
    let tied = said.iter().find(|line| line["message"] == "goes on in the trace of its order");
    let tied = tied.expect("it is said where the two meet");
    assert_eq!((&tied["op"], &tied["trace_id"]), (&json!(FINALIZE), &json!(CLICK)));
    assert_ne!(tied["caused_by"], json!(CLICK));
}

#[tokio::test]
async fn one_trace_leads_from_the_yes_to_an_edit_to_the_letter_of_what_was_added() {
    let shop = world::open().await;
    let clerk = order_edits::clerk(&shop).await;
    let jane = order_edits::buyer(&shop).await;
    let link = order_edits::proposed(&clerk, &jane, &order_edits::added(SOCKS, 1)).await;
    let yes = clicked(&order_edits::here(&link, "/approve"), &json!({"number": 1}));
    let done = ok(link.send(yes).await);
    shop.settle().await;
    let new = done["edit"]["added_order_id"].as_str().unwrap();
    leads_to_the_letter(&jane, new, done["order_token"].as_str().unwrap()).await;
    let first = shop.store().order(OrderId::parse(&jane.order).unwrap()).await.unwrap().unwrap();
    let of_first = first.order.trace.map(|trace| trace.to_string());
    assert!(of_first.is_some() && of_first.as_deref() != Some(CLICK), "it keeps its own");
}

#[tokio::test]
async fn one_trace_leads_from_an_exchange_to_the_letter_of_the_replacement() {
    let shop = world::open().await;
    let clerk = exchanges::clerk(&shop).await;
    let back = exchanges::back(&clerk, 1, exchanges::plain).await;
    let total = json!({"amount": 1250, "currency": "EUR"});
    let body = json!({"replacements": exchanges::one(MUG), "expected_total": total});
    let given = clicked(&format!("{}/exchange", back.here), &body).header("if-match", &back.seen);
    let new = exchanges::replacement(&clerk.send(given).await);
    let log = listen::begin();
    shop.settle().await;
    // The letter that asks for the rest follows from the same click.
    let said = log.end();
    let asked: Vec<Value> = said
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|line: &Value| line["template"] == "exchange_to_pay")
        .collect();
    assert_eq!(asked.len(), 1, "{said}");
    assert_eq!((&asked[0]["op"], &asked[0]["trace_id"]), (&json!(DELIVER), &json!(CLICK)));
    let mails = shop.mails();
    let mail = mails.iter().find(|mail| mail.subject.contains("left to be paid")).unwrap();
    let text = mail.text.clone().unwrap();
    let token = text.split("#token=").nth(1).unwrap().split_whitespace().next().unwrap();
    leads_to_the_letter(&back.jane, &new, token).await;
}

#[tokio::test]
async fn an_order_s_trace_is_kept_while_nobody_pays() {
    let shop = world::open().await;
    click(&shop).await;
    shop.clock().advance_ms(31 * 60_000);
    let log = listen::begin();
    shop.run_job(EXPIRE).await;
    let said = log.end();
    assert!(said.contains(CLICK), "{said}");
}

/// Asks of the lines what holds for each.
fn check(shop: &Shop, lines: &[Value]) {
    let known: BTreeMap<&str, &str> =
        Metric::ALL.iter().map(|metric| (metric.name(), metric.unit())).collect();
    for line in lines {
        let text = line.to_string();
        assert_eq!(listen::confidence(&text), None, "{text}");
        let op = line["op"].as_str().expect("an op");
        assert!(shop.stack().function(op).is_some(), "{op}");
        assert!(line["duration_ms"].is_number() && line["cost_nanodollars"].is_u64(), "{text}");
        let trace = line["trace_id"].as_str().expect("a trace");
        assert!(trace.len() == 32 && trace.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let is_http = line["trigger"] == "http";
        assert_eq!(line.get("latency_ms").is_some(), is_http, "{text}");
        for name in ["route", "status", "request_id"] {
            assert_eq!(line.get(name).is_some(), is_http, "{name}: {text}");
        }
        let told: BTreeSet<&str> =
            known.keys().copied().filter(|name| line.get(*name).is_some()).collect();
        let mut metrics = BTreeSet::new();
        let directives = line.pointer("/_aws/CloudWatchMetrics").and_then(Value::as_array);
        for directive in directives.into_iter().flatten() {
            assert_eq!(directive["Namespace"], "Fluxion");
            for metric in directive["Metrics"].as_array().expect("a list") {
                let name = metric["Name"].as_str().expect("a name");
                assert_eq!(known.get(name).copied(), metric["Unit"].as_str(), "{text}");
                assert!(metrics.insert(name), "{name} is told twice: {text}");
            }
        }
        assert_eq!(metrics, told, "what is counted is a metric: {text}");
        let at = line.pointer("/_aws/Timestamp").and_then(Value::as_i64);
        assert_eq!(at.is_some(), !metrics.is_empty());
        if let Some(at) = at {
            assert!((at - shop.clock().now_ms()).abs() < 30 * 86_400_000, "milliseconds: {at}");
        }
    }
}

#[tokio::test]
async fn each_line_counts_what_crossed_the_wire() {
    let shop = world::open().await;
    let mark = shop.wire().recorder().mark();
    let operation = "TransactWriteItems";
    shop.wire().faults().arm(Plan::at_operation(2, FaultKind::LoseResponse, operation));
    let jane = click(&shop).await;
    shop.wire().faults().arm(Plan::at_operation(1, FaultKind::Throttle, operation));
    assert_eq!(jane.pay("pm_card_visa").0, 200);
    shop.settle().await;
    ok(jane.get("/v1/store/products?limit=20").await);
    let (lines, calls) = (shop.lines(), shop.wire().recorder().since(mark));
    check(&shop, &lines);
    let mut seen: BTreeMap<String, [f64; 3]> = BTreeMap::new();
    let database = calls.iter().filter(|call| call.service == "dynamodb");
    for call in database.filter(|call| call.caller != wire::LOCAL) {
        let [trips, read, written] = seen.entry(call.caller.clone()).or_default();
        *trips += 1.0;
        *read += call.read_units;
        *written += call.write_units;
    }
    assert!(seen.len() > 10, "{seen:?}");
    let mut told: BTreeMap<String, [f64; 3]> = BTreeMap::new();
    for line in &lines {
        let count = |metric: Metric| line.get(metric.name()).and_then(Value::as_f64);
        let counts = [Metric::RoundTrips, Metric::ReadUnits, Metric::WriteUnits].map(count);
        if counts.iter().any(Option::is_some) {
            let op = line["op"].as_str().expect("an op").to_owned();
            for (sum, count) in told.entry(op).or_default().iter_mut().zip(counts) {
                *sum += count.unwrap_or_default();
            }
        }
    }
    assert_eq!(told, seen);
    let failed = calls.iter().filter(|call| call.status == 0 || call.status >= 500);
    let throttled =
        calls.iter().filter(|call| call.error_code.as_deref().is_some_and(|c| c.contains("Throu")));
    let again = failed.count() + throttled.count();
    assert!(again >= 2, "both faults have happened");
    assert!((sum(&lines, Metric::Retries) - 2.0).abs() < 0.01, "each was tried once more");
}

#[tokio::test]
async fn an_invocation_has_one_line_and_its_start_is_told_once() {
    let shop = world::open().await;
    let jane = Shopper::new(&shop);
    let view = "catalog.store.list_products";
    for _ in 0..3 {
        ok(jane.get("/v1/store/products?limit=20").await);
    }
    let cold = |lines: &[Value]| -> Vec<bool> {
        of(lines, view).iter().map(|line| line["cold_start"] == true).collect()
    };
    assert_eq!(cold(&shop.lines()), [true, false, false]);
    assert_eq!(of(&shop.lines(), view)[0]["cold_starts"], json!(1));
    assert_eq!(of(&shop.lines(), view)[1].get("cold_starts"), None);
    shop.cool_down();
    ok(jane.get("/v1/store/products?limit=20").await);
    assert_eq!(cold(&shop.lines()), [true, false, false, true]);
    check(&shop, &shop.lines());
}

#[tokio::test]
async fn an_order_counts_once_as_placed_and_once_as_paid_however_often_it_is_told() {
    let shop = world::open().await;
    let jane = click(&shop).await;
    assert_eq!(jane.pay("pm_card_visa").0, 200);
    // Every message is worked on, and comes again.
    for _ in 0..6 {
        for source in shop.sources().await {
            shop.pump(&source, true).await;
        }
    }
    shop.settle_all().await;
    let lines = shop.lines();
    check(&shop, &lines);
    for (metric, count) in
        [(Metric::OrdersPlaced, 1.0), (Metric::OrdersPaid, 1.0), (Metric::OrdersFailed, 0.0)]
    {
        assert!((sum(&lines, metric) - count).abs() < 0.01, "{metric:?}");
    }
    let by = lines.iter().find(|line| line.get("orders_paid").is_some()).expect("a line");
    assert_eq!(by["op"], FINALIZE);
    let hooks = of(&lines, "payments.hooks.stripe");
    assert!(hooks.iter().all(|line| line.get("webhook_lag_seconds").is_some()), "{hooks:?}");
    let mails = of(&lines, DELIVER);
    assert!(mails.iter().all(|line| line.get("queue_age_seconds").is_some()), "{mails:?}");
    assert!(sum(&lines, Metric::QueueAge) > 0.0, "what came again had waited");
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn an_order_that_nobody_pays_counts_once_as_failed() {
    let shop = world::open().await;
    click(&shop).await;
    shop.clock().advance_ms(31 * 60_000);
    for _ in 0..3 {
        shop.run_job(EXPIRE).await;
        shop.settle().await;
    }
    let lines = shop.lines();
    assert!((sum(&lines, Metric::OrdersFailed) - 1.0).abs() < 0.01);
    assert!((sum(&lines, Metric::OrdersPlaced) - 1.0).abs() < 0.01);
    assert!(sum(&lines, Metric::OrdersPaid) < 0.01);
    check(&shop, &lines);
}

#[tokio::test]
async fn who_is_refused_at_the_door_is_counted_and_what_we_fail_is_a_fault() {
    let shop = world::open().await;
    let jane = Shopper::new(&shop);
    let body = json!({"email": "nobody@example.org", "password": "not theirs", "mode": "token"});
    let refused = jane.call("POST", "/v1/auth/login", &body).await;
    assert_eq!(refused.status, 401, "{}", refused.text());
    let line = of(&shop.lines(), "identity.store.login")[0].clone();
    assert_eq!((&line["login_failed"], &line["status"]), (&json!(1), &json!(401)));
    assert!(line["code"].is_string() && line.get("faults").is_none(), "{line}");

    let query = |call: &wire::CallId| call.operation == "Query";
    for at in 1..=3 {
        let filter: Option<wire::Filter> = Some(Box::new(query));
        shop.wire().faults().arm(Plan { at, kind: FaultKind::FailBefore, filter });
    }
    let failed = jane.get("/v1/store/products?limit=20").await;
    assert_eq!(failed.status, 503, "{}", failed.text());
    let line = of(&shop.lines(), "catalog.store.list_products")[0].clone();
    assert_eq!((&line["faults"], &line["status"]), (&json!(1), &json!(503)));
    assert_eq!(line["retries"], json!(2));
    shop.wire().faults().disarm();
    check(&shop, &shop.lines());
}

#[tokio::test]
async fn what_a_request_took_is_told_to_testers_alone() {
    let shop = world::open().await;
    let answer = Shopper::new(&shop).get("/v1/store/products?limit=20").await;
    let timing = answer.header("server-timing").expect("a shop without real money tells it");
    assert!(timing.starts_with("total;dur="), "{timing}");
    assert!(timing.contains("db;dur=") && timing.contains(" trips\""), "{timing}");
    assert!(timing.contains("nUSD"), "{timing}");
    let parameters = [
        ("Stage", "production"),
        ("ShopUrl", "https://shop.example"),
        ("AllowedOrigins", "https://shop.example"),
    ];
    let parameters =
        parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let options = Options { parameters: parameters.collect(), ..Options::default() };
    let shop = world::open_with(options, &goods::small(1)).await;
    let good = Shopper::new(&shop);
    for path in ["/v1/store/products?limit=20", "/v1/store/nothing", "/v1/store/products/x"] {
        let answer = good.get(path).await;
        assert!(answer.status < 500, "{}", answer.text());
        assert_eq!(answer.header("server-timing"), None, "{path}");
    }
    let lines = shop.lines();
    assert!(lines.iter().all(|line| line["cost_nanodollars"].as_u64() > Some(1_000)));
}

#[tokio::test]
async fn a_strange_trace_is_nobody_s() {
    let shop = world::open().await;
    for said in ["", "00-0-0-0", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", "\"}"] {
        let request = Request::new("GET", "/v1/store/products").header("traceparent", said);
        ok(shop.send(request).await);
    }
    let lines = shop.lines();
    let traces: BTreeSet<_> = lines.iter().map(|line| line["trace_id"].as_str()).collect();
    assert_eq!(traces.len(), 4, "each has the gateway's own");
    check(&shop, &lines);
}

#[tokio::test]
async fn a_refund_is_counted_when_the_money_is_back() {
    let shop = world::open().await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(SOCKS, 1).await;
    assert_eq!(jane.complete().await.status, 201);
    assert_eq!(jane.pay("pm_card_visa").0, 200);
    shop.settle().await;
    let before = sum(&shop.lines(), Metric::Refunds);
    assert!(before < 0.01);
    let may = [
        domain::permission::Permission::OrdersRead,
        domain::permission::Permission::OrdersWrite,
        domain::permission::Permission::OrdersRefund,
    ];
    let desk = world::Colleague::of(&shop, "desk", &may).await;
    let request = Request::new("POST", &format!("/v1/admin/orders/{}/cancel", jane.order))
        .header("idempotency-key", &key())
        .json(&json!({"reason": "Out of stock"}));
    ok(desk.send(request).await);
    shop.settle_all().await;
    assert!((sum(&shop.lines(), Metric::Refunds) - 1.0).abs() < 0.01);
}

/// The cells of a table of a document.
fn rows(text: &str) -> Vec<Vec<String>> {
    let table = text.lines().filter(|line| line.starts_with("| `"));
    table
        .map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

#[test]
fn the_documentation_names_every_metric_and_alarms_ask_for_no_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = std::fs::read_to_string(root.join("docs/observability.md")).expect("the document");
    let emitted = text.split("## What is emitted").nth(1).expect("its section");
    let emitted = emitted.split("\n## ").next().expect("its end");
    let documented: BTreeSet<(String, String, bool)> = rows(emitted)
        .into_iter()
        .filter(|row| row.len() == 4)
        .map(|row| (row[0].trim_matches('`').to_owned(), row[1].clone(), row[2].contains("op")))
        .collect();
    let known: BTreeSet<(String, String, bool)> = Metric::ALL
        .iter()
        .map(|one| (one.name().to_owned(), one.unit().to_owned(), one.is_by_op()))
        .collect();
    assert_eq!(documented, known);
    // An alarm on a metric that nobody emits is silent for ever.
    let Ok(alarms) = std::fs::read_to_string(root.join("infra/observability.yaml")) else { return };
    let ours = |name: &str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let mut namespace = "";
    for line in alarms.lines() {
        if let Some((_, name)) = line.split_once("Namespace:") {
            namespace = name.trim();
        }
        let Some((_, name)) = line.split_once("MetricName:") else { continue };
        let name = name.trim().trim_matches(['"', '\'']);
        // What stands in lines of the log is counted by filters, which stand in another namespace.
        let is_filtered = (namespace, name) == ("Fluxion/Logs", "alarm_lines");
        let is_known = is_filtered || Metric::ALL.iter().any(|one| one.name() == name);
        assert!(!ours(name) || is_known, "{name}");
    }
}
