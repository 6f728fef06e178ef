//! `PUT /v1/admin/search/synonyms`: other synonyms in place of all there were. They count a few
//! seconds later.

use api::form::{ListOf, Text};
use api::input::no_match;
use api::view::search::SynonymsView;
use api::{Body, Fields, Form, IfMatch, Reply, Staff, Versioned};
use domain::audit::changes;
use domain::permission::grant;
use domain::synonym::{GROUPS_MAX, PHRASE_CHARS_MAX, PHRASES_MAX};
use runtime::Call;
use serde_json::json;
use store::Saved;

use crate::App;

/// The groups.
#[derive(Debug)]
pub struct Groups {
    groups: Vec<Vec<String>>,
}

impl Form for Groups {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let phrases = ListOf::up_to(PHRASES_MAX, Text::between(1, PHRASE_CHARS_MAX));
        let groups = fields.required("groups", ListOf::up_to(GROUPS_MAX, phrases));
        Some(Self { groups: groups? })
    }
}

/// Writes the synonyms.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::SettingsWrite>, (IfMatch, Body<Groups>)>,
) -> Reply<Versioned<SynonymsView>> {
    let (seen, Body(Groups { groups })) = &call.input;
    let before = app.store.synonyms().await?;
    seen.check(before.version)?;
    let after = before.change(groups)?;
    let told = |groups: usize| json!({"count": groups});
    let changed = changes(&told(before.groups.len()), &told(after.groups.len()));
    let actor = call.who.actor();
    let note = app.doors.audit(&call.request, actor, "search.set_synonyms", None, changed);
    match app.store.save_synonyms(&after, &[note]).await? {
        Saved::Yes => {}
        Saved::Raced => return Err(no_match()),
    }
    let version = after.version;
    Ok(Versioned(after.into(), version))
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;

    use super::*;

    #[test]
    fn groups_are_lists_of_short_phrases() {
        assert_eq!(flaws_of::<Groups>(&json!({"groups": [["tee", "t-shirt"], []]})), []);
        let long = "x".repeat(PHRASE_CHARS_MAX + 1);
        let flaws = flaws_of::<Groups>(&json!({"groups": [["", long, 3]]}));
        let codes: Vec<_> = flaws.iter().map(|(_, code)| *code).collect();
        assert_eq!(codes, ["too_short", "too_long", "wrong_type"]);
        assert_eq!(flaws_of::<Groups>(&json!({})), [("/groups".to_owned(), "required")]);
    }
}
