//! What the endpoints of queues share: which one.

use api::Flaw;
use api::form::{Fields, Form, Rule};
use queue::Name;
use serde_json::{Value, json};

/// A queue by its name in the API.
struct QueueName;

impl Rule for QueueName {
    type Out = Name;
    fn check(&self, value: &Value, pointer: &str, flaws: &mut Vec<Flaw>) -> Option<Name> {
        let name = value.as_str().and_then(Name::parse);
        if name.is_none() {
            let detail = "This must be the name of a queue, like order_events.";
            flaws.push(Flaw::new(pointer, "not_allowed", detail));
        }
        name
    }
    fn schema(&self) -> Value {
        json!({"type": "string", "enum": Name::ALL.map(Name::word)})
    }
}

/// Which queue.
#[derive(Debug, Clone, Copy)]
pub struct WhichQueue {
    pub(crate) name: Name,
}

impl Form for WhichQueue {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.required("name", QueueName);
        Some(Self { name: name? })
    }
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_queue_is_named_as_it_is_listed() {
        for name in Name::ALL {
            assert_eq!(flaws_of::<WhichQueue>(&json!({"name": name.word()})), [], "{name:?}");
            assert_eq!(Name::parse(&name.word()), Some(name));
        }
        assert_eq!(flaws_of::<WhichQueue>(&json!({"name": "tea"}))[0].1, "not_allowed");
    }
}
