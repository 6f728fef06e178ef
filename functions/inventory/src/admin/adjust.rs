//! `POST /v1/admin/inventory/adjustments`: corrections with a reason, all or none.

use api::form::{Integer, ListOf, Nested, OneOf, Text, location_id, sku};
use api::reply::{Created, Remembered};
use api::view::inventory::ChangesView;
use api::{Body, Fields, Form, KeyRequired, Reply, Staff};
use domain::movement::{Kind, LINES_MAX, REASON_CHARS_MAX};
use domain::permission::grant;
use domain::stock::UNITS_MAX;
use runtime::Call;

use crate::App;
use crate::stocktaking::{self, Batch, How, Line};

#[derive(Debug, Clone, Copy)]
enum Mode {
    Set,
    Delta,
}

const MODES: &[(&str, Mode)] = &[("set", Mode::Set), ("delta", Mode::Delta)];

/// One correction.
#[derive(Debug)]
struct Correction(Line);

impl Form for Correction {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let sku = fields.required("sku", sku());
        let location = fields.optional("location_id", location_id());
        let mode = fields.required("mode", OneOf(MODES));
        let quantity = fields.required("quantity", Integer::between(-UNITS_MAX, UNITS_MAX));
        let (sku, location, quantity) = (sku?, location?, quantity?);
        let how = match mode? {
            Mode::Set => How::Set(quantity),
            Mode::Delta => How::Delta(quantity),
        };
        Some(Self(Line { sku, location, how }))
    }
}

/// Why, and what.
#[derive(Debug)]
pub struct Adjustments {
    reason: String,
    lines: Vec<Line>,
}

impl Form for Adjustments {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let reason = fields.required("reason", Text::between(1, REASON_CHARS_MAX));
        let each = Nested::<Correction>::form();
        let some = ListOf::some_up_to(LINES_MAX, each, "There is nothing to adjust.");
        let lines = fields.required("lines", some);
        let lines: Vec<Line> = lines?.into_iter().map(|Correction(line)| line).collect();
        Some(Self { reason: reason?, lines })
    }
}

/// Corrects stock.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::InventoryAdjust>, (KeyRequired, Body<Adjustments>)>,
) -> Reply<Remembered<Created<ChangesView>>> {
    let (KeyRequired, Body(Adjustments { reason, lines })) = &call.input;
    let batch = Batch {
        kind: Kind::Adjusted,
        action: "inventory.adjust",
        reason: Some(reason.clone()),
        reference: None,
    };
    stocktaking::change(app, &call, lines, &batch).await
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_says_how_and_how_many() {
        let body = json!({"reason": "Broken", "lines": [
            {"sku": "MUG-BLUE", "mode": "delta", "quantity": -2},
            {"sku": "mug", "mode": "add", "quantity": "2"},
        ]});
        assert_eq!(
            flaws_of::<Adjustments>(&body),
            [
                ("/lines/1/sku".to_owned(), "malformed"),
                ("/lines/1/mode".to_owned(), "not_allowed"),
                ("/lines/1/quantity".to_owned(), "wrong_type"),
            ]
        );
        let empty = json!({"reason": "Broken", "lines": []});
        assert_eq!(flaws_of::<Adjustments>(&empty), [("/lines".to_owned(), "required")]);
    }
}
