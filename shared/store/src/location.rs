//! Locations: catalog `SETTINGS` / LOCATIONS, one document. Carts read it with the other settings
//! and believe it as long; a shop that never wrote it has the one location that every shop has.

use std::collections::HashMap;
use std::sync::PoisonError;

use domain::event::Event;
use domain::fault::Fault;
use domain::location::Locations;
use jiff::{SignedDuration, Timestamp};

use crate::item::{Item, Key, Saved, count, document, item};
use crate::transaction::{Expression, Transaction};
use crate::{Store, Table, cart, outbox};

/// How long they are believed before they are read again.
const FRESH: SignedDuration = SignedDuration::from_secs(60);

pub(crate) fn key() -> Key {
    Key::new("SETTINGS", "LOCATIONS")
}

impl Store {
    /// The locations as they are at this moment.
    pub async fn locations_now(&self) -> Result<Locations, Fault> {
        let found: Option<Locations> = self.get(Table::Catalog, &key(), true).await?;
        Ok(found.unwrap_or_default())
    }

    /// The locations as they were a minute ago at most.
    pub async fn locations(&self, now: Timestamp) -> Result<Locations, Fault> {
        if let Some(known) = self.known_locations(now) {
            return Ok(known);
        }
        let found = self.locations_now().await?;
        self.remember_locations(&found, now);
        Ok(found)
    }

    /// The locations out of a batch that the other settings were read in, or as they are known.
    pub(crate) fn locations_from(
        &self,
        found: &mut HashMap<(String, String), Item>,
        now: Timestamp,
    ) -> Result<Locations, Fault> {
        let Key { pk, sk } = key();
        let read = found.remove(&(pk, sk)).map(document::<Locations>).transpose()?;
        let known = if read.is_none() { self.known_locations(now) } else { None };
        let locations = read.or(known).unwrap_or_default();
        self.remember_locations(&locations, now);
        Ok(locations)
    }

    fn known_locations(&self, now: Timestamp) -> Option<Locations> {
        let cached = self.locations.lock().unwrap_or_else(PoisonError::into_inner);
        let (read_at, locations) = cached.as_ref()?;
        let age = now.duration_since(*read_at);
        (SignedDuration::ZERO..FRESH).contains(&age).then(|| locations.clone())
    }

    /// What is known already stays as old as it is.
    fn remember_locations(&self, locations: &Locations, now: Timestamp) {
        let mut cached = self.locations.lock().unwrap_or_else(PoisonError::into_inner);
        let is_fresh = cached.as_ref().is_some_and(|(read_at, known)| {
            known == locations
                && (SignedDuration::ZERO..FRESH).contains(&now.duration_since(*read_at))
        });
        if !is_fresh {
            *cached = Some((now, locations.clone()));
        }
    }

    /// Writes the locations, only if nobody wrote them since they were read.
    pub async fn save_locations(
        &self,
        before: &Locations,
        after: &Locations,
        events: &[Event],
    ) -> Result<Saved, Fault> {
        let mut row = item(&key(), after)?;
        row.insert("version".into(), count(before.version + 1));
        let condition = match before.version {
            0 => Expression::absent(),
            version => Expression::version(version),
        };
        let mut transaction = Transaction::default();
        transaction.put(self, Table::Catalog, row, condition)?;
        for event in events {
            outbox::say(self, &mut transaction, event)?;
        }
        let saved = cart::saved(&transaction.commit(self, "write the locations").await?);
        if saved == Saved::Yes {
            *self.locations.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        Ok(saved)
    }
}
