//! The log of letters and the addresses that are not written to, as staff sees them.

use domain::id::{MessageId, OrderId};
use domain::message::{Cause, Channel, Delivery, Status, Suppression};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cursor::List;
use crate::reply::View;

/// A letter, or a text to a telephone, and what became of it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Letter")]
pub struct LetterView {
    /// Its id.
    pub id: MessageId,
    /// Which letter it is: `order_confirmation`, `order_shipped` and the like.
    pub letter: String,
    /// What it goes by: a letter to a mailbox, or a text to a telephone.
    pub channel: Channel,
    /// The order it is about.
    pub order_id: Option<OrderId>,
    /// Its reader's address, masked: `j•••@e•••.org`; of a text the number: `+49•••78`.
    pub to: String,
    /// Where it stands. `sent` is what the mail service took; `delivered` what the reader's mail
    /// service took. What became of a letter is told within minutes, sometimes after days; what
    /// became of a text is not told. A text that is `queued` waits for the quiet hours to end.
    pub status: Status,
    /// Why it did not arrive: `permanent_bounce`, `transient_bounce`, `complaint`,
    /// `address_suppressed`, `texts_off`, `text_too_long`, or the service's own word for refusing
    /// it.
    pub reason: Option<String>,
    /// When it was first worked on, or asked for by hand.
    #[schemars(with = "String")]
    pub queued_at: Timestamp,
    /// When the mail service took it.
    #[schemars(with = "Option<String>")]
    pub sent_at: Option<Timestamp>,
    /// When it came to the status that it has.
    #[schemars(with = "Option<String>")]
    pub settled_at: Option<Timestamp>,
    /// The letter that this one repeats.
    pub repeats: Option<MessageId>,
    /// How often this one was repeated.
    pub resends: u32,
    /// Whether it can be sent again, now.
    pub is_repeatable: bool,
    /// What its reader's address is called on the list of addresses that are not written to,
    /// whether or not it is on it.
    pub suppression_id: String,
}

impl View for LetterView {}
impl View for List<LetterView> {}

impl From<Delivery> for LetterView {
    fn from(delivery: Delivery) -> Self {
        let is_repeatable = delivery.may_be_repeated().is_ok();
        Self {
            id: delivery.id,
            letter: delivery.letter,
            channel: delivery.channel,
            order_id: delivery.order,
            to: delivery.to,
            status: delivery.status,
            reason: delivery.reason,
            queued_at: delivery.queued_at,
            sent_at: delivery.sent_at,
            settled_at: delivery.settled_at,
            repeats: delivery.repeats,
            resends: delivery.resends,
            is_repeatable,
            suppression_id: delivery.address,
        }
    }
}

/// An address that is not written to, but for letters about security; or a telephone number that is
/// not texted.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Suppression")]
pub struct SuppressionView {
    /// What the address is called here.
    pub id: String,
    /// The address, masked.
    pub to: String,
    /// Why it is not written to.
    pub cause: Cause,
    /// The letter that led to it.
    pub message_id: Option<MessageId>,
    /// Since when.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
}

impl View for SuppressionView {}
impl View for List<SuppressionView> {}

impl From<Suppression> for SuppressionView {
    fn from(suppression: Suppression) -> Self {
        Self {
            id: suppression.id,
            to: suppression.to,
            cause: suppression.cause,
            message_id: suppression.message,
            created_at: suppression.created_at,
        }
    }
}
