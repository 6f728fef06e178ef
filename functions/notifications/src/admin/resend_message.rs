//! `POST /v1/admin/messages/{id}/resend`: a letter or a text about an order is written and sent
//! once more: to the address that the order has now, to the number that its buyer has now.
//!
//! What is sent is a letter of its own with an id of its own: the one before stays in the log as it
//! is. Letters with a link or a code of their own can not be repeated: nobody keeps those.

use api::form::MessagePath;
use api::reply::Accepted;
use api::view::letter::LetterView;
use api::{Path, Problem, Reply, Staff};
use domain::consent::Purpose;
use domain::event::{Event, Fact, Message};
use domain::id::{CustomerId, EventId, MessageId};
use domain::message::{Channel, Delivery};
use domain::order::Order;
use domain::permission::grant;
use domain::phone::Phone;
use domain::text::{Says, Text};
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
        let ulid = app.ids.ulid(call.now);
        let new = MessageId::from_ulid(ulid);
        let (names, repeat, fact) = match before.channel {
            Channel::Mail => {
                let to = file.order.email;
                let names = address::names(&call.guard.sealer, &to);
                let message = Message { id: new, to, letter };
                let queued = Delivery::queued(&message, names.current.clone(), call.now);
                (names, queued, Fact::MessageRequested { message })
            }
            Channel::Sms => {
                let (customer, phone) = receiver(app, &file.order).await?;
                let names = address::names_of_phone(&call.guard.sealer, &phone);
                let says = Says::About { letter };
                let text = Text { id: new, customer, says, has_waited: true };
                let queued = Delivery::texted(&text, &phone, names.current.clone(), call.now);
                (names, queued, Fact::TextRequested { text })
            }
        };
        if let Some(suppression) = app.store.suppression(&names.all).await? {
            let detail = "This address is not written to. Take it off the list first.";
            return Err(Problem::conflict("address_suppressed", detail)
                .member("suppression_id", suppression.id)
                .member("cause", suppression.cause));
        }
        let repeat = Delivery { repeats: Some(before.id), ..repeat };
        let request = Event { id: EventId::from_ulid(ulid), at: call.now, sequence: 1, fact };
        let note = app.note(&call, "letter.resend", before.id.to_string());
        match app.store.repeat_message(&before, &repeat, &[request, note]).await? {
            Saved::Yes => return Ok(Accepted(repeat.into())),
            Saved::Raced => {}
        }
    }
    Err(Problem::unavailable())
}

/// Whom a text about an order goes to: whoever bought, by the number that they have now.
async fn receiver(app: &App, order: &Order) -> Reply<(CustomerId, Phone)> {
    let detail =
        "Whoever bought has no confirmed telephone number, or does not agree to be texted.";
    let nobody = || Problem::conflict("nobody_to_text", detail);
    let customer = order.customer.ok_or_else(nobody)?;
    let confirmed = app.store.phone(customer).await?.ok_or_else(nobody)?;
    let last = app.store.last_consent(customer, Purpose::OrderSms).await?;
    if last.is_none_or(|last| !last.is_given) {
        return Err(nobody());
    }
    Ok((customer, confirmed.phone))
}
