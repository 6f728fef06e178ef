//! Draft orders.
//!
//! | item | table | key |
//! |---|---|---|
//! | draft | carts | `DRAFTS` / id |
//!
//! They are few, written by people: one partition holds all of them, so that a list is one query,
//! newest first. They lie with the carts because they hold addresses of people who have bought
//! nothing yet, and expire as carts do. The cart that a link opens is one like all others; it is
//! written, and the one before it closed, in the transaction that writes the draft.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::catalog::Offer;
use domain::draft::{Changed, Draft, LIFETIME};
use domain::event::Event;
use domain::fault::Fault;
use domain::id::{DraftId, VariantId};
use domain::order::Order;
use jiff::Timestamp;

use crate::catalog::offer_key;
use crate::idempotency::{self, Answer, Claim};
use crate::item::{Item, Key, Page, Range, Saved, count, document, item, number, text};
use crate::settings::{self, Settings};
use crate::transaction::{Expression, Transaction};
use crate::{Store, Table, cart, outbox};

const ALL: &str = "DRAFTS";

fn key(id: DraftId) -> Key {
    Key::new(ALL, id.to_string())
}

fn draft_item(draft: &Draft) -> Result<Item, Fault> {
    let mut row = item(&key(draft.id), draft)?;
    row.insert("version".into(), count(draft.version + 1));
    let expires = draft.updated_at.as_second().saturating_add(LIFETIME.as_secs());
    row.insert("expires".into(), number(expires));
    Ok(row)
}

impl Store {
    /// A draft by its id.
    pub async fn draft(&self, id: DraftId) -> Result<Option<Draft>, Fault> {
        self.get(Table::Carts, &key(id), true).await
    }

    /// A page of the drafts, newest first.
    pub async fn drafts(&self, limit: i32, position: Option<&str>) -> Result<Page<Draft>, Fault> {
        let range = Range { is_descending: true, limit: Some(limit), position, ..Range::default() };
        let page = self.query(Table::Carts, None, ALL, range).await?;
        let entries = page.entries.into_iter().map(document).collect::<Result<_, _>>()?;
        Ok(Page { entries, next: page.next })
    }

    /// What a draft of these variants is priced from: at most one round trip.
    pub async fn draft_facts(
        &self,
        variants: &[VariantId],
        now: Timestamp,
    ) -> Result<(HashMap<VariantId, Offer>, Arc<Settings>), Fault> {
        let known = self.fresh_settings(now);
        let mut keys: Vec<Key> = Vec::with_capacity(variants.len() + 3);
        for key in variants.iter().map(|variant| offer_key(*variant)) {
            if !keys.iter().any(|other| other.pk == key.pk) {
                keys.push(key);
            }
        }
        if known.is_none() {
            keys.extend(settings::keys());
        }
        let mut found: HashMap<(String, String), Item> = HashMap::new();
        for row in self.batch_get(Table::Catalog, &keys, false).await? {
            if let (Some(AttributeValue::S(pk)), Some(AttributeValue::S(sk))) =
                (row.get("pk"), row.get("sk"))
            {
                found.insert((pk.clone(), sk.clone()), row);
            }
        }
        let settings = match known {
            Some(settings) => settings,
            None => self.take_settings(&mut found, now)?,
        };
        let offers = found
            .into_values()
            .map(|row| document(row).map(|offer: Offer| (offer.variant, offer)))
            .collect::<Result<_, _>>()?;
        Ok((offers, settings))
    }

    /// Writes a draft (a new one has version 0) with the cart that its link opens, closes the one
    /// that an earlier link opened, and says and remembers what goes with it: all or nothing.
    pub async fn save_draft(
        &self,
        changed: &Changed,
        events: &[Event],
        remembered: Option<(&Claim, &Answer)>,
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        let condition = match changed.draft.version {
            0 => Expression::absent(),
            version => Expression::version(version),
        };
        transaction.put(self, Table::Carts, draft_item(&changed.draft)?, condition)?;
        if let Some(closed) = &changed.closed {
            let condition = Expression::version(closed.version);
            transaction.put(self, Table::Carts, cart::cart_item(closed)?, condition)?;
        }
        if let Some(opened) = &changed.opened {
            let row = cart::cart_item(opened)?;
            transaction.put(self, Table::Carts, row, Expression::absent())?;
        }
        for event in events {
            outbox::say(self, &mut transaction, event)?;
        }
        if let Some((claim, answer)) = remembered {
            idempotency::remember_in(self, &mut transaction, claim, answer)?;
        }
        Ok(cart::saved(&transaction.commit(self, "save a draft order").await?))
    }
}

/// Marks the draft that an order is made of, in the transaction that places the order: only that of
/// the link that is good now.
pub(crate) fn order_in(
    store: &Store,
    transaction: &mut Transaction,
    order: &Order,
) -> Result<(), Fault> {
    let Some(draft) = order.draft else { return Ok(()) };
    let condition = Expression::new("cart_id = :cart AND (#status = :sent OR #status = :ordered)")
        .name("#status", "status")
        .value(":cart", text(order.cart.to_string()))
        .value(":sent", text("sent"))
        .value(":ordered", text("ordered"))
        .value(":order", text(order.id.to_string()))
        .value(":now", text(order.created_at.to_string()))
        .value(":one", number(1_i64));
    let update = "SET #status = :ordered, order_id = :order, updated_at = :now, \
                  version = version + :one";
    transaction.update(store, Table::Carts, &key(draft), update, condition)
}
