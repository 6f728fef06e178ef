//! `GET /v1/store/categories`: the whole tree, one query.

use api::cursor::List;
use api::reply::Cache;
use api::view::product::CategoryView;
use api::{Anyone, Cached, Reply};
use runtime::Call;

use crate::App;

/// Lists the categories.
pub async fn handle(app: &App, _call: Call<Anyone>) -> Reply<Cached<List<CategoryView>>> {
    let data = app.store.categories().await?.into_iter().map(CategoryView::from).collect();
    Ok(Cached(List { data, next_cursor: None }, Cache::Public))
}
