//! The queue of texts: is there a confirmed number whose holder agreed, is it a time to text,
//! claim, look whether they said STOP, send, mark.
//!
//! Who has no number, or has taken their word back, is not texted, and nothing is written down of
//! it. What comes in the quiet hours of the number's country waits in the queue, a quarter of an
//! hour at a time, and everything is asked again when it comes back: a STOP of the night counts in
//! the morning.
//!
//! Idempotent by the text's id, as letters are.

use domain::consent::Purpose;
use domain::event::{Event, Fact, Letter};
use domain::fault::{Fault, Retry};
use domain::id::{EventId, FulfillmentId};
use domain::invoice::locale_of;
use domain::message::{Delivery, Status};
use domain::phone::Phone;
use domain::shop::Shop;
use domain::text::{CODE_PURPOSE, SEGMENTS_MAX, Says, Text, code_of};
use jiff::Timestamp;
use queue::{DELAY_SECONDS_MAX, Name};
use store::message::Claim;
use texts::{Texted, Topic, segments, write};

use crate::{App, address};

const OP: &str = "notifications.jobs.deliver_text";

/// Delivers a text.
pub async fn handle(app: &App, message: queue::Message, now: Timestamp) -> Result<(), Fault> {
    let text = read(&message.body)?;
    let Some((phone, code)) = receiver(app, &text, now).await? else {
        tracing::info!(op = OP, message_id = %text.id, "nobody is to be texted");
        if text.has_waited {
            let step = (Status::Queued, Status::Suppressed);
            app.store.move_message(text.id, step, Some("nobody_to_text"), now).await?;
        }
        return Ok(());
    };
    let names = address::names_of_phone(&app.doors.guard(now).await?.sealer, &phone);
    let delivery = Delivery::texted(&text, &phone, names.current, now);
    let shop = app.store.shop().await?.value;
    if shop.texts.is_on && shop.texts.has_to_wait(&text.says, &phone, now) {
        app.store.await_message(&delivery).await?;
        return wait(app, text, now).await;
    }
    match app.store.claim_message(&delivery, now).await? {
        Claim::Ours(_) => {}
        Claim::Done => return Ok(()),
        Claim::Busy => {
            let tried = format!("text {}: somebody is at it", text.id);
            return Err(Fault::noticed(tried, Retry::Helps));
        }
    }
    if !shop.texts.is_on {
        return end(app, &text, Status::Suppressed, "texts_off", now).await;
    }
    if app.store.suppression(&names.all).await?.is_some() {
        return end(app, &text, Status::Suppressed, "address_suppressed", now).await;
    }
    let Some(words) = words(app, &text, code.as_deref(), &shop).await? else {
        return end(app, &text, Status::Failed, "nothing_to_say", now).await;
    };
    // Nothing is cut off in silence.
    if segments(&words) > SEGMENTS_MAX {
        return end(app, &text, Status::Failed, "text_too_long", now).await;
    }
    let texter = app.texter.as_ref();
    let texter = texter.ok_or_else(|| Fault::noticed("text without SNS", Retry::Useless))?;
    match texter.send(&phone, &words).await? {
        Texted::Yes(provider_id) => {
            app.store.message_sent(text.id, &provider_id, now).await?;
            let (kind, parts) = (text.says.name(), segments(&words));
            tracing::info!(op = OP, message_id = %text.id, kind, parts, "texted");
            Ok(())
        }
        Texted::Refused(code) => {
            end(app, &text, Status::Failed, &code, now).await?;
            let tried = format!("text {}: SNS refuses with {code}", text.id);
            Err(Fault::noticed(tried, Retry::Useless))
        }
    }
}

/// Puts a text that is in the log back into its queue, for a quarter of an hour.
async fn wait(app: &App, text: Text, now: Timestamp) -> Result<(), Fault> {
    let queues = app.queues.as_ref();
    let missing = || Fault::noticed("let a text wait without a queue", Retry::Useless);
    let queues = queues.ok_or_else(missing)?;
    let id = EventId::from_ulid(text.id.ulid());
    let fact = Fact::TextRequested { text: Text { has_waited: true, ..text } };
    let body = serde_json::to_string(&Event { id, at: now, sequence: 1, fact })
        .map_err(|error| Fault::new("write a text's request", error, Retry::Useless))?;
    queues.send_later(Name::Texts, &body, DELAY_SECONDS_MAX).await
}

/// Where a text goes, and the code that it carries; none where nobody is to be texted.
async fn receiver(
    app: &App,
    text: &Text,
    now: Timestamp,
) -> Result<Option<(Phone, Option<String>)>, Fault> {
    match &text.says {
        Says::Code => {
            let pending = app.store.pending_phone(text.customer).await?;
            // Another one was asked for, or it came too late.
            let asked = pending.filter(|one| one.message == text.id && one.is_open(now));
            let Some(pending) = asked else { return Ok(None) };
            let guard = app.doors.guard(now).await?;
            let code = code_of(&guard.sealer.seal(CODE_PURPOSE, &pending.sealed_text()));
            Ok(Some((pending.phone, Some(code))))
        }
        Says::About { .. } => {
            let Some(confirmed) = app.store.phone(text.customer).await? else { return Ok(None) };
            let last = app.store.last_consent(text.customer, Purpose::OrderSms).await?;
            let is_agreed = last.is_some_and(|last| last.is_given);
            Ok(is_agreed.then_some((confirmed.phone, None)))
        }
    }
}

/// What the text says, from the facts as they are recorded; none where there is nothing to tell.
async fn words(
    app: &App,
    text: &Text,
    code: Option<&str>,
    shop: &Shop,
) -> Result<Option<String>, Fault> {
    let letter = match &text.says {
        Says::Code => {
            let locale = &shop.default_locale;
            return Ok(code.map(|code| write(Topic::Code { code }, &shop.name, locale)));
        }
        Says::About { letter } => letter,
    };
    let Some(order_id) = letter.order() else { return Ok(None) };
    let Some(file) = app.store.order(order_id).await? else { return Ok(None) };
    let locale = locale_of(&file.order, shop);
    let (number, page) = (file.order.number.as_str(), app.shop_url.as_str());
    let followed = |id: FulfillmentId| {
        let parcel = file.parcels.iter().find(|one| one.id == id);
        parcel.and_then(|one| one.carriage.tracking_url.as_deref()).unwrap_or(page)
    };
    // Letters that no text goes with: none of them is ever asked for.
    let topic = if let Letter::OrderConfirmation { .. } = letter {
        Topic::Confirmed { number, url: page }
    } else if let Letter::OrderShipped { fulfillment_id, .. } = letter {
        Topic::Shipped { number, url: followed(*fulfillment_id) }
    } else if let Letter::OrderDelivered { .. } = letter {
        Topic::Delivered { number }
    } else {
        return Ok(None);
    };
    Ok(Some(write(topic, &shop.name, &locale)))
}

/// Writes down that a text is not sent. Whoever took the claim over meanwhile does the same.
async fn end(
    app: &App,
    text: &Text,
    status: Status,
    reason: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    let step = (Status::Sending, status);
    app.store.move_message(text.id, step, Some(reason), now).await?;
    tracing::info!(op = OP, message_id = %text.id, kind = text.says.name(), reason, "not texted");
    Ok(())
}

/// The text that a message of the queue asks for.
fn read(body: &str) -> Result<Text, Fault> {
    let event: Event = serde_json::from_str(body)
        .map_err(|error| Fault::new("read a text's request", error, Retry::Useless))?;
    if let Fact::TextRequested { text } = event.fact {
        return Ok(text);
    }
    let tried = format!("text {}, which is no text", event.fact.name());
    Err(Fault::noticed(tried, Retry::Useless))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_refused_and_not_asked_for_again() {
        let event = r#"{"id":"evt_01ARZ3NDEKTSV4RRFFQ69G5FAV","at":"2026-11-02T09:00:00Z",
            "sequence":1,"type":"order.placed","order_id":"ord_01ARZ3NDEKTSV4RRFFQ69G5FAV"}"#;
        for body in [event, "{}", "", "null"] {
            assert_eq!(read(body).err().map(|fault| fault.retry()), Some(Retry::Useless), "{body}");
        }
    }

    #[test]
    fn a_request_names_a_customer_and_no_number() {
        let body = r#"{"id":"evt_01ARZ3NDEKTSV4RRFFQ69G5FAV","at":"2026-11-02T09:00:00Z",
            "sequence":1,"type":"text.requested","text":{"id":"msg_01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "customer":"cus_01ARZ3NDEKTSV4RRFFQ69G5FAV","says":{"says":"code"}}}"#;
        assert_eq!(read(body).unwrap().says, Says::Code);
    }
}
