//! `POST /v1/admin/inventory/transfers/{id}/receive`: some of it arrived, or all, or more. What was
//! sent and did not arrive is `short`, what arrived beyond it is `over`: both stay on the transfer.

use api::form::{ListOf, Nested, YesOrNo};
use api::reply::{Created, Remembered};
use api::view::inventory::TransferView;
use api::{Body, Fields, Form, KeyRequired, Path, Reply};
use domain::catalog::Sku;
use domain::movement::Kind;
use domain::transfer::LINES_MAX;
use runtime::Call;

use super::create_transfer::Load;
use crate::App;
use crate::transfer::{Mover, Step, step};
use crate::which::WhichTransfer;

/// What arrived, and whether nobody waits for the rest.
#[derive(Debug)]
pub struct Arrival {
    lines: Vec<Load>,
    is_last: bool,
}

impl Form for Arrival {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let lines = fields.required("lines", ListOf::up_to(LINES_MAX, Nested::<Load>::form()));
        let is_last = fields.optional("is_last", YesOrNo);
        Some(Self { lines: lines?, is_last: is_last?.unwrap_or(false) })
    }
}

type Given = (Path<WhichTransfer>, (KeyRequired, Body<Arrival>));

/// Counts in what arrived.
pub async fn handle(
    app: &App,
    call: Call<Mover, Given>,
) -> Reply<Remembered<Created<TransferView>>> {
    let (Path(WhichTransfer { id }), (KeyRequired, Body(Arrival { lines, is_last }))) = &call.input;
    let arrived: Vec<(Sku, u32)> =
        lines.iter().map(|line| (line.sku.clone(), line.quantity)).collect();
    step(app, &call, *id, "transfer.receive", |transfer| {
        let location = transfer.to;
        let transfer = transfer.receive(&arrived, *is_last, call.now)?;
        let units = arrived.iter().map(|(sku, units)| (sku.clone(), i64::from(*units))).collect();
        Ok(Step { transfer, location, kind: Kind::TransferredIn, units })
    })
    .await
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_arrival_may_be_of_nothing_where_nobody_waits_any_more() {
        assert_eq!(flaws_of::<Arrival>(&json!({"lines": [], "is_last": true})), []);
        let body = json!({"lines": [{"sku": "MUG", "quantity": -1}]});
        assert_eq!(flaws_of::<Arrival>(&body).len(), 1);
    }
}
