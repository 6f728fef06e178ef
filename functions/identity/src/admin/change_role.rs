//! `PATCH /v1/admin/roles/{id}`: another name, other permissions, or both. Who has the role may do
//! what it says within a minute.

use api::form::{Text, permissions};
use api::input::no_match;
use api::view::staff::RoleView;
use api::{Body, Fields, Form, IfMatch, Path, Problem, Reply, Staff, Versioned};
use domain::permission::{Permissions, grant};
use domain::staff::ROLE_NAME_CHARS_MAX;
use runtime::Call;

use crate::App;
use crate::staff::{Acting, WhichRole, note, role_changes};

/// What is to be changed.
#[derive(Debug)]
pub struct Change {
    name: Option<String>,
    permissions: Option<Permissions>,
}

impl Form for Change {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.optional("name", Text::between(1, ROLE_NAME_CHARS_MAX));
        let permissions = fields.optional("permissions", permissions());
        Some(Self { name: name?, permissions: permissions?.map(Permissions::of) })
    }
}

/// Which role, as it was seen, and the change.
type Given = (Path<WhichRole>, (IfMatch, Body<Change>));

/// Changes a role.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::StaffManage>, Given>,
) -> Reply<Versioned<RoleView>> {
    let (Path(WhichRole { id }), (seen, Body(Change { name, permissions }))) = &call.input;
    let acting = Acting::load(app, &call.who).await?;
    let role = app.store.role(*id).await?.ok_or_else(Problem::not_found)?;
    seen.check(role.version)?;
    let name = name.as_ref().unwrap_or(&role.name);
    let permissions = permissions.clone().unwrap_or_else(|| role.permissions.clone());
    let after = role.change(name, permissions, acting.role.id, acting.by())?;
    let changed = role_changes(Some(&role), Some(&after));
    let events = [note(app, &call, call.who.actor(), "role.change", id, changed)];
    let version = app.store.change_role(&role, &after, &acting.member, &events).await?;
    let version = version.ok_or_else(no_match)?;
    app.doors.forget_all();
    Ok(Versioned(after.into(), version))
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_left_out_stays() {
        assert_eq!(flaws_of::<Change>(&json!({})), []);
        assert_eq!(flaws_of::<Change>(&json!({"permissions": ["x"]})).len(), 1);
    }
}
