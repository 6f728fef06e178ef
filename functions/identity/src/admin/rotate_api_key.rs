//! `POST /v1/admin/api_keys/{id}/rotate`: another text for the same key. The one before is good for
//! a day, unless told otherwise, so that nothing stands still.

use api::form::Integer;
use api::reply::Secret;
use api::view::staff::{ApiKeyView, IssuedKeyView};
use api::{Body, Fields, Form, Path, Problem, Reply, Staff, Versioned};
use domain::api_key::{self, ROTATION_OVERLAP, Refusal};
use domain::permission::grant;
use jiff::SignedDuration;
use runtime::Call;

use super::create_api_key::issue;
use crate::App;
use crate::staff::{ATTEMPTS_MAX, Acting, WhichKey, key_changes, note, raced};

/// Hours of a week: who needs longer has forgotten where the key is.
const OVERLAP_HOURS_MAX: i64 = 7 * 24;

/// For how long both are good.
#[derive(Debug)]
pub struct Rotate {
    overlap: SignedDuration,
}

impl Form for Rotate {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let hours = fields.optional("overlap_hours", Integer::between(0, OVERLAP_HOURS_MAX));
        let overlap = hours?.map_or(ROTATION_OVERLAP, SignedDuration::from_hours);
        Some(Self { overlap })
    }
}

/// Rotates a key.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ApiKeysManage>, (Path<WhichKey>, Body<Rotate>)>,
) -> Reply<Secret<Versioned<IssuedKeyView>>> {
    let (Path(WhichKey { id }), Body(Rotate { overlap })) = &call.input;
    for _ in 0..ATTEMPTS_MAX {
        let acting = Acting::load(app, &call.who).await?;
        let key = app.store.api_key(*id).await?.ok_or_else(Problem::not_found)?;
        // Who gets the new text can do what the key can do.
        if !acting.role.permissions.covers(&key.scopes) {
            return Err(Refusal::Wider.into());
        }
        let text = issue(app, *id, key.is_live);
        let mut after = key.rotate(api_key::hash_of(&text), *overlap, call.now)?;
        let changed = key_changes(Some(&key), &after);
        let events = [note(app, &call, call.who.actor(), "api_key.rotate", id, changed)];
        let version = app.store.change_api_key(&key, &after, &acting.member, &events).await?;
        if let Some(version) = version {
            app.doors.forget_all();
            after.version = version;
            let view = IssuedKeyView { api_key: ApiKeyView::of(after, call.now), key: text };
            return Ok(Secret(Versioned(view, version)));
        }
    }
    Err(raced())
}

#[cfg(test)]
mod tests {
    use api::form::{flaws_of, read_value};
    use serde_json::json;

    use super::*;

    #[test]
    fn both_are_good_for_a_day_unless_told_otherwise() {
        let read = |body| read_value::<Rotate>(&body, "", &mut Vec::new()).unwrap().overlap;
        assert_eq!(read(json!({})), ROTATION_OVERLAP);
        assert_eq!(read(json!({"overlap_hours": 0})), SignedDuration::ZERO);
        assert_eq!(flaws_of::<Rotate>(&json!({"overlap_hours": 169})).len(), 1);
    }
}
