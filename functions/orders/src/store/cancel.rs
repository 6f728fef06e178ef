//! `POST /v1/store/orders/{id}/cancel`: before it is paid. The PaymentIntent is canceled first;
//! only then is the stock given back and the cart opened again.

use api::view::order::OrderView;
use api::{OrderReader, Path, Problem, Reply};
use domain::order::{Refusal, Status};
use runtime::Call;
use settlement::{Desk, Ended};

use crate::App;
use crate::which::{self, Which};

/// Calls an order off. Calling it off again shows it as it is.
pub async fn handle(app: &App, call: Call<OrderReader, Path<Which>>) -> Reply<OrderView> {
    let Path(Which { id }) = call.input;
    let file = which::load(app, id, &call.who).await?;
    if file.order.status == Status::Canceled {
        return Ok(OrderView::of(file.order, &file.payments, Vec::new()));
    }
    // What the machine refuses is refused before anybody is asked.
    file.order.clone().end(Status::Canceled, call.now)?;
    let till = app.till.as_ref().ok_or_else(Problem::internal)?;
    let gateway = till.gateway(call.now).await?;
    let desk = Desk { store: &app.store, gateway: &gateway, now: call.now };
    match settlement::end_unpaid(&desk, id, Status::Canceled).await? {
        Ended::Yes(file) => Ok(OrderView::of(file.order, &file.payments, Vec::new())),
        Ended::NotWaiting(file) if file.order.status == Status::Canceled => {
            Ok(OrderView::of(file.order, &file.payments, Vec::new()))
        }
        Ended::NotWaiting(file) => match file.order.end(Status::Canceled, call.now) {
            Err(refusal) => Err(refusal.into()),
            Ok(_) => Err(Problem::unavailable()),
        },
        Ended::Undecided => Err(Refusal::AlreadyPaid.into()),
    }
}
