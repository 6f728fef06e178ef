//! `POST /v1/store/orders/{id}/cancel`: before it is paid. The PaymentIntent is canceled first;
//! only then is the stock given back and the cart opened again.

use api::form::OrderPath;
use api::view::order::OrderView;
use api::{OrderReader, Path, Problem, Reply};
use domain::order::{Refusal, Status};
use jiff::Timestamp;
use runtime::Call;
use settlement::{Desk, Ended};

use crate::{App, which};

/// Calls an order off. Calling it off again shows it as it is.
pub async fn handle(app: &App, call: Call<OrderReader, Path<OrderPath>>) -> Reply<OrderView> {
    let Path(OrderPath { id }) = call.input;
    let file = which::load(app, id, &call.who).await?;
    if file.order.status == Status::Canceled {
        return Ok(OrderView::of(file.order, &file.payments, Vec::new()));
    }
    // What the machine refuses is refused before anybody is asked.
    file.order.clone().end(Status::Canceled, call.now)?;
    let till = app.till.as_ref().ok_or_else(Problem::internal)?;
    let gateway = till.gateway(call.now).await?;
    let desk = Desk { store: &app.store, gateway: &gateway, now: call.now };
    let ended = Box::pin(settlement::end_unpaid(&desk, id, Status::Canceled)).await?;
    answer(ended, call.now)
}

/// What became of the order is shown; what can not be called off any more is refused.
fn answer(ended: Ended, now: Timestamp) -> Reply<OrderView> {
    match ended {
        Ended::Yes(file) => Ok(OrderView::of(file.order, &file.payments, Vec::new())),
        Ended::NotWaiting(file) if file.order.status == Status::Canceled => {
            Ok(OrderView::of(file.order, &file.payments, Vec::new()))
        }
        Ended::NotWaiting(file) => match file.order.end(Status::Canceled, now) {
            Err(refusal) => Err(refusal.into()),
            Ok(_) => Err(Problem::unavailable()),
        },
        Ended::Undecided => Err(Refusal::AlreadyPaid.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_provider_is_at_can_not_be_called_off() {
        let refused = answer(Ended::Undecided, Timestamp::UNIX_EPOCH).unwrap_err();
        assert_eq!((refused.status.as_u16(), refused.code), (409, "invalid_transition"));
    }
}
