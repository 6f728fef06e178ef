//! The carriers: many of them, through EasyPost's REST API.
//!
//! Three things are done here: a parcel is priced, a label is bought, a label is given back. Prices
//! are decoration and may be late or absent: they have a deadline of the caller's and never stand
//! between a shopper and the shop. A label costs money: buying one is never simply repeated. Whose
//! answer was lost asks what became of it; a parcel has one label and EasyPost refuses a second.
//!
//! What EasyPost answers is translated into the domain's words; nothing else of the shop knows its
//! types. Sources: <https://docs.easypost.com/docs/shipments>, `/errors`, `/webhooks`.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::address::Address;
use domain::carrier::{Label, Packed, Quote, Rate, Voided, decimal_money};
use domain::currency::Currency;
use domain::fault::{Fault, Retry};
use domain::shipping::CarrierService;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

pub mod webhook;

/// Where EasyPost is.
const BASE: &str = "https://api.easypost.com/v2/";
/// How long a label may take; carriers themselves are asked.
const LABEL_TIMEOUT: Duration = Duration::from_secs(15);
/// How long looking something up may take.
const LOOK_TIMEOUT: Duration = Duration::from_secs(8);
/// Bytes of an answer; a shipment with a hundred rates has some 60 kB.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// Tries of what may be repeated, within its deadline.
const ATTEMPTS_MAX: u32 = 3;
/// What is waited before the second try; twice as long before the third.
const PAUSE: Duration = Duration::from_millis(100);

/// The way to the carriers.
pub struct Carrier {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    base: String,
    authorization: HeaderValue,
}

impl fmt::Debug for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Carrier(…)")
    }
}

/// What became of buying a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bought {
    /// It is bought, now or before.
    Yes(Label),
    /// The carrier does not sell it, for the reason of this code.
    Refused(String),
}

/// An answer of EasyPost.
struct Answer {
    status: StatusCode,
    body: Value,
}

/// Why there is no answer.
#[derive(Debug)]
enum Lost {
    /// Nothing was heard in time.
    Late,
    /// The connection broke, or what came was no answer.
    Broken(Box<dyn std::error::Error + Send + Sync>),
}

impl Lost {
    fn fault(self, tried: &str) -> Fault {
        match self {
            Self::Late => Fault::noticed(format!("{tried}: no answer in time"), Retry::Helps),
            Self::Broken(error) => Fault::new(tried, error, Retry::Helps),
        }
    }
}

impl Carrier {
    /// A way with this API key. `base_url` replaces EasyPost's own address in tests and in the
    /// local shop; it ends with a slash.
    pub fn new(api_key: &str, base_url: Option<&str>) -> Result<Self, Fault> {
        let bad = || Fault::noticed("read the carrier's API key", Retry::Useless);
        if api_key.is_empty() || !api_key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(bad());
        }
        let basic = format!("Basic {}", STANDARD.encode(format!("{api_key}:")));
        let mut authorization = HeaderValue::from_str(&basic).map_err(|_| bad())?;
        authorization.set_sensitive(true);
        let connector = hyper_rustls::HttpsConnectorBuilder::new().with_webpki_roots();
        // Only a base that says so itself is not encrypted: a twin on this machine.
        let connector = match base_url {
            Some(url) if url.starts_with("http://") => connector.https_or_http().enable_http1(),
            Some(_) | None => connector.https_only().enable_http1(),
        };
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_mins(1))
            .build(connector.build());
        Ok(Self { client, base: base_url.unwrap_or(BASE).to_owned(), authorization })
    }

    /// What carriers would take for a parcel, within a time that the caller can wait.
    ///
    /// A parcel that nobody bought a label for costs nothing and is forgotten, so this may be
    /// repeated.
    pub async fn rates(
        &self,
        packed: &Packed,
        from: &Address,
        to: &Address,
        within: Duration,
    ) -> Result<Quote, Fault> {
        let tried = "ask carriers for rates";
        let parcel = match packed.inches() {
            Some((length, width, height)) => json!({"weight": packed.ounces(), "length": length,
                "width": width, "height": height}),
            None => json!({"weight": packed.ounces()}),
        };
        let body = json!({"shipment": {"parcel": parcel, "from_address": place(from),
            "to_address": place(to)}});
        let asked = self.patiently(Method::POST, "shipments", Some(&body));
        let answer = match timeout(within, asked).await {
            Ok(answer) => answer.map_err(|lost| lost.fault(tried))?,
            Err(_) => return Err(Lost::Late.fault(tried)),
        };
        let shipment: Shipment = understood(tried, answer)?;
        Ok(Quote { rates: shipment.rates(), parcel: shipment.id })
    }

    /// Buys the label of a rate, once: who asks again gets the label that was bought.
    pub async fn buy(&self, parcel: &str, rate: &str) -> Result<Bought, Fault> {
        let tried = "buy a label";
        let path = format!("shipments/{}/buy", name(tried, parcel)?);
        let body = json!({"rate": {"id": name(tried, rate)?}});
        let sent = self.once(Method::POST, &path, Some(&body), LABEL_TIMEOUT).await;
        match sent {
            Ok(answer) if answer.status.is_success() => {
                let shipment: Shipment = understood(tried, answer)?;
                let label = shipment.label();
                let said = "find the label in the answer of its purchase";
                label.map(Bought::Yes).ok_or_else(|| Fault::noticed(said, Retry::Useless))
            }
            // Bought before, or too much asked of them: what is there is looked at.
            Ok(answer) if answer.is_refused() => match self.look(parcel).await?.label() {
                Some(label) => Ok(Bought::Yes(label)),
                None => Ok(Bought::Refused(answer.code())),
            },
            Ok(answer) => Err(answer.fault(tried)),
            // Nobody knows whether it was bought: EasyPost does.
            Err(lost) => match self.look(parcel).await?.label() {
                Some(label) => Ok(Bought::Yes(label)),
                None => Err(lost.fault(tried)),
            },
        }
    }

    /// Gives a label back; asked again, tells how far that is.
    pub async fn void(&self, parcel: &str) -> Result<Voided, Fault> {
        let tried = "give a label back";
        let path = format!("shipments/{}/refund", name(tried, parcel)?);
        let sent = self.once(Method::POST, &path, Some(&json!({})), LABEL_TIMEOUT).await;
        let unclear = match sent {
            Ok(answer) if answer.status.is_success() => {
                let shipment: Shipment = understood(tried, answer)?;
                let said = Fault::noticed("find what became of a label", Retry::Useless);
                return shipment.voided().ok_or(said);
            }
            Ok(answer) if answer.is_refused() => answer.fault(tried),
            Ok(answer) => return Err(answer.fault(tried)),
            Err(lost) => lost.fault(tried),
        };
        self.look(parcel).await?.voided().ok_or(unclear)
    }

    /// The label that was bought for a parcel, if any was.
    pub async fn label(&self, parcel: &str) -> Result<Option<Label>, Fault> {
        Ok(self.look(parcel).await?.label())
    }

    async fn look(&self, parcel: &str) -> Result<Shipment, Fault> {
        let tried = "look at a parcel";
        let path = format!("shipments/{}", name(tried, parcel)?);
        let answer = timeout(LOOK_TIMEOUT, self.patiently(Method::GET, &path, None)).await;
        let answer = answer.unwrap_or(Err(Lost::Late)).map_err(|lost| lost.fault(tried))?;
        understood(tried, answer)
    }

    /// A call that may be repeated: again where it was lost, or where EasyPost was busy or broken.
    async fn patiently(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, Lost> {
        let mut pause = PAUSE;
        for _ in 1..ATTEMPTS_MAX {
            match self.send(method.clone(), path, body).await {
                Ok(answer) if !answer.is_passing() => return Ok(answer),
                Ok(_) | Err(_) => sleep(pause).await,
            }
            pause *= 2;
        }
        self.send(method, path, body).await
    }

    /// A call that is made once.
    async fn once(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        within: Duration,
    ) -> Result<Answer, Lost> {
        timeout(within, self.send(method, path, body)).await.unwrap_or(Err(Lost::Late))
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, Lost> {
        let bytes = body.map(ToString::to_string).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(AUTHORIZATION, self.authorization.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(bytes)))
            .map_err(|error| Lost::Broken(error.into()))?;
        let response =
            self.client.request(request).await.map_err(|error| Lost::Broken(error.into()))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(Lost::Broken)?.to_bytes();
        // Not every error has a body of JSON: some come from what stands before EasyPost.
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Ok(Answer { status, body })
    }
}

impl Answer {
    /// Whether the same may work in a moment.
    fn is_passing(&self) -> bool {
        self.status == StatusCode::TOO_MANY_REQUESTS || self.status.is_server_error()
    }

    /// Whether EasyPost understood and said no; 402 is an account without money.
    fn is_refused(&self) -> bool {
        matches!(
            self.status,
            StatusCode::UNPROCESSABLE_ENTITY
                | StatusCode::BAD_REQUEST
                | StatusCode::PAYMENT_REQUIRED
        )
    }

    /// EasyPost's own code of an error; never its message, which repeats addresses.
    fn code(&self) -> String {
        let code = self.body.pointer("/error/code").and_then(Value::as_str).unwrap_or_default();
        let is_plain = (1..=80).contains(&code.len())
            && code.bytes().all(|b| b.is_ascii_uppercase() || b"._0123456789".contains(&b));
        if is_plain { code.to_owned() } else { "UNKNOWN".to_owned() }
    }

    fn fault(&self, tried: &str) -> Fault {
        let retry = if self.is_passing() { Retry::Helps } else { Retry::Useless };
        let (status, code) = (self.status.as_u16(), self.code());
        Fault::noticed(format!("{tried}: EasyPost said {status} {code}"), retry)
    }
}

fn understood<T: for<'de> Deserialize<'de>>(tried: &str, answer: Answer) -> Result<T, Fault> {
    if !answer.status.is_success() {
        return Err(answer.fault(tried));
    }
    // The error of serde could quote an address.
    serde_json::from_value(answer.body)
        .map_err(|_| Fault::noticed(format!("{tried}: read EasyPost's answer"), Retry::Useless))
}

/// EasyPost's names become parts of addresses.
fn name<'a>(tried: &str, text: &'a str) -> Result<&'a str, Fault> {
    let is_name = (1..=100).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_name { Ok(text) } else { Err(Fault::noticed(format!("{tried}: no id"), Retry::Useless)) }
}

fn place(address: &Address) -> Value {
    json!({
        "name": address.name.as_str(),
        "street1": address.line1,
        "street2": address.line2,
        "city": address.city,
        "state": address.region,
        "zip": address.postal_code,
        "country": address.country.code(),
    })
}

/// What we read of EasyPost's shipment.
#[derive(Deserialize)]
struct Shipment {
    id: String,
    #[serde(default)]
    rates: Vec<RawRate>,
    #[serde(default)]
    selected_rate: Option<RawRate>,
    #[serde(default)]
    postage_label: Option<RawLabel>,
    #[serde(default)]
    tracking_code: Option<String>,
    #[serde(default)]
    refund_status: Option<String>,
}

#[derive(Deserialize)]
struct RawRate {
    id: String,
    carrier: String,
    service: String,
    rate: String,
    currency: String,
    #[serde(default)]
    delivery_days: Option<u8>,
}

#[derive(Deserialize)]
struct RawLabel {
    label_url: String,
}

impl RawRate {
    /// The rate; none in a currency or with an amount that we can not read.
    fn read(&self) -> Option<Rate> {
        Some(Rate {
            id: self.id.clone(),
            service: CarrierService {
                carrier: self.carrier.clone(),
                service: self.service.clone(),
            },
            price: decimal_money(&self.rate, Currency::parse(&self.currency)?)?,
            days: self.delivery_days,
        })
    }
}

impl Shipment {
    fn rates(&self) -> Vec<Rate> {
        self.rates.iter().filter_map(RawRate::read).collect()
    }

    /// The label, once it is bought.
    fn label(&self) -> Option<Label> {
        let rate = self.selected_rate.as_ref()?.read()?;
        Some(Label {
            parcel: self.id.clone(),
            tracking_code: self.tracking_code.clone()?,
            service: rate.service,
            price: rate.price,
            url: self.postage_label.as_ref()?.label_url.clone(),
        })
    }

    /// How far giving the label back is, if that was begun.
    fn voided(&self) -> Option<Voided> {
        match self.refund_status.as_deref()? {
            "submitted" => Some(Voided::Submitted),
            "refunded" => Some(Voided::Refunded),
            "rejected" | "not_applicable" => Some(Voided::Rejected),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shipment_is_read_as_easypost_writes_it() {
        let shipment: Shipment = serde_json::from_value(json!({
            "id": "shp_1", "object": "Shipment", "mode": "test", "tracking_code": "9400",
            "refund_status": null,
            "rates": [
                {"id": "rate_1", "object": "Rate", "carrier": "USPS", "service": "Priority",
                    "rate": "7.90", "list_rate": "9.00", "currency": "USD", "delivery_days": 2},
                {"id": "rate_2", "carrier": "USPS", "service": "Odd", "rate": "7.905",
                    "currency": "USD", "delivery_days": null},
                {"id": "rate_3", "carrier": "X", "service": "Y", "rate": "1", "currency": "XXQ"},
            ],
            "selected_rate": {"id": "rate_1", "carrier": "USPS", "service": "Priority",
                "rate": "7.90", "currency": "USD"},
            "postage_label": {"id": "pl_1", "label_url": "https://example.com/label.png"},
        }))
        .unwrap();
        let rates = shipment.rates();
        assert_eq!(rates.len(), 1, "what can not be read is not offered");
        assert_eq!((rates[0].price.amount(), rates[0].days), (790, Some(2)));
        assert_eq!(shipment.label().unwrap().tracking_code, "9400");
        assert_eq!(shipment.voided(), None);
    }

    #[test]
    fn a_key_that_is_none_and_a_name_that_is_none_are_refused() {
        assert!(Carrier::new("", None).is_err() && Carrier::new("a b", None).is_err());
        assert!(Carrier::new("EZTK1", None).is_ok());
        for wrong in ["", "../shipments", "shp_1/buy", "shp 1", "shp_1?x"] {
            assert!(name("look", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_a_plain_code_of_an_error_is_told() {
        let code = |code: &str| {
            let body = json!({"error": {"code": code, "message": "Jane Roe, Way 1"}});
            Answer { status: StatusCode::UNPROCESSABLE_ENTITY, body }.code()
        };
        assert_eq!(code("SHIPMENT.POSTAGE.EXISTS"), "SHIPMENT.POSTAGE.EXISTS");
        for strange in ["", "Jane Roe", "a@b"] {
            assert_eq!(code(strange), "UNKNOWN");
        }
    }
}
