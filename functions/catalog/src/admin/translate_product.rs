//! `PUT /v1/admin/products/{id}/translations/{locale}`: what a product says in a language. A text
//! that is left out is that of the language's parent, or the shop's own.

use api::view::catalog::AdminProductView;
use api::{Body, IfMatch, Path, Problem, Reply, Staff, Versioned};
use domain::catalog::content::LOCALES_MAX;
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::change::change;
use crate::form::{ContentForm, WhichTranslation};

/// Which language, the product as it was seen, and the texts.
type Given = (Path<WhichTranslation>, (IfMatch, Body<ContentForm>));

/// Writes a translation.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ProductsWrite>, Given>,
) -> Reply<Versioned<AdminProductView>> {
    let (Path(WhichTranslation { id, locale }), (seen, Body(ContentForm(content)))) = &call.input;
    change(app, &call, (*id, *seen), "product.translate", |mut product, _| {
        product.translations.insert(locale.clone(), content.clone());
        if product.translations.len() > LOCALES_MAX {
            return Err(too_many());
        }
        Ok(product)
    })
    .await
}

/// One language too many.
pub(crate) fn too_many() -> Problem {
    let detail = format!("A thing has texts in at most {LOCALES_MAX} languages.");
    Problem::conflict("too_many_locales", detail).member("locales_max", LOCALES_MAX)
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_translation_says_something() {
        assert_eq!(flaws_of::<ContentForm>(&json!({"title": "Becher"})), []);
        assert_eq!(flaws_of::<ContentForm>(&json!({})), [("/title".to_owned(), "required")]);
    }
}
