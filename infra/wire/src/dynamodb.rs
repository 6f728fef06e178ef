//! DynamoDB: the embedded engine behind its own HTTP server on a loopback port.
//!
//! Invariants: the SDK's body and headers reach the engine unchanged; the clock that expires items
//! is ours, also for a database in a file.

use std::collections::BTreeSet;
use std::future::Future;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use dynoxide::Database;
use dynoxide::storage_backend::Clock;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::NowMs;
use crate::error::Error;
use crate::message::{Incoming, Refusal, Reply, Service};

pub(crate) struct Dynamo {
    pub(crate) database: Database,
    file: Option<PathBuf>,
    now_ms: NowMs,
    url: http::Uri,
    client: Client<HttpConnector, Full<Bytes>>,
    /// Sending or dropping it ends the server.
    stop: Mutex<Option<oneshot::Sender<()>>>,
}

/// Our milliseconds as the engine's clock.
struct EngineClock(NowMs);

impl Clock for EngineClock {
    fn now_unix_secs(&self) -> u64 {
        u64::try_from((self.0)() / 1000).unwrap_or(0)
    }

    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit 53 bits")]
    fn now_unix_secs_f64(&self) -> f64 {
        (self.0)() as f64 / 1000.0
    }
}

impl Dynamo {
    /// A database in the file; without one in memory, where it begins as `saved` where there is
    /// that.
    pub(crate) async fn start(
        file: Option<PathBuf>,
        saved: Option<&Path>,
        now_ms: NowMs,
    ) -> Result<Self, Error> {
        let database = open(file.as_deref(), saved, &now_ms)?;
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .map_err(|error| Error::Io("no loopback port for DynamoDB".to_owned(), error))?;
        let address = listener
            .local_addr()
            .map_err(|error| Error::Io("the loopback port has no address".to_owned(), error))?;
        let url = format!("http://{address}/")
            .parse()
            .map_err(|error| Error::Invalid(format!("loopback address {address}: {error}")))?;
        let (stop, stopped) = oneshot::channel();
        let served = database.clone();
        #[expect(
            clippy::disallowed_methods,
            reason = "the server lives in the host, not a Lambda"
        )]
        tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            let result = dynoxide::server::serve_with_shutdown(listener, served, stopped).await;
            if let Err(error) = result {
                tracing::error!(error, "the DynamoDB server ended");
            }
        });
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { database, file, now_ms, url, client, stop: Mutex::new(Some(stop)) })
    }

    pub(crate) fn stop(&self) {
        let stop = self.stop.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(stop) = stop {
            // Nobody listening means that the server has already ended.
            let _ = stop.send(());
        }
    }

    pub(crate) async fn forward(&self, incoming: &Incoming) -> Reply {
        match self.exchange(incoming).await {
            Ok(reply) => reply,
            Err(text) => Refusal { status: 500, code: "InternalServerError", message: text }
                .reply(&Service::DynamoDb),
        }
    }

    async fn exchange(&self, incoming: &Incoming) -> Result<Reply, String> {
        let mut request = http::Request::post(self.url.clone());
        for (name, value) in &incoming.headers {
            if !name.eq_ignore_ascii_case("host") {
                request = request.header(name, value);
            }
        }
        let body = Full::new(incoming.body.clone());
        let request = request.body(body).map_err(|error| format!("request: {error}"))?;
        let response = self
            .client
            .request(request)
            .await
            .map_err(|error| format!("the DynamoDB engine does not answer: {error}"))?;
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
            .collect();
        let body = response
            .into_body()
            .collect()
            .await
            .map_err(|error| format!("the DynamoDB engine broke off: {error}"))?
            .to_bytes();
        Ok(Reply { status, headers, body })
    }

    /// Deletes what has expired by our clock; returns how many items.
    pub(crate) fn sweep(&self) -> Result<usize, Error> {
        let Some(path) = &self.file else {
            return Ok(self.database.sweep_ttl()?);
        };
        // The engine gives a clock only to databases in memory. Its sweep, however, runs over any
        // storage: a second connection to the same file, for as long as the sweep takes.
        let clock = Arc::new(EngineClock(Arc::clone(&self.now_ms)));
        let storage = dynoxide::storage::Storage::new(&path.to_string_lossy())?.with_clock(clock);
        let swept = finish(dynoxide::ttl::sweep_expired_items(&storage));
        Ok(swept.ok_or_else(|| Error::Dynamo("the sweep did not finish".to_owned()))??)
    }

    pub(crate) fn save(&self, path: &Path) -> Result<(), Error> {
        Ok(self.database.vacuum_into(&path.to_string_lossy())?)
    }

    pub(crate) fn load(&self, path: &Path) -> Result<(), Error> {
        Ok(self.database.restore_from(&path.to_string_lossy())?)
    }

    /// The partition key of a table, or of one of its indexes.
    pub(crate) fn partition_key(&self, table: &str, index: Option<&str>) -> Option<String> {
        let meta = self.database.get_table_metadata(table).ok()??;
        let Some(index) = index else {
            return hash_key(&serde_json::from_str(&meta.key_schema).ok()?);
        };
        let definitions = [meta.gsi_definitions, meta.lsi_definitions];
        for definition in definitions.into_iter().flatten() {
            let indexes: Value = serde_json::from_str(&definition).ok()?;
            let found = indexes
                .as_array()?
                .iter()
                .find(|candidate| candidate.get("IndexName").is_some_and(|name| name == index));
            if let Some(found) = found {
                return hash_key(found.get("KeySchema")?);
            }
        }
        None
    }
}

/// Each write asks for the highest sequence number of its table's stream, and each reader for what
/// follows one: the engine walks over all records for both, unless they stand in order.
const STREAM_ORDER: &str = "CREATE INDEX IF NOT EXISTS _stream_order
    ON _stream_records (table_name, CAST(sequence_number AS INTEGER))";

/// Names for what shares this process's memory.
static PREPARED: AtomicU64 = AtomicU64::new(0);

fn open(file: Option<&Path>, saved: Option<&Path>, now_ms: &NowMs) -> Result<Database, Error> {
    if let Some(path) = file {
        let database = Database::new(&path.to_string_lossy())?;
        rusqlite::Connection::open(path)?.execute_batch(STREAM_ORDER)?;
        return Ok(database);
    }
    let database = Database::memory_with_clock(Arc::new(EngineClock(Arc::clone(now_ms))))?;
    if let Some(saved) = saved {
        database.restore_from(&saved.to_string_lossy())?;
        return Ok(database);
    }
    // The engine lends its connection in memory to nobody, but takes a prepared database.
    let prepared = format!(
        "file:prepared-{}?mode=memory&cache=shared",
        PREPARED.fetch_add(1, Ordering::Relaxed)
    );
    let storage = dynoxide::storage::Storage::new(&prepared)?;
    rusqlite::Connection::open(&prepared)?.execute_batch(STREAM_ORDER)?;
    database.restore_from(&prepared)?;
    drop(storage);
    Ok(database)
}

fn hash_key(schema: &Value) -> Option<String> {
    let element =
        schema.as_array()?.iter().find(|e| e.get("KeyType").is_some_and(|t| t == "HASH"))?;
    Some(element.get("AttributeName")?.as_str()?.to_owned())
}

/// Drives a future of the native engine, which never waits for anything.
fn finish<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// The partition keys of the items that a transaction's actions write, in their order.
pub(crate) fn written_by(request: &Value) -> Vec<String> {
    let actions = request.get("TransactItems").and_then(Value::as_array);
    let of = |action: &Value| {
        let (kind, action) = action.as_object()?.iter().next()?;
        let item = if kind == "Put" { "Item" } else { "Key" };
        let key = action.get(item)?.get("pk")?.get("S")?.as_str()?;
        (kind != "ConditionCheck").then(|| key.to_owned())
    };
    actions.into_iter().flatten().filter_map(of).collect()
}

/// Every table a request names, each once, in order of mention.
pub(crate) fn tables_of(request: &Value) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut tables = Vec::new();
    let mut note = |name: &str| {
        if seen.insert(name.to_owned()) {
            tables.push(name.to_owned());
        }
    };
    if let Some(name) = request.get("TableName").and_then(Value::as_str) {
        note(name);
    }
    if let Some(items) = request.get("RequestItems").and_then(Value::as_object) {
        items.keys().for_each(|name| note(name));
    }
    for item in request.get("TransactItems").and_then(Value::as_array).into_iter().flatten() {
        for action in item.as_object().into_iter().flat_map(|object| object.values()) {
            if let Some(name) = action.get("TableName").and_then(Value::as_str) {
                note(name);
            }
        }
    }
    tables
}

/// Capacity units a response reports as (read, written). Single-item operations report one number
/// that is read or written depending on the operation; transactions report both.
pub(crate) fn units_of(operation: &str, body: &[u8]) -> (f64, f64) {
    const READS: [&str; 5] = ["GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"];
    // The items of the response are passed over, not read.
    #[derive(Default, serde::Deserialize)]
    struct Response {
        #[serde(rename = "ConsumedCapacity", default)]
        consumed: Value,
    }
    let Response { consumed } = serde_json::from_slice(body).unwrap_or_default();
    let consumed = match &consumed {
        Value::Array(tables) => tables.as_slice(),
        Value::Null => &[],
        one => std::slice::from_ref(one),
    };
    let mut units = (0.0, 0.0);
    for table in consumed {
        let number = |member| table.get(member).and_then(Value::as_f64);
        match (number("ReadCapacityUnits"), number("WriteCapacityUnits")) {
            (None, None) => {
                let all = number("CapacityUnits").unwrap_or(0.0);
                if READS.contains(&operation) { units.0 += all } else { units.1 += all }
            }
            (read, written) => {
                units.0 += read.unwrap_or(0.0);
                units.1 += written.unwrap_or(0.0);
            }
        }
    }
    units
}
