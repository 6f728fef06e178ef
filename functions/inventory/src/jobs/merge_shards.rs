//! Every minute: units that were held on a shard when its sale ended, and were given back since, go
//! to their location; shards that are empty go.

use domain::audit::Actor;
use domain::fault::Fault;
use domain::id::MovementId;
use domain::movement::{Kind, Movement};
use domain::stock::Place;
use runtime::Tick;
use store::flash::Merging;

use crate::App;

/// SKUs that one beat looks at.
const SKUS_MAX: i32 = 50;

/// Merges what is left.
pub async fn handle(app: &App, tick: Tick) -> Result<(), Fault> {
    for Merging { sku, location } in app.store.merging(SKUS_MAX).await? {
        let level = app.store.level(&Place::at(sku, location)).await?;
        let Some(level) = level.filter(|level| !level.is_armed) else { continue };
        let places: Vec<Place> = level.shard_places().collect();
        let shards = app.store.levels_at(&places).await?;
        let free: i64 = shards.iter().map(|shard| shard.available.max(0)).sum();
        let is_held = shards.iter().any(|shard| shard.units.reserved > 0);
        let movement = (free > 0).then(|| Movement {
            id: MovementId::from_ulid(app.ids.ulid(tick.now)),
            sku: level.place.sku.clone(),
            location,
            kind: Kind::Merged,
            quantity: free,
            reason: None,
            reference: None,
            actor: Actor::System,
            at: tick.now,
        });
        if movement.is_none() && is_held {
            continue;
        }
        // Raced: somebody bought or gave back meanwhile; the next minute looks again.
        app.store.merge(&level, &shards, movement.as_ref()).await?;
    }
    Ok(())
}
