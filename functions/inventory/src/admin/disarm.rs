//! `POST /v1/admin/inventory/{sku}/disarm`: the sale is over. Free units go back at once; what is
//! held on a shard follows when it is given back, by a job.

use api::form::location_id;
use api::reply::{Answer, Created, Remembered};
use api::view::inventory::FlashView;
use api::{Body, Fields, Form, KeyRequired, Path, Problem, Reply, Staff};
use domain::id::{LocationId, MovementId};
use domain::movement::{Kind, Movement};
use domain::permission::grant;
use domain::stock::{FIRST_LOCATION, Place};
use http::StatusCode;
use runtime::Call;
use runtime::endpoint::stored;
use serde_json::{Value, json};
use store::Saved;
use store::stock::Level;

use crate::App;
use crate::which::{WhichSku, note, raced, variant_of};

/// How often it is tried while buyers are at it: each of them changes a shard.
const TRIES_MAX: usize = 20;

/// Where.
#[derive(Debug)]
pub struct Disarm {
    location: LocationId,
}

impl Form for Disarm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let location = fields.optional("location_id", location_id());
        Some(Self { location: location?.unwrap_or(FIRST_LOCATION) })
    }
}

type Given = (Path<WhichSku>, (KeyRequired, Body<Disarm>));

/// Disarms a SKU.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::InventoryAdjust>, Given>,
) -> Reply<Remembered<Created<FlashView>>> {
    let (Path(WhichSku { sku }), (KeyRequired, Body(Disarm { location }))) = &call.input;
    let variant = variant_of(app, sku).await?;
    for _ in 0..TRIES_MAX {
        let level = app.store.level(&Place::at(sku.clone(), *location)).await?;
        let level = level.ok_or_else(Problem::not_found)?;
        if !level.is_armed {
            return Err(Problem::conflict("not_armed", "Its stock is not split."));
        }
        let places: Vec<Place> = level.shard_places().collect();
        let shards = app.store.levels_at(&places).await?;
        let free = shards.iter().map(|shard| shard.available.max(0)).sum();
        let held = shards.iter().map(|shard| shard.units.reserved).sum();
        let movement = merged(app, &call, &level, free);
        let view =
            FlashView { sku: sku.clone(), location_id: *location, shards: 0, units: free, held };
        let told = json!({"quantity": free, "held_quantity": held});
        let object = format!("{sku}/{location}");
        let events = [note(app, &call, "stock.disarm", object, (&Value::Null, &told))?];
        let answer = stored(&Answer::json(StatusCode::CREATED, &view));
        let remembered = call.claim.as_ref().map(|claim| (claim, &answer));
        let disarmed = app.store.disarm(&level, &shards, variant, &movement, &events, remembered);
        if disarmed.await? == Saved::Yes {
            return Ok(Remembered(Created(view)));
        }
    }
    Err(raced())
}

fn merged<I>(
    app: &App,
    call: &Call<Staff<grant::InventoryAdjust>, I>,
    level: &Level,
    quantity: i64,
) -> Movement {
    Movement {
        id: MovementId::from_ulid(app.ids.ulid(call.now)),
        sku: level.place.sku.clone(),
        location: level.place.location,
        kind: Kind::Merged,
        quantity,
        reason: None,
        reference: None,
        actor: call.who.actor(),
        at: call.now,
    }
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_sale_ends_at_a_location() {
        assert_eq!(flaws_of::<Disarm>(&json!({})), []);
        assert_eq!(flaws_of::<Disarm>(&json!({"location_id": "here"})).len(), 1);
    }
}
