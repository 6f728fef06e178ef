//! `POST /v1/admin/webhook_endpoints/{id}/rotate_secret`: another secret. Both sign for a day,
//! unless told otherwise, so that no receiver refuses anything while it learns the new one.

use api::form::{Integer, WebhookPath};
use api::reply::Secret;
use api::view::webhook::IssuedEndpointView;
use api::{Body, Fields, Form, Path, Problem, Reply, Staff, Versioned};
use domain::permission::grant;
use domain::webhook;
use domain::webhook::signature::ROTATION_OVERLAP;
use jiff::SignedDuration;
use runtime::Call;

use crate::App;
use crate::endpoint::{RACES_MAX, load, note};

/// Hours of a week: who needs longer has forgotten where the secret is.
const OVERLAP_HOURS_MAX: i64 = 7 * 24;

/// For how long both sign.
#[derive(Debug)]
pub struct Rotate {
    overlap: SignedDuration,
}

impl Form for Rotate {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let hours = fields.optional("overlap_hours", Integer::between(0, OVERLAP_HOURS_MAX));
        let overlap = hours?.map_or(ROTATION_OVERLAP, SignedDuration::from_hours);
        Some(Self { overlap })
    }
}

/// Rotates an endpoint's secret.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::WebhooksManage>, (Path<WebhookPath>, Body<Rotate>)>,
) -> Reply<Secret<Versioned<IssuedEndpointView>>> {
    let (Path(WebhookPath { id }), Body(Rotate { overlap })) = &call.input;
    for _ in 0..RACES_MAX {
        let before = load(app, *id).await?;
        let secrets = app.store.webhook_secrets(*id).await?.ok_or_else(Problem::not_found)?;
        let next = webhook::Secret::of(app.ids.seed());
        let secrets = secrets.rotate(next, *overlap, call.now);
        let mut after = webhook::Endpoint { updated_at: call.now, ..before.clone() };
        let said = [note(app, &call, "webhook.rotate_secret", id, Vec::new())?];
        let done = app.store.rotate_webhook_secret(&before, &after, &secrets, &said).await?;
        if let Some(version) = done {
            after.version = version;
            return Ok(Secret(Versioned(IssuedEndpointView::of(after, &secrets), version)));
        }
    }
    Err(Problem::unavailable())
}

#[cfg(test)]
mod tests {
    use api::form::{flaws_of, read_value};
    use serde_json::json;

    use super::*;

    #[test]
    fn both_sign_for_a_day_unless_told_otherwise() {
        let read = |body| read_value::<Rotate>(&body, "", &mut Vec::new()).unwrap().overlap;
        assert_eq!(read(json!({})), ROTATION_OVERLAP);
        assert_eq!(read(json!({"overlap_hours": 0})), SignedDuration::ZERO);
        assert_eq!(flaws_of::<Rotate>(&json!({"overlap_hours": 169})).len(), 1);
    }
}
