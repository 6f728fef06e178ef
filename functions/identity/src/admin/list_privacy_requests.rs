//! `GET /v1/admin/privacy_requests`: requests of customers for exports and erasures, open ones or
//! those that were done, the latest first; one query of their keys and one batch.

use api::cursor::{self, List, Page};
use api::form::OneOf;
use api::view::privacy::PrivacyRequestView;
use api::{Fields, Form, Query, Reply, Staff};
use domain::permission::grant;
use domain::privacy::State;
use runtime::Call;

use crate::App;

const STATES: &[(&str, State)] = &[("open", State::Open), ("done", State::Done)];

/// Which ones.
#[derive(Debug)]
pub struct Wanted {
    state: State,
    page: Page,
}

impl Form for Wanted {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let state = fields.optional("state", OneOf(STATES));
        let page = Page::read(fields);
        Some(Self { state: state?.unwrap_or(State::Open), page: page? })
    }
}

/// Lists requests.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::CustomersRead>, Query<Wanted>>,
) -> Reply<List<PrivacyRequestView>> {
    let Query(Wanted { state, page }) = call.input;
    let scope = format!("privacy requests:{state:?}:{}", call.who.actor());
    let position = page.position(&call.guard.sealer, &scope)?;
    let found = app.store.privacy_requests(state, page.limit, position.as_deref()).await?;
    let data = found.entries.into_iter().map(PrivacyRequestView::from).collect();
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    Ok(List { data, next_cursor })
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_is_open_or_done() {
        assert_eq!(flaws_of::<Wanted>(&json!({"state": "done", "limit": 5})), []);
        let flaws = flaws_of::<Wanted>(&json!({"state": "lost"}));
        assert_eq!(flaws, [("/state".to_owned(), "not_allowed")]);
    }
}
