//! `DELETE /v1/admin/categories/{slug}`: a category that nothing is in goes.

use api::input::no_match;
use api::{IfMatch, NoContent, Path, Problem, Reply, Staff};
use domain::catalog::tree;
use domain::permission::grant;
use runtime::Call;
use store::Saved;

use crate::App;
use crate::change::note;
use crate::form::WhichSlug;
use crate::shelf::category_changes;

/// Deletes a category.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ProductsWrite>, (Path<WhichSlug>, IfMatch)>,
) -> Reply<NoContent> {
    let (Path(WhichSlug { slug }), seen) = &call.input;
    let shelves = app.store.shelves().await?;
    let category = shelves.categories.iter().find(|one| one.slug == *slug);
    let category = category.ok_or_else(Problem::not_found)?;
    seen.check(category.version)?;
    tree::may_be_deleted(&shelves.categories, category)?;
    let changed = category_changes(Some(category), None);
    let events = [note(app, &call, "category.delete", category.id, changed)];
    match app.store.delete_category(category, shelves.tree, &events).await? {
        Saved::Yes => Ok(NoContent),
        Saved::Raced => Err(no_match()),
    }
}
