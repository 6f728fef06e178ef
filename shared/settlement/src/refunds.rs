//! The way back of money. What was decided lies in the order's refunds; here the provider is asked
//! for it, and what the provider says of refunds is taken over, its own ones too.
//!
//! Asking is safe to repeat: first it is written that the provider is being asked, then it is
//! asked under a key that follows from the refund and its attempt. Stripe forgets keys after a day,
//! so whoever comes later looks first whether the refund is there.

use domain::event::Event;
use domain::fault::{Fault, Retry};
use domain::id::{OrderId, RefundId};
use domain::order::Order;
use domain::payment::{self, Payment};
use domain::refund::{Changed, News, Refund, Status, Told};
use gateway::{Ask, Asked, KEYS_KEPT};
use store::Saved;
use store::order::OrderFile;
use store::refund::Move;

use crate::{Desk, event, finalize, load};

/// How often a lost race is run again. Each round re-reads everything.
const RACES_MAX: usize = 8;

/// What became of asking for a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// The provider has it, and it stands there.
    At(Status),
    /// The provider was asked before, or there is nothing to ask for.
    Known,
}

/// What was made of the provider's word on the refunds of a PaymentIntent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// The order that they belong to; none where the PaymentIntent is not ours.
    pub order: Option<OrderId>,
    /// Refunds that moved on, or were taken over.
    pub moved: usize,
}

/// Asks the provider for a refund that was decided.
pub async fn send_refund(desk: &Desk<'_>, order: OrderId, id: RefundId) -> Result<Sent, Fault> {
    for _ in 0..RACES_MAX {
        let file = load(desk, order).await?;
        let found = file.refunds.iter().find(|refund| refund.id == id);
        let refund = found.ok_or_else(|| useless(format!("find {id} of {order}")))?;
        let payment = payment_of(&file, refund)?;
        match refund.status {
            Status::Requested => {
                let Ok(asking) = refund.clone().ask(desk.now) else { return Ok(Sent::Known) };
                // Whoever dies after this leaves a refund that is asked for again.
                desk.store.save_refund(&asking).await?;
                continue;
            }
            Status::Processing if refund.provider_ref.is_none() => {}
            Status::Processing
            | Status::RequiresAction
            | Status::Succeeded
            | Status::Failed
            | Status::Canceled => return Ok(Sent::Known),
        }
        let changed = match ask(desk, refund, payment).await? {
            Asked::Yes(told) => refund.hear(&file.order, payment, &told, desk.now),
            Asked::Refused(why) => {
                tracing::error!(
                    alarm = "refund_refused",
                    order_id = %order,
                    refund_id = %id,
                    why,
                    "the payment provider does not give this money back: somebody has to look"
                );
                refund.refused(&file.order, payment, why, desk.now)
            }
        };
        let Some(changed) = changed else { return Ok(Sent::Known) };
        let status = changed.refund.status;
        if save(desk, &file.order, changed).await? == Saved::Yes {
            return Ok(Sent::At(status));
        }
    }
    Err(Fault::noticed(format!("send {id}: others were faster every time"), Retry::Helps))
}

fn useless(tried: String) -> Fault {
    Fault::noticed(tried, Retry::Useless)
}

fn payment_of<'a>(file: &'a OrderFile, refund: &Refund) -> Result<&'a Payment, Fault> {
    let found = file.payments.iter().find(|payment| Some(payment.id) == refund.payment);
    found.ok_or_else(|| useless(format!("find the payment of {}", refund.id)))
}

/// Asks for it; first looks whether it is there, where the key of an earlier try may be forgotten.
async fn ask(desk: &Desk<'_>, refund: &Refund, payment: &Payment) -> Result<Asked, Fault> {
    // What the provider can not move it is not asked for: it would never be done.
    if let Err(refusal) = refund.money.currency().stripe_amount(refund.money.amount()) {
        return Ok(Asked::Refused(refusal.code().to_owned()));
    }
    let intent = payment.intent.as_deref();
    let intent =
        intent.ok_or_else(|| useless(format!("refund {} without its intent", payment.id)))?;
    let is_old = refund.asked_at.is_some_and(|at| desk.now.duration_since(at) >= KEYS_KEPT);
    if is_old {
        let told = desk.gateway.refunds(intent).await?;
        if let Some(told) = told.into_iter().find(|told| refund.is_told_by(told)) {
            return Ok(Asked::Yes(told));
        }
    }
    let ask = Ask {
        key: refund.key(),
        refund: refund.id,
        attempt: refund.attempt,
        order: refund.order,
        intent,
        amount: refund.money,
    };
    desk.gateway.refund(ask).await
}

/// Takes over what the provider says of all refunds of a PaymentIntent: of those that we asked for,
/// and of those that somebody made there.
pub async fn hear_refunds(desk: &Desk<'_>, intent: &str) -> Result<Heard, Fault> {
    let named = desk.gateway.retrieve(intent).await?;
    let Some(id) = named.order else { return Ok(Heard { order: None, moved: 0 }) };
    let all = desk.gateway.refunds(intent).await?;
    // The word of a refund may come before that of its payment.
    if load(desk, id).await?.payment().is_some_and(|paid| !is_captured(paid)) {
        Box::pin(finalize(desk, id, Some(intent))).await?;
    }
    let mut moved = 0;
    for told in &all {
        moved += usize::from(Box::pin(hear(desk, id, intent, told)).await?);
    }
    Ok(Heard { order: Some(id), moved })
}

fn is_captured(payment: &Payment) -> bool {
    payment.status == payment::Status::Succeeded
}

/// Takes over what it says of one; whether that was new.
async fn hear(desk: &Desk<'_>, id: OrderId, intent: &str, told: &Told) -> Result<bool, Fault> {
    for _ in 0..RACES_MAX {
        let file = load(desk, id).await?;
        let of_intent = |payment: &&Payment| payment.intent.as_deref() == Some(intent);
        // Money that is in quarantine is a person's business, and so is what becomes of it.
        let paid = file.payments.iter().find(of_intent).filter(|payment| is_captured(payment));
        let Some(payment) = paid else { return Ok(false) };
        let ours = file.refunds.iter().find(|refund| refund.was_told_by(told));
        let changed = match ours {
            Some(refund) if refund.is_told_by(told) => {
                refund.hear(&file.order, payment, told, desk.now)
            }
            // An attempt that failed long ago.
            Some(_) => None,
            None => file.order.adopt_refund(payment, told, desk.now),
        };
        let Some(changed) = changed else { return Ok(false) };
        if changed.news == News::Failed {
            tracing::error!(
                alarm = "refund_failed",
                order_id = %id,
                refund_id = %changed.refund.id,
                why = changed.refund.failure.as_deref().unwrap_or("unknown"),
                "a refund failed: the money is with the shop again, and somebody has to look"
            );
        }
        if save(desk, &file.order, changed).await? == Saved::Yes {
            return Ok(true);
        }
    }
    Err(Fault::noticed(format!("hear of {id}: others were faster every time"), Retry::Helps))
}

async fn save(desk: &Desk<'_>, before: &Order, mut changed: Changed) -> Result<Saved, Fault> {
    let events: Vec<Event> = say_changed(&mut changed, desk.now).into_iter().collect();
    let step = Move {
        before,
        order: &changed.order,
        payment: changed.payment.as_ref(),
        refund: Some(&changed.refund),
        entry: changed.entry.as_ref(),
        events: &events,
        remembered: None,
    };
    desk.store.move_money(&step).await
}

/// What is said of a refund that was asked for or moved on: the queue that asks the provider, or
/// whoever writes the letters and tells the merchant's systems.
pub fn say_changed(changed: &mut Changed, now: jiff::Timestamp) -> Option<Event> {
    let fact = match changed.news {
        News::Succeeded | News::SucceededAgain | News::Failed | News::Underway => {
            changed.order.say_refund_moved(&changed.refund, changed.news)
        }
        News::None if changed.refund.status == Status::Requested => {
            changed.order.say_refund_requested(&changed.refund)
        }
        News::None => return None,
    };
    Some(event(&changed.order, fact, now))
}
