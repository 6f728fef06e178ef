//! The merchant's own words for letters.
//!
//! | item | table | key |
//! |---|---|---|
//! | which version of a letter is sent | catalog | `TPL#all` / letter#locale |
//! | a version | catalog | `TPL#letter#locale` / V#number |
//!
//! Versions are only ever added, each in the transaction that moves the pointer on.

use domain::catalog::Locale;
use domain::event::Event;
use domain::fault::Fault;
use domain::letter_template::{Pointer, Version};

use crate::item::{Key, Page, Range, Saved, document, item};
use crate::transaction::{Expression, Transaction};
use crate::{Store, Table, cart, outbox};

const EVERY: &str = "TPL#all";
/// Letters times languages, generously: what a shop offers is far less.
const POINTERS_MAX: i32 = 1_000;

fn pointer_key(letter: &str, locale: &Locale) -> Key {
    Key::new(EVERY, format!("{letter}#{locale}"))
}

fn partition(letter: &str, locale: &Locale) -> String {
    format!("TPL#{letter}#{locale}")
}

fn version_key(letter: &str, locale: &Locale, number: u32) -> Key {
    Key::new(partition(letter, locale), format!("V#{number:06}"))
}

impl Store {
    /// Every letter that somebody has written other words for.
    pub async fn template_pointers(&self) -> Result<Vec<Pointer>, Fault> {
        let range = Range { limit: Some(POINTERS_MAX), ..Range::default() };
        let page = self.query(Table::Catalog, None, EVERY, range).await?;
        page.entries.into_iter().map(document).collect()
    }

    /// Which version of a letter is sent in a language.
    pub async fn template_pointer(
        &self,
        letter: &str,
        locale: &Locale,
    ) -> Result<Option<Pointer>, Fault> {
        self.get(Table::Catalog, &pointer_key(letter, locale), true).await
    }

    /// Which version of a letter is sent in each of some languages; one round trip.
    pub async fn template_pointers_of(
        &self,
        letter: &str,
        locales: &[Locale],
    ) -> Result<Vec<Pointer>, Fault> {
        let keys: Vec<Key> = locales.iter().map(|locale| pointer_key(letter, locale)).collect();
        let rows = self.batch_get(Table::Catalog, &keys, false).await?;
        rows.into_iter().map(document).collect()
    }

    /// A version.
    pub async fn template_version(
        &self,
        letter: &str,
        locale: &Locale,
        number: u32,
    ) -> Result<Option<Version>, Fault> {
        self.get(Table::Catalog, &version_key(letter, locale, number), true).await
    }

    /// The versions of a letter in a language, newest first.
    pub async fn template_versions(
        &self,
        letter: &str,
        locale: &Locale,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Version>, Fault> {
        let range = Range { is_descending: true, limit: Some(limit), position, ..Range::default() };
        let page = self.query(Table::Catalog, None, &partition(letter, locale), range).await?;
        let entries = page.entries.into_iter().map(document).collect::<Result<_, _>>()?;
        Ok(Page { entries, next: page.next })
    }

    /// Adds a version, and moves the pointer that knows of it on.
    pub async fn write_template(
        &self,
        before: &Pointer,
        after: &Pointer,
        version: &Version,
        events: &[Event],
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        let key = version_key(&after.letter, &after.locale, version.number);
        transaction.put(self, Table::Catalog, item(&key, version)?, Expression::absent())?;
        self.move_pointer(transaction, before, after, events).await
    }

    /// Sends another version from now on.
    pub async fn point_template(
        &self,
        before: &Pointer,
        after: &Pointer,
        events: &[Event],
    ) -> Result<Saved, Fault> {
        self.move_pointer(Transaction::default(), before, after, events).await
    }

    async fn move_pointer(
        &self,
        mut transaction: Transaction,
        before: &Pointer,
        after: &Pointer,
        events: &[Event],
    ) -> Result<Saved, Fault> {
        let condition = match before.version {
            0 => Expression::absent(),
            version => Expression::version(version),
        };
        let row = item(&pointer_key(&after.letter, &after.locale), after)?;
        transaction.put(self, Table::Catalog, row, condition)?;
        for event in events {
            outbox::say(self, &mut transaction, event)?;
        }
        Ok(cart::saved(&transaction.commit(self, "move a template on").await?))
    }
}
