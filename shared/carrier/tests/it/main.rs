//! The contract with EasyPost, against its twin over a loopback connection: what is asked, what is
//! understood, and what happens when something is lost on the way.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test that finds something else than it expects shall panic"
)]

use std::time::{Duration, Instant};

use carrier::webhook::{self, Refusal, Signed};
use carrier::{Bought, Carrier};
use carrier_twin::port::Port;
use carrier_twin::{Accident, Twin};
use domain::address::{Address, AddressForm};
use domain::carrier::{Packed, Quote, Tracking, Voided};
use domain::currency::Currency;
use domain::fault::Retry;
use domain::shipping::CarrierService;

const KEY: &str = "EZTKnobodyscarrier";
const SECOND: Duration = Duration::from_secs(1);

struct Office {
    twin: Twin,
    carrier: Carrier,
    _port: Port,
}

async fn open() -> Office {
    open_with(KEY).await
}

async fn open_with(key: &str) -> Office {
    let twin = Twin::new(KEY);
    let port = Port::open(twin.clone()).await.unwrap();
    let carrier = Carrier::new(key, Some(&port.base_url())).unwrap();
    Office { twin, carrier, _port: port }
}

fn address(city: &str, region: &str, postal_code: &str) -> Address {
    Address::parse(&AddressForm {
        name: "Jane Roe".into(),
        line1: "1 Market Street".into(),
        line2: None,
        city: city.into(),
        region: Some(region.into()),
        postal_code: postal_code.into(),
        country: "US".into(),
    })
    .unwrap()
}

fn packed() -> Packed {
    Packed { weight_grams: 400, size_mm: Some((300, 200, 100)) }
}

fn service(service: &str) -> CarrierService {
    CarrierService { carrier: "USPS".into(), service: service.into() }
}

impl Office {
    async fn rates(&self, within: Duration) -> Result<Quote, domain::fault::Fault> {
        let from = address("Reno", "NV", "89501");
        let to = address("San Francisco", "CA", "94105");
        self.carrier.rates(&packed(), &from, &to, within).await
    }

    async fn label(&self) -> (String, Bought) {
        let quote = self.rates(SECOND).await.unwrap();
        let rate = quote.rates.iter().find(|rate| rate.service == service("Priority")).unwrap();
        (quote.parcel.clone(), self.carrier.buy(&quote.parcel, &rate.id).await.unwrap())
    }
}

#[tokio::test]
async fn a_parcel_is_priced_bought_and_given_back() {
    let office = open().await;
    let quote = office.rates(SECOND).await.unwrap();
    // 400 g are 15 ounces: 7.00 and 15 times 0.15.
    let price = quote.price(&service("Priority"), Currency::USD).unwrap();
    assert_eq!(price.amount(), 925);
    let (parcel, bought) = office.label().await;
    let Bought::Yes(label) = bought else { panic!("{bought:?}") };
    assert_eq!((label.price.amount(), label.service.service.as_str()), (925, "Priority"));
    assert!(label.url.starts_with("https://") && !label.tracking_code.is_empty());
    assert_eq!(office.carrier.void(&parcel).await.unwrap(), Voided::Submitted);
    assert_eq!(office.carrier.void(&parcel).await.unwrap(), Voided::Submitted, "asked again");
    office.twin.settle_refund(&parcel, true);
    assert_eq!(office.carrier.void(&parcel).await.unwrap(), Voided::Refunded);
    assert_eq!(office.twin.labels(), 0);
}

#[tokio::test]
async fn rates_are_asked_for_again_when_the_carrier_is_busy_or_the_answer_is_lost() {
    for accident in [Accident::TooMany, Accident::Broken, Accident::Dropped, Accident::LostAnswer] {
        let office = open().await;
        office.twin.arm("rates", &[accident, accident]);
        assert_eq!(office.rates(SECOND).await.unwrap().rates.len(), 3, "{accident:?}");
        assert_eq!(office.twin.calls().len(), 3, "{accident:?}");
    }
    let office = open().await;
    office.twin.arm("rates", &[Accident::Broken; 3]);
    let fault = office.rates(SECOND).await.unwrap_err();
    assert_eq!(fault.retry(), Retry::Helps);
    assert_eq!(office.twin.calls().len(), 3, "not for ever");
}

#[tokio::test]
async fn a_slow_carrier_is_not_waited_for() {
    let office = open().await;
    office.twin.arm("rates", &[Accident::Slow(Duration::from_secs(5))]);
    let begun = Instant::now();
    let fault = office.rates(Duration::from_millis(200)).await.unwrap_err();
    assert!(begun.elapsed() < SECOND, "{:?}", begun.elapsed());
    assert_eq!(fault.retry(), Retry::Helps);
}

#[tokio::test]
async fn a_label_is_bought_once_whatever_is_lost() {
    let office = open().await;
    office.twin.arm("buy", &[Accident::LostAnswer]);
    let (parcel, first) = office.label().await;
    let Bought::Yes(label) = first else { panic!("{first:?}") };
    assert_eq!(office.twin.calls(), ["rates", "buy", "look"]);
    // Who asks again gets the same one.
    let again = office.carrier.buy(&parcel, "rate_other").await.unwrap();
    assert_eq!(again, Bought::Yes(label));
    assert_eq!(office.twin.labels(), 1);
}

#[tokio::test]
async fn a_purchase_that_never_arrived_is_a_fault_and_no_label() {
    for accident in [Accident::Dropped, Accident::Broken, Accident::TooMany] {
        let office = open().await;
        let quote = office.rates(SECOND).await.unwrap();
        office.twin.arm("buy", &[accident]);
        let fault = office.carrier.buy(&quote.parcel, &quote.rates[0].id).await.unwrap_err();
        assert_eq!(fault.retry(), Retry::Helps, "{accident:?}");
        assert_eq!(office.twin.labels(), 0);
        assert_eq!(office.twin.calls().iter().filter(|call| *call == "buy").count(), 1);
        let bought = office.carrier.buy(&quote.parcel, &quote.rates[0].id).await.unwrap();
        assert!(matches!(bought, Bought::Yes(_)), "{bought:?}");
    }
}

#[tokio::test]
async fn what_the_carrier_refuses_is_told_by_its_code() {
    let office = open().await;
    let quote = office.rates(SECOND).await.unwrap();
    let refused = office.carrier.buy(&quote.parcel, "rate_unheard").await.unwrap();
    assert_eq!(refused, Bought::Refused("SHIPMENT.INVALID_PARAMS".into()));
    let fault = office.carrier.void(&quote.parcel).await.unwrap_err();
    assert_eq!(fault.retry(), Retry::Useless);
    assert!(fault.to_string().contains("SHIPMENT.REFUND.UNAVAILABLE"), "{fault}");
    let fault = office.carrier.void("shp_nowhere").await.unwrap_err();
    assert!(fault.to_string().contains("404"), "{fault}");
}

#[tokio::test]
async fn a_lost_answer_to_a_return_is_looked_up() {
    let office = open().await;
    let (parcel, _) = office.label().await;
    office.twin.arm("refund", &[Accident::LostAnswer]);
    assert_eq!(office.carrier.void(&parcel).await.unwrap(), Voided::Submitted);
    office.twin.settle_refund(&parcel, false);
    assert_eq!(office.carrier.void(&parcel).await.unwrap(), Voided::Rejected);
}

#[tokio::test]
async fn a_wrong_key_is_our_own_fault_and_is_never_shown() {
    let office = open_with("EZTKsomebodyelses").await;
    let fault = office.rates(SECOND).await.unwrap_err();
    assert_eq!(fault.retry(), Retry::Useless);
    let said = format!("{fault} {fault:?} {:?}", office.carrier);
    assert!(!said.contains("EZTK") && said.contains("APIKEY.INACTIVE"), "{said}");
}

#[test]
fn a_report_that_the_twin_signs_is_believed_in_both_ways() {
    let (secret, path) = ("the words of a webhook", "/v1/hooks/easypost");
    let at = "Sat, 21 Nov 2026 09:00:00 +0000";
    let sent = carrier_twin::webhook(secret, path, at, "9400", "delivered");
    let now = "2026-11-21T09:00:30Z".parse().unwrap();
    let signed = Signed {
        v1: Some(&sent.signature),
        v2: Some(&sent.signature_v2),
        timestamp: Some(&sent.timestamp),
        path: Some(&sent.path),
        method: "POST",
        body: sent.body.as_bytes(),
    };
    let secrets = [secret.to_owned()];
    assert_eq!(webhook::verify(&signed, &secrets, now), Ok(()));
    let old = Signed { v2: None, timestamp: None, path: None, ..signed };
    assert_eq!(webhook::verify(&old, &secrets, now), Ok(()));
    let elsewhere = Signed { path: Some("/v1/hooks/stripe"), ..signed };
    assert_eq!(webhook::verify(&elsewhere, &secrets, now), Err(Refusal::Forged));
    let report = webhook::parse(sent.body.as_bytes()).unwrap();
    assert_eq!(report.status, Tracking::Delivered);
    assert!(!report.is_live && report.status.is_final());
    assert_eq!(report.seen_at, Some("2026-11-21T09:00:00Z".parse().unwrap()));
}
