//! Every night: the movements of each SKU add up to what its levels say. What does not is an alarm
//! in the log, and a finding for the staff.

use std::collections::BTreeMap;

use domain::catalog::Sku;
use domain::fault::{Fault, Retry};
use domain::id::LocationId;
use domain::movement::{Finding, findings, levels};
use domain::stock::KEY_POOL;
use runtime::Tick;

use crate::App;

/// Levels of a page.
const PAGE: i32 = 100;
/// How often a SKU that changes while it is looked at is looked at again.
const LOOKS_MAX: usize = 3;

/// Proves.
pub async fn handle(app: &App, tick: Tick) -> Result<(), Fault> {
    let locations = app.store.locations_now().await?;
    let (mut proven, mut found) = (0_usize, 0_usize);
    let mut seen = std::collections::BTreeSet::new();
    for location in locations.all.iter().map(|one| one.id).chain([KEY_POOL]) {
        let mut position: Option<String> = None;
        loop {
            let page = app.store.levels_in(location, PAGE, position.as_deref()).await?;
            for level in page.entries {
                if !seen.insert(level.place.sku.clone()) {
                    continue;
                }
                proven += 1;
                for finding in look(app, &level.place.sku).await? {
                    found += 1;
                    tracing::error!(
                        alarm = "stock_unexplained",
                        sku = %finding.sku,
                        location_id = %finding.location,
                        on_hand = finding.on_hand,
                        moved = finding.moved,
                        "a stock level is not what its movements add up to"
                    );
                    app.store.note_finding(&finding, tick.now).await?;
                }
            }
            position = page.next;
            if position.is_none() {
                break;
            }
        }
    }
    tracing::info!(op = "inventory.jobs.prove", proven, found, "stock was proven");
    Ok(())
}

/// What is wrong with a SKU. Levels and movements are not read in one moment: what is wrong twice
/// in the same way is wrong.
async fn look(app: &App, sku: &Sku) -> Result<Vec<Finding>, Fault> {
    let mut before: Option<Vec<Finding>> = None;
    for _ in 0..LOOKS_MAX {
        let mut on_hand: BTreeMap<LocationId, i64> = BTreeMap::new();
        for level in app.store.levels_of(sku).await? {
            *on_hand.entry(level.place.location).or_default() += level.units.on_hand;
        }
        let moved = levels(app.store.all_movements(sku).await?.iter());
        let found = findings(sku, &on_hand, &moved);
        if found.is_empty() || before.as_ref() == Some(&found) {
            return Ok(found);
        }
        before = Some(found);
    }
    Err(Fault::noticed(format!("prove {sku}: it does not stand still"), Retry::Helps))
}
