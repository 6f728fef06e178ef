//! What the queue carries between the hook and its job: names of things, never their content.

use domain::id::OrderId;
use serde::{Deserialize, Serialize};

/// How the types of events begin that tell of a page on which a buyer pays.
pub(crate) const SESSION: &str = "checkout.session.";

/// An event of the provider, to be looked into.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Notice {
    /// The provider's id of the event.
    pub(crate) event_id: String,
    /// Its type.
    pub(crate) kind: String,
    /// The PaymentIntent it is about; none on a Session in which nobody tried to pay.
    #[serde(default)]
    pub(crate) intent: Option<String>,
    /// The order that we named on the object; none on refunds that were not made by us.
    #[serde(default)]
    pub(crate) order: Option<OrderId>,
    /// The provider's id of the object that the event tells of.
    #[serde(default)]
    pub(crate) object: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_survives_the_queue() {
        let notice = Notice {
            event_id: "evt_1".into(),
            kind: "payment_intent.succeeded".into(),
            intent: Some("pi_1".into()),
            order: OrderId::parse("ord_01ARZ3NDEKTSV4RRFFQ69G5FAV").ok(),
            object: None,
        };
        let text = serde_json::to_string(&notice).unwrap();
        let read: Notice = serde_json::from_str(&text).unwrap();
        assert_eq!((read.intent, read.order), (notice.intent, notice.order));
        let of_session = r#"{"event_id":"evt_1","kind":"checkout.session.expired"}"#;
        assert_eq!(serde_json::from_str::<Notice>(of_session).unwrap().intent, None);
    }
}
