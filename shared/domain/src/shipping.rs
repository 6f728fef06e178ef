//! Shipping: which methods serve a destination, and what each costs for this shipment.
//!
//! All of it is data. The most specific zone that contains the destination decides (postal codes
//! beat a state, a state beats its country). A shipment is a parcel for each shipping profile of
//! its goods; of a method's tiers for a profile the first that takes the parcel sets its price, and
//! an option costs the sum. A shop's tiers may refuse a parcel on purpose; where they do it by
//! accident, in the middle of what they cover, [`ShippingTable::gaps`] says so.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use jiff::civil::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::address::{Address, Country, Destination, Places, PostalRange, postal_key};
use crate::carrier::Quote;
use crate::currency::Currency;
use crate::money::{self, Money};

pub mod calendar;

pub use calendar::{Dispatch, Weekday, Window};

/// Zones in one table: every country on its own, with room for islands.
pub const ZONES_MAX: usize = 300;
/// Methods in one table; options are computed on every cart view.
pub const METHODS_MAX: usize = 300;
/// Profiles in one table, the default one not counted.
pub const PROFILES_MAX: usize = 20;
/// Pickup points in one table: they are read with it.
pub const PICKUP_POINTS_MAX: usize = 200;
/// Tiers of one method in one currency; [`ShippingTable::gaps`] looks at their cube.
pub const TIERS_MAX: usize = 50;
/// Holes that [`ShippingTable::gaps`] names: who has more looks again after mending these.
pub const GAPS_MAX: usize = 100;
/// Characters in the id of a zone or method.
pub const ID_CHARS_MAX: usize = 40;
/// Characters of a name that staff or shoppers read.
pub const NAME_CHARS_MAX: usize = 100;

macro_rules! own_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
        pub struct $name(
            #[schemars(length(min = 1, max = ID_CHARS_MAX), regex(pattern = "^[a-z0-9_-]+$"))]
            String,
        );

        impl $name {
            /// The id of that text, if it is one.
            pub fn parse(id: &str) -> Option<Self> {
                is_id(id).then(|| Self(id.to_owned()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let id = Cow::<'de, str>::deserialize(deserializer)?;
                Self::parse(&id).ok_or_else(|| de::Error::custom(concat!("is not ", $what)))
            }
        }
    };
}

own_id!(
    /// The shop's own name of a method: `standard`, `express-eu`. Lower case letters, digits, `-`
    /// and `_`.
    ShippingOptionId, "a shipping option id"
);
own_id!(
    /// The shop's own name of a kind of goods that are packed and priced apart: `bulky`.
    ProfileId, "a shipping profile id"
);
own_id!(
    /// The shop's own name of a place where parcels wait for their buyers.
    PickupPointId, "a pickup point id"
);

impl Default for ProfileId {
    /// What is not anything else.
    fn default() -> Self {
        Self("default".to_owned())
    }
}

fn is_id(id: &str) -> bool {
    (1..=ID_CHARS_MAX).contains(&id.len())
        && id
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'))
}

/// A kind of goods that are packed and priced apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// What products and methods call it.
    pub id: ProfileId,
    /// What staff call it.
    pub name: String,
}

/// Places that cost the same to send to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    /// What methods call it.
    pub id: String,
    /// What staff call it.
    pub name: String,
    /// Where it is.
    pub countries: Vec<ZoneCountry>,
}

/// A country, or the parts of it whose postal codes begin in one of these ways or are in one of
/// these ranges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ZoneCountry {
    /// The country.
    pub country: Country,
    /// Only this state or province of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// None, and no ranges: all of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub postal_prefixes: Vec<String>,
    /// Postal codes from one to another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub postal_ranges: Vec<PostalRange>,
}

impl ZoneCountry {
    /// All of a country.
    pub fn whole(country: Country) -> Self {
        Self { country, region: None, postal_prefixes: Vec::new(), postal_ranges: Vec::new() }
    }
}

/// How a method gets the goods to the buyer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// To the door, at the table's price.
    #[default]
    Parcel,
    /// To a pickup point of the zone, where the buyer fetches them.
    Pickup,
    /// To the door, at the price that the carrier names; the table's price where the carrier does
    /// not answer in time.
    Carrier(CarrierService),
}

/// A service of a carrier, by the names that the carrier's API uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CarrierService {
    /// The carrier: `USPS`, `DHLExpress`.
    pub carrier: String,
    /// Its service: `Priority`.
    pub service: String,
}

/// What a method costs: per currency its tiers, of which the first that takes the parcel counts.
pub type Rates = BTreeMap<Currency, Vec<Tier>>;

/// A way to send a parcel to a zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Method {
    /// What a cart remembers.
    pub id: ShippingOptionId,
    /// What the shopper reads.
    pub name: String,
    /// The zone's id.
    pub zone: String,
    /// How the goods get there.
    #[serde(default, skip_serializing_if = "is_parcel")]
    pub by: By,
    /// Per currency, what goods of the default profile cost; the first tier that takes the parcel
    /// counts. A currency that is missing is not offered.
    pub tiers: Rates,
    /// The same for goods of other profiles. A profile that is missing does not go this way.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub profile_tiers: BTreeMap<ProfileId, Rates>,
    /// Per currency, the subtotal in minor units from which it costs nothing. A parcel that no tier
    /// takes is not sent for free either.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub free_over: BTreeMap<Currency, i64>,
    /// Fewest and most working days from the dispatch until it arrives.
    pub lead_days: (u8, u8),
    /// Until when an order leaves on the same day, where that differs from the shop's rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub cut_off: Option<Time>,
}

fn is_parcel(by: &By) -> bool {
    *by == By::Parcel
}

/// A price for parcels up to a weight and a volume, worth at least one amount and less than
/// another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// The heaviest parcel it takes; any where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_weight_grams: Option<u64>,
    /// The largest parcel it takes, in cubic millimetres: a litre is 1 000 000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_volume_mm3: Option<u64>,
    /// The least subtotal it takes, in minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_subtotal: Option<i64>,
    /// The first subtotal it takes no more, in minor units, so that one tier's end is the next
    /// one's beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_subtotal: Option<i64>,
    /// What it costs, in minor units.
    pub price: i64,
}

impl Tier {
    fn takes(&self, load: Load, subtotal: i64) -> bool {
        self.max_weight_grams.is_none_or(|max| load.weight_grams <= max)
            && self.max_volume_mm3.is_none_or(|max| load.volume_mm3 <= max)
            && self.min_subtotal.is_none_or(|min| subtotal >= min)
            && self.max_subtotal.is_none_or(|max| subtotal < max)
    }
}

/// How heavy and how large a parcel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord)]
pub struct Load {
    /// Its weight.
    pub weight_grams: u64,
    /// What its goods take up; what nobody measured takes up nothing.
    pub volume_mm3: u64,
}

/// What is to be sent: the physical goods, a parcel for each shipping profile among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shipment {
    /// At least one.
    pub parcels: BTreeMap<ProfileId, Load>,
    /// What all goods cost; its currency is the one the shopper pays in.
    pub subtotal: Money,
}

impl Shipment {
    /// A single parcel of the default profile.
    pub fn single(load: Load, subtotal: Money) -> Self {
        Self { parcels: BTreeMap::from([(ProfileId::default(), load)]), subtotal }
    }

    /// All parcels together.
    pub fn load(&self) -> Load {
        self.parcels.values().fold(Load::default(), |sum, load| Load {
            weight_grams: sum.weight_grams.saturating_add(load.weight_grams),
            volume_mm3: sum.volume_mm3.saturating_add(load.volume_mm3),
        })
    }
}

/// A place where parcels wait for their buyers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PickupPoint {
    /// What a cart remembers.
    pub id: PickupPointId,
    /// What the shopper reads.
    pub name: String,
    /// Street and number.
    pub line1: String,
    /// Floor, entrance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line2: Option<String>,
    /// Town or city.
    pub city: String,
    /// State or province.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Postal code.
    pub postal_code: String,
    /// Country.
    pub country: Country,
    /// When it is open, as the shopper reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opening_hours: Option<String>,
}

impl PickupPoint {
    /// Where it is, as far as tax and shipping care: what is fetched there is supplied there.
    pub fn destination(&self) -> Destination<'_> {
        Destination {
            country: self.country,
            region: self.region.as_deref(),
            postal_code: &self.postal_code,
        }
    }
}

/// How an option gets the goods to the buyer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ShippingOptionKind")]
pub enum OptionKind {
    /// To the door.
    #[default]
    Parcel,
    /// To a pickup point, which has to be chosen with it.
    Pickup,
    /// To the door, at the price that the carrier names.
    Carrier,
}

impl By {
    /// The kind without its particulars.
    pub const fn kind(&self) -> OptionKind {
        match self {
            Self::Parcel => OptionKind::Parcel,
            Self::Pickup => OptionKind::Pickup,
            Self::Carrier(_) => OptionKind::Carrier,
        }
    }
}

/// A method that takes the shipment, with its price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShippingOption {
    /// What to choose it by.
    pub id: ShippingOptionId,
    /// What the shopper reads.
    pub name: String,
    /// What it costs, with or without tax as all prices of the destination.
    pub price: Money,
    /// Fewest and most working days until it arrives.
    pub lead_days: (u8, u8),
    /// How the goods get there.
    #[serde(default)]
    pub kind: OptionKind,
    /// When they arrive, if the order were placed now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// Where the buyer fetches them; chosen with an option of that kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pickup_point: Option<PickupPoint>,
}

/// Why a method does not take a shipment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unserved {
    /// It has no price in the currency.
    Currency,
    /// Goods of this profile do not go this way.
    Profile(ProfileId),
    /// No tier takes the parcel of this profile: too heavy, too large, or worth too little or too
    /// much.
    Parcel(ProfileId),
    /// The sum is no amount.
    Money(money::Refusal),
}

impl Unserved {
    /// The name clients match on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Currency => "no_price_in_currency",
            Self::Profile(_) => "profile_not_served",
            Self::Parcel(_) => "no_tier_takes_it",
            Self::Money(_) => "amount_too_large",
        }
    }

    /// A sentence for whoever keeps the table.
    pub fn detail(&self) -> String {
        match self {
            Self::Currency => "The method has no tiers in this currency.".to_owned(),
            Self::Profile(id) => format!("The method has no tiers for the profile {id}."),
            Self::Parcel(id) => format!(
                "No tier takes the parcel of profile {id}: look at its weight, volume and subtotal."
            ),
            Self::Money(_) => "The sum of the tiers is too large.".to_owned(),
        }
    }
}

/// Why zones and methods are no table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// More zones, methods, profiles, pickup points or tiers than the limits allow.
    TooMany,
    /// An id that is empty, too long or not made of `a-z0-9-_`.
    InvalidId(String),
    /// Two zones, two methods, two profiles or two pickup points of one id.
    DuplicateId(String),
    /// A method to a zone that does not exist.
    UnknownZone(String),
    /// Tiers for a profile that does not exist.
    UnknownProfile(ProfileId),
    /// Two zones claim the same place; which would win is an accident.
    DuplicatePlace {
        /// Where.
        country: Country,
    },
    /// A postal prefix without a letter or digit.
    EmptyPostalPrefix {
        /// Where.
        country: Country,
    },
    /// A postal range that no code is in.
    InvalidPostalRange {
        /// Where.
        country: Country,
    },
    /// A price or threshold below zero.
    Negative(ShippingOptionId),
    /// A range that nothing is in.
    EmptyRange(ShippingOptionId),
    /// A time zone that nobody knows, or a week without a working day.
    InvalidDispatch(calendar::Refusal),
    /// A cut-off without the rule that says in which time zone.
    CutOffWithoutDispatch(ShippingOptionId),
}

/// A refusal and where in the table its reason is, as a JSON pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// Where.
    pub pointer: String,
    /// What.
    pub refusal: Refusal,
}

impl Refusal {
    /// The stable name callers see.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooMany => "too_many",
            Self::InvalidId(_) => "invalid_id",
            Self::DuplicateId(_) => "duplicate_id",
            Self::UnknownZone(_) => "unknown_zone",
            Self::UnknownProfile(_) => "unknown_profile",
            Self::DuplicatePlace { .. } => "duplicate_place",
            Self::EmptyPostalPrefix { .. } => "empty_postal_prefix",
            Self::InvalidPostalRange { .. } => "invalid_postal_range",
            Self::Negative(_) => "negative_price",
            Self::EmptyRange(_) => "empty_range",
            Self::InvalidDispatch(refusal) => refusal.code(),
            Self::CutOffWithoutDispatch(_) => "cut_off_without_dispatch",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany => write!(
                f,
                "at most {ZONES_MAX} zones, {METHODS_MAX} methods, {PROFILES_MAX} profiles, \
                 {PICKUP_POINTS_MAX} pickup points and {TIERS_MAX} tiers each"
            ),
            Self::InvalidId(id) => write!(f, "{id:?} is not an id"),
            Self::DuplicateId(id) => write!(f, "{id} is there twice"),
            Self::UnknownZone(id) => write!(f, "there is no zone {id}"),
            Self::UnknownProfile(id) => write!(f, "there is no profile {id}"),
            Self::DuplicatePlace { country } => {
                write!(f, "two zones are the same part of {country}")
            }
            Self::EmptyPostalPrefix { country } => {
                write!(f, "a zone of {country} has an empty postal prefix")
            }
            Self::InvalidPostalRange { country } => {
                write!(f, "a zone of {country} has a postal range that is none")
            }
            Self::Negative(id) => write!(f, "{id} has a price or threshold below zero"),
            Self::EmptyRange(id) => write!(f, "{id} has a range without anything in it"),
            Self::InvalidDispatch(refusal) => fmt::Display::fmt(refusal, f),
            Self::CutOffWithoutDispatch(id) => {
                write!(f, "{id} has a cut-off, and the table does not say in which time zone")
            }
        }
    }
}

impl std::error::Error for Refusal {}

/// A parcel that a method does not take although it takes lighter or heavier, smaller or larger,
/// cheaper and dearer ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Gap {
    /// Whose.
    pub method: ShippingOptionId,
    /// Of goods of which profile.
    pub profile: ProfileId,
    /// The weight of one parcel in the gap.
    pub weight_grams: u64,
    /// Its volume.
    pub volume_mm3: u64,
    /// Its subtotal.
    pub subtotal: Money,
}

/// Everything the shop knows about sending.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Draft", into = "Draft")]
#[schemars(with = "Draft")]
pub struct ShippingTable(Draft);

/// A table before anybody looked at it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ShippingTable")]
pub struct Draft {
    /// Where the shop sends to.
    pub zones: Vec<Zone>,
    /// How, and for how much.
    pub methods: Vec<Method>,
    /// Kinds of goods that are packed and priced apart; `default` is always there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<Profile>,
    /// Places where parcels wait for their buyers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pickup_points: Vec<PickupPoint>,
    /// Where parcels leave from; without it no carrier is asked for its price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ship_from: Option<Address>,
    /// When parcels leave; without it no delivery window is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispatch: Option<Dispatch>,
}

impl TryFrom<Draft> for ShippingTable {
    type Error = Refusal;

    fn try_from(draft: Draft) -> Result<Self, Refusal> {
        match draft.flaws().into_iter().next() {
            Some(flaw) => Err(flaw.refusal),
            None => Ok(Self(draft)),
        }
    }
}

impl From<ShippingTable> for Draft {
    fn from(table: ShippingTable) -> Self {
        table.0
    }
}

impl ShippingTable {
    /// A table of zones and the methods that serve them.
    pub fn new(zones: Vec<Zone>, methods: Vec<Method>) -> Result<Self, Refusal> {
        Draft { zones, methods, ..Draft::default() }.try_into()
    }

    /// A table, or everything that is wrong with it.
    pub fn checked(draft: Draft) -> Result<Self, Vec<Flaw>> {
        let flaws = draft.flaws();
        if flaws.is_empty() { Ok(Self(draft)) } else { Err(flaws) }
    }

    /// The zones, as declared.
    pub fn zones(&self) -> &[Zone] {
        &self.0.zones
    }

    /// The methods, as declared.
    pub fn methods(&self) -> &[Method] {
        &self.0.methods
    }

    /// The pickup points, as declared.
    pub fn pickup_points(&self) -> &[PickupPoint] {
        &self.0.pickup_points
    }

    /// Where parcels leave from.
    pub fn ship_from(&self) -> Option<&Address> {
        self.0.ship_from.as_ref()
    }

    /// Whether any method is a carrier's.
    pub fn has_carriers(&self) -> bool {
        self.methods().iter().any(|method| matches!(method.by, By::Carrier(_)))
    }

    /// Whether a carrier has to be asked for what sending there costs.
    pub fn asks_carriers(&self, to: &Destination<'_>) -> bool {
        let Some(zone) = self.zone(to) else { return false };
        let mut methods = self.methods().iter().filter(|method| method.zone == zone.id);
        methods.any(|method| matches!(method.by, By::Carrier(_)))
    }

    /// What a carrier asks for the parcel of a quote, where the method is one of its services.
    pub fn quoted(
        &self,
        id: &ShippingOptionId,
        quote: &Quote,
        currency: Currency,
    ) -> Option<Money> {
        match &self.method(id)?.by {
            By::Carrier(service) => quote.price(service, currency),
            By::Parcel | By::Pickup => None,
        }
    }

    /// The options with the carriers' own prices in place of the table's. What is free stays free.
    pub fn with_quote(
        &self,
        mut options: Vec<ShippingOption>,
        quote: &Quote,
    ) -> Vec<ShippingOption> {
        for option in options.iter_mut().filter(|option| !option.price.is_zero()) {
            let currency = option.price.currency();
            if let Some(price) = self.quoted(&option.id, quote, currency) {
                option.price = price;
            }
        }
        sort(&mut options);
        options
    }

    /// The method of this id.
    pub fn method(&self, id: &ShippingOptionId) -> Option<&Method> {
        self.methods().iter().find(|method| method.id == *id)
    }

    /// The pickup point of this id.
    pub fn pickup_point(&self, id: &PickupPointId) -> Option<&PickupPoint> {
        self.pickup_points().iter().find(|point| point.id == *id)
    }

    /// The ways to send a shipment to a destination, cheapest first, then fastest, then by id. None
    /// where the shop does not send to, or not such a parcel, or not in its currency. `now` decides
    /// when it would arrive.
    pub fn options(
        &self,
        to: &Destination<'_>,
        shipment: &Shipment,
        now: Timestamp,
    ) -> Vec<ShippingOption> {
        let Some(zone) = self.zone(to) else { return Vec::new() };
        self.sorted(self.methods().iter().filter(|m| m.zone == zone.id), shipment, now)
    }

    /// The ways to fetch a shipment, wherever the buyer lives, in the same order.
    pub fn pickups(&self, shipment: &Shipment, now: Timestamp) -> Vec<ShippingOption> {
        self.sorted(self.methods().iter().filter(|m| m.by == By::Pickup), shipment, now)
    }

    fn sorted<'a>(
        &self,
        methods: impl Iterator<Item = &'a Method>,
        shipment: &Shipment,
        now: Timestamp,
    ) -> Vec<ShippingOption> {
        let mut options: Vec<ShippingOption> =
            methods.filter_map(|method| self.option(method, shipment, now)).collect();
        sort(&mut options);
        options
    }

    fn option(
        &self,
        method: &Method,
        shipment: &Shipment,
        now: Timestamp,
    ) -> Option<ShippingOption> {
        Some(ShippingOption {
            id: method.id.clone(),
            name: method.name.clone(),
            price: method.price(shipment).ok()?,
            lead_days: method.lead_days,
            kind: method.by.kind(),
            window: self.window(method, now),
            pickup_point: None,
        })
    }

    /// When a method's parcel arrives that is ordered now; none where the table does not say when
    /// parcels leave.
    pub fn window(&self, method: &Method, now: Timestamp) -> Option<Window> {
        self.0.dispatch.as_ref()?.window(now, method.cut_off, method.lead_days)
    }

    /// The zone of a destination: the one with the longest matching postal codes, then the one with
    /// its state, else the one with the whole country.
    pub fn zone(&self, to: &Destination<'_>) -> Option<&Zone> {
        let postal = postal_key(to.postal_code);
        // Two zones of one fit would claim the same place, which `flaws` refuses.
        self.zones()
            .iter()
            .filter_map(|zone| zone.fit(to, &postal).map(|fit| (fit, zone)))
            .max_by_key(|(fit, _)| *fit)
            .map(|(_, zone)| zone)
    }

    /// How exactly a zone contains a destination: characters of its postal code, and whether its
    /// state; none where it does not.
    pub fn fit(zone: &Zone, to: &Destination<'_>) -> Option<(usize, bool)> {
        zone.fit(to, &postal_key(to.postal_code))
    }

    /// Parcels that fall between the tiers, at most [`GAPS_MAX`]: for the shop's owner to look at.
    ///
    /// A method's tiers are meant to cover everything from their least to their greatest subtotal
    /// and up to their greatest weight and volume. Beyond that they refuse on purpose.
    pub fn gaps(&self) -> Vec<Gap> {
        let mut gaps = Vec::new();
        for method in self.methods() {
            for (profile, rates) in method.rates() {
                for (currency, tiers) in rates {
                    gaps.extend(corners(tiers).into_iter().map(|(load, subtotal)| Gap {
                        method: method.id.clone(),
                        profile: profile.clone(),
                        weight_grams: load.weight_grams,
                        volume_mm3: load.volume_mm3,
                        subtotal: Money::new(subtotal, *currency),
                    }));
                    if gaps.len() >= GAPS_MAX {
                        gaps.truncate(GAPS_MAX);
                        return gaps;
                    }
                }
            }
        }
        gaps
    }
}

/// Cheapest first, then fastest, then by id.
pub fn sort(options: &mut [ShippingOption]) {
    options.sort_by(|a, b| {
        let key = |o: &ShippingOption| (o.price.amount(), o.lead_days.1, o.lead_days.0);
        key(a).cmp(&key(b)).then_with(|| a.id.cmp(&b.id))
    });
}

impl Zone {
    /// The most exact fit of its parts.
    fn fit(&self, to: &Destination<'_>, postal: &str) -> Option<(usize, bool)> {
        self.countries.iter().filter_map(|part| part.fit(to, postal)).max()
    }
}

impl ZoneCountry {
    fn fit(&self, to: &Destination<'_>, postal: &str) -> Option<(usize, bool)> {
        if self.country != to.country {
            return None;
        }
        if let Some(region) = &self.region
            && !to.region.is_some_and(|other| other.eq_ignore_ascii_case(region))
        {
            return None;
        }
        let is_whole = self.postal_prefixes.is_empty() && self.postal_ranges.is_empty();
        let length =
            if is_whole { 0 } else { self.ranges().filter_map(|range| range.fit(postal)).max()? };
        Some((length, self.region.is_some()))
    }

    /// Its prefixes and ranges, all as ranges.
    fn ranges(&self) -> impl Iterator<Item = Cow<'_, PostalRange>> {
        let prefixes = self.postal_prefixes.iter().map(|one| Cow::Owned(PostalRange::prefix(one)));
        prefixes.chain(self.postal_ranges.iter().map(Cow::Borrowed))
    }
}

impl Method {
    /// What a shipment costs: the sum of what each profile's parcel costs.
    pub fn price(&self, shipment: &Shipment) -> Result<Money, Unserved> {
        let (subtotal, currency) = (shipment.subtotal.amount(), shipment.subtotal.currency());
        let mut sum = Money::zero(currency);
        for (profile, load) in &shipment.parcels {
            let rates = self.rates_of(profile);
            let rates = rates.ok_or_else(|| Unserved::Profile(profile.clone()))?;
            let tiers = rates.get(&currency).ok_or(Unserved::Currency)?;
            let tier = tiers.iter().find(|tier| tier.takes(*load, subtotal));
            let tier = tier.ok_or_else(|| Unserved::Parcel(profile.clone()))?;
            sum = sum.add(Money::new(tier.price, currency)).map_err(Unserved::Money)?;
        }
        let is_free = self.free_over.get(&currency).is_some_and(|least| subtotal >= *least);
        Ok(if is_free { Money::zero(currency) } else { sum })
    }

    fn rates_of(&self, profile: &ProfileId) -> Option<&Rates> {
        if *profile == ProfileId::default() {
            return Some(&self.tiers);
        }
        self.profile_tiers.get(profile)
    }

    /// The rates of every profile that goes this way.
    fn rates(&self) -> impl Iterator<Item = (ProfileId, &Rates)> {
        let others = self.profile_tiers.iter().map(|(id, rates)| (id.clone(), rates));
        std::iter::once((ProfileId::default(), &self.tiers)).chain(others)
    }
}

/// The corners of what the tiers cover that no tier takes.
///
/// Whether a parcel is taken changes only just above a tier's weight or volume and at the ends of
/// its subtotals, so a hole that has a parcel in it has one of these corners.
fn corners(tiers: &[Tier]) -> Vec<(Load, i64)> {
    let heaviest = tiers.iter().map(|t| t.max_weight_grams.unwrap_or(u64::MAX)).max();
    let largest = tiers.iter().map(|t| t.max_volume_mm3.unwrap_or(u64::MAX)).max();
    let least = tiers.iter().map(|t| t.min_subtotal.unwrap_or(0)).min();
    let greatest = tiers.iter().map(|t| t.max_subtotal.unwrap_or(i64::MAX)).max();
    let (Some(heaviest), Some(largest), Some(least), Some(greatest)) =
        (heaviest, largest, least, greatest)
    else {
        return Vec::new();
    };
    let steps = |limit: fn(&Tier) -> Option<u64>, max: u64| -> BTreeSet<u64> {
        let above = tiers.iter().filter_map(|tier| limit(tier)?.checked_add(1));
        above.chain([0]).filter(|step| *step <= max).collect()
    };
    let weights = steps(|tier| tier.max_weight_grams, heaviest);
    let volumes = steps(|tier| tier.max_volume_mm3, largest);
    let ends = tiers.iter().flat_map(|t| [t.min_subtotal, t.max_subtotal]).flatten();
    let subtotals: BTreeSet<i64> =
        ends.chain([least]).filter(|s| (least..greatest).contains(s)).collect();

    let mut corners = Vec::new();
    for weight_grams in weights {
        for volume_mm3 in &volumes {
            let load = Load { weight_grams, volume_mm3: *volume_mm3 };
            for subtotal in &subtotals {
                if !tiers.iter().any(|tier| tier.takes(load, *subtotal)) {
                    corners.push((load, *subtotal));
                    if corners.len() >= GAPS_MAX {
                        return corners;
                    }
                }
            }
        }
    }
    corners
}

impl Draft {
    /// Everything that is wrong with it.
    pub fn flaws(&self) -> Vec<Flaw> {
        let mut flaws = Flaws::default();
        for (name, length, max) in [
            ("zones", self.zones.len(), ZONES_MAX),
            ("methods", self.methods.len(), METHODS_MAX),
            ("profiles", self.profiles.len(), PROFILES_MAX),
            ("pickup_points", self.pickup_points.len(), PICKUP_POINTS_MAX),
        ] {
            if length > max {
                flaws.add(format!("/{name}"), Refusal::TooMany);
            }
        }
        if !flaws.0.is_empty() {
            return flaws.0;
        }
        self.check_zones(&mut flaws);
        self.check_methods(&mut flaws);
        let profiles = self.profiles.iter().map(|profile| profile.id.as_str());
        flaws.unique("profiles", profiles);
        flaws.unique("pickup_points", self.pickup_points.iter().map(|point| point.id.as_str()));
        if let Some(refusal) = self.dispatch.as_ref().and_then(|rule| rule.check().err()) {
            flaws.add("/dispatch".to_owned(), Refusal::InvalidDispatch(refusal));
        }
        flaws.0
    }

    fn check_zones(&self, flaws: &mut Flaws) {
        flaws.unique("zones", self.zones.iter().map(|zone| zone.id.as_str()));
        let mut places = Places::default();
        for (at, zone) in self.zones.iter().enumerate() {
            if !is_id(&zone.id) {
                flaws.add(format!("/zones/{at}/id"), Refusal::InvalidId(zone.id.clone()));
            }
            for (part_at, part) in zone.countries.iter().enumerate() {
                let pointer = format!("/zones/{at}/countries/{part_at}");
                check_part(part, &pointer, &mut places, flaws);
            }
        }
    }

    fn check_methods(&self, flaws: &mut Flaws) {
        flaws.unique("methods", self.methods.iter().map(|method| method.id.as_str()));
        for (at, method) in self.methods.iter().enumerate() {
            let pointer = format!("/methods/{at}");
            if !self.zones.iter().any(|zone| zone.id == method.zone) {
                let refusal = Refusal::UnknownZone(method.zone.clone());
                flaws.add(format!("{pointer}/zone"), refusal);
            }
            for id in method.profile_tiers.keys() {
                if !self.profiles.iter().any(|profile| profile.id == *id) {
                    let refusal = Refusal::UnknownProfile(id.clone());
                    flaws.add(format!("{pointer}/profile_tiers/{id}"), refusal);
                }
            }
            if method.cut_off.is_some() && self.dispatch.is_none() {
                let refusal = Refusal::CutOffWithoutDispatch(method.id.clone());
                flaws.add(format!("{pointer}/cut_off"), refusal);
            }
            check_method(method, &pointer, flaws);
        }
    }
}

#[derive(Default)]
struct Flaws(Vec<Flaw>);

impl Flaws {
    fn add(&mut self, pointer: String, refusal: Refusal) {
        self.0.push(Flaw { pointer, refusal });
    }

    fn unique<'a>(&mut self, list: &str, ids: impl Iterator<Item = &'a str>) {
        let mut seen = BTreeSet::new();
        for (at, id) in ids.enumerate() {
            if !seen.insert(id) {
                self.add(format!("/{list}/{at}/id"), Refusal::DuplicateId(id.to_owned()));
            }
        }
    }
}

fn check_part(part: &ZoneCountry, pointer: &str, places: &mut Places, flaws: &mut Flaws) {
    let country = part.country;
    for (at, prefix) in part.postal_prefixes.iter().enumerate() {
        if postal_key(prefix).is_empty() {
            let refusal = Refusal::EmptyPostalPrefix { country };
            flaws.add(format!("{pointer}/postal_prefixes/{at}"), refusal);
        }
    }
    for (at, range) in part.postal_ranges.iter().enumerate() {
        if !range.is_range() {
            let refusal = Refusal::InvalidPostalRange { country };
            flaws.add(format!("{pointer}/postal_ranges/{at}"), refusal);
        }
    }
    let ranges: Vec<_> = part.ranges().filter(|range| range.is_range()).collect();
    let is_whole = part.postal_prefixes.is_empty() && part.postal_ranges.is_empty();
    let region = part.region.as_deref();
    let is_free = if is_whole {
        places.claim(country, region, None)
    } else {
        // Every one is claimed, so that the next zone is told of each.
        let claims = ranges.iter().map(|one| places.claim(country, region, Some(one.as_ref())));
        claims.filter(|is_free| !is_free).count() == 0
    };
    if !is_free {
        flaws.add(pointer.to_owned(), Refusal::DuplicatePlace { country });
    }
}

fn check_method(method: &Method, pointer: &str, flaws: &mut Flaws) {
    let id = || method.id.clone();
    if method.lead_days.0 > method.lead_days.1 {
        flaws.add(format!("{pointer}/lead_days"), Refusal::EmptyRange(id()));
    }
    for (currency, least) in &method.free_over {
        if *least < 0 {
            flaws.add(format!("{pointer}/free_over/{currency}"), Refusal::Negative(id()));
        }
    }
    for (profile, rates) in method.rates() {
        for (currency, tiers) in rates {
            let place = if profile == ProfileId::default() {
                format!("{pointer}/tiers/{currency}")
            } else {
                format!("{pointer}/profile_tiers/{profile}/{currency}")
            };
            if tiers.len() > TIERS_MAX {
                flaws.add(place, Refusal::TooMany);
                continue;
            }
            for (at, tier) in tiers.iter().enumerate() {
                let least = tier.min_subtotal.unwrap_or(0);
                if tier.price < 0 || least < 0 {
                    flaws.add(format!("{place}/{at}"), Refusal::Negative(id()));
                }
                if tier.max_subtotal.is_some_and(|end| end <= least) {
                    flaws.add(format!("{place}/{at}"), Refusal::EmptyRange(id()));
                }
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::needless_raw_string_hashes)] // expect-test writes them
mod tests {
    use expect_test::expect;
    use proptest::prelude::*;

    use super::*;

    fn id(text: &str) -> ShippingOptionId {
        ShippingOptionId::parse(text).unwrap()
    }

    fn tier(max_weight_grams: Option<u64>, price: i64) -> Tier {
        Tier { max_weight_grams, price, ..Tier::default() }
    }

    fn method(name: &str, zone: &str, tiers: &[Tier], lead_days: (u8, u8)) -> Method {
        Method {
            id: id(name),
            name: name.to_owned(),
            zone: zone.to_owned(),
            by: By::Parcel,
            profile_tiers: BTreeMap::new(),
            cut_off: None,
            tiers: BTreeMap::from([(Currency::EUR, tiers.to_vec())]),
            free_over: BTreeMap::new(),
            lead_days,
        }
    }

    fn zone(id: &str, parts: &[(Country, &[&str])]) -> Zone {
        let part = |(country, prefixes): &(Country, &[&str])| ZoneCountry {
            postal_prefixes: prefixes.iter().map(|prefix| (*prefix).to_owned()).collect(),
            ..ZoneCountry::whole(*country)
        };
        Zone { id: id.into(), name: id.into(), countries: parts.iter().map(part).collect() }
    }

    fn sample() -> ShippingTable {
        let zones = vec![
            zone("home", &[(Country::DE, &[])]),
            zone("islands", &[(Country::DE, &["25946", "26548", "2754"])]),
            zone("uk", &[(Country::GB, &[])]),
            zone("highlands", &[(Country::GB, &["IV", "KW"])]),
            zone("eu", &[(Country::FR, &[]), (Country::AT, &[])]),
        ];
        let light_heavy = [tier(Some(2_000), 4_90), tier(Some(31_500), 9_90)];
        let mut standard = method("standard", "home", &light_heavy, (2, 4));
        standard.free_over = BTreeMap::from([(Currency::EUR, 50_00)]);
        let methods = vec![
            method("express", "home", &[tier(Some(10_000), 14_90)], (1, 1)),
            standard,
            method("pickup", "home", &[tier(None, 0)], (0, 1)),
            method("ferry", "islands", &[tier(Some(31_500), 18_90)], (3, 6)),
            method("eu", "eu", &light_heavy, (3, 7)),
            method("uk", "uk", &light_heavy, (4, 8)),
            method("highlands", "highlands", &[tier(None, 29_00)], (6, 12)),
        ];
        ShippingTable::new(zones, methods).unwrap()
    }

    fn parcel(weight_grams: u64, subtotal: i64) -> Shipment {
        let load = Load { weight_grams, volume_mm3: 0 };
        Shipment::single(load, Money::new(subtotal, Currency::EUR))
    }

    fn to(country: Country, postal_code: &str) -> Destination<'_> {
        Destination { country, region: None, postal_code }
    }

    fn offered(country: Country, postal: &str, shipment: &Shipment) -> String {
        let options = sample().options(&to(country, postal), shipment, Timestamp::UNIX_EPOCH);
        let texts: Vec<_> = options.iter().map(|o| format!("{} {}", o.id, o.price)).collect();
        texts.join(", ")
    }

    #[test]
    fn the_options_are_what_the_price_list_says() {
        let mut report = String::new();
        for (country, postal, grams, subtotal) in [
            (Country::DE, "10117", 500, 20_00),
            (Country::DE, "10117", 2_000, 49_99),
            (Country::DE, "10117", 2_001, 49_99),
            (Country::DE, "10117", 2_001, 50_00),
            (Country::DE, "10117", 31_501, 99_00),
            (Country::DE, "27541", 500, 20_00),
            (Country::GB, "SW1A 1AA", 500, 20_00),
            (Country::GB, "iv1 1aa", 500, 20_00),
            (Country::AT, "1010", 500, 20_00),
            (Country::US, "94103", 500, 20_00),
        ] {
            let offered = offered(country, postal, &parcel(grams, subtotal));
            let line = format!("{country} {postal:8} {grams:>6} g {subtotal:>5}: {offered}");
            report += line.trim_end();
            report.push('\n');
        }
        expect![[r#"
            DE 10117       500 g  2000: pickup 0.00 EUR, standard 4.90 EUR, express 14.90 EUR
            DE 10117      2000 g  4999: pickup 0.00 EUR, standard 4.90 EUR, express 14.90 EUR
            DE 10117      2001 g  4999: pickup 0.00 EUR, standard 9.90 EUR, express 14.90 EUR
            DE 10117      2001 g  5000: pickup 0.00 EUR, standard 0.00 EUR, express 14.90 EUR
            DE 10117     31501 g  9900: pickup 0.00 EUR
            DE 27541       500 g  2000: ferry 18.90 EUR
            GB SW1A 1AA    500 g  2000: uk 4.90 EUR
            GB iv1 1aa     500 g  2000: highlands 29.00 EUR
            AT 1010        500 g  2000: eu 4.90 EUR
            US 94103       500 g  2000:
        "#]]
        .assert_eq(&report);
    }

    #[test]
    fn a_currency_without_a_price_is_not_offered() {
        let dollars = Shipment { subtotal: Money::new(1, Currency::USD), ..parcel(1, 1) };
        let berlin = to(Country::DE, "10117");
        assert!(sample().options(&berlin, &dollars, Timestamp::UNIX_EPOCH).is_empty());
    }

    #[test]
    fn what_is_too_heavy_is_not_sent_for_free() {
        assert!(!offered(Country::DE, "10117", &parcel(31_501, 9_900)).contains("standard"));
    }

    fn bulky() -> ProfileId {
        ProfileId::parse("bulky").unwrap()
    }

    fn with_bulky() -> Draft {
        let mut draft = Draft::from(sample());
        draft.profiles = vec![Profile { id: bulky(), name: "Bulky".into() }];
        let rates = BTreeMap::from([(Currency::EUR, vec![tier(Some(60_000), 29_00)])]);
        draft.methods[1].profile_tiers = BTreeMap::from([(bulky(), rates)]);
        draft
    }

    #[test]
    fn goods_of_two_profiles_are_two_parcels_and_an_option_costs_their_sum() {
        let table = ShippingTable::checked(with_bulky()).unwrap();
        let mut shipment = parcel(500, 20_00);
        let table_load = Load { weight_grams: 40_000, volume_mm3: 0 };
        shipment.parcels.insert(bulky(), table_load);
        let offered = |shipment: &Shipment| -> Vec<(String, i64)> {
            let to = to(Country::DE, "10117");
            let options = table.options(&to, shipment, Timestamp::UNIX_EPOCH);
            options.into_iter().map(|o| (o.id.to_string(), o.price.amount())).collect()
        };
        assert_eq!(offered(&shipment), [("standard".to_owned(), 4_90 + 29_00)]);
        let express = table.method(&id("express")).unwrap();
        assert_eq!(express.price(&shipment), Err(Unserved::Profile(bulky())));
        shipment.subtotal = Money::new(50_00, Currency::EUR);
        assert_eq!(offered(&shipment), [("standard".to_owned(), 0)]);
        shipment.parcels.insert(bulky(), Load { weight_grams: 60_001, volume_mm3: 0 });
        assert_eq!(offered(&shipment), []);
        assert_eq!(shipment.load().weight_grams, 60_501);
    }

    #[test]
    fn a_parcel_that_is_too_large_takes_the_next_tier() {
        let litres = |litres: u64, price| Tier {
            max_volume_mm3: Some(litres * 1_000_000),
            ..tier(None, price)
        };
        let method = method("standard", "home", &[litres(5, 4_90), litres(60, 9_90)], (1, 2));
        let price = |volume_mm3| {
            let load = Load { weight_grams: 100, volume_mm3 };
            method.price(&Shipment::single(load, Money::new(1, Currency::EUR)))
        };
        assert_eq!(price(0).unwrap().amount(), 4_90);
        assert_eq!(price(5_000_000).unwrap().amount(), 4_90);
        assert_eq!(price(5_000_001).unwrap().amount(), 9_90);
        assert_eq!(price(60_000_001), Err(Unserved::Parcel(ProfileId::default())));
    }

    #[test]
    fn a_state_beats_its_country_and_a_postal_range_beats_both() {
        let part = |region: Option<&str>, range: Option<(&str, &str)>| ZoneCountry {
            region: region.map(str::to_owned),
            postal_ranges: range
                .into_iter()
                .map(|(from, to)| PostalRange { from: from.into(), to: to.into() })
                .collect(),
            ..ZoneCountry::whole(Country::US)
        };
        let zone = |id: &str, part| Zone { id: id.into(), name: id.into(), countries: vec![part] };
        let zones = vec![
            zone("us", part(None, None)),
            zone("alaska", part(Some("AK"), None)),
            zone("bay", part(None, Some(("940", "949")))),
        ];
        let table = ShippingTable::new(zones, Vec::new()).unwrap();
        let zone = |region, postal_code| {
            let to = Destination { country: Country::US, region: Some(region), postal_code };
            table.zone(&to).unwrap().id.as_str()
        };
        assert_eq!(zone("NY", "10001"), "us");
        assert_eq!(zone("ak", "99501"), "alaska");
        assert_eq!(zone("CA", "94103-1234"), "bay");
        assert_eq!(zone("CA", "95014"), "us");
    }

    #[test]
    fn a_carriers_price_takes_the_tables_place_and_what_is_free_stays_free() {
        let mut draft = Draft::from(sample());
        let service = |name: &str| CarrierService { carrier: "DHL".into(), service: name.into() };
        draft.methods[0].by = By::Carrier(service("Express"));
        draft.methods[1].by = By::Carrier(service("Paket"));
        let table = ShippingTable::checked(draft).unwrap();
        let quote = Quote {
            parcel: "shp_1".into(),
            rates: ["Express", "Paket"]
                .map(|name| crate::carrier::Rate {
                    id: name.into(),
                    service: service(name),
                    price: Money::new(3_33, Currency::EUR),
                    days: None,
                })
                .into(),
        };
        let berlin = to(Country::DE, "10117");
        assert!(table.asks_carriers(&berlin) && !table.asks_carriers(&to(Country::FR, "75001")));
        let shown = |subtotal| -> Vec<(String, i64)> {
            let options = table.options(&berlin, &parcel(500, subtotal), Timestamp::UNIX_EPOCH);
            let options = table.with_quote(options, &quote);
            options.into_iter().map(|o| (o.id.to_string(), o.price.amount())).collect()
        };
        let named = |all: [(&str, i64); 3]| all.map(|(id, price)| (id.to_owned(), price));
        assert_eq!(shown(20_00), named([("pickup", 0), ("express", 3_33), ("standard", 3_33)]));
        assert_eq!(shown(50_00), named([("pickup", 0), ("standard", 0), ("express", 3_33)]));
        assert_eq!(table.quoted(&id("ferry"), &quote, Currency::EUR), None);
    }

    #[test]
    fn an_older_table_is_read_as_it_was_written() {
        let old = serde_json::json!({
            "zones": [{"id": "de", "name": "DE", "countries": [{"country": "DE"}]}],
            "methods": [{"id": "std", "name": "Standard", "zone": "de",
                "tiers": {"EUR": [{"price": 490}]}, "lead_days": [1, 2]}],
        });
        let table: ShippingTable = serde_json::from_value(old.clone()).unwrap();
        assert_eq!(serde_json::to_value(&table).unwrap(), old);
        let option = serde_json::json!({"id": "std", "name": "Standard", "lead_days": [1, 2],
            "price": {"amount": 490, "currency": "EUR"}});
        let option: ShippingOption = serde_json::from_value(option).unwrap();
        assert_eq!((option.kind, option.window), (OptionKind::Parcel, None));
    }

    #[test]
    fn every_flaw_is_named_at_its_place() {
        let mut draft = with_bulky();
        draft.zones[1].countries[0].postal_prefixes.push("--".into());
        let backwards = PostalRange { from: "9".into(), to: "1".into() };
        draft.zones[3].countries[0].postal_ranges.push(backwards);
        draft.zones.push(zone("home", &[(Country::DE, &[])]));
        draft.methods[0].zone = "mars".into();
        draft.methods[0].cut_off = Some(Time::midnight());
        draft.methods[1]
            .profile_tiers
            .get_mut(&bulky())
            .unwrap()
            .get_mut(&Currency::EUR)
            .unwrap()[0]
            .price = -1;
        draft.methods[2].lead_days = (3, 1);
        draft.methods[2].free_over = BTreeMap::from([(Currency::EUR, -1)]);
        draft.profiles.push(draft.profiles[0].clone());
        let mut flaws: Vec<_> =
            draft.flaws().into_iter().map(|f| (f.pointer, f.refusal.code())).collect();
        flaws.sort();
        let wanted = [
            ("/methods/0/cut_off", "cut_off_without_dispatch"),
            ("/methods/0/zone", "unknown_zone"),
            ("/methods/1/profile_tiers/bulky/EUR/0", "negative_price"),
            ("/methods/2/free_over/EUR", "negative_price"),
            ("/methods/2/lead_days", "empty_range"),
            ("/profiles/1/id", "duplicate_id"),
            ("/zones/1/countries/0/postal_prefixes/3", "empty_postal_prefix"),
            ("/zones/3/countries/0/postal_ranges/0", "invalid_postal_range"),
            ("/zones/5/countries/0", "duplicate_place"),
            ("/zones/5/id", "duplicate_id"),
        ];
        assert_eq!(flaws, wanted.map(|(pointer, code)| (pointer.to_owned(), code)));
    }

    #[test]
    fn a_hole_in_the_tiers_is_noticed() {
        let steps = |least: Option<i64>, end: Option<i64>, price| Tier {
            max_weight_grams: Some(1_000),
            min_subtotal: least,
            max_subtotal: end,
            price,
            ..Tier::default()
        };
        let whole = [steps(None, Some(20_00), 5_00), steps(Some(20_00), None, 3_00)];
        assert!(corners(&whole).is_empty());
        let holed = [steps(None, Some(20_00), 5_00), steps(Some(20_01), None, 3_00)];
        let light = |weight_grams| Load { weight_grams, volume_mm3: 0 };
        assert_eq!(corners(&holed), [(light(0), 20_00)]);
        let uneven = [tier(Some(1_000), 5_00), Tier { max_weight_grams: None, ..whole[1] }];
        assert_eq!(corners(&uneven), [(light(1_001), 0)]);
        let small = Tier { max_volume_mm3: Some(1_000_000), ..tier(Some(5_000), 3_00) };
        let large = Tier { max_volume_mm3: Some(9_000_000), ..tier(Some(2_000), 6_00) };
        let hole = Load { weight_grams: 2_001, volume_mm3: 1_000_001 };
        assert_eq!(corners(&[small, large]), [(hole, 0)]);
        assert!(sample().gaps().is_empty());
    }

    #[test]
    fn a_table_with_a_mistake_is_no_table() {
        let home = || zone("home", &[(Country::DE, &[])]);
        let simple = || method("standard", "home", &[tier(None, 4_90)], (1, 2));
        let refusal = |zones, methods| ShippingTable::new(zones, methods).unwrap_err().code();
        assert_eq!(refusal(vec![home(), home()], vec![]), "duplicate_id");
        let twin = zone("twin", &[(Country::DE, &[])]);
        assert_eq!(refusal(vec![home(), twin], vec![]), "duplicate_place");
        assert_eq!(refusal(vec![zone("Home", &[])], vec![]), "invalid_id");
        let blank = zone("home", &[(Country::DE, &["-"])]);
        assert_eq!(refusal(vec![blank], vec![]), "empty_postal_prefix");
        assert_eq!(refusal(vec![], vec![simple()]), "unknown_zone");
        assert_eq!(refusal(vec![home()], vec![simple(), simple()]), "duplicate_id");
        let gift = method("standard", "home", &[tier(None, -1)], (1, 2));
        assert_eq!(refusal(vec![home()], vec![gift]), "negative_price");
        let backwards = Method { lead_days: (2, 1), ..simple() };
        assert_eq!(refusal(vec![home()], vec![backwards]), "empty_range");
        let nobody = Tier { max_subtotal: Some(0), ..tier(None, 1) };
        let nobody = method("standard", "home", &[nobody], (1, 2));
        assert_eq!(refusal(vec![home()], vec![nobody]), "empty_range");
    }

    #[test]
    fn a_table_travels_and_is_checked_on_arrival() {
        let table = sample();
        let text = serde_json::to_string(&table).unwrap();
        assert_eq!(serde_json::from_str::<ShippingTable>(&text).unwrap(), table);
        let broken = text.replace("\"zone\":\"eu\"", "\"zone\":\"mars\"");
        assert!(serde_json::from_str::<ShippingTable>(&broken).is_err());
        assert!(serde_json::from_str::<ShippingOptionId>("\"Express!\"").is_err());
    }

    fn tiers() -> impl Strategy<Value = Vec<Tier>> {
        let tier = (
            prop::option::of(0..6_u64),
            prop::option::of(0..6_i64),
            prop::option::of(1..6_i64),
            0..9_i64,
        )
            .prop_filter_map("an empty range", |(weight, least, length, price)| {
                Some(Tier {
                    max_weight_grams: weight,
                    max_volume_mm3: None,
                    min_subtotal: least,
                    max_subtotal: length.map(|length| least.unwrap_or(0) + length),
                    price,
                })
            });
        prop::collection::vec(tier, 1..5)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn no_parcel_falls_between_the_tiers_unnoticed(tiers in tiers()) {
            let heaviest =
                tiers.iter().map(|t| t.max_weight_grams.unwrap_or(u64::MAX)).max().unwrap();
            let least = tiers.iter().map(|t| t.min_subtotal.unwrap_or(0)).min().unwrap();
            let end = tiers.iter().map(|t| t.max_subtotal.unwrap_or(i64::MAX)).max().unwrap();
            let is_taken = |weight_grams, s| {
                let load = Load { weight_grams, volume_mm3: 0 };
                tiers.iter().any(|tier| tier.takes(load, s))
            };
            let has_hole = (0..=heaviest.min(8))
                .any(|w| (least..end.min(14)).any(|s| !is_taken(w, s)));
            prop_assert_eq!(has_hole, !corners(&tiers).is_empty());
            for (load, s) in corners(&tiers) {
                prop_assert!(!is_taken(load.weight_grams, s));
            }
        }

        #[test]
        fn the_options_do_not_depend_on_the_order_of_the_table(
            tiers in prop::collection::vec(tiers(), 1..6),
            weight in 0..8_u64,
            subtotal in 0..14_i64,
        ) {
            let zones = vec![zone("home", &[(Country::DE, &[])])];
            let mut methods: Vec<_> = tiers
                .iter()
                .enumerate()
                .map(|(i, tiers)| method(&format!("m{i}"), "home", tiers, (1, 2)))
                .collect();
            let parcel = parcel(weight, subtotal);
            let there = ShippingTable::new(zones.clone(), methods.clone()).unwrap();
            methods.reverse();
            let back = ShippingTable::new(zones, methods).unwrap();
            let (berlin, now) = (to(Country::DE, "10117"), Timestamp::UNIX_EPOCH);
            let options = there.options(&berlin, &parcel, now);
            prop_assert!(options.is_sorted_by_key(|option| option.price.amount()));
            prop_assert_eq!(options, back.options(&berlin, &parcel, now));
        }
    }
}
