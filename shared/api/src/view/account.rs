//! What a customer sees of their own account.

use domain::account::Session;
use domain::address::PersonName;
use domain::address_book::{Book, Kept};
use domain::id::{AddressId, SessionId};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cursor::List;
use crate::reply::View;

/// A session as its holder sees it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SessionEntry {
    /// Its id.
    id: SessionId,
    /// What the browser or app called itself.
    device: Option<String>,
    /// The network it began in: the first parts of an address, never the whole one.
    network: Option<String>,
    /// When somebody signed in.
    #[schemars(with = "String")]
    created_at: Timestamp,
    /// When it was last renewed.
    #[schemars(with = "String")]
    last_used_at: Timestamp,
    /// Whether it is the one that asks.
    is_current: bool,
}

impl View for List<SessionEntry> {}

impl SessionEntry {
    /// A session in the list of the one that asks.
    pub fn of(session: Session, current: SessionId) -> Self {
        Self {
            id: session.id,
            device: session.device,
            network: session.network,
            created_at: session.created_at,
            last_used_at: session.rotated_at,
            is_current: session.id == current,
        }
    }
}

/// An address of the book.
#[derive(Serialize, JsonSchema)]
pub struct AddressView {
    /// Its id.
    id: AddressId,
    /// Who receives the parcel.
    name: PersonName,
    /// Street and number.
    line1: String,
    /// Flat, floor, company.
    line2: Option<String>,
    /// Town or city.
    city: String,
    /// State or province.
    region: Option<String>,
    /// Postal code; empty in countries that have none.
    postal_code: String,
    /// ISO 3166-1 alpha-2.
    country: &'static str,
    /// Whether goods go there unless somebody says otherwise.
    is_default_shipping: bool,
    /// Whether bills go there unless somebody says otherwise.
    is_default_billing: bool,
    /// When it was added.
    #[schemars(with = "String")]
    created_at: Timestamp,
}

impl View for AddressView {}
impl View for List<AddressView> {}

/// It is where somebody lives.
impl std::fmt::Debug for AddressView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AddressView({})", self.id)
    }
}

impl AddressView {
    /// An address of this book.
    pub fn of(kept: Kept, book: &Book) -> Self {
        let Kept { id, address, created_at } = kept;
        let defaults = book.defaults_of(id);
        Self {
            id,
            name: address.name,
            line1: address.line1,
            line2: address.line2,
            city: address.city,
            region: address.region,
            postal_code: address.postal_code,
            country: address.country.code(),
            is_default_shipping: defaults.is_shipping,
            is_default_billing: defaults.is_billing,
            created_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::account::Subject;
    use domain::id::{CustomerId, Ulid};

    use super::*;

    #[test]
    fn a_session_shows_where_it_is_and_nothing_that_would_open_it() {
        let id = SessionId::from_ulid(Ulid::from_parts(1, 1));
        let session = Session {
            id,
            subject: Subject::Customer(CustomerId::from_ulid(Ulid::from_parts(1, 2))),
            current: "hash-now".into(),
            previous: Some("hash-before".into()),
            rotated_at: Timestamp::UNIX_EPOCH,
            created_at: Timestamp::UNIX_EPOCH,
            authenticated_at: Timestamp::UNIX_EPOCH,
            device: Some("Firefox".into()),
            network: Some("203.0.113.0/24".into()),
        };
        let other = SessionId::from_ulid(Ulid::from_parts(1, 3));
        let entry = serde_json::to_value(SessionEntry::of(session.clone(), other)).unwrap();
        assert!(!entry.to_string().contains("hash"), "{entry}");
        assert_eq!(entry["is_current"], false);
        assert!(SessionEntry::of(session, id).is_current);
    }
}
