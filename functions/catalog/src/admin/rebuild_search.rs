//! `POST /v1/admin/search/rebuild`: has every product indexed anew. It is written down and done by
//! the index's one writer, after what was to be done before.

use api::view::search::RebuildView;
use api::{Accepted, Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;

/// Wishes for it.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::SettingsWrite>>,
) -> Reply<Accepted<RebuildView>> {
    let actor = call.who.actor();
    let note = app.doors.audit(&call.request, actor, "search.rebuild", None, Vec::new());
    app.store.wish_for_rebuild(call.now, &[note]).await?;
    Ok(Accepted(RebuildView { requested_at: call.now }))
}
