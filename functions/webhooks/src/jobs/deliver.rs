//! `webhook-deliveries` queue: one event is brought to one endpoint.
//!
//! Lease, bring, write down. Of two who are told to, one has the lease; who dies with it leaves it
//! to lapse, and the event is brought again: at least once, under the same id. What the other side
//! does is no failure of ours: the message is done, and the next try stands in the table.

use courier::{Brought, Courier, Parcel};
use domain::audit::{Actor, Entry, changes};
use domain::event::{Event, Fact};
use domain::fault::{Fault, Retry};
use domain::id::{AuditId, EventId};
use domain::webhook::delivery::{Attempt, State};
use domain::webhook::{Announcement, Delivery, Endpoint, Why};
use jiff::Timestamp;
use queue::Message;
use serde_json::json;
use store::Saved;

use crate::App;
use crate::errand::Errand;

/// How often it is tried to write down what became of it.
const RACES_MAX: usize = 3;

/// Brings an event, if it is time.
pub async fn handle(app: &App, message: Message, now: Timestamp) -> Result<(), Fault> {
    let Errand { endpoint: id, event } = Errand::read(&message.body)?;
    let Some(delivery) = app.store.delivery(id, event).await? else { return Ok(()) };
    if !delivery.is_due(now) {
        return Ok(());
    }
    let endpoint = app.store.webhook_endpoint(id).await?;
    let wanted = endpoint.filter(|endpoint| delivery.is_for(endpoint));
    let told = app.store.announcement(delivery.at, event).await?;
    let (Some(endpoint), Some(told)) = (wanted, told) else {
        // Whoever races us finds the same.
        app.store.save_delivery(Some(&delivery), &delivery.skipped(), &[]).await?;
        return Ok(());
    };
    let leased = delivery.leased(now);
    if app.store.save_delivery(Some(&delivery), &leased, &[]).await? == Saved::Raced {
        return Ok(());
    }
    let leased = Delivery { version: delivery.version + 1, ..leased };
    let attempt = bring(app, &endpoint, &told, now).await?;
    write_down(app, &endpoint, leased, attempt, now).await
}

/// Signs and brings what is told.
async fn bring(
    app: &App,
    endpoint: &Endpoint,
    told: &Announcement,
    now: Timestamp,
) -> Result<Attempt, Fault> {
    let missing =
        |what: &str| Fault::noticed(format!("bring a webhook without {what}"), Retry::Useless);
    let courier: &Courier = app.courier.as_ref().ok_or_else(|| missing("a courier"))?;
    let secrets = app.store.webhook_secrets(endpoint.id).await?;
    let secrets = secrets.ok_or_else(|| missing("a secret"))?;
    let id = told.event.to_string();
    let signature = secrets.signature(&id, now, &told.body);
    let (timestamp, body) = (now.as_second(), told.body.as_str());
    let parcel = Parcel { id: &id, timestamp, signature: &signature, body };
    Ok(match courier.bring(&endpoint.url, parcel).await {
        Brought::Answered { status, answer } => Attempt::answered(now, status, &answer),
        Brought::Not(outcome) => Attempt::unanswered(now, outcome),
    })
}

/// Writes down what became of it: with the delivery, and with the endpoint's health.
async fn write_down(
    app: &App,
    endpoint: &Endpoint,
    leased: Delivery,
    attempt: Attempt,
    now: Timestamp,
) -> Result<(), Fault> {
    let is_gone = attempt.says_gone();
    let outcome = attempt.outcome;
    let chance = app.ids.ulid(now).random();
    let after = leased.after(attempt, u64::try_from(chance & 0xFFFF).unwrap_or(0));
    // Somebody who begins it anew meanwhile is obeyed: it is brought once more.
    app.store.save_delivery(Some(&leased), &after, &[]).await?;
    tracing::info!(
        op = "webhooks.jobs.deliver",
        endpoint = %endpoint.id,
        event = %after.event,
        ?outcome,
        tries = after.tries,
        "a webhook was brought"
    );
    if after.state == State::Delivered {
        return app.store.forget_webhook_failures(endpoint.id).await;
    }
    let health = app.store.note_webhook_failure(endpoint.id, now).await?;
    if is_gone {
        return give_up(app, endpoint, Why::Gone, now).await;
    }
    if health.is_hopeless(now) {
        return give_up(app, endpoint, Why::Failing, now).await;
    }
    Ok(())
}

/// Switches an endpoint off, as it stands now.
async fn give_up(app: &App, endpoint: &Endpoint, why: Why, now: Timestamp) -> Result<(), Fault> {
    let mut endpoint = endpoint.clone();
    for _ in 0..RACES_MAX {
        let Some(off) = endpoint.give_up(why, now) else { return Ok(()) };
        let said = [disabled(app, &endpoint, why, now)];
        if app.store.change_webhook_endpoint(&endpoint, &off, &said).await?.is_some() {
            let id = endpoint.id;
            tracing::warn!(alarm = "webhook_disabled", endpoint = %id, ?why, "an endpoint is off");
            return Ok(());
        }
        let Some(now_there) = app.store.webhook_endpoint(endpoint.id).await? else {
            return Ok(());
        };
        endpoint = now_there;
    }
    Err(Fault::noticed("switch an endpoint off that never stands still", Retry::Helps))
}

/// The shop itself did it.
fn disabled(app: &App, endpoint: &Endpoint, why: Why, now: Timestamp) -> Event {
    let ulid = app.ids.ulid(now);
    let reason = match why {
        Why::Failing => "failing",
        Why::Gone => "gone",
    };
    let entry = Entry {
        id: AuditId::from_ulid(ulid),
        at: now,
        actor: Actor::System,
        action: "webhook.disable".to_owned(),
        object: Some(endpoint.id.to_string()),
        network: None,
        request_id: None,
        changes: changes(
            &json!({"status": "active"}),
            &json!({"status": "disabled", "reason": reason}),
        ),
    };
    let fact = Fact::AuditNoted { entry };
    Event { id: EventId::from_ulid(ulid), at: now, sequence: 1, fact }
}
