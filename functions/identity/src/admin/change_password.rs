//! `POST /v1/auth/staff/password/change`: another password by the present one. All other sessions
//! end.

use api::form::Text;
use api::{Body, Fields, Form, Member, NoContent, Problem, Reply};
use domain::audit::Actor;
use domain::event::Letter;
use domain::staff::Member as StaffMember;
use runtime::Call;
use store::staff::{MemberChange, Sessions};

use crate::letter::letter;
use crate::password::new_password;
use crate::staff::{member_changes, note, proofs, raced};
use crate::store::login::invalid_credentials;
use crate::{App, gate, password};

/// The password as it is, and as it is to be.
pub struct Change {
    current_password: String,
    password: String,
}

impl std::fmt::Debug for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Change(…)")
    }
}

impl Form for Change {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let current_password = fields.required("current_password", Text::between(1, 128));
        let password = new_password(fields, "password");
        Some(Self { current_password: current_password?, password: password? })
    }
}

/// Replaces the password.
pub async fn handle(app: &App, call: Call<Member, Body<Change>>) -> Reply<NoContent> {
    let Body(Change { current_password, password }) = &call.input;
    let (id, session) = (call.who.id, call.who.session.id);
    let bucket = proofs(app, id);
    let passed = gate::pass(app, vec![bucket], &call.standing, call.now).await?;
    let member = app.store.member(id).await?.ok_or_else(Problem::session_revoked)?;
    password::fits_account(password, &member.email)?;
    let present = member.password.clone();
    if !password::is_password(current_password.clone(), present).await? {
        return Err(invalid_credentials());
    }
    gate::give_back(app, &passed).await;
    let chosen = password::hash(password.clone(), app.ids.salt()).await?;
    let after = StaffMember { password: Some(chosen), ..member.clone() };
    let changed = member_changes(Some(&member), &after);
    let events = [
        note(app, &call, Actor::Staff(id), "staff.change_password", id, changed),
        letter(app, &member.email, Letter::PasswordChanged, call.now),
    ];
    let change = MemberChange {
        sessions: Sessions::End(Some(session)),
        ..MemberChange::new(&member, &after, &events, call.now)
    };
    app.store.change_member(&change).await?.ok_or_else(raced)?;
    app.doors.forget_all();
    Ok(NoContent)
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn both_passwords_are_needed() {
        let pointers: Vec<_> =
            flaws_of::<Change>(&json!({})).into_iter().map(|(pointer, _)| pointer).collect();
        assert_eq!(pointers, ["/current_password", "/password"]);
    }
}
