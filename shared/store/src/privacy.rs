//! Requests of customers about what the shop knows of them, and what is done for them.
//!
//! | item | table | key | index |
//! |---|---|---|---|
//! | request | identity | `PRIVACY#customer` / kind | `every`: `PRIVACY#open`, `PRIVACY#done` |
//! | an account was closed | identity | `PRIVACY#customer` / closed | `every`: `PRIVACY#closed` |
//! | how far a sweep has come | identity | `RETENTION#orders` / META, and two more | |
//! | order that it has passed over | identity | `RETENTION#orders` / id | |
//!
//! A customer has one request of a kind. It is replaced by the next one, once it is done.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::account::Account;
use domain::address::Email;
use domain::address_book::{Book, Kept};
use domain::event::Event;
use domain::fault::{Fault, Retry};
use domain::id::{CustomerId, OrderId};
use domain::order::Order;
use domain::privacy::{ERASED, EXPORT_LINK_LIFETIME, Kind, Request, State, Traces};
use jiff::Timestamp;
use serde_json::Value;

use crate::item::{Item, Key, Page, Range, Saved, document, item, moment, number, text};
use crate::order::order_item;
use crate::transaction::{Expression, Transaction, Updated};
use crate::{Store, Table, cart, data_key, identity, outbox};

/// The purpose of the token that an export is fetched with.
const EXPORT: &str = "open_export";
/// Pages of one partition: a megabyte each.
const PAGES_MAX: usize = 64;
/// What is nobody's to read, not even the one's that it is about: it opens something.
const SECRETS: [&str; 10] = [
    "password",
    "access",
    "cart_access",
    "current",
    "previous",
    "holder",
    "buyer",
    "client_secret",
    "secret",
    "token_hash",
];

/// What is somebody's beside an order by where it stands, whatever it says: the beginning of the
/// row's key, and the way to the field through maps and lists. What people write in their own words
/// need not name them, and the address of a label or a parcel's number leads to who got it.
pub(crate) const PERSONAL: [(&str, &[&str]); 18] = [
    ("META", &["hold", "reason"]),
    ("META", &["cancellations", "reason"]),
    ("NOTE#", &["text"]),
    ("REF#", &["reason"]),
    ("RET#", &["items", "note"]),
    ("RET#", &["approval", "instructions"]),
    ("RET#", &["approval", "label_url"]),
    ("RET#", &["rejection"]),
    ("RET#", &["carriage", "tracking_number"]),
    ("RET#", &["carriage", "tracking_url"]),
    ("EDIT#", &["reason"]),
    ("EDIT#", &["message"]),
    ("EDIT#", &["answer"]),
    ("DSP#", &["answer", "own"]),
    ("FUL#", &["carriage", "tracking_number"]),
    ("FUL#", &["carriage", "tracking_url"]),
    ("FUL#", &["postage", "label", "tracking_code"]),
    ("FUL#", &["postage", "label", "url"]),
];

fn key(customer: CustomerId, kind: Kind) -> Key {
    Key::new(format!("PRIVACY#{customer}"), kind.code())
}

const fn list(state: State) -> &'static str {
    match state {
        State::Open => "PRIVACY#open",
        State::Done => "PRIVACY#done",
    }
}

/// The list of accounts that were closed.
const CLOSED: &str = "PRIVACY#closed";

fn closed_key(customer: CustomerId) -> Key {
    Key::new(format!("PRIVACY#{customer}"), "closed")
}

/// Writes down that an account was closed, by its id alone: what was kept to prove something of it
/// goes in its time.
pub(crate) fn remember_closed(
    store: &Store,
    transaction: &mut Transaction,
    customer: CustomerId,
    now: Timestamp,
) -> Result<(), Fault> {
    let mut row = closed_key(customer).attributes();
    row.insert("gsi1pk".into(), text(CLOSED));
    row.insert("gsi1sk".into(), text(format!("{}#{customer}", moment(now))));
    // An account is closed once: ids do not come again.
    transaction.put(store, Table::Identity, row, Expression::absent())
}

fn row(request: &Request) -> Result<Item, Fault> {
    let mut row = item(&key(request.customer, request.kind), request)?;
    row.insert("gsi1pk".into(), text(list(request.state)));
    let at = request.done_at.unwrap_or(request.due_at);
    row.insert("gsi1sk".into(), text(format!("{}#{}", moment(at), request.id)));
    Ok(row)
}

/// The request must be as it was loaded.
fn unchanged(before: &Request) -> Expression {
    Expression::new("id = :id AND version = :loaded")
        .value(":id", text(before.id.to_string()))
        .value(":loaded", crate::item::count(before.version))
}

impl Store {
    /// A customer's request of a kind: the open one, or the last.
    pub async fn privacy_request(
        &self,
        customer: CustomerId,
        kind: Kind,
    ) -> Result<Option<Request>, Fault> {
        self.get(Table::Identity, &key(customer, kind), true).await
    }

    /// Writes a new request, in the place of the one before it.
    pub async fn ask(
        &self,
        before: Option<&Request>,
        request: &Request,
        events: &[Event],
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        let condition = before.map_or_else(Expression::absent, unchanged);
        transaction.put(self, Table::Identity, row(request)?, condition)?;
        for event in events {
            outbox::say(self, &mut transaction, event)?;
        }
        Ok(cart::saved(&transaction.commit(self, "write a request down").await?))
    }

    /// Moves a request on, with what is said of it.
    pub async fn move_request(
        &self,
        before: &Request,
        after: &Request,
        events: &[Event],
    ) -> Result<Saved, Fault> {
        self.ask(Some(before), after, events).await
    }

    /// An erasure is done: with its end goes the key of the account, and with it all that backups
    /// know of its holder.
    pub async fn finish_erasure(
        &self,
        before: &Request,
        after: &Request,
        events: &[Event],
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        transaction.put(self, Table::Identity, row(after)?, unchanged(before))?;
        data_key::destroy_in(self, &mut transaction, &data_key::of_customer(after.customer))?;
        for event in events {
            outbox::say(self, &mut transaction, event)?;
        }
        Ok(cart::saved(&transaction.commit(self, "finish an erasure").await?))
    }

    /// An export is done: the request, and the token of the letter that says so.
    pub async fn finish_export(
        &self,
        before: &Request,
        after: &Request,
        token_hash: &str,
        events: &[Event],
        now: Timestamp,
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        transaction.put(self, Table::Identity, row(after)?, unchanged(before))?;
        let token = (token_hash, EXPORT, EXPORT_LINK_LIFETIME);
        identity::issue(self, &mut transaction, after.customer, token, now)?;
        for event in events {
            outbox::say(self, &mut transaction, event)?;
        }
        Ok(cart::saved(&transaction.commit(self, "finish an export").await?))
    }

    /// Whose export a token opens now.
    pub async fn export_to_open(
        &self,
        token_hash: &str,
        now: Timestamp,
    ) -> Result<Option<CustomerId>, Fault> {
        self.holder_of(token_hash, EXPORT, now).await
    }

    /// Uses the token of an export up; `Raced` where it was used meanwhile.
    pub async fn open_export(&self, token_hash: &str, events: &[Event]) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        identity::use_up(self, &mut transaction, token_hash, EXPORT)?;
        for event in events {
            outbox::say(self, &mut transaction, event)?;
        }
        Ok(cart::saved(&transaction.commit(self, "open an export").await?))
    }

    /// Open requests that are due, the longest waiting first.
    pub async fn due_requests(&self, now: Timestamp, limit: i32) -> Result<Vec<Request>, Fault> {
        let due = moment(now);
        // Everything of this very moment sorts before its next character.
        let due = format!("{due}~");
        let range = Range { up_to: Some(&due), limit: Some(limit), ..Range::default() };
        Ok(self.listed_requests(State::Open, range).await?.entries)
    }

    /// Requests that were done before, the oldest first.
    pub async fn served_before(&self, then: Timestamp, limit: i32) -> Result<Vec<Request>, Fault> {
        let then = moment(then);
        let range = Range { up_to: Some(&then), limit: Some(limit), ..Range::default() };
        Ok(self.listed_requests(State::Done, range).await?.entries)
    }

    /// Whose accounts were closed before then, the first ones first.
    pub async fn closed_before(
        &self,
        then: Timestamp,
        limit: i32,
    ) -> Result<Vec<CustomerId>, Fault> {
        let then = moment(then);
        let index = Some(("every", "gsi1pk", Some("gsi1sk")));
        let range = Range { up_to: Some(&then), limit: Some(limit), ..Range::default() };
        let page = self.query(Table::Identity, index, CLOSED, range).await?;
        let holder = |row: &Item| {
            let pk = row.get("pk")?.as_s().ok()?;
            CustomerId::parse(pk.strip_prefix("PRIVACY#")?).ok()
        };
        Ok(page.entries.iter().filter_map(holder).collect())
    }

    /// Forgets that an account was closed.
    pub async fn forget_closed(&self, customer: CustomerId) -> Result<(), Fault> {
        self.delete(Table::Identity, &closed_key(customer)).await
    }

    /// A page of requests: open ones by when they are looked at next, done ones by when they were
    /// done, the latest first.
    pub async fn privacy_requests(
        &self,
        state: State,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Request>, Fault> {
        let range = Range { is_descending: true, limit: Some(limit), position, ..Range::default() };
        self.listed_requests(state, range).await
    }

    async fn listed_requests(
        &self,
        state: State,
        range: Range<'_>,
    ) -> Result<Page<Request>, Fault> {
        let index = Some(("every", "gsi1pk", Some("gsi1sk")));
        let is_descending = range.is_descending;
        let page = self.query(Table::Identity, index, list(state), range).await?;
        let key = |row: &Item| {
            let part = |name: &str| row.get(name)?.as_s().ok().cloned();
            Some(Key::new(part("pk")?, part("sk")?))
        };
        let keys: Vec<Key> = page.entries.iter().filter_map(key).collect();
        let mut entries: Vec<Request> = Vec::with_capacity(keys.len());
        for row in self.batch_get(Table::Identity, &keys, true).await? {
            let request: Request = document(row)?;
            // The index is a little behind.
            if request.state == state {
                entries.push(request);
            }
        }
        entries.sort_by_key(|request| (request.done_at.unwrap_or(request.due_at), request.id));
        if is_descending {
            entries.reverse();
        }
        Ok(Page { entries, next: page.next })
    }

    /// Closes an account for good, in the transaction in which its erasure learns where the last
    /// letter goes: whoever dies afterwards is carried on by the request.
    pub async fn close_for_erasure(
        &self,
        (account, book, addresses): (&Account, &Book, &[Kept]),
        (before, after): (&Request, &Request),
        now: Timestamp,
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        self.close_in(&mut transaction, account, book, addresses, now)?;
        transaction.put(self, Table::Identity, row(after)?, unchanged(before))?;
        Ok(cart::saved(&transaction.commit(self, "close an account for good").await?))
    }

    /// Deletes what is left of a customer's sessions; that they ended stays known.
    pub async fn forget_sessions(&self, customer: CustomerId) -> Result<(), Fault> {
        let partition = format!("CUST#{customer}");
        let begins_with = Some("SES#");
        let range = Range { begins_with, ..Range::default() };
        let page = self.query(Table::Ephemeral, None, &partition, range).await?;
        for row in page.entries {
            if let Some(AttributeValue::S(sk)) = row.get("sk") {
                self.delete(Table::Ephemeral, &Key::new(partition.clone(), sk.clone())).await?;
            }
        }
        Ok(())
    }

    /// Deletes the carts that are known to be a customer's: the active one, and where it is
    /// pointed to from.
    pub async fn forget_carts(&self, customer: CustomerId) -> Result<(), Fault> {
        if let Some(active) = self.active_cart(customer).await? {
            self.delete(Table::Carts, &cart::key(active.id)).await?;
        }
        self.delete(Table::Carts, &cart::active_key(customer)).await
    }

    /// Forgets all that an address waits for, and what it waited for once.
    pub async fn forget_waits(&self, email: &Email) -> Result<(), Fault> {
        self.unsubscribe(&crate::subscription::holder(email)).await
    }

    /// Writes an order without its buyer, deletes the cart it was made of, and takes what is
    /// somebody's by its place, and the traces, out of all that lies beside it. Notes go as a
    /// whole: people write of people. `Raced` where the order has changed meanwhile.
    pub async fn forget_in_order(
        &self,
        before: &Order,
        after: &Order,
        traces: &Traces,
    ) -> Result<Saved, Fault> {
        let partition = format!("ORD#{}", before.id);
        for row in self.all_rows(Table::Orders, &partition).await? {
            let Some(AttributeValue::S(sk)) = row.get("sk").cloned() else { continue };
            if sk == "META" {
                continue;
            }
            let key = Key::new(partition.clone(), sk.clone());
            // Before the number that it is found by goes.
            self.forget_tracking(before.id, &row).await?;
            if sk.starts_with("NOTE#") {
                self.delete(Table::Orders, &key).await?;
            } else if let Some(left) = forgotten(&sk, &row, traces, before.id)
                && self.put_blotted(&row, left).await? == Saved::Raced
            {
                return Ok(Saved::Raced);
            }
        }
        self.delete(Table::Carts, &cart::key(before.cart)).await?;
        // The order last: it says that all of this was done. With it goes what opens the copies of
        // all these rows that lie in backups.
        let row = order_item(after)?;
        let row = blotted(&row, traces, before.id).unwrap_or(row);
        let mut transaction = Transaction::default();
        transaction.put(self, Table::Orders, row, Expression::version(before.version))?;
        data_key::destroy_in(self, &mut transaction, &data_key::of_order(before.id))?;
        Ok(cart::saved(&transaction.commit(self, "forget who bought").await?))
    }

    /// Writes a row in another form, unless it has changed meanwhile.
    async fn put_blotted(&self, before: &Item, mut after: Item) -> Result<Saved, Fault> {
        let condition = match before.get("version") {
            Some(AttributeValue::N(version)) => {
                let next = version.parse::<i64>().unwrap_or_default().saturating_add(1);
                after.insert("version".into(), number(next));
                Expression::new("version = :loaded")
                    .value(":loaded", AttributeValue::N(version.clone()))
            }
            _ => Expression::new("attribute_exists(pk)"),
        };
        self.put_if(Table::Orders, after, condition).await
    }

    /// All rows of a partition.
    async fn all_rows(&self, table: Table, partition: &str) -> Result<Vec<Item>, Fault> {
        let (mut rows, mut position) = (Vec::new(), None::<String>);
        for _ in 0..PAGES_MAX {
            let range = Range { position: position.as_deref(), ..Range::default() };
            let page = self.query(table, None, partition, range).await?;
            rows.extend(page.entries);
            position = page.next;
            if position.is_none() {
                return Ok(rows);
            }
        }
        Err(Fault::noticed("read all rows of a partition", Retry::Useless))
    }

    /// All that lies with an account: itself, the address book, whatever is added to it one day. As
    /// documents, without what opens anything.
    pub async fn known_of_account(&self, customer: CustomerId) -> Result<Vec<Value>, Fault> {
        let rows = self.all_rows(Table::Identity, &format!("CUST#{customer}")).await?;
        rows.into_iter().map(told).collect()
    }

    /// All that lies with an order, in the same form, and the papers that were issued for it.
    pub async fn known_of_order(&self, order: OrderId) -> Result<Vec<Value>, Fault> {
        let mut rows = self.all_rows(Table::Orders, &format!("ORD#{order}")).await?;
        rows.extend(self.all_rows(Table::Orders, &format!("INV#{order}")).await?);
        rows.into_iter().map(told).collect()
    }

    /// Accounts of a day whose address may still wait to be confirmed; the day in UTC, like
    /// `2026-11-21`.
    pub async fn accounts_of_day(
        &self,
        day: &str,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Account>, Fault> {
        let index = Some(("every", "gsi1pk", Some("gsi1sk")));
        let limit = Some(limit);
        let range = Range { begins_with: Some(day), limit, position, ..Range::default() };
        let page = self.query(Table::Identity, index, identity::CUSTOMERS, range).await?;
        let keys = page.entries.iter().filter_map(|row| {
            let pk = row.get("pk")?.as_s().ok()?;
            Some(Key::meta(pk.clone()))
        });
        let keys: Vec<Key> = keys.collect();
        let mut entries = Vec::with_capacity(keys.len());
        for row in self.batch_get(Table::Identity, &keys, true).await? {
            entries.push(document(row)?);
        }
        Ok(Page { entries, next: page.next })
    }

    /// How far a sweep has come, as it was written down.
    pub async fn sweep_position(&self, sweep: Walked) -> Result<Option<String>, Fault> {
        let row: Option<HashMap<String, String>> =
            self.get(Table::Identity, &Key::meta(sweep.partition()), true).await?;
        Ok(row.and_then(|mut row| row.remove("position")))
    }

    /// Writes down how far a sweep has come. Two that sweep at once sweep twice, which changes
    /// nothing.
    pub async fn keep_sweep_position(&self, sweep: Walked, position: &str) -> Result<(), Fault> {
        let always = Expression::new("attribute_exists(pk) OR attribute_not_exists(pk)")
            .name("#position", "position")
            .value(":position", text(position));
        let update = "SET #position = :position";
        let key = Key::meta(sweep.partition());
        match self.update_if(Table::Identity, &key, update, always).await? {
            Updated::Yes(_) | Updated::Refused(_) => Ok(()),
        }
    }

    /// Remembers an order that the sweep has passed over: it goes on, and does not come back.
    pub async fn pass_over(&self, order: OrderId) -> Result<(), Fault> {
        let row = passed_key(order).attributes();
        let always = Expression::new("attribute_exists(pk) OR attribute_not_exists(pk)");
        self.put_if(Table::Identity, row, always).await.map(drop)
    }

    /// Orders that the sweep has passed over.
    pub async fn passed_over(
        &self,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<OrderId>, Fault> {
        let begins_with = Some("ord_");
        let range = Range { begins_with, limit: Some(limit), position, ..Range::default() };
        let page = self.query(Table::Identity, None, &sweep_key().pk, range).await?;
        let id = |row: &Item| OrderId::parse(row.get("sk")?.as_s().ok()?).ok();
        Ok(Page { entries: page.entries.iter().filter_map(id).collect(), next: page.next })
    }

    /// An order that was passed over needs nobody's eye any more.
    pub async fn caught_up(&self, order: OrderId) -> Result<(), Fault> {
        self.delete(Table::Identity, &passed_key(order)).await
    }

    /// Forgets a request that was served long ago.
    pub async fn forget_request(&self, request: &Request) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        let key = key(request.customer, request.kind);
        transaction.delete_if(self, Table::Identity, &key, unchanged(request))?;
        Ok(cart::saved(&transaction.commit(self, "forget a request").await?))
    }
}

fn passed_key(order: OrderId) -> Key {
    Key::new(sweep_key().pk, order.to_string())
}

fn sweep_key() -> Key {
    Key::meta(Walked::Buyers.partition())
}

/// What is gone through once, from the oldest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Walked {
    /// Orders, for those whose buyers are forgotten.
    Buyers,
    /// Orders, for those that were written before there were keys.
    OldOrders,
    /// Accounts, for the same.
    OldAccounts,
}

impl Walked {
    const fn partition(self) -> &'static str {
        match self {
            Self::Buyers => "RETENTION#orders",
            Self::OldOrders => "RETENTION#unsealed_orders",
            Self::OldAccounts => "RETENTION#unsealed_accounts",
        }
    }
}

/// A row that lies beside an order, without anybody in it; none where nobody was.
fn forgotten(sk: &str, row: &Item, traces: &Traces, of: OrderId) -> Option<Item> {
    let mut cleared = row.clone();
    let mut is_cleared = false;
    for (_, way) in PERSONAL.iter().filter(|(kind, _)| sk.starts_with(kind)) {
        if let Some((name, rest)) = way.split_first()
            && let Some(value) = cleared.get_mut(*name)
        {
            is_cleared |= clear(value, rest);
        }
    }
    blotted(&cleared, traces, of).or_else(|| is_cleared.then_some(cleared))
}

/// Takes out what stands at the end of a way; whether there was anything.
pub(crate) fn clear(value: &mut AttributeValue, way: &[&str]) -> bool {
    match (value, way.split_first()) {
        (AttributeValue::L(values), Some(_)) => {
            let mut is_cleared = false;
            for value in values {
                is_cleared |= clear(value, way);
            }
            is_cleared
        }
        (AttributeValue::M(members), Some((name, rest))) => {
            members.get_mut(*name).is_some_and(|value| clear(value, rest))
        }
        (AttributeValue::M(members), None) => {
            let was_there = !members.is_empty();
            members.clear();
            was_there
        }
        (AttributeValue::S(text), None) if text != ERASED => {
            ERASED.clone_into(text);
            true
        }
        // What was never said, and what is taken out already.
        _ => false,
    }
}

/// A row without traces; none where there was none in it.
fn blotted(row: &Item, traces: &Traces, of: OrderId) -> Option<Item> {
    let mut after = row.clone();
    let mut is_changed = false;
    for (name, value) in &mut after {
        if name != "pk" && name != "sk" && !name.starts_with("gsi") {
            is_changed |= blot(value, traces, of);
        }
    }
    is_changed.then_some(after)
}

/// Blots all of them, also after the first; whether there was anything.
fn blot_all<'a>(
    values: impl IntoIterator<Item = &'a mut AttributeValue>,
    traces: &Traces,
    of: OrderId,
) -> bool {
    let mut is_blotted = false;
    for value in values {
        is_blotted |= blot(value, traces, of);
    }
    is_blotted
}

fn blot(value: &mut AttributeValue, traces: &Traces, of: OrderId) -> bool {
    match value {
        AttributeValue::S(text) => {
            let Some(left) = traces.blotted(text, of) else { return false };
            *text = left;
            true
        }
        AttributeValue::L(values) => blot_all(values, traces, of),
        AttributeValue::M(values) => blot_all(values.values_mut(), traces, of),
        // Numbers, flags and bytes name nobody; sets are not written here.
        _ => false,
    }
}

/// A row as its holder may read it.
fn told(row: Item) -> Result<Value, Fault> {
    let text = |name: &str| row.get(name).and_then(|value| value.as_s().ok()).cloned();
    let record = match (text("pk").unwrap_or_default(), text("sk").unwrap_or_default()) {
        (pk, sk) if sk == "META" => pk.split('#').next().unwrap_or_default().to_owned(),
        (_, sk) => sk,
    };
    let mut value: Value = document(row)?;
    hide(&mut value);
    Ok(serde_json::json!({ "record": record, "content": value }))
}

/// Takes secrets out, however deep they lie.
fn hide(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !SECRETS.contains(&name.as_str()));
            members.values_mut().for_each(hide);
        }
        Value::Array(values) => values.iter_mut().for_each(hide),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use domain::dispute::Dispute;
    use domain::fulfillment::Fulfillment;
    use domain::id::Ulid;
    use domain::order_edit::Edit;
    use domain::returns::Return;
    use serde::Serialize;
    use serde::de::DeserializeOwned;
    use serde_json::json;

    use super::*;

    const AT: &str = "2026-11-20T10:00:00Z";

    /// A row as it is written, and what is left of it; both can be read as what they are.
    fn forgotten_of<T: Serialize + DeserializeOwned>(sk: &str, value: Value) -> (String, String) {
        let of = OrderId::from_ulid(Ulid::from_parts(1, 1));
        let document_of: T = serde_json::from_value(value).unwrap();
        let row = item(&Key::new("ORD#x", sk), &document_of).unwrap();
        let after = forgotten(sk, &row, &Traces::default(), of).expect("somebody is in it");
        assert_eq!(forgotten(sk, &after, &Traces::default(), of), None, "once is enough");
        document::<T>(after.clone()).expect("it can still be read");
        (format!("{row:?}"), format!("{after:?}"))
    }

    #[test]
    fn what_people_wrote_and_what_leads_to_them_goes_by_its_place_whatever_it_says() {
        let order = "ord_01ARZ3NDEKTSV4RRFFQ69G5FAV";
        let carriage = json!({
            "carrier": "UPS", "tracking_number": "1Z999",
            "tracking_url": "https://ups.example/1Z999",
        });
        let returned = json!({
            "id": "ret_01ARZ3NDEKTSV4RRFFQ69G5FAV", "order": order, "order_number": "K7M-294-QXA",
            "status": "rejected", "by": "system", "version": 3,
            "created_at": AT, "expires_at": null, "sent_at": null, "received_at": null,
            "resolved_at": null, "ended_at": AT, "updated_at": AT,
            "items": [{
                "line": "oli_01ARZ3NDEKTSV4RRFFQ69G5FAV", "sku": "MUG", "quantity": 1,
                "reason": "other", "note": "my insulin pump", "inspected": [],
            }],
            "approval": {
                "instructions": "ring twice", "label_url": "https://labels.example/street",
                "address": null, "by": "system", "at": AT,
            },
            "rejection": "worn by you", "carriage": carriage,
        });
        let parcel = json!({
            "id": "ful_01ARZ3NDEKTSV4RRFFQ69G5FAV", "order": order, "order_number": "K7M-294-QXA",
            "location": "loc_01ARZ3NDEKTSV4RRFFQ69G5FAV", "status": "delivered", "lines": [],
            "carriage": carriage, "version": 3, "created_at": AT, "packed_at": AT,
            "shipped_at": AT, "delivered_at": AT, "ended_at": null, "updated_at": AT,
            "postage": {"parcel": "shp_1", "rate": "rate_1", "label": {
                "parcel": "shp_1", "tracking_code": "1Z999",
                "service": {"carrier": "UPS", "service": "Ground"},
                "price": {"amount": 500, "currency": "EUR"}, "url": "https://labels.example/street",
            }},
        });
        let dispute = json!({
            "id": "dp_01ARZ3NDEKTSV4RRFFQ69G5FAV", "order": order, "order_number": "K7M-294-QXA",
            "payment": "pay_01ARZ3NDEKTSV4RRFFQ69G5FAV", "provider_ref": "dp_1", "status": "won",
            "is_inquiry": false, "reason": "fraudulent",
            "amount": {"amount": 500, "currency": "EUR"}, "due_by": null, "answers": 1,
            "opened_at": AT, "closed_at": AT, "lost_at": null, "version": 3,
            "created_at": AT, "updated_at": AT,
            "answer": {
                "kind": "evidence", "by": "system", "at": AT, "attempt": 1,
                "sent_at": AT, "failure": null,
                "own": {"customer_purchase_ip": "203.0.113.7", "customer_name": "Prince"},
            },
        });
        let nothing = json!({"amount": 0, "currency": "EUR"});
        let edit = json!({
            "order": order, "number": 1, "status": "declined", "removed": [], "added": null,
            "sums": {"removed": nothing, "added": nothing, "credit": nothing, "back": nothing,
                "not_due": nothing, "due": nothing},
            "reason": "she moved", "message": "Dear Prince", "token_hash": null, "by": "system",
            "responsible": "stf_01ARZ3NDEKTSV4RRFFQ69G5FAV", "until": AT, "made": null,
            "answer": "my insulin pump", "closed_by": "nobody", "closed_at": AT, "version": 3,
            "created_at": AT, "updated_at": AT,
        });
        for ((before, after), personal) in [
            (forgotten_of::<Edit>("EDIT#0001", edit), &["insulin", "Prince", "she moved"][..]),
            (
                forgotten_of::<Return>("RET#1", returned),
                &["insulin", "ring twice", "street", "worn by you", "1Z999"][..],
            ),
            (forgotten_of::<Fulfillment>("FUL#1", parcel), &["1Z999", "street"][..]),
            (forgotten_of::<Dispute>("DSP#1", dispute), &["203.0.113.7", "Prince"][..]),
        ] {
            for one in personal {
                assert!(before.contains(one), "{one}: {before}");
                assert!(!after.contains(one), "{one}: {after}");
            }
            assert!(after.contains(order), "what is the shop's stays: {after}");
        }
    }

    #[test]
    fn a_row_is_blotted_however_deep_a_trace_lies_and_left_alone_where_there_is_none() {
        let mut traces = Traces::default();
        traces.email(&Email::parse("jane@example.org").unwrap());
        let of = OrderId::from_ulid(Ulid::from_parts(1, 1));
        let row = |said: &str| -> Item {
            let inner = [("comment".to_owned(), text(said))].into();
            let list = AttributeValue::L(vec![AttributeValue::M(inner)]);
            [("pk".to_owned(), text("ORD#x")), ("items".to_owned(), list)].into()
        };
        assert_eq!(blotted(&row("too small"), &traces, of), None);
        let after = blotted(&row("write to jane@example.org"), &traces, of).unwrap();
        assert!(!format!("{after:?}").contains("jane"), "{after:?}");
    }

    #[test]
    fn what_opens_something_is_not_told() {
        let row: Item = [
            ("pk".to_owned(), text("CUST#cus_1")),
            ("sk".to_owned(), text("META")),
            ("gsi1pk".to_owned(), text("CUSTOMERS")),
            ("password".to_owned(), text("$argon2id$")),
            ("name".to_owned(), text("Jane Roe")),
        ]
        .into();
        let told = told(row).unwrap();
        assert_eq!(told, serde_json::json!({"record": "CUST", "content": {"name": "Jane Roe"}}));
    }
}
