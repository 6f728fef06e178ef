//! Typed ids: `prefix_` + ULID in 26 canonical Crockford characters.
//!
//! An id names a thing; it never grants access to it. Ids are parsed at the edge and trusted
//! afterwards, so a cart id can not be handed to a function that wants an order id.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
pub use ulid::Ulid;

/// Why a text is not an id of the wanted kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed {
    /// The prefix that was wanted, without its underscore.
    pub prefix: &'static str,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not an id of the form {}_ and 26 Crockford characters", self.prefix)
    }
}

impl std::error::Error for Malformed {}

/// Parses `prefix_ULID`, accepting only the canonical (upper-case) spelling, so that one thing
/// has one name in keys, logs and caches.
fn parse(prefix: &'static str, text: &str) -> Result<Ulid, Malformed> {
    let malformed = Malformed { prefix };
    let encoded = text
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'))
        .filter(|rest| rest.len() == ulid::ULID_LEN)
        .ok_or(malformed)?;
    let ulid = Ulid::from_string(encoded).map_err(|_| malformed)?;
    if ulid.to_string() == encoded { Ok(ulid) } else { Err(malformed) }
}

/// The number of a thing that somebody else made: it follows from their id of it, so that the same
/// thing has one number, however often we hear of it.
pub fn derived(kind: &str, theirs: &str) -> Ulid {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(format!("{kind} {theirs}").as_bytes());
    Ulid(digest.iter().take(16).fold(0_u128, |sum, byte| (sum << 8) | u128::from(*byte)))
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Ulid);

        impl $name {
            /// What every id of this kind begins with, without the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// The id made of this ULID.
            pub const fn from_ulid(ulid: Ulid) -> Self {
                Self(ulid)
            }

            /// The ULID inside, to derive another thing's id from it.
            pub const fn ulid(self) -> Ulid {
                self.0
            }

            /// Reads the canonical text form.
            pub fn parse(text: &str) -> Result<Self, Malformed> {
                parse($prefix, text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}_{}", $prefix, self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = Malformed;
            fn from_str(text: &str) -> Result<Self, Malformed> {
                Self::parse(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "pattern": concat!("^", $prefix, "_[0-7][0-9A-HJKMNP-TV-Z]{25}$"),
                })
            }
            fn inline_schema() -> bool {
                true
            }
        }
    )*};
}

ids! {
    /// A customer with an account.
    CustomerId = "cus";
    /// A member of the merchant's staff.
    StaffId = "stf";
    /// A role: a named set of permissions.
    RoleId = "rol";
    /// A machine's API key.
    KeyId = "key";
    /// An entry of the audit log.
    AuditId = "aud";
    /// An address in a customer's address book.
    AddressId = "adr";
    /// A product of the catalog.
    ProductId = "prod";
    /// A sellable variant of a product.
    VariantId = "var";
    /// A category of the catalog.
    CategoryId = "cat";
    /// A picture that a merchant uploaded.
    MediaId = "med";
    /// A place where stock lies.
    LocationId = "loc";
    /// A movement of stock.
    MovementId = "mov";
    /// A key in a pool of keys.
    PoolKeyId = "pky";
    /// Stock on its way from one location to another.
    TransferId = "trf";
    /// A cart.
    CartId = "cart";
    /// A line of a cart.
    LineId = "li";
    /// A draft of an order.
    DraftId = "drf";
    /// An order.
    OrderId = "ord";
    /// A line of an order.
    OrderLineId = "oli";
    /// A parcel of an order.
    FulfillmentId = "ful";
    /// A payment of an order; one payment owns one PaymentIntent.
    PaymentId = "pay";
    /// A refund.
    RefundId = "ref";
    /// A dispute: a card holder asks their bank for the money back.
    DisputeId = "dp";
    /// A return: goods of an order that come back.
    ReturnId = "ret";
    /// A note about an order.
    NoteId = "note";
    /// A promotion.
    PromotionId = "promo";
    /// An event in the outbox.
    EventId = "evt";
    /// A message to a person.
    MessageId = "msg";
    /// A gift card.
    GiftCardId = "gc";
    /// An entry in the ledger of a gift card or of store credit.
    GiftEntryId = "gce";
    /// A signed-in session (a family of refresh tokens).
    SessionId = "ses";
    /// An import of a file.
    ImportId = "imp";
    /// An export to a file.
    ExportId = "exp";
    /// A request of a customer about what the shop knows of them.
    PrivacyRequestId = "prv";
    /// A system of the merchant that is told of events.
    WebhookId = "whe";
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "cart_01ARZ3NDEKTSV4RRFFQ69G5FAV";

    #[test]
    fn an_id_survives_its_text_form() {
        let id = CartId::parse(TEXT).unwrap();
        assert_eq!(id.to_string(), TEXT);
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{TEXT}\""));
        assert_eq!(serde_json::from_str::<CartId>(&format!("\"{TEXT}\"")).unwrap(), id);
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        assert_eq!(OrderId::parse(TEXT), Err(Malformed { prefix: "ord" }));
    }

    #[test]
    fn only_the_canonical_spelling_is_an_id() {
        for wrong in [
            "",
            "cart_",
            "cart",
            "cart_01arz3ndektsv4rrffq69g5fav",
            "cart_01ARZ3NDEKTSV4RRFFQ69G5FA",
            "cart_01ARZ3NDEKTSV4RRFFQ69G5FAVV",
            "cart_81ARZ3NDEKTSV4RRFFQ69G5FAV",
            "cart_O1ARZ3NDEKTSV4RRFFQ69G5FAV",
            "cart_01ARZ3NDEKTSV4RRFFQ69G5FA\u{301}",
            "cart-01ARZ3NDEKTSV4RRFFQ69G5FAV",
        ] {
            assert!(CartId::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
