//! `POST /v1/admin/messages/{id}/resend`: a letter about an order is written and sent once more, to
//! the address that the order has now.
//!
//! What is sent is a letter of its own with an id of its own: the one before stays in the log as it
//! is. Letters with a link or a code of their own can not be repeated: nobody keeps those.

use api::form::MessagePath;
use api::reply::Accepted;
use api::view::letter::LetterView;
use api::{Path, Problem, Reply, Staff};
use domain::event::{Event, Fact, Message};
use domain::id::{EventId, MessageId};
use domain::message::Delivery;
use domain::permission::grant;
use runtime::Call;
use store::Saved;

use crate::{App, address};

/// How often a lost race is run again.
const RACES_MAX: usize = 5;

/// Asks for the letter.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::NotificationsWrite>, Path<MessagePath>>,
) -> Reply<Accepted<LetterView>> {
    let Path(MessagePath { id }) = call.input;
    for _ in 0..RACES_MAX {
        let before = app.store.message(id).await?.ok_or_else(Problem::not_found)?;
        let (order, letter) = before.may_be_repeated()?;
        let file = app.store.order(order).await?.ok_or_else(Problem::not_found)?;
        let to = file.order.email;
        let names = address::names(&call.guard.sealer, &to);
        if let Some(suppression) = app.store.suppression(&names.all).await? {
            let detail = "This address is not written to. Take it off the list first.";
            return Err(Problem::conflict("address_suppressed", detail)
                .member("suppression_id", suppression.id)
                .member("cause", suppression.cause));
        }
        let ulid = app.ids.ulid(call.now);
        let message = Message { id: MessageId::from_ulid(ulid), to, letter };
        let queued = Delivery::queued(&message, names.current, call.now);
        let repeat = Delivery { repeats: Some(before.id), ..queued };
        let fact = Fact::MessageRequested { message };
        let request = Event { id: EventId::from_ulid(ulid), at: call.now, sequence: 1, fact };
        let note = app.note(&call, "letter.resend", before.id.to_string());
        match app.store.repeat_message(&before, &repeat, &[request, note]).await? {
            Saved::Yes => return Ok(Accepted(repeat.into())),
            Saved::Raced => {}
        }
    }
    Err(Problem::unavailable())
}
