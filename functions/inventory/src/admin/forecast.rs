//! `GET /v1/admin/inventory/forecast?sku=`: how long it lasts. A call for the days, one or two for
//! the levels, one for the locations.

use api::form::sku;
use api::view::inventory::ForecastView;
use api::{Fields, Form, Problem, Query, Reply, Staff};
use domain::catalog::Sku;
use domain::forecast::{DAYS, forecast};
use domain::permission::grant;
use runtime::Call;

use crate::App;

/// Of which SKU.
#[derive(Debug)]
pub struct OfSku {
    sku: Sku,
}

impl Form for OfSku {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let sku = fields.required("sku", sku());
        Some(Self { sku: sku? })
    }
}

/// Forecasts.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::InventoryRead>, Query<OfSku>>,
) -> Reply<ForecastView> {
    let Query(OfSku { sku }) = call.input;
    let locations = app.store.locations(call.now).await?;
    let levels = app.store.levels_of(&sku).await?;
    if levels.is_empty() {
        return Err(Problem::not_found());
    }
    let sells = |id| locations.get(id).is_some_and(|location| location.is_active);
    let selling = levels.iter().filter(|level| sells(level.place.location));
    let available: i64 = selling.map(|level| level.available.max(0)).sum();
    let sold = app.store.sales(&sku, DAYS, call.now).await?;
    Ok(ForecastView::of(sku, available, forecast(&sold, available)))
}
