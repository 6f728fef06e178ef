//! `GET /v1/admin/webhook_endpoints`: all of them; there are few, and they are one query.

use api::cursor::List;
use api::view::webhook::EndpointView;
use api::{Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;

/// Lists the endpoints.
pub async fn handle(app: &App, _: Call<Staff<grant::WebhooksRead>>) -> Reply<List<EndpointView>> {
    let endpoints = app.store.webhook_endpoints().await?;
    Ok(List { data: endpoints.into_iter().map(EndpointView::from).collect(), next_cursor: None })
}
