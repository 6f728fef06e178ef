//! Consents, and requests about what the shop knows of somebody.

use domain::audit::Actor;
use domain::consent::{Consent, Purpose};
use domain::id::{CustomerId, OrderId, PrivacyRequestId};
use domain::privacy::{Kind, Request, State};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cursor::List;
use crate::reply::View;

/// A consent that was given, refused or taken back, with its proof.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Consent")]
pub struct ConsentView {
    /// What for.
    pub purpose: Purpose,
    /// Counts what was said of this purpose, from 1; the highest one counts.
    pub sequence: u64,
    /// Whether it was given; else it was refused or taken back.
    pub is_given: bool,
    /// The version of the words that were shown.
    pub text: String,
    /// The id of the request that said so, as in our logs.
    pub request_id: String,
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
}

impl View for ConsentView {}
impl View for List<ConsentView> {}

impl From<Consent> for ConsentView {
    fn from(consent: Consent) -> Self {
        let Consent { customer: _, purpose, sequence, is_given, text, request, at } = consent;
        Self { purpose, sequence, is_given, text, request_id: request, at }
    }
}

/// A request of a customer, or of the staff for one: to be sent all that is known, or to be
/// forgotten.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PrivacyRequest")]
pub struct PrivacyRequestView {
    /// Its id.
    pub id: PrivacyRequestId,
    /// What is asked for.
    pub kind: Kind,
    /// About whom.
    pub customer_id: CustomerId,
    /// Who asked: the id of the customer or of the member of the staff.
    #[schemars(with = "String")]
    pub asked_by: Actor,
    /// Where it stands.
    pub state: State,
    /// Orders that it waits for, some of them where there are many.
    pub waits_for: Vec<OrderId>,
    /// When it was asked for.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// When it was done.
    #[schemars(with = "Option<String>")]
    pub done_at: Option<Timestamp>,
}

impl View for PrivacyRequestView {}
impl View for List<PrivacyRequestView> {}

impl From<Request> for PrivacyRequestView {
    fn from(request: Request) -> Self {
        let Request { id, kind, customer, asked_by, state, waits_for, .. } = request;
        let (created_at, done_at) = (request.created_at, request.done_at);
        Self { id, kind, customer_id: customer, asked_by, state, waits_for, created_at, done_at }
    }
}

/// Where an export is fetched.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DataExport")]
pub struct DataExportView {
    /// The address of the file; good for a minute.
    pub url: String,
}

impl View for DataExportView {}

/// Whoever has the address has the file.
impl std::fmt::Debug for DataExportView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataExportView(…)")
    }
}

#[cfg(test)]
mod tests {
    use domain::address::{Email, PersonName};
    use domain::id::Ulid;

    use super::*;

    #[test]
    fn a_request_is_shown_without_whom_it_is_about() {
        let customer = CustomerId::from_ulid(Ulid::from_parts(1, 2));
        let id = PrivacyRequestId::from_ulid(Ulid::from_parts(1, 1));
        let asked_by = Actor::Customer(customer);
        let request = Request::new((id, Kind::Erasure), customer, asked_by, Timestamp::UNIX_EPOCH);
        let request = Request {
            email: Email::parse("jane@example.org").ok(),
            name: PersonName::parse("Jane Roe").ok(),
            ..request
        };
        let shown = serde_json::to_value(PrivacyRequestView::from(request)).unwrap();
        assert_eq!((&shown["kind"], &shown["state"]), (&"erasure".into(), &"open".into()));
        assert!(!shown.to_string().to_lowercase().contains("jane"), "{shown}");
    }
}
