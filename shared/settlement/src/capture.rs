//! Reserved money, taken: what was decided lies in the payment; here the provider is asked for it,
//! and what it says then is taken over.
//!
//! Asking is safe to repeat: it is asked under a key that follows from the payment and the attempt,
//! and where the key is forgotten, the provider refuses to take the same money twice. Whatever it
//! answers, the PaymentIntent is fetched, and what that says counts.

use domain::fault::{Fault, Retry};
use domain::id::OrderId;
use domain::order::Status;
use domain::payment::Payment;
use gateway::Taken;
use store::Saved;
use store::refund::Move;

use crate::{Desk, finalize, load};

/// How often a lost race is run again. Each round re-reads everything.
const RACES_MAX: usize = 8;

/// What became of taking it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Took {
    /// It is taken.
    Yes,
    /// It is not, and may be asked for again.
    No,
    /// There is nothing to be taken.
    Nothing,
}

/// Takes the reserved money of an order, as it was decided.
pub async fn take_reserved(desk: &Desk<'_>, id: OrderId) -> Result<Took, Fault> {
    let file = load(desk, id).await?;
    let Some(payment) = file.payment() else { return Ok(Took::Nothing) };
    let (Some(asked), Some(intent)) = (payment.pending_capture(), &payment.intent) else {
        return Ok(Took::Nothing);
    };
    let (attempt, was_held) = (asked.attempt, file.order.status == Status::OnHold);
    let why = if was_held {
        // Somebody looks at it since: nothing is taken meanwhile. It may have been taken before, by
        // a call whose answer was lost.
        Box::pin(finalize(desk, id, None)).await?;
        "order_on_hold".to_owned()
    } else {
        match desk.gateway.capture(intent, asked.amount, payment.capture_key(asked)).await? {
            Taken::Yes => {
                Box::pin(finalize(desk, id, None)).await?;
                return Ok(Took::Yes);
            }
            Taken::Refused(why) => {
                Box::pin(finalize(desk, id, None)).await?;
                why
            }
        }
    };
    for _ in 0..RACES_MAX {
        let file = load(desk, id).await?;
        // What was asked for since is another's business.
        let same = |it: &&Payment| it.pending_capture().is_some_and(|it| it.attempt == attempt);
        let payment = file.payment().filter(same);
        let refused = payment.and_then(|it| it.capture_refused(why.clone(), desk.now));
        let Some(refused) = refused else { return Ok(Took::Nothing) };
        if was_held && file.order.status != Status::OnHold {
            let tried = format!("take the money of {id}: it was released meanwhile");
            return Err(Fault::noticed(tried, Retry::Helps));
        }
        // What is reserved is all there again.
        let mut order = file.order.clone();
        order.follow_money(Some(&refused), desk.now);
        let step = Move {
            before: &file.order,
            order: &order,
            payment: Some(&refused),
            refund: None,
            entry: None,
            events: &[],
            remembered: None,
        };
        if desk.store.move_money(&step).await? == Saved::Yes {
            tracing::error!(
                alarm = "capture_refused",
                order_id = %id,
                why,
                "reserved money was not taken: somebody has to look"
            );
            return Ok(Took::No);
        }
    }
    Err(Fault::noticed(format!("take the money of {id}: others were faster"), Retry::Helps))
}
