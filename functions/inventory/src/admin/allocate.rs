//! `POST /v1/admin/inventory/allocate`: what would be sent from where, and why. Nothing is held, so
//! that it may be different a moment later.

use std::collections::BTreeMap;

use api::form::{Integer, ListOf, Nested, Text, country, sku};
use api::view::inventory::PlanView;
use api::{Body, Fields, Form, Reply, Staff};
use domain::allocation::{Cell, Destination, allocate};
use domain::cart::{LINES_MAX, QUANTITY_MAX};
use domain::catalog::Sku;
use domain::location::POSTAL_CODE_CHARS_MAX;
use domain::permission::grant;
use domain::stock::Place;
use runtime::Call;
use store::stock::Level;

use crate::App;

/// So many of one SKU.
#[derive(Debug)]
struct Wanted {
    sku: Sku,
    quantity: u32,
}

impl Form for Wanted {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let sku = fields.required("sku", sku());
        let most = i64::from(QUANTITY_MAX);
        let quantity = fields.required("quantity", Integer::between(1, most));
        Some(Self { sku: sku?, quantity: u32::try_from(quantity?).ok()? })
    }
}

/// What is wanted, and where.
#[derive(Debug)]
pub struct Demand {
    destination: Destination,
    lines: Vec<Wanted>,
}

impl Form for Demand {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let country_of = fields.required("country", country());
        let postal_code = fields.optional("postal_code", Text::between(0, POSTAL_CODE_CHARS_MAX));
        let lines = fields.required(
            "lines",
            ListOf::some_up_to(LINES_MAX, Nested::<Wanted>::form(), "Nothing is wanted."),
        );
        let destination =
            Destination { country: country_of?, postal_code: postal_code?.unwrap_or_default() };
        Some(Self { destination, lines: lines? })
    }
}

/// Simulates an allocation.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::InventoryRead>, Body<Demand>>,
) -> Reply<PlanView> {
    let Body(Demand { destination, lines }) = &call.input;
    let locations = app.store.locations_now().await?;
    let mut units: BTreeMap<Sku, u32> = BTreeMap::new();
    for line in lines {
        *units.entry(line.sku.clone()).or_default() += line.quantity;
    }
    let demand: Vec<(Sku, u32)> = units.into_iter().collect();
    let places: Vec<Place> = demand
        .iter()
        .flat_map(|(sku, _)| locations.active().map(|one| Place::at(sku.clone(), one.id)))
        .collect();
    let mut levels = app.store.levels_at(&places).await?;
    let shards: Vec<Place> = levels.iter().flat_map(Level::shard_places).collect();
    levels.extend(app.store.levels_at(&shards).await?);
    let as_cell = |level: Level| Cell { place: level.place, available: level.available };
    let cells: Vec<Cell> = levels.into_iter().map(as_cell).collect();
    let plan = allocate(&demand, &cells, Some(destination), &locations);
    Ok(PlanView::of(plan, &locations))
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn something_is_wanted_somewhere() {
        let body = json!({"country": "DE", "lines": [{"sku": "MUG-BLUE", "quantity": 101}]});
        let wanted = [("/lines/0/quantity".to_owned(), "out_of_range")];
        assert_eq!(flaws_of::<Demand>(&body), wanted);
        let body = json!({"country": "DE", "lines": []});
        assert_eq!(flaws_of::<Demand>(&body), [("/lines".to_owned(), "required")]);
    }
}
