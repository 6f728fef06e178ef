//! The objects of the bucket.
//!
//! Invariants: what is not there is an outcome, not a fault, and so is a condition that does not
//! hold. (S3 says 403 instead of 404 to whoever may not list the bucket: a function that asks for
//! what may be missing needs `s3:ListBucket`.)

use std::fmt;

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use domain::fault::{Fault, Retry};

/// Keys in one page of a list (AWS limit).
const PAGE_MAX: i32 = 1_000;

/// The shop's bucket, to read and write in.
#[derive(Clone)]
pub struct Bucket {
    client: Client,
    name: String,
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bucket({})", self.name)
    }
}

/// On what a write depends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition<'a> {
    /// Nothing lies there.
    Absent,
    /// What lies there still has this tag.
    Match(&'a str),
}

/// What became of a conditional write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// It is written; this is its tag.
    Yes(String),
    /// The condition does not hold: load again and decide again.
    Raced,
}

/// An object to write.
#[derive(Debug, Clone)]
pub struct NewObject<'a> {
    /// Its bytes.
    pub bytes: Bytes,
    /// Its type.
    pub content_type: &'a str,
    /// How long others may keep it.
    pub cache_control: Option<&'a str>,
}

/// What is known of an object without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its tag, with quotes: the same as long as its bytes are.
    pub etag: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its type, as it was given.
    pub content_type: Option<String>,
}

/// An object.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its tag, with quotes.
    pub etag: String,
    /// Its bytes.
    pub bytes: Bytes,
    /// Its type, as it was given.
    pub content_type: Option<String>,
}

/// An entry of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its key.
    pub key: String,
    /// Its tag, with quotes.
    pub etag: String,
    /// Its size in bytes.
    pub size: u64,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The entries, in the order of their keys.
    pub entries: Vec<Entry>,
    /// Where the next page begins; none at the end.
    pub next: Option<String>,
}

impl Bucket {
    /// The bucket with this name.
    pub fn new(aws: &SdkConfig, name: String) -> Self {
        Self { client: Client::new(aws), name }
    }

    /// Writes an object, whatever lies there; its tag.
    pub async fn put(&self, key: &str, object: NewObject<'_>) -> Result<String, Fault> {
        match self.write(key, object, None).await? {
            Written::Yes(etag) => Ok(etag),
            Written::Raced => Err(Fault::noticed("write an object", Retry::Helps)),
        }
    }

    /// Writes an object if the condition holds. To match a tag, the function needs `s3:GetObject`.
    pub async fn put_if(
        &self,
        key: &str,
        object: NewObject<'_>,
        condition: Condition<'_>,
    ) -> Result<Written, Fault> {
        self.write(key, object, Some(condition)).await
    }

    async fn write(
        &self,
        key: &str,
        object: NewObject<'_>,
        condition: Option<Condition<'_>>,
    ) -> Result<Written, Fault> {
        let NewObject { bytes, content_type, cache_control } = object;
        let mut request = self
            .client
            .put_object()
            .bucket(&self.name)
            .key(key)
            .content_type(content_type)
            .set_cache_control(cache_control.map(str::to_owned))
            .body(ByteStream::from(bytes));
        match condition {
            None => {}
            Some(Condition::Absent) => request = request.if_none_match("*"),
            Some(Condition::Match(etag)) => request = request.if_match(etag),
        }
        match request.send().await {
            Ok(output) => Ok(Written::Yes(output.e_tag.unwrap_or_default())),
            // 409: two conditional writes met; 404: there is nothing to match.
            Err(error) if condition.is_some() && [404, 409, 412].contains(&status(&error)) => {
                Ok(Written::Raced)
            }
            Err(error) => Err(fault("put", key, error)),
        }
    }

    /// An object with its bytes; none where there is none.
    pub async fn get(&self, key: &str) -> Result<Option<Found>, Fault> {
        self.read(key, None).await
    }

    /// An object if its tag is another one than this; none where it is the same, or nothing is
    /// there.
    pub async fn get_if_none_match(&self, key: &str, etag: &str) -> Result<Option<Found>, Fault> {
        self.read(key, Some(etag)).await
    }

    async fn read(&self, key: &str, known: Option<&str>) -> Result<Option<Found>, Fault> {
        let request = self.client.get_object().bucket(&self.name).key(key);
        let output = match request.set_if_none_match(known.map(str::to_owned)).send().await {
            Ok(output) => output,
            Err(error) if [304, 404].contains(&status(&error)) => return Ok(None),
            Err(error) => return Err(fault("get", key, error)),
        };
        let (etag, content_type) = (output.e_tag.unwrap_or_default(), output.content_type);
        let body = output.body.collect().await;
        let bytes = body
            .map_err(|error| Fault::new(format!("read {}", kind(key)), error, Retry::Helps))?
            .into_bytes();
        Ok(Some(Found { etag, bytes, content_type }))
    }

    /// What is known of an object; none where there is none.
    pub async fn head(&self, key: &str) -> Result<Option<Head>, Fault> {
        match self.client.head_object().bucket(&self.name).key(key).send().await {
            Ok(output) => Ok(Some(Head {
                etag: output.e_tag.unwrap_or_default(),
                size: size(output.content_length),
                content_type: output.content_type,
            })),
            Err(error) if status(&error) == 404 => Ok(None),
            Err(error) => Err(fault("look at", key, error)),
        }
    }

    /// Deletes an object, if it is there.
    pub async fn delete(&self, key: &str) -> Result<(), Fault> {
        let request = self.client.delete_object().bucket(&self.name).key(key);
        request.send().await.map(drop).map_err(|error| fault("delete", key, error))
    }

    /// Objects whose keys begin so, at most a thousand, from a position on.
    pub async fn list(&self, prefix: &str, position: Option<&str>) -> Result<Listed, Fault> {
        let output = self
            .client
            .list_objects_v2()
            .bucket(&self.name)
            .prefix(prefix)
            .max_keys(PAGE_MAX)
            .set_continuation_token(position.map(str::to_owned))
            .send()
            .await
            .map_err(|error| fault("list", prefix, error))?;
        let entries = output.contents.unwrap_or_default().into_iter().map(|object| Entry {
            key: object.key.unwrap_or_default(),
            etag: object.e_tag.unwrap_or_default(),
            size: size(object.size),
        });
        Ok(Listed { entries: entries.collect(), next: output.next_continuation_token })
    }
}

fn size(given: Option<i64>) -> u64 {
    given.and_then(|size| u64::try_from(size).ok()).unwrap_or_default()
}

/// The status of the answer; 0 when there was none.
fn status<E>(error: &SdkError<E, aws_sdk_s3::config::http::HttpResponse>) -> u16 {
    error.raw_response().map_or(0, |response| response.status().as_u16())
}

/// The folder of a key, for messages: the rest may be somebody's file name.
fn kind(key: &str) -> &str {
    key.split('/').next().unwrap_or_default()
}

fn fault<E>(
    tried: &str,
    key: &str,
    error: SdkError<E, aws_sdk_s3::config::http::HttpResponse>,
) -> Fault
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let retry = match status(&error) {
        400..=407 | 410..=428 => Retry::Useless,
        _ => Retry::Helps,
    };
    let tried = format!("{tried} an object in {}", kind(key));
    match error.as_service_error() {
        // What S3 says besides may quote the whole key.
        Some(service) => {
            let code = service.code().unwrap_or("unknown");
            Fault::noticed(format!("{tried}: S3 says {code} ({})", status(&error)), retry)
        }
        None => Fault::new(tried, error, retry),
    }
}
