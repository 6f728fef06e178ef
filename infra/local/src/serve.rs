//! The shop on a port of this machine: requests, pumps, schedules and the sweep of what expired.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::error::Error;
use crate::gateway::BODY_BYTES_MAX;
use crate::message::{Request, Response};
use crate::shop::{S3_MOUNT, Shop};

/// Says whose request it is; the event does not carry it.
const SOURCE_HEADER: &str = "x-local-source-ip";
/// What this machine takes at once of an upload to S3; the cloud takes 5 GB.
const UPLOAD_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Open connections; more wait to be accepted.
const CONNECTIONS_MAX: usize = 1_024;
/// How long a client may take to send its headers.
const HEADERS_MAX: Duration = Duration::from_secs(30);
/// How long open requests may take after Ctrl-C.
const GOODBYE_MAX: Duration = Duration::from_secs(5);
/// DynamoDB deletes what has expired some time later; here it is half a minute.
const SWEEP: Duration = Duration::from_secs(30);
/// What waits for its time is looked at this often at least, because the clock can be moved.
const LOOK_MAX: Duration = Duration::from_secs(1);
/// After a step that may have failed, so that a failing batch does not spin.
const BREATH: Duration = Duration::from_millis(2);

/// A listener on this machine only; port 0 takes a free one.
pub async fn listen(port: u16) -> Result<TcpListener, Error> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|error| Error::Io(format!("port {port} can not be had"), error))
}

/// Serves the shop until `end` is over; then lets open requests finish.
pub async fn serve(shop: &Shop, listener: TcpListener, end: impl Future<Output = ()>) {
    let (goodbye, leaving) = watch::channel(false);
    let mut background = JoinSet::new();
    background.spawn(pump(shop.clone()));
    background.spawn(sweep(shop.clone()));
    let mut connections = JoinSet::new();
    tokio::pin!(end);
    loop {
        let accepted = tokio::select! {
            () = &mut end => break,
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, peer)) => {
                // Without it, small answers wait for the client's acknowledgement.
                let _ = stream.set_nodelay(true);
                let io = TokioIo::new(stream);
                connections.spawn(converse(shop.clone(), io, peer, leaving.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
    drop(listener);
    // Nobody listening means that there is no connection.
    let _ = goodbye.send(true);
    let rest = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(GOODBYE_MAX, rest).await;
    background.shutdown().await;
    connections.shutdown().await;
}

async fn converse(
    shop: Shop,
    io: TokioIo<tokio::net::TcpStream>,
    peer: SocketAddr,
    mut leaving: watch::Receiver<bool>,
) {
    let service = service_fn(move |request| {
        let shop = shop.clone();
        async move { answer(&shop, request, peer.ip()).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_MAX)
        .serve_connection(io, service);
    tokio::pin!(connection);
    loop {
        tokio::select! {
            // An error is a client that went away, or an answer that was to be lost.
            _ = &mut connection => return,
            Ok(()) = leaving.changed() => connection.as_mut().graceful_shutdown(),
        }
    }
}

async fn answer(
    shop: &Shop,
    request: http::Request<Incoming>,
    peer: IpAddr,
) -> Result<http::Response<Full<Bytes>>, Lost> {
    let (parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let mut ours = Request::new(parts.method.as_str(), target).from_ip(&peer.to_string());
    for (name, value) in &parts.headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        if name == SOURCE_HEADER {
            // What is no address is as if it were not there.
            if let Ok(address) = value.parse::<IpAddr>() {
                ours.source_ip = address.to_string();
            }
        } else {
            ours.headers.push((name.as_str().to_owned(), value));
        }
    }
    let is_upload = ours.path().starts_with(S3_MOUNT);
    let bytes_max = if is_upload { UPLOAD_BYTES_MAX } else { BODY_BYTES_MAX };
    // One byte more than allowed is enough for the gateway to refuse it.
    ours.body = match Limited::new(body, bytes_max + 1).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            return plain(StatusCode::PAYLOAD_TOO_LARGE);
        }
        Err(_) => return Err(Lost),
    };
    let response = shop.send(ours).await;
    sent(response)
}

/// The answer of the gateway itself to what never reaches it.
fn plain(status: StatusCode) -> Result<http::Response<Full<Bytes>>, Lost> {
    sent(Response::json(status.as_u16(), &serde_json::json!({"message": status.to_string()})))
}

fn sent(response: Response) -> Result<http::Response<Full<Bytes>>, Lost> {
    let status = StatusCode::from_u16(response.status).map_err(|_| Lost)?;
    let mut out = http::Response::new(Full::new(response.body));
    *out.status_mut() = status;
    for (name, value) in &response.headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        // A function's header that is none costs itself only.
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            out.headers_mut().append(name, value);
        }
    }
    Ok(out)
}

/// The connection is dropped without an answer.
#[derive(Debug)]
struct Lost;

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the answer is lost")
    }
}

impl std::error::Error for Lost {}

/// Does what there is to do, and sleeps until there may be more.
async fn pump(shop: Shop) {
    let mut activity = shop.wire().activity();
    loop {
        activity.mark_unchanged();
        let ran = shop.run_due().await;
        if shop.step_at_once().await || !ran.is_empty() {
            tokio::time::sleep(BREATH).await;
            continue;
        }
        let next = shop.next_at_ms().into_iter().chain(shop.next_beat_ms()).min();
        let wait = next.map_or(LOOK_MAX, |at| {
            let ms = u64::try_from(at - shop.clock().now_ms()).unwrap_or(0);
            Duration::from_millis(ms).clamp(BREATH, LOOK_MAX)
        });
        tokio::select! {
            _ = activity.changed() => {}
            () = shop.moved() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

async fn sweep(shop: Shop) {
    loop {
        tokio::time::sleep(SWEEP).await;
        shop.wire().sweep_ttl();
    }
}
