//! Calling an order off, for staff: one that waits for its payment, or one that was placed and of
//! which nothing went out.
//!
//! What was only promised is given up first: an open PaymentIntent is canceled before anything is
//! given back, and an order that was placed is held before that, so that nothing of it is sent for
//! money that is being let go. Then one write decides: the order ends, its stock, keys, promotions
//! and gift cards go back, and where money was taken its return is asked for.

use domain::audit::Actor;
use domain::event::Event;
use domain::fault::{Fault, Retry};
use domain::id::{OrderId, RefundId};
use domain::order::{Refusal, Status};
use domain::payment;
use domain::refund::{Fresh, Origin};
use domain::{fulfillment, order};
use store::Saved;
use store::order::OrderFile;
use store::refund::Move;

use crate::{Desk, RACES_MAX, Stopped, close, event, finalize, load, moved, stop};

/// Who calls it off, and why.
#[derive(Debug, Clone)]
pub struct Calling {
    /// Who.
    pub by: Actor,
    /// Why.
    pub reason: Option<String>,
    /// The id of the refund, if there has to be one.
    pub refund: RefundId,
    /// What the audit log is told where reserved money is let go first.
    pub begun: Event,
    /// What the audit log is told when it is done.
    pub note: Event,
}

/// What became of an order that was to be called off.
#[derive(Debug)]
pub enum Called {
    /// It is called off, now or before.
    Yes(Box<OrderFile>),
    /// It can not be.
    No(Refusal),
    /// The provider is at it and can not be stopped: ask again later.
    Undecided,
}

/// Calls an order off.
pub async fn call_off(desk: &Desk<'_>, id: OrderId, calling: Calling) -> Result<Called, Fault> {
    for _ in 0..RACES_MAX {
        let file = load(desk, id).await?;
        let before = &file.order;
        if before.status == Status::Canceled {
            return Ok(Called::Yes(Box::new(file)));
        }
        // What the machine refuses is refused before anybody is asked.
        let after = match decide(&file, desk) {
            Ok(after) => after,
            Err(refusal) => return Ok(Called::No(refusal)),
        };
        let mut payment = file.payment().cloned();
        if let Some(open) = payment.as_ref().filter(|payment| is_open(payment)) {
            if let Some(held) = before.begin_call_off(calling.by, desk.now) {
                // Held or raced: what there is now is read again.
                hold(desk, before, held, &calling.begun).await?;
                continue;
            }
            match stop(desk, open).await? {
                Stopped::Yes => payment = close(open, desk.now),
                Stopped::MoneyCame(intent) => {
                    Box::pin(finalize(desk, id, Some(&intent))).await?;
                    if load(desk, id).await?.order.status == Status::PendingPayment {
                        return Ok(Called::Undecided);
                    }
                    continue;
                }
            }
        }
        if save(desk, &file, (after, payment), &calling).await? == Saved::Yes {
            return Ok(Called::Yes(Box::new(load(desk, id).await?)));
        }
    }
    Err(Fault::noticed(format!("call {id} off: others were faster every time"), Retry::Helps))
}

fn decide(file: &OrderFile, desk: &Desk<'_>) -> Result<order::Order, Refusal> {
    if file.order.status == Status::PendingPayment {
        return file.order.clone().end(Status::Canceled, desk.now);
    }
    if file.parcels.iter().any(|parcel| parcel.status != fulfillment::Status::Canceled) {
        return Err(Refusal::HasParcels);
    }
    file.order.clone().call_off(desk.now)
}

/// Whether money may still come of it. What is in quarantine is a person's business.
const fn is_open(payment: &payment::Payment) -> bool {
    match payment.status {
        payment::Status::Created
        | payment::Status::RequiresAction
        | payment::Status::Processing
        | payment::Status::Authorized
        | payment::Status::Failed => true,
        payment::Status::Succeeded
        | payment::Status::Canceled
        | payment::Status::Expired
        | payment::Status::IntegrityFailed => false,
    }
}

async fn hold(
    desk: &Desk<'_>,
    before: &order::Order,
    mut held: order::Order,
    begun: &Event,
) -> Result<(), Fault> {
    let mut events = vec![begun.clone()];
    events.extend(moved(before, &mut held, desk.now));
    let step = Move {
        before,
        order: &held,
        payment: None,
        refund: None,
        entry: None,
        events: &events,
        remembered: None,
    };
    desk.store.move_money(&step).await.map(drop)
}

async fn save(
    desk: &Desk<'_>,
    file: &OrderFile,
    (mut after, payment): (order::Order, Option<payment::Payment>),
    calling: &Calling,
) -> Result<Saved, Fault> {
    let mut events = vec![calling.note.clone()];
    let before = &file.order;
    if before.status == Status::PendingPayment {
        let fact = after.say_moved();
        events.push(event(&after, fact, desk.now));
        let closed = payment.filter(|payment| Some(payment) != file.payment());
        return desk.store.end_unpaid(before, &after, closed.as_ref(), &events).await;
    }
    let fact = after.say_moved();
    events.push(event(&after, fact, desk.now));
    let Calling { by, reason, refund: id, begun: _, note: _ } = calling;
    let fresh = Fresh { id: *id, by: *by, reason: reason.clone(), now: desk.now };
    let back = payment.as_ref().filter(|payment| payment.captured.is_positive());
    let back = back.and_then(|payment| after.return_all(payment, Origin::Cancellation, fresh));
    let (order, payment, refund) = match back {
        Some(mut back) => {
            let fact = back.order.say_refund_requested(&back.refund);
            events.push(event(&back.order, fact, desk.now));
            (back.order, back.payment, Some(back.refund))
        }
        None => (after, payment.filter(|payment| Some(payment) != file.payment()), None),
    };
    let step = Move {
        before,
        order: &order,
        payment: payment.as_ref(),
        refund: refund.as_ref(),
        entry: None,
        events: &events,
        remembered: None,
    };
    desk.store.move_money(&step).await
}
