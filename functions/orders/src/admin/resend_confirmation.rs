//! `POST /v1/admin/orders/{id}/resend_confirmation`: the letter that thanks for the order, once
//! more. The request for it goes out with the audit log's entry, in one write.

use api::form::OrderPath;
use api::reply::NoContent;
use api::{Path, Problem, Reply, Staff};
use domain::event::{Event, Fact, Letter, Message};
use domain::id::{EventId, MessageId};
use domain::order::{Refusal, Status};
use domain::permission::grant;
use runtime::Call;
use serde_json::Value;
use store::Saved;

use crate::App;
use crate::desk::{load, note};

/// Sends the letter once more.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::NotificationsWrite>, Path<OrderPath>>,
) -> Reply<NoContent> {
    let Path(OrderPath { id }) = &call.input;
    let order = load(app, *id).await?.order;
    if !is_confirmed(order.status) {
        let (from, to) = (order.status, Status::Placed);
        return Err(Refusal::InvalidTransition { from, to }.into());
    }
    let ulid = app.ids.ulid(call.now);
    let letter = Letter::OrderConfirmation { order_id: *id };
    let message = Message { id: MessageId::from_ulid(ulid), to: order.email, letter };
    let fact = Fact::MessageRequested { message };
    let request = Event { id: EventId::from_ulid(ulid), at: call.now, sequence: 1, fact };
    let states = (Value::Null, Value::Null);
    let events = [note(app, &call, "order.resend_confirmation", id, &states)?, request];
    match app.store.say_together(&events, None).await? {
        Saved::Yes => Ok(NoContent),
        Saved::Raced => Err(Problem::unavailable()),
    }
}

/// Whether there is anything to thank for.
const fn is_confirmed(status: Status) -> bool {
    match status {
        Status::Placed | Status::OnHold | Status::Completed => true,
        Status::PendingPayment | Status::Canceled | Status::Expired => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_thanked_for_an_order_that_came_to_nothing() {
        let confirmed: Vec<_> = Status::ALL.into_iter().filter(|one| is_confirmed(*one)).collect();
        assert_eq!(confirmed, [Status::Placed, Status::OnHold, Status::Completed]);
    }
}
