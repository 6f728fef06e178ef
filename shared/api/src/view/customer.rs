//! Customers as staff see them.

use std::fmt;

use domain::account::Account;
use domain::address::{Email, PersonName};
use domain::address_book::{Book, Kept};
use domain::id::CustomerId;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::account::AddressView;
use crate::reply::View;

/// A customer.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CustomerRecord")]
pub struct CustomerView {
    /// Their id.
    pub id: CustomerId,
    /// Where letters go.
    #[schemars(with = "String")]
    pub email: Email,
    /// What they are called.
    pub name: PersonName,
    /// Whether the address was confirmed; nobody signs in before.
    pub is_verified: bool,
    /// When the account was made.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// Rises with every change.
    pub version: u64,
}

/// The rest is personal.
impl fmt::Debug for CustomerView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CustomerView({})", self.id)
    }
}

impl From<Account> for CustomerView {
    fn from(account: Account) -> Self {
        let Account { id, email, name, password: _, is_verified, created_at, version } = account;
        Self { id, email, name, is_verified, created_at, version }
    }
}

/// A page of customers.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "CustomerRecords")]
pub struct CustomersView {
    /// The customers.
    pub data: Vec<CustomerView>,
    /// Where the next page begins; null at the end.
    pub next_cursor: Option<String>,
    /// How many there are on all pages; null where nothing was searched for.
    pub total: Option<u64>,
}

impl View for CustomersView {}

/// A customer with all that staff may see of them.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "CustomerFile")]
pub struct CustomerFileView {
    /// The account.
    #[serde(flatten)]
    pub customer: CustomerView,
    /// The address book, oldest first.
    pub addresses: Vec<AddressView>,
}

impl View for CustomerFileView {}

impl CustomerFileView {
    /// The view of an account and its address book.
    pub fn of(account: Account, book: &Book, addresses: Vec<Kept>) -> Self {
        let addresses = addresses.into_iter().map(|kept| AddressView::of(kept, book)).collect();
        Self { customer: account.into(), addresses }
    }
}

#[cfg(test)]
mod tests {
    use domain::id::Ulid;

    use super::*;

    #[test]
    fn a_customer_is_shown_without_the_password() {
        let account = Account {
            id: CustomerId::from_ulid(Ulid(1)),
            email: Email::parse("jane@example.org").unwrap(),
            name: PersonName::parse("Jane Roe").unwrap(),
            password: "$argon2id$secret".into(),
            is_verified: true,
            created_at: Timestamp::UNIX_EPOCH,
            version: 3,
        };
        let view = CustomerFileView::of(account, &Book::default(), Vec::new());
        let shown = serde_json::to_value(&view).unwrap();
        assert_eq!((&shown["name"], &shown["version"]), (&"Jane Roe".into(), &3.into()));
        assert!(!shown.to_string().contains("argon2"));
        assert!(!format!("{view:?}").contains("jane"));
    }
}
