//! `POST /v1/admin/inventory/{sku}/arm`: what is for sale at a location is split over shards, each
//! in a partition of its own, and buyers are sent there.

use api::form::{Integer, location_id};
use api::reply::{Answer, Created, Remembered};
use api::view::inventory::FlashView;
use api::{Body, Fields, Form, KeyRequired, Path, Problem, Reply, Staff};
use domain::id::{LocationId, MovementId};
use domain::movement::{Kind, Movement};
use domain::permission::grant;
use domain::stock::{FIRST_LOCATION, KEY_POOL, Place, SHARDS_MAX, split};
use http::StatusCode;
use runtime::Call;
use runtime::endpoint::stored;
use serde_json::{Value, json};
use store::Saved;

use crate::App;
use crate::which::{ATTEMPTS_MAX, WhichSku, note, raced, variant_of};

/// Over how many, and where.
#[derive(Debug)]
pub struct Arm {
    shards: u32,
    location: LocationId,
}

impl Form for Arm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let shards = fields.required("shards", Integer::between(2, i64::from(SHARDS_MAX)));
        let location = fields.optional("location_id", location_id());
        let location = location?.unwrap_or(FIRST_LOCATION);
        Some(Self { shards: u32::try_from(shards?).ok()?, location })
    }
}

type Given = (Path<WhichSku>, (KeyRequired, Body<Arm>));

/// Arms a SKU.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::InventoryAdjust>, Given>,
) -> Reply<Remembered<Created<FlashView>>> {
    let (Path(WhichSku { sku }), (KeyRequired, Body(Arm { shards, location }))) = &call.input;
    let variant = variant_of(app, sku).await?;
    if *location == KEY_POOL {
        return Err(Problem::not_found());
    }
    for _ in 0..ATTEMPTS_MAX {
        let level = app.store.level(&Place::at(sku.clone(), *location)).await?;
        let level = level.ok_or_else(Problem::not_found)?;
        if level.shards.is_some() {
            let detail = "Its stock is split already, or not all of it has come back yet.";
            return Err(Problem::conflict("already_armed", detail));
        }
        // What may be sold before it is there stays with the level: only units that lie there move.
        let units = level.available.min(level.units.on_hand);
        let units = u32::try_from(units.max(0)).unwrap_or(u32::MAX);
        let parts = split(units, *shards).filter(|_| units >= *shards).ok_or_else(|| {
            let detail = "There are fewer units for sale than shards.";
            Problem::conflict("insufficient_stock", detail).member("available", units)
        })?;
        let movement = Movement {
            id: MovementId::from_ulid(app.ids.ulid(call.now)),
            sku: sku.clone(),
            location: *location,
            kind: Kind::Sharded,
            quantity: i64::from(units),
            reason: None,
            reference: None,
            actor: call.who.actor(),
            at: call.now,
        };
        let view = FlashView {
            sku: sku.clone(),
            location_id: *location,
            shards: *shards,
            units: i64::from(units),
            held: 0,
        };
        let told = json!({"quantity": units, "shards_quantity": shards});
        let object = format!("{sku}/{location}");
        let events = [note(app, &call, "stock.arm", object, (&Value::Null, &told))?];
        let answer = stored(&Answer::json(StatusCode::CREATED, &view));
        let remembered = call.claim.as_ref().map(|claim| (claim, &answer));
        let armed = app.store.arm(&level, variant, &parts, &movement, &events, remembered);
        if armed.await? == Saved::Yes {
            return Ok(Remembered(Created(view)));
        }
    }
    Err(raced())
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn one_shard_is_none_and_a_hundred_are_too_many() {
        for shards in [1, 33] {
            let flaws = flaws_of::<Arm>(&json!({ "shards": shards }));
            assert_eq!(flaws, [("/shards".to_owned(), "out_of_range")]);
        }
        assert_eq!(flaws_of::<Arm>(&json!({"shards": 8})), []);
    }
}
