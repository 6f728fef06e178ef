//! Stock, as a file has counted it.
//!
//! Each row has one movement, whose id follows from the import and the row: it is in the ledger at
//! most once, however often the job is killed.

use std::collections::{BTreeMap, HashMap};

use domain::catalog::Sku;
use domain::exchange::import::{Import, Outcome};
use domain::exchange::{Difference, Entry, Flaw, Unit};
use domain::fault::Fault;
use domain::id::{LocationId, MovementId, ProductId, Ulid};
use domain::location::Locations;
use domain::movement::{Kind, LINES_MAX, Movement};
use domain::stock::Place;
use jiff::Timestamp;
use store::Saved;
use store::movement::Change;
use store::stock::Level;

use super::{Done, Planned, Plans, What, Write};
use crate::App;

/// What stock refers to.
pub(crate) struct Facts {
    locations: Locations,
}

impl Facts {
    pub(super) async fn load(app: &App) -> Result<Self, Fault> {
        Ok(Self { locations: app.store.locations_now().await? })
    }

    /// Where a row means; the column and the reason where it can not be told.
    fn place(
        &self,
        wanted: Option<LocationId>,
    ) -> Result<LocationId, (&'static str, &'static str)> {
        match wanted {
            Some(id) if self.locations.get(id).is_some() => Ok(id),
            Some(_) => Err(("unknown_location", "There is no such location.")),
            None => match self.locations.only_active() {
                Some(location) => Ok(location.id),
                None => Err(("required", "The shop has several locations: name one.")),
            },
        }
    }
}

pub(super) async fn plan(
    app: &App,
    facts: &Facts,
    import: &Import,
    entries: &[Entry],
    now: Timestamp,
) -> Result<Plans, Fault> {
    let wanted = entries.iter().map(|entry| match &entry.unit {
        Unit::Stock(wanted) => Some(wanted),
        Unit::Product(_) | Unit::Price(_) | Unit::Customer(_) => None,
    });
    let wanted: Vec<_> = wanted.flatten().collect();
    let skus: Vec<Sku> = wanted.iter().map(|wanted| wanted.sku.clone()).collect();
    let owners = app.store.owners_of_skus(&skus).await?;
    let mut places: Vec<Place> = wanted
        .iter()
        .filter_map(|wanted| {
            Some(Place::at(wanted.sku.clone(), facts.place(wanted.location).ok()?))
        })
        .collect();
    places.sort();
    places.dedup();
    let levels = app.store.levels_at(&places).await?;
    let levels: HashMap<Place, Level> =
        levels.into_iter().map(|level| (level.place.clone(), level)).collect();
    let (mut planned, mut changes) = (Vec::with_capacity(entries.len()), Vec::new());
    for (at, (entry, wanted)) in entries.iter().zip(wanted).enumerate() {
        let row = entry.row();
        match decide(facts, &owners, &levels, wanted, row) {
            Err(flaw) => planned.push(refused(flaw)),
            Ok(None) => planned.push(Planned {
                outcome: Outcome::Unchanged,
                changes: Vec::new(),
                flaws: Vec::new(),
            }),
            Ok(Some((before, place))) => {
                let units = before.as_ref().map(|level| level.units.on_hand);
                planned.push(counted(units, wanted.on_hand, &wanted.sku));
                let movement = movement(import, &place, wanted.on_hand, units, row, now);
                let change = Change { before, place, on_hand: wanted.on_hand, movement };
                changes.push((at, change));
            }
        }
    }
    let mut writes = Vec::new();
    for batch in changes.chunks(LINES_MAX) {
        let entries = batch.iter().map(|(at, _)| *at).collect();
        let what = What::Levels(batch.iter().map(|(_, change)| change.clone()).collect());
        writes.push(Write { entries, what });
    }
    Ok((planned, writes))
}

/// The level that changes, if it does; why it can not.
fn decide(
    facts: &Facts,
    owners: &BTreeMap<Sku, ProductId>,
    levels: &HashMap<Place, Level>,
    wanted: &domain::exchange::stock::Wanted,
    row: u32,
) -> Result<Option<(Option<Level>, Place)>, Flaw> {
    let flaw = |column: &str, code, detail: &'static str| Flaw::of_cell(row, column, code, detail);
    if !owners.contains_key(&wanted.sku) {
        return Err(flaw("sku", "unknown_sku", "There is no such SKU."));
    }
    let location = facts.place(wanted.location);
    let location = location.map_err(|(code, detail)| flaw("location", code, detail))?;
    let place = Place::at(wanted.sku.clone(), location);
    let Some(level) = levels.get(&place) else { return Ok(Some((None, place))) };
    if level.units.on_hand == wanted.on_hand {
        return Ok(None);
    }
    if level.shards.is_some() {
        let detail = "The stock is split for a flash sale: count it when that is over.";
        return Err(flaw("sku", "sharded", detail));
    }
    if level.units.counted(wanted.on_hand).is_err() {
        let detail = "More units than these are promised to orders.";
        return Err(flaw("on_hand", "below_reserved", detail));
    }
    Ok(Some((Some(level.clone()), place)))
}

fn refused(flaw: Flaw) -> Planned {
    Planned { outcome: Outcome::Refused, changes: Vec::new(), flaws: vec![flaw] }
}

fn counted(before: Option<i64>, on_hand: i64, sku: &Sku) -> Planned {
    let outcome = if before.is_some() { Outcome::Updated } else { Outcome::Created };
    let (before, after) = (before.map(|units| units.to_string()), Some(on_hand.to_string()));
    let (sku, field) = (Some(sku.to_string()), "on_hand".to_owned());
    Planned { outcome, changes: vec![Difference { sku, field, before, after }], flaws: Vec::new() }
}

fn movement(
    import: &Import,
    place: &Place,
    on_hand: i64,
    before: Option<i64>,
    row: u32,
    now: Timestamp,
) -> Movement {
    let of = import.id.ulid();
    let id = Ulid::from_parts(of.timestamp_ms(), of.random().wrapping_add(u128::from(row)));
    Movement {
        id: MovementId::from_ulid(id),
        sku: place.sku.clone(),
        location: place.location,
        kind: Kind::Counted,
        quantity: on_hand - before.unwrap_or_default(),
        reason: None,
        reference: Some(import.id.to_string()),
        actor: import.actor,
        at: now,
    }
}

pub(super) async fn save(app: &App, changes: &[Change]) -> Result<Done, Fault> {
    if app.store.change_stock(changes, &[], None).await? == Saved::Yes {
        return Ok(Done::Yes);
    }
    // A row that is in the ledger was counted by a predecessor; what was sold since is sold.
    if let [change] = changes
        && app.store.has_movement(&change.movement).await?
    {
        return Ok(Done::Yes);
    }
    Ok(Done::Raced)
}
