//! `POST /v1/admin/products/{id}/unpublish`: a product is a draft again, out of the store or out of
//! the archive. From there it comes with those of its pictures that were not deleted meanwhile.

use api::view::catalog::AdminProductView;
use api::{Path, Problem, Reply, Staff, Versioned};
use domain::catalog::Status;
use domain::id::MediaId;
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::change::{RACES_MAX, load, save};
use crate::form::WhichProduct;

/// Takes a product out of the store or the archive.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ProductsWrite>, Path<WhichProduct>>,
) -> Reply<Versioned<AdminProductView>> {
    let Path(WhichProduct { id }) = &call.input;
    for _ in 0..RACES_MAX {
        let before = load(app, *id).await?;
        let shelves = app.store.shelves().await?;
        let draft = before.clone().become_status(Status::Draft, call.now)?;
        let after = match before.status {
            Status::Archived => {
                let ids: Vec<MediaId> = draft.media().collect();
                draft.with_what_is_left(&app.store.media_of(&ids).await?)
            }
            Status::Draft | Status::Active => draft,
        };
        let saved = save(app, &call, Some(&before), after, &shelves, "product.unpublish").await?;
        if let Some(product) = saved {
            let version = product.version;
            return Ok(Versioned(product.into(), version));
        }
    }
    Err(Problem::unavailable())
}
