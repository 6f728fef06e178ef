//! The unmodified `async-stripe` client over a loopback connection.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use bytes::Bytes;
use stripe::{Client, ClientBuilder, IdempotencyKey, RequestStrategy, StripeError, StripeRequest};
use stripe_core::payment_intent::{
    CancelPaymentIntent, CapturePaymentIntent, ConfirmPaymentIntent, CreatePaymentIntent,
    ListPaymentIntent, RetrievePaymentIntent, SearchPaymentIntent,
};
use stripe_core::refund::CreateRefund;
use stripe_shared::{ApiErrorsCode, PaymentIntentCaptureMethod, PaymentIntentStatus};
use stripe_twin::{LostResponse, Twin};

use crate::bench::Bench;

/// Serves the twin until the test ends; drops the connection of a lost response.
fn serve(twin: Twin) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let twin = twin.clone();
            std::thread::spawn(move || answer(&twin, stream.unwrap()));
        }
    });
    format!("http://{address}")
}

fn answer(twin: &Twin, mut stream: TcpStream) {
    let mut received = Vec::new();
    let mut chunk = [0; 4096];
    let (head, body) = loop {
        let size = stream.read(&mut chunk).unwrap();
        if size == 0 {
            return;
        }
        received.extend_from_slice(&chunk[..size]);
        let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(received[..end].to_vec()).unwrap();
        let length = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map_or(0, |(_, length)| length.parse().unwrap());
        if received.len() >= end + 4 + length {
            break (head, received[end + 4..].to_vec());
        }
    };
    let mut lines = head.lines();
    let mut first = lines.next().unwrap().split(' ');
    let mut request =
        http::Request::builder().method(first.next().unwrap()).uri(first.next().unwrap());
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        request = request.header(name, value);
    }
    let response = twin.handle(request.body(Bytes::from(body)).unwrap());
    if response.extensions().get::<LostResponse>().is_some() {
        return;
    }
    let mut text = format!("HTTP/1.1 {}\r\n", response.status());
    for (name, value) in response.headers() {
        write!(text, "{name}: {}\r\n", value.to_str().unwrap()).unwrap();
    }
    write!(text, "content-length: {}\r\n\r\n", response.body().len()).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    stream.write_all(response.body()).unwrap();
}

fn client(bench: &Bench) -> Client {
    ClientBuilder::new("sk_test_loopback").url(serve(bench.twin.clone())).build().unwrap()
}

fn create() -> CreatePaymentIntent {
    CreatePaymentIntent::new(1000, stripe_types::Currency::EUR)
        .metadata([("order_id".to_owned(), "7".to_owned()), ("b".to_owned(), "1".to_owned())])
        .expand(vec!["latest_charge".to_owned()])
}

fn code(error: &StripeError) -> (Option<&ApiErrorsCode>, u16) {
    match error {
        StripeError::Stripe(error, status) => (error.code.as_ref(), *status),
        other => panic!("{other}"),
    }
}

fn keyed(key: &str) -> RequestStrategy {
    RequestStrategy::Idempotent(IdempotencyKey::new(key).unwrap())
}

#[tokio::test]
async fn a_payment_is_made_refunded_and_found() {
    let bench = Bench::new();
    let client = client(&bench);
    let intent = create().send(&client).await.unwrap();
    assert_eq!(intent.status, PaymentIntentStatus::RequiresPaymentMethod);

    let declined = ConfirmPaymentIntent::new(intent.id.clone())
        .payment_method("pm_card_chargeDeclined")
        .send(&client)
        .await
        .unwrap_err();
    assert_eq!(code(&declined), (Some(&ApiErrorsCode::CardDeclined), 402));
    let StripeError::Stripe(error, _) = declined else { panic!() };
    assert_eq!(error.decline_code.as_deref(), Some("generic_decline"));
    let embedded = error.payment_intent.unwrap();
    assert_eq!(embedded.status, PaymentIntentStatus::RequiresPaymentMethod);
    assert!(embedded.last_payment_error.is_some());

    let paid = ConfirmPaymentIntent::new(intent.id.clone())
        .payment_method("pm_card_visa")
        .expand(vec!["latest_charge".to_owned()])
        .send(&client)
        .await
        .unwrap();
    assert_eq!(paid.status, PaymentIntentStatus::Succeeded);
    assert!(paid.latest_charge.unwrap().as_object().unwrap().captured);

    let refund =
        |amount: i64| CreateRefund::new().payment_intent(intent.id.as_str()).amount(amount);
    let given = refund(400).send(&client).await;
    assert_eq!(given.unwrap().status.as_deref(), Some("succeeded"));
    assert_eq!(code(&refund(601).send(&client).await.unwrap_err()).1, 400);

    let seen = RetrievePaymentIntent::new(intent.id.clone()).send(&client).await.unwrap();
    assert_eq!(seen.metadata["order_id"], "7");
    let all = ListPaymentIntent::new().limit(5).send(&client).await.unwrap();
    assert_eq!(all.data.len(), 1);
    let found = SearchPaymentIntent::new("metadata['order_id']:'7'").send(&client).await.unwrap();
    assert_eq!(found.data[0].id, intent.id);

    let refused = CancelPaymentIntent::new(intent.id.clone()).send(&client).await.unwrap_err();
    assert_eq!(code(&refused), (Some(&ApiErrorsCode::PaymentIntentUnexpectedState), 400));
}

#[tokio::test]
async fn an_authorization_is_captured() {
    let bench = Bench::new();
    let client = client(&bench);
    let intent = create()
        .capture_method(PaymentIntentCaptureMethod::Manual)
        .payment_method("pm_card_visa")
        .confirm(true)
        .send(&client)
        .await
        .unwrap();
    assert_eq!(intent.status, PaymentIntentStatus::RequiresCapture);
    let captured = CapturePaymentIntent::new(intent.id).amount_to_capture(900).send(&client).await;
    assert_eq!(captured.unwrap().amount_received, 900);
}

#[tokio::test]
async fn authentication_is_asked_for() {
    let bench = Bench::new();
    let client = client(&bench);
    let intent = create()
        .payment_method("pm_card_threeDSecure2Required")
        .confirm(true)
        .return_url("https://shop.test/back")
        .send(&client)
        .await
        .unwrap();
    assert_eq!(intent.status, PaymentIntentStatus::RequiresAction);
    let target = intent.next_action.unwrap().redirect_to_url.unwrap();
    assert_eq!(target.return_url.as_deref(), Some("https://shop.test/back"));
    let path = format!("/v1/test_helpers/payment_intents/{}/authenticate", intent.id);
    bench.post(&path, "outcome=succeed").ok();
    let intent = RetrievePaymentIntent::new(intent.id).send(&client).await.unwrap();
    assert_eq!(intent.status, PaymentIntentStatus::Succeeded);
}

#[tokio::test]
async fn a_lost_response_is_recovered_with_the_same_key() {
    let bench = Bench::new();
    let client = client(&bench);
    bench.post("/faults", r#"{"lost_responses_next":1}"#);
    let pay = create().payment_method("pm_card_visa").confirm(true);
    let lost = pay.customize().request_strategy(keyed("order-7")).send(&client).await;
    assert!(matches!(lost, Err(StripeError::ClientError(_))), "{lost:?}");
    let again = pay.customize().request_strategy(keyed("order-7")).send(&client).await.unwrap();
    assert_eq!(again.status, PaymentIntentStatus::Succeeded);
    assert_eq!(bench.twin.objects("charge").len(), 1);
    let other = create().description("another");
    let other = other.customize().request_strategy(keyed("order-7")).send(&client).await;
    assert_eq!(code(&other.unwrap_err()).1, 400);
}

#[tokio::test]
async fn the_client_retries_a_rate_limit_by_itself() {
    let bench = Bench::new();
    let client = client(&bench);
    bench.post("/faults", r#"{"fail_next":{"count":2,"status":429}}"#);
    let create = create().customize().request_strategy(RequestStrategy::Retry(3));
    assert_eq!(create.send(&client).await.unwrap().amount, 1000);
}

#[tokio::test]
async fn yen_have_a_minimum_too() {
    let bench = Bench::new();
    let client = client(&bench);
    let few = CreatePaymentIntent::new(49, stripe_types::Currency::JPY).send(&client).await;
    assert_eq!(code(&few.unwrap_err()), (Some(&ApiErrorsCode::AmountTooSmall), 400));
}
