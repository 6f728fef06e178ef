//! `GET /v1/admin/fulfillments`: the parcels that stand at one step and wait for the next, the
//! longest waiting first; one query of an index that holds nothing else.

use api::cursor::{self, List, Page};
use api::form::OneOf;
use api::view::fulfillment::FulfillmentView;
use api::{Fields, Form, Query, Reply, Staff};
use domain::fulfillment::Status;
use domain::permission::grant;
use runtime::Call;

use crate::App;

/// The steps at which parcels wait.
const STEPS: OneOf<Status> =
    OneOf(&[("open", Status::Open), ("packed", Status::Packed), ("shipped", Status::Shipped)]);

/// Which parcels.
#[derive(Debug)]
pub struct Waiting {
    status: Status,
    page: Page,
}

impl Form for Waiting {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let status = fields.optional("status", STEPS);
        let page = Page::read(fields);
        Some(Self { status: status?.unwrap_or(Status::Open), page: page? })
    }
}

/// Lists parcels.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersRead>, Query<Waiting>>,
) -> Reply<List<FulfillmentView>> {
    let Query(Waiting { status, page }) = call.input;
    let scope = format!("fulfillments:{}:{}", status.code(), call.who.actor());
    let position = page.position(&call.guard.sealer, &scope)?;
    let found = app.store.parcels(status, page.limit, position.as_deref()).await?;
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    Ok(List { data: found.entries.iter().map(FulfillmentView::from).collect(), next_cursor })
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn parcels_wait_at_three_steps() {
        for step in ["open", "packed", "shipped"] {
            assert_eq!(flaws_of::<Waiting>(&json!({"status": step})), []);
        }
        assert_eq!(flaws_of::<Waiting>(&json!({})), []);
        let flaws = flaws_of::<Waiting>(&json!({"status": "delivered", "limit": 0}));
        assert_eq!(flaws.len(), 2);
    }
}
