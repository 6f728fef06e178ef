//! `POST /v1/admin/api_keys`: a key for a machine. Its text is shown this once; what is kept of it
//! is a hash.

use api::form::{Text, permissions, time};
use api::reply::{CreatedVersion, Secret};
use api::view::staff::{ApiKeyView, IssuedKeyView};
use api::{Body, Fields, Form, Reply, Staff};
use domain::api_key::{self, ApiKey, NAME_CHARS_MAX, Wanted};
use domain::id::KeyId;
use domain::permission::{Permissions, grant};
use jiff::Timestamp;
use runtime::Call;

use crate::App;
use crate::staff::{Acting, key_changes, note, raced};

/// What the key is for.
#[derive(Debug)]
pub struct KeyForm {
    name: String,
    scopes: Permissions,
    expires_at: Option<Timestamp>,
}

impl Form for KeyForm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.required("name", Text::between(1, NAME_CHARS_MAX));
        let scopes = fields.required("scopes", permissions());
        let expires_at = fields.optional("expires_at", time());
        Some(Self { name: name?, scopes: Permissions::of(scopes?), expires_at: expires_at? })
    }
}

/// Makes a key.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ApiKeysManage>, Body<KeyForm>>,
) -> Reply<Secret<CreatedVersion<IssuedKeyView>>> {
    let Body(KeyForm { name, scopes, expires_at }) = &call.input;
    let acting = Acting::load(app, &call.who).await?;
    let id = KeyId::from_ulid(app.ids.ulid(call.now));
    let is_live = app.doors.is_live();
    let text = issue(app, id, is_live);
    let wanted =
        Wanted { name: name.clone(), scopes: scopes.clone(), expires_at: *expires_at, is_live };
    let own = &acting.role.permissions;
    let hash = api_key::hash_of(&text);
    let key = ApiKey::new(id, wanted, acting.member.id, own, hash, call.now)?;
    let changed = key_changes(None, &key);
    let events = [note(app, &call, call.who.actor(), "api_key.create", id, changed)];
    let version = app.store.create_api_key(&key, &acting.member, &events).await?;
    let version = version.ok_or_else(raced)?;
    let view = IssuedKeyView { api_key: ApiKeyView::of(key, call.now), key: text };
    Ok(Secret(CreatedVersion(view, version)))
}

/// A key's text, of 256 random bits.
pub(crate) fn issue(app: &App, id: KeyId, is_live: bool) -> String {
    api_key::issue(id, is_live, &app.ids.seed())
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_flaw_is_named() {
        let body = json!({"name": "", "scopes": ["x"], "expires_at": "tomorrow"});
        let pointers: Vec<_> =
            flaws_of::<KeyForm>(&body).into_iter().map(|(pointer, _)| pointer).collect();
        assert_eq!(pointers, ["/name", "/scopes/0", "/expires_at"]);
    }
}
