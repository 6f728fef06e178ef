//! `POST /v1/admin/orders/{id}/refunds/preview`: what a refund would give, and where it would go;
//! nothing is written.

use api::form::OrderPath;
use api::view::refund::RefundPreviewView;
use api::{Body, Path, Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::desk::{Asked, load};

/// Shows what a refund would give.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersRead>, (Path<OrderPath>, Body<Asked>)>,
) -> Reply<RefundPreviewView> {
    let (Path(OrderPath { id }), Body(asked)) = &call.input;
    let file = load(app, *id).await?;
    let plan = file.order.plan_refund(&asked.wanted)?;
    Ok(RefundPreviewView::of(&file.order, &plan))
}
