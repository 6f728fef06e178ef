//! What the search index is made of, beside the products: synonyms, and the wish to have it built
//! anew. Both lie in the catalog, whose stream tells the index of them.
//!
//! | item | key |
//! |---|---|
//! | synonyms | `SEARCH` / SYNONYMS |
//! | the last wish to build the index anew | `SEARCH` / REBUILD |
//!
//! Orders and customers have indexes of their own, for staff; of a change in their tables these
//! need nothing but its key.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::catalog::{Locale, Product, Status};
use domain::event::Event;
use domain::fault::Fault;
use domain::id::{CustomerId, OrderId, ProductId};
use domain::synonym::Synonyms;
use jiff::Timestamp;
use serde::Serialize;

use crate::catalog::product_key;
use crate::item::{Item, Key, Page, Range, Saved, document, item, text};
use crate::transaction::{Committed, Expression, Transaction};
use crate::{Store, Table, outbox};

/// Where all of it lies.
const SEARCH: &str = "SEARCH";
/// Keys that one batch may ask for (AWS limit).
const BATCH_MAX: usize = 100;

#[derive(Serialize)]
struct Wish {
    at: Timestamp,
}

/// What a change of the catalog means for the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Concern {
    /// A product is to be looked at again.
    Product(ProductId),
    /// Synonyms or categories are not what they were.
    Lexicon,
    /// The shop's own decisions: one of them is its language.
    Shop,
    /// Everything is to be indexed anew.
    Everything,
}

/// What the item of this key is to the index; nothing, for most.
pub fn concern(image: &Item) -> Option<Concern> {
    match key_of(image)? {
        (SEARCH, "REBUILD") => Some(Concern::Everything),
        (SEARCH | "CATEGORIES", _) => Some(Concern::Lexicon),
        ("SETTINGS", "SHOP") => Some(Concern::Shop),
        (pk, "META") => {
            let id = ProductId::parse(pk.strip_prefix("PROD#")?).ok()?;
            Some(Concern::Product(id))
        }
        _ => None,
    }
}

/// The language of a shop whose decisions are in an item; of one that has not said so, the default.
pub fn shown_locale(image: Option<&Item>) -> Locale {
    let said = image.and_then(|image| image.get("default_locale"));
    let said = said.and_then(|value| value.as_s().ok());
    said.and_then(|text| Locale::parse(text)).unwrap_or_default()
}

fn key_of(item: &Item) -> Option<(&str, &str)> {
    let part = |name| match item.get(name) {
        Some(AttributeValue::S(text)) => Some(text.as_str()),
        _ => None,
    };
    Some((part("pk")?, part("sk")?))
}

/// The order that the item of this key is.
pub fn changed_order(keys: &Item) -> Option<OrderId> {
    let (pk, sk) = key_of(keys)?;
    let id = OrderId::parse(pk.strip_prefix("ORD#")?).ok();
    id.filter(|_| sk == "META")
}

/// The customer whose account the item of this key is.
pub fn changed_customer(keys: &Item) -> Option<CustomerId> {
    let (pk, sk) = key_of(keys)?;
    let id = CustomerId::parse(pk.strip_prefix("CUST#")?).ok();
    id.filter(|_| sk == "META")
}

/// The product in an item, as the table's stream shows it.
pub fn shown_product(image: Item) -> Result<Product, Fault> {
    document(image)
}

impl Store {
    /// The shop's synonyms; none, in version 0, before the first were written.
    pub async fn synonyms(&self) -> Result<Synonyms, Fault> {
        let key = Key::new(SEARCH, "SYNONYMS");
        let found: Option<Synonyms> = self.get(Table::Catalog, &key, true).await?;
        Ok(found.unwrap_or_default())
    }

    /// Writes the synonyms in place of those of the version before.
    pub async fn save_synonyms(
        &self,
        synonyms: &Synonyms,
        events: &[Event],
    ) -> Result<Saved, Fault> {
        let condition = match synonyms.version.saturating_sub(1) {
            0 => Expression::absent(),
            before => Expression::version(before),
        };
        let row = item(&Key::new(SEARCH, "SYNONYMS"), synonyms)?;
        self.say_with(row, condition, events, "save the synonyms").await
    }

    /// Wishes that the index be built anew. Of two wishes of one moment one is enough.
    pub async fn wish_for_rebuild(&self, now: Timestamp, events: &[Event]) -> Result<(), Fault> {
        let condition = Expression::new("attribute_not_exists(pk) OR #at <> :at")
            .name("#at", "at")
            .value(":at", text(now.to_string()));
        let row = item(&Key::new(SEARCH, "REBUILD"), &Wish { at: now })?;
        self.say_with(row, condition, events, "wish for a rebuild").await.map(drop)
    }

    async fn say_with(
        &self,
        row: Item,
        condition: Expression,
        events: &[Event],
        tried: &str,
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        transaction.put(self, Table::Catalog, row, condition)?;
        for event in events {
            outbox::say(self, &mut transaction, event)?;
        }
        match transaction.commit(self, tried).await? {
            Committed::Yes => Ok(Saved::Yes),
            Committed::Refused(_) => Ok(Saved::Raced),
        }
    }

    /// These products as they are now, in any order; those that are gone are left out.
    pub async fn products_by_id(&self, ids: &[ProductId]) -> Result<Vec<Product>, Fault> {
        let mut found = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(BATCH_MAX) {
            let keys: Vec<Key> = chunk.iter().map(|id| product_key(*id)).collect();
            for item in self.batch_get(Table::Catalog, &keys, true).await? {
                found.push(document(item)?);
            }
        }
        Ok(found)
    }

    /// A page of the whole documents of all products in the store.
    pub async fn products_in_store(
        &self,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Product>, Fault> {
        let range = Range { limit: Some(limit), position, ..Range::default() };
        let index = Some(("by_created", "gsi1pk", Some("gsi1sk")));
        let partition = format!("STATUS#{}", Status::Active.code());
        let page = self.query(Table::Catalog, index, &partition, range).await?;
        let entries = page.entries.into_iter().map(document).collect::<Result<_, _>>()?;
        Ok(Page { entries, next: page.next })
    }
}

#[cfg(test)]
mod tests {
    use domain::id::Ulid;

    use super::*;

    fn key(pk: &str, sk: &str) -> Item {
        Key::new(pk, sk).attributes()
    }

    #[test]
    fn an_order_and_a_customer_are_known_by_their_keys_alone() {
        let (order, customer) = (OrderId::from_ulid(Ulid(7)), CustomerId::from_ulid(Ulid(8)));
        let (at, by) = (format!("ORD#{order}"), format!("CUST#{customer}"));
        assert_eq!(changed_order(&key(&at, "META")), Some(order));
        assert_eq!(changed_customer(&key(&by, "META")), Some(customer));
        for (pk, sk) in [(at.as_str(), "PAY#x"), (by.as_str(), "BOOK"), ("OBX#1", "META")] {
            assert_eq!(changed_order(&key(pk, sk)), None, "{pk}");
            assert_eq!(changed_customer(&key(pk, sk)), None, "{pk}");
        }
    }

    #[test]
    fn the_index_is_told_of_products_categories_and_its_own_settings() {
        let id = ProductId::from_ulid(Ulid(7));
        let product = format!("PROD#{id}");
        assert_eq!(concern(&key(&product, "META")), Some(Concern::Product(id)));
        assert_eq!(concern(&key("CATEGORIES", "shirts")), Some(Concern::Lexicon));
        assert_eq!(concern(&key("SEARCH", "SYNONYMS")), Some(Concern::Lexicon));
        assert_eq!(concern(&key("SEARCH", "REBUILD")), Some(Concern::Everything));
        assert_eq!(concern(&key("SETTINGS", "SHOP")), Some(Concern::Shop));
        for (pk, sk) in [(product.as_str(), "CARD#all"), ("SKU#MUG", "META"), ("SETTINGS", "TAX")] {
            assert_eq!(concern(&key(pk, sk)), None, "{pk}");
        }
    }
}
