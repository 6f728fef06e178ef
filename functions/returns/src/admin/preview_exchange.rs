//! `POST /v1/admin/orders/{id}/returns/{return_id}/exchange/preview`: what other goods for what
//! came back would cost today, and who would owe whom what; nothing is written and nothing is held.

use api::form::{ListOf, Nested};
use api::view::returns::ExchangePreviewView;
use api::{Body, Fields, Form, Path, Reply, Staff};
use domain::id::OrderLineId;
use domain::permission::grant;
use domain::returns::LINES_MAX;
use domain::returns::exchange::{Replacement, difference};
use runtime::Call;

use crate::App;
use crate::desk::{WhichReturn, find, load};
use crate::exchanging::{Draft, draft, replacements};
use crate::settling::Line;

/// For which units what would be given.
#[derive(Debug)]
pub struct Offered {
    lines: Option<Vec<(OrderLineId, u32)>>,
    replacements: Option<Vec<Replacement>>,
}

impl Form for Offered {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let items = ListOf::some_up_to(LINES_MAX, Nested::<Line>::form(), "No line is named.");
        let items = fields.optional("items", items);
        let replacements = replacements(fields, "replacements");
        let lines = items?.map(|items| items.into_iter().map(Line::units).collect());
        Some(Self { lines, replacements: replacements? })
    }
}

/// Shows what an exchange would come to.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ReturnsRead>, (Path<WhichReturn>, Body<Offered>)>,
) -> Reply<ExchangePreviewView> {
    let (Path(which), Body(offered)) = &call.input;
    let file = load(app, which.order).await?;
    let before = find(&file, which.returned)?;
    let wanted = before.refund(offered.lines.as_deref(), None)?;
    let named = offered.replacements.as_deref();
    let draft = draft(app, (&file, &before), wanted, named, call.now).await?;
    let Draft { wanted, cart, priced, .. } = draft;
    let sums = difference(&file.order, &wanted, priced.priced.totals.total)?;
    Ok(ExchangePreviewView::of(&cart, &priced, &sums))
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_has_to_be_said_where_the_buyer_has() {
        assert_eq!(flaws_of::<Offered>(&json!({})), []);
        let goods = json!({"sku": "MUG-BLUE", "quantity": 1});
        let line = json!({"order_line_id": "oli_01ARZ3NDEKTSV4RRFFQ69G5FAV", "quantity": 1});
        let offered = json!({"items": [line], "replacements": [goods]});
        assert_eq!(flaws_of::<Offered>(&offered), []);
        let wrong = flaws_of::<Offered>(&json!({"replacements": [], "price": 1}));
        let wanted =
            [("/replacements".to_owned(), "required"), ("/price".to_owned(), "unknown_field")];
        assert_eq!(wrong, wanted);
    }
}
