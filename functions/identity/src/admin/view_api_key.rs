//! `GET /v1/admin/api_keys/{id}`: a key, with the version that revoking it wants.

use api::view::staff::ApiKeyView;
use api::{Path, Problem, Reply, Staff, Versioned};
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::staff::WhichKey;

/// Shows a key.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::StaffRead>, Path<WhichKey>>,
) -> Reply<Versioned<ApiKeyView>> {
    let key = app.store.api_key(call.input.0.id).await?.ok_or_else(Problem::not_found)?;
    let version = key.version;
    Ok(Versioned(ApiKeyView::of(key, call.now), version))
}
