//! `GET /v1/admin/disputes`: what card holders dispute, newest first; or, with `due=true`, what
//! somebody has to answer, the most urgent first. One query.

use api::cursor::{self, List, Page};
use api::form::OneOf;
use api::view::dispute::DisputeView;
use api::{Fields, Form, Query, Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;

/// As a query says it.
const YES_OR_NO: &[(&str, bool)] = &[("true", true), ("false", false)];

/// Which disputes.
#[derive(Debug)]
pub struct Wanted {
    is_due: bool,
    page: Page,
}

impl Form for Wanted {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let due = fields.optional("due", OneOf(YES_OR_NO));
        let page = Page::read(fields);
        Some(Self { is_due: due?.unwrap_or_default(), page: page? })
    }
}

/// Lists disputes.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersRead>, Query<Wanted>>,
) -> Reply<List<DisputeView>> {
    let Query(Wanted { is_due, page }) = call.input;
    let scope = format!("disputes:{is_due}:{}", call.who.actor());
    let position = page.position(&call.guard.sealer, &scope)?;
    let found = if is_due {
        app.store.disputes_due(page.limit, position.as_deref()).await?
    } else {
        app.store.disputes(page.limit, position.as_deref()).await?
    };
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    Ok(List { data: found.entries.iter().map(DisputeView::from).collect(), next_cursor })
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn all_are_listed_or_those_that_wait() {
        assert_eq!(flaws_of::<Wanted>(&json!({})), []);
        assert_eq!(flaws_of::<Wanted>(&json!({"due": "true", "limit": 5})), []);
        let wrong = flaws_of::<Wanted>(&json!({"due": "soon"}));
        assert_eq!(wrong, [("/due".to_owned(), "not_allowed")]);
    }
}
