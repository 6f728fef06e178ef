//! The letter about a debit that failed after its buyer had left, with the way to pay again.
//!
//! It is asked for with the write that lets the holder of its link in. The order says whether that
//! was done, so that it is asked for once however often the event comes, and not of an order that
//! ended meanwhile or was paid.

use api::seal::token_hash;
use domain::event::{Fact, Message};
use domain::fault::{Fault, Retry};
use domain::id::{MessageId, OrderId};
use jiff::Timestamp;
use store::Saved;
use store::refund::Move;

use crate::App;

/// How often a lost race is run again before the message comes back by itself.
const RACES_MAX: usize = 5;

/// Writes to the buyer, if that is still to be done.
pub(crate) async fn tell(app: &App, id: OrderId, now: Timestamp) -> Result<(), Fault> {
    for _ in 0..RACES_MAX {
        let file = app.store.order(id).await?;
        let file = file.ok_or_else(|| Fault::noticed(format!("find {id}"), Retry::Useless))?;
        let (before, mut order) = (&file.order, file.order.clone());
        let token = app.ids.token();
        let hash = token_hash(&token);
        let Some(letter) = order.tell_of_failed_debit(token, hash) else { return Ok(()) };
        let message = MessageId::from_ulid(settlement::event_id(&order).ulid());
        let message = Message { id: message, to: order.email.clone(), letter };
        let fact = Fact::MessageRequested { message };
        let events = [settlement::event(&order, fact, now)];
        let step = Move {
            before,
            order: &order,
            payment: None,
            refund: None,
            entry: None,
            events: &events,
            remembered: None,
        };
        if app.store.move_money(&step).await? == Saved::Yes {
            return Ok(());
        }
    }
    Err(Fault::noticed(format!("tell of {id}: others were faster every time"), Retry::Helps))
}
