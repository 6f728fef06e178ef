//! The headers that every answer carries, errors and preflights included.

use crate::reply::Answer;

/// Adds what is missing. An answer that says nothing about caching is personal: `no-store`.
pub fn complete(mut answer: Answer, request_id: &str) -> Answer {
    const ALWAYS: [(&str, &str); 7] = [
        ("strict-transport-security", "max-age=63072000; includeSubDomains; preload"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=()"),
        ("cross-origin-resource-policy", "same-site"),
        ("x-frame-options", "DENY"),
    ];
    for (name, value) in ALWAYS {
        if answer.header_value(name).is_none() {
            answer = answer.header(name, value);
        }
    }
    if answer.header_value("cache-control").is_none() {
        answer = answer.header("cache-control", "no-store");
    }
    answer.header("x-request-id", request_id)
}
