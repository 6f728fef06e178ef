//! Keys for what was bought.
//!
//! One transaction gives keys to some units of one SKU of one order; who dies between two leaves an
//! order that has some of its keys, and the message comes again. Where there are none to give, the
//! order is written down as waiting, and *then* it is looked once more: whoever adds keys does it
//! the other way round, adds first and looks for those who wait afterwards, so that one of the two
//! sees the other.

use std::collections::BTreeSet;

use domain::audit::Actor;
use domain::catalog::Sku;
use domain::event::{Event, Fact, Message};
use domain::fault::{Fault, Retry};
use domain::id::{MessageId, MovementId, OrderId, PoolKeyId};
use domain::key_pool::{self, GIVEN_MAX, Giving};
use domain::movement::{Kind, Movement};
use domain::order::Order;
use domain::stock::{KEY_POOL, Place};
use jiff::Timestamp;
use store::order::OrderFile;
use store::{Saved, key_pool::waiting};

use crate::App;

/// How often a lost race is run again before the message comes back by itself.
const RACES_MAX: u32 = 12;

/// What an order still waits for.
#[derive(Debug, Default)]
pub(crate) struct Left {
    /// Keys of these SKUs; none where all its units have keys, or will never get any.
    skus: BTreeSet<Sku>,
    /// Whether that is because somebody has to look at the order first.
    is_on_hold: bool,
}

/// Gives an order the keys that it lacks, as far as there are any.
pub(crate) async fn give(app: &App, id: OrderId, now: Timestamp) -> Result<Left, Fault> {
    let (mut races, mut is_noted) = (0, false);
    while races < RACES_MAX {
        let file = app.store.order(id).await?;
        let file = file.ok_or_else(|| Fault::noticed(format!("find {id}"), Retry::Useless))?;
        let missing = key_pool::missing(&file.order, &file.keys);
        if missing.is_empty() || key_pool::is_over(file.order.status) {
            return Ok(Left::default());
        }
        let is_on_hold = !key_pool::may_have(file.order.status);
        let mut step = Step::Dry;
        for (sku, units) in &missing {
            if !is_on_hold && step == Step::Dry {
                step = give_some(app, &file, (sku, units), races, now).await?;
            }
        }
        match step {
            Step::Gave => {}
            Step::Raced => races += 1,
            Step::Dry if is_noted => {
                return Ok(Left { skus: missing.into_keys().collect(), is_on_hold });
            }
            Step::Dry => {
                for sku in missing.keys() {
                    note(app, &file.order, sku).await?;
                }
                is_noted = true;
            }
        }
    }
    Err(Fault::noticed(format!("give {id} keys: others were faster"), Retry::Helps))
}

/// What became of one look at a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Some units have keys now.
    Gave,
    /// Somebody else was faster.
    Raced,
    /// There are none for it.
    Dry,
}

async fn give_some(
    app: &App,
    file: &OrderFile,
    (sku, units): (&Sku, &[key_pool::Unit]),
    races: u32,
    now: Timestamp,
) -> Result<Step, Fault> {
    let order = &file.order;
    let for_sale = if order.held_keys(sku) > 0 {
        0
    } else {
        let level = app.store.level(&Place::at(sku.clone(), KEY_POOL)).await?;
        level.map_or(0, |level| level.available)
    };
    if order.held_keys(sku) == 0 && for_sale <= 0 {
        return Ok(Step::Dry);
    }
    // Whoever lost a race looks somewhere else than everybody else.
    let from = (races > 0).then(|| elsewhere(order.id, races));
    let limit = i32::try_from(units.len().min(GIVEN_MAX)).unwrap_or(i32::MAX);
    let free = app.store.free_keys(sku, from, limit).await?;
    let Some(mut giving) = key_pool::give(order, (sku, units), &free, for_sale, now) else {
        return Ok(Step::Dry);
    };
    let taken = i64::try_from(giving.keys.len()).unwrap_or(i64::MAX);
    let movement = Movement {
        id: MovementId::from_ulid(app.ids.ulid(now)),
        sku: sku.clone(),
        location: KEY_POOL,
        kind: Kind::Shipped,
        quantity: -taken,
        reason: None,
        reference: Some(order.id.to_string()),
        actor: Actor::System,
        at: now,
    };
    let events: Vec<Event> = letter(&mut giving, now).into_iter().collect();
    let saved = app.store.give_keys(order, &giving, &movement, &events).await?;
    Ok(if saved == Saved::Yes { Step::Gave } else { Step::Raced })
}

/// A place in the middle of a pool, another one for each order and each race.
fn elsewhere(id: OrderId, races: u32) -> PoolKeyId {
    let random = id.ulid().random().wrapping_mul(u128::from(races) << 64 | 0x9E37_79B9_7F4A_7C15);
    PoolKeyId::from_ulid(domain::id::Ulid(random << 17 ^ random))
}

/// Tells the buyer that keys are there which had to follow. Those that were there at once stand in
/// the letter that thanks for the order.
fn letter(giving: &mut Giving, now: Timestamp) -> Option<Event> {
    if giving.is_held || !giving.is_last {
        return None;
    }
    let letter = giving.order.say_keys_ready();
    let to = giving.order.email.clone();
    let id = MessageId::from_ulid(settlement::event_id(&giving.order).ulid());
    let fact = Fact::MessageRequested { message: Message { id, to, letter } };
    Some(settlement::event(&giving.order, fact, now))
}

/// Writes down that an order waits, and tells the staff, once.
async fn note(app: &App, order: &Order, sku: &Sku) -> Result<(), Fault> {
    if app.store.await_keys(&waiting(order, sku)).await? == Saved::Yes {
        tracing::error!(
            alarm = "keys_owed",
            order_id = %order.id,
            sku = %sku,
            "an order is paid and its keys follow: the pool needs new ones"
        );
    }
    Ok(())
}

/// Gives new keys to the orders that wait for them, longest waiting first, until there are no more.
pub(crate) async fn hand_out(app: &App, sku: &Sku, now: Timestamp) -> Result<(), Fault> {
    let mut position: Option<String> = None;
    loop {
        let page = app.store.waiting_for_keys(sku, position.as_deref()).await?;
        for waiting in page.entries {
            let left = give(app, waiting.order, now).await?;
            if !left.skus.contains(sku) {
                app.store.await_no_keys(&waiting).await?;
            } else if !left.is_on_hold {
                return Ok(());
            }
        }
        position = page.next;
        if position.is_none() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::id::Ulid;

    use super::*;

    #[test]
    fn whoever_lost_a_race_looks_somewhere_else_each_time() {
        let places: BTreeSet<PoolKeyId> = (1..50_u128)
            .flat_map(|order| {
                let id = OrderId::from_ulid(Ulid::from_parts(1_790_000_000_000, order * 7919));
                (1..RACES_MAX).map(move |races| elsewhere(id, races))
            })
            .collect();
        assert_eq!(places.len(), 49 * 11);
    }
}
