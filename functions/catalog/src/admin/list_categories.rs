//! `GET /v1/admin/categories`: the whole tree, in the shop's order; one query.

use api::cursor::List;
use api::view::catalog::AdminCategoryView;
use api::{Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;

/// Lists the categories.
pub async fn handle(
    app: &App,
    _call: Call<Staff<grant::ProductsRead>>,
) -> Reply<List<AdminCategoryView>> {
    let data = app.store.categories().await?.into_iter().map(AdminCategoryView::from).collect();
    Ok(List { data, next_cursor: None })
}
