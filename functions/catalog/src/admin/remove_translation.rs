//! `DELETE /v1/admin/products/{id}/translations/{locale}`: a product says nothing of its own in a
//! language any more.

use api::view::catalog::AdminProductView;
use api::{IfMatch, Path, Problem, Reply, Staff, Versioned};
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::change::change;
use crate::form::WhichTranslation;

/// Takes a translation away.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ProductsWrite>, (Path<WhichTranslation>, IfMatch)>,
) -> Reply<Versioned<AdminProductView>> {
    let (Path(WhichTranslation { id, locale }), seen) = &call.input;
    change(app, &call, (*id, *seen), "product.remove_translation", |mut product, _| {
        product.translations.remove(locale).ok_or_else(Problem::not_found)?;
        Ok(product)
    })
    .await
}
