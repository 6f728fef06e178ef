//! Address books: identity `CUST#id` / ADR#address, and `CUST#id` / BOOK with their number and the
//! defaults.
//!
//! The owner is in the key: a stranger's address is not found. Every write changes BOOK under its
//! version, so that number and defaults always fit the addresses, and wants the account to be
//! there, so that nothing of a closed one is left.

use domain::address_book::{Book, Kept};
use domain::fault::Fault;
use domain::id::{AddressId, CustomerId};

use crate::item::{Item, Key, Page, Range, Saved, count, document, item};
use crate::transaction::{Expression, Transaction};
use crate::{Store, Table, cart, identity};

const BOOK: &str = "BOOK";
const ADDRESS: &str = "ADR#";

fn partition(customer: CustomerId) -> String {
    format!("CUST#{customer}")
}

fn book_key(customer: CustomerId) -> Key {
    Key::new(partition(customer), BOOK)
}

fn address_key(customer: CustomerId, id: AddressId) -> Key {
    Key::new(partition(customer), format!("{ADDRESS}{id}"))
}

/// The book must be as it was loaded.
fn unchanged(before: &Book) -> Expression {
    if before.version == 0 { Expression::absent() } else { Expression::version(before.version) }
}

impl Store {
    /// What somebody's book says of itself.
    pub async fn book(&self, customer: CustomerId) -> Result<Book, Fault> {
        let book = self.get(Table::Identity, &book_key(customer), true).await?;
        Ok(book.unwrap_or_default())
    }

    /// An address in somebody's book.
    pub async fn address(
        &self,
        customer: CustomerId,
        id: AddressId,
    ) -> Result<Option<Kept>, Fault> {
        self.get(Table::Identity, &address_key(customer, id), true).await
    }

    /// The addresses in somebody's book, oldest first.
    pub async fn addresses(
        &self,
        customer: CustomerId,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Kept>, Fault> {
        let begins_with = Some(ADDRESS);
        let range = Range { begins_with, limit: Some(limit), position, ..Range::default() };
        let page = self.query(Table::Identity, None, &partition(customer), range).await?;
        let entries = page.entries.into_iter().map(document).collect::<Result<_, _>>()?;
        Ok(Page { entries, next: page.next })
    }

    /// Writes an address with the book that it makes; `Raced` where the book has changed, or the
    /// account is gone.
    pub async fn keep_address(
        &self,
        customer: CustomerId,
        kept: &Kept,
        before: &Book,
        after: &Book,
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        let exists = Expression::new("attribute_exists(pk)");
        let account = identity::account_key(customer);
        transaction.check(self, Table::Identity, &account, exists.clone())?;
        let is_new = after.count > before.count;
        let row = item(&address_key(customer, kept.id), kept)?;
        let condition = if is_new { Expression::absent() } else { exists };
        transaction.put(self, Table::Identity, row, condition)?;
        transaction.put(self, Table::Identity, book_row(customer, after)?, unchanged(before))?;
        Ok(cart::saved(&transaction.commit(self, "keep an address").await?))
    }

    /// Takes an address out of the book.
    pub async fn remove_address(
        &self,
        customer: CustomerId,
        id: AddressId,
        before: &Book,
        after: &Book,
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        let exists = Expression::new("attribute_exists(pk)");
        transaction.delete_if(self, Table::Identity, &address_key(customer, id), exists)?;
        transaction.put(self, Table::Identity, book_row(customer, after)?, unchanged(before))?;
        Ok(cart::saved(&transaction.commit(self, "remove an address").await?))
    }
}

fn book_row(customer: CustomerId, book: &Book) -> Result<Item, Fault> {
    let mut row = item(&book_key(customer), book)?;
    row.insert("version".into(), count(book.version));
    Ok(row)
}

/// Burns a book with all its addresses, in a transaction.
pub(crate) fn burn(
    store: &Store,
    transaction: &mut Transaction,
    customer: CustomerId,
    book: &Book,
    addresses: &[Kept],
) -> Result<(), Fault> {
    let key = book_key(customer);
    transaction.delete_if(store, Table::Identity, &key, unchanged(book))?;
    for kept in addresses {
        transaction.delete(store, Table::Identity, &address_key(customer, kept.id))?;
    }
    Ok(())
}
