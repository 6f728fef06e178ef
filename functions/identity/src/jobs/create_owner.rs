//! Invoked once by the deployment, by hand: the first owner, who invites everybody else.
//!
//! Nothing over HTTP leads here. Where there is an owner it fails and changes nothing: whoever may
//! deploy can not make themselves a second one without anybody's notice.

use domain::address::{Email, PersonName};
use domain::audit::{Actor, Entry};
use domain::event::{Event, Fact, Letter};
use domain::fault::{Fault, Retry};
use domain::id::{AuditId, EventId, RoleId, StaffId};
use domain::staff::{Member, Role, Status};
use jiff::Timestamp;
use runtime::Errand;
use serde::Deserialize;
use store::Saved;
use store::staff::{NewToken, Purpose};

use crate::App;
use crate::letter::letter;
use crate::staff::member_changes;

/// Who is to own the shop.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    email: String,
    name: String,
}

/// It holds a name and an address.
impl std::fmt::Debug for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Owner(…)")
    }
}

/// Writes the owner's role, the owner, and the letter that invites them.
pub async fn handle(app: &App, errand: Errand<Owner>) -> Result<(), Fault> {
    let Errand { input: Owner { email, name }, now } = errand;
    let wrong = |what: &str| Fault::noticed(format!("read the owner's {what}"), Retry::Useless);
    let email = Email::parse(&email).map_err(|_| wrong("address"))?;
    let name = PersonName::parse(&name).map_err(|_| wrong("name"))?;
    let role = Role::owner(RoleId::from_ulid(app.ids.ulid(now)));
    let member = Member {
        id: StaffId::from_ulid(app.ids.ulid(now)),
        email,
        name,
        password: None,
        status: Status::Invited,
        role: role.id,
        second_factor: None,
        created_at: now,
        version: 0,
    };
    let token = app.ids.token();
    let link = Letter::StaffInvitation { token: token.clone() };
    let events = [noted(app, &member, now), letter(app, &member.email, link, now)];
    let hash = api::seal::token_hash(&token);
    let token = NewToken { hash: &hash, purpose: Purpose::Invitation, now };
    match app.store.create_owner(&role, &member, token, &events).await? {
        Saved::Yes => Ok(()),
        Saved::Raced => Err(Fault::noticed("create an owner where there is one", Retry::Useless)),
    }
}

fn noted(app: &App, member: &Member, now: Timestamp) -> Event {
    let ulid = app.ids.ulid(now);
    let entry = Entry {
        id: AuditId::from_ulid(ulid),
        at: now,
        actor: Actor::System,
        action: "staff.create_owner".to_owned(),
        object: Some(member.id.to_string()),
        network: None,
        request_id: None,
        changes: member_changes(None, member),
    };
    Event { id: EventId::from_ulid(ulid), at: now, sequence: 1, fact: Fact::AuditNoted { entry } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_has_an_address_and_a_name_and_nothing_else() {
        let read = |text: &str| serde_json::from_str::<Owner>(text);
        let owner = read(r#"{"email": "a@example.com", "name": "Ada"}"#).unwrap();
        assert_eq!(format!("{owner:?}"), "Owner(…)");
        assert!(read(r#"{"email": "a@example.com"}"#).is_err());
        assert!(read(r#"{"email": "a@example.com", "name": "Ada", "role": "x"}"#).is_err());
    }
}
