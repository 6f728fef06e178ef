//! The policies of the templates, executed on every call.
//!
//! Invariants: nothing is checked until policies are set; from then on a caller without a policy
//! may do nothing; a Deny beats every Allow; a condition this module does not know is refused when
//! it is loaded, never skipped.

mod asks;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::error::Error;

pub(crate) use asks::Ask;

/// Whether a statement grants or forbids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// Grants.
    Allow,
    /// Forbids, whatever else grants.
    Deny,
}

/// One statement of a policy document; reads from its JSON, a single action or resource included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Statement {
    /// Its name within the policy; may be empty.
    #[serde(default)]
    pub sid: String,
    /// Grants or forbids.
    pub effect: Effect,
    /// `dynamodb:PutItem`, with `*` and `?` as wildcards.
    #[serde(rename = "Action", deserialize_with = "one_or_many")]
    pub actions: Vec<String>,
    /// ARNs, with `*` and `?` as wildcards.
    #[serde(rename = "Resource", deserialize_with = "one_or_many")]
    pub resources: Vec<String>,
    /// Operator → condition key → values; null or empty for none.
    #[serde(default)]
    pub condition: Value,
}

fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(text) => vec![text],
        OneOrMany::Many(texts) => texts,
    })
}

/// One part of one Allow statement: an action pattern or a resource pattern.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Grant {
    /// The Handler whose policy it is.
    pub caller: String,
    /// The statement's Sid, or `#` and its position from 0 when it has none.
    pub sid: String,
    /// The action or resource pattern.
    pub pattern: String,
}

/// A call that no policy allowed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Denial {
    /// Who asked.
    pub caller: String,
    /// For what.
    pub action: String,
    /// On what.
    pub resource: String,
}

/// What callers asked for, each thing once.
#[derive(Debug, Clone, Default)]
pub struct Asked(BTreeMap<String, BTreeSet<Ask>>);

impl Asked {
    /// Adds what was asked for elsewhere.
    pub fn extend(&mut self, other: Self) {
        for (caller, asks) in other.0 {
            self.0.entry(caller).or_default().extend(asks);
        }
    }

    /// Whether something that the caller asked for would be denied, were these the whole policy.
    /// The error is a condition that is not understood.
    pub fn is_denied(&self, caller: &str, statements: &[Statement]) -> Result<bool, Error> {
        let rules = Rule::all(caller, statements.to_vec())?;
        let mut asks = self.0.get(caller).into_iter().flatten();
        Ok(asks.any(|ask| granted(&rules, ask).is_none()))
    }
}

/// The IAM check. Cheap to clone: all clones share the policies.
#[derive(Clone, Default)]
pub struct Iam {
    state: Arc<Mutex<State>>,
}

/// What each caller may do. They never change: worlds of one stack share them.
type Policies = Arc<BTreeMap<String, Vec<Rule>>>;

#[derive(Default)]
struct State {
    policies: Option<Policies>,
    used: BTreeSet<Grant>,
    denials: BTreeSet<Denial>,
    /// Where somebody wants to know.
    asked: Option<Asked>,
}

/// A statement whose conditions were understood.
struct Rule {
    statement: Statement,
    /// Its actions in lower case: their case does not count.
    actions: Vec<String>,
    label: String,
    conditions: Vec<Condition>,
}

struct Condition {
    key: Key,
    /// `StringLike` rather than `StringEquals`.
    is_like: bool,
    /// `ForAllValues:`: true of a request that has no such value at all.
    is_for_all: bool,
    values: Vec<String>,
}

enum Key {
    LeadingKeys,
    Attributes,
    Prefix,
}

impl Iam {
    /// Checks every call by these policies from now on, and forgets what was used before.
    pub fn set(&self, policies: BTreeMap<String, Vec<Statement>>) -> Result<(), Error> {
        let mut rules = BTreeMap::new();
        for (caller, statements) in policies {
            let parsed = Rule::all(&caller, statements)?;
            rules.insert(caller, parsed);
        }
        *self.state() = State { policies: Some(Arc::new(rules)), ..State::default() };
        Ok(())
    }

    /// Checks every call by the policies of another world from now on, or none if it checks none,
    /// and forgets what was used before.
    pub fn set_as(&self, other: &Self) {
        let policies = other.state().policies.clone();
        *self.state() = State { policies, ..State::default() };
    }

    /// Checks nothing any more.
    pub fn clear(&self) {
        *self.state() = State::default();
    }

    /// The parts of Allow statements that let some call through.
    pub fn used(&self) -> BTreeSet<Grant> {
        self.state().used.clone()
    }

    /// The parts of Allow statements that no call has needed yet.
    pub fn unused(&self) -> BTreeSet<Grant> {
        let state = self.state();
        let rules = state.policies.iter().flat_map(|policies| policies.iter());
        let granted = rules.flat_map(|(caller, rules)| {
            rules.iter().filter(|r| r.statement.effect == Effect::Allow).flat_map(move |rule| {
                let patterns = rule.statement.actions.iter().chain(&rule.statement.resources);
                patterns.map(move |pattern| rule.grant(caller, pattern))
            })
        });
        granted.filter(|grant| !state.used.contains(grant)).collect()
    }

    /// Every distinct call that was refused since the policies were set.
    pub fn denials(&self) -> BTreeSet<Denial> {
        self.state().denials.clone()
    }

    /// Keeps what is asked for from now on, allowed or not, until policies are set again.
    pub fn keep_asked(&self) {
        self.state().asked = Some(Asked::default());
    }

    /// What was asked for since it is kept.
    pub fn asked(&self) -> Asked {
        self.state().asked.clone().unwrap_or_default()
    }

    /// Whether policies are set.
    pub fn is_checking(&self) -> bool {
        self.state().policies.is_some()
    }

    /// The error is the resource that was refused.
    pub(crate) fn check(&self, caller: &str, ask: &Ask) -> Result<(), String> {
        let mut state = self.state();
        let Some(policies) = state.policies.clone() else { return Ok(()) };
        if let Some(Asked(asked)) = &mut state.asked {
            asked.entry(caller.to_owned()).or_default().insert(ask.clone());
        }
        let rules = policies.get(caller).map(Vec::as_slice).unwrap_or_default();
        if let Some(granted) = granted(rules, ask) {
            let granted = granted.into_iter().map(|(rule, part)| rule.grant(caller, part));
            state.used.extend(granted);
            return Ok(());
        }
        let resource = ask.resources.first().cloned().unwrap_or_default();
        state.denials.insert(Denial {
            caller: caller.to_owned(),
            action: ask.action.clone(),
            resource: resource.clone(),
        });
        Err(resource)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The parts of Allow statements that let it through; none if it is denied.
fn granted<'a>(rules: &'a [Rule], ask: &Ask) -> Option<Vec<(&'a Rule, &'a str)>> {
    let mut granted = Vec::new();
    for rule in rules {
        let parts = rule.matches(ask);
        match rule.statement.effect {
            Effect::Deny if !parts.is_empty() => return None,
            Effect::Deny => {}
            Effect::Allow => granted.extend(parts.into_iter().map(|part| (rule, part))),
        }
    }
    (!granted.is_empty()).then_some(granted)
}

impl Rule {
    /// The error names the caller.
    fn all(caller: &str, statements: Vec<Statement>) -> Result<Vec<Self>, Error> {
        let parsed = statements.into_iter().enumerate().map(|(at, one)| Self::parse(at, one));
        let parsed: Result<Vec<_>, _> = parsed.collect();
        parsed.map_err(|text| Error::Invalid(format!("{caller}: {text}")))
    }

    fn parse(position: usize, statement: Statement) -> Result<Self, String> {
        let label = match statement.sid.as_str() {
            "" => format!("#{position}"),
            sid => sid.to_owned(),
        };
        let mut conditions = Vec::new();
        match &statement.condition {
            Value::Null => {}
            Value::Object(operators) => {
                for (operator, keys) in operators {
                    conditions.extend(
                        conditions_of(operator, keys).map_err(|text| format!("{label}: {text}"))?,
                    );
                }
            }
            other => return Err(format!("{label}: a condition is an object, not {other}")),
        }
        let actions = statement.actions.iter().map(|action| action.to_lowercase()).collect();
        Ok(Self { statement, actions, label, conditions })
    }

    fn grant(&self, caller: &str, pattern: &str) -> Grant {
        let (caller, sid) = (caller.to_owned(), self.label.clone());
        Grant { caller, sid, pattern: pattern.to_owned() }
    }

    /// The action and resource patterns that make this statement apply; empty when it does not.
    fn matches(&self, ask: &Ask) -> Vec<&str> {
        let action = ask.action.to_lowercase();
        let named = self.statement.actions.iter().zip(&self.actions);
        let actions: Vec<&str> = named
            .filter(|(_, in_lower_case)| is_like(in_lower_case, &action))
            .map(|(pattern, _)| pattern.as_str())
            .collect();
        if actions.is_empty() {
            return Vec::new();
        }
        let resources = self.statement.resources.iter().map(String::as_str);
        let resources: Vec<&str> = resources
            .filter(|pattern| ask.resources.iter().any(|resource| is_like(pattern, resource)))
            .collect();
        if resources.is_empty() {
            return Vec::new();
        }
        if !self.conditions.iter().all(|condition| condition.holds(ask)) {
            return Vec::new();
        }
        [actions, resources].concat()
    }
}

fn conditions_of(operator: &str, keys: &Value) -> Result<Vec<Condition>, String> {
    let (is_for_all, bare) = match operator.strip_prefix("ForAllValues:") {
        Some(bare) => (true, bare),
        None => (false, operator),
    };
    let is_like = match bare {
        "StringLike" => true,
        "StringEquals" => false,
        _ => return Err(format!("the condition operator {operator} is not supported")),
    };
    let keys = keys.as_object().ok_or_else(|| format!("{operator} needs an object of keys"))?;
    let mut conditions = Vec::new();
    for (key, values) in keys {
        let key = match key.as_str() {
            "dynamodb:LeadingKeys" => Key::LeadingKeys,
            "dynamodb:Attributes" => Key::Attributes,
            "s3:prefix" => Key::Prefix,
            _ => return Err(format!("the condition key {key} is not supported")),
        };
        let values = match values {
            Value::String(one) => vec![one.clone()],
            Value::Array(many) => {
                many.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            other => return Err(format!("{operator} needs strings, not {other}")),
        };
        conditions.push(Condition { key, is_like, is_for_all, values });
    }
    Ok(conditions)
}

impl Condition {
    fn holds(&self, ask: &Ask) -> bool {
        let asked = match self.key {
            Key::LeadingKeys => &ask.leading_keys,
            Key::Attributes => &ask.attributes,
            Key::Prefix => &ask.prefixes,
        };
        if asked.is_empty() {
            return self.is_for_all;
        }
        asked.iter().all(|value| {
            self.values.iter().any(|pattern| {
                if self.is_like { is_like(pattern, value) } else { pattern == value }
            })
        })
    }
}

/// Whether the text fits the pattern, where `*` stands for any characters and `?` for one. Every
/// call is held against every statement of its caller, so this takes no memory: where what follows
/// a star does not fit, the star takes one character more.
fn is_like(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    // What follows the last star, and what of the text it has not taken yet.
    let mut after_star = None;
    loop {
        let (mut wanted, mut left) = (pattern.clone(), text.clone());
        match (wanted.next(), left.next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                after_star = Some((wanted.clone(), text.clone()));
                pattern = wanted;
            }
            (Some(one), Some(character)) if one == '?' || one == character => {
                (pattern, text) = (wanted, left);
            }
            _ => {
                let Some((again, mut rest)) = after_star else { return false };
                if rest.next().is_none() {
                    return false;
                }
                (pattern, text) = (again.clone(), rest.clone());
                after_star = Some((again, rest));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn stars_and_question_marks_stand_for_any_and_for_one() {
        for (pattern, text) in [
            ("*", ""),
            ("a*c", "abbc"),
            ("a*c", "ac"),
            ("secret:db-??????", "secret:db-a1b2c3"),
            ("**a**", "bab"),
            ("a*b*c", "a-b-b-c"),
            ("*ab", "aab"),
            ("a*?", "abc"),
            ("é?*", "éü"),
        ] {
            assert!(is_like(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a", "ab"), ("a?", "a"), ("a*c", "acb"), ("", "a"), ("*a?", "ba")]
        {
            assert!(!is_like(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn a_statement_reads_from_a_policy_document() {
        let statement: Statement = serde_json::from_value(json!({
            "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": ["arn:a", "arn:b"],
        }))
        .unwrap();
        assert_eq!(statement.actions, ["sqs:SendMessage"]);
        assert_eq!(statement.resources, ["arn:a", "arn:b"]);
        assert!(
            serde_json::from_value::<Statement>(json!({
                "Effect": "Allow", "NotAction": "sqs:SendMessage", "Resource": "*",
            }))
            .is_err()
        );
    }

    #[test]
    fn a_condition_nobody_evaluates_is_refused_at_load() {
        let statement = |condition: Value| Statement {
            sid: "Odd".to_owned(),
            effect: Effect::Allow,
            actions: vec!["*".to_owned()],
            resources: vec!["*".to_owned()],
            condition,
        };
        for odd in [
            json!({"Bool": {"aws:SecureTransport": "true"}}),
            json!({"StringEquals": {"aws:SourceArn": "arn:x"}}),
            json!("no object"),
        ] {
            let policies = BTreeMap::from([("a.b".to_owned(), vec![statement(odd)])]);
            assert!(Iam::default().set(policies).is_err());
        }
    }
}
