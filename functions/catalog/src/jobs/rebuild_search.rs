//! Invoked by hand: has the search index built anew, as `POST /v1/admin/search/rebuild` has. It is
//! also how a shop that never had one begins.

use domain::fault::Fault;
use runtime::Errand;
use serde::Deserialize;

use crate::App;

/// Nothing is handed over.
#[derive(Debug, Deserialize)]
pub struct Nothing {}

/// Wishes for it; the catalog's stream tells the index.
pub async fn handle(app: &App, errand: Errand<Nothing>) -> Result<(), Fault> {
    app.store.wish_for_rebuild(errand.now, &[]).await
}
