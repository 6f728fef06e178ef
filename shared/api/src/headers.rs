//! The headers that every answer carries, errors and preflights included.

use domain::limit::Standing;

use crate::problem::Problem;
use crate::reply::Answer;

/// The three headers that say how a caller's bucket stands.
fn words(standing: &Standing) -> [(&'static str, String); 3] {
    [
        ("ratelimit-limit", standing.limit.to_string()),
        ("ratelimit-remaining", standing.remaining.to_string()),
        ("ratelimit-reset", standing.reset_seconds.to_string()),
    ]
}

/// Says on an answer how the caller's bucket stands, unless it says so already.
pub fn standing(answer: Answer, standing: &Standing) -> Answer {
    if answer.header_value("ratelimit-limit").is_some() {
        return answer;
    }
    words(standing).into_iter().fold(answer, |answer, (name, value)| answer.header(name, &value))
}

/// Says on a problem how the caller's bucket stands.
#[must_use]
pub fn limited(problem: Problem, standing: &Standing) -> Problem {
    words(standing).into_iter().fold(problem, |problem, (name, value)| problem.header(name, value))
}

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
