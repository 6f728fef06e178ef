//! What a rehearsal in another AWS borrows from the local shop: puts the demo goods into its tables
//! and its bucket, says in one line of JSON where it answers as Stripe and how the owner signs in.
//! Then it waits for a line that says which letters went out and what the queues hold, asks every
//! invariant of the tables, and says in a second line which are broken. `.ci/rehearse.py` runs it:
//!
//! ```sh
//! AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_REGION=… TABLE_CATALOG=… FILES_BUCKET=… SHOP_URL=… \
//!   cargo run --package local --example stand_in -- [port]
//! ```
//!
//! Its variables are those of a function. The secrets have to be there.

#![allow(clippy::disallowed_methods, reason = "this is a host: it reads a clock and starts tasks")]
#![allow(clippy::print_stdout, reason = "whoever started it reads where it answers")]

use std::collections::BTreeMap;
use std::error::Error;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_secretsmanager::Client;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use local::{Clock, STRIPE_ACCOUNT, demo, facts};
use secrets::{FactorKeys, StripeKeys};
use serde::Deserialize;
use serde_json::json;
use store::Table;
use stripe_twin::{Delivery, Twin};
use testkit::ledger;
use tokio::net::TcpListener;

/// Between two looks at what is to be delivered.
const LOOK: Duration = Duration::from_millis(20);
/// Stripe hangs up on a webhook after some time; this one is generous with a cold start.
const ANSWER_MAX: Duration = Duration::from_secs(30);

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;
type Http = hyper_util::client::legacy::Client<HttpConnector, Full<Bytes>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let variables: BTreeMap<String, String> = std::env::vars().collect();
    let said = |name: &str| {
        variables.get(name).cloned().ok_or_else(|| format!("the variable {name} is missing"))
    };
    let aws = runtime::aws::config(&variables)?;
    let client = Client::new(&aws);
    let factors: FactorKeys = secret(&client, &said("SECRET_FACTORS")?).await?;
    let stripe: StripeKeys = secret(&client, &said("SECRET_STRIPE")?).await?;
    let mut tables = BTreeMap::new();
    for table in Table::ALL {
        tables.insert(table, said(table.variable())?);
    }
    let place = demo::Place { aws, tables, bucket: said("FILES_BUCKET")? };
    let clock = Clock::real();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    demo::load(&place, &root, &factors, clock.now()).await?;
    let received = facts::on_hand(&place).await?;
    let now = clock.clone();
    let twin = Twin::open(stripe_twin::Options {
        data: None,
        now_ms: Arc::new(move || now.now_ms()),
        seed: u64::from(std::process::id()),
        account: STRIPE_ACCOUNT.to_owned(),
        webhook_secret: stripe.webhook_secrets.first().cloned().unwrap_or_default(),
        webhook_url: format!("{}/v1/hooks/stripe", said("SHOP_URL")?),
    })?;
    let port = std::env::args().nth(1).map_or(Ok(0), |port| port.parse())?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let (email, password) = demo::OWNER;
    let owner =
        json!({"email": email, "password": password, "secret": demo::owner_secret(&factors)});
    let address = format!("http://{}/", listener.local_addr()?);
    println!("{}", json!({"stripe": address, "owner": owner}));
    tokio::spawn(answer(twin.clone(), listener));
    tokio::spawn(deliver(twin.clone()));
    let mut line = String::new();
    let read =
        tokio::task::spawn_blocking(move || std::io::stdin().read_line(&mut line).map(|_| line));
    let line = read.await??;
    if line.is_empty() {
        return Ok(());
    }
    let told: Told = serde_json::from_str(&line)?;
    let mut facts = facts::in_tables(&place, clock.now(), received).await?;
    facts.intents = twin.objects("payment_intent");
    facts.refunds = twin.objects("refund");
    facts.disputes = twin.objects("dispute");
    facts.queued = told.queued;
    facts.letters = told.letters.into_iter().map(Sent::letter).collect();
    println!("{}", json!({"broken": ledger::broken(&facts)}));
    Ok(())
}

/// What only whoever plays the rest of AWS knows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    letters: Vec<Sent>,
    queued: BTreeMap<String, u64>,
}

/// A letter that went out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    message_id: String,
    template: String,
    subject: String,
    content: String,
}

impl Sent {
    fn letter(self) -> ledger::Letter {
        let Self { message_id, template, subject, content } = self;
        ledger::Letter { message_id, template, subject, content }
    }
}

async fn secret<T: serde::de::DeserializeOwned>(client: &Client, name: &str) -> Outcome<T> {
    let held = client.get_secret_value().secret_id(name).send().await?;
    let text = held.secret_string.unwrap_or_default();
    // The parser's own words could quote the secret.
    serde_json::from_str(&text).map_err(|_| format!("{name} is not what it should be").into())
}

/// Stripe's API, to whoever asks.
async fn answer(twin: Twin, listener: TcpListener) {
    loop {
        // A connection that breaks while it is accepted is its caller's loss alone.
        let Ok((stream, _)) = listener.accept().await else { continue };
        let twin = twin.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| ask(twin.clone(), request));
            // An error is a client that went away.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn ask(
    twin: Twin,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    Ok(twin.handle(Request::from_parts(parts, body)).map(Full::new))
}

/// Stripe's webhooks, each as its time comes.
async fn deliver(twin: Twin) {
    let http: Http = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
        .build(HttpConnector::new());
    loop {
        for one in twin.deliveries_due() {
            let (twin, http) = (twin.clone(), http.clone());
            tokio::spawn(async move {
                let heard = tokio::time::timeout(ANSWER_MAX, post(&http, &one)).await;
                twin.delivered(&one.id, heard.ok().flatten());
            });
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The status of the answer, if there was one.
async fn post(http: &Http, delivery: &Delivery) -> Option<u16> {
    let mut request = Request::builder().method("POST").uri(&delivery.url);
    for (name, value) in &delivery.headers {
        request = request.header(name, value);
    }
    let request = request.body(Full::new(delivery.body.clone())).ok()?;
    Some(http.request(request).await.ok()?.status().as_u16())
}
