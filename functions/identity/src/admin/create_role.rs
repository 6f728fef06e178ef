//! `POST /v1/admin/roles`: a new role. Nobody makes one that may do more than they.

use api::form::{Text, permissions};
use api::reply::CreatedVersion;
use api::view::staff::RoleView;
use api::{Body, Fields, Form, Reply, Staff};
use domain::id::RoleId;
use domain::permission::{Permissions, grant};
use domain::staff::{ROLE_NAME_CHARS_MAX, Role};
use runtime::Call;

use crate::App;
use crate::staff::{Acting, note, raced, role_changes};

/// What the role is called, and what its members may do.
#[derive(Debug)]
pub struct RoleForm {
    pub(crate) name: String,
    pub(crate) permissions: Permissions,
}

impl Form for RoleForm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.required("name", Text::between(1, ROLE_NAME_CHARS_MAX));
        let permissions = fields.required("permissions", permissions());
        Some(Self { name: name?, permissions: Permissions::of(permissions?) })
    }
}

/// Makes a role.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::StaffManage>, Body<RoleForm>>,
) -> Reply<CreatedVersion<RoleView>> {
    let Body(RoleForm { name, permissions }) = &call.input;
    let acting = Acting::load(app, &call.who).await?;
    let id = RoleId::from_ulid(app.ids.ulid(call.now));
    let role = Role::new(id, name, permissions.clone(), acting.by())?;
    let changed = role_changes(None, Some(&role));
    let events = [note(app, &call, call.who.actor(), "role.create", id, changed)];
    let version = app.store.create_role(&role, &acting.member, &events).await?.ok_or_else(raced)?;
    Ok(CreatedVersion(role.into(), version))
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_permission_that_nobody_knows_is_named_by_its_place() {
        let body = json!({"name": "", "permissions": ["ships.sink", "orders.read"]});
        assert_eq!(
            flaws_of::<RoleForm>(&body),
            [
                ("/name".to_owned(), "too_short"),
                ("/permissions/0".to_owned(), "unknown_permission"),
            ]
        );
    }
}
