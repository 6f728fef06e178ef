//! `POST /v1/admin/webhook_endpoints`: another system that is told of events. Its secret is shown
//! this once.

use api::reply::{CreatedVersion, Secret};
use api::view::webhook::IssuedEndpointView;
use api::{Body, Reply, Staff};
use domain::id::WebhookId;
use domain::permission::grant;
use domain::webhook::{self, Endpoint, Refusal, Secrets, Status};
use runtime::Call;
use store::outgoing::Created;

use crate::App;
use crate::endpoint::{NewEndpoint, endpoint_changes, may_be_called, note};

/// Adds an endpoint.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::WebhooksManage>, Body<NewEndpoint>>,
) -> Reply<Secret<CreatedVersion<IssuedEndpointView>>> {
    let Body(NewEndpoint { url, description, events }) = &call.input;
    may_be_called(app, url)?;
    let id = WebhookId::from_ulid(app.ids.ulid(call.now));
    let secrets = Secrets::new(webhook::Secret::of(app.ids.seed()));
    let mut endpoint = Endpoint {
        id,
        url: url.clone(),
        description: description.clone(),
        events: events.clone(),
        status: Status::Active,
        created_at: call.now,
        updated_at: call.now,
        version: 0,
    };
    let changed = endpoint_changes(None, Some(&endpoint));
    let said = [note(app, &call, "webhook.create", id, changed)?];
    match app.store.create_webhook_endpoint(&endpoint, &secrets, &said).await? {
        Created::Yes(version) => {
            endpoint.version = version;
            Ok(Secret(CreatedVersion(IssuedEndpointView::of(endpoint, &secrets), version)))
        }
        Created::TooMany => Err(Refusal::TooMany.into()),
    }
}
