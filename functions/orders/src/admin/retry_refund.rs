//! `POST /v1/admin/orders/{id}/refunds/{refund_id}/retry`: asks once more for a refund that failed,
//! if that much is still left. It is a new attempt: the payment provider is asked under a new key.

use api::reply::{Answer, Remembered};
use api::view::refund::RefundView;
use api::{Path, Problem, Reply, Staff};
use domain::permission::grant;
use http::StatusCode;
use runtime::Call;
use runtime::endpoint::stored;
use serde_json::json;
use settlement::say_changed;
use store::Saved;
use store::refund::Move;

use crate::App;
use crate::desk::{RACES_MAX, WhichRefund, load, note};

/// Asks for it once more. The answer is remembered in the same write.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersRefund>, Path<WhichRefund>>,
) -> Reply<Remembered<RefundView>> {
    let Path(WhichRefund { id, refund_id }) = &call.input;
    for _ in 0..RACES_MAX {
        let file = load(app, *id).await?;
        let found = file.refunds.iter().find(|refund| refund.id == *refund_id);
        let refund = found.ok_or_else(Problem::not_found)?;
        let payment = file.payments.iter().find(|payment| Some(payment.id) == refund.payment);
        let payment = payment.ok_or_else(Problem::not_found)?;
        let mut changed = refund.retry(&file.order, payment, call.now)?;
        let states = (json!({"status": refund.status}), json!({"status": changed.refund.status}));
        let mut events = vec![note(app, &call, "refund.retry", refund_id, &states)?];
        events.extend(say_changed(&mut changed, call.now));
        let view = RefundView::from(&changed.refund);
        let remembered = stored(&Answer::json(StatusCode::OK, &view));
        let step = Move {
            before: &file.order,
            order: &changed.order,
            payment: changed.payment.as_ref(),
            refund: Some(&changed.refund),
            entry: changed.entry.as_ref(),
            events: &events,
            remembered: call.claim.as_ref().map(|claim| (claim, &remembered)),
        };
        if app.store.move_money(&step).await? == Saved::Yes {
            return Ok(Remembered(view));
        }
    }
    Err(Problem::unavailable())
}
