//! Early warnings of fraud: the card's issuer knows before the card holder disputes. What is done
//! is the merchant's decision; each warning is looked at once.

use domain::event::Event;
use domain::fault::{Fault, Retry};
use domain::id::OrderId;
use domain::shop::FraudPolicy;
use store::Saved;
use store::refund::Move;

use crate::{Desk, event, finalize, load};

/// How often a lost race is run again. Each round re-reads everything.
const RACES_MAX: usize = 8;

/// What was made of a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Warned {
    /// It was looked at for the first time.
    Heard(OrderId),
    /// It was looked at before, or the shop ignores them.
    Known(OrderId),
    /// It belongs to no order of ours.
    NotOurs,
}

/// Looks at a warning about a PaymentIntent. `provider_ref` is the warning's own id.
pub async fn hear_fraud_warning(
    desk: &Desk<'_>,
    intent: &str,
    provider_ref: &str,
) -> Result<Warned, Fault> {
    let named = desk.gateway.retrieve(intent).await?;
    let Some(id) = named.order else { return Ok(Warned::NotOurs) };
    let policy = desk.store.shop().await?.value.payments.fraud_warnings;
    if policy == FraudPolicy::Ignore {
        return Ok(Warned::Known(id));
    }
    // The warning may come before the word of the payment.
    Box::pin(finalize(desk, id, Some(intent))).await?;
    for _ in 0..RACES_MAX {
        let file = load(desk, id).await?;
        let payment = file.payments.iter().find(|one| one.intent.as_deref() == Some(intent));
        let Some(payment) = payment else { return Ok(Warned::NotOurs) };
        let heard = file.order.hear_fraud_warning(payment, provider_ref, policy, desk.now);
        let Some((mut order, back)) = heard else { return Ok(Warned::Known(id)) };
        let mut events: Vec<Event> = Vec::new();
        if order.status != file.order.status {
            let fact = order.say_moved();
            events.push(event(&order, fact, desk.now));
        }
        let (mut paid_back, mut refund) = (None, None);
        if let Some(back) = back {
            // The order as it is on hold, with the counters of the refund.
            order = domain::order::Order { events: order.events, ..back.order };
            let fact = order.say_refund_requested(&back.refund);
            events.push(event(&order, fact, desk.now));
            (paid_back, refund) = (back.payment, Some(back.refund));
        }
        let step = Move {
            before: &file.order,
            order: &order,
            payment: paid_back.as_ref(),
            refund: refund.as_ref(),
            entry: None,
            events: &events,
            remembered: None,
        };
        if desk.store.move_money(&step).await? == Saved::Yes {
            tracing::error!(
                alarm = "fraud_warning",
                order_id = %id,
                "the card's issuer warns of fraud"
            );
            return Ok(Warned::Heard(id));
        }
    }
    Err(Fault::noticed(format!("hear a warning about {id}: others were faster"), Retry::Helps))
}
