//! `GET /v1/admin/orders/{id}/disputes/{dispute_id}`: a dispute, and what the bank would be told:
//! the order's addresses, parcels, downloads and letters, as the evidence that they are, and the
//! invoice that goes along as the receipt.

use api::view::dispute::{DisputeFileView, DisputeView};
use api::{Path, Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::desk::{WhichDispute, disputed};

/// Shows a dispute.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersRead>, Path<WhichDispute>>,
) -> Reply<DisputeFileView> {
    let Path(which) = call.input;
    let (file, dispute) = disputed(app, which).await?;
    let evidence = settlement::evidence(&app.store, &file, &dispute).await?;
    let receipt = settlement::receipt(&app.store, file.order.id).await?;
    let receipt = receipt.map(|invoice| invoice.number);
    Ok(DisputeFileView { dispute: DisputeView::from(&dispute), evidence, receipt })
}
