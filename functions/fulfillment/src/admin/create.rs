//! `POST /v1/admin/orders/{id}/fulfillments`: a parcel is opened with units of an order. They are
//! bound to it from now on; they leave the stock when it does.

use api::form::{Integer, ListOf, Nested, OrderPath, location_id, order_line_id};
use api::reply::{CreatedVersion, Remembered};
use api::view::fulfillment::FulfillmentView;
use api::{Body, Fields, Form, Path, Problem, Reply};
use domain::fulfillment::{LINES_MAX, open};
use domain::id::{FulfillmentId, LocationId, OrderLineId};
use runtime::Call;

use crate::App;
use crate::parcel::{ATTEMPTS_MAX, Packer, load, write};

/// Units of one line, at most.
const QUANTITY_MAX: i64 = 1_000_000;

/// So many units of one line.
#[derive(Debug)]
struct Wanted(OrderLineId, u32);

impl Form for Wanted {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let line = fields.required("order_line_id", order_line_id());
        let quantity = fields.required("quantity", Integer::between(1, QUANTITY_MAX));
        Some(Self(line?, u32::try_from(quantity?).ok()?))
    }
}

/// What goes into the parcel, and where it leaves from.
#[derive(Debug)]
pub struct NewParcel {
    location: Option<LocationId>,
    lines: Vec<(OrderLineId, u32)>,
}

impl Form for NewParcel {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let location = fields.optional("location_id", location_id());
        let lines = fields.required("lines", ListOf::up_to(LINES_MAX, Nested::<Wanted>::form()));
        let lines = lines?.into_iter().map(|Wanted(line, quantity)| (line, quantity)).collect();
        Some(Self { location: location?, lines })
    }
}

/// Opens a parcel.
pub async fn handle(
    app: &App,
    call: Call<Packer, (Path<OrderPath>, Body<NewParcel>)>,
) -> Reply<Remembered<CreatedVersion<FulfillmentView>>> {
    let (Path(OrderPath { id }), Body(NewParcel { location, lines })) = &call.input;
    let parcel = FulfillmentId::from_ulid(app.ids.ulid(call.now));
    for _ in 0..ATTEMPTS_MAX {
        let file = load(app, *id).await?;
        let step = open(&file.order, &file.parcels, parcel, *location, lines, call.now)?;
        if let Some(view) = write(app, &call, None, step, "fulfillment.create").await? {
            let version = view.version;
            return Ok(Remembered(CreatedVersion(view, version)));
        }
    }
    Err(Problem::unavailable())
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_flaw_of_a_parcel_is_named() {
        let line = json!({"order_line_id": "oli_01ARZ3NDEKTSV4RRFFQ69G5FAV", "quantity": 1});
        assert_eq!(flaws_of::<NewParcel>(&json!({"lines": [line]})), []);
        let body = json!({"location_id": "here", "lines": [{"order_line_id": 1, "quantity": 0}]});
        assert_eq!(
            flaws_of::<NewParcel>(&body),
            [
                ("/location_id".to_owned(), "malformed_id"),
                ("/lines/0/order_line_id".to_owned(), "wrong_type"),
                ("/lines/0/quantity".to_owned(), "out_of_range"),
            ]
        );
        assert_eq!(flaws_of::<NewParcel>(&json!({})), [("/lines".to_owned(), "required")]);
    }
}
