//! `POST /v1/admin/orders/{id}/hold`: somebody looks at the order; nothing of it is sent meanwhile.

use api::form::{OrderPath, Text};
use api::reply::Remembered;
use api::view::order_desk::OrderFileView;
use api::{Body, Fields, Form, Path, Reply, Staff, Versioned};
use domain::permission::grant;
use domain::refund::REASON_CHARS_MAX;
use runtime::Call;

use crate::App;
use crate::desk::turn;

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

/// Holds an order.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersWrite>, (Path<OrderPath>, Body<Why>)>,
) -> Reply<Remembered<Versioned<OrderFileView>>> {
    let (Path(OrderPath { id }), Body(Why { reason })) = &call.input;
    let (by, now) = (call.who.actor(), call.now);
    turn(app, &call, *id, "order.hold", |order| order.hold(reason.clone(), by, now)).await
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_order_is_held_for_a_reason() {
        assert_eq!(flaws_of::<Why>(&json!({"reason": "Asked for another address"})), []);
        assert_eq!(flaws_of::<Why>(&json!({})), [("/reason".to_owned(), "required")]);
    }
}
