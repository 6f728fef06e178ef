//! `PATCH /v1/store/me`: another name. Address and password have ways of their own.

use api::form::Parsed;
use api::{Body, Customer, Fields, Form, Problem, Reply};
use domain::address::{NAME_CHARS_MAX, PersonName};
use runtime::Call;

use crate::App;
use crate::session::CustomerView;

/// The name.
#[derive(Debug)]
pub struct Change {
    name: PersonName,
}

impl Form for Change {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = Parsed::by(|text| PersonName::parse(text).ok(), "a name", NAME_CHARS_MAX);
        let name = fields.required("name", name);
        Some(Self { name: name? })
    }
}

/// Changes the name.
pub async fn handle(app: &App, call: Call<Customer, Body<Change>>) -> Reply<CustomerView> {
    let account = app.store.rename(call.who.id, &call.input.0.name).await?;
    account.map(CustomerView::from).ok_or_else(Problem::unauthenticated)
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_but_the_name_is_changed_here() {
        let body = json!({"name": "Jane", "email": "joe@example.org", "email_verified": true});
        let flaws = flaws_of::<Change>(&body);
        let wanted = ["/email", "/email_verified"].map(|at| (at.to_owned(), "unknown_field"));
        assert_eq!(flaws, wanted);
        assert_eq!(flaws_of::<Change>(&json!({"name": " "})).len(), 1);
    }
}
