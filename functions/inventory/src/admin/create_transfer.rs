//! `POST /v1/admin/inventory/transfers`: a transfer is written down; nothing moves yet.

use api::form::{Integer, ListOf, Nested, location_id, sku};
use api::problem::Flaw;
use api::reply::{Created, Remembered};
use api::view::inventory::TransferView;
use api::{Body, Fields, Form, Problem, Reply};
use domain::catalog::Sku;
use domain::id::{LocationId, TransferId};
use domain::movement::Kind;
use domain::transfer::{LINES_MAX, Transfer};
use runtime::Call;

use crate::App;
use crate::transfer::{Mover, Step, write};
use crate::which::raced;

/// Units of one transfer's line, at most.
const QUANTITY_MAX: i64 = 1_000_000;

/// So many of one SKU.
#[derive(Debug)]
pub struct Load {
    pub(crate) sku: Sku,
    pub(crate) quantity: u32,
}

impl Form for Load {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let sku = fields.required("sku", sku());
        let quantity = fields.required("quantity", Integer::between(1, QUANTITY_MAX));
        Some(Self { sku: sku?, quantity: u32::try_from(quantity?).ok()? })
    }
}

/// From where to where, and what.
#[derive(Debug)]
pub struct NewTransfer {
    from: LocationId,
    to: LocationId,
    lines: Vec<Load>,
}

impl Form for NewTransfer {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let from = fields.required("from_location_id", location_id());
        let to = fields.required("to_location_id", location_id());
        let lines = fields.required("lines", ListOf::up_to(LINES_MAX, Nested::<Load>::form()));
        Some(Self { from: from?, to: to?, lines: lines? })
    }
}

/// Writes a transfer down.
pub async fn handle(
    app: &App,
    call: Call<Mover, Body<NewTransfer>>,
) -> Reply<Remembered<Created<TransferView>>> {
    let Body(NewTransfer { from, to, lines }) = &call.input;
    let locations = app.store.locations_now().await?;
    let unknown = [("/from_location_id", from), ("/to_location_id", to)]
        .into_iter()
        .filter(|(_, id)| locations.get(**id).is_none())
        .map(|(at, _)| Flaw::new(at, "unknown_location", "There is no such location."));
    let skus: Vec<Sku> = lines.iter().map(|line| line.sku.clone()).collect();
    let known = app.store.known_skus(&skus).await?;
    let strange =
        skus.iter().enumerate().filter(|(_, sku)| !known.contains(*sku)).map(|(at, _)| {
            Flaw::new(format!("/lines/{at}/sku"), "unknown_sku", "The shop has no such SKU.")
        });
    let flaws: Vec<Flaw> = unknown.chain(strange).collect();
    if !flaws.is_empty() {
        return Err(Problem::invalid(flaws));
    }
    let id = TransferId::from_ulid(app.ids.ulid(call.now));
    let units = lines.iter().map(|line| (line.sku.clone(), line.quantity)).collect();
    let transfer = Transfer::draft(id, *from, *to, units, call.now)?;
    let step = Step { transfer, location: *from, kind: Kind::TransferredOut, units: Vec::new() };
    write(app, &call, None, step, "transfer.create").await?.ok_or_else(raced)
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_transfer_goes_from_somewhere_to_somewhere() {
        let body = json!({"from_location_id": "here", "lines": [{"sku": "MUG", "quantity": 0}]});
        assert_eq!(
            flaws_of::<NewTransfer>(&body),
            [
                ("/from_location_id".to_owned(), "malformed_id"),
                ("/to_location_id".to_owned(), "required"),
                ("/lines/0/quantity".to_owned(), "out_of_range"),
            ]
        );
    }
}
