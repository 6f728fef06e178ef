//! Letters to the staff about an order: to those who may do something about it. One for each of
//! them and each event, however often the event comes: its id is made of both.

use domain::event::{Event, Fact, Letter, Message};
use domain::fault::{Fault, Retry};
use domain::id::{DisputeId, EventId, MessageId, OrderId, Ulid};
use domain::permission::Permission;
use domain::staff::{Member, who_may};
use jiff::Timestamp;
use queue::Name;

use crate::App;

/// Members and roles that are read: each kind lies in one partition, and is few.
const STAFF_MAX: i32 = 1000;

/// Tells of a dispute that is to be answered.
pub(crate) async fn tell_of_dispute(
    app: &App,
    event: &Event,
    (order, id): (OrderId, DisputeId),
    now: Timestamp,
) -> Result<(), Fault> {
    let missing = || Fault::noticed(format!("find {id} of {order}"), Retry::Useless);
    let file = app.store.order(order).await?.ok_or_else(missing)?;
    let dispute = file.disputes.iter().find(|dispute| dispute.id == id).ok_or_else(missing)?;
    let members = app.store.members(STAFF_MAX, None).await?.entries;
    let roles = app.store.roles(STAFF_MAX, None).await?.entries;
    for member in who_may(members, &roles, Permission::OrdersRefund) {
        let letter = Letter::DisputeOpened {
            order_number: dispute.order_number.clone(),
            amount: dispute.amount,
            reason: dispute.reason.clone(),
            is_inquiry: dispute.is_inquiry,
            due_by: dispute.due_by,
        };
        let request = request(event, &member, letter, now);
        let body = serde_json::to_string(&request)
            .map_err(|error| Fault::new("write a letter's request", error, Retry::Useless))?;
        app.queues()?.send(Name::Mail, &body).await?;
    }
    Ok(())
}

/// Tells whoever proposed it of an edit that came to nothing, while they work here.
pub(crate) async fn tell_of_edit(
    app: &App,
    event: &Event,
    (order, number): (OrderId, u32),
    now: Timestamp,
) -> Result<(), Fault> {
    let missing = || Fault::noticed(format!("find edit {number} of {order}"), Retry::Useless);
    let file = app.store.order(order).await?.ok_or_else(missing)?;
    let edit = file.edits.iter().find(|edit| edit.number == number).ok_or_else(missing)?;
    let members = app.store.members(STAFF_MAX, None).await?.entries;
    let is_theirs = |member: &&Member| member.id == edit.responsible && member.is_active();
    let Some(member) = members.iter().find(is_theirs) else { return Ok(()) };
    let letter = Letter::OrderEditClosed {
        order_number: file.order.number.clone(),
        status: edit.status,
        answer: edit.answer.clone(),
    };
    let request = request(event, member, letter, now);
    let body = serde_json::to_string(&request)
        .map_err(|error| Fault::new("write a letter's request", error, Retry::Useless))?;
    app.queues()?.send(Name::Mail, &body).await
}

/// The letter of this event to this member.
fn request(event: &Event, member: &Member, letter: Letter, now: Timestamp) -> Event {
    let (cause, reader) = (event.id.ulid(), member.id.ulid());
    let ulid = Ulid::from_parts(cause.timestamp_ms(), cause.random() ^ reader.random());
    let (id, to) = (MessageId::from_ulid(ulid), member.email.clone());
    let fact = Fact::MessageRequested { message: Message { id, to, letter } };
    Event { id: EventId::from_ulid(ulid), at: now, sequence: event.sequence, fact }
}
