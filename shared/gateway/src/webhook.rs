//! Stripe's webhooks: the signature is checked over the raw bytes before anything is parsed.
//!
//! `Stripe-Signature: t=<seconds>,v1=<hex>,v1=<hex>…`, HMAC-SHA256 over `t.body` (Stripe's manual,
//! “Verify webhook signatures manually”). The library's own check reads the clock by itself and
//! knows one secret; ours takes time as an input and takes several secrets while one is replaced.

use domain::id::{OrderId, PaymentId};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// Older (or newer) signatures are replays: Stripe's own default.
const TOLERANCE_SECONDS: i64 = 300;

/// Why an event is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No or a malformed signature header.
    Malformed,
    /// No signature fits.
    Forged,
    /// Signed too long ago, or in the future.
    Stale,
}

/// What we read of an event; its object is fetched again when it is processed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Stripe's id of the event.
    pub id: String,
    /// `payment_intent.succeeded` …
    pub kind: String,
    /// When it happened, as Stripe says.
    pub created: Option<Timestamp>,
    /// Whether real money moved.
    pub is_live: bool,
    /// The object that it tells of.
    pub object: Option<String>,
    /// The PaymentIntent it is about.
    pub intent: Option<String>,
    /// The order that we named on it.
    pub order: Option<OrderId>,
    /// The payment that we named on it.
    pub payment: Option<PaymentId>,
}

/// Checks a signature.
pub fn verify(
    header: &str,
    body: &[u8],
    secrets: &[String],
    now: Timestamp,
) -> Result<(), Refusal> {
    let mut signed_at = None;
    let mut signatures = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("t", seconds)) => signed_at = seconds.parse::<i64>().ok(),
            Some(("v1", hex)) => signatures.extend(bytes(hex)),
            // Other schemes are for others.
            Some(_) => {}
            None => return Err(Refusal::Malformed),
        }
    }
    let signed_at = signed_at.ok_or(Refusal::Malformed)?;
    if signatures.is_empty() {
        return Err(Refusal::Malformed);
    }
    let is_ours = secrets.iter().any(|secret| {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
            unreachable!("HMAC takes keys of any length");
        };
        mac.update(signed_at.to_string().as_bytes());
        mac.update(b".");
        mac.update(body);
        let wanted = mac.finalize().into_bytes();
        signatures.iter().any(|given| bool::from(wanted.as_slice().ct_eq(given)))
    });
    if !is_ours {
        return Err(Refusal::Forged);
    }
    if signed_at.abs_diff(now.as_second()) > TOLERANCE_SECONDS.unsigned_abs() {
        return Err(Refusal::Stale);
    }
    Ok(())
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    (0..hex.len())
        .step_by(2)
        .map(|at| hex.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect()
}

#[derive(Deserialize)]
struct Envelope {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    // Read leniently: it is counted and decides nothing.
    #[serde(default)]
    created: Value,
    livemode: bool,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Value,
}

/// Stripe's names of things: they become keys and messages of ours.
fn is_name(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Reads a verified event; `None` where it is none of Stripe's.
pub fn parse(body: &[u8]) -> Option<Event> {
    let envelope: Envelope = serde_json::from_slice(body).ok()?;
    if !is_name(&envelope.id) || !is_name(&envelope.kind) {
        return None;
    }
    let object = &envelope.data.object;
    let text = |value: Option<&Value>| {
        value.and_then(Value::as_str).filter(|name| is_name(name)).map(str::to_owned)
    };
    let intent = match object.get("object").and_then(Value::as_str) {
        Some("payment_intent") => text(object.get("id")),
        _ => text(object.get("payment_intent")),
    };
    let metadata = object.get("metadata");
    let named = |name: &str| metadata.and_then(|m| m.get(name)).and_then(Value::as_str);
    Some(Event {
        id: envelope.id,
        kind: envelope.kind,
        created: envelope.created.as_i64().and_then(|at| Timestamp::from_second(at).ok()),
        is_live: envelope.livemode,
        object: text(object.get("id")),
        intent,
        order: named("order_id").and_then(|id| OrderId::parse(id).ok()),
        payment: named("payment_id").and_then(|id| PaymentId::parse(id).ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_second(1_790_000_000).unwrap()
    }

    fn sign(secret: &str, at: i64, body: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(format!("{at}.").as_bytes());
        mac.update(body);
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn a_genuine_signature_over_the_very_bytes_is_believed() {
        let (at, body) = (now().as_second(), b"{\"a\": 1}\n".as_slice());
        let secrets = ["old".to_owned(), "new".to_owned()];
        for secret in &secrets {
            let header = format!("t={at},v1={}", sign(secret, at, body));
            assert_eq!(verify(&header, body, &secrets, now()), Ok(()));
        }
        let both = format!("t={at},v1={},v1={},v0=x", sign("x", at, body), sign("new", at, body));
        assert_eq!(verify(&both, body, &secrets, now()), Ok(()));
    }

    #[test]
    fn every_changed_byte_makes_it_forged() {
        let (at, body) = (now().as_second(), b"{\"a\":1}".to_vec());
        let header = format!("t={at},v1={}", sign("new", at, &body));
        for index in 0..body.len() {
            let mut changed = body.clone();
            changed[index] ^= 1;
            let refused = verify(&header, &changed, &["new".into()], now());
            assert_eq!(refused, Err(Refusal::Forged));
        }
        assert_eq!(verify(&header, &body, &["other".into()], now()), Err(Refusal::Forged));
        assert_eq!(verify(&header, &body, &[], now()), Err(Refusal::Forged));
    }

    #[test]
    fn old_and_future_signatures_are_stale_at_the_second() {
        let body = b"{}".as_slice();
        for (age, wanted) in
            [(300, Ok(())), (301, Err(Refusal::Stale)), (-300, Ok(())), (-301, Err(Refusal::Stale))]
        {
            let at = now().as_second() - age;
            let header = format!("t={at},v1={}", sign("new", at, body));
            assert_eq!(verify(&header, body, &["new".into()], now()), wanted, "{age}");
        }
    }

    #[test]
    fn nonsense_is_malformed() {
        for header in ["", "t=1", "v1=00", "hello", "t=x,v1=00", "t=1,v1=zz", "t=1,v1="] {
            let refused = verify(header, b"{}", &["new".into()], now());
            assert_eq!(refused, Err(Refusal::Malformed), "{header}");
        }
    }

    #[test]
    fn names_that_could_be_no_keys_are_not_stripes() {
        let event = |id: &str, kind: &str, intent: &str| {
            let object = serde_json::json!({"object": "payment_intent", "id": intent});
            let event = serde_json::json!({
                "id": id, "type": kind, "livemode": false, "data": {"object": object},
            });
            parse(event.to_string().as_bytes())
        };
        assert_eq!(event("evt_1", "a.b", "pi_1").unwrap().intent.as_deref(), Some("pi_1"));
        let long = "x".repeat(256);
        for bad in ["", " ", "e\u{ffff}", "é", "a b", &long] {
            assert!(event(bad, "a.b", "pi_1").is_none(), "{bad}");
            assert!(event("evt_1", bad, "pi_1").is_none(), "{bad}");
            assert_eq!(event("evt_1", "a.b", bad).unwrap().intent, None, "{bad}");
        }
    }
}
