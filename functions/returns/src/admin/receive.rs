//! `POST /v1/admin/orders/{id}/returns/{return_id}/receive`: somebody has opened the parcel. What
//! came is for sale again where it came to, or written off; of what did not come that is said, too.
//! A parcel in parts is looked at in parts.

use api::form::{Integer, ListOf, Nested, OneOf, location_id, order_line_id};
use api::reply::Remembered;
use api::view::returns::ReturnView;
use api::{Body, Fields, Flaw, Form, IfMatch, KeyRequired, Path, Problem, Reply, Versioned};
use domain::id::LocationId;
use domain::returns::{Disposition, Found, RESULTS_MAX, Reception, UNITS_MAX};
use runtime::Call;

use crate::App;
use crate::desk::{Clerk, WhichReturn, step};

/// What was found of a line.
#[derive(Debug)]
struct One(Found);

impl Form for One {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let line = fields.required("order_line_id", order_line_id());
        let quantity = fields.required("quantity", Integer::between(1, i64::from(UNITS_MAX)));
        let reception = fields.required("reception", OneOf(&Reception::ALL));
        let disposition = fields.optional("disposition", OneOf(&Disposition::ALL));
        let quantity = u32::try_from(quantity?).ok()?;
        let (reception, disposition) = (reception?, disposition?);
        Some(Self(Found { line: line?, quantity, reception, disposition }))
    }
}

/// What was found, and where.
#[derive(Debug)]
pub struct Look {
    location: LocationId,
    found: Vec<Found>,
}

impl Form for Look {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let location = fields.required("location_id", location_id());
        let items = ListOf::some_up_to(RESULTS_MAX, Nested::<One>::form(), "Nothing is named.");
        let items = fields.required("items", items);
        let found = items?.into_iter().map(|One(found)| found).collect();
        Some(Self { location: location?, found })
    }
}

type Given = (Path<WhichReturn>, (IfMatch, (KeyRequired, Body<Look>)));

/// Says what came.
pub async fn handle(
    app: &App,
    call: Call<Clerk, Given>,
) -> Reply<Remembered<Versioned<ReturnView>>> {
    let (Path(which), (seen, (KeyRequired, Body(Look { location, found })))) = &call.input;
    let (by, now) = (call.who.actor(), call.now);
    let locations = app.store.locations_now().await?;
    locations.get(*location).ok_or_else(unknown)?;
    step(app, &call, (*which, *seen), "return.receive", |returned, file| {
        returned.receive(&file.order, &file.returns, (*location, found), by, now)
    })
    .await
}

fn unknown() -> Problem {
    let detail = "There is no such location.";
    Problem::invalid(vec![Flaw::new("/location_id", "unknown_location", detail)])
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_flaw_of_a_look_is_named() {
        let line = "oli_01ARZ3NDEKTSV4RRFFQ69G5FAV";
        let location = "loc_01ARZ3NDEKTSV4RRFFQ69G5FAV";
        let item = json!({"order_line_id": line, "quantity": 1, "reception": "received",
            "disposition": "restock"});
        assert_eq!(flaws_of::<Look>(&json!({"location_id": location, "items": [item]})), []);
        let item = json!({"order_line_id": line, "quantity": 0, "reception": "lost",
            "disposition": "eat"});
        assert_eq!(
            flaws_of::<Look>(&json!({"items": [item]})),
            [
                ("/location_id".to_owned(), "required"),
                ("/items/0/quantity".to_owned(), "out_of_range"),
                ("/items/0/reception".to_owned(), "not_allowed"),
                ("/items/0/disposition".to_owned(), "not_allowed"),
            ]
        );
    }
}
