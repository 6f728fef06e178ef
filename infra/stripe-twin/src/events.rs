//! Events: what happened, with the object as it was then. An event is stored with the change that
//! it tells of, and queued for every endpoint that listens to its type.

use serde_json::{Map, Value, json};

use crate::render;
use crate::store::Kind;
use crate::world::{API_VERSION, World};

impl World {
    /// Notes that something happened to `object`; `before` gives the previous attributes.
    pub(crate) fn emit(&mut self, kind: &str, object: &Value, before: Option<&Value>) {
        let object = render::public(object);
        let mut data = json!({});
        if let Some(before) = before.and_then(|before| changes(&render::public(before), &object)) {
            data["previous_attributes"] = before;
        }
        data["object"] = object;
        let endpoints = self.endpoints_for(kind);
        let id = self.chance.id("evt_");
        let event = json!({
            "id": id,
            "object": "event",
            "api_version": API_VERSION,
            "created": self.now(),
            "data": data,
            "livemode": false,
            "pending_webhooks": endpoints.len(),
            "request": {
                "id": self.origin.request_id,
                "idempotency_key": self.origin.idempotency_key,
            },
            "type": kind,
            "_pending": endpoints,
        });
        self.save(Kind::Event, &event);
        for endpoint in endpoints {
            self.queue_delivery(&id, &endpoint);
        }
    }
}

/// What the changed fields were before: Stripe's `previous_attributes`.
fn changes(before: &Value, after: &Value) -> Option<Value> {
    let mut changed = Map::new();
    for (name, old) in before.as_object()? {
        let new = &after[name];
        if old == new {
            continue;
        }
        let old = match (old, new) {
            (Value::Object(_), Value::Object(_)) => changes(old, new),
            _ => Some(old.clone()),
        };
        if let Some(old) = old {
            changed.insert(name.clone(), old);
        }
    }
    (!changed.is_empty()).then_some(Value::Object(changed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_is_told() {
        let before = json!({ "a": 1, "b": { "c": null, "d": 2 }, "e": [1] });
        let after = json!({ "a": 1, "b": { "c": 3, "d": 2 }, "e": [1, 2] });
        assert_eq!(changes(&before, &after), Some(json!({ "b": { "c": null }, "e": [1] })));
        assert_eq!(changes(&before, &before), None);
    }
}
