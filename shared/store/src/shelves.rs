//! What the shop's goods are ordered by: categories, collections, attributes.
//!
//! | item | key |
//! |---|---|
//! | category, with the number of its products | `CATEGORIES` / slug |
//! | collection | `SHELVES` / COL#slug |
//! | attribute | `SHELVES` / ATT#code |
//! | the tree's lock | `SHELVES` / TREE |
//!
//! They are few: each kind is one page of one query. A category is changed under the tree's lock,
//! so that two moves at once make no circle; the number of its products is changed by products.

use domain::catalog::attribute::Definition;
use domain::catalog::collection::Collection;
use domain::catalog::{Category, Slug};
use domain::event::Event;
use domain::fault::{Fault, Retry};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::item::{Item, Key, Range, Saved, count, document, item, moment, text};
use crate::transaction::{Committed, Expression, Transaction};
use crate::{Store, Table, outbox};

const SHELVES: &str = "SHELVES";
const CATEGORIES: &str = "CATEGORIES";
const TREE: &str = "TREE";
/// Collections that a job still has to do something for.
const WORK: &str = "WQ#collections";

/// All that goods are ordered by.
#[derive(Debug, Clone, Default)]
pub struct Shelves {
    /// The tree of categories, in the shop's order.
    pub categories: Vec<Category>,
    /// The collections, by name.
    pub collections: Vec<Collection>,
    /// The attributes, by code.
    pub attributes: Vec<Definition>,
    /// The version of the tree.
    pub tree: u64,
}

#[derive(Serialize, Deserialize)]
struct Lock {
    version: u64,
}

pub(crate) fn category_key(slug: &Slug) -> Key {
    Key::new(CATEGORIES, slug.as_str())
}

fn collection_key(slug: &Slug) -> Key {
    Key::new(SHELVES, format!("COL#{slug}"))
}

fn attribute_key(code: &Slug) -> Key {
    Key::new(SHELVES, format!("ATT#{code}"))
}

/// A collection, in the queue of work while a job has something to do for it.
fn collection_row(collection: &Collection, now: Timestamp) -> Result<Item, Fault> {
    let mut row = item(&collection_key(&collection.slug), collection)?;
    if collection.pending.is_some() {
        row.insert("gsi6pk".into(), text(WORK));
        row.insert("gsi6sk".into(), text(format!("{}#{}", moment(now), collection.slug)));
    }
    Ok(row)
}

fn sort_key(item: &Item) -> String {
    item.get("sk").and_then(|sk| sk.as_s().ok()).cloned().unwrap_or_default()
}

/// Whether a document is new, or as it was loaded.
fn as_loaded(version: Option<u64>) -> Expression {
    version.map_or_else(Expression::absent, Expression::version)
}

impl Store {
    /// All that goods are ordered by: two queries.
    pub async fn shelves(&self) -> Result<Shelves, Fault> {
        let categories = self.categories().await?;
        let mut shelves = Shelves { categories, ..Shelves::default() };
        let page = self.query(Table::Catalog, None, SHELVES, Range::default()).await?;
        if page.next.is_some() {
            return Err(Fault::noticed("read all shelves in one page", Retry::Useless));
        }
        for entry in page.entries {
            match sort_key(&entry).split('#').next().unwrap_or_default() {
                "COL" => shelves.collections.push(document(entry)?),
                "ATT" => shelves.attributes.push(document(entry)?),
                TREE => shelves.tree = document::<Lock>(entry)?.version,
                _ => return Err(Fault::noticed("know what lies on a shelf", Retry::Useless)),
            }
        }
        Ok(shelves)
    }

    fn lock_tree(&self, transaction: &mut Transaction, tree: u64) -> Result<(), Fault> {
        let row = item(&Key::new(SHELVES, TREE), &Lock { version: tree + 1 })?;
        transaction.put(self, Table::Catalog, row, as_loaded((tree > 0).then_some(tree)))
    }

    /// Writes a category under the tree's lock: its new version, or none where the tree or the
    /// category changed meanwhile.
    pub async fn save_category(
        &self,
        before: Option<&Category>,
        after: &Category,
        tree: u64,
        events: &[Event],
    ) -> Result<Option<u64>, Fault> {
        let version = before.map_or(0, |before| before.version) + 1;
        let mut transaction = Transaction::default();
        match before {
            None => {
                let row = item(&category_key(&after.slug), &Category { version, ..after.clone() })?;
                transaction.put(self, Table::Catalog, row, Expression::absent())?;
            }
            Some(before) => {
                // Not the whole item: products are counted at the same time.
                let translations = serde_dynamo::to_attribute_value(&after.translations)
                    .map_err(|error| Fault::new("write texts", error, Retry::Useless))?;
                let mut condition = Expression::version(before.version)
                    .name("#position", "position")
                    .value(":title", text(&after.title))
                    .value(":description", text(&after.description))
                    .value(":position", count(u64::from(after.position)))
                    .value(":translations", translations)
                    .value(":next", count(version));
                let mut update = "SET title = :title, description = :description, \
                    #position = :position, translations = :translations, version = :next"
                    .to_owned();
                if let Some(parent) = &after.parent {
                    update.push_str(", parent = :parent");
                    condition = condition.value(":parent", text(parent.as_str()));
                } else {
                    update.push_str(" REMOVE parent");
                }
                let key = category_key(&before.slug);
                transaction.update(self, Table::Catalog, &key, &update, condition)?;
            }
        }
        self.lock_tree(&mut transaction, tree)?;
        events.iter().try_for_each(|event| outbox::say(self, &mut transaction, event))?;
        let done = transaction.commit(self, "save a category").await?;
        Ok(matches!(done, Committed::Yes).then_some(version))
    }

    /// Deletes a category that no product is in.
    pub async fn delete_category(
        &self,
        category: &Category,
        tree: u64,
        events: &[Event],
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        let condition = Expression::new("version = :loaded AND products = :none")
            .value(":loaded", count(category.version))
            .value(":none", count(0));
        let key = category_key(&category.slug);
        transaction.delete_if(self, Table::Catalog, &key, condition)?;
        self.lock_tree(&mut transaction, tree)?;
        self.commit_all(transaction, events, "delete a category").await
    }

    /// Writes a collection; its version rises.
    pub async fn save_collection(
        &self,
        before: Option<&Collection>,
        after: &Collection,
        events: &[Event],
        now: Timestamp,
    ) -> Result<Saved, Fault> {
        let version = before.map_or(0, |before| before.version) + 1;
        let row = collection_row(&Collection { version, ..after.clone() }, now)?;
        let mut transaction = Transaction::default();
        let condition = as_loaded(before.map(|before| before.version));
        transaction.put(self, Table::Catalog, row, condition)?;
        self.commit_all(transaction, events, "save a collection").await
    }

    /// Notes how far a job came with a collection; its version stays.
    pub async fn go_on_with(&self, after: &Collection, now: Timestamp) -> Result<Saved, Fault> {
        let row = collection_row(after, now)?;
        self.put_if(Table::Catalog, row, Expression::version(after.version)).await
    }

    /// Takes a collection away that nothing is in any more.
    pub async fn drop_collection(&self, collection: &Collection) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        let key = collection_key(&collection.slug);
        let condition = Expression::version(collection.version);
        transaction.delete_if(self, Table::Catalog, &key, condition)?;
        self.commit_all(transaction, &[], "drop a collection").await
    }

    /// The collections that a job still has to do something for, oldest first.
    pub async fn unfinished_collections(&self, limit: i32) -> Result<Vec<Collection>, Fault> {
        let index = Some(("work", "gsi6pk", Some("gsi6sk")));
        let range = Range { limit: Some(limit), ..Range::default() };
        let page = self.query(Table::Catalog, index, WORK, range).await?;
        let mut collections = Vec::new();
        for entry in page.entries {
            let key = Key::new(SHELVES, sort_key(&entry));
            collections.extend(self.get::<Collection>(Table::Catalog, &key, true).await?);
        }
        Ok(collections)
    }

    /// Writes an attribute; its version rises.
    pub async fn save_attribute(
        &self,
        before: Option<&Definition>,
        after: &Definition,
        events: &[Event],
    ) -> Result<Saved, Fault> {
        let version = before.map_or(0, |before| before.version) + 1;
        let row = item(&attribute_key(&after.code), &Definition { version, ..after.clone() })?;
        let mut transaction = Transaction::default();
        let condition = as_loaded(before.map(|before| before.version));
        transaction.put(self, Table::Catalog, row, condition)?;
        self.commit_all(transaction, events, "save an attribute").await
    }

    /// Deletes an attribute. What products have of it stays with them, unseen, until they are
    /// changed.
    pub async fn delete_attribute(
        &self,
        attribute: &Definition,
        events: &[Event],
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        let condition = Expression::version(attribute.version);
        let key = attribute_key(&attribute.code);
        transaction.delete_if(self, Table::Catalog, &key, condition)?;
        self.commit_all(transaction, events, "delete an attribute").await
    }

    async fn commit_all(
        &self,
        mut transaction: Transaction,
        events: &[Event],
        tried: &str,
    ) -> Result<Saved, Fault> {
        events.iter().try_for_each(|event| outbox::say(self, &mut transaction, event))?;
        Ok(match transaction.commit(self, tried).await? {
            Committed::Yes => Saved::Yes,
            Committed::Refused(_) => Saved::Raced,
        })
    }
}
