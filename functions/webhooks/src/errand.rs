//! What the queue of deliveries carries: which endpoint is to be told of which event. All else is
//! read from the table.

use domain::fault::{Fault, Retry};
use domain::id::{EventId, WebhookId};
use serde::{Deserialize, Serialize};

/// An endpoint and an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Errand {
    pub(crate) endpoint: WebhookId,
    pub(crate) event: EventId,
}

impl Errand {
    /// As a message.
    pub(crate) fn write(self) -> Result<String, Fault> {
        serde_json::to_string(&self)
            .map_err(|error| Fault::new("write an errand", error, Retry::Useless))
    }

    /// From a message.
    pub(crate) fn read(body: &str) -> Result<Self, Fault> {
        serde_json::from_str(body)
            .map_err(|error| Fault::new("read an errand", error, Retry::Useless))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_errand_is_read_as_it_was_written_and_nothing_else_is() {
        let text = r#"{"endpoint":"whe_01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "event":"evt_01ARZ3NDEKTSV4RRFFQ69G5FAV"}"#;
        let errand = Errand::read(text).unwrap();
        assert_eq!(Errand::read(&errand.write().unwrap()).unwrap(), errand);
        for body in ["", "{}", "null"] {
            assert_eq!(Errand::read(body).unwrap_err().retry(), Retry::Useless);
        }
    }
}
