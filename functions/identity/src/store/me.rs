//! `GET /v1/auth/me`: who is signed in, customer or staff.

use api::reply::View;
use api::view::staff::SelfView;
use api::{Problem, Reply, SignedIn};
use domain::account::Subject;
use runtime::Call;
use schemars::JsonSchema;
use serde::Serialize;

use crate::App;
use crate::session::CustomerView;

/// Whoever is signed in.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "Me")]
pub enum MeView {
    /// A customer.
    Customer(CustomerView),
    /// A member of the staff, with what they may do.
    Staff(SelfView),
}

impl View for MeView {}

/// Says who is signed in.
pub async fn handle(app: &App, call: Call<SignedIn>) -> Reply<MeView> {
    match call.who.subject {
        Subject::Customer(id) => {
            let account = app.store.account(id).await?;
            let account = account.ok_or_else(Problem::unauthenticated)?;
            Ok(MeView::Customer(account.into()))
        }
        Subject::Staff(id) => {
            let member = app.store.member(id).await?.ok_or_else(Problem::unauthenticated)?;
            let role = app.store.role(member.role).await?.ok_or_else(Problem::unauthenticated)?;
            Ok(MeView::Staff(SelfView::of(member, role)))
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::account::Account;
    use domain::address::{Email, PersonName};
    use domain::id::{CustomerId, Ulid};
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn a_customer_sees_who_they_are_and_not_their_passwords_hash() {
        let account = Account {
            id: CustomerId::from_ulid(Ulid::from_parts(1, 1)),
            email: Email::parse("jane@example.org").unwrap(),
            name: PersonName::parse("Jane Roe").unwrap(),
            password: "$argon2id$secret".to_owned(),
            is_verified: true,
            created_at: Timestamp::UNIX_EPOCH,
            version: 7,
        };
        let view = serde_json::to_value(CustomerView::from(account)).unwrap();
        let members: Vec<&String> = view.as_object().unwrap().keys().collect();
        assert_eq!(members, ["created_at", "email", "email_verified", "id", "name"]);
        assert!(!view.to_string().contains("secret"));
    }
}
