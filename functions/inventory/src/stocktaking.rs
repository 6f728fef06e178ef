//! Adjusting, counting and receiving: lines that change levels, all of them or none, each with its
//! movement. Who repeats the request gets the same answer, because it is remembered in the
//! transaction of the change.

use std::collections::{BTreeMap, BTreeSet};

use api::problem::Flaw;
use api::reply::{Answer, Created, Remembered};
use api::view::inventory::{ChangeView, ChangesView};
use api::{Problem, Reply, Staff};
use domain::catalog::Sku;
use domain::id::{LocationId, MovementId};
use domain::location::Locations;
use domain::movement::{Kind, Movement};
use domain::permission::Grant;
use domain::stock::{FIRST_LOCATION, Place, Refusal, UNITS_MAX};
use http::StatusCode;
use runtime::Call;
use runtime::endpoint::stored;
use serde_json::{Value, json};
use store::Saved;
use store::movement::Change;
use store::stock::Level;

use crate::App;
use crate::which::{ATTEMPTS_MAX, note, raced};

/// What a line does to a level.
#[derive(Debug, Clone, Copy)]
pub(crate) enum How {
    /// There are so many.
    Set(i64),
    /// There are so many more, or fewer.
    Delta(i64),
}

/// A line.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) sku: Sku,
    pub(crate) location: Option<LocationId>,
    pub(crate) how: How,
}

impl Line {
    fn place(&self) -> Place {
        Place::at(self.sku.clone(), self.location.unwrap_or(FIRST_LOCATION))
    }
}

/// What all lines have in common.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    pub(crate) kind: Kind,
    pub(crate) action: &'static str,
    pub(crate) reason: Option<String>,
    pub(crate) reference: Option<String>,
}

/// Changes the levels of all lines.
pub(crate) async fn change<P: Grant, I>(
    app: &App,
    call: &Call<Staff<P>, I>,
    lines: &[Line],
    batch: &Batch,
) -> Reply<Remembered<Created<ChangesView>>> {
    for _ in 0..ATTEMPTS_MAX {
        let locations = app.store.locations_now().await?;
        let places: BTreeSet<Place> = lines.iter().map(Line::place).collect();
        let places: Vec<Place> = places.into_iter().collect();
        let found = app.store.levels_at(&places).await?;
        let levels: BTreeMap<Place, Level> =
            found.into_iter().map(|level| (level.place.clone(), level)).collect();
        let new: Vec<Sku> = places
            .iter()
            .filter(|place| !levels.contains_key(place))
            .map(|place| place.sku.clone())
            .collect();
        let known = app.store.known_skus(&new).await?;
        let decided = decide(lines, &locations, &levels, &known)?;
        let (changes, view) = write_up(app, call, lines, batch, &levels, &decided);
        let told = json!({"quantity": lines.len(), "kind": batch.kind});
        let object = view.lines.first().map(|line| line.movement_id.to_string());
        let object = object.unwrap_or_default();
        let events = [note(app, call, batch.action, object, (&Value::Null, &told))?];
        let answer = stored(&Answer::json(StatusCode::CREATED, &view));
        let remembered = call.claim.as_ref().map(|claim| (claim, &answer));
        if app.store.change_stock(&changes, &events, remembered).await? == Saved::Yes {
            return Ok(Remembered(Created(view)));
        }
    }
    Err(raced())
}

/// Units of each line afterwards, or every flaw of every line.
fn decide(
    lines: &[Line],
    locations: &Locations,
    levels: &BTreeMap<Place, Level>,
    known: &BTreeSet<Sku>,
) -> Result<Vec<i64>, Problem> {
    let (mut wrong, mut refused, mut decided) = (Vec::new(), Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    for (at, line) in lines.iter().enumerate() {
        let place = line.place();
        let flaw = |field: &str, code, detail: &str| {
            Flaw::new(format!("/lines/{at}/{field}"), code, detail)
        };
        if !seen.insert(place.clone()) {
            let detail = "This SKU stands in two lines for the same location.";
            wrong.push(flaw("sku", "duplicate", detail));
            continue;
        }
        if locations.get(place.location).is_none() {
            wrong.push(flaw("location_id", "unknown_location", "There is no such location."));
            continue;
        }
        let level = levels.get(&place);
        if level.is_none() && !known.contains(&place.sku) {
            wrong.push(flaw("sku", "unknown_sku", "The shop has no such SKU."));
            continue;
        }
        let units = level.map(|level| level.units).unwrap_or_default();
        if level.is_some_and(|level| level.is_armed) && matches!(line.how, How::Set(_)) {
            let detail = "Its stock is split for a flash sale: end that first.";
            refused.push(flaw("sku", "armed", detail));
            continue;
        }
        let on_hand = match line.how {
            How::Set(units) => units,
            How::Delta(more) => units.on_hand + more,
        };
        if on_hand > UNITS_MAX {
            wrong.push(flaw("quantity", "out_of_range", "So many units are not kept anywhere."));
            continue;
        }
        match units.counted(on_hand) {
            Ok(after) => decided.push(after.on_hand),
            Err(refusal) => {
                let detail = match refusal {
                    Refusal::BelowReserved { reserved } => {
                        format!("{reserved} units are promised to orders; {on_hand} would be left.")
                    }
                    Refusal::Insufficient { .. } | Refusal::NotReserved | Refusal::NotThere => {
                        "There are not so many units.".to_owned()
                    }
                };
                refused.push(flaw("quantity", refusal.code(), &detail));
            }
        }
    }
    if !wrong.is_empty() {
        wrong.extend(refused);
        return Err(Problem::invalid(wrong));
    }
    if let Some(first) = refused.first() {
        let detail = "Nothing was changed: see each line.";
        return Err(Problem { errors: refused.clone(), ..Problem::conflict(first.code, detail) });
    }
    Ok(decided)
}

/// The changes with their movements, and what the caller is told of them.
fn write_up<P, I>(
    app: &App,
    call: &Call<Staff<P>, I>,
    lines: &[Line],
    batch: &Batch,
    levels: &BTreeMap<Place, Level>,
    decided: &[i64],
) -> (Vec<Change>, ChangesView) {
    let (mut changes, mut shown) = (Vec::new(), Vec::new());
    for (line, on_hand) in lines.iter().zip(decided) {
        let place = line.place();
        let before = levels.get(&place).cloned();
        let was = before.as_ref().map_or(0, |level| level.units.on_hand);
        let id = MovementId::from_ulid(app.ids.ulid(call.now));
        shown.push(ChangeView {
            sku: place.sku.clone(),
            location_id: place.location,
            before: was,
            after: *on_hand,
            movement_id: id,
        });
        let movement = Movement {
            id,
            sku: place.sku.clone(),
            location: place.location,
            kind: batch.kind,
            quantity: on_hand - was,
            reason: batch.reason.clone(),
            reference: batch.reference.clone(),
            actor: call.who.actor(),
            at: call.now,
        };
        changes.push(Change { before, place, on_hand: *on_hand, movement });
    }
    (changes, ChangesView { lines: shown })
}

#[cfg(test)]
mod tests {
    use domain::stock::StockLevel;

    use super::*;

    fn sku(text: &str) -> Sku {
        Sku::parse(text).unwrap()
    }

    fn line(text: &str, how: How) -> Line {
        Line { sku: sku(text), location: None, how }
    }

    fn levels() -> BTreeMap<Place, Level> {
        let place = Place::at(sku("MUG"), FIRST_LOCATION);
        let units = StockLevel { reserved: 3, ..StockLevel::received(10) };
        let level = Level { units, available: 7, ..Level::empty(&place) };
        BTreeMap::from([(place, level)])
    }

    #[test]
    fn every_flaw_of_every_line_is_named() {
        let nowhere = LocationId::from_ulid(domain::id::Ulid::from_parts(1, 1));
        let lines = [
            line("MUG", How::Set(2)),
            line("MUG", How::Delta(1)),
            line("HAT", How::Delta(1)),
            Line { location: Some(nowhere), ..line("MUG", How::Set(1)) },
            line("SOCKS", How::Delta(-1)),
        ];
        let known = BTreeSet::from([sku("SOCKS")]);
        let problem = decide(&lines, &Locations::default(), &levels(), &known).unwrap_err();
        let named: Vec<_> = problem.errors.iter().map(|f| (f.pointer.as_str(), f.code)).collect();
        assert_eq!(
            named,
            [
                ("/lines/1/sku", "duplicate"),
                ("/lines/2/sku", "unknown_sku"),
                ("/lines/3/location_id", "unknown_location"),
                ("/lines/0/quantity", "below_reserved"),
                ("/lines/4/quantity", "below_reserved"),
            ]
        );
    }

    #[test]
    fn a_line_never_goes_below_what_is_promised() {
        let known = BTreeSet::new();
        let all = Locations::default();
        let left = |how| decide(&[line("MUG", how)], &all, &levels(), &known);
        assert_eq!(left(How::Set(3)).unwrap(), [3]);
        assert_eq!(left(How::Delta(-7)).unwrap(), [3]);
        let refused = left(How::Delta(-8)).unwrap_err();
        assert_eq!((refused.status, refused.code), (StatusCode::CONFLICT, "below_reserved"));
    }
}
