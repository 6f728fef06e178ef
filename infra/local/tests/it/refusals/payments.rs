//! What Stripe says, and who says that they are Stripe.

use std::io::Write;
use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use local::{Outcome, Request, Response, Shop};
use serde_json::{Value, json};
use testkit::goods;
use testkit::goods::MUG;

use crate::world;
use crate::world::{Shopper, refusal, sound};

/// The longest event that is sent here: as many bytes as a message of a queue may have.
const BODY_BYTES: usize = 256 * 1024;

fn signature(secret: &str, at: i64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{at}.{body}").as_bytes());
    tag.as_ref().iter().fold(format!("t={at},v1="), |header, byte| header + &format!("{byte:02x}"))
}

/// Says something in Stripe's name, with a genuine signature of this age.
pub(crate) async fn say(shop: &Shop, event: &Value, age_seconds: i64) -> Response {
    let at = shop.clock().now().as_second() - age_seconds;
    let body = event.to_string();
    let signature = signature(&shop.stripe_keys().webhook_secrets[0], at, &body);
    hook(shop, &signature, &body).await
}

async fn hook(shop: &Shop, signature: &str, body: &str) -> Response {
    let mut request = Request::new("POST", "/v1/hooks/stripe")
        .header("content-type", "application/json")
        .header("stripe-signature", signature);
    request.body = body.to_owned().into();
    shop.send(request).await
}

fn event_of(shop: &Shop, kind: &str) -> Value {
    let events = shop.twin().objects("event");
    events.into_iter().find(|event| event["type"] == kind).expect("such an event")
}

/// Somebody who has paid, while every webhook is held back.
async fn paid_in_silence(shop: &Shop) -> Shopper {
    shop.twin()
        .set_faults(stripe_twin::Faults { webhook_hold: true, ..stripe_twin::Faults::default() });
    let mut jane = Shopper::guest(shop).await;
    jane.ready(MUG, 1).await;
    jane.complete().await;
    jane.pay("pm_card_visa");
    jane
}

#[tokio::test]
async fn an_event_that_comes_ten_times_counts_once() {
    let shop = world::open().await;
    shop.twin().set_faults(stripe_twin::Faults {
        webhook_duplicates: 9,
        ..stripe_twin::Faults::default()
    });
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 1).await;
    jane.complete().await;
    jane.pay("pm_card_visa");
    shop.settle_all().await;
    let event = event_of(&shop, "payment_intent.succeeded");
    for _ in 0..10 {
        let answer = say(&shop, &event, 0).await;
        assert_eq!((answer.status, answer.value()), (200, json!({"received": true})));
    }
    shop.settle_all().await;
    assert_eq!(jane.view_order().await["status"], "placed");
    let facts = sound(&shop, &goods::small(world::MUGS)).await;
    assert_eq!(facts.entries.len(), 1);
    assert_eq!(facts.letters.len(), 1);
}

#[tokio::test]
async fn events_may_overtake_each_other_and_come_days_late() {
    let shop = world::open().await;
    let faults = stripe_twin::Faults {
        webhook_duplicates: 2,
        webhook_reorder: true,
        webhook_delay_seconds: stripe_twin::Delay::Between([0, 600]),
        ..stripe_twin::Faults::default()
    };
    shop.twin().set_faults(faults);
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 1).await;
    jane.complete().await;
    jane.pay("pm_card_chargeDeclined");
    jane.pay("pm_card_visa");
    shop.settle_all().await;
    assert_eq!(jane.view_order().await["status"], "placed");
    // The decline, said again two days later, changes nothing: what counts is the intent.
    let declined = event_of(&shop, "payment_intent.payment_failed");
    shop.advance(2 * 24 * 3600).await;
    assert_eq!(say(&shop, &declined, 0).await.status, 200);
    shop.settle_all().await;
    let order = jane.view_order().await;
    assert_eq!((&order["status"], &order["payment_status"]), (&json!("placed"), &json!("paid")));
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn a_webhook_that_never_comes_is_not_waited_for() {
    let shop = world::open().await;
    let jane = paid_in_silence(&shop).await;
    shop.settle().await;
    assert_eq!(jane.view_order().await["status"], "pending_payment");
    shop.advance(31 * 60).await;
    shop.settle_all().await;
    assert_eq!(jane.view_order().await["status"], "placed");
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn a_forged_event_is_refused_and_changes_nothing() {
    let shop = world::open().await;
    let jane = paid_in_silence(&shop).await;
    let event = event_of(&shop, "payment_intent.succeeded");
    let (body, now) = (event.to_string(), shop.clock().now().as_second());
    let secret = shop.stripe_keys().webhook_secrets[0].clone();
    let genuine = signature(&secret, now, &body);
    let changed = body.replacen("succeeded", "succeedef", 1);
    let bad = [
        (genuine.clone(), changed),
        (genuine.clone(), format!("{body} ")),
        (signature("whsec_another", now, &body), body.clone()),
        (signature(&secret, now - 301, &body), body.clone()),
        (signature(&secret, now + 301, &body), body.clone()),
        (genuine.replace("v1=", "v0="), body.clone()),
        (String::new(), body.clone()),
        (format!("t={now}"), body.clone()),
    ];
    for (signature, body) in bad {
        let answer = hook(&shop, &signature, &body).await;
        assert_eq!(refusal(&answer), (400, "invalid_signature".into()), "{signature}");
    }
    let unsigned = Request::new("POST", "/v1/hooks/stripe").json(&event);
    assert_eq!(refusal(&shop.send(unsigned).await), (400, "invalid_signature".into()));
    shop.settle().await;
    assert_eq!(jane.view_order().await["status"], "pending_payment");
    // The very same bytes with their own signature are believed.
    assert_eq!(hook(&shop, &genuine, &body).await.status, 200);
    shop.settle().await;
    assert_eq!(jane.view_order().await["status"], "placed");
}

/// What a function is handed of these bytes where the gateway takes them for no text.
fn in_base64(shop: &Shop, signature: &str, body: &str) -> Value {
    let (path, key) = ("/v1/hooks/stripe", "POST /v1/hooks/stripe");
    json!({
        "version": "2.0",
        "routeKey": key,
        "rawPath": path,
        "rawQueryString": "",
        "headers": {
            "content-length": body.len().to_string(),
            "content-type": "application/json; charset=utf-8",
            "host": "shop.example",
            "stripe-signature": signature,
            "x-forwarded-for": "203.0.113.9",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": "shop.example",
            "domainPrefix": "shop",
            "http": {
                "method": "POST",
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.9",
                "userAgent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            },
            "requestId": "in-base64",
            "routeKey": key,
            "stage": "$default",
            "time": "12/Mar/2026:19:03:58 +0000",
            "timeEpoch": shop.clock().now().as_millisecond(),
        },
        "body": STANDARD.encode(body),
        "isBase64Encoded": true,
    })
}

/// The status and the body of what it answers.
async fn hook_in_base64(shop: &Shop, signature: &str, body: &str) -> (Value, Value) {
    let event = in_base64(shop, signature, body);
    let Outcome::Answered(answer) = shop.invoke("payments.hooks.stripe", event).await else {
        panic!("no answer");
    };
    let said = answer["body"].as_str().expect("a body");
    (answer["statusCode"].clone(), serde_json::from_str(said).expect("JSON"))
}

#[tokio::test]
async fn a_quarter_of_a_megabyte_in_base64_is_verified_byte_for_byte() {
    let shop = world::open().await;
    let jane = paid_in_silence(&shop).await;
    let mut event = event_of(&shop, "payment_intent.succeeded");
    let text = "Zwei große Becher für Zoë — ☕ 茶 \u{1f381} ".repeat(4000);
    event["data"]["object"]["description"] = json!(text);
    let short = BODY_BYTES - event.to_string().len();
    event["data"]["object"]["description"] = json!(text + &"x".repeat(short));
    let (body, now) = (event.to_string(), shop.clock().now().as_second());
    assert!(body.len() == BODY_BYTES && !body.is_ascii());
    let genuine = signature(&shop.stripe_keys().webhook_secrets[0], now, &body);
    let another = signature("whsec_another", now, &body);
    let changed = body.replacen("große", "grosse", 1);
    for (signature, body) in [(&another, &body), (&genuine, &changed)] {
        let (status, said) = hook_in_base64(&shop, signature, body).await;
        assert_eq!((status, &said["code"]), (json!(400), &json!("invalid_signature")));
    }
    shop.settle().await;
    assert_eq!(jane.view_order().await["status"], "pending_payment");
    let taken = hook_in_base64(&shop, &genuine, &body).await;
    assert_eq!(taken, (json!(200), json!({"received": true})));
    shop.settle().await;
    assert_eq!(jane.view_order().await["status"], "placed");
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn real_money_has_no_place_in_a_shop_with_test_keys() {
    let shop = world::open().await;
    let jane = paid_in_silence(&shop).await;
    let mut event = event_of(&shop, "payment_intent.succeeded");
    event["livemode"] = json!(true);
    assert_eq!(refusal(&say(&shop, &event, 0).await), (400, "livemode_mismatch".into()));
    shop.settle().await;
    assert_eq!(jane.view_order().await["status"], "pending_payment");
}

#[tokio::test]
async fn what_is_none_of_our_business_is_acknowledged_and_left() {
    let shop = world::open().await;
    let before = shop.wire().recorder().mark();
    for kind in ["customer.created", "invoice.paid", "a.kind.of.tomorrow"] {
        let object = json!({"id": "x_1", "object": "thing"});
        let event = json!({
            "id": "evt_1", "object": "event", "type": kind, "livemode": false,
            "data": {"object": object},
        });
        let answer = say(&shop, &event, 0).await;
        assert_eq!((answer.status, answer.value()), (200, json!({"received": true})), "{kind}");
    }
    // Another shop's intent in the same account.
    let event = json!({
        "id": "evt_2", "object": "event", "type": "payment_intent.succeeded", "livemode": false,
        "data": {"object": {"id": "pi_other", "object": "payment_intent", "metadata": {}}},
    });
    assert_eq!(say(&shop, &event, 0).await.status, 200);
    let calls = shop.wire().recorder().since(before);
    assert!(calls.iter().all(|call| call.service == "secretsmanager"), "{calls:?}");
    for nonsense in [json!({"id": "evt_3"}), json!([]), json!("x")] {
        let answer = say(&shop, &nonsense, 0).await;
        assert_eq!(refusal(&answer), (400, "invalid_event".into()));
    }
}

#[tokio::test]
async fn money_of_another_amount_is_quarantined_and_places_nothing() {
    let shop = world::open().await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 1).await;
    jane.complete().await;
    let key = &shop.stripe_keys().secret_key;
    let request = http::Request::post(format!("/v1/payment_intents/{}", jane.intent))
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body("amount=100".into())
        .unwrap();
    assert_eq!(shop.twin().handle(request).status(), 200);
    let (status, intent) = jane.pay("pm_card_visa");
    assert_eq!((status, &intent["amount"]), (200, &json!(100)), "{intent}");
    shop.settle().await;
    let order = jane.view_order().await;
    assert_eq!(order["status"], "pending_payment");
    assert_eq!(order["payments"][0]["status"], "integrity_failed");
    let facts = sound(&shop, &goods::small(world::MUGS)).await;
    assert_eq!(facts.entries.len(), 1);
    assert_eq!(facts.entries[0].kind, domain::payment::EntryKind::Quarantined);
    assert!(shop.mails().is_empty());

    // Somebody will look into the money; meanwhile nothing is kept from other buyers.
    shop.advance(40 * 60).await;
    shop.settle().await;
    assert_eq!(jane.view_order().await["status"], "expired");
    let facts = sound(&shop, &goods::small(world::MUGS)).await;
    assert!(facts.stock.iter().all(|level| level.reserved == 0));
    assert_eq!(facts.payments[0].status, domain::payment::Status::IntegrityFailed);
}

/// What is logged on this thread while it lives.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn listen(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt().json().with_writer(move || log.clone()).finish();
        tracing::subscriber::set_default(subscriber)
    }

    fn lines(&self) -> Vec<Value> {
        let bytes = self.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[tokio::test]
async fn an_event_of_an_unknown_order_ends_among_the_dead_letters_and_the_log_says_why() {
    let log = Log::default();
    let _listening = log.listen();
    let shop = world::open().await;
    let order = domain::id::OrderId::from_ulid(domain::id::Ulid::from_parts(1, 7)).to_string();
    let event = json!({
        "id": "evt_1", "object": "event", "type": "payment_intent.succeeded", "livemode": false,
        "data": {"object": {
            "id": "pi_1", "object": "payment_intent", "metadata": {"order_id": order},
        }},
    });
    assert_eq!(say(&shop, &event, 0).await.status, 200);
    shop.settle_all().await;
    let full: Vec<_> =
        shop.wire().sqs().depths().into_iter().filter(|depth| depth.visible > 0).collect();
    assert_eq!(full.len(), 1, "{full:?}");
    assert!(full[0].is_dlq && full[0].queue.contains("stripe-events"), "{full:?}");
    let told: Vec<Value> = log
        .lines()
        .into_iter()
        .filter(|line| line["fields"]["op"] == "payments.jobs.on_stripe_event")
        .filter(|line| line["fields"]["fault"].as_str().is_some_and(|f| f.contains(&order)))
        .collect();
    assert_eq!(told.len(), 5, "{told:?}");
}
