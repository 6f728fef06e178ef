//! `POST /v1/store/orders/{id}/retry_payment`: a declined card is not the end of an order.
//!
//! The same PaymentIntent, or page of the provider's, is answered again; one that was canceled or
//! has expired is replaced. For somebody who lost the answer of the completion, the cart's token
//! opens the order while it waits.

use api::form::OrderPath;
use api::view::order::{OrderView, RetriedView};
use api::{OrderReader, Path, Problem, Reply};
use domain::order::{Refusal, Status};
use domain::payment;
use runtime::Call;
use store::Saved;

use crate::{App, pay};

/// How often a lost race is run again before the caller is asked to.
const RACES_MAX: usize = 5;

/// Says again how to pay an order.
pub async fn handle(app: &App, call: Call<OrderReader, Path<OrderPath>>) -> Reply<RetriedView> {
    let Path(OrderPath { id }) = call.input;
    for _ in 0..RACES_MAX {
        let file = app.store.order(id).await?.filter(|file| call.who.may_read(&file.order));
        let file = file.ok_or_else(Problem::not_found)?;
        let is_over = file.order.reservation.expires_at <= call.now;
        if file.order.status != Status::PendingPayment || is_over {
            return Err(Refusal::NothingToPay.into());
        }
        let mut payment = pay::awaited(&file)?;
        // Money in quarantine is a person's business: nobody pays on top of it.
        if payment.status == payment::Status::IntegrityFailed {
            return Err(Refusal::NothingToPay.into());
        }
        let before = payment.clone();
        // Nobody pays again whose money is on its way.
        let view = pay::open(app, &file.order, &mut payment, call.now).await?;
        let view = view.ok_or(Refusal::NothingToPay)?;
        payment.is_answered = true;
        let mut order = file.order;
        let is_linked = before.intent == payment.intent && before.session() == payment.session();
        let saved = if is_linked {
            Saved::Yes
        } else {
            app.store.answer_completion(Some(&mut order), Some(&mut payment), None).await?
        };
        if saved == Saved::Yes {
            let order = OrderView::of(order, &[payment], Vec::new());
            return Ok(RetriedView { order, payment: view });
        }
    }
    Err(Problem::unavailable())
}

#[cfg(test)]
mod tests {
    use api::form::read_value;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_order_is_named_by_a_well_formed_id() {
        let reads = |id: &str| {
            read_value::<OrderPath>(&json!({"id": id}), "/path", &mut Vec::new()).is_some()
        };
        assert!(reads("ord_01ARZ3NDEKTSV4RRFFQ69G5FAV"));
        assert!(!reads("ord_1") && !reads("cart_01ARZ3NDEKTSV4RRFFQ69G5FAV"));
    }
}
