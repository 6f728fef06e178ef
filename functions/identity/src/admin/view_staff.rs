//! `GET /v1/admin/staff/{id}`: a member, with the version that a change of them wants.

use api::view::staff::MemberView;
use api::{Path, Problem, Reply, Staff, Versioned};
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::staff::WhichMember;

/// Shows a member.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::StaffRead>, Path<WhichMember>>,
) -> Reply<Versioned<MemberView>> {
    let member = app.store.member(call.input.0.id).await?.ok_or_else(Problem::not_found)?;
    let version = member.version;
    Ok(Versioned(member.into(), version))
}
