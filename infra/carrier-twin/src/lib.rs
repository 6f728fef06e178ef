//! A twin of EasyPost: as much of its REST API as a shop needs to price, buy and give back labels,
//! with memory, signatures and accidents.
//!
//! It plays the outside, so it shares no code with what it checks. What it knows of EasyPost stands
//! in EasyPost's documentation (<https://docs.easypost.com>): Basic authentication with the key as
//! the user, shipments that come with their rates, one label for each shipment, refunds that are
//! first submitted, errors as `{"error": {code, message, errors}}`, webhooks signed in two ways.

#![allow(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "an emulator for tests: what it did not expect shall be seen"
)]

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use sha2::Sha256;

pub mod port;

/// An accident on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accident {
    /// Too many requests: nothing happens.
    TooMany,
    /// EasyPost is broken: nothing happens.
    Broken,
    /// All happens, and the answer never arrives.
    LostAnswer,
    /// The connection is dropped before anything happens.
    Dropped,
    /// All happens, late.
    Slow(Duration),
}

/// What a call meets: the answer, and whether and when it leaves.
#[derive(Debug)]
pub struct Outcome {
    /// The answer; none where the connection is dropped.
    pub answer: Option<Response<Bytes>>,
    /// What is waited before it.
    pub after: Duration,
}

/// EasyPost's twin; clones share their memory.
#[derive(Debug, Clone)]
pub struct Twin(Arc<Mutex<World>>);

#[derive(Debug)]
struct World {
    key: String,
    shipments: BTreeMap<String, Value>,
    next: u64,
    /// Accidents by what they happen to: `POST shipments`, `POST buy`, `POST refund`, `GET`.
    accidents: BTreeMap<String, VecDeque<Accident>>,
    calls: Vec<String>,
}

impl Twin {
    /// A twin that knows this API key.
    pub fn new(key: &str) -> Self {
        Self(Arc::new(Mutex::new(World {
            key: key.to_owned(),
            shipments: BTreeMap::new(),
            next: 1,
            accidents: BTreeMap::new(),
            calls: Vec::new(),
        })))
    }

    fn world(&self) -> std::sync::MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The next calls of this operation (`rates`, `buy`, `refund`, `look`) meet these accidents.
    pub fn arm(&self, operation: &str, accidents: &[Accident]) {
        self.world().accidents.entry(operation.to_owned()).or_default().extend(accidents);
    }

    /// No more accidents; how many did not happen.
    pub fn arm_none(&self) -> usize {
        let mut world = self.world();
        let left = world.accidents.values().map(VecDeque::len).sum();
        world.accidents.clear();
        left
    }

    /// The operations that were asked for, in their order.
    pub fn calls(&self) -> Vec<String> {
        self.world().calls.clone()
    }

    /// How many labels were sold and not given back: what the bill says.
    pub fn labels(&self) -> usize {
        let world = self.world();
        let is_paid =
            |s: &&Value| !s["postage_label"].is_null() && s["refund_status"] != "refunded";
        world.shipments.values().filter(is_paid).count()
    }

    /// The post office has looked at a label that was given back.
    pub fn settle_refund(&self, shipment: &str, is_granted: bool) {
        let word = if is_granted { "refunded" } else { "rejected" };
        if let Some(shipment) = self.world().shipments.get_mut(shipment) {
            shipment["refund_status"] = json!(word);
        }
    }

    /// A request of EasyPost's API.
    pub fn handle(&self, request: &Request<Bytes>) -> Outcome {
        let path = request.uri().path().trim_start_matches("/v2").trim_matches('/').to_owned();
        let parts: Vec<&str> = path.split('/').collect();
        let operation = match (request.method(), parts.as_slice()) {
            (&Method::POST, ["shipments"]) => "rates",
            (&Method::POST, ["shipments", _, "buy"]) => "buy",
            (&Method::POST, ["shipments", _, "refund"]) => "refund",
            (&Method::GET, ["shipments", _]) => "look",
            _ => "unknown",
        };
        let mut world = self.world();
        world.calls.push(operation.to_owned());
        let accident = world.accidents.get_mut(operation).and_then(VecDeque::pop_front);
        let at_once = |answer| Outcome { answer: Some(answer), after: Duration::ZERO };
        match accident {
            Some(Accident::TooMany) => at_once(error(429, "RATE_LIMITED")),
            // What stands before EasyPost answers in its own words.
            Some(Accident::Broken) => at_once(
                Response::builder()
                    .status(StatusCode::INTERNAL_SERVER_ERROR)
                    .body(Bytes::from_static(b"<html>oops</html>"))
                    .unwrap(),
            ),
            Some(Accident::Dropped) => Outcome { answer: None, after: Duration::ZERO },
            Some(Accident::LostAnswer) => {
                world.answer(operation, &parts, request);
                Outcome { answer: None, after: Duration::ZERO }
            }
            Some(Accident::Slow(after)) => {
                Outcome { answer: Some(world.answer(operation, &parts, request)), after }
            }
            None => at_once(world.answer(operation, &parts, request)),
        }
    }
}

impl World {
    fn answer(
        &mut self,
        operation: &str,
        parts: &[&str],
        request: &Request<Bytes>,
    ) -> Response<Bytes> {
        let wanted = format!("Basic {}", STANDARD.encode(format!("{}:", self.key)));
        let given = request.headers().get("authorization").and_then(|v| v.to_str().ok());
        if given != Some(wanted.as_str()) {
            return error(401, "APIKEY.INACTIVE");
        }
        let body: Value = match request.body().as_ref() {
            b"" => json!({}),
            bytes => match serde_json::from_slice(bytes) {
                Ok(body) => body,
                Err(_) => return error(400, "BAD_REQUEST"),
            },
        };
        match operation {
            "rates" => self.create(&body),
            "look" => self
                .shipments
                .get(parts[1])
                .map_or_else(|| error(404, "NOT_FOUND"), |shipment| json_answer(200, shipment)),
            "buy" => self.buy(parts[1], &body),
            "refund" => self.refund(parts[1]),
            _ => error(404, "NOT_FOUND"),
        }
    }

    fn create(&mut self, body: &Value) -> Response<Bytes> {
        let shipment = &body["shipment"];
        let Some(weight) = shipment["parcel"]["weight"].as_u64().filter(|weight| *weight > 0)
        else {
            return error(422, "PARCEL.WEIGHT.INVALID");
        };
        for side in ["from_address", "to_address"] {
            let address = &shipment[side];
            for field in ["street1", "city", "country"] {
                if address[field].as_str().is_none_or(str::is_empty) {
                    return error(422, "ADDRESS.PARAMETERS.INVALID");
                }
            }
        }
        let number = self.next;
        self.next += 1;
        let id = format!("shp_{number:08}");
        // A base and so much for each ounce, in cents; the service's name and its days.
        let services =
            [("GroundAdvantage", 400, 12, 5), ("Priority", 700, 15, 2), ("Express", 2_600, 40, 1)];
        let rates: Vec<Value> = services
            .iter()
            .zip(1..)
            .map(|((service, base, each, days), at)| {
                let cents = base + each * weight;
                json!({"id": format!("rate_{number:08}{at}"), "object": "Rate", "carrier": "USPS",
                    "service": service, "rate": format!("{}.{:02}", cents / 100, cents % 100),
                    "currency": "USD", "delivery_days": days, "shipment_id": id})
            })
            .collect();
        let made = json!({"id": id, "object": "Shipment", "mode": "test", "rates": rates,
            "to_address": shipment["to_address"], "from_address": shipment["from_address"],
            "parcel": shipment["parcel"], "selected_rate": null, "postage_label": null,
            "tracking_code": null, "refund_status": null, "messages": []});
        self.shipments.insert(id, made.clone());
        json_answer(201, &made)
    }

    fn buy(&mut self, id: &str, body: &Value) -> Response<Bytes> {
        let Some(shipment) = self.shipments.get_mut(id) else { return error(404, "NOT_FOUND") };
        if !shipment["postage_label"].is_null() {
            return error(422, "SHIPMENT.POSTAGE.EXISTS");
        }
        let rates = shipment["rates"].as_array().cloned().unwrap_or_default();
        let Some(rate) = rates.iter().find(|rate| rate["id"] == body["rate"]["id"]) else {
            return error(422, "SHIPMENT.INVALID_PARAMS");
        };
        shipment["selected_rate"] = rate.clone();
        shipment["postage_label"] = json!({"object": "PostageLabel",
            "label_url": format!("https://labels.example/{id}.png")});
        shipment["tracking_code"] = json!(format!("94001108988250{}", &id[4..]));
        json_answer(200, shipment)
    }

    fn refund(&mut self, id: &str) -> Response<Bytes> {
        let Some(shipment) = self.shipments.get_mut(id) else { return error(404, "NOT_FOUND") };
        if shipment["postage_label"].is_null() {
            return error(422, "SHIPMENT.REFUND.UNAVAILABLE");
        }
        if !shipment["refund_status"].is_null() {
            return error(422, "SHIPMENT.REFUND.ALREADY_SUBMITTED");
        }
        shipment["refund_status"] = json!("submitted");
        json_answer(200, shipment)
    }
}

fn json_answer(status: u16, body: &Value) -> Response<Bytes> {
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(Bytes::from(body.to_string()))
        .unwrap()
}

fn error(status: u16, code: &str) -> Response<Bytes> {
    let body = json!({"error": {"code": code, "message": "What EasyPost says.", "errors": []}});
    json_answer(status, &body)
}

/// A webhook as EasyPost sends it: its headers and its body.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// `X-Hmac-Signature`.
    pub signature: String,
    /// `X-Hmac-Signature-V2`.
    pub signature_v2: String,
    /// `X-Timestamp`.
    pub timestamp: String,
    /// `X-Path`.
    pub path: String,
    /// The body.
    pub body: String,
}

/// A report about a parcel, signed with a webhook's secret.
pub fn webhook(
    secret: &str,
    path: &str,
    timestamp: &str,
    tracking_code: &str,
    status: &str,
) -> Webhook {
    let body = json!({"id": format!("evt_{tracking_code}_{status}"), "object": "Event",
        "mode": "test", "description": "tracker.updated", "created_at": timestamp,
        "result": {"id": "trk_1", "object": "Tracker", "tracking_code": tracking_code,
            "status": status, "carrier": "USPS", "est_delivery_date": null,
            "tracking_details": [{"datetime": timestamp, "status": status}]}})
    .to_string();
    let signed = |parts: &[&str]| {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        for part in parts {
            mac.update(part.as_bytes());
        }
        let hex: String =
            mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("hmac-sha256-hex={hex}")
    };
    Webhook {
        signature: signed(&[&body]),
        signature_v2: signed(&[timestamp, "POST", path, &body]),
        timestamp: timestamp.to_owned(),
        path: path.to_owned(),
        body,
    }
}
