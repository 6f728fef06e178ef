//! `GET /v1/admin/webhook_endpoints/{id}`: one of them, never its secret.

use api::form::WebhookPath;
use api::view::webhook::EndpointView;
use api::{Path, Reply, Staff, Versioned};
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::endpoint::{load, may_manage};

/// Shows an endpoint.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::WebhooksRead>, Path<WebhookPath>>,
) -> Reply<Versioned<EndpointView>> {
    let Path(WebhookPath { id }) = call.input;
    let endpoint = load(app, id).await?;
    let version = endpoint.version;
    Ok(Versioned(EndpointView::shown(endpoint, may_manage(&call.who)), version))
}
