//! What moves a parcel: it is loaded with its order, decided, and written with it, with what leaves
//! the stock, its entry in the audit log, what is said of it and the answer.

use std::collections::BTreeMap;

use api::form::{Fields, Form, fulfillment_id, order_id};
use api::input::version_tag;
use api::reply::{Answer, Remembered};
use api::view::fulfillment::FulfillmentView;
use api::{IfMatch, Problem, Reply, Staff, Versioned};
use domain::allocation::Allocation;
use domain::audit::{Actor, changes};
use domain::event::Event;
use domain::fulfillment::{Fulfillment, Refusal, Step};
use domain::id::{EventId, FulfillmentId, LocationId, MovementId, OrderId};
use domain::movement::{Kind, Movement};
use domain::order::Order;
use domain::permission::grant;
use http::StatusCode;
use jiff::Timestamp;
use runtime::endpoint::stored;
use runtime::{Call, Ids};
use serde_json::{Value, json};
use store::fulfillment::{Move, Moved};
use store::order::OrderFile;

use crate::App;

/// Two who change the parcels of one order at once: the second decides again, so often at most.
pub(crate) const ATTEMPTS_MAX: usize = 4;

/// Who moves parcels.
pub(crate) type Packer = Staff<grant::OrdersFulfill>;

/// Which parcel: `{id}/fulfillments/{fulfillment_id}` in a path.
#[derive(Debug, Clone, Copy)]
pub struct WhichParcel {
    pub(crate) order: OrderId,
    pub(crate) parcel: FulfillmentId,
}

impl Form for WhichParcel {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let order = fields.required("id", order_id());
        let parcel = fields.required("fulfillment_id", fulfillment_id());
        Some(Self { order: order?, parcel: parcel? })
    }
}

/// An order with all that lies with it.
pub(crate) async fn load(app: &App, id: OrderId) -> Reply<OrderFile> {
    app.store.order(id).await?.ok_or_else(Problem::not_found)
}

/// A parcel with its order.
pub(crate) async fn load_parcel(app: &App, which: WhichParcel) -> Reply<(Order, Fulfillment)> {
    let OrderFile { order, parcels, .. } = load(app, which.order).await?;
    let parcel = parcels.into_iter().find(|parcel| parcel.id == which.parcel);
    Ok((order, parcel.ok_or_else(Problem::not_found)?))
}

/// Moves a parcel that the caller has seen: `decide` says what becomes of it as it was loaded.
pub(crate) async fn step<I: Sync>(
    app: &App,
    call: &Call<Packer, I>,
    (which, seen): (WhichParcel, IfMatch),
    action: &str,
    decide: impl Fn(Fulfillment, &Order) -> Result<Step, Refusal> + Send + Sync,
) -> Reply<Remembered<Versioned<FulfillmentView>>> {
    for _ in 0..ATTEMPTS_MAX {
        let (order, before) = load_parcel(app, which).await?;
        seen.check(before.version)?;
        let step = decide(before.clone(), &order)?;
        if let Some(view) = write(app, call, Some(&before), step, action).await? {
            let version = view.version;
            return Ok(Remembered(Versioned(view, version)));
        }
    }
    Err(Problem::unavailable())
}

/// Writes a step of a member of the staff; none where somebody else was faster.
pub(crate) async fn write<I: Sync>(
    app: &App,
    call: &Call<Packer, I>,
    before: Option<&Fulfillment>,
    mut step: Step,
    action: &str,
) -> Reply<Option<FulfillmentView>> {
    let has_moved = before.is_none_or(|before| before.status != step.parcel.status);
    let doors = app.doors.as_ref().ok_or_else(Problem::internal)?;
    let (was, is) = (before.map_or(Value::Null, shown), shown(&step.parcel));
    let object = Some(step.parcel.id.to_string());
    let mut events =
        vec![doors.audit(&call.request, call.who.actor(), action, object, changes(&was, &is))];
    if has_moved {
        events.push(said(&app.ids, &mut step, call.now));
    }
    let movements = movements(&app.ids, &step, call.who.actor(), call.now);
    let version = step.parcel.version + 1;
    let view = FulfillmentView { version, ..FulfillmentView::from(&step.parcel) };
    let answer = match before {
        None => Answer::json(StatusCode::CREATED, &view),
        Some(_) => Answer::json(StatusCode::OK, &view),
    };
    let answer = stored(&answer.header("etag", &version_tag(version)));
    let remembered = call.claim.as_ref().map(|claim| (claim, &answer));
    let Step { order, parcel, leaving } = &step;
    let (movements, events) = (&movements, &events);
    let label = parcel.label().filter(|_| before.is_some_and(|before| before.label().is_none()));
    let followed_by = label.map(|label| label.tracking_code.as_str());
    let moved = Move { order, parcel, leaving, movements, followed_by, events, remembered };
    match app.store.move_parcel(&moved).await? {
        Moved::Yes => Ok(Some(view)),
        Moved::Raced => Ok(None),
        Moved::NotThere(places) => Err(not_there(&places)),
    }
}

/// What was sold before it was there can not be sent before it is.
fn not_there(places: &[Allocation]) -> Problem {
    let detail = "Fewer units lie there than are to leave. Count them, or receive them first.";
    let skus: Vec<_> = places.iter().map(|one| one.place.sku.clone()).collect();
    Problem::conflict("not_there", detail).member("skus", skus)
}

/// What is said of a step.
pub(crate) fn said(ids: &Ids, step: &mut Step, now: Timestamp) -> Event {
    let fact = step.say();
    let id = EventId::from_ulid(ids.ulid(now));
    Event { id, at: now, sequence: step.order.events, fact }
}

/// The movements of what leaves: one for each SKU.
pub(crate) fn movements(ids: &Ids, step: &Step, actor: Actor, now: Timestamp) -> Vec<Movement> {
    let mut units: BTreeMap<(&domain::catalog::Sku, LocationId), i64> = BTreeMap::new();
    for Allocation { place, quantity } in &step.leaving {
        *units.entry((&place.sku, place.location)).or_default() += i64::from(*quantity);
    }
    let movement =
        |((sku, location), units): ((&domain::catalog::Sku, LocationId), i64)| Movement {
            id: MovementId::from_ulid(ids.ulid(now)),
            sku: sku.clone(),
            location,
            kind: Kind::Shipped,
            quantity: -units,
            reason: None,
            reference: Some(step.parcel.id.to_string()),
            actor,
            at: now,
        };
    units.into_iter().map(movement).collect()
}

/// What the audit log is told of a parcel.
fn shown(parcel: &Fulfillment) -> Value {
    let units: u64 = parcel.lines.iter().map(|line| u64::from(line.quantity)).sum();
    json!({
        "order_id": parcel.order,
        "status": parcel.status,
        "location_id": parcel.location,
        "unit_quantity": units,
        "carrier": parcel.carriage.carrier,
        "tracking_number": parcel.carriage.tracking_number,
        "label": parcel.label().map(|label| json!({
            "carrier": label.service.carrier,
            "service": label.service.service,
            "price": label.price,
            "tracking_number": label.tracking_code,
        })),
    })
}

#[cfg(test)]
mod tests {
    use api::form::{flaws_of, read_value};

    use super::*;

    #[test]
    fn a_parcel_is_named_with_its_order() {
        let good = json!({"id": "ord_01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "fulfillment_id": "ful_01ARZ3NDEKTSV4RRFFQ69G5FAV"});
        assert!(read_value::<WhichParcel>(&good, "/path", &mut Vec::new()).is_some());
        let flaws = flaws_of::<WhichParcel>(&json!({"id": "x", "fulfillment_id": "ord_1"}));
        assert_eq!(flaws.len(), 2);
    }
}
