//! The queue of letters: claim, look whether the address may be written to, write, send, mark.
//!
//! A letter about an order is in the language of the order's papers, where the merchant has words
//! in that one; else in those of the shop's usual language, else in the shop's own.
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
use domain::catalog::Locale;
use domain::event::{Event, Fact, Letter, Message};
use domain::fault::{Fault, Retry};
use domain::id::OrderId;
use domain::invoice::locale_of;
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
    let file = match order_of(&message.letter) {
        Some(id) => Some(load(app, id).await?),
        None => None,
    };
    // An account has no language of its own: it is written to in the shop's.
    let usual = &shop.default_locale;
    let locale = file.as_ref().map_or_else(|| usual.clone(), |it| locale_of(&it.order, &shop));
    let own = app.words.of(&app.store, template, &[&locale, usual], now).await?;
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
    let Some(letter) = write(app, &message.letter, file.as_ref(), own.as_ref(), now).await? else {
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
        | Fact::PaymentFailed { .. }
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

/// The order that a letter is about, and its language is taken from.
const fn order_of(letter: &Letter) -> Option<OrderId> {
    match letter {
        Letter::OrderConfirmation { order_id }
        | Letter::LatePaymentRefunded { order_id }
        | Letter::PaymentFailed { order_id, .. }
        | Letter::OrderShipped { order_id, .. }
        | Letter::OrderDelivered { order_id, .. }
        | Letter::OrderRefunded { order_id, .. }
        | Letter::OrderCanceled { order_id }
        | Letter::OrderLinesCanceled { order_id, .. }
        | Letter::ExchangeToPay { order_id, .. }
        | Letter::OrderEditToApprove { order_id, .. }
        | Letter::OrderEdited { order_id, .. }
        | Letter::OrderLink { order_id, .. }
        | Letter::ReturnRequested { order_id, .. }
        | Letter::ReturnApproved { order_id, .. }
        | Letter::ReturnRejected { order_id, .. }
        | Letter::ReturnReceived { order_id, .. }
        | Letter::ReturnResolved { order_id, .. }
        | Letter::KeysReady { order_id } => Some(*order_id),
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
        | Letter::TemplateTest { .. }
        | Letter::DisputeOpened { .. }
        | Letter::CaptureDue { .. }
        | Letter::StockDigest { .. } => None,
    }
}

/// Writes the letter from the facts as they are recorded: the same facts are the same letter. The
/// merchant's own words are taken where there are any that can be written; no letter waits for them
/// to be mended. None for the test of a template that can not be written.
async fn write(
    app: &App,
    letter: &Letter,
    file: Option<&OrderFile>,
    own: Option<&Own>,
    now: Timestamp,
) -> Result<Option<Rendered>, Fault> {
    if let Letter::TemplateTest { of, locale, version } = letter {
        let own = words::version(&app.store, of, locale, *version).await?;
        return Ok(own.and_then(|own| own.sample(of)));
    }
    let downloads = match file {
        Some(file) => links(app, &file.order, now).await?,
        None => Vec::new(),
    };
    if let Some(own) = own {
        let facts = facts(app, letter, file, own.locale(), &downloads)?;
        if let Some(written) = own.write(letter.template(), &facts) {
            return Ok(Some(written));
        }
    }
    // The shop's own words are English.
    let facts = facts(app, letter, file, &Locale::default(), &downloads)?;
    app.templates.render(&facts).map(Some)
}

/// What a letter is written from.
fn facts<'a>(
    app: &'a App,
    letter: &'a Letter,
    file: Option<&'a OrderFile>,
    locale: &Locale,
    downloads: &[Link],
) -> Result<Facts<'a>, Fault> {
    let mut facts = Facts {
        letter,
        shop_url: app.shop_url.as_str(),
        locale: locale.clone(),
        order: file.map(|file| &file.order),
        parcel: None,
        returned: None,
        edit: None,
        downloads: downloads.to_vec(),
    };
    let Some(file) = file else { return Ok(facts) };
    if let Letter::OrderShipped { fulfillment_id: id, .. }
    | Letter::OrderDelivered { fulfillment_id: id, .. } = letter
    {
        let found = file.parcels.iter().find(|one| one.id == *id).ok_or_else(|| missing(id))?;
        facts.parcel = Some(Parcel::of(&file.order, found));
    }
    if let Letter::ReturnRequested { return_id: id, .. }
    | Letter::ReturnApproved { return_id: id, .. }
    | Letter::ReturnRejected { return_id: id, .. }
    | Letter::ReturnReceived { return_id: id, .. }
    | Letter::ReturnResolved { return_id: id, .. } = letter
    {
        let found = file.returns.iter().find(|one| one.id == *id).ok_or_else(|| missing(id))?;
        facts.returned = Some(Returned::of(&file.order, found, locale));
    }
    if let Letter::OrderEditToApprove { number, .. } | Letter::OrderEdited { number, .. } = letter {
        let found = file.edits.iter().find(|one| one.number == *number);
        let found = found.ok_or_else(|| missing(&format!("edit {number} of {}", file.order.id)))?;
        facts.edit = Some(Edited::of(&file.order, found, locale));
    }
    Ok(facts)
}

fn missing(what: &dyn std::fmt::Display) -> Fault {
    Fault::noticed(format!("find {what}"), Retry::Useless)
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
