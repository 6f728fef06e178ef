//! Sessions: ephemeral `CUST#id` or `STF#id` / SES#session, so that a holder's sessions lie
//! together and nobody's session is found without its holder.
//!
//! `…/REVOKED` says since when older sessions are worth nothing. It is written in the transaction
//! that changes a password, so that no session outlives it, however many there are.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::account::{Session, Subject};
use domain::event::Event;
use domain::fault::Fault;
use domain::id::SessionId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::item::{Item, Key, Range, Saved, document, item, number, text};
use crate::transaction::{Expression, Transaction};
use crate::{Store, Table, cart, outbox};

const REVOKED: &str = "REVOKED";

/// Sessions that began before this are over, but for one.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Revoked {
    before_ms: i64,
    except: Option<SessionId>,
}

impl Revoked {
    fn ends(&self, session: &Session) -> bool {
        session.created_at.as_millisecond() <= self.before_ms && self.except != Some(session.id)
    }
}

fn partition(subject: Subject) -> String {
    match subject {
        Subject::Customer(id) => format!("CUST#{id}"),
        Subject::Staff(id) => format!("STF#{id}"),
    }
}

fn key(subject: Subject, id: SessionId) -> Key {
    Key::new(partition(subject), format!("SES#{id}"))
}

/// A session as it lies in the table.
pub(crate) fn row(session: &Session) -> Result<Item, Fault> {
    let mut row = item(&key(session.subject, session.id), session)?;
    let expires = session.created_at.as_second();
    let expires = expires.saturating_add(session.subject.absolute().as_secs());
    row.insert("expires".into(), number(expires));
    Ok(row)
}

/// The sessions among these items that are not over.
fn alive(items: Vec<Item>, now: Timestamp) -> Result<Vec<Session>, Fault> {
    let (mut revoked, mut sessions) = (None, Vec::new());
    for item in items {
        match item.get("sk") {
            Some(AttributeValue::S(sk)) if sk == REVOKED => {
                revoked = Some(document::<Revoked>(item)?);
            }
            _ => sessions.push(document::<Session>(item)?),
        }
    }
    sessions.retain(|session| {
        session.is_alive(now) && !revoked.is_some_and(|revoked| revoked.ends(session))
    });
    Ok(sessions)
}

/// Ends, in a transaction, all sessions that began until now, but for one.
pub(crate) fn revoke(
    store: &Store,
    transaction: &mut Transaction,
    subject: Subject,
    except: Option<SessionId>,
    now: Timestamp,
) -> Result<(), Fault> {
    let before_ms = now.as_millisecond();
    let mut row = item(&Key::new(partition(subject), REVOKED), &Revoked { before_ms, except })?;
    let expires = now.as_second().saturating_add(subject.absolute().as_secs());
    row.insert("expires".into(), number(expires));
    // What was revoked stays revoked, whoever's clock is ahead.
    let condition = Expression::new("attribute_not_exists(pk) OR before_ms <= :before")
        .value(":before", number(before_ms));
    transaction.put(store, Table::Ephemeral, row, condition)
}

/// Notes, in a transaction, that a session's holder has just proven who they are.
pub(crate) fn prove(
    store: &Store,
    transaction: &mut Transaction,
    subject: Subject,
    id: SessionId,
    now: Timestamp,
) -> Result<(), Fault> {
    let exists = Expression::new("attribute_exists(pk)").value(":now", text(now.to_string()));
    let update = "SET authenticated_at = :now";
    transaction.update(store, Table::Ephemeral, &key(subject, id), update, exists)
}

impl Store {
    /// Writes a new session and says what is to be said of it.
    pub async fn begin_session(&self, session: &Session, events: &[Event]) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        transaction.put(self, Table::Ephemeral, row(session)?, Expression::absent())?;
        for event in events {
            outbox::say(self, &mut transaction, event)?;
        }
        Ok(cart::saved(&transaction.commit(self, "begin a session").await?))
    }

    /// A session that is not over, by its holder and id.
    pub async fn session(
        &self,
        subject: Subject,
        id: SessionId,
        now: Timestamp,
    ) -> Result<Option<Session>, Fault> {
        let keys = [key(subject, id), Key::new(partition(subject), REVOKED)];
        let items = self.batch_get(Table::Ephemeral, &keys, true).await?;
        Ok(alive(items, now)?.pop())
    }

    /// Somebody's sessions that are not over, newest first.
    pub async fn sessions(&self, subject: Subject, now: Timestamp) -> Result<Vec<Session>, Fault> {
        let range = Range { is_descending: true, ..Range::default() };
        let page = self.query(Table::Ephemeral, None, &partition(subject), range).await?;
        alive(page.entries, now)
    }

    /// Writes a rotated session, unless the token was rotated by somebody else meanwhile.
    pub async fn rotate_session(&self, before: &Session, after: &Session) -> Result<Saved, Fault> {
        let condition = Expression::new("#current = :before")
            .name("#current", "current")
            .value(":before", text(&before.current));
        self.put_if(Table::Ephemeral, row(after)?, condition).await
    }

    /// Notes that a session's holder has just proven who they are; `Raced` where the session is
    /// over.
    pub async fn refresh_proof(&self, session: &Session, now: Timestamp) -> Result<Saved, Fault> {
        let condition =
            Expression::new("attribute_exists(pk)").value(":now", text(now.to_string()));
        let key = key(session.subject, session.id);
        let update = "SET authenticated_at = :now";
        match self.update_if(Table::Ephemeral, &key, update, condition).await? {
            crate::transaction::Updated::Yes(_) => Ok(Saved::Yes),
            crate::transaction::Updated::Refused(_) => Ok(Saved::Raced),
        }
    }

    /// Ends a session; ending it again changes nothing.
    pub async fn end_session(&self, subject: Subject, id: SessionId) -> Result<(), Fault> {
        self.delete(Table::Ephemeral, &key(subject, id)).await
    }

    /// Ends a session and says why.
    pub async fn end_session_saying(
        &self,
        subject: Subject,
        id: SessionId,
        event: &Event,
    ) -> Result<(), Fault> {
        let mut transaction = Transaction::default();
        transaction.delete(self, Table::Ephemeral, &key(subject, id))?;
        outbox::say(self, &mut transaction, event)?;
        transaction.commit(self, "end a session").await.map(drop)
    }

    /// Ends all of somebody's sessions, but for one, and says what is to be said of it.
    pub async fn end_sessions(
        &self,
        subject: Subject,
        except: Option<SessionId>,
        now: Timestamp,
        events: &[Event],
    ) -> Result<(), Fault> {
        let mut transaction = Transaction::default();
        revoke(self, &mut transaction, subject, except, now)?;
        for event in events {
            outbox::say(self, &mut transaction, event)?;
        }
        transaction.commit(self, "end all sessions").await.map(drop)
    }
}
