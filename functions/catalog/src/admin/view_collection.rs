//! `GET /v1/admin/collections/{slug}`: a collection, with the version that a change of it wants.

use api::view::catalog::CollectionView;
use api::{Path, Problem, Reply, Staff, Versioned};
use domain::catalog::Slug;
use domain::catalog::collection::Collection;
use domain::permission::grant;
use runtime::Call;
use store::shelves::Shelves;

use crate::App;
use crate::form::WhichSlug;

/// Shows a collection.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ProductsRead>, Path<WhichSlug>>,
) -> Reply<Versioned<CollectionView>> {
    let Path(WhichSlug { slug }) = &call.input;
    let collection = find(&app.store.shelves().await?, slug)?;
    let version = collection.version;
    Ok(Versioned(collection.into(), version))
}

/// The collection of this name that is not ending.
pub(crate) fn find(shelves: &Shelves, slug: &Slug) -> Reply<Collection> {
    let found = shelves.collections.iter().find(|one| one.slug == *slug && !one.is_ending);
    found.cloned().ok_or_else(Problem::not_found)
}
