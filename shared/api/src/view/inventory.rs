//! Stock, as staff sees it.

use domain::address::Country;
use domain::allocation::{Allocation, Nearness, Plan, Why};
use domain::audit::Actor;
use domain::cart::Shortage;
use domain::catalog::Sku;
use domain::forecast::Forecast;
use domain::id::{LocationId, MovementId, TransferId};
use domain::location::{Location, Locations};
use domain::movement::{Finding, Kind, Movement};
use domain::stock::{Crossing, Place, Signal, StockLevel};
use domain::transfer::{Status, Transfer};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cursor::List;
use crate::reply::View;

/// A place where stock lies.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Location")]
pub struct LocationView {
    /// Its id. The shop's first one is `loc_` and 26 zeros.
    pub id: LocationId,
    /// What it is called.
    pub name: String,
    /// The country where it stands.
    #[schemars(with = "Option<String>")]
    pub country: Option<Country>,
    /// Its postal code; nearness within a country is read off it.
    pub postal_code: String,
    /// Of two equally near ones, the smaller number sends.
    pub priority: u32,
    /// The countries that it sends to; all of them where the list is empty.
    #[schemars(with = "Vec<String>")]
    pub serves: Vec<Country>,
    /// Whether anything is sold from it.
    pub is_active: bool,
}

impl View for LocationView {}
impl View for List<LocationView> {}

impl From<Location> for LocationView {
    fn from(location: Location) -> Self {
        let Location { id, name, country, postal_code, priority, serves, is_active, .. } = location;
        Self { id, name, country, postal_code, priority, serves, is_active }
    }
}

/// What there is of a SKU at a location.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "StockLevel")]
pub struct LevelView {
    /// Of what.
    pub sku: Sku,
    /// Where.
    pub location_id: LocationId,
    /// On which shard, while the SKU is armed for a flash sale; null for the location's own count.
    pub shard: Option<u32>,
    /// Units that are there.
    pub on_hand: i64,
    /// Units promised to orders.
    pub reserved: i64,
    /// Units kept back from sale.
    pub safety: i64,
    /// Units that may be sold before they are there.
    pub backorder_max: i64,
    /// Units for sale: on hand, less reserved, less safety, and what may be sold early.
    pub available: i64,
    /// At how many units for sale it is low; 0 for never.
    pub threshold: u32,
    /// How it stands to its threshold, as far as was noticed.
    pub signal: Signal,
    /// Whether buyers are sent to its shards.
    pub is_armed: bool,
}

impl View for LevelView {}
impl View for List<LevelView> {}

/// What a level's view is made of, out of the store's hands.
#[derive(Debug, Clone)]
pub struct LevelFacts {
    /// Where.
    pub place: Place,
    /// How many.
    pub units: StockLevel,
    /// For sale.
    pub available: i64,
    /// The threshold.
    pub threshold: u32,
    /// How it stands to it.
    pub signal: Signal,
    /// Whether buyers are sent to its shards.
    pub is_armed: bool,
}

impl From<LevelFacts> for LevelView {
    fn from(facts: LevelFacts) -> Self {
        let LevelFacts { place, units, available, threshold, signal, is_armed } = facts;
        Self {
            sku: place.sku,
            location_id: place.location,
            shard: place.shard,
            on_hand: units.on_hand,
            reserved: units.reserved,
            safety: units.safety,
            backorder_max: units.backorder_max,
            available,
            threshold,
            signal,
            is_armed,
        }
    }
}

/// What a change of stock did to one level.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "StockChange")]
pub struct ChangeView {
    /// Of what.
    pub sku: Sku,
    /// Where.
    pub location_id: LocationId,
    /// Units that were there.
    pub before: i64,
    /// Units that are there now.
    pub after: i64,
    /// The movement that explains it.
    pub movement_id: MovementId,
}

/// What a change of stock did, line by line, in the order of the request.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "StockChanges")]
pub struct ChangesView {
    /// Each line.
    pub lines: Vec<ChangeView>,
}

impl View for ChangesView {}

/// A movement of stock. It is never changed.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "StockMovement")]
pub struct MovementView {
    /// Its id.
    pub id: MovementId,
    /// Of what.
    pub sku: Sku,
    /// Where.
    pub location_id: LocationId,
    /// What moved it.
    pub kind: Kind,
    /// Units that came; negative for those that went.
    pub quantity: i64,
    /// Why, in somebody's words.
    pub reason: Option<String>,
    /// What it belongs to: a transfer, a delivery note.
    pub reference: Option<String>,
    /// Who.
    pub actor: Actor,
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
}

impl View for List<MovementView> {}

impl From<Movement> for MovementView {
    fn from(movement: Movement) -> Self {
        let Movement { id, sku, location, kind, quantity, reason, reference, actor, at } = movement;
        Self { id, sku, location_id: location, kind, quantity, reason, reference, actor, at }
    }
}

/// A line of a transfer.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "TransferLineState")]
pub struct TransferLineView {
    /// Of what.
    pub sku: Sku,
    /// Units sent.
    pub quantity: u32,
    /// Units that arrived.
    pub received: u32,
    /// Units that were sent and have not arrived.
    pub short: u32,
    /// Units that arrived and were not sent, as far as was written down.
    pub over: u32,
}

/// Stock on its way from one location to another.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Transfer")]
pub struct TransferView {
    /// Its id.
    pub id: TransferId,
    /// Where it begins.
    pub from_location_id: LocationId,
    /// Where it ends.
    pub to_location_id: LocationId,
    /// Where it stands.
    pub status: Status,
    /// What it carries.
    pub lines: Vec<TransferLineView>,
    /// When it was written down.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// When it left.
    #[schemars(with = "Option<String>")]
    pub shipped_at: Option<Timestamp>,
    /// When it ended.
    #[schemars(with = "Option<String>")]
    pub ended_at: Option<Timestamp>,
}

impl View for TransferView {}
impl View for List<TransferView> {}

impl From<Transfer> for TransferView {
    fn from(transfer: Transfer) -> Self {
        let line = |line: domain::transfer::Line| TransferLineView {
            short: line.missing(),
            over: line.surplus(),
            sku: line.sku,
            quantity: line.quantity,
            received: line.received,
        };
        Self {
            id: transfer.id,
            from_location_id: transfer.from,
            to_location_id: transfer.to,
            status: transfer.status,
            lines: transfer.lines.into_iter().map(line).collect(),
            created_at: transfer.created_at,
            shipped_at: transfer.shipped_at,
            ended_at: transfer.ended_at,
        }
    }
}

/// How long a SKU's stock lasts.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "StockForecast")]
pub struct ForecastView {
    /// Of what.
    pub sku: Sku,
    /// Units for sale, at all locations that sell.
    pub available: i64,
    /// Units sold in the last 28 days.
    pub sold: u64,
    /// Thousandths of a unit that go on an ordinary day; the last days count more.
    pub daily_milli: u64,
    /// Whole days that it lasts; null where nothing is sold.
    pub days_left: Option<u64>,
}

impl View for ForecastView {}

impl ForecastView {
    /// A forecast of a SKU.
    pub fn of(sku: Sku, available: i64, forecast: Forecast) -> Self {
        let Forecast { sold, daily_milli, days_left } = forecast;
        Self { sku, available, sold, daily_milli, days_left }
    }
}

/// Units that an order would get at one place.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AllocatedUnits")]
pub struct AllocatedView {
    /// Of what.
    pub sku: Sku,
    /// Where.
    pub location_id: LocationId,
    /// On which shard, while the SKU is armed.
    pub shard: Option<u32>,
    /// How many.
    pub quantity: u32,
}

/// What is said of one location.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AllocationExplanation")]
pub struct ExplanationView {
    /// Which.
    pub location_id: LocationId,
    /// What it is called.
    pub name: String,
    /// How near it is, where it sends there.
    pub nearness: Option<Nearness>,
    /// Units that it gives.
    pub units: u32,
    /// Why.
    pub reason: Why,
}

/// What is missing.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AllocationShortage")]
pub struct ShortageView {
    /// Of what.
    pub sku: Sku,
    /// Units wanted.
    pub wanted: u32,
    /// Units that could be had.
    pub available: u32,
}

/// From where an order would be sent, and why.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AllocationPlan")]
pub struct PlanView {
    /// Whether all of it can be had.
    pub is_complete: bool,
    /// Parcels that it makes.
    pub parcels: u32,
    /// Units by place.
    pub allocations: Vec<AllocatedView>,
    /// Each location, nearest first, and why it gives something or nothing.
    pub explanation: Vec<ExplanationView>,
    /// What is missing.
    pub shortages: Vec<ShortageView>,
}

impl View for PlanView {}

impl PlanView {
    /// A plan, or what is short.
    pub fn of(plan: Result<Plan, Vec<Shortage>>, locations: &Locations) -> Self {
        let (plan, shortages) = match plan {
            Ok(plan) => (plan, Vec::new()),
            Err(short) => (Plan { allocations: Vec::new(), explanation: Vec::new() }, short),
        };
        let name = |id| locations.get(id).map(|one| one.name.clone()).unwrap_or_default();
        let giving = plan.explanation.iter().filter(|reason| reason.units > 0).count();
        let allocated = |one: Allocation| AllocatedView {
            sku: one.place.sku,
            location_id: one.place.location,
            shard: one.place.shard,
            quantity: one.quantity,
        };
        Self {
            is_complete: shortages.is_empty(),
            parcels: u32::try_from(giving).unwrap_or(u32::MAX),
            allocations: plan.allocations.into_iter().map(allocated).collect(),
            explanation: plan
                .explanation
                .into_iter()
                .map(|reason| ExplanationView {
                    name: name(reason.location),
                    location_id: reason.location,
                    nearness: reason.nearness,
                    units: reason.units,
                    reason: reason.why,
                })
                .collect(),
            shortages: shortages
                .into_iter()
                .map(|Shortage { sku, wanted, available }| ShortageView { sku, wanted, available })
                .collect(),
        }
    }
}

/// A SKU that is armed for a flash sale, or was.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "FlashSale")]
pub struct FlashView {
    /// Of what.
    pub sku: Sku,
    /// Where.
    pub location_id: LocationId,
    /// Shards that buyers are sent to; 0 when it is over.
    pub shards: u32,
    /// Units that were split, or taken back.
    pub units: i64,
    /// Units that are still held on shards; they follow when they are given back.
    pub held: i64,
}

impl View for FlashView {}

/// Something that was noticed of a level.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "StockEvent")]
pub struct NoticedView {
    /// Of what.
    pub sku: Sku,
    /// Where.
    pub location_id: LocationId,
    /// What.
    pub crossing: Crossing,
    /// Units for sale then.
    pub available: i64,
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
}

impl View for List<NoticedView> {}

/// A level that its movements do not explain.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "StockFinding")]
pub struct FindingView {
    /// Of what.
    pub sku: Sku,
    /// Where.
    pub location_id: LocationId,
    /// Units that the level says are there.
    pub on_hand: i64,
    /// Units that its movements add up to.
    pub moved: i64,
    /// When it was found.
    #[schemars(with = "String")]
    pub at: Timestamp,
}

impl View for List<FindingView> {}

impl FindingView {
    /// A finding of this time.
    pub fn of(finding: Finding, at: Timestamp) -> Self {
        let Finding { sku, location, on_hand, moved } = finding;
        Self { sku, location_id: location, on_hand, moved, at }
    }
}
