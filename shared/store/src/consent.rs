//! Consents: facts that are only added.
//!
//! | item | table | key |
//! |---|---|---|
//! | fact | identity | `CONSENT#customer` / purpose#sequence |
//!
//! They lie beside the account and not in it: who was forgotten has no account, and what was sent
//! while they agreed is still proven. Under the customer's id alone they name nobody.

use domain::consent::{Consent, Purpose};
use domain::fault::Fault;
use domain::id::CustomerId;

use crate::item::{Key, Page, Range, Saved, document, item};
use crate::transaction::{Expression, Transaction};
use crate::{Store, Table, cart, identity};

fn partition(customer: CustomerId) -> String {
    format!("CONSENT#{customer}")
}

/// Facts of a purpose in the order in which they were said.
fn key(consent: &Consent) -> Key {
    let place = format!("{}#{:06}", consent.purpose.code(), consent.sequence);
    Key::new(partition(consent.customer), place)
}

/// Adds a fact, in a transaction; another one of its number must not be there.
pub(crate) fn add_in(
    store: &Store,
    transaction: &mut Transaction,
    consent: &Consent,
) -> Result<(), Fault> {
    let row = item(&key(consent), consent)?;
    transaction.put(store, Table::Identity, row, Expression::absent())
}

impl Store {
    /// What somebody said last of a purpose.
    pub async fn last_consent(
        &self,
        customer: CustomerId,
        purpose: Purpose,
    ) -> Result<Option<Consent>, Fault> {
        let prefix = format!("{}#", purpose.code());
        let begins_with = Some(prefix.as_str());
        let limit = Some(1);
        let range = Range { begins_with, is_descending: true, limit, ..Range::default() };
        let page = self.query(Table::Identity, None, &partition(customer), range).await?;
        page.entries.into_iter().next().map(document).transpose()
    }

    /// Adds a fact to an account that is there; `Raced` where another one was first, or the account
    /// is gone.
    pub async fn add_consent(&self, consent: &Consent) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        let exists = Expression::new("attribute_exists(pk)");
        let account = identity::account_key(consent.customer);
        transaction.check(self, Table::Identity, &account, exists)?;
        add_in(self, &mut transaction, consent)?;
        Ok(cart::saved(&transaction.commit(self, "write a consent down").await?))
    }

    /// What somebody said, purpose by purpose, of each the newest first.
    pub async fn consents(
        &self,
        customer: CustomerId,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Consent>, Fault> {
        let range = Range { is_descending: true, limit: Some(limit), position, ..Range::default() };
        let page = self.query(Table::Identity, None, &partition(customer), range).await?;
        let entries = page.entries.into_iter().map(document).collect::<Result<_, _>>()?;
        Ok(Page { entries, next: page.next })
    }

    /// Forgets the proof of a consent, once nobody can ask for it any more.
    pub async fn forget_consent(&self, consent: &Consent) -> Result<(), Fault> {
        self.delete(Table::Identity, &key(consent)).await
    }
}
