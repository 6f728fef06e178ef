//! Cross-origin requests: an exact allow-list, credentials only for it.

use http::{Method, StatusCode};

use crate::reply::Answer;
use crate::request::Request;

/// The origins that may read our answers with credentials.
#[derive(Debug, Clone, Default)]
pub struct Origins(Vec<String>);

impl Origins {
    /// Reads a comma-separated list. `*`, paths, trailing slashes and unknown schemes are refused:
    /// a shop must not start with a list that lets everybody in or nobody.
    pub fn parse(list: &str) -> Result<Self, String> {
        let mut origins = Vec::new();
        for origin in list.split(',').map(str::trim).filter(|origin| !origin.is_empty()) {
            let host = origin
                .strip_prefix("https://")
                .or_else(|| origin.strip_prefix("http://"))
                .filter(|host| !host.is_empty() && !host.contains(['/', '*', '?', '#', '@', ' ']));
            if host.is_none() || origin.to_ascii_lowercase() != origin {
                return Err(format!("{origin} is not an origin like https://shop.example"));
            }
            origins.push(origin.to_owned());
        }
        Ok(Self(origins))
    }

    /// Whether this origin is on the list.
    pub fn allow(&self, origin: &str) -> bool {
        self.0.iter().any(|allowed| allowed == origin)
    }

    /// Adds the headers of an actual answer. An unknown or missing origin gets none of them.
    pub fn decorate(&self, request: &Request, answer: Answer) -> Answer {
        let answer = answer.header("vary", "Origin");
        match request.header("origin").filter(|origin| self.allow(origin)) {
            Some(origin) => answer
                .header("access-control-allow-origin", origin)
                .header("access-control-allow-credentials", "true")
                .header(
                    "access-control-expose-headers",
                    "ETag, Idempotent-Replayed, Location, RateLimit-Limit, RateLimit-Remaining, \
                     RateLimit-Reset, Retry-After, X-Request-Id",
                ),
            None => answer,
        }
    }

    /// Answers a preflight; `None` where the request is none.
    pub fn preflight(&self, request: &Request) -> Option<Answer> {
        let is_preflight = request.method == Method::OPTIONS
            && request.headers.contains_key("access-control-request-method");
        if !is_preflight {
            return None;
        }
        let answer = Answer::empty(StatusCode::NO_CONTENT);
        Some(match request.header("origin").filter(|origin| self.allow(origin)) {
            Some(_) => answer
                .header("access-control-allow-methods", "GET, POST, PUT, PATCH, DELETE, OPTIONS")
                .header(
                    "access-control-allow-headers",
                    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, \
                     X-Cart-Token, X-CSRF-Token, X-Order-Token, X-Publishable-Key",
                )
                .header("access-control-max-age", "86400"),
            None => answer,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_careless_list_is_refused() {
        for wrong in [
            "*",
            "https://*.example",
            "shop.example",
            "https://shop.example/",
            "https://Shop.example",
            "null",
            "ftp://shop.example",
            "https://",
            "https://a.example,*",
        ] {
            assert!(Origins::parse(wrong).is_err(), "{wrong}");
        }
        let origins = Origins::parse("https://shop.example, http://localhost:4040").unwrap();
        assert!(origins.allow("https://shop.example"));
        assert!(!origins.allow("https://shop.example.evil"));
    }
}
