//! `DELETE /v1/admin/attributes/{slug}`: nothing is said of it any more.

use api::input::no_match;
use api::{IfMatch, NoContent, Path, Problem, Reply, Staff};
use domain::permission::grant;
use runtime::Call;
use store::Saved;

use crate::App;
use crate::change::note;
use crate::form::WhichSlug;
use crate::shelf::attribute_changes;

/// Deletes an attribute.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ProductsWrite>, (Path<WhichSlug>, IfMatch)>,
) -> Reply<NoContent> {
    let (Path(WhichSlug { slug }), seen) = &call.input;
    let attributes = app.store.shelves().await?.attributes;
    let before = attributes.iter().find(|one| one.code == *slug).ok_or_else(Problem::not_found)?;
    seen.check(before.version)?;
    let changed = attribute_changes(Some(before), None);
    let events = [note(app, &call, "attribute.delete", slug, changed)];
    match app.store.delete_attribute(before, &events).await? {
        Saved::Yes => Ok(NoContent),
        Saved::Raced => Err(no_match()),
    }
}
