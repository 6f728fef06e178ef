//! `GET /v1/admin/webhook_endpoints`: all of them; there are few, and they are one query.

use api::cursor::List;
use api::view::webhook::EndpointView;
use api::{Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::endpoint::may_manage;

/// Lists the endpoints.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::WebhooksRead>>,
) -> Reply<List<EndpointView>> {
    let may_manage = may_manage(&call.who);
    let endpoints = app.store.webhook_endpoints().await?.into_iter();
    let data = endpoints.map(|endpoint| EndpointView::shown(endpoint, may_manage)).collect();
    Ok(List { data, next_cursor: None })
}
