//! Locations: where stock lies, and whom it is sent to from there.
//!
//! A shop has few, and every checkout needs all of them: they are one document. One of them is the
//! shop's first, which was there before it had a name.

use serde::{Deserialize, Serialize};

use crate::address::Country;
use crate::id::LocationId;
use crate::stock::FIRST_LOCATION;

/// Locations of a shop. All of them are looked at for each line of a cart.
pub const LOCATIONS_MAX: usize = 20;
/// Characters of a location's name.
pub const NAME_CHARS_MAX: usize = 60;
/// Characters of its postal code.
pub const POSTAL_CODE_CHARS_MAX: usize = 12;
/// Countries that it is said to serve; a location without such a list serves all.
pub const COUNTRIES_MAX: usize = 60;

/// A warehouse, a shop, a corner of a kitchen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    /// Its id.
    pub id: LocationId,
    /// What staff call it.
    pub name: String,
    /// Where it stands; none until somebody has said so.
    #[serde(default)]
    pub country: Option<Country>,
    /// Its postal code: nearness within a country is read off it.
    #[serde(default)]
    pub postal_code: String,
    /// Of two equally near ones, the smaller number sends.
    #[serde(default)]
    pub priority: u32,
    /// Countries that it sends to; all of them where there are none.
    #[serde(default)]
    pub serves: Vec<Country>,
    /// Whether anything is sold from it.
    pub is_active: bool,
    /// Rises with every write.
    pub version: u64,
}

impl Location {
    /// The location that every shop has.
    pub fn first() -> Self {
        Self {
            id: FIRST_LOCATION,
            name: "Main location".to_owned(),
            country: None,
            postal_code: String::new(),
            priority: 0,
            serves: Vec::new(),
            is_active: true,
            version: 1,
        }
    }
}

/// What staff say of a location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What it is called.
    pub name: String,
    /// Where it stands.
    pub country: Option<Country>,
    /// Its postal code.
    pub postal_code: String,
    /// Of two equally near ones, the smaller number sends.
    pub priority: u32,
    /// Countries that it sends to; all of them where there are none.
    pub serves: Vec<Country>,
    /// Whether anything is sold from it.
    pub is_active: bool,
}

/// Why the locations stay as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A shop has at most [`LOCATIONS_MAX`].
    Full,
    /// A shop that sells needs one location that does.
    LastActive,
    /// There is no such location.
    Unknown,
}

impl Refusal {
    /// The name clients match on.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Full => "locations_full",
            Self::LastActive => "last_active_location",
            Self::Unknown => "not_found",
        }
    }
}

/// All locations of the shop, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Locations {
    /// Each of them.
    pub all: Vec<Location>,
    /// Rises with every write of any of them; 0 for a shop that never said anything of them.
    pub version: u64,
}

impl Default for Locations {
    /// The one that every shop has.
    fn default() -> Self {
        Self { all: vec![Location::first()], version: 0 }
    }
}

impl Locations {
    /// A location by its id.
    pub fn get(&self, id: LocationId) -> Option<&Location> {
        self.all.iter().find(|location| location.id == id)
    }

    /// Those that sell.
    pub fn active(&self) -> impl Iterator<Item = &Location> {
        self.all.iter().filter(|location| location.is_active)
    }

    /// The one location that sells, where it is the only one: nothing is to be chosen then.
    pub fn only_active(&self) -> Option<&Location> {
        let mut active = self.active();
        let first = active.next()?;
        if active.next().is_none() { Some(first) } else { None }
    }

    /// The locations with one more.
    pub fn open(&self, id: LocationId, draft: Draft) -> Result<Self, Refusal> {
        if self.all.len() >= LOCATIONS_MAX {
            return Err(Refusal::Full);
        }
        let mut after = self.clone();
        after.all.push(written(id, draft, 1));
        Ok(after)
    }

    /// The locations with one of them changed.
    pub fn change(&self, id: LocationId, draft: Draft) -> Result<Self, Refusal> {
        let mut after = self.clone();
        let changed = after.all.iter_mut().find(|location| location.id == id);
        let changed = changed.ok_or(Refusal::Unknown)?;
        *changed = written(id, draft, changed.version + 1);
        if after.active().next().is_none() {
            return Err(Refusal::LastActive);
        }
        Ok(after)
    }
}

fn written(id: LocationId, draft: Draft, version: u64) -> Location {
    let Draft { name, country, postal_code, priority, serves, is_active } = draft;
    Location { id, name, country, postal_code, priority, serves, is_active, version }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Ulid;

    fn draft(is_active: bool) -> Draft {
        Draft {
            name: "Lyon".into(),
            country: Country::parse("FR"),
            postal_code: "69001".into(),
            priority: 1,
            serves: Vec::new(),
            is_active,
        }
    }

    #[test]
    fn a_shop_has_one_location_before_it_says_so() {
        let shop = Locations::default();
        assert_eq!(shop.only_active().unwrap().id, FIRST_LOCATION);
        let id = LocationId::from_ulid(Ulid::from_parts(1, 1));
        let two = shop.open(id, draft(true)).unwrap();
        assert_eq!((two.only_active(), two.active().count()), (None, 2));
        let again = two.change(id, draft(false)).unwrap();
        assert_eq!(again.only_active().unwrap().id, FIRST_LOCATION);
        assert_eq!(again.get(id).unwrap().version, 2);
    }

    #[test]
    fn the_last_one_that_sells_goes_on_selling() {
        let shop = Locations::default();
        assert_eq!(shop.change(FIRST_LOCATION, draft(false)), Err(Refusal::LastActive));
        let nowhere = LocationId::from_ulid(Ulid::from_parts(1, 9));
        assert_eq!(shop.change(nowhere, draft(true)), Err(Refusal::Unknown));
    }

    #[test]
    fn a_shop_has_only_so_many() {
        let mut shop = Locations::default();
        for number in 1..LOCATIONS_MAX {
            let id = LocationId::from_ulid(Ulid::from_parts(1, number as u128));
            shop = shop.open(id, draft(true)).unwrap();
        }
        let id = LocationId::from_ulid(Ulid::from_parts(2, 1));
        assert_eq!(shop.open(id, draft(true)), Err(Refusal::Full));
    }
}
