//! Who wants to be told when something is back in stock. Addresses are personal: they lie in the
//! identity table, and in no key.
//!
//! | item | key |
//! |---|---|
//! | somebody waits for a SKU | `BACK#code` / hash of the address |
//! | what somebody waits for | `WAITS#hash` / code |
//! | a SKU that is back, with people to be told | `BACK#queue` / code |

use domain::address::Email;
use domain::catalog::{Sku, Slug};
use domain::event::Event;
use domain::fault::Fault;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::item::{Key, Range, Saved, document, item};
use crate::transaction::{Expression, Transaction};
use crate::{Store, Table, cart, data_key, outbox};

/// Things that one address waits for at most: all of them are forgotten in one transaction.
pub const WAITS_MAX: usize = 25;
const QUEUE: &str = "BACK#queue";

/// Somebody who waits.
#[derive(Clone, Serialize, Deserialize)]
pub struct Subscription {
    /// For what.
    pub sku: Sku,
    /// What it is called.
    pub title: String,
    /// Where it is shown.
    pub slug: Slug,
    /// Whom to tell.
    pub email: Email,
    /// Since when.
    pub created_at: Timestamp,
}

/// It holds an address.
impl std::fmt::Debug for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Subscription({})", self.sku)
    }
}

impl Subscription {
    /// What the address is called in keys and in the link of its letter.
    pub fn holder(&self) -> String {
        holder(&self.email)
    }
}

/// What an address is called in keys.
pub(crate) fn holder(email: &Email) -> String {
    let digest = Sha256::digest(email.key().as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[derive(Serialize, Deserialize)]
struct Wait {
    sku: Sku,
}

/// What became of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subscribed {
    /// They will be told; or they would have been already.
    Yes,
    /// The address waits for [`WAITS_MAX`] things.
    TooMany,
}

fn key(sku: &Sku, holder: &str) -> Key {
    Key::new(format!("BACK#{sku}"), holder)
}

fn wait_key(holder: &str, sku: &Sku) -> Key {
    Key::new(format!("WAITS#{holder}"), sku.as_str())
}

impl Store {
    /// Remembers that somebody waits. Who waits already goes on waiting.
    pub async fn subscribe(&self, subscription: &Subscription) -> Result<Subscribed, Fault> {
        let holder = subscription.holder();
        let waits = self.waits(&holder).await?;
        if waits.contains(&subscription.sku) {
            return Ok(Subscribed::Yes);
        }
        if waits.len() >= WAITS_MAX {
            return Ok(Subscribed::TooMany);
        }
        let mut transaction = Transaction::default();
        let row = item(&key(&subscription.sku, &holder), subscription)?;
        transaction.put(self, Table::Identity, row, Expression::absent())?;
        let wait = Wait { sku: subscription.sku.clone() };
        let row = item(&wait_key(&holder, &subscription.sku), &wait)?;
        transaction.put(self, Table::Identity, row, Expression::absent())?;
        // Raced: by themselves.
        transaction.commit(self, "wait for stock").await.map(|_| Subscribed::Yes)
    }

    /// What an address waits for.
    pub async fn waits_of(&self, email: &Email) -> Result<Vec<Sku>, Fault> {
        self.waits(&holder(email)).await
    }

    async fn waits(&self, holder: &str) -> Result<Vec<Sku>, Fault> {
        let partition = format!("WAITS#{holder}");
        let page = self.query(Table::Identity, None, &partition, Range::default()).await?;
        let sku = |row| document(row).map(|wait: Wait| wait.sku);
        page.entries.into_iter().map(sku).collect()
    }

    /// Forgets all that somebody waits for.
    pub async fn unsubscribe(&self, holder: &str) -> Result<(), Fault> {
        let waits = self.waits(holder).await?;
        let mut transaction = Transaction::default();
        // Also where nothing is waited for any more: backups remember what was.
        data_key::destroy_in(self, &mut transaction, &data_key::of_waits(holder))?;
        for sku in &waits {
            transaction.delete(self, Table::Identity, &key(sku, holder))?;
            transaction.delete(self, Table::Identity, &wait_key(holder, sku))?;
        }
        transaction.commit(self, "wait no more").await.map(drop)
    }

    /// Remembers that a SKU is back and people may wait for it.
    pub async fn queue_back(&self, sku: &Sku) -> Result<(), Fault> {
        let row = item(&Key::new(QUEUE, sku.as_str()), &Wait { sku: sku.clone() })?;
        let condition = Expression::new("attribute_exists(pk) OR attribute_not_exists(pk)");
        self.put_if(Table::Identity, row, condition).await.map(drop)
    }

    /// SKUs that are back, with people who may wait for them.
    pub async fn queued_back(&self, limit: i32) -> Result<Vec<Sku>, Fault> {
        let range = Range { limit: Some(limit), ..Range::default() };
        let page = self.query(Table::Identity, None, QUEUE, range).await?;
        let sku = |row| document(row).map(|wait: Wait| wait.sku);
        page.entries.into_iter().map(sku).collect()
    }

    /// Some of those who wait for a SKU.
    pub async fn waiting(&self, sku: &Sku, limit: i32) -> Result<Vec<Subscription>, Fault> {
        let range = Range { limit: Some(limit), ..Range::default() };
        let page = self.query(Table::Identity, None, &format!("BACK#{sku}"), range).await?;
        page.entries.into_iter().map(document).collect()
    }

    /// Tells somebody, who waits no more: once, because both are one transaction.
    pub async fn tell_back(
        &self,
        subscription: &Subscription,
        letter: &Event,
    ) -> Result<Saved, Fault> {
        let holder = subscription.holder();
        let mut transaction = Transaction::default();
        let there = Expression::new("attribute_exists(pk)");
        transaction.delete_if(self, Table::Identity, &key(&subscription.sku, &holder), there)?;
        let wait = wait_key(&holder, &subscription.sku);
        transaction.delete(self, Table::Identity, &wait)?;
        outbox::say(self, &mut transaction, letter)?;
        Ok(cart::saved(&transaction.commit(self, "tell who waited").await?))
    }

    /// Nobody is to be told of this SKU any more.
    pub async fn unqueue_back(&self, sku: &Sku) -> Result<(), Fault> {
        self.delete(Table::Identity, &Key::new(QUEUE, sku.as_str())).await
    }
}
