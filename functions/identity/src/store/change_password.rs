//! `POST /v1/auth/password/change`: another password for who knows the one before. All other
//! sessions end.

use api::form::Text;
use api::{Body, Customer, Fields, Form, NoContent, Problem, Reply};
use domain::audit::Actor;
use domain::event::Letter;
use runtime::Call;
use store::Saved;

use crate::letter::letter;
use crate::proof::prove;
use crate::{App, password};

/// The password before and the new one.
pub struct Change {
    current: String,
    new: String,
}

/// It holds passwords.
impl std::fmt::Debug for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Change(…)")
    }
}

impl Form for Change {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let current = fields.required("current_password", Text::between(1, 128));
        let new = fields.required("password", Text::between(0, 1000));
        let mut is_good =
            new.as_ref().is_some_and(|text| password::check(fields, "password", text, None));
        if new.is_some() && new == current {
            let detail = "Choose another password than the one you have.";
            fields.flaw("password", "password_unchanged", detail);
            is_good = false;
        }
        let form = Self { current: current?, new: new? };
        is_good.then_some(form)
    }
}

/// Changes the password.
pub async fn handle(app: &App, call: Call<Customer, Body<Change>>) -> Reply<NoContent> {
    let Body(Change { current, new }) = &call.input;
    let account = prove(app, &call, current).await?;
    password::fits_account(new, &account.email)?;
    let hash = password::hash(new.clone(), app.ids.salt()).await?;
    let actor = Actor::Customer(account.id);
    let object = Some(account.id.to_string());
    let events = [
        letter(app, &account.email, Letter::PasswordChanged, call.now),
        app.doors.audit(&call.request, actor, "password.change", object, Vec::new()),
    ];
    let keep = call.who.session;
    match app.store.change_password(&account, &hash, keep, call.now, &events).await? {
        Saved::Yes => {
            app.doors.forget_all();
            Ok(NoContent)
        }
        // The account has changed since the password was checked: check again.
        Saved::Raced => Err(Problem::unavailable()),
    }
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_new_password_meets_the_rules_and_is_another_one() {
        let body = json!({"current_password": "abc", "password": "abc"});
        let flaws = flaws_of::<Change>(&body);
        for code in ["password_too_short", "password_unchanged"] {
            assert!(flaws.contains(&("/password".to_owned(), code)), "{flaws:?}");
        }
        let body = json!({"current_password": "a quiet river", "password": "a quiet river stone"});
        assert_eq!(flaws_of::<Change>(&body), []);
    }

    #[test]
    fn both_are_needed() {
        let flaws = flaws_of::<Change>(&json!({}));
        let wanted = ["/current_password", "/password"].map(|at| (at.to_owned(), "required"));
        assert_eq!(flaws, wanted);
    }
}
