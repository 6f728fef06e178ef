//! Facts about orders, from the outbox: the letters that follow, the delivery of digital goods, and
//! the count of what was sold on which day; and of new keys, which some orders wait for.
//!
//! An event may come twice: the order is delivered once and counted once, and the letter's id is
//! made of the event's, so the post knows it again.

use domain::dispute::Status as Dispute;
use domain::event::{Event, Fact, Letter, Message};
use domain::fault::{Fault, Retry};
use domain::fulfillment::Status as Parcel;
use domain::id::{EventId, MessageId, OrderId, derived};
use domain::invoice::Due;
use domain::order::{Order, Status};
use domain::refund::Status as Refund;
use domain::returns::Status as Return;
use domain::text::{Text, beside};
use jiff::Timestamp;
use queue::Name;
use store::Saved;

use crate::staff_letters::{tell_of_dispute, tell_of_edit};
use crate::{App, capture, keys, pay_again};

/// How often a lost race is run again before the message comes back by itself.
const RACES_MAX: usize = 5;

/// Does what follows.
pub async fn handle(app: &App, message: queue::Message, now: Timestamp) -> Result<(), Fault> {
    let event: Event = serde_json::from_str(&message.body)
        .map_err(|error| Fault::new("read an event", error, Retry::Useless))?;
    if let Fact::OrderPlaced { order_id } = &event.fact {
        let order = deliver_digital(app, *order_id, now).await?;
        let placed_at = order.placed_at.unwrap_or(order.created_at);
        app.store.count_sales(order.id, &order.counted_units(), placed_at, now).await?;
        if order.lines.iter().any(|line| line.has_keys) {
            keys::give(app, order.id, now).await?;
        }
    }
    // What was held had to wait for its keys, and for its money where a parcel had left.
    if let Fact::OrderMoved { order_id, status: Status::Placed } = &event.fact {
        deliver_digital(app, *order_id, now).await?;
        keys::give(app, *order_id, now).await?;
        capture::take(app, *order_id, now).await?;
    }
    if let Fact::KeysAdded { sku } = &event.fact {
        keys::hand_out(app, sku, now).await?;
    }
    // Of a parcel whose carrier was faster than its packer nobody says that it was shipped.
    if let Fact::FulfillmentMoved { order_id, status, .. } = &event.fact
        && status.has_left()
    {
        capture::take(app, *order_id, now).await?;
    }
    if let Fact::DisputeMoved { order_id, dispute_id, status: Dispute::NeedsResponse, .. } =
        &event.fact
    {
        tell_of_dispute(app, &event, (*order_id, *dispute_id), now).await?;
    }
    if let Fact::OrderEditClosed { order_id, number, .. } = &event.fact {
        tell_of_edit(app, &event, (*order_id, *number), now).await?;
    }
    if let Fact::PaymentFailed { order_id } = &event.fact {
        pay_again::tell(app, *order_id, now).await?;
    }
    if let Some(due) = invoice_due(&event.fact) {
        ask_for_invoice(app, due).await?;
    }
    match letter_about(&event.fact) {
        Some((order_id, letter)) => write_to_buyer(app, &event, order_id, letter, now).await,
        None => Ok(()),
    }
}

/// The invoice or the credit note that a fact is followed by.
fn invoice_due(fact: &Fact) -> Option<Due> {
    match fact {
        Fact::OrderPlaced { order_id } => Some(Due::invoice(*order_id)),
        Fact::RefundMoved {
            order_id,
            refund_id,
            status: Refund::Succeeded,
            is_again: false,
            amount: _,
        } => Some(Due::refund(*order_id, *refund_id)),
        // Of what was only reserved nothing goes back.
        Fact::OrderMoved { order_id, status: Status::Canceled } => Some(Due::called_off(*order_id)),
        Fact::OrderRefundedLate { .. }
        | Fact::FulfillmentMoved { .. }
        | Fact::RefundRequested { .. }
        | Fact::DisputeMoved { .. }
        | Fact::DisputeAnswered { .. }
        | Fact::CaptureRequested { .. }
        | Fact::PaymentFailed { .. }
        | Fact::RefundMoved { .. }
        | Fact::ReturnMoved { .. }
        | Fact::OrderMoved { .. }
        | Fact::OrderLinesCanceled { .. }
        | Fact::OrderEditClosed { .. }
        | Fact::OrderReopened { .. }
        | Fact::KeysAdded { .. }
        | Fact::MessageRequested { .. }
        | Fact::TextRequested { .. }
        | Fact::AuditNoted { .. }
        | Fact::ExchangeDue { .. }
        | Fact::WebhookTest { .. }
        | Fact::WebhookReplay { .. } => None,
    }
}

/// All in one group: numbers are given out one after the other.
async fn ask_for_invoice(app: &App, due: Due) -> Result<(), Fault> {
    let body = serde_json::to_string(&due)
        .map_err(|error| Fault::new("write what is to be issued", error, Retry::Useless))?;
    app.queues()?.send_in_group(Name::Invoices, "invoices", &body).await
}

/// The letter that a fact is followed by, and the order it is about.
fn letter_about(fact: &Fact) -> Option<(OrderId, Letter)> {
    match fact {
        Fact::OrderPlaced { order_id } => {
            Some((*order_id, Letter::OrderConfirmation { order_id: *order_id }))
        }
        Fact::OrderRefundedLate { order_id } => {
            Some((*order_id, Letter::LatePaymentRefunded { order_id: *order_id }))
        }
        Fact::FulfillmentMoved { order_id, fulfillment_id, status } => {
            let (order_id, fulfillment_id) = (*order_id, *fulfillment_id);
            let letter = match status {
                Parcel::Shipped => Letter::OrderShipped { order_id, fulfillment_id },
                Parcel::Delivered => Letter::OrderDelivered { order_id, fulfillment_id },
                // Of what stays here, and of what went wrong, a person writes.
                Parcel::Open
                | Parcel::Packed
                | Parcel::Canceled
                | Parcel::Lost
                | Parcel::ReturnedToSender => return None,
            };
            Some((order_id, letter))
        }
        Fact::RefundMoved { order_id, amount, status, is_again, .. } => {
            let (order_id, amount) = (*order_id, *amount);
            match status {
                // Of what came back and is on its way again the buyer was told the first time.
                Refund::Succeeded if *is_again => None,
                // All of it pays for a replacement: nothing goes back that could be told of.
                Refund::Succeeded if amount.is_zero() => None,
                Refund::Succeeded => Some((order_id, Letter::OrderRefunded { order_id, amount })),
                // Of what went wrong a person writes.
                Refund::Requested
                | Refund::Processing
                | Refund::RequiresAction
                | Refund::Failed
                | Refund::Canceled => None,
            }
        }
        Fact::ReturnMoved { order_id, return_id, status } => {
            let (order_id, return_id) = (*order_id, *return_id);
            let letter = match status {
                Return::Requested => Letter::ReturnRequested { order_id, return_id },
                Return::Approved => Letter::ReturnApproved { order_id, return_id },
                Return::Rejected => Letter::ReturnRejected { order_id, return_id },
                Return::Received => Letter::ReturnReceived { order_id, return_id },
                Return::Resolved => Letter::ReturnResolved { order_id, return_id },
                // What the buyer did, what is not all there yet, and what came to nothing.
                Return::InTransit
                | Return::PartiallyReceived
                | Return::Canceled
                | Return::Expired => return None,
            };
            Some((order_id, letter))
        }
        Fact::OrderMoved { order_id, status } => {
            let order_id = *order_id;
            match status {
                Status::Canceled => Some((order_id, Letter::OrderCanceled { order_id })),
                // What is looked at goes on, most often.
                Status::PendingPayment
                | Status::Placed
                | Status::OnHold
                | Status::Completed
                | Status::Expired => None,
            }
        }
        Fact::OrderLinesCanceled { order_id, number } => {
            let (order_id, number) = (*order_id, *number);
            Some((order_id, Letter::OrderLinesCanceled { order_id, number }))
        }
        // Who gets keys, or has to pay again, is written to with the write that gives or lets them
        // in, of an edit that came to nothing staff are; the others have queues of their own.
        Fact::KeysAdded { .. }
        | Fact::PaymentFailed { .. }
        | Fact::OrderEditClosed { .. }
        | Fact::OrderReopened { .. }
        | Fact::RefundRequested { .. }
        | Fact::DisputeMoved { .. }
        | Fact::DisputeAnswered { .. }
        | Fact::CaptureRequested { .. }
        | Fact::MessageRequested { .. }
        | Fact::TextRequested { .. }
        | Fact::AuditNoted { .. }
        | Fact::ExchangeDue { .. }
        | Fact::WebhookTest { .. }
        | Fact::WebhookReplay { .. } => None,
    }
}

/// Marks digital lines as delivered, once; the order as it was found.
async fn deliver_digital(app: &App, id: OrderId, now: Timestamp) -> Result<Order, Fault> {
    for _ in 0..RACES_MAX {
        let order = load(app, id).await?;
        let after = order.clone().deliver_digital(now);
        let is_done = after.lines == order.lines;
        if is_done || !order.gives_access() || app.store.save_order(&after).await? == Saved::Yes {
            return Ok(order);
        }
    }
    Err(Fault::noticed(format!("deliver {id}: others were faster every time"), Retry::Helps))
}

async fn load(app: &App, id: OrderId) -> Result<Order, Fault> {
    let file = app.store.order(id).await?;
    let file = file.ok_or_else(|| Fault::noticed(format!("find {id}"), Retry::Useless))?;
    Ok(file.order)
}

async fn write_to_buyer(
    app: &App,
    event: &Event,
    order_id: OrderId,
    letter: Letter,
    now: Timestamp,
) -> Result<(), Fault> {
    let order = load(app, order_id).await?;
    if is_said_otherwise(&order, &letter) {
        return Ok(());
    }
    let (to, customer) = (order.email, order.customer);
    let ulid = event.id.ulid();
    if let (Some(customer), Some(says)) = (customer, beside(&letter)) {
        let text = Text { id: text_id(event.id), customer, says, has_waited: false };
        text_to_buyer(app, event, text, now).await?;
    }
    let message = Message { id: MessageId::from_ulid(ulid), to, letter };
    let fact = Fact::MessageRequested { message };
    let id = EventId::from_ulid(ulid);
    let request = Event { id, at: now, sequence: event.sequence, fact };
    let body = serde_json::to_string(&request)
        .map_err(|error| Fault::new("write a letter's request", error, Retry::Useless))?;
    let queues = app
        .queues
        .as_ref()
        .ok_or_else(|| Fault::noticed("ask for a letter without a queue", Retry::Useless))?;
    queues.send(Name::Mail, &body).await
}

/// Of units that an edit took off, the letter about the edit tells.
fn is_said_otherwise(order: &Order, letter: &Letter) -> bool {
    let Letter::OrderLinesCanceled { number, .. } = letter else { return false };
    let at = usize::try_from(*number).unwrap_or(usize::MAX).saturating_sub(1);
    order.cancellations.get(at).is_some_and(|one| one.edit.is_some())
}

/// The text's id, made of the event's as the letter's is, and another one.
fn text_id(event: EventId) -> MessageId {
    MessageId::from_ulid(derived("text", &event.to_string()))
}

/// Whether the buyer has a number and wants to be texted is asked when it is sent.
async fn text_to_buyer(app: &App, event: &Event, text: Text, now: Timestamp) -> Result<(), Fault> {
    let (id, sequence) = (event.id, event.sequence);
    let request = Event { id, at: now, sequence, fact: Fact::TextRequested { text } };
    let body = serde_json::to_string(&request)
        .map_err(|error| Fault::new("write a text's request", error, Retry::Useless))?;
    app.queues()?.send(Name::Texts, &body).await
}

#[cfg(test)]
mod tests {
    use domain::id::Ulid;

    use super::*;

    #[test]
    fn every_fact_about_an_order_is_followed_by_its_letter() {
        let order_id = OrderId::from_ulid(Ulid::from_parts(1, 1));
        let template =
            |fact: Fact| letter_about(&fact).map(|(about, letter)| (about, letter.template()));
        let placed = template(Fact::OrderPlaced { order_id });
        assert_eq!(placed, Some((order_id, "order_confirmation")));
        let late = template(Fact::OrderRefundedLate { order_id });
        assert_eq!(late, Some((order_id, "late_payment_refunded")));
        let refund_id = domain::id::RefundId::from_ulid(Ulid::from_parts(1, 2));
        let amount = domain::money::Money::new(990, domain::currency::Currency::EUR);
        let moved = |status, is_again| {
            let fact = Fact::RefundMoved { order_id, refund_id, amount, status, is_again };
            (invoice_due(&fact).is_some(), template(fact))
        };
        let told = (true, Some((order_id, "order_refunded")));
        assert_eq!(moved(Refund::Succeeded, false), told);
        assert_eq!(moved(Refund::Succeeded, true), (false, None));
        assert_eq!(moved(Refund::Processing, false), (false, None));
        assert_eq!(moved(Refund::Failed, false), (false, None));
        let return_id = domain::id::ReturnId::from_ulid(Ulid::from_parts(1, 3));
        let returned = |status| template(Fact::ReturnMoved { order_id, return_id, status });
        assert_eq!(returned(Return::Approved), Some((order_id, "return_approved")));
        assert_eq!(returned(Return::PartiallyReceived), None);
        let moved = |status| template(Fact::OrderMoved { order_id, status });
        assert_eq!(moved(Status::Canceled), Some((order_id, "order_canceled")));
        assert_eq!(moved(Status::OnHold), None);
        assert_eq!(moved(Status::Expired), None);
        assert_eq!(
            invoice_due(&Fact::OrderMoved { order_id, status: Status::Canceled }),
            Some(Due::called_off(order_id))
        );
        assert_eq!(invoice_due(&Fact::OrderMoved { order_id, status: Status::OnHold }), None);
        let fewer = template(Fact::OrderLinesCanceled { order_id, number: 1 });
        assert_eq!(fewer, Some((order_id, "order_lines_canceled")));
    }
}
