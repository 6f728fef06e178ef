//! Data keys: what is personal in a row that backups keep is sealed under a key that can be
//! destroyed. Then no backup tells it any more, however long it is kept.
//!
//! | item | table | key |
//! |---|---|---|
//! | key of all that lies with an order | keys | `ORD#id` / META |
//! | key of all that lies with an account | keys | `CUST#id` / META |
//! | key of what an address waits for | keys | `WAITS#hash` / META |
//!
//! The table of keys has no point-in-time recovery. A row tells in the clear what is left of it
//! after an erasure: the pseudonym. What was there instead stands beside it, sealed, under the
//! attribute's name behind a `SEAL`. Who opens a row without a key therefore reads the pseudonym,
//! and need not know that there was more.
//!
//! A key is made in the transaction that writes the first row of what it belongs to, and destroyed
//! in the transaction that forgets it. What was written before there were keys is read as it is;
//! [`Store::seal_old_orders`] and [`Store::seal_old_accounts`] come by, give it a key and seal it.
//!
//! Sealing and opening happen where rows leave for the tables and come from there, and nowhere
//! else: nobody above writes something personal in the clear by forgetting to seal it.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::address::{Address, Email, PersonName};
use domain::fault::{Fault, Retry};
use domain::id::{CustomerId, OrderId, ReturnId, Ulid};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::identity::CUSTOMERS;
use crate::item::{self, Item, Key, Range, number, text};
use crate::privacy::{PERSONAL, clear};
use crate::transaction::{Expression, Transaction, Updated};
use crate::{Store, Table};

/// The attribute of a row of the outbox that names under whose key it is sealed.
const HOLDER: &str = "holder";
/// Begins the name of an attribute that holds what the attribute of the rest of the name said.
const SEAL: char = '~';
/// Keys that one invocation remembers at most.
const HELD_MAX: usize = 500;
const KEY_LEN: usize = 32;
/// More than a month, less than two.
const A_MONTH: SignedDuration = SignedDuration::from_hours(31 * 24);
/// Pages of one partition: a megabyte each.
const PAGES_MAX: usize = 64;

tokio::task_local! {
    /// What this invocation has read.
    static HELD: Mutex<Held>;
}

/// What one invocation remembers.
#[derive(Default)]
struct Held {
    /// Keys by their holders.
    keys: BTreeMap<String, DataKey>,
    /// Holders by the mail addresses that were read under their keys.
    addresses: BTreeMap<String, String>,
}

/// Runs one invocation of a function, which reads each key once. Nothing of it outlives the
/// invocation: a process that stays warm opens nothing whose key is destroyed by then.
pub async fn within_invocation<F: Future>(invocation: F) -> F::Output {
    HELD.scope(Mutex::default(), invocation).await
}

/// How what can not be opened is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// One thing: what was tampered with is a fault.
    One,
    /// A list: one row stands in nobody's way, and shows its pseudonym.
    List,
}

/// A key.
#[derive(Clone)]
pub(crate) struct DataKey([u8; KEY_LEN]);

/// It opens something.
impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataKey(…)")
    }
}

impl DataKey {
    pub(crate) fn fresh() -> Result<Self, Fault> {
        let mut bytes = [0; KEY_LEN];
        aws_lc_rs::rand::fill(&mut bytes)
            .map_err(|_| Fault::noticed("make a data key", Retry::Helps))?;
        Ok(Self(bytes))
    }

    /// The row that it lies in.
    pub(crate) fn row(&self, holder: &str) -> Item {
        let mut row = key(holder).attributes();
        row.insert("key".into(), AttributeValue::B(Blob::new(self.0)));
        row
    }

    fn of_row(row: &Item) -> Option<(String, Self)> {
        let holder = row.get("pk")?.as_s().ok()?.clone();
        let bytes = row.get("key")?.as_b().ok()?.as_ref().try_into().ok()?;
        Some((holder, Self(bytes)))
    }

    fn cipher(&self) -> Result<LessSafeKey, Fault> {
        let key = UnboundKey::new(&AES_256_GCM, &self.0)
            .map_err(|_| Fault::noticed("use a data key", Retry::Useless))?;
        Ok(LessSafeKey::new(key))
    }

    /// A value, readable at this place alone.
    fn seal(&self, place: &str, value: AttributeValue) -> Result<AttributeValue, Fault> {
        let value: Value = serde_dynamo::from_attribute_value(value)
            .map_err(|error| Fault::new("write what is sealed", error, Retry::Useless))?;
        let mut bytes = serde_json::to_vec(&value)
            .map_err(|error| Fault::new("write what is sealed", error, Retry::Useless))?;
        let mut nonce = [0; NONCE_LEN];
        let failed = |_| Fault::noticed("seal an attribute", Retry::Useless);
        aws_lc_rs::rand::fill(&mut nonce).map_err(failed)?;
        self.cipher()?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place.as_bytes()),
                &mut bytes,
            )
            .map_err(failed)?;
        let sealed = [nonce.as_slice(), &bytes].concat();
        Ok(AttributeValue::B(Blob::new(sealed)))
    }

    /// The value; a fault where it was sealed under another key, at another place, or changed.
    fn open(&self, place: &str, sealed: &AttributeValue) -> Result<AttributeValue, Fault> {
        let failed = || Fault::noticed("open a sealed attribute", Retry::Useless);
        let sealed = sealed.as_b().map_err(|_| failed())?.as_ref();
        let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>().ok_or_else(failed)?;
        let (nonce, mut bytes) = (Nonce::assume_unique_for_key(*nonce), rest.to_vec());
        let opened = self
            .cipher()?
            .open_in_place(nonce, Aad::from(place.as_bytes()), &mut bytes)
            .map_err(|_| failed())?;
        let value: Value = serde_json::from_slice(opened)
            .map_err(|error| Fault::new("read what was sealed", error, Retry::Useless))?;
        serde_dynamo::to_attribute_value(value)
            .map_err(|error| Fault::new("read what was sealed", error, Retry::Useless))
    }
}

pub(crate) fn key(holder: &str) -> Key {
    Key::meta(holder)
}

pub(crate) fn of_order(order: OrderId) -> String {
    format!("ORD#{order}")
}

pub(crate) fn of_customer(customer: CustomerId) -> String {
    format!("CUST#{customer}")
}

/// The holder of what an address, as it is called in keys, waits for.
pub(crate) fn of_waits(address: &str) -> String {
    format!("WAITS#{address}")
}

/// What is left of an attribute in the clear.
#[derive(Debug, Clone, Copy)]
enum Left {
    /// The pseudonym of a mail address.
    Email,
    /// The pseudonym of a name.
    Name,
    /// The country and region of an address.
    Address,
    /// Nothing.
    Nothing,
    /// The id of a return; nothing of what somebody wrote.
    ReturnId,
}

/// Rows of a table by the beginnings of their keys, and what is sealed of them.
type Rows = (Table, &'static str, &'static str, &'static [(&'static str, Left)]);

/// What is personal by where it stands: table, beginnings of both halves of the key, attributes.
/// What lies beside an order is in [`PERSONAL`], which an erasure goes by, too.
const SEALED: [Rows; 8] = [
    (
        Table::Orders,
        "ORD#",
        "META",
        &[
            ("email", Left::Email),
            ("shipping_address", Left::Address),
            ("billing_address", Left::Address),
            ("vat_id", Left::Nothing),
            ("buyer", Left::Nothing),
            // A hash of a network is found again by trying all of them.
            ("holder", Left::Nothing),
        ],
    ),
    (Table::Identity, "CUST#", "META", &[("email", Left::Email), ("name", Left::Name)]),
    (Table::Identity, "CUST#", "ADR#", &[("address", Left::Nothing)]),
    (Table::Identity, "CUST#", "PHONE", &[("phone", Left::Nothing)]),
    (Table::Identity, "PRIVACY#", "erasure", &[("email", Left::Nothing), ("name", Left::Nothing)]),
    (Table::Identity, "BACK#", "", &[("email", Left::Nothing)]),
    (Table::Ledger, "CREDIT#", "", &[("reason", Left::ReturnId)]),
    // Of letters alone, and of those that have a holder: see `sealed_letter`.
    (Table::Orders, "OBX#", "", &[("event", Left::Nothing)]),
];

/// Whether a row says nothing at all without what was sealed in it. It is left out then.
fn is_nothing_without(table: Table, pk: &str, sk: &str) -> bool {
    let of_account = pk.starts_with("CUST#") && (sk.starts_with("ADR#") || sk == "PHONE");
    match table {
        Table::Identity => of_account || pk.starts_with("BACK#"),
        Table::Orders => pk.starts_with("OBX#"),
        _ => false,
    }
}

/// Whose key a row is sealed under.
pub(crate) fn holder(table: Table, row: &Item) -> Option<String> {
    let (pk, sk) = place(row)?;
    match (table, pk.split_once('#')?) {
        (Table::Orders, ("ORD", _)) | (Table::Identity, ("CUST", _)) => Some(pk.to_owned()),
        (Table::Ledger, ("CREDIT", customer)) | (Table::Identity, ("PRIVACY", customer)) => {
            Some(format!("CUST#{customer}"))
        }
        // A letter says whose it is.
        (Table::Orders, ("OBX", _)) => row.get(HOLDER)?.as_s().ok().cloned(),
        (Table::Identity, ("BACK", _)) => Some(of_waits(sk)),
        _ => None,
    }
}

/// Whether a row, where it is new, is the first one of its holder.
pub(crate) fn is_first(table: Table, row: &Item) -> bool {
    let is_waiting = |pk: &str| table == Table::Identity && pk.starts_with("BACK#");
    place(row).is_some_and(|(pk, sk)| sk == "META" || is_waiting(pk))
}

fn place(row: &Item) -> Option<(&str, &str)> {
    let half = |name: &str| row.get(name)?.as_s().ok().map(String::as_str);
    Some((half("pk")?, half("sk")?))
}

/// Whom a pseudonym is made of.
fn whose(pk: &str) -> Ulid {
    let id = pk.split_once('#').map_or("", |(_, id)| id);
    let order = OrderId::parse(id).map(OrderId::ulid);
    order.or_else(|_| CustomerId::parse(id).map(CustomerId::ulid)).unwrap_or_else(|_| Ulid::nil())
}

impl Left {
    fn of(self, value: &AttributeValue, pk: &str) -> Result<Option<AttributeValue>, Fault> {
        Ok(match self {
            Self::Email => Some(text(Email::erased(whose(pk)).as_str())),
            Self::Name => Some(text(PersonName::erased().as_str())),
            Self::Nothing => None,
            Self::ReturnId => {
                let is_id = value.as_s().is_ok_and(|text| ReturnId::parse(text).is_ok());
                is_id.then(|| value.clone())
            }
            Self::Address => {
                let unread = |error| Fault::new("read an address", error, Retry::Useless);
                let address: Address =
                    serde_dynamo::from_attribute_value(value.clone()).map_err(unread)?;
                Some(serde_dynamo::to_attribute_value(address.erased()).map_err(unread)?)
            }
        })
    }
}

/// The attributes of a row that say something personal, and what is left of each in the clear.
pub(crate) fn personal(
    table: Table,
    row: &Item,
) -> Result<Vec<(&'static str, Option<AttributeValue>)>, Fault> {
    let mut found: Vec<(&'static str, Option<AttributeValue>)> = Vec::new();
    let Some((pk, sk)) = place(row) else { return Ok(found) };
    let fits =
        |of: &(Table, &str, &str, _)| of.0 == table && pk.starts_with(of.1) && sk.starts_with(of.2);
    for (name, left) in SEALED.iter().filter(|of| fits(of)).flat_map(|of| of.3) {
        if let Some(value) = row.get(*name) {
            let left = left.of(value, pk)?;
            if left.as_ref() != Some(value) {
                found.push((name, left));
            }
        }
    }
    if table != Table::Orders || !pk.starts_with("ORD#") {
        return Ok(found);
    }
    for (_, way) in PERSONAL.iter().filter(|(kind, _)| sk.starts_with(kind)) {
        let Some((name, rest)) = way.split_first() else { continue };
        // Several ways may begin with one attribute.
        let known = found.iter().position(|(one, _)| one == name);
        let left = match known {
            Some(at) => found.get_mut(at).map(|(_, left)| left),
            None => None,
        };
        match left {
            Some(Some(left)) => {
                clear(left, rest);
            }
            Some(None) => {}
            None => {
                let Some(mut value) = row.get(*name).cloned() else { continue };
                if clear(&mut value, rest) {
                    found.push((name, Some(value)));
                }
            }
        }
    }
    Ok(found)
}

fn place_of(table: Table, pk: &str, sk: &str, name: &str) -> String {
    format!("{}\n{pk}\n{sk}\n{name}", table.variable())
}

/// A row with all that is personal sealed under a key.
pub(crate) fn sealed(table: Table, mut row: Item, key: &DataKey) -> Result<Item, Fault> {
    let found = personal(table, &row)?;
    let Some((pk, sk)) = place(&row).map(|(pk, sk)| (pk.to_owned(), sk.to_owned())) else {
        return Ok(row);
    };
    for (name, left) in found {
        let Some(value) = row.remove(name) else { continue };
        let sealed = key.seal(&place_of(table, &pk, &sk, name), value)?;
        row.insert(format!("{SEAL}{name}"), sealed);
        row.extend(left.map(|left| (name.to_owned(), left)));
    }
    Ok(row)
}

/// Whether something in a row is sealed.
pub(crate) fn is_sealed(row: &Item) -> bool {
    row.keys().any(|name| name.starts_with(SEAL))
}

/// The row as it was before it was sealed; as it is left without a key. None where nothing is.
fn opened(
    table: Table,
    mut row: Item,
    key: Option<&DataKey>,
    reading: Reading,
) -> Result<Option<Item>, Fault> {
    let names: Vec<String> = row.keys().filter(|name| name.starts_with(SEAL)).cloned().collect();
    let Some((pk, sk)) = place(&row).map(|(pk, sk)| (pk.to_owned(), sk.to_owned())) else {
        return Ok(Some(row));
    };
    let mut is_closed = key.is_none();
    for seal in names {
        let (Some(sealed), Some(name)) = (row.remove(&seal), seal.strip_prefix(SEAL)) else {
            continue;
        };
        let Some(key) = key else { continue };
        match key.open(&place_of(table, &pk, &sk, name), &sealed) {
            Ok(value) => {
                row.insert(name.to_owned(), value);
            }
            Err(fault) if reading == Reading::List => {
                tracing::error!(%fault, ?table, name, "a row of a list can not be opened");
                is_closed = true;
            }
            Err(fault) => return Err(fault),
        }
    }
    let is_left_out = is_closed && is_nothing_without(table, &pk, &sk);
    Ok((!is_left_out).then_some(row))
}

fn held<T>(look: impl FnOnce(&mut Held) -> T) -> Option<T> {
    let with = |held: &Mutex<_>| look(&mut held.lock().unwrap_or_else(PoisonError::into_inner));
    HELD.try_with(with).ok()
}

/// Remembers keys for the rest of the invocation.
pub(crate) fn hold(keys: impl IntoIterator<Item = (String, DataKey)>) {
    held(|held| {
        for (holder, key) in keys {
            if held.keys.len() < HELD_MAX {
                held.keys.insert(holder, key);
            }
        }
    });
}

/// Remembers under whose key a mail address was read.
fn hold_address(holder: &str, row: &Item) {
    if let Some(Ok(address)) = row.get("email").map(AttributeValue::as_s) {
        held(|held| {
            if held.addresses.len() < HELD_MAX {
                held.addresses.insert(address.clone(), holder.to_owned());
            }
        });
    }
}

/// Under whose key this invocation has read a mail address, and the key.
pub(crate) fn held_for(address: &str) -> Option<(String, DataKey)> {
    held(|held| {
        let holder = held.addresses.get(address)?;
        Some((holder.clone(), held.keys.get(holder)?.clone()))
    })?
}

/// A letter as it lies in the outbox, sealed under the key of whoever it goes to. Who is forgotten
/// before it is sent gets none.
pub(crate) fn sealed_letter(mut row: Item, holder: &str, key: &DataKey) -> Result<Item, Fault> {
    row.insert(HOLDER.to_owned(), text(holder));
    sealed(Table::Orders, row, key)
}

/// Destroys the key of a holder, in the transaction that forgets what it opens: whether or not
/// there is one. This invocation does not remember it either.
pub(crate) fn destroy_in(
    store: &Store,
    transaction: &mut Transaction,
    holder: &str,
) -> Result<(), Fault> {
    held(|held| held.keys.remove(holder));
    transaction.destroys(holder);
    transaction.delete(store, Table::Keys, &key(holder))
}

impl Store {
    /// The keys of these holders, as far as they have one.
    pub(crate) async fn data_keys(
        &self,
        mut holders: BTreeSet<String>,
    ) -> Result<BTreeMap<String, DataKey>, Fault> {
        let mut keys = BTreeMap::new();
        held(|held| {
            for holder in &holders {
                keys.extend(held.keys.get(holder).map(|key| (holder.clone(), key.clone())));
            }
        });
        holders.retain(|holder| !keys.contains_key(holder));
        if holders.is_empty() {
            return Ok(keys);
        }
        let wanted = holders.iter().map(|holder| key(holder)).collect();
        let rows = self.batch_get_raw(&[(Table::Keys, wanted)], true).await?;
        let read: Vec<_> = rows.iter().filter_map(|(_, row)| DataKey::of_row(row)).collect();
        hold(read.iter().cloned());
        keys.extend(read);
        Ok(keys)
    }

    /// Rows as they were before they were sealed.
    pub(crate) async fn opened(
        &self,
        rows: Vec<(Table, Item)>,
        reading: Reading,
    ) -> Result<Vec<Item>, Fault> {
        let holders: BTreeSet<String> = rows
            .iter()
            .filter(|(_, row)| is_sealed(row))
            .filter_map(|(table, row)| holder(*table, row))
            .collect();
        if holders.is_empty() {
            return Ok(rows.into_iter().map(|(_, row)| row).collect());
        }
        let keys = self.data_keys(holders).await?;
        let mut open = Vec::with_capacity(rows.len());
        for (table, row) in rows {
            if !is_sealed(&row) {
                open.push(row);
                continue;
            }
            let holder = holder(table, &row);
            let key = holder.as_ref().and_then(|holder| keys.get(holder));
            let row = opened(table, row, key, reading)?;
            if let (Some(holder), Some(row), Some(_)) = (&holder, &row, key) {
                hold_address(holder, row);
            }
            open.extend(row);
        }
        Ok(open)
    }

    /// One row as it was before it was sealed.
    pub(crate) async fn opened_one(&self, table: Table, row: Item) -> Result<Option<Item>, Fault> {
        Ok(self.opened(vec![(table, row)], Reading::One).await?.pop())
    }

    /// A row as it is written: sealed, where its holder has a key. One that has none was written
    /// before there were keys, or is forgotten; what is written of it now says nobody's name.
    pub(crate) async fn sealed(&self, table: Table, row: Item) -> Result<Item, Fault> {
        let Some(holder) = holder(table, &row) else { return Ok(row) };
        if personal(table, &row)?.is_empty() {
            return Ok(row);
        }
        let keys = self.data_keys(BTreeSet::from([holder.clone()])).await?;
        match keys.get(&holder) {
            Some(key) => sealed(table, row, key),
            None => Ok(row),
        }
    }

    /// An update that gives a row another personal attribute under a condition, and counts its
    /// version on: the text, and the condition with all names and values of both.
    pub(crate) async fn set_personal(
        &self,
        (table, key): (Table, &Key),
        (name, value): (&str, AttributeValue),
        also: &str,
        condition: Expression,
    ) -> Result<(String, Expression), Fault> {
        let mut row = key.attributes();
        row.insert(name.to_owned(), value.clone());
        let mut row = self.sealed(table, row).await?;
        let seal = format!("{SEAL}{name}");
        let condition = condition
            .name("#personal", name)
            .name("#seal", &seal)
            .value(":personal", row.remove(name).unwrap_or(value))
            .value(":one", number(1_i64));
        let set = format!("SET #personal = :personal, version = version + :one{also}");
        Ok(match row.remove(&seal) {
            Some(sealed) => (format!("{set}, #seal = :seal"), condition.value(":seal", sealed)),
            None => (format!("{set} REMOVE #seal"), condition),
        })
    }

    /// Seals a part of the orders that were written before there were keys, the oldest first, with
    /// all that lies beside them: how many, and where the next part begins.
    pub async fn seal_old_orders(
        &self,
        now: Timestamp,
        limit: i32,
        position: Option<&str>,
    ) -> Result<(u32, Option<String>), Fault> {
        // Into the next month: whoever is at its end has seen all there was.
        let then = now.saturating_add(A_MONTH).unwrap_or(now);
        let page = self.rows_before(then, limit, position).await?;
        let sealed = self.seal_old(Table::Orders, &page.entries).await?;
        Ok((sealed, page.next))
    }

    /// The same for accounts, with their address books and telephone numbers.
    pub async fn seal_old_accounts(
        &self,
        limit: i32,
        position: Option<&str>,
    ) -> Result<(u32, Option<String>), Fault> {
        let index = Some(("every", "gsi1pk", Some("gsi1sk")));
        let range = Range { limit: Some(limit), position, ..Range::default() };
        let page = self.query_raw(Table::Identity, index, CUSTOMERS, range).await?;
        let pk = |row: &Item| Some(Key::meta(row.get("pk")?.as_s().ok()?));
        let keys: Vec<Key> = page.entries.iter().filter_map(pk).collect();
        let rows = self.batch_get_raw(&[(Table::Identity, keys)], true).await?;
        let rows: Vec<Item> = rows.into_iter().map(|(_, row)| row).collect();
        let sealed = self.seal_old(Table::Identity, &rows).await?;
        // What comes after the last one is sealed when it is written.
        let last = page.entries.last().map(item::position).transpose()?;
        Ok((sealed, page.next.or(last)))
    }

    /// Seals all that lies with those of these rows that say something in the clear.
    async fn seal_old(&self, table: Table, rows: &[Item]) -> Result<u32, Fault> {
        let mut sealed = 0_u32;
        for row in rows {
            if let Some(holder) = holder(table, row)
                && !personal(table, row)?.is_empty()
            {
                self.seal_all_of(table, &holder).await?;
                sealed = sealed.saturating_add(1);
            }
        }
        Ok(sealed)
    }

    /// Gives a holder a key, if there is none, and seals what lies there in the clear. From the
    /// first step on every other write is sealed, too.
    async fn seal_all_of(&self, table: Table, holder: &str) -> Result<(), Fault> {
        let asked = BTreeSet::from([holder.to_owned()]);
        let mut keys = self.data_keys(asked.clone()).await?;
        if keys.is_empty() {
            let row = DataKey::fresh()?.row(holder);
            // Raced: somebody else gave it one.
            self.put_if(Table::Keys, row, Expression::absent()).await?;
            keys = self.data_keys(asked).await?;
        }
        let Some(key) = keys.get(holder) else { return Ok(()) };
        let mut position = None::<String>;
        for _ in 0..PAGES_MAX {
            let range = Range { position: position.as_deref(), ..Range::default() };
            let page = self.query_raw(table, None, holder, range).await?;
            for row in page.entries {
                self.seal_in_place(table, row, key).await?;
            }
            position = page.next;
            if position.is_none() {
                return Ok(());
            }
        }
        Err(Fault::noticed("seal all rows of a partition", Retry::Useless))
    }

    /// Seals what a row says in the clear, and touches nothing else of it. Who has changed it
    /// meanwhile has sealed it.
    async fn seal_in_place(&self, table: Table, row: Item, key: &DataKey) -> Result<(), Fault> {
        let found = personal(table, &row)?;
        let Some((pk, sk)) = place(&row) else { return Ok(()) };
        let (mut set, mut removed, mut same) = (Vec::new(), Vec::new(), Vec::new());
        let mut condition = Expression::default();
        for (at, (name, left)) in found.into_iter().enumerate() {
            let Some(value) = row.get(name) else { continue };
            let sealed = key.seal(&place_of(table, pk, sk, name), value.clone())?;
            set.push(format!("#s{at} = :s{at}"));
            same.push(format!("#a{at} = :a{at}"));
            condition = condition
                .name(&format!("#a{at}"), name)
                .name(&format!("#s{at}"), &format!("{SEAL}{name}"))
                .value(&format!(":a{at}"), value.clone())
                .value(&format!(":s{at}"), sealed);
            match left {
                Some(left) => {
                    set.push(format!("#a{at} = :l{at}"));
                    condition = condition.value(&format!(":l{at}"), left);
                }
                None => removed.push(format!("#a{at}")),
            }
        }
        if set.is_empty() {
            return Ok(());
        }
        let mut update = format!("SET {}", set.join(", "));
        if !removed.is_empty() {
            update = format!("{update} REMOVE {}", removed.join(", "));
        }
        let condition = condition.and(&same.join(" AND "));
        match self.update_if(table, &Key::new(pk, sk), &update, condition).await? {
            Updated::Yes(_) | Updated::Refused(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
