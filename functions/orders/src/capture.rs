//! Reserved money of an order whose first parcel has left: it is taken, where the order's payment
//! says so, or as soon as the order is on hold no more. A queue asks the provider.

use domain::audit::Actor;
use domain::capture::Mode;
use domain::fault::{Fault, Retry};
use domain::id::OrderId;
use jiff::Timestamp;
use store::Saved;
use store::refund::Move;

use crate::App;

/// How often a lost race is run again before the message comes back by itself.
const RACES_MAX: usize = 5;

/// Asks for it; where nothing has left, or it was asked for, is taken, or can not be taken now,
/// nothing is done.
pub(crate) async fn take(app: &App, id: OrderId, now: Timestamp) -> Result<(), Fault> {
    for _ in 0..RACES_MAX {
        let file = app.store.order(id).await?;
        let file = file.ok_or_else(|| Fault::noticed(format!("find {id}"), Retry::Useless))?;
        let has_left = file.parcels.iter().any(|parcel| parcel.status.has_left());
        let payment = file.payment().filter(|it| it.capture == Mode::OnShipment && has_left);
        let asked = payment.map(|it| it.ask_capture(&file.order, None, Actor::System, now));
        let Some(Ok(asked)) = asked else { return Ok(()) };
        let mut order = file.order.clone();
        let fact = order.say_capture_requested(&asked, now);
        let events = [settlement::event(&order, fact, now)];
        let step = Move {
            before: &file.order,
            order: &order,
            payment: Some(&asked),
            refund: None,
            entry: None,
            events: &events,
            remembered: None,
        };
        if app.store.move_money(&step).await? == Saved::Yes {
            return Ok(());
        }
    }
    Err(Fault::noticed(format!("take the money of {id}: others were faster"), Retry::Helps))
}
