//! `GET /v1/admin/inventory/movements?sku=`: why there are as many as there are; one query.

use api::cursor::{self, List, Page};
use api::form::sku;
use api::view::inventory::MovementView;
use api::{Fields, Form, Query, Reply, Staff};
use domain::catalog::Sku;
use domain::permission::grant;
use runtime::Call;

use crate::App;

/// Of which SKU, which page.
#[derive(Debug)]
pub struct OfSku {
    sku: Sku,
    page: Page,
}

impl Form for OfSku {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let sku = fields.required("sku", sku());
        let page = Page::read(fields);
        Some(Self { sku: sku?, page: page? })
    }
}

/// Lists movements, newest first.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::InventoryRead>, Query<OfSku>>,
) -> Reply<List<MovementView>> {
    let Query(OfSku { sku, page }) = call.input;
    let scope = format!("movements:{sku}:{}", call.who.actor());
    let position = page.position(&call.guard.sealer, &scope)?;
    let found = app.store.movements(&sku, page.limit, position.as_deref()).await?;
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    Ok(List { data: found.entries.into_iter().map(MovementView::from).collect(), next_cursor })
}
