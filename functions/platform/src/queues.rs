//! What the endpoints of queues share: which one.

use api::form::{Fields, Form, Parsed};
use queue::Name;

/// Which queue.
#[derive(Debug, Clone, Copy)]
pub struct WhichQueue {
    pub(crate) name: Name,
}

impl Form for WhichQueue {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let rule = Parsed::by(Name::parse, "the name of a queue, like order_events", 50);
        let name = fields.required("name", rule.pattern("^[a-z_]+$"));
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
        assert_eq!(flaws_of::<WhichQueue>(&json!({"name": "tea"}))[0].1, "malformed");
    }
}
