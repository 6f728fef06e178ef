//! `POST /v1/admin/webhook_endpoints/{id}/deliveries/{event_id}/redeliver`: an event is sent again,
//! whatever became of it, within a minute; its tries begin anew.

use api::form::{event_id, webhook_id};
use api::reply::Accepted;
use api::view::webhook::DeliveryView;
use api::{Fields, Form, Path, Problem, Reply, Staff};
use domain::id::{EventId, WebhookId};
use domain::permission::grant;
use domain::webhook::Refusal;
use runtime::Call;
use store::Saved;

use crate::App;
use crate::endpoint::{RACES_MAX, load, note};

/// Which delivery.
#[derive(Debug, Clone, Copy)]
pub struct Which {
    id: WebhookId,
    event_id: EventId,
}

impl Form for Which {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let id = fields.required("id", webhook_id());
        let event_id = fields.required("event_id", event_id());
        Some(Self { id: id?, event_id: event_id? })
    }
}

/// Sends an event again.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::WebhooksManage>, Path<Which>>,
) -> Reply<Accepted<DeliveryView>> {
    let Path(Which { id, event_id }) = call.input;
    for _ in 0..RACES_MAX {
        load(app, id).await?;
        let found = app.store.delivery(id, event_id).await?;
        let before = found.ok_or_else(Problem::not_found)?;
        if app.store.announcement(before.at, event_id).await?.is_none() {
            return Err(Refusal::TooOld.into());
        }
        let after = before.again(call.now);
        let object = format!("{id}/{event_id}");
        let said = [note(app, &call, "webhook.redeliver", object, Vec::new())?];
        if app.store.save_delivery(Some(&before), &after, &said).await? == Saved::Yes {
            return Ok(Accepted(after.into()));
        }
    }
    Err(Problem::unavailable())
}
