//! `DELETE /v1/admin/products/{id}`: a draft that never was in the store goes, with its SKUs and
//! its name. Whatever may have been sold is archived instead.

use api::input::no_match;
use api::{IfMatch, NoContent, Path, Reply, Staff};
use domain::permission::grant;
use runtime::Call;
use store::Saved;

use crate::App;
use crate::change::{changes, load, note};
use crate::form::WhichProduct;

/// Deletes a draft.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ProductsWrite>, (Path<WhichProduct>, IfMatch)>,
) -> Reply<NoContent> {
    let (Path(WhichProduct { id }), seen) = &call.input;
    let product = load(app, *id).await?;
    seen.check(product.version)?;
    product.may_be_deleted()?;
    let shelves = app.store.shelves().await?;
    let events = [note(app, &call, "product.delete", id, changes(Some(&product), None))];
    match app.store.delete_product(&product, &shelves, &events, call.now).await? {
        Saved::Yes => Ok(NoContent),
        Saved::Raced => Err(no_match()),
    }
}
