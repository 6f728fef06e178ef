//! `PATCH /v1/admin/inventory/levels/{sku}/{location_id}`: safety stock, backorder cap, threshold.
//! What is for sale follows at once; what is promised stays promised.

use api::form::Integer;
use api::input::no_match;
use api::view::inventory::LevelView;
use api::{Body, Fields, Form, IfMatch, Path, Problem, Reply, Staff, Versioned};
use domain::permission::grant;
use domain::stock::{KEY_POOL, Place, StockLevel, UNITS_MAX};
use runtime::Call;
use serde_json::json;
use store::stock::Level;

use crate::App;
use crate::which::{WhichLevel, note, shown};

/// What is to be set; what is left out stays.
#[derive(Debug)]
pub struct Settings {
    safety: Option<i64>,
    backorder_max: Option<i64>,
    threshold: Option<u32>,
}

impl Form for Settings {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let safety = fields.optional("safety", Integer::between(0, UNITS_MAX));
        let backorder_max = fields.optional("backorder_max", Integer::between(0, UNITS_MAX));
        let threshold = fields.optional("threshold", Integer::between(0, 1_000_000));
        Some(Self {
            safety: safety?,
            backorder_max: backorder_max?,
            threshold: threshold?.and_then(|number| u32::try_from(number).ok()),
        })
    }
}

/// Which level, as it was seen, and what is set.
type Given = (Path<WhichLevel>, (IfMatch, Body<Settings>));

/// Sets a level.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::InventoryAdjust>, Given>,
) -> Reply<Versioned<LevelView>> {
    let (Path(WhichLevel { sku, location }), (seen, Body(settings))) = &call.input;
    let before = app.store.level(&Place::at(sku.clone(), *location)).await?;
    let before = before.ok_or_else(Problem::not_found)?;
    seen.check(before.version)?;
    if *location == KEY_POOL && settings.backorder_max.is_some_and(|units| units > 0) {
        let detail = "What has keys is not sold before there are keys.";
        return Err(Problem::conflict("keys_are_not_sold_early", detail));
    }
    let units = StockLevel {
        safety: settings.safety.unwrap_or(before.units.safety),
        backorder_max: settings.backorder_max.unwrap_or(before.units.backorder_max),
        ..before.units
    };
    let threshold = settings.threshold.unwrap_or(before.threshold);
    let available = units.available();
    let after = Level { units, threshold, available, ..before.clone() };
    let told = |level: &Level| {
        json!({
            "safety_quantity": level.units.safety,
            "backorder_quantity": level.units.backorder_max,
            "threshold": level.threshold,
        })
    };
    let object = format!("{sku}/{location}");
    let events = [note(app, &call, "stock.set", object, (&told(&before), &told(&after)))?];
    let version = app.store.set_level(&before, &after, &events).await?.ok_or_else(no_match)?;
    Ok(Versioned(shown(after), version))
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_is_kept_back_in_negative_numbers() {
        assert_eq!(flaws_of::<Settings>(&json!({})), []);
        let body = json!({"safety": -1, "backorder_max": -1, "threshold": 1_000_001});
        assert_eq!(flaws_of::<Settings>(&body).len(), 3);
    }
}
