//! What moves a return for staff: it is loaded with its order, decided, and written with it, with
//! what comes into stock, its entry in the audit log, what is said of it and the answer.

use std::collections::BTreeMap;

use api::form::{Fields, Form, Text, order_id, return_id};
use api::input::version_tag;
use api::reply::{Answer, Remembered};
use api::view::returns::ReturnView;
use api::{Body, IfMatch, Path, Problem, Reply, Staff, Versioned};
use domain::audit::{Actor, changes};
use domain::catalog::Sku;
use domain::event::Event;
use domain::id::{LocationId, MovementId, OrderId, ReturnId};
use domain::movement::{Kind, Movement};
use domain::permission::grant;
use domain::returns::{Disposition, NOTE_CHARS_MAX, Refusal, Return, Step};
use http::StatusCode;
use jiff::Timestamp;
use runtime::endpoint::stored;
use runtime::{Call, Ids};
use serde_json::{Value, json};
use settlement::event;
use store::Saved;
use store::order::OrderFile;
use store::returns::Move;

use crate::App;

/// Two who change the returns of one order at once: the second decides again, so often at most.
pub(crate) const ATTEMPTS_MAX: usize = 8;

/// Who says what becomes of returns.
pub(crate) type Clerk = Staff<grant::ReturnsWrite>;
/// Which return, as it was seen, and what is said of it.
pub(crate) type Seen<T> = (Path<WhichReturn>, (IfMatch, Body<T>));

/// Which return: `{id}/returns/{return_id}` in a path.
#[derive(Debug, Clone, Copy)]
pub struct WhichReturn {
    pub(crate) order: OrderId,
    pub(crate) returned: ReturnId,
}

impl Form for WhichReturn {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let order = fields.required("id", order_id());
        let returned = fields.required("return_id", return_id());
        Some(Self { order: order?, returned: returned? })
    }
}

/// Why a return is not agreed to, or settled with nothing.
#[derive(Debug)]
pub struct Why {
    pub(crate) reason: String,
}

impl Form for Why {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let reason = fields.required("reason", Text::between(1, NOTE_CHARS_MAX));
        Some(Self { reason: reason? })
    }
}

/// An order with all that lies with it.
pub(crate) async fn load(app: &App, id: OrderId) -> Reply<OrderFile> {
    app.store.order(id).await?.ok_or_else(Problem::not_found)
}

/// A return among those of its order.
pub(crate) fn find(file: &OrderFile, id: ReturnId) -> Reply<Return> {
    let found = file.returns.iter().find(|returned| returned.id == id);
    found.cloned().ok_or_else(Problem::not_found)
}

/// Moves a return that the caller has seen: `decide` says what becomes of it as it was loaded.
pub(crate) async fn step<P, I: Sync>(
    app: &App,
    call: &Call<Staff<P>, I>,
    (which, seen): (WhichReturn, IfMatch),
    action: &str,
    decide: impl Fn(Return, &OrderFile) -> Result<Step, Refusal> + Send + Sync,
) -> Reply<Remembered<Versioned<ReturnView>>> {
    for _ in 0..ATTEMPTS_MAX {
        let file = load(app, which.order).await?;
        let before = find(&file, which.returned)?;
        seen.check(before.version)?;
        let step = decide(before.clone(), &file)?;
        if let Some(view) = write(app, call, Some(&before), step, action).await? {
            let version = view.version;
            return Ok(Remembered(Versioned(view, version)));
        }
    }
    Err(Problem::unavailable())
}

/// Writes a step of a member of the staff; none where somebody else was faster.
pub(crate) async fn write<P, I: Sync>(
    app: &App,
    call: &Call<Staff<P>, I>,
    before: Option<&Return>,
    mut step: Step,
    action: &str,
) -> Reply<Option<ReturnView>> {
    let has_moved = before.is_none_or(|before| before.status != step.returned.status);
    let mut events = vec![note(app, call, action, before, &step.returned)?];
    if has_moved {
        events.extend(said(&mut step, call.now));
    }
    let (restocked, written_off) = movements(&app.ids, &step, call.who.actor(), call.now);
    let view = shown_as_written(&step.returned);
    let answer = match before {
        None => Answer::json(StatusCode::CREATED, &view),
        Some(_) => Answer::json(StatusCode::OK, &view),
    };
    let answer = stored(&answer.header("etag", &version_tag(view.version)));
    let moved = Move {
        order: &step.order,
        returned: &step.returned,
        restocked: &restocked,
        written_off: &written_off,
        events: &events,
        remembered: call.claim.as_ref().map(|claim| (claim, &answer)),
    };
    let saved = app.store.move_return(&moved).await?;
    Ok((saved == Saved::Yes).then_some(view))
}

/// A return as it will stand once it is written.
pub(crate) fn shown_as_written(returned: &Return) -> ReturnView {
    ReturnView { version: returned.version + 1, ..ReturnView::from(returned) }
}

/// An entry of the audit log: what was done to a return.
pub(crate) fn note<P, I>(
    app: &App,
    call: &Call<Staff<P>, I>,
    action: &str,
    before: Option<&Return>,
    after: &Return,
) -> Reply<Event> {
    let doors = app.doors.as_ref().ok_or_else(Problem::internal)?;
    let (was, is) = (before.map_or(Value::Null, shown), shown(after));
    let object = Some(after.id.to_string());
    Ok(doors.audit(&call.request, call.who.actor(), action, object, changes(&was, &is)))
}

/// What is said of a step: of the order, where it is open again by it, and of the return.
pub(crate) fn said(step: &mut Step, now: Timestamp) -> Vec<Event> {
    let mut events = Vec::new();
    if step.reopens {
        let fact = step.order.say_reopened();
        events.push(event(&step.order, fact, now));
    }
    let fact = step.say();
    events.push(event(&step.order, fact, now));
    events
}

/// The movements of what came: what is for sale again, each place once; and of what is thrown away
/// that it came and went, so that the book of stock knows of every unit that ever came back.
fn movements(
    ids: &Ids,
    step: &Step,
    actor: Actor,
    now: Timestamp,
) -> (Vec<Movement>, Vec<Movement>) {
    let mut sold: BTreeMap<(&Sku, LocationId), i64> = BTreeMap::new();
    let mut gone: BTreeMap<(&Sku, LocationId), i64> = BTreeMap::new();
    for arrival in &step.arrivals {
        let sums = match arrival.disposition {
            Disposition::Restock => &mut sold,
            Disposition::WriteOff => &mut gone,
        };
        *sums.entry((&arrival.sku, arrival.location)).or_default() += i64::from(arrival.quantity);
    }
    let movement = |(sku, location): (&Sku, LocationId), kind, quantity| Movement {
        id: MovementId::from_ulid(ids.ulid(now)),
        sku: sku.clone(),
        location,
        kind,
        quantity,
        reason: None,
        reference: Some(step.returned.id.to_string()),
        actor,
        at: now,
    };
    let sold = sold.into_iter().map(|(place, units)| movement(place, Kind::Restocked, units));
    let gone = gone.into_iter().flat_map(|(place, units)| {
        [movement(place, Kind::Restocked, units), movement(place, Kind::WrittenOff, -units)]
    });
    (sold.collect(), gone.collect())
}

/// What the audit log is told of a return: nobody's words and nobody's address.
fn shown(returned: &Return) -> Value {
    let sum = |units: fn(&domain::returns::Item) -> u32| -> u64 {
        returned.items.iter().map(|item| u64::from(units(item))).sum()
    };
    json!({
        "order_id": returned.order,
        "status": returned.status,
        "unit_quantity": sum(|item| item.quantity),
        "awaiting_quantity": sum(domain::returns::Item::awaiting),
        "returned_quantity": sum(domain::returns::Item::came_back),
        "resolution": returned.resolution.as_ref().map(|resolution| match resolution {
            domain::returns::Resolution::Refund { amount, .. }
            | domain::returns::Resolution::StoreCredit { amount, .. } => {
                json!({"amount": amount.amount(), "currency": amount.currency().code()})
            }
            domain::returns::Resolution::Exchange { order, credit, .. } => json!({
                "order_id": order, "amount": credit.amount(), "currency": credit.currency().code(),
            }),
            domain::returns::Resolution::None { .. } => json!("none"),
        }),
    })
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;

    use super::*;

    #[test]
    fn a_return_is_named_with_its_order() {
        let order = "ord_01ARZ3NDEKTSV4RRFFQ69G5FAV";
        let returned = "ret_01ARZ3NDEKTSV4RRFFQ69G5FAV";
        assert_eq!(flaws_of::<WhichReturn>(&json!({"id": order, "return_id": returned})), []);
        let wrong = flaws_of::<WhichReturn>(&json!({"id": order, "return_id": order}));
        assert_eq!(wrong, [("/return_id".to_owned(), "malformed_id")]);
    }

    #[test]
    fn nobody_is_sent_away_or_gets_nothing_without_a_reason() {
        assert_eq!(flaws_of::<Why>(&json!({"reason": "Nothing came"})), []);
        assert_eq!(flaws_of::<Why>(&json!({})), [("/reason".to_owned(), "required")]);
    }
}
