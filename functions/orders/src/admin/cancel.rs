//! `POST /v1/admin/orders/{id}/cancel`: calls an order off, before it is paid or before anything of
//! it went out. Its stock, keys, promotions and gift cards go back in one write, which also asks
//! for the money that was taken. Calling it off again shows it as it is.

use api::form::{OrderPath, Text};
use api::view::order_desk::OrderFileView;
use api::{Body, Fields, Form, Path, Problem, Reply, Staff, Versioned};
use domain::id::RefundId;
use domain::order::{Cause, Refusal, Status};
use domain::permission::grant;
use domain::refund::REASON_CHARS_MAX;
use runtime::Call;
use serde_json::json;
use settlement::{Called, Calling, Desk};

use crate::App;
use crate::desk::{load, note};

/// Why.
#[derive(Debug)]
pub struct Why {
    reason: String,
}

impl Form for Why {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let reason = fields.required("reason", Text::between(1, REASON_CHARS_MAX));
        Some(Self { reason: reason? })
    }
}

/// Calls an order off.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersWrite>, (Path<OrderPath>, Body<Why>)>,
) -> Reply<Versioned<OrderFileView>> {
    let (Path(OrderPath { id }), Body(Why { reason })) = &call.input;
    let file = load(app, *id).await?;
    let before = json!({"status": file.order.status});
    let held = (before.clone(), json!({"status": Status::OnHold, "hold": Cause::CallingOff}));
    let states = (before, json!({"status": Status::Canceled}));
    let calling = Calling {
        by: call.who.actor(),
        reason: Some(reason.clone()),
        refund: RefundId::from_ulid(app.ids.ulid(call.now)),
        begun: note(app, &call, "order.begin_cancel", id, &held)?,
        note: note(app, &call, "order.cancel", id, &states)?,
    };
    let till = app.till.as_ref().ok_or_else(Problem::internal)?;
    let gateway = till.gateway(call.now).await?;
    let desk = Desk { store: &app.store, gateway: &gateway, now: call.now };
    match Box::pin(settlement::call_off(&desk, *id, calling)).await? {
        Called::Yes(file) => {
            let version = file.order.version;
            Ok(Versioned(OrderFileView::of(file.order, &file.payments, &file.refunds), version))
        }
        Called::No(refusal) => Err(refusal.into()),
        Called::Undecided => Err(Refusal::AlreadyPaid.into()),
    }
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;

    use super::*;

    #[test]
    fn an_order_is_called_off_for_a_reason() {
        assert_eq!(flaws_of::<Why>(&json!({"reason": "Out of stock"})), []);
        assert_eq!(flaws_of::<Why>(&json!({})), [("/reason".to_owned(), "required")]);
        assert_eq!(flaws_of::<Why>(&json!({"reason": ""})), [("/reason".to_owned(), "too_short")]);
    }
}
