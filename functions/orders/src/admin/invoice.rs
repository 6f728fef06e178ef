//! `GET /v1/admin/orders/{id}/invoice`: the invoice of an order, for the staff; one query, and
//! a second one where there is none.

use api::form::OrderPath;
use api::view::invoice::OrderInvoicesView;
use api::{Path, Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::desk::load;
use crate::{App, papers};

/// Lends the invoice and its credit notes.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersRead>, Path<OrderPath>>,
) -> Reply<OrderInvoicesView> {
    let id = call.input.0.id;
    let lent = papers::of_order(app, id, call.now).await;
    if lent.is_err() {
        // Nobody waits for the invoice of an order that is not there.
        load(app, id).await?;
    }
    lent
}
