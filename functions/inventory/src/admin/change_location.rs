//! `PATCH /v1/admin/inventory/locations/{id}`: another name, another reach, or nothing is sold from
//! it any more. A location is never deleted: its movements name it.

use api::form::{Integer, ListOf, Text, YesOrNo, country};
use api::input::no_match;
use api::view::inventory::LocationView;
use api::{Body, Fields, Form, IfMatch, Path, Problem, Reply, Staff, Versioned};
use domain::address::Country;
use domain::location::{COUNTRIES_MAX, Draft, NAME_CHARS_MAX, POSTAL_CODE_CHARS_MAX};
use domain::permission::grant;
use runtime::Call;
use store::Saved;

use super::create_location::told;
use crate::App;
use crate::which::{ATTEMPTS_MAX, WhichLocation, note};

/// What is to be changed; what is left out stays.
#[derive(Debug)]
pub struct Change {
    name: Option<String>,
    country: Option<Country>,
    postal_code: Option<String>,
    priority: Option<u32>,
    serves: Option<Vec<Country>>,
    is_active: Option<bool>,
}

impl Form for Change {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.optional("name", Text::between(1, NAME_CHARS_MAX));
        let country_of = fields.optional("country", country());
        let postal_code = fields.optional("postal_code", Text::between(0, POSTAL_CODE_CHARS_MAX));
        let priority = fields.optional("priority", Integer::between(0, 1000));
        let serves = fields.optional("serves", ListOf::up_to(COUNTRIES_MAX, country()));
        let is_active = fields.optional("is_active", YesOrNo);
        Some(Self {
            name: name?,
            country: country_of?,
            postal_code: postal_code?,
            priority: priority?.and_then(|number| u32::try_from(number).ok()),
            serves: serves?,
            is_active: is_active?,
        })
    }
}

/// Which location, as it was seen, and the change.
type Given = (Path<WhichLocation>, (IfMatch, Body<Change>));

/// Changes a location.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::InventoryAdjust>, Given>,
) -> Reply<Versioned<LocationView>> {
    let (Path(WhichLocation { id }), (seen, Body(change))) = &call.input;
    for _ in 0..ATTEMPTS_MAX {
        let before = app.store.locations_now().await?;
        let known = before.get(*id).ok_or_else(Problem::not_found)?;
        // Another location that changed meanwhile is in nobody's way: this one must be as seen.
        seen.check(known.version)?;
        let draft = Draft {
            name: change.name.clone().unwrap_or_else(|| known.name.clone()),
            country: change.country.or(known.country),
            postal_code: change.postal_code.clone().unwrap_or_else(|| known.postal_code.clone()),
            priority: change.priority.unwrap_or(known.priority),
            serves: change.serves.clone().unwrap_or_else(|| known.serves.clone()),
            is_active: change.is_active.unwrap_or(known.is_active),
        };
        let after = before.change(*id, draft)?;
        let changed = after.get(*id).ok_or_else(Problem::internal)?.clone();
        let events = [note(app, &call, "location.change", id, (&told(known), &told(&changed)))?];
        if app.store.save_locations(&before, &after, &events).await? == Saved::Yes {
            let version = changed.version;
            return Ok(Versioned(changed.into(), version));
        }
    }
    Err(no_match())
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_left_out_stays() {
        assert_eq!(flaws_of::<Change>(&json!({})), []);
        let body = json!({"priority": -1, "is_active": "no"});
        assert_eq!(flaws_of::<Change>(&body).len(), 2);
    }
}
