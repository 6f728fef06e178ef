//! `POST /v1/admin/inventory/receipts`: what came from a supplier.

use api::form::{Integer, ListOf, Nested, Text, location_id, sku};
use api::reply::{Created, Remembered};
use api::view::inventory::ChangesView;
use api::{Body, Fields, Form, KeyRequired, Reply, Staff};
use domain::movement::{Kind, LINES_MAX, REASON_CHARS_MAX};
use domain::permission::grant;
use domain::stock::UNITS_MAX;
use runtime::Call;

use crate::App;
use crate::stocktaking::{self, Batch, How, Line};

/// What came of one SKU to one location.
#[derive(Debug)]
struct Arrived(Line);

impl Form for Arrived {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let sku = fields.required("sku", sku());
        let location = fields.optional("location_id", location_id());
        let quantity = fields.required("quantity", Integer::between(1, UNITS_MAX));
        Some(Self(Line { sku: sku?, location: location?, how: How::Delta(quantity?) }))
    }
}

/// What came, and with which delivery note.
#[derive(Debug)]
pub struct Receipt {
    reference: Option<String>,
    lines: Vec<Line>,
}

impl Form for Receipt {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let reference = fields.optional("reference", Text::between(1, REASON_CHARS_MAX));
        let lines = fields.required(
            "lines",
            ListOf::some_up_to(LINES_MAX, Nested::<Arrived>::form(), "Nothing came."),
        );
        let lines: Vec<Line> = lines?.into_iter().map(|Arrived(line)| line).collect();
        Some(Self { reference: reference?, lines })
    }
}

/// Writes down what came.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::InventoryAdjust>, (KeyRequired, Body<Receipt>)>,
) -> Reply<Remembered<Created<ChangesView>>> {
    let (KeyRequired, Body(Receipt { reference, lines })) = &call.input;
    let (kind, action) = (Kind::Received, "inventory.receive");
    let batch = Batch { kind, action, reason: None, reference: reference.clone() };
    stocktaking::change(app, &call, lines, &batch).await
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_comes_is_at_least_one() {
        let body = json!({"lines": [{"sku": "MUG-BLUE", "quantity": 0}], "reference": ""});
        let flaws = flaws_of::<Receipt>(&body);
        assert_eq!(
            flaws,
            [
                ("/reference".to_owned(), "too_short"),
                ("/lines/0/quantity".to_owned(), "out_of_range"),
            ]
        );
    }
}
