//! The signing key is replaced, and nobody notices.

use aws_sdk_secretsmanager::Client;
use local::{Options, Shop};
use serde_json::{Value, json};
use testkit::goods;
use wire::{FaultKind, Plan};

use crate::world::{self, Shopper, ok};

const JOB: &str = "identity.jobs.rotate_signing_key";
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Four steps, one an hour.
const STEPS: usize = 4;

async fn shop() -> Shop {
    let options = Options { sdk_attempts: 1, ..Options::default() };
    world::open_with(options, &goods::small(1)).await
}

async fn secret(shop: &Shop, name: &str, label: &str) -> Value {
    let client = Client::new(&shop.sdk_config());
    let id = format!("fluxion/{name}");
    let found = client.get_secret_value().secret_id(id).version_stage(label).send().await;
    serde_json::from_str(found.unwrap().secret_string().unwrap()).unwrap()
}

/// The kids of the signing key and of the public keys.
async fn kids(shop: &Shop) -> (String, Vec<String>) {
    let text = |value: &Value| value["kid"].as_str().unwrap().to_owned();
    let public = secret(shop, "jwt-public", "AWSCURRENT").await;
    let public = public["keys"].as_array().unwrap().iter().map(text).collect();
    (text(&secret(shop, "jwt-signing", "AWSCURRENT").await), public)
}

/// The kid that a token's header names.
fn kid_of(token: &str) -> String {
    use base64::Engine as _;
    let header = token.split('.').next().unwrap();
    let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

/// Somebody signed in, whose session is renewed when they come back.
struct Visitor {
    shopper: Shopper,
    refresh_token: String,
}

impl Visitor {
    async fn new(shop: &Shop) -> Self {
        let mut shopper = Shopper::customer(shop, "jane@example.org").await;
        let session = ok(shopper.login("jane@example.org").await);
        shopper.bearer = session["access_token"].as_str().map(str::to_owned);
        let refresh_token = session["refresh_token"].as_str().unwrap().to_owned();
        Self { shopper, refresh_token }
    }

    async fn renew(&mut self) {
        let body = json!({"refresh_token": self.refresh_token});
        let answer = self.shopper.call("POST", "/v1/auth/refresh", &body).await;
        let session = ok(answer);
        self.shopper.bearer = session["access_token"].as_str().map(str::to_owned);
        self.refresh_token = session["refresh_token"].as_str().unwrap().to_owned();
    }

    async fn is_known(&self, when: &str) {
        let answer = self.shopper.get("/v1/auth/me").await;
        assert_eq!(answer.status, 200, "{when}: {}", answer.text());
    }

    fn kid(&self) -> String {
        kid_of(self.shopper.bearer.as_deref().unwrap())
    }
}

/// A shop whose key is a minute younger than thirty days, and somebody in it.
async fn eve() -> (Shop, Visitor) {
    let shop = shop().await;
    shop.clock().advance_ms(30 * DAY_MS - 60_000);
    let visitor = Visitor::new(&shop).await;
    (shop, visitor)
}

#[tokio::test]
async fn a_session_outlives_the_key_it_began_under() {
    let (shop, mut visitor) = eve().await;
    let (old, _) = kids(&shop).await;
    shop.run_job(JOB).await;
    assert_eq!(kids(&shop).await, (old.clone(), vec![old.clone()]), "a day too early");
    shop.clock().advance_ms(60_000);
    let mut seen = Vec::new();
    for step in 0..STEPS {
        visitor.renew().await;
        assert!(shop.run_job(JOB).await.answer().is_some(), "step {step}");
        // The token of a moment ago, where keys are kept in memory and where they are not.
        visitor.is_known("at once").await;
        shop.cool_down();
        visitor.is_known("after a cold start").await;
        // A second run of the same moment changes nothing.
        let before = kids(&shop).await;
        if step != 0 {
            shop.run_job(JOB).await;
            assert_eq!(kids(&shop).await, before, "step {step} again");
        }
        shop.clock().advance_ms(14 * 60_000);
        visitor.is_known("until it ends").await;
        visitor.renew().await;
        visitor.is_known("renewed").await;
        seen.push((visitor.kid() == old, before.1.len()));
        shop.clock().advance_ms(46 * 60_000);
    }
    assert_eq!(seen, [(true, 1), (true, 2), (false, 2), (false, 1)]);
    let (new, public) = kids(&shop).await;
    assert_eq!(public, std::slice::from_ref(&new));
    assert_ne!(new, old);
    // Secrets Manager keeps what was before.
    let before = secret(&shop, "jwt-signing", "AWSPREVIOUS").await;
    assert_eq!(before["kid"], json!(old));
    for _ in 0..STEPS {
        shop.run_job(JOB).await;
    }
    assert_eq!(kids(&shop).await.0, new, "not again this month");
    visitor.renew().await;
    visitor.is_known("at the end").await;
}

#[tokio::test]
async fn the_schedule_does_it_by_itself_every_month() {
    let shop = shop().await;
    let mut names = vec![kids(&shop).await.0];
    for _ in 0..2 {
        shop.clock().advance_ms(30 * DAY_MS);
        for _ in 0..=STEPS {
            assert!(shop.advance(3_600).await.contains(&JOB.to_owned()));
        }
        let (name, public) = kids(&shop).await;
        assert_eq!(public, std::slice::from_ref(&name));
        assert!(!names.contains(&name), "{name} again");
        names.push(name);
    }
}

/// One fault at one call of a rotation; then the hours go on.
async fn rotate_with(at: u64, kind: FaultKind) -> bool {
    let (shop, mut visitor) = eve().await;
    let (old, _) = kids(&shop).await;
    shop.clock().advance_ms(60_000);
    let is_ours = |call: &wire::CallId| call.caller == JOB;
    shop.wire().faults().arm(Plan { at, kind, filter: Some(Box::new(is_ours)) });
    for hour in 0..=STEPS {
        visitor.renew().await;
        shop.run_job(JOB).await;
        let when = format!("call {at}, {kind:?}, hour {hour}");
        visitor.is_known(&when).await;
        // What Lambda would do with a failed run, and somebody by hand.
        shop.run_job(JOB).await;
        shop.cool_down();
        visitor.is_known(&when).await;
        visitor.renew().await;
        visitor.is_known(&when).await;
        shop.clock().advance_ms(HOUR_MS);
    }
    let has_fired = !shop.wire().faults().fired().is_empty();
    let (new, public) = kids(&shop).await;
    assert_ne!(new, old, "call {at}, {kind:?}: never replaced");
    assert_eq!(public, [new], "call {at}, {kind:?}");
    visitor.renew().await;
    has_fired
}

#[tokio::test]
async fn whoever_dies_in_the_middle_is_carried_on_and_nobody_is_logged_out() {
    let kinds =
        [FaultKind::FailBefore, FaultKind::LoseResponse, FaultKind::DieBefore, FaultKind::DieAfter];
    let mut points = 0;
    for kind in kinds {
        let mut at = 1;
        // Four steps of three reads and a write each, and the runs that rest.
        while at <= 16 && rotate_with(at, kind).await {
            at += 1;
            points += 1;
        }
    }
    assert_eq!(points, 4 * 16);
    println!("{points} points of a rotation, nobody logged out");
}

#[tokio::test]
async fn two_rotations_at_once_end_with_one_key() {
    let (shop, mut visitor) = eve().await;
    shop.clock().advance_ms(60_000);
    for _ in 0..=STEPS {
        tokio::join!(shop.run_job(JOB), shop.run_job(JOB), shop.run_job(JOB));
        visitor.renew().await;
        visitor.is_known("while they race").await;
        shop.clock().advance_ms(HOUR_MS);
    }
    let (new, public) = kids(&shop).await;
    assert_eq!(public, std::slice::from_ref(&new));
    assert_eq!(visitor.kid(), new);
}
