//! `GET /v1/store/orders/{id}/edit`: the edit that the shop proposes of an order, for whoever holds
//! the token of its link, or bought with an account. Without either nothing is there.

use api::form::OrderPath;
use api::reply::Cache;
use api::view::order_edit::ProposedEditView;
use api::{Cached, OrderReader, Path, Reply};
use runtime::Call;

use crate::App;
use crate::desk::load;
use crate::edits::seen;

/// Shows what is proposed.
pub async fn handle(
    app: &App,
    call: Call<OrderReader, Path<OrderPath>>,
) -> Reply<Cached<ProposedEditView>> {
    let file = load(app, call.input.0.id).await?;
    let edit = seen(&file, &call.who)?;
    Ok(Cached(ProposedEditView::of(&file.order, &edit, call.now), Cache::Private))
}
