//! `PUT /v1/admin/categories/{slug}/translations/{locale}`: what a category says in a language.

use api::form::{locale, slug};
use api::view::catalog::AdminCategoryView;
use api::{Body, Fields, Form, IfMatch, Path, Reply, Staff, Versioned};
use domain::catalog::content::LOCALES_MAX;
use domain::catalog::{Locale, Slug};
use domain::permission::grant;
use runtime::Call;

use super::translate_product::too_many;
use crate::App;
use crate::form::ContentForm;
use crate::shelf::change_category;

/// Which language of which category.
#[derive(Debug, Clone)]
pub struct Which {
    pub(crate) slug: Slug,
    pub(crate) locale: Locale,
}

impl Form for Which {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let slug = fields.required("slug", slug());
        let locale = fields.required("locale", locale());
        Some(Self { slug: slug?, locale: locale? })
    }
}

/// Which language, the category as it was seen, and the texts.
type Given = (Path<Which>, (IfMatch, Body<ContentForm>));

/// Writes a translation.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ProductsWrite>, Given>,
) -> Reply<Versioned<AdminCategoryView>> {
    let (Path(Which { slug, locale }), (seen, Body(ContentForm(content)))) = &call.input;
    change_category(app, &call, (slug, *seen), "category.translate", |mut category, _| {
        category.translations.insert(locale.clone(), content.clone());
        if category.translations.len() > LOCALES_MAX {
            return Err(too_many());
        }
        Ok(category)
    })
    .await
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_language_is_named_as_browsers_do() {
        assert_eq!(flaws_of::<Which>(&json!({"slug": "mugs", "locale": "de-AT"})), []);
        let flaws = flaws_of::<Which>(&json!({"slug": "mugs", "locale": "german"}));
        assert_eq!(flaws, [("/locale".to_owned(), "malformed")]);
    }
}
