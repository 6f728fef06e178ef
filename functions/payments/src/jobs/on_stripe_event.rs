//! The queue of what Stripe says and of what it is to be asked for.
//!
//! Of an event the object is fetched again, and what it says now is taken over: events come twice,
//! late and out of order; what counts is the object, not the event. A refund that was decided is
//! asked for.

use domain::event::{Event, Fact};
use domain::fault::{Fault, Retry};
use domain::id::{DisputeId, OrderId, RefundId};
use jiff::Timestamp;
use queue::Message;
use settlement::Desk;

use crate::App;
use crate::notice::{Notice, SESSION};

/// What a message wants.
#[derive(Debug)]
enum Wanted {
    /// Look into an event of the provider's.
    Look(Notice),
    /// Ask the provider for a refund.
    Ask { event: Box<Event>, order: OrderId, refund: RefundId },
    /// Tell the provider what the shop answers to a dispute.
    Answer { event: Box<Event>, order: OrderId, dispute: DisputeId },
    /// Ask the provider for reserved money.
    Take { event: Box<Event>, order: OrderId },
}

/// Looks into an event, or asks for a refund.
pub async fn handle(app: &App, message: Message, now: Timestamp) -> Result<(), Fault> {
    let wanted = read(&message.body)?;
    let gateway = app.till()?.gateway(now).await?;
    let desk = Desk { store: &app.store, gateway: &gateway, now };
    match wanted {
        Wanted::Look(notice) => look(&desk, &notice).await,
        Wanted::Ask { event, order, refund } => {
            let done = Box::pin(settlement::send_refund(&desk, order, refund)).await?;
            tracing::info!(
                op = "payments.jobs.on_stripe_event",
                event_id = %event.id,
                order_id = %order,
                refund_id = %refund,
                done = ?done,
                "asked for a refund"
            );
            Ok(())
        }
        Wanted::Take { event, order } => {
            let done = Box::pin(settlement::take_reserved(&desk, order)).await?;
            tracing::info!(
                op = "payments.jobs.on_stripe_event",
                event_id = %event.id,
                order_id = %order,
                done = ?done,
                "asked for reserved money"
            );
            Ok(())
        }
        Wanted::Answer { event, order, dispute } => {
            let papers = app.papers()?;
            let done = Box::pin(settlement::answer_dispute(&desk, papers, order, dispute)).await?;
            tracing::info!(
                op = "payments.jobs.on_stripe_event",
                event_id = %event.id,
                order_id = %order,
                dispute_id = %dispute,
                done = ?done,
                "answered a dispute"
            );
            Ok(())
        }
    }
}

async fn look(desk: &Desk<'_>, notice: &Notice) -> Result<(), Fault> {
    let of_payment = notice.order.filter(|_| is_about_payment(notice));
    let (order, done) = if let Some((order, session)) = session_of(notice) {
        let done = Box::pin(settlement::hear_session(desk, order, session)).await?;
        (Some(order), format!("{done:?}"))
    } else if let Some(dispute) = dispute_of(notice) {
        let heard = Box::pin(settlement::hear_dispute(desk, dispute)).await?;
        (None, format!("{heard:?}"))
    } else if let Some(warning) = warning_of(notice) {
        let heard = settlement::hear_fraud_warning(desk, intent(notice)?, warning);
        (None, format!("{:?}", Box::pin(heard).await?))
    } else if let Some(order) = of_payment {
        let done = Box::pin(settlement::finalize(desk, order, Some(intent(notice)?))).await?;
        (Some(order), format!("{done:?}"))
    } else {
        let heard = Box::pin(settlement::hear_refunds(desk, intent(notice)?)).await?;
        (heard.order, format!("{} refunds moved", heard.moved))
    };
    tracing::info!(
        op = "payments.jobs.on_stripe_event",
        event_id = notice.event_id,
        kind = notice.kind,
        order_id = order.map(|order| order.to_string()),
        done,
        "looked into an event"
    );
    Ok(())
}

/// A reservation that lapsed is told of by its charge, too, which carries what we named on its
/// PaymentIntent; where it does not, the way of refunds finds the order.
fn is_about_payment(notice: &Notice) -> bool {
    notice.kind.starts_with("payment_intent.") || notice.kind == "charge.expired"
}

/// The PaymentIntent that an event tells of; only those of Sessions come without one.
fn intent(notice: &Notice) -> Result<&str, Fault> {
    notice.intent.as_deref().ok_or_else(|| {
        let tried = format!("look into {} without a PaymentIntent", notice.kind);
        Fault::noticed(tried, Retry::Useless)
    })
}

/// The Session that an event tells of, with its order.
fn session_of(notice: &Notice) -> Option<(OrderId, &str)> {
    let object = notice.object.as_deref().filter(|_| notice.kind.starts_with(SESSION));
    notice.order.zip(object)
}

/// The dispute that an event tells of.
fn dispute_of(notice: &Notice) -> Option<&str> {
    let object = notice.object.as_deref();
    object.filter(|_| notice.kind.starts_with("charge.dispute."))
}

/// The early warning of fraud that an event tells of.
fn warning_of(notice: &Notice) -> Option<&str> {
    let object = notice.object.as_deref();
    object.filter(|_| notice.kind.starts_with("radar.early_fraud_warning."))
}

fn read(body: &str) -> Result<Wanted, Fault> {
    if let Ok(event) = serde_json::from_str::<Event>(body) {
        if let Fact::RefundRequested { order_id: order, refund_id: refund } = event.fact {
            return Ok(Wanted::Ask { event: Box::new(event), order, refund });
        }
        if let Fact::DisputeAnswered { order_id: order, dispute_id: dispute } = event.fact {
            return Ok(Wanted::Answer { event: Box::new(event), order, dispute });
        }
        if let Fact::CaptureRequested { order_id: order } = event.fact {
            return Ok(Wanted::Take { event: Box::new(event), order });
        }
        let tried = format!("ask the payment provider for {}", event.fact.name());
        return Err(Fault::noticed(tried, Retry::Useless));
    }
    serde_json::from_str(body)
        .map(Wanted::Look)
        .map_err(|error| Fault::new("read a notice", error, Retry::Useless))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_notice_is_not_tried_again_and_not_repeated_in_the_log() {
        let said = r#"{"event_id":"evt_1","email":"jane@example.org"}"#;
        let fault = read(said).unwrap_err();
        assert_eq!(fault.retry(), Retry::Useless);
        assert!(!format!("{fault} {fault:?}").contains("jane"), "{fault:?}");
    }

    #[test]
    fn a_refund_that_was_decided_is_asked_for_and_nothing_else_is() {
        let event = |fact: &str| {
            let head = r#""id":"evt_01ARZ3NDEKTSV4RRFFQ69G5FAV","at":"2026-11-02T09:00:00Z""#;
            let order = r#""order_id":"ord_01ARZ3NDEKTSV4RRFFQ69G5FAV""#;
            format!(r#"{{{head},"sequence":1,{fact},{order}}}"#)
        };
        let refund = r#""type":"refund.requested","refund_id":"ref_01ARZ3NDEKTSV4RRFFQ69G5FAV""#;
        assert!(matches!(read(&event(refund)), Ok(Wanted::Ask { .. })));
        let fault = read(&event(r#""type":"order.placed""#)).unwrap_err();
        assert_eq!(fault.retry(), Retry::Useless);
    }
}
