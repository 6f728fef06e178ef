//! `DELETE /v1/admin/collections/{slug}`: a collection ends. It is gone for staff at once; a job
//! takes its goods out and then itself away.

use api::input::no_match;
use api::{IfMatch, NoContent, Path, Reply, Staff};
use domain::catalog::collection::Collection;
use domain::permission::grant;
use runtime::Call;
use store::Saved;

use super::view_collection::find;
use crate::App;
use crate::change::note;
use crate::form::WhichSlug;
use crate::shelf::collection_changes;

/// Ends a collection.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ProductsWrite>, (Path<WhichSlug>, IfMatch)>,
) -> Reply<NoContent> {
    let (Path(WhichSlug { slug }), seen) = &call.input;
    let before = find(&app.store.shelves().await?, slug)?;
    seen.check(before.version)?;
    let mut after = Collection { is_ending: true, ..before.clone() };
    after.pending = after.pending_after(Some(&before));
    let changed = collection_changes(Some(&before), None);
    let events = [note(app, &call, "collection.delete", slug, changed)];
    match app.store.save_collection(Some(&before), &after, &events, call.now).await? {
        Saved::Yes => Ok(NoContent),
        Saved::Raced => Err(no_match()),
    }
}
