//! `GET /v1/admin/permissions`: all that somebody can be allowed, with what it means.

use api::cursor::List;
use api::view::staff::PermissionView;
use api::{Reply, Staff};
use domain::permission::{Permission, grant};
use runtime::Call;

use crate::App;

/// Lists the permissions.
#[allow(clippy::unused_async, reason = "an endpoint is asynchronous")]
pub async fn handle(_: &App, _: Call<Staff<grant::StaffRead>>) -> Reply<List<PermissionView>> {
    let data = Permission::ALL.iter().copied().map(PermissionView::from).collect();
    Ok(List { data, next_cursor: None })
}
