//! The queue of Stripe's events: fetches the intent again and settles the order by what it says
//! now. Events come twice, late and out of order; what counts is the object, not the event.

use domain::fault::{Fault, Retry};
use jiff::Timestamp;
use queue::Message;
use settlement::Desk;

use crate::App;
use crate::notice::Notice;

/// Looks into an event.
pub async fn handle(app: &App, message: Message, now: Timestamp) -> Result<(), Fault> {
    let notice = notice(&message.body)?;
    let gateway = app.till.gateway(now).await?;
    let desk = Desk { store: &app.store, gateway: &gateway, now };
    let done = Box::pin(settlement::finalize(&desk, notice.order, Some(&notice.intent))).await?;
    tracing::info!(
        op = "payments.jobs.on_stripe_event",
        event_id = notice.event_id,
        kind = notice.kind,
        order_id = %notice.order,
        done = ?done,
        "looked into an event"
    );
    Ok(())
}

fn notice(body: &str) -> Result<Notice, Fault> {
    serde_json::from_str(body).map_err(|error| Fault::new("read a notice", error, Retry::Useless))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_notice_is_not_tried_again_and_not_repeated_in_the_log() {
        let said = r#"{"event_id":"evt_1","email":"jane@example.org"}"#;
        let fault = notice(said).unwrap_err();
        assert_eq!(fault.retry(), Retry::Useless);
        assert!(!format!("{fault} {fault:?}").contains("jane"), "{fault:?}");
    }
}
