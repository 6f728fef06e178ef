//! `GET /v1/admin/roles/{id}`: a role, with the version that a change of it wants.

use api::view::staff::RoleView;
use api::{Path, Problem, Reply, Staff, Versioned};
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::staff::WhichRole;

/// Shows a role.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::StaffRead>, Path<WhichRole>>,
) -> Reply<Versioned<RoleView>> {
    let role = app.store.role(call.input.0.id).await?.ok_or_else(Problem::not_found)?;
    let version = role.version;
    Ok(Versioned(role.into(), version))
}
