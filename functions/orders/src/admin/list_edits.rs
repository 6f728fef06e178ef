//! `GET /v1/admin/orders/{id}/edits`: an order's edits, oldest first; one query.

use api::cursor::List;
use api::form::OrderPath;
use api::view::order_edit::OrderEditView;
use api::{Path, Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::desk::load;

/// Lists an order's edits.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersRead>, Path<OrderPath>>,
) -> Reply<List<OrderEditView>> {
    let file = load(app, call.input.0.id).await?;
    let view = |edit| OrderEditView::of(&file.order, edit, call.now);
    Ok(List { data: file.edits.iter().map(view).collect(), next_cursor: None })
}
