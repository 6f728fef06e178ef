//! `GET /v1/admin/collections`: all of them, by name; they are few.

use api::cursor::List;
use api::view::catalog::CollectionView;
use api::{Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;

/// Lists the collections.
pub async fn handle(
    app: &App,
    _call: Call<Staff<grant::ProductsRead>>,
) -> Reply<List<CollectionView>> {
    let collections = app.store.shelves().await?.collections;
    let data = collections.into_iter().filter(|one| !one.is_ending).map(CollectionView::from);
    Ok(List { data: data.collect(), next_cursor: None })
}
