//! Letters of this domain, as the events that carry them to the post.

use domain::address::Email;
use domain::event::{Event, Fact, Letter, Message};
use domain::id::{EventId, MessageId};
use jiff::Timestamp;

use crate::App;

/// A letter to somebody.
pub(crate) fn letter(app: &App, to: &Email, letter: Letter, now: Timestamp) -> Event {
    let ulid = app.ids.ulid(now);
    let message = Message { id: MessageId::from_ulid(ulid), to: to.clone(), letter };
    let fact = Fact::MessageRequested { message };
    Event { id: EventId::from_ulid(ulid), at: now, sequence: 1, fact }
}
