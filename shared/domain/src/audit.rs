//! The audit log: who did what, when, in a chain that shows every later change.
//!
//! An entry never holds personal data or a secret: [`changes`] shows the values of fields that are
//! known to be harmless and says of all others only that they changed. Each [`Link`] holds the
//! hash of the one before. Who can write the whole log can still forge all of it from some link
//! on, or cut off its end; that shows by the head, which has to be kept where they can not write.
//!
//! # The hash, byte for byte
//!
//! A link's hash is the SHA-256, in lower-case hexadecimal, of these bytes in this order. A *text*
//! is its length in bytes as 8 bytes, most significant first, and then its UTF-8 bytes. A *number*
//! is 8 bytes, most significant first. An *optional* X is the byte 0, or the byte 1 and the X.
//!
//! 1. text: `fluxion.audit.1`
//! 2. number: the sequence, which begins at 1
//! 3. text: the previous link's hash as it is written; 64 zeros for the first link
//! 4. text: the entry's id
//! 5. text: its time, as it is written (RFC 3339 in UTC)
//! 6. text: its actor, as it is written (`nobody`, `system`, or an id)
//! 7. text: its action
//! 8. optional text: its object
//! 9. optional text: its network
//! 10. optional text: its request id
//! 11. number: how many changes it has, and of each, in the order in which they are written:
//!     text: the field; optional value: before; optional value: after. Here `null` is no value.
//!
//! A *value* is one byte for its kind and what follows from it:
//!
//! - `n` null, `t` true, `f` false: nothing more
//! - `i` a number: its decimal digits as a text, with `-` in front if it is negative. Entries
//!   hold whole numbers only: not every reader of JSON gives back the same fraction
//! - `s` a string: the text
//! - `a` an array: how many elements (number), then each value
//! - `o` an object: how many members (number), then each name (text) and value, sorted by the
//!   bytes of the name

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::id::{AuditId, CustomerId, KeyId, StaffId};

/// What the first link has in place of the hash of the one before.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// Changes that an entry lists; one more says that there were others. Keeps an entry far below
/// DynamoDB's 400 KiB.
pub const CHANGES_MAX: usize = 100;
/// What is shown in place of a value that is nobody's business.
pub const REDACTED: &str = "redacted";

/// Objects inside objects that [`changes`] looks into.
const DEPTH_MAX: usize = 6;
/// Characters of a word or of a field's name.
const WORD_CHARS_MAX: usize = 64;
/// Names in a list of permissions, networks or the like that is shown.
const WORDS_MAX: usize = 64;

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    /// Nobody that we know: a sign-in that failed.
    Nobody,
    /// A customer.
    Customer(CustomerId),
    /// A member of the staff.
    Staff(StaffId),
    /// An API key.
    Key(KeyId),
    /// The shop itself: a job, the deploy.
    System,
}

impl Actor {
    /// Reads what [`Display`](fmt::Display) writes.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "nobody" => Some(Self::Nobody),
            "system" => Some(Self::System),
            id => CustomerId::parse(id)
                .map(Self::Customer)
                .or_else(|_| StaffId::parse(id).map(Self::Staff))
                .or_else(|_| KeyId::parse(id).map(Self::Key))
                .ok(),
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nobody => f.write_str("nobody"),
            Self::Customer(id) => fmt::Display::fmt(id, f),
            Self::Staff(id) => fmt::Display::fmt(id, f),
            Self::Key(id) => fmt::Display::fmt(id, f),
            Self::System => f.write_str("system"),
        }
    }
}

impl Serialize for Actor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Actor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("is not an actor"))
    }
}

impl JsonSchema for Actor {
    fn schema_name() -> Cow<'static, str> {
        "Actor".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::Actor").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^(nobody|system|(cus|stf|key)_[0-7][0-9A-HJKMNP-TV-Z]{25})$",
        })
    }
}

/// One thing that was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AuditEntry")]
pub struct Entry {
    /// The id.
    pub id: AuditId,
    /// When it was done.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// What was done: `staff.suspend`, `session.begin`.
    pub action: String,
    /// The id of what it was done to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Where the call came from, as far as [`network_of`] tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// Which call it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// What it changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
}

/// A field that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AuditChange")]
pub struct Change {
    /// The field, with dots between the names of objects inside objects: `price.amount`.
    pub field: String,
    /// What it was, or `redacted`; absent if it was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What it is now, or `redacted`; absent if it is not there any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// What differs between two JSON documents, field by field; `null` is the same as nothing, so that
/// `null` before is a thing that was made.
///
/// The value of a field is shown only if its name is on the list of harmless ones *and* the value
/// looks like one: a status is a word, a quantity is a whole number. A field that we forgot is
/// redacted, not leaked.
pub fn changes(before: &Value, after: &Value) -> Vec<Change> {
    let mut found = Vec::new();
    differences("", before, after, 0, &mut found);
    if found.len() > CHANGES_MAX {
        found.truncate(CHANGES_MAX);
        found.push(Change { field: "and_more".into(), before: None, after: None });
    }
    found
}

fn differences(path: &str, before: &Value, after: &Value, depth: usize, found: &mut Vec<Change>) {
    if before == after {
        return;
    }
    if let (Some(old), Some(new)) = (members(before), members(after))
        && depth < DEPTH_MAX
    {
        let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        // The name of a field is ours; the key of a map may be somebody's address.
        if names.iter().all(|name| is_field_name(name)) {
            for name in names {
                let field = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                let old = old.get(name).unwrap_or(&Value::Null);
                let new = new.get(name).unwrap_or(&Value::Null);
                differences(&field, old, new, depth + 1, found);
            }
            return;
        }
    }
    let field = if path.is_empty() { "document" } else { path };
    let shown = |value: &Value| match value {
        Value::Null => None,
        value if is_harmless(field, value) => Some(value.clone()),
        _ => Some(Value::from(REDACTED)),
    };
    found.push(Change { field: field.to_owned(), before: shown(before), after: shown(after) });
}

/// The members of an object; none, if there is no object.
fn members(value: &Value) -> Option<Cow<'_, Map<String, Value>>> {
    match value {
        Value::Object(members) => Some(Cow::Borrowed(members)),
        Value::Null => Some(Cow::Owned(Map::new())),
        _ => None,
    }
}

fn is_field_name(name: &str) -> bool {
    (1..=WORD_CHARS_MAX).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Whether the value of this field may be seen by everybody who reads the log.
fn is_harmless(path: &str, value: &Value) -> bool {
    let name = path.rsplit_once('.').map_or(path, |(_, name)| name);
    let is_words =
        || value.as_array().is_some_and(|all| all.len() <= WORDS_MAX && all.iter().all(is_word));
    match name {
        "status" | "role" | "kind" | "currency" | "locale" | "reason_code" => is_word(value),
        "permissions" | "scopes" => is_words(),
        "amount" | "price" | "compare_at" | "cost" | "quantity" | "on_hand" | "reserved"
        | "available" | "threshold" | "limit" | "priority" | "percent" | "basis_points"
        | "version" => is_whole(value),
        name if name.starts_with("is_") || name.starts_with("has_") => value.is_boolean(),
        name if name.ends_with("_at") => {
            value.as_str().is_some_and(|text| text.parse::<Timestamp>().is_ok())
        }
        name if name.ends_with("_minor") || name.ends_with("_quantity") => is_whole(value),
        _ => false,
    }
}

fn is_whole(value: &Value) -> bool {
    value.is_i64() || value.is_u64()
}

/// A code or an id, not a sentence and not a mail address.
fn is_word(value: &Value) -> bool {
    value.as_str().is_some_and(|text| {
        text.len() <= WORD_CHARS_MAX
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
    })
}

/// An entry in its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its place; the first is 1.
    pub sequence: u64,
    /// The hash of the link before, [`GENESIS`] in the first.
    pub previous: String,
    /// The hash of this link, as the head of the module tells.
    pub hash: String,
    /// What happened.
    pub entry: Entry,
}

impl Link {
    /// The first link of a chain.
    pub fn first(entry: Entry) -> Self {
        Self::next(None, entry)
    }

    /// The link after this one; the first, if there is none.
    pub fn next(previous: Option<&Self>, entry: Entry) -> Self {
        let head = previous.map_or_else(Head::default, Self::head);
        head.link(entry)
    }

    /// What the next link needs to know of this one.
    pub fn head(&self) -> Head {
        Head { sequence: self.sequence, hash: self.hash.clone() }
    }

    /// The hash that the link has to have by what it says.
    pub fn computed_hash(&self) -> String {
        digest(self.sequence, &self.previous, &self.entry)
    }
}

/// The end of a chain: enough to add to it or to go on checking it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The place of the last link; 0 in an empty chain.
    pub sequence: u64,
    /// Its hash.
    pub hash: String,
}

impl Default for Head {
    fn default() -> Self {
        Self { sequence: 0, hash: GENESIS.into() }
    }
}

impl Head {
    /// The link that comes next.
    pub fn link(&self, entry: Entry) -> Link {
        let sequence = self.sequence.saturating_add(1);
        let hash = digest(sequence, &self.hash, &entry);
        Link { sequence, previous: self.hash.clone(), hash, entry }
    }

    /// The head after this link, if the link is whole and comes next.
    pub fn follow(&self, link: &Link) -> Result<Self, Broken> {
        let sequence = self.sequence.saturating_add(1);
        if link.computed_hash() != link.hash {
            return Err(Broken { sequence, why: Why::Changed });
        }
        if link.sequence > sequence {
            return Err(Broken { sequence, why: Why::Missing });
        }
        if link.sequence < sequence {
            return Err(Broken { sequence, why: Why::OutOfOrder });
        }
        if link.previous != self.hash {
            // This link is whole and remembers another hash than the one before it has now.
            return Err(Broken { sequence: self.sequence.max(1), why: Why::Forged });
        }
        Ok(link.head())
    }
}

/// Where a chain breaks first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken {
    /// The place of the link, counted from 1.
    pub sequence: u64,
    /// What is wrong with it.
    pub why: Why,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "link {} of the audit log {}", self.sequence, self.why.sentence())
    }
}

impl std::error::Error for Broken {}

/// What can be wrong with a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// What it says does not give its hash.
    Changed,
    /// It is not there.
    Missing,
    /// An earlier one is in its place.
    OutOfOrder,
    /// It was replaced by another that has a good hash, but not the one that the next remembers.
    Forged,
}

impl Why {
    const fn sentence(self) -> &'static str {
        match self {
            Self::Changed => "was changed: what it says does not give its hash",
            Self::Missing => "is missing",
            Self::OutOfOrder => "is not in its place: an earlier one is there",
            Self::Forged => "was replaced: the next one remembers another hash",
        }
    }
}

/// How many links the chain has, or where it breaks first. Chains that are read in pages are
/// followed with [`Head::follow`].
pub fn verify<'a>(links: impl Iterator<Item = &'a Link>) -> Result<u64, Broken> {
    let mut head = Head::default();
    for link in links {
        head = head.follow(link)?;
    }
    Ok(head.sequence)
}

/// The network that a log may know of a caller: the /24 of an IPv4 address, the /48 of an IPv6
/// one. An IPv4 address in IPv6 clothes (`::ffff:192.0.2.1`) is an IPv4 address.
pub fn network_of(ip: &str) -> Option<String> {
    let network = match ip.parse::<IpAddr>().ok()?.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            format!("{}/24", Ipv4Addr::new(a, b, c, 0))
        }
        IpAddr::V6(ip) => format!("{}/48", first_bits(ip, 48)),
    };
    Some(network)
}

/// Whose calls are counted together: an IPv4 address, or the /64 of an IPv6 one, which is what one
/// subscriber has at least.
pub fn limit_key_of(ip: &str) -> Option<String> {
    let key = match ip.parse::<IpAddr>().ok()?.to_canonical() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("{}/64", first_bits(ip, 64)),
    };
    Some(key)
}

fn first_bits(ip: Ipv6Addr, bits: u32) -> Ipv6Addr {
    let rest = u128::MAX.checked_shr(bits).unwrap_or(0);
    Ipv6Addr::from_bits(ip.to_bits() & !rest)
}

fn digest(sequence: u64, previous: &str, entry: &Entry) -> String {
    let mut bytes = Bytes::default();
    bytes.text("fluxion.audit.1");
    bytes.number(sequence);
    bytes.text(previous);
    let Entry { id, at, actor, action, object, network, request_id, changes } = entry;
    bytes.text(&id.to_string());
    bytes.text(&at.to_string());
    bytes.text(&actor.to_string());
    bytes.text(action);
    for optional in [object, network, request_id] {
        bytes.optional(optional.as_deref(), Bytes::text);
    }
    bytes.count(changes.len());
    for Change { field, before, after } in changes {
        bytes.text(field);
        for value in [before, after] {
            // A stored null is read back as nothing.
            bytes.optional(value.as_ref().filter(|value| !value.is_null()), Bytes::value);
        }
    }
    Sha256::digest(&bytes.0).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes under a hash.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn number(&mut self, number: u64) {
        self.0.extend(number.to_be_bytes());
    }

    fn count(&mut self, count: usize) {
        self.number(count as u64);
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.extend(text.as_bytes());
    }

    fn optional<T: ?Sized>(&mut self, value: Option<&T>, write: impl FnOnce(&mut Self, &T)) {
        self.0.push(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.0.push(b'n'),
            Value::Bool(true) => self.0.push(b't'),
            Value::Bool(false) => self.0.push(b'f'),
            Value::Number(number) => self.json_number(number),
            Value::String(text) => {
                self.0.push(b's');
                self.text(text);
            }
            Value::Array(elements) => {
                self.0.push(b'a');
                self.count(elements.len());
                for element in elements {
                    self.value(element);
                }
            }
            Value::Object(members) => {
                self.0.push(b'o');
                self.count(members.len());
                let sorted: BTreeMap<&String, &Value> = members.iter().collect();
                for (name, value) in sorted {
                    self.text(name);
                    self.value(value);
                }
            }
        }
    }

    /// As it is written. An entry holds whole numbers only.
    fn json_number(&mut self, number: &serde_json::Number) {
        self.0.push(b'i');
        self.text(&number.to_string());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::Index;
    use serde_json::json;

    use super::*;
    use crate::id::Ulid;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).unwrap()
    }

    fn entry(n: u128) -> Entry {
        Entry {
            id: AuditId::from_ulid(Ulid::from_parts(1, n)),
            at: at(0),
            actor: Actor::Staff(StaffId::from_ulid(Ulid::from_parts(1, 1))),
            action: "staff.suspend".into(),
            object: Some("stf_00000000010000000000000002".into()),
            network: Some("192.0.2.0/24".into()),
            request_id: None,
            changes: vec![Change {
                field: "status".into(),
                before: Some("active".into()),
                after: Some("suspended".into()),
            }],
        }
    }

    fn chain(entries: impl IntoIterator<Item = Entry>) -> Vec<Link> {
        let mut links: Vec<Link> = Vec::new();
        for entry in entries {
            links.push(Link::next(links.last(), entry));
        }
        links
    }

    fn broken(sequence: u64, why: Why) -> Result<u64, Broken> {
        Err(Broken { sequence, why })
    }

    fn changed(before: &Value, after: &Value) -> Value {
        serde_json::to_value(changes(before, after)).unwrap()
    }

    #[test]
    fn the_bytes_under_a_hash_are_those_of_the_documentation() {
        let mut all = entry(1);
        all.changes.push(Change {
            field: "x".into(),
            before: None,
            after: Some(json!({"b": [null, true, false, -7, "ü"], "a": 2})),
        });
        let text = |bytes: &mut Vec<u8>, text: &str| {
            bytes.extend((text.len() as u64).to_be_bytes());
            bytes.extend(text.as_bytes());
        };
        let number = |bytes: &mut Vec<u8>, n: u64| bytes.extend(n.to_be_bytes());
        let mut b = Vec::new();
        text(&mut b, "fluxion.audit.1");
        number(&mut b, 1);
        text(&mut b, &"0".repeat(64));
        text(&mut b, "aud_00000000010000000000000001");
        text(&mut b, "2026-09-21T14:13:20Z");
        text(&mut b, "stf_00000000010000000000000001");
        text(&mut b, "staff.suspend");
        b.push(1);
        text(&mut b, "stf_00000000010000000000000002");
        b.push(1);
        text(&mut b, "192.0.2.0/24");
        b.push(0);
        number(&mut b, 2);
        text(&mut b, "status");
        b.extend(b"\x01s");
        text(&mut b, "active");
        b.extend(b"\x01s");
        text(&mut b, "suspended");
        text(&mut b, "x");
        b.extend(b"\x00\x01o");
        number(&mut b, 2);
        text(&mut b, "a");
        b.push(b'i');
        text(&mut b, "2");
        text(&mut b, "b");
        b.push(b'a');
        number(&mut b, 5);
        b.extend(b"ntfi");
        text(&mut b, "-7");
        b.push(b's');
        text(&mut b, "ü");
        let expected: String = Sha256::digest(&b).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(Link::first(all).hash, expected);
    }

    #[test]
    fn a_chain_survives_its_json() {
        let mut third = entry(3);
        third.changes.push(Change {
            field: "y".into(),
            before: Some(Value::Null),
            after: Some(json!([1, null])),
        });
        let links = chain([entry(1), entry(2), third]);
        let text = serde_json::to_string(&links).unwrap();
        let read: Vec<Link> = serde_json::from_str(&text).unwrap();
        assert_eq!(verify(read.iter()), Ok(3));
        assert_eq!(verify([].into_iter()), Ok(0));
        assert_eq!(links[0].previous, GENESIS);
        assert_eq!(links[2].previous, links[1].hash);
    }

    #[test]
    fn a_page_is_checked_where_the_one_before_ended() {
        let links = chain((1..=6).map(entry));
        let head = links[2].head();
        let end = links[3..].iter().try_fold(head.clone(), |head, link| head.follow(link));
        assert_eq!(end, Ok(links[5].head()));
        assert_eq!(head.follow(&links[4]), Err(Broken { sequence: 4, why: Why::Missing }));
    }

    #[test]
    fn a_break_is_named() {
        let links = chain((1..=5).map(entry));
        let without = |n: usize| {
            let mut links = links.clone();
            links.remove(n);
            links
        };
        assert_eq!(verify(without(2).iter()), broken(3, Why::Missing));
        assert_eq!(verify(without(0).iter()), broken(1, Why::Missing));

        let mut twice = links.clone();
        twice.insert(2, links[1].clone());
        assert_eq!(verify(twice.iter()), broken(3, Why::OutOfOrder));

        let mut changed = links.clone();
        changed[2].entry.action = "staff.reinstate".into();
        assert_eq!(verify(changed.iter()), broken(3, Why::Changed));
        changed[2].hash = changed[2].computed_hash();
        assert_eq!(verify(changed.iter()), broken(3, Why::Forged));

        let mut begun = links.clone();
        begun[0].previous = "1".repeat(64);
        begun[0].hash = begun[0].computed_hash();
        assert_eq!(verify(begun.iter()), broken(1, Why::Forged));
        assert_eq!(
            Broken { sequence: 3, why: Why::Missing }.to_string(),
            "link 3 of the audit log is missing",
        );
    }

    #[test]
    fn an_actor_is_a_word_or_an_id() {
        let id = Ulid::from_parts(1, 1);
        for (actor, text) in [
            (Actor::Nobody, "nobody"),
            (Actor::System, "system"),
            (Actor::Customer(CustomerId::from_ulid(id)), "cus_00000000010000000000000001"),
            (Actor::Staff(StaffId::from_ulid(id)), "stf_00000000010000000000000001"),
            (Actor::Key(KeyId::from_ulid(id)), "key_00000000010000000000000001"),
        ] {
            assert_eq!(actor.to_string(), text);
            assert_eq!(serde_json::from_value::<Actor>(text.into()).unwrap(), actor);
        }
        assert_eq!(Actor::parse("ord_00000000010000000000000001"), None);
    }

    #[test]
    fn what_is_harmless_is_shown_and_all_else_is_redacted() {
        let before = json!({
            "id": "stf_1", "status": "active", "email": "ada@example.com", "is_owner": false,
            "permissions": ["orders.read"], "price": {"amount": 100, "currency": "EUR"},
            "password": null, "suspended_at": null, "same": 1,
        });
        let after = json!({
            "id": "stf_1", "status": "suspended", "email": "eve@example.com", "is_owner": true,
            "permissions": ["orders.read", "audit.read"],
            "price": {"amount": 90, "currency": "EUR"}, "password": "$argon2id$…",
            "suspended_at": "2026-09-21T14:13:20Z", "same": 1,
        });
        assert_eq!(
            changed(&before, &after),
            json!([
                {"field": "email", "before": "redacted", "after": "redacted"},
                {"field": "is_owner", "before": false, "after": true},
                {"field": "password", "after": "redacted"},
                {"field": "permissions",
                    "before": ["orders.read"], "after": ["orders.read", "audit.read"]},
                {"field": "price.amount", "before": 100, "after": 90},
                {"field": "status", "before": "active", "after": "suspended"},
                {"field": "suspended_at", "after": "2026-09-21T14:13:20Z"},
            ]),
        );
    }

    #[test]
    fn a_harmless_name_does_not_make_a_value_harmless() {
        let after = json!({
            "status": "ada@example.com", "role": "Ada Lovelace", "is_verified": "ada",
            "created_at": "12 Privet Drive", "amount": "4242 4242", "permissions": [{"a": 1}],
            "quantity": serde_json::from_str::<Value>("1.5").unwrap(), "kind": "x".repeat(65),
        });
        for change in changes(&Value::Null, &after) {
            let is_inside = change.field.contains('.');
            assert!(is_inside || change.after == Some(REDACTED.into()), "{change:?}");
        }
    }

    #[test]
    fn the_keys_of_a_map_are_not_told() {
        let after = json!({"devices": {"ada@example.com": {"status": "on"}}, "status": "on"});
        assert_eq!(
            changed(&Value::Null, &after),
            json!([
                {"field": "devices", "after": "redacted"},
                {"field": "status", "after": "on"},
            ]),
        );
        assert_eq!(changes(&json!("ada"), &json!("eve"))[0].field, "document");
    }

    #[test]
    fn a_document_that_changed_everywhere_is_cut() {
        let after: Map<String, Value> =
            (0..CHANGES_MAX + 5).map(|n| (format!("field_{n}"), n.into())).collect();
        let changes = changes(&Value::Null, &Value::Object(after));
        assert_eq!(changes.len(), CHANGES_MAX + 1);
        assert_eq!(changes[CHANGES_MAX].field, "and_more");
    }

    #[test]
    fn a_network_is_a_24_or_a_48_and_a_limit_counts_an_address_or_a_64() {
        for (ip, network, key) in [
            ("192.0.2.77", "192.0.2.0/24", "192.0.2.77"),
            ("::ffff:192.0.2.77", "192.0.2.0/24", "192.0.2.77"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48", "2001:db8:1:2::/64"),
            ("2001:0DB8:1:2::", "2001:db8:1::/48", "2001:db8:1:2::/64"),
            ("::1", "::/48", "::/64"),
        ] {
            assert_eq!(network_of(ip).as_deref(), Some(network), "{ip}");
            assert_eq!(limit_key_of(ip).as_deref(), Some(key), "{ip}");
        }
        for wrong in ["", "192.0.2", "192.0.2.1:443", "[::1]", "localhost", "192.0.2.1, ::1"] {
            assert_eq!((network_of(wrong), limit_key_of(wrong)), (None, None), "{wrong}");
        }
    }

    fn entries() -> impl Strategy<Value = Vec<Entry>> {
        let value = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a-zü]{0,8}".prop_map(Value::from),
        ];
        let change = ("[a-z_.]{1,8}", proptest::option::of(value.clone()), value)
            .prop_map(|(field, before, after)| Change { field, before, after: Some(after) });
        let entry = (
            any::<u128>(),
            0..1_000_000_i64,
            "[a-z.]{1,12}",
            proptest::option::of("[a-z_0-9]{1,8}"),
            proptest::collection::vec(change, 0..4),
        );
        proptest::collection::vec(entry, 1..8).prop_map(|entries| {
            let entries = entries.into_iter().map(|(n, seconds, action, object, changes)| Entry {
                id: AuditId::from_ulid(Ulid::from_parts(1, n)),
                at: at(seconds),
                actor: Actor::System,
                action,
                object,
                network: None,
                request_id: None,
                changes,
            });
            entries.collect()
        })
    }

    /// The ways to change one link; the last forges its hash, too.
    const WAYS: usize = 12;

    fn tamper(link: &mut Link, way: usize) {
        let flip = |hash: &mut String| {
            let digit = if hash.starts_with('0') { "1" } else { "0" };
            hash.replace_range(0..1, digit);
        };
        let entry = &mut link.entry;
        match way {
            0 => link.sequence += 1,
            1 => link.sequence = 0,
            2 => flip(&mut link.previous),
            3 => flip(&mut link.hash),
            4 => entry.id = AuditId::from_ulid(Ulid::from_parts(2, 2)),
            5 => entry.at = at(-1),
            6 => entry.actor = Actor::Nobody,
            // A letter moves from one field to the next: only lengths tell the difference.
            7 => {
                let letter = entry.action.pop().unwrap();
                entry.object = Some(format!("{letter}{}", entry.object.take().unwrap_or_default()));
            }
            8 => entry.network = Some(String::new()),
            9 => entry.request_id = Some("r".into()),
            10 => entry.changes.push(Change { field: String::new(), before: None, after: None }),
            _ => {
                entry.action.push('x');
                link.hash = link.computed_hash();
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn any_change_of_any_link_is_found_at_that_link(
            entries in entries(), which: Index, way in 0..WAYS,
        ) {
            let mut links = chain(entries);
            prop_assert_eq!(verify(links.iter()), Ok(links.len() as u64));
            let which = which.index(links.len());
            // A forged last link shows by the head alone.
            let way = if which + 1 == links.len() { way % (WAYS - 1) } else { way };
            tamper(&mut links[which], way);
            let why = if way == WAYS - 1 { Why::Forged } else { Why::Changed };
            prop_assert_eq!(verify(links.iter()), broken(which as u64 + 1, why));
        }

        #[test]
        fn a_missing_or_moved_link_is_found_at_its_place(
            entries in entries(), a: Index, b: Index,
        ) {
            let links = chain(entries);
            let (a, b) = (a.index(links.len()), b.index(links.len()));
            let mut moved = links.clone();
            moved.swap(a, b);
            if a == b {
                prop_assert!(verify(moved.iter()).is_ok());
            } else {
                prop_assert_eq!(verify(moved.iter()), broken(a.min(b) as u64 + 1, Why::Missing));
            }
            let mut missing = links.clone();
            missing.remove(a);
            // Who cuts off the end leaves a whole, shorter chain.
            let expected = if a + 1 == links.len() {
                Ok(a as u64)
            } else {
                broken(a as u64 + 1, Why::Missing)
            };
            prop_assert_eq!(verify(missing.iter()), expected);
        }

        #[test]
        fn no_mail_address_ever_gets_into_a_change(
            names in proptest::collection::vec("[a-z_@.]{1,8}", 1..8),
            mail in "[a-z]{1,5}@[a-z]{1,5}\\.com",
        ) {
            let mut document = Value::from(mail.clone());
            for name in names {
                document = json!({ name: document, "status": mail, "x_at": mail, "is_x": mail });
            }
            let text = serde_json::to_string(&changes(&Value::Null, &document)).unwrap();
            prop_assert!(!text.contains('@'), "{}", text);
        }

        #[test]
        fn no_text_is_too_strange_for_an_address(text in ".*") {
            prop_assert_eq!(network_of(&text).is_some(), limit_key_of(&text).is_some());
        }
    }
}
