//! `GET /v1/admin/webhook_endpoints/{id}/deliveries`: what an endpoint was sent, by page, the
//! newest event first; one query beside the endpoint.

use api::cursor::{self, List, Page};
use api::form::WebhookPath;
use api::view::webhook::DeliveryView;
use api::{Path, Query, Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::endpoint::load;

/// Lists deliveries.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::WebhooksRead>, (Path<WebhookPath>, Query<Page>)>,
) -> Reply<List<DeliveryView>> {
    let (Path(WebhookPath { id }), Query(page)) = &call.input;
    let scope = format!("webhook_deliveries:{id}:{}", call.who.actor());
    let position = page.position(&call.guard.sealer, &scope)?;
    load(app, *id).await?;
    let found = app.store.deliveries(*id, page.limit, position.as_deref()).await?;
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    Ok(List { data: found.entries.into_iter().map(DeliveryView::from).collect(), next_cursor })
}
