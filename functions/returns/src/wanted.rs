//! What somebody wants to send back, as buyers and staff say it.

use api::form::{Integer, ListOf, Nested, OneOf, Text, order_line_id};
use api::{Fields, Form};
use domain::returns::{LINES_MAX, NOTE_CHARS_MAX, Reason, Replacement, UNITS_MAX, Wanted};

use crate::exchanging::replacements;

/// Units of a line.
#[derive(Debug)]
struct One(Wanted);

impl Form for One {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let line = fields.required("order_line_id", order_line_id());
        let quantity = fields.required("quantity", Integer::between(1, i64::from(UNITS_MAX)));
        let reason = fields.required("reason", OneOf(&Reason::ALL));
        let note = fields.optional("note", Text::between(1, NOTE_CHARS_MAX));
        let quantity = u32::try_from(quantity?).ok()?;
        Some(Self(Wanted { line: line?, quantity, reason: reason?, note: note? }))
    }
}

/// What comes back, and why; and what is wished for instead.
#[derive(Debug)]
pub struct NewReturn {
    pub(crate) wanted: Vec<Wanted>,
    pub(crate) wish: Vec<Replacement>,
}

impl Form for NewReturn {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let items = ListOf::some_up_to(LINES_MAX, Nested::<One>::form(), "No line is named.");
        let items = fields.required("items", items);
        let wish = replacements(fields, "wish");
        let wanted = items?.into_iter().map(|One(wanted)| wanted).collect();
        Some(Self { wanted, wish: wish?.unwrap_or_default() })
    }
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_flaw_of_a_wish_is_named() {
        let line = "oli_01ARZ3NDEKTSV4RRFFQ69G5FAV";
        let item = json!({"order_line_id": line, "quantity": 1, "reason": "does_not_fit",
            "note": "Too small."});
        assert_eq!(flaws_of::<NewReturn>(&json!({"items": [item]})), []);
        let wish = json!([{"sku": "MUG-BLUE", "quantity": 1}]);
        assert_eq!(flaws_of::<NewReturn>(&json!({"items": [item], "wish": wish})), []);
        let item = json!({"order_line_id": "x", "quantity": 0, "reason": "boredom", "note": ""});
        assert_eq!(
            flaws_of::<NewReturn>(&json!({"items": [item]})),
            [
                ("/items/0/order_line_id".to_owned(), "malformed_id"),
                ("/items/0/quantity".to_owned(), "out_of_range"),
                ("/items/0/reason".to_owned(), "not_allowed"),
                ("/items/0/note".to_owned(), "too_short"),
            ]
        );
        assert_eq!(flaws_of::<NewReturn>(&json!({})), [("/items".to_owned(), "required")]);
        let empty = flaws_of::<NewReturn>(&json!({"items": []}));
        assert_eq!(empty, [("/items".to_owned(), "required")]);
    }
}
