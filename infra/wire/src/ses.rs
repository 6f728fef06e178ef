//! SES (the classic, version 1 API): accepts mail from verified senders and keeps all of it.
//!
//! Invariants: a mail that was acknowledged can be read back, also after `kill -9`; a sender that
//! was never verified is refused as in AWS; nothing leaves the machine.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mail_parser::MessageParser;
use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};

use crate::NowMs;
use crate::error::Error;
use crate::message::{Incoming, Refusal, Reply, Service, escape, form};
use crate::sql::Sql;

/// Recipients of one mail (AWS limit).
const RECIPIENTS_MAX: usize = 50;
/// Bytes of one request (AWS: 10 MB for a raw message).
const BYTES_MAX: usize = 10_485_760;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS identities (name TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS configuration_sets (name TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS mails (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, mail TEXT NOT NULL
    );
";

/// A mail that was accepted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Mail {
    /// What SES returned as the message id.
    pub id: String,
    /// When it was accepted.
    pub at_ms: i64,
    /// The sender as given, with its display name.
    pub from: String,
    /// Recipients as given.
    pub to: Vec<String>,
    /// Recipients of a copy.
    pub cc: Vec<String>,
    /// Recipients nobody sees.
    pub bcc: Vec<String>,
    /// Where an answer goes, if not to the sender.
    pub reply_to: Vec<String>,
    /// Decoded.
    pub subject: String,
    /// The HTML body, decoded.
    pub html: Option<String>,
    /// The plain body, decoded.
    pub text: Option<String>,
    /// Message tags by name.
    pub tags: BTreeMap<String, String>,
    /// Headers of a raw mail by name, as written there; empty for a composed one.
    pub headers: BTreeMap<String, String>,
    /// The configuration set that it was sent by.
    #[serde(default)]
    pub configuration_set: Option<String>,
}

/// The emulated SES. Cheap to clone.
#[derive(Clone)]
pub struct Ses {
    inner: Arc<Inner>,
}

struct Inner {
    sql: Sql,
    now_ms: NowMs,
    seed: u64,
    region: String,
    account: String,
}

impl Ses {
    pub(crate) fn open(
        path: Option<&Path>,
        now_ms: NowMs,
        seed: u64,
        region: &str,
        account: &str,
    ) -> Result<Self, Error> {
        let sql = Sql::open(path, SCHEMA)?;
        let (region, account) = (region.to_owned(), account.to_owned());
        Ok(Self { inner: Arc::new(Inner { sql, now_ms, seed, region, account }) })
    }

    /// Makes an address or a whole domain a permitted sender.
    pub fn verify(&self, identity: &str) -> Result<(), Error> {
        let name = identity.to_lowercase();
        self.inner.sql.change(|tx| {
            tx.execute("INSERT OR IGNORE INTO identities VALUES (?1)", [name])?;
            Ok(())
        })
    }

    /// Makes a configuration set that mail may be sent by.
    pub fn create_configuration_set(&self, name: &str) -> Result<(), Error> {
        self.inner.sql.change(|tx| {
            tx.execute("INSERT OR IGNORE INTO configuration_sets VALUES (?1)", [name])?;
            Ok(())
        })
    }

    /// Every accepted mail, oldest first.
    pub fn mails(&self) -> Vec<Mail> {
        let mails = self.inner.sql.read(|sql| {
            let mut rows = sql.prepare_cached("SELECT mail FROM mails ORDER BY seq")?;
            let texts = rows.query_map([], |row| row.get::<_, String>(0))?;
            texts.collect::<rusqlite::Result<Vec<_>>>()
        });
        match mails {
            Ok(texts) => texts.iter().filter_map(|text| serde_json::from_str(text).ok()).collect(),
            Err(error) => {
                tracing::error!(%error, "the mailbox cannot be read");
                Vec::new()
            }
        }
    }

    /// Throws every mail away; verified senders stay.
    pub fn clear(&self) -> Result<(), Error> {
        self.inner.sql.change(|tx| Ok(tx.execute_batch("DELETE FROM mails")?))
    }

    /// The verified identity that lets this sender send: the address itself, or the closest
    /// domain above it.
    pub(crate) fn identity_of(&self, sender: &str) -> Option<String> {
        let address = address_of(sender)?;
        let (_, domain) = address.split_once('@')?;
        let parents = domain.match_indices('.').filter_map(|(at, _)| domain.get(at + 1..));
        let candidates = [address.as_str(), domain].into_iter().chain(parents);
        candidates.filter(|name| self.is_verified(name)).map(str::to_owned).next()
    }

    /// ARNs that a policy may grant for this sender: its address and the identity that covers it.
    pub(crate) fn identity_arns(&self, sender: &str) -> Vec<String> {
        let address = address_of(sender);
        let (region, account) = (&self.inner.region, &self.inner.account);
        let arn = |name: String| format!("arn:aws:ses:{region}:{account}:identity/{name}");
        let mut arns: Vec<String> =
            [self.identity_of(sender), address].into_iter().flatten().map(arn).collect();
        arns.dedup();
        arns
    }

    /// The ARN of the configuration set that a request sends by, which a policy has to grant, too.
    pub(crate) fn configuration_set_arn(&self, incoming: &Incoming) -> Option<String> {
        let name = Fields::of(incoming).some("ConfigurationSetName")?;
        let (region, account) = (&self.inner.region, &self.inner.account);
        Some(format!("arn:aws:ses:{region}:{account}:configuration-set/{name}"))
    }

    /// Who a request sends for, as written; empty when it does not say.
    pub(crate) fn sender_of(incoming: &Incoming) -> String {
        let fields = Fields::of(incoming);
        match incoming.operation.as_str() {
            "SendRawEmail" => raw(&fields).map(|mail| mail.from).unwrap_or_default(),
            _ => fields.one("Source"),
        }
    }

    pub(crate) fn sql(&self) -> &Sql {
        &self.inner.sql
    }

    pub(crate) fn serve(&self, incoming: &Incoming) -> Reply {
        match self.answer(incoming) {
            Ok(result) => Reply::xml(200, wrap(&incoming.operation, &result)),
            Err(refusal) => refusal.reply(&Service::Ses),
        }
    }

    fn answer(&self, incoming: &Incoming) -> Result<String, Refusal> {
        let fields = Fields::of(incoming);
        match incoming.operation.as_str() {
            "SendEmail" => self.accept(incoming.body.len(), composed(&fields)),
            "SendRawEmail" => self.accept(incoming.body.len(), raw(&fields)?),
            "GetSendQuota" => {
                let sent = self.sent_in_a_day()?;
                Ok(format!(
                    "<Max24HourSend>50000.0</Max24HourSend><MaxSendRate>14.0</MaxSendRate>\
                     <SentLast24Hours>{sent}.0</SentLast24Hours>"
                ))
            }
            "VerifyEmailIdentity" | "VerifyEmailAddress" => {
                let address = fields.one("EmailAddress");
                // Locally nobody clicks the link of the verification mail: it counts as clicked.
                self.inner.sql.change(|tx| -> Result<(), Refusal> {
                    let name = address.to_lowercase();
                    tx.execute("INSERT OR IGNORE INTO identities VALUES (?1)", [name])?;
                    Ok(())
                })?;
                Ok(String::new())
            }
            "GetIdentityVerificationAttributes" => Ok(self.verification(&fields)),
            other => Err(Refusal {
                status: 501,
                code: "InvalidAction",
                message: format!("the emulated SES has no operation {other}"),
            }),
        }
    }

    fn accept(&self, bytes: usize, mut mail: Mail) -> Result<String, Refusal> {
        if bytes > BYTES_MAX {
            let text = format!("Message length is more than {BYTES_MAX} bytes long.");
            return Err(Refusal::new("InvalidParameterValue", text));
        }
        let recipients: Vec<&String> = mail.to.iter().chain(&mail.cc).chain(&mail.bcc).collect();
        if recipients.is_empty() {
            return Err(Refusal::new("InvalidParameterValue", "Empty required header 'To'."));
        }
        if recipients.len() > RECIPIENTS_MAX {
            let text = format!("Recipient count exceeds {RECIPIENTS_MAX}.");
            return Err(Refusal::new("InvalidParameterValue", text));
        }
        let everyone = recipients.into_iter().chain(&mail.reply_to).chain([&mail.from]);
        for address in everyone {
            if address_of(address).is_none() {
                return Err(Refusal::new("InvalidParameterValue", "Illegal address"));
            }
        }
        if self.identity_of(&mail.from).is_none() {
            return Err(Refusal::new(
                "MessageRejected",
                format!(
                    "Email address is not verified. The following identities failed the check in \
                     region {}: {}",
                    self.inner.region.to_uppercase(),
                    mail.from
                ),
            ));
        }
        if let Some(name) = &mail.configuration_set
            && !self.is_configuration_set(name)
        {
            let text = format!("Configuration set <{name}> does not exist.");
            return Err(Refusal::new("ConfigurationSetDoesNotExist", text));
        }
        mail.at_ms = (self.inner.now_ms)();
        let id = self.inner.sql.change(|tx| -> Result<String, Refusal> {
            tx.execute("INSERT INTO mails (at_ms, mail) VALUES (?1, '')", [mail.at_ms])?;
            let seq = tx.last_insert_rowid();
            mail.id = format!("{:016x}-{:08x}-{seq:012x}-000000", self.inner.seed, mail.at_ms);
            let text = serde_json::to_string(&mail).unwrap_or_default();
            tx.execute("UPDATE mails SET mail = ?2 WHERE seq = ?1", params![seq, text])?;
            Ok(mail.id.clone())
        })?;
        Ok(format!("<MessageId>{id}</MessageId>"))
    }

    fn verification(&self, fields: &Fields) -> String {
        let entries = fields.list("Identities").into_iter().map(|identity| {
            let known = self.is_verified(&identity.to_lowercase());
            let status = if known { "Success" } else { "NotStarted" };
            format!(
                "<entry><key>{}</key><value><VerificationStatus>{status}</VerificationStatus>\
                 </value></entry>",
                escape(&identity)
            )
        });
        let entries: String = entries.collect();
        format!("<VerificationAttributes>{entries}</VerificationAttributes>")
    }

    fn is_verified(&self, name: &str) -> bool {
        let found = self.inner.sql.read(|sql| {
            sql.prepare_cached("SELECT 1 FROM identities WHERE name = ?1")?
                .query_row([name], |_| Ok(()))
                .optional()
        });
        matches!(found, Ok(Some(())))
    }

    fn is_configuration_set(&self, name: &str) -> bool {
        let found = self.inner.sql.read(|sql| {
            sql.prepare_cached("SELECT 1 FROM configuration_sets WHERE name = ?1")?
                .query_row([name], |_| Ok(()))
                .optional()
        });
        matches!(found, Ok(Some(())))
    }

    fn sent_in_a_day(&self) -> rusqlite::Result<i64> {
        const DAY_MS: i64 = 86_400_000;
        let since = (self.inner.now_ms)() - DAY_MS;
        self.inner.sql.read(|sql| {
            sql.query_row("SELECT count(*) FROM mails WHERE at_ms > ?1", [since], |row| row.get(0))
        })
    }
}

/// The members of a query request, by their dotted names.
struct Fields(BTreeMap<String, String>);

impl Fields {
    fn of(incoming: &Incoming) -> Self {
        Self(form(&incoming.body).into_iter().collect())
    }

    fn one(&self, name: &str) -> String {
        self.0.get(name).cloned().unwrap_or_default()
    }

    fn some(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    /// `name.member.1`, `name.member.2`, … until one is absent.
    fn list(&self, name: &str) -> Vec<String> {
        (1..).map_while(|n| self.some(&format!("{name}.member.{n}"))).collect()
    }

    fn tags(&self) -> BTreeMap<String, String> {
        (1..)
            .map_while(|n| {
                let name = self.some(&format!("Tags.member.{n}.Name"))?;
                Some((name, self.one(&format!("Tags.member.{n}.Value"))))
            })
            .collect()
    }
}

fn composed(fields: &Fields) -> Mail {
    Mail {
        from: fields.one("Source"),
        to: fields.list("Destination.ToAddresses"),
        cc: fields.list("Destination.CcAddresses"),
        bcc: fields.list("Destination.BccAddresses"),
        reply_to: fields.list("ReplyToAddresses"),
        subject: fields.one("Message.Subject.Data"),
        html: fields.some("Message.Body.Html.Data"),
        text: fields.some("Message.Body.Text.Data"),
        tags: fields.tags(),
        configuration_set: fields.some("ConfigurationSetName"),
        ..Mail::default()
    }
}

fn raw(fields: &Fields) -> Result<Mail, Refusal> {
    let bytes = STANDARD
        .decode(fields.one("RawMessage.Data"))
        .map_err(|_| Refusal::new("InvalidParameterValue", "RawMessage.Data is not base64."))?;
    let parser = MessageParser::default();
    let parsed = parser
        .parse(&bytes)
        .ok_or_else(|| Refusal::new("InvalidParameterValue", "The raw message has no headers."))?;
    let addresses = |list: Option<&mail_parser::Address<'_>>| -> Vec<String> {
        list.into_iter().flat_map(|list| list.iter()).filter_map(written).collect()
    };
    let mut mail = Mail {
        from: fields.one("Source"),
        to: fields.list("Destinations"),
        cc: addresses(parsed.cc()),
        reply_to: addresses(parsed.reply_to()),
        subject: parsed.subject().unwrap_or_default().to_owned(),
        tags: fields.tags(),
        configuration_set: fields.some("ConfigurationSetName"),
        headers: parsed
            .headers_raw()
            .map(|(name, value)| (name.to_owned(), unfolded(value)))
            .collect(),
        ..Mail::default()
    };
    // `body_html(0)` would make one out of the text when there is none; the parts tell the truth.
    for part in &parsed.parts {
        match &part.body {
            mail_parser::PartType::Html(html) if mail.html.is_none() => {
                mail.html = Some(html.clone().into_owned());
            }
            mail_parser::PartType::Text(text) if mail.text.is_none() => {
                mail.text = Some(text.clone().into_owned());
            }
            _ => {}
        }
    }
    if mail.from.is_empty() {
        mail.from = addresses(parsed.from()).into_iter().next().unwrap_or_default();
    }
    if mail.to.is_empty() {
        mail.to = addresses(parsed.to());
        mail.bcc = addresses(parsed.bcc());
    } else {
        // The envelope given with the call replaces the header's recipients.
        mail.cc.clear();
    }
    Ok(mail)
}

fn written(address: &mail_parser::Addr<'_>) -> Option<String> {
    let bare = address.address.as_deref()?;
    Some(match address.name.as_deref() {
        Some(name) => format!("{name} <{bare}>"),
        None => bare.to_owned(),
    })
}

fn unfolded(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The bare address of `Name <local@domain>`, in lower case; `None` when it is none.
fn address_of(text: &str) -> Option<String> {
    let bare = match text.rsplit_once('<') {
        Some((_, rest)) => rest.strip_suffix('>')?,
        None => text,
    };
    let (local, domain) = bare.rsplit_once('@')?;
    let illegal = |c: char| c.is_control() || c.is_whitespace() || "<>,;@".contains(c);
    let sound = !local.is_empty()
        && local.is_ascii()
        && domain.contains('.')
        && !domain.starts_with('.')
        && !domain.ends_with('.')
        && !local.contains(illegal)
        && !domain.contains(illegal)
        && !text.contains(['\r', '\n']);
    sound.then(|| bare.to_lowercase())
}

fn wrap(operation: &str, result: &str) -> String {
    format!(
        "<{operation}Response xmlns=\"http://ses.amazonaws.com/doc/2010-12-01/\">\
         <{operation}Result>{result}</{operation}Result><ResponseMetadata>\
         <RequestId>00000000-0000-0000-0000-000000000000</RequestId></ResponseMetadata>\
         </{operation}Response>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_in_its_brackets_and_nonsense_is_none() {
        assert_eq!(address_of("Shop <Mail@Shop.example>").as_deref(), Some("mail@shop.example"));
        assert_eq!(address_of("mail@shop.example").as_deref(), Some("mail@shop.example"));
        for wrong in ["", "mail", "a@b", "a b@c.d", "a@b.c\nBcc: x@y.z", "<a@b.c", "a,b@c.d"] {
            assert_eq!(address_of(wrong), None, "{wrong:?}");
        }
    }
}
