//! Secrets Manager: secrets with versions and staging labels.
//!
//! Invariants: a label is on at most one version of a secret; `AWSPREVIOUS` follows `AWSCURRENT`;
//! a repeated request token with the same value changes nothing, with another value is refused.
//!
//! Own code because the ready-made emulator let `AWSPREVIOUS` stand on several versions at once,
//! ignored request tokens and dropped binary values.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Value, json};

use crate::NowMs;
use crate::error::Error;
use crate::ids;
use crate::message::{Incoming, Refusal, Reply, Service};
use crate::sql::Sql;

const CURRENT: &str = "AWSCURRENT";
const PREVIOUS: &str = "AWSPREVIOUS";
/// The largest value in bytes (AWS limit).
const VALUE_BYTES_MAX: usize = 65_536;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS secrets (
        name TEXT PRIMARY KEY, arn TEXT NOT NULL UNIQUE, description TEXT,
        created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS versions (
        name TEXT NOT NULL, id TEXT NOT NULL, text TEXT, binary TEXT, created_ms INTEGER NOT NULL,
        PRIMARY KEY (name, id)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS stages (
        name TEXT NOT NULL, stage TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (name, stage)
    ) WITHOUT ROWID;
";

#[derive(Clone)]
pub(crate) struct Secrets {
    inner: Arc<Inner>,
}

struct Inner {
    sql: Sql,
    now_ms: NowMs,
    seed: u64,
    region: String,
    account: String,
}

/// A secret's row.
struct Secret {
    name: String,
    arn: String,
    description: Option<String>,
    created_ms: i64,
    changed_ms: i64,
}

impl Secrets {
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

    /// Makes the secret or gives it a new current value; an equal value changes nothing.
    pub(crate) fn put(&self, name: &str, value: &str) -> Result<(), Error> {
        let request = json!({ "Name": name, "SecretId": name, "SecretString": value });
        let current = self.answer("GetSecretValue", &request);
        let result = match current {
            Ok(found) if found.get("SecretString").is_some_and(|text| text == value) => {
                return Ok(());
            }
            Ok(_) => self.answer("PutSecretValue", &request),
            Err(_) => self.answer("CreateSecret", &request),
        };
        match result {
            Ok(_) => Ok(()),
            Err(refusal) => Err(Error::Invalid(format!("secret {name}: {}", refusal.message))),
        }
    }

    /// The ARN that policies are asked for; of an unknown secret the one it would have.
    pub(crate) fn arn_of(&self, id: &str) -> String {
        if id.starts_with("arn:") {
            return id.to_owned();
        }
        let found = self.inner.sql.read(|sql| find(sql, id));
        match found {
            Ok(Some(secret)) => secret.arn,
            Ok(None) | Err(_) => self.new_arn(id),
        }
    }

    pub(crate) fn sql(&self) -> &Sql {
        &self.inner.sql
    }

    pub(crate) fn serve(&self, incoming: &Incoming) -> Reply {
        match self.answer(&incoming.operation, &incoming.json) {
            Ok(value) => Reply::json(200, &value),
            Err(refusal) => refusal.reply(&Service::Secrets),
        }
    }

    fn answer(&self, operation: &str, request: &Value) -> Result<Value, Refusal> {
        self.inner.sql.change(|tx| match operation {
            "CreateSecret" => self.create(tx, request),
            "GetSecretValue" => get_value(tx, request),
            "PutSecretValue" => self.put_value(tx, request),
            "DescribeSecret" => describe(tx, request),
            "UpdateSecretVersionStage" => update_stage(tx, request),
            other => Err(Refusal {
                status: 501,
                code: "InvalidRequestException",
                message: format!("the emulated Secrets Manager has no operation {other}"),
            }),
        })
    }

    fn create(&self, tx: &Connection, request: &Value) -> Result<Value, Refusal> {
        let name = text(request, "Name").ok_or_else(|| invalid("Name is required."))?;
        let legal = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c);
        if name.is_empty() || name.len() > 512 || !name.chars().all(legal) {
            return Err(invalid("Invalid name. Must be 1 to 512 letters, digits or /_+=.@-"));
        }
        let now = self.now();
        if let Some(secret) = find(tx, name)? {
            // A retry of the call that made it carries the token of its first version.
            let token = text(request, "ClientRequestToken").unwrap_or_default();
            return match version(tx, name, token)? {
                Some(value) if value == Version::of(request) => {
                    Ok(json!({ "ARN": secret.arn, "Name": name, "VersionId": token }))
                }
                _ => Err(Refusal::new(
                    "ResourceExistsException",
                    format!("The operation failed because the secret {name} already exists."),
                )),
            };
        }
        let arn = self.new_arn(name);
        tx.execute(
            "INSERT INTO secrets VALUES (?1, ?2, ?3, ?4, ?4)",
            params![name, arn, text(request, "Description"), now],
        )?;
        let value = Version::of(request);
        if value == Version::default() {
            return Ok(json!({ "ARN": arn, "Name": name }));
        }
        let id = self.add(tx, name, request, &value, now)?;
        label(tx, name, CURRENT, &id)?;
        Ok(json!({ "ARN": arn, "Name": name, "VersionId": id }))
    }

    fn put_value(&self, tx: &Connection, request: &Value) -> Result<Value, Refusal> {
        let secret = wanted(tx, request)?;
        let value = Version::of(request);
        if value == Version::default() {
            return Err(invalid("You must provide either SecretString or SecretBinary."));
        }
        let token = text(request, "ClientRequestToken").unwrap_or_default();
        let answer = |id: &str, stages: Vec<String>| {
            json!({
                "ARN": secret.arn, "Name": secret.name, "VersionId": id, "VersionStages": stages,
            })
        };
        match version(tx, &secret.name, token)? {
            Some(known) if known == value => {
                return Ok(answer(token, stages_of(tx, &secret.name, token)?));
            }
            Some(_) => {
                return Err(Refusal::new(
                    "ResourceExistsException",
                    "You can't use ClientRequestToken for a version with another value.",
                ));
            }
            None => {}
        }
        let now = self.now();
        let id = self.add(tx, &secret.name, request, &value, now)?;
        let wished = request.get("VersionStages").and_then(Value::as_array).map_or_else(
            || vec![CURRENT],
            |stages| stages.iter().filter_map(Value::as_str).collect(),
        );
        for stage in wished {
            label(tx, &secret.name, stage, &id)?;
        }
        tx.execute(
            "UPDATE secrets SET changed_ms = ?2 WHERE name = ?1",
            params![secret.name, now],
        )?;
        forget_unlabelled(tx, &secret.name)?;
        Ok(answer(&id, stages_of(tx, &secret.name, &id)?))
    }

    fn add(
        &self,
        tx: &Connection,
        name: &str,
        request: &Value,
        value: &Version,
        now: i64,
    ) -> Result<String, Refusal> {
        let bytes = value.text.as_deref().or(value.binary.as_deref()).map_or(0, str::len);
        if bytes > VALUE_BYTES_MAX {
            return Err(invalid("A secret value is at most 65536 bytes long."));
        }
        let id = if let Some(token) = text(request, "ClientRequestToken") {
            token.to_owned()
        } else {
            let count: i64 = tx.query_row("SELECT count(*) FROM versions", [], |row| row.get(0))?;
            ids::uuid(&format!("version:{}:{name}:{count}:{now}", self.inner.seed))
        };
        tx.execute(
            "INSERT INTO versions VALUES (?1, ?2, ?3, ?4, ?5)",
            params![name, id, value.text, value.binary, now],
        )?;
        Ok(id)
    }

    /// A secret's ARN ends in six characters of chance; here they follow from the seed.
    fn new_arn(&self, name: &str) -> String {
        let suffix = ids::hex(&format!("arn:{}:{name}", self.inner.seed));
        let suffix = suffix.get(..6).unwrap_or_default();
        let (region, account) = (&self.inner.region, &self.inner.account);
        format!("arn:aws:secretsmanager:{region}:{account}:secret:{name}-{suffix}")
    }

    fn now(&self) -> i64 {
        (self.inner.now_ms)()
    }
}

/// The value of one version: text, or binary in base64 as it travels.
#[derive(Default, PartialEq)]
struct Version {
    text: Option<String>,
    binary: Option<String>,
}

impl Version {
    fn of(request: &Value) -> Self {
        Self {
            text: text(request, "SecretString").map(str::to_owned),
            binary: text(request, "SecretBinary").map(str::to_owned),
        }
    }
}

fn get_value(tx: &Connection, request: &Value) -> Result<Value, Refusal> {
    let secret = wanted(tx, request)?;
    let stage = text(request, "VersionStage");
    let labelled = |stage: &str| -> Result<Option<String>, Refusal> {
        Ok(tx
            .prepare_cached("SELECT id FROM stages WHERE name = ?1 AND stage = ?2")?
            .query_row([&secret.name, stage], |row| row.get(0))
            .optional()?)
    };
    let id = match (text(request, "VersionId"), stage) {
        (Some(id), None) => Some(id.to_owned()),
        (Some(id), Some(stage)) => labelled(stage)?.filter(|found| found == id),
        (None, stage) => labelled(stage.unwrap_or(CURRENT))?,
    };
    let missing = || {
        let stage = stage.unwrap_or(CURRENT);
        not_found(&format!("can't find the specified secret value for staging label: {stage}"))
    };
    let id = id.ok_or_else(missing)?;
    let value = version(tx, &secret.name, &id)?.ok_or_else(missing)?;
    let created_ms: i64 = tx.query_row(
        "SELECT created_ms FROM versions WHERE name = ?1 AND id = ?2",
        [&secret.name, &id],
        |row| row.get(0),
    )?;
    let mut members = json!({
        "ARN": secret.arn,
        "Name": secret.name,
        "VersionStages": stages_of(tx, &secret.name, &id)?,
        "VersionId": id,
        "CreatedDate": created_ms / 1000,
    });
    if let Some(object) = members.as_object_mut() {
        if let Some(text) = value.text {
            object.insert("SecretString".to_owned(), json!(text));
        }
        if let Some(binary) = value.binary {
            object.insert("SecretBinary".to_owned(), json!(binary));
        }
    }
    Ok(members)
}

fn describe(tx: &Connection, request: &Value) -> Result<Value, Refusal> {
    let secret = wanted(tx, request)?;
    let mut rows =
        tx.prepare_cached("SELECT id, stage FROM stages WHERE name = ?1 ORDER BY stage")?;
    let pairs = rows.query_map([&secret.name], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut stages: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pair in pairs {
        let (id, stage) = pair?;
        stages.entry(id).or_default().push(stage);
    }
    Ok(json!({
        "ARN": secret.arn,
        "Name": secret.name,
        "Description": secret.description.unwrap_or_default(),
        "CreatedDate": secret.created_ms / 1000,
        "LastChangedDate": secret.changed_ms / 1000,
        "VersionIdsToStages": stages,
    }))
}

fn update_stage(tx: &Connection, request: &Value) -> Result<Value, Refusal> {
    let secret = wanted(tx, request)?;
    let stage =
        text(request, "VersionStage").ok_or_else(|| invalid("VersionStage is required."))?;
    let holder: Option<String> = tx
        .query_row(
            "SELECT id FROM stages WHERE name = ?1 AND stage = ?2",
            [&secret.name, stage],
            |row| row.get(0),
        )
        .optional()?;
    let (from, to) = (text(request, "RemoveFromVersionId"), text(request, "MoveToVersionId"));
    if from.is_some() && from != holder.as_deref() {
        return Err(invalid("The staging label is not attached to RemoveFromVersionId."));
    }
    if to.is_some() && holder.is_some() && from.is_none() && holder.as_deref() != to {
        return Err(invalid(
            "The staging label is attached to another version: name it in RemoveFromVersionId.",
        ));
    }
    match to {
        None => {
            if stage == CURRENT {
                return Err(invalid("AWSCURRENT can be moved, not removed."));
            }
            tx.execute("DELETE FROM stages WHERE name = ?1 AND stage = ?2", [&secret.name, stage])?;
        }
        Some(id) => {
            if version(tx, &secret.name, id)?.is_none() {
                return Err(not_found("can't find the specified secret version."));
            }
            label(tx, &secret.name, stage, id)?;
        }
    }
    forget_unlabelled(tx, &secret.name)?;
    Ok(json!({ "ARN": secret.arn, "Name": secret.name }))
}

/// Puts the label on this version and takes it from any other. When `AWSCURRENT` moves, the
/// version it leaves becomes `AWSPREVIOUS`.
fn label(tx: &Connection, name: &str, stage: &str, id: &str) -> Result<(), Refusal> {
    if stage == CURRENT {
        tx.execute(
            "INSERT OR REPLACE INTO stages SELECT name, ?2, id FROM stages
             WHERE name = ?1 AND stage = ?3 AND id <> ?4",
            params![name, PREVIOUS, CURRENT, id],
        )?;
        tx.execute(
            "DELETE FROM stages WHERE name = ?1 AND stage = ?2 AND id = ?3",
            params![name, PREVIOUS, id],
        )?;
    }
    tx.execute("INSERT OR REPLACE INTO stages VALUES (?1, ?2, ?3)", params![name, stage, id])?;
    Ok(())
}

/// AWS calls versions without a label deprecated and deletes them in its own time.
fn forget_unlabelled(tx: &Connection, name: &str) -> Result<(), Refusal> {
    tx.execute(
        "DELETE FROM versions WHERE name = ?1
         AND id NOT IN (SELECT id FROM stages WHERE name = ?1)",
        [name],
    )?;
    Ok(())
}

fn stages_of(tx: &Connection, name: &str, id: &str) -> rusqlite::Result<Vec<String>> {
    let mut rows =
        tx.prepare_cached("SELECT stage FROM stages WHERE name = ?1 AND id = ?2 ORDER BY stage")?;
    rows.query_map([name, id], |row| row.get(0))?.collect()
}

fn version(tx: &Connection, name: &str, id: &str) -> Result<Option<Version>, Refusal> {
    Ok(tx
        .prepare_cached("SELECT text, binary FROM versions WHERE name = ?1 AND id = ?2")?
        .query_row([name, id], |row| Ok(Version { text: row.get(0)?, binary: row.get(1)? }))
        .optional()?)
}

fn wanted(tx: &Connection, request: &Value) -> Result<Secret, Refusal> {
    let id = text(request, "SecretId").ok_or_else(|| invalid("SecretId is required."))?;
    find(tx, id)?.ok_or_else(|| not_found("can't find the specified secret."))
}

/// By name, whole ARN, or ARN without its six random characters.
fn find(tx: &Connection, id: &str) -> rusqlite::Result<Option<Secret>> {
    tx.prepare_cached(
        "SELECT name, arn, description, created_ms, changed_ms FROM secrets
         WHERE name = ?1 OR arn = ?1 OR substr(arn, 1, length(arn) - 7) = ?1",
    )?
    .query_row([id], |row| {
        Ok(Secret {
            name: row.get(0)?,
            arn: row.get(1)?,
            description: row.get(2)?,
            created_ms: row.get(3)?,
            changed_ms: row.get(4)?,
        })
    })
    .optional()
}

fn text<'a>(request: &'a Value, member: &str) -> Option<&'a str> {
    request.get(member).and_then(Value::as_str)
}

fn invalid(message: &str) -> Refusal {
    Refusal::new("InvalidParameterException", message)
}

fn not_found(what: &str) -> Refusal {
    Refusal::new("ResourceNotFoundException", format!("Secrets Manager {what}"))
}
