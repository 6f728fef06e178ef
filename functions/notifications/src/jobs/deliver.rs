//! The queue of letters: claim, write, send, mark.
//!
//! Idempotent by the message's id: a letter that was sent is not sent again. Who dies between
//! sending and marking leaves a claim that lapses, and the very same letter goes out once more — a
//! second copy is better than none.

use api::download;
use domain::event::{Event, Fact, Letter, Message};
use domain::fault::{Fault, Retry};
use domain::order::Order;
use jiff::Timestamp;
use notify::{Facts, Link, Posted, Rendered};
use store::message::Claim;

use crate::App;

/// Delivers a letter.
pub async fn handle(app: &App, message: queue::Message, now: Timestamp) -> Result<(), Fault> {
    let message = read(&message.body)?;
    match app.store.claim_message(message.id, now).await? {
        Claim::Ours => {}
        Claim::Sent => return Ok(()),
        Claim::Busy => {
            let tried = format!("deliver {}: somebody is at it", message.id);
            return Err(Fault::noticed(tried, Retry::Helps));
        }
    }
    let letter = write(app, &message, now).await?;
    let (id, template) = (message.id.to_string(), message.letter.template());
    let sender = app.store.shop().await?.value.mail_sender_name;
    let sent = app.mailer.send(sender.as_deref(), &message.to, &letter, &id, template);
    let provider_id = match sent.await? {
        Posted::Yes(provider_id) => provider_id,
        Posted::Refused(code) => {
            let tried = format!("deliver {id}: SES refuses with {code}");
            return Err(Fault::noticed(tried, Retry::Useless));
        }
    };
    app.store.message_sent(message.id, &provider_id, now).await?;
    tracing::info!(op = "notifications.jobs.deliver", message_id = id, template, "delivered");
    Ok(())
}

/// The letter that a message of the queue asks for.
fn read(body: &str) -> Result<Message, Fault> {
    let event: Event = serde_json::from_str(body)
        .map_err(|error| Fault::new("read a letter's request", error, Retry::Useless))?;
    match event.fact {
        Fact::MessageRequested { message } => Ok(message),
        fact @ (Fact::OrderPlaced { .. }
        | Fact::OrderRefundedLate { .. }
        | Fact::KeysAdded { .. }
        | Fact::AuditNoted { .. }
        | Fact::ExchangeDue { .. }) => {
            let tried = format!("deliver {}, which is no letter", fact.name());
            Err(Fault::noticed(tried, Retry::Useless))
        }
    }
}

/// Writes the letter from the facts as they are recorded: the same facts are the same letter.
async fn write(app: &App, message: &Message, now: Timestamp) -> Result<Rendered, Fault> {
    let order = match &message.letter {
        Letter::OrderConfirmation { order_id }
        | Letter::LatePaymentRefunded { order_id }
        | Letter::KeysReady { order_id } => {
            let file = app.store.order(*order_id).await?;
            let missing = || Fault::noticed(format!("find {order_id}"), Retry::Useless);
            Some(file.ok_or_else(missing)?.order)
        }
        Letter::VerifyEmail { .. }
        | Letter::AlreadyRegistered
        | Letter::ResetPassword { .. }
        | Letter::PasswordChanged
        | Letter::ConfirmEmailChange { .. }
        | Letter::EmailChanged
        | Letter::AccountClosed
        | Letter::StaffInvitation { .. }
        | Letter::StaffResetPassword { .. }
        | Letter::SecondFactorChanged
        | Letter::GiftCard { .. }
        | Letter::BackInStock { .. }
        | Letter::StockDigest { .. } => None,
    };
    let downloads = match &order {
        Some(order) => links(app, order, now).await?,
        None => Vec::new(),
    };
    let (letter, shop_url) = (&message.letter, app.shop_url.as_str());
    app.templates.render(&Facts { letter, shop_url, order: order.as_ref(), downloads })
}

/// Links that end a while after the order was placed, not after this letter is written: a second
/// copy carries the same ones.
async fn links(app: &App, order: &Order, now: Timestamp) -> Result<Vec<Link>, Fault> {
    let guard = app.doors.guard(now).await?;
    let issued_at = order.placed_at.unwrap_or(order.created_at);
    let links = download::links(order, &guard.sealer, &app.shop_url, issued_at, |_| 0);
    Ok(links.into_iter().map(|link| Link { title: link.file_name, url: link.url }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_letter_is_refused_and_not_asked_for_again() {
        let event = r#"{"id":"evt_01ARZ3NDEKTSV4RRFFQ69G5FAV","at":"2026-11-02T09:00:00Z",
            "sequence":1,"type":"order.placed","order_id":"ord_01ARZ3NDEKTSV4RRFFQ69G5FAV"}"#;
        for body in [event, "{}", "", "null"] {
            let fault = read(body).unwrap_err();
            assert_eq!(fault.retry(), Retry::Useless, "{body}");
        }
    }
}
