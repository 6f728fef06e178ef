//! Letters on their way to people, and the addresses that are not written to.
//!
//! | item | table | key |
//! |---|---|---|
//! | a letter, and what became of it | ephemeral | `MSG#id` / META |
//! | letters about an order | ephemeral | `MSGS#order` / time#id |
//! | an address that is not written to | identity | `SUPP#hash` / META, listed by `every` |
//!
//! A letter is claimed before it is sent and marked after. Who dies in between leaves a claim that
//! lapses, and the letter is sent again with the very same content: at least once, never two
//! different ones. No row holds an address.

use std::collections::HashMap;

use domain::event::Event;
use domain::fault::Fault;
use domain::id::{MessageId, OrderId};
use domain::message::{Delivery, Status, Suppression};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::item::{Item, Key, Page, Range, Saved, document, item, moment, number, text};
use crate::transaction::{Committed, Expression, Transaction, Updated};
use crate::{Store, Table, cart, outbox};

/// How long a claim holds: longer than a delivery takes, shorter than the queue's patience.
const LEASE: SignedDuration = SignedDuration::from_secs(20);
/// The list of every address that is not written to.
const SUPPRESSED: &str = "SUPP#all";

/// What became of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Send it, as it was first written down.
    Ours(Box<Delivery>),
    /// It was sent, or is not to be sent.
    Done,
    /// Somebody is sending it now.
    Busy,
}

/// Points to a letter about an order.
#[derive(Serialize, Deserialize)]
struct Pointer {
    message: MessageId,
}

fn key(id: MessageId) -> Key {
    Key::meta(format!("MSG#{id}"))
}

pub(crate) fn suppression_key(id: &str) -> Key {
    Key::meta(format!("SUPP#{id}"))
}

fn status_value(status: Status) -> aws_sdk_dynamodb::types::AttributeValue {
    text(status.code())
}

impl Store {
    /// Claims a letter for sending; the first claim writes it down.
    pub async fn claim_message(&self, delivery: &Delivery, now: Timestamp) -> Result<Claim, Fault> {
        let lease = number(now.as_second().saturating_add(LEASE.as_secs()));
        let mut transaction = Transaction::default();
        let sending = Delivery { status: Status::Sending, ..delivery.clone() };
        let mut row = row(&sending)?;
        row.insert("lease_until".into(), lease.clone());
        let words = row.get("words").cloned();
        transaction.put(self, Table::Ephemeral, row, Expression::absent())?;
        self.point(&mut transaction, delivery)?;
        let refused = match transaction.commit(self, "claim a letter").await? {
            Committed::Yes => return Ok(Claim::Ours(Box::new(sending))),
            Committed::Refused(refused) => refused,
        };
        let found = refused.into_iter().find_map(|(position, item)| item.filter(|_| position == 0));
        let Some(found) = found else { return Ok(Claim::Busy) };
        let before = document::<Delivery>(found)?.status;
        match before {
            Status::Queued | Status::Sending | Status::Failed => {}
            Status::Sent
            | Status::Delivered
            | Status::Bounced
            | Status::Complained
            | Status::Suppressed => return Ok(Claim::Done),
        }
        let mut condition =
            Expression::new("#status = :before AND (#status <> :sending OR lease_until < :now)")
                .name("#status", "status")
                .value(":before", status_value(before))
                .value(":sending", status_value(Status::Sending))
                .value(":now", number(now.as_second()))
                .value(":lease", lease);
        let mut update = "SET #status = :sending, lease_until = :lease".to_owned();
        // Which words it is written with is decided by the first who works on it.
        if let (Status::Queued, Some(words)) = (before, words) {
            condition = condition.name("#words", "words").value(":words", words);
            update.push_str(", #words = :words");
        }
        match self.update_if(Table::Ephemeral, &key(delivery.id), &update, condition).await? {
            Updated::Yes(row) => Ok(Claim::Ours(Box::new(document(row)?))),
            Updated::Refused(_) => Ok(Claim::Busy),
        }
    }

    /// Lists a letter under its order.
    pub(crate) fn point(
        &self,
        transaction: &mut Transaction,
        delivery: &Delivery,
    ) -> Result<(), Fault> {
        let Some(order) = delivery.order else { return Ok(()) };
        let place = format!("{}#{}", moment(delivery.queued_at), delivery.id);
        let pointer = Key::new(format!("MSGS#{order}"), place);
        let mut row = item(&pointer, &Pointer { message: delivery.id })?;
        row.insert("expires".into(), expiry(delivery));
        // Under the same time only the same letter is written again.
        let always = Expression::new("attribute_exists(pk) OR attribute_not_exists(pk)");
        transaction.put(self, Table::Ephemeral, row, always)
    }

    /// Remembers that a letter was sent, and under which id of the mail service. Where its news
    /// was faster, it stays where the news has put it.
    pub async fn message_sent(
        &self,
        id: MessageId,
        provider_id: &str,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let sending = Expression::new("#status = :sending")
            .name("#status", "status")
            .value(":sending", status_value(Status::Sending))
            .value(":sent", status_value(Status::Sent))
            .value(":provider", text(provider_id))
            .value(":now", text(now.to_string()));
        let update = "SET #status = :sent, provider_id = :provider, sent_at = :now";
        match self.update_if(Table::Ephemeral, &key(id), update, sending).await? {
            // Refused without a row where it is gone by its age: nobody asks for it any more.
            Updated::Yes(_) | Updated::Refused(None) => return Ok(()),
            Updated::Refused(Some(_)) => {}
        }
        let late = Expression::new("attribute_exists(pk)")
            .value(":provider", text(provider_id))
            .value(":now", text(now.to_string()));
        let update = "SET provider_id = :provider, sent_at = :now";
        self.update_if(Table::Ephemeral, &key(id), update, late).await.map(drop)
    }

    /// Moves a letter on, as long as it stands where it was seen.
    pub async fn move_message(
        &self,
        id: MessageId,
        (from, to): (Status, Status),
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<Saved, Fault> {
        let mut condition = Expression::new("#status = :from")
            .name("#status", "status")
            .value(":from", status_value(from))
            .value(":to", status_value(to))
            .value(":now", text(now.to_string()));
        let mut update = "SET #status = :to, settled_at = :now".to_owned();
        condition = condition.name("#reason", "reason");
        if let Some(reason) = reason {
            condition = condition.value(":reason", text(reason));
            update.push_str(", #reason = :reason");
        } else {
            update.push_str(" REMOVE #reason");
        }
        match self.update_if(Table::Ephemeral, &key(id), &update, condition).await? {
            Updated::Yes(_) => Ok(Saved::Yes),
            Updated::Refused(_) => Ok(Saved::Raced),
        }
    }

    /// A letter in the log.
    pub async fn message(&self, id: MessageId) -> Result<Option<Delivery>, Fault> {
        self.get(Table::Ephemeral, &key(id), true).await
    }

    /// The letters about an order, oldest first: one query, and one batch for what became of them.
    pub async fn messages_about(
        &self,
        order: OrderId,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Delivery>, Fault> {
        let range = Range { limit: Some(limit), position, ..Range::default() };
        let page = self.query(Table::Ephemeral, None, &format!("MSGS#{order}"), range).await?;
        let pointers = page.entries.into_iter().map(document);
        let pointers = pointers.collect::<Result<Vec<Pointer>, Fault>>()?;
        if pointers.is_empty() {
            return Ok(Page { entries: Vec::new(), next: page.next });
        }
        let keys: Vec<Key> = pointers.iter().map(|pointer| key(pointer.message)).collect();
        let mut found: HashMap<MessageId, Delivery> = HashMap::new();
        for row in self.batch_get(Table::Ephemeral, &keys, true).await? {
            let delivery: Delivery = document(row)?;
            found.insert(delivery.id, delivery);
        }
        let entries = pointers.iter().filter_map(|pointer| found.remove(&pointer.message));
        Ok(Page { entries: entries.collect(), next: page.next })
    }

    /// Takes mask and hash of its reader's address out of a letter's entry; what became of the
    /// letter stays.
    pub async fn forget_reader(&self, id: MessageId) -> Result<(), Fault> {
        let exists = Expression::new("attribute_exists(pk)")
            .name("#to", "to")
            .value(":erased", text(domain::privacy::ERASED));
        let update = "SET #to = :erased, address = :erased";
        match self.update_if(Table::Ephemeral, &key(id), update, exists).await? {
            Updated::Yes(_) | Updated::Refused(_) => Ok(()),
        }
    }

    /// Asks for a letter once more: another letter, counted by the one that it repeats.
    pub async fn repeat_message(
        &self,
        before: &Delivery,
        repeat: &Delivery,
        events: &[Event],
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        let counted = Expression::new("resends = :before")
            .value(":before", number(i64::from(before.resends)))
            .value(":after", number(i64::from(before.resends) + 1));
        let update = "SET resends = :after";
        transaction.update(self, Table::Ephemeral, &key(before.id), update, counted)?;
        transaction.put(self, Table::Ephemeral, row(repeat)?, Expression::absent())?;
        self.point(&mut transaction, repeat)?;
        for event in events {
            outbox::say(self, &mut transaction, event)?;
        }
        Ok(cart::saved(&transaction.commit(self, "repeat a letter").await?))
    }

    /// The entry of an address that is not written to, under one of its hashes.
    pub async fn suppression(&self, ids: &[String]) -> Result<Option<Suppression>, Fault> {
        let keys: Vec<Key> = ids.iter().map(|id| suppression_key(id)).collect();
        let rows = self.batch_get(Table::Identity, &keys, true).await?;
        rows.into_iter().next().map(document).transpose()
    }

    /// Writes to an address no more. `Raced` where it is on the list already.
    pub async fn suppress(
        &self,
        suppression: &Suppression,
        events: &[Event],
    ) -> Result<Saved, Fault> {
        let row = suppressed_row(suppression)?;
        let mut transaction = Transaction::default();
        transaction.put(self, Table::Identity, row, Expression::absent())?;
        for event in events {
            outbox::say(self, &mut transaction, event)?;
        }
        Ok(cart::saved(&transaction.commit(self, "suppress an address").await?))
    }

    /// Writes to an address again. `Raced` where it is not on the list.
    pub async fn unsuppress(&self, id: &str, events: &[Event]) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        let there = Expression::new("attribute_exists(pk)");
        transaction.delete_if(self, Table::Identity, &suppression_key(id), there)?;
        for event in events {
            outbox::say(self, &mut transaction, event)?;
        }
        Ok(cart::saved(&transaction.commit(self, "write to an address again").await?))
    }

    /// The addresses that are not written to, newest first: one query of their keys and one batch.
    pub async fn suppressions(
        &self,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Suppression>, Fault> {
        let range = Range { is_descending: true, limit: Some(limit), position, ..Range::default() };
        let index = Some(("every", "gsi1pk", Some("gsi1sk")));
        let page = self.query(Table::Identity, index, SUPPRESSED, range).await?;
        let keys = page.entries.iter().filter_map(|row| {
            let pk = row.get("pk")?.as_s().ok()?;
            Some(Key::meta(pk.clone()))
        });
        let keys: Vec<Key> = keys.collect();
        let mut entries: Vec<Suppression> = Vec::with_capacity(keys.len());
        for row in self.batch_get(Table::Identity, &keys, false).await? {
            entries.push(document(row)?);
        }
        entries.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
        Ok(Page { entries, next: page.next })
    }
}

/// An entry of the list, as it is found among all.
pub(crate) fn suppressed_row(suppression: &Suppression) -> Result<Item, Fault> {
    let mut row = item(&suppression_key(&suppression.id), suppression)?;
    row.insert("gsi1pk".into(), text(SUPPRESSED));
    let place = format!("{}#{}", moment(suppression.created_at), suppression.id);
    row.insert("gsi1sk".into(), text(place));
    Ok(row)
}

/// A letter as a row that is forgotten in time.
pub(crate) fn row(delivery: &Delivery) -> Result<Item, Fault> {
    let mut row = item(&key(delivery.id), delivery)?;
    row.insert("expires".into(), expiry(delivery));
    Ok(row)
}

fn expiry(delivery: &Delivery) -> aws_sdk_dynamodb::types::AttributeValue {
    number(delivery.queued_at.as_second().saturating_add(delivery.kept().as_secs()))
}
