//! What a function says that must not start, as a cold start in the cloud meets it.

use std::collections::BTreeMap;

use local::{Options, Shop};
use serde_json::{Value, json};
use testkit::goods;
use wire::{FaultKind, Plan};

use crate::listen;
use crate::world;

const COMPLETE: &str = "checkout.store.complete";
const LOGIN: &str = "identity.store.login";
const ME: &str = "identity.store.me";

async fn shop_with(parameters: &[(&str, &str)]) -> Shop {
    let pairs = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let parameters: BTreeMap<String, String> = pairs.collect();
    let options = Options { parameters, sdk_attempts: 1, ..Options::default() };
    world::open_with(options, &goods::small(1)).await
}

/// What a function says at a cold start; nothing, if it starts.
async fn said(shop: &Shop, handler: &str) -> Option<String> {
    shop.start(handler).await.err().map(|error| error.to_string())
}

async fn put(shop: &Shop, name: &str, value: &Value) {
    shop.wire().put_secret(&format!("fluxion/{name}"), &value.to_string()).await.unwrap();
}

#[tokio::test]
async fn every_function_starts_with_what_its_own_policy_grants() {
    let shop = shop_with(&[]).await;
    for function in &shop.stack().functions {
        assert_eq!(said(&shop, &function.handler).await, None);
    }
}

#[tokio::test]
async fn all_that_is_wrong_with_variables_and_secrets_is_said_at_once() {
    let shop = shop_with(&[
        ("Stage", "production"),
        ("ShopUrl", "http://shop.example"),
        ("AllowedOrigins", "*"),
        ("Limits", "sign_in=none"),
    ])
    .await;
    put(&shop, "tokens", &json!({"key": "changeme-changeme-changeme-changeme"})).await;
    put(&shop, "jwt-public", &json!({"keys": [{"kid": "key-1", "x": "Zwitscher"}]})).await;
    let log = listen::begin();
    let said = said(&shop, COMPLETE).await.unwrap();
    for wanted in [
        "ALLOWED_ORIGINS: * is not an origin",
        "SHOP_URL: http:// has no place in the cloud",
        "LIMITS: ",
        "STRIPE_API_BASE has no place in production",
        "fluxion/stripe: secret_key is a test key in production",
        "fluxion/stripe: publishable_key is a test key in production",
        "fluxion/tokens: key was made up by a person, not by chance",
        "public key key-1 is malformed",
    ] {
        assert!(said.contains(wanted), "{wanted} is not in: {said}");
    }
    let log = log.end();
    let keys = shop.stripe_keys();
    for secret in ["changeme", "Zwitscher", &keys.secret_key, &keys.webhook_secrets[0]] {
        assert!(!said.contains(secret) && !log.contains(secret), "{said}{log}");
    }
}

#[tokio::test]
async fn live_keys_do_not_open_a_shop_for_tests() {
    let shop = shop_with(&[]).await;
    let mut keys = serde_json::to_value(shop.stripe_keys()).unwrap();
    keys["secret_key"] = json!("sk_live_a");
    put(&shop, "stripe", &keys).await;
    let said = said(&shop, COMPLETE).await.unwrap();
    let wanted = "fluxion/stripe: secret_key is a live key outside of production";
    assert!(said.contains(wanted), "{said}");
    // Where it runs already, no money moves either: the till is asked each time.
    let handlers = [COMPLETE, "payments.hooks.stripe", "checkout.jobs.expire_unpaid"];
    for handler in handlers {
        assert!(shop.start(handler).await.is_err(), "{handler}");
    }
    assert_eq!(self::said(&shop, "cart.store.view").await, None, "who never reads it never minds");
}

#[tokio::test]
async fn a_signing_key_that_nobody_believes_does_not_start() {
    let shop = shop_with(&[]).await;
    let public = json!({"keys": [{"kid": "other",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]});
    put(&shop, "jwt-public", &public).await;
    assert_eq!(said(&shop, ME).await, None, "its list is a good one");
    let said_by_job = said(&shop, "identity.jobs.rotate_signing_key").await.unwrap();
    assert!(said_by_job.contains("is not believed by the public keys"), "{said_by_job}");
    put(&shop, "jwt-signing", &json!({"kid": "other", "pkcs8": "Kanarienvogel"})).await;
    let by_login = said(&shop, LOGIN).await.unwrap();
    assert!(by_login.contains("the signing key is malformed"), "{by_login}");
    put(&shop, "jwt-signing", &json!({"kid": "other", "Kanarienvogel": 1})).await;
    let by_login = said(&shop, LOGIN).await.unwrap();
    assert!(by_login.contains("it has not the expected fields"), "{by_login}");
    assert!(!by_login.contains("Kanarienvogel"), "{by_login}");
}

#[tokio::test]
async fn a_secret_that_is_withheld_is_named_and_one_that_is_slow_is_not_waited_for() {
    let shop = shop_with(&[]).await;
    for kind in [FaultKind::FailBefore, FaultKind::Throttle, FaultKind::LoseResponse] {
        shop.wire().faults().arm(Plan::at_operation(1, kind, "GetSecretValue"));
        assert_eq!(said(&shop, COMPLETE).await, None, "{kind:?}");
    }
    let mut policies = crate::iam::policies(shop.stack());
    policies.remove(COMPLETE);
    shop.wire().iam().set(policies).unwrap();
    let said = said(&shop, COMPLETE).await.unwrap();
    for name in ["fluxion/stripe: fetch a secret", "fluxion/tokens: fetch a secret"] {
        assert!(said.contains(name), "{said}");
    }
}

#[tokio::test]
async fn keys_of_stripe_that_were_replaced_are_fetched_when_it_refuses_the_old_ones() {
    let shop = world::open().await;
    let mut shopper = world::Shopper::guest(&shop).await;
    shopper.ready(goods::MUG, 1).await;
    let good = serde_json::to_value(shop.stripe_keys()).unwrap();
    let mut wrong = good.clone();
    wrong["secret_key"] = json!("sk_test_");
    put(&shop, "stripe", &wrong).await;
    let refused = shopper.complete().await;
    assert_eq!(refused.status, 503, "{}", refused.text());
    put(&shop, "stripe", &good).await;
    // Long before the five minutes for which a secret is believed.
    shop.clock().advance_ms(31_000);
    let done = shopper.complete().await;
    assert_eq!(done.status, 201, "{}", done.text());
}
