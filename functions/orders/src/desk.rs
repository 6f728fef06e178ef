//! What the endpoints of the order desk share: which order and refund, what is to be given back,
//! and what the audit log is told.

use api::form::{Fields, Form, Integer, ListOf, Nested, Text, order_id, order_line_id, refund_id};
use api::reply::{Output as _, Remembered};
use api::view::order_desk::OrderFileView;
use api::{Problem, Reply, Staff, Versioned};
use domain::audit::changes;
use domain::event::Event;
use domain::id::{OrderId, OrderLineId, RefundId};
use domain::money::Money;
use domain::order::{Order, Refusal, Status};
use domain::refund::{Fresh, REASON_CHARS_MAX, Wanted};
use runtime::Call;
use runtime::endpoint::stored;
use serde_json::{Value, json};
use store::Saved;
use store::order::OrderFile;
use store::refund::Move;

use crate::App;

/// How often a lost race is run again before the caller is asked to.
pub(crate) const RACES_MAX: usize = 12;
/// Lines of an order: a cart holds at most as many.
const LINES_MAX: usize = domain::cart::LINES_MAX;
/// Units of a line: far more than a cart holds.
const UNITS_MAX: i64 = 100_000;

/// Which refund of which order.
#[derive(Debug, Clone, Copy)]
pub struct WhichRefund {
    pub(crate) id: OrderId,
    pub(crate) refund_id: RefundId,
}

impl Form for WhichRefund {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let id = fields.required("id", order_id());
        let refund_id = fields.required("refund_id", refund_id());
        Some(Self { id: id?, refund_id: refund_id? })
    }
}

/// Units of a line.
#[derive(Debug)]
struct Line(OrderLineId, u32);

impl Form for Line {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let line = fields.required("line_id", order_line_id());
        let quantity = fields.required("quantity", Integer::between(1, UNITS_MAX));
        Some(Self(line?, u32::try_from(quantity?).ok()?))
    }
}

/// An amount above zero.
#[derive(Debug)]
struct Positive(Money);

impl Form for Positive {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let amount = fields.required("amount", Integer::between(1, i64::from(u32::MAX)));
        let currency = fields.required("currency", api::form::currency());
        Some(Self(Money::new(amount?, currency?)))
    }
}

/// What is to be given back: units of lines, shipping, a free amount, a kindness.
#[derive(Debug)]
pub struct Asked {
    pub(crate) wanted: Wanted,
    pub(crate) reason: Option<String>,
}

impl Form for Asked {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let lines = ListOf::some_up_to(LINES_MAX, Nested::<Line>::form(), "No line is named.");
        let lines = fields.optional("lines", lines);
        let shipping = fields.optional("shipping", Nested::<Positive>::form());
        let amount = fields.optional("amount", Nested::<Positive>::form());
        let goodwill = fields.optional("goodwill", Nested::<Positive>::form());
        let reason = fields.optional("reason", Text::between(1, REASON_CHARS_MAX));
        let parts = ["lines", "shipping", "amount", "goodwill"];
        fields.either(&parts, "There is nothing to give back.");
        let lines = lines?.unwrap_or_default();
        let money = |asked: Option<Positive>| asked.map(|Positive(money)| money);
        let wanted = Wanted {
            lines: lines.into_iter().map(|Line(line, quantity)| (line, quantity)).collect(),
            shipping: money(shipping?),
            amount: money(amount?),
            goodwill: money(goodwill?),
        };
        let reason = reason?;
        Some(Self { wanted, reason })
    }
}

/// An order with all that lies with it.
pub(crate) async fn load(app: &App, id: OrderId) -> Reply<OrderFile> {
    app.store.order(id).await?.ok_or_else(Problem::not_found)
}

/// What only the outside gives to a new refund.
pub(crate) fn fresh<P, I>(app: &App, call: &Call<Staff<P>, I>, reason: Option<String>) -> Fresh {
    let id = RefundId::from_ulid(app.ids.ulid(call.now));
    Fresh { id, by: call.who.actor(), reason, now: call.now }
}

/// An entry of the audit log: what was done to which thing, from one state to another.
pub(crate) fn note<P, I>(
    app: &App,
    call: &Call<Staff<P>, I>,
    action: &str,
    object: impl std::fmt::Display,
    (before, after): &(Value, Value),
) -> Reply<Event> {
    let doors = app.doors.as_ref().ok_or_else(Problem::internal)?;
    let (object, changed) = (Some(object.to_string()), changes(before, after));
    Ok(doors.audit(&call.request, call.who.actor(), action, object, changed))
}

/// Turns an order to another status, if its machine agrees, and says so. The answer is remembered
/// in the same write.
pub(crate) async fn turn<P, I>(
    app: &App,
    call: &Call<Staff<P>, I>,
    id: OrderId,
    action: &str,
    decide: impl Fn(Order) -> Result<Order, Refusal>,
) -> Reply<Remembered<Versioned<OrderFileView>>> {
    for _ in 0..RACES_MAX {
        let file = load(app, id).await?;
        let mut order = decide(file.order.clone())?;
        let states = (json!({"status": file.order.status}), json!({"status": order.status}));
        let is_reopened = file.order.status == Status::Completed;
        let fact = if is_reopened { order.say_reopened() } else { order.say_moved() };
        let said = settlement::event(&order, fact, call.now);
        let events = [note(app, call, action, id, &states)?, said];
        let version = order.version + 1;
        let shown = Order { version, ..order.clone() };
        let view = || OrderFileView::of(shown.clone(), &file.payments, &file.refunds);
        let remembered = stored(&Versioned(view(), version).answer(&call.request));
        let step = Move {
            before: &file.order,
            order: &order,
            payment: None,
            refund: None,
            entry: None,
            events: &events,
            remembered: call.claim.as_ref().map(|claim| (claim, &remembered)),
        };
        if app.store.move_money(&step).await? == Saved::Yes {
            return Ok(Remembered(Versioned(view(), version)));
        }
    }
    Err(Problem::unavailable())
}

/// Money as the audit log may show it.
pub(crate) fn shown(money: Money) -> Value {
    json!({"amount": money.amount(), "currency": money.currency().code()})
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;

    use super::*;

    #[test]
    fn a_refund_is_named_with_its_order() {
        let order = "ord_01ARZ3NDEKTSV4RRFFQ69G5FAV";
        let refund = "ref_01ARZ3NDEKTSV4RRFFQ69G5FAV";
        assert_eq!(flaws_of::<WhichRefund>(&json!({"id": order, "refund_id": refund})), []);
        let wrong = flaws_of::<WhichRefund>(&json!({"id": order, "refund_id": order}));
        assert_eq!(wrong, [("/refund_id".to_owned(), "malformed_id")]);
    }

    #[test]
    fn something_is_to_be_given_back_and_more_than_nothing() {
        let eur = |amount: i64| json!({"amount": amount, "currency": "EUR"});
        let line =
            |quantity| json!({"line_id": "oli_01ARZ3NDEKTSV4RRFFQ69G5FAV", "quantity": quantity});
        assert_eq!(flaws_of::<Asked>(&json!({"lines": [line(2)], "reason": "Broken"})), []);
        assert_eq!(flaws_of::<Asked>(&json!({"shipping": eur(490), "goodwill": eur(1)})), []);
        let nothing = [("/lines".to_owned(), "required")];
        assert_eq!(flaws_of::<Asked>(&json!({})), nothing);
        assert_eq!(flaws_of::<Asked>(&json!({"lines": [], "reason": "Broken"})), nothing);
        let wrong = json!({"lines": [line(0)], "amount": eur(-1)});
        let wanted = [
            ("/lines/0/quantity".to_owned(), "out_of_range"),
            ("/amount/amount".to_owned(), "out_of_range"),
        ];
        assert_eq!(flaws_of::<Asked>(&wrong), wanted);
    }
}
