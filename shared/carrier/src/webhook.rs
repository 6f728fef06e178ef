//! EasyPost's webhooks: the signature is checked over the raw bytes before anything is parsed.
//!
//! Two schemes, both `hmac-sha256-hex=<hex>` under the webhook's secret. The first,
//! `X-Hmac-Signature`, covers the body alone: whoever has seen one can send it again, for ever. The
//! second, `X-Hmac-Signature-V2`, covers `X-Timestamp`, the method, `X-Path` and the body. Where
//! the second is there, it decides, and one that is too old is refused; a report that is sent again
//! under the first is told by its id and by when the carrier saw the parcel.
//!
//! EasyPost normalises secrets (NFKD); ours are ASCII, where that changes nothing.

use domain::carrier::{Report, Tracking};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::fmt::rfc2822;
use serde::Deserialize;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// Older (or newer) signatures of the second scheme are replays.
const TOLERANCE_SECONDS: u64 = 300;
const SCHEME: &str = "hmac-sha256-hex=";

/// Why a report is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No signature, or one that is none.
    Malformed,
    /// No secret fits.
    Forged,
    /// Signed too long ago, or in the future.
    Stale,
}

/// The headers that sign, and what they sign.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// `X-Hmac-Signature`.
    pub v1: Option<&'a str>,
    /// `X-Hmac-Signature-V2`.
    pub v2: Option<&'a str>,
    /// `X-Timestamp`, as it was sent.
    pub timestamp: Option<&'a str>,
    /// `X-Path`, as it was sent.
    pub path: Option<&'a str>,
    /// The method of the request.
    pub method: &'a str,
    /// Its body.
    pub body: &'a [u8],
}

/// Checks a signature. Several secrets may be good while one replaces another.
pub fn verify(signed: &Signed<'_>, secrets: &[String], now: Timestamp) -> Result<(), Refusal> {
    if let Some(signature) = signed.v2 {
        let timestamp = signed.timestamp.ok_or(Refusal::Malformed)?;
        let path = signed.path.ok_or(Refusal::Malformed)?;
        let at = moment(timestamp).ok_or(Refusal::Malformed)?;
        let parts = [timestamp.as_bytes(), signed.method.as_bytes(), path.as_bytes(), signed.body];
        fits(signature, &parts, secrets)?;
        if at.as_second().abs_diff(now.as_second()) > TOLERANCE_SECONDS {
            return Err(Refusal::Stale);
        }
        return Ok(());
    }
    fits(signed.v1.ok_or(Refusal::Malformed)?, &[signed.body], secrets)
}

fn fits(signature: &str, parts: &[&[u8]], secrets: &[String]) -> Result<(), Refusal> {
    let given = bytes(signature.strip_prefix(SCHEME).unwrap_or(signature));
    let given = given.ok_or(Refusal::Malformed)?;
    let is_ours = secrets.iter().filter(|secret| !secret.is_empty()).any(|secret| {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
            unreachable!("HMAC takes keys of any length");
        };
        for part in parts {
            mac.update(part);
        }
        bool::from(mac.finalize().into_bytes().as_slice().ct_eq(&given))
    });
    if is_ours { Ok(()) } else { Err(Refusal::Forged) }
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    if hex.len() != 64 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..hex.len())
        .step_by(2)
        .map(|at| hex.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect()
}

/// RFC 2822 (`Sat, 21 Nov 2026 09:00:00 +0000`) or RFC 3339: EasyPost has sent both.
fn moment(text: &str) -> Option<Timestamp> {
    let as_mail = || rfc2822::DateTimeParser::new().parse_timestamp(text).ok();
    text.parse().ok().or_else(as_mail)
}

#[derive(Deserialize)]
struct Envelope {
    id: String,
    mode: String,
    description: String,
    result: Tracker,
}

#[derive(Deserialize)]
struct Tracker {
    tracking_code: String,
    status: String,
    #[serde(default)]
    carrier: Option<String>,
    #[serde(default)]
    est_delivery_date: Option<String>,
    #[serde(default)]
    tracking_details: Vec<Detail>,
}

#[derive(Deserialize)]
struct Detail {
    #[serde(default)]
    datetime: Option<String>,
}

/// Reads a verified event; `None` where it is not about a parcel on its way.
pub fn parse(body: &[u8]) -> Option<Report> {
    let Envelope { id, mode, description, result } = serde_json::from_slice(body).ok()?;
    if !matches!(description.as_str(), "tracker.created" | "tracker.updated") {
        return None;
    }
    let carrier = result.carrier.unwrap_or_default();
    if !is_name(&id) || !is_name(&result.tracking_code) || carrier.len() > 80 {
        return None;
    }
    let seen = result.tracking_details.iter().filter_map(|one| moment(one.datetime.as_deref()?));
    Some(Report {
        id,
        is_live: mode == "production",
        tracking_code: result.tracking_code,
        carrier,
        status: status(&result.status),
        seen_at: seen.max(),
        expected: result.est_delivery_date.and_then(|text| day(&text)),
    })
}

/// EasyPost's names of things: they become keys of ours.
fn is_name(text: &str) -> bool {
    (1..=100).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn day(text: &str) -> Option<Date> {
    text.get(..10)?.parse().ok()
}

fn status(word: &str) -> Tracking {
    match word {
        "pre_transit" => Tracking::PreTransit,
        "in_transit" => Tracking::InTransit,
        "out_for_delivery" => Tracking::OutForDelivery,
        "delivered" => Tracking::Delivered,
        "available_for_pickup" => Tracking::AvailableForPickup,
        "return_to_sender" => Tracking::ReturnToSender,
        "failure" | "error" => Tracking::Failed,
        "cancelled" => Tracking::Canceled,
        _ => Tracking::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SECRET: &str = "a webhook's own words";
    const BODY: &[u8] = br#"{"id":"evt_1"}"#;

    fn sign(secret: &str, parts: &[&[u8]]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        for part in parts {
            mac.update(part);
        }
        let hex: String =
            mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{SCHEME}{hex}")
    }

    fn now() -> Timestamp {
        "2026-11-21T09:00:00Z".parse().unwrap()
    }

    fn check(signed: &Signed<'_>) -> Result<(), Refusal> {
        verify(signed, &["an older one".to_owned(), SECRET.to_owned()], now())
    }

    fn nothing() -> Signed<'static> {
        Signed { v1: None, v2: None, timestamp: None, path: None, method: "POST", body: BODY }
    }

    #[test]
    fn the_first_scheme_covers_the_body() {
        let good = sign(SECRET, &[BODY]);
        assert_eq!(check(&Signed { v1: Some(&good), ..nothing() }), Ok(()));
        let other = Signed { v1: Some(&good), body: b"{}", ..nothing() };
        assert_eq!(check(&other), Err(Refusal::Forged));
        let forged = sign("guessed", &[BODY]);
        assert_eq!(check(&Signed { v1: Some(&forged), ..nothing() }), Err(Refusal::Forged));
        for malformed in ["", SCHEME, "hmac-sha256-hex=zz", "sha1=00"] {
            let signed = Signed { v1: Some(malformed), ..nothing() };
            assert_eq!(check(&signed), Err(Refusal::Malformed), "{malformed}");
        }
        assert_eq!(check(&nothing()), Err(Refusal::Malformed));
    }

    #[test]
    fn the_second_scheme_covers_time_and_place_and_decides_where_it_is_there() {
        let path = "/v1/hooks/easypost";
        let at = |timestamp: &'static str, then: &dyn Fn(&str, &str) -> Result<(), Refusal>| {
            let parts = [timestamp.as_bytes(), b"POST", path.as_bytes(), BODY];
            then(timestamp, &sign(SECRET, &parts))
        };
        let plain = |timestamp: &str, signature: &str| {
            check(&Signed {
                v2: Some(signature),
                timestamp: Some(timestamp),
                path: Some(path),
                ..nothing()
            })
        };
        assert_eq!(at("Sat, 21 Nov 2026 09:04:59 +0000", &plain), Ok(()));
        assert_eq!(at("2026-11-21T08:55:01Z", &plain), Ok(()));
        assert_eq!(at("2026-11-21T08:54:59Z", &plain), Err(Refusal::Stale));
        assert_eq!(at("Sat, 21 Nov 2026 09:05:01 +0000", &plain), Err(Refusal::Stale));
        assert_eq!(at("yesterday", &plain), Err(Refusal::Malformed));
        // The older scheme does not help a replay whose newer signature is stale.
        let v1 = sign(SECRET, &[BODY]);
        let both = |timestamp: &str, signature: &str| {
            check(&Signed {
                v1: Some(&v1),
                v2: Some(signature),
                timestamp: Some(timestamp),
                path: Some(path),
                ..nothing()
            })
        };
        assert_eq!(at("2026-11-21T08:00:00Z", &both), Err(Refusal::Stale));
        let elsewhere = |timestamp: &str, signature: &str| {
            check(&Signed {
                v2: Some(signature),
                timestamp: Some(timestamp),
                path: Some("/v1/hooks/other"),
                ..nothing()
            })
        };
        assert_eq!(at("2026-11-21T09:00:00Z", &elsewhere), Err(Refusal::Forged));
    }

    #[test]
    fn an_empty_secret_is_nobodys() {
        let signature = sign("", &[BODY]);
        let signed = Signed { v1: Some(&signature), ..nothing() };
        assert_eq!(verify(&signed, &[String::new()], now()), Err(Refusal::Forged));
        assert_eq!(verify(&signed, &[], now()), Err(Refusal::Forged));
    }

    #[test]
    fn a_report_tells_where_a_parcel_is() {
        let body = json!({
            "id": "evt_1", "object": "Event", "mode": "production",
            "description": "tracker.updated", "previous_attributes": {"status": "in_transit"},
            "result": {"id": "trk_1", "object": "Tracker", "tracking_code": "940011089882",
                "status": "out_for_delivery", "carrier": "USPS", "weight": 136.0,
                "est_delivery_date": "2026-11-22T00:00:00Z",
                "tracking_details": [
                    {"datetime": "2026-11-20T10:00:00Z", "status": "in_transit"},
                    {"datetime": "2026-11-21T06:30:00Z", "status": "out_for_delivery"},
                    {"datetime": null},
                ]},
        });
        let report = parse(body.to_string().as_bytes()).unwrap();
        assert_eq!((report.id.as_str(), report.is_live), ("evt_1", true));
        assert_eq!(report.status, Tracking::OutForDelivery);
        assert_eq!(report.seen_at, Some("2026-11-21T06:30:00Z".parse().unwrap()));
        assert_eq!(report.expected, Some(jiff::civil::date(2026, 11, 22)));
    }

    #[test]
    fn what_is_not_about_a_parcel_is_no_report() {
        let event = |id: &str, description: &str, code: &str| {
            let body = json!({"id": id, "mode": "test", "description": description,
                "result": {"tracking_code": code, "status": "delivered"}});
            parse(body.to_string().as_bytes())
        };
        assert!(event("evt_1", "tracker.updated", "9400").is_some());
        assert!(event("evt_1", "refund.successful", "9400").is_none());
        assert!(event("", "tracker.updated", "9400").is_none());
        assert!(event("evt_1", "tracker.updated", "94 00").is_none());
        assert!(parse(b"[]").is_none() && parse(b"").is_none());
        assert_eq!(status("teleported"), Tracking::Unknown);
    }
}
