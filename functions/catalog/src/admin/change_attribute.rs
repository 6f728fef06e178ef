//! `PATCH /v1/admin/attributes/{slug}`: another name for people, other choices. What products have
//! stays; a value that is no choice any more is refused when its product is changed.

use api::input::no_match;
use api::view::catalog::DefinitionView;
use api::{Body, Fields, Flaw, Form, IfMatch, Path, Problem, Reply, Staff, Versioned};
use domain::catalog::attribute::{Definition, Kind};
use domain::permission::grant;
use runtime::Call;
use store::Saved;

use super::create_attribute::choices;
use crate::App;
use crate::change::note;
use crate::form::{WhichSlug, title};
use crate::shelf::attribute_changes;

/// What is to be changed.
#[derive(Debug)]
pub struct Change {
    title: Option<String>,
    choices: Option<Vec<String>>,
}

impl Form for Change {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let title = fields.optional("title", title());
        let choices = fields.optional("choices", choices());
        Some(Self { title: title?, choices: choices? })
    }
}

/// Which attribute, as it was seen, and the change.
type Given = (Path<WhichSlug>, (IfMatch, Body<Change>));

/// Changes an attribute.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ProductsWrite>, Given>,
) -> Reply<Versioned<DefinitionView>> {
    let (Path(WhichSlug { slug }), (seen, Body(form))) = &call.input;
    let attributes = app.store.shelves().await?.attributes;
    let before = attributes.iter().find(|one| one.code == *slug).ok_or_else(Problem::not_found)?;
    seen.check(before.version)?;
    let mut after = before.clone();
    after.title = form.title.clone().unwrap_or(after.title);
    if let Some(choices) = &form.choices {
        after.kind = match after.kind {
            Kind::Choice { .. } if !choices.is_empty() => Kind::Choice { choices: choices.clone() },
            Kind::Choice { .. } | Kind::Text | Kind::Number | Kind::Boolean => {
                let detail = "Only a choice has choices, and it has at least one.";
                return Err(Problem::invalid(vec![Flaw::new("/choices", "not_allowed", detail)]));
            }
        };
    }
    let changed = attribute_changes(Some(before), Some(&after));
    let events = [note(app, &call, "attribute.change", slug, changed)];
    match app.store.save_attribute(Some(before), &after, &events).await? {
        Saved::Yes => {
            let version = before.version + 1;
            Ok(Versioned(Definition { version, ..after }.into(), version))
        }
        Saved::Raced => Err(no_match()),
    }
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn code_and_type_stay() {
        assert_eq!(flaws_of::<Change>(&json!({"choices": ["wool"]})), []);
        let flaws = flaws_of::<Change>(&json!({"type": "text"}));
        assert_eq!(flaws, [("/type".to_owned(), "unknown_field")]);
    }
}
