//! `GET /v1/store/orders/{id}/invoice`: the invoice, for whoever bought; two queries.

use api::form::OrderPath;
use api::view::invoice::OrderInvoicesView;
use api::{OrderReader, Path, Reply};
use runtime::Call;

use crate::{App, papers, which};

/// Lends the invoice and its credit notes.
pub async fn handle(
    app: &App,
    call: Call<OrderReader, Path<OrderPath>>,
) -> Reply<OrderInvoicesView> {
    let file = which::load_to_show(app, call.input.0.id, &call.who, call.now).await?;
    papers::of_order(app, file.order.id, call.now).await
}
