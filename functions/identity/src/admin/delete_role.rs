//! `DELETE /v1/admin/roles/{id}`: a role that nobody has goes.

use api::input::no_match;
use api::{IfMatch, NoContent, Path, Problem, Reply, Staff};
use domain::permission::grant;
use runtime::Call;
use store::staff::Deleted;

use crate::App;
use crate::staff::{Acting, WhichRole, note, role_changes};

/// Deletes a role.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::StaffManage>, (Path<WhichRole>, IfMatch)>,
) -> Reply<NoContent> {
    let (Path(WhichRole { id }), seen) = &call.input;
    let acting = Acting::load(app, &call.who).await?;
    let role = app.store.role(*id).await?.ok_or_else(Problem::not_found)?;
    seen.check(role.version)?;
    role.may_be_deleted(acting.role.id, acting.by())?;
    let changed = role_changes(Some(&role), None);
    let events = [note(app, &call, call.who.actor(), "role.delete", id, changed)];
    match app.store.delete_role(&role, &acting.member, &events).await? {
        Deleted::Yes => Ok(NoContent),
        Deleted::InUse => {
            let detail = "Somebody has this role. Give them another one first.";
            Err(Problem::conflict("role_in_use", detail))
        }
        Deleted::Raced => Err(no_match()),
    }
}
