//! Event filtering, the subset of EventBridge patterns that our event sources use.
//!
//! A pattern is an object with the record's shape whose leaves are lists of matchers: a field
//! passes when any matcher of its list does, a record passes when all named fields do. Matchers:
//! a literal, `prefix`, `anything-but` (one, several, or a prefix) and `exists`. A pattern with any
//! other matcher is refused when the templates are read ([`flaw`]), and matches nothing here.

use serde_json::{Map, Value as Json};

/// Whether Lambda would hand this record to a function with this filter pattern.
///
/// Source: AWS Lambda developer guide, "Filter rule syntax".
pub fn filter_matches(pattern: &Json, record: &Json) -> bool {
    pattern.as_object().is_some_and(|fields| all_fields(fields, Some(record)))
}

fn all_fields(fields: &Map<String, Json>, record: Option<&Json>) -> bool {
    fields.iter().all(|(name, rule)| {
        let value = record.and_then(|record| record.get(name));
        match rule {
            Json::Object(deeper) => all_fields(deeper, value),
            Json::Array(matchers) => matchers.iter().any(|matcher| field(matcher, value)),
            _ => false,
        }
    })
}

fn field(matcher: &Json, value: Option<&Json>) -> bool {
    if let Some(wanted) = matcher.get("exists") {
        // Lambda looks at leaves only: an object does not "exist" in the sense of the filter.
        let there = value.is_some_and(|value| !value.is_object());
        return wanted.as_bool() == Some(there);
    }
    match value {
        None | Some(Json::Object(_)) => false,
        Some(Json::Array(several)) => several.iter().any(|one| leaf(matcher, one)),
        Some(one) => leaf(matcher, one),
    }
}

fn leaf(matcher: &Json, value: &Json) -> bool {
    let Some(rule) = matcher.as_object() else { return matcher == value };
    if let Some(prefix) = rule.get("prefix") {
        return starts_with(value, prefix);
    }
    match rule.get("anything-but") {
        None => false,
        Some(Json::Array(several)) => !several.contains(value),
        Some(Json::Object(but)) => {
            value.is_string() && but.get("prefix").is_some_and(|prefix| !starts_with(value, prefix))
        }
        Some(one) => one != value,
    }
}

fn starts_with(value: &Json, prefix: &Json) -> bool {
    matches!((value, prefix), (Json::String(value), Json::String(prefix))
        if value.starts_with(prefix.as_str()))
}

/// What in this pattern is not understood, if anything.
pub(crate) fn flaw(pattern: &Json) -> Option<String> {
    let Some(fields) = pattern.as_object() else {
        return Some(format!("a filter pattern is an object, not {pattern}"));
    };
    fields.iter().find_map(|(name, rule)| match rule {
        Json::Object(_) => flaw(rule),
        Json::Array(matchers) => matchers.iter().find_map(|matcher| matcher_flaw(name, matcher)),
        _ => Some(format!("the filter on `{name}` must be a list of matchers")),
    })
}

fn matcher_flaw(name: &str, matcher: &Json) -> Option<String> {
    let known = match matcher {
        Json::Array(_) => false,
        Json::Object(rule) => {
            let mut entries = rule.iter();
            match (entries.next(), entries.next()) {
                (Some((kind, argument)), None) => known_rule(kind, argument),
                _ => false,
            }
        }
        _ => true,
    };
    (!known).then(|| format!("the filter on `{name}` has a matcher not known here: {matcher}"))
}

fn known_rule(kind: &str, argument: &Json) -> bool {
    match (kind, argument) {
        ("prefix", Json::String(_)) | ("exists", Json::Bool(_)) => true,
        ("anything-but", Json::Array(several)) => {
            several.iter().all(|one| one.is_string() || one.is_number())
        }
        ("anything-but", Json::Object(but)) => {
            but.len() == 1 && but.get("prefix").is_some_and(Json::is_string)
        }
        ("anything-but", one) => one.is_string() || one.is_number(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn insert(pk: &str) -> Json {
        json!({"eventName": "INSERT", "dynamodb": {"Keys": {"pk": {"S": pk}, "sk": {"S": "1"}}}})
    }

    #[test]
    fn a_record_passes_when_every_named_field_does() {
        let pattern = json!({
            "eventName": ["INSERT"],
            "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "OBX#"}]}}},
        });
        assert!(filter_matches(&pattern, &insert("OBX#3")));
        assert!(!filter_matches(&pattern, &insert("ORD#3")));
        let mut removed = insert("OBX#3");
        removed["eventName"] = json!("REMOVE");
        assert!(!filter_matches(&pattern, &removed));
    }

    #[test]
    fn any_matcher_of_a_list_is_enough() {
        let pattern = json!({"eventName": ["INSERT", "MODIFY"]});
        assert!(filter_matches(&pattern, &json!({"eventName": "MODIFY"})));
        assert!(!filter_matches(&pattern, &json!({"eventName": "REMOVE"})));
        assert!(!filter_matches(&pattern, &json!({})));
    }

    #[test]
    fn anything_but_refuses_what_it_lists_and_what_is_missing() {
        let one = json!({"kind": [{"anything-but": "a"}]});
        let many = json!({"kind": [{"anything-but": ["a", "b"]}]});
        let prefix = json!({"kind": [{"anything-but": {"prefix": "a"}}]});
        assert!(filter_matches(&one, &json!({"kind": "b"})));
        assert!(!filter_matches(&one, &json!({"kind": "a"})));
        assert!(!filter_matches(&many, &json!({"kind": "b"})));
        assert!(filter_matches(&many, &json!({"kind": "c"})));
        assert!(!filter_matches(&prefix, &json!({"kind": "ab"})));
        assert!(filter_matches(&prefix, &json!({"kind": "ba"})));
        assert!(!filter_matches(&one, &json!({})));
    }

    #[test]
    fn exists_asks_for_a_leaf() {
        let there = json!({"image": {"sent": [{"exists": true}]}});
        let absent = json!({"image": {"sent": [{"exists": false}]}});
        assert!(filter_matches(&there, &json!({"image": {"sent": "x"}})));
        assert!(!filter_matches(&there, &json!({"image": {"sent": {"S": "x"}}})));
        assert!(filter_matches(&absent, &json!({"image": {}})));
        assert!(!filter_matches(&absent, &json!({"image": {"sent": null}})));
    }

    #[test]
    fn a_list_in_the_record_passes_when_one_element_does() {
        let pattern = json!({"tags": ["sale"]});
        assert!(filter_matches(&pattern, &json!({"tags": ["new", "sale"]})));
        assert!(!filter_matches(&pattern, &json!({"tags": ["new"]})));
    }

    #[test]
    fn an_unknown_matcher_is_a_flaw_and_matches_nothing() {
        let pattern = json!({"price": [{"numeric": [">", 1]}]});
        assert!(flaw(&pattern).is_some());
        assert!(!filter_matches(&pattern, &json!({"price": 2})));
        assert!(flaw(&json!({"eventName": "INSERT"})).is_some());
        assert!(flaw(&json!({"eventName": ["INSERT", {"exists": true}]})).is_none());
    }
}
