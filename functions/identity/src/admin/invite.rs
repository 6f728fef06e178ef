//! `POST /v1/admin/invitations`: writes to somebody who is to work here.
//!
//! Who was invited before and never came gets another letter, and the role of this one. Nobody
//! invites into a role that may do more than they.

use api::form::{email, role_id};
use api::reply::CreatedVersion;
use api::seal::token_hash;
use api::view::staff::MemberView;
use api::{Body, Fields, Form, Problem, Reply, Staff};
use domain::address::{Email, PersonName};
use domain::event::{Event, Letter};
use domain::id::{RoleId, StaffId};
use domain::permission::grant;
use domain::staff::{Member, Role, Status};
use runtime::Call;
use store::staff::{Invited, MemberChange, NewToken, Purpose};

use super::accept_invitation::person_name;
use super::change_staff::named_role;
use crate::App;
use crate::letter::letter;
use crate::staff::{ATTEMPTS_MAX, Acting, member_changes, note, raced};

/// Who is to be what.
pub struct Invite {
    email: Email,
    name: PersonName,
    role_id: RoleId,
}

/// It holds a name and an address.
impl std::fmt::Debug for Invite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Invite(…)")
    }
}

impl Form for Invite {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let email = fields.required("email", email());
        let name = fields.required("name", person_name());
        let role_id = fields.required("role_id", role_id());
        Some(Self { email: email?, name: name?, role_id: role_id? })
    }
}

type Caller = Call<Staff<grant::StaffManage>, Body<Invite>>;

/// Invites somebody.
pub async fn handle(app: &App, call: Caller) -> Reply<CreatedVersion<MemberView>> {
    let Body(Invite { email, role_id, .. }) = &call.input;
    for _ in 0..ATTEMPTS_MAX {
        let acting = Acting::load(app, &call.who).await?;
        let role = named_role(app, *role_id).await?;
        let member = match app.store.member_by_email(email).await? {
            Some(known) if known.status == Status::Invited => {
                again(app, &call, &acting, &known, &role).await?
            }
            Some(_) => return Err(address_taken()),
            None => first(app, &call, &acting, &role).await?,
        };
        if let Some(member) = member {
            let version = member.version;
            return Ok(CreatedVersion(member.into(), version));
        }
    }
    Err(raced())
}

/// Somebody new.
async fn first(app: &App, call: &Caller, acting: &Acting, role: &Role) -> Reply<Option<Member>> {
    let Body(Invite { email, name, .. }) = &call.input;
    let id = StaffId::from_ulid(app.ids.ulid(call.now));
    let (email, name) = (email.clone(), name.clone());
    let member = Member::invite(id, email, name, role, acting.by(), call.now)?;
    let (token, events) = said(app, call, None, &member);
    let token = NewToken { hash: &token_hash(&token), purpose: Purpose::Invitation, now: call.now };
    match app.store.invite(&member, role, &acting.member, token, &events).await? {
        Invited::Yes(member) => Ok(Some(*member)),
        Invited::AddressTaken | Invited::Raced => Ok(None),
    }
}

/// Somebody who was invited before.
async fn again(
    app: &App,
    call: &Caller,
    acting: &Acting,
    known: &Member,
    role: &Role,
) -> Reply<Option<Member>> {
    let before = app.store.role(known.role).await?.ok_or_else(Problem::internal)?;
    let changed = known.change_role(&before, role, acting.by())?;
    let after = Member { name: call.input.0.name.clone(), ..changed };
    let (token, events) = said(app, call, Some(known), &after);
    let hash = token_hash(&token);
    let token = NewToken { hash: &hash, purpose: Purpose::Invitation, now: call.now };
    let change = MemberChange {
        acting: Some(&acting.member),
        role: Some(role),
        new_token: Some(token),
        ..MemberChange::new(known, &after, &events, call.now)
    };
    Ok(app.store.change_member(&change).await?)
}

/// The link's token, and what is said.
fn said(app: &App, call: &Caller, before: Option<&Member>, after: &Member) -> (String, [Event; 2]) {
    let token = app.ids.token();
    let changed = member_changes(before, after);
    let link = Letter::StaffInvitation { token: token.clone() };
    let events = [
        note(app, call, call.who.actor(), "staff.invite", after.id, changed),
        letter(app, &after.email, link, call.now),
    ];
    (token, events)
}

fn address_taken() -> Problem {
    Problem::conflict("address_taken", "Somebody of this address works here already.")
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_flaw_is_named() {
        let flaws = flaws_of::<Invite>(&json!({"email": "x", "role_id": "rol_1"}));
        let pointers: Vec<_> = flaws.into_iter().map(|(pointer, _)| pointer).collect();
        assert_eq!(pointers, ["/email", "/name", "/role_id"]);
    }
}
