//! `webhooks` queue: an event of the outbox is written down as it is told, and becomes a delivery
//! for each endpoint that wants it; or an endpoint is told again of what it was told before.
//!
//! Whatever is done here is done once, however often the event comes: the words are written if they
//! are not, each delivery if it is not. A message about a delivery that is lost is sent by the
//! sweep of the next minute.

use api::view::webhook::EventBody;
use domain::event::{Event, Fact};
use domain::fault::{Fault, Retry};
use domain::id::{EventId, OrderId, WebhookId};
use domain::order::Order;
use domain::webhook::{Announcement, Delivery, Replay, Topic};
use jiff::{SignedDuration, Timestamp};
use queue::{Message, Name};
use store::Saved;

use crate::App;
use crate::errand::Errand;

/// Events of a day that a replay looks at with one message.
const PAGE: i32 = 50;
/// How often a lost race for a delivery is run again.
const RACES_MAX: usize = 5;

/// Tells of an event, or again of many.
pub async fn handle(app: &App, message: Message, now: Timestamp) -> Result<(), Fault> {
    let event: Event = serde_json::from_str(&message.body)
        .map_err(|error| Fault::new("read an event to tell of", error, Retry::Useless))?;
    if let Fact::WebhookReplay { replay } = &event.fact {
        return again(app, &event, replay, now).await;
    }
    let Some(topic) = event.fact.topic() else {
        let tried = format!("tell the merchant's systems of {}", event.fact.name());
        return Err(Fault::noticed(tried, Retry::Useless));
    };
    let announced = words(app, topic, &event).await?;
    let mut errands = Vec::new();
    for endpoint in app.store.webhook_endpoints().await? {
        let is_meant = announced.only.is_none_or(|only| only == endpoint.id);
        if is_meant && endpoint.takes(topic) {
            let delivery = Delivery::new(endpoint.id, &announced, now);
            // Where it is there already, it is on its way or has arrived.
            if app.store.save_delivery(None, &delivery, &[]).await? == Saved::Yes {
                errands.push(errand(endpoint.id, event.id)?);
            }
        }
    }
    send(app, &errands).await
}

/// The event as it is told: as it was written when it was first told of.
async fn words(app: &App, topic: Topic, event: &Event) -> Result<Announcement, Fault> {
    if let Some(kept) = app.store.announcement(event.at, event.id).await? {
        return Ok(kept);
    }
    let order = match order_of(&event.fact) {
        Some(id) => Some(order(app, id).await?),
        None => None,
    };
    let body = serde_json::to_string(&EventBody::of(topic, event, order))
        .map_err(|error| Fault::new("write what is told", error, Retry::Useless))?;
    let only = match &event.fact {
        Fact::WebhookTest { endpoint } => Some(*endpoint),
        Fact::OrderPlaced { .. }
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
        | Fact::AuditNoted { .. }
        | Fact::ExchangeDue { .. }
        | Fact::WebhookReplay { .. }
        | Fact::MessageRequested { .. }
        | Fact::TextRequested { .. } => None,
    };
    app.store.announce(Announcement { event: event.id, topic, at: event.at, body, only }).await
}

/// The order that an event is about.
fn order_of(fact: &Fact) -> Option<OrderId> {
    match fact {
        Fact::OrderPlaced { order_id }
        | Fact::OrderRefundedLate { order_id }
        | Fact::FulfillmentMoved { order_id, .. }
        | Fact::OrderLinesCanceled { order_id, .. }
        | Fact::OrderEditClosed { order_id, .. }
        | Fact::RefundRequested { order_id, .. }
        | Fact::DisputeMoved { order_id, .. }
        | Fact::DisputeAnswered { order_id, .. }
        | Fact::CaptureRequested { order_id }
        | Fact::RefundMoved { order_id, .. }
        | Fact::PaymentFailed { order_id }
        | Fact::ReturnMoved { order_id, .. }
        | Fact::OrderMoved { order_id, .. }
        | Fact::OrderReopened { order_id } => Some(*order_id),
        Fact::KeysAdded { .. }
        | Fact::AuditNoted { .. }
        | Fact::ExchangeDue { .. }
        | Fact::WebhookTest { .. }
        | Fact::WebhookReplay { .. }
        | Fact::MessageRequested { .. }
        | Fact::TextRequested { .. } => None,
    }
}

async fn order(app: &App, id: OrderId) -> Result<Order, Fault> {
    let file = app.store.order(id).await?;
    file.map(|file| file.order)
        .ok_or_else(|| Fault::noticed(format!("find {id} to tell of it"), Retry::Useless))
}

/// A page of a replay; the next one is asked for by whoever did this one.
async fn again(app: &App, event: &Event, replay: &Replay, now: Timestamp) -> Result<(), Fault> {
    let Some(endpoint) = app.store.webhook_endpoint(replay.endpoint).await? else {
        return Ok(());
    };
    let page = app.store.announcements(replay.from, PAGE, replay.after).await?;
    let mut errands = Vec::new();
    for announced in &page {
        let is_in = (replay.from..=replay.until).contains(&announced.at);
        let is_meant = announced.only.is_none_or(|only| only == endpoint.id);
        if is_in && is_meant && endpoint.takes(announced.topic) {
            tell_again(app, endpoint.id, announced, now).await?;
            errands.push(errand(endpoint.id, announced.event)?);
        }
    }
    send(app, &errands).await?;
    let last = page.last().map(|announced| announced.event);
    let Some(rest) = rest(replay, last) else { return Ok(()) };
    let next = Event { fact: Fact::WebhookReplay { replay: rest }, ..event.clone() };
    let body = serde_json::to_string(&next)
        .map_err(|error| Fault::new("write the rest of a replay", error, Retry::Useless))?;
    app.queues.send(Name::Webhooks, &body).await
}

/// What is left of a replay behind a page: of the same day, or from the next day on.
fn rest(replay: &Replay, last: Option<EventId>) -> Option<Replay> {
    if let Some(last) = last {
        return Some(Replay { after: Some(last), ..replay.clone() });
    }
    let day = SignedDuration::from_hours(24);
    let midnight = replay.from.as_second().div_euclid(day.as_secs()) * day.as_secs();
    let from = Timestamp::from_second(midnight).ok()?.checked_add(day).ok()?;
    (from <= replay.until).then(|| Replay { from, after: None, ..replay.clone() })
}

/// Begins a delivery anew, or for the first time.
async fn tell_again(
    app: &App,
    endpoint: WebhookId,
    announced: &Announcement,
    now: Timestamp,
) -> Result<(), Fault> {
    for _ in 0..RACES_MAX {
        let before = app.store.delivery(endpoint, announced.event).await?;
        let after = match &before {
            Some(before) => before.again(now),
            None => Delivery::new(endpoint, announced, now),
        };
        if app.store.save_delivery(before.as_ref(), &after, &[]).await? == Saved::Yes {
            return Ok(());
        }
    }
    Err(Fault::noticed("begin a delivery that never stands still", Retry::Helps))
}

fn errand(endpoint: WebhookId, event: EventId) -> Result<String, Fault> {
    Errand { endpoint, event }.write()
}

/// Sends word of deliveries; what the queue does not take, the sweep brings.
async fn send(app: &App, errands: &[String]) -> Result<(), Fault> {
    if errands.is_empty() {
        return Ok(());
    }
    app.queues.send_all(Name::WebhookDeliveries, errands).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_replay_goes_through_its_days_page_by_page_and_ends() {
        let endpoint = WebhookId::parse("whe_01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap();
        let event = EventId::parse("evt_01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap();
        let (from, until) = (at("2026-11-01T15:30:00Z"), at("2026-11-03T00:00:00Z"));
        let first = Replay { endpoint, from, until, after: None };
        let second = rest(&first, Some(event)).unwrap();
        assert_eq!((second.from, second.after), (from, Some(event)));
        let third = rest(&second, None).unwrap();
        assert_eq!((third.from, third.after), (at("2026-11-02T00:00:00Z"), None));
        let fourth = rest(&third, None).unwrap();
        assert_eq!(fourth.from, until);
        assert_eq!(rest(&fourth, None), None);
    }
}
