//! Files in S3: signed addresses and signed forms, and, with the feature `bucket`, the objects
//! themselves.
//!
//! What shoppers and merchants fetch and send goes by signature: the function signs, the browser
//! fetches or uploads, no byte of a file passes through a Lambda.
//!
//! The one bucket of the shop is private. What its keys begin with says what they are:
//!
//! | prefix | what |
//! |---|---|
//! | `files/` | digital goods; lent by address |
//! | `uploads/` | quarantine: what browsers sent; gone after a day |
//! | `media/` | public pictures, made by us |
//! | `imports/` | files that staff sent; gone when they were read, or after three days |
//! | `exports/` | what staff exported; gone after a week |
//! | `papers/` | invoices and credit notes: written once, lent by address |
//! | `search/` | the snapshots of the search index |

#[cfg(feature = "bucket")]
mod bucket;
mod form;

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_sigv4::http_request::{
    PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use domain::fault::{Fault, Retry};
use domain::invoice::Invoice;
use jiff::Timestamp;

#[cfg(feature = "bucket")]
pub use bucket::{Bucket, Condition, Entry, Found, Head, Listed, NewObject, Written};
pub use form::{Form, Upload};

/// Digital goods.
pub const FILES: &str = "files/";
/// What browsers sent and nobody has looked at.
pub const UPLOADS: &str = "uploads/";
/// Public pictures.
pub const MEDIA: &str = "media/";
/// Files that staff sent to be imported.
pub const IMPORTS: &str = "imports/";
/// What staff exported.
pub const EXPORTS: &str = "exports/";
/// Invoices and credit notes.
pub const PAPERS: &str = "papers/";
/// Snapshots of the search index.
pub const SEARCH: &str = "search/";

/// Where the paper of an invoice or a credit note lies. Its number is unique, and the order's id is
/// not to be guessed.
#[must_use]
pub fn paper_key(invoice: &Invoice) -> String {
    format!("{PAPERS}{}/{}.pdf", invoice.order_id, invoice.number)
}

/// How long an address is good: the browser follows the redirection at once.
const LIFETIME: Duration = Duration::from_mins(1);

/// The bucket of files, as whoever signs for it knows it.
pub struct Files {
    url: String,
    region: String,
    credentials: SharedCredentialsProvider,
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Files({})", self.url)
    }
}

impl Files {
    /// The bucket at this address (`https://bucket.s3.region.amazonaws.com`, without a slash at
    /// the end), reached with these credentials.
    pub fn new(url: String, region: String, credentials: SharedCredentialsProvider) -> Self {
        Self { url, region, credentials }
    }

    /// An address that fetches a file under a name of our choice, for a minute.
    pub async fn address(
        &self,
        key: &str,
        file_name: &str,
        now: Timestamp,
    ) -> Result<String, Fault> {
        presign(&self.url, &self.region, self.credentials().await?, key, file_name, now)
    }

    /// A form by which a browser may put one object, as the upload says and not otherwise.
    pub async fn presigned_post(&self, upload: &Upload<'_>, now: Timestamp) -> Result<Form, Fault> {
        form::sign(&self.url, &self.region, &self.credentials().await?, upload, now)
    }

    async fn credentials(&self) -> Result<Credentials, Fault> {
        self.credentials
            .provide_credentials()
            .await
            .map_err(|error| Fault::new("find credentials to sign with", error, Retry::Helps))
    }
}

/// Signs a `GET` (AWS Signature Version 4, query parameters).
pub fn presign(
    url: &str,
    region: &str,
    credentials: Credentials,
    key: &str,
    file_name: &str,
    now: Timestamp,
) -> Result<String, Fault> {
    let broken = |error| Fault::new("sign an address", error, Retry::Useless);
    let name = escaped(file_name);
    let disposition = format!("attachment%3B%20filename%3D%22{name}%22");
    let address = format!("{url}/{key}?response-content-disposition={disposition}");
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(LIFETIME);
    // As S3 wants it: the path is encoded once and never normalised.
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    let identity = credentials.into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("s3")
        .time(SystemTime::from(now))
        .settings(settings)
        .build()
        .map_err(|error| Fault::new("sign an address", error, Retry::Useless))?
        .into();
    let body = SignableBody::UnsignedPayload;
    let request =
        SignableRequest::new("GET", address.as_str(), std::iter::empty(), body).map_err(broken)?;
    let (instructions, _) = sign(request, &parameters).map_err(broken)?.into_parts();
    let mut signed = http::Request::builder()
        .uri(address)
        .body(())
        .map_err(|error| Fault::new("build an address", error, Retry::Useless))?;
    instructions.apply_to_request_http1x(&mut signed);
    Ok(signed.uri().to_string())
}

/// A file's name in a query: letters, digits, dot, dash, underscore; the rest becomes a dash.
fn escaped(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    name.chars().map(|c| if plain(c) { c } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(key: &str, second: i64) -> String {
        let credentials = Credentials::new("AKIDEXAMPLE", "example", None, None, "test");
        let now = Timestamp::from_second(second).unwrap();
        presign("https://files.example", "eu-central-1", credentials, key, "a b\".zip", now)
            .unwrap()
    }

    #[test]
    fn a_paper_lies_with_its_order_under_its_number() {
        let invoice: Invoice = serde_json::from_value(serde_json::json!({
            "number": "RE-000001", "kind": "invoice", "entity": "main", "sequence": 1,
            "order_id": "ord_01ARZ3NDEKTSV4RRFFQ69G5FAV", "order_number": "N",
            "total": {"amount": 1, "currency": "EUR"}, "issued_at": "2026-11-22T09:00:00Z",
        }))
        .unwrap();
        let key = paper_key(&invoice);
        assert_eq!(key, "papers/ord_01ARZ3NDEKTSV4RRFFQ69G5FAV/RE-000001.pdf");
    }

    #[test]
    fn an_address_is_signed_for_its_key_and_its_minute() {
        let one = address("a.zip", 1_790_000_000);
        assert!(one.contains("X-Amz-Expires=60"), "{one}");
        assert!(one.contains("filename%3D%22a-b-.zip%22"), "{one}");
        assert_eq!(one, address("a.zip", 1_790_000_000));
        let signature = |address: &str| address.split("X-Amz-Signature=").nth(1).map(str::to_owned);
        assert_ne!(signature(&one), signature(&address("b.zip", 1_790_000_000)));
        assert_ne!(signature(&one), signature(&address("a.zip", 1_790_000_060)));
    }
}
