//! `POST /v1/admin/orders/{id}/capture`: takes the money that is reserved for an order: all of it,
//! or so much; what is not taken then is let go. A queue asks the provider. An order on hold has to
//! be released first. The answer is remembered in the same write: said again under its key, nothing
//! is asked for twice.

use api::form::{Nested, OrderPath};
use api::reply::{Answer, Remembered};
use api::view::order_desk::PaymentDetailView;
use api::{Body, Fields, Form, KeyRequired, Path, Problem, Reply, Staff};
use domain::capture::Refusal;
use domain::money::Money;
use domain::permission::grant;
use http::StatusCode;
use runtime::Call;
use runtime::endpoint::stored;
use serde_json::{Value, json};
use store::Saved;
use store::refund::Move;

use crate::App;
use crate::desk::{RACES_MAX, load, note};

/// How much.
#[derive(Debug)]
pub struct Wanted {
    amount: Option<Money>,
}

impl Form for Wanted {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let amount = fields.optional("amount", Nested::form());
        Some(Self { amount: amount? })
    }
}

type Given = (Path<OrderPath>, (KeyRequired, Body<Wanted>));

/// Takes it.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersCapture>, Given>,
) -> Reply<Remembered<PaymentDetailView>> {
    let (Path(OrderPath { id }), (KeyRequired, Body(Wanted { amount }))) = &call.input;
    let by = call.who.actor();
    for _ in 0..RACES_MAX {
        let file = load(app, *id).await?;
        let payment = file.payment().ok_or(Refusal::NothingReserved)?;
        let asked = payment.ask_capture(&file.order, *amount, by, call.now)?;
        let mut order = file.order.clone();
        let taken = asked.capture_asked.as_ref().map(|asked| asked.amount);
        let shown = json!({
            "amount": taken.map(Money::amount),
            "currency": order.currency.code(),
        });
        let audit = note(app, &call, "order.capture", id, &(Value::Null, shown))?;
        let fact = order.say_capture_requested(&asked, call.now);
        let events = [audit, settlement::event(&order, fact, call.now)];
        let view = PaymentDetailView::from(&asked);
        let remembered = stored(&Answer::json(StatusCode::OK, &view));
        let step = Move {
            before: &file.order,
            order: &order,
            payment: Some(&asked),
            refund: None,
            entry: None,
            events: &events,
            remembered: call.claim.as_ref().map(|claim| (claim, &remembered)),
        };
        if app.store.move_money(&step).await? == Saved::Yes {
            return Ok(Remembered(view));
        }
    }
    Err(Problem::unavailable())
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;

    use super::*;

    #[test]
    fn all_of_it_is_taken_or_so_much() {
        assert_eq!(flaws_of::<Wanted>(&json!({})), []);
        let some = json!({"amount": {"amount": 1990, "currency": "EUR"}});
        assert_eq!(flaws_of::<Wanted>(&some), []);
        let wrong = json!({"amount": {"amount": -1, "currency": "EUR"}});
        assert_eq!(flaws_of::<Wanted>(&wrong).len(), 1);
    }
}
