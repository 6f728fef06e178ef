//! An upload by a form (`POST Object`): the fields, and the policy that they must keep to.
//!
//! Invariants: a field that the policy does not name is refused, a condition that is not met too;
//! nothing is written before all of them were looked at.
//! Source: S3 API reference, "POST Object" and "Creating a POST policy".

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value;

use super::api::denied;
use super::sign::{ALGORITHM, Scope, mismatch};
use crate::message::Refusal;

/// All fields before the file, in bytes (AWS limit).
const FIELDS_BYTES_MAX: usize = 20 * 1024;

/// A form as it was sent.
#[derive(Debug)]
pub(super) struct Form {
    /// The fields before the file, names in lower case.
    fields: Vec<(String, String)>,
    file_name: String,
    pub(super) file: Bytes,
}

/// A form whose policy it keeps to.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) scope: Scope,
    pub(super) key: String,
    /// Headers to keep with the object, names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) success_status: u16,
}

impl Form {
    /// Reads `multipart/form-data` (RFC 7578).
    pub(super) fn read(content_type: &str, body: &Bytes) -> Result<Self, Refusal> {
        let boundary = content_type
            .split(';')
            .filter_map(|part| part.trim().strip_prefix("boundary="))
            .map(|text| text.trim_matches('"'))
            .next()
            .ok_or_else(|| malformed("the boundary is missing"))?;
        let open = format!("--{boundary}");
        let between = format!("\r\n--{boundary}");
        let mut at =
            find(body, open.as_bytes(), 0).ok_or_else(|| malformed("no part begins"))? + open.len();
        let (mut fields, mut bytes) = (Vec::new(), 0_usize);
        loop {
            if body.get(at..at + 2) == Some(b"--") {
                let message = "POST requires exactly one file upload per request.";
                return Err(Refusal::new("IncorrectNumberOfFilesInPostRequest", message));
            }
            let head_end = find(body, b"\r\n\r\n", at).ok_or_else(|| malformed("a part ends"))?;
            let head = String::from_utf8_lossy(body.get(at..head_end).unwrap_or_default());
            let start = head_end + 4;
            let end = find(body, between.as_bytes(), start)
                .ok_or_else(|| malformed("the last boundary is missing"))?;
            let name = parameter(&head, "name").ok_or_else(|| malformed("a part has no name"))?;
            if name.eq_ignore_ascii_case("file") {
                // What follows the file is not read.
                let file_name = parameter(&head, "filename").unwrap_or_default();
                return Ok(Self { fields, file_name, file: body.slice(start..end) });
            }
            let value = String::from_utf8_lossy(body.get(start..end).unwrap_or_default());
            bytes += name.len() + value.len();
            if bytes > FIELDS_BYTES_MAX {
                let message = "Your POST request fields preceding the upload file were too large.";
                return Err(Refusal::new("MaxPostPreDataLengthExceeded", message));
            }
            fields.push((name.to_ascii_lowercase(), value.into_owned()));
            at = end + between.len();
        }
    }

    fn field(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Checks signature, expiry and every condition.
    pub(super) fn admit(
        &self,
        bucket: &str,
        region: &str,
        now_ms: i64,
    ) -> Result<Admitted, Refusal> {
        let needed = |name: &str| {
            let message = format!("Bucket POST must contain a field named '{name}'.");
            self.field(name).ok_or(Refusal::new("InvalidArgument", message))
        };
        let key = needed("key")?.replace("${filename}", &self.file_name);
        if self.field("policy").is_none() && self.field("x-amz-signature").is_none() {
            return Err(denied("Access Denied"));
        }
        let policy = needed("policy")?;
        if needed("x-amz-algorithm")? != ALGORITHM {
            return Err(Refusal::new("InvalidArgument", "X-Amz-Algorithm is not supported"));
        }
        let scope = Scope::read(needed("x-amz-credential")?, region)?;
        needed("x-amz-date")?;
        if scope.sign(policy) != needed("x-amz-signature")? {
            return Err(mismatch());
        }
        let bad = || Refusal::new("InvalidPolicyDocument", "Invalid Policy: Invalid JSON.");
        let decoded = STANDARD.decode(policy).map_err(|_| bad())?;
        let policy: Value = serde_json::from_slice(&decoded).map_err(|_| bad())?;
        self.check_policy(&policy, bucket, &key, now_ms).map_err(|problem| match problem {
            Problem::Refused(text) => denied(&format!("Invalid according to Policy: {text}")),
            Problem::Other(refusal) => refusal,
        })?;
        let headers = self
            .fields
            .iter()
            .filter(|(name, _)| {
                ["content-type", "cache-control", "content-disposition", "content-encoding"]
                    .contains(&name.as_str())
                    || name.starts_with("x-amz-meta-")
            })
            .cloned()
            .collect();
        let success_status = match self.field("success_action_status") {
            Some("200") => 200,
            Some("201") => 201,
            _ => 204,
        };
        Ok(Admitted { scope, key, headers, success_status })
    }

    fn check_policy(
        &self,
        policy: &Value,
        bucket: &str,
        key: &str,
        now_ms: i64,
    ) -> Result<(), Problem> {
        let bad = |text: &str| {
            let message = format!("Invalid Policy: {text}");
            Problem::Other(Refusal::new("InvalidPolicyDocument", message))
        };
        let until = policy.get("expiration").and_then(Value::as_str);
        let until = until.and_then(|text| DateTime::from_str(text, Format::DateTime).ok());
        let until = until.and_then(|at| at.to_millis().ok());
        if until.ok_or_else(|| bad("Invalid 'expiration' value"))? <= now_ms {
            return Err(Problem::Refused("Policy expired.".to_owned()));
        }
        let conditions = policy.get("conditions").and_then(Value::as_array);
        let conditions = conditions.ok_or_else(|| bad("Missing conditions"))?;
        let mut named = vec!["bucket".to_owned()];
        for condition in conditions {
            let failed = || Problem::Refused(format!("Policy Condition failed: {condition}"));
            let value_of = |name: &str| match name {
                "bucket" => Some(bucket.to_owned()),
                "key" => Some(key.to_owned()),
                other => self.field(other).map(str::to_owned),
            };
            match Condition::read(condition).ok_or_else(|| bad("Invalid Condition"))? {
                Condition::Equals(name, wanted) => {
                    if value_of(&name).is_none_or(|value| value != wanted) {
                        return Err(failed());
                    }
                    named.push(name);
                }
                Condition::StartsWith(name, prefix) => {
                    if value_of(&name).is_none_or(|value| !value.starts_with(&prefix)) {
                        return Err(failed());
                    }
                    named.push(name);
                }
                Condition::Length(min, max) => check_length(self.file.len(), min, max)?,
            }
        }
        let is_extra = |name: &&str| {
            !["policy", "x-amz-signature", "file"].contains(name)
                && !name.starts_with("x-ignore-")
                && !named.iter().any(|other| other == name)
        };
        match self.fields.iter().map(|(name, _)| name.as_str()).find(is_extra) {
            Some(name) => Err(Problem::Refused(format!("Extra input fields: {name}"))),
            None => Ok(()),
        }
    }
}

enum Problem {
    /// Of the policy's own conditions.
    Refused(String),
    /// With a code of its own.
    Other(Refusal),
}

enum Condition {
    Equals(String, String),
    StartsWith(String, String),
    Length(u64, u64),
}

impl Condition {
    /// `{"name": "value"}`, `["eq", "$name", "value"]`, `["starts-with", "$name", "prefix"]` or
    /// `["content-length-range", min, max]`.
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Object(members) if members.len() == 1 => {
                let (name, value) = members.iter().next()?;
                Some(Self::Equals(name.to_ascii_lowercase(), value.as_str()?.to_owned()))
            }
            Value::Array(parts) => {
                let [kind, first, second] = parts.as_slice() else { return None };
                let kind = kind.as_str()?.to_ascii_lowercase();
                if kind == "content-length-range" {
                    return Some(Self::Length(first.as_u64()?, second.as_u64()?));
                }
                let name = first.as_str()?.strip_prefix('$')?.to_ascii_lowercase();
                let value = second.as_str()?.to_owned();
                match kind.as_str() {
                    "eq" => Some(Self::Equals(name, value)),
                    "starts-with" => Some(Self::StartsWith(name, value)),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

fn check_length(length: usize, min: u64, max: u64) -> Result<(), Problem> {
    let length = u64::try_from(length).unwrap_or(u64::MAX);
    let (code, message) = if length > max {
        ("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
    } else if length < min {
        ("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
    } else {
        return Ok(());
    };
    Err(Problem::Other(Refusal::new(code, message)))
}

fn malformed(what: &str) -> Refusal {
    let message = format!("The body of your POST request is not well-formed: {what}.");
    Refusal::new("MalformedPOSTRequest", message)
}

/// A parameter of the part's `Content-Disposition`.
fn parameter(head: &str, name: &str) -> Option<String> {
    let line = head.lines().find(|line| {
        line.get(..20).is_some_and(|start| start.eq_ignore_ascii_case("content-disposition:"))
    })?;
    let wanted = format!("{name}=");
    let value = line.split(';').find_map(|part| part.trim().strip_prefix(wanted.as_str()))?;
    Some(value.trim().trim_matches('"').to_owned())
}

/// Where the needle begins at or after an offset.
fn find(body: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    let rest = body.get(from..)?;
    let first = *needle.first()?;
    let mut at = 0;
    while let Some(step) = rest.get(at..)?.iter().position(|byte| *byte == first) {
        at += step;
        if rest.get(at..at + needle.len())? == needle {
            return Some(from + at);
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(parts: &[(&str, &str)]) -> Result<Form, Refusal> {
        let mut body = String::new();
        for (name, value) in parts {
            let extra = if *name == "file" { "; filename=\"a.png\"" } else { "" };
            let head = format!("--xyz\r\nContent-Disposition: form-data; name=\"{name}\"{extra}");
            body.extend([head.as_str(), "\r\n\r\n", value, "\r\n"]);
        }
        body.push_str("--xyz--\r\n");
        Form::read("multipart/form-data; boundary=xyz", &Bytes::from(body))
    }

    #[test]
    fn a_form_is_its_fields_up_to_the_file() {
        let read = form(&[("Key", "k"), ("file", "a\r\n--xy\r\nb"), ("late", "x")]).unwrap();
        assert_eq!(read.field("key"), Some("k"));
        assert_eq!(read.field("late"), None);
        assert_eq!((&read.file[..], read.file_name.as_str()), (&b"a\r\n--xy\r\nb"[..], "a.png"));
    }

    #[test]
    fn a_form_without_a_file_or_an_end_is_none() {
        assert_eq!(form(&[("key", "k")]).unwrap_err().code, "IncorrectNumberOfFilesInPostRequest");
        let cut =
            Bytes::from_static(b"--xyz\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nab");
        let read = Form::read("multipart/form-data; boundary=xyz", &cut);
        assert_eq!(read.unwrap_err().code, "MalformedPOSTRequest");
    }

    #[test]
    fn conditions_are_read_in_all_their_forms() {
        for good in [
            r#"{"Content-Type": "image/png"}"#,
            r#"["eq", "$key", "a"]"#,
            r#"["starts-with", "$key", ""]"#,
            r#"["content-length-range", 1, 10]"#,
        ] {
            let value: Value = serde_json::from_str(good).unwrap();
            assert!(Condition::read(&value).is_some(), "{good}");
        }
        for bad in [r#"["ends-with", "$key", "a"]"#, r#"["eq", "key", "a"]"#, r#"{"a": 1}"#, "1"] {
            let value: Value = serde_json::from_str(bad).unwrap();
            assert!(Condition::read(&value).is_none(), "{bad}");
        }
    }
}
