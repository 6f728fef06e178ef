//! `GET /v1/admin/search/synonyms`: what means the same to whoever searches; one read.

use api::view::search::SynonymsView;
use api::{Reply, Staff, Versioned};
use domain::permission::grant;
use runtime::Call;

use crate::App;

/// Shows the synonyms.
pub async fn handle(
    app: &App,
    _call: Call<Staff<grant::SettingsRead>>,
) -> Reply<Versioned<SynonymsView>> {
    let synonyms = app.store.synonyms().await?;
    let version = synonyms.version;
    Ok(Versioned(synonyms.into(), version))
}
