//! Payments on a page of the provider's own: what its Session adds to settling.
//!
//! A Session is no payment: what counts is its PaymentIntent, which is there as soon as the buyer
//! has tried to pay, and which is settled as any other. An open Session is closed before anything
//! is given back, as a PaymentIntent is canceled; one that can not be closed was paid meanwhile.

use domain::fault::{Fault, Retry};
use domain::id::OrderId;
use domain::payment::Payment;
use gateway::{Expired, SessionState};

use crate::{Desk, Finalized, Stopped, finalize, stop_intent};

/// Brings an order up to what became of a Session that an event named. One in which nobody tried
/// to pay tells nothing: the order waits for its time, or for another Session.
pub async fn hear_session(
    desk: &Desk<'_>,
    order: OrderId,
    session: &str,
) -> Result<Finalized, Fault> {
    match desk.gateway.session(session).await?.intent {
        Some(intent) => Box::pin(finalize(desk, order, Some(&intent))).await,
        None => Ok(Finalized::Known),
    }
}

/// The PaymentIntent to ask of: the one that is known, or the one that the payment's Session has.
pub(crate) async fn intent_of(
    desk: &Desk<'_>,
    payment: &Payment,
    known: Option<String>,
) -> Result<Option<String>, Fault> {
    match (known, payment.session()) {
        (Some(known), _) => Ok(Some(known)),
        (None, Some(session)) => Ok(desk.gateway.session(session).await?.intent),
        (None, None) => Ok(None),
    }
}

/// Makes sure that no money can come by the payment's Session any more.
pub(crate) async fn stop(desk: &Desk<'_>, payment: &Payment) -> Result<Stopped, Fault> {
    // One that was never linked was never answered to anybody: nobody knows its address.
    let Some(session) = payment.session() else { return Ok(Stopped::Yes) };
    match desk.gateway.expire_session(session).await? {
        // Its PaymentIntent, if there was one, is canceled with it.
        Expired::Yes => return Ok(Stopped::Yes),
        Expired::Refused => {}
    }
    let told = desk.gateway.session(session).await?;
    match (told.state, told.intent) {
        (SessionState::Expired, _) => Ok(Stopped::Yes),
        // Complete: reserved or taken, under way, or a debit that failed since.
        (SessionState::Complete, Some(intent)) => stop_intent(desk, payment, &intent).await,
        (SessionState::Open, _) | (SessionState::Complete, None) => {
            let tried = format!("close the page on which {} is paid", payment.order);
            Err(Fault::noticed(tried, Retry::Helps))
        }
    }
}
