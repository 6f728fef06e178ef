//! Papers for a bank: files that go along with evidence. Stripe takes them at another host and in
//! another form than all other calls, which our library does not speak.
//!
//! Source: <https://docs.stripe.com/file-upload>.

use std::fmt;

use bytes::Bytes;
use domain::fault::{Fault, Retry};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Request};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio::time::timeout;

use crate::{Gateway, TIMEOUT, is_passing};

/// Bytes of a paper: Stripe's manual has 5 MB of one file, and 4.5 MB of all of a dispute.
pub const PAPER_BYTES_MAX: usize = 4_000_000;

/// Where Stripe takes files.
const BASE: &str = "https://files.stripe.com/";
/// Bytes of Stripe's answer; a file is described in less than one thousand.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// The way to Stripe's files: used by few, so it is opened by whoever uses it.
pub(crate) struct Papers {
    base: String,
    authorization: HeaderValue,
}

/// It holds a key.
impl fmt::Debug for Papers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Papers({})", self.base)
    }
}

/// What became of handing a paper in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Uploaded {
    /// The provider has it, under this id.
    Yes(String),
    /// The provider does not take it, for this reason: handing it in again is of no use.
    Refused(String),
}

/// What we read of Stripe's file.
#[derive(Deserialize)]
struct Filed {
    id: String,
}

/// What we read of Stripe's refusal; never its message, which may quote what was sent.
#[derive(Deserialize, Default)]
struct Refusal {
    #[serde(default)]
    error: Reason,
}

#[derive(Deserialize, Default)]
struct Reason {
    code: Option<String>,
}

impl Papers {
    /// A way with this key; `base_url` replaces Stripe's own address, as in [`Gateway::new`].
    pub(crate) fn new(secret_key: &str, base_url: Option<&str>) -> Result<Self, Fault> {
        // The error could quote the key.
        let mut authorization = HeaderValue::try_from(format!("Bearer {secret_key}"))
            .map_err(|_| Fault::noticed("read the Stripe key", Retry::Useless))?;
        authorization.set_sensitive(true);
        Ok(Self { base: base_url.unwrap_or(BASE).to_owned(), authorization })
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<(u16, Bytes), Fault> {
        let broken = |error| Fault::new("hand a paper in", error, Retry::Helps);
        let connector = hyper_rustls::HttpsConnectorBuilder::new().with_webpki_roots();
        // Only a base that says so itself is not encrypted: a twin on this machine.
        let connector = if self.base.starts_with("http://") {
            connector.https_or_http().enable_http1()
        } else {
            connector.https_only().enable_http1()
        };
        let client = Client::builder(TokioExecutor::new()).build(connector.build());
        let response = client.request(request).await.map_err(|error| broken(error.into()))?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        Ok((status, body.map_err(broken)?.to_bytes()))
    }
}

impl Gateway {
    /// Hands a PDF in as a paper for a bank, under a key of immutable ids.
    pub async fn upload(&self, pdf: &[u8], key: &str) -> Result<Uploaded, Fault> {
        let tried = "hand a paper in";
        let (content_type, body) = form(pdf);
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}v1/files", self.papers.base))
            .header(AUTHORIZATION, self.papers.authorization.clone())
            .header(CONTENT_TYPE, content_type)
            .header(HeaderName::from_static("idempotency-key"), key)
            .body(Full::new(body))
            .map_err(|error| Fault::new(tried, error, Retry::Useless))?;
        let late = |_| Fault::noticed(format!("{tried}: no answer in time"), Retry::Helps);
        let (status, body) = timeout(TIMEOUT, self.papers.send(request)).await.map_err(late)??;
        if status == 401 {
            self.lock_out();
        }
        match status {
            200..300 => {
                // An error page of a proxy, as likely as a change of Stripe's: try again.
                let unread = |_| Fault::noticed(format!("{tried}: read the answer"), Retry::Helps);
                let filed: Filed = serde_json::from_slice(&body).map_err(unread)?;
                Ok(Uploaded::Yes(filed.id))
            }
            // About the paper itself; all else is about the call.
            400 | 413 | 415 => {
                let refusal: Refusal = serde_json::from_slice(&body).unwrap_or_default();
                Ok(Uploaded::Refused(refusal.error.code.unwrap_or_else(|| status.to_string())))
            }
            _ => {
                let retry = if is_passing(status) { Retry::Helps } else { Retry::Useless };
                Err(Fault::noticed(format!("{tried}: Stripe says {status}"), retry))
            }
        }
    }
}

/// The form that Stripe takes a file in, and its type. The same paper gives the same bytes, so
/// that a call under its key can be made again.
fn form(pdf: &[u8]) -> (String, Bytes) {
    let digest = Sha256::digest(pdf);
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let boundary = format!("paper-{hex}");
    let head = format!(
        "--{boundary}\r\ncontent-disposition: form-data; name=\"purpose\"\r\n\r\n\
         dispute_evidence\r\n--{boundary}\r\ncontent-disposition: form-data; name=\"file\"; \
         filename=\"invoice.pdf\"\r\ncontent-type: application/pdf\r\n\r\n"
    );
    let foot = format!("\r\n--{boundary}--\r\n");
    let body = [head.as_bytes(), pdf, foot.as_bytes()].concat();
    (format!("multipart/form-data; boundary={boundary}"), Bytes::from(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paper_is_the_same_form_every_time_and_nothing_of_it_ends_the_form() {
        let (kind, body) = form(b"%PDF-1.7 --paper\r\n--");
        assert_eq!((kind.clone(), body.clone()), form(b"%PDF-1.7 --paper\r\n--"));
        let boundary = kind.split_once("boundary=").unwrap().1;
        let body = std::str::from_utf8(&body).unwrap();
        assert_eq!(body.matches(boundary).count(), 3, "{body}");
        assert!(body.contains("\r\n\r\n%PDF-1.7 --paper\r\n--\r\n--paper-"), "{body}");
        assert!(body.ends_with(&format!("\r\n--{boundary}--\r\n")), "{body}");
    }

    #[test]
    fn a_key_is_never_shown() {
        let papers = Papers::new("not_a_key", None).unwrap();
        assert_eq!(format!("{papers:?}"), "Papers(https://files.stripe.com/)");
        assert!(papers.authorization.is_sensitive());
    }
}
