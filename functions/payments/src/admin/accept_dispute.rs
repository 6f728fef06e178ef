//! `POST /v1/admin/orders/{id}/disputes/{dispute_id}/accept`: gives in. The money is gone then, and
//! nothing takes it back. A queue tells the provider.

use api::reply::Remembered;
use api::view::dispute::DisputeView;
use api::{Path, Reply, Staff};
use domain::dispute::{AnswerKind, Evidence};
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::answer::decide;
use crate::desk::WhichDispute;

/// Gives in.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersRefund>, Path<WhichDispute>>,
) -> Reply<Remembered<DisputeView>> {
    let Path(which) = call.input;
    let answer = (AnswerKind::Acceptance, &Evidence::default());
    decide(app, &call, which, "dispute.accept", answer).await
}
