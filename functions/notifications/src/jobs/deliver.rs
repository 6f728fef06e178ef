//! The queue of letters: claim, look whether the address may be written to, write, send, mark.
//!
//! An address whose mailbox does not exist, or whose reader called a letter spam, is not written to
//! — but for letters about security. They go out whatever the list says: each is asked for by
//! somebody a moment ago or warns of a theft, and nobody is to be able to silence a warning by
//! getting an address onto the list.
//!
//! Idempotent by the message's id: a letter that was sent is not sent again. Who dies between
//! sending and marking leaves a claim that lapses, and the very same letter goes out once more — a
//! second copy is better than none.

use api::download;
use domain::event::{Event, Fact, Letter, Message};
use domain::fault::{Fault, Retry};
use domain::id::OrderId;
use domain::message::{Delivery, Status};
use domain::order::Order;
use jiff::Timestamp;
use notify::{Edited, Facts, Link, Parcel, Posted, Rendered, Returned};
use store::message::Claim;
use store::order::OrderFile;

use crate::words::{self, Own};
use crate::{App, address};

const OP: &str = "notifications.jobs.deliver";

/// Delivers a letter.
pub async fn handle(app: &App, message: queue::Message, now: Timestamp) -> Result<(), Fault> {
    let receives = message.receives;
    let message = read(&message.body)?;
    let names = address::names(&app.doors.guard(now).await?.sealer, &message.to);
    let shop = app.store.shop().await?.value;
    let template = message.letter.template();
    let own = app.words.of(&app.store, template, &shop.default_locale, now).await?;
    let mut delivery = Delivery::queued(&message, names.current, now);
    delivery.words = own.as_ref().map(Own::name);
    let claimed = match app.store.claim_message(&delivery, now).await? {
        Claim::Ours(claimed) => claimed,
        Claim::Done => return Ok(()),
        Claim::Busy => {
            let tried = format!("deliver {}: somebody is at it", message.id);
            return Err(Fault::noticed(tried, Retry::Helps));
        }
    };
    // Whoever was forgotten meanwhile is nobody to write to.
    if message.to.is_erased() {
        return suppress(app, &message, now).await;
    }
    if !message.letter.is_about_security() && app.store.suppression(&names.all).await?.is_some() {
        return suppress(app, &message, now).await;
    }
    // Words that end the process take nine other letters with them each time, and no try of theirs
    // says why: the last one is the shop's own.
    let own = if receives < queue::RECEIVES_MAX {
        words::as_claimed(&app.store, template, own, claimed.words).await?
    } else {
        None
    };
    let Some(letter) = write(app, &message, own.as_ref(), now).await? else {
        let step = (Status::Sending, Status::Failed);
        app.store.move_message(message.id, step, Some("template_broken"), now).await?;
        return Ok(());
    };
    let (id, sender) = (message.id.to_string(), shop.mail_sender_name);
    let mailer = app.mailer.as_ref();
    let mailer = mailer.ok_or_else(|| Fault::noticed("deliver without a post", Retry::Useless))?;
    let sent = mailer.send(sender.as_deref(), &message.to, &letter, &id, template);
    let provider_id = match sent.await? {
        Posted::Yes(provider_id) => provider_id,
        Posted::Refused(code) => {
            let step = (Status::Sending, Status::Failed);
            app.store.move_message(message.id, step, Some(&code), now).await?;
            let tried = format!("deliver {id}: SES refuses with {code}");
            return Err(Fault::noticed(tried, Retry::Useless));
        }
    };
    app.store.message_sent(message.id, &provider_id, now).await?;
    tracing::info!(op = OP, message_id = id, template, "delivered");
    Ok(())
}

/// Writes down that a letter is not sent. Whoever took the claim over meanwhile does the same.
async fn suppress(app: &App, message: &Message, now: Timestamp) -> Result<(), Fault> {
    let step = (Status::Sending, Status::Suppressed);
    app.store.move_message(message.id, step, Some("address_suppressed"), now).await?;
    let template = message.letter.template();
    tracing::info!(op = OP, message_id = %message.id, template, "not sent: address suppressed");
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
        | Fact::FulfillmentMoved { .. }
        | Fact::RefundRequested { .. }
        | Fact::DisputeMoved { .. }
        | Fact::DisputeAnswered { .. }
        | Fact::CaptureRequested { .. }
        | Fact::RefundMoved { .. }
        | Fact::ReturnMoved { .. }
        | Fact::OrderMoved { .. }
        | Fact::OrderLinesCanceled { .. }
        | Fact::OrderEditClosed { .. }
        | Fact::OrderReopened { .. }
        | Fact::KeysAdded { .. }
        | Fact::TextRequested { .. }
        | Fact::AuditNoted { .. }
        | Fact::ExchangeDue { .. }
        | Fact::WebhookTest { .. }
        | Fact::WebhookReplay { .. }) => {
            let tried = format!("deliver {}, which is no letter", fact.name());
            Err(Fault::noticed(tried, Retry::Useless))
        }
    }
}

/// Writes the letter from the facts as they are recorded: the same facts are the same letter. The
/// merchant's own words are taken where there are any that can be written; no letter waits for them
/// to be mended. None for the test of a template that can not be written.
async fn write(
    app: &App,
    message: &Message,
    own: Option<&Own>,
    now: Timestamp,
) -> Result<Option<Rendered>, Fault> {
    let (mut parcel, mut returned, mut edit) = (None, None, None);
    let order = match &message.letter {
        Letter::OrderConfirmation { order_id }
        | Letter::LatePaymentRefunded { order_id }
        | Letter::OrderRefunded { order_id, .. }
        | Letter::OrderCanceled { order_id }
        | Letter::OrderLinesCanceled { order_id, .. }
        | Letter::ExchangeToPay { order_id, .. }
        | Letter::OrderLink { order_id, .. }
        | Letter::KeysReady { order_id } => Some(load(app, *order_id).await?.order),
        Letter::OrderShipped { order_id, fulfillment_id }
        | Letter::OrderDelivered { order_id, fulfillment_id } => {
            let file = load(app, *order_id).await?;
            let found = file.parcels.iter().find(|one| one.id == *fulfillment_id);
            let missing = || Fault::noticed(format!("find {fulfillment_id}"), Retry::Useless);
            parcel = Some(Parcel::of(&file.order, found.ok_or_else(missing)?));
            Some(file.order)
        }
        Letter::ReturnRequested { order_id, return_id }
        | Letter::ReturnApproved { order_id, return_id }
        | Letter::ReturnRejected { order_id, return_id }
        | Letter::ReturnReceived { order_id, return_id }
        | Letter::ReturnResolved { order_id, return_id } => {
            let file = load(app, *order_id).await?;
            let found = file.returns.iter().find(|one| one.id == *return_id);
            let missing = || Fault::noticed(format!("find {return_id}"), Retry::Useless);
            returned = Some(Returned::of(&file.order, found.ok_or_else(missing)?));
            Some(file.order)
        }
        Letter::OrderEditToApprove { order_id, number, .. }
        | Letter::OrderEdited { order_id, number, .. } => {
            let file = load(app, *order_id).await?;
            let found = file.edits.iter().find(|one| one.number == *number);
            let tried = || format!("find edit {number} of {order_id}");
            let missing = || Fault::noticed(tried(), Retry::Useless);
            edit = Some(Edited::of(&file.order, found.ok_or_else(missing)?));
            Some(file.order)
        }
        Letter::VerifyEmail { .. }
        | Letter::AlreadyRegistered
        | Letter::ResetPassword { .. }
        | Letter::PasswordChanged
        | Letter::ConfirmEmailChange { .. }
        | Letter::EmailChanged
        | Letter::AccountClosed
        | Letter::DataExported { .. }
        | Letter::DataErased
        | Letter::StaffInvitation { .. }
        | Letter::StaffResetPassword { .. }
        | Letter::SecondFactorChanged
        | Letter::GiftCard { .. }
        | Letter::BackInStock { .. }
        | Letter::PayLink { .. }
        | Letter::OrderEditClosed { .. }
        | Letter::DisputeOpened { .. }
        | Letter::CaptureDue { .. }
        | Letter::StockDigest { .. } => None,
        Letter::TemplateTest { of, locale, version } => {
            let own = words::version(&app.store, of, locale, *version).await?;
            return Ok(own.and_then(|own| own.sample(of)));
        }
    };
    let downloads = match &order {
        Some(order) => links(app, order, now).await?,
        None => Vec::new(),
    };
    let (letter, shop_url) = (&message.letter, app.shop_url.as_str());
    let order = order.as_ref();
    let facts = Facts { letter, shop_url, order, parcel, returned, edit, downloads };
    if let Some(written) = own.and_then(|own| own.write(letter.template(), &facts)) {
        return Ok(Some(written));
    }
    app.templates.render(&facts).map(Some)
}

async fn load(app: &App, id: OrderId) -> Result<OrderFile, Fault> {
    let file = app.store.order(id).await?;
    file.ok_or_else(|| Fault::noticed(format!("find {id}"), Retry::Useless))
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
