//! `GET /v1/admin/orders/{id}/refunds`: an order's refunds, and what is left to be given back; one
//! query.

use api::form::OrderPath;
use api::view::refund::RefundsView;
use api::{Path, Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::desk::load;

/// Lists an order's refunds.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersRead>, Path<OrderPath>>,
) -> Reply<RefundsView> {
    let file = load(app, call.input.0.id).await?;
    Ok(RefundsView::of(&file.order, &file.refunds))
}
