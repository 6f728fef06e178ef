//! A request as an endpoint sees it, whatever carried it.

use bytes::Bytes;
use http::{HeaderMap, Method};
use jiff::Timestamp;

/// An HTTP request after the gateway: routed, with raw bytes.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path, decoded by nobody.
    pub path: String,
    /// The values of the route's `{placeholders}`.
    pub path_parameters: Vec<(String, String)>,
    /// The query, as sent.
    pub raw_query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// Cookies as `name=value`.
    pub cookies: Vec<String>,
    /// The body's bytes, after the gateway's base64.
    pub body: Bytes,
    /// The caller's address, from the gateway's own knowledge, never from a header.
    pub source_ip: String,
    /// The id of this request in our logs.
    pub id: String,
    /// When it came.
    pub now: Timestamp,
}

/// Without headers, cookies and body: they hold secrets and personal data.
impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} ({})", self.method, self.path, self.id)
    }
}

impl Request {
    /// A header's value, if it is there once and readable.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let first = values.next()?;
        if values.next().is_some() {
            return None;
        }
        first.to_str().ok()
    }

    /// A cookie's value.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.iter().find_map(|cookie| cookie.strip_prefix(name)?.strip_prefix('='))
    }

    /// The query's parameters, decoded.
    pub fn query(&self) -> Vec<(String, String)> {
        self.raw_query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (percent_decoded(name), percent_decoded(value))
            })
            .collect()
    }

    /// Whether the method promises to change nothing (RFC 9110 §9.2.1).
    pub fn is_safe(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD | Method::OPTIONS)
    }
}

/// Decodes `%41` and `+`; what is not valid stays as it stands and fails later as a value.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let mut ahead = rest.clone();
                let digit = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16));
                match (digit(ahead.next()), digit(ahead.next())) {
                    (Some(high), Some(low)) => {
                        // Two hexadecimal digits are at most 255.
                        bytes.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                        rest = ahead;
                    }
                    _ => bytes.push(b'%'),
                }
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_decoded_and_never_fails() {
        assert_eq!(percent_decoded("a%20b+c"), "a b c");
        assert_eq!(percent_decoded("%E2%82%AC"), "€");
        assert_eq!(percent_decoded("100%"), "100%");
        assert_eq!(percent_decoded("%zz%4"), "%zz%4");
        assert_eq!(percent_decoded("%ff"), "\u{fffd}");
    }
}
