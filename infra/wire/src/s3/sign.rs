//! AWS Signature Version 4, as S3 checks it on signed addresses and forms.

use std::fmt::Write as _;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use super::api::{denied, plain};
use crate::message::Refusal;
use crate::{ACCESS_KEY, SECRET_KEY};

pub(super) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// The longest a signed address is good: a week.
const EXPIRES_SECONDS_MAX: i64 = 604_800;

/// Who signed, when, and for what place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scope {
    /// The Handler whose credentials they are.
    pub(super) caller: String,
    date: String,
    region: String,
}

impl Scope {
    /// Reads `access key/date/region/s3/aws4_request`.
    pub(super) fn read(credential: &str, region: &str) -> Result<Self, Refusal> {
        let parts: Vec<&str> = credential.split('/').collect();
        let [key, date, place, "s3", "aws4_request"] = parts.as_slice() else {
            return Err(malformed("the Credential is mal-formed"));
        };
        if *place != region {
            return Err(malformed(&format!("the region '{place}' is wrong; expecting '{region}'")));
        }
        let unknown = || Refusal {
            status: 403,
            code: "InvalidAccessKeyId",
            message: "The AWS Access Key Id you provided does not exist in our records.".to_owned(),
        };
        let caller = key.strip_prefix(ACCESS_KEY).and_then(|rest| rest.strip_prefix('-'));
        let caller = caller.ok_or_else(unknown)?.to_owned();
        Ok(Self { caller, date: (*date).to_owned(), region: (*place).to_owned() })
    }

    /// The signature of a text by the signer's key.
    pub(super) fn sign(&self, text: &str) -> String {
        let steps = [self.date.as_str(), &self.region, "s3", "aws4_request"];
        let key = steps
            .iter()
            .fold(format!("AWS4{SECRET_KEY}").into_bytes(), |key, step| mac(&key, step.as_bytes()));
        hex(&mac(&key, text.as_bytes()))
    }

    fn text(&self) -> String {
        format!("{}/{}/s3/aws4_request", self.date, self.region)
    }
}

/// What was signed of a request with its signature in the query.
pub(super) struct Signed<'a> {
    pub(super) method: &'a str,
    /// The path, as sent.
    pub(super) path: &'a str,
    /// The query, decoded.
    pub(super) queries: &'a [(String, String)],
    /// Headers, names in lower case.
    pub(super) headers: &'a [(String, String)],
}

impl Signed<'_> {
    fn query(&self, name: &str) -> Result<&str, Refusal> {
        let found = self.queries.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str()).ok_or_else(|| {
            malformed(
                "Query-string authentication version 4 requires the X-Amz-Algorithm, \
                 X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and \
                 X-Amz-Expires parameters.",
            )
        })
    }

    /// Who signed, if the signature is theirs and still good.
    pub(super) fn check(&self, region: &str, now_ms: i64) -> Result<Scope, Refusal> {
        if !self.queries.iter().any(|(name, _)| name.starts_with("X-Amz-")) {
            return Err(denied("Access Denied"));
        }
        if self.query("X-Amz-Algorithm")? != ALGORITHM {
            return Err(malformed("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\""));
        }
        let scope = Scope::read(self.query("X-Amz-Credential")?, region)?;
        let date = self.query("X-Amz-Date")?;
        let signed_at = moment(date)
            .filter(|_| date.starts_with(&scope.date))
            .ok_or_else(|| malformed("X-Amz-Date must be in the ISO8601 Long Format"))?;
        let lifetime: i64 = self
            .query("X-Amz-Expires")?
            .parse()
            .ok()
            .filter(|seconds| (1..=EXPIRES_SECONDS_MAX).contains(seconds))
            .ok_or_else(|| malformed("X-Amz-Expires must be between 1 and a week in seconds"))?;
        let names = self.query("X-Amz-SignedHeaders")?.to_owned();
        if !names.split(';').any(|name| name == "host") {
            return Err(malformed("the host header must be signed"));
        }
        let canonical = self.canonical(&names);
        let text =
            format!("{ALGORITHM}\n{date}\n{}\n{}", scope.text(), hex(&Sha256::digest(canonical)));
        if scope.sign(&text) != self.query("X-Amz-Signature")? {
            return Err(mismatch());
        }
        let age_ms = now_ms - signed_at;
        if age_ms > lifetime * 1_000 {
            return Err(denied("Request has expired"));
        }
        if age_ms < 0 {
            return Err(denied("Request is not valid yet"));
        }
        Ok(scope)
    }

    fn canonical(&self, names: &str) -> String {
        let mut pairs: Vec<(String, String)> = self
            .queries
            .iter()
            .filter(|(name, _)| name != "X-Amz-Signature")
            .map(|(name, value)| (encoded(name, false), encoded(value, false)))
            .collect();
        pairs.sort();
        let query: Vec<String> = pairs.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let headers: String = names
            .split(';')
            .map(|name| {
                let found = self.headers.iter().filter(|(other, _)| other == name);
                let values: Vec<&str> = found.map(|(_, value)| value.trim()).collect();
                format!("{name}:{}\n", values.join(","))
            })
            .collect();
        format!(
            "{}\n{}\n{}\n{headers}\n{names}\nUNSIGNED-PAYLOAD",
            self.method,
            encoded(&plain(self.path), true),
            query.join("&"),
        )
    }
}

pub(super) fn mismatch() -> Refusal {
    Refusal {
        status: 403,
        code: "SignatureDoesNotMatch",
        message: "The request signature we calculated does not match the signature you provided. \
                  Check your key and signing method."
            .to_owned(),
    }
}

fn malformed(message: &str) -> Refusal {
    Refusal { status: 400, code: "AuthorizationQueryParametersError", message: message.to_owned() }
}

/// `20261122T014700Z` in milliseconds since 1970.
fn moment(text: &str) -> Option<i64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    if date.len() != 8 || time.len() != 6 {
        return None;
    }
    let part = |text: &str, from: usize, to: usize| text.get(from..to).map(str::to_owned);
    let long = format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(date, 0, 4)?,
        part(date, 4, 6)?,
        part(date, 6, 8)?,
        part(time, 0, 2)?,
        part(time, 2, 4)?,
        part(time, 4, 6)?
    );
    DateTime::from_str(&long, Format::DateTime).ok()?.to_millis().ok()
}

fn mac(key: &[u8], data: &[u8]) -> Vec<u8> {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        unreachable!("HMAC takes a key of any length")
    };
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// RFC 3986: letters, digits and `-._~` stay, slashes of a path too.
fn encoded(text: &str, is_path: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || (is_path && byte == b'/') {
            out.push(char::from(byte));
        } else {
            // Writing to a string never fails.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_to_the_second() {
        assert_eq!(moment("19700101T000001Z"), Some(1_000));
        assert_eq!(moment("20261122T014700Z"), Some(1_795_312_020_000));
        for wrong in ["", "20261122T0147Z", "2026-11-22T01:47:00Z", "20261322T014700Z"] {
            assert_eq!(moment(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn credentials_of_another_place_or_of_nobody_are_refused() {
        let read = |text: &str| Scope::read(text, "eu-central-1");
        let good =
            read("AKIDLOCAL-media.admin.create_upload/20261122/eu-central-1/s3/aws4_request");
        assert_eq!(good.unwrap().caller, "media.admin.create_upload");
        for wrong in [
            "AKIDLOCAL-x/20261122/us-east-1/s3/aws4_request",
            "AKIDLOCAL-x/20261122/eu-central-1/sqs/aws4_request",
            "AKIAEXAMPLE/20261122/eu-central-1/s3/aws4_request",
            "AKIDLOCAL-x",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
