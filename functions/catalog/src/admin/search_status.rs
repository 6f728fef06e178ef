//! `GET /v1/admin/search/status`: which generation of the search index is the newest, and what is
//! in it, and what it does not know yet; one look at its manifest, one at its queue.

use api::view::search::SearchStatusView;
use api::{Reply, Staff};
use domain::permission::grant;
use queue::Name;
use runtime::Call;

use crate::App;

/// Shows the state of the index.
pub async fn handle(app: &App, call: Call<Staff<grant::SettingsRead>>) -> Reply<SearchStatusView> {
    let waiting = app.queues()?.waiting(Name::Search).await?;
    let Some(manifest) = app.index()?.manifest().await? else {
        return Ok(SearchStatusView { waiting, ..SearchStatusView::default() });
    };
    let age = call.now.duration_since(manifest.written_at).as_secs().max(0);
    Ok(SearchStatusView {
        is_built: true,
        waiting,
        generation: manifest.generation,
        documents: manifest.documents,
        bytes: manifest.bytes(),
        files: manifest.files.len() as u64,
        synonym_groups: manifest.lexicon.synonyms.len() as u64,
        written_at: Some(manifest.written_at),
        rebuilt_at: Some(manifest.rebuilt_at),
        age_seconds: age,
    })
}
