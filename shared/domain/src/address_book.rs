//! A customer's address book: how many addresses it holds, and which of them are the defaults.
//!
//! The defaults stand in the book and not at the addresses: there is one of each at most,
//! whatever happens.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::id::AddressId;

/// Addresses of a book at most: a family with all its offices, too few for a mailing list.
pub const ADDRESSES_MAX: u32 = 20;

/// What the book says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Book {
    /// Addresses in it.
    pub count: u32,
    /// Where goods go unless somebody says otherwise.
    pub default_shipping: Option<AddressId>,
    /// Where bills go unless somebody says otherwise.
    pub default_billing: Option<AddressId>,
    /// Rises with every write; 0 is a book that was never written.
    pub version: u64,
}

/// An address in the book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Its id.
    pub id: AddressId,
    /// The address.
    pub address: Address,
    /// When it was added.
    pub created_at: Timestamp,
}

/// What an address is the default of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Defaults {
    /// Of goods.
    pub is_shipping: bool,
    /// Of bills.
    pub is_billing: bool,
}

/// Why the book says no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It holds [`ADDRESSES_MAX`].
    Full,
}

impl Refusal {
    /// What clients match on.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Full => "address_book_full",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => write!(f, "An address book holds {ADDRESSES_MAX} addresses."),
        }
    }
}

impl Book {
    /// The book with one address more.
    pub fn add(&self, id: AddressId, defaults: Defaults) -> Result<Self, Refusal> {
        if self.count >= ADDRESSES_MAX {
            return Err(Refusal::Full);
        }
        let book = self.change(id, defaults);
        Ok(Self { count: self.count + 1, ..book })
    }

    /// The book after an address of it was said to be the default of these things and no others.
    #[must_use]
    pub fn change(&self, id: AddressId, defaults: Defaults) -> Self {
        Self {
            count: self.count,
            default_shipping: pointed(self.default_shipping, id, defaults.is_shipping),
            default_billing: pointed(self.default_billing, id, defaults.is_billing),
            version: self.version + 1,
        }
    }

    /// The book without one of its addresses.
    #[must_use]
    pub fn remove(&self, id: AddressId) -> Self {
        let book = self.change(id, Defaults::default());
        Self { count: self.count.saturating_sub(1), ..book }
    }

    /// What an address is the default of.
    pub fn defaults_of(&self, id: AddressId) -> Defaults {
        Defaults {
            is_shipping: self.default_shipping == Some(id),
            is_billing: self.default_billing == Some(id),
        }
    }
}

fn pointed(before: Option<AddressId>, id: AddressId, is_default: bool) -> Option<AddressId> {
    if is_default { Some(id) } else { before.filter(|before| *before != id) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Ulid;

    const NONE: Defaults = Defaults { is_shipping: false, is_billing: false };
    const BOTH: Defaults = Defaults { is_shipping: true, is_billing: true };

    fn id(n: u128) -> AddressId {
        AddressId::from_ulid(Ulid::from_parts(1, n))
    }

    #[test]
    fn a_default_moves_and_there_is_never_a_second_one() {
        let book = Book::default().add(id(1), BOTH).unwrap();
        let book = book.add(id(2), Defaults { is_billing: false, ..BOTH }).unwrap();
        assert_eq!(book.defaults_of(id(1)), Defaults { is_shipping: false, is_billing: true });
        assert_eq!(book.defaults_of(id(2)), Defaults { is_shipping: true, is_billing: false });
        let book = book.change(id(2), NONE);
        assert_eq!(book.default_shipping, None);
        assert_eq!(book.default_billing, Some(id(1)));
    }

    #[test]
    fn a_removed_address_is_the_default_of_nothing() {
        let book = Book::default().add(id(1), BOTH).unwrap().remove(id(1));
        assert_eq!(book, Book { version: 2, ..Book::default() });
    }

    #[test]
    fn twenty_addresses_fill_a_book() {
        let mut book = Book::default();
        for n in 0..20 {
            book = book.add(id(n), NONE).unwrap();
        }
        assert_eq!(book.add(id(20), NONE), Err(Refusal::Full));
        assert!(book.remove(id(3)).add(id(20), NONE).is_ok());
    }
}
