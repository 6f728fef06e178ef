//! The queues in SQLite. One row per message; what is visible is a question of `visible_at_ms`.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde_json::Value;

use super::entry::Entry;
use super::{Depth, QueueAttributes};
use crate::error::Error;
use crate::ids;
use crate::message::Refusal;
use crate::sql::Sql;

/// AWS's window for both kinds of deduplication.
const DEDUP_WINDOW_MS: i64 = 300_000;
/// AWS's limit for one visibility timeout.
const VISIBILITY_SECONDS_MAX: i64 = 43_200;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS world (seed INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS queues (
        name TEXT PRIMARY KEY, visibility_seconds INTEGER NOT NULL,
        delay_seconds INTEGER NOT NULL, retention_seconds INTEGER NOT NULL,
        fifo INTEGER NOT NULL, content_based_dedup INTEGER NOT NULL,
        dlq TEXT, receives_max INTEGER
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS messages (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, body TEXT NOT NULL,
        message_attributes TEXT NOT NULL, trace TEXT, group_id TEXT, dedup_id TEXT,
        sent_at_ms INTEGER NOT NULL, visible_at_ms INTEGER NOT NULL,
        receive_count INTEGER NOT NULL DEFAULT 0, first_received_at_ms INTEGER, source TEXT
    );
    CREATE INDEX IF NOT EXISTS by_visibility ON messages (queue, visible_at_ms);
    CREATE INDEX IF NOT EXISTS by_group ON messages (queue, group_id, visible_at_ms);
    CREATE TABLE IF NOT EXISTS dedup (
        queue TEXT NOT NULL, id TEXT NOT NULL, at_ms INTEGER NOT NULL, seq INTEGER NOT NULL,
        PRIMARY KEY (queue, id)
    ) WITHOUT ROWID;
";

pub(super) struct Store {
    pub(super) sql: Sql,
    /// Makes message ids differ between worlds and agree between runs of one.
    seed: i64,
}

pub(super) struct Sent {
    pub(super) id: String,
    pub(super) seq: i64,
}

/// A row handed out.
pub(super) struct Received {
    pub(super) id: String,
    pub(super) receipt: String,
    pub(super) seq: i64,
    pub(super) body: String,
    pub(super) message_attributes: BTreeMap<String, Value>,
    pub(super) trace: Option<String>,
    pub(super) group: Option<String>,
    pub(super) dedup: Option<String>,
    pub(super) sent_at_ms: i64,
    pub(super) receive_count: u32,
    pub(super) first_received_at_ms: i64,
    pub(super) source: Option<String>,
}

/// The claim on one delivery: which message, in which queue, at which receive.
struct Receipt {
    seq: i64,
    receive_count: u32,
    queue: String,
}

impl Receipt {
    fn encode(&self) -> String {
        let text = format!("{}:{}:{}", self.seq, self.receive_count, self.queue);
        URL_SAFE_NO_PAD.encode(text)
    }

    fn decode(text: &str) -> Result<Self, Refusal> {
        let parse = || {
            let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
            let text = String::from_utf8(bytes).ok()?;
            let mut parts = text.splitn(3, ':');
            Some(Self {
                seq: parts.next()?.parse().ok()?,
                receive_count: parts.next()?.parse().ok()?,
                queue: parts.next()?.to_owned(),
            })
        };
        parse().ok_or_else(|| {
            Refusal::new("ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
        })
    }
}

impl Store {
    pub(super) fn open(path: Option<&Path>, seed: u64) -> Result<Self, Error> {
        let sql = Sql::open(path, SCHEMA)?;
        let seed = sql.change(|tx| -> Result<i64, Error> {
            let known = tx.query_row("SELECT seed FROM world", [], |row| row.get(0)).optional()?;
            if let Some(seed) = known {
                return Ok(seed);
            }
            let seed = seed.cast_signed();
            tx.execute("INSERT INTO world (seed) VALUES (?1)", [seed])?;
            Ok(seed)
        })?;
        Ok(Self { sql, seed })
    }

    pub(super) fn create(&self, name: &str, attributes: &QueueAttributes) -> Result<(), Error> {
        let (dlq, receives_max) = attributes.redrive.clone().unzip();
        self.sql.change(|tx| {
            tx.prepare_cached(
                "INSERT OR REPLACE INTO queues VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                name,
                attributes.visibility_seconds,
                attributes.delay_seconds,
                attributes.retention_seconds,
                attributes.fifo,
                attributes.content_based_dedup,
                dlq,
                receives_max,
            ])?;
            Ok(())
        })
    }

    pub(super) fn queues(&self) -> rusqlite::Result<Vec<String>> {
        self.sql.read(|sql| {
            let mut names = sql.prepare_cached("SELECT name FROM queues ORDER BY name")?;
            names.query_map([], |row| row.get(0))?.collect()
        })
    }

    pub(super) fn attributes(&self, queue: &str) -> Result<QueueAttributes, Refusal> {
        self.sql.change(|tx| attributes(tx, queue))
    }

    pub(super) fn send(&self, queue: &str, entry: Entry, now: i64) -> Result<Sent, Refusal> {
        self.sql.change(|tx| self.put(tx, queue, entry, now))
    }

    /// Sends each entry that can be sent, all of them in one commit.
    pub(super) fn send_batch(
        &self,
        queue: &str,
        entries: Vec<Result<Entry, Refusal>>,
        now: i64,
    ) -> Result<Vec<Result<Sent, Refusal>>, Refusal> {
        self.sql.change(|tx| {
            attributes(tx, queue)?;
            let put = |entry: Result<Entry, Refusal>| self.put(tx, queue, entry?, now);
            Ok(entries.into_iter().map(put).collect())
        })
    }

    fn put(
        &self,
        tx: &Transaction<'_>,
        queue: &str,
        mut entry: Entry,
        now: i64,
    ) -> Result<Sent, Refusal> {
        let attributes = attributes(tx, queue)?;
        entry.check(&attributes)?;
        if attributes.fifo && entry.dedup.is_none() {
            entry.dedup = Some(ids::hex(&entry.body));
        }
        if let Some(dedup) = entry.dedup.as_deref().filter(|_| attributes.fifo) {
            tx.prepare_cached("DELETE FROM dedup WHERE queue = ?1 AND at_ms <= ?2")?
                .execute(params![queue, now - DEDUP_WINDOW_MS])?;
            let twin = tx
                .prepare_cached("SELECT seq FROM dedup WHERE queue = ?1 AND id = ?2")?
                .query_row([queue, dedup], |row| row.get(0))
                .optional()?;
            if let Some(seq) = twin {
                return Ok(Sent { id: self.id(seq), seq });
            }
        }
        let delay = entry.delay_seconds.unwrap_or(attributes.delay_seconds);
        tx.prepare_cached(
            "INSERT INTO messages (queue, body, message_attributes, trace, group_id, dedup_id,
                                   sent_at_ms, visible_at_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            queue,
            entry.body,
            serde_json::to_string(&entry.message_attributes).unwrap_or_default(),
            entry.trace,
            entry.group,
            entry.dedup,
            now,
            now + delay * 1000,
        ])?;
        let seq = tx.last_insert_rowid();
        if let Some(dedup) = entry.dedup.filter(|_| attributes.fifo) {
            tx.prepare_cached("INSERT INTO dedup (queue, id, at_ms, seq) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![queue, dedup, now, seq])?;
        }
        Ok(Sent { id: self.id(seq), seq })
    }

    pub(super) fn receive(
        &self,
        queue: &str,
        max: usize,
        hidden_seconds: Option<i64>,
        now: i64,
    ) -> Result<Vec<Received>, Refusal> {
        // Most queues are empty most of the time they are asked: that takes no transaction.
        if self.sql.read(|sql| is_empty(sql, queue))? {
            return Ok(Vec::new());
        }
        self.sql.change(|tx| {
            let attributes = attributes(tx, queue)?;
            let hidden = hidden_seconds.unwrap_or(attributes.visibility_seconds);
            forget_expired(tx, queue, &attributes, now)?;
            bury(tx, queue, &attributes, now)?;
            let mut received = Vec::new();
            for seq in candidates(tx, queue, &attributes, max, now)? {
                received.push(self.hand_out(tx, queue, seq, now, hidden)?);
            }
            Ok(received)
        })
    }

    fn hand_out(
        &self,
        tx: &Transaction<'_>,
        queue: &str,
        seq: i64,
        now: i64,
        hidden_seconds: i64,
    ) -> Result<Received, Refusal> {
        let row = tx
            .prepare_cached(
                "UPDATE messages SET receive_count = receive_count + 1, visible_at_ms = ?2,
                        first_received_at_ms = coalesce(first_received_at_ms, ?3)
                 WHERE seq = ?1
                 RETURNING body, message_attributes, trace, group_id, dedup_id, sent_at_ms,
                           receive_count, first_received_at_ms, source",
            )?
            .query_row(params![seq, now + hidden_seconds * 1000, now], |row| {
                let receive_count = row.get(6)?;
                let receipt = Receipt { seq, receive_count, queue: queue.to_owned() };
                let message_attributes: String = row.get(1)?;
                Ok(Received {
                    id: self.id(seq),
                    receipt: receipt.encode(),
                    seq,
                    body: row.get(0)?,
                    message_attributes: serde_json::from_str(&message_attributes)
                        .unwrap_or_default(),
                    trace: row.get(2)?,
                    group: row.get(3)?,
                    dedup: row.get(4)?,
                    sent_at_ms: row.get(5)?,
                    receive_count,
                    first_received_at_ms: row.get(7)?,
                    source: row.get(8)?,
                })
            })?;
        Ok(row)
    }

    pub(super) fn delete(&self, receipt: &str) -> Result<bool, Refusal> {
        let receipt = Receipt::decode(receipt)?;
        self.sql.change(|tx| {
            let deleted = tx
                .prepare_cached(
                    "DELETE FROM messages WHERE seq = ?1 AND queue = ?2 AND receive_count = ?3",
                )?
                .execute(params![receipt.seq, receipt.queue, receipt.receive_count])?;
            Ok(deleted == 1)
        })
    }

    /// Hides the message for so many seconds from now; false when it is not in flight under this
    /// receipt.
    pub(super) fn hide(&self, receipt: &str, seconds: i64, now: i64) -> Result<bool, Refusal> {
        let receipt = Receipt::decode(receipt)?;
        if !(0..=VISIBILITY_SECONDS_MAX).contains(&seconds) {
            return Err(Refusal::new(
                "InvalidParameterValue",
                format!("Value {seconds} for parameter VisibilityTimeout is invalid."),
            ));
        }
        self.sql.change(|tx| {
            let changed = tx
                .prepare_cached(
                    "UPDATE messages SET visible_at_ms = ?4
                     WHERE seq = ?1 AND queue = ?2 AND receive_count = ?3 AND visible_at_ms > ?5",
                )?
                .execute(params![
                    receipt.seq,
                    receipt.queue,
                    receipt.receive_count,
                    now + seconds * 1000,
                    now
                ])?;
            Ok(changed == 1)
        })
    }

    pub(super) fn purge(&self, queue: &str) -> Result<(), Refusal> {
        self.sql.change(|tx| {
            attributes(tx, queue)?;
            tx.execute("DELETE FROM messages WHERE queue = ?1", [queue])?;
            Ok(())
        })
    }

    pub(super) fn clear(&self) -> Result<(), Refusal> {
        self.sql.change(|tx| Ok(tx.execute_batch("DELETE FROM messages; DELETE FROM dedup;")?))
    }

    pub(super) fn depths(&self, now: i64) -> Result<Vec<Depth>, Refusal> {
        self.sql.change(|tx| {
            for queue in names(tx)? {
                let attributes = attributes(tx, &queue)?;
                forget_expired(tx, &queue, &attributes, now)?;
            }
            let mut rows = tx.prepare_cached(
                "SELECT name,
                        count(m.seq) FILTER (WHERE visible_at_ms <= ?1),
                        count(m.seq) FILTER (WHERE visible_at_ms > ?1 AND receive_count > 0),
                        count(m.seq) FILTER (WHERE visible_at_ms > ?1 AND receive_count = 0),
                        EXISTS (SELECT 1 FROM queues s WHERE s.dlq = q.name)
                 FROM queues q LEFT JOIN messages m ON m.queue = q.name
                 GROUP BY name ORDER BY name",
            )?;
            let depths = rows.query_map([now], |row| {
                Ok(Depth {
                    queue: row.get(0)?,
                    visible: row.get(1)?,
                    in_flight: row.get(2)?,
                    delayed: row.get(3)?,
                    is_dlq: row.get(4)?,
                })
            })?;
            Ok(depths.collect::<Result<_, _>>()?)
        })
    }

    pub(super) fn next_visible_at_ms(&self, now: i64) -> rusqlite::Result<Option<i64>> {
        self.sql.read(|sql| {
            sql.prepare_cached(
                "SELECT min(visible_at_ms) FROM messages WHERE visible_at_ms > ?1
                 AND queue NOT IN (SELECT dlq FROM queues WHERE dlq IS NOT NULL)",
            )?
            .query_row([now], |row| row.get(0))
        })
    }

    /// Moves what is visible in a dead-letter queue to `target`, or to where each came from.
    pub(super) fn redrive(
        &self,
        queue: &str,
        target: Option<&str>,
        now: i64,
    ) -> Result<usize, Refusal> {
        self.sql.change(|tx| {
            let (dlq, target) = if is_dlq(tx, queue)? {
                (queue.to_owned(), target)
            } else {
                let redrive = attributes(tx, queue)?.redrive;
                let dlq = redrive.map(|(dlq, _)| dlq).ok_or_else(|| {
                    Refusal::new(
                        "InvalidParameterValue",
                        format!("{queue} is no dead-letter queue and names none."),
                    )
                })?;
                // What was sent there directly came from nowhere, and goes to who asks for it.
                (dlq, target.or(Some(queue)))
            };
            if let Some(target) = target {
                attributes(tx, target)?;
            }
            // A redriven message is a new one, with a new id and a new retention.
            let moved = tx.execute(
                "INSERT INTO messages (queue, body, message_attributes, trace, group_id, dedup_id,
                                       sent_at_ms, visible_at_ms)
                 SELECT coalesce(?2, source), body, message_attributes, trace, group_id, dedup_id,
                        ?3, ?3
                 FROM messages WHERE queue = ?1 AND visible_at_ms <= ?3
                      AND coalesce(?2, source) IS NOT NULL ORDER BY seq",
                params![dlq, target, now],
            )?;
            tx.execute(
                "DELETE FROM messages WHERE queue = ?1 AND visible_at_ms <= ?3
                        AND coalesce(?2, source) IS NOT NULL",
                params![dlq, target, now],
            )?;
            Ok(moved)
        })
    }

    fn id(&self, seq: i64) -> String {
        ids::uuid(&format!("sqs:{}:{seq}", self.seed))
    }
}

/// 20 digits, growing, as a FIFO queue numbers its messages.
pub(super) fn sequence_number(seq: i64) -> String {
    format!("{:020}", 10_000_000_000_000_000_000_u64.saturating_add_signed(seq))
}

fn names(tx: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut names = tx.prepare_cached("SELECT name FROM queues")?;
    names.query_map([], |row| row.get(0))?.collect()
}

fn is_dlq(tx: &Connection, queue: &str) -> rusqlite::Result<bool> {
    tx.prepare_cached("SELECT EXISTS (SELECT 1 FROM queues WHERE dlq = ?1)")?
        .query_row([queue], |row| row.get(0))
}

fn attributes(tx: &Connection, queue: &str) -> Result<QueueAttributes, Refusal> {
    let found = tx
        .prepare_cached(
            "SELECT visibility_seconds, delay_seconds, retention_seconds, fifo,
                    content_based_dedup, dlq, receives_max FROM queues WHERE name = ?1",
        )?
        .query_row([queue], |row| {
            let (dlq, receives_max): (Option<String>, Option<u32>) = (row.get(5)?, row.get(6)?);
            Ok(QueueAttributes {
                visibility_seconds: row.get(0)?,
                delay_seconds: row.get(1)?,
                retention_seconds: row.get(2)?,
                fifo: row.get(3)?,
                content_based_dedup: row.get(4)?,
                redrive: dlq.zip(receives_max),
            })
        })
        .optional()?;
    found.ok_or_else(|| Refusal::new("QueueDoesNotExist", "The specified queue does not exist."))
}

/// Whether this is a queue without any message, visible or hidden.
fn is_empty(sql: &Connection, queue: &str) -> rusqlite::Result<bool> {
    sql.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM queues WHERE name = ?1)
                AND NOT EXISTS (SELECT 1 FROM messages WHERE queue = ?1)",
    )?
    .query_row([queue], |row| row.get(0))
}

fn forget_expired(
    tx: &Connection,
    queue: &str,
    attributes: &QueueAttributes,
    now: i64,
) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM messages WHERE queue = ?1 AND sent_at_ms <= ?2")?
        .execute(params![queue, now - attributes.retention_seconds * 1000])?;
    Ok(())
}

/// Sends what was received too often to the dead-letter queue. As in AWS this happens at the
/// receive that would have been one too many, not when the timeout passes.
fn bury(
    tx: &Connection,
    queue: &str,
    attributes: &QueueAttributes,
    now: i64,
) -> rusqlite::Result<()> {
    let Some((dlq, receives_max)) = &attributes.redrive else { return Ok(()) };
    tx.prepare_cached(
        "UPDATE messages SET queue = ?3, source = ?1, receive_count = 0,
                first_received_at_ms = NULL, visible_at_ms = ?2
         WHERE queue = ?1 AND visible_at_ms <= ?2 AND receive_count >= ?4
               AND EXISTS (SELECT 1 FROM queues WHERE name = ?3)",
    )?
    .execute(params![queue, now, dlq, receives_max])?;
    Ok(())
}

fn candidates(
    tx: &Connection,
    queue: &str,
    attributes: &QueueAttributes,
    max: usize,
    now: i64,
) -> rusqlite::Result<Vec<i64>> {
    // A FIFO group waits as a whole while one of its messages is hidden.
    let query = if attributes.fifo {
        "SELECT seq FROM messages m WHERE queue = ?1 AND visible_at_ms <= ?2 AND NOT EXISTS
            (SELECT 1 FROM messages h WHERE h.queue = m.queue AND h.group_id = m.group_id
                    AND h.visible_at_ms > ?2)
         ORDER BY seq LIMIT ?3"
    } else {
        "SELECT seq FROM messages WHERE queue = ?1 AND visible_at_ms <= ?2 ORDER BY seq LIMIT ?3"
    };
    let max = i64::try_from(max).unwrap_or(i64::MAX);
    let mut rows = tx.prepare_cached(query)?;
    rows.query_map(params![queue, now, max], |row| row.get(0))?.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_names_its_delivery_and_nothing_else_is_a_receipt() {
        let receipt = Receipt { seq: 7, receive_count: 2, queue: "orders".to_owned() };
        let read = Receipt::decode(&receipt.encode()).unwrap();
        assert_eq!((read.seq, read.receive_count, read.queue.as_str()), (7, 2, "orders"));
        assert!(Receipt::decode("AQEB…").is_err());
    }

    #[test]
    fn sequence_numbers_have_twenty_digits() {
        assert_eq!(sequence_number(5).len(), 20);
    }
}
