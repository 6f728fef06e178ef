//! Buckets, objects and announcements in SQLite.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde_json::Value;

use super::{BucketAttributes, Notice};
use crate::error::Error;
use crate::sql::Sql;

const DAY_MS: i64 = 86_400_000;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS buckets (
        name TEXT PRIMARY KEY, announces INTEGER NOT NULL, expiry TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS objects (
        bucket TEXT NOT NULL, key TEXT NOT NULL, etag TEXT NOT NULL, size INTEGER NOT NULL,
        headers TEXT NOT NULL, modified_ms INTEGER NOT NULL, body BLOB NOT NULL,
        UNIQUE (bucket, key)
    );
    CREATE TABLE IF NOT EXISTS notices (
        number INTEGER PRIMARY KEY AUTOINCREMENT, handler TEXT, event TEXT NOT NULL,
        failures INTEGER NOT NULL, due_ms INTEGER NOT NULL
    );
";

/// An object as it lies in its bucket.
#[derive(Debug, Clone)]
pub(super) struct Object {
    /// With its quotes.
    pub(super) etag: String,
    /// Headers that were given with it and are given back: names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) modified_ms: i64,
    pub(super) body: Vec<u8>,
}

impl Object {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// An object as a list shows it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) etag: String,
    pub(super) size: i64,
    pub(super) modified_ms: i64,
}

pub(super) struct Store {
    pub(super) sql: Sql,
}

impl Store {
    pub(super) fn open(path: Option<&Path>) -> Result<Self, Error> {
        Ok(Self { sql: Sql::open(path, SCHEMA)? })
    }

    pub(super) fn create(
        &self,
        bucket: &str,
        attributes: &BucketAttributes,
    ) -> rusqlite::Result<()> {
        let expiry: Vec<Value> = attributes
            .expiry
            .iter()
            .map(|(prefix, days)| serde_json::json!([prefix, days]))
            .collect();
        self.sql.change(|tx| {
            tx.execute(
                "INSERT INTO buckets (name, announces, expiry) VALUES (?1, ?2, ?3) \
                 ON CONFLICT (name) DO UPDATE SET announces = ?2, expiry = ?3",
                params![bucket, attributes.announces, Value::Array(expiry).to_string()],
            )?;
            Ok(())
        })
    }

    pub(super) fn buckets(&self) -> rusqlite::Result<Vec<String>> {
        self.sql.read(|sql| {
            let mut query = sql.prepare_cached("SELECT name FROM buckets ORDER BY name")?;
            let rows = query.query_map([], |row| row.get(0))?;
            rows.collect()
        })
    }

    pub(super) fn has_bucket(&self, bucket: &str) -> rusqlite::Result<bool> {
        self.sql.read(|sql| {
            let mut query = sql.prepare_cached("SELECT 1 FROM buckets WHERE name = ?1")?;
            query.exists([bucket])
        })
    }

    pub(super) fn object(&self, bucket: &str, key: &str) -> rusqlite::Result<Option<Object>> {
        self.sql.read(|sql| object(sql, bucket, key))
    }

    /// Keys that begin so, after `after`, in the order of their bytes.
    pub(super) fn list(
        &self,
        bucket: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> rusqlite::Result<Vec<Entry>> {
        self.sql.read(|sql| {
            let mut query = sql.prepare_cached(
                "SELECT key, etag, size, modified_ms FROM objects \
                 WHERE bucket = ?1 AND key >= ?2 AND substr(key, 1, length(?2)) = ?2 AND key > ?3 \
                 ORDER BY key LIMIT ?4",
            )?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = query.query_map(
                params![bucket, prefix, after.unwrap_or_default(), limit],
                |row| {
                    Ok(Entry {
                        key: row.get(0)?,
                        etag: row.get(1)?,
                        size: row.get(2)?,
                        modified_ms: row.get(3)?,
                    })
                },
            )?;
            rows.collect()
        })
    }

    /// Writes an object if the guard lets it, given what lies there now; announces it with the
    /// event if its bucket does so.
    pub(super) fn put<E: From<rusqlite::Error>>(
        &self,
        (bucket, key): (&str, &str),
        object: &Object,
        event: &Value,
        guard: impl FnOnce(Option<String>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.sql.change(|tx| {
            guard(etag(tx, bucket, key)?)?;
            let headers: Vec<Value> =
                object.headers.iter().map(|(n, v)| serde_json::json!([n, v])).collect();
            let size = i64::try_from(object.body.len()).unwrap_or(i64::MAX);
            tx.execute(
                "INSERT INTO objects (bucket, key, etag, size, headers, modified_ms, body) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (bucket, key) DO UPDATE \
                 SET etag = ?3, size = ?4, headers = ?5, modified_ms = ?6, body = ?7",
                params![
                    bucket,
                    key,
                    object.etag,
                    size,
                    Value::Array(headers).to_string(),
                    object.modified_ms,
                    object.body
                ],
            )?;
            let announces: Option<bool> = tx
                .query_row("SELECT announces FROM buckets WHERE name = ?1", [bucket], |row| {
                    row.get(0)
                })
                .optional()?;
            if announces == Some(true) {
                tx.execute(
                    "INSERT INTO notices (handler, event, failures, due_ms) \
                     VALUES (NULL, ?1, 0, ?2)",
                    params![event.to_string(), object.modified_ms],
                )?;
            }
            Ok(())
        })
    }

    /// Deletes an object if the guard lets it; one that is not there is as good as deleted.
    pub(super) fn delete<E: From<rusqlite::Error>>(
        &self,
        bucket: &str,
        key: &str,
        guard: impl FnOnce(Option<String>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.sql.change(|tx| {
            guard(etag(tx, bucket, key)?)?;
            tx.execute("DELETE FROM objects WHERE bucket = ?1 AND key = ?2", [bucket, key])?;
            Ok(())
        })
    }

    pub(super) fn unrouted(&self) -> rusqlite::Result<Vec<(i64, Value)>> {
        self.sql.read(|sql| {
            let mut query = sql.prepare_cached(
                "SELECT number, event FROM notices WHERE handler IS NULL ORDER BY number",
            )?;
            let rows = query.query_map([], |row| Ok((row.get(0)?, event(row, 1)?)))?;
            rows.collect()
        })
    }

    pub(super) fn route(&self, number: i64, handlers: &[&str], now: i64) -> rusqlite::Result<()> {
        self.sql.change(|tx| {
            for handler in handlers {
                tx.execute(
                    "INSERT INTO notices (handler, event, failures, due_ms) \
                     SELECT ?2, event, 0, ?3 FROM notices WHERE number = ?1 AND handler IS NULL",
                    params![number, handler, now],
                )?;
            }
            tx.execute("DELETE FROM notices WHERE number = ?1 AND handler IS NULL", [number])?;
            Ok(())
        })
    }

    pub(super) fn due(&self, now: i64) -> rusqlite::Result<Vec<Notice>> {
        self.sql.read(|sql| {
            let mut query = sql.prepare_cached(
                "SELECT number, handler, event, failures FROM notices \
                 WHERE handler IS NOT NULL AND due_ms <= ?1 ORDER BY number",
            )?;
            let rows = query.query_map([now], |row| {
                Ok(Notice {
                    number: row.get(0)?,
                    handler: row.get(1)?,
                    event: event(row, 2)?,
                    failures: row.get(3)?,
                })
            })?;
            rows.collect()
        })
    }

    pub(super) fn next_due_at_ms(&self) -> rusqlite::Result<Option<i64>> {
        self.sql.read(|sql| sql.query_row("SELECT min(due_ms) FROM notices", [], |row| row.get(0)))
    }

    pub(super) fn done(&self, number: i64) -> rusqlite::Result<()> {
        self.sql.change(|tx| {
            tx.execute("DELETE FROM notices WHERE number = ?1", [number])?;
            Ok(())
        })
    }

    pub(super) fn again(&self, number: i64, due_ms: i64) -> rusqlite::Result<()> {
        self.sql.change(|tx| {
            tx.execute(
                "UPDATE notices SET failures = failures + 1, due_ms = ?2 WHERE number = ?1",
                [number, due_ms],
            )?;
            Ok(())
        })
    }

    pub(super) fn sweep(&self, now: i64) -> rusqlite::Result<usize> {
        self.sql.change(|tx| {
            let mut query = tx.prepare("SELECT name, expiry FROM buckets")?;
            let rows = query.query_map([], |row| Ok((row.get::<_, String>(0)?, event(row, 1)?)))?;
            let rules: Vec<(String, Value)> = rows.collect::<Result<_, _>>()?;
            let mut swept = 0;
            for (bucket, expiry) in rules {
                for rule in expiry.as_array().into_iter().flatten() {
                    let prefix = rule.get(0).and_then(Value::as_str).unwrap_or_default();
                    let days = rule.get(1).and_then(Value::as_i64).unwrap_or(i64::MAX);
                    swept += tx.execute(
                        "DELETE FROM objects WHERE bucket = ?1 \
                         AND substr(key, 1, length(?2)) = ?2 AND modified_ms <= ?3",
                        params![bucket, prefix, now.saturating_sub(days.saturating_mul(DAY_MS))],
                    )?;
                }
            }
            Ok(swept)
        })
    }
}

fn object(sql: &Connection, bucket: &str, key: &str) -> rusqlite::Result<Option<Object>> {
    let mut query = sql.prepare_cached(
        "SELECT etag, headers, modified_ms, body FROM objects WHERE bucket = ?1 AND key = ?2",
    )?;
    let found = query.query_row([bucket, key], |row| {
        let headers = event(row, 1)?;
        let pair = |pair: &Value| {
            let text = |at| pair.get(at).and_then(Value::as_str).map(str::to_owned);
            Some((text(0)?, text(1)?))
        };
        Ok(Object {
            etag: row.get(0)?,
            headers: headers.as_array().into_iter().flatten().filter_map(pair).collect(),
            modified_ms: row.get(2)?,
            body: row.get(3)?,
        })
    });
    found.optional()
}

fn etag(tx: &Transaction<'_>, bucket: &str, key: &str) -> rusqlite::Result<Option<String>> {
    let mut query = tx.prepare_cached("SELECT etag FROM objects WHERE bucket = ?1 AND key = ?2")?;
    query.query_row([bucket, key], |row| row.get(0)).optional()
}

/// A column of JSON.
fn event(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Value> {
    let text: String = row.get(column)?;
    Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
}
