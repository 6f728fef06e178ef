//! Files in S3, by presigned addresses: the function signs, the browser fetches, no byte of a file
//! passes through a Lambda.

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
use jiff::Timestamp;

/// How long an address is good: the browser follows the redirection at once.
const LIFETIME: Duration = Duration::from_mins(1);

/// A bucket of files.
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
        let credentials =
            self.credentials.provide_credentials().await.map_err(|error| {
                Fault::new("find credentials to sign with", error, Retry::Helps)
            })?;
        presign(&self.url, &self.region, credentials, key, file_name, now)
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
