//! Pools of keys: licence keys, voucher codes, anything of which one unit is one text. Each text is
//! given to one buyer, once, and never to another one.
//!
//! A pool is stock. The free keys of a SKU are the units on hand of a location of their own,
//! [`KEY_POOL`]; an order holds its units there as it holds mugs in a warehouse, so that nothing is
//! sold that has no key. Which key a unit gets is decided later, when the order is placed: see
//! [`give`]. What was given is not taken back, and what was withdrawn was never given.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::allocation::Allocation;
use crate::audit::Actor;
use crate::catalog::Sku;
use crate::id::{OrderId, OrderLineId, PoolKeyId, Ulid};
use crate::order::{Order, OrderLine, Status};
use crate::stock::{KEY_POOL, Place};

/// Keys of one request.
pub const KEYS_MAX: usize = 500;
/// Keys that are added in one transaction: two of its hundred actions each.
pub const ADDED_MAX: usize = 40;
/// Keys that are withdrawn together, in one transaction: two actions each.
pub const WITHDRAWN_MAX: usize = 40;
/// Keys that are given in one transaction: three actions each.
pub const GIVEN_MAX: usize = 25;
/// Characters of a key.
pub const CHARS_MIN: usize = 6;
/// Characters of a key.
pub const CHARS_MAX: usize = 200;
/// Characters of a key's end that staff see, at most.
const ENDING_CHARS_MAX: usize = 4;

/// The text of a key. It is what was sold: whoever reads it has it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct KeyText(String);

/// Without the text: this may end in a log.
impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyText(…)")
    }
}

impl KeyText {
    /// Reads a key: 6 to 200 characters that a keyboard has, without a space at either end. Nothing
    /// is changed: two keys that differ in case are two keys.
    pub fn parse(text: &str) -> Option<Self> {
        let has_length = (CHARS_MIN..=CHARS_MAX).contains(&text.len());
        let is_printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        (has_length && is_printable && text.trim() == text).then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What staff see of it: the end, a third of it at most and four characters at most.
    pub fn ending(&self) -> String {
        let shown = (self.0.len() / 3).min(ENDING_CHARS_MAX);
        self.0.chars().skip(self.0.len() - shown).collect()
    }

    /// Its name in its pool: the first half of HMAC-SHA256 under the pool's salt. The same text has
    /// the same name, which is how a second one is noticed; without the salt, which no answer
    /// holds, nobody can try texts until one fits.
    pub fn id(&self, salt: &str) -> PoolKeyId {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(salt.as_bytes()) else {
            unreachable!("HMAC takes keys of any length");
        };
        mac.update(self.0.as_bytes());
        let digest = mac.finalize().into_bytes();
        let half = digest.iter().take(16);
        PoolKeyId::from_ulid(Ulid(half.fold(0, |sum, byte| (sum << 8) | u128::from(*byte))))
    }
}

/// A pool: what is known of all its keys together.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// Of what.
    pub sku: Sku,
    /// Under which its keys have their names: 256 random bits, for good.
    pub salt: String,
    /// Keys that were ever added.
    pub added: u64,
    /// Of those, keys that were withdrawn.
    pub withdrawn: u64,
    /// Since when there is one.
    pub created_at: Timestamp,
}

/// Without the salt.
impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pool({})", self.sku)
    }
}

/// Where a key stands. There is no way back from `given`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PoolKeyState")]
pub enum State {
    /// Nobody has it.
    Free,
    /// It is a buyer's, for good.
    Given,
    /// Taken out of the pool before anybody had it.
    Withdrawn,
}

impl State {
    /// Every state, for the printed matrix.
    pub const ALL: [Self; 3] = [Self::Free, Self::Given, Self::Withdrawn];

    /// Whether the machine has the edge `self → to`. What was withdrawn was never given, so it may
    /// be added again.
    pub const fn may_become(self, to: Self) -> bool {
        match self {
            Self::Free => matches!(to, Self::Given | Self::Withdrawn),
            Self::Given => false,
            Self::Withdrawn => matches!(to, Self::Free),
        }
    }

    /// The name in items and conditions.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Given => "given",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// What the register of a pool says of a key; never its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// Which.
    pub id: PoolKeyId,
    /// Its end.
    pub ending: String,
    /// Where it stands.
    pub state: State,
    /// With which request it came.
    pub batch: String,
    /// Who added it.
    pub added_by: Actor,
    /// When.
    pub added_at: Timestamp,
    /// Whose order has it.
    #[serde(default)]
    pub order: Option<OrderId>,
    /// When it was given, or withdrawn.
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
}

/// A key that nobody has, with its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreeKey {
    /// Which.
    pub id: PoolKeyId,
    /// What it says.
    pub text: KeyText,
}

/// A key that a unit of an order has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenKey {
    /// The order's line.
    pub line: OrderLineId,
    /// Which unit of it, counted from 1.
    pub unit: u32,
    /// Which key.
    pub id: PoolKeyId,
    /// What it says.
    pub text: KeyText,
    /// Since when.
    pub given_at: Timestamp,
}

/// A unit that somebody bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unit {
    /// The order's line.
    pub line: OrderLineId,
    /// Which unit of it, counted from 1.
    pub number: u32,
}

/// An order whose keys follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Which.
    pub order: OrderId,
    /// Of what.
    pub sku: Sku,
    /// Since when.
    pub since: Timestamp,
}

/// Why keys are not withdrawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The variant has no keys.
    NoKeys,
    /// The pool has no such key.
    Unknown {
        /// Which.
        id: PoolKeyId,
    },
    /// It is a buyer's.
    Given {
        /// Which.
        id: PoolKeyId,
    },
    /// So many would leave too few for the orders that hold some.
    Promised,
}

impl Refusal {
    /// The name clients match on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoKeys => "variant_has_no_keys",
            Self::Unknown { .. } => "unknown_key",
            Self::Given { .. } => "key_given",
            Self::Promised => "keys_promised",
        }
    }
}

/// Why a key of a request was not added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// It stands in the request twice.
    Repeated,
    /// The pool has it, or had it and gave it.
    Known,
}

/// A key of a request that was not added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Where it stands in the request, counted from 0.
    pub position: usize,
    /// Its end.
    pub ending: String,
    /// Why.
    pub why: Why,
}

/// What is to be done with the keys of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sorted {
    /// New ones, each once.
    pub new: Vec<FreeKey>,
    /// How many this same request added before: whoever repeats it is told so.
    pub added_before: usize,
    /// What is left out.
    pub skipped: Vec<Skipped>,
}

/// Sorts the keys of a request by what the register says of them.
pub fn sort(keys: &[FreeKey], known: &BTreeMap<PoolKeyId, Registered>, batch: &str) -> Sorted {
    let (mut sorted, mut seen) = (Sorted::default(), BTreeSet::new());
    for (position, key) in keys.iter().enumerate() {
        let skipped = |why| Skipped { position, ending: key.text.ending(), why };
        if !seen.insert(key.id) {
            sorted.skipped.push(skipped(Why::Repeated));
            continue;
        }
        match known.get(&key.id) {
            None => sorted.new.push(key.clone()),
            Some(row) if row.state.may_become(State::Free) => sorted.new.push(key.clone()),
            Some(row) if row.batch == batch => sorted.added_before += 1,
            Some(_) => sorted.skipped.push(skipped(Why::Known)),
        }
    }
    sorted
}

/// The keys that are to be withdrawn now: those of the request that are free. One that is withdrawn
/// already is left as it is.
pub fn withdraw(
    wanted: &BTreeSet<PoolKeyId>,
    known: &BTreeMap<PoolKeyId, Registered>,
) -> Result<Vec<PoolKeyId>, Vec<Refusal>> {
    let (mut free, mut refused) = (Vec::new(), Vec::new());
    for id in wanted {
        match known.get(id).map(|row| row.state) {
            None => refused.push(Refusal::Unknown { id: *id }),
            Some(State::Given) => refused.push(Refusal::Given { id: *id }),
            Some(State::Free) => free.push(*id),
            Some(State::Withdrawn) => {}
        }
    }
    if refused.is_empty() { Ok(free) } else { Err(refused) }
}

/// Whether an order that stands there gets its keys. While somebody looks at it, it does not.
pub const fn may_have(status: Status) -> bool {
    matches!(status, Status::Placed | Status::Completed)
}

/// Whether an order that stands there will never get keys (any more).
pub const fn is_over(status: Status) -> bool {
    matches!(status, Status::Canceled | Status::Expired)
}

/// The units of an order that have no key yet, by SKU.
pub fn missing(order: &Order, given: &[GivenKey]) -> BTreeMap<Sku, Vec<Unit>> {
    let mut missing: BTreeMap<Sku, Vec<Unit>> = BTreeMap::new();
    for line in order.lines.iter().filter(|line| line.has_keys) {
        let units = missing_of(line, given);
        if !units.is_empty() {
            missing.entry(line.sku.clone()).or_default().extend(units);
        }
    }
    missing
}

/// The units of a line that have no key yet.
pub fn missing_of(line: &OrderLine, given: &[GivenKey]) -> Vec<Unit> {
    let has: BTreeSet<u32> =
        given.iter().filter(|key| key.line == line.id).map(|key| key.unit).collect();
    let wanted = line.quantity.saturating_sub(line.canceled);
    let wanted = usize::try_from(wanted).unwrap_or(usize::MAX).saturating_sub(has.len());
    let unit = |number| Unit { line: line.id, number };
    (1..=line.quantity).filter(|number| !has.contains(number)).take(wanted).map(unit).collect()
}

/// Keys for some units of one SKU of an order: one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Giving {
    /// The order, with so many units delivered and so many fewer held.
    pub order: Order,
    /// Of what.
    pub sku: Sku,
    /// Which unit gets which.
    pub keys: Vec<GivenKey>,
    /// Whether the order held these units. Otherwise they must be for sale: what others hold is
    /// theirs.
    pub is_held: bool,
    /// Whether no unit of this SKU waits any more.
    pub is_last: bool,
}

/// Gives an order's units of a SKU the keys that are free, as many as one transaction takes; none
/// where there are none for it. `for_sale` matters only to an order that holds none.
pub fn give(
    order: &Order,
    (sku, units): (&Sku, &[Unit]),
    free: &[FreeKey],
    for_sale: i64,
    now: Timestamp,
) -> Option<Giving> {
    let held = order.held_keys(sku);
    let most = if held > 0 { held } else { u32::try_from(for_sale).unwrap_or(0) };
    let most = usize::try_from(most).unwrap_or(usize::MAX).min(GIVEN_MAX);
    let keys: Vec<GivenKey> = units
        .iter()
        .zip(free)
        .take(most)
        .map(|(unit, key)| GivenKey {
            line: unit.line,
            unit: unit.number,
            id: key.id,
            text: key.text.clone(),
            given_at: now,
        })
        .collect();
    if keys.is_empty() {
        return None;
    }
    let is_last = keys.len() == units.len();
    let order = order.clone().with_keys(sku, &keys, now);
    Some(Giving { order, sku: sku.clone(), keys, is_held: held > 0, is_last })
}

impl Order {
    /// The units of each SKU that get keys, equal SKUs summed.
    pub fn key_units(&self) -> Vec<(Sku, u32)> {
        let mut units = BTreeMap::new();
        for line in self.lines.iter().filter(|line| line.has_keys) {
            *units.entry(line.sku.clone()).or_insert(0_u32) += line.quantity - line.canceled;
        }
        units.into_iter().filter(|(_, quantity)| *quantity > 0).collect()
    }

    /// Where a new order holds the units that get keys.
    pub fn key_allocations(&self) -> Vec<Allocation> {
        let at = |(sku, quantity)| Allocation { place: Place::at(sku, KEY_POOL), quantity };
        self.key_units().into_iter().map(at).collect()
    }

    /// Units of a SKU that are held for it in the pool and have no key yet.
    pub fn held_keys(&self, sku: &Sku) -> u32 {
        let here = |one: &&Allocation| one.place.location == KEY_POOL && one.place.sku == *sku;
        self.reservation.allocations.iter().filter(here).map(|one| one.quantity).sum()
    }

    /// The order without a hold on keys: whose money came late and found the pool empty. Its keys
    /// follow. None where it holds none.
    pub fn owing_keys(&self) -> Option<Self> {
        let mut order = self.clone();
        order.reservation.allocations.retain(|one| one.place.location != KEY_POOL);
        (order.reservation.allocations.len() != self.reservation.allocations.len()).then_some(order)
    }

    /// The order after these keys of one SKU were given to its units.
    fn with_keys(mut self, sku: &Sku, keys: &[GivenKey], now: Timestamp) -> Self {
        for line in self.lines.iter_mut().filter(|line| line.has_keys) {
            let more = keys.iter().filter(|key| key.line == line.id).count();
            line.fulfilled = line.fulfilled.saturating_add(u32::try_from(more).unwrap_or(u32::MAX));
            line.delivered = line.fulfilled;
        }
        let mut given = u32::try_from(keys.len()).unwrap_or(u32::MAX);
        for one in &mut self.reservation.allocations {
            if one.place.location == KEY_POOL && one.place.sku == *sku {
                let less = one.quantity.min(given);
                one.quantity -= less;
                given -= less;
            }
        }
        self.reservation.allocations.retain(|one| one.quantity > 0);
        self.follow_lines(now);
        self
    }
}

#[cfg(test)]
mod tests;
