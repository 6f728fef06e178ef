//! `DELETE /v1/admin/api_keys/{id}`: ends a key, for good. It stays in the list.
//!
//! Anybody who may manage keys may end one, whatever it may do: a leaked key can not wait.

use api::input::no_match;
use api::{IfMatch, NoContent, Path, Problem, Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::staff::{Acting, WhichKey, key_changes, note};

/// Revokes a key.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ApiKeysManage>, (Path<WhichKey>, IfMatch)>,
) -> Reply<NoContent> {
    let (Path(WhichKey { id }), seen) = &call.input;
    let acting = Acting::load(app, &call.who).await?;
    let key = app.store.api_key(*id).await?.ok_or_else(Problem::not_found)?;
    seen.check(key.version)?;
    let after = key.revoke(call.now);
    let changed = key_changes(Some(&key), &after);
    let events = [note(app, &call, call.who.actor(), "api_key.revoke", id, changed)];
    let version = app.store.change_api_key(&key, &after, &acting.member, &events).await?;
    version.ok_or_else(no_match)?;
    app.doors.forget_all();
    Ok(NoContent)
}
