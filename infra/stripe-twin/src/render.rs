//! How objects leave the twin: without its own notes, expanded where asked, and cut down to what
//! a browser may see when the key is publishable.

use serde_json::{Map, Value, json};

use crate::form::Fields;
use crate::refusal::Refusal;
use crate::store::{Kind, Store};

/// Stripe expands at most four levels deep.
const LEVELS_MAX: usize = 4;

/// What the objects of the twin let you expand.
const EXPANDABLE: [&str; 12] = [
    "latest_charge",
    "payment_method",
    "charge",
    "payment_intent",
    "balance_transaction",
    "failure_balance_transaction",
    "refunds",
    "source",
    "customer",
    "review",
    "application",
    "on_behalf_of",
];

/// What a publishable key sees of a PaymentIntent.
const PUBLISHABLE: [&str; 24] = [
    "id",
    "object",
    "amount",
    "amount_details",
    "automatic_payment_methods",
    "canceled_at",
    "cancellation_reason",
    "capture_method",
    "client_secret",
    "confirmation_method",
    "created",
    "currency",
    "description",
    "last_payment_error",
    "livemode",
    "next_action",
    "payment_method",
    "payment_method_types",
    "processing",
    "receipt_email",
    "setup_future_usage",
    "shipping",
    "source",
    "status",
];

/// The object without the twin's notes. Metadata is the merchant's and left alone.
pub(crate) fn public(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter()
                .filter(|(name, _)| !name.starts_with('_'))
                .map(|(name, value)| match name.as_str() {
                    "metadata" => (name.clone(), value.clone()),
                    _ => (name.clone(), public(value)),
                })
                .collect(),
        ),
        Value::Array(values) => Value::Array(values.iter().map(public).collect()),
        other => other.clone(),
    }
}

/// What a browser may see of a response: the public fields of any PaymentIntent in it.
pub(crate) fn publishable(value: &Value) -> Value {
    let Value::Object(map) = value else { return value.clone() };
    let is_intent = map.get("object").is_some_and(|object| object == "payment_intent");
    let shown: Map<String, Value> = map
        .iter()
        .filter(|(name, _)| !is_intent || PUBLISHABLE.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), publishable(value)))
        .collect();
    Value::Object(shown)
}

/// Refuses, before anything happens, what cannot be expanded.
pub(crate) fn check_expansions(params: &Fields) -> Result<(), Refusal> {
    for path in params.list("expand") {
        let levels: Vec<&str> = path.split('.').filter(|level| *level != "data").collect();
        if levels.len() > LEVELS_MAX {
            return Err(Refusal::invalid(format!(
                "You cannot expand more than {LEVELS_MAX} levels of a property. Property: {path}"
            )));
        }
        if levels.iter().any(|level| !EXPANDABLE.contains(level)) {
            return Err(Refusal::invalid(format!(
                "This property cannot be expanded ({path}). You may want to try expanding \
                 'data.{path}' instead."
            )));
        }
    }
    Ok(())
}

/// Replaces the ids on the path by the objects they name.
pub(crate) fn expand(store: &Store, value: &mut Value, path: &str) {
    let (level, rest) = path.split_once('.').unwrap_or((path, ""));
    if level == "refunds" && value["object"] == "charge" {
        value["refunds"] = refunds_of(store, value);
    }
    let Some(field) = value.get_mut(level) else { return };
    if let Some(id) = field.as_str() {
        let found = Kind::of_id(id).and_then(|kind| store.get(kind, id));
        let Some(found) = found else { return };
        *field = found.clone();
    }
    if rest.is_empty() {
        return;
    }
    match field {
        Value::Array(values) => values.iter_mut().for_each(|value| expand(store, value, rest)),
        field => expand(store, field, rest),
    }
}

fn refunds_of(store: &Store, charge: &Value) -> Value {
    let ids = charge["_refunds"].as_array().map(Vec::as_slice).unwrap_or_default();
    let refunds: Vec<Value> = ids
        .iter()
        .rev()
        .filter_map(Value::as_str)
        .filter_map(|id| store.get(Kind::Refund, id).cloned())
        .collect();
    let id = charge["id"].as_str().unwrap_or_default();
    json!({
        "object": "list",
        "data": refunds,
        "has_more": false,
        "url": format!("/v1/charges/{id}/refunds"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_twins_notes_stay_inside() {
        let object = json!({ "id": "pi_1", "_charges": [], "metadata": { "_mine": "1" },
                             "error": { "payment_method": { "_card": "4242" } } });
        assert_eq!(
            public(&object),
            json!({ "id": "pi_1", "metadata": { "_mine": "1" },
                    "error": { "payment_method": {} } })
        );
    }

    #[test]
    fn a_browser_sees_no_metadata() {
        let intent = json!({ "object": "payment_intent", "id": "pi_1", "metadata": { "a": "b" } });
        let shown = publishable(&json!({ "error": { "payment_intent": intent } }));
        assert_eq!(shown["error"]["payment_intent"]["id"], "pi_1");
        assert_eq!(shown["error"]["payment_intent"].get("metadata"), None);
    }
}
