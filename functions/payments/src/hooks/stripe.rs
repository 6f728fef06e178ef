//! `POST /v1/hooks/stripe`: verify over the raw bytes, store, queue, acknowledge.
//!
//! An event is queued even if it was seen before: the first delivery may have died between storing
//! and queueing, and the job is idempotent. Types that we do not process are acknowledged, or
//! Stripe would send them for days.

use api::reply::View;
use api::who::Signed;
use api::{Problem, Raw, Reply};
use domain::fault::{Fault, Retry};
use gateway::webhook::{self, Event};
use http::StatusCode;
use queue::Name;
use runtime::Call;
use serde::Serialize;
use store::webhook::Seen;

use crate::App;
use crate::notice::{Notice, SESSION};

/// The events that change something here. README.md tells the operator to subscribe to them.
const KINDS: [&str; 21] = [
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "payment_intent.canceled",
    "payment_intent.amount_capturable_updated",
    "checkout.session.completed",
    "checkout.session.expired",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "charge.refunded",
    "charge.expired",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "radar.early_fraud_warning.created",
];

/// The acknowledgement.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct Received {
    /// Always true.
    received: bool,
}

impl View for Received {}

/// Takes an event.
pub async fn handle(app: &App, call: Call<Signed, Raw>) -> Reply<Received> {
    let keys = app.till()?.keys(call.now).await?;
    let signature = call.request.header("stripe-signature").unwrap_or_default();
    let body = &call.request.body;
    if let Err(refusal) = webhook::verify(signature, body, &keys.webhook_secrets, call.now) {
        tracing::warn!(op = "payments.hooks.stripe", why = ?refusal, "a webhook was refused");
        return Err(refused("invalid_signature", "The signature does not fit."));
    }
    let event = webhook::parse(body)
        .ok_or_else(|| refused("invalid_event", "The body is not an event of Stripe's."))?;
    if event.is_live != keys.is_live() {
        return Err(refused("livemode_mismatch", "The event is of the other mode."));
    }
    if let Some(created) = event.created {
        runtime::meter::heard_after(call.now.duration_since(created));
    }
    if let Some(notice) = notice(&event) {
        keep_and_queue(app, &call, event, &notice).await?;
    }
    Ok(Received { received: true })
}

fn refused(code: &'static str, detail: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, code, detail)
}

/// What there is to look into; nothing for other types and for objects that are not ours.
fn notice(event: &Event) -> Option<Notice> {
    if !KINDS.contains(&event.kind.as_str()) {
        return None;
    }
    let is_session = event.kind.starts_with(SESSION);
    // A refund that was made at Stripe itself names no order; its PaymentIntent does.
    if event.order.is_none() && (is_session || event.kind.starts_with("payment_intent.")) {
        return None;
    }
    // A Session has no PaymentIntent before its buyer has tried to pay.
    let names_its_object = if is_session { event.object.is_some() } else { event.intent.is_some() };
    names_its_object.then(|| Notice {
        event_id: event.id.clone(),
        kind: event.kind.clone(),
        intent: event.intent.clone(),
        order: event.order,
        object: event.object.clone(),
    })
}

async fn keep_and_queue(
    app: &App,
    call: &Call<Signed, Raw>,
    event: Event,
    notice: &Notice,
) -> Result<(), Fault> {
    let message = serde_json::to_string(notice)
        .map_err(|error| Fault::new("write a notice", error, Retry::Useless))?;
    let at = call.now;
    let seen = Seen { event_id: event.id, kind: event.kind, notice: message.clone(), at };
    app.store.keep_webhook(&seen).await?;
    let queues = app
        .queues
        .as_ref()
        .ok_or_else(|| Fault::noticed("queue a notice without a queue", Retry::Useless))?;
    queues.send(Name::StripeEvents, &message).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str) -> Event {
        Event {
            id: "evt_1".into(),
            kind: kind.into(),
            created: None,
            is_live: false,
            object: Some("pi_1".into()),
            intent: Some("pi_1".into()),
            order: domain::id::OrderId::parse("ord_01ARZ3NDEKTSV4RRFFQ69G5FAV").ok(),
            payment: None,
        }
    }

    #[test]
    fn every_kind_that_moves_an_order_is_looked_into() {
        for kind in KINDS {
            assert!(notice(&event(kind)).is_some(), "{kind}");
        }
    }

    #[test]
    fn the_operator_is_told_to_subscribe_to_exactly_these() {
        let readme = include_str!("../../../../README.md");
        let step = readme.split("**3. Tell Stripe where events go**").nth(1).unwrap();
        let list = step.split("A shop with an account at EasyPost").next().unwrap();
        let spans = list.split('`').skip(1).step_by(2);
        let is_kind = |span: &&str| span.contains('.') && !span.contains('/');
        let mut told: Vec<&str> = spans.filter(is_kind).collect();
        let mut wanted = KINDS.to_vec();
        told.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(told, wanted);
    }

    #[test]
    fn what_is_not_ours_is_acknowledged_and_left() {
        assert!(notice(&event("customer.created")).is_none());
        assert!(notice(&Event { order: None, ..event(KINDS[0]) }).is_none());
        assert!(notice(&Event { intent: None, ..event(KINDS[0]) }).is_none());
        assert!(notice(&Event { order: None, ..event("refund.created") }).is_some());
        assert!(notice(&Event { intent: None, ..event("refund.created") }).is_none());
        assert!(notice(&Event { order: None, ..event("charge.expired") }).is_some());
        let expired = "checkout.session.expired";
        assert!(notice(&Event { intent: None, ..event(expired) }).is_some());
        assert!(notice(&Event { order: None, ..event(expired) }).is_none());
        assert!(notice(&Event { object: None, ..event(expired) }).is_none());
    }
}
