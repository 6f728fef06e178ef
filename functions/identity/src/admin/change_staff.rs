//! `PATCH /v1/admin/staff/{id}`: another role for a colleague. Their sessions go on, and do what
//! the new role may do within a minute.

use api::form::role_id;
use api::input::no_match;
use api::view::staff::MemberView;
use api::{Body, Fields, Flaw, Form, IfMatch, Path, Problem, Reply, Staff, Versioned};
use domain::id::RoleId;
use domain::permission::grant;
use domain::staff::Role;
use runtime::Call;
use store::staff::MemberChange;

use crate::App;
use crate::staff::{Acting, WhichMember, colleague, member_changes, note};

/// Which role.
#[derive(Debug)]
pub struct Change {
    role_id: RoleId,
}

impl Form for Change {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let role_id = fields.required("role_id", role_id());
        Some(Self { role_id: role_id? })
    }
}

/// Which member, as they were seen, and the change.
type Given = (Path<WhichMember>, (IfMatch, Body<Change>));

/// Gives another role.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::StaffManage>, Given>,
) -> Reply<Versioned<MemberView>> {
    let (Path(WhichMember { id }), (seen, Body(Change { role_id }))) = &call.input;
    let acting = Acting::load(app, &call.who).await?;
    let (member, role) = colleague(app, *id).await?;
    seen.check(member.version)?;
    let to = named_role(app, *role_id).await?;
    let after = member.change_role(&role, &to, acting.by())?;
    let changed = member_changes(Some(&member), &after);
    let events = [note(app, &call, call.who.actor(), "staff.change_role", id, changed)];
    let change = MemberChange {
        acting: Some(&acting.member),
        role: Some(&to),
        ..MemberChange::new(&member, &after, &events, call.now)
    };
    let member = app.store.change_member(&change).await?.ok_or_else(no_match)?;
    app.doors.forget_all();
    let version = member.version;
    Ok(Versioned(member.into(), version))
}

/// The role that a body names; one that there is not is a flaw of it.
pub(crate) async fn named_role(app: &App, id: RoleId) -> Reply<Role> {
    let unknown = || {
        let flaw = Flaw::new("/role_id", "unknown_role", "There is no such role.");
        Problem::invalid(vec![flaw])
    };
    app.store.role(id).await?.ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_role_is_needed_and_nothing_else_can_be_changed() {
        let flaws = flaws_of::<Change>(&json!({"status": "active"}));
        assert!(flaws.contains(&("/role_id".to_owned(), "required")));
        assert!(flaws.contains(&("/status".to_owned(), "unknown_field")));
    }
}
