//! Messages on their way to people: ephemeral `MSG#id` / META.
//!
//! A message is claimed before it is sent and marked after. Who dies in between leaves a claim that
//! lapses, and the message is sent again with the very same content: at least once, never two
//! different ones.

use domain::fault::Fault;
use domain::id::MessageId;
use jiff::{SignedDuration, Timestamp};

use crate::item::{Key, number, text};
use crate::transaction::{Expression, Updated};
use crate::{Store, Table};

/// How long a claim holds: longer than a delivery takes, shorter than the queue's patience.
const LEASE: SignedDuration = SignedDuration::from_secs(20);
/// How long we remember that a message was sent.
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

/// What became of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// Send it.
    Ours,
    /// It was sent.
    Sent,
    /// Somebody is sending it now.
    Busy,
}

fn key(id: MessageId) -> Key {
    Key::meta(format!("MSG#{id}"))
}

impl Store {
    /// Claims a message for sending.
    pub async fn claim_message(&self, id: MessageId, now: Timestamp) -> Result<Claim, Fault> {
        let lease = now.as_second().saturating_add(LEASE.as_secs());
        let condition = Expression::new(
            "attribute_not_exists(pk) OR (#status = :sending AND lease_until < :now)",
        )
        .name("#status", "status")
        .value(":sending", text("sending"))
        .value(":now", number(now.as_second()))
        .value(":lease", number(lease))
        .value(":expires", number(now.as_second().saturating_add(KEPT.as_secs())));
        let update = "SET #status = :sending, lease_until = :lease, expires = :expires";
        match self.update_if(Table::Ephemeral, &key(id), update, condition).await? {
            Updated::Yes(_) => Ok(Claim::Ours),
            Updated::Refused(item) => {
                let status = item.as_ref().and_then(|item| item.get("status"));
                let is_sent = status.is_some_and(|status| status.as_s().is_ok_and(|s| s == "sent"));
                Ok(if is_sent { Claim::Sent } else { Claim::Busy })
            }
        }
    }

    /// Remembers that a message was sent, and under which id of the mail service.
    pub async fn message_sent(
        &self,
        id: MessageId,
        provider_id: &str,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let condition = Expression::new("attribute_exists(pk)")
            .name("#status", "status")
            .value(":sent", text("sent"))
            .value(":provider", text(provider_id))
            .value(":now", text(now.to_string()));
        let update = "SET #status = :sent, provider_id = :provider, sent_at = :now";
        // Refused only where the row is gone by its age: then nobody asks for it any more.
        match self.update_if(Table::Ephemeral, &key(id), update, condition).await? {
            Updated::Yes(_) | Updated::Refused(_) => Ok(()),
        }
    }
}
