//! An event of Stripe's: the header with its signature, and the body.
//!
//! The first line is the header, unless it is `signed` and a time: then the body is signed here, as
//! Stripe would at that time. All behind the first line is the body.

use domain::id::{OrderId, PaymentId};
use gateway::webhook::{self as ours, Event, Refusal};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::{NOW, now};

/// What both sides know.
const SHARED: &str = "fuzz";
/// Older and newer signatures are replays.
const TOLERANCE_SECONDS: u64 = 300;

/// Reads the bytes as a header and a body.
pub fn webhook(bytes: &[u8]) {
    let at = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (head, body) = bytes.split_at(at);
    let body = body.get(1..).unwrap_or_default();
    // A header that is no text is none.
    let Ok(head) = str::from_utf8(head) else { return };
    let known = [SHARED.to_owned()];
    if let Some(time) = head.strip_prefix("signed ").and_then(|time| time.parse::<i64>().ok()) {
        let header = format!("t={time},v1={}", signature(time, body));
        let is_fresh = time.abs_diff(NOW) <= TOLERANCE_SECONDS;
        let wanted = if is_fresh { Ok(()) } else { Err(Refusal::Stale) };
        assert_eq!(ours::verify(&header, body, &known, now()), wanted);
        let other = ["another".to_owned()];
        let refused = ours::verify(&header, body, &other, now());
        assert_eq!(refused, Err(Refusal::Forged), "somebody else's signature is believed");
    } else {
        let is_believed = ours::verify(head, body, &known, now()).is_ok();
        assert!(!is_believed, "a forged event is believed");
    }
    if let Some(event) = ours::parse(body) {
        check(&event);
    }
}

fn signature(time: i64, body: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(SHARED.as_bytes()) else {
        unreachable!("HMAC takes keys of any length");
    };
    mac.update(format!("{time}.").as_bytes());
    mac.update(body);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Names become keys of ours, and parts of messages.
fn check(event: &Event) {
    let names = [Some(&event.id), Some(&event.kind), event.object.as_ref(), event.intent.as_ref()];
    for name in names.into_iter().flatten() {
        let is_name = (1..=255).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic());
        assert!(is_name, "{name:?} is no name");
    }
    let order = event.order.map(|order| order.to_string());
    assert!(order.is_none_or(|order| OrderId::parse(&order).is_ok()), "an order of no id");
    let payment = event.payment.map(|payment| payment.to_string());
    assert!(payment.is_none_or(|id| PaymentId::parse(&id).is_ok()), "a payment of no id");
}
