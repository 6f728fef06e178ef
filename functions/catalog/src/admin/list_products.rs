//! `GET /v1/admin/products`: all products, in the store or not, newest first; one query.

use api::cursor::{self, List, Page};
use api::form::OneOf;
use api::view::catalog::AdminProductView;
use api::{Fields, Form, Query, Reply, Staff};
use domain::catalog::Status;
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::form::STATUSES;

/// Which ones.
#[derive(Debug)]
pub struct Wanted {
    status: Option<Status>,
    page: Page,
}

impl Form for Wanted {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let status = fields.optional("status", OneOf(STATUSES));
        let page = Page::read(fields);
        Some(Self { status: status?, page: page? })
    }
}

/// Lists products.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ProductsRead>, Query<Wanted>>,
) -> Reply<List<AdminProductView>> {
    let Query(Wanted { status, page }) = call.input;
    let scope = format!("every product:{}:{status:?}", call.who.actor());
    let position = page.position(&call.guard.sealer, &scope)?;
    let found = app.store.every_product(status, page.limit, position.as_deref()).await?;
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    Ok(List { data: found.entries.into_iter().map(AdminProductView::from).collect(), next_cursor })
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_status_is_one_of_three() {
        assert_eq!(flaws_of::<Wanted>(&json!({"status": "archived"})), []);
        let flaws = flaws_of::<Wanted>(&json!({"status": "sold"}));
        assert_eq!(flaws, [("/status".to_owned(), "not_allowed")]);
    }
}
