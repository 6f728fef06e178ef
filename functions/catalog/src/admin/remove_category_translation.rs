//! `DELETE /v1/admin/categories/{slug}/translations/{locale}`: a category says nothing of its own
//! in a language any more.

use api::view::catalog::AdminCategoryView;
use api::{IfMatch, Path, Problem, Reply, Staff, Versioned};
use domain::permission::grant;
use runtime::Call;

use super::translate_category::Which;
use crate::App;
use crate::shelf::change_category;

/// Takes a translation away.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ProductsWrite>, (Path<Which>, IfMatch)>,
) -> Reply<Versioned<AdminCategoryView>> {
    let (Path(Which { slug, locale }), seen) = &call.input;
    let action = "category.remove_translation";
    change_category(app, &call, (slug, *seen), action, |mut category, _| {
        category.translations.remove(locale).ok_or_else(Problem::not_found)?;
        Ok(category)
    })
    .await
}
