//! Telephone numbers: one that its holder has confirmed, and one that waits for its code.
//!
//! | item | table | key |
//! |---|---|---|
//! | confirmed number | identity | `CUST#id` / PHONE |
//! | number that waits | ephemeral | `MOVE#id` / PHONE |
//! | answer to a text, once heard | ephemeral | `TXT#id` / META |
//!
//! A number that nobody confirmed may be somebody else's: it is gone by itself. The confirmed one
//! lies with the account, is told with it, and goes with it.

use domain::consent::Consent;
use domain::event::Event;
use domain::fault::Fault;
use domain::id::CustomerId;
use domain::message::{Cause, Delivery, Suppression};
use domain::text::{Confirmed, GUESSES_MAX, Pending};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::item::{Key, Saved, document, item, number, text};
use crate::transaction::{Committed, Expression, Transaction, Updated};
use crate::{Store, Table, cart, consent, identity, message, outbox};

/// How long it is known that an answer was heard: longer than its queue keeps it.
const HEARD_KEPT: SignedDuration = SignedDuration::from_hours(21 * 24);

pub(crate) fn confirmed_key(customer: CustomerId) -> Key {
    Key::new(format!("CUST#{customer}"), "PHONE")
}

pub(crate) fn pending_key(customer: CustomerId) -> Key {
    Key::new(format!("MOVE#{customer}"), "PHONE")
}

/// That an answer was heard.
#[derive(Serialize)]
struct Heard {
    at: Timestamp,
}

impl Store {
    /// The number that somebody has confirmed.
    pub async fn phone(&self, customer: CustomerId) -> Result<Option<Confirmed>, Fault> {
        self.get(Table::Identity, &confirmed_key(customer), true).await
    }

    /// The number that waits for its code. It may be past its time.
    pub async fn pending_phone(&self, customer: CustomerId) -> Result<Option<Pending>, Fault> {
        self.get(Table::Ephemeral, &pending_key(customer), true).await
    }

    /// Writes a number down that is to be confirmed, in the place of one that waited.
    pub async fn ask_phone(&self, pending: &Pending, events: &[Event]) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        let mut row = item(&pending_key(pending.customer), pending)?;
        row.insert("expires".into(), number(pending.ends_at.as_second()));
        let always = Expression::new("attribute_not_exists(pk) OR attribute_exists(pk)");
        transaction.put(self, Table::Ephemeral, row, always)?;
        for event in events {
            outbox::say(self, &mut transaction, event)?;
        }
        Ok(cart::saved(&transaction.commit(self, "ask for a code").await?))
    }

    /// Counts a guess at the code of a number that waits, before anybody looks whether it is right;
    /// none where nothing waits any more.
    pub async fn guess_phone(
        &self,
        customer: CustomerId,
        now: Timestamp,
    ) -> Result<Option<Pending>, Fault> {
        // Seconds: a code that ends within this one has ended.
        let open = Expression::new("guesses < :most AND expires > :now")
            .value(":most", number(i64::from(GUESSES_MAX)))
            .value(":now", number(now.as_second()))
            .value(":one", number(1));
        let update = "SET guesses = guesses + :one";
        match self.update_if(Table::Ephemeral, &pending_key(customer), update, open).await? {
            Updated::Yes(row) => document(row).map(Some),
            Updated::Refused(_) => Ok(None),
        }
    }

    /// The number is its holder's: it is kept, with what was agreed to, and waits no more. `Raced`
    /// where another one waits by now, the consent was changed, or the account is gone.
    pub async fn confirm_phone(
        &self,
        pending: &Pending,
        confirmed: &Confirmed,
        agreed: Option<&Consent>,
        events: &[Event],
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        let exists = Expression::new("attribute_exists(pk)");
        let account = identity::account_key(pending.customer);
        transaction.check(self, Table::Identity, &account, exists)?;
        let same = Expression::new("#message = :message")
            .name("#message", "message")
            .value(":message", text(pending.message.to_string()));
        transaction.delete_if(self, Table::Ephemeral, &pending_key(pending.customer), same)?;
        let row = item(&confirmed_key(pending.customer), confirmed)?;
        let always = Expression::new("attribute_not_exists(pk) OR attribute_exists(pk)");
        transaction.put(self, Table::Identity, row, always)?;
        if let Some(agreed) = agreed {
            consent::add_in(self, &mut transaction, agreed)?;
        }
        for event in events {
            outbox::say(self, &mut transaction, event)?;
        }
        Ok(cart::saved(&transaction.commit(self, "confirm a number").await?))
    }

    /// Forgets a number, the one that waits, too, and that its holder agreed to be texted. `Raced`
    /// where the consent was changed meanwhile.
    pub async fn remove_phone(
        &self,
        customer: CustomerId,
        refused: Option<&Consent>,
        events: &[Event],
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        transaction.delete(self, Table::Identity, &confirmed_key(customer))?;
        transaction.delete(self, Table::Ephemeral, &pending_key(customer))?;
        if let Some(refused) = refused {
            consent::add_in(self, &mut transaction, refused)?;
        }
        for event in events {
            outbox::say(self, &mut transaction, event)?;
        }
        Ok(cart::saved(&transaction.commit(self, "forget a number").await?))
    }

    /// Somebody answered STOP: their number is texted no more. The same answer is heard once.
    pub async fn hear_stop(
        &self,
        answer: &str,
        suppression: &Suppression,
        now: Timestamp,
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        self.heard_in(&mut transaction, answer, now)?;
        let row = message::suppressed_row(suppression)?;
        transaction.put(self, Table::Identity, row, Expression::absent())?;
        Ok(cart::saved(&transaction.commit(self, "hear a stop").await?))
    }

    /// Somebody answered START: their own STOP of before is taken back; what the staff said stays.
    pub async fn hear_start(
        &self,
        answer: &str,
        stopped: &Suppression,
        now: Timestamp,
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        self.heard_in(&mut transaction, answer, now)?;
        let cause = serde_json::to_value(Cause::Stop).ok();
        let cause = cause.as_ref().and_then(|cause| cause.as_str()).unwrap_or_default();
        let theirs = Expression::new("cause = :stop").value(":stop", text(cause));
        let key = message::suppression_key(&stopped.id);
        transaction.delete_if(self, Table::Identity, &key, theirs)?;
        Ok(cart::saved(&transaction.commit(self, "hear a start").await?))
    }

    /// Of two answers that are the same one, one is heard.
    fn heard_in(
        &self,
        transaction: &mut Transaction,
        answer: &str,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let mut row = item(&Key::meta(format!("TXT#{answer}")), &Heard { at: now })?;
        let expires = now.as_second().saturating_add(HEARD_KEPT.as_secs());
        row.insert("expires".into(), number(expires));
        transaction.put(self, Table::Ephemeral, row, Expression::absent())
    }

    /// Lists a text in the log before it is sent, where it has to wait. One that is there stays.
    ///
    /// The pointer is written with the row: a text that waits is listed once, whatever comes twice.
    pub async fn await_message(&self, delivery: &Delivery) -> Result<(), Fault> {
        let mut transaction = Transaction::default();
        transaction.put(self, Table::Ephemeral, message::row(delivery)?, Expression::absent())?;
        self.point(&mut transaction, delivery)?;
        match transaction.commit(self, "note a text that waits").await? {
            Committed::Yes | Committed::Refused(_) => Ok(()),
        }
    }
}
