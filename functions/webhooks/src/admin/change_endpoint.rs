//! `PATCH /v1/admin/webhook_endpoints/{id}`: another address, name or events; on or off.

use api::form::WebhookPath;
use api::input::no_match;
use api::view::webhook::EndpointView;
use api::{Body, IfMatch, Path, Reply, Staff, Versioned};
use domain::permission::grant;
use domain::webhook::Status;
use runtime::Call;

use crate::App;
use crate::endpoint::{ChangedEndpoint, endpoint_changes, load, may_be_called, note};

/// Which endpoint, as it was seen, and the change.
type Given = (Path<WebhookPath>, (IfMatch, Body<ChangedEndpoint>));

/// Changes an endpoint.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::WebhooksManage>, Given>,
) -> Reply<Versioned<EndpointView>> {
    let (Path(WebhookPath { id }), (seen, Body(ChangedEndpoint(change)))) = &call.input;
    let before = load(app, *id).await?;
    seen.check(before.version)?;
    if let Some(url) = &change.url {
        may_be_called(app, url)?;
    }
    let mut after = before.change(change.clone(), call.now);
    let changed = endpoint_changes(Some(&before), Some(&after));
    let said = [note(app, &call, "webhook.change", id, changed)?];
    let version = app.store.change_webhook_endpoint(&before, &after, &said).await?;
    after.version = version.ok_or_else(no_match)?;
    if after.status == Status::Active && before.status != Status::Active {
        // It begins anew: what it missed while it was off is no failure of its.
        app.store.forget_webhook_failures(*id).await?;
    }
    let version = after.version;
    Ok(Versioned(after.into(), version))
}
