//! Webhook events we have seen: ephemeral `SEV#evt` / META, stored before they are acknowledged.
//!
//! Of an event its ids are kept, not its body: what it says is fetched anew when it is worked on,
//! and a body names the payer.

use domain::fault::Fault;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::item::{Key, Saved, item, number};
use crate::transaction::Expression;
use crate::{Store, Table};

/// Stripe retries for three days and lists events for thirty.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A webhook event that came.
#[derive(Debug, Serialize, Deserialize)]
pub struct Seen {
    /// The provider's id of the event.
    pub event_id: String,
    /// Its type.
    pub kind: String,
    /// What was queued for it: which objects it is about, by their ids.
    pub notice: String,
    /// When it came.
    pub at: Timestamp,
}

impl Store {
    /// Keeps an event; tells whether it was new. Whether new or not it is queued: the first
    /// delivery may have died between keeping and queueing, and its work is idempotent.
    pub async fn keep_webhook(&self, seen: &Seen) -> Result<Saved, Fault> {
        let mut row = item(&Key::meta(format!("SEV#{}", seen.event_id)), seen)?;
        let expires = seen.at.as_second().saturating_add(KEPT.as_secs());
        row.insert("expires".into(), number(expires));
        self.put_if(Table::Ephemeral, row, Expression::absent()).await
    }
}
