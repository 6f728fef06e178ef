//! What reaches S3 past the SDK: browsers with a signed address or a signed form.

use bytes::Bytes;

use super::api::{self, Target, denied, refused, write};
use super::form::Form;
use super::sign::Signed;
use crate::faults::LOCAL;
use crate::message::{Incoming, Refusal, Reply, Service, escape};
use crate::{Inner, Wire};

/// A request of a browser.
#[derive(Debug, Clone)]
pub struct WebRequest {
    /// `GET`, `POST` …
    pub method: String,
    /// The path, as sent; it is what is signed.
    pub path: String,
    /// What of the path is not S3's: `/_local/s3`.
    pub mount: String,
    /// The query, as sent.
    pub query: String,
    /// Headers, `Host` among them, names in any case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

/// S3's answer to a browser.
#[derive(Debug, Clone)]
pub struct WebReply {
    /// The status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

impl Wire {
    /// Serves a browser: the signature says whose policy it may use up, and how long. Never
    /// faulted and not recorded: nobody's function calls.
    pub fn s3_web(&self, request: WebRequest) -> WebReply {
        let reply = self.inner.s3_web(request).unwrap_or_else(|refusal| refused(&refusal));
        if reply.status < 300 {
            self.inner.activity.send_modify(|count| *count += 1);
        }
        let Reply { status, headers, body } = reply;
        WebReply { status, headers, body }
    }
}

impl Inner {
    fn s3_web(&self, request: WebRequest) -> Result<Reply, Refusal> {
        let WebRequest { method, path, mount, query, headers, body } = request;
        let headers: Vec<(String, String)> =
            headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
        let within = path.strip_prefix(mount.as_str()).unwrap_or(&path);
        let target = api::target("s3", within, &query);
        let header = |name: &str| {
            let found = headers.iter().find(|(other, _)| other == name);
            found.map(|(_, value)| value.clone())
        };
        let operation = api::operation(&method, &target, header);
        if operation == "PostObject" {
            let content_type = header("content-type").unwrap_or_default();
            return self.post_object(target, &Form::read(&content_type, &body)?);
        }
        let signed =
            Signed { method: &method, path: &path, queries: &target.queries, headers: &headers };
        let scope = signed.check(&self.region, self.s3.now())?;
        if headers.iter().any(|(name, _)| name == "x-amz-copy-source") {
            return Err(denied("There were headers present in the request which were not signed"));
        }
        let service = Service::S3;
        let json = serde_json::Value::Null;
        let incoming = Incoming { service, operation, method, headers, body, json, target };
        self.may(&scope.caller, &incoming)?;
        Ok(self.s3.serve(&incoming, &|| self.may_list(&scope.caller, &incoming)))
    }

    fn may(&self, caller: &str, incoming: &Incoming) -> Result<(), Refusal> {
        if caller == LOCAL { Ok(()) } else { self.authorize(caller, incoming) }
    }

    fn post_object(&self, bucket: Target, form: &Form) -> Result<Reply, Refusal> {
        let s3 = &self.s3.inner;
        if !s3.store.has_bucket(&bucket.bucket)? {
            let message = "The specified bucket does not exist".to_owned();
            return Err(Refusal { status: 404, code: "NoSuchBucket", message });
        }
        let admitted = form.admit(&bucket.bucket, &self.region, self.s3.now())?;
        let target = Target { key: admitted.key, ..bucket };
        let incoming = Incoming {
            service: Service::S3,
            operation: "PutObject".to_owned(),
            method: "POST".to_owned(),
            headers: Vec::new(),
            body: Bytes::new(),
            json: serde_json::Value::Null,
            target: target.clone(),
        };
        self.may(&admitted.scope.caller, &incoming)?;
        let file = form.file.to_vec();
        let etag = write(s3, &target, admitted.headers, file, "POST Object", |_| Ok(()))?;
        let text = if admitted.success_status == 201 {
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PostResponse><Bucket>{}</Bucket>\
                 <Key>{}</Key><ETag>{}</ETag></PostResponse>",
                escape(&target.bucket),
                escape(&target.key),
                escape(&etag)
            )
        } else {
            String::new()
        };
        let mut reply = Reply::of(admitted.success_status, "application/xml", text);
        reply.headers.push(("etag".to_owned(), etag));
        Ok(reply)
    }
}
