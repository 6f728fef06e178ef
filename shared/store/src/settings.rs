//! Settings: documents that the whole shop believes for a minute.
//!
//! | item | table | key |
//! |---|---|---|
//! | where the shop sends to, and for how much | catalog | `SETTINGS` / SHIPPING |
//! | what is taxed where | catalog | `SETTINGS` / TAX |
//! | name, currencies, languages, promises | catalog | `SETTINGS` / SHOP |
//!
//! Each is changed as a whole, under the version that its author has seen. A document that nobody
//! has written has version 0. Carts read all of them with their goods, in one round trip, and
//! believe them for [`SETTINGS_FRESH`]: who changes a setting sees it at once, everybody else
//! within that time.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::event::Event;
use domain::fault::{Fault, Retry};
use domain::shipping::ShippingTable;
use domain::shop::Shop;
use domain::tax::TaxTable;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::item::{Item, Key, count, document, item};
use crate::transaction::{Committed, Expression, Transaction};
use crate::{Store, Table, outbox};

/// How long settings are believed before they are read again.
pub const SETTINGS_FRESH: SignedDuration = SignedDuration::from_secs(60);
/// The largest document, as JSON: DynamoDB takes items of 400 KiB, attribute names included, and
/// every cart that is not fresh reads it.
pub const BYTES_MAX: usize = 256 * 1024;

const SETTINGS: &str = "SETTINGS";
const VERSION: &str = "version";

/// What the merchant has decided for the whole shop.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the shop sends to, how, and for how much.
    pub shipping: ShippingTable,
    /// What is taxed where, by a shop of that country.
    pub tax: TaxTable,
    /// Its name, currencies, languages and promises.
    pub shop: Shop,
}

impl Settings {
    /// Settings that know of each other: taxes depend on where the shop is established.
    pub fn new(shipping: ShippingTable, tax: TaxTable, shop: Shop) -> Self {
        let tax = tax.for_seller(shop.country);
        Self { shipping, tax, shop }
    }
}

/// A document with the version under which it may be changed; 0 where nobody wrote it yet.
#[derive(Debug, Clone)]
pub struct Kept<T> {
    /// The document.
    pub value: T,
    /// Its version.
    pub version: u64,
}

/// Which document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Shipping,
    Tax,
    Shop,
}

impl Name {
    const ALL: [Self; 3] = [Self::Shipping, Self::Tax, Self::Shop];

    const fn sort_key(self) -> &'static str {
        match self {
            Self::Shipping => "SHIPPING",
            Self::Tax => "TAX",
            Self::Shop => "SHOP",
        }
    }

    fn key(self) -> Key {
        Key::new(SETTINGS, self.sort_key())
    }
}

/// The keys of all settings, for whoever reads them with something else.
pub(crate) fn keys() -> impl Iterator<Item = Key> {
    Name::ALL.into_iter().map(Name::key)
}

/// The document of an item, and its version; the documents themselves know none.
fn kept<T: DeserializeOwned>(mut item: Item) -> Result<Kept<T>, Fault> {
    let version = match item.remove(VERSION) {
        Some(AttributeValue::N(version)) => version.parse().unwrap_or(0),
        _ => 0,
    };
    Ok(Kept { value: document(item)?, version })
}

impl Store {
    /// The settings as they are believed now, if they are: no round trip.
    pub fn fresh_settings(&self, now: Timestamp) -> Option<Arc<Settings>> {
        let settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        let (read_at, settings) = settings.as_ref()?;
        let age = now.duration_since(*read_at);
        (SignedDuration::ZERO..SETTINGS_FRESH).contains(&age).then(|| Arc::clone(settings))
    }

    /// Takes the settings out of what a batch has found, and believes them.
    pub(crate) fn take_settings(
        &self,
        found: &mut HashMap<(String, String), Item>,
        now: Timestamp,
    ) -> Result<Arc<Settings>, Fault> {
        let mut take =
            |name: Name| found.remove(&(SETTINGS.to_owned(), name.sort_key().to_owned()));
        // A shop that sends nowhere yet sells downloads; one without taxes would sell untaxed.
        let shipping = take(Name::Shipping).map(kept).transpose()?.map(|kept| kept.value);
        let tax = take(Name::Tax).ok_or_else(|| {
            Fault::noticed("find the shop's taxes: nobody has set them", Retry::Useless)
        })?;
        let shop = take(Name::Shop).map(kept).transpose()?.map(|kept| kept.value);
        let settings =
            Settings::new(shipping.unwrap_or_default(), kept(tax)?.value, shop.unwrap_or_default());
        let settings = Arc::new(settings);
        let mut cached = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        *cached = Some((now, Arc::clone(&settings)));
        Ok(settings)
    }

    fn forget_settings(&self) {
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    async fn kept<T: DeserializeOwned>(&self, name: Name) -> Result<Option<Kept<T>>, Fault> {
        let mut items = self.batch_get(Table::Catalog, &[name.key()], true).await?;
        items.pop().map(kept).transpose()
    }

    async fn put_setting(
        &self,
        name: Name,
        document: &impl Serialize,
        seen: u64,
        events: &[Event],
    ) -> Result<Option<u64>, Fault> {
        let mut row = item(&name.key(), document)?;
        row.insert(VERSION.into(), count(seen + 1));
        let condition = if seen == 0 {
            // Also what was written before documents had versions.
            Expression::new("attribute_not_exists(version)")
        } else {
            Expression::version(seen)
        };
        let mut transaction = Transaction::default();
        transaction.put(self, Table::Catalog, row, condition)?;
        events.iter().try_for_each(|event| outbox::say(self, &mut transaction, event))?;
        let done = transaction.commit(self, "change a setting").await?;
        self.forget_settings();
        Ok(matches!(done, Committed::Yes).then_some(seen + 1))
    }

    /// Where the shop sends to, as it is at this moment.
    pub async fn shipping_table(&self) -> Result<Kept<ShippingTable>, Fault> {
        let kept = self.kept(Name::Shipping).await?;
        Ok(kept.unwrap_or(Kept { value: ShippingTable::default(), version: 0 }))
    }

    /// What is taxed where, as it is at this moment; none where nobody has said it.
    pub async fn tax_table(&self) -> Result<Option<Kept<TaxTable>>, Fault> {
        self.kept(Name::Tax).await
    }

    /// The shop's own decisions, as they are at this moment.
    pub async fn shop(&self) -> Result<Kept<Shop>, Fault> {
        let kept = self.kept(Name::Shop).await?;
        Ok(kept.unwrap_or(Kept { value: Shop::default(), version: 0 }))
    }

    /// Writes the shipping table over the version that was seen: the new version, or none where
    /// somebody else was faster.
    pub async fn change_shipping(
        &self,
        table: &ShippingTable,
        seen: u64,
        events: &[Event],
    ) -> Result<Option<u64>, Fault> {
        self.put_setting(Name::Shipping, table, seen, events).await
    }

    /// Writes the taxes over the version that was seen.
    pub async fn change_tax(
        &self,
        table: &TaxTable,
        seen: u64,
        events: &[Event],
    ) -> Result<Option<u64>, Fault> {
        self.put_setting(Name::Tax, table, seen, events).await
    }

    /// Writes the shop's own decisions over the version that was seen.
    pub async fn change_shop(
        &self,
        shop: &Shop,
        seen: u64,
        events: &[Event],
    ) -> Result<Option<u64>, Fault> {
        self.put_setting(Name::Shop, shop, seen, events).await
    }

    /// Writes the settings as they are, as a seed does.
    pub async fn import_settings(&self, settings: &Settings) -> Result<(), Fault> {
        let mut items = vec![
            item(&Name::Shipping.key(), &settings.shipping)?,
            item(&Name::Tax.key(), &settings.tax)?,
            item(&Name::Shop.key(), &settings.shop)?,
        ];
        for row in &mut items {
            row.insert(VERSION.into(), count(1));
        }
        self.batch_put(Table::Catalog, items).await
    }
}
