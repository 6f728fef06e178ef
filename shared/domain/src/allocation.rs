//! Which units an order gets: from which locations, and there from which shards.
//!
//! As few parcels as can be; of equally few, those from nearest. Up to [`EXACT_MAX`] locations
//! every choice is looked at; beyond that the one that gives most goes first, which may be a parcel
//! more. The same numbers give the same plan, and the plan says why.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::address::Country;
use crate::cart::Shortage;
use crate::catalog::Sku;
use crate::id::LocationId;
use crate::location::{Location, Locations};
use crate::stock::Place;

/// Locations among which every choice is looked at: 2⁶ of them.
pub const EXACT_MAX: usize = 6;
/// Places that one order's units are held at: a part of the hundred actions of its transaction.
pub const PLACES_MAX: usize = 60;

/// Units that are held, or to be held, at one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    /// Where.
    pub place: Place,
    /// How many.
    pub quantity: u32,
}

/// What is for sale at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// Where.
    pub place: Place,
    /// Units.
    pub available: i64,
}

/// Where the parcel goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The country.
    pub country: Country,
    /// The postal code.
    pub postal_code: String,
}

/// How near a location is; the smallest is the nearest.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Nearness {
    /// In the country, and its postal code begins as the parcel's does.
    SameArea,
    /// In the country.
    SameCountry,
    /// Elsewhere, but the country is one of those that it is there for.
    ServedCountry,
    /// Elsewhere, and there for all.
    Anywhere,
}

/// Why a location is one of the plan's, or is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AllocationReason")]
pub enum Why {
    /// It has everything, and of those that do it is the nearest.
    HasEverything,
    /// It is one of the smallest group that has everything together, and of such groups it is in
    /// the nearest.
    SmallestGroup,
    /// It had most of what was still to be found.
    GivesMost,
    /// It has some of it, and is not needed.
    NotNeeded,
    /// It has nothing of it.
    HasNothing,
    /// It does not send there.
    DoesNotServe,
    /// Nothing is sold from it.
    NotActive,
}

/// What a plan says of one location.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason {
    /// Which.
    pub location: LocationId,
    /// How near it is, where it sends there.
    pub nearness: Option<Nearness>,
    /// Units that it gives.
    pub units: u32,
    /// Why.
    pub why: Why,
}

/// Which units an order gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Units by place, each place once.
    pub allocations: Vec<Allocation>,
    /// Why, of each location, in the order in which they were looked at.
    pub explanation: Vec<Reason>,
}

/// All of one SKU's units from the shop's only location: what needs no reading.
pub fn at_once(demand: &[(Sku, u32)], location: LocationId) -> Vec<Allocation> {
    let at = |(sku, quantity): &(Sku, u32)| {
        let place = Place::at(sku.clone(), location);
        Allocation { place, quantity: *quantity }
    };
    demand.iter().map(at).collect()
}

/// Which units an order gets, or what is short. `demand` names each SKU once; a cell that is not
/// listed has nothing.
pub fn allocate(
    demand: &[(Sku, u32)],
    cells: &[Cell],
    destination: Option<&Destination>,
    locations: &Locations,
) -> Result<Plan, Vec<Shortage>> {
    let ranked = ranked(destination, locations);
    let wanted: BTreeMap<&Sku, u32> = demand.iter().map(|(sku, units)| (sku, *units)).collect();
    let candidates: Vec<Candidate<'_>> =
        ranked.iter().map(|near| Candidate::of(near, &wanted, cells)).collect();
    let short = shortages(demand, &candidates);
    if !short.is_empty() {
        return Err(short);
    }
    let useful: Vec<&Candidate<'_>> =
        candidates.iter().filter(|one| !one.units.is_empty()).collect();
    let is_exact = useful.len() <= EXACT_MAX;
    let chosen = if is_exact { smallest(&useful, &wanted) } else { greedy(&useful, &wanted) };
    let mut left = wanted.clone();
    let mut allocations = Vec::new();
    let mut given: BTreeMap<LocationId, u32> = BTreeMap::new();
    for candidate in &chosen {
        for (sku, rest) in &mut left {
            for (place, available) in candidate.places_for(sku, *rest) {
                let quantity = (*rest).min(available);
                if quantity == 0 {
                    continue;
                }
                *rest -= quantity;
                *given.entry(candidate.near.location).or_default() += quantity;
                allocations.push(Allocation { place: place.clone(), quantity });
            }
        }
    }
    if allocations.len() > PLACES_MAX {
        // So scattered that no transaction could hold it: nobody may be sold what can not be held.
        return Err(scattered(demand, &allocations));
    }
    allocations.sort_by(|a, b| a.place.cmp(&b.place));
    let explanation = explain(locations, &candidates, &given, is_exact);
    Ok(Plan { allocations, explanation })
}

/// Both lists, held in one transaction; or what is refused as short where that would be too many
/// places.
pub fn beside(
    demand: &[(Sku, u32)],
    mut allocations: Vec<Allocation>,
    others: Vec<Allocation>,
) -> Result<Vec<Allocation>, Vec<Shortage>> {
    if allocations.len() + others.len() > PLACES_MAX {
        return Err(scattered(demand, &allocations));
    }
    allocations.extend(others);
    Ok(allocations)
}

struct Near {
    location: LocationId,
    nearness: Nearness,
}

/// The locations that send there, nearest first.
fn ranked(destination: Option<&Destination>, locations: &Locations) -> Vec<Near> {
    let mut all: Vec<(Nearness, std::cmp::Reverse<usize>, u32, LocationId)> = locations
        .active()
        .filter_map(|location| {
            let (nearness, shared) = nearness(location, destination)?;
            Some((nearness, std::cmp::Reverse(shared), location.priority, location.id))
        })
        .collect();
    all.sort_unstable();
    all.into_iter().map(|(nearness, _, _, location)| Near { location, nearness }).collect()
}

/// How near a location is, and how many characters of the postal codes agree; none where it does
/// not send there.
fn nearness(location: &Location, to: Option<&Destination>) -> Option<(Nearness, usize)> {
    let Some(to) = to else { return Some((Nearness::Anywhere, 0)) };
    let is_served = location.serves.contains(&to.country);
    if !location.serves.is_empty() && !is_served {
        return None;
    }
    if location.country == Some(to.country) {
        let here = location.postal_code.chars().filter(|c| *c != ' ');
        let there = to.postal_code.chars().filter(|c| *c != ' ');
        let shared = here.zip(there).take_while(|(a, b)| a == b).count();
        let nearness = if shared > 0 { Nearness::SameArea } else { Nearness::SameCountry };
        return Some((nearness, shared));
    }
    Some((if is_served { Nearness::ServedCountry } else { Nearness::Anywhere }, 0))
}

/// A location with what it has of the demand.
struct Candidate<'a> {
    near: &'a Near,
    /// Units of each SKU, over all its places, where there are any.
    units: BTreeMap<&'a Sku, u32>,
    /// Its places, fullest first.
    places: Vec<(&'a Place, u32)>,
}

impl<'a> Candidate<'a> {
    fn of(near: &'a Near, wanted: &BTreeMap<&Sku, u32>, cells: &'a [Cell]) -> Self {
        let mut places: Vec<(&Place, u32)> = cells
            .iter()
            .filter(|cell| cell.place.location == near.location && cell.available > 0)
            .filter(|cell| wanted.contains_key(&cell.place.sku))
            .map(|cell| (&cell.place, u32::try_from(cell.available).unwrap_or(u32::MAX)))
            .collect();
        places.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        let mut units: BTreeMap<&Sku, u32> = BTreeMap::new();
        for (place, available) in &places {
            let sum = units.entry(&place.sku).or_default();
            *sum = sum.saturating_add(*available);
        }
        Self { near, units, places }
    }

    fn has(&self, sku: &Sku) -> u32 {
        self.units.get(sku).copied().unwrap_or(0)
    }

    /// The places to take from: the one with just enough where one has enough, else the fullest
    /// ones, so that few are touched.
    fn places_for(&self, sku: &Sku, wanted: u32) -> Vec<(&'a Place, u32)> {
        let of_sku = || self.places.iter().filter(|(place, _)| place.sku == *sku);
        let enough = of_sku().filter(|(_, available)| *available >= wanted);
        match enough.min_by(|a, b| a.1.cmp(&b.1).then_with(|| a.0.cmp(b.0))) {
            Some(place) => vec![*place],
            None => of_sku().copied().collect(),
        }
    }
}

fn shortages(demand: &[(Sku, u32)], candidates: &[Candidate<'_>]) -> Vec<Shortage> {
    demand
        .iter()
        .filter_map(|(sku, wanted)| {
            let all = candidates.iter().fold(0_u32, |sum, one| sum.saturating_add(one.has(sku)));
            let short = Shortage { sku: sku.clone(), wanted: *wanted, available: all };
            (all < *wanted).then_some(short)
        })
        .collect()
}

/// What is said of a demand whose units lie at too many places: of the SKU that lies at most of
/// them, as much as its largest place has.
fn scattered(demand: &[(Sku, u32)], allocations: &[Allocation]) -> Vec<Shortage> {
    let places = |sku: &Sku| -> Vec<u32> {
        let of_sku = allocations.iter().filter(|one| one.place.sku == *sku);
        of_sku.map(|one| one.quantity).collect()
    };
    let worst = demand.iter().max_by_key(|(sku, _)| places(sku).len());
    let short = |(sku, wanted): &(Sku, u32)| {
        let available = places(sku).into_iter().max().unwrap_or(0);
        Shortage { sku: sku.clone(), wanted: *wanted, available }
    };
    worst.map(short).into_iter().collect()
}

/// The fewest candidates that have everything together; of those, the nearest. They come ranked,
/// so that of equally many the smallest places in the ranking are the nearest.
fn smallest<'a, 'b>(
    useful: &[&'b Candidate<'a>],
    wanted: &BTreeMap<&Sku, u32>,
) -> Vec<&'b Candidate<'a>> {
    let members = |mask: u32| {
        useful.iter().enumerate().filter(move |(at, _)| mask & (1 << at) != 0).map(|(_, one)| *one)
    };
    let has_all = |mask: &u32| {
        wanted.iter().all(|(sku, units)| {
            members(*mask).fold(0_u32, |sum, one| sum.saturating_add(one.has(sku))) >= *units
        })
    };
    let ranks = |mask: u32| -> Vec<usize> {
        (0..useful.len()).filter(|at| mask & (1 << at) != 0).collect()
    };
    let best = (0..1_u32 << useful.len())
        .filter(has_all)
        .min_by_key(|mask| (mask.count_ones(), ranks(*mask)))
        .unwrap_or(0);
    members(best).collect()
}

/// The candidate that has most of what is left, the nearest of equals, until nothing is left.
fn greedy<'a, 'b>(
    useful: &[&'b Candidate<'a>],
    wanted: &BTreeMap<&Sku, u32>,
) -> Vec<&'b Candidate<'a>> {
    let mut left = wanted.clone();
    let mut chosen: Vec<&'b Candidate<'a>> = Vec::new();
    let mut taken = BTreeSet::new();
    while left.values().any(|units| *units > 0) {
        let gives = |one: &Candidate<'_>| -> u64 {
            left.iter().map(|(sku, units)| u64::from((*units).min(one.has(sku)))).sum()
        };
        let open = useful.iter().enumerate().filter(|(at, _)| !taken.contains(at));
        let Some((at, best)) = open.max_by_key(|(at, one)| (gives(one), std::cmp::Reverse(*at)))
        else {
            break;
        };
        for (sku, units) in &mut left {
            *units = units.saturating_sub(best.has(sku));
        }
        taken.insert(at);
        chosen.push(best);
    }
    chosen
}

fn explain(
    locations: &Locations,
    candidates: &[Candidate<'_>],
    given: &BTreeMap<LocationId, u32>,
    is_exact: bool,
) -> Vec<Reason> {
    let chosen = if given.len() == 1 {
        Why::HasEverything
    } else if is_exact {
        Why::SmallestGroup
    } else {
        Why::GivesMost
    };
    let mut reasons: Vec<Reason> = candidates
        .iter()
        .map(|one| {
            let units = given.get(&one.near.location).copied().unwrap_or(0);
            let why = match (units, one.units.is_empty()) {
                (1.., _) => chosen,
                (0, false) => Why::NotNeeded,
                (0, true) => Why::HasNothing,
            };
            let (location, nearness) = (one.near.location, Some(one.near.nearness));
            Reason { location, nearness, units, why }
        })
        .collect();
    let ranked: BTreeSet<LocationId> = reasons.iter().map(|reason| reason.location).collect();
    reasons.extend(locations.all.iter().filter(|one| !ranked.contains(&one.id)).map(|one| {
        let why = if one.is_active { Why::DoesNotServe } else { Why::NotActive };
        Reason { location: one.id, nearness: None, units: 0, why }
    }));
    reasons
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::Ulid;

    fn id(number: u128) -> LocationId {
        LocationId::from_ulid(Ulid::from_parts(1, number))
    }

    fn sku(text: &str) -> Sku {
        Sku::parse(text).unwrap()
    }

    fn location(number: u128, country: &str, postal_code: &str) -> Location {
        Location {
            id: id(number),
            country: Country::parse(country),
            postal_code: postal_code.into(),
            ..Location::first()
        }
    }

    fn shop(all: Vec<Location>) -> Locations {
        Locations { all, version: 1 }
    }

    fn cell(text: &str, at: u128, available: i64) -> Cell {
        Cell { place: Place::at(sku(text), id(at)), available }
    }

    fn to(country: &str, postal_code: &str) -> Destination {
        let country = Country::parse(country).unwrap();
        Destination { country, postal_code: postal_code.into() }
    }

    fn given(plan: &Plan) -> Vec<(String, u128, u32)> {
        let of = |one: &Allocation| {
            let place = &one.place;
            (place.sku.to_string(), place.location.ulid().random(), one.quantity)
        };
        plan.allocations.iter().map(of).collect()
    }

    #[test]
    fn the_nearest_that_has_everything_sends_it() {
        let locations = shop(vec![
            location(1, "FR", "69001"),
            location(2, "DE", "80331"),
            location(3, "DE", "10115"),
        ]);
        let cells = [cell("MUG", 1, 9), cell("MUG", 2, 9), cell("MUG", 3, 9)];
        let demand = [(sku("MUG"), 2)];
        let plan = allocate(&demand, &cells, Some(&to("DE", "10969")), &locations).unwrap();
        assert_eq!(given(&plan), [("MUG".to_owned(), 3, 2)]);
        let said: Vec<_> = plan.explanation.iter().map(|r| (r.nearness, r.why)).collect();
        assert_eq!(
            said,
            [
                (Some(Nearness::SameArea), Why::HasEverything),
                (Some(Nearness::SameCountry), Why::NotNeeded),
                (Some(Nearness::Anywhere), Why::NotNeeded),
            ]
        );
    }

    #[test]
    fn one_parcel_from_afar_is_better_than_two_from_near() {
        let locations = shop(vec![
            location(1, "DE", "10115"),
            location(2, "DE", "80331"),
            location(3, "FR", "69001"),
        ]);
        let cells = [cell("MUG", 1, 1), cell("HAT", 2, 1), cell("MUG", 3, 1), cell("HAT", 3, 1)];
        let demand = [(sku("HAT"), 1), (sku("MUG"), 1)];
        let plan = allocate(&demand, &cells, Some(&to("DE", "10969")), &locations).unwrap();
        assert!(plan.allocations.iter().all(|one| one.place.location == id(3)));
        let demand = [(sku("HAT"), 2), (sku("MUG"), 1)];
        let plan = allocate(&demand, &cells, Some(&to("DE", "10969")), &locations).unwrap();
        assert_eq!(plan.explanation[0].why, Why::NotNeeded);
        assert_eq!(given(&plan).len(), 3);
    }

    #[test]
    fn who_does_not_send_there_or_does_not_sell_gives_nothing() {
        let swiss =
            Location { serves: vec![Country::parse("CH").unwrap()], ..location(1, "CH", "") };
        let closed = Location { is_active: false, ..location(2, "DE", "") };
        let locations = shop(vec![swiss, closed, location(3, "US", "")]);
        let cells = [cell("MUG", 1, 5), cell("MUG", 2, 5), cell("MUG", 3, 1)];
        let demand = [(sku("MUG"), 2)];
        let short = allocate(&demand, &cells, Some(&to("DE", "")), &locations).unwrap_err();
        assert_eq!((short[0].wanted, short[0].available), (2, 1));
        let demand = [(sku("MUG"), 1)];
        let plan = allocate(&demand, &cells, Some(&to("DE", "")), &locations).unwrap();
        let said: Vec<_> = plan.explanation.iter().map(|r| r.why).collect();
        assert_eq!(said, [Why::HasEverything, Why::DoesNotServe, Why::NotActive]);
    }

    #[test]
    fn a_line_is_split_over_shards_only_where_no_shard_has_all_of_it() {
        let locations = shop(vec![location(1, "DE", "")]);
        let shard = |shard, available| Cell {
            place: Place { shard: Some(shard), ..Place::at(sku("MUG"), id(1)) },
            available,
        };
        let cells = [shard(0, 1), shard(1, 3), shard(2, 4), cell("MUG", 1, 0)];
        let shards = |units| -> Vec<(Option<u32>, u32)> {
            let plan = allocate(&[(sku("MUG"), units)], &cells, None, &locations).unwrap();
            plan.allocations.iter().map(|one| (one.place.shard, one.quantity)).collect()
        };
        assert_eq!(shards(3), [(Some(1), 3)]);
        assert_eq!(shards(6), [(Some(1), 2), (Some(2), 4)]);
        assert_eq!(shards(8).len(), 3);
    }

    /// Small shops at random: cells of three SKUs at up to nine locations.
    fn shops() -> impl Strategy<Value = (Locations, Vec<Cell>, Vec<(Sku, u32)>)> {
        let countries = prop::sample::select(vec!["DE", "FR", "US"]);
        let location = (countries, 0..4u32, any::<bool>());
        (
            prop::collection::vec(location, 1..10),
            prop::collection::vec(0..6i64, 27),
            1..9u32,
            0..9u32,
        )
            .prop_map(|(places, units, mugs, hats)| {
                let all = places.iter().enumerate().map(|(at, (country, priority, is_active))| {
                    let (priority, is_active) = (*priority, *is_active || at == 0);
                    Location { priority, is_active, ..location_of(at, country) }
                });
                let cells = units.iter().enumerate().map(|(at, available)| {
                    let name = ["MUG", "HAT", "SOCKS"][at % 3];
                    cell(name, (at / 3) as u128, *available)
                });
                let demand = [(sku("HAT"), hats), (sku("MUG"), mugs)];
                let demand = demand.into_iter().filter(|(_, units)| *units > 0).collect();
                (shop(all.collect()), cells.collect(), demand)
            })
    }

    fn location_of(at: usize, country: &str) -> Location {
        location(at as u128, country, "1")
    }

    proptest! {
        #[test]
        fn a_plan_gives_exactly_what_is_wanted_and_never_what_is_not_there(
            (locations, cells, demand) in shops()
        ) {
            let to = to("DE", "10969");
            match allocate(&demand, &cells, Some(&to), &locations) {
                Ok(plan) => {
                    for (sku, wanted) in &demand {
                        let of = plan.allocations.iter().filter(|one| one.place.sku == *sku);
                        prop_assert_eq!(of.map(|one| one.quantity).sum::<u32>(), *wanted);
                    }
                    let mut seen = BTreeSet::new();
                    for one in &plan.allocations {
                        prop_assert!(one.quantity > 0 && seen.insert(one.place.clone()));
                        let cell = cells.iter().find(|cell| cell.place == one.place).unwrap();
                        prop_assert!(i64::from(one.quantity) <= cell.available);
                        prop_assert!(locations.get(one.place.location).unwrap().is_active);
                    }
                    prop_assert_eq!(plan.explanation.len(), locations.all.len());
                    let again = allocate(&demand, &cells, Some(&to), &locations).unwrap();
                    prop_assert_eq!(again, plan);
                }
                Err(short) => {
                    for one in short {
                        let there: i64 = cells
                            .iter()
                            .filter(|cell| cell.place.sku == one.sku)
                            .filter(|c| {
                                locations.get(c.place.location).is_some_and(|l| l.is_active)
                            })
                            .map(|cell| cell.available)
                            .sum();
                        prop_assert_eq!(there, i64::from(one.available));
                        prop_assert!(one.available < one.wanted);
                    }
                }
            }
        }

        #[test]
        fn no_group_of_locations_is_smaller((locations, cells, demand) in shops()) {
            let few = shop(locations.all.into_iter().take(EXACT_MAX).collect());
            if let Ok(plan) = allocate(&demand, &cells, None, &few) {
                let used: BTreeSet<_> = plan.allocations.iter().map(|a| a.place.location).collect();
                for left_out in &used {
                    let mut fewer = few.clone();
                    fewer.all.retain(|one| used.contains(&one.id) && one.id != *left_out);
                    prop_assert!(allocate(&demand, &cells, None, &fewer).is_err());
                }
            }
        }
    }
}
