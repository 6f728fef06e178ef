//! Products as they are written: the document, its list cards, what carts need of its variants,
//! its SKUs and its readable name, all in one transaction under the product's version.
//!
//! | item | key | condition |
//! |---|---|---|
//! | product | `PROD#id` / META | as it was loaded |
//! | a list card | `PROD#id` / CARD#list | |
//! | an entry of the price log | `PROD#id` / PL#time#version | absent |
//! | offer, but for its hint of a flash sale | `VAR#id` / META | not newer |
//! | a SKU, taken | `SKU#code` / META | nobody's, or this variant's |
//! | a readable name, taken | `SLUG#slug` / META | nobody's, or this product's |
//! | category | `CATEGORIES` / slug | there |
//!
//! A name that a product had in the store stays its own and leads to it (`by_slug`). Offers that
//! find no room in the transaction follow it; until they are written the product lies in the queue
//! of work, where a job finds it.

use std::collections::{BTreeMap, BTreeSet};

use domain::catalog::price::Entry;
use domain::catalog::{Offer, Product, Sku, Slug, Status};
use domain::currency::Currency;
use domain::event::Event;
use domain::fault::{Fault, Retry};
use domain::id::{MediaId, ProductId, VariantId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::catalog::{
    COLLECTION, PRODUCTS, Taken, WORK, card, lists, meta, offer_key, product_key,
};
use crate::item::{Item, Key, Page, Range, Saved, count, document, item, moment, number, text};
use crate::shelves::{Shelves, category_key};
use crate::transaction::{Committed, Expression, Transaction, Updated};
use crate::{Store, Table, media, outbox};

/// DynamoDB's limit for one transaction.
const ACTIONS_MAX: usize = 100;
/// Variants that one write may add: each is two actions of its transaction.
pub const NEW_VARIANTS_MAX: usize = 25;
/// Entries of the price log that are looked at for one price: a page.
const LOG_MAX: i32 = 200;
/// Products whose offers are behind.
const BEHIND: &str = "WQ#offers";

/// A change of a product, and all that happens with it or not at all.
#[derive(Debug)]
pub struct ProductChange<'a> {
    /// As it was loaded; none for a new one.
    pub before: Option<&'a Product>,
    /// As it is to be.
    pub after: &'a Product,
    /// The shelves, as they were loaded with it.
    pub shelves: &'a Shelves,
    /// What lists are sorted in.
    pub currency: Currency,
    /// Whether nothing is changed but what follows from time: the version stays.
    pub is_refresh: bool,
    /// What is said of it.
    pub events: &'a [Event],
    /// When.
    pub now: Timestamp,
}

/// What became of a change.
#[derive(Debug)]
pub enum Written {
    /// The product as it was written.
    Yes(Box<Product>),
    /// It was changed meanwhile.
    Raced,
    /// A picture that it is to show was deleted meanwhile.
    PictureGone(MediaId),
    /// Another product has, or had, the readable name.
    SlugTaken,
    /// Another variant has the SKU.
    SkuTaken(Sku),
    /// The category went meanwhile.
    CategoryGone(Slug),
}

/// Whose condition an action's is.
enum Concern {
    Slug,
    Sku(Sku),
    Category(Slug),
    Picture(MediaId),
}

#[derive(Serialize, Deserialize)]
struct LogRow {
    entries: Vec<Entry>,
}

fn slug_key(slug: &Slug) -> Key {
    Key::meta(format!("SLUG#{slug}"))
}

fn sku_key(sku: &Sku) -> Key {
    Key::meta(format!("SKU#{sku}"))
}

fn card_key(id: ProductId, list: &str) -> Key {
    Key::new(format!("PROD#{id}"), format!("CARD#{list}"))
}

/// Nobody's, or the very thing's own.
fn free(product: ProductId, variant: Option<VariantId>) -> Expression {
    let own = Expression::new(match variant {
        Some(_) => "attribute_not_exists(pk) OR (product = :product AND variant = :variant)",
        None => "attribute_not_exists(pk) OR product = :product",
    });
    let own = own.value(":product", text(product.to_string()));
    match variant {
        Some(variant) => own.value(":variant", text(variant.to_string())),
        None => own,
    }
}

fn offers(product: &Product) -> BTreeMap<VariantId, Offer> {
    product.variants.iter().map(|one| (one.id, product.offer(one))).collect()
}

fn skus(product: &Product) -> BTreeMap<Sku, VariantId> {
    product.variants.iter().map(|one| (one.sku.clone(), one.id)).collect()
}

/// What an offer may say and need not.
const OFFERED: [&str; 3] = ["categories", "download", "sales"];

/// An offer with the version of the product that it follows from, as an update that writes all of
/// it but the hint of a flash sale: that is the stock's to give and to take.
fn offer_update(offer: &Offer, version: u64) -> Result<(Key, String, Expression), Fault> {
    let key = offer_key(offer.variant);
    let mut row = item(&key, offer)?;
    row.retain(|name, _| !matches!(name.as_str(), "pk" | "sk" | "flash"));
    let gone = OFFERED.into_iter().filter(|name| !row.contains_key(*name));
    let mut condition = Expression::new("attribute_not_exists(version) OR version <= :version")
        .value(":version", count(version));
    let (mut set, mut remove) = (vec!["version = :version".to_owned()], Vec::new());
    for name in gone {
        condition = condition.name(&format!("#{name}"), name);
        remove.push(format!("#{name}"));
    }
    for (name, value) in row {
        condition = condition.name(&format!("#{name}"), &name).value(&format!(":{name}"), value);
        set.push(format!("#{name} = :{name}"));
    }
    let mut update = format!("SET {}", set.join(", "));
    if !remove.is_empty() {
        update = format!("{update} REMOVE {}", remove.join(", "));
    }
    Ok((key, update, condition))
}

/// A transaction of a product, and what its actions are about.
struct Draft<'a> {
    store: &'a Store,
    transaction: Transaction,
    concerns: BTreeMap<usize, Concern>,
}

impl Draft<'_> {
    fn put(&mut self, row: Item, condition: Expression) -> Result<(), Fault> {
        self.transaction.put(self.store, Table::Catalog, row, condition)
    }

    fn delete(&mut self, key: &Key) -> Result<(), Fault> {
        self.transaction.delete(self.store, Table::Catalog, key)
    }

    fn about(&mut self, concern: Concern) {
        self.concerns.insert(self.transaction.position(), concern);
    }

    /// The new name is taken; the old one leads here, if anybody may have seen it.
    fn slug(&mut self, before: Option<&Product>, after: &Product) -> Result<(), Fault> {
        if before.is_some_and(|before| before.slug == after.slug) {
            return Ok(());
        }
        let taken = Taken { product: after.id, variant: None };
        self.about(Concern::Slug);
        self.put(item(&slug_key(&after.slug), &taken)?, free(after.id, None))?;
        let Some(before) = before else { return Ok(()) };
        if before.published_at.is_none() {
            return self.delete(&slug_key(&before.slug));
        }
        let mut row = item(&slug_key(&before.slug), &taken)?;
        row.insert("gsi4pk".into(), text(before.slug.as_str()));
        self.put(row, free(after.id, None))
    }

    fn skus(&mut self, before: Option<&Product>, after: &Product) -> Result<(), Fault> {
        let (old, new) = (before.map(skus).unwrap_or_default(), skus(after));
        for sku in old.keys().filter(|sku| !new.contains_key(*sku)) {
            self.delete(&sku_key(sku))?;
        }
        for (sku, variant) in new {
            if old.get(&sku) == Some(&variant) {
                continue;
            }
            // From one variant of the product to another, or from nobody.
            let own = if old.contains_key(&sku) { None } else { Some(variant) };
            let taken = Taken { product: after.id, variant: Some(variant) };
            self.about(Concern::Sku(sku.clone()));
            self.put(item(&sku_key(&sku), &taken)?, free(after.id, own))?;
        }
        Ok(())
    }

    fn cards(&mut self, change: &ProductChange<'_>, after: &Product) -> Result<(), Fault> {
        let (old, new) = (change.before.map(lists).unwrap_or_default(), lists(after));
        let any = || Expression::new("attribute_not_exists(pk) OR attribute_exists(pk)");
        for list in old.iter().filter(|list| !new.contains(list)) {
            // Without the keys of an index it is in no list; nobody needs a grant to delete.
            self.put(card_key(after.id, list).attributes(), any())?;
        }
        for list in &new {
            let place = list.strip_prefix(COLLECTION).and_then(|slug| {
                let all = &change.shelves.collections;
                all.iter().find(|one| one.slug.as_str() == slug)?.place(after.id)
            });
            let row = card(after, list, place, change.currency, change.now)?;
            self.put(row, any())?;
        }
        Ok(())
    }

    fn categories(&mut self, change: &ProductChange<'_>, after: &Product) -> Result<(), Fault> {
        let old = change.before.map(|before| before.categories.as_slice()).unwrap_or_default();
        let known = |slug: &Slug| change.shelves.categories.iter().any(|one| one.slug == *slug);
        let gone = old.iter().filter(|slug| !after.categories.contains(slug));
        let come = after.categories.iter().filter(|slug| !old.contains(slug));
        let counted = gone.map(|slug| (slug, -1_i64)).chain(come.map(|slug| (slug, 1)));
        for (slug, units) in counted.filter(|(slug, _)| known(slug)) {
            let condition = Expression::new("attribute_exists(pk)").value(":units", number(units));
            self.about(Concern::Category(slug.clone()));
            let (key, update) = (category_key(slug), "ADD products :units");
            self.transaction.update(self.store, Table::Catalog, &key, update, condition)?;
        }
        Ok(())
    }

    /// The uploads know which products show them: they are not deleted under them.
    fn pictures(&mut self, before: Option<&Product>, after: &Product) -> Result<(), Fault> {
        let old: BTreeSet<MediaId> = before.map(Product::keeps).unwrap_or_default();
        let new = after.keeps();
        for id in new.difference(&old) {
            self.about(Concern::Picture(*id));
            media::show(self.store, &mut self.transaction, after.id, *id)?;
        }
        for id in old.difference(&new) {
            media::hide(self.store, &mut self.transaction, after.id, *id)?;
        }
        Ok(())
    }

    /// What of the pricing is new stands in the price log.
    fn log(&mut self, change: &ProductChange<'_>, after: &Product) -> Result<(), Fault> {
        let old = change.before.map(|one| one.variants.as_slice()).unwrap_or_default();
        let is_new = |one: &&domain::catalog::Variant| match old.iter().find(|o| o.id == one.id) {
            Some(before) => before.prices != one.prices || before.sales != one.sales,
            None => !one.prices.is_empty(),
        };
        let entry = |one: &domain::catalog::Variant| Entry {
            at: change.now,
            variant: one.id,
            prices: one.prices.clone(),
            sales: one.sales.clone(),
        };
        let entries: Vec<Entry> = after.variants.iter().filter(is_new).map(entry).collect();
        if entries.is_empty() {
            return Ok(());
        }
        let sk = format!("PL#{}#{:010}", moment(change.now), after.version);
        let key = Key::new(format!("PROD#{}", after.id), sk);
        self.put(item(&key, &LogRow { entries })?, Expression::absent())
    }
}

impl Store {
    /// Writes a product with all that follows from it.
    pub async fn save_product(&self, change: &ProductChange<'_>) -> Result<Written, Fault> {
        let ProductChange { before, after, now, .. } = *change;
        let version = match before {
            Some(before) if change.is_refresh => before.version,
            Some(before) => before.version + 1,
            None => 1,
        };
        let written = Product { version, ..after.clone() };
        let old = before.map(offers).unwrap_or_default();
        let mut changed: Vec<Offer> = offers(&written)
            .into_values()
            .filter(|offer| old.get(&offer.variant) != Some(offer))
            .collect();
        let gone: Vec<VariantId> = old
            .keys()
            .filter(|id| written.variants.iter().all(|one| one.id != **id))
            .copied()
            .collect();
        let mut draft =
            Draft { store: self, transaction: Transaction::default(), concerns: BTreeMap::new() };
        draft.slug(before, &written)?;
        draft.skus(before, &written)?;
        draft.cards(change, &written)?;
        draft.categories(change, &written)?;
        draft.pictures(before, &written)?;
        draft.log(change, &written)?;
        for id in gone {
            draft.delete(&offer_key(id))?;
        }
        for event in change.events {
            outbox::say(self, &mut draft.transaction, event)?;
        }
        // The product itself is the last action.
        let room = ACTIONS_MAX.saturating_sub(draft.transaction.position() + 1);
        let follow = changed.split_off(changed.len().min(room));
        for offer in &changed {
            let (key, update, condition) = offer_update(offer, version)?;
            draft.transaction.update(self, Table::Catalog, &key, &update, condition)?;
        }
        let mut row = meta(&written, now)?;
        if !follow.is_empty() {
            row.insert("gsi6pk".into(), text(BEHIND));
            row.insert("gsi6sk".into(), text(format!("{}#{}", moment(now), written.id)));
        }
        let condition = before.map_or_else(Expression::absent, |b| Expression::version(b.version));
        draft.put(row, condition)?;
        let Draft { transaction, mut concerns, .. } = draft;
        let refused = match transaction.commit(self, "save a product").await? {
            Committed::Yes => {
                self.write_offers(&follow, version).await?;
                return Ok(Written::Yes(Box::new(written)));
            }
            Committed::Refused(refused) => refused,
        };
        let about = refused.iter().find_map(|(at, _)| concerns.remove(at));
        Ok(match about {
            Some(Concern::Slug) => Written::SlugTaken,
            Some(Concern::Sku(sku)) => Written::SkuTaken(sku),
            Some(Concern::Category(slug)) => Written::CategoryGone(slug),
            Some(Concern::Picture(id)) => Written::PictureGone(id),
            None => Written::Raced,
        })
    }

    /// Writes offers that found no room in their product's transaction, unless newer ones are
    /// there.
    async fn write_offers(&self, offers: &[Offer], version: u64) -> Result<(), Fault> {
        for offer in offers {
            let (key, update, condition) = offer_update(offer, version)?;
            match self.update_if(Table::Catalog, &key, &update, condition).await? {
                Updated::Yes(_) | Updated::Refused(_) => {}
            }
        }
        Ok(())
    }

    /// Writes all offers of a product whose offers are behind, and takes it out of the queue.
    pub async fn catch_up(&self, product: &Product, now: Timestamp) -> Result<(), Fault> {
        let offers: Vec<Offer> = offers(product).into_values().collect();
        self.write_offers(&offers, product.version).await?;
        let condition = Expression::version(product.version);
        match self.put_if(Table::Catalog, meta(product, now)?, condition).await? {
            // Raced: it was changed meanwhile and comes again.
            Saved::Yes | Saved::Raced => Ok(()),
        }
    }

    /// Deletes a draft that was never in the store.
    pub async fn delete_product(
        &self,
        product: &Product,
        shelves: &Shelves,
        events: &[Event],
        now: Timestamp,
    ) -> Result<Saved, Fault> {
        let gone = Product {
            categories: Vec::new(),
            images: Vec::new(),
            variants: Vec::new(),
            status: Status::Draft,
            ..product.clone()
        };
        let change = ProductChange {
            before: Some(product),
            after: &gone,
            shelves,
            currency: Currency::EUR,
            is_refresh: false,
            events,
            now,
        };
        let mut draft =
            Draft { store: self, transaction: Transaction::default(), concerns: BTreeMap::new() };
        draft.skus(Some(product), &gone)?;
        draft.categories(&change, &gone)?;
        draft.pictures(Some(product), &gone)?;
        draft.delete(&slug_key(&product.slug))?;
        events.iter().try_for_each(|event| outbox::say(self, &mut draft.transaction, event))?;
        let condition = Expression::version(product.version);
        let key = product_key(product.id);
        draft.transaction.delete_if(self, Table::Catalog, &key, condition)?;
        if !matches!(draft.transaction.commit(self, "delete a product").await?, Committed::Yes) {
            return Ok(Saved::Raced);
        }
        // Nobody finds them any more; what stays of them is not for sale.
        for variant in &product.variants {
            self.delete(Table::Catalog, &offer_key(variant.id)).await?;
        }
        Ok(Saved::Yes)
    }

    /// A page of all products, in the store or not, newest first.
    pub async fn every_product(
        &self,
        status: Option<Status>,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Product>, Fault> {
        let range = Range { is_descending: true, limit: Some(limit), position, ..Range::default() };
        let page = match status {
            None => {
                let index = Some(("every", "gsi5pk", Some("gsi1sk")));
                self.query(Table::Catalog, index, PRODUCTS, range).await?
            }
            Some(status) => {
                let index = Some(("by_created", "gsi1pk", Some("gsi1sk")));
                let partition = format!("STATUS#{}", status.code());
                self.query(Table::Catalog, index, &partition, range).await?
            }
        };
        let entries = page.entries.into_iter().map(document).collect::<Result<_, _>>()?;
        Ok(Page { entries, next: page.next })
    }

    /// What was asked for of a variant since a moment, and what was at that moment: entries of the
    /// price log, in any order.
    pub async fn prices_since(
        &self,
        product: ProductId,
        variant: VariantId,
        since: Timestamp,
    ) -> Result<Vec<Entry>, Fault> {
        let mut found = Vec::new();
        let mut position: Option<String> = None;
        loop {
            let page = self.price_log(product, LOG_MAX, position.as_deref()).await?;
            for entry in page.entries.into_iter().filter(|entry| entry.variant == variant) {
                let is_last = entry.at <= since;
                found.push(entry);
                if is_last {
                    return Ok(found);
                }
            }
            match page.next {
                Some(next) => position = Some(next),
                None => return Ok(found),
            }
        }
    }

    /// A page of a product's price log, newest first.
    pub async fn price_log(
        &self,
        product: ProductId,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Entry>, Fault> {
        let range = Range {
            begins_with: Some("PL#"),
            is_descending: true,
            limit: Some(limit),
            position,
            ..Range::default()
        };
        let page = self.query(Table::Catalog, None, &product_key(product).pk, range).await?;
        let mut entries = Vec::new();
        for row in page.entries {
            let LogRow { entries: mut of_row } = document(row)?;
            entries.append(&mut of_row);
        }
        Ok(Page { entries, next: page.next })
    }

    /// The products for which something is to be done by now: their day has come, a price changes,
    /// or their offers are behind.
    pub async fn due_products(
        &self,
        limit: i32,
        now: Timestamp,
    ) -> Result<Vec<(ProductId, Due)>, Fault> {
        let mut due = Vec::new();
        // Whatever stands behind the time in a key sorts before this.
        let last = format!("{}#~", moment(now));
        for (queue, what) in [(BEHIND, Due::Offers), (WORK, Due::Time)] {
            let index = Some(("work", "gsi6pk", Some("gsi6sk")));
            let range = Range { up_to: Some(&last), limit: Some(limit), ..Range::default() };
            let page = self.query(Table::Catalog, index, queue, range).await?;
            for entry in page.entries {
                let pk = entry.get("pk").and_then(|pk| pk.as_s().ok());
                let id = pk.and_then(|pk| ProductId::parse(pk.strip_prefix("PROD#")?).ok());
                let id = id.ok_or_else(|| {
                    Fault::noticed("read a product's key in the queue of work", Retry::Useless)
                })?;
                due.push((id, what));
            }
        }
        Ok(due)
    }
}

/// Why a product lies in the queue of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Its offers are behind.
    Offers,
    /// Its day has come, or a price changes.
    Time,
}

#[cfg(test)]
mod tests {
    use domain::catalog::{Download, Flash, Kind, Sale};
    use domain::id::{LocationId, Ulid};
    use domain::shipping::ProfileId;
    use domain::tax::TaxCategory;

    use super::*;

    /// An offer of which everything is said that can be, the hint included.
    fn offer() -> Offer {
        let now = Timestamp::from_second(1_780_000_000).unwrap();
        let currency = Currency::EUR;
        Offer {
            has_keys: true,
            variant: VariantId::from_ulid(Ulid(1)),
            product: ProductId::from_ulid(Ulid(2)),
            sku: Sku::parse("MUG-BLUE").unwrap(),
            product_title: "Blue mug".into(),
            variant_title: "Blue".into(),
            kind: Kind::Digital,
            prices: BTreeMap::from([(currency, 1_250)]),
            sales: vec![Sale { currency, amount: 1, from: now, until: None, lowest_30d: None }],
            tax_category: TaxCategory::STANDARD,
            categories: vec![Slug::parse("goods").unwrap()],
            weight_grams: 0,
            volume_mm3: 0,
            shipping_profile: ProfileId::default(),
            quantity_max: 100,
            is_active: true,
            download: Some(Download { key: "kit.zip".into(), file_name: "kit.zip".into() }),
            flash: Some(Flash { location: LocationId::from_ulid(Ulid(3)), shards: 8 }),
        }
    }

    #[test]
    fn an_offer_is_written_whole_but_for_the_hint_of_a_flash_sale() {
        let (_, full, _) = offer_update(&offer(), 7).unwrap();
        assert!(!full.contains("flash") && !full.contains("REMOVE"), "{full}");
        let bare = Offer {
            sales: Vec::new(),
            categories: Vec::new(),
            download: None,
            flash: None,
            ..offer()
        };
        let (_, bare, _) = offer_update(&bare, 7).unwrap();
        assert!(bare.ends_with(" REMOVE #categories, #download, #sales"), "{bare}");
        // What is set in the one is set or taken away in the other: nothing old stays.
        let words = |update: &str| -> BTreeSet<String> {
            let names = update.split([' ', ',']).filter(|word| word.starts_with('#'));
            names.map(str::to_owned).collect()
        };
        assert_eq!(words(&full), words(&bare));
    }
}
