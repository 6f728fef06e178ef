//! `POST /v1/admin/orders/{id}/lines/cancel`: calls units off that have not left, while the rest of
//! the order goes on. One write gives their stock back, lowers what is due, asks for what of them
//! was paid, and says so; the answer is remembered in it: said again under its key, nothing is
//! called off twice.

use api::form::{Integer, ListOf, Nested, OrderPath, Text, order_line_id};
use api::reply::{Output as _, Remembered};
use api::view::order_desk::OrderFileView;
use api::{Body, Fields, Form, KeyRequired, Path, Problem, Reply, Staff, Versioned};
use domain::id::OrderLineId;
use domain::line_cancel::Off;
use domain::order::Order;
use domain::permission::grant;
use domain::refund::{Changed, REASON_CHARS_MAX, Refund};
use runtime::Call;
use runtime::endpoint::stored;
use serde_json::{Value, json};
use settlement::say_changed;
use store::Saved;
use store::order::OrderFile;
use store::refund::Move;

use crate::App;
use crate::desk::{RACES_MAX, fresh, load, note};

/// Lines of an order: a cart holds at most as many.
const LINES_MAX: usize = domain::cart::LINES_MAX;
/// Units of a line: far more than a cart holds.
const UNITS_MAX: i64 = 100_000;

/// Units of a line.
#[derive(Debug)]
struct Units(OrderLineId, u32);

impl Form for Units {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let line = fields.required("line_id", order_line_id());
        let quantity = fields.required("quantity", Integer::between(1, UNITS_MAX));
        Some(Self(line?, u32::try_from(quantity?).ok()?))
    }
}

/// What is called off, and why.
#[derive(Debug)]
pub struct Which {
    lines: Vec<(OrderLineId, u32)>,
    reason: String,
}

impl Form for Which {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let lines = ListOf::some_up_to(LINES_MAX, Nested::<Units>::form(), "No line is named.");
        let lines = fields.required("lines", lines);
        let reason = fields.required("reason", Text::between(1, REASON_CHARS_MAX));
        let lines = lines?.into_iter().map(|Units(line, quantity)| (line, quantity)).collect();
        Some(Self { lines, reason: reason? })
    }
}

type Given = (Path<OrderPath>, (KeyRequired, Body<Which>));

/// Calls units off.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersWrite>, Given>,
) -> Reply<Remembered<Versioned<OrderFileView>>> {
    let (Path(OrderPath { id }), (_, Body(Which { lines, reason }))) = &call.input;
    let fresh = fresh(app, &call, Some(reason.clone()));
    for _ in 0..RACES_MAX {
        let file = load(app, *id).await?;
        let money = (file.payment(), file.refunds.len());
        let mut off = file.order.cancel_units(&file.parcels, money, lines, fresh.clone())?;
        let fact = off.order_mut().say_lines_canceled();
        let states = (canceled(&file.order, lines), canceled(off.order(), lines));
        let mut events = vec![note(app, &call, "order.cancel_lines", id, &states)?];
        events.push(settlement::event(off.order(), fact, call.now));
        let (order, changed) = match off {
            Off::WithoutMoney(order) => (*order, None),
            Off::WithMoney(mut changed) => {
                changed.spares(&file.order, &file.refunds)?;
                events.extend(say_changed(&mut changed, call.now));
                (changed.order.clone(), Some(*changed))
            }
        };
        let version = order.version + 1;
        let view = || shown(&file, &order, changed.as_ref());
        let remembered = stored(&Versioned(view(), version).answer(&call.request));
        let step = Move {
            before: &file.order,
            order: &order,
            payment: changed.as_ref().and_then(|changed| changed.payment.as_ref()),
            refund: changed.as_ref().map(|changed| &changed.refund),
            entry: changed.as_ref().and_then(|changed| changed.entry.as_ref()),
            events: &events,
            remembered: call.claim.as_ref().map(|claim| (claim, &remembered)),
        };
        if app.store.move_money(&step).await? == Saved::Yes {
            return Ok(Remembered(Versioned(view(), version)));
        }
    }
    Err(Problem::unavailable())
}

/// The order as it will stand.
fn shown(file: &OrderFile, order: &Order, changed: Option<&Changed>) -> OrderFileView {
    let order = Order { version: order.version + 1, ..order.clone() };
    let mut payments = file.payments.clone();
    let paying = changed.and_then(|changed| changed.payment.as_ref());
    if let Some(paying) = paying {
        let same = payments.iter_mut().filter(|payment| payment.id == paying.id);
        same.for_each(|payment| payment.clone_from(paying));
    }
    let mut refunds: Vec<Refund> = file.refunds.clone();
    refunds.extend(changed.map(|changed| changed.refund.clone()));
    OrderFileView::of(order, &payments, &refunds)
}

/// Units called off of each line that is named, for the audit log.
fn canceled(order: &Order, lines: &[(OrderLineId, u32)]) -> Value {
    let named = |(id, _): &(OrderLineId, u32)| {
        let line = order.lines.iter().find(|line| line.id == *id)?;
        Some((line.sku.to_string(), json!(line.canceled)))
    };
    json!({"canceled": Value::Object(lines.iter().filter_map(named).collect())})
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;

    use super::*;

    #[test]
    fn units_are_called_off_for_a_reason() {
        let line =
            |quantity| json!({"line_id": "oli_01ARZ3NDEKTSV4RRFFQ69G5FAV", "quantity": quantity});
        let body = json!({"lines": [line(1)], "reason": "Out of stock"});
        assert_eq!(flaws_of::<Which>(&body), []);
        let nothing = json!({"lines": [], "reason": "Out of stock"});
        assert_eq!(flaws_of::<Which>(&nothing), [("/lines".to_owned(), "required")]);
        let wrong =
            [("/lines/0/quantity".to_owned(), "out_of_range"), ("/reason".to_owned(), "required")];
        assert_eq!(flaws_of::<Which>(&json!({"lines": [line(0)]})), wrong);
    }
}
