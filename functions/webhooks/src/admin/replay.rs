//! `POST /v1/admin/webhook_endpoints/{id}/replay`: all that an endpoint wants of what happened
//! between two moments is sent to it again, what it has taken included: it knows it by its id.

use api::form::{WebhookPath, time};
use api::reply::Accepted;
use api::view::webhook::SendingView;
use api::{Body, Fields, Form, Path, Reply, Staff};
use domain::event::{Event, Fact};
use domain::id::EventId;
use domain::permission::grant;
use domain::webhook::delivery::KEPT;
use domain::webhook::{Refusal, Replay};
use jiff::Timestamp;
use runtime::Call;

use crate::App;
use crate::endpoint::{load, note};

/// Between which moments.
#[derive(Debug)]
pub struct Span {
    from: Timestamp,
    until: Timestamp,
}

impl Form for Span {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let from = fields.required("from", time());
        let until = fields.required("until", time());
        let (from, until) = (from?, until?);
        if until < from {
            fields.flaw("until", "out_of_range", "This must not be before from.");
            return None;
        }
        Some(Self { from, until })
    }
}

/// Sends events again.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::WebhooksManage>, (Path<WebhookPath>, Body<Span>)>,
) -> Reply<Accepted<SendingView>> {
    let (Path(WebhookPath { id }), Body(Span { from, until })) = &call.input;
    if call.now.duration_since(*from) > KEPT {
        return Err(Refusal::TooOld.into());
    }
    let endpoint = load(app, *id).await?;
    let until = (*until).min(call.now);
    let replay = Replay { endpoint: endpoint.id, from: *from, until, after: None };
    let event = EventId::from_ulid(app.ids.ulid(call.now));
    let fact = Fact::WebhookReplay { replay };
    let asked = Event { id: event, at: call.now, sequence: 1, fact };
    let said = [asked, note(app, &call, "webhook.replay", id, Vec::new())?];
    app.store.say_alone(&said).await?;
    Ok(Accepted(SendingView { endpoint_id: *id, event_id: None }))
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_span_has_a_beginning_and_an_end_in_that_order() {
        let flaws =
            |body| flaws_of::<Span>(&body).into_iter().map(|flaw| flaw.0).collect::<Vec<_>>();
        assert_eq!(flaws(json!({"from": "monday"})), ["/from", "/until"]);
        let (first, second) = ("2026-11-02T09:00:00Z", "2026-11-02T09:00:01Z");
        assert_eq!(flaws(json!({"from": second, "until": first})), ["/until"]);
        assert!(flaws(json!({"from": first, "until": second})).is_empty());
    }
}
