//! Promotions, their codes, and how often they were used.
//!
//! | item | table | key | index |
//! |---|---|---|---|
//! | promotion | catalog | `PROMO#id` / META | `by_created` |
//! | code | catalog | `CODE#code` / META | `by_created` |
//! | the automatic ones that run | catalog | `SETTINGS` / PROMOTIONS | |
//! | uses, where they are limited | inventory | `PROMO#id` / USES | |
//! | uses, where they are not | inventory | `PROMO#id` / USES#shard | |
//! | uses by a buyer, by a code | inventory | `PROMO#id` / BUYER#hash, CODE#code | |
//! | a buyer's orders and groups | inventory | `BUYER#hash` / META | |
//!
//! A guest's hash is that of their mail address, which whoever knows the address can tell: these
//! rows expire when no order knows the address any more. An account's is that of its id, and stays.
//!
//! Uses are counted in the transaction that places the order, behind conditions: no limit is ever
//! exceeded, at any concurrency. They are given back in the transaction that ends the order unpaid.
//! Both look at `uses_counted` in the order, whose version guards them: each happens once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::cart::{Cart, Owner};
use domain::catalog::Prices;
use domain::currency::Currency;
use domain::event::Event;
use domain::fault::Fault;
use domain::id::{CustomerId, PromotionId};
use domain::order::Order;
use domain::promotion::code::{AppliedCode, Code, CodeEntry};
use domain::promotion::on_offer::{OnOffer, Uses};
use domain::promotion::used::OrderPromotion;
use domain::promotion::{CustomerFacts, NAMED_MAX, Promotion, Running, buyer};
use domain::retention::BUYER_KEPT;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::item::{Item, Key, Page, Range, Saved, count, document, item, moment, number, text};
use crate::settings::SETTINGS_FRESH;
use crate::transaction::{Committed, Expression, Transaction};
use crate::{Store, Table, cart, outbox};

/// Rows over which the uses of what has no limit are spread: one row takes about 500 writes a
/// second, and an automatic promotion is in every order.
const SHARDS: u8 = 8;
/// Codes in one transaction: it holds 100 actions, and some are the promotion and the audit log.
const CODES_PER_WRITE_MAX: usize = 95;
/// A condition that always holds: an update that must never stand in the way of money.
const ALWAYS: &str = "attribute_exists(pk) OR attribute_not_exists(pk)";

/// The promotions that an order may get.
#[derive(Debug, Clone, Default)]
pub struct Wanted<'a> {
    /// The cart's codes.
    pub codes: &'a [AppliedCode],
    /// By what the uses of its buyer are counted.
    pub buyer: Option<String>,
}

impl<'a> Wanted<'a> {
    /// What a cart may get.
    pub fn by(cart: &'a Cart) -> Self {
        let customer = match cart.owner {
            Owner::Customer(id) => Some(id),
            Owner::Token(_) => None,
        };
        Self { codes: &cart.codes, buyer: buyer(customer, cart.email.as_ref()) }
    }
}

/// What a change of a promotion came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// Written, with this version.
    Yes(u64),
    /// The promotion has another version.
    Raced,
    /// Another promotion began or ended to run: load the running ones again.
    Crowded,
}

/// How often a promotion was used, as staff see it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Orders that got it and were not called off unpaid.
    pub orders: u64,
    /// What it took off them: minor units by currency.
    pub spent: Prices,
}

/// A buyer, as the counters know them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Buyer {
    #[serde(default)]
    orders: i64,
    #[serde(default)]
    groups: BTreeSet<String>,
}

fn promotion_key(id: PromotionId) -> Key {
    Key::meta(format!("PROMO#{id}"))
}

fn code_key(code: &Code) -> Key {
    Key::meta(format!("CODE#{code}"))
}

fn running_key() -> Key {
    Key::new("SETTINGS", "PROMOTIONS")
}

fn uses_key(id: PromotionId) -> Key {
    Key::new(format!("PROMO#{id}"), "USES")
}

fn shard_key(id: PromotionId, order: &Order) -> Key {
    // The remainder of a division by SHARDS fits a byte.
    let shard = u8::try_from(order.id.ulid().random() % u128::from(SHARDS)).unwrap_or(0);
    Key::new(format!("PROMO#{id}"), format!("USES#{shard}"))
}

fn by_buyer_key(id: PromotionId, buyer: &str) -> Key {
    Key::new(format!("PROMO#{id}"), format!("BUYER#{buyer}"))
}

fn by_code_key(id: PromotionId, code: &Code) -> Key {
    Key::new(format!("PROMO#{id}"), format!("CODE#{code}"))
}

fn buyer_key(buyer: &str) -> Key {
    Key::meta(format!("BUYER#{buyer}"))
}

fn spent_in(currency: Currency) -> String {
    format!("spent_{currency}")
}

/// The item of a promotion as it will stand after this write, with its place in the list.
fn promotion_item(promotion: &Promotion) -> Result<Item, Fault> {
    let mut row = item(&promotion_key(promotion.id), promotion)?;
    row.insert("version".into(), count(promotion.version + 1));
    row.insert("gsi1pk".into(), text("PROMO#all"));
    let place = format!("{}#{}", moment(promotion.created_at), promotion.id);
    row.insert("gsi1sk".into(), text(place));
    Ok(row)
}

fn code_item(entry: &CodeEntry) -> Result<Item, Fault> {
    let mut row = item(&code_key(&entry.code), entry)?;
    row.insert("gsi1pk".into(), text(format!("PROMO#{}#codes", entry.promotion)));
    let place = format!("{}#{}", moment(entry.created_at), entry.code);
    row.insert("gsi1sk".into(), text(place));
    Ok(row)
}

impl Store {
    /// A promotion by its id.
    pub async fn promotion(&self, id: PromotionId) -> Result<Option<Promotion>, Fault> {
        self.get(Table::Catalog, &promotion_key(id), true).await
    }

    /// The promotions, newest first.
    pub async fn promotions(
        &self,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Promotion>, Fault> {
        let index = Some(("by_created", "gsi1pk", Some("gsi1sk")));
        let range = Range { is_descending: true, limit: Some(limit), position, ..Range::default() };
        let page = self.query(Table::Catalog, index, "PROMO#all", range).await?;
        let entries = page.entries.into_iter().map(document).collect::<Result<_, _>>()?;
        Ok(Page { entries, next: page.next })
    }

    /// The automatic promotions that run, as they stand.
    pub async fn running(&self) -> Result<Running, Fault> {
        let running = self.get(Table::Catalog, &running_key(), true).await?;
        Ok(running.unwrap_or_default())
    }

    /// Writes a new promotion; its version.
    pub async fn create_promotion(
        &self,
        promotion: &Promotion,
        events: &[Event],
    ) -> Result<u64, Fault> {
        let mut transaction = Transaction::default();
        let row = promotion_item(promotion)?;
        transaction.put(self, Table::Catalog, row, Expression::absent())?;
        events.iter().try_for_each(|event| outbox::say(self, &mut transaction, event))?;
        match transaction.commit(self, "create a promotion").await? {
            Committed::Yes => Ok(promotion.version + 1),
            Committed::Refused(_) => {
                Err(Fault::noticed("create a promotion that exists", domain::fault::Retry::Helps))
            }
        }
    }

    /// Writes a promotion that was loaded and changed and, where that changes them, the running
    /// ones with it.
    pub async fn change_promotion(
        &self,
        before: &Promotion,
        after: &Promotion,
        running: Option<&Running>,
        events: &[Event],
    ) -> Result<Changed, Fault> {
        let mut transaction = Transaction::default();
        let condition = Expression::version(before.version);
        let row = promotion_item(&Promotion { version: before.version, ..after.clone() })?;
        transaction.put(self, Table::Catalog, row, condition)?;
        events.iter().try_for_each(|event| outbox::say(self, &mut transaction, event))?;
        if let Some(running) = running {
            // In the document they have the versions that they were written with.
            let mut written = running.clone();
            written.version += 1;
            for one in written.promotions.iter_mut().filter(|one| one.id == after.id) {
                one.version = before.version + 1;
            }
            let condition = match running.version {
                0 => Expression::absent(),
                version => Expression::version(version),
            };
            let row = item(&running_key(), &written)?;
            transaction.put(self, Table::Catalog, row, condition)?;
        }
        Ok(match transaction.commit(self, "change a promotion").await? {
            Committed::Yes => Changed::Yes(before.version + 1),
            Committed::Refused(refused) if refused.iter().any(|(at, _)| *at == 0) => Changed::Raced,
            Committed::Refused(_) => Changed::Crowded,
        })
    }

    /// Deletes a draft as it was loaded.
    pub async fn delete_promotion(
        &self,
        promotion: &Promotion,
        events: &[Event],
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        let condition = Expression::version(promotion.version);
        transaction.delete_if(self, Table::Catalog, &promotion_key(promotion.id), condition)?;
        events.iter().try_for_each(|event| outbox::say(self, &mut transaction, event))?;
        Ok(cart::saved(&transaction.commit(self, "delete a promotion").await?))
    }

    /// How often a promotion was used, and what it took off.
    pub async fn promotion_uses(&self, id: PromotionId) -> Result<Tally, Fault> {
        let range = Range { begins_with: Some("USES"), ..Range::default() };
        let page = self.query(Table::Inventory, None, &format!("PROMO#{id}"), range).await?;
        let mut tally = Tally::default();
        for row in &page.entries {
            let uses = uses_of(row);
            tally.orders += uses.orders;
            for (currency, amount) in uses.spent {
                *tally.spent.entry(currency).or_default() += amount;
            }
        }
        Ok(tally)
    }

    /// A code by what somebody typed.
    pub async fn code(&self, code: &Code) -> Result<Option<CodeEntry>, Fault> {
        self.get(Table::Catalog, &code_key(code), true).await
    }

    /// The codes of a promotion, oldest first.
    pub async fn codes(
        &self,
        promotion: PromotionId,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<CodeEntry>, Fault> {
        let index = Some(("by_created", "gsi1pk", Some("gsi1sk")));
        let range = Range { limit: Some(limit), position, ..Range::default() };
        let partition = format!("PROMO#{promotion}#codes");
        let page = self.query(Table::Catalog, index, &partition, range).await?;
        let entries = page.entries.into_iter().map(document).collect::<Result<_, _>>()?;
        Ok(Page { entries, next: page.next })
    }

    /// How often each of these codes was used.
    pub async fn uses_of_codes(&self, codes: &[CodeEntry]) -> Result<BTreeMap<Code, u64>, Fault> {
        let keys: Vec<Key> =
            codes.iter().map(|entry| by_code_key(entry.promotion, &entry.code)).collect();
        let mut uses = BTreeMap::new();
        for row in self.batch_get(Table::Inventory, &keys, true).await? {
            if let Some(code) = sort_key(&row).strip_prefix("CODE#").and_then(Code::parse) {
                uses.insert(code, integer(&row, "orders").max(0).unsigned_abs());
            }
        }
        Ok(uses)
    }

    /// The most codes that one call of [`write_codes`](Self::write_codes) takes.
    pub const CODES_PER_WRITE_MAX: usize = CODES_PER_WRITE_MAX;

    /// Writes new codes with what is said of them; `Raced` where one of them is taken, and then
    /// none is written.
    pub async fn write_codes(
        &self,
        entries: &[CodeEntry],
        events: &[Event],
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        for entry in entries {
            transaction.put(self, Table::Catalog, code_item(entry)?, Expression::absent())?;
        }
        events.iter().try_for_each(|event| outbox::say(self, &mut transaction, event))?;
        Ok(cart::saved(&transaction.commit(self, "write codes").await?))
    }

    /// Deletes a code of a promotion; `Raced` where it is not there.
    pub async fn delete_code(&self, entry: &CodeEntry, events: &[Event]) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        let condition = Expression::new("promotion = :promotion")
            .value(":promotion", text(entry.promotion.to_string()));
        transaction.delete_if(self, Table::Catalog, &code_key(&entry.code), condition)?;
        events.iter().try_for_each(|event| outbox::say(self, &mut transaction, event))?;
        Ok(cart::saved(&transaction.commit(self, "delete a code").await?))
    }

    /// What the counters know of a customer: the groups that they are in, and their orders.
    pub async fn customer_facts(&self, customer: CustomerId) -> Result<CustomerFacts, Fault> {
        let Some(buyer) = buyer(Some(customer), None) else { return Ok(CustomerFacts::default()) };
        let row: Option<Buyer> = self.get(Table::Inventory, &buyer_key(&buyer), true).await?;
        let Buyer { orders, groups } = row.unwrap_or_default();
        Ok(CustomerFacts { groups, orders: Some(orders.max(0).unsigned_abs()) })
    }

    /// Puts a customer into a group or takes them out, whether or not they were in; `Raced` where
    /// they are in as many as they may be. Nothing is read before, so no change of another is lost.
    pub async fn put_into_group(
        &self,
        customer: CustomerId,
        group: &str,
        is_member: bool,
        events: &[Event],
    ) -> Result<Saved, Fault> {
        let Some(buyer) = buyer(Some(customer), None) else { return Ok(Saved::Raced) };
        let mut transaction = Transaction::default();
        let group = AttributeValue::Ss(vec![group.to_owned()]);
        let (update, condition) = if is_member {
            let most = i64::try_from(NAMED_MAX).unwrap_or(i64::MAX);
            let free = "attribute_not_exists(#groups) OR size(#groups) < :most";
            ("ADD #groups :group", Expression::new(free).value(":most", number(most)))
        } else {
            ("DELETE #groups :group", Expression::new(ALWAYS))
        };
        let condition = condition.name("#groups", "groups").value(":group", group);
        transaction.update(self, Table::Inventory, &buyer_key(&buyer), update, condition)?;
        events.iter().try_for_each(|event| outbox::say(self, &mut transaction, event))?;
        Ok(cart::saved(&transaction.commit(self, "put a customer into a group").await?))
    }

    /// The running promotions, where they were read a moment ago.
    pub(crate) fn fresh_running(&self, now: Timestamp) -> Option<Arc<Vec<Promotion>>> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let (read_at, running) = running.as_ref()?;
        let age = now.duration_since(*read_at);
        (jiff::SignedDuration::ZERO..SETTINGS_FRESH).contains(&age).then(|| running.clone())
    }

    /// The keys to read for what a cart may get: of the catalog, and of the counters.
    pub(crate) fn keys_of(
        wanted: &Wanted<'_>,
        running: Option<&[Promotion]>,
    ) -> (Vec<Key>, Vec<Key>) {
        let (mut catalog, mut counters) = (Vec::new(), Vec::new());
        if running.is_none() {
            catalog.push(running_key());
        }
        let mut ids: BTreeSet<PromotionId> = BTreeSet::new();
        for AppliedCode { code, promotion } in wanted.codes {
            catalog.push(code_key(code));
            counters.push(by_code_key(*promotion, code));
            if ids.insert(*promotion) {
                catalog.push(promotion_key(*promotion));
            }
        }
        let mut knows_buyer = !ids.is_empty();
        for promotion in running.unwrap_or_default() {
            let conditions = &promotion.terms.conditions;
            knows_buyer |= conditions.first_order || !conditions.customer_groups.is_empty();
            if promotion.terms.limits.is_counted() {
                ids.insert(promotion.id);
            }
        }
        for id in ids {
            counters.push(uses_key(id));
            counters.extend(wanted.buyer.as_deref().map(|buyer| by_buyer_key(id, buyer)));
        }
        if knows_buyer {
            counters.extend(wanted.buyer.as_deref().map(buyer_key));
        }
        (catalog, counters)
    }

    /// Remembers the running promotions that were read.
    pub(crate) fn believe_running(
        &self,
        row: Option<Item>,
        now: Timestamp,
    ) -> Result<Arc<Vec<Promotion>>, Fault> {
        let running: Running = row.map(document).transpose()?.unwrap_or_default();
        let running = Arc::new(running.promotions);
        let mut known = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some((now, running.clone()));
        Ok(running)
    }
}

/// What was read of promotions, by key.
#[derive(Debug, Default)]
pub(crate) struct Found {
    promotions: BTreeMap<PromotionId, Promotion>,
    codes: BTreeMap<Code, CodeEntry>,
    offer: OnOffer,
    /// The running ones, where they were asked for.
    pub(crate) running: Option<Item>,
}

impl Found {
    /// Takes an item of the catalog or of the counters, if it is one of ours; gives it back if not.
    pub(crate) fn take(&mut self, row: Item) -> Result<Option<Item>, Fault> {
        let (partition, sort) = (partition_key(&row), sort_key(&row));
        let Some((kind, rest)) = partition.split_once('#') else {
            if partition == "SETTINGS" && sort == "PROMOTIONS" {
                self.running = Some(row);
                return Ok(None);
            }
            return Ok(Some(row));
        };
        match (kind, sort.as_str()) {
            ("CODE", "META") => {
                let entry: CodeEntry = document(row)?;
                self.codes.insert(entry.code.clone(), entry);
            }
            ("BUYER", "META") => {
                let Buyer { orders, groups } = document(row)?;
                let orders = Some(orders.max(0).unsigned_abs());
                self.offer.customer = CustomerFacts { groups, orders };
            }
            ("PROMO", "META") => {
                let promotion: Promotion = document(row)?;
                self.promotions.insert(promotion.id, promotion);
            }
            ("PROMO", sort) => {
                let Ok(id) = PromotionId::parse(rest) else { return Ok(None) };
                let uses = self.offer.uses.entry(id).or_default();
                if sort == "USES" {
                    let Uses { orders, spent, .. } = uses_of(&row);
                    uses.orders = orders;
                    uses.spent = spent;
                } else if sort.starts_with("BUYER#") {
                    uses.by_customer = integer(&row, "orders").max(0).unsigned_abs();
                } else if let Some(code) = sort.strip_prefix("CODE#").and_then(Code::parse) {
                    let orders = integer(&row, "orders").max(0).unsigned_abs();
                    self.offer.code_uses.insert(code, orders);
                }
            }
            _ => return Ok(Some(row)),
        }
        Ok(None)
    }

    /// What a cart may get.
    pub(crate) fn offer(mut self, wanted: &Wanted<'_>, running: Arc<Vec<Promotion>>) -> OnOffer {
        for AppliedCode { code, promotion } in wanted.codes {
            // A code that was deleted, or opens something else now, opens nothing here.
            let entry = self.codes.remove(code).filter(|entry| entry.promotion == *promotion);
            if let (Some(entry), Some(promotion)) = (entry, self.promotions.get(promotion)) {
                self.offer.by_code.push((entry, promotion.clone()));
            }
        }
        // Nobody counted them yet: they have not ordered.
        if wanted.buyer.is_some() && self.offer.customer.orders.is_none() {
            self.offer.customer.orders = Some(0);
        }
        self.offer.automatic = running;
        self.offer
    }
}

/// The places in a transaction at which an order's promotions are counted.
#[derive(Debug, Default)]
pub(crate) struct Counters(Vec<(usize, PromotionId)>);

impl Counters {
    /// The first promotion whose condition was refused.
    pub(crate) fn exhausted(&self, refused: &[(usize, Option<Item>)]) -> Option<PromotionId> {
        let is_refused = |at: usize| refused.iter().any(|(position, _)| *position == at);
        self.0.iter().find(|(at, _)| is_refused(*at)).map(|(_, promotion)| *promotion)
    }
}

/// The update of a row that is named by an order's buyer: a guest's goes with their last order.
fn update_buyer(
    store: &Store,
    transaction: &mut Transaction,
    key: &Key,
    (update, expression): (&str, Expression),
    order: &Order,
) -> Result<(), Fault> {
    if order.customer.is_some() {
        return transaction.update(store, Table::Inventory, key, update, expression);
    }
    let expires = order.updated_at.saturating_add(BUYER_KEPT).unwrap_or(Timestamp::MAX);
    let expression = expression.value(":expires", number(expires.as_second()));
    let update = format!("{update}, expires = :expires");
    transaction.update(store, Table::Inventory, key, &update, expression)
}

/// Counts an order among its buyer's and its promotions' uses, behind their limits: at most three
/// actions for each of [`APPLIED_MAX`](domain::promotion::APPLIED_MAX) promotions and one for the
/// buyer.
pub(crate) fn count_in(
    store: &Store,
    transaction: &mut Transaction,
    order: &Order,
) -> Result<Counters, Fault> {
    let mut counters = Counters::default();
    if !order.uses_counted {
        return Ok(counters);
    }
    let one = || number(1_i64);
    let none = || number(0_i64);
    let plus = "SET orders = if_not_exists(orders, :none) + :one";
    let limited = |max: Option<u32>| match max {
        Some(max) => Expression::new("attribute_not_exists(orders) OR orders < :max")
            .value(":max", number(i64::from(max))),
        None => Expression::new(ALWAYS),
    };
    for used in &order.promotions {
        let id = used.promotion;
        let OrderPromotion { counted, amount, .. } = used;
        let mut at = |position| counters.0.push((position, id));
        let mut parts = Vec::new();
        if counted.uses_total.is_some() {
            parts.push("(attribute_not_exists(orders) OR orders < :max)");
        }
        if counted.budget.is_some() {
            parts.push("(attribute_not_exists(#spent) OR #spent <= :left)");
        }
        let condition = if parts.is_empty() { ALWAYS.to_owned() } else { parts.join(" AND ") };
        let mut expression = Expression::new(&condition)
            .name("#spent", &spent_in(amount.currency()))
            .value(":one", one())
            .value(":none", none())
            .value(":amount", number(amount.amount()));
        if let Some(max) = counted.uses_total {
            expression = expression.value(":max", number(i64::from(max)));
        }
        if let Some(budget) = counted.budget {
            // Spent so far and this: at most the budget. Conditions compare, they do not add.
            expression = expression.value(":left", number(budget - amount.amount()));
        }
        at(transaction.position());
        let key = if counted.is_shared { uses_key(id) } else { shard_key(id, order) };
        let update = "SET orders = if_not_exists(orders, :none) + :one, \
                      #spent = if_not_exists(#spent, :none) + :amount";
        transaction.update(store, Table::Inventory, &key, update, expression)?;
        if let (Some(_), Some(buyer)) = (counted.uses_per_customer, &order.buyer) {
            at(transaction.position());
            let expression =
                limited(counted.uses_per_customer).value(":one", one()).value(":none", none());
            update_buyer(store, transaction, &by_buyer_key(id, buyer), (plus, expression), order)?;
        }
        if let Some(code) = &used.code {
            at(transaction.position());
            let expression =
                limited(counted.uses_per_code).value(":one", one()).value(":none", none());
            let key = by_code_key(id, code);
            transaction.update(store, Table::Inventory, &key, plus, expression)?;
        }
    }
    if let Some(buyer) = &order.buyer {
        let first = order.promotions.iter().find(|used| used.counted.is_first_order);
        let condition = match first {
            Some(used) => {
                counters.0.push((transaction.position(), used.promotion));
                "attribute_not_exists(orders) OR orders <= :none"
            }
            None => ALWAYS,
        };
        let expression = Expression::new(condition).value(":one", one()).value(":none", none());
        update_buyer(store, transaction, &buyer_key(buyer), (plus, expression), order)?;
    }
    Ok(counters)
}

/// Gives the uses of an order back, in the transaction in which it ends unpaid. No condition could
/// fail: the order's version sees to it that this happens once.
pub(crate) fn give_back_in(
    store: &Store,
    transaction: &mut Transaction,
    before: &Order,
    after: &Order,
) -> Result<(), Fault> {
    if !before.uses_counted || after.uses_counted {
        return Ok(());
    }
    let minus = "SET orders = if_not_exists(orders, :one) - :one";
    let always = || Expression::new(ALWAYS).value(":one", number(1_i64));
    for used in &before.promotions {
        let (id, amount, counted) = (used.promotion, used.amount, &used.counted);
        let expression = always()
            .name("#spent", &spent_in(amount.currency()))
            .value(":amount", number(amount.amount()));
        let key = if counted.is_shared { uses_key(id) } else { shard_key(id, before) };
        let update = "SET orders = if_not_exists(orders, :one) - :one, \
                      #spent = if_not_exists(#spent, :amount) - :amount";
        transaction.update(store, Table::Inventory, &key, update, expression)?;
        if let (Some(_), Some(buyer)) = (counted.uses_per_customer, &before.buyer) {
            update_buyer(store, transaction, &by_buyer_key(id, buyer), (minus, always()), after)?;
        }
        if let Some(code) = &used.code {
            let key = by_code_key(id, code);
            transaction.update(store, Table::Inventory, &key, minus, always())?;
        }
    }
    if let Some(buyer) = &before.buyer {
        update_buyer(store, transaction, &buyer_key(buyer), (minus, always()), after)?;
    }
    Ok(())
}

fn partition_key(row: &Item) -> String {
    key_text(row, "pk")
}

fn sort_key(row: &Item) -> String {
    key_text(row, "sk")
}

fn key_text(row: &Item, name: &str) -> String {
    match row.get(name) {
        Some(AttributeValue::S(text)) => text.clone(),
        _ => String::new(),
    }
}

fn integer(row: &Item, name: &str) -> i64 {
    match row.get(name) {
        Some(AttributeValue::N(number)) => number.parse().unwrap_or(0),
        _ => 0,
    }
}

/// The uses in a row of the counters.
fn uses_of(row: &Item) -> Uses {
    let spent = row.keys().filter_map(|name| {
        let currency = Currency::parse(name.strip_prefix("spent_")?)?;
        Some((currency, integer(row, name)))
    });
    let orders = integer(row, "orders").max(0).unsigned_abs();
    Uses { orders, spent: spent.collect(), by_customer: 0 }
}
