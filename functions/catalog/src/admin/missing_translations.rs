//! `GET /v1/admin/products/missing_translations`: products that a language does not say all of,
//! newest first. One query looks at so many products as `limit` says; a page may hold fewer, or
//! none.

use api::cursor::{self, List, Page};
use api::form::locale;
use api::view::catalog::MissingView;
use api::{Fields, Form, Query, Reply, Staff};
use domain::catalog::Locale;
use domain::catalog::content::is_translated;
use domain::permission::grant;
use runtime::Call;

use crate::App;

/// In which language.
#[derive(Debug)]
pub struct Wanted {
    locale: Locale,
    page: Page,
}

impl Form for Wanted {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let locale = fields.required("locale", locale());
        let page = Page::read(fields);
        Some(Self { locale: locale?, page: page? })
    }
}

/// Lists what is not translated.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ProductsRead>, Query<Wanted>>,
) -> Reply<List<MissingView>> {
    let Query(Wanted { locale, page }) = call.input;
    let scope = format!("untranslated:{}:{locale}", call.who.actor());
    let position = page.position(&call.guard.sealer, &scope)?;
    let found = app.store.every_product(None, page.limit, position.as_deref()).await?;
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    let entries = found.entries.into_iter();
    let missing = entries.filter(|product| !is_translated(&product.translations, &locale));
    Ok(List { data: missing.map(MissingView::from).collect(), next_cursor })
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_report_is_about_one_language() {
        assert_eq!(flaws_of::<Wanted>(&json!({"locale": "de-AT"})), []);
        assert_eq!(flaws_of::<Wanted>(&json!({})), [("/locale".to_owned(), "required")]);
    }
}
