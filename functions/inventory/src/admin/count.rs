//! `POST /v1/admin/inventory/counts`: what somebody has counted is what is there.

use api::form::{Integer, ListOf, Nested, location_id, sku};
use api::reply::{Created, Remembered};
use api::view::inventory::ChangesView;
use api::{Body, Fields, Form, KeyRequired, Reply, Staff};
use domain::movement::{Kind, LINES_MAX};
use domain::permission::grant;
use domain::stock::UNITS_MAX;
use runtime::Call;

use crate::App;
use crate::stocktaking::{self, Batch, How, Line};

/// What was counted of one SKU at one location.
#[derive(Debug)]
struct Counted(Line);

impl Form for Counted {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let sku = fields.required("sku", sku());
        let location = fields.optional("location_id", location_id());
        let quantity = fields.required("quantity", Integer::between(0, UNITS_MAX));
        Some(Self(Line { sku: sku?, location: location?, how: How::Set(quantity?) }))
    }
}

/// What was counted.
#[derive(Debug)]
pub struct Counts {
    lines: Vec<Line>,
}

impl Form for Counts {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let each = Nested::<Counted>::form();
        let some = ListOf::some_up_to(LINES_MAX, each, "Nothing was counted.");
        let lines = fields.required("lines", some);
        let lines: Vec<Line> = lines?.into_iter().map(|Counted(line)| line).collect();
        Some(Self { lines })
    }
}

/// Writes down what was counted. A count that agrees is a movement of nothing: it is known when
/// somebody looked.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::InventoryAdjust>, (KeyRequired, Body<Counts>)>,
) -> Reply<Remembered<Created<ChangesView>>> {
    let (KeyRequired, Body(Counts { lines })) = &call.input;
    let (kind, action) = (Kind::Counted, "inventory.count");
    let batch = Batch { kind, action, reason: None, reference: None };
    stocktaking::change(app, &call, lines, &batch).await
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn nobody_counts_fewer_than_none() {
        let body = json!({"lines": [{"sku": "MUG-BLUE", "quantity": -1}]});
        let wanted = [("/lines/0/quantity".to_owned(), "out_of_range")];
        assert_eq!(flaws_of::<Counts>(&body), wanted);
    }
}
