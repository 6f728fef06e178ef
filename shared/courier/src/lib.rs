//! The way to systems of the merchant: one POST to an address that somebody typed.
//!
//! Such an address is not trusted. Its name is looked up here, every address that it stands for is
//! looked at, and the connection is made to one that was: nobody is asked a second time, so that no
//! second answer can lead elsewhere (DNS rebinding). Nothing is followed, nothing is kept open, and
//! of an answer only the beginning is read. What went wrong is an outcome, not a fault: the other
//! side decides it.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::fault::{Fault, Retry};
use domain::webhook::delivery::Outcome;
use domain::webhook::target::{Host, Target};
use http::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue, USER_AGENT};
use http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_rustls::ConfigBuilderExt as _;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

/// How long the whole of it may take; Standard Webhooks recommends 15 to 30 s, and a receiver that
/// works before it answers is told to queue.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Addresses of a name that are tried.
const ADDRESSES_MAX: usize = 4;
/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 1024;

/// Whoever brings webhooks.
#[derive(Clone)]
pub struct Courier {
    tls: TlsConnector,
    allows_loopback: bool,
}

impl fmt::Debug for Courier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Courier(…)")
    }
}

/// What is brought.
#[derive(Debug, Clone, Copy)]
pub struct Parcel<'a> {
    /// `webhook-id`.
    pub id: &'a str,
    /// `webhook-timestamp`, in seconds.
    pub timestamp: i64,
    /// `webhook-signature`.
    pub signature: &'a str,
    /// The body, of JSON.
    pub body: &'a str,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Brought {
    /// Somebody answered.
    Answered {
        /// With this status.
        status: u16,
        /// And these words, as far as they were read.
        answer: String,
    },
    /// Nobody did.
    Not(Outcome),
}

impl Courier {
    /// A courier to the public internet. In the shop on somebody's own machine, and there only, to
    /// that machine as well.
    pub fn new(allows_loopback: bool) -> Result<Self, Fault> {
        // The process may have more than one crypto library; this is the one that we ship.
        let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Fault::new("set TLS up", error, Retry::Useless))?
            .with_webpki_roots()
            .with_no_client_auth();
        Ok(Self { tls: TlsConnector::from(Arc::new(config)), allows_loopback })
    }

    /// Whether an address may be named at all.
    pub fn may_be_called(&self, target: &Target) -> bool {
        target.may_be_called(self.allows_loopback)
    }

    /// Brings a parcel, once.
    pub async fn bring(&self, target: &Target, parcel: Parcel<'_>) -> Brought {
        if !self.may_be_called(target) {
            return Brought::Not(Outcome::Blocked);
        }
        match timeout(TIMEOUT, self.try_to(target, parcel)).await {
            Ok(Ok((status, answer))) => Brought::Answered { status, answer },
            Ok(Err(outcome)) => Brought::Not(outcome),
            Err(_) => Brought::Not(Outcome::TimedOut),
        }
    }

    async fn try_to(&self, target: &Target, parcel: Parcel<'_>) -> Result<(u16, String), Outcome> {
        let stream = self.connect(target).await?;
        if !target.is_encrypted() {
            return exchange(stream, target, parcel).await;
        }
        let name = match target.host() {
            Host::Name(name) => {
                ServerName::try_from(name.clone()).map_err(|_| Outcome::Unreachable)?
            }
            Host::Ip(ip) => ServerName::from(*ip),
        };
        let stream = self.tls.connect(name, stream).await.map_err(|_| Outcome::Unreachable)?;
        exchange(stream, target, parcel).await
    }

    /// A connection to an address that was looked at.
    async fn connect(&self, target: &Target) -> Result<TcpStream, Outcome> {
        let addresses: Vec<SocketAddr> = match target.host() {
            Host::Ip(ip) => vec![SocketAddr::new(*ip, target.port())],
            Host::Name(name) => lookup_host((name.as_str(), target.port()))
                .await
                .map_err(|_| Outcome::Unreachable)?
                .collect(),
        };
        if addresses.is_empty() {
            return Err(Outcome::Unreachable);
        }
        // A name with one private address is somebody's trick or mistake: none of it is called.
        let allows = |one: &SocketAddr| target.may_connect(one.ip(), self.allows_loopback);
        if !addresses.iter().all(allows) {
            return Err(Outcome::Blocked);
        }
        for address in addresses.into_iter().take(ADDRESSES_MAX) {
            if let Ok(stream) = TcpStream::connect(address).await {
                return Ok(stream);
            }
        }
        Err(Outcome::Unreachable)
    }
}

/// Asks and listens. The connection is driven here, beside the question, and ends with it.
async fn exchange<S: AsyncRead + AsyncWrite + Unpin + Send>(
    stream: S,
    target: &Target,
    parcel: Parcel<'_>,
) -> Result<(u16, String), Outcome> {
    let broken = |_| Outcome::Unreachable;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let request = request(target, parcel).ok_or(Outcome::Unreachable)?;
    let talk = async {
        let response = sender.send_request(request).await.map_err(broken)?;
        let status = response.status().as_u16();
        let answer = beginning(response.into_body()).await;
        Ok((status, answer))
    };
    let mut connection = std::pin::pin!(connection);
    let mut talk = std::pin::pin!(talk);
    tokio::select! {
        // What was answered counts, even where the connection ends at the same moment.
        biased;
        answered = &mut talk => answered,
        ended = &mut connection => {
            ended.map_err(broken)?;
            talk.await
        }
    }
}

/// The first bytes of an answer; what breaks off is as long as it is.
async fn beginning(mut body: hyper::body::Incoming) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < ANSWER_BYTES_MAX {
        let Some(Ok(frame)) = body.frame().await else { break };
        if let Ok(data) = frame.into_data() {
            bytes.extend_from_slice(&data);
        }
    }
    bytes.truncate(ANSWER_BYTES_MAX);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn request(target: &Target, parcel: Parcel<'_>) -> Option<Request<Full<Bytes>>> {
    let named = |name: &'static str| HeaderName::from_static(name);
    Request::builder()
        .method(Method::POST)
        .uri(target.path())
        .header(HOST, target.authority())
        .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .header(USER_AGENT, HeaderValue::from_static("Fluxion-Webhooks/1"))
        .header(named("webhook-id"), parcel.id)
        .header(named("webhook-timestamp"), parcel.timestamp)
        .header(named("webhook-signature"), parcel.signature)
        .body(Full::new(Bytes::copy_from_slice(parcel.body.as_bytes())))
        .ok()
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::sync::Mutex;

    use super::*;

    const PARCEL: Parcel<'static> =
        Parcel { id: "evt_1", timestamp: 1_790_000_000, signature: "v1,abc", body: "{\"a\":1}" };

    /// Answers the first caller with these bytes; what the caller said, and where to call.
    fn receiver(answer: Vec<u8>) -> (Target, Arc<Mutex<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(String::new()));
        let ear = Arc::clone(&heard);
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut said, mut buffer) = (Vec::new(), [0; 4096]);
            while !String::from_utf8_lossy(&said).contains("{\"a\":1}") {
                let read = stream.read(&mut buffer).unwrap();
                said.extend_from_slice(&buffer[..read]);
            }
            *ear.lock().unwrap() = String::from_utf8(said).unwrap();
            // Who has heard enough hangs up.
            let _gone = stream.write_all(&answer);
        });
        (Target::parse(&format!("http://127.0.0.1:{port}/hooks?a=1")).unwrap(), heard)
    }

    #[tokio::test]
    async fn a_parcel_is_brought_as_it_is_with_its_signature() {
        let answer = b"HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\nok".to_vec();
        let (target, heard) = receiver(answer);
        let brought = Courier::new(true).unwrap().bring(&target, PARCEL).await;
        assert_eq!(brought, Brought::Answered { status: 202, answer: "ok".into() });
        let heard = heard.lock().unwrap().clone();
        assert!(heard.starts_with("POST /hooks?a=1 HTTP/1.1\r\n"), "{heard}");
        for line in [
            "webhook-id: evt_1",
            "webhook-timestamp: 1790000000",
            "webhook-signature: v1,abc",
            "content-type: application/json",
        ] {
            assert!(heard.contains(line), "{line} in {heard}");
        }
        assert!(heard.ends_with("\r\n\r\n{\"a\":1}"));
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed_and_a_long_answer_is_not_read() {
        let answer = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\n\
            content-length: 0\r\n\r\n";
        let (target, _) = receiver(answer.to_vec());
        let courier = Courier::new(true).unwrap();
        let brought = courier.bring(&target, PARCEL).await;
        assert_eq!(brought, Brought::Answered { status: 302, answer: String::new() });

        let mut answer = b"HTTP/1.1 500 Oops\r\ncontent-length: 100000\r\n\r\n".to_vec();
        answer.extend(std::iter::repeat_n(b'x', 100_000));
        let (target, _) = receiver(answer);
        let Brought::Answered { status: 500, answer } = courier.bring(&target, PARCEL).await else {
            panic!("somebody answered");
        };
        assert_eq!(answer.len(), ANSWER_BYTES_MAX);
    }

    #[tokio::test]
    async fn this_machine_is_not_called_unless_somebody_works_on_it() {
        let (target, heard) = receiver(Vec::new());
        let brought = Courier::new(false).unwrap().bring(&target, PARCEL).await;
        assert_eq!(brought, Brought::Not(Outcome::Blocked));
        assert_eq!(*heard.lock().unwrap(), "", "nobody was even connected to");
    }

    #[tokio::test]
    async fn a_public_name_that_leads_to_this_machine_is_blocked() {
        // Whatever it is called: what the name stands for is looked at, and is all that is called.
        for text in ["https://localhost:8443/", "https://[::ffff:127.0.0.1]/", "https://10.0.0.1/"]
        {
            let target = Target::parse(text).unwrap();
            let brought = Courier::new(false).unwrap().bring(&target, PARCEL).await;
            assert_eq!(brought, Brought::Not(Outcome::Blocked), "{text}");
        }
    }

    #[tokio::test]
    async fn nobody_there_and_no_http_are_unreachable() {
        let courier = Courier::new(true).unwrap();
        let nobody = Target::parse("http://127.0.0.1:1/").unwrap();
        assert_eq!(courier.bring(&nobody, PARCEL).await, Brought::Not(Outcome::Unreachable));
        let (silent, _) = receiver(Vec::new());
        assert_eq!(courier.bring(&silent, PARCEL).await, Brought::Not(Outcome::Unreachable));
        let (babble, _) = receiver(b"SSH-2.0-x\r\n".to_vec());
        assert_eq!(courier.bring(&babble, PARCEL).await, Brought::Not(Outcome::Unreachable));
    }
}
