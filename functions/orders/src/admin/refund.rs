//! `POST /v1/admin/orders/{id}/refunds`: gives money back. One write moves the order's counters,
//! behind the condition that so much is left, gives gift cards and store credit theirs, and says
//! what is to be asked of the payment provider, whom a queue asks. The answer is remembered in the
//! same write: said again under its key, nothing is given twice.

use api::form::OrderPath;
use api::reply::{Answer, Created, Remembered};
use api::view::refund::RefundView;
use api::{Body, KeyRequired, Path, Problem, Reply, Staff};
use domain::permission::grant;
use http::StatusCode;
use runtime::Call;
use runtime::endpoint::stored;
use serde_json::Value;
use settlement::say_changed;
use store::Saved;
use store::refund::Move;

use crate::App;
use crate::desk::{Asked, RACES_MAX, fresh, load, note, shown};

type Given = (Path<OrderPath>, (KeyRequired, Body<Asked>));

/// Gives money back.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersRefund>, Given>,
) -> Reply<Remembered<Created<RefundView>>> {
    let (Path(OrderPath { id }), (_, Body(Asked { wanted, reason }))) = &call.input;
    let fresh = fresh(app, &call, reason.clone());
    for _ in 0..RACES_MAX {
        let file = load(app, *id).await?;
        let (payment, known) = (file.payment(), file.refunds.len());
        let mut changed = file.order.request_refund(payment, known, wanted, fresh.clone())?;
        changed.spares(&file.order, &file.refunds)?;
        let states = (Value::Null, shown(changed.refund.amount()));
        let mut events = vec![note(app, &call, "order.refund", id, &states)?];
        events.extend(say_changed(&mut changed, call.now));
        let view = RefundView::from(&changed.refund);
        let remembered = stored(&Answer::json(StatusCode::CREATED, &view));
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
            return Ok(Remembered(Created(view)));
        }
    }
    Err(Problem::unavailable())
}
