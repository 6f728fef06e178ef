//! `GET /v1/admin/returns`: the returns that stand at one step and wait for the next, the longest
//! waiting first; those that were approved by the day on which they end. One query of an index that
//! holds nothing else.

use api::cursor::{self, List, Page};
use api::form::OneOf;
use api::view::returns::ReturnView;
use api::{Fields, Form, Query, Reply, Staff};
use domain::permission::grant;
use domain::returns::Status;
use runtime::Call;

use crate::App;

/// The steps at which returns wait.
const STEPS: OneOf<Status> = OneOf(&[
    ("requested", Status::Requested),
    ("approved", Status::Approved),
    ("in_transit", Status::InTransit),
    ("partially_received", Status::PartiallyReceived),
    ("received", Status::Received),
]);

/// Which returns.
#[derive(Debug)]
pub struct Waiting {
    status: Status,
    page: Page,
}

impl Form for Waiting {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let status = fields.optional("status", STEPS);
        let page = Page::read(fields);
        Some(Self { status: status?.unwrap_or(Status::Requested), page: page? })
    }
}

/// Lists returns.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ReturnsRead>, Query<Waiting>>,
) -> Reply<List<ReturnView>> {
    let Query(Waiting { status, page }) = call.input;
    let scope = format!("returns:{}:{}", status.code(), call.who.actor());
    let position = page.position(&call.guard.sealer, &scope)?;
    let found = app.store.returns(status, page.limit, position.as_deref()).await?;
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    Ok(List { data: found.entries.iter().map(ReturnView::from).collect(), next_cursor })
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn returns_wait_where_somebody_has_something_to_do() {
        for status in Status::ALL {
            let flaws = flaws_of::<Waiting>(&json!({"status": status.code()}));
            assert_eq!(flaws.is_empty(), status.is_open(), "{status:?}");
        }
        assert_eq!(flaws_of::<Waiting>(&json!({})), []);
    }
}
