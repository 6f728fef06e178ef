//! `DELETE /v1/admin/webhook_endpoints/{id}`: it is told of nothing any more.

use api::form::WebhookPath;
use api::input::no_match;
use api::{IfMatch, NoContent, Path, Reply, Staff};
use domain::permission::grant;
use runtime::Call;
use store::Saved;

use crate::App;
use crate::endpoint::{endpoint_changes, load, note};

/// Deletes an endpoint.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::WebhooksManage>, (Path<WebhookPath>, IfMatch)>,
) -> Reply<NoContent> {
    let (Path(WebhookPath { id }), seen) = &call.input;
    let endpoint = load(app, *id).await?;
    seen.check(endpoint.version)?;
    let changed = endpoint_changes(Some(&endpoint), None);
    let said = [note(app, &call, "webhook.delete", id, changed)?];
    match app.store.delete_webhook_endpoint(&endpoint, &said).await? {
        Saved::Yes => Ok(NoContent),
        Saved::Raced => Err(no_match()),
    }
}
