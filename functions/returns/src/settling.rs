//! What settles a return with something: for which units, and the refund that gives it, written in
//! one transaction with the return.

use api::form::{Integer, ListOf, Nested, Text, currency, order_line_id};
use api::reply::{Answer, Remembered};
use api::view::returns::ReturnView;
use api::{Fields, Form, Problem, Reply, Staff, Versioned};
use domain::id::{OrderLineId, RefundId};
use domain::money::Money;
use domain::refund::{Changed, Fresh, REASON_CHARS_MAX};
use domain::returns::{LINES_MAX, Resolution, Return, UNITS_MAX};
use http::StatusCode;
use runtime::Call;
use runtime::endpoint::stored;
use settlement::say_changed;
use store::Saved;
use store::order::OrderFile;
use store::refund::Move;
use store::returns::Credited;

use crate::App;
use crate::desk::{note, said, shown_as_written};

/// Units of a line.
#[derive(Debug)]
pub(crate) struct Line(OrderLineId, u32);

impl Line {
    /// Which, and how many.
    pub(crate) const fn units(self) -> (OrderLineId, u32) {
        (self.0, self.1)
    }
}

impl Form for Line {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let line = fields.required("order_line_id", order_line_id());
        let quantity = fields.required("quantity", Integer::between(1, i64::from(UNITS_MAX)));
        Some(Self(line?, u32::try_from(quantity?).ok()?))
    }
}

/// An amount above zero.
#[derive(Debug)]
struct Positive(Money);

impl Form for Positive {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let amount = fields.required("amount", Integer::between(1, i64::from(u32::MAX)));
        let currency = fields.required("currency", currency());
        Some(Self(Money::new(amount?, currency?)))
    }
}

/// What is given: for the units that came back or for those of them that are named, and of the
/// shipping as much as is said.
#[derive(Debug)]
pub struct Given {
    pub(crate) lines: Option<Vec<(OrderLineId, u32)>>,
    pub(crate) shipping: Option<Money>,
    pub(crate) reason: Option<String>,
}

impl Form for Given {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let items = ListOf::some_up_to(LINES_MAX, Nested::<Line>::form(), "No line is named.");
        let items = fields.optional("items", items);
        let shipping = fields.optional("shipping", Nested::<Positive>::form());
        let reason = fields.optional("reason", Text::between(1, REASON_CHARS_MAX));
        let lines = items?.map(|items| items.into_iter().map(Line::units).collect());
        let shipping = shipping?.map(|Positive(money)| money);
        Some(Self { lines, shipping, reason: reason? })
    }
}

/// What only the outside gives to the refund.
pub(crate) fn fresh<P, I>(app: &App, call: &Call<Staff<P>, I>, reason: Option<String>) -> Fresh {
    let id = RefundId::from_ulid(app.ids.ulid(call.now));
    Fresh { id, by: call.who.actor(), reason, now: call.now }
}

/// A refund that settles a return, as it is written.
pub(crate) struct Settling<'a> {
    /// The order as it was loaded, with its returns.
    pub(crate) file: &'a OrderFile,
    /// The return as it was loaded.
    pub(crate) before: &'a Return,
    /// The refund, with the order as it leaves it.
    pub(crate) changed: Changed,
    /// What the buyer gets.
    pub(crate) resolution: Resolution,
    /// The store credit, where they get that.
    pub(crate) credited: Option<Credited<'a>>,
}

/// Writes it; none where somebody else was faster, or less is left.
pub(crate) async fn write<P, I: Sync>(
    app: &App,
    call: &Call<Staff<P>, I>,
    settling: Settling<'_>,
    action: &str,
) -> Reply<Option<Remembered<Versioned<ReturnView>>>> {
    let Settling { file, before, mut changed, resolution, credited } = settling;
    let said_of_refund = say_changed(&mut changed, call.now);
    let step = before.clone().resolve(&changed.order, &file.returns, resolution, call.now);
    let mut step = step.map_err(Problem::from)?;
    let mut events = vec![note(app, call, action, Some(before), &step.returned)?];
    events.extend(said_of_refund);
    events.extend(said(&mut step, call.now));
    let view = shown_as_written(&step.returned);
    let version = view.version;
    let tag = api::input::version_tag(version);
    let answer = stored(&Answer::json(StatusCode::OK, &view).header("etag", &tag));
    let moved = Move {
        before: &file.order,
        order: &step.order,
        payment: changed.payment.as_ref(),
        refund: Some(&changed.refund),
        entry: changed.entry.as_ref(),
        events: &events,
        remembered: call.claim.as_ref().map(|claim| (claim, &answer)),
    };
    let saved = app.store.resolve_return(&moved, &step.returned, credited.as_ref()).await?;
    Ok((saved == Saved::Yes).then_some(Remembered(Versioned(view, version))))
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_has_to_be_said_for_all_that_came_back() {
        assert_eq!(flaws_of::<Given>(&json!({})), []);
        let line = json!({"order_line_id": "oli_01ARZ3NDEKTSV4RRFFQ69G5FAV", "quantity": 1});
        let shipping = json!({"amount": 490, "currency": "EUR"});
        let given = json!({"items": [line], "shipping": shipping, "reason": "Too small"});
        assert_eq!(flaws_of::<Given>(&given), []);
        let wrong = json!({"items": [], "shipping": {"amount": 0, "currency": "EUR"}});
        let wanted =
            [("/items".to_owned(), "required"), ("/shipping/amount".to_owned(), "out_of_range")];
        assert_eq!(flaws_of::<Given>(&wrong), wanted);
    }
}
