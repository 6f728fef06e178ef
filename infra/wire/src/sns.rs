//! SNS, as far as it texts telephones: accepts texts and keeps all of them. Nothing leaves the
//! machine.
//!
//! Invariants: a text that was acknowledged can be read back, also after `kill -9`; what is no
//! number is refused as in AWS. Topics are not emulated: what is published to one of them is put
//! into its queue by whoever plays its publisher.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rusqlite::params;
use serde::{Deserialize, Serialize};

use crate::NowMs;
use crate::error::Error;
use crate::message::{Incoming, Refusal, Reply, Service, form};
use crate::sql::Sql;

/// Bytes of one text (SNS: 1600 characters for one call).
const BYTES_MAX: usize = 1_600;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS texts (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, message TEXT NOT NULL
    );
";

/// A text that was accepted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TextMessage {
    /// What SNS returned as the message id.
    pub id: String,
    /// When it was accepted.
    pub at_ms: i64,
    /// The number.
    pub to: String,
    /// What it says.
    pub text: String,
    /// Its attributes by name.
    pub attributes: BTreeMap<String, String>,
}

/// The emulated SNS. Cheap to clone.
#[derive(Clone)]
pub struct Sns {
    inner: Arc<Inner>,
}

struct Inner {
    sql: Sql,
    now_ms: NowMs,
    seed: u64,
}

impl Sns {
    pub(crate) fn open(path: Option<&Path>, now_ms: NowMs, seed: u64) -> Result<Self, Error> {
        Ok(Self { inner: Arc::new(Inner { sql: Sql::open(path, SCHEMA)?, now_ms, seed }) })
    }

    /// Every accepted text, oldest first.
    pub fn texts(&self) -> Vec<TextMessage> {
        let texts = self.inner.sql.read(|sql| {
            let mut rows = sql.prepare_cached("SELECT message FROM texts ORDER BY seq")?;
            let texts = rows.query_map([], |row| row.get::<_, String>(0))?;
            texts.collect::<rusqlite::Result<Vec<_>>>()
        });
        match texts {
            Ok(texts) => texts.iter().filter_map(|text| serde_json::from_str(text).ok()).collect(),
            Err(error) => {
                tracing::error!(%error, "the texts cannot be read");
                Vec::new()
            }
        }
    }

    pub(crate) fn sql(&self) -> &Sql {
        &self.inner.sql
    }

    pub(crate) fn serve(&self, incoming: &Incoming) -> Reply {
        let answered = match incoming.operation.as_str() {
            "Publish" => self.publish(&form(&incoming.body).into_iter().collect()),
            other => Err(Refusal {
                status: 501,
                code: "InvalidAction",
                message: format!("the emulated SNS has no operation {other}"),
            }),
        };
        match answered {
            Ok(id) => Reply::xml(
                200,
                format!(
                    "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">\
                     <PublishResult><MessageId>{id}</MessageId></PublishResult><ResponseMetadata>\
                     <RequestId>00000000-0000-0000-0000-000000000000</RequestId>\
                     </ResponseMetadata></PublishResponse>"
                ),
            ),
            Err(refusal) => refusal.reply(&Service::Sns),
        }
    }

    fn publish(&self, fields: &BTreeMap<String, String>) -> Result<String, Refusal> {
        let one = |name: &str| fields.get(name).cloned().unwrap_or_default();
        let (to, text) = (one("PhoneNumber"), one("Message"));
        if !is_number(&to) {
            let reason = "Invalid parameter: PhoneNumber Reason: no valid number";
            return Err(Refusal::new("InvalidParameter", reason));
        }
        if text.is_empty() || text.len() > BYTES_MAX {
            return Err(Refusal::new("InvalidParameter", "Invalid parameter: Message"));
        }
        let attribute = |n: u32| {
            let entry = format!("MessageAttributes.entry.{n}");
            let name = fields.get(&format!("{entry}.Name"))?;
            Some((name.clone(), one(&format!("{entry}.Value.StringValue"))))
        };
        let attributes = (1..).map_while(attribute).collect();
        let at_ms = (self.inner.now_ms)();
        self.inner.sql.change(|tx| -> Result<String, Refusal> {
            tx.execute("INSERT INTO texts (at_ms, message) VALUES (?1, '')", [at_ms])?;
            let seq = tx.last_insert_rowid();
            let id = format!("{:08x}-0000-4000-8000-{seq:012x}", self.inner.seed & 0xffff_ffff);
            let message = TextMessage { id: id.clone(), at_ms, to, text, attributes };
            let message = serde_json::to_string(&message).unwrap_or_default();
            tx.execute("UPDATE texts SET message = ?2 WHERE seq = ?1", params![seq, message])?;
            Ok(id)
        })
    }
}

/// Whether this is a number in the form of E.164.
fn is_number(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_to_a_number_is_kept_and_to_anything_else_refused() {
        let sns = Sns::open(None, Arc::new(|| 7), 1).unwrap();
        let said = |to: &str, text: &str| {
            let fields = [
                ("PhoneNumber", to),
                ("Message", text),
                ("MessageAttributes.entry.1.Name", "AWS.SNS.SMS.SMSType"),
                ("MessageAttributes.entry.1.Value.StringValue", "Transactional"),
            ];
            let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
            sns.publish(&fields.into_iter().collect())
        };
        let id = said("+4915112345678", "Hello").unwrap();
        for (to, text) in [("4915112345678", "x"), ("+49x", "x"), ("", "x"), ("+4915112345678", "")]
        {
            assert_eq!(said(to, text).unwrap_err().code, "InvalidParameter", "{to}");
        }
        let texts = sns.texts();
        assert_eq!(texts.len(), 1);
        assert_eq!((&*texts[0].id, &*texts[0].text, texts[0].at_ms), (&*id, "Hello", 7));
        assert_eq!(texts[0].attributes["AWS.SNS.SMS.SMSType"], "Transactional");
    }
}
