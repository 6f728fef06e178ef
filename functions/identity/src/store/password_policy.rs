//! `GET /v1/auth/password_policy`: the rules, for forms that want to say them beforehand.

use api::reply::{Cache, View};
use api::{Anyone, Cached, Reply};
use domain::password::{CHARS_MAX, CHARS_MIN, LONG, Unmet};
use runtime::Call;
use serde::Serialize;

use crate::App;

/// The rules.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct Policy {
    /// Characters at least.
    min_length: usize,
    /// Characters at most.
    max_length: usize,
    /// From here on no kinds of characters are asked for.
    long_length: usize,
    /// Each rule with the code under which it is refused.
    rules: Vec<RuleView>,
}

/// A rule.
#[derive(Debug, Serialize, schemars::JsonSchema)]
struct RuleView {
    code: &'static str,
    detail: &'static str,
}

impl View for Policy {}

/// Says what a password must be.
pub async fn handle(_: &App, _: Call<Anyone>) -> Reply<Cached<Policy>> {
    Ok(Cached(policy(), Cache::Public))
}

fn policy() -> Policy {
    let rules = Unmet::ALL.iter().map(|r| RuleView { code: r.code(), detail: r.rule() }).collect();
    Policy { min_length: CHARS_MIN, max_length: CHARS_MAX, long_length: LONG, rules }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_that_refuses_a_password_is_said_beforehand() {
        let policy = policy();
        assert_eq!((policy.min_length, policy.max_length, policy.long_length), (8, 128, 15));
        for rule in Unmet::ALL {
            assert!(policy.rules.iter().any(|said| said.code == rule.code()), "{rule:?}");
        }
    }
}
