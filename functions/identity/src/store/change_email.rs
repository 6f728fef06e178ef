//! `POST /v1/auth/email/change`: asks for another address. Both addresses get a letter, and both
//! must agree; until then nothing changes. Asking again replaces what was asked before.
//!
//! Whether the new address has an account already is told to its reader alone.

use api::form::{Text, email};
use api::reply::Accepted;
use api::seal::token_hash;
use api::{Body, Customer, Fields, Flaw, Form, Problem, Reply};
use domain::account::{Account, EMAIL_CHANGE_LIFETIME};
use domain::address::Email;
use domain::audit::Actor;
use domain::email_change::{EmailChange, Link};
use domain::event::Letter;
use runtime::Call;
use store::Saved;

use super::forgot_password::{MAILED, Mailed};
use crate::letter::letter;
use crate::proof::prove;
use crate::{App, gate};

/// The new address, and the password.
pub struct Change {
    email: Email,
    password: String,
}

/// It holds a password.
impl std::fmt::Debug for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Change(…)")
    }
}

impl Form for Change {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let email = fields.required("email", email());
        let password = fields.required("password", Text::between(1, 128));
        Some(Self { email: email?, password: password? })
    }
}

/// Asks both addresses.
pub async fn handle(app: &App, call: Call<Customer, Body<Change>>) -> Reply<Accepted<Mailed>> {
    let Body(Change { email: to, password }) = &call.input;
    let account = prove(app, &call, password).await?;
    is_other(&account, to)?;
    let buckets = gate::mails(app, &call.request, &to.key());
    gate::pass(app, buckets, &call.standing, call.now).await?;
    let is_taken = app.store.account_by_email(to).await?.is_some();
    let (old, new) = (app.ids.token(), app.ids.token());
    let link = |token: &str| Link { token_hash: token_hash(token), is_agreed: false };
    let change = EmailChange {
        customer: account.id,
        from: account.email.clone(),
        to: to.clone(),
        old: link(&old),
        new: link(&new),
        ends_at: call.now.saturating_add(EMAIL_CHANGE_LIFETIME).map_err(|_| Problem::internal())?,
        version: 1,
    };
    let to_new = if is_taken {
        // The other link is mailed to nobody: the change is never completed.
        Letter::AlreadyRegistered
    } else {
        Letter::ConfirmEmailChange { token: new, is_new: true }
    };
    let to_old = Letter::ConfirmEmailChange { token: old, is_new: false };
    let (actor, object) = (Actor::Customer(account.id), Some(account.id.to_string()));
    let action = "email.change_requested";
    let events = [
        letter(app, &account.email, to_old, call.now),
        letter(app, to, to_new, call.now),
        app.doors.audit(&call.request, actor, action, object, Vec::new()),
    ];
    match app.store.begin_email_change(&change, &events).await? {
        Saved::Yes => Ok(MAILED),
        Saved::Raced => Err(Problem::unavailable()),
    }
}

fn is_other(account: &Account, to: &Email) -> Reply<()> {
    if account.email.key() != to.key() {
        return Ok(());
    }
    let flaw = Flaw::new("/email", "unchanged", "This is the address of your account.");
    Err(Problem::invalid(vec![flaw]))
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use domain::address::PersonName;
    use domain::id::{CustomerId, Ulid};
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_address_and_the_password_are_needed() {
        let wanted = ["/email", "/password"].map(|at| (at.to_owned(), "required"));
        assert_eq!(flaws_of::<Change>(&json!({})), wanted);
    }

    #[test]
    fn the_same_address_in_other_letters_is_no_other_address() {
        let email = |text| Email::parse(text).unwrap();
        let account = Account {
            id: CustomerId::from_ulid(Ulid::from_parts(1, 1)),
            email: email("jane@example.org"),
            name: PersonName::parse("Jane").unwrap(),
            password: String::new(),
            is_verified: true,
            created_at: Timestamp::UNIX_EPOCH,
            version: 1,
        };
        assert_eq!(is_other(&account, &email("JANE@example.org")).unwrap_err().errors.len(), 1);
        assert!(is_other(&account, &email("jane@example.com")).is_ok());
    }
}
