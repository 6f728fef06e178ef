//! A signed form for one upload (S3's `POST Object`): the policy says what is taken, and S3 refuses
//! everything else.
//!
//! Source: S3 API reference, "Creating a POST policy", Signature Version 4.

use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::fault::{Fault, Retry};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

/// What a browser may put.
#[derive(Debug, Clone, Copy)]
pub struct Upload<'a> {
    /// Under which key, exactly.
    pub key: &'a str,
    /// Of which type, exactly as it will be sent.
    pub content_type: &'a str,
    /// The smallest size in bytes.
    pub bytes_min: u64,
    /// The largest size in bytes.
    pub bytes_max: u64,
    /// How long the form is good.
    pub lifetime: SignedDuration,
}

/// A form to send as `multipart/form-data`: these fields first, then the file as `file`.
#[derive(Clone, PartialEq, Eq)]
pub struct Form {
    /// Where it is sent.
    pub url: String,
    /// Its fields, by name.
    pub fields: BTreeMap<String, String>,
    /// From when on it is refused.
    pub expires_at: Timestamp,
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Form").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// Signs the form.
pub(crate) fn sign(
    url: &str,
    region: &str,
    credentials: &Credentials,
    upload: &Upload<'_>,
    now: Timestamp,
) -> Result<Form, Fault> {
    let expires_at = now
        .checked_add(upload.lifetime)
        .map_err(|error| Fault::new("date a form", error, Retry::Useless))?;
    let date = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let day = now.strftime("%Y%m%d");
    let scope = format!("{}/{day}/{region}/s3/aws4_request", credentials.access_key_id());
    let mut fields = BTreeMap::from([
        ("key".to_owned(), upload.key.to_owned()),
        ("Content-Type".to_owned(), upload.content_type.to_owned()),
        ("x-amz-algorithm".to_owned(), "AWS4-HMAC-SHA256".to_owned()),
        ("x-amz-credential".to_owned(), scope),
        ("x-amz-date".to_owned(), date),
    ]);
    if let Some(token) = credentials.session_token() {
        fields.insert("x-amz-security-token".to_owned(), token.to_owned());
    }
    // Each field must be named by a condition, or S3 refuses the form.
    let mut conditions: Vec<_> =
        fields.iter().map(|(name, value)| json!(["eq", format!("${name}"), value])).collect();
    conditions.push(json!(["content-length-range", upload.bytes_min, upload.bytes_max]));
    let policy = json!({"expiration": format!("{expires_at:.3}"), "conditions": conditions});
    let policy = STANDARD.encode(policy.to_string());
    let secret = credentials.secret_access_key();
    let key = generate_signing_key(secret, SystemTime::from(now), region, "s3");
    fields.insert("x-amz-signature".to_owned(), calculate_signature(key, policy.as_bytes()));
    fields.insert("policy".to_owned(), policy);
    Ok(Form { url: url.to_owned(), fields, expires_at })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(token: Option<&str>) -> Form {
        let token = token.map(str::to_owned);
        let credentials = Credentials::new("AKIDEXAMPLE", "example", token, None, "test");
        let upload = Upload {
            key: "uploads/a",
            content_type: "image/png",
            bytes_min: 1,
            bytes_max: 9,
            lifetime: SignedDuration::from_mins(10),
        };
        let now = Timestamp::from_second(1_790_000_000).unwrap();
        sign("https://files.example", "eu-central-1", &credentials, &upload, now).unwrap()
    }

    #[test]
    fn every_field_is_a_condition_of_the_policy() {
        let form = form(Some("a-session"));
        let policy = STANDARD.decode(&form.fields["policy"]).unwrap();
        let policy: serde_json::Value = serde_json::from_slice(&policy).unwrap();
        assert_eq!(policy["expiration"], "2026-09-21T14:23:20.000Z");
        let conditions = policy["conditions"].as_array().unwrap();
        for (name, value) in &form.fields {
            if !["policy", "x-amz-signature"].contains(&name.as_str()) {
                assert!(conditions.contains(&json!(["eq", format!("${name}"), value])), "{name}");
            }
        }
        assert!(conditions.contains(&json!(["content-length-range", 1, 9])));
        assert_eq!(form.fields["x-amz-security-token"], "a-session");
    }

    #[test]
    fn a_form_is_not_shown_in_logs() {
        let shown = format!("{:?}", form(None));
        assert!(!shown.contains("signature") && !shown.contains("policy"), "{shown}");
    }
}
