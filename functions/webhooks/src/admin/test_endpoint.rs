//! `POST /v1/admin/webhook_endpoints/{id}/test`: an event of no meaning, to see whether it arrives.
//! It goes the way of all others, so that its delivery tells what theirs would.

use api::form::WebhookPath;
use api::reply::Accepted;
use api::view::webhook::SendingView;
use api::{Path, Reply, Staff};
use domain::event::{Event, Fact};
use domain::id::EventId;
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::endpoint::{load, note};

/// Sends a test.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::WebhooksManage>, Path<WebhookPath>>,
) -> Reply<Accepted<SendingView>> {
    let Path(WebhookPath { id }) = call.input;
    let endpoint = load(app, id).await?;
    let event = EventId::from_ulid(app.ids.ulid(call.now));
    let fact = Fact::WebhookTest { endpoint: endpoint.id };
    let test = Event { id: event, at: call.now, sequence: 1, fact };
    let said = [test, note(app, &call, "webhook.test", id, Vec::new())?];
    app.store.say_alone(&said).await?;
    Ok(Accepted(SendingView { endpoint_id: id, event_id: Some(event) }))
}
