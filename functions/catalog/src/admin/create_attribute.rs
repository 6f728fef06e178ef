//! `POST /v1/admin/attributes`: something more to say of goods. Its code and type stay.

use api::form::{ListOf, OneOf, Text, slug};
use api::reply::CreatedVersion;
use api::view::catalog::DefinitionView;
use api::{Body, Fields, Form, Problem, Reply, Staff};
use domain::catalog::Slug;
use domain::catalog::attribute::{CHOICES_MAX, DEFINITIONS_MAX, Definition, Kind, TEXT_CHARS_MAX};
use domain::permission::grant;
use runtime::Call;
use store::Saved;

use crate::App;
use crate::change::note;
use crate::form::title;
use crate::shelf::attribute_changes;

/// The types.
#[derive(Debug, Clone, Copy)]
enum Type {
    Text,
    Number,
    Boolean,
    Choice,
}

const TYPES: &[(&str, Type)] = &[
    ("text", Type::Text),
    ("number", Type::Number),
    ("boolean", Type::Boolean),
    ("choice", Type::Choice),
];

/// An attribute as it begins.
#[derive(Debug)]
pub struct NewAttribute {
    code: Slug,
    title: String,
    kind: Kind,
}

impl Form for NewAttribute {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let code = fields.required("code", slug());
        let title = fields.required("title", title());
        let kind = fields.required("type", OneOf(TYPES));
        let choices = fields.optional("choices", choices());
        let (kind, choices) = (kind?, choices?);
        let kind = match (kind, choices) {
            (Type::Choice, Some(choices)) if !choices.is_empty() => Kind::Choice { choices },
            (Type::Choice, _) => {
                fields.flaw("choices", "required", "A choice needs something to choose from.");
                return None;
            }
            (Type::Text | Type::Number | Type::Boolean, Some(_)) => {
                fields.flaw("choices", "not_allowed", "Only a choice has choices.");
                return None;
            }
            (Type::Text, None) => Kind::Text,
            (Type::Number, None) => Kind::Number,
            (Type::Boolean, None) => Kind::Boolean,
        };
        Some(Self { code: code?, title: title?, kind })
    }
}

/// The choices of an attribute.
pub(crate) const fn choices() -> ListOf<Text> {
    ListOf::up_to(CHOICES_MAX, Text::between(1, TEXT_CHARS_MAX))
}

/// Makes an attribute.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ProductsWrite>, Body<NewAttribute>>,
) -> Reply<CreatedVersion<DefinitionView>> {
    let Body(form) = &call.input;
    if app.store.shelves().await?.attributes.len() >= DEFINITIONS_MAX {
        let detail = format!("A shop has at most {DEFINITIONS_MAX} attributes.");
        return Err(Problem::conflict("too_many_attributes", detail));
    }
    let NewAttribute { code, title, kind } = form;
    let (code, title, kind) = (code.clone(), title.clone(), kind.clone());
    let attribute = Definition { code, title, kind, version: 0 };
    let changed = attribute_changes(None, Some(&attribute));
    let events = [note(app, &call, "attribute.create", &attribute.code, changed)];
    match app.store.save_attribute(None, &attribute, &events).await? {
        Saved::Yes => Ok(CreatedVersion(Definition { version: 1, ..attribute }.into(), 1)),
        Saved::Raced => Err(Problem::conflict("code_taken", "There is an attribute of this code.")),
    }
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_choice_has_choices() {
        let of = |kind: &str, choices: serde_json::Value| {
            let body = json!({"code": "material", "title": "M", "type": kind, "choices": choices});
            flaws_of::<NewAttribute>(&body)
        };
        assert_eq!(of("text", json!(null)), []);
        assert_eq!(of("choice", json!(["wool", "linen"])), []);
        assert_eq!(of("choice", json!([])), [("/choices".to_owned(), "required")]);
        assert_eq!(of("number", json!(["1"])), [("/choices".to_owned(), "not_allowed")]);
    }
}
