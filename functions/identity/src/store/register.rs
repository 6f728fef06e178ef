//! `POST /v1/auth/register`: 202 whether or not the address is known.
//!
//! A new address gets an account and a letter with a link; a known one gets a letter that says so.
//! Both paths hash a password, so neither is told from the other by its time.

use api::form::{Parsed, Text, email};
use api::reply::{Accepted, View};
use api::seal::token_hash;
use api::{Anyone, Body, Fields, Form, Problem, Reply};
use domain::account::Account;
use domain::address::{Email, PersonName};
use domain::event::{Event, Fact, Letter, Message};
use domain::id::{CustomerId, EventId, MessageId};
use domain::password::unmet;
use jiff::Timestamp;
use runtime::Call;
use serde::Serialize;
use store::Saved;

use crate::{App, password};

/// The shop's name, which no password may contain.
pub(crate) const SHOP_NAME: &str = "Fluxion";

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
        let mut is_good = true;
        if let Some(password) = &password {
            for rule in unmet(password, email.as_ref(), SHOP_NAME) {
                fields.flaw("password", rule.code(), rule.rule());
                is_good = false;
            }
        }
        let form = Self { email: email?, password: password?, name: name? };
        is_good.then_some(form)
    }
}

/// What is answered to everybody.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct Registered {
    /// Always `check_your_email`.
    status: &'static str,
}

impl View for Registered {}

/// Opens an account.
pub async fn handle(app: &App, call: Call<Anyone, Body<Register>>) -> Reply<Accepted<Registered>> {
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
    let link = Letter::VerifyEmail { token: token.clone() };
    let letter = letter(app, &account.email, link, call.now);
    let done = Ok(Accepted(Registered { status: "check_your_email" }));
    if app.store.register(&account, &token_hash(&token), &letter).await? == Saved::Yes {
        return done;
    }
    // The address is taken: whoever waits for a link gets another, everybody else a letter.
    match app.store.account_by_email(&account.email).await? {
        Some(known) if !known.is_verified => {
            app.store.verify_again(known.id, &token_hash(&token), &letter).await?;
        }
        Some(known) => {
            let known = self::letter(app, &known.email, Letter::AlreadyRegistered, call.now);
            app.store.say(&known).await?;
        }
        None => return Err(Problem::unavailable()),
    }
    done
}

fn letter(app: &App, to: &Email, letter: Letter, now: Timestamp) -> Event {
    let ulid = app.ids.ulid(now);
    let message = Message { id: MessageId::from_ulid(ulid), to: to.clone(), letter };
    let fact = Fact::MessageRequested { message };
    Event { id: EventId::from_ulid(ulid), at: now, sequence: 1, fact }
}

#[cfg(test)]
mod tests {
    use api::Flaw;
    use serde_json::json;

    use super::*;

    fn flaws(body: &serde_json::Value) -> Vec<Flaw> {
        let mut flaws = Vec::new();
        let form: Option<Register> = api::form::read_value(body, "", &mut flaws);
        assert_eq!(form.is_none(), !flaws.is_empty());
        flaws
    }

    #[test]
    fn every_flaw_and_every_unmet_rule_is_named() {
        let body = json!({"email": "no address", "password": "abc", "name": "", "admin": true});
        let codes: Vec<_> =
            flaws(&body).into_iter().map(|flaw| (flaw.pointer, flaw.code)).collect();
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
        assert_eq!(flaws(&body), []);
    }
}
