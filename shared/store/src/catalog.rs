//! The catalog: products, what carts need to know of variants, categories.
//!
//! | item | key | index |
//! |---|---|---|
//! | product | `PROD#id` / META | `by_slug`, `by_created` (by its status), `every`, `work` |
//! | a product in a list | `PROD#id` / CARD#list | `by_created`, `by_price`, `by_title` |
//! | offer | `VAR#id` / META | |
//! | SKU and slug, taken | `SKU#code` / META, `SLUG#slug` / META | |
//! | categories | `CATEGORIES` / slug | |

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use aws_sdk_dynamodb::types::builders::KeysAndAttributesBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, ReturnConsumedCapacity, WriteRequest};
use domain::cart::{Cart, PricedCart};
use domain::catalog::{Category, Offer, Product, Sku, Slug, Status};
use domain::currency::Currency;
use domain::fault::{Fault, Retry};
use domain::id::{ProductId, VariantId};
use domain::location::Locations;
use domain::money::Money;
use domain::promotion::on_offer::OnOffer;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::data_key::Reading;
use crate::item::{Item, Key, Page, Range, document, fault, item, moment, text};
use crate::promotion::{Found, Wanted};
use crate::settings::{self, Settings};
use crate::transaction::{Expression, Updated};
use crate::{Store, Table, location};

/// Tries for keys that a batch left out when it was throttled.
const BATCH_ATTEMPTS_MAX: usize = 4;
/// DynamoDB reads at most this many items in one batch.
const BATCH_GET_MAX: usize = 100;
/// DynamoDB writes at most this many items in one batch.
const BATCH_WRITE_MAX: usize = 25;
/// Products whose items an import holds at once.
const IMPORTED_AT_ONCE: usize = 1_000;

/// All that pricing a cart needs.
#[derive(Debug)]
pub struct CartFacts {
    /// What there is of the variants asked for.
    pub offers: HashMap<VariantId, Offer>,
    /// The shop's settings.
    pub settings: Arc<Settings>,
    /// The promotions that the cart may get.
    pub on_offer: OnOffer,
    /// When they were asked for: what prices are read at.
    pub now: Timestamp,
    /// Where its stock lies.
    pub locations: Locations,
}

impl CartFacts {
    /// One offer per line of the cart, in its order; none where there is no such variant.
    pub fn offers_of(&self, cart: &Cart) -> Vec<Option<Offer>> {
        cart.lines.iter().map(|line| self.offers.get(&line.variant).cloned()).collect()
    }

    /// What the cart costs now.
    pub fn price(&self, cart: &Cart) -> Result<PricedCart, domain::cart::Refusal> {
        let Settings { shipping, tax, .. } = &*self.settings;
        cart.price(self.offers_of(cart), shipping, tax, &self.on_offer, self.now)
    }
}

/// A list of products in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listed {
    /// All of them.
    Every,
    /// Those of a category.
    Category(Slug),
    /// Those of a collection.
    Collection(Slug),
}

/// The order of a list of products.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Newest first.
    Newest,
    /// Oldest first.
    Oldest,
    /// Cheapest first, in the shop's own currency.
    PriceUp,
    /// Dearest first.
    PriceDown,
    /// A to Z.
    Title,
}

impl Sort {
    const fn index(self) -> (&'static str, &'static str, bool) {
        match self {
            Self::Newest => ("by_created", "gsi1sk", true),
            Self::Oldest => ("by_created", "gsi1sk", false),
            Self::PriceUp => ("by_price", "gsi2sk", false),
            Self::PriceDown => ("by_price", "gsi2sk", true),
            Self::Title => ("by_title", "gsi3sk", false),
        }
    }
}

/// The list of every product.
pub(crate) const EVERY: &str = "all";
/// Before the slug of a collection in the name of its list: no category has such a name.
pub(crate) const COLLECTION: &str = "+";
/// Places of a collection that is made by hand count down from here.
const PLACES: usize = 99_999;
/// Where every product lies, in the store or not.
pub(crate) const PRODUCTS: &str = "PRODUCTS";
/// What waits for its time.
pub(crate) const WORK: &str = "WQ#schedule";

pub(crate) fn product_key(id: ProductId) -> Key {
    Key::meta(format!("PROD#{id}"))
}

pub(crate) fn offer_key(id: VariantId) -> Key {
    Key::meta(format!("VAR#{id}"))
}

/// Whose a readable name is.
#[derive(Debug)]
pub enum BySlug {
    /// This product's.
    Is(Box<Product>),
    /// It was this product's, which has another one now.
    Was(ProductId),
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Taken {
    pub(crate) product: ProductId,
    pub(crate) variant: Option<VariantId>,
}

impl Store {
    /// A product by its id: one query, its pictures included.
    pub async fn product(&self, id: ProductId) -> Result<Option<Product>, Fault> {
        let key = product_key(id);
        let range = Range { begins_with: Some("META"), ..Range::default() };
        let page = self.query(Table::Catalog, None, &key.pk, range).await?;
        page.entries.into_iter().next().map(document).transpose()
    }

    /// A product by its readable name, or by one that it had.
    pub async fn product_by_slug(&self, slug: &Slug) -> Result<Option<BySlug>, Fault> {
        let index = Some(("by_slug", "gsi4pk", None));
        let page = self.query(Table::Catalog, index, slug.as_str(), Range::default()).await?;
        let is_product = |item: &Item| {
            let pk = item.get("pk");
            matches!(pk, Some(AttributeValue::S(pk)) if pk.starts_with("PROD#"))
        };
        let (mut products, mut before): (Vec<Item>, Vec<Item>) =
            page.entries.into_iter().partition(is_product);
        match (products.pop(), before.pop()) {
            (Some(item), _) => Ok(Some(BySlug::Is(Box::new(document(item)?)))),
            (None, Some(item)) => {
                let taken: Taken = document(item)?;
                Ok(Some(BySlug::Was(taken.product)))
            }
            (None, None) => Ok(None),
        }
    }

    /// A page of the products in the store, of one list or of all.
    pub async fn products(
        &self,
        list: &Listed,
        sort: Sort,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Product>, Fault> {
        let (index, sort_key, is_descending) = sort.index();
        let list = match list {
            Listed::Every => EVERY.to_owned(),
            Listed::Category(slug) => slug.to_string(),
            Listed::Collection(slug) => format!("{COLLECTION}{slug}"),
        };
        let range = Range { is_descending, limit: Some(limit), position, ..Range::default() };
        let index = Some((index, "gsi1pk", Some(sort_key)));
        let page = self.query(Table::Catalog, index, &format!("CAT#{list}#active"), range).await?;
        let entries = page.entries.into_iter().map(document).collect::<Result<_, _>>()?;
        Ok(Page { entries, next: page.next })
    }

    /// Every category, in the shop's order.
    pub async fn categories(&self) -> Result<Vec<Category>, Fault> {
        let page = self.query(Table::Catalog, None, "CATEGORIES", Range::default()).await?;
        let mut categories: Vec<Category> =
            page.entries.into_iter().map(document).collect::<Result<_, _>>()?;
        categories.sort_by_key(|category| category.position);
        Ok(categories)
    }

    /// The offers of these variants, the settings, and the promotions that a cart of them may get:
    /// at most one round trip, none where nothing is asked for and the settings are fresh. (Where
    /// the running promotions were just read and some are counted, their counters are a second
    /// one.)
    pub async fn cart_facts(
        &self,
        variants: &[VariantId],
        wanted: &Wanted<'_>,
        now: Timestamp,
    ) -> Result<CartFacts, Fault> {
        let known = self.fresh_settings(now);
        let running = self.fresh_running(now);
        let (more, mut counters) = Self::keys_of(wanted, running.as_deref().map(Vec::as_slice));
        let mut keys: Vec<Key> = Vec::with_capacity(variants.len() + more.len() + 3);
        for variant in variants {
            let key = offer_key(*variant);
            if !keys.iter().any(|other: &Key| other.pk == key.pk) {
                keys.push(key);
            }
        }
        keys.extend(more);
        if known.is_none() {
            keys.extend(settings::keys());
            keys.push(location::key());
        }
        // What is not for sale is not reduced: an empty cart asks for no counter.
        if variants.is_empty() {
            counters.clear();
        }
        let mut found: HashMap<(String, String), Item> = HashMap::new();
        let mut promotions = Found::default();
        let asked = [(Table::Catalog, keys), (Table::Inventory, counters)];
        for item in self.batch_get_of(&asked, false).await? {
            let Some(item) = promotions.take(item)? else { continue };
            if let (Some(AttributeValue::S(pk)), Some(AttributeValue::S(sk))) =
                (item.get("pk"), item.get("sk"))
            {
                found.insert((pk.clone(), sk.clone()), item);
            }
        }
        let running = if let Some(running) = running {
            running
        } else {
            let running = self.believe_running(promotions.running.take(), now)?;
            let (_, mut counters) = Self::keys_of(wanted, Some(&running));
            let [_, (_, read)] = &asked;
            counters.retain(|key| !read.iter().any(|r| r.pk == key.pk && r.sk == key.sk));
            if !variants.is_empty() {
                for item in self.batch_get(Table::Inventory, &counters, false).await? {
                    promotions.take(item)?;
                }
            }
            running
        };
        let settings = match known {
            Some(settings) => settings,
            None => self.take_settings(&mut found, now)?,
        };
        let locations = self.locations_from(&mut found, now)?;
        let offers = found
            .into_values()
            .map(|item| document(item).map(|offer: Offer| (offer.variant, offer)))
            .collect::<Result<_, _>>()?;
        let on_offer = promotions.offer(wanted, running);
        Ok(CartFacts { offers, settings, on_offer, now, locations })
    }

    /// The same for goods that are given instead of others: no promotion takes anything off them,
    /// so that none is read. One round trip.
    pub async fn replacement_facts(
        &self,
        variants: &[VariantId],
        now: Timestamp,
    ) -> Result<CartFacts, Fault> {
        let known = self.fresh_settings(now);
        let distinct: BTreeSet<VariantId> = variants.iter().copied().collect();
        let mut keys: Vec<Key> = distinct.into_iter().map(offer_key).collect();
        keys.push(location::key());
        if known.is_none() {
            keys.extend(settings::keys());
        }
        let mut found: HashMap<(String, String), Item> = HashMap::new();
        for item in self.batch_get(Table::Catalog, &keys, false).await? {
            if let (Some(AttributeValue::S(pk)), Some(AttributeValue::S(sk))) =
                (item.get("pk"), item.get("sk"))
            {
                found.insert((pk.clone(), sk.clone()), item);
            }
        }
        let settings = match known {
            Some(settings) => settings,
            None => self.take_settings(&mut found, now)?,
        };
        let locations = self.locations_from(&mut found, now)?;
        let offers = found
            .into_values()
            .map(|item| document(item).map(|offer: Offer| (offer.variant, offer)))
            .collect::<Result<_, _>>()?;
        Ok(CartFacts { offers, settings, on_offer: OnOffer::default(), now, locations })
    }

    /// Items of one table by their keys, in any order.
    pub(crate) async fn batch_get(
        &self,
        table: Table,
        keys: &[Key],
        is_consistent: bool,
    ) -> Result<Vec<Item>, Fault> {
        self.batch_get_of(&[(table, keys.to_vec())], is_consistent).await
    }

    /// Items by their keys, in any order: one round trip for up to a hundred of them, whichever
    /// tables they lie in. What a throttled batch leaves out is asked for again.
    pub(crate) async fn batch_get_of(
        &self,
        asked: &[(Table, Vec<Key>)],
        is_consistent: bool,
    ) -> Result<Vec<Item>, Fault> {
        let rows = self.batch_get_raw(asked, is_consistent).await?;
        self.opened(rows, Reading::List).await
    }

    /// The same, as the rows lie there.
    pub(crate) async fn batch_get_raw(
        &self,
        asked: &[(Table, Vec<Key>)],
        is_consistent: bool,
    ) -> Result<Vec<(Table, Item)>, Fault> {
        let mut wanted: VecDeque<(&str, Item)> = VecDeque::new();
        for (table, keys) in asked.iter().filter(|(_, keys)| !keys.is_empty()) {
            let name = self.name(*table)?;
            wanted.extend(keys.iter().map(|key| (name, key.attributes())));
        }
        let mut items = Vec::with_capacity(wanted.len());
        let mut left_out = 0;
        while !wanted.is_empty() {
            let mut requests: HashMap<&str, KeysAndAttributesBuilder> = HashMap::new();
            for (name, key) in wanted.drain(..wanted.len().min(BATCH_GET_MAX)) {
                let request = requests.remove(name).unwrap_or_default();
                requests.insert(name, request.keys(key).consistent_read(is_consistent));
            }
            let mut call = self
                .client
                .batch_get_item()
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            for (name, request) in requests {
                let request = request
                    .build()
                    .map_err(|error| Fault::new("build a batch", error, Retry::Useless))?;
                call = call.request_items(name, request);
            }
            let output = call.send().await.map_err(|error| fault("get a batch", error))?;
            let mut responses = output.responses.unwrap_or_default();
            for (table, _) in asked {
                let rows = responses.remove(self.name(*table)?).unwrap_or_default();
                items.extend(rows.into_iter().map(|row| (*table, row)));
            }
            let rest = output.unprocessed_keys.unwrap_or_default();
            left_out += usize::from(!rest.is_empty());
            if left_out == BATCH_ATTEMPTS_MAX {
                return Err(Fault::noticed("get a whole batch", Retry::Helps));
            }
            for (table, _) in asked {
                let name = self.name(*table)?;
                let keys = rest.get(name).into_iter().flat_map(|rest| &rest.keys);
                wanted.extend(keys.map(|key| (name, key.clone())));
            }
        }
        Ok(items)
    }

    /// Writes products with their list cards, offers, SKUs and slugs, as a seed or an import does:
    /// whole items, in batches. `currency` is what lists are sorted in; sales are looked at as at
    /// the moment when the newest product was made.
    pub async fn import_products(
        &self,
        products: &[(Product, Vec<Offer>)],
        currency: Currency,
    ) -> Result<(), Fault> {
        let made = products.iter().map(|(product, _)| product.created_at);
        let now = made.max().unwrap_or(Timestamp::MIN);
        for products in products.chunks(IMPORTED_AT_ONCE) {
            let mut items = Vec::new();
            for (product, offers) in products {
                items.push(meta(product, now)?);
                let taken = Taken { product: product.id, variant: None };
                items.push(item(&Key::meta(format!("SLUG#{}", product.slug)), &taken)?);
                for list in lists(product) {
                    items.push(card(product, &list, None, currency, now)?);
                }
                for offer in offers {
                    items.push(item(&offer_key(offer.variant), offer)?);
                    let taken = Taken { product: product.id, variant: Some(offer.variant) };
                    items.push(item(&Key::meta(format!("SKU#{}", offer.sku)), &taken)?);
                }
            }
            self.batch_put(Table::Catalog, items).await?;
        }
        Ok(())
    }

    /// Writes the categories.
    pub async fn import_categories(&self, categories: &[Category]) -> Result<(), Fault> {
        let items = categories
            .iter()
            .map(|category| item(&Key::new("CATEGORIES", category.slug.as_str()), category))
            .collect::<Result<_, _>>()?;
        self.batch_put(Table::Catalog, items).await
    }

    pub(crate) async fn batch_put(&self, table: Table, items: Vec<Item>) -> Result<(), Fault> {
        let name = self.name(table)?;
        for chunk in items.chunks(BATCH_WRITE_MAX) {
            let mut wanted = Vec::with_capacity(chunk.len());
            for item in chunk {
                let put = PutRequest::builder()
                    .set_item(Some(item.clone()))
                    .build()
                    .map_err(|error| Fault::new("build a batch", error, Retry::Useless))?;
                wanted.push(WriteRequest::builder().put_request(put).build());
            }
            for _ in 0..BATCH_ATTEMPTS_MAX {
                if wanted.is_empty() {
                    break;
                }
                let output = self
                    .client
                    .batch_write_item()
                    .request_items(name, wanted)
                    .return_consumed_capacity(ReturnConsumedCapacity::Total)
                    .send()
                    .await
                    .map_err(|error| fault(format!("put a batch into {table:?}"), error))?;
                wanted =
                    output.unprocessed_items.unwrap_or_default().into_values().flatten().collect();
            }
            if !wanted.is_empty() {
                let tried = format!("put a whole batch into {table:?}");
                return Err(Fault::noticed(tried, Retry::Helps));
            }
        }
        Ok(())
    }

    /// Those of these SKUs that the shop has: one call for each hundred.
    pub async fn known_skus(&self, skus: &[Sku]) -> Result<BTreeSet<Sku>, Fault> {
        let mut known = BTreeSet::new();
        for chunk in skus.chunks(BATCH_GET_MAX) {
            let wanted: BTreeSet<&Sku> = chunk.iter().collect();
            let keys: Vec<Key> = wanted.iter().map(|sku| Key::meta(format!("SKU#{sku}"))).collect();
            for item in self.batch_get(Table::Catalog, &keys, false).await? {
                let pk = item.get("pk").and_then(|pk| pk.as_s().ok());
                known.extend(pk.and_then(|pk| Sku::parse(pk.strip_prefix("SKU#")?)));
            }
        }
        Ok(known)
    }

    /// The variant that a SKU stands for.
    pub async fn variant_of(&self, sku: &Sku) -> Result<Option<VariantId>, Fault> {
        let taken: Option<Taken> =
            self.get(Table::Catalog, &Key::meta(format!("SKU#{sku}")), false).await?;
        Ok(taken.and_then(|taken| taken.variant))
    }

    /// The offer that a SKU stands for: two reads.
    pub async fn offer_of(&self, sku: &Sku) -> Result<Option<Offer>, Fault> {
        match self.variant_of(sku).await? {
            Some(variant) => self.get(Table::Catalog, &offer_key(variant), true).await,
            None => Ok(None),
        }
    }

    /// Copies what is for sale of a SKU to where shoppers see it: the product and its list cards.
    /// The number is display only, so the last writer may win; a product that is gone is left.
    pub async fn show_available(&self, sku: &Sku, available: u32) -> Result<(), Fault> {
        let taken: Option<Taken> =
            self.get(Table::Catalog, &Key::meta(format!("SKU#{sku}")), false).await?;
        let Some(Taken { product, variant: Some(variant) }) = taken else { return Ok(()) };
        let Some(shown) = self.product(product).await? else { return Ok(()) };
        let Some(index) = shown.variants.iter().position(|v| v.id == variant) else {
            return Ok(());
        };
        if shown.variants.get(index).is_some_and(|v| v.available == available) {
            return Ok(());
        }
        // The product last: its number says whether the cards are done.
        let cards = lists(&shown).into_iter().map(|list| format!("CARD#{list}"));
        let sort_keys = cards.chain(["META".to_owned()]);
        let update = format!("SET variants[{index}].available = :available");
        for sk in sort_keys {
            let key = Key::new(format!("PROD#{product}"), sk);
            let same = format!("variants[{index}].id = :variant");
            let condition = Expression::new(&same)
                .value(":variant", text(variant.to_string()))
                .value(":available", crate::item::number(i64::from(available)));
            match self.update_if(Table::Catalog, &key, &update, condition).await? {
                // Refused: the product was edited meanwhile, and with it the number was written.
                Updated::Yes(_) | Updated::Refused(_) => {}
            }
        }
        Ok(())
    }
}

/// The product itself, under all that it is found by.
pub(crate) fn meta(product: &Product, now: Timestamp) -> Result<Item, Fault> {
    let mut meta = item(&product_key(product.id), product)?;
    meta.insert("gsi1pk".into(), text(format!("STATUS#{}", product.status.code())));
    meta.insert("gsi1sk".into(), text(format!("{}#{}", moment(product.created_at), product.id)));
    meta.insert("gsi4pk".into(), text(product.slug.as_str()));
    meta.insert("gsi5pk".into(), text(PRODUCTS));
    if let Some(at) = product.due_at(now) {
        meta.insert("gsi6pk".into(), text(WORK));
        meta.insert("gsi6sk".into(), text(format!("{}#{}", moment(at), product.id)));
    }
    Ok(meta)
}

/// The lists that a product is in: none unless it is in the store.
pub(crate) fn lists(product: &Product) -> Vec<String> {
    if product.status != Status::Active {
        return Vec::new();
    }
    let categories = product.categories.iter().map(ToString::to_string);
    let collections = product.collections.iter().map(|slug| format!("{COLLECTION}{slug}"));
    categories.chain(collections).chain([EVERY.to_owned()]).collect()
}

/// A product as an entry of one list: what a list shows of it, sorted by what it costs now. In a
/// collection that is made by hand, its place there takes the place of its age.
pub(crate) fn card(
    product: &Product,
    list: &str,
    place: Option<usize>,
    currency: Currency,
    now: Timestamp,
) -> Result<Item, Fault> {
    let key = Key::new(format!("PROD#{}", product.id), format!("CARD#{list}"));
    let mut card = item(&key, &product.card())?;
    let id = product.id;
    let price = product.price_from(currency, now).map_or(0, Money::amount);
    card.insert("gsi1pk".into(), text(format!("CAT#{list}#active")));
    // The default order is the descending one.
    let age = match place {
        Some(place) => format!("{:05}", PLACES.saturating_sub(place)),
        None => moment(product.created_at),
    };
    card.insert("gsi1sk".into(), text(format!("{age}#{id}")));
    // Prices as text of one length sort like numbers.
    card.insert("gsi2sk".into(), text(format!("{price:015}#{id}")));
    card.insert("gsi3sk".into(), text(format!("{}#{id}", product.title.to_lowercase())));
    Ok(card)
}
