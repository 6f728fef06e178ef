//! Addresses of the customer's book, as they come.

use api::form::{YesOrNo, address_id};
use api::{Fields, Form, Problem};
use domain::address::Address;
use domain::address_book::{ADDRESSES_MAX, Defaults, Refusal};
use domain::id::AddressId;

/// How often a lost race is run again before the caller is asked to.
pub(crate) const RACES_MAX: usize = 5;

/// Which address.
#[derive(Debug)]
pub struct Which {
    pub(crate) id: AddressId,
}

impl Form for Which {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let id = fields.required("id", address_id());
        Some(Self { id: id? })
    }
}

/// An address, and what it is the default of.
#[derive(Debug)]
pub struct AddressForm {
    pub(crate) address: Address,
    pub(crate) defaults: Defaults,
}

impl Form for AddressForm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let address = Address::read(fields);
        let is_shipping = fields.optional("is_default_shipping", YesOrNo);
        let is_billing = fields.optional("is_default_billing", YesOrNo);
        let defaults = Defaults {
            is_shipping: is_shipping?.unwrap_or(false),
            is_billing: is_billing?.unwrap_or(false),
        };
        Some(Self { address: address?, defaults })
    }
}

/// The book's no, as a problem.
pub(crate) fn refused(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::Full => Problem::conflict(refusal.code(), refusal.to_string())
            .member("addresses_max", ADDRESSES_MAX),
    }
}

#[cfg(test)]
mod tests {
    use api::form::{flaws_of, read_value};
    use serde_json::json;

    use super::*;

    #[test]
    fn an_address_is_a_default_only_where_it_says_so() {
        let mut body = json!({
            "name": "Jane Roe", "line1": "Lindenstrasse 1", "city": "Berlin",
            "postal_code": "10969", "country": "DE",
        });
        let read = |body: &serde_json::Value| {
            read_value::<AddressForm>(body, "", &mut Vec::new()).unwrap().defaults
        };
        assert_eq!(read(&body), Defaults::default());
        body["is_default_billing"] = json!(true);
        assert_eq!(read(&body), Defaults { is_shipping: false, is_billing: true });
    }

    #[test]
    fn every_flaw_is_named_with_those_of_the_address() {
        let body = json!({"name": "", "country": "DE", "is_default_shipping": "yes", "id": 1});
        let flaws = flaws_of::<AddressForm>(&body);
        for flaw in [
            ("/line1", "required"),
            ("/is_default_shipping", "wrong_type"),
            ("/id", "unknown_field"),
        ] {
            assert!(flaws.contains(&(flaw.0.to_owned(), flaw.1)), "{flaw:?}: {flaws:?}");
        }
    }

    #[test]
    fn a_full_book_says_how_many_it_holds() {
        let problem = refused(Refusal::Full);
        assert_eq!((problem.status.as_u16(), problem.code), (409, "address_book_full"));
        assert_eq!(problem.members["addresses_max"], 20);
    }
}
