//! `POST /v1/auth/register`: 202 whether or not the address is known, after the same work.
//!
//! A new address gets an account and a letter with a link; a confirmed one gets a letter that says
//! so. An address that waits to be confirmed may be registered by several people: each link makes
//! the account what was registered with it, so that nobody prepares an account for somebody else.

use api::form::{Parsed, Text, email};
use api::reply::Accepted;
use api::seal::token_hash;
use api::{Anyone, Body, Fields, Form, Metered, Problem, Reply};
use domain::account::Account;
use domain::address::{Email, PersonName};
use domain::event::Letter;
use domain::id::CustomerId;
use runtime::Call;
use store::Saved;

use super::forgot_password::{MAILED, Mailed};
use crate::letter::letter;
use crate::{App, gate, password};

/// The shop's name, which no password may contain.
pub(crate) const SHOP_NAME: &str = "Fluxion";
/// How often a lost race is run again before the caller is asked to.
const RACES_MAX: usize = 5;

/// What somebody registers with.
pub struct Register {
    email: Email,
    password: String,
    name: PersonName,
}

/// It holds a password.
impl std::fmt::Debug for Register {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Register(…)")
    }
}

impl Form for Register {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let email = fields.required("email", email());
        let password = fields.required("password", Text::between(0, 1000));
        let name = Parsed::by(|text| PersonName::parse(text).ok(), "a name", 100);
        let name = fields.required("name", name);
        let is_good = password
            .as_ref()
            .is_some_and(|text| password::check(fields, "password", text, email.as_ref()));
        let form = Self { email: email?, password: password?, name: name? };
        is_good.then_some(form)
    }
}

/// Opens an account.
pub async fn handle(
    app: &App,
    call: Call<Metered<Anyone>, Body<Register>>,
) -> Reply<Accepted<Mailed>> {
    let buckets = gate::registrations(app, &call.request);
    gate::pass(app, buckets, &call.standing, call.now).await?;
    let Body(form) = call.input;
    let hash = password::hash(form.password, app.ids.salt()).await?;
    let token = app.ids.token();
    let account = Account {
        id: CustomerId::from_ulid(app.ids.ulid(call.now)),
        email: form.email,
        name: form.name,
        password: hash,
        is_verified: false,
        created_at: call.now,
        version: 1,
    };
    let hash = token_hash(&token);
    let link = letter(app, &account.email, Letter::VerifyEmail { token }, call.now);
    for _ in 0..RACES_MAX {
        // Two reads and one transaction, whatever is found.
        let saved = match app.store.account_by_email(&account.email).await? {
            None => app.store.register(&account, &hash, &link).await?,
            Some(known) if !known.is_verified => {
                app.store.register_again(known.id, &account, &hash, &link).await?
            }
            Some(known) => {
                let told = letter(app, &known.email, Letter::AlreadyRegistered, call.now);
                app.store.issue_nothing(&hash, Some(&told), call.now).await?;
                Saved::Yes
            }
        };
        if saved == Saved::Yes {
            return Ok(MAILED);
        }
    }
    Err(Problem::unavailable())
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_flaw_and_every_unmet_rule_is_named() {
        let body = json!({"email": "no address", "password": "abc", "name": "", "admin": true});
        let codes = flaws_of::<Register>(&body);
        assert!(codes.contains(&("/email".to_owned(), "malformed")));
        assert!(codes.contains(&("/password".to_owned(), "password_too_short")));
        assert!(codes.contains(&("/password".to_owned(), "password_needs_digit")));
        assert!(codes.contains(&("/name".to_owned(), "malformed")));
        assert!(codes.contains(&("/admin".to_owned(), "unknown_field")));
    }

    #[test]
    fn a_good_form_is_read() {
        let body = json!({
            "email": "jane@example.org", "password": "a quiet river stone", "name": "Jane Roe",
        });
        assert_eq!(flaws_of::<Register>(&body), []);
    }
}
