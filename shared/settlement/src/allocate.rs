//! Looking for the units of an order: at once where there is one place to look, in the numbers of
//! all places where there are several, and on two shards of many while a SKU is armed.
//!
//! Nothing here is believed: the hold's own condition decides. Where somebody was faster, its
//! refusal says what is left, and the search goes on with that; each round knows of less, so that
//! it ends.

use std::collections::{BTreeMap, BTreeSet};

use domain::allocation::{Allocation, Cell, Destination, allocate, at_once, beside};
use domain::cart::{Cart, Shortage};
use domain::catalog::{Flash, Sku};
use domain::fault::Fault;
use domain::id::Ulid;
use domain::location::Locations;
use domain::order::Order;
use domain::stock::{Place, two_of};
use store::stock::Lack;
use store::{CartFacts, Store};

/// A search for units.
#[derive(Debug)]
pub struct Search {
    locations: Locations,
    /// SKUs that are split, as far as is known.
    flash: BTreeMap<Sku, Flash>,
    /// Split SKUs all of whose places are looked at, not two shards alone.
    swept: BTreeSet<Sku>,
    /// What is for sale, as far as is known.
    known: BTreeMap<Place, i64>,
}

impl Search {
    /// A search that begins with what the cart's facts tell.
    pub fn begin(facts: &CartFacts, cart: &Cart) -> Self {
        let offers = facts.offers_of(cart);
        let split = |offer: domain::catalog::Offer| Some((offer.sku, offer.flash?));
        Self {
            locations: facts.locations.clone(),
            flash: offers.into_iter().flatten().filter_map(split).collect(),
            swept: BTreeSet::new(),
            known: BTreeMap::new(),
        }
    }

    /// Where the order's units are to be held, or what is short.
    pub async fn choose(
        &mut self,
        store: &Store,
        order: &Order,
        chance: Ulid,
    ) -> Result<Result<Vec<Allocation>, Vec<Shortage>>, Fault> {
        let keys = order.key_allocations();
        let short = self.lacking(&keys);
        if !short.is_empty() {
            return Ok(Err(short));
        }
        let demand = order.units();
        let only = self.locations.only_active().map(|location| location.id);
        let is_plain = demand.iter().all(|(sku, _)| !self.flash.contains_key(sku));
        if let (Some(location), true, true) = (only, is_plain, self.known.is_empty()) {
            return Ok(beside(&demand, at_once(&demand, location), keys));
        }
        loop {
            self.look(store, &demand, chance).await?;
            match self.plan(&demand, order) {
                Ok(allocations) => return Ok(beside(&demand, allocations, keys)),
                Err(short) => {
                    // Two shards are not all: before anything is sold out, all of them are asked.
                    let unswept: Vec<Sku> = short
                        .iter()
                        .map(|one| one.sku.clone())
                        .filter(|sku| self.flash.contains_key(sku) && !self.swept.contains(sku))
                        .collect();
                    if unswept.is_empty() {
                        return Ok(Err(short));
                    }
                    self.swept.extend(unswept);
                }
            }
        }
    }

    /// Keys that a refused hold did not find: they lie nowhere else.
    fn lacking(&self, keys: &[Allocation]) -> Vec<Shortage> {
        let short = |one: &Allocation| {
            let available = *self.known.get(&one.place)?;
            let available = u32::try_from(available.max(0)).unwrap_or(u32::MAX);
            let (sku, wanted) = (one.place.sku.clone(), one.quantity);
            (available < wanted).then_some(Shortage { sku, wanted, available })
        };
        keys.iter().filter_map(short).collect()
    }

    /// Remembers what refused holds told.
    pub fn learn(&mut self, lacks: Vec<Lack>) {
        for lack in lacks {
            if let (Some(shards), false) = (lack.shards, self.flash.contains_key(&lack.place.sku)) {
                let location = lack.place.location;
                self.flash.insert(lack.place.sku.clone(), Flash { location, shards });
                self.swept.insert(lack.place.sku.clone());
            }
            self.known.insert(lack.place, lack.available);
        }
    }

    /// Reads what is not known yet, in one call. In a shop with one location nothing is read of
    /// what is not split: it is either there or it is not.
    async fn look(
        &mut self,
        store: &Store,
        demand: &[(Sku, u32)],
        chance: Ulid,
    ) -> Result<(), Fault> {
        let only = self.locations.only_active().map(|location| location.id);
        let mut wanted = Vec::new();
        for (sku, quantity) in demand {
            match (self.flash.get(sku), only) {
                (Some(flash), _) => wanted.extend(self.places(sku, *flash, chance)),
                (None, None) => {
                    let at =
                        |location: &domain::location::Location| Place::at(sku.clone(), location.id);
                    wanted.extend(self.locations.active().map(at));
                }
                (None, Some(location)) => {
                    let place = Place::at(sku.clone(), location);
                    self.known.entry(place).or_insert(i64::from(*quantity));
                }
            }
        }
        wanted.retain(|place| !self.known.contains_key(place));
        for place in &wanted {
            self.known.insert(place.clone(), 0);
        }
        for level in store.levels_at(&wanted).await? {
            self.known.insert(level.place, level.available);
        }
        Ok(())
    }

    /// The places of a split SKU that are looked at now: two shards, or all there are.
    fn places(&self, sku: &Sku, flash: Flash, chance: Ulid) -> Vec<Place> {
        let shard =
            |number| Place { shard: Some(number), ..Place::at(sku.clone(), flash.location) };
        if self.swept.contains(sku) {
            let whole = self.locations.active().map(|one| Place::at(sku.clone(), one.id));
            return (0..flash.shards).map(shard).chain(whole).collect();
        }
        let (first, second) = two_of(flash.shards, throws(chance, sku));
        vec![shard(first), shard(second)]
    }

    /// A plan of what is known. Of two shards that were looked at, the fuller one counts.
    fn plan(&self, demand: &[(Sku, u32)], order: &Order) -> Result<Vec<Allocation>, Vec<Shortage>> {
        let mut cells = Vec::new();
        for (sku, _) in demand {
            let of_sku = self.known.iter().filter(|(place, _)| place.sku == *sku);
            let all = of_sku
                .map(|(place, available)| Cell { place: place.clone(), available: *available });
            if self.flash.contains_key(sku) && !self.swept.contains(sku) {
                cells.extend(all.max_by_key(|cell| cell.available));
            } else {
                cells.extend(all);
            }
        }
        let is_only = self.locations.only_active().is_some();
        let address = order.shipping_address.as_ref().filter(|_| !is_only);
        let destination = address.map(|address| Destination {
            country: address.country,
            postal_code: address.postal_code.clone(),
        });
        let plan = allocate(demand, &cells, destination.as_ref(), &self.locations)?;
        Ok(plan.allocations)
    }
}

/// Two throws of the dice for a SKU, of the chance that made the order's id.
fn throws(chance: Ulid, sku: &Sku) -> (u32, u32) {
    let salt = sku.as_str().bytes().fold(0_u128, |sum, byte| sum * 31 + u128::from(byte));
    let random = chance.random() ^ salt;
    let part = |bits: u128| u32::try_from(bits & 0xffff_ffff).unwrap_or(0);
    (part(random), part(random >> 32))
}

#[cfg(test)]
mod tests {
    use domain::stock::FIRST_LOCATION;

    use super::*;

    fn sku() -> Sku {
        Sku::parse("MUG").unwrap()
    }

    fn search(shards: u32) -> Search {
        let flash = Flash { location: FIRST_LOCATION, shards };
        Search {
            locations: Locations::default(),
            flash: BTreeMap::from([(sku(), flash)]),
            swept: BTreeSet::new(),
            known: BTreeMap::new(),
        }
    }

    #[test]
    fn two_shards_are_looked_at_and_all_of_them_before_it_is_sold_out() {
        let mut search = search(8);
        let flash = search.flash[&sku()];
        let chance = Ulid::from_parts(1, 99);
        let two = search.places(&sku(), flash, chance);
        assert_eq!(two.len(), 2);
        assert_ne!(two[0], two[1]);
        search.swept.insert(sku());
        assert_eq!(search.places(&sku(), flash, chance).len(), 8 + 1);
    }

    #[test]
    fn whoever_meets_a_split_level_learns_of_its_shards() {
        let mut search = Search { flash: BTreeMap::new(), ..search(8) };
        let place = Place::at(sku(), FIRST_LOCATION);
        search.learn(vec![Lack { place: place.clone(), wanted: 1, available: 0, shards: Some(4) }]);
        assert_eq!(search.flash[&sku()].shards, 4);
        assert!(search.swept.contains(&sku()));
        assert_eq!(search.known[&place], 0);
    }

    #[test]
    fn different_chances_look_at_different_shards() {
        let seen: BTreeSet<u32> = (0..200_u128)
            .map(|n| two_of(8, throws(Ulid::from_parts(1, n * 7919), &sku())).0)
            .collect();
        assert_eq!(seen.len(), 8);
    }
}
