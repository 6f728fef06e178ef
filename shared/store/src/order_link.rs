//! Links that show an order, mailed to whoever bought it.
//!
//! | item | table | key |
//! |---|---|---|
//! | mailed link | ephemeral | `LINK#sha256` / META |
//!
//! A link opens one order, for reading, until it ends; it is no token of the order. What an unknown
//! order makes is written as a link to nothing, so that the work tells nothing.

use std::collections::BTreeSet;

use domain::address::Email;
use domain::event::Event;
use domain::fault::Fault;
use domain::id::{OrderId, Ulid};
use domain::order::{LINK_LIFETIME, Order};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::item::{Key, item};
use crate::order::{Numbered, number_key, order_key};
use crate::transaction::{Committed, Expression, Transaction};
use crate::{Store, Table, data_key, outbox};

#[derive(Serialize, Deserialize)]
struct Link {
    order: OrderId,
    /// A hash of the address that the letter went to: once the order's letters go elsewhere, or
    /// nobody knows any more who bought it, the link opens nothing.
    to: String,
    expires: i64,
}

fn key(hash: &str) -> Key {
    Key::meta(format!("LINK#{hash}"))
}

fn nothing() -> OrderId {
    OrderId::from_ulid(Ulid::nil())
}

fn hex(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Link {
    fn new(order: OrderId, to: &Email, now: Timestamp) -> Self {
        let expires = now.as_second().saturating_add(LINK_LIFETIME.as_secs());
        Self { order, to: hex(&to.key()), expires }
    }
}

impl Store {
    /// The order of this number. The reads are as many whether or not there is one.
    pub async fn order_by_number(&self, number: &str) -> Result<Option<Order>, Fault> {
        let numbered: Option<Numbered> = self.get(Table::Orders, &number_key(number), true).await?;
        let id = numbered.map_or_else(nothing, |numbered| numbered.order_id);
        let order = self.get(Table::Orders, &order_key(id), true).await?;
        if order.is_none() {
            self.data_keys(BTreeSet::from([data_key::of_order(id)])).await?;
        }
        Ok(order)
    }

    /// Writes a link that shows this order, with the letter that carries it.
    pub async fn issue_order_link(
        &self,
        token_hash: &str,
        order: &Order,
        letter: &Event,
    ) -> Result<(), Fault> {
        let link = Link::new(order.id, &order.email, letter.at);
        let mut transaction = Transaction::default();
        let row = item(&key(token_hash), &link)?;
        transaction.put(self, Table::Ephemeral, row, Expression::absent())?;
        outbox::say(self, &mut transaction, letter)?;
        // Refused only where this very letter was said before.
        match transaction.commit(self, "issue a link to an order").await? {
            Committed::Yes | Committed::Refused(_) => Ok(()),
        }
    }

    /// Writes a link to nothing: the work is that of an order which is there.
    pub async fn issue_no_link(
        &self,
        token_hash: &str,
        to: &Email,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let link = Link::new(nothing(), to, now);
        let mut transaction = Transaction::default();
        // Nobody is written to; a second row takes the letter's time.
        for hash in [token_hash, &hex(token_hash)] {
            let row = item(&key(hash), &link)?;
            transaction.put(self, Table::Ephemeral, row, Expression::absent())?;
        }
        match transaction.commit(self, "issue a link to nothing").await? {
            Committed::Yes | Committed::Refused(_) => Ok(()),
        }
    }

    /// Whether a link shows this order now.
    pub async fn link_shows(
        &self,
        token_hash: &str,
        order: &Order,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        let link: Option<Link> = self.get(Table::Ephemeral, &key(token_hash), true).await?;
        let is_good = |link: &Link| link.expires > now.as_second();
        let to = hex(&order.email.key());
        Ok(link.filter(is_good).is_some_and(|link| link.order == order.id && link.to == to))
    }
}
