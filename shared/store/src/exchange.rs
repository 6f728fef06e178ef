//! Imports and exports: how far each came, and what is wrong with which row.
//!
//! | item | table | key |
//! |---|---|---|
//! | import | ephemeral | `IMP#all` / `IMP#id` |
//! | a row's flaws | ephemeral | `IMP#id` / `FLAW#row` |
//! | export | ephemeral | `EXP#all` / `EXP#id` |
//!
//! All of it expires; the rows that an import brought are where all others of their kind are. A
//! record is written under its version, so of two jobs with one message one comes further. A row's
//! flaws are one item, written as often as the row is looked at, and the same each time.

use std::collections::BTreeMap;

use domain::catalog::{Product, Sku, Slug};
use domain::event::Event;
use domain::exchange::Flaw;
use domain::exchange::export::Export;
use domain::exchange::import::Import;
use domain::fault::Fault;
use domain::id::{ExportId, ImportId, ProductId, VariantId};
use domain::movement::Movement;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::catalog::{Taken, product_key};
use crate::idempotency::{self, Answer, Claim};
use crate::item::{Item, Key, Page, Range, Saved, document, item, number};
use crate::transaction::{Expression, Transaction};
use crate::{Store, Table, cart, outbox};

const IMPORTS: &str = "IMP#all";
const EXPORTS: &str = "EXP#all";
/// Keys that DynamoDB answers in one call.
const KEYS_MAX: usize = 100;
/// Products that are read in one call: with all their texts, a call answers 16 MB at most.
const PRODUCTS_MAX: usize = 40;

/// A row of a file, and all that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlawedRow {
    /// The row, as a spreadsheet counts.
    pub row: u32,
    /// What is wrong with it.
    pub flaws: Vec<Flaw>,
}

fn import_key(id: ImportId) -> Key {
    Key::new(IMPORTS, id.to_string())
}

fn export_key(id: ExportId) -> Key {
    Key::new(EXPORTS, id.to_string())
}

fn flaw_key(id: ImportId, row: u32) -> Key {
    // Of one length, so that text sorts as numbers do.
    Key::new(format!("IMP#{id}"), format!("FLAW#{row:010}"))
}

/// A document that goes after a while.
fn expiring(key: &Key, it: &impl Serialize, expires_at: Timestamp) -> Result<Item, Fault> {
    let mut row = item(key, it)?;
    row.insert("expires".into(), number(expires_at.as_second()));
    Ok(row)
}

impl Store {
    /// Writes a new import.
    pub async fn create_import(&self, import: &Import, events: &[Event]) -> Result<Saved, Fault> {
        let row = expiring(&import_key(import.id), import, import.expires_at())?;
        self.put_with(row, Expression::absent(), events, "create an import").await
    }

    /// Writes how far an import came, if nobody came further.
    pub async fn save_import(
        &self,
        before: &Import,
        after: &Import,
        events: &[Event],
    ) -> Result<Saved, Fault> {
        let row = expiring(&import_key(after.id), after, after.expires_at())?;
        let condition = Expression::version(before.version);
        self.put_with(row, condition, events, "save an import").await
    }

    /// The same, for who asked for it under a key: the answer is remembered with it.
    pub async fn save_import_once(
        &self,
        before: &Import,
        after: &Import,
        events: &[Event],
        remembered: Option<(&Claim, &Answer)>,
    ) -> Result<Saved, Fault> {
        let Some((claim, answer)) = remembered else {
            return self.save_import(before, after, events).await;
        };
        let mut transaction = Transaction::default();
        let row = expiring(&import_key(after.id), after, after.expires_at())?;
        transaction.put(self, Table::Ephemeral, row, Expression::version(before.version))?;
        events.iter().try_for_each(|event| outbox::say(self, &mut transaction, event))?;
        idempotency::remember_in(self, &mut transaction, claim, answer)?;
        Ok(cart::saved(&transaction.commit(self, "save an import").await?))
    }

    async fn put_with(
        &self,
        row: Item,
        condition: Expression,
        events: &[Event],
        tried: &str,
    ) -> Result<Saved, Fault> {
        if events.is_empty() {
            return self.put_if(Table::Ephemeral, row, condition).await;
        }
        let mut transaction = Transaction::default();
        transaction.put(self, Table::Ephemeral, row, condition)?;
        events.iter().try_for_each(|event| outbox::say(self, &mut transaction, event))?;
        Ok(cart::saved(&transaction.commit(self, tried).await?))
    }

    /// An import by its id.
    pub async fn import(&self, id: ImportId) -> Result<Option<Import>, Fault> {
        self.get(Table::Ephemeral, &import_key(id), true).await
    }

    /// A page of the imports, newest first.
    pub async fn imports(&self, limit: i32, position: Option<&str>) -> Result<Page<Import>, Fault> {
        let range = Range { is_descending: true, limit: Some(limit), position, ..Range::default() };
        let page = self.query(Table::Ephemeral, None, IMPORTS, range).await?;
        let entries = page.entries.into_iter().map(document).collect::<Result<_, _>>()?;
        Ok(Page { entries, next: page.next })
    }

    /// Writes down what is wrong with which rows.
    pub async fn put_flaws(&self, import: &Import, flaws: &[Flaw]) -> Result<(), Fault> {
        let mut rows: BTreeMap<u32, Vec<Flaw>> = BTreeMap::new();
        for flaw in flaws {
            rows.entry(flaw.row).or_default().push(flaw.clone());
        }
        let items = rows
            .into_iter()
            .map(|(row, flaws)| {
                let key = flaw_key(import.id, row);
                expiring(&key, &FlawedRow { row, flaws }, import.expires_at())
            })
            .collect::<Result<_, _>>()?;
        self.batch_put(Table::Ephemeral, items).await
    }

    /// A page of the rows of an import that have flaws, in their order.
    pub async fn flawed_rows(
        &self,
        id: ImportId,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<FlawedRow>, Fault> {
        let begins_with = Some("FLAW#");
        let range = Range { begins_with, limit: Some(limit), position, ..Range::default() };
        let page = self.query(Table::Ephemeral, None, &format!("IMP#{id}"), range).await?;
        let entries = page.entries.into_iter().map(document).collect::<Result<_, _>>()?;
        Ok(Page { entries, next: page.next })
    }

    /// Writes a new export.
    pub async fn create_export(&self, export: &Export, events: &[Event]) -> Result<Saved, Fault> {
        let row = expiring(&export_key(export.id), export, export.expires_at())?;
        self.put_with(row, Expression::absent(), events, "create an export").await
    }

    /// Writes how far an export came, if nobody came further.
    pub async fn save_export(&self, before: &Export, after: &Export) -> Result<Saved, Fault> {
        let row = expiring(&export_key(after.id), after, after.expires_at())?;
        self.put_if(Table::Ephemeral, row, Expression::version(before.version)).await
    }

    /// An export by its id.
    pub async fn export(&self, id: ExportId) -> Result<Option<Export>, Fault> {
        self.get(Table::Ephemeral, &export_key(id), true).await
    }

    /// Which products have, or had, these readable names.
    pub async fn owners_of_slugs(
        &self,
        slugs: &[Slug],
    ) -> Result<BTreeMap<Slug, ProductId>, Fault> {
        let pairs = slugs.iter().map(|slug| (format!("SLUG#{slug}"), slug.clone()));
        Ok(self.taken(pairs).await?.into_iter().map(|(slug, it)| (slug, it.product)).collect())
    }

    /// Which products have these SKUs.
    pub async fn owners_of_skus(&self, skus: &[Sku]) -> Result<BTreeMap<Sku, ProductId>, Fault> {
        let pairs = skus.iter().map(|sku| (format!("SKU#{sku}"), sku.clone()));
        Ok(self.taken(pairs).await?.into_iter().map(|(sku, it)| (sku, it.product)).collect())
    }

    /// Which variants have these SKUs.
    pub async fn variants_of_skus(&self, skus: &[Sku]) -> Result<BTreeMap<Sku, VariantId>, Fault> {
        let pairs = skus.iter().map(|sku| (format!("SKU#{sku}"), sku.clone()));
        let found = self.taken(pairs).await?.into_iter();
        Ok(found.filter_map(|(sku, it)| Some((sku, it.variant?))).collect())
    }

    async fn taken<T: Ord>(
        &self,
        wanted: impl Iterator<Item = (String, T)>,
    ) -> Result<Vec<(T, Taken)>, Fault> {
        let mut by_key: BTreeMap<String, T> = wanted.collect();
        let keys: Vec<Key> = by_key.keys().map(|pk| Key::meta(pk.clone())).collect();
        let mut found = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(KEYS_MAX) {
            for row in self.batch_get(Table::Catalog, chunk, true).await? {
                let pk = row.get("pk").and_then(|pk| pk.as_s().ok()).cloned().unwrap_or_default();
                if let Some(name) = by_key.remove(&pk) {
                    found.push((name, document(row)?));
                }
            }
        }
        Ok(found)
    }

    /// Products by their ids, as they are at this moment.
    pub async fn products_now(
        &self,
        ids: impl IntoIterator<Item = ProductId>,
    ) -> Result<BTreeMap<ProductId, Product>, Fault> {
        let ids: std::collections::BTreeSet<ProductId> = ids.into_iter().collect();
        let keys: Vec<Key> = ids.into_iter().map(product_key).collect();
        let mut products = BTreeMap::new();
        for chunk in keys.chunks(PRODUCTS_MAX) {
            for row in self.batch_get(Table::Catalog, chunk, true).await? {
                let product: Product = document(row)?;
                products.insert(product.id, product);
            }
        }
        Ok(products)
    }

    /// Whether a movement of stock is in the ledger.
    pub async fn has_movement(&self, movement: &Movement) -> Result<bool, Fault> {
        let key = Key::new(format!("STK#{}", movement.sku), movement.id.to_string());
        let found: Option<Movement> = self.get(Table::Ledger, &key, true).await?;
        Ok(found.is_some())
    }
}
