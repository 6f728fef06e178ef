//! `GET /v1/admin/inventory/locations`: all of them; a shop has few.

use api::cursor::List;
use api::view::inventory::LocationView;
use api::{Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;

/// Lists the locations, oldest first.
pub async fn handle(app: &App, _: Call<Staff<grant::InventoryRead>>) -> Reply<List<LocationView>> {
    let locations = app.store.locations_now().await?;
    let data = locations.all.into_iter().map(LocationView::from).collect();
    Ok(List { data, next_cursor: None })
}
