//! The REST protocol of S3: one function per operation, from a request to a reply.

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Inner;
use super::store::{Entry, Object};
use crate::ids;
use crate::message::{Incoming, Refusal, Reply, decode, escape};

/// What an object is that nobody gave a type to.
pub(super) const BINARY: &str = "binary/octet-stream";
/// Keys in one page of a list (AWS limit).
const KEYS_MAX: usize = 1_000;
/// The longest key in bytes (AWS limit).
const KEY_BYTES_MAX: usize = 1_024;
/// The largest object that one request puts (AWS limit).
const OBJECT_BYTES_MAX: usize = 5 * 1024 * 1024 * 1024;
/// Headers that are kept with an object and given back with it.
const KEPT: [&str; 6] = [
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
];
/// Members of the query that change nothing here, or are read where they count.
const QUERIES: [&str; 20] = [
    "X-Amz-Algorithm",
    "X-Amz-Content-Sha256",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
    "continuation-token",
    "delimiter",
    "list-type",
    "max-keys",
    "prefix",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "start-after",
    "x-id",
];

/// What a request is about.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) bucket: String,
    /// Empty when it is about the bucket itself.
    pub(crate) key: String,
    /// The query, decoded, in order.
    pub(crate) queries: Vec<(String, String)>,
}

impl Target {
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        let found = self.queries.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Reads the address, in either style: `bucket.s3.region…/key` and `s3.region…/bucket/key`.
pub(crate) fn target(host: &str, path: &str, query: &str) -> Target {
    let path = path.strip_prefix('/').unwrap_or(path);
    let host = host.split(':').next().unwrap_or_default();
    let (bucket, key) = match host.split_once(".s3.") {
        Some((bucket, _)) => (bucket, path),
        None => path.split_once('/').unwrap_or((path, "")),
    };
    let queries = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (plain(name), plain(value)))
        .collect();
    Target { bucket: plain(bucket), key: plain(key), queries }
}

/// Decodes `%41`. A plus stands for itself in S3's addresses.
pub(super) fn plain(text: &str) -> String {
    decode(&text.replace('+', "%2B"))
}

/// The operation that a request is.
pub(crate) fn operation(
    method: &str,
    target: &Target,
    header: impl Fn(&str) -> Option<String>,
) -> String {
    let is_form = || header("content-type").is_some_and(|kind| kind.starts_with("multipart/"));
    let known = match (method, target.key.is_empty()) {
        ("GET", true) if target.query("list-type") == Some("2") => "ListObjectsV2",
        ("HEAD", true) => "HeadBucket",
        ("POST", true) if is_form() => "PostObject",
        ("GET", false) => "GetObject",
        ("HEAD", false) => "HeadObject",
        ("PUT", false) if header("x-amz-copy-source").is_some() => "CopyObject",
        ("PUT", false) => "PutObject",
        ("DELETE", false) => "DeleteObject",
        _ => "",
    };
    let is_understood = target.queries.iter().all(|(name, _)| QUERIES.contains(&name.as_str()));
    if known.is_empty() || !is_understood {
        let names: Vec<&str> = target.queries.iter().map(|(name, _)| name.as_str()).collect();
        let place = if target.key.is_empty() { "bucket" } else { "object" };
        return format!("{method} {place} {}", names.join("&")).trim_end().to_owned();
    }
    known.to_owned()
}

/// The object that a copy is made of: `bucket/key`, encoded, with or without a leading slash.
pub(crate) fn copy_source(incoming: &Incoming) -> Option<(String, String)> {
    let source = plain(incoming.header("x-amz-copy-source")?);
    let (bucket, key) = source.trim_start_matches('/').split_once('/')?;
    Some((bucket.to_owned(), key.to_owned()))
}

fn refusal(status: u16, code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal { status, code, message: message.into() }
}

pub(super) fn denied(message: &str) -> Refusal {
    refusal(403, "AccessDenied", message)
}

fn no_such_key() -> Refusal {
    refusal(404, "NoSuchKey", "The specified key does not exist.")
}

fn not_met() -> Refusal {
    let message = "At least one of the pre-conditions you specified did not hold";
    refusal(412, "PreconditionFailed", message)
}

/// Answers. `may_list` says whether the caller may know what is not there; it is
/// asked where something is not.
pub(super) fn serve(s3: &Inner, incoming: &Incoming, may_list: &dyn Fn() -> bool) -> Reply {
    let reply = answer(s3, incoming, may_list);
    let mut reply = reply.unwrap_or_else(|refusal| refused(&refusal));
    if incoming.method == "HEAD" {
        reply.body = Bytes::new();
    }
    reply
}

/// An error as S3 words it.
pub(crate) fn refused(refusal: &Refusal) -> Reply {
    if refusal.status == 304 {
        return Reply { status: 304, headers: Vec::new(), body: Bytes::new() };
    }
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>{}</Message>\
         <RequestId>0000000000000000</RequestId><HostId>local</HostId></Error>",
        refusal.code,
        escape(&refusal.message)
    );
    Reply::of(refusal.status, "application/xml", text)
}

fn answer(s3: &Inner, incoming: &Incoming, may_list: &dyn Fn() -> bool) -> Result<Reply, Refusal> {
    let target = &incoming.target;
    if !s3.store.has_bucket(&target.bucket)? {
        return Err(refusal(404, "NoSuchBucket", "The specified bucket does not exist"));
    }
    if target.key.len() > KEY_BYTES_MAX {
        return Err(refusal(400, "KeyTooLongError", "Your key is too long"));
    }
    match incoming.operation.as_str() {
        "GetObject" | "HeadObject" => get(s3, incoming, may_list),
        "PutObject" => put(s3, incoming),
        "CopyObject" => copy(s3, incoming, may_list),
        "DeleteObject" => delete(s3, incoming),
        "ListObjectsV2" => list(s3, target),
        "HeadBucket" => Ok(Reply::of(200, "application/xml", "")),
        other => {
            let message = format!("the emulated S3 has no operation {other}");
            Err(refusal(501, "NotImplemented", message))
        }
    }
}

/// The object, or what is said where there is none: 403 to whoever may not list.
/// Source: S3's `GetObject`, “Permissions”.
fn find(
    s3: &Inner,
    bucket: &str,
    key: &str,
    may_list: &dyn Fn() -> bool,
) -> Result<Object, Refusal> {
    match s3.store.object(bucket, key)? {
        Some(object) => Ok(object),
        None if may_list() => Err(no_such_key()),
        None => Err(denied("Access Denied")),
    }
}

fn get(s3: &Inner, incoming: &Incoming, may_list: &dyn Fn() -> bool) -> Result<Reply, Refusal> {
    let target = &incoming.target;
    let object = find(s3, &target.bucket, &target.key, may_list)?;
    if incoming.header("if-match").is_some_and(|wanted| !fits(wanted, &object.etag)) {
        return Err(not_met());
    }
    if incoming.header("if-none-match").is_some_and(|known| fits(known, &object.etag)) {
        return Ok(Reply {
            status: 304,
            headers: vec![("etag".to_owned(), object.etag)],
            body: Bytes::new(),
        });
    }
    let all = object.body.len();
    let range = incoming.header("range").map(|text| range(text, all)).transpose()?.flatten();
    let mut headers = vec![
        ("accept-ranges".to_owned(), "bytes".to_owned()),
        ("etag".to_owned(), object.etag.clone()),
        ("last-modified".to_owned(), http_date(object.modified_ms)),
    ];
    for (name, value) in &object.headers {
        let override_ = target.query(&format!("response-{name}"));
        let is_checksum = name.starts_with("x-amz-checksum-");
        let wants_checksum =
            incoming.header("x-amz-checksum-mode").is_some_and(|mode| mode == "ENABLED");
        // The sum of the whole says nothing of a part.
        if !is_checksum || (wants_checksum && range.is_none()) {
            headers.push((name.clone(), override_.unwrap_or(value).to_owned()));
        }
    }
    for (name, value) in &target.queries {
        let Some(name) = name.strip_prefix("response-") else { continue };
        if !headers.iter().any(|(other, _)| other == name) {
            headers.push((name.to_owned(), value.clone()));
        }
    }
    if !headers.iter().any(|(name, _)| name == "content-type") {
        headers.push(("content-type".to_owned(), BINARY.to_owned()));
    }
    let (status, body) = match range {
        None => (200, Bytes::from(object.body)),
        Some((first, end)) => {
            headers.push((
                "content-range".to_owned(),
                format!("bytes {first}-{}/{all}", end.saturating_sub(1)),
            ));
            let part = object.body.get(first..end).unwrap_or_default();
            (206, Bytes::copy_from_slice(part))
        }
    };
    headers.push(("content-length".to_owned(), body.len().to_string()));
    Ok(Reply { status, headers, body })
}

/// The first byte and the one behind the last of `bytes=…`; none when it is not understood, which
/// means the whole (RFC 9110 §14.2).
fn range(text: &str, all: usize) -> Result<Option<(usize, usize)>, Refusal> {
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|rest| rest.split_once('-'))
    else {
        return Ok(None);
    };
    let bounds = match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) if first <= last => (first, last.saturating_add(1).min(all)),
        (Ok(first), Err(_)) if last.is_empty() => (first, all),
        (Err(_), Ok(suffix)) if first.is_empty() && suffix > 0 => (all.saturating_sub(suffix), all),
        _ => return Ok(None),
    };
    if bounds.0 >= all {
        return Err(refusal(416, "InvalidRange", "The requested range is not satisfiable"));
    }
    Ok(Some(bounds))
}

/// Whether one of the entity tags in a list is this one, or all are meant.
fn fits(list: &str, etag: &str) -> bool {
    let bare = |text: &str| text.trim().trim_start_matches("W/").trim_matches('"').to_owned();
    list.split(',').any(|one| one.trim() == "*" || bare(one) == bare(etag))
}

/// What `If-None-Match: *` and `If-Match` say of a write, given the tag of what lies there now.
fn guard(incoming: &Incoming) -> impl FnOnce(Option<String>) -> Result<(), Refusal> {
    let absent = incoming.header("if-none-match").map(str::to_owned);
    let matching = incoming.header("if-match").map(str::to_owned);
    move |now| {
        if absent.is_some_and(|list| now.as_ref().is_some_and(|etag| fits(&list, etag))) {
            return Err(not_met());
        }
        match (matching, now) {
            (None, _) => Ok(()),
            (Some(_), None) => Err(no_such_key()),
            (Some(list), Some(etag)) if fits(&list, &etag) => Ok(()),
            (Some(_), Some(_)) => Err(not_met()),
        }
    }
}

fn put(s3: &Inner, incoming: &Incoming) -> Result<Reply, Refusal> {
    if incoming.header("if-none-match").is_some_and(|tag| tag.trim() != "*") {
        let message = "A header you provided implies functionality that is not implemented";
        return Err(refusal(501, "NotImplemented", message));
    }
    let headers = kept(&incoming.headers);
    let body = incoming.body.to_vec();
    let etag = write(s3, &incoming.target, headers, body, "PutObject", guard(incoming))?;
    let mut reply = Reply::of(200, "application/xml", "");
    reply.headers.push(("etag".to_owned(), etag));
    let sums = incoming.headers.iter().filter(|(name, _)| name.starts_with("x-amz-checksum-"));
    reply.headers.extend(sums.cloned());
    Ok(reply)
}

/// Checks the sums, writes and announces; returns the new tag.
pub(super) fn write(
    s3: &Inner,
    target: &Target,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    reason: &str,
    guard: impl FnOnce(Option<String>) -> Result<(), Refusal>,
) -> Result<String, Refusal> {
    if body.len() > OBJECT_BYTES_MAX {
        let message = "Your proposed upload exceeds the maximum allowed size";
        return Err(refusal(400, "EntityTooLarge", message));
    }
    check_sums(&headers, &body)?;
    let digest = format!("{:x}", md5::compute(&body));
    let etag = format!("\"{digest}\"");
    let modified_ms = (s3.now_ms)();
    let event = announcement(s3, target, &digest, body.len(), modified_ms, reason);
    let headers = headers.into_iter().filter(|(name, _)| name != "content-md5").collect();
    let object = Object { etag: etag.clone(), headers, modified_ms, body };
    s3.store.put((&target.bucket, &target.key), &object, &event, guard)?;
    Ok(etag)
}

/// The headers that stay with an object, names in lower case.
fn kept(headers: &[(String, String)]) -> Vec<(String, String)> {
    let stays = |name: &str| {
        KEPT.contains(&name)
            || name == "content-md5"
            || name.starts_with("x-amz-meta-")
            || (name.starts_with("x-amz-checksum-") && !["mode", "type"].contains(&last(name)))
    };
    headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
        .filter(|(name, _)| stays(name))
        .collect()
}

fn last(name: &str) -> &str {
    name.rsplit('-').next().unwrap_or_default()
}

/// Compares the bytes with each sum that came along.
fn check_sums(headers: &[(String, String)], body: &[u8]) -> Result<(), Refusal> {
    for (name, given) in headers {
        let ours = match name.as_str() {
            "content-md5" => STANDARD.encode(md5::compute(body).0),
            "x-amz-checksum-crc32" => STANDARD.encode(crc32fast::hash(body).to_be_bytes()),
            "x-amz-checksum-sha256" => STANDARD.encode(Sha256::digest(body)),
            other if other.starts_with("x-amz-checksum-") => {
                let message = format!("the emulated S3 does not know {other}");
                return Err(refusal(501, "NotImplemented", message));
            }
            _ => continue,
        };
        if ours != *given {
            let message = format!("The {name} you specified did not match the calculated checksum");
            return Err(refusal(400, "BadDigest", message));
        }
    }
    Ok(())
}

/// The event as EventBridge hands it to a function.
/// Source: S3 user guide, "EventBridge event message structure".
fn announcement(
    s3: &Inner,
    target: &Target,
    digest: &str,
    size: usize,
    at_ms: i64,
    reason: &str,
) -> Value {
    let Target { bucket, key, .. } = target;
    let id = ids::uuid(&format!("{bucket}/{key}/{digest}/{at_ms}"));
    json!({
        "version": "0",
        "id": id,
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": s3.account,
        "time": iso_date(at_ms),
        "region": s3.region,
        "resources": [format!("arn:aws:s3:::{bucket}")],
        "detail": {
            "version": "0",
            "bucket": {"name": bucket},
            "object": {
                "key": key,
                "size": size,
                "etag": digest,
                "sequencer": format!("{at_ms:016X}"),
            },
            "request-id": "0000000000000000",
            "requester": s3.account,
            "source-ip-address": "127.0.0.1",
            "reason": reason,
        },
    })
}

fn copy(s3: &Inner, incoming: &Incoming, may_list: &dyn Fn() -> bool) -> Result<Reply, Refusal> {
    let invalid = || refusal(400, "InvalidArgument", "Copy Source must mention the source");
    let (bucket, key) = copy_source(incoming).ok_or_else(invalid)?;
    let source = find(s3, &bucket, &key, may_list)?;
    let replaces = incoming.header("x-amz-metadata-directive") == Some("REPLACE");
    let headers = if replaces { kept(&incoming.headers) } else { source.headers };
    let etag = write(s3, &incoming.target, headers, source.body, "CopyObject", |_| Ok(()))?;
    let text = format!(
        "<CopyObjectResult><ETag>{}</ETag><LastModified>{}</LastModified></CopyObjectResult>",
        escape(&etag),
        iso_date((s3.now_ms)())
    );
    Ok(Reply::of(200, "application/xml", text))
}

fn delete(s3: &Inner, incoming: &Incoming) -> Result<Reply, Refusal> {
    let Target { bucket, key, .. } = &incoming.target;
    s3.store.delete(bucket, key, guard(incoming))?;
    Ok(Reply { status: 204, headers: Vec::new(), body: Bytes::new() })
}

fn list(s3: &Inner, target: &Target) -> Result<Reply, Refusal> {
    let prefix = target.query("prefix").unwrap_or_default();
    let delimiter = target.query("delimiter").filter(|text| !text.is_empty());
    let max = target.query("max-keys").and_then(|text| text.parse().ok()).unwrap_or(KEYS_MAX);
    let max = usize::min(max, KEYS_MAX);
    let token = target.query("continuation-token").map(token_key).transpose()?;
    let after = token.clone().or_else(|| target.query("start-after").map(str::to_owned));
    let found = s3.store.list(&target.bucket, prefix, after.as_deref(), usize::MAX)?;
    let mut page = Page::default();
    for entry in found {
        let rest = entry.key.get(prefix.len()..).unwrap_or_default();
        let folder = delimiter
            .and_then(|delimiter| rest.find(delimiter).map(|at| at + delimiter.len()))
            .and_then(|end| entry.key.get(..prefix.len() + end))
            .map(str::to_owned);
        // All keys of a folder that was shown are behind the token, too.
        let is_shown = folder.as_ref().is_some_and(|folder| {
            page.folders.last() == Some(folder)
                || after.as_ref().is_some_and(|after| after.starts_with(folder.as_str()))
        });
        if is_shown {
            page.last.clone_from(&entry.key);
            continue;
        }
        if page.entries.len() + page.folders.len() == max {
            page.is_truncated = true;
            break;
        }
        page.last.clone_from(&entry.key);
        match folder {
            Some(folder) => page.folders.push(folder),
            None => page.entries.push(entry),
        }
    }
    Ok(Reply::of(200, "application/xml", page.text(target, prefix, max)))
}

#[derive(Default)]
struct Page {
    entries: Vec<Entry>,
    folders: Vec<String>,
    /// The last key that is behind the page.
    last: String,
    is_truncated: bool,
}

impl Page {
    fn text(&self, target: &Target, prefix: &str, max: usize) -> String {
        use std::fmt::Write as _;
        let mut text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult \
             xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>{}</Name>\
             <Prefix>{}</Prefix><KeyCount>{}</KeyCount><MaxKeys>{max}</MaxKeys>\
             <IsTruncated>{}</IsTruncated>",
            escape(&target.bucket),
            escape(prefix),
            self.entries.len() + self.folders.len(),
            self.is_truncated
        );
        if self.is_truncated {
            let token = STANDARD.encode(&self.last);
            // Writing into a String never fails, here and below.
            let _ = write!(text, "<NextContinuationToken>{token}</NextContinuationToken>");
        }
        for entry in &self.entries {
            let _ = write!(
                text,
                "<Contents><Key>{}</Key><LastModified>{}</LastModified><ETag>{}</ETag>\
                 <Size>{}</Size><StorageClass>STANDARD</StorageClass></Contents>",
                escape(&entry.key),
                iso_date(entry.modified_ms),
                escape(&entry.etag),
                entry.size
            );
        }
        for folder in &self.folders {
            let folder = escape(folder);
            let _ = write!(text, "<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>");
        }
        text.push_str("</ListBucketResult>");
        text
    }
}

fn token_key(token: &str) -> Result<String, Refusal> {
    let decoded = STANDARD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let message = "The continuation token provided is incorrect";
    decoded.ok_or_else(|| refusal(400, "InvalidArgument", message))
}

/// `Sun, 22 Nov 2026 01:47:45 GMT`.
fn http_date(at_ms: i64) -> String {
    DateTime::from_millis(at_ms - at_ms.rem_euclid(1_000)).fmt(Format::HttpDate).unwrap_or_default()
}

/// `2026-11-22T01:47:45Z`.
pub(super) fn iso_date(at_ms: i64) -> String {
    DateTime::from_millis(at_ms).fmt(Format::DateTime).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_styles_of_address_name_the_same_object() {
        let wanted = Target {
            bucket: "shop-files".to_owned(),
            key: "a b/c+d.zip".to_owned(),
            queries: vec![("prefix".to_owned(), "x/".to_owned())],
        };
        let host = "shop-files.s3.eu-central-1.amazonaws.com";
        assert_eq!(target(host, "/a%20b/c+d.zip", "prefix=x%2F"), wanted);
        let host = "s3.eu-central-1.amazonaws.com:443";
        assert_eq!(target(host, "/shop-files/a%20b/c%2Bd.zip", "prefix=x/"), wanted);
    }

    #[test]
    fn what_is_not_emulated_is_named() {
        let plain = |method: &str, key: &str, query: &str| {
            let target = target("b.s3.x", key, query);
            operation(method, &target, |_| None)
        };
        assert_eq!(plain("GET", "/a", "x-id=GetObject"), "GetObject");
        assert_eq!(plain("PUT", "/a", ""), "PutObject");
        assert_eq!(plain("POST", "/a", "uploads"), "POST object uploads");
        assert_eq!(plain("GET", "/a", "acl"), "GET object acl");
        assert_eq!(plain("GET", "/", ""), "GET bucket");
    }

    #[test]
    fn a_range_is_whole_partial_or_refused() {
        assert_eq!(range("bytes=0-3", 10).unwrap(), Some((0, 4)));
        assert_eq!(range("bytes=7-", 10).unwrap(), Some((7, 10)));
        assert_eq!(range("bytes=-3", 10).unwrap(), Some((7, 10)));
        assert_eq!(range("bytes=5-99", 10).unwrap(), Some((5, 10)));
        assert_eq!(range("bytes=3-1", 10).unwrap(), None);
        assert_eq!(range("lines=1-2", 10).unwrap(), None);
        assert!(range("bytes=10-", 10).is_err());
    }
}
