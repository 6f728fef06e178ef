//! `POST /v1/admin/inventory/locations`: another place where stock lies.

use api::form::{Integer, ListOf, Text, YesOrNo, country};
use api::reply::CreatedVersion;
use api::view::inventory::LocationView;
use api::{Body, Fields, Form, Problem, Reply, Staff};
use domain::id::LocationId;
use domain::location::{COUNTRIES_MAX, Draft, Location, NAME_CHARS_MAX, POSTAL_CODE_CHARS_MAX};
use domain::permission::grant;
use runtime::Call;
use serde_json::{Value, json};
use store::Saved;

use crate::App;
use crate::which::{ATTEMPTS_MAX, note, raced};

/// Where it is and whom it serves. What is left out: everywhere, priority 0, and it sells.
#[derive(Debug)]
pub struct NewLocation(Draft);

impl Form for NewLocation {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.required("name", Text::between(1, NAME_CHARS_MAX));
        let country_of = fields.required("country", country());
        let postal_code = fields.optional("postal_code", Text::between(0, POSTAL_CODE_CHARS_MAX));
        let priority = fields.optional("priority", Integer::between(0, 1000));
        let serves = fields.optional("serves", ListOf::up_to(COUNTRIES_MAX, country()));
        let is_active = fields.optional("is_active", YesOrNo);
        Some(Self(Draft {
            name: name?,
            country: Some(country_of?),
            postal_code: postal_code?.unwrap_or_default(),
            priority: u32::try_from(priority?.unwrap_or(0)).ok()?,
            serves: serves?.unwrap_or_default(),
            is_active: is_active?.unwrap_or(true),
        }))
    }
}

/// Opens a location.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::InventoryAdjust>, Body<NewLocation>>,
) -> Reply<CreatedVersion<LocationView>> {
    let Body(NewLocation(draft)) = &call.input;
    let id = LocationId::from_ulid(app.ids.ulid(call.now));
    for _ in 0..ATTEMPTS_MAX {
        let before = app.store.locations_now().await?;
        let after = before.open(id, draft.clone())?;
        let opened = after.get(id).ok_or_else(Problem::internal)?.clone();
        let told = told(&opened);
        let events = [note(app, &call, "location.create", id, (&Value::Null, &told))?];
        if app.store.save_locations(&before, &after, &events).await? == Saved::Yes {
            let version = opened.version;
            return Ok(CreatedVersion(opened.into(), version));
        }
    }
    Err(raced())
}

/// What the audit log learns of a location.
pub(crate) fn told(location: &Location) -> Value {
    json!({
        "name": location.name,
        "priority": location.priority,
        "is_active": location.is_active,
        "country": location.country,
        "serves": location.serves,
    })
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_location_has_a_name_and_a_country() {
        let body = json!({"name": "", "country": "Germany", "serves": ["DE", "XX"]});
        assert_eq!(
            flaws_of::<NewLocation>(&body),
            [
                ("/name".to_owned(), "too_short"),
                ("/country".to_owned(), "malformed"),
                ("/serves/1".to_owned(), "malformed"),
            ]
        );
    }
}
