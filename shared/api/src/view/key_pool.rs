//! Pools of keys, as staff sees them: numbers and endings, never a key; and the keys of an order,
//! as its buyer sees them.

use domain::audit::Actor;
use domain::catalog::Sku;
use domain::id::{OrderId, OrderLineId, PoolKeyId};
use domain::key_pool::{self, GivenKey, KeyText, Registered, Skipped, State, Waiting, Why};
use domain::order::Order;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cursor::List;
use crate::reply::View;

/// A pool.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "KeyPool")]
pub struct PoolView {
    /// Of what.
    pub sku: Sku,
    /// Keys that nobody has.
    pub free: i64,
    /// Of those, keys that orders hold: paid a moment ago, or waiting for their payment.
    pub promised: i64,
    /// Of those, keys that can be sold.
    pub for_sale: i64,
    /// Keys that buyers have.
    pub given: u64,
    /// Keys that were taken out of the pool before anybody had them.
    pub withdrawn: u64,
    /// Paid orders whose keys follow, longest waiting first; the first 25 of them.
    pub waiting: Vec<WaitingView>,
}

impl View for PoolView {}

/// An order whose keys follow.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "WaitingOrder")]
pub struct WaitingView {
    /// Which.
    pub order_id: OrderId,
    /// Since when.
    #[schemars(with = "String")]
    pub since: Timestamp,
}

impl From<Waiting> for WaitingView {
    fn from(waiting: Waiting) -> Self {
        Self { order_id: waiting.order, since: waiting.since }
    }
}

/// A key of a pool, without what it says.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PoolKey")]
pub struct PoolKeyView {
    /// Its id.
    pub id: PoolKeyId,
    /// Its last characters: a third of it at most, and four at most.
    pub ending: String,
    /// Where it stands. What is given stays given.
    pub state: State,
    /// Who added it.
    #[schemars(with = "String")]
    pub added_by: Actor,
    /// When.
    #[schemars(with = "String")]
    pub added_at: Timestamp,
    /// Whose order has it.
    pub order_id: Option<OrderId>,
    /// When it was given, or withdrawn.
    #[schemars(with = "Option<String>")]
    pub ended_at: Option<Timestamp>,
}

impl View for List<PoolKeyView> {}

impl From<Registered> for PoolKeyView {
    fn from(key: Registered) -> Self {
        let Registered { id, ending, state, batch: _, added_by, added_at, order, ended_at } = key;
        Self { id, ending, state, added_by, added_at, order_id: order, ended_at }
    }
}

/// A key of the request that was not added.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SkippedKey")]
pub struct SkippedView {
    /// Where it stands in the request, counted from 0.
    pub position: usize,
    /// Its last characters.
    pub ending: String,
    /// Why.
    pub why: Why,
}

impl From<Skipped> for SkippedView {
    fn from(skipped: Skipped) -> Self {
        let Skipped { position, ending, why } = skipped;
        Self { position, ending, why }
    }
}

/// What was added to a pool.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AddedKeys")]
pub struct AddedView {
    /// To which pool.
    pub sku: Sku,
    /// How many.
    pub added: usize,
    /// What was left out, and why.
    pub skipped: Vec<SkippedView>,
}

impl View for AddedView {}

/// What was taken out of a pool.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "WithdrawnKeys")]
pub struct WithdrawnView {
    /// Out of which pool.
    pub sku: Sku,
    /// How many, those that were out before left aside.
    pub withdrawn: usize,
}

impl View for WithdrawnView {}

/// The keys of a line, for its buyer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OrderKeysView {
    /// The order's line.
    pub line_id: OrderLineId,
    /// Those that are there, one for each unit.
    pub keys: Vec<OrderKeyView>,
    /// Units whose key follows; a letter says when it is there.
    pub following: usize,
}

/// A key that was bought.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OrderKeyView {
    /// What it says.
    pub key: KeyText,
    /// Since when it is the buyer's.
    #[schemars(with = "String")]
    pub given_at: Timestamp,
}

/// The keys of a placed order's lines; none before it is placed or after it was called off.
pub fn keys_of(order: &Order, given: &[GivenKey]) -> Vec<OrderKeysView> {
    if !order.gives_access() {
        return Vec::new();
    }
    let keys = |line| {
        let of_line = given.iter().filter(move |key: &&GivenKey| key.line == line);
        of_line.map(|key| OrderKeyView { key: key.text.clone(), given_at: key.given_at }).collect()
    };
    order
        .lines
        .iter()
        .filter(|line| line.has_keys)
        .map(|line| OrderKeysView {
            line_id: line.id,
            keys: keys(line.id),
            following: key_pool::missing_of(line, given).len(),
        })
        .collect()
}
