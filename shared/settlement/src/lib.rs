//! Money and orders, brought together: the two ways in which an order that waits for its payment
//! stops waiting, and the way back.
//!
//! [`finalize`] is called by the webhook's job, by the sweeper and by whoever finds that money
//! came; the second call finds nothing to do. [`end_unpaid`] cancels the PaymentIntent, or closes
//! the provider's page, *before* it gives the stock back, and finalizes instead where that shows
//! that money came. [`call_off`] ends an order that was placed, too. [`send_refund`] asks the
//! provider for what was decided to go back, and [`hear_refunds`] takes over what it says of that.
//!
//! [`Search`] looks for the places of an order's units before it is placed.

use domain::event::{Event, Fact};
use domain::fault::{Fault, Retry};
use domain::id::{EventId, OrderId, Ulid};
use domain::money::Money;
use domain::order::{Order, Settlement, Status};
use domain::payment::{self, Entry, IntentState, Payment};
use domain::refund::Refund;
use gateway::{Canceled, Gateway};
use jiff::Timestamp;
use store::order::{OrderFile, Settled};
use store::refund::Move;
use store::{Saved, Store};

mod allocate;
mod calling_off;
mod capture;
mod disputes;
mod fraud;
mod refunds;
mod sessions;

pub use allocate::Search;
pub use calling_off::{Called, Calling, call_off};
pub use capture::{Took, take_reserved};
pub use disputes::{Carried, Disputed, answer_dispute, evidence, hear_dispute, receipt};
pub use fraud::{Warned, hear_fraud_warning};
pub use refunds::{Heard, Sent, hear_refunds, say_changed, send_refund};
pub use sessions::hear_session;

/// How often a lost race is run again. Each round re-reads everything.
const RACES_MAX: usize = 5;

/// What settling needs.
#[derive(Debug)]
pub struct Desk<'a> {
    /// The shop's memory.
    pub store: &'a Store,
    /// The payment provider.
    pub gateway: &'a Gateway,
    /// When it is.
    pub now: Timestamp,
}

/// What [`finalize`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finalized {
    /// Nothing new.
    Known,
    /// The payment moved on; no money did.
    Moved,
    /// The order is placed.
    Placed,
    /// The money came after the order's end and is to go back.
    Returned,
    /// Money that was reserved was let go; the order is held.
    Lapsed,
    /// The money is not what we asked for: alarmed, and left for a person.
    Quarantined,
    /// The order has no payment.
    NoPayment,
}

/// What became of an order that was to end.
#[derive(Debug)]
pub enum Ended {
    /// It ended.
    Yes(Box<OrderFile>),
    /// It does not wait for a payment (any more).
    NotWaiting(Box<OrderFile>),
    /// The provider is at it and can not be stopped: ask again later.
    Undecided,
}

/// Brings an order up to what the provider says. `intent` is the one that an event named; without
/// it the order's own is asked for.
pub async fn finalize(
    desk: &Desk<'_>,
    id: OrderId,
    intent: Option<&str>,
) -> Result<Finalized, Fault> {
    for _ in 0..RACES_MAX {
        let file = go_on(desk, id).await?;
        let Some(payment) = file.payment() else { return Ok(Finalized::NoPayment) };
        let named = intent.or(payment.intent.as_deref()).map(str::to_owned);
        let Some(named) = sessions::intent_of(desk, payment, named).await? else {
            return Ok(Finalized::Known);
        };
        let intent = desk.gateway.retrieve(&named).await?;
        let is_live = desk.gateway.is_live();
        let done = match file.order.settle(payment, &intent, is_live, desk.now) {
            Settlement::Known => Some(Finalized::Known),
            Settlement::Moved(moved) => save_moved(desk, &file.order, payment, &moved).await?,
            Settlement::Placed(order, payment, entry) => {
                place(desk, &file.order, *order, &payment, &entry).await?
            }
            Settlement::Late { placed, payment, refused, refunding, refund, entry } => {
                let refused = *refused;
                let late = Late { before: &file.order, refused, refunding, refund };
                Box::pin(settle_late(desk, *placed, &payment, late, &entry)).await?
            }
            Settlement::Lapsed(order, payment) => {
                lapse(desk, &file.order, *order, &payment).await?
            }
            Settlement::Quarantined(payment, entry, mismatch) => {
                tracing::error!(
                    alarm = "payment_quarantined",
                    order_id = %id,
                    payment_id = %payment.id,
                    why = mismatch.code(),
                    "money came that we did not ask for in this form"
                );
                won(desk.store.quarantine(&payment, &entry).await?, Finalized::Quarantined)
            }
        };
        if let Some(done) = done {
            return Ok(done);
        }
    }
    Err(Fault::noticed(format!("settle {id}: others were faster every time"), Retry::Helps))
}

async fn load(desk: &Desk<'_>, id: OrderId) -> Result<OrderFile, Fault> {
    // Every PaymentIntent is made after its order: an unknown order is a thing to look at.
    let file = desk.store.order(id).await?;
    file.ok_or_else(|| Fault::noticed(format!("find the order {id}"), Retry::Useless))
}

/// As [`load`], for what the provider says and what time brings: it goes on with what the buyer
/// began, and is found under the same trace.
async fn go_on(desk: &Desk<'_>, id: OrderId) -> Result<OrderFile, Fault> {
    let file = load(desk, id).await?;
    desk.store.follow(file.order.trace);
    Ok(file)
}

fn won(saved: Saved, done: Finalized) -> Option<Finalized> {
    match saved {
        Saved::Yes => Some(done),
        Saved::Raced => None,
    }
}

async fn place(
    desk: &Desk<'_>,
    before: &Order,
    mut order: Order,
    payment: &Payment,
    entry: &Entry,
) -> Result<Option<Finalized>, Fault> {
    let mut events = Vec::new();
    if before.status != order.status {
        let fact = order.say_placed();
        events.push(event(&order, fact, desk.now));
    }
    let settled = desk.store.settle(before, &order, payment, entry, &events, false).await?;
    Ok(match settled {
        Settled::Yes => Some(Finalized::Placed),
        Settled::Raced | Settled::Short(_) | Settled::TenderGone | Settled::UsedUp(_) => None,
    })
}

/// Writes where the payment stands. A card is declined while its buyer looks; a debit that was
/// under way fails days later: then the order waits once more, and its buyer is told.
async fn save_moved(
    desk: &Desk<'_>,
    before: &Order,
    was: &Payment,
    payment: &Payment,
) -> Result<Option<Finalized>, Fault> {
    let has_failed =
        was.status == payment::Status::Processing && payment.status == payment::Status::Failed;
    let waiting = if has_failed { before.debit_failed(desk.now) } else { None };
    let Some(mut order) = waiting else {
        return Ok(won(desk.store.save_payment(payment).await?, Finalized::Moved));
    };
    let fact = order.say_payment_failed();
    let events = [event(&order, fact, desk.now)];
    let step = Move {
        before,
        order: &order,
        payment: Some(payment),
        refund: None,
        entry: None,
        events: &events,
        remembered: None,
    };
    Ok(won(desk.store.move_money(&step).await?, Finalized::Moved))
}

/// Writes that reserved money was let go, and that nothing is sent for nothing.
async fn lapse(
    desk: &Desk<'_>,
    before: &Order,
    mut order: Order,
    payment: &Payment,
) -> Result<Option<Finalized>, Fault> {
    let events = Vec::from_iter(moved(before, &mut order, desk.now));
    let step = Move {
        before,
        order: &order,
        payment: Some(payment),
        refund: None,
        entry: None,
        events: &events,
        remembered: None,
    };
    let done = won(desk.store.move_money(&step).await?, Finalized::Lapsed);
    if done.is_some() && order.payable() > 0 {
        tracing::error!(
            alarm = "reservation_lapsed",
            order_id = %order.id,
            payment_id = %payment.id,
            "money that was reserved was let go: the order is unpaid and on hold"
        );
    }
    Ok(done)
}

/// An order whose money came late: as it is, and as it shall be if it can not be placed.
struct Late<'a> {
    before: &'a Order,
    refused: Order,
    refunding: Payment,
    refund: Option<Box<Refund>>,
}

/// Holds the stock again, takes the gift cards' money and counts the promotions' uses again, and
/// places; where one of them is gone, writes the refund down, which the queue asks the provider
/// for. Keys are no reason to send money back: where the pool is empty, they follow.
async fn settle_late(
    desk: &Desk<'_>,
    mut placed: Order,
    payment: &Payment,
    late: Late<'_>,
    entry: &Entry,
) -> Result<Option<Finalized>, Fault> {
    let Late { before, mut refused, refunding, refund } = late;
    let fact = placed.say_placed();
    let events = [event(&placed, fact, desk.now)];
    // The shards that it was held on may be gone since; what lay there went back to its location.
    let merged = placed.without_shards();
    // Keys that somebody else has now follow when there are new ones.
    let owing = placed.owing_keys();
    let both = owing.as_ref().and_then(Order::without_shards);
    for order in [Some(placed), merged, owing, both].into_iter().flatten() {
        match desk.store.settle(before, &order, payment, entry, &events, true).await? {
            Settled::Yes => return Ok(Some(Finalized::Placed)),
            Settled::Raced => return Ok(None),
            Settled::Short(_) | Settled::TenderGone | Settled::UsedUp(_) => {}
        }
    }
    tracing::error!(
        alarm = "late_payment_returned",
        order_id = %refused.id,
        "a payment came after its order's end, and goods, gift cards or a promotion are spent"
    );
    // What is reserved only is let go at once.
    let refunding = match &refunding.intent {
        Some(intent) if refunding.status == payment::Status::Authorized => {
            desk.gateway.cancel(intent).await?;
            close(&refunding, desk.now).unwrap_or(refunding)
        }
        Some(_) | None => refunding,
    };
    let mut events = Vec::from_iter(moved(before, &mut refused, desk.now));
    if let Some(refund) = &refund {
        let fact = refused.say_refund_requested(refund);
        events.push(event(&refused, fact, desk.now));
    }
    let step = Move {
        before,
        order: &refused,
        payment: Some(&refunding),
        refund: refund.as_deref(),
        entry: Some(entry),
        events: &events,
        remembered: None,
    };
    Ok(won(desk.store.move_money(&step).await?, Finalized::Returned))
}

/// An event whose id follows from its order and its place in the order's history: whoever says it
/// again says the same one.
pub fn event(order: &Order, fact: Fact, now: Timestamp) -> Event {
    Event { id: event_id(order), at: now, sequence: order.events, fact }
}

/// What an order says where it stands otherwise than before.
fn moved(before: &Order, after: &mut Order, now: Timestamp) -> Option<Event> {
    (before.status != after.status).then(|| {
        let fact = after.say_moved();
        event(after, fact, now)
    })
}

/// The id of the last event that an order said.
pub fn event_id(order: &Order) -> EventId {
    let ulid = order.id.ulid();
    let id = Ulid::from_parts(ulid.timestamp_ms(), ulid.random() ^ u128::from(order.events));
    EventId::from_ulid(id)
}

/// Ends an order that waits for its payment, and says so: `to` is canceled or expired.
pub async fn end_unpaid(desk: &Desk<'_>, id: OrderId, to: Status) -> Result<Ended, Fault> {
    for _ in 0..RACES_MAX {
        let mut file = go_on(desk, id).await?;
        if file.order.status != Status::PendingPayment {
            return Ok(Ended::NotWaiting(Box::new(file)));
        }
        // Time alone ends no order whose debit has just failed: the buyer does not know of it yet.
        let was = file.payment().map(|payment| payment.status);
        if to == Status::Expired && was == Some(payment::Status::Processing) {
            let found = Box::pin(finalize(desk, id, None)).await?;
            file = load(desk, id).await?;
            if file.order.status != Status::PendingPayment {
                return Ok(Ended::NotWaiting(Box::new(file)));
            }
            // Nor one whose debit is under way still: nothing is gained by asking for its end.
            let is_under_way =
                file.payment().is_some_and(|it| it.status == payment::Status::Processing);
            if is_under_way {
                let order = file.order.wait_for_debit(desk.now);
                let step = Move {
                    before: &file.order,
                    order: &order,
                    payment: None,
                    refund: None,
                    entry: None,
                    events: &[],
                    remembered: None,
                };
                // Whoever was faster knows more of it.
                desk.store.move_money(&step).await?;
            }
            if found == Finalized::Moved || is_under_way {
                return Ok(Ended::Undecided);
            }
        }
        let mut closed = None;
        // Money in quarantine is a person's business; it does not keep goods from other buyers.
        let payment = file.payment().filter(|p| p.status != payment::Status::IntegrityFailed);
        if let Some(payment) = payment {
            match stop(desk, payment).await? {
                Stopped::Yes => closed = close(payment, desk.now),
                Stopped::MoneyCame(intent) => {
                    Box::pin(finalize(desk, id, Some(&intent))).await?;
                    let file = load(desk, id).await?;
                    if file.order.status == Status::PendingPayment {
                        return Ok(Ended::Undecided);
                    }
                    return Ok(Ended::NotWaiting(Box::new(file)));
                }
            }
        }
        let before = &file.order;
        let Ok(mut after) = before.clone().end(to, desk.now) else {
            return Ok(Ended::NotWaiting(Box::new(file)));
        };
        let fact = after.say_moved();
        let events = [event(&after, fact, desk.now)];
        let ended = desk.store.end_unpaid(before, &after, closed.as_ref(), &events);
        if ended.await? == Saved::Yes {
            file.order = Order { version: after.version + 1, ..after };
            if let Some(closed) = closed {
                file.payments.iter_mut().filter(|p| p.id == closed.id).for_each(|p| {
                    *p = closed.clone();
                });
            }
            return Ok(Ended::Yes(Box::new(file)));
        }
    }
    Err(Fault::noticed(format!("end {id}: others were faster every time"), Retry::Helps))
}

enum Stopped {
    Yes,
    /// By this PaymentIntent, or it is on its way.
    MoneyCame(String),
}

/// Makes sure that no money can come any more.
async fn stop(desk: &Desk<'_>, payment: &Payment) -> Result<Stopped, Fault> {
    if payment.redirect.is_some() {
        return sessions::stop(desk, payment).await;
    }
    // An intent that was never linked was never answered to anybody: nobody can pay it, and
    // linking it now fails on the payment's version.
    match &payment.intent {
        Some(intent) => stop_intent(desk, payment, intent).await,
        None => Ok(Stopped::Yes),
    }
}

/// Makes sure that no money can come by this PaymentIntent any more.
async fn stop_intent(desk: &Desk<'_>, payment: &Payment, intent: &str) -> Result<Stopped, Fault> {
    let came = || Ok(Stopped::MoneyCame(intent.to_owned()));
    // Money that was reserved in time is money that came, though it could still be let go.
    if payment.capture.reserves() && payment.status != payment::Status::Authorized {
        let told = desk.gateway.retrieve(intent).await?;
        if told.state == IntentState::RequiresCapture {
            return came();
        }
    }
    match desk.gateway.cancel(intent).await? {
        Canceled::Yes => Ok(Stopped::Yes),
        Canceled::Refused => {
            let told = desk.gateway.retrieve(intent).await?;
            match told.state {
                IntentState::Canceled => Ok(Stopped::Yes),
                IntentState::RequiresPaymentMethod
                | IntentState::RequiresConfirmation
                | IntentState::RequiresAction
                | IntentState::Processing
                | IntentState::RequiresCapture
                | IntentState::Succeeded => came(),
            }
        }
    }
}

fn close(payment: &Payment, now: Timestamp) -> Option<Payment> {
    let status = payment::Status::Canceled;
    payment.status.may_become(status).then(|| Payment {
        status,
        authorized: Money::zero(payment.amount.currency()),
        updated_at: now,
        ..payment.clone()
    })
}
