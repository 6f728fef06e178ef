//! Outgoing webhooks: who is told, what there was to tell, and what became of it.
//!
//! | item | table | key |
//! |---|---|---|
//! | endpoint | identity | `WH#all` / `WH#id` |
//! | how many there are | identity | `WH#count` / META |
//! | an endpoint's secrets | identity | `WHS#id` / META |
//! | an event, as it is told | ephemeral | `WHE#date` / event id |
//! | a delivery | ephemeral | `WHD#endpoint` / event id |
//! | when a delivery is tried | ephemeral | `WHQ#due` / time#endpoint#event |
//! | how an endpoint fares | ephemeral | `WHH#id` / META |
//!
//! A delivery and its place in the queue of what is due are written together, the delivery under
//! its version: of two who try at once one has the lease. An event is written once and never
//! changed, so that whoever is told of it, now or in a month, is told the same.

use domain::event::Event;
use domain::fault::{Fault, Retry};
use domain::id::{EventId, WebhookId};
use domain::webhook::delivery::KEPT;
use domain::webhook::{Announcement, Delivery, ENDPOINTS_MAX, Endpoint, Health, Secrets};
use jiff::Timestamp;

use crate::item::{Item, Key, Page, Range, Saved, count, document, item, moment, number, text};
use crate::transaction::{Committed, Expression, Transaction, Updated};
use crate::{Store, Table, cart, outbox};

const ENDPOINTS: &str = "WH#all";
const DUE: &str = "WHQ#due";

/// What became of a new endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// It is there, with this version.
    Yes(u64),
    /// There are as many as there may be.
    TooMany,
}

fn endpoint_key(id: WebhookId) -> Key {
    Key::new(ENDPOINTS, format!("WH#{id}"))
}

fn count_key() -> Key {
    Key::meta("WH#count")
}

fn secrets_key(id: WebhookId) -> Key {
    Key::meta(format!("WHS#{id}"))
}

fn health_key(id: WebhookId) -> Key {
    Key::meta(format!("WHH#{id}"))
}

/// The day of an event, in UTC.
fn day(at: Timestamp) -> String {
    moment(at).chars().take(10).collect()
}

fn announcement_key(at: Timestamp, event: EventId) -> Key {
    Key::new(format!("WHE#{}", day(at)), event.to_string())
}

fn delivery_key(endpoint: WebhookId, event: EventId) -> Key {
    Key::new(format!("WHD#{endpoint}"), event.to_string())
}

fn due_key(delivery: &Delivery) -> Option<Key> {
    let due = delivery.due_at?;
    Some(Key::new(DUE, format!("{}#{}#{}", moment(due), delivery.endpoint, delivery.event)))
}

fn endpoint_item(endpoint: &Endpoint) -> Result<Item, Fault> {
    let mut row = item(&endpoint_key(endpoint.id), endpoint)?;
    row.insert("version".into(), count(endpoint.version + 1));
    Ok(row)
}

fn delivery_item(delivery: &Delivery) -> Result<Item, Fault> {
    let mut row = item(&delivery_key(delivery.endpoint, delivery.event), delivery)?;
    row.insert("version".into(), count(delivery.version + 1));
    row.insert("expires".into(), number(delivery.kept_until().as_second()));
    Ok(row)
}

impl Store {
    /// The endpoints, oldest first; there are few.
    pub async fn webhook_endpoints(&self) -> Result<Vec<Endpoint>, Fault> {
        let limit = i32::try_from(ENDPOINTS_MAX).unwrap_or(i32::MAX);
        let range = Range { limit: Some(limit), ..Range::default() };
        let page = self.query(Table::Identity, None, ENDPOINTS, range).await?;
        page.entries.into_iter().map(document).collect()
    }

    /// An endpoint.
    pub async fn webhook_endpoint(&self, id: WebhookId) -> Result<Option<Endpoint>, Fault> {
        self.get(Table::Identity, &endpoint_key(id), true).await
    }

    /// What signs an endpoint's webhooks.
    pub async fn webhook_secrets(&self, id: WebhookId) -> Result<Option<Secrets>, Fault> {
        self.get(Table::Identity, &secrets_key(id), true).await
    }

    /// Writes a new endpoint with its secret.
    pub async fn create_webhook_endpoint(
        &self,
        endpoint: &Endpoint,
        secrets: &Secrets,
        events: &[Event],
    ) -> Result<Created, Fault> {
        let mut transaction = Transaction::default();
        let condition = Expression::new("attribute_not_exists(there) OR there < :most")
            .value(":most", number(i64::from(ENDPOINTS_MAX)))
            .value(":one", number(1))
            .value(":none", number(0));
        let update = "SET there = if_not_exists(there, :none) + :one";
        transaction.update(self, Table::Identity, &count_key(), update, condition)?;
        let row = endpoint_item(endpoint)?;
        transaction.put(self, Table::Identity, row, Expression::absent())?;
        let row = item(&secrets_key(endpoint.id), secrets)?;
        transaction.put(self, Table::Identity, row, Expression::absent())?;
        events.iter().try_for_each(|event| outbox::say(self, &mut transaction, event))?;
        match transaction.commit(self, "create a webhook endpoint").await? {
            Committed::Yes => Ok(Created::Yes(endpoint.version + 1)),
            Committed::Refused(refused) if refused.iter().any(|(at, _)| *at == 0) => {
                Ok(Created::TooMany)
            }
            Committed::Refused(_) => {
                Err(Fault::noticed("create a webhook endpoint: its id is taken", Retry::Useless))
            }
        }
    }

    /// Writes a changed endpoint, if it is as it was loaded: its new version.
    pub async fn change_webhook_endpoint(
        &self,
        before: &Endpoint,
        after: &Endpoint,
        events: &[Event],
    ) -> Result<Option<u64>, Fault> {
        let mut transaction = Transaction::default();
        let condition = Expression::version(before.version);
        transaction.put(self, Table::Identity, endpoint_item(after)?, condition)?;
        events.iter().try_for_each(|event| outbox::say(self, &mut transaction, event))?;
        let done = transaction.commit(self, "change a webhook endpoint").await?;
        Ok(matches!(done, Committed::Yes).then_some(before.version + 1))
    }

    /// Writes another secret of an endpoint, if the endpoint is as it was loaded: its new version.
    /// Whoever rotates changes the endpoint, too, so that two do not do so at once.
    pub async fn rotate_webhook_secret(
        &self,
        before: &Endpoint,
        after: &Endpoint,
        secrets: &Secrets,
        events: &[Event],
    ) -> Result<Option<u64>, Fault> {
        let mut transaction = Transaction::default();
        let condition = Expression::version(before.version);
        transaction.put(self, Table::Identity, endpoint_item(after)?, condition)?;
        let row = item(&secrets_key(before.id), secrets)?;
        let there = Expression::new("attribute_exists(pk)");
        transaction.put(self, Table::Identity, row, there)?;
        events.iter().try_for_each(|event| outbox::say(self, &mut transaction, event))?;
        let done = transaction.commit(self, "rotate a webhook's secret").await?;
        Ok(matches!(done, Committed::Yes).then_some(before.version + 1))
    }

    /// Deletes an endpoint with its secret, if it is as it was loaded. What it was sent stays until
    /// it expires; what it was to be sent is skipped.
    pub async fn delete_webhook_endpoint(
        &self,
        endpoint: &Endpoint,
        events: &[Event],
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        let condition = Expression::version(endpoint.version);
        transaction.delete_if(self, Table::Identity, &endpoint_key(endpoint.id), condition)?;
        transaction.delete(self, Table::Identity, &secrets_key(endpoint.id))?;
        let some = Expression::new("there >= :one").value(":one", number(1));
        let update = "SET there = there - :one";
        transaction.update(self, Table::Identity, &count_key(), update, some)?;
        events.iter().try_for_each(|event| outbox::say(self, &mut transaction, event))?;
        Ok(cart::saved(&transaction.commit(self, "delete a webhook endpoint").await?))
    }

    /// Keeps an event as it is told. What is kept already stays as it was: it is what counts.
    pub async fn announce(&self, announced: Announcement) -> Result<Announcement, Fault> {
        let key = announcement_key(announced.at, announced.event);
        let mut row = item(&key, &announced)?;
        row.insert("expires".into(), number(announced.kept_until().as_second()));
        match self.put_if(Table::Ephemeral, row, Expression::absent()).await? {
            Saved::Yes => Ok(announced),
            Saved::Raced => {
                let kept = self.announcement(announced.at, announced.event).await?;
                Ok(kept.unwrap_or(announced))
            }
        }
    }

    /// An event as it is told, by its time and id.
    pub async fn announcement(
        &self,
        at: Timestamp,
        event: EventId,
    ) -> Result<Option<Announcement>, Fault> {
        self.get(Table::Ephemeral, &announcement_key(at, event), true).await
    }

    /// A page of the events of a day, behind this one.
    pub async fn announcements(
        &self,
        at: Timestamp,
        limit: i32,
        after: Option<EventId>,
    ) -> Result<Vec<Announcement>, Fault> {
        let position = after.map(|event| {
            let Key { pk, sk } = announcement_key(at, event);
            serde_json::json!({"pk": pk, "sk": sk}).to_string()
        });
        let position = position.as_deref();
        let range = Range { limit: Some(limit), position, ..Range::default() };
        let partition = format!("WHE#{}", day(at));
        let page = self.query(Table::Ephemeral, None, &partition, range).await?;
        page.entries.into_iter().map(document).collect()
    }

    /// A delivery.
    pub async fn delivery(
        &self,
        endpoint: WebhookId,
        event: EventId,
    ) -> Result<Option<Delivery>, Fault> {
        self.get(Table::Ephemeral, &delivery_key(endpoint, event), true).await
    }

    /// A page of an endpoint's deliveries, the newest event first.
    pub async fn deliveries(
        &self,
        endpoint: WebhookId,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Delivery>, Fault> {
        let range = Range { is_descending: true, limit: Some(limit), position, ..Range::default() };
        let partition = format!("WHD#{endpoint}");
        let page = self.query(Table::Ephemeral, None, &partition, range).await?;
        let entries = page.entries.into_iter().map(document).collect::<Result<_, _>>()?;
        Ok(Page { entries, next: page.next })
    }

    /// Writes a delivery with its place among what is due: a new one, if the endpoint is not told
    /// of the event already; a changed one, if it is as it was loaded.
    pub async fn save_delivery(
        &self,
        before: Option<&Delivery>,
        after: &Delivery,
        events: &[Event],
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        let condition = match before {
            Some(before) => Expression::version(before.version),
            None => Expression::absent(),
        };
        transaction.put(self, Table::Ephemeral, delivery_item(after)?, condition)?;
        let (old, new) = (before.and_then(due_key), due_key(after));
        let is_moved = old.as_ref().map(|key| &key.sk) != new.as_ref().map(|key| &key.sk);
        if let Some(old) = old.filter(|_| is_moved) {
            transaction.delete(self, Table::Ephemeral, &old)?;
        }
        if let Some(new) = new.filter(|_| is_moved) {
            let mut row: Item = new.attributes();
            row.insert("endpoint".into(), text(after.endpoint.to_string()));
            row.insert("event".into(), text(after.event.to_string()));
            row.insert("expires".into(), number(after.kept_until().as_second()));
            let any = Expression::new("attribute_exists(pk) OR attribute_not_exists(pk)");
            transaction.put(self, Table::Ephemeral, row, any)?;
        }
        events.iter().try_for_each(|event| outbox::say(self, &mut transaction, event))?;
        Ok(cart::saved(&transaction.commit(self, "save a delivery").await?))
    }

    /// What is due by now, the longest due first.
    pub async fn due_deliveries(
        &self,
        now: Timestamp,
        limit: i32,
    ) -> Result<Vec<(WebhookId, EventId)>, Fault> {
        // `~` sorts behind all that stands in a key: what is due this very moment is due.
        let up_to = format!("{}~", moment(now));
        let range = Range { up_to: Some(&up_to), limit: Some(limit), ..Range::default() };
        let page = self.query(Table::Ephemeral, None, DUE, range).await?;
        let due = page.entries.into_iter().map(document::<Due>);
        due.map(|due| due.map(|due| (due.endpoint, due.event))).collect()
    }

    /// Notes that an endpoint did not take something; how it has fared since it last did.
    pub async fn note_webhook_failure(
        &self,
        endpoint: WebhookId,
        now: Timestamp,
    ) -> Result<Health, Fault> {
        let update = "SET failing_since = if_not_exists(failing_since, :now), \
                      failures = if_not_exists(failures, :none) + :one, #expires = :expires";
        let expires = now.checked_add(KEPT).unwrap_or(Timestamp::MAX);
        let any = Expression::new("attribute_exists(pk) OR attribute_not_exists(pk)")
            .name("#expires", "expires")
            .value(":now", text(now.to_string()))
            .value(":none", number(0))
            .value(":one", number(1))
            .value(":expires", number(expires.as_second()));
        match self.update_if(Table::Ephemeral, &health_key(endpoint), update, any).await? {
            Updated::Yes(row) => document(row),
            Updated::Refused(_) => {
                Err(Fault::noticed("note a failure under no condition", Retry::Helps))
            }
        }
    }

    /// Forgets how an endpoint failed: it has taken something.
    pub async fn forget_webhook_failures(&self, endpoint: WebhookId) -> Result<(), Fault> {
        self.delete(Table::Ephemeral, &health_key(endpoint)).await
    }
}

/// A place among what is due.
#[derive(serde::Deserialize)]
struct Due {
    endpoint: WebhookId,
    event: EventId,
}
