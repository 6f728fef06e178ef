//! `POST /v1/admin/suppressions`: an address is not written to any more, but for letters about the
//! security of its account. One that is on the list already stays there as it is.

use api::form::email;
use api::reply::Created;
use api::view::letter::SuppressionView;
use api::{Body, Fields, Form, Reply, Staff};
use domain::address::Email;
use domain::message::{Cause, Suppression, masked};
use domain::permission::grant;
use runtime::Call;
use store::Saved;

use crate::{App, address};

/// Which address.
#[derive(Debug)]
pub struct Address {
    email: Email,
}

impl Form for Address {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let email = fields.required("email", email());
        Some(Self { email: email? })
    }
}

/// Puts the address on the list.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::NotificationsWrite>, Body<Address>>,
) -> Reply<Created<SuppressionView>> {
    let Body(Address { email }) = &call.input;
    let names = address::names(&call.guard.sealer, email);
    if let Some(there) = app.store.suppression(&names.all).await? {
        return Ok(Created(there.into()));
    }
    let suppression = Suppression {
        id: names.current,
        to: masked(email),
        cause: Cause::Staff,
        message: None,
        created_at: call.now,
    };
    let note = app.note(&call, "suppression.add", suppression.id.clone());
    match app.store.suppress(&suppression, &[note]).await? {
        Saved::Yes => Ok(Created(suppression.into())),
        // Somebody else put it there a moment ago: theirs is shown.
        Saved::Raced => {
            let there = app.store.suppression(&names.all).await?;
            Ok(Created(there.unwrap_or(suppression).into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_address_is_one() {
        assert_eq!(flaws_of::<Address>(&json!({"email": "jane@example.org"})), []);
        let flaws = flaws_of::<Address>(&json!({"email": "jane"}));
        assert_eq!(flaws, [("/email".to_owned(), "malformed")]);
    }
}
