//! `GET /v1/admin/attributes`: what the shop says of its goods; they are few.

use api::cursor::List;
use api::view::catalog::DefinitionView;
use api::{Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;

/// Lists the attributes.
pub async fn handle(
    app: &App,
    _call: Call<Staff<grant::ProductsRead>>,
) -> Reply<List<DefinitionView>> {
    let attributes = app.store.shelves().await?.attributes;
    let data = attributes.into_iter().map(DefinitionView::from).collect();
    Ok(List { data, next_cursor: None })
}
