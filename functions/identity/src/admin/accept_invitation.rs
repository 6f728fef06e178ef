//! `POST /v1/auth/staff/invitations/accept`: a first password by a mailed link, good once and for
//! three days. Signing in follows, and with it the second factor.

use api::form::{Parsed, Text};
use api::seal::token_hash;
use api::{Anyone, Body, Fields, Form, Metered, NoContent, Reply};
use domain::address::PersonName;
use domain::audit::Actor;
use runtime::Call;
use store::staff::{MemberChange, Purpose};

use crate::password::new_password;
use crate::staff::{member_changes, note};
use crate::store::verify_email::invalid_token;
use crate::{App, gate, password};

/// The link's token, the password, and perhaps another name than the one they were invited with.
pub struct Accept {
    token: String,
    password: String,
    name: Option<PersonName>,
}

impl std::fmt::Debug for Accept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Accept(…)")
    }
}

impl Form for Accept {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let token = fields.required("token", Text::between(1, 200));
        let password = new_password(fields, "password");
        let name = fields.optional("name", person_name());
        Some(Self { token: token?, password: password?, name: name? })
    }
}

/// What somebody is called.
pub(crate) const fn person_name() -> Parsed<PersonName> {
    Parsed::by(|text| PersonName::parse(text).ok(), "a name", 100)
}

/// Accepts an invitation.
pub async fn handle(app: &App, call: Call<Metered<Anyone>, Body<Accept>>) -> Reply<NoContent> {
    let Body(Accept { token, password, name }) = &call.input;
    let hash = token_hash(token);
    let buckets = gate::mailed_tokens(app, &call.request);
    let passed = gate::pass(app, buckets, &call.standing, call.now).await?;
    let member = app.store.member_by_token(&hash, Purpose::Invitation, call.now).await?;
    let member = member.ok_or_else(invalid_token)?;
    gate::give_back(app, &passed).await;
    password::fits_account(password, &member.email)?;
    let chosen = password::hash(password.clone(), app.ids.salt()).await?;
    // Who was suspended meanwhile has a link that is good for nothing.
    let mut after = member.accept_invitation(chosen).map_err(|_| invalid_token())?;
    if let Some(name) = name {
        after.name = name.clone();
    }
    let (actor, changed) = (Actor::Staff(member.id), member_changes(Some(&member), &after));
    let events = [note(app, &call, actor, "staff.accept_invitation", member.id, changed)];
    let change = MemberChange {
        token: Some((&hash, Purpose::Invitation)),
        ..MemberChange::new(&member, &after, &events, call.now)
    };
    app.store.change_member(&change).await?.ok_or_else(invalid_token)?;
    Ok(NoContent)
}

#[cfg(test)]
mod tests {
    use api::form::{flaws_of, read_value};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_token_and_a_good_password_are_needed_and_neither_shows() {
        let flaws = flaws_of::<Accept>(&json!({"password": "short", "name": ""}));
        for flaw in [("/token", "required"), ("/name", "malformed")] {
            assert!(flaws.contains(&(flaw.0.to_owned(), flaw.1)), "{flaws:?}");
        }
        assert!(flaws.iter().any(|(pointer, _)| pointer == "/password"));
        let body = json!({"token": "abc", "password": "a quiet river stone"});
        let accept = read_value::<Accept>(&body, "", &mut Vec::new()).unwrap();
        assert_eq!(format!("{accept:?}"), "Accept(…)");
    }
}
