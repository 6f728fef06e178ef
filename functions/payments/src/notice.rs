//! What the queue carries between the hook and its job: names of things, never their content.

use domain::id::OrderId;
use serde::{Deserialize, Serialize};

/// An event of the provider, to be looked into.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Notice {
    /// The provider's id of the event.
    pub(crate) event_id: String,
    /// Its type.
    pub(crate) kind: String,
    /// The PaymentIntent it is about.
    pub(crate) intent: String,
    /// The order that we named on the intent.
    pub(crate) order: OrderId,
}
